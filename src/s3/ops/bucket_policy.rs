//! `?policy` and `?policyStatus`: GetBucketPolicy, PutBucketPolicy, DeleteBucketPolicy and GetBucketPolicyStatus.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use crate::iam::policy::{NamedAccount, Policy};
use crate::types::{BucketName, ConfigurationKind};

use super::super::actions::Action;
use super::super::auth::{Call, Upload};
use super::super::documents::{Digest, read_policy, refused_policy};
use super::super::error::{Code, Error, Result};
use super::super::response::{Response, ResponseBody, empty, with_headers, xml};
use super::super::xml_write::XmlWriter;
use super::{DOCUMENT_BYTES_MAX, read_document};

/// Answers the policy as it was given.
pub(super) async fn get(call: &Call<'_>, bucket: BucketName) -> Result<Response> {
    let policy = call.engine().configuration(&bucket, &ConfigurationKind::Policy.into())?;
    let policy = policy.ok_or_else(|| missing(&bucket))?;
    let mut headers = hyper::HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(with_headers(StatusCode::OK, headers, ResponseBody::document(policy)))
}

/// Replaces the policy.
pub(super) async fn put(call: &Call<'_>, upload: Upload, bucket: BucketName) -> Result<Response> {
    call.engine().head_bucket(&bucket).await?;
    let document = read_document(call, upload, Digest::Optional, DOCUMENT_BYTES_MAX).await?;
    let policy = read_policy(&document, bucket.as_str())?;
    check_principals(call, &policy)?;
    if call.rules(&bucket).block.block_public_policy && policy.is_public() {
        let because = "public policies are prevented by the BlockPublicPolicy setting";
        return Err(call.blocked(Action::PutBucketPolicy, because));
    }
    let text = String::from_utf8(document.to_vec()).map_err(|_| Error::new(Code::MalformedPolicy))?;
    call.engine().put_configuration(&bucket, ConfigurationKind::Policy.into(), text).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Removes the policy; one that is not there is removed just as well.
pub(super) async fn remove(call: &Call<'_>, bucket: BucketName) -> Result<Response> {
    call.engine().remove_configuration(&bucket, ConfigurationKind::Policy.into()).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Says whether the policy opens anything to everybody.
pub(super) async fn status(call: &Call<'_>, bucket: BucketName) -> Result<Response> {
    call.engine().head_bucket(&bucket).await?;
    let rules = call.rules(&bucket);
    let policy = rules.policy.as_ref().ok_or_else(|| missing(&bucket))?;
    let mut document = XmlWriter::new(256);
    document.open_root("PolicyStatus");
    document.element("IsPublic", if policy.is_public() { "true" } else { "false" });
    document.close("PolicyStatus");
    Ok(xml(document.finish()))
}

fn missing(bucket: &BucketName) -> Error {
    Error::new(Code::NoSuchBucketPolicy).detail("BucketName", bucket.as_str().to_owned())
}

/// Refuses a policy that names an account which does not exist: a typing error would open or close something else.
fn check_principals(call: &Call<'_>, policy: &Policy) -> Result<()> {
    let unknown = policy.accounts().find(|account| match account {
        NamedAccount::Id(id) => call.iam().by_id(id).is_none(),
        NamedAccount::Canonical(id) => call.iam().by_canonical_id(id).is_none(),
    });
    match unknown {
        None => Ok(()),
        Some(NamedAccount::Id(id)) => Err(unknown_principal(id.to_string())),
        Some(NamedAccount::Canonical(id)) => Err(unknown_principal(id.to_string())),
    }
}

fn unknown_principal(name: String) -> Error {
    refused_policy("Invalid principal in policy").detail("Detail", name)
}
