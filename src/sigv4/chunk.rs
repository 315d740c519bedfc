//! Signatures inside an `aws-chunked` body: each covers its chunk and the signature before it.

use aws_lc_rs::digest::{SHA256, digest};
use subtle::ConstantTimeEq;

use super::encoding::hex;
use super::key::SigningKey;

/// The chain of chunk signatures of one request.
#[derive(Debug, Clone)]
pub struct ChunkSignatures {
    key: SigningKey,
    time: String,
    scope: String,
    previous: [u8; 32],
}

impl ChunkSignatures {
    /// A chain that starts at the signature of the request's headers.
    pub(super) fn new(key: SigningKey, time: String, scope: String, seed: [u8; 32]) -> Self {
        Self { key, time, scope, previous: seed }
    }

    /// The signature of the next chunk, whose data has this SHA-256; the chain moves on.
    pub fn sign_chunk(&mut self, data_sha256: &[u8; 32]) -> [u8; 32] {
        let empty = digest(&SHA256, b"");
        self.sign("AWS4-HMAC-SHA256-PAYLOAD", &[empty.as_ref(), data_sha256])
    }

    /// The signature of the trailer: of its `name:value\n` lines, with this SHA-256.
    pub fn sign_trailer(&mut self, trailer_sha256: &[u8; 32]) -> [u8; 32] {
        self.sign("AWS4-HMAC-SHA256-TRAILER", &[trailer_sha256])
    }

    /// True where the next chunk bears the right signature.
    pub fn verify_chunk(&mut self, data_sha256: &[u8; 32], signature: &[u8; 32]) -> bool {
        self.sign_chunk(data_sha256).ct_eq(signature).into()
    }

    /// True where the trailer bears the right signature.
    pub fn verify_trailer(&mut self, trailer_sha256: &[u8; 32], signature: &[u8; 32]) -> bool {
        self.sign_trailer(trailer_sha256).ct_eq(signature).into()
    }

    fn sign(&mut self, algorithm: &str, hashes: &[&[u8]]) -> [u8; 32] {
        let mut text = Vec::with_capacity(320);
        for line in [algorithm, &self.time, &self.scope] {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        text.extend_from_slice(&hex(&self.previous));
        for hash in hashes {
            text.push(b'\n');
            text.extend_from_slice(&hex(hash));
        }
        self.previous = self.key.sign(&text);
        self.previous
    }
}
