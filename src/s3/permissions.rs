//! Which actions an operation asks for (AWS: "Required permissions for Amazon S3 API operations").
//!
//! Here stand those that are decided by the names of bucket and key alone. What reads or changes an object that is there
//! depends on that object too, so these operations open it by [`Call::open_object`]; each key of
//! DeleteObjects and the sources of copies are asked for where they are known.

use hyper::HeaderMap;

use crate::iam::Principal;
use crate::iam::policy::Resource;
use crate::types::{BucketName, ObjectKey};

use super::actions::Action;
use super::auth::Call;
use super::condition_keys::{NewBucket, RequestContext};
use super::error::{Code, Result};
use super::headers::text;
use super::route::{BucketAspect, BucketOperation, Operation};
use super::route::{ObjectAspect, ObjectOperation};
use super::versions;

/// Refuses an operation that the caller may not do, as far as names tell.
pub(super) async fn check(call: &Call<'_>, operation: &Operation) -> Result<()> {
    match operation {
        Operation::ListBuckets => call.authorize(Action::ListAllMyBuckets, Resource::Service),
        Operation::Bucket(bucket, operation) => {
            let resource = Resource::Bucket(bucket.as_str());
            if *operation == BucketOperation::Create {
                // It asks for itself once its document is known; that is read of accounts alone.
                return call.principal().account().map(drop).ok_or_else(|| Code::AccessDenied.into());
            }
            call.check_expected_owner(bucket)?;
            if *operation == BucketOperation::DeleteObjects {
                return call.authorize_some(Action::DeleteObject, bucket);
            }
            of_bucket(*operation).map_or(Ok(()), |action| call.authorize(action, resource))?;
            if is_of_policy(*operation) { call.refuse_strangers(bucket) } else { Ok(()) }
        }
        Operation::Object(bucket, key, operation) => {
            call.check_expected_owner(bucket)?;
            check_object(call, (bucket, key), *operation)?;
            if is_on_etag(call, *operation) {
                let version = versions::requested(&call.query)?;
                // Boxed: it is rare, and every request would have room for it.
                Box::pin(call.authorize_etag_condition((bucket, key), version)).await?;
            }
            Ok(())
        }
        Operation::Preflight(..) => Ok(()),
    }
}

fn check_object(
    call: &Call<'_>,
    (bucket, key): (&BucketName, &ObjectKey),
    operation: ObjectOperation,
) -> Result<()> {
    let resource = Resource::Object(bucket.as_str(), key.as_str());
    let Some(action) = of_object(operation) else { return Ok(()) };
    let named = call.query.has("versionId");
    let context = RequestContext { creates_object: creates_object(operation), ..call.context() };
    call.authorize_in(if named { action.of_version() } else { action }, resource, context)?;
    if operation == ObjectOperation::CreateUpload && *call.principal() == Principal::Anonymous {
        // Whatever a policy says (AWS: "Multipart upload and permissions").
        return Err(Code::AccessDenied.into());
    }
    if is_new_object(operation) { call.authorize_description(resource, context) } else { Ok(()) }
}

/// Whether an operation changes an object on the condition that it has a tag, which says something of the object.
fn is_on_etag(call: &Call<'_>, operation: ObjectOperation) -> bool {
    use ObjectOperation as Op;
    matches!(operation, Op::Put | Op::Copy | Op::Rename | Op::CompleteUpload | Op::Delete)
        && text(call.headers(), "if-match").is_some_and(|tag| tag != "*")
}

/// The action of an operation on a bucket; `None` where it asks for itself, or is none.
fn of_bucket(operation: BucketOperation) -> Option<Action> {
    use BucketOperation as Op;
    Some(match operation {
        Op::Head | Op::ListObjects | Op::ListObjectsV2 | Op::Search => Action::ListBucket,
        Op::Delete => Action::DeleteBucket,
        Op::GetLocation => Action::GetBucketLocation,
        Op::ListVersions => Action::ListBucketVersions,
        Op::ListUploads => Action::ListBucketMultipartUploads,
        Op::Read(aspect) => of_aspect(aspect)[0],
        Op::Write(aspect) => of_aspect(aspect)[1],
        Op::Remove(aspect) => of_aspect(aspect)[2],
        Op::Create | Op::DeleteObjects | Op::PostObject | Op::NotImplemented => return None,
    })
}

/// Operations that are for the bucket's own account, whatever a policy says.
fn is_of_policy(operation: BucketOperation) -> bool {
    use BucketOperation::{Read, Remove, Write};
    matches!(
        operation,
        Read(BucketAspect::Policy) | Write(BucketAspect::Policy) | Remove(BucketAspect::Policy)
    )
}

/// The actions that read, write and remove what describes a bucket.
const fn of_aspect(aspect: BucketAspect) -> [Action; 3] {
    use Action as A;
    let [read, write] = match aspect {
        BucketAspect::Policy => return [A::GetBucketPolicy, A::PutBucketPolicy, A::DeleteBucketPolicy],
        BucketAspect::Website => return [A::GetBucketWebsite, A::PutBucketWebsite, A::DeleteBucketWebsite],
        BucketAspect::MetadataConfiguration | BucketAspect::MetadataTable => {
            return [
                A::GetBucketMetadataTableConfiguration,
                A::CreateBucketMetadataTableConfiguration,
                A::DeleteBucketMetadataTableConfiguration,
            ];
        }
        BucketAspect::Abac => [A::GetBucketAbac, A::PutBucketAbac],
        BucketAspect::Accelerate => [A::GetAccelerateConfiguration, A::PutAccelerateConfiguration],
        BucketAspect::Acl => [A::GetBucketAcl, A::PutBucketAcl],
        BucketAspect::Analytics => [A::GetAnalyticsConfiguration, A::PutAnalyticsConfiguration],
        BucketAspect::Cors => [A::GetBucketCORS, A::PutBucketCORS],
        BucketAspect::Encryption => [A::GetEncryptionConfiguration, A::PutEncryptionConfiguration],
        BucketAspect::IntelligentTiering => {
            [A::GetIntelligentTieringConfiguration, A::PutIntelligentTieringConfiguration]
        }
        BucketAspect::Inventory => [A::GetInventoryConfiguration, A::PutInventoryConfiguration],
        BucketAspect::Lifecycle => [A::GetLifecycleConfiguration, A::PutLifecycleConfiguration],
        BucketAspect::Logging => [A::GetBucketLogging, A::PutBucketLogging],
        BucketAspect::Metrics => [A::GetMetricsConfiguration, A::PutMetricsConfiguration],
        BucketAspect::Notification => [A::GetBucketNotification, A::PutBucketNotification],
        BucketAspect::ObjectLock => {
            [A::GetBucketObjectLockConfiguration, A::PutBucketObjectLockConfiguration]
        }
        BucketAspect::OwnershipControls => [A::GetBucketOwnershipControls, A::PutBucketOwnershipControls],
        BucketAspect::PolicyStatus => [A::GetBucketPolicyStatus, A::PutBucketPolicy],
        BucketAspect::PublicAccessBlock => [A::GetBucketPublicAccessBlock, A::PutBucketPublicAccessBlock],
        BucketAspect::Replication => [A::GetReplicationConfiguration, A::PutReplicationConfiguration],
        BucketAspect::RequestPayment => [A::GetBucketRequestPayment, A::PutBucketRequestPayment],
        BucketAspect::Tagging => [A::GetBucketTagging, A::PutBucketTagging],
        BucketAspect::Versioning => [A::GetBucketVersioning, A::PutBucketVersioning],
    };
    [read, write, write]
}

/// The action of an operation on an object; `None` where it opens the object to ask, or is none.
fn of_object(operation: ObjectOperation) -> Option<Action> {
    use ObjectOperation as Op;
    match operation {
        Op::Put
        | Op::Copy
        | Op::Rename
        | Op::CreateUpload
        | Op::UploadPart
        | Op::UploadPartCopy
        | Op::CompleteUpload => Some(Action::PutObject),
        Op::Delete => Some(Action::DeleteObject),
        Op::Get
        | Op::Head
        | Op::GetAttributes
        | Op::Restore
        | Op::AbortUpload
        | Op::ListParts
        | Op::Read(_)
        | Op::Write(_)
        | Op::Remove(_)
        | Op::NotImplemented => None,
    }
}

/// Whether an object comes of an operation that stores something (AWS: `s3:ObjectCreationOperation`). Of an upload of parts
/// it does when that is completed.
fn creates_object(operation: ObjectOperation) -> Option<bool> {
    use ObjectOperation as Op;
    match operation {
        Op::Put | Op::Copy | Op::Rename | Op::CompleteUpload => Some(true),
        Op::CreateUpload | Op::UploadPart | Op::UploadPartCopy => Some(false),
        _ => None,
    }
}

/// Whether the headers describe the object that comes of it.
fn is_new_object(operation: ObjectOperation) -> bool {
    matches!(operation, ObjectOperation::Put | ObjectOperation::Copy | ObjectOperation::CreateUpload)
}

/// The actions that read, write and remove what describes an object.
pub(super) const fn of_object_aspect(aspect: ObjectAspect) -> [Action; 3] {
    use Action as A;
    match aspect {
        ObjectAspect::Tagging => [A::GetObjectTagging, A::PutObjectTagging, A::DeleteObjectTagging],
        ObjectAspect::Acl => [A::GetObjectAcl, A::PutObjectAcl, A::PutObjectAcl],
        ObjectAspect::LegalHold => [A::GetObjectLegalHold, A::PutObjectLegalHold, A::PutObjectLegalHold],
        ObjectAspect::Retention => [A::GetObjectRetention, A::PutObjectRetention, A::PutObjectRetention],
        ObjectAspect::Torrent => [A::GetObjectTorrent, A::GetObjectTorrent, A::GetObjectTorrent],
        ObjectAspect::Encryption => [A::GetObject, A::UpdateObjectEncryption, A::UpdateObjectEncryption],
        ObjectAspect::Annotation => [A::GetObject, A::PutObject, A::PutObject],
    }
}

/// What a request for a new object asks for beside its bytes.
pub(super) fn of_description(context: &RequestContext<'_>) -> impl Iterator<Item = Action> {
    const OF_HEADERS: [(&str, Action); 9] = [
        ("x-amz-tagging", Action::PutObjectTagging),
        ("x-amz-acl", Action::PutObjectAcl),
        ("x-amz-grant-full-control", Action::PutObjectAcl),
        ("x-amz-grant-read", Action::PutObjectAcl),
        ("x-amz-grant-read-acp", Action::PutObjectAcl),
        ("x-amz-grant-write-acp", Action::PutObjectAcl),
        ("x-amz-object-lock-mode", Action::PutObjectRetention),
        ("x-amz-object-lock-retain-until-date", Action::PutObjectRetention),
        ("x-amz-object-lock-legal-hold", Action::PutObjectLegalHold),
    ];
    let headers = context.headers;
    let of_tags = context.tags.map(|_| Action::PutObjectTagging);
    let of_headers = OF_HEADERS.into_iter().filter_map(|(name, action)| text(headers, name).map(|_| action));
    of_tags.into_iter().chain(of_headers)
}

/// What headers and document of a new bucket ask for beside it.
pub(super) fn of_bucket_description(headers: &HeaderMap, asked: &NewBucket) -> impl Iterator<Item = Action> {
    const OF_HEADERS: [(&str, Action); 8] = [
        ("x-amz-acl", Action::PutBucketAcl),
        ("x-amz-grant-full-control", Action::PutBucketAcl),
        ("x-amz-grant-read", Action::PutBucketAcl),
        ("x-amz-grant-read-acp", Action::PutBucketAcl),
        ("x-amz-grant-write", Action::PutBucketAcl),
        ("x-amz-grant-write-acp", Action::PutBucketAcl),
        ("x-amz-bucket-object-lock-enabled", Action::PutBucketObjectLockConfiguration),
        ("x-amz-object-ownership", Action::PutBucketOwnershipControls),
    ];
    let of_tags = (!asked.tags.is_empty()).then_some(Action::TagResource);
    let of_headers = OF_HEADERS.into_iter().filter_map(|(name, action)| text(headers, name).map(|_| action));
    of_tags.into_iter().chain(of_headers)
}
