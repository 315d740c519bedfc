//! Objects and versions that end by a rule: found by their age, and removed only if they are still what was found.

use rusqlite::{Connection, params};

use super::apply::Applier;
use super::blobs::{self, Owner};
use super::events::Change;
use super::model::{Applied, Content, Deletion, MetadataError};
use super::schema::{ObjectDetail, unpack};
use super::versions::Cause;
use super::{query, versions};
use crate::types::{
    DeleteCondition, EventKind, ObjectLock, Properties, StorageClass, Tags, Timestamp, Versioning,
};

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
    /// Its storage class.
    pub class: StorageClass,
    /// Which of those that were under this key.
    pub sequence: u64,
}

/// What a rule judges a version by that is not current, or a delete marker.
#[derive(Debug, Clone)]
pub struct AgingVersionRow {
    /// Length and tags, and when it ceased to be current; for a delete marker that is current, when it was made.
    pub row: AgingRow,
    /// What it is.
    pub standing: Standing,
    /// What keeps it from being removed.
    pub lock: ObjectLock,
}

/// What a version is to its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// No longer current, as so many newer ones.
    Noncurrent {
        /// Those that ceased to be current after it.
        newer: u64,
    },
    /// A delete marker that is current, with versions behind it.
    Marker,
    /// A delete marker that is all there is of its key.
    LoneMarker,
}

/// Where a walk over versions is, with what it knows of the key that it is in.
#[derive(Debug, Clone)]
pub struct VersionCursor {
    key: String,
    rank: i64,
    /// When the version before was written.
    written: Timestamp,
    /// How many of the key are no longer current, up to here.
    noncurrent: u64,
}

impl Applier {
    /// Removes versions that are still not current and not locked.
    pub(super) fn expire_versions(
        &mut self,
        db: &Connection,
        bucket: &str,
        found: &[(String, u64)],
        now: Timestamp,
    ) -> Result<Applied> {
        let bucket = self.bucket(db, bucket)?;
        for (key, sequence) in found {
            let version = versions::of_sequence(db, (bucket.id, key), *sequence)?;
            let Some(version) = version.filter(|version| !version.is_current) else { continue };
            let (key, condition) = (key.clone(), DeleteCondition::default());
            let deletion = Deletion { key, version: Some(version.id()), condition, bypass_governance: false };
            match self.delete(db, &bucket, &deletion, (now, Cause::Rule)) {
                Ok(_) | Err(MetadataError::Locked) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Applied::Done)
    }

    /// Takes versions that are still there to other storage classes.
    pub(super) fn transition(
        &mut self,
        db: &Connection,
        bucket: &str,
        found: &[(String, u64, StorageClass)],
        now: Timestamp,
    ) -> Result<Applied> {
        let bucket = self.bucket(db, bucket)?;
        for (key, sequence, class) in found {
            let version = versions::of_sequence(db, (bucket.id, key), *sequence)?;
            let Some(version) = version else { continue };
            let Some(mut detail) = version.detail.clone() else { continue };
            let from = std::mem::replace(&mut detail.properties.class, *class);
            if let Content::Blobs(extents) = &detail.content {
                let owner = Owner { at: (bucket.id, key), sequence: *sequence, class: from };
                blobs::reclass(db, &mut self.spreads, extents, owner, *class)?;
            }
            versions::set_detail(db, (bucket.id, key), &version, &detail)?;
            let named = bucket.versioning != Versioning::Unversioned;
            let change = Change {
                kind: EventKind::Transitioned,
                key,
                version: named.then(|| version.id()),
                size: version.size,
                etag: Some(version.etag),
                at: now,
            };
            self.tell(db, &bucket, change)?;
        }
        Ok(Applied::Done)
    }

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
            self.delete(db, &bucket, &deletion, (now, Cause::Rule))?;
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
         WHERE bucket = ?1 AND key >= ?2 ORDER BY key LIMIT ?3",
    )?;
    let first = if after < prefix { prefix.to_owned() } else { format!("{after}\0") };
    let mut rows = select.query(params![bucket, first, max as i64])?;
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
            class: detail.properties.class,
        });
    }
    Ok(aging)
}

/// Versions of a bucket behind a place, by key and newest first, with keys that start with `prefix`; and where the next
/// page begins, unless this is the last.
pub(super) fn aging_versions(
    db: &Connection,
    bucket: &str,
    (prefix, after): (&str, Option<&VersionCursor>),
    max: usize,
) -> Result<(Vec<AgingVersionRow>, Option<VersionCursor>)> {
    let bucket = query::bucket_id(db, bucket)?;
    let mut select = db.prepare_cached(
        "SELECT key, rank, size, modified, detail FROM versions
         WHERE bucket = ?1 AND (key, rank) > (?2, ?3) ORDER BY key, rank LIMIT ?4",
    )?;
    let (key, rank) = after.map_or((prefix, i64::MIN), |after| (after.key.as_str(), after.rank));
    let mut rows = select.query(params![bucket, key, rank, max as i64])?;
    let (mut found, mut place) = (Vec::new(), after.cloned());
    while let Some(row) = rows.next()? {
        let key: String = row.get(0)?;
        if !key.starts_with(prefix) {
            return Ok((found, None));
        }
        let (rank, written) = (row.get(1)?, query::time_column(row, 3)?);
        let detail = row.get_ref(4)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
        let detail: Option<ObjectDetail> = detail.map(unpack).transpose()?;
        let place_before = place.take().filter(|place| place.key == key);
        let (standing, since) = standing(db, (bucket, &key, rank), place_before.as_ref())?;
        let noncurrent = place_before.map_or(0, |place| place.noncurrent);
        let noncurrent = noncurrent + u64::from(matches!(standing, Standing::Noncurrent { .. }));
        place = Some(VersionCursor { key: key.clone(), rank, written, noncurrent });
        let (size, sequence) = (row.get::<_, i64>(2)? as u64, rank.unsigned_abs());
        let Properties { tags, lock, class, .. } = detail.map(|detail| detail.properties).unwrap_or_default();
        let row = AgingRow { key, size, modified: since.unwrap_or(written), sequence, tags, class };
        found.push(AgingVersionRow { row, standing, lock });
    }
    let next = place.filter(|_| found.len() == max);
    Ok((found, next))
}

/// What a version is to its key, and since when it is no longer current. `before` is the one before it of the key.
fn standing(
    db: &Connection,
    (bucket, key, rank): (i64, &str, i64),
    before: Option<&VersionCursor>,
) -> Result<(Standing, Option<Timestamp>)> {
    if let Some(before) = before {
        return Ok((Standing::Noncurrent { newer: before.noncurrent }, Some(before.written)));
    }
    if let Some(current) = versions::current(db, (bucket, key))? {
        return Ok((Standing::Noncurrent { newer: 0 }, Some(current.modified)));
    }
    let mut others = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM versions WHERE bucket = ?1 AND key = ?2 AND rank > ?3)",
    )?;
    let has_others: bool = others.query_row(params![bucket, key, rank], |row| row.get(0))?;
    Ok((if has_others { Standing::Marker } else { Standing::LoneMarker }, None))
}
