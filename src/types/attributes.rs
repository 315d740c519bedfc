//! What a client stores beside an object's bytes.

use serde::{Deserialize, Serialize};

use super::encryption::{Encryption, EncryptionMode, sealed_len, unsealed_len};
use super::{Acl, CanonicalId, ObjectLock, StorageClass, Tags};

/// All that is kept beside the bytes of one version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Properties {
    /// Headers.
    pub attributes: Attributes,
    /// Tags.
    pub tags: Tags,
    /// What keeps it from being removed.
    pub lock: ObjectLock,
    /// Whose it is, and who else may use it.
    pub access: ObjectAccess,
    /// Its storage class.
    pub class: StorageClass,
    /// How the bytes are encrypted, if they are.
    pub encryption: Option<Encryption>,
}

impl Properties {
    /// Bytes that so many of the object's are stored as in one piece.
    pub fn stored_len(&self, plain: u64) -> u64 {
        if self.encryption.is_some() { sealed_len(plain) } else { plain }
    }

    /// How the bytes are encrypted, if they are.
    pub fn encryption_mode(&self) -> Option<EncryptionMode> {
        self.encryption.as_ref().map(|encryption| encryption.mode.clone())
    }

    /// The inverse of [`Self::stored_len`].
    pub fn plain_len(&self, stored: u64) -> u64 {
        if self.encryption.is_some() { unsealed_len(stored) } else { stored }
    }
}

/// Whose an object is, and who else may use it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectAccess {
    /// Its owner; `None` for that of its bucket.
    pub owner: Option<CanonicalId>,
    /// Its ACL; `None` for one that grants its owner alone.
    pub acl: Option<Acl>,
}

/// Headers kept with an object, lower-case name to value, in the order given:
/// `content-type`, `cache-control`, `x-amz-meta-...`. The engine never looks inside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes(Vec<(String, String)>);

impl Attributes {
    /// Adds one attribute; a name given twice is kept twice.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// The first value under `name`, which must be lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// All attributes in the order given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }
}
