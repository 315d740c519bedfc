//! An upload's body on its way in: counted, hashed, and sealed where it is to be encrypted.

use bytes::Bytes;

use super::api::{Body, Error, Result};
use super::body::BodyReader;
use super::encryption::Sealer;
use super::put::OBJECT_BYTES_MAX;
use crate::checksum::md5::StreamHasher;
use crate::types::encryption::CHUNK_PLAIN_LEN;

/// Plain bytes that are sealed in one go: about a stripe, in whole chunks.
const SEAL_LEN: usize = 16 * CHUNK_PLAIN_LEN as usize;

/// A body, cut in stripes as they are stored.
#[derive(Debug)]
pub(super) struct Intake<B> {
    body: BodyReader<B>,
    hasher: StreamHasher,
    sealer: Option<Sealer>,
    stripe_len: usize,
    /// Plain bytes, where announced.
    length: Option<u64>,
    size: u64,
}

impl<B: Body> Intake<B> {
    /// Stripes of `stripe_len` stored bytes.
    pub(super) fn new(
        body: B,
        hasher: StreamHasher,
        sealer: Option<Sealer>,
        stripe_len: usize,
        length: Option<u64>,
    ) -> Self {
        Self { body: BodyReader::new(body), hasher, sealer, stripe_len, length, size: 0 }
    }

    /// The next stripe, shorter only at the end and empty behind it.
    pub(super) async fn stripe(&mut self) -> Result<Bytes> {
        if self.sealer.is_none() {
            return self.read(self.stripe_len).await;
        }
        loop {
            if let Some(piece) = self.sealer.as_mut().and_then(Sealer::piece) {
                return Ok(piece);
            }
            let plain = self.read(SEAL_LEN).await?;
            let Some(sealer) = &mut self.sealer else { return Ok(plain) };
            if plain.is_empty() {
                return Ok(sealer.last_piece());
            }
            sealer.push(&plain);
        }
    }

    async fn read(&mut self, max: usize) -> Result<Bytes> {
        let remaining = self.length.map(|length| length.saturating_sub(self.size));
        let plain = self.body.read(max, remaining).await?;
        self.size += plain.len() as u64;
        if self.size > OBJECT_BYTES_MAX {
            return Err(Error::TooLarge);
        }
        self.hasher.update(plain.clone()).await;
        Ok(plain)
    }

    /// Whether all of the body is in the stripes that were taken.
    pub(super) async fn at_end(&mut self) -> Result<bool> {
        let sealed_all = self.sealer.as_ref().is_none_or(Sealer::is_empty);
        Ok(sealed_all && self.body.at_end().await?)
    }

    /// Bytes of the body so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The body for its checksum, and what hashes it.
    pub(super) fn into_parts(self) -> (B, StreamHasher) {
        (self.body.into_inner(), self.hasher)
    }
}
