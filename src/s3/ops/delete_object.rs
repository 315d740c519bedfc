//! `DELETE /bucket/key`: DeleteObject.

use hyper::StatusCode;

use crate::object::DeleteRequest;
use crate::types::{BucketName, ObjectKey};

use super::super::auth::Call;
use super::super::error::Result;
use super::super::response::{Response, empty};
use super::super::{headers, versions};

/// Removes an object or a version; one that is not there is removed just as well.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    let bypass_governance = call.bypasses_governance(&bucket, &key);
    let request = DeleteRequest {
        key,
        version: versions::requested(&call.query)?,
        condition: headers::delete_condition(call.headers())?,
        bypass_governance,
    };
    let mut response = empty(StatusCode::NO_CONTENT);
    for outcome in call.engine().delete(&bucket, vec![request]).await? {
        let deleted = outcome?;
        versions::name(deleted.version, response.headers_mut());
        if deleted.is_marker {
            versions::mark_deleted(response.headers_mut());
        }
    }
    Ok(response)
}
