//! The additional checksums of S3 (AWS: "Checking object integrity in Amazon S3").

use serde::{Deserialize, Serialize};

/// An algorithm a client may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChecksumAlgorithm {
    /// CRC-32 (ISO-HDLC), 4 bytes.
    Crc32,
    /// CRC-32C (iSCSI), 4 bytes.
    Crc32c,
    /// CRC-64/NVME, 8 bytes; full-object only.
    Crc64Nvme,
    /// SHA-1, 20 bytes; composite only on multipart.
    Sha1,
    /// SHA-256, 32 bytes; composite only on multipart.
    Sha256,
    /// SHA-512, 64 bytes; composite only on multipart.
    Sha512,
    /// MD5, 16 bytes; composite only on multipart.
    Md5,
    /// XXH64 with seed 0, 8 bytes; composite only on multipart.
    XxHash64,
    /// XXH3 of 64 bits with seed 0, 8 bytes; composite only on multipart.
    XxHash3,
    /// XXH3 of 128 bits with seed 0, 16 bytes; composite only on multipart.
    XxHash128,
}

impl ChecksumAlgorithm {
    /// All of them. Their places are kept in databases.
    pub const ALL: [Self; 10] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
        Self::Sha512,
        Self::Md5,
        Self::XxHash64,
        Self::XxHash3,
        Self::XxHash128,
    ];

    /// Whether the value of a whole follows from those of its parts.
    pub fn is_crc(self) -> bool {
        matches!(self, Self::Crc32 | Self::Crc32c | Self::Crc64Nvme)
    }
}

/// What a multipart object's checksum covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChecksumKind {
    /// The bytes of the whole object.
    FullObject,
    /// The concatenated checksums of its parts.
    Composite,
}

/// The value of one checksum, big-endian bytes as the algorithm defines them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChecksumValue {
    /// Which algorithm made it.
    pub algorithm: ChecksumAlgorithm,
    /// 4 to 64 bytes.
    pub bytes: Vec<u8>,
}

/// The checksum stored with an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectChecksum {
    /// The value itself.
    pub value: ChecksumValue,
    /// What it covers.
    pub kind: ChecksumKind,
}
