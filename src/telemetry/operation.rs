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
    /// Anything of IAM.
    Iam = "iam",
    /// Anything of STS.
    Sts = "sts",
    /// A sub-resource that is answered from a fixed table, or refused.
    Subresource = "subresource",
    /// A request that was refused before its operation was known.
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
