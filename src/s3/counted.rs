//! The name under which metrics and logs count an operation.

use crate::telemetry::Operation as C;

use super::query::Query;
use super::route::{BucketAspect, BucketOperation, ObjectAspect, ObjectOperation, Operation};

impl Operation {
    /// What it is counted as. A configuration of which a bucket may have several is one of them where the query names it, else all.
    pub(super) fn counted(&self, query: &Query) -> C {
        match self {
            Self::ListBuckets => C::ListBuckets,
            Self::Bucket(_, operation) => of_bucket(*operation, query),
            Self::Object(_, _, operation) => of_object(*operation),
            Self::Preflight(..) => C::Unknown,
        }
    }
}

fn of_bucket(operation: BucketOperation, query: &Query) -> C {
    use BucketOperation as Op;
    match operation {
        Op::Create => C::CreateBucket,
        Op::Head => C::HeadBucket,
        Op::Delete => C::DeleteBucket,
        Op::GetLocation => C::GetBucketLocation,
        Op::ListObjects => C::ListObjects,
        Op::ListObjectsV2 => C::ListObjectsV2,
        Op::ListVersions => C::ListObjectVersions,
        Op::ListUploads => C::ListMultipartUploads,
        Op::Search => C::SearchObjects,
        Op::DeleteObjects => C::DeleteObjects,
        Op::PostObject => C::PostObject,
        Op::Read(aspect) if !query.has("id") => list_of(aspect).unwrap_or(of_aspect(aspect)[0]),
        Op::Read(aspect) => of_aspect(aspect)[0],
        Op::Write(aspect) => of_aspect(aspect)[1],
        Op::Remove(aspect) => of_aspect(aspect)[2],
        Op::NotImplemented => C::Unknown,
    }
}

fn of_object(operation: ObjectOperation) -> C {
    use ObjectOperation as Op;
    match operation {
        Op::Put => C::PutObject,
        Op::Copy => C::CopyObject,
        Op::Rename => C::RenameObject,
        Op::Get => C::GetObject,
        Op::Head => C::HeadObject,
        Op::Delete => C::DeleteObject,
        Op::GetAttributes => C::GetObjectAttributes,
        Op::Restore => C::RestoreObject,
        Op::CreateUpload => C::CreateMultipartUpload,
        Op::UploadPart => C::UploadPart,
        Op::UploadPartCopy => C::UploadPartCopy,
        Op::CompleteUpload => C::CompleteMultipartUpload,
        Op::AbortUpload => C::AbortMultipartUpload,
        Op::ListParts => C::ListParts,
        Op::Read(aspect) => of_object_aspect(aspect)[0],
        Op::Write(aspect) => of_object_aspect(aspect)[1],
        Op::Remove(aspect) => of_object_aspect(aspect)[2],
        Op::NotImplemented => C::Unknown,
    }
}

/// What lists all configurations of a kind.
const fn list_of(aspect: BucketAspect) -> Option<C> {
    match aspect {
        BucketAspect::Analytics => Some(C::ListBucketAnalyticsConfigurations),
        BucketAspect::IntelligentTiering => Some(C::ListBucketIntelligentTieringConfigurations),
        BucketAspect::Inventory => Some(C::ListBucketInventoryConfigurations),
        BucketAspect::Metrics => Some(C::ListBucketMetricsConfigurations),
        _ => None,
    }
}

/// What reads, writes and removes what describes a bucket.
const fn of_aspect(aspect: BucketAspect) -> [C; 3] {
    match aspect {
        BucketAspect::Abac => [C::GetBucketAbac, C::PutBucketAbac, C::Unknown],
        BucketAspect::Accelerate => {
            [C::GetBucketAccelerateConfiguration, C::PutBucketAccelerateConfiguration, C::Unknown]
        }
        BucketAspect::Acl => [C::GetBucketAcl, C::PutBucketAcl, C::Unknown],
        BucketAspect::Analytics => [
            C::GetBucketAnalyticsConfiguration,
            C::PutBucketAnalyticsConfiguration,
            C::DeleteBucketAnalyticsConfiguration,
        ],
        BucketAspect::Cors => [C::GetBucketCors, C::PutBucketCors, C::DeleteBucketCors],
        BucketAspect::Encryption => {
            [C::GetBucketEncryption, C::PutBucketEncryption, C::DeleteBucketEncryption]
        }
        BucketAspect::IntelligentTiering => [
            C::GetBucketIntelligentTieringConfiguration,
            C::PutBucketIntelligentTieringConfiguration,
            C::DeleteBucketIntelligentTieringConfiguration,
        ],
        BucketAspect::Inventory => [
            C::GetBucketInventoryConfiguration,
            C::PutBucketInventoryConfiguration,
            C::DeleteBucketInventoryConfiguration,
        ],
        BucketAspect::Lifecycle => {
            [C::GetBucketLifecycleConfiguration, C::PutBucketLifecycleConfiguration, C::DeleteBucketLifecycle]
        }
        BucketAspect::Logging => [C::GetBucketLogging, C::PutBucketLogging, C::Unknown],
        BucketAspect::MetadataConfiguration => [
            C::GetBucketMetadataConfiguration,
            C::CreateBucketMetadataConfiguration,
            C::DeleteBucketMetadataConfiguration,
        ],
        BucketAspect::MetadataTable => [
            C::GetBucketMetadataTableConfiguration,
            C::CreateBucketMetadataTableConfiguration,
            C::DeleteBucketMetadataTableConfiguration,
        ],
        BucketAspect::Metrics => [
            C::GetBucketMetricsConfiguration,
            C::PutBucketMetricsConfiguration,
            C::DeleteBucketMetricsConfiguration,
        ],
        BucketAspect::Notification => {
            [C::GetBucketNotificationConfiguration, C::PutBucketNotificationConfiguration, C::Unknown]
        }
        BucketAspect::ObjectLock => {
            [C::GetObjectLockConfiguration, C::PutObjectLockConfiguration, C::Unknown]
        }
        BucketAspect::OwnershipControls => {
            [C::GetBucketOwnershipControls, C::PutBucketOwnershipControls, C::DeleteBucketOwnershipControls]
        }
        BucketAspect::Policy => [C::GetBucketPolicy, C::PutBucketPolicy, C::DeleteBucketPolicy],
        BucketAspect::PolicyStatus => [C::GetBucketPolicyStatus, C::Unknown, C::Unknown],
        BucketAspect::PublicAccessBlock => {
            [C::GetPublicAccessBlock, C::PutPublicAccessBlock, C::DeletePublicAccessBlock]
        }
        BucketAspect::Replication => {
            [C::GetBucketReplication, C::PutBucketReplication, C::DeleteBucketReplication]
        }
        BucketAspect::RequestPayment => [C::GetBucketRequestPayment, C::PutBucketRequestPayment, C::Unknown],
        BucketAspect::Tagging => [C::GetBucketTagging, C::PutBucketTagging, C::DeleteBucketTagging],
        BucketAspect::Versioning => [C::GetBucketVersioning, C::PutBucketVersioning, C::Unknown],
        BucketAspect::Website => [C::GetBucketWebsite, C::PutBucketWebsite, C::DeleteBucketWebsite],
    }
}

/// What reads, writes and removes what describes an object.
const fn of_object_aspect(aspect: ObjectAspect) -> [C; 3] {
    match aspect {
        ObjectAspect::Acl => [C::GetObjectAcl, C::PutObjectAcl, C::Unknown],
        ObjectAspect::Annotation => {
            [C::GetObjectAnnotation, C::PutObjectAnnotation, C::DeleteObjectAnnotation]
        }
        ObjectAspect::Encryption => [C::Unknown, C::UpdateObjectEncryption, C::Unknown],
        ObjectAspect::LegalHold => [C::GetObjectLegalHold, C::PutObjectLegalHold, C::Unknown],
        ObjectAspect::Retention => [C::GetObjectRetention, C::PutObjectRetention, C::Unknown],
        ObjectAspect::Tagging => [C::GetObjectTagging, C::PutObjectTagging, C::DeleteObjectTagging],
        ObjectAspect::Torrent => [C::GetObjectTorrent, C::Unknown, C::Unknown],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{BucketName, ObjectKey};

    #[test]
    fn what_describes_buckets_and_objects_is_counted_by_its_operation() {
        use BucketOperation::{Read, Remove, Write};
        let on_bucket = |operation, query: &str| {
            let operation = Operation::Bucket(BucketName::parse("bucket").unwrap(), operation);
            operation.counted(&Query::parse(query).unwrap()).name()
        };
        for (operation, query, name) in [
            (Read(BucketAspect::Lifecycle), "lifecycle", "get_bucket_lifecycle_configuration"),
            (Write(BucketAspect::Policy), "policy", "put_bucket_policy"),
            (Remove(BucketAspect::Cors), "cors", "delete_bucket_cors"),
            (Read(BucketAspect::Inventory), "inventory&id=a", "get_bucket_inventory_configuration"),
            (Read(BucketAspect::Inventory), "inventory", "list_bucket_inventory_configurations"),
            (Remove(BucketAspect::Versioning), "versioning", "unknown"),
            (BucketOperation::ListVersions, "versions", "list_object_versions"),
        ] {
            assert_eq!(on_bucket(operation, query), name, "{query}");
        }
        let (bucket, key) = (BucketName::parse("bucket").unwrap(), ObjectKey::parse("k").unwrap());
        let operation = Operation::Object(bucket, key, ObjectOperation::Write(ObjectAspect::Tagging));
        assert_eq!(operation.counted(&Query::default()).name(), "put_object_tagging");
    }
}
