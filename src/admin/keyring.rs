//! The named encryption keys, for operators.

use super::Refusal;
use super::api::{CreateEncryptionKey, EncryptionKey, Keyring};
use super::operations::Operations;
use super::route::EncryptionKeyChange;
use crate::object::{Error, KeyInfo};
use crate::types::{Civil, Timestamp};

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
        };
        changed.map_err(|error| refusal(id, error))?;
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
        created: date(key.created),
        rotated: key.rotated.map(date),
        versions: key.versions as u64,
        enabled: key.enabled,
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
        Error::EncryptionKeyExists => {
            Refusal::Conflict(format!("there is a key {id} already; `rotate` gives it a new version"))
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
