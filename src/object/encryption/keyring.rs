//! The named keys, and the keys of objects sealed under them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::transit::Kms;
use crate::checksum::md5::Md5;
use crate::metadata::Store;
use crate::object::api::{Error, Result};
use crate::object::engine::Engine;
use crate::sealing::{AeadKey, KEY_LEN, RootKey};
use crate::types::{Encryption, EncryptionMode, KeyState, MasterKey, MasterKeyVersion};

/// The key of SSE-S3.
pub(super) const S3_KEY_ID: &str = "aws/s3-managed";
/// The key of SSE-KMS where the request names none.
pub(super) const DEFAULT_KEY_ID: &str = "aws/s3";
/// Characters of a key's name at most, as of an alias on AWS.
const KEY_ID_LEN_MAX: usize = 256;
/// Stands where the version of a named key does if a key of the service sealed.
const BY_SERVICE: u32 = 0;

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

/// A named key, opened.
#[derive(Debug)]
pub(super) struct NamedKey {
    pub(super) revision: u64,
    pub(super) master: MasterKey,
    /// One for each version; `None` for those that the deployment's key does not open.
    keys: Vec<Option<AeadKey>>,
}

impl NamedKey {
    pub(super) fn open(root: Option<&RootKey>, id: &str, revision: u64, master: MasterKey) -> Self {
        let open = |version: &MasterKeyVersion| root?.own().open_key(&version.sealed, &bound_to_root(id));
        let keys = master.versions.iter().map(open).collect();
        Self { revision, master, keys }
    }

    /// Refuses a key that is to be deleted.
    pub(super) fn check_stays(&self, id: &str) -> Result<()> {
        match self.master.state {
            KeyState::PendingDeletion { .. } => Err(Error::EncryptionKeyPendingDeletion(id.to_owned())),
            KeyState::Enabled | KeyState::Disabled | KeyState::Deleted => Ok(()),
        }
    }

    /// Refuses a key that may not be used.
    fn check(&self, id: &str) -> Result<()> {
        match self.master.state {
            KeyState::Enabled => Ok(()),
            KeyState::Disabled => Err(Error::EncryptionKeyDisabled(id.to_owned())),
            KeyState::PendingDeletion { .. } => Err(Error::EncryptionKeyPendingDeletion(id.to_owned())),
            KeyState::Deleted => Err(Error::NoSuchEncryptionKey(id.to_owned())),
        }
    }
}

pub(super) fn bound_to_root(id: &str) -> Vec<u8> {
    [b"holdfast named key\0", id.as_bytes()].concat()
}

/// What an object's key is bound to: the named key, and what the client gave as context.
fn bound_to_named(id: &str, context: Option<&str>) -> Vec<u8> {
    [b"holdfast object key\0", id.as_bytes(), b"\0", context.unwrap_or_default().as_bytes()].concat()
}

const BOUND_TO_CUSTOMER: &[u8] = b"holdfast object key of a customer";

/// The part of an ARN, alias or name that names the key.
pub(super) fn plain_id(id: &str) -> &str {
    let id = match id.rsplit_once(':') {
        Some((arn, resource)) if arn.starts_with("arn:") => resource,
        Some(_) | None => id,
    };
    id.strip_prefix("key/").or_else(|| id.strip_prefix("alias/")).unwrap_or(id)
}

pub(super) fn is_key_id(id: &str) -> bool {
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
    pub(super) root: OnceLock<RootKey>,
    keys: RwLock<HashMap<String, Arc<NamedKey>>>,
    /// Held while keys change.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// Has keys that are not among these.
    service: OnceLock<Kms>,
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
        let changing = tokio::sync::Mutex::default();
        Ok(Self { root: OnceLock::new(), keys, changing, service: OnceLock::new() })
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, HashMap<String, Arc<NamedKey>>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, HashMap<String, Arc<NamedKey>>> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A key is still sealed, or nothing could be sealed.
    pub(super) fn is_locked(&self) -> bool {
        self.root.get().is_none() || self.read().values().any(|key| key.keys.iter().any(Option::is_none))
    }

    /// A key that there is, whether it may be used or not.
    pub(super) fn find(&self, id: &str) -> Result<Arc<NamedKey>> {
        let found = self.read().get(plain_id(id)).cloned();
        let found = found.filter(|key| key.master.state != KeyState::Deleted);
        found.ok_or_else(|| Error::NoSuchEncryptionKey(id.to_owned()))
    }

    /// The service that has the key of this name: any that was never one of the keyring's.
    fn service_of(&self, id: &str) -> Option<&Kms> {
        self.service.get().filter(|_| !self.read().contains_key(plain_id(id)))
    }

    /// The key of those who ask for SSE-KMS and name none.
    fn default_key_id(&self) -> String {
        self.service.get().map_or(DEFAULT_KEY_ID, Kms::default_key).to_owned()
    }

    /// Seals an object's key under the newest version of a named one.
    fn seal(&self, id: &str, context: Option<&str>, key: &[u8; KEY_LEN]) -> Result<Vec<u8>> {
        let named = self.find(id)?;
        named.check(id)?;
        let newest = named.keys.last().and_then(Option::as_ref).ok_or(Error::KeyringLocked)?;
        let mut sealed = (named.keys.len() as u32).to_be_bytes().to_vec();
        newest.seal_onto(key, &bound_to_named(plain_id(id), context), &mut sealed);
        Ok(sealed)
    }

    /// Opens an object's key that a named one sealed.
    fn unseal(&self, id: &str, context: Option<&str>, sealed: &[u8]) -> Result<[u8; KEY_LEN]> {
        let named = self.find(id)?;
        named.check(id)?;
        let (version, sealed) = sealed.split_first_chunk().ok_or_else(damaged)?;
        let version = (u32::from_be_bytes(*version) as usize).checked_sub(1).ok_or_else(damaged)?;
        let key = named.keys.get(version).ok_or_else(damaged)?.as_ref().ok_or(Error::KeyringLocked)?;
        key.open_bytes(sealed, &bound_to_named(plain_id(id), context)).ok_or_else(damaged)
    }

    /// Seals an object's key under a data key of the service: that, sealed, stands before it.
    async fn seal_by_service(
        &self,
        (service, id): (&Kms, &str),
        context: Option<&str>,
        shared: bool,
        key: &[u8; KEY_LEN],
    ) -> Result<Vec<u8>> {
        let data = service.data_key(plain_id(id), context, shared).await?;
        let too_long = |_| Error::KmsRefused("its sealed keys are too long".into());
        let len = u16::try_from(data.sealed.len()).map_err(too_long)?;
        let mut sealed = BY_SERVICE.to_be_bytes().to_vec();
        sealed.extend_from_slice(&len.to_be_bytes());
        sealed.extend_from_slice(data.sealed.as_bytes());
        data.key.seal_onto(key, &bound_to_named(plain_id(id), context), &mut sealed);
        Ok(sealed)
    }

    /// Opens an object's key that a data key of the service sealed.
    async fn unseal_by_service(
        &self,
        id: &str,
        context: Option<&str>,
        sealed: &[u8],
    ) -> Result<[u8; KEY_LEN]> {
        let missing = || Error::KmsUnavailable("this server was started without --kms-url".into());
        let (len, rest) = sealed.split_first_chunk().ok_or_else(damaged)?;
        let (data, sealed) = rest.split_at_checked(u16::from_be_bytes(*len).into()).ok_or_else(damaged)?;
        let data = std::str::from_utf8(data).map_err(|_| damaged())?;
        let data = self.service.get().ok_or_else(missing)?.open(plain_id(id), context, data).await?;
        data.open_bytes(sealed, &bound_to_named(plain_id(id), context)).ok_or_else(damaged)
    }

    /// The bytes of the key of an object; a client's own key is only looked at where it was sealed under one.
    pub(in crate::object) async fn object_key_bytes(
        &self,
        Encryption { mode, sealed_key }: &Encryption,
        customer: Option<&CustomerKey>,
    ) -> Result<[u8; KEY_LEN]> {
        match mode {
            EncryptionMode::S3 => self.unseal(S3_KEY_ID, None, sealed_key),
            EncryptionMode::Kms { key_id, context, .. } => {
                let context = context.as_deref();
                match sealed_key.strip_prefix(&BY_SERVICE.to_be_bytes()) {
                    // A request of its own: boxed, so that reads without one are no larger for it.
                    Some(sealed) => Box::pin(self.unseal_by_service(key_id, context, sealed)).await,
                    None => self.unseal(key_id, context, sealed_key),
                }
            }
            EncryptionMode::Customer { .. } => {
                let customer = customer.ok_or(Error::CustomerKeyMissing)?;
                customer.key.open_bytes(sealed_key, BOUND_TO_CUSTOMER).ok_or(Error::CustomerKeyWrong)
            }
        }
    }

    /// The key of an object, as [`Self::object_key_bytes`].
    pub(crate) async fn object_key(
        &self,
        encryption: &Encryption,
        customer: Option<&CustomerKey>,
    ) -> Result<AeadKey> {
        Ok(AeadKey::new(&self.object_key_bytes(encryption, customer).await?))
    }
}

/// Refuses a client's key that is another than the one that the object's was sealed under.
pub(crate) fn check_customer_key_opens(sealed: &[u8], customer: &CustomerKey) -> Result<()> {
    customer.key.open_bytes(sealed, BOUND_TO_CUSTOMER).map(drop).ok_or(Error::CustomerKeyWrong)
}

fn damaged() -> Error {
    Error::Internal("the object's sealed key is damaged".into())
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

    /// Takes the service that has the keys which are not in the keyring, once.
    pub fn use_key_service(&self, service: Kms) {
        let _ = self.keyring.service.set(service);
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
        Ok((self.seal_object_key(wanted, &bytes).await?, key))
    }

    /// Seals an object's key as is wanted: what is to be kept beside the object.
    pub(in crate::object) async fn seal_object_key(
        &self,
        wanted: NewEncryption,
        bytes: &[u8; KEY_LEN],
    ) -> Result<Encryption> {
        let (mode, sealed_key) = match wanted {
            NewEncryption::S3 => {
                self.ensure_key(S3_KEY_ID).await?;
                (EncryptionMode::S3, self.keyring.seal(S3_KEY_ID, None, bytes)?)
            }
            NewEncryption::Kms { key_id, context, bucket_key, dual_layer } => {
                let key_id = key_id.unwrap_or_else(|| self.keyring.default_key_id());
                let sealed = self.seal_by_named(&key_id, (context.as_deref(), bucket_key), bytes).await?;
                (EncryptionMode::Kms { key_id, context, bucket_key, dual_layer }, sealed)
            }
            NewEncryption::Customer(customer) => {
                let sealed = customer.key.seal(bytes, BOUND_TO_CUSTOMER);
                (EncryptionMode::Customer { key_md5: customer.md5 }, sealed)
            }
        };
        Ok(Encryption { mode, sealed_key })
    }

    /// Seals an object's key under a key of the keyring or of the service.
    async fn seal_by_named(
        &self,
        id: &str,
        (context, shared): (Option<&str>, bool),
        key: &[u8; KEY_LEN],
    ) -> Result<Vec<u8>> {
        if plain_id(id) == DEFAULT_KEY_ID {
            self.ensure_key(DEFAULT_KEY_ID).await?;
        }
        match self.keyring.service_of(id) {
            Some(service) => {
                Box::pin(self.keyring.seal_by_service((service, id), context, shared, key)).await
            }
            None => self.keyring.seal(id, context, key),
        }
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
