//! Versions in requests and answers.

use hyper::HeaderMap;
use hyper::header::{ALLOW, HeaderName, HeaderValue, LAST_MODIFIED};

use crate::types::{Timestamp, VersionId};

use super::error::{Code, Error, Result};
use super::query::Query;
use super::time::http_date;

const VERSION: HeaderName = HeaderName::from_static("x-amz-version-id");
const COPY_SOURCE_VERSION: HeaderName = HeaderName::from_static("x-amz-copy-source-version-id");
const DELETE_MARKER: HeaderName = HeaderName::from_static("x-amz-delete-marker");

/// The version that `versionId` names; `None` for the current one.
pub(super) fn requested(query: &Query) -> Result<Option<VersionId>> {
    query.get("versionId").map(|text| parse("versionId", text)).transpose()
}

/// Reads a version's name.
pub(super) fn parse(argument: &'static str, text: &str) -> Result<VersionId> {
    if text.is_empty() {
        return Err(Error::argument(argument, "", "Version id cannot be the empty string"));
    }
    VersionId::parse(text).ok_or_else(|| Error::argument(argument, text, "Invalid version id specified"))
}

/// Names the version that an answer is about.
pub(super) fn name(version: Option<VersionId>, answer: &mut HeaderMap) {
    insert(VERSION, version, answer);
}

/// Names the version that was copied.
pub(super) fn name_source(version: Option<VersionId>, answer: &mut HeaderMap) {
    insert(COPY_SOURCE_VERSION, version, answer);
}

fn insert(name: HeaderName, version: Option<VersionId>, answer: &mut HeaderMap) {
    if let Some(version) = version {
        answer.insert(name, HeaderValue::try_from(version.to_string()).expect("a version id is ascii"));
    }
}

/// Says that an answer is about a delete marker.
pub(super) fn mark_deleted(answer: &mut HeaderMap) {
    answer.insert(DELETE_MARKER, HeaderValue::from_static("true"));
}

/// A key whose newest version is a delete marker.
pub(super) fn deleted_key(version: VersionId) -> Error {
    let mut headers = HeaderMap::new();
    name(Some(version), &mut headers);
    mark_deleted(&mut headers);
    Error::new(Code::NoSuchKey).with_headers(headers)
}

/// A delete marker that was asked for by its name.
pub(super) fn delete_marker(version: VersionId, modified: Timestamp) -> Error {
    let mut headers = HeaderMap::new();
    name(Some(version), &mut headers);
    mark_deleted(&mut headers);
    headers.insert(ALLOW, HeaderValue::from_static("DELETE"));
    if let Ok(date) = HeaderValue::try_from(http_date(modified)) {
        headers.insert(LAST_MODIFIED, date);
    }
    Error::new(Code::MethodNotAllowed).detail("ResourceType", "DeleteMarker").with_headers(headers)
}
