//! The actions of S3 that policies name, and what each is on (AWS: "Actions, resources, and condition keys for Amazon
//! S3").

use crate::types::Permission;

/// What an action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Service,
    Bucket,
    Object,
}

macro_rules! actions {
    ($($level:ident { $($variant:ident),+ $(,)? })+) => {
        /// An action of S3.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(super) enum Action { $($($variant),+),+ }

        impl Action {
            /// All that there are, also those that no operation of this server asks for.
            pub(super) const ALL: &[Self] = &[$($(Self::$variant),+),+];

            /// As policies name it.
            pub(super) const fn name(self) -> &'static str {
                match self { $($(Self::$variant => concat!("s3:", stringify!($variant))),+),+ }
            }

            /// What it is done to.
            pub(super) const fn level(self) -> Level {
                match self { $($(Self::$variant)|+ => Level::$level),+ }
            }
        }
    };
}

actions! {
    Service {
        ListAllMyBuckets, GetAccountPublicAccessBlock, PutAccountPublicAccessBlock,
    }
    Bucket {
        CreateBucket, CreateBucketMetadataTableConfiguration, DeleteBucket, DeleteBucketMetadataTableConfiguration,
        DeleteBucketPolicy, DeleteBucketWebsite, GetAccelerateConfiguration, GetAnalyticsConfiguration, GetBucketAbac,
        GetBucketAcl, GetBucketCORS, GetBucketLocation, GetBucketLogging, GetBucketMetadataTableConfiguration,
        GetBucketNotification, GetBucketObjectLockConfiguration, GetBucketOwnershipControls, GetBucketPolicy,
        GetBucketPolicyStatus, GetBucketPublicAccessBlock, GetBucketRequestPayment, GetBucketTagging,
        GetBucketVersioning, GetBucketWebsite, GetEncryptionConfiguration, GetIntelligentTieringConfiguration,
        GetInventoryConfiguration, GetLifecycleConfiguration, GetMetricsConfiguration, GetReplicationConfiguration,
        ListBucket, ListBucketMultipartUploads, ListBucketVersions, ListTagsForResource, PutAccelerateConfiguration,
        PutAnalyticsConfiguration, PutBucketAbac, PutBucketAcl, PutBucketCORS, PutBucketLogging, PutBucketNotification,
        PutBucketObjectLockConfiguration, PutBucketOwnershipControls, PutBucketPolicy, PutBucketPublicAccessBlock,
        PutBucketRequestPayment, PutBucketTagging, PutBucketVersioning, PutBucketWebsite, PutEncryptionConfiguration,
        PutIntelligentTieringConfiguration, PutInventoryConfiguration, PutLifecycleConfiguration,
        PutMetricsConfiguration, PutReplicationConfiguration, TagResource, UntagResource,
    }
    Object {
        AbortMultipartUpload, BypassGovernanceRetention, DeleteObject, DeleteObjectTagging, DeleteObjectVersion,
        DeleteObjectVersionTagging, GetObject, GetObjectAcl, GetObjectAttributes, GetObjectLegalHold,
        GetObjectRetention, GetObjectTagging, GetObjectTorrent, GetObjectVersion, GetObjectVersionAcl,
        GetObjectVersionAttributes, GetObjectVersionForReplication, GetObjectVersionTagging, GetObjectVersionTorrent,
        InitiateReplication, ListMultipartUploadParts, ObjectOwnerOverrideToBucketOwner, PutObject, PutObjectAcl,
        PutObjectLegalHold, PutObjectRetention, PutObjectTagging, PutObjectVersionAcl, PutObjectVersionTagging,
        ReplicateDelete, ReplicateObject, ReplicateTags, RestoreObject, UpdateObjectEncryption,
    }
}

impl Action {
    /// The same on a version that is named, where that is another action.
    pub(super) const fn of_version(self) -> Self {
        match self {
            Self::DeleteObject => Self::DeleteObjectVersion,
            Self::DeleteObjectTagging => Self::DeleteObjectVersionTagging,
            Self::GetObject => Self::GetObjectVersion,
            Self::GetObjectAcl => Self::GetObjectVersionAcl,
            Self::GetObjectAttributes => Self::GetObjectVersionAttributes,
            Self::GetObjectTagging => Self::GetObjectVersionTagging,
            Self::GetObjectTorrent => Self::GetObjectVersionTorrent,
            Self::PutObjectAcl => Self::PutObjectVersionAcl,
            Self::PutObjectTagging => Self::PutObjectVersionTagging,
            other => other,
        }
    }

    /// The permission of the ACL of its bucket or object that includes it (AWS: "Mapping of ACL permissions and access
    /// policy permissions"). What stores an object is granted by the bucket's.
    pub(super) const fn permission(self) -> Option<Permission> {
        match self {
            Self::ListBucket
            | Self::ListBucketVersions
            | Self::ListBucketMultipartUploads
            | Self::GetObject
            | Self::GetObjectVersion
            | Self::GetObjectTorrent
            | Self::GetObjectVersionTorrent => Some(Permission::Read),
            Self::PutObject => Some(Permission::Write),
            Self::GetBucketAcl | Self::GetObjectAcl | Self::GetObjectVersionAcl => Some(Permission::ReadAcp),
            Self::PutBucketAcl | Self::PutObjectAcl | Self::PutObjectVersionAcl => Some(Permission::WriteAcp),
            _ => None,
        }
    }
}
