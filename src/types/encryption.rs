//! How an object's bytes are encrypted at rest.
//!
//! Encrypted bytes are stored in chunks, each sealed for itself, so that a range is read without what stands before
//! it. Only lengths are known here; what seals and opens is the engine's.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// Plain bytes of a full chunk.
pub const CHUNK_PLAIN_LEN: u64 = 64 << 10;
/// What sealing adds to a chunk: a nonce of 12 bytes before it and a tag of 16 behind it.
pub const CHUNK_OVERHEAD: u64 = 12 + 16;
/// Stored bytes of a full chunk.
pub const CHUNK_SEALED_LEN: u64 = CHUNK_PLAIN_LEN + CHUNK_OVERHEAD;

/// Stored bytes of so many plain ones; none of none.
pub fn sealed_len(plain: u64) -> u64 {
    plain + plain.div_ceil(CHUNK_PLAIN_LEN) * CHUNK_OVERHEAD
}

/// The inverse of [`sealed_len`].
pub fn unsealed_len(sealed: u64) -> u64 {
    sealed - sealed.div_ceil(CHUNK_SEALED_LEN) * CHUNK_OVERHEAD
}

/// Whose key an object's own key is sealed under, as clients ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EncryptionMode {
    /// The server's key (SSE-S3).
    S3,
    /// A named key (SSE-KMS).
    Kms {
        /// Its name.
        key_id: String,
        /// The encryption context, base64 as the client sent it: bound to the sealed key.
        context: Option<String>,
        /// The client asked for a bucket key.
        bucket_key: bool,
        /// In two layers, as the client names it (DSSE-KMS).
        dual_layer: bool,
    },
    /// A key that the client brings with every request (SSE-C).
    Customer {
        /// MD5 of that key.
        key_md5: [u8; 16],
    },
}

/// The encryption of one object or upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// Whose key.
    pub mode: EncryptionMode,
    /// The object's own key, sealed.
    pub sealed_key: Vec<u8>,
}

impl Encryption {
    /// The ETag is the MD5 of the object's bytes (AWS: not with SSE-KMS and SSE-C, where it would tell of them).
    pub fn etag_is_md5(&self) -> bool {
        self.mode == EncryptionMode::S3
    }
}

/// How a bucket encrypts what is written to it without a word about that (`PutBucketEncryption`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketEncryption {
    /// The one rule.
    #[serde(rename = "Rule")]
    pub rules: Vec<BucketEncryptionRule>,
}

/// The rule of a [`BucketEncryption`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BucketEncryptionRule {
    /// Encrypts new objects.
    pub apply_server_side_encryption_by_default: Option<DefaultEncryption>,
    /// Asks for bucket keys.
    pub bucket_key_enabled: bool,
    /// What clients may not ask for.
    pub blocked_encryption_types: BlockedEncryption,
}

/// How new objects are encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultEncryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    #[serde(rename = "SSEAlgorithm")]
    pub algorithm: String,
    /// The named key of the latter.
    #[serde(rename = "KMSMasterKeyID", default)]
    pub key_id: Option<String>,
}

/// Kinds of encryption that a bucket refuses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BlockedEncryption {
    /// `SSE-C`, or `NONE` for none.
    pub encryption_type: Vec<String>,
}

impl BucketEncryption {
    /// What is done by default, and whether with a bucket key.
    pub fn by_default(&self) -> Option<(&DefaultEncryption, bool)> {
        let rule = self.rules.first()?;
        let default = rule.apply_server_side_encryption_by_default.as_ref()?;
        Some((default, rule.bucket_key_enabled))
    }

    /// Keys of clients are refused.
    pub fn blocks_customer_keys(&self) -> bool {
        let mut blocked = self.rules.iter().flat_map(|rule| &rule.blocked_encryption_types.encryption_type);
        blocked.any(|kind| kind == "SSE-C")
    }
}

/// A named key that objects' keys are sealed under; what it seals with is in its newest version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterKey {
    /// Whether it may seal and open.
    pub state: KeyState,
    /// What it sealed with over time, oldest first; nothing once it is deleted.
    pub versions: Vec<MasterKeyVersion>,
}

/// Whether a named key may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyState {
    /// It seals and opens.
    Enabled,
    /// It does neither.
    Disabled,
    /// Nor does this one, which goes for good at a time.
    PendingDeletion {
        /// Then.
        at: Timestamp,
    },
    /// It is gone; its name is not used again.
    Deleted,
}

/// What a named key seals with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterKeyVersion {
    /// Since when.
    pub created: Timestamp,
    /// Its 32 bytes, sealed under the deployment's key.
    pub sealed: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_go_there_and_back() {
        for (plain, sealed) in [(0, 0), (1, 29), (65_536, 65_564), (65_537, 65_593), (131_072, 131_128)] {
            assert_eq!((sealed_len(plain), unsealed_len(sealed)), (sealed, plain));
        }
    }
}
