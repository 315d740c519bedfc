//! `?acl` of a bucket and of an object: GetBucketAcl, PutBucketAcl, GetObjectAcl and PutObjectAcl.

use hyper::StatusCode;

use crate::object::VersionChange;
use crate::types::{Acl, BucketName, CanonicalId, ConfigurationKind, ObjectAccess, ObjectKey, Ownership};

use super::super::acl::{self, Owners};
use super::super::actions::Action;
use super::super::auth::{Call, Upload};
use super::super::documents::Digest;
use super::super::error::{Code, Result};
use super::super::response::{Response, empty, xml};
use super::super::versions;
use super::{DOCUMENT_BYTES_MAX, change_version, read_document};

/// Answers the ACL of a bucket.
pub(super) async fn get_bucket(call: &Call<'_>, bucket: BucketName) -> Result<Response> {
    call.engine().head_bucket(&bucket).await?;
    let owner = call.bucket_owner(&bucket);
    let rules = call.rules(&bucket);
    Ok(xml(acl::document(call, owner, &shown(rules.ownership, rules.acl.as_ref(), owner))))
}

/// Replaces the ACL of a bucket.
pub(super) async fn put_bucket(call: &Call<'_>, upload: Upload, bucket: BucketName) -> Result<Response> {
    call.engine().head_bucket(&bucket).await?;
    let owner = call.bucket_owner(&bucket);
    let owners = Owners { owner, bucket_owner: owner };
    let acl = requested(call, upload, &bucket, owners, Action::PutBucketAcl).await?;
    let kind = ConfigurationKind::Acl;
    match owners.kept(acl) {
        Some(acl) => {
            let document = serde_json::to_string(&acl).expect("plain fields serialize");
            call.engine().put_configuration(&bucket, kind.into(), document).await?;
        }
        None => drop(call.engine().remove_configuration(&bucket, kind.into()).await?),
    }
    Ok(empty(StatusCode::OK))
}

/// Answers the ACL of a version.
pub(super) async fn get_object(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    let version = versions::requested(&call.query)?;
    let object = call.open_object(Action::GetObjectAcl, (&bucket, &key), version).await?;
    let access = &object.info().properties.access;
    let (owner, ownership) = (owner_of(call, &bucket, access), call.rules(&bucket).ownership);
    let mut response = xml(acl::document(call, owner, &shown(ownership, access.acl.as_ref(), owner)));
    versions::name(object.info().version, response.headers_mut());
    Ok(response)
}

/// Replaces the ACL of a version.
pub(super) async fn put_object(
    call: &Call<'_>,
    upload: Upload,
    bucket: BucketName,
    key: ObjectKey,
) -> Result<Response> {
    let version = versions::requested(&call.query)?;
    let object = call.open_object(Action::PutObjectAcl, (&bucket, &key), version).await?;
    let owner = owner_of(call, &bucket, &object.info().properties.access);
    let owners = Owners { owner, bucket_owner: call.bucket_owner(&bucket) };
    let acl = requested(call, upload, &bucket, owners, Action::PutObjectAcl).await?;
    let change = VersionChange::Acl(owners.kept(acl));
    change_version(call, (&bucket, &key), change, StatusCode::OK).await
}

/// Whose an object is.
fn owner_of(call: &Call<'_>, bucket: &BucketName, access: &ObjectAccess) -> CanonicalId {
    let own = access.owner.filter(|_| call.rules(bucket).ownership != Ownership::BucketOwnerEnforced);
    own.unwrap_or_else(|| call.bucket_owner(bucket))
}

/// A list as it is shown: where lists say nothing, the owner's alone.
fn shown(ownership: Ownership, acl: Option<&Acl>, owner: CanonicalId) -> Acl {
    let counts = acl.filter(|_| ownership != Ownership::BucketOwnerEnforced);
    counts.cloned().unwrap_or_else(|| Owners { owner, bucket_owner: owner }.private())
}

/// The list that the request asks for, by its headers or by its document.
async fn requested(
    call: &Call<'_>,
    upload: Upload,
    bucket: &BucketName,
    owners: Owners,
    action: Action,
) -> Result<Acl> {
    let rules = call.rules(bucket);
    if rules.ownership == Ownership::BucketOwnerEnforced {
        return Err(Code::AccessControlListNotSupported.into());
    }
    let document = read_document(call, upload, Digest::Optional, DOCUMENT_BYTES_MAX).await?;
    let asked = acl::of_headers(call.iam(), call.headers(), owners)?;
    let acl = match (asked, document.is_empty()) {
        (Some(acl), true) => acl,
        (None, false) => acl::parse(call.iam(), &document, owners.owner)?,
        (Some(_), false) => return Err(Code::UnexpectedContent.into()),
        (None, true) => return Err(Code::MissingSecurityHeader.into()),
    };
    call.refuse_public(Some(&acl), rules.block, action)?;
    Ok(acl)
}
