//! Objects that end by a rule: found by their age, and removed only if they are still what was found.

use rusqlite::{Connection, params};

use super::apply::{Applier, existing};
use super::model::{Applied, MetadataError};
use super::query;
use crate::types::Timestamp;

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
    /// Which of those that were under this key.
    pub sequence: u64,
}

impl Applier {
    /// Removes objects that are still those of these sequences.
    pub(super) fn expire_objects(
        &mut self,
        db: &Connection,
        bucket: &str,
        objects: &[(String, u64)],
    ) -> Result<Applied> {
        let id = self.bucket(db, bucket)?;
        let mut still = Vec::with_capacity(objects.len());
        for (key, sequence) in objects {
            if existing(db, id, key)?.is_some_and(|object| object.sequence == *sequence) {
                still.push(key.clone());
            }
        }
        self.delete_objects(db, bucket, &still)
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
        "SELECT key, size, modified, sequence FROM objects
         WHERE bucket = ?1 AND key > ?2 AND key >= ?3 ORDER BY key LIMIT ?4",
    )?;
    let rows = select.query_map(params![bucket, after, prefix, max as i64], |row| {
        Ok(AgingRow {
            key: row.get(0)?,
            size: row.get::<_, i64>(1)? as u64,
            modified: Timestamp::from_millis(row.get::<_, i64>(2)? as u64),
            sequence: row.get::<_, i64>(3)? as u64,
        })
    })?;
    let within = rows.take_while(|row| row.as_ref().map_or(true, |row| row.key.starts_with(prefix)));
    Ok(within.collect::<rusqlite::Result<_>>()?)
}
