//! `x-amz-copy-source`: where a copy comes from.

use crate::object::OpenObject;
use crate::sigv4::decode_form;
use crate::types::{BucketName, ObjectKey, VersionId};

use super::super::actions::Action;
use super::super::auth::Call;
use super::super::error::{Code, Error, Result};
use super::super::headers::text;
use super::super::versions;
use super::super::{conditions, encryption};
use super::name_bucket;

const HEADER: &str = "x-amz-copy-source";

/// An object, or a version of one.
#[derive(Debug)]
pub(in crate::s3) struct CopySource {
    pub(super) bucket: BucketName,
    pub(super) key: ObjectKey,
    pub(super) version: Option<VersionId>,
}

/// Reads the header: `/bucket/key`, percent-encoded, with or without its first slash, perhaps with `?versionId=`.
pub(super) fn read(call: &Call<'_>) -> Result<CopySource> {
    parse(text(call.headers(), HEADER).unwrap_or_default())
}

/// Opens the source, once its conditions hold.
pub(super) async fn open(call: &Call<'_>, source: &CopySource) -> Result<OpenObject> {
    let CopySource { bucket, key, version } = source;
    call.check_expected_source_owner(bucket).map_err(|error| name_bucket(error, Some(bucket)))?;
    let opened = call.open_object(Action::GetObject, (bucket, key), *version).await;
    let opened = opened.map_err(|error| match name_bucket(error, Some(bucket)) {
        // A version that has no bytes is no source (AWS answers so).
        error if error.code == Code::MethodNotAllowed => Error::request(
            "The source of a copy request may not specifically refer to a delete marker by version id.",
        ),
        error => error,
    })?;
    conditions::check_copy_source(call.headers(), opened.info())?;
    let customer = encryption::customer_key(call, call.headers(), &encryption::SOURCE_CUSTOMER)?;
    Ok(opened.with_customer_key(customer)?)
}

/// Reads the header's value.
pub(in crate::s3) fn parse(header: &str) -> Result<CopySource> {
    let invalid = || {
        Error::argument(
            HEADER,
            header,
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
        )
    };
    let (path, query) = header.split_once('?').unwrap_or((header, ""));
    let version = parse_version(query)?;
    // Unlike in the path of a request a plus is a space here: s5cmd writes one so, others write `%2B` for a plus.
    let path = decode_form(path).ok_or_else(invalid)?;
    let path = path.strip_prefix('/').unwrap_or(&path);
    let (bucket, key) = path.split_once('/').ok_or_else(invalid)?;
    if key.is_empty() {
        return Err(invalid());
    }
    Ok(CopySource { bucket: BucketName::parse(bucket)?, key: ObjectKey::parse(key)?, version })
}

fn parse_version(query: &str) -> Result<Option<VersionId>> {
    match query.strip_prefix("versionId=").map(decode_form) {
        _ if query.is_empty() => Ok(None),
        Some(Some(version)) => versions::parse("versionId", &version).map(Some),
        Some(None) | None => Err(Error::argument(HEADER, query.to_owned(), "Invalid copy source query")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_with_and_without_slash_and_encoding() {
        for (header, key) in [
            ("/src/a/b", "a/b"),
            ("src/a/b", "a/b"),
            ("src%2Fa%20b", "a b"),
            ("/src/a+b%2B%3F", "a b+?"),
            ("/src/a?versionId=null", "a"),
            ("/src//a//", "/a//"),
        ] {
            let source = parse(header).unwrap();
            assert_eq!((source.bucket.as_str(), source.key.as_str()), ("src", key), "{header}");
            assert_eq!(source.version, header.contains('?').then_some(VersionId::Null));
        }
    }

    #[test]
    fn sources_that_name_no_object_are_refused() {
        for (header, code) in [
            ("", Code::InvalidArgument),
            ("/src", Code::InvalidArgument),
            ("/src/", Code::InvalidArgument),
            ("/src/%ff", Code::InvalidArgument),
            ("/src/a?versionId=7", Code::InvalidArgument),
            ("/src/a?x=1", Code::InvalidArgument),
            ("/Src/a", Code::InvalidBucketName),
        ] {
            assert_eq!(parse(header).unwrap_err().code, code, "{header}");
        }
    }
}
