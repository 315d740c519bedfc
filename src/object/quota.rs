//! Quotas of buckets. What counts is decided in the metadata, by the transaction that writes; here writes are refused
//! before their bytes are received for nothing.

use super::api::*;
use super::engine::Engine;
use crate::types::{BucketName, BucketQuota, ConfigurationKind, ObjectKey, PartNumber, Properties};

impl Engine {
    /// How many bytes a bucket may hold; `None` for most buckets, and for those that are not there.
    pub fn quota(&self, bucket: &str) -> Option<BucketQuota> {
        self.rules_of(bucket)?.quota
    }

    /// Says how many bytes a bucket may hold, all versions together, or with `None` that it may hold any number. What is
    /// there stays, however much it is.
    pub async fn set_quota(&self, bucket: &BucketName, quota: Option<BucketQuota>) -> Result<()> {
        let key = ConfigurationKind::Quota.into();
        match quota {
            Some(quota) => {
                let document =
                    serde_json::to_string(&quota).map_err(|error| Error::Internal(error.into()))?;
                self.put_configuration(bucket, key, document).await
            }
            None => {
                self.head_bucket(bucket).await?;
                self.remove_configuration(bucket, key).await.map(drop)
            }
        }
    }

    /// Refuses to receive so many bytes for a key that the bucket has no room for.
    pub(super) fn check_quota(&self, bucket: &BucketName, key: &ObjectKey, size: u64) -> Result<()> {
        match self.quota(bucket.as_str()) {
            Some(_) => Ok(self.store.check_quota(bucket.as_str(), key.as_str(), size)?),
            None => Ok(()),
        }
    }

    /// The same for a part, with those that the upload has already.
    pub(super) fn check_part_quota(
        &self,
        upload: &UploadRef,
        properties: &Properties,
        part: PartNumber,
        size: u64,
    ) -> Result<()> {
        if self.quota(upload.bucket.as_str()).is_none() {
            return Ok(());
        }
        let others = self.store.other_parts(upload.upload, part)?;
        let others = others.into_iter().map(|stored| properties.plain_len(stored));
        let whole = others.fold(size, u64::saturating_add);
        self.check_quota(&upload.bucket, &upload.key, whole)
    }
}
