//! `PUT /bucket/key?renameObject`: RenameObject, here of any bucket.

use std::fmt::Write;

use hyper::{HeaderMap, StatusCode};

use crate::checksum::md5::Md5;
use crate::iam::policy::Resource;
use crate::object::RenameToken;
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
const TOKEN: &str = "x-amz-client-token";
/// Characters of a token.
const TOKEN_LEN_MAX: usize = 64;
/// What a rename may depend on.
const CONDITIONS: [&str; 8] = [
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "x-amz-rename-source-if-match",
    "x-amz-rename-source-if-none-match",
    "x-amz-rename-source-if-modified-since",
    "x-amz-rename-source-if-unmodified-since",
];

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
    let token = token(sent, &from, &key)?;
    if let Some(token) = &token
        && call.engine().was_renamed(&bucket, token)?
    {
        // The source is no longer there to be looked at; whoever may not do it is not told that it was done.
        let resource = Resource::Object(bucket.as_str(), from.as_str());
        call.authorize(Action::GetObject, resource)?;
        call.authorize(Action::DeleteObject, resource)?;
        return Ok(empty(StatusCode::OK));
    }
    let source = call.open_object(Action::GetObject, (&bucket, &from), None).await?;
    // To remove is for whom the bucket lets, whoever owns the object.
    call.authorize(Action::DeleteObject, Resource::Object(bucket.as_str(), from.as_str()))?;
    conditions::check_rename_source(sent, source.info())?;
    check_target_times(call, &bucket, &key).await?;
    let renamed = call.engine().rename(source, &key, condition, token).await;
    renamed.map_err(|error| name_key(error, key.as_str()))?;
    Ok(empty(StatusCode::OK))
}

/// What the client calls its request, with a digest of all that decides what it does.
fn token(sent: &HeaderMap, from: &ObjectKey, to: &ObjectKey) -> Result<Option<RenameToken>> {
    let Some(token) = text(sent, TOKEN) else { return Ok(None) };
    if token.len() > TOKEN_LEN_MAX || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let words = "The client token is a text of at most 64 printable ASCII characters.";
        return Err(Error::argument(TOKEN, token, words));
    }
    let mut request = format!("{from}\0{to}");
    for name in CONDITIONS {
        let _ = write!(request, "\0{}", text(sent, name).unwrap_or_default());
    }
    Ok(Some(RenameToken { token: token.to_owned(), request: Md5::digest(request.as_bytes()) }))
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

    #[test]
    fn a_token_stands_for_keys_and_conditions() {
        let read = |headers: &[(&'static str, &str)], to: &str| {
            let mut sent = HeaderMap::new();
            for (name, value) in headers {
                sent.insert(*name, value.parse().unwrap());
            }
            let key = |key: &str| ObjectKey::parse(key).unwrap();
            token(&sent, &key("a"), &key(to))
        };
        assert_eq!(read(&[], "b").unwrap(), None);
        let once = read(&[(TOKEN, "t")], "b").unwrap().unwrap();
        assert_eq!(read(&[(TOKEN, "t")], "b").unwrap().unwrap(), once);
        let others = [read(&[(TOKEN, "t")], "c"), read(&[(TOKEN, "t"), ("if-none-match", "*")], "b")];
        for other in others {
            assert_ne!(other.unwrap().unwrap().request, once.request);
        }
        for bad in ["a b", &"t".repeat(65)] {
            assert_eq!(read(&[(TOKEN, bad)], "b").unwrap_err().code, Code::InvalidArgument);
        }
    }
}
