//! Append: bytes added at the end of an object.
//!
//! A small object is written anew with the bytes added, so that many small additions do not leave as many blobs. To a
//! larger one a blob is added, if its blobs are its own alone; what is shared with copies or older versions is written
//! anew, because those stay as they are.
//!
//! Crash argument: as of a PUT. The blob is durable before the transaction that makes it part of the object.

use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::api::*;
use super::engine::{Engine, outcome};
use super::get::{ObjectStream, OpenObject};
use super::put::{OBJECT_BYTES_MAX, ReceivedContent, Reception, tag_of};
use crate::checksum::{self, Hasher, md5::Md5};
use crate::metadata::Mutation;
use crate::types::{ChecksumKind, ChecksumValue, Etag, ObjectChecksum, Properties};

/// Objects up to this length are written anew.
const ANEW_BYTES_MAX: u64 = 8 << 20;
/// Blobs of an object at most, as of parts.
const BLOBS_MAX: usize = 10_000;

impl Engine {
    /// Adds a body at the end of an object that was read. `Conflict` or `PreconditionFailed` when it was changed meanwhile.
    pub async fn append(
        &self,
        object: OpenObject,
        request: AppendRequest,
        body: impl Body,
    ) -> Result<PutOutcome> {
        let info = object.info();
        if request.length.is_some_and(|length| info.size + length > OBJECT_BYTES_MAX) {
            return Err(Error::TooLarge);
        }
        let in_place = info.size > ANEW_BYTES_MAX
            && info.checksum.as_ref().is_some_and(can_be_combined)
            && self.store.is_sole_owner(object.bucket.as_str(), object.key.as_str(), object.sequence)?;
        if in_place {
            self.append_in_place(object, request, body).await
        } else {
            self.append_anew(object, request, body).await
        }
    }

    async fn append_anew(
        &self,
        object: OpenObject,
        request: AppendRequest,
        added: impl Body,
    ) -> Result<PutOutcome> {
        let info = object.info().clone();
        let (bucket, key) = (object.bucket.clone(), object.key.clone());
        let customer = request.customer_key;
        let encryption = info.properties.encryption.clone();
        let encryption = encryption.and_then(|from| NewEncryption::same_as(from.mode, customer));
        let algorithm = request.algorithm;
        let before = object.read(0..info.size).await?;
        let md5 = request.content_md5.map(|stated| (stated, Md5::default()));
        let hasher = Some(Hasher::new(algorithm));
        let body = Joined { before: Some(before), added, md5, hasher, checksum: None };
        let properties = Properties { encryption: None, ..info.properties };
        let length = request.length.map(|length| info.size + length);
        let condition = WriteCondition::IfMatch(info.etag);
        let put = PutRequest { bucket, key, properties, encryption, length, content_md5: None, condition };
        self.put(put, body).await
    }

    async fn append_in_place(
        &self,
        object: OpenObject,
        request: AppendRequest,
        body: impl Body,
    ) -> Result<PutOutcome> {
        let _under_way = self.activity.begin();
        let _writing = self.writers.enter();
        let info = object.info();
        if object.blob_count() >= BLOBS_MAX {
            return Err(Error::TooManyParts);
        }
        let announced = request.length.unwrap_or_default();
        self.check_quota(&object.bucket, &object.key, info.size.saturating_add(announced))?;
        let key = self.sealing_key(&info.properties, request.customer_key.as_ref()).await?;
        let codec = self.schemes.of(object.bucket.as_str(), info.properties.class);
        let plan = Reception {
            codec: &codec,
            length: request.length,
            content_md5: request.content_md5,
            key: key.as_ref(),
            inline_max: 0,
        };
        let received = self.receive(body, plan).await?;
        let ReceivedContent::Blob(blob) = received.content else { return Err(Error::EmptyAppend) };
        let needs_heal = blob.needs_heal();
        let md5 = Md5::digest(&[info.etag.md5, tag_of(&info.properties, received.md5)].concat());
        let modified = self.clock.now();
        let mutation = Mutation::AppendObject {
            bucket: object.bucket.to_string(),
            key: object.key.to_string(),
            sequence: object.sequence,
            content: self.new_upload_id(),
            added: received.size,
            etag: Etag::single(md5),
            modified,
            checksum: combined(info, received.checksum.as_ref(), received.size),
            layout: blob.layout.clone(),
            missing: blob.missing,
        };
        let committed = self.commit_change(mutation).await;
        self.after_commit(&committed, Some(&blob.layout), needs_heal).await;
        outcome(committed?, modified, info.properties.encryption_mode())
    }
}

/// Whether the checksum of a longer object follows from this one and that of what is added.
fn can_be_combined(checksum: &ObjectChecksum) -> bool {
    checksum.value.algorithm.is_crc() && checksum.kind == ChecksumKind::FullObject
}

fn combined(info: &ObjectInfo, added: Option<&ChecksumValue>, len: u64) -> Option<ObjectChecksum> {
    let (before, added) = (&info.checksum.as_ref()?.value, added?);
    if before.algorithm != added.algorithm {
        return None;
    }
    let value = checksum::combine(before.algorithm, vec![(before, info.size), (added, len)])?;
    Some(ObjectChecksum { value, kind: ChecksumKind::FullObject })
}

/// What an object holds, and then what is added to it; hashed as a whole.
struct Joined<B> {
    before: Option<ObjectStream>,
    added: B,
    /// What the added bytes should have, and have so far.
    md5: Option<([u8; 16], Md5)>,
    hasher: Option<Hasher>,
    checksum: Option<ChecksumValue>,
}

impl<B: Body> Joined<B> {
    fn poll_added(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let next = ready!(self.added.poll_chunk(cx));
        match (&next, &mut self.md5) {
            (Some(Ok(chunk)), Some((_, md5))) => md5.update(chunk),
            (None, md5) => {
                if let Some((stated, md5)) = md5.take()
                    && md5.finish() != stated
                {
                    return Poll::Ready(Some(Err(BodyError::DigestMismatch)));
                }
            }
            (Some(_), _) => {}
        }
        Poll::Ready(next)
    }
}

impl<B: Body> Body for Joined<B> {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let next = loop {
            let Some(before) = &mut self.before else { break ready!(self.poll_added(cx)) };
            match ready!(before.poll_chunk(cx)) {
                None => self.before = None,
                Some(chunk) => break Some(chunk.map_err(|error| BodyError::Connection(Box::new(error)))),
            }
        };
        match (&next, &mut self.hasher) {
            (Some(Ok(chunk)), Some(hasher)) => hasher.update(chunk),
            (None, hasher) => self.checksum = hasher.take().map(Hasher::finish).or(self.checksum.take()),
            (Some(_), _) => {}
        }
        Poll::Ready(next)
    }

    fn checksum(&self) -> Option<ChecksumValue> {
        self.checksum.clone()
    }
}
