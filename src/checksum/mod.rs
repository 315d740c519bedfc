//! Checksums: the five of S3, the CRC-32C of shard blocks, and MD5 for ETags.
//!
//! Values are pure functions of bytes. The one thing here that runs by itself is
//! [`md5::Stage`], a thread that hashes several uploads at once.

pub mod md5;

mod md5_lanes;
mod md5_stage;
mod sha256;
mod value;

pub use sha256::Sha256;
pub use value::{Hasher, allowed, combine, composite, crc32c, decode, default_kind, digest_len, encode};
