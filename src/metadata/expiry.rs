//! Objects that end by a rule: found by their age, and removed only if they are still what was found.

use rusqlite::{Connection, params};

use super::apply::Applier;
use super::model::{Applied, Deletion, MetadataError};
use super::schema::{ObjectDetail, unpack};
use super::{query, versions};
use crate::types::{DeleteCondition, Tags, Timestamp};

type Result<T> = std::result::Result<T, MetadataError>;

/// What a rule judges an object by.
#[derive(Debug, Clone)]
pub struct AgingRow {
    /// Its key.
    pub key: String,
    /// Length in bytes.
    pub size: u64,
    /// When it was written.
    pub modified: Timestamp,
    /// Its tags.
    pub tags: Tags,
    /// Which of those that were under this key.
    pub sequence: u64,
}

impl Applier {
    /// Removes objects that are still those of these sequences; where there are versions, they cease to be current.
    pub(super) fn expire_objects(
        &mut self,
        db: &Connection,
        bucket: &str,
        objects: &[(String, u64)],
        now: Timestamp,
    ) -> Result<Applied> {
        let bucket = self.bucket(db, bucket)?;
        for (key, sequence) in objects {
            let current = versions::current(db, (bucket.id, key))?;
            if current.is_none_or(|current| current.sequence != *sequence) {
                continue;
            }
            let (key, condition) = (key.clone(), DeleteCondition::default());
            let deletion = Deletion { key, version: None, condition, bypass_governance: false };
            self.delete(db, &bucket, &deletion, now)?;
        }
        Ok(Applied::Done)
    }
}

/// Objects of a bucket behind the key `after`, in order, with keys that start with `prefix`.
pub(super) fn aging(
    db: &Connection,
    bucket: &str,
    (prefix, after): (&str, &str),
    max: usize,
) -> Result<Vec<AgingRow>> {
    let bucket = query::bucket_id(db, bucket)?;
    let mut select = db.prepare_cached(
        "SELECT key, size, modified, sequence, detail FROM objects
         WHERE bucket = ?1 AND key > ?2 AND key >= ?3 ORDER BY key LIMIT ?4",
    )?;
    let mut rows = select.query(params![bucket, after, prefix, max as i64])?;
    let mut aging = Vec::new();
    while let Some(row) = rows.next()? {
        let key: String = row.get(0)?;
        if !key.starts_with(prefix) {
            break;
        }
        let detail: ObjectDetail = unpack(query::blob_column(row, 4)?)?;
        aging.push(AgingRow {
            key,
            size: row.get::<_, i64>(1)? as u64,
            modified: query::time_column(row, 2)?,
            sequence: row.get::<_, i64>(3)? as u64,
            tags: detail.properties.tags,
        });
    }
    Ok(aging)
}
