//! What operators do with named keys: make, rotate, enable and disable them, and delete them after a wait.
//!
//! A key that is to be deleted cannot be used from the moment that is asked for, so that whoever still needs it finds
//! out while it can be had back. Once it is deleted its row stays without what it sealed with: nothing else ever has its
//! name, so what it sealed cannot be mistaken for damaged.

use std::sync::Arc;

use super::keyring::{DEFAULT_KEY_ID, NamedKey, S3_KEY_ID, bound_to_root, is_key_id, plain_id};
use crate::metadata::Mutation;
use crate::object::api::{Error, Result};
use crate::object::engine::Engine;
use crate::sealing::AeadKey;
use crate::types::{KeyState, MasterKey, MasterKeyVersion, Timestamp};

/// Named keys at most.
const KEYS_MAX: usize = 10_000;
/// Versions of a key at most.
const VERSIONS_MAX: usize = 1000;

/// A named key as operators see it.
#[derive(Debug, Clone)]
pub struct KeyInfo {
    /// Its name.
    pub id: String,
    /// When it was made; of one that is deleted nobody knows.
    pub created: Option<Timestamp>,
    /// When it was last rotated, if ever.
    pub rotated: Option<Timestamp>,
    /// How many versions it has.
    pub versions: usize,
    /// Whether it may be used.
    pub state: KeyState,
}

impl Engine {
    /// Makes a key that the server needs, the first time.
    pub(super) async fn ensure_key(&self, id: &str) -> Result<()> {
        if self.keyring.find(id).is_ok() {
            return Ok(());
        }
        match self.create_encryption_key(id).await {
            Ok(()) | Err(Error::EncryptionKeyExists) => Ok(()),
            // An attempt that was not known to have succeeded had.
            Err(Error::Conflict) if self.keyring.find(id).is_ok() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes a named key.
    pub async fn create_encryption_key(&self, id: &str) -> Result<()> {
        if !is_key_id(id) {
            return Err(Error::InvalidEncryptionKeyId);
        }
        let _changing = self.keyring.changing.lock().await;
        if self.keyring.read().contains_key(id) {
            return Err(Error::EncryptionKeyExists);
        }
        if self.list_encryption_keys().len() >= KEYS_MAX {
            return Err(Error::TooManyEncryptionKeys);
        }
        let version = self.new_version(id)?;
        self.put_key(id, 1, MasterKey { state: KeyState::Enabled, versions: vec![version] }).await
    }

    /// Gives a named key a new version, which seals from now on. What older ones sealed stays readable.
    pub async fn rotate_encryption_key(&self, id: &str) -> Result<()> {
        let _changing = self.keyring.changing.lock().await;
        let named = self.keyring.find(id)?;
        named.check_stays(id)?;
        if named.master.versions.len() >= VERSIONS_MAX {
            return Err(Error::TooManyEncryptionKeys);
        }
        let mut master = named.master.clone();
        master.versions.push(self.new_version(plain_id(id))?);
        self.put_key(plain_id(id), named.revision + 1, master).await
    }

    /// Lets a named key be used, or not. Nothing is lost by it.
    pub async fn enable_encryption_key(&self, id: &str, enabled: bool) -> Result<()> {
        let _changing = self.keyring.changing.lock().await;
        let named = self.keyring.find(id)?;
        named.check_stays(id)?;
        let state = if enabled { KeyState::Enabled } else { KeyState::Disabled };
        self.put_state(id, &named, state).await
    }

    /// Has a named key deleted after so many days. Until then it is not used, and can be had back.
    pub async fn schedule_key_deletion(&self, id: &str, days: u64) -> Result<()> {
        let _changing = self.keyring.changing.lock().await;
        let named = self.keyring.find(id)?;
        if [S3_KEY_ID, DEFAULT_KEY_ID].contains(&plain_id(id)) {
            return Err(Error::EncryptionKeyOfServer(id.to_owned()));
        }
        named.check_stays(id)?;
        let wait_ms = days.saturating_mul(self.lifecycle_day_secs).saturating_mul(1000);
        let at = Timestamp::from_millis(self.clock.now().as_millis().saturating_add(wait_ms));
        self.put_state(id, &named, KeyState::PendingDeletion { at }).await
    }

    /// Keeps a named key that was to be deleted; it is disabled then, as on AWS.
    pub async fn cancel_key_deletion(&self, id: &str) -> Result<()> {
        let _changing = self.keyring.changing.lock().await;
        let named = self.keyring.find(id)?;
        match named.master.state {
            KeyState::PendingDeletion { .. } => self.put_state(id, &named, KeyState::Disabled).await,
            _ => Err(Error::EncryptionKeyNotPending(id.to_owned())),
        }
    }

    /// Deletes the keys whose wait is over; returns how many.
    pub async fn delete_due_keys(&self) -> Result<usize> {
        let _changing = self.keyring.changing.lock().await;
        let now = self.clock.now();
        let due = |key: &KeyInfo| matches!(key.state, KeyState::PendingDeletion { at } if at <= now);
        let due: Vec<KeyInfo> = self.list_encryption_keys().into_iter().filter(due).collect();
        for key in &due {
            let revision = self.keyring.find(&key.id)?.revision + 1;
            let gone = MasterKey { state: KeyState::Deleted, versions: Vec::new() };
            self.put_key(&key.id, revision, gone).await?;
            tracing::warn!(key = key.id, "an encryption key was deleted; what is under it is lost");
        }
        Ok(due.len())
    }

    async fn put_state(&self, id: &str, named: &NamedKey, state: KeyState) -> Result<()> {
        let master = MasterKey { state, ..named.master.clone() };
        self.put_key(plain_id(id), named.revision + 1, master).await
    }

    /// All named keys by name.
    pub fn list_encryption_keys(&self) -> Vec<KeyInfo> {
        let info = |(id, key): (&String, &Arc<NamedKey>)| {
            let versions = &key.master.versions;
            KeyInfo {
                id: id.clone(),
                created: versions.first().map(|version| version.created),
                rotated: versions.get(1..).and_then(<[_]>::last).map(|version| version.created),
                versions: versions.len(),
                state: key.master.state,
            }
        };
        let mut keys: Vec<KeyInfo> = self.keyring.read().iter().map(info).collect();
        keys.sort_by(|a, b| a.id.cmp(&b.id));
        keys
    }

    fn new_version(&self, id: &str) -> Result<MasterKeyVersion> {
        // A deployment's keys are all sealed under one key: that another was given must not stay hidden.
        let root = self.keyring.root.get().filter(|_| !self.keyring.is_locked());
        let root = root.ok_or(Error::KeyringLocked)?;
        let (_, bytes) = AeadKey::random();
        Ok(MasterKeyVersion {
            created: self.clock.now(),
            sealed: root.own().seal(&bytes, &bound_to_root(id)),
        })
    }

    /// Keeps a key. Nothing is sealed with it before it is durable.
    async fn put_key(&self, id: &str, revision: u64, key: MasterKey) -> Result<()> {
        let mutation = Mutation::PutMasterKey { id: id.to_owned(), revision, key };
        let committed = self.store.commit(mutation).await;
        // Also after a failure: what was not acknowledged may be there.
        let read = self.store.master_keys()?.into_iter().find(|(present, ..)| present == id);
        if let Some((id, revision, master)) = read {
            let named = NamedKey::open(self.keyring.root.get(), &id, revision, master);
            self.keyring.write().insert(id, Arc::new(named));
        }
        committed.map(drop).map_err(Error::from)
    }
}
