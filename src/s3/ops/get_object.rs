//! `GET` and `HEAD /bucket/key`: GetObject and HeadObject, which differ in the body alone.

use std::ops::Range;

use hyper::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};

use crate::iam::Principal;
use crate::object::OpenObject;
use crate::types::{Aging, BucketName, ChecksumKind, ObjectChecksum, ObjectKey, PartNumber};

use super::super::actions::Action;
use super::super::auth::Call;
use super::super::conditions;
use super::super::encryption::{self, CUSTOMER};
use super::super::error::{Code, Error, Result};
use super::super::headers;
use super::super::range::{Selection, select};
use super::super::response::{Response, ResponseBody, with_headers};
use super::super::versions;

/// Answers an object, or a range of it.
pub(in crate::s3) async fn get(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    let object = open(call, &bucket, &key).await?;
    let answer = prepare(call, (&bucket, &key), &object)?;
    let length = answer.bytes.end - answer.bytes.start;
    let body = if length == 0 {
        ResponseBody::empty()
    } else {
        ResponseBody::object(object.read(answer.bytes).await?, length)
    };
    Ok(with_headers(answer.status, answer.headers, body))
}

/// Answers what GET would, without the body.
pub(in crate::s3) async fn head(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    let object = open(call, &bucket, &key).await?;
    let answer = prepare(call, (&bucket, &key), &object)?;
    Ok(with_headers(answer.status, answer.headers, ResponseBody::empty()))
}

async fn open(call: &Call<'_>, bucket: &BucketName, key: &ObjectKey) -> Result<OpenObject> {
    let version = versions::requested(&call.query)?;
    if *call.principal() == Principal::Anonymous && headers::has_overrides(&call.query) {
        return Err(Error::request(
            "Request specific response headers cannot be used for anonymous GET requests.",
        ));
    }
    encryption::refuse_managed(call.headers())?;
    let object = call.open_object(Action::GetObject, (bucket, key), version).await?;
    encryption::refuse_unsigned(call, object.info())?;
    let customer = encryption::customer_key(call, call.headers(), &CUSTOMER)?;
    Ok(object.with_customer_key(customer)?)
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Range<u64>,
}

fn prepare(call: &Call<'_>, (bucket, key): (&BucketName, &ObjectKey), object: &OpenObject) -> Result<Answer> {
    let info = object.info();
    conditions::check_read(call.headers(), info).map_err(|error| {
        let mut state = HeaderMap::new();
        headers::identify(info, &mut state);
        error.with_headers(state)
    })?;
    let mut answer = HeaderMap::with_capacity(16);
    headers::describe(info, &mut answer);
    let tags = &info.properties.tags;
    let object_itself = Aging { key: key.as_str(), size: info.size, tags, modified: info.modified };
    if !call.query.has("versionId")
        && let Some(expiry) = call.engine().expiry(bucket, &object_itself)
    {
        headers::expiration(&expiry, &mut answer);
    }
    headers::override_from_query(&call.query, &mut answer)?;
    let chosen = choose(call, object, &mut answer)?;
    let wants_checksum = headers::text(call.headers(), "x-amz-checksum-mode")
        .is_some_and(|mode| mode.eq_ignore_ascii_case("ENABLED"));
    if wants_checksum && let Some((checksum, parts)) = shown_checksum(call, object, chosen.is_some())? {
        headers::checksum(&checksum, parts, &mut answer);
    }
    if let Some(range) = &chosen {
        let text = format!("bytes {}-{}/{}", range.start, range.end - 1, info.size);
        answer.insert(CONTENT_RANGE, HeaderValue::try_from(text).expect("numbers are ascii"));
    }
    let status = if chosen.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let bytes = chosen.unwrap_or(0..info.size);
    answer.insert(CONTENT_LENGTH, HeaderValue::from(bytes.end - bytes.start));
    Ok(Answer { status, headers: answer, bytes })
}

/// The checksum of what is answered and of how many parts it is made; none where no such is kept.
fn shown_checksum(
    call: &Call<'_>,
    object: &OpenObject,
    is_range: bool,
) -> Result<Option<(ObjectChecksum, u16)>> {
    let info = object.info();
    match call.query.get("partNumber").map(part_number).transpose()? {
        None if is_range => Ok(None),
        Some(number) if info.etag.parts > 0 => {
            let all = call.engine().part_checksums(object)?.unwrap_or_default();
            let value = all.into_iter().nth(usize::from(number.get()) - 1);
            Ok(value.map(|value| (ObjectChecksum { value, kind: ChecksumKind::Composite }, 0)))
        }
        None | Some(_) => Ok(info.checksum.clone().map(|checksum| (checksum, info.etag.parts))),
    }
}

/// The bytes that `partNumber` or `Range` ask for; `None` for the whole object.
fn choose(call: &Call<'_>, object: &OpenObject, answer: &mut HeaderMap) -> Result<Option<Range<u64>>> {
    let size = object.info().size;
    let range = headers::text(call.headers(), "range");
    if let Some(number) = call.query.get("partNumber") {
        if range.is_some() {
            return Err(Error::request("Cannot specify both Range header and partNumber query parameter"));
        }
        return part(number, object, answer);
    }
    let range = range.filter(|_| conditions::range_applies(call.headers(), object.info()));
    match select(range, size) {
        Selection::Whole => Ok(None),
        Selection::Part(bytes) => Ok(Some(bytes)),
        Selection::Unsatisfiable => Err(unsatisfiable(Code::InvalidRange, size)
            .detail("RangeRequested", range.unwrap_or_default().to_owned())
            .detail("ActualObjectSize", size.to_string())),
    }
}

fn unsatisfiable(code: Code, size: u64) -> Error {
    let mut headers = HeaderMap::new();
    if let Ok(text) = HeaderValue::try_from(format!("bytes */{size}")) {
        headers.insert(CONTENT_RANGE, text);
    }
    Error::new(code).with_headers(headers)
}

/// The bytes of one part, as it was uploaded.
fn part(number: &str, object: &OpenObject, answer: &mut HeaderMap) -> Result<Option<Range<u64>>> {
    let number = part_number(number)?;
    let sizes = object.part_sizes();
    let index = usize::from(number.get()) - 1;
    let Some(size) = sizes.get(index).copied() else {
        return Err(unsatisfiable(Code::InvalidPartNumber, object.info().size)
            .detail("PartNumberRequested", number.get().to_string())
            .detail("ActualPartCount", sizes.len().to_string()));
    };
    if object.info().etag.parts > 0 {
        let count = HeaderValue::from(sizes.len());
        answer.insert(HeaderName::from_static("x-amz-mp-parts-count"), count);
    }
    let start: u64 = sizes[..index].iter().sum();
    Ok((size > 0).then_some(start..start + size))
}

/// Reads `partNumber`: 1 to 10,000.
pub(super) fn part_number(text: &str) -> Result<PartNumber> {
    text.parse().ok().and_then(PartNumber::new).ok_or_else(|| {
        Error::argument("partNumber", text, "Part number must be an integer between 1 and 10000, inclusive")
    })
}
