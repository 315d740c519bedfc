//! `PUT /bucket/key`: PutObject.

use hyper::{HeaderMap, StatusCode};

use crate::object::{PutOutcome, PutRequest, WriteCondition};
use crate::types::{Aging, BucketName, ObjectKey, Properties};

use super::super::auth::{Call, Upload};
use super::super::body::{RequestBody, Stored};
use super::super::encryption;
use super::super::error::{Code, Error, Result};
use super::super::headers;
use super::super::response::{Response, empty};
use super::super::wire::Source;
use super::{PUT_BYTES_MAX, append_object, name_key};

/// Stores an object.
pub(super) async fn run(
    call: &Call<'_>,
    upload: Upload,
    bucket: BucketName,
    key: ObjectKey,
) -> Result<Response> {
    match append_object::offset(call.headers())? {
        Some(offset) => Box::pin(append_object::run(call, upload, (bucket, key), offset)).await,
        None => whole(call, upload, bucket, key, None).await,
    }
}

/// Stores a whole object, on another condition than that of the headers if one is given.
pub(super) async fn whole(
    call: &Call<'_>,
    upload: Upload,
    bucket: BucketName,
    key: ObjectKey,
    condition: Option<WriteCondition>,
) -> Result<Response> {
    let body = call.open(upload, Stored::Announced)?;
    let size = checked_length(body.length())?;
    let mut properties = headers::properties(call.headers(), call.now())?;
    properties.access = call.new_object_access(call.headers(), &bucket)?;
    let (place, name, tags) = (bucket.clone(), key.clone(), properties.tags.clone());
    let condition = match condition {
        Some(condition) => condition,
        None => headers::write_condition(call.headers())?,
    };
    let stored = store(call, call.headers(), properties, (bucket, key), (Some(size), condition), body).await;
    let outcome = stored.map_err(|error| name_key(error, name.as_str()))?;
    let mut response = answer(&outcome);
    let object = Aging { key: name.as_str(), size, tags: &tags, modified: outcome.modified };
    if let Some(expiry) = call.engine().expiry(&place, &object) {
        headers::expiration(&expiry, response.headers_mut());
    }
    Ok(response)
}

/// Stores a body as these headers describe it, with these properties.
pub(super) async fn store(
    call: &Call<'_>,
    described: &HeaderMap,
    properties: Properties,
    (bucket, key): (BucketName, ObjectKey),
    (length, condition): (Option<u64>, WriteCondition),
    body: RequestBody<impl Source>,
) -> Result<PutOutcome> {
    let content_md5 = headers::content_md5(described)?;
    let encryption = encryption::requested(call, described, &bucket)?;
    let request = PutRequest { bucket, key, properties, encryption, length, content_md5, condition };
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

/// The answer to what was stored.
pub(super) fn answer(outcome: &PutOutcome) -> Response {
    let mut response = empty(StatusCode::OK);
    let answer = response.headers_mut();
    headers::stored(outcome, answer);
    response
}
