//! `PUT /bucket/key`: PutObject.

use hyper::StatusCode;
use hyper::header::{ETAG, HeaderName, HeaderValue};

use crate::object::{PutOutcome, PutRequest};
use crate::types::{Aging, BucketName, ObjectKey};

use super::super::auth::{Call, Upload};
use super::super::body::Stored;
use super::super::checksums;
use super::super::error::{Code, Error, Result};
use super::super::headers;
use super::super::response::{Response, empty};
use super::super::versions;
use super::{PUT_BYTES_MAX, name_key};

/// Stores an object.
pub(super) async fn run(
    call: &Call<'_>,
    upload: Upload,
    bucket: BucketName,
    key: ObjectKey,
) -> Result<Response> {
    headers::refuse_unsupported(call.headers())?;
    let properties = headers::properties(call.headers(), call.now())?;
    let content_md5 = headers::content_md5(call.headers())?;
    let condition = headers::write_condition(call.headers())?;
    let body = call.open(upload, Stored::Announced)?;
    let size = checked_length(body.length())?;
    let (place, name, tags) = (bucket.clone(), key.clone(), properties.tags.clone());
    let request = PutRequest { bucket, key, properties, length: Some(size), content_md5, condition };
    let outcome = call.engine().put(request, body).await.map_err(|error| name_key(error, name.as_str()))?;
    let mut response = answer(&outcome);
    let object = Aging { key: name.as_str(), size, tags: &tags, modified: outcome.modified };
    if let Some(expiry) = call.engine().expiry(&place, &object) {
        headers::expiration(&expiry, response.headers_mut());
    }
    Ok(response)
}

/// A body's length, which must be known and within bounds before a byte is read.
pub(super) fn checked_length(length: Option<u64>) -> Result<u64> {
    let length = length.ok_or(Code::MissingContentLength)?;
    if length > PUT_BYTES_MAX {
        return Err(Error::new(Code::EntityTooLarge)
            .detail("ProposedSize", length.to_string())
            .detail("MaxSizeAllowed", PUT_BYTES_MAX.to_string()));
    }
    Ok(length)
}

fn answer(outcome: &PutOutcome) -> Response {
    let mut response = empty(StatusCode::OK);
    let answer = response.headers_mut();
    answer.insert(ETAG, headers::etag(&outcome.etag));
    versions::name(outcome.version, answer);
    if let Some(checksum) = &outcome.checksum
        && let Ok(text) = HeaderValue::try_from(checksums::text(checksum, outcome.etag.parts))
    {
        answer.insert(HeaderName::from_static(checksums::header(checksum.value.algorithm)), text);
        let kind = HeaderValue::from_static(checksums::kind_name(checksum.kind));
        answer.insert(HeaderName::from_static("x-amz-checksum-type"), kind);
    }
    response
}
