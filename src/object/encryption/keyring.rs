//! The named keys, and the keys of objects sealed under them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::aead::{AeadKey, KEY_LEN};
use crate::checksum::md5::Md5;
use crate::metadata::{Mutation, Store};
use crate::object::api::{Error, Result};
use crate::object::engine::Engine;
use crate::types::{Encryption, EncryptionMode, MasterKey, MasterKeyVersion, Timestamp};

/// The key of SSE-S3.
const S3_KEY_ID: &str = "aws/s3-managed";
/// The key of SSE-KMS where the request names none.
const DEFAULT_KEY_ID: &str = "aws/s3";
/// Characters of a key's name at most, as of an alias on AWS.
const KEY_ID_LEN_MAX: usize = 256;
/// Named keys at most.
const KEYS_MAX: usize = 10_000;
/// Versions of a key at most.
const VERSIONS_MAX: usize = 1000;

/// The deployment's key, which named keys are sealed under. On no drive.
#[derive(Clone)]
pub struct RootKey(AeadKey);

impl RootKey {
    /// Takes 32 bytes.
    pub fn new(bytes: &[u8; KEY_LEN]) -> Self {
        Self(AeadKey::new(bytes))
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(..)")
    }
}

/// A key that a client brings (SSE-C).
#[derive(Clone)]
pub struct CustomerKey {
    key: AeadKey,
    md5: [u8; 16],
}

impl CustomerKey {
    /// Takes its 32 bytes.
    pub fn new(bytes: &[u8; KEY_LEN]) -> Self {
        Self { key: AeadKey::new(bytes), md5: Md5::digest(bytes) }
    }

    /// MD5 of its bytes.
    pub fn md5(&self) -> [u8; 16] {
        self.md5
    }
}

impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomerKey(..)")
    }
}

/// How a write is to be encrypted.
#[derive(Debug, Clone)]
pub enum NewEncryption {
    /// Under the server's key (SSE-S3).
    S3,
    /// Under a named key (SSE-KMS).
    Kms {
        /// Its name, alias or ARN; `None` for the default one.
        key_id: Option<String>,
        /// The encryption context, base64.
        context: Option<String>,
        /// See [`EncryptionMode::Kms`].
        bucket_key: bool,
        /// See [`EncryptionMode::Kms`].
        dual_layer: bool,
    },
    /// Under the client's key (SSE-C).
    Customer(CustomerKey),
}

impl NewEncryption {
    /// What an object has, for another one; `None` for one that a client's key is needed for.
    pub(crate) fn same_as(mode: EncryptionMode, customer: Option<CustomerKey>) -> Option<Self> {
        match mode {
            EncryptionMode::S3 => Some(Self::S3),
            EncryptionMode::Kms { key_id, context, bucket_key, dual_layer } => {
                Some(Self::Kms { key_id: Some(key_id), context, bucket_key, dual_layer })
            }
            EncryptionMode::Customer { .. } => customer.map(Self::Customer),
        }
    }
}

/// A named key as operators see it.
#[derive(Debug, Clone)]
pub struct KeyInfo {
    /// Its name.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last rotated, if ever.
    pub rotated: Option<Timestamp>,
    /// How many versions it has.
    pub versions: usize,
    /// May seal and open.
    pub enabled: bool,
}

/// A named key, opened.
#[derive(Debug)]
struct NamedKey {
    revision: u64,
    master: MasterKey,
    /// One for each version; `None` for those that the deployment's key does not open.
    keys: Vec<Option<AeadKey>>,
}

impl NamedKey {
    fn open(root: Option<&RootKey>, id: &str, revision: u64, master: MasterKey) -> Self {
        let open = |version: &MasterKeyVersion| root?.0.open_key(&version.sealed, &bound_to_root(id));
        let keys = master.versions.iter().map(open).collect();
        Self { revision, master, keys }
    }
}

fn bound_to_root(id: &str) -> Vec<u8> {
    [b"holdfast named key\0", id.as_bytes()].concat()
}

/// What an object's key is bound to: the named key, and what the client gave as context.
fn bound_to_named(id: &str, context: Option<&str>) -> Vec<u8> {
    [b"holdfast object key\0", id.as_bytes(), b"\0", context.unwrap_or_default().as_bytes()].concat()
}

const BOUND_TO_CUSTOMER: &[u8] = b"holdfast object key of a customer";

/// The part of an ARN, alias or name that names the key.
fn plain_id(id: &str) -> &str {
    let id = match id.rsplit_once(':') {
        Some((arn, resource)) if arn.starts_with("arn:") => resource,
        Some(_) | None => id,
    };
    id.strip_prefix("key/").or_else(|| id.strip_prefix("alias/")).unwrap_or(id)
}

fn is_key_id(id: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || "/_-.".contains(c);
    !id.is_empty() && id.len() <= KEY_ID_LEN_MAX && id.chars().all(known) && plain_id(id) == id
}

/// A client must bring its key for what is encrypted with one, and for nothing else.
pub(crate) fn check_customer_key(
    encryption: Option<&Encryption>,
    customer: Option<&CustomerKey>,
) -> Result<()> {
    let needed = matches!(encryption, Some(Encryption { mode: EncryptionMode::Customer { .. }, .. }));
    match (needed, customer) {
        (true, None) => Err(Error::CustomerKeyMissing),
        (false, Some(_)) => Err(Error::CustomerKeyNotApplicable),
        (true, Some(_)) | (false, None) => Ok(()),
    }
}

/// All named keys.
#[derive(Debug)]
pub(crate) struct Keyring {
    root: OnceLock<RootKey>,
    keys: RwLock<HashMap<String, Arc<NamedKey>>>,
    /// Held while keys change.
    changing: tokio::sync::Mutex<()>,
}

impl Keyring {
    /// Reads the keys; until it is unlocked they stay sealed.
    pub(crate) fn open(store: &Store) -> Result<Self> {
        let keys = store.master_keys()?.into_iter();
        let keys = keys.map(|(id, revision, master)| {
            let key = NamedKey::open(None, &id, revision, master);
            (id, Arc::new(key))
        });
        let keys = RwLock::new(keys.collect());
        Ok(Self { root: OnceLock::new(), keys, changing: tokio::sync::Mutex::default() })
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<String, Arc<NamedKey>>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<String, Arc<NamedKey>>> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A key is still sealed, or nothing could be sealed.
    fn is_locked(&self) -> bool {
        self.root.get().is_none() || self.read().values().any(|key| key.keys.iter().any(Option::is_none))
    }

    fn find(&self, id: &str) -> Result<Arc<NamedKey>> {
        self.read().get(plain_id(id)).cloned().ok_or_else(|| Error::NoSuchEncryptionKey(id.to_owned()))
    }

    /// Seals an object's key under the newest version of a named one.
    fn seal(&self, id: &str, context: Option<&str>, key: &[u8; KEY_LEN]) -> Result<Vec<u8>> {
        let named = self.find(id)?;
        if !named.master.enabled {
            return Err(Error::EncryptionKeyDisabled(id.to_owned()));
        }
        let newest = named.keys.last().and_then(Option::as_ref).ok_or(Error::KeyringLocked)?;
        let mut sealed = (named.keys.len() as u32).to_be_bytes().to_vec();
        newest.seal_onto(key, &bound_to_named(plain_id(id), context), &mut sealed);
        Ok(sealed)
    }

    /// Opens an object's key.
    fn unseal(&self, id: &str, context: Option<&str>, sealed: &[u8]) -> Result<AeadKey> {
        let named = self.find(id)?;
        if !named.master.enabled {
            return Err(Error::EncryptionKeyDisabled(id.to_owned()));
        }
        let damaged = || Error::Internal("the object's sealed key is damaged".into());
        let (version, sealed) = sealed.split_first_chunk().ok_or_else(damaged)?;
        let version = (u32::from_be_bytes(*version) as usize).checked_sub(1).ok_or_else(damaged)?;
        let key = named.keys.get(version).ok_or_else(damaged)?.as_ref().ok_or(Error::KeyringLocked)?;
        key.open_key(sealed, &bound_to_named(plain_id(id), context)).ok_or_else(damaged)
    }

    /// The key of an object; a client's own key is only looked at where it was sealed under one.
    pub(crate) fn object_key(
        &self,
        encryption: &Encryption,
        customer: Option<&CustomerKey>,
    ) -> Result<AeadKey> {
        match &encryption.mode {
            EncryptionMode::S3 => self.unseal(S3_KEY_ID, None, &encryption.sealed_key),
            EncryptionMode::Kms { key_id, context, .. } => {
                self.unseal(key_id, context.as_deref(), &encryption.sealed_key)
            }
            EncryptionMode::Customer { .. } => {
                let customer = customer.ok_or(Error::CustomerKeyMissing)?;
                let key = customer.key.open_key(&encryption.sealed_key, BOUND_TO_CUSTOMER);
                key.ok_or(Error::CustomerKeyWrong)
            }
        }
    }
}

impl Engine {
    /// Takes the deployment's key, once; false if some named key is sealed under another.
    pub fn unlock_keyring(&self, root: RootKey) -> bool {
        let root = self.keyring.root.get_or_init(|| root);
        for (id, key) in self.keyring.write().iter_mut() {
            *key = Arc::new(NamedKey::open(Some(root), id, key.revision, key.master.clone()));
        }
        !self.keyring_is_locked()
    }

    /// Encrypted objects cannot be written, and some not read: the deployment's key is missing, or is another.
    pub fn keyring_is_locked(&self) -> bool {
        self.keyring.is_locked()
    }

    /// A key for a new object, and what is to be kept beside the object.
    pub(in crate::object) async fn new_object_key(
        &self,
        wanted: NewEncryption,
    ) -> Result<(Encryption, AeadKey)> {
        let (key, bytes) = AeadKey::random();
        let (mode, sealed_key) = match wanted {
            NewEncryption::S3 => {
                self.ensure_key(S3_KEY_ID).await?;
                (EncryptionMode::S3, self.keyring.seal(S3_KEY_ID, None, &bytes)?)
            }
            NewEncryption::Kms { key_id, context, bucket_key, dual_layer } => {
                let key_id = key_id.unwrap_or_else(|| DEFAULT_KEY_ID.to_owned());
                if plain_id(&key_id) == DEFAULT_KEY_ID {
                    self.ensure_key(DEFAULT_KEY_ID).await?;
                }
                let sealed = self.keyring.seal(&key_id, context.as_deref(), &bytes)?;
                (EncryptionMode::Kms { key_id, context, bucket_key, dual_layer }, sealed)
            }
            NewEncryption::Customer(customer) => {
                let sealed = customer.key.seal(&bytes, BOUND_TO_CUSTOMER);
                (EncryptionMode::Customer { key_md5: customer.md5 }, sealed)
            }
        };
        Ok((Encryption { mode, sealed_key }, key))
    }

    /// Makes a key that the server needs, the first time.
    async fn ensure_key(&self, id: &str) -> Result<()> {
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
        if self.keyring.find(id).is_ok() {
            return Err(Error::EncryptionKeyExists);
        }
        if self.list_encryption_keys().len() >= KEYS_MAX {
            return Err(Error::TooManyEncryptionKeys);
        }
        let version = self.new_version(id)?;
        self.put_key(id, 1, MasterKey { enabled: true, versions: vec![version] }).await
    }

    /// Gives a named key a new version, which seals from now on. What older ones sealed stays readable.
    pub async fn rotate_encryption_key(&self, id: &str) -> Result<()> {
        let _changing = self.keyring.changing.lock().await;
        let named = self.keyring.find(id)?;
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
        let master = MasterKey { enabled, ..named.master.clone() };
        self.put_key(plain_id(id), named.revision + 1, master).await
    }

    /// All named keys by name.
    pub fn list_encryption_keys(&self) -> Vec<KeyInfo> {
        let info = |(id, key): (&String, &Arc<NamedKey>)| {
            let (first, last) = (key.master.versions.first()?, key.master.versions.last()?);
            Some(KeyInfo {
                id: id.clone(),
                created: first.created,
                rotated: (key.master.versions.len() > 1).then_some(last.created),
                versions: key.master.versions.len(),
                enabled: key.master.enabled,
            })
        };
        let mut keys: Vec<KeyInfo> = self.keyring.read().iter().filter_map(info).collect();
        keys.sort_by(|a, b| a.id.cmp(&b.id));
        keys
    }

    fn new_version(&self, id: &str) -> Result<MasterKeyVersion> {
        // A deployment's keys are all sealed under one key: that another was given must not stay hidden.
        let root = self.keyring.root.get().filter(|_| !self.keyring.is_locked());
        let root = root.ok_or(Error::KeyringLocked)?;
        let (_, bytes) = AeadKey::random();
        Ok(MasterKeyVersion { created: self.clock.now(), sealed: root.0.seal(&bytes, &bound_to_root(id)) })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_plainly_by_alias_and_by_arn() {
        for (id, plain) in [
            ("mine", "mine"),
            ("alias/mine", "mine"),
            ("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab", "1234abcd-12ab"),
            ("arn:aws:kms:us-east-1:111122223333:alias/aws/s3", "aws/s3"),
            ("aws/s3", "aws/s3"),
        ] {
            assert_eq!(plain_id(id), plain);
        }
        assert!(is_key_id("a/B-1.x_y") && is_key_id("aws/s3"));
        for bad in ["", "a b", "alias/x", "arn:aws:kms:x", "é", &"k".repeat(257)] {
            assert!(!is_key_id(bad), "{bad}");
        }
    }
}
