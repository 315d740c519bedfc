//! `DELETE /bucket/key?uploadId=ID`: AbortMultipartUpload.

use hyper::StatusCode;

use crate::types::{BucketName, ObjectKey};

use super::super::actions::Action;
use super::super::auth::Call;
use super::super::error::Result;
use super::super::response::{Response, empty};
use super::multipart;

/// Drops an upload and its parts.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    let upload = multipart::upload(call, bucket, key)?;
    call.authorize_upload(Action::AbortMultipartUpload, &upload).await?;
    let aborted = call.engine().abort_upload(&upload).await;
    aborted.map_err(|error| multipart::name_upload(error, upload.upload))?;
    Ok(empty(StatusCode::NO_CONTENT))
}
