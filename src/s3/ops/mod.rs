//! The operations, one file each, and the table that finds them.

mod abort_multipart_upload;
mod acls;
mod append_object;
mod aspects;
mod bucket_policy;
pub(super) mod bucket_versioning;
pub(super) mod complete_multipart_upload;
mod configurations;
mod copy_object;
pub(super) mod copy_source;
pub(super) mod create_bucket;
mod create_multipart_upload;
mod delete_bucket;
mod delete_object;
pub(super) mod delete_objects;
mod get_bucket_location;
pub(super) mod get_object;
mod get_object_attributes;
mod head_bucket;
mod list_buckets;
mod list_multipart_uploads;
mod list_object_versions;
mod list_objects;
mod list_objects_v2;
mod list_parts;
mod listing;
mod multipart;
pub(super) mod object_lock;
mod object_tagging;
pub(super) mod post_object;
mod put_object;
mod rename_object;
mod restore_object;
pub(super) mod search;
mod update_object_encryption;
mod upload_part;
mod upload_part_copy;

use bytes::Bytes;
use hyper::{HeaderMap, StatusCode};

use crate::checksum::md5::Md5;
use crate::object::VersionChange;
use crate::types::{BucketName, ObjectKey, VersionId};

use super::auth::{Call, Upload};
use super::body::Stored;
use super::documents::{self, Digest};
use super::error::{Code, Error, Result};
use super::headers;
use super::permissions;
use super::response::{Response, empty};
use super::route::{BucketAspect, BucketOperation, ObjectAspect, ObjectOperation, Operation};
use super::versions;

/// The largest body of one PUT or part, and the largest source of one copy: 5 GiB.
const PUT_BYTES_MAX: u64 = 5 << 30;

/// A document that configures something, at most.
const DOCUMENT_BYTES_MAX: usize = 1 << 20;

/// A document that lists keys or parts, at most: 10,000 parts with checksums, or 1,000 of the longest
/// keys with every byte spelled out.
const LONG_DOCUMENT_BYTES_MAX: usize = 8 << 20;

/// Runs an operation.
pub(super) async fn run(call: &Call<'_>, upload: Upload, operation: Operation) -> Result<Response> {
    let bucket = operation.bucket().cloned();
    permissions::check(call, &operation).await.map_err(|error| name_bucket(error, bucket.as_ref()))?;
    let is_charged = operation.bucket().is_some_and(|bucket| call.is_charged(bucket));
    let mut response = match operation {
        Operation::ListBuckets => list_buckets::run(call).await,
        Operation::Bucket(bucket, operation) => Box::pin(on_bucket(call, upload, bucket, operation)).await,
        Operation::Object(bucket, key, operation) => on_object(call, upload, bucket, key, operation).await,
        // Answered before anybody is asked to sign.
        Operation::Preflight(..) => Err(Code::AccessForbidden.into()),
    }
    .map_err(|error| name_bucket(name_condition(error, call.headers()), bucket.as_ref()))?;
    if is_charged {
        headers::charge(response.headers_mut());
    }
    Ok(response)
}

async fn on_bucket(
    call: &Call<'_>,
    upload: Upload,
    bucket: BucketName,
    operation: BucketOperation,
) -> Result<Response> {
    use {BucketAspect as Aspect, BucketOperation as Op};
    let name = bucket.as_str().to_owned();
    let result = match operation {
        Op::Create => create_bucket::run(call, upload, bucket).await,
        Op::Head => head_bucket::run(call, bucket).await,
        Op::Delete => delete_bucket::run(call, bucket).await,
        Op::GetLocation => get_bucket_location::run(call, bucket).await,
        Op::ListObjects => list_objects::run(call, bucket).await,
        Op::ListObjectsV2 => list_objects_v2::run(call, bucket).await,
        Op::ListVersions => list_object_versions::run(call, bucket).await,
        Op::Search => search::run(call, bucket).await,
        Op::ListUploads => list_multipart_uploads::run(call, bucket).await,
        Op::DeleteObjects => delete_objects::run(call, upload, bucket).await,
        Op::Read(Aspect::Versioning) => bucket_versioning::get(call, bucket).await,
        Op::Write(Aspect::Versioning) => bucket_versioning::put(call, upload, bucket).await,
        Op::Read(Aspect::ObjectLock) => object_lock::get_configuration(call, bucket).await,
        Op::Write(Aspect::ObjectLock) => object_lock::put_configuration(call, upload, bucket).await,
        Op::Read(Aspect::Acl) => acls::get_bucket(call, bucket).await,
        Op::Write(Aspect::Acl) => acls::put_bucket(call, upload, bucket).await,
        Op::Read(Aspect::Policy) => bucket_policy::get(call, bucket).await,
        Op::Write(Aspect::Policy) => bucket_policy::put(call, upload, bucket).await,
        Op::Remove(Aspect::Policy) => bucket_policy::remove(call, bucket).await,
        Op::Read(Aspect::PolicyStatus) => bucket_policy::status(call, bucket).await,
        Op::Read(aspect) => match documents::of(aspect) {
            Some(document) => configurations::read(call, bucket, document).await,
            None => aspects::read_bucket(call, bucket, aspect).await,
        },
        Op::Remove(aspect) => match documents::of(aspect) {
            Some(document) => configurations::remove(call, bucket, document).await,
            None => aspects::remove_from_bucket(call, bucket, aspect).await,
        },
        Op::Write(aspect) => match documents::of(aspect) {
            Some(document) => configurations::write(call, upload, bucket, document).await,
            None => aspects::write_to_bucket(call, bucket, aspect).await,
        },
        // The signature of a form stands in its body, so it was answered before there was a call.
        Op::PostObject | Op::NotImplemented => Err(Code::NotImplemented.into()),
    };
    result.map_err(|error| match error.code {
        Code::BucketAlreadyExists | Code::BucketNotEmpty | Code::BucketAlreadyOwnedByYou => {
            error.detail("BucketName", name)
        }
        _ => error,
    })
}

async fn on_object(
    call: &Call<'_>,
    upload: Upload,
    bucket: BucketName,
    key: ObjectKey,
    operation: ObjectOperation,
) -> Result<Response> {
    use {ObjectAspect as Aspect, ObjectOperation as Op};
    // Boxed is what takes more than GET does: every request is moved about with room for the largest that is not.
    match operation {
        Op::Put => Box::pin(put_object::run(call, upload, bucket, key)).await,
        Op::Get => get_object::get(call, bucket, key).await,
        Op::Head => get_object::head(call, bucket, key).await,
        Op::Copy => Box::pin(copy_object::run(call, bucket, key)).await,
        Op::Rename => Box::pin(rename_object::run(call, bucket, key)).await,
        Op::Delete => delete_object::run(call, bucket, key).await,
        Op::GetAttributes => Box::pin(get_object_attributes::run(call, bucket, key)).await,
        Op::Restore => Box::pin(restore_object::run(call, bucket, key)).await,
        Op::CreateUpload => create_multipart_upload::run(call, bucket, key).await,
        Op::UploadPart => Box::pin(upload_part::run(call, upload, bucket, key)).await,
        Op::UploadPartCopy => Box::pin(upload_part_copy::run(call, bucket, key)).await,
        Op::CompleteUpload => Box::pin(complete_multipart_upload::run(call, upload, bucket, key)).await,
        Op::AbortUpload => abort_multipart_upload::run(call, bucket, key).await,
        Op::ListParts => list_parts::run(call, bucket, key).await,
        Op::Read(Aspect::Tagging) => object_tagging::get(call, bucket, key).await,
        Op::Write(Aspect::Tagging) => Box::pin(object_tagging::put(call, upload, bucket, key)).await,
        Op::Remove(Aspect::Tagging) => object_tagging::delete(call, bucket, key).await,
        Op::Read(Aspect::Retention) => object_lock::get_retention(call, bucket, key).await,
        Op::Write(Aspect::Retention) => Box::pin(object_lock::put_retention(call, upload, bucket, key)).await,
        Op::Read(Aspect::LegalHold) => object_lock::get_legal_hold(call, bucket, key).await,
        Op::Write(Aspect::LegalHold) => {
            Box::pin(object_lock::put_legal_hold(call, upload, bucket, key)).await
        }
        Op::Read(Aspect::Acl) => acls::get_object(call, bucket, key).await,
        Op::Write(Aspect::Acl) => Box::pin(acls::put_object(call, upload, bucket, key)).await,
        Op::Write(Aspect::Encryption) => {
            Box::pin(update_object_encryption::run(call, upload, bucket, key)).await
        }
        Op::Read(aspect) => aspects::read_object(call, bucket, key, aspect).await,
        Op::Write(aspect) => aspects::write_to_object(call, bucket, key, aspect).await,
        Op::Remove(_) | Op::NotImplemented => Err(Code::NotImplemented.into()),
    }
}

/// A key as a request names it.
pub(super) fn parse_key(key: &str) -> Result<ObjectKey> {
    ObjectKey::parse(key).map_err(|error| {
        let size = key.len().to_string();
        Error::from(error).detail("Size", size).detail("MaxSizeAllowed", ObjectKey::BYTES_MAX.to_string())
    })
}

/// Reads a document whole, with its digest verified where there is one.
async fn read_document(call: &Call<'_>, upload: Upload, digest: Digest, bytes_max: usize) -> Result<Bytes> {
    let content_md5 = headers::content_md5(call.headers())?;
    let body = call.open(upload, Stored::Nothing)?;
    if digest == Digest::Required && content_md5.is_none() && body.announced_algorithm().is_none() {
        return Err(Error::request(
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
        ));
    }
    let document = body.collect(bytes_max).await?;
    match content_md5 {
        Some(expected) if expected != Md5::digest(&document) => Err(Code::BadDigest.into()),
        Some(_) | None => Ok(document),
    }
}

/// Changes what is kept beside the version that the request names, and answers its name.
async fn change_version(
    call: &Call<'_>,
    (bucket, key): (&BucketName, &ObjectKey),
    change: VersionChange,
    status: StatusCode,
) -> Result<Response> {
    let version = versions::requested(&call.query)?;
    let changed = call.engine().change(bucket, key, version, change).await;
    let changed = changed.map_err(|error| name_version(error, key.as_str(), version))?;
    let mut response = empty(status);
    versions::name(changed, response.headers_mut());
    Ok(response)
}

/// As [`name_key`], and `NoSuchVersion` that names key and version.
pub(super) fn name_version(error: impl Into<Error>, key: &str, version: Option<VersionId>) -> Error {
    let error = name_key(error, key);
    match (error.code, version) {
        (Code::NoSuchVersion, Some(version)) => {
            error.detail("Key", key.to_owned()).detail("VersionId", version.to_string())
        }
        _ => error,
    }
}

/// `NoSuchBucket` that names the bucket, unless it names one: that of a copy's source is another.
fn name_bucket(error: Error, bucket: Option<&BucketName>) -> Error {
    let is_named = error.details().any(|(name, _)| name == "BucketName");
    match bucket.filter(|_| error.code == Code::NoSuchBucket && !is_named) {
        Some(bucket) => error.detail("BucketName", bucket.to_string()),
        None => error,
    }
}

/// `PreconditionFailed` of a write that names the condition, unless it names one.
fn name_condition(error: Error, sent: &HeaderMap) -> Error {
    const CONDITIONS: [(&str, &str); 4] = [
        ("if-match", "If-Match"),
        ("if-none-match", "If-None-Match"),
        ("x-amz-if-match-last-modified-time", "x-amz-if-match-last-modified-time"),
        ("x-amz-if-match-size", "x-amz-if-match-size"),
    ];
    let is_named = error.details().any(|(name, _)| name == "Condition");
    if error.code != Code::PreconditionFailed || is_named {
        return error;
    }
    match CONDITIONS.iter().find(|(header, _)| headers::text(sent, header).is_some()) {
        Some((_, condition)) => error.detail("Condition", *condition),
        None => error,
    }
}

/// `NoSuchKey` that names the key, as clients expect it.
fn name_key(error: impl Into<Error>, key: &str) -> Error {
    let error = error.into();
    match error.code {
        Code::NoSuchKey => error.detail("Key", key.to_owned()),
        _ => error,
    }
}
