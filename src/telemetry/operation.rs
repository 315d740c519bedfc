//! The bounded set of names under which requests are counted.

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// What a request asked for, as metrics and log lines name it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "the variants are the names of S3 operations")]
        pub enum Operation { $($(#[$doc])* $variant),+ }

        impl Operation {
            /// Every operation, in the order of their discriminants.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The value of the `operation` label.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

operations! {
    ListBuckets = "list_buckets",
    CreateBucket = "create_bucket",
    HeadBucket = "head_bucket",
    DeleteBucket = "delete_bucket",
    GetBucketLocation = "get_bucket_location",
    PutObject = "put_object",
    PostObject = "post_object",
    GetObject = "get_object",
    HeadObject = "head_object",
    DeleteObject = "delete_object",
    DeleteObjects = "delete_objects",
    CopyObject = "copy_object",
    RenameObject = "rename_object",
    ListObjects = "list_objects",
    ListObjectsV2 = "list_objects_v2",
    CreateMultipartUpload = "create_multipart_upload",
    UploadPart = "upload_part",
    UploadPartCopy = "upload_part_copy",
    CompleteMultipartUpload = "complete_multipart_upload",
    AbortMultipartUpload = "abort_multipart_upload",
    ListParts = "list_parts",
    ListMultipartUploads = "list_multipart_uploads",
    CreateBucketMetadataConfiguration = "create_bucket_metadata_configuration",
    CreateBucketMetadataTableConfiguration = "create_bucket_metadata_table_configuration",
    DeleteBucketAnalyticsConfiguration = "delete_bucket_analytics_configuration",
    DeleteBucketCors = "delete_bucket_cors",
    DeleteBucketEncryption = "delete_bucket_encryption",
    DeleteBucketIntelligentTieringConfiguration = "delete_bucket_intelligent_tiering_configuration",
    DeleteBucketInventoryConfiguration = "delete_bucket_inventory_configuration",
    DeleteBucketLifecycle = "delete_bucket_lifecycle",
    DeleteBucketMetadataConfiguration = "delete_bucket_metadata_configuration",
    DeleteBucketMetadataTableConfiguration = "delete_bucket_metadata_table_configuration",
    DeleteBucketMetricsConfiguration = "delete_bucket_metrics_configuration",
    DeleteBucketOwnershipControls = "delete_bucket_ownership_controls",
    DeleteBucketPolicy = "delete_bucket_policy",
    DeleteBucketReplication = "delete_bucket_replication",
    DeleteBucketTagging = "delete_bucket_tagging",
    DeleteBucketWebsite = "delete_bucket_website",
    DeleteObjectAnnotation = "delete_object_annotation",
    DeleteObjectTagging = "delete_object_tagging",
    DeletePublicAccessBlock = "delete_public_access_block",
    GetBucketAbac = "get_bucket_abac",
    GetBucketAccelerateConfiguration = "get_bucket_accelerate_configuration",
    GetBucketAcl = "get_bucket_acl",
    GetBucketAnalyticsConfiguration = "get_bucket_analytics_configuration",
    GetBucketCors = "get_bucket_cors",
    GetBucketEncryption = "get_bucket_encryption",
    GetBucketIntelligentTieringConfiguration = "get_bucket_intelligent_tiering_configuration",
    GetBucketInventoryConfiguration = "get_bucket_inventory_configuration",
    GetBucketLifecycleConfiguration = "get_bucket_lifecycle_configuration",
    GetBucketLogging = "get_bucket_logging",
    GetBucketMetadataConfiguration = "get_bucket_metadata_configuration",
    GetBucketMetadataTableConfiguration = "get_bucket_metadata_table_configuration",
    GetBucketMetricsConfiguration = "get_bucket_metrics_configuration",
    GetBucketNotificationConfiguration = "get_bucket_notification_configuration",
    GetBucketOwnershipControls = "get_bucket_ownership_controls",
    GetBucketPolicy = "get_bucket_policy",
    GetBucketPolicyStatus = "get_bucket_policy_status",
    GetBucketReplication = "get_bucket_replication",
    GetBucketRequestPayment = "get_bucket_request_payment",
    GetBucketTagging = "get_bucket_tagging",
    GetBucketVersioning = "get_bucket_versioning",
    GetBucketWebsite = "get_bucket_website",
    GetObjectAcl = "get_object_acl",
    GetObjectAnnotation = "get_object_annotation",
    GetObjectAttributes = "get_object_attributes",
    GetObjectLegalHold = "get_object_legal_hold",
    GetObjectLockConfiguration = "get_object_lock_configuration",
    GetObjectRetention = "get_object_retention",
    GetObjectTagging = "get_object_tagging",
    GetObjectTorrent = "get_object_torrent",
    GetPublicAccessBlock = "get_public_access_block",
    ListBucketAnalyticsConfigurations = "list_bucket_analytics_configurations",
    ListBucketIntelligentTieringConfigurations = "list_bucket_intelligent_tiering_configurations",
    ListBucketInventoryConfigurations = "list_bucket_inventory_configurations",
    ListBucketMetricsConfigurations = "list_bucket_metrics_configurations",
    ListObjectVersions = "list_object_versions",
    PutBucketAbac = "put_bucket_abac",
    PutBucketAccelerateConfiguration = "put_bucket_accelerate_configuration",
    PutBucketAcl = "put_bucket_acl",
    PutBucketAnalyticsConfiguration = "put_bucket_analytics_configuration",
    PutBucketCors = "put_bucket_cors",
    PutBucketEncryption = "put_bucket_encryption",
    PutBucketIntelligentTieringConfiguration = "put_bucket_intelligent_tiering_configuration",
    PutBucketInventoryConfiguration = "put_bucket_inventory_configuration",
    PutBucketLifecycleConfiguration = "put_bucket_lifecycle_configuration",
    PutBucketLogging = "put_bucket_logging",
    PutBucketMetricsConfiguration = "put_bucket_metrics_configuration",
    PutBucketNotificationConfiguration = "put_bucket_notification_configuration",
    PutBucketOwnershipControls = "put_bucket_ownership_controls",
    PutBucketPolicy = "put_bucket_policy",
    PutBucketReplication = "put_bucket_replication",
    PutBucketRequestPayment = "put_bucket_request_payment",
    PutBucketTagging = "put_bucket_tagging",
    PutBucketVersioning = "put_bucket_versioning",
    PutBucketWebsite = "put_bucket_website",
    PutObjectAcl = "put_object_acl",
    PutObjectAnnotation = "put_object_annotation",
    PutObjectLegalHold = "put_object_legal_hold",
    PutObjectLockConfiguration = "put_object_lock_configuration",
    PutObjectRetention = "put_object_retention",
    PutObjectTagging = "put_object_tagging",
    PutPublicAccessBlock = "put_public_access_block",
    RestoreObject = "restore_object",
    UpdateObjectEncryption = "update_object_encryption",
    /// A search for objects, which S3 does not have.
    SearchObjects = "search_objects",
    /// Anything of IAM.
    Iam = "iam",
    /// Anything of STS.
    Sts = "sts",
    /// A request that was refused before its operation was known, or whose operation S3 does not have.
    Unknown = "unknown",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discriminants_index_the_table_of_operations() {
        for (index, operation) in Operation::ALL.iter().enumerate() {
            assert_eq!(*operation as usize, index);
        }
    }
}
