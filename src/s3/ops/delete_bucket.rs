//! `DELETE /bucket`: DeleteBucket.

use hyper::StatusCode;

use crate::types::BucketName;

use super::super::auth::Call;
use super::super::error::Result;
use super::super::response::{Response, empty};

/// Removes an empty bucket.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName) -> Result<Response> {
    call.engine().delete_bucket(&bucket).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
