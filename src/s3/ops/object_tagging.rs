//! `?tagging` of an object: GetObjectTagging, PutObjectTagging and DeleteObjectTagging.

use hyper::StatusCode;

use crate::object::VersionChange;
use crate::types::{BucketName, ObjectKey, Tags};

use super::super::actions::Action;
use super::super::auth::{Call, Upload};
use super::super::condition_keys::RequestContext;
use super::super::documents::Digest;
use super::super::error::Result;
use super::super::response::{Response, xml};
use super::super::{tags, versions};
use super::{DOCUMENT_BYTES_MAX, change_version, read_document};

/// Answers the tags of a version.
pub(super) async fn get(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    let version = versions::requested(&call.query)?;
    let object = call.open_object(Action::GetObjectTagging, (&bucket, &key), version).await?;
    let mut response = xml(tags::document(&object.info().properties.tags));
    versions::name(object.info().version, response.headers_mut());
    Ok(response)
}

/// Replaces the tags of a version.
pub(super) async fn put(
    call: &Call<'_>,
    upload: Upload,
    bucket: BucketName,
    key: ObjectKey,
) -> Result<Response> {
    call.authorize_some(Action::PutObjectTagging, &bucket)?;
    let document = read_document(call, upload, Digest::Optional, DOCUMENT_BYTES_MAX).await?;
    let tags = tags::parse(&document, Tags::OBJECT_MAX)?;
    let version = versions::requested(&call.query)?;
    let context = RequestContext { tags: Some(&tags), ..call.context() };
    call.open_object_in(Action::PutObjectTagging, (&bucket, &key), version, context).await?;
    change_version(call, (&bucket, &key), VersionChange::Tags(tags), StatusCode::OK).await
}

/// Removes the tags of a version.
pub(super) async fn delete(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    let version = versions::requested(&call.query)?;
    call.open_object(Action::DeleteObjectTagging, (&bucket, &key), version).await?;
    let change = VersionChange::Tags(Tags::default());
    change_version(call, (&bucket, &key), change, StatusCode::NO_CONTENT).await
}
