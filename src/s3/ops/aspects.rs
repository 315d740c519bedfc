//! Sub-resources that nobody can set here: what AWS answers where they are not set.
//!
//! Clients read them to learn what a bucket or object is like, so a read gets AWS's own answer for a fresh
//! one. A write is refused, since to ignore it would break a promise. A removal succeeds: what it
//! removes is not there.

use hyper::StatusCode;

use crate::iam::Identity;
use crate::types::{BucketName, ObjectKey};

use super::super::auth::{Call, Upload};
use super::super::documents::{Digest, read_policy};
use super::super::error::{Code, Error, Result};
use super::super::headers::text;
use super::super::response::{Response, empty, xml};
use super::super::route::{BucketAspect, ObjectAspect};
use super::super::versions;
use super::super::xml_write::XmlWriter;
use super::{DOCUMENT_BYTES_MAX, listing, name_version, read_document};

/// Reads a sub-resource of a bucket.
pub(super) async fn read_bucket(
    call: &Call<'_>,
    bucket: BucketName,
    aspect: BucketAspect,
) -> Result<Response> {
    call.engine().head_bucket(&bucket).await?;
    let error = match aspect {
        BucketAspect::Acl => return Ok(xml(acl(call.identity))),
        BucketAspect::Abac => return Ok(document("AbacStatus", "<Status>Disabled</Status>")),
        BucketAspect::Versioning => return Ok(document("VersioningConfiguration", "")),
        BucketAspect::ObjectLock => Code::ObjectLockNotFound,
        BucketAspect::Policy | BucketAspect::PolicyStatus => Code::NoSuchBucketPolicy,
        _ => Code::MetadataConfigurationNotFound,
    };
    Err(Error::new(error).detail("BucketName", bucket.as_str().to_owned()))
}

/// Writes a sub-resource of a bucket: only the ACL that every bucket has may be set again. A policy is checked and not
/// taken: nothing here would follow it.
pub(super) async fn write_to_bucket(
    call: &Call<'_>,
    upload: Upload,
    bucket: BucketName,
    aspect: BucketAspect,
) -> Result<Response> {
    call.engine().head_bucket(&bucket).await?;
    match aspect {
        BucketAspect::Acl if keeps_private(call) => Ok(empty(StatusCode::OK)),
        BucketAspect::Policy => {
            let policy = read_document(call, upload, Digest::Optional, DOCUMENT_BYTES_MAX).await?;
            read_policy(&policy, bucket.as_str())?;
            Err(Error::with_message(
                Code::NotImplemented,
                "This server does not evaluate bucket policies. The policy was not stored.",
            ))
        }
        _ => Err(Code::NotImplemented.into()),
    }
}

/// Removes a sub-resource of a bucket.
pub(super) async fn remove_from_bucket(
    call: &Call<'_>,
    bucket: BucketName,
    aspect: BucketAspect,
) -> Result<Response> {
    call.engine().head_bucket(&bucket).await?;
    match aspect {
        BucketAspect::Policy | BucketAspect::MetadataConfiguration | BucketAspect::MetadataTable => {
            Ok(empty(StatusCode::NO_CONTENT))
        }
        _ => Err(Code::MethodNotAllowed.into()),
    }
}

/// Reads a sub-resource of an object.
pub(super) async fn read_object(
    call: &Call<'_>,
    bucket: BucketName,
    key: ObjectKey,
    aspect: ObjectAspect,
) -> Result<Response> {
    check_object(call, &bucket, &key).await?;
    match aspect {
        ObjectAspect::Acl => Ok(xml(acl(call.identity))),
        _ => Err(Code::NotImplemented.into()),
    }
}

/// Writes a sub-resource of an object: only the ACL that every object has may be set again.
pub(super) async fn write_to_object(
    call: &Call<'_>,
    bucket: BucketName,
    key: ObjectKey,
    aspect: ObjectAspect,
) -> Result<Response> {
    check_object(call, &bucket, &key).await?;
    match aspect {
        ObjectAspect::Acl if keeps_private(call) => Ok(empty(StatusCode::OK)),
        _ => Err(Code::NotImplemented.into()),
    }
}

async fn check_object(call: &Call<'_>, bucket: &BucketName, key: &ObjectKey) -> Result<()> {
    let version = versions::requested(&call.query)?;
    let opened = call.engine().open(bucket, key, version).await;
    opened.map(drop).map_err(|error| name_version(error, key.as_str(), version))
}

/// True for a canned ACL that grants nobody anything but the owner.
fn keeps_private(call: &Call<'_>) -> bool {
    matches!(
        text(call.headers(), "x-amz-acl"),
        Some("private" | "bucket-owner-read" | "bucket-owner-full-control")
    )
}

/// A document of one element with this content.
fn document(root: &str, content: &str) -> Response {
    let mut document = XmlWriter::new(256);
    document.open_root(root);
    document.raw(content);
    document.close(root);
    xml(document.finish())
}

/// The ACL of everything: its owner may do all.
fn acl(identity: &Identity) -> Vec<u8> {
    let mut xml = XmlWriter::new(1024);
    xml.open_root("AccessControlPolicy");
    listing::owner(&mut xml, "Owner", identity);
    xml.raw(
        "<AccessControlList><Grant>\
         <Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\">",
    );
    xml.element("ID", &identity.canonical_id);
    xml.element("DisplayName", &identity.display_name);
    xml.raw("</Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList>");
    xml.close("AccessControlPolicy");
    xml.finish()
}
