//! `PUT /bucket/key` with `x-amz-write-offset-bytes`: PutObject that adds to an object, here in any bucket.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use crate::iam::policy::Resource;
use crate::object::{AppendRequest, ObjectInfo, OpenObject, WriteCondition};
use crate::types::{BucketName, ChecksumAlgorithm, ObjectKey};

use super::super::actions::Action;
use super::super::auth::{Call, Upload};
use super::super::body::Stored;
use super::super::encryption::{self, CUSTOMER};
use super::super::error::{Code, Error, Result};
use super::super::headers::{self, text};
use super::super::response::Response;
use super::multipart::check_algorithm;
use super::put_object::{self, checked_length};
use super::{name_key, put_object::answer};

const HEADER: &str = "x-amz-write-offset-bytes";

/// Where the request wants its bytes; `None` for a PUT of a whole object.
pub(super) fn offset(headers: &HeaderMap) -> Result<Option<u64>> {
    let offset = text(headers, HEADER).map(|text| {
        text.parse().map_err(|_| Error::argument(HEADER, text, "The write offset must be a number of bytes"))
    });
    offset.transpose()
}

/// Adds the body to the object, whose length `offset` must be. An object that is not there is begun at 0.
pub(super) async fn run(
    call: &Call<'_>,
    upload: Upload,
    (bucket, key): (BucketName, ObjectKey),
    offset: u64,
) -> Result<Response> {
    let object = match call.engine().open(&bucket, &key, None).await.map_err(Error::from) {
        Ok(object) => object,
        Err(error) if error.code == Code::NoSuchKey && offset == 0 => {
            return put_object::whole(call, upload, bucket, key, Some(WriteCondition::IfAbsent)).await;
        }
        Err(error) => {
            call.authorize(Action::ListBucket, Resource::Bucket(bucket.as_str()))?;
            return Err(name_key(error, key.as_str()));
        }
    };
    if object.info().size != offset {
        return Err(Code::InvalidWriteOffset.into());
    }
    add(call, upload, object).await
}

async fn add(call: &Call<'_>, upload: Upload, object: OpenObject) -> Result<Response> {
    let sent = call.headers();
    encryption::refuse_managed(sent)?;
    check_condition(headers::write_condition(sent)?, object.info())?;
    if headers::attributes(sent)?.iter().any(|(name, _)| name.starts_with("x-amz-meta-")) {
        return Err(Error::request(
            "Cannot specify both a write offset value and user-defined object metadata for existing objects.",
        ));
    }
    let customer_key = encryption::customer_key(call, sent, &CUSTOMER)?;
    let object = object.with_customer_key(customer_key.clone())?;
    let stored = object.info().checksum.as_ref().map(|checksum| checksum.value.algorithm);
    let algorithm = stored.unwrap_or(ChecksumAlgorithm::Crc64Nvme);
    let body = call.open(upload, Stored::Always(algorithm))?;
    if stored.is_some() {
        check_algorithm(algorithm, body.announced_algorithm())?;
    }
    let length = checked_length(body.length())?;
    if length == 0 {
        return Err(Error::request("Request body cannot be empty when 'write offset' is specified."));
    }
    let size = object.info().size + length;
    let content_md5 = headers::content_md5(sent)?;
    let request = AppendRequest { length: Some(length), content_md5, algorithm, customer_key };
    let outcome = call.engine().append(object, request, body).await.map_err(Error::from);
    let outcome = outcome.map_err(|error| match error.code {
        // Somebody else wrote meanwhile.
        Code::PreconditionFailed => Code::ConditionalRequestConflict.into(),
        _ => error,
    })?;
    let mut response = answer(&outcome);
    response.headers_mut().insert(HeaderName::from_static("x-amz-object-size"), HeaderValue::from(size));
    Ok(response)
}

fn check_condition(condition: WriteCondition, info: &ObjectInfo) -> Result<()> {
    match condition {
        WriteCondition::IfMatch(etag) if etag != info.etag => Err(Code::PreconditionFailed.into()),
        WriteCondition::IfAbsent => Err(Code::PreconditionFailed.into()),
        WriteCondition::Always | WriteCondition::IfPresent | WriteCondition::IfMatch(_) => Ok(()),
    }
}
