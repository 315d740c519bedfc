//! The engine itself.
#![allow(clippy::todo, clippy::unused_async, unused_variables)]

use std::ops::Range;
use std::task::{Context, Poll};

use bytes::Bytes;

use super::api::*;
use crate::types::{BucketName, ObjectKey, UploadId};

/// The object engine. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Engine {}

/// An object opened for reading: one metadata read, no byte of content yet.
/// While it lives its blobs are not reclaimed.
#[derive(Debug)]
pub struct OpenObject {}

impl OpenObject {
    /// What is known of it.
    pub fn info(&self) -> &ObjectInfo {
        todo!()
    }

    /// Lengths in bytes of the parts it was uploaded in, in order; one for a single PUT.
    pub fn part_sizes(&self) -> Vec<u64> {
        todo!()
    }

    /// The bytes of `range`, which must lie within the object. The first chunk has been read and
    /// verified when this returns, so that an unreadable object is an error and not a cut connection.
    pub async fn read(self, range: Range<u64>) -> Result<ObjectStream> {
        todo!()
    }
}

/// Verified bytes of an object, in order.
#[derive(Debug)]
pub struct ObjectStream {}

impl ObjectStream {
    /// The next bytes; after an error the stream has ended.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        todo!()
    }
}

impl Engine {
    /// Makes a bucket.
    pub async fn create_bucket(&self, bucket: &BucketName) -> Result<()> {
        todo!()
    }

    /// Removes an empty bucket.
    pub async fn delete_bucket(&self, bucket: &BucketName) -> Result<()> {
        todo!()
    }

    /// One bucket.
    pub async fn head_bucket(&self, bucket: &BucketName) -> Result<BucketInfo> {
        todo!()
    }

    /// All buckets by name.
    pub async fn list_buckets(&self) -> Result<Vec<BucketInfo>> {
        todo!()
    }

    /// Stores an object; durable when this returns.
    pub async fn put(&self, request: PutRequest, body: impl Body) -> Result<PutOutcome> {
        todo!()
    }

    /// Opens an object for HEAD, GET and copy.
    pub async fn open(&self, bucket: &BucketName, key: &ObjectKey) -> Result<OpenObject> {
        todo!()
    }

    /// Copies by reference. `Conflict` when the source was replaced meanwhile.
    pub async fn copy(&self, source: OpenObject, request: CopyRequest) -> Result<PutOutcome> {
        todo!()
    }

    /// Removes keys, each on its own; a key that does not exist is no error.
    pub async fn delete(&self, bucket: &BucketName, keys: Vec<ObjectKey>) -> Result<Vec<Result<()>>> {
        todo!()
    }

    /// A page of keys.
    pub async fn list(&self, request: ListRequest) -> Result<ListPage> {
        todo!()
    }

    /// Starts a multipart upload.
    pub async fn create_upload(&self, request: CreateUploadRequest) -> Result<UploadId> {
        todo!()
    }

    /// The upload itself, for its checksum algorithm.
    pub async fn head_upload(&self, upload: &UploadRef) -> Result<UploadInfo> {
        todo!()
    }

    /// Stores a part; durable when this returns.
    pub async fn put_part(&self, request: PutPartRequest, body: impl Body) -> Result<PartInfo> {
        todo!()
    }

    /// Makes the object of its parts, in one metadata transaction.
    pub async fn complete_upload(&self, request: CompleteRequest) -> Result<PutOutcome> {
        todo!()
    }

    /// Drops an upload and its parts.
    pub async fn abort_upload(&self, upload: &UploadRef) -> Result<()> {
        todo!()
    }

    /// A page of an upload's parts, of numbers above `after`.
    pub async fn list_parts(&self, upload: &UploadRef, after: u16, max: u16) -> Result<PartsPage> {
        todo!()
    }

    /// A page of a bucket's uploads.
    pub async fn list_uploads(&self, request: ListUploadsRequest) -> Result<UploadsPage> {
        todo!()
    }
}

/// A part copy reads its source as a body.
impl Body for ObjectStream {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<std::result::Result<Bytes, BodyError>>> {
        ObjectStream::poll_chunk(self, cx)
            .map(|next| next.map(|chunk| chunk.map_err(|error| BodyError::Connection(Box::new(error)))))
    }

    fn checksum(&self) -> Option<crate::types::ChecksumValue> {
        None
    }
}
