//! `DELETE /bucket/key`: DeleteObject.

use hyper::StatusCode;

use crate::types::{BucketName, ObjectKey};

use super::super::auth::Call;
use super::super::error::{Error, Result};
use super::super::headers;
use super::super::response::{Response, empty};

/// Removes an object; one that is not there is removed just as well.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    headers::check_version(&call.query)?;
    for name in ["if-match", "x-amz-if-match-last-modified-time", "x-amz-if-match-size"] {
        if headers::text(call.headers(), name).is_some() {
            return Err(Error::header_not_implemented(name));
        }
    }
    for outcome in call.engine().delete(&bucket, vec![key]).await? {
        outcome?;
    }
    Ok(empty(StatusCode::NO_CONTENT))
}
