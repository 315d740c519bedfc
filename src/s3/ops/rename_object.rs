//! `PUT /bucket/key?renameObject`: RenameObject, here of any bucket.

use hyper::{HeaderMap, StatusCode};

use crate::iam::policy::Resource;
use crate::object::OpenObject;
use crate::sigv4::decode_form;
use crate::types::{BucketName, ObjectKey};

use super::super::actions::Action;
use super::super::auth::Call;
use super::super::conditions;
use super::super::error::{Code, Error, Result};
use super::super::headers::{self, text};
use super::super::response::{Response, empty};
use super::{name_key, parse_key};

const HEADER: &str = "x-amz-rename-source";

/// Gives an object the key of the request, in one step. Where versions are kept, those that it had stay under the old
/// key, below a delete marker.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    let sent = call.headers();
    let from = source_key(text(sent, HEADER).unwrap_or_default(), &bucket)?;
    if from.as_str().ends_with('/') || key.as_str().ends_with('/') {
        return Err(Error::request(
            "RenameObject does not support objects with keys that end in the delimiter /.",
        ));
    }
    if from == key {
        return Err(Error::request("An object cannot be renamed to the key that it has."));
    }
    let condition = headers::write_condition(sent)?;
    let source = call.open_object(Action::GetObject, (&bucket, &from), None).await?;
    // To remove is for whom the bucket lets, whoever owns the object.
    call.authorize(Action::DeleteObject, Resource::Object(bucket.as_str(), from.as_str()))?;
    conditions::check_rename_source(sent, source.info())?;
    check_target_times(call, &bucket, &key).await?;
    rename(call, source, &key, condition).await?;
    Ok(empty(StatusCode::OK))
}

async fn rename(
    call: &Call<'_>,
    source: OpenObject,
    key: &ObjectKey,
    condition: crate::object::WriteCondition,
) -> Result<()> {
    let renamed = call.engine().rename(source, key, condition).await;
    renamed.map_err(|error| name_key(error, key.as_str()))
}

/// `If-Modified-Since` and `If-Unmodified-Since` are of the object that would be replaced.
async fn check_target_times(call: &Call<'_>, bucket: &BucketName, key: &ObjectKey) -> Result<()> {
    let has = |headers: &HeaderMap, name| text(headers, name).is_some();
    let since = has(call.headers(), "if-modified-since");
    if !since && !has(call.headers(), "if-unmodified-since") {
        return Ok(());
    }
    match call.open_object(Action::GetObject, (bucket, key), None).await {
        Ok(target) => conditions::check_rename_target(call.headers(), target.info()),
        Err(error) if error.code == Code::NoSuchKey && !since => Ok(()),
        Err(error) if error.code == Code::NoSuchKey => Err(Code::PreconditionFailed.into()),
        Err(error) => Err(error),
    }
}

/// The key, percent-encoded, alone or behind the bucket's name, with or without a first slash.
fn source_key(header: &str, bucket: &BucketName) -> Result<ObjectKey> {
    let path = decode_form(header).filter(|path| !path.is_empty());
    let path = path.ok_or_else(|| {
        Error::argument(HEADER, header, "The header must be the key of the object to rename, URL-encoded")
    })?;
    let path = path.strip_prefix('/').unwrap_or(&path);
    let in_bucket = path.strip_prefix(bucket.as_str()).and_then(|rest| rest.strip_prefix('/'));
    parse_key(in_bucket.unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_a_key_with_or_without_its_bucket() {
        let bucket = BucketName::parse("photos").unwrap();
        let read = |header| source_key(header, &bucket).unwrap().as_str().to_owned();
        for header in ["a%20b", "/a%20b", "photos/a b", "/photos/a%20b"] {
            assert_eq!(read(header), "a b");
        }
        assert_eq!(read("other/a"), "other/a");
        assert_eq!(source_key("", &bucket).unwrap_err().code, Code::InvalidArgument);
    }
}
