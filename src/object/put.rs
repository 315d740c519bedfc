//! PUT: bytes to a durable object in one metadata transaction.
//!
//! Crash argument. The body is read to its end, and found whole, before anything refers to it. Its blob is
//! durable on the drives before the transaction that names it begins; the transaction is durable before
//! the answer. A crash before it leaves shards that nobody knows; after it, all of the object exists.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join;

use super::api::*;
use super::body::BodyReader;
use super::engine::{Engine, outcome};
use super::stripe_writer::{self, StripeWriter, WrittenBlob};
use crate::checksum::md5::Md5;
use crate::erasure::Codec;
use crate::metadata::{Mutation, NewContent};
use crate::types::{ChecksumKind, ChecksumValue, Etag, ObjectChecksum};

/// Largest object, in bytes (AWS: 5 TiB; also the size of all parts together).
pub(super) const OBJECT_BYTES_MAX: u64 = 5 << 40;

/// How a body is received.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reception<'a> {
    /// Encodes it.
    pub(super) codec: &'a Arc<Codec>,
    /// Its length, where announced.
    pub(super) length: Option<u64>,
    /// The MD5 that it should have.
    pub(super) content_md5: Option<[u8; 16]>,
    /// Up to so many bytes are kept in the metadata.
    pub(super) inline_max: usize,
}

/// A body that is on stable storage, or small enough for the metadata.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) size: u64,
    pub(super) md5: [u8; 16],
    pub(super) checksum: Option<ChecksumValue>,
    pub(super) content: ReceivedContent,
}

/// Where a received body is.
#[derive(Debug)]
pub(super) enum ReceivedContent {
    Inline(Bytes),
    Blob(WrittenBlob),
}

impl Engine {
    /// Stores an object; durable when this returns.
    pub async fn put(&self, request: PutRequest, body: impl Body) -> Result<PutOutcome> {
        let _under_way = self.activity.begin();
        let _writing = self.writers.enter();
        if request.length.is_none_or(|length| length > self.inline_bytes_max as u64) {
            // Not worth receiving for nothing. Tiny ones find out when they are committed.
            self.store.bucket(request.bucket.as_str())?;
        }
        let codec = self.schemes.of(request.bucket.as_str());
        let plan = Reception {
            codec: &codec,
            length: request.length,
            content_md5: request.content_md5,
            inline_max: self.inline_bytes_max,
        };
        let received = self.receive(body, plan).await?;
        let modified = self.clock.now();
        let (content, blob, needs_heal) = match received.content {
            ReceivedContent::Inline(data) => (NewContent::Inline(data), None, false),
            ReceivedContent::Blob(written) => {
                let (needs_heal, WrittenBlob { layout, missing }) = (written.needs_heal(), written);
                (NewContent::Blob { layout: layout.clone(), missing }, Some(layout), needs_heal)
            }
        };
        let value = received.checksum;
        let mutation = Mutation::PutObject {
            bucket: request.bucket.to_string(),
            key: request.key.to_string(),
            condition: request.condition,
            size: received.size,
            etag: Etag::single(received.md5),
            modified,
            properties: request.properties,
            checksum: value.map(|value| ObjectChecksum { value, kind: ChecksumKind::FullObject }),
            content,
        };
        let committed = self.commit_change(mutation).await;
        self.after_commit(&committed, blob.as_ref(), needs_heal).await;
        outcome(committed?, modified)
    }

    /// Cleans up after a refused commit, and wakes healing after a degraded one.
    pub(super) async fn after_commit<T>(
        &self,
        committed: &std::result::Result<T, crate::metadata::MetadataError>,
        blob: Option<&crate::metadata::BlobLayout>,
        needs_heal: bool,
    ) {
        use crate::metadata::MetadataError;
        match (committed, blob) {
            (Ok(_), _) if needs_heal => self.heals.ring(),
            // Where the outcome is unknown the shards stay: recovery may yet apply the entry.
            (Ok(_) | Err(MetadataError::Unavailable(_) | MetadataError::Database(_)), _) | (Err(_), None) => {
            }
            (Err(_), Some(layout)) => stripe_writer::discard(&self.drives, layout).await,
        }
    }

    /// Reads a body to its end, onto the drives unless it is short.
    pub(super) async fn receive<B: Body>(&self, body: B, plan: Reception<'_>) -> Result<Received> {
        let Reception { codec, length, content_md5, .. } = plan;
        let stripe_len = stripe_writer::stripe_len(codec.scheme());
        let mut body = BodyReader::new(body);
        let first = body.read(stripe_len, length).await?;
        if first.len() < stripe_len || body.at_end().await? {
            return self.receive_small(body.into_inner(), first, plan).await;
        }
        let mut writer = StripeWriter::new(&self.drives, codec, self.new_blob_id())?;
        let mut hasher = self.hashing.hasher();
        let mut stripe = first;
        let mut size = 0;
        while !stripe.is_empty() {
            size += stripe.len() as u64;
            if size > OBJECT_BYTES_MAX {
                return Err(Error::TooLarge);
            }
            hasher.update(stripe.clone()).await;
            writer.write(stripe).await?;
            stripe = body.read(stripe_len, length.map(|length| length.saturating_sub(size))).await?;
        }
        let (written, md5) = join(writer.finish(), hasher.finish()).await;
        let blob = self.unless_bad_digest(written?, content_md5, md5).await?;
        let checksum = body.into_inner().checksum();
        Ok(Received { size, md5, checksum, content: ReceivedContent::Blob(blob) })
    }

    async fn receive_small<B: Body>(&self, body: B, data: Bytes, plan: Reception<'_>) -> Result<Received> {
        let Reception { codec, content_md5, inline_max, .. } = plan;
        let mut hasher = self.hashing.hasher();
        hasher.update(data.clone()).await;
        let (size, checksum) = (data.len() as u64, body.checksum());
        if data.len() <= inline_max {
            self.drives.check_room()?;
            let md5 = hasher.finish().await;
            check_md5(content_md5, md5)?;
            return Ok(Received { size, md5, checksum, content: ReceivedContent::Inline(data) });
        }
        let write = stripe_writer::write_small(&self.drives, codec, self.new_blob_id(), data);
        let (written, md5) = join(write, hasher.finish()).await;
        let blob = self.unless_bad_digest(written?, content_md5, md5).await?;
        Ok(Received { size, md5, checksum, content: ReceivedContent::Blob(blob) })
    }

    /// The blob, unless its body was not what the client meant to send; then it is removed.
    async fn unless_bad_digest(
        &self,
        blob: WrittenBlob,
        stated: Option<[u8; 16]>,
        actual: [u8; 16],
    ) -> Result<WrittenBlob> {
        if let Err(error) = check_md5(stated, actual) {
            stripe_writer::discard(&self.drives, &blob.layout).await;
            return Err(error);
        }
        Ok(blob)
    }

    pub(super) fn new_blob_id(&self) -> crate::types::BlobId {
        stripe_writer::new_blob_id(self.clock.now())
    }
}

fn check_md5(stated: Option<[u8; 16]>, actual: [u8; 16]) -> Result<()> {
    match stated {
        Some(stated) if stated != actual => Err(Error::BadDigest),
        _ => Ok(()),
    }
}

/// The tag of a multipart object: MD5 over the parts' MD5s.
pub(super) fn multipart_etag(parts: &[[u8; 16]]) -> Etag {
    Etag { md5: Md5::digest(&parts.concat()), parts: parts.len() as u16 }
}
