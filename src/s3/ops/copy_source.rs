//! `x-amz-copy-source`: where a copy comes from.

use crate::object::OpenObject;
use crate::sigv4::{decode_form, decode_path};
use crate::types::{BucketName, ObjectKey};

use super::super::auth::Call;
use super::super::conditions;
use super::super::error::{Code, Error, Result};
use super::super::headers::text;
use super::name_key;

const HEADER: &str = "x-amz-copy-source";

/// Reads the header: `/bucket/key`, percent-encoded, with or without its first slash.
pub(super) fn read(call: &Call<'_>) -> Result<(BucketName, ObjectKey)> {
    parse(text(call.headers(), HEADER).unwrap_or_default())
}

/// Opens the source, once its conditions hold.
pub(super) async fn open(call: &Call<'_>, bucket: &BucketName, key: &ObjectKey) -> Result<OpenObject> {
    let source = call.engine().open(bucket, key).await.map_err(|error| name_key(error, key.as_str()))?;
    conditions::check_copy_source(call.headers(), source.info())?;
    Ok(source)
}

fn parse(header: &str) -> Result<(BucketName, ObjectKey)> {
    let invalid = || {
        Error::argument(
            HEADER,
            header,
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
        )
    };
    let (path, query) = header.split_once('?').unwrap_or((header, ""));
    check_version(query)?;
    let path = decode_path(path).ok_or_else(invalid)?;
    let path = path.strip_prefix('/').unwrap_or(&path);
    let (bucket, key) = path.split_once('/').ok_or_else(invalid)?;
    if key.is_empty() {
        return Err(invalid());
    }
    let bucket = BucketName::parse(bucket)?;
    Ok((bucket, ObjectKey::parse(key)?))
}

fn check_version(query: &str) -> Result<()> {
    match query.strip_prefix("versionId=").map(decode_form) {
        _ if query.is_empty() => Ok(()),
        Some(Some(version)) if version == "null" => Ok(()),
        Some(Some(version)) => Err(Error::new(Code::NoSuchVersion).detail("VersionId", version)),
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
            ("/src/a+b%2B%3F", "a+b+?"),
            ("/src/a?versionId=null", "a"),
            ("/src//a//", "/a//"),
        ] {
            let (bucket, found) = parse(header).unwrap();
            assert_eq!((bucket.as_str(), found.as_str()), ("src", key), "{header}");
        }
    }

    #[test]
    fn sources_that_name_no_object_are_refused() {
        for (header, code) in [
            ("", Code::InvalidArgument),
            ("/src", Code::InvalidArgument),
            ("/src/", Code::InvalidArgument),
            ("/src/%ff", Code::InvalidArgument),
            ("/src/a?versionId=7", Code::NoSuchVersion),
            ("/src/a?x=1", Code::InvalidArgument),
            ("/Src/a", Code::InvalidBucketName),
        ] {
            assert_eq!(parse(header).unwrap_err().code, code, "{header}");
        }
    }
}
