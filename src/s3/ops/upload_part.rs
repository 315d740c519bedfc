//! `PUT /bucket/key?partNumber=N&uploadId=ID`: UploadPart.

use hyper::StatusCode;
use hyper::header::{ETAG, HeaderName, HeaderValue};

use crate::checksum;
use crate::object::{PartInfo, PutPartRequest};
use crate::types::{BucketName, ObjectKey};

use super::super::auth::{Call, Upload};
use super::super::body::Stored;
use super::super::checksums;
use super::super::encryption::{self, CUSTOMER};
use super::super::error::Result;
use super::super::headers;
use super::super::response::{Response, empty};
use super::multipart;
use super::put_object::checked_length;

/// Stores one part; parts of one upload may come in any order and at once.
pub(super) async fn run(
    call: &Call<'_>,
    upload_body: Upload,
    bucket: BucketName,
    key: ObjectKey,
) -> Result<Response> {
    encryption::refuse_managed(call.headers())?;
    let part = multipart::part(call)?;
    let upload = multipart::upload(call, bucket, key)?;
    let content_md5 = headers::content_md5(call.headers())?;
    let checksum = multipart::checksum_algorithm(call, &upload).await?;
    let body = call.open(upload_body, Stored::Always(checksum.stored))?;
    checksum.check(body.announced_algorithm())?;
    let length = Some(checked_length(body.length())?);
    let id = upload.upload;
    let customer_key = encryption::customer_key(call, call.headers(), &CUSTOMER)?;
    let request = PutPartRequest { upload, part, length, content_md5, customer_key };
    let stored = call.engine().put_part(request, body).await;
    Ok(answer(&stored.map_err(|error| multipart::part_refusal(error, id))?))
}

fn answer(part: &PartInfo) -> Response {
    let mut response = empty(StatusCode::OK);
    let answer = response.headers_mut();
    answer.insert(ETAG, headers::etag(&part.etag));
    encryption::describe(part.encryption.as_ref(), answer);
    if let Some(value) = &part.checksum
        && let Ok(text) = HeaderValue::try_from(checksum::encode(value))
    {
        answer.insert(HeaderName::from_static(checksums::header(value.algorithm)), text);
    }
    response
}
