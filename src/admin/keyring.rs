//! The named encryption keys, for operators.

use super::Refusal;
use super::api::{CreateEncryptionKey, DeleteEncryptionKey, EncryptionKey, EncryptionKeyState, Keyring};
use super::operations::Operations;
use super::route::EncryptionKeyChange;
use crate::object::{Error, KeyInfo};
use crate::types::{Civil, KeyState, Timestamp};

/// Days that a key waits for its deletion at least and at most (as on AWS).
const DELETION_DAYS: std::ops::RangeInclusive<u64> = 7..=30;

impl Operations {
    /// Every named key.
    pub(super) fn keyring(&self) -> Keyring {
        let keys = self.engine.list_encryption_keys().into_iter().map(report).collect();
        Keyring { locked: self.engine.keyring_is_locked(), keys }
    }

    /// Makes a named key.
    pub(super) async fn create_encryption_key(
        &self,
        request: CreateEncryptionKey,
    ) -> Result<EncryptionKey, Refusal> {
        self.engine.create_encryption_key(&request.id).await.map_err(|error| refusal(&request.id, error))?;
        self.key(&request.id)
    }

    /// Rotates, enables or disables one.
    pub(super) async fn change_encryption_key(
        &self,
        id: &str,
        change: EncryptionKeyChange,
    ) -> Result<EncryptionKey, Refusal> {
        let changed = match change {
            EncryptionKeyChange::Rotate => self.engine.rotate_encryption_key(id).await,
            EncryptionKeyChange::Enable => self.engine.enable_encryption_key(id, true).await,
            EncryptionKeyChange::Disable => self.engine.enable_encryption_key(id, false).await,
            EncryptionKeyChange::Keep => self.engine.cancel_key_deletion(id).await,
        };
        changed.map_err(|error| refusal(id, error))?;
        self.key(id)
    }

    /// Has one deleted when a wait is over.
    pub(super) async fn delete_encryption_key(
        &self,
        id: &str,
        request: DeleteEncryptionKey,
    ) -> Result<EncryptionKey, Refusal> {
        let days = request.days.unwrap_or(*DELETION_DAYS.end());
        if !DELETION_DAYS.contains(&days) {
            let (least, most) = (DELETION_DAYS.start(), DELETION_DAYS.end());
            return Err(Refusal::BadRequest(format!("a key is deleted after {least} to {most} days")));
        }
        self.engine.schedule_key_deletion(id, days).await.map_err(|error| refusal(id, error))?;
        self.key(id)
    }

    fn key(&self, id: &str) -> Result<EncryptionKey, Refusal> {
        let found = self.engine.list_encryption_keys().into_iter().find(|key| key.id == id);
        found.map(report).ok_or_else(|| refusal(id, Error::NoSuchEncryptionKey(id.to_owned())))
    }
}

fn report(key: KeyInfo) -> EncryptionKey {
    EncryptionKey {
        id: key.id,
        created: key.created.map(date),
        rotated: key.rotated.map(date),
        versions: key.versions as u64,
        enabled: key.state == KeyState::Enabled,
        state: match key.state {
            KeyState::Enabled => EncryptionKeyState::Enabled,
            KeyState::Disabled => EncryptionKeyState::Disabled,
            KeyState::PendingDeletion { .. } => EncryptionKeyState::PendingDeletion,
            KeyState::Deleted => EncryptionKeyState::Deleted,
        },
        deletion: match key.state {
            KeyState::PendingDeletion { at } => Some(date(at)),
            KeyState::Enabled | KeyState::Disabled | KeyState::Deleted => None,
        },
    }
}

/// The day, as RFC 3339 writes it.
fn date(time: Timestamp) -> String {
    let Civil { year, month, day, .. } = Civil::from_unix_secs(time.as_secs());
    format!("{year:04}-{month:02}-{day:02}")
}

fn refusal(id: &str, error: Error) -> Refusal {
    match error {
        Error::NoSuchEncryptionKey(_) => Refusal::NotFound(format!(
            "there is no key {id}; `holdfast admin keyring list` shows those there are"
        )),
        Error::EncryptionKeyExists => Refusal::Conflict(format!(
            "there is a key {id} already, or was one; `rotate` gives it a new version, and a deleted one's name is not \
             used again"
        )),
        Error::EncryptionKeyPendingDeletion(_) => Refusal::Conflict(format!(
            "the key {id} is to be deleted; `holdfast admin keyring keep {id}` ends that"
        )),
        Error::EncryptionKeyNotPending(_) => {
            Refusal::Conflict(format!("the key {id} does not wait to be deleted"))
        }
        Error::EncryptionKeyOfServer(_) => {
            Refusal::Conflict(format!("{id} is the server's own key, which it makes by itself, and stays"))
        }
        Error::InvalidEncryptionKeyId => Refusal::BadRequest(format!(
            "{id} cannot be a key's name: take 1 to 256 letters, digits and signs of /_-. without `alias/` or `key/` \
             before them"
        )),
        Error::TooManyEncryptionKeys => Refusal::Conflict("there are as many keys as there may be".into()),
        Error::KeyringLocked => Refusal::Conflict(
            "the server lacks the key that its keys are sealed under; start it with --encryption-key-file"
                .into(),
        ),
        error => {
            tracing::warn!(%error, "change keyring");
            Refusal::Unavailable("the key could not be kept; the log of the server says why".into())
        }
    }
}
