//! SHA-256: payload hashes of Signature Version 4, and one of the checksums of S3.
//!
//! The assembly of AWS-LC is about twice as fast as portable Rust where the processor has no
//! instructions for SHA, and the payload hash is then the largest cost of a signed upload.

use aws_lc_rs::digest::{Context, SHA256, digest};

/// A streaming SHA-256.
#[derive(Clone)]
pub struct Sha256(Context);

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sha256(..)")
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Sha256 {
    /// The SHA-256 of `bytes`.
    pub fn digest(bytes: &[u8]) -> [u8; 32] {
        digest(&SHA256, bytes).as_ref().try_into().expect("a sha-256 has 32 bytes")
    }

    /// Takes in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes taken in.
    pub fn finish(self) -> [u8; 32] {
        self.0.finish().as_ref().try_into().expect("a sha-256 has 32 bytes")
    }
}
