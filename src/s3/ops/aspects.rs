//! Sub-resources that nobody can set here: what AWS answers where they are not set.
//!
//! Clients read them to learn what a bucket or object is like, so a read gets AWS's own answer for a fresh
//! one. A write is refused, since to ignore it would break a promise. A removal succeeds: what it
//! removes is not there.

use hyper::StatusCode;

use crate::types::{BucketName, ObjectKey};

use super::super::auth::Call;
use super::super::error::{Code, Error, Result};
use super::super::permissions::of_object_aspect;
use super::super::response::{Response, empty, xml};
use super::super::route::{BucketAspect, ObjectAspect};
use super::super::versions;
use super::super::xml_write::XmlWriter;

/// Reads a sub-resource of a bucket.
pub(super) async fn read_bucket(
    call: &Call<'_>,
    bucket: BucketName,
    aspect: BucketAspect,
) -> Result<Response> {
    call.engine().head_bucket(&bucket).await?;
    let error = match aspect {
        BucketAspect::Abac => return Ok(document("AbacStatus", "<Status>Disabled</Status>")),
        BucketAspect::Versioning => return Ok(document("VersioningConfiguration", "")),
        BucketAspect::ObjectLock => Code::ObjectLockNotFound,
        _ => Code::MetadataConfigurationNotFound,
    };
    Err(Error::new(error).detail("BucketName", bucket.as_str().to_owned()))
}

/// Writes a sub-resource of a bucket.
pub(super) async fn write_to_bucket(
    call: &Call<'_>,
    bucket: BucketName,
    _: BucketAspect,
) -> Result<Response> {
    call.engine().head_bucket(&bucket).await?;
    Err(Code::NotImplemented.into())
}

/// Removes a sub-resource of a bucket.
pub(super) async fn remove_from_bucket(
    call: &Call<'_>,
    bucket: BucketName,
    aspect: BucketAspect,
) -> Result<Response> {
    call.engine().head_bucket(&bucket).await?;
    match aspect {
        BucketAspect::MetadataConfiguration | BucketAspect::MetadataTable => {
            Ok(empty(StatusCode::NO_CONTENT))
        }
        _ => Err(Code::MethodNotAllowed.into()),
    }
}

/// Reads a sub-resource of an object.
pub(super) async fn read_object(
    call: &Call<'_>,
    bucket: BucketName,
    key: ObjectKey,
    aspect: ObjectAspect,
) -> Result<Response> {
    let version = versions::requested(&call.query)?;
    let [read, _, _] = of_object_aspect(aspect);
    call.open_object(read, (&bucket, &key), version).await?;
    Err(Code::NotImplemented.into())
}

/// Writes a sub-resource of an object.
pub(super) async fn write_to_object(
    call: &Call<'_>,
    bucket: BucketName,
    key: ObjectKey,
    aspect: ObjectAspect,
) -> Result<Response> {
    let version = versions::requested(&call.query)?;
    let [_, write, _] = of_object_aspect(aspect);
    call.open_object(write, (&bucket, &key), version).await?;
    Err(Code::NotImplemented.into())
}

/// A document of one element with this content.
fn document(root: &str, content: &str) -> Response {
    let mut document = XmlWriter::new(256);
    document.open_root(root);
    document.raw(content);
    document.close(root);
    xml(document.finish())
}
