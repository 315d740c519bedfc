//! `PUT /bucket/key`: PutObject.

use hyper::{HeaderMap, StatusCode};

use crate::object::{PutOutcome, PutRequest};
use crate::types::{BucketName, ObjectKey, Properties};

use super::super::auth::{Call, Upload};
use super::super::body::{RequestBody, Stored};
use super::super::error::{Code, Error, Result};
use super::super::headers;
use super::super::response::{Response, empty};
use super::super::wire::Source;
use super::{PUT_BYTES_MAX, name_key};

/// Stores an object.
pub(super) async fn run(
    call: &Call<'_>,
    upload: Upload,
    bucket: BucketName,
    key: ObjectKey,
) -> Result<Response> {
    let body = call.open(upload, Stored::Announced)?;
    let length = Some(checked_length(body.length())?);
    let name = key.as_str().to_owned();
    let properties = headers::properties(call.headers(), call.now())?;
    let stored = store(call, call.headers(), properties, (bucket, key), length, body).await;
    Ok(answer(&stored.map_err(|error| name_key(error, &name))?))
}

/// Stores a body as these headers describe it, with these properties.
pub(super) async fn store(
    call: &Call<'_>,
    described: &HeaderMap,
    properties: Properties,
    (bucket, key): (BucketName, ObjectKey),
    length: Option<u64>,
    body: RequestBody<impl Source>,
) -> Result<PutOutcome> {
    headers::refuse_unsupported(described)?;
    let content_md5 = headers::content_md5(described)?;
    let condition = headers::write_condition(described)?;
    let request = PutRequest { bucket, key, properties, length, content_md5, condition };
    Ok(call.engine().put(request, body).await?)
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
    headers::stored(outcome, answer);
    response
}
