//! Quotas: how many bytes all versions in a bucket may have together.
//!
//! A write is held against the quota in the transaction that makes it, by the counts that are kept of each bucket and what
//! the transaction has added to them. There is one writer, so clients that write at once do not get beyond a quota
//! together. A write is refused only if it adds bytes, and an object that it replaces for good makes room for it. A bucket
//! without a quota costs nothing.

use rusqlite::{Connection, params};

use super::apply::{Applier, Bucket};
use super::configuration;
use super::model::MetadataError;
use super::query;
use super::versions::{self, Version};
use crate::types::{BucketQuota, ConfigurationKind, PartNumber, QuotaExcess, UploadId};

type Result<T> = std::result::Result<T, MetadataError>;

/// A bucket's quota; `None` for most. A configuration that cannot be read bounds nothing.
pub(super) fn of_bucket(db: &Connection, bucket: i64) -> Result<Option<BucketQuota>> {
    let document = configuration::of_id(db, bucket, ConfigurationKind::Quota)?;
    Ok(document.and_then(|document| serde_json::from_str(&document).ok()))
}

impl Applier {
    /// Refuses to write so many bytes under a key where that goes beyond the bucket's quota.
    pub(super) fn check_quota(
        &self,
        db: &Connection,
        (bucket, name, key): (&Bucket, &str, &str),
        current: Option<&Version>,
        size: u64,
    ) -> Result<()> {
        if bucket.quota.is_none() {
            return Ok(());
        }
        let freed = versions::replaced_bytes(db, bucket.versioning, (bucket.id, key), current)?;
        self.check_growth(db, (bucket, name), size.saturating_sub(freed))
    }

    /// Refuses to add bytes to a bucket where that goes beyond its quota.
    pub(super) fn check_growth(
        &self,
        db: &Connection,
        (bucket, name): (&Bucket, &str),
        more: u64,
    ) -> Result<()> {
        let Some(quota) = bucket.quota else { return Ok(()) };
        let used = stored_bytes(db, bucket.id)?.saturating_add_signed(self.bytes_added(bucket.id));
        check((name, quota), used, more)
    }
}

/// Refuses early, as far as that can be known before, to write so many bytes under a key.
pub(super) fn check_early(db: &Connection, (name, key): (&str, &str), size: u64) -> Result<()> {
    let bucket = query::bucket_to_write(db, name)?;
    let Some(quota) = bucket.quota else { return Ok(()) };
    let at = (bucket.id, key);
    let current = versions::current(db, at)?;
    let freed = versions::replaced_bytes(db, bucket.versioning, at, current.as_ref())?;
    check((name, quota), stored_bytes(db, bucket.id)?, size.saturating_sub(freed))
}

/// Lengths of the parts of an upload, but for the one of this number.
pub(super) fn other_parts(db: &Connection, upload: UploadId, part: PartNumber) -> Result<Vec<u64>> {
    let mut select = db.prepare_cached("SELECT size FROM parts WHERE upload = ?1 AND part <> ?2")?;
    let rows = select.query_map(params![upload.0.to_be_bytes(), part.get()], |row| row.get::<_, i64>(0))?;
    Ok(rows.map(|size| size.map(|size| size as u64)).collect::<rusqlite::Result<_>>()?)
}

fn stored_bytes(db: &Connection, bucket: i64) -> Result<u64> {
    let mut select = db.prepare_cached("SELECT bytes + version_bytes FROM buckets WHERE id = ?1")?;
    Ok(select.query_row([bucket], |row| row.get::<_, i64>(0))? as u64)
}

fn check((bucket, quota): (&str, BucketQuota), used: u64, more: u64) -> Result<()> {
    if more == 0 || used.saturating_add(more) <= quota.bytes {
        return Ok(());
    }
    let bucket = bucket.to_owned();
    Err(MetadataError::QuotaExceeded(Box::new(QuotaExcess { bucket, quota, used, more })))
}
