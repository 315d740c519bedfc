//! `HEAD /bucket`: HeadBucket.

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};

use crate::types::BucketName;

use super::super::auth::Call;
use super::super::error::Result;
use super::super::response::{Response, empty};

/// Says whether a bucket exists, and where.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName) -> Result<Response> {
    call.engine().head_bucket(&bucket).await?;
    let mut response = empty(StatusCode::OK);
    let headers = response.headers_mut();
    if let Ok(region) = HeaderValue::from_str(call.region()) {
        headers.insert(HeaderName::from_static("x-amz-bucket-region"), region);
    }
    headers.insert(HeaderName::from_static("x-amz-access-point-alias"), HeaderValue::from_static("false"));
    Ok(response)
}
