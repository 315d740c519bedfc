//! PUT: bytes to a durable object in one metadata transaction.
//!
//! Crash argument. The body is read to its end, and found whole, before anything refers to it. Its blob is
//! durable on the drives before the transaction that names it begins; the transaction is durable before
//! the answer. A crash before it leaves shards that nobody knows; after it, all of the object exists.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join;

use super::api::*;
use super::encryption::Sealer;
use super::engine::{Engine, outcome};
use super::intake::Intake;
use super::stripe_writer::{self, StripeWriter, WrittenBlob};
use crate::checksum::md5::Md5;
use crate::erasure::Codec;
use crate::metadata::{Mutation, NewContent};
use crate::runtime::random_bytes;
use crate::sealing::AeadKey;
use crate::types::{BucketName, ChecksumKind, ChecksumValue, Etag, ObjectChecksum, Properties};

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
    /// Seals it.
    pub(super) key: Option<&'a AeadKey>,
    /// Up to so many bytes are kept in the metadata.
    pub(super) inline_max: usize,
}

/// A body of which all is read: one stripe to be written, or those that are on their way.
enum Upload {
    Small(Bytes),
    Large(StripeWriter),
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
            self.check_quota(&request.bucket, &request.key, request.length.unwrap_or_default())?;
        }
        let codec = self.schemes.of(request.bucket.as_str(), request.properties.class);
        let mut properties = request.properties;
        let key = self.encrypt(&request.bucket, request.encryption, &mut properties).await?;
        let plan = Reception {
            codec: &codec,
            length: request.length,
            content_md5: request.content_md5,
            key: key.as_ref(),
            inline_max: self.inline_bytes_max,
        };
        let received = self.receive(body, plan).await?;
        let modified = self.clock.now();
        let etag = Etag::single(tag_of(&properties, received.md5));
        let mode = properties.encryption_mode();
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
            etag,
            modified,
            properties,
            checksum: value.map(|value| ObjectChecksum { value, kind: ChecksumKind::FullObject }),
            content,
        };
        let committed = self.commit_change(mutation).await;
        self.after_commit(&committed, blob.as_ref(), needs_heal).await;
        outcome(committed?, modified, mode)
    }

    /// Encrypts a write to a bucket as the request or else the bucket wants it: notes it in the properties and returns
    /// the object's key.
    pub(super) async fn encrypt(
        &self,
        bucket: &BucketName,
        wanted: Option<NewEncryption>,
        properties: &mut Properties,
    ) -> Result<Option<AeadKey>> {
        let Some(wanted) = wanted.or_else(|| self.default_encryption(bucket)) else { return Ok(None) };
        let (encryption, key) = self.new_object_key(wanted).await?;
        properties.encryption = Some(encryption);
        Ok(Some(key))
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
            (
                Ok(_)
                | Err(MetadataError::Unavailable(_) | MetadataError::Database(_) | MetadataError::Damaged(_)),
                _,
            )
            | (Err(_), None) => {}
            (Err(_), Some(layout)) => stripe_writer::discard(&self.drives, layout).await,
        }
    }

    /// Reads a body to its end, onto the drives unless it is short.
    pub(super) async fn receive<B: Body>(&self, body: B, plan: Reception<'_>) -> Result<Received> {
        let Reception { codec, length, content_md5, key, inline_max } = plan;
        let stripe_len = stripe_writer::stripe_len(codec.scheme());
        let sealer = key.map(|key| Sealer::new(key.clone(), stripe_len, length));
        let mut intake = Intake::new(body, self.hashing.hasher(), sealer, stripe_len, length);
        let first = intake.stripe().await?;
        let blob = if first.len() < stripe_len || intake.at_end().await? {
            if intake.size() <= inline_max as u64 {
                return self.keep_inline(intake, first, content_md5).await;
            }
            Upload::Small(first)
        } else {
            Upload::Large(self.write_stripes(&mut intake, first, codec).await?)
        };
        let size = intake.size();
        let (body, hasher) = intake.into_parts();
        let write = async {
            match blob {
                Upload::Small(data) => {
                    stripe_writer::write_small(&self.drives, codec, self.new_blob_id(), data).await
                }
                Upload::Large(writer) => writer.finish().await,
            }
        };
        let (written, md5) = join(write, hasher.finish()).await;
        let blob = self.unless_bad_digest(written?, content_md5, md5).await?;
        Ok(Received { size, md5, checksum: body.checksum(), content: ReceivedContent::Blob(blob) })
    }

    async fn write_stripes<B: Body>(
        &self,
        intake: &mut Intake<B>,
        first: Bytes,
        codec: &Arc<Codec>,
    ) -> Result<StripeWriter> {
        let mut writer = StripeWriter::new(&self.drives, codec, self.new_blob_id())?;
        let mut stripe = first;
        while !stripe.is_empty() {
            writer.write(stripe).await?;
            stripe = intake.stripe().await?;
        }
        Ok(writer)
    }

    async fn keep_inline<B: Body>(
        &self,
        intake: Intake<B>,
        data: Bytes,
        content_md5: Option<[u8; 16]>,
    ) -> Result<Received> {
        self.drives.check_room()?;
        let size = intake.size();
        let (body, hasher) = intake.into_parts();
        let md5 = hasher.finish().await;
        check_md5(content_md5, md5)?;
        Ok(Received { size, md5, checksum: body.checksum(), content: ReceivedContent::Inline(data) })
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

/// What stands in an ETag for a body: its MD5, unless that would tell something of what is encrypted.
pub(super) fn tag_of(properties: &Properties, md5: [u8; 16]) -> [u8; 16] {
    match &properties.encryption {
        Some(encryption) if !encryption.etag_is_md5() => random_bytes(),
        Some(_) | None => md5,
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
