//! Reads. Each is one or two indexed look-ups, or one range of an index.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::apply::Bucket;
use super::model::{
    BlobLayout, BucketRow, Content, DrivePhase, DriveRow, GarbageRow, HealRow, ListedRow, ListedVersionRow,
    MetadataError, MisencodedRow, ObjectRow, OwnerRow, PartRow, PlacedBlob, UploadRow,
};
use super::schema::{
    Listed, ObjectDetail, UploadDetail, pack_phase, unpack, unpack_etag, unpack_part_checksum, unpack_phase,
    unpack_slots, unpack_versioning,
};
use super::spread::Spreads;
use super::{blobs, events, payload, quota, versions};
use crate::types::{
    BlobId, BucketLock, CanonicalId, DriveId, DriveSlot, EncodingRules, Etag, PartNumber, Scheme, Timestamp,
    UploadId, VersionId, Versioning,
};

/// Fewest rows of each spread that are looked at for one answer.
const HEAL_ROWS_OF_SPREAD_MIN: usize = 16;

type Result<T> = std::result::Result<T, MetadataError>;

/// A bucket's keys in order, by prefix and from a key on.
#[derive(Debug, Clone)]
pub struct Walk {
    /// Only keys that start so.
    pub prefix: String,
    /// Roll up keys at the first occurrence of this after the prefix.
    pub delimiter: Option<String>,
    /// Only keys and groups after this.
    pub after: String,
    /// At most so many entries.
    pub max: usize,
}

/// An entry of a walk: a row, or a group of rows under a common prefix.
#[derive(Debug, Clone)]
pub enum Walked<T> {
    /// A row.
    Row(T),
    /// A group.
    Group(String),
}

pub(super) fn blob_column<'a>(row: &'a Row<'_>, index: usize) -> Result<&'a [u8]> {
    row.get_ref(index)?.as_blob().map_err(|error| MetadataError::Database(error.to_string()))
}

fn text_column<'a>(row: &'a Row<'_>, index: usize) -> Result<&'a str> {
    row.get_ref(index)?.as_str().map_err(|error| MetadataError::Database(error.to_string()))
}

fn id_column(row: &Row<'_>, index: usize) -> rusqlite::Result<u128> {
    row.get(index).map(u128::from_be_bytes)
}

pub(super) fn time_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Timestamp> {
    row.get(index).map(|millis: i64| Timestamp::from_millis(millis as u64))
}

pub(super) fn state(db: &Connection, name: &str) -> Result<u64> {
    let value: i64 =
        db.prepare_cached("SELECT value FROM state WHERE name = ?1")?.query_row([name], |row| row.get(0))?;
    Ok(value as u64)
}

pub(super) fn set_state(db: &Connection, name: &str, value: u64) -> Result<()> {
    db.prepare_cached("UPDATE state SET value = ?2 WHERE name = ?1")?.execute(params![name, value as i64])?;
    Ok(())
}

pub(super) fn bucket_id(db: &Connection, name: &str) -> Result<i64> {
    let id = db
        .prepare_cached("SELECT id FROM buckets WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    id.ok_or(MetadataError::NoSuchBucket)
}

const BUCKET_COLUMNS: &str = "name, created, objects, bytes, versions, version_bytes, markers, data_shards,
     parity_shards, versioning, lock, owner";

fn bucket_row(row: &Row<'_>) -> Result<BucketRow> {
    Ok(BucketRow {
        name: row.get(0)?,
        created: time_column(row, 1)?,
        objects: row.get::<_, i64>(2)? as u64,
        bytes: row.get::<_, i64>(3)? as u64,
        versions: row.get::<_, i64>(4)? as u64,
        version_bytes: row.get::<_, i64>(5)? as u64,
        markers: row.get::<_, i64>(6)? as u64,
        scheme: scheme_columns(row, 7)?,
        versioning: unpack_versioning(row.get(9)?)?,
        lock: lock_column(row, 10)?,
        owner: row.get::<_, Option<[u8; 32]>>(11)?.map(CanonicalId),
    })
}

fn lock_column(row: &Row<'_>, index: usize) -> Result<Option<BucketLock>> {
    row.get_ref(index)?.as_blob_or_null().map_err(rusqlite::Error::from)?.map(unpack).transpose()
}

/// What of a bucket decides how mutations are applied.
pub(super) fn bucket_to_write(db: &Connection, name: &str) -> Result<Bucket> {
    let mut select = db.prepare_cached("SELECT id, versioning, lock FROM buckets WHERE name = ?1")?;
    let mut rows = select.query([name])?;
    let row = rows.next()?.ok_or(MetadataError::NoSuchBucket)?;
    let (versioning, lock) = (unpack_versioning(row.get(1)?)?, lock_column(row, 2)?);
    let id = row.get(0)?;
    Ok(Bucket {
        id,
        versioning,
        lock,
        listeners: events::listeners(db, id, name)?,
        quota: quota::of_bucket(db, id)?,
    })
}

fn scheme_columns(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Scheme>> {
    let (data, parity): (Option<u8>, Option<u8>) = (row.get(first)?, row.get(first + 1)?);
    Ok(data.zip(parity).map(|(data, parity)| Scheme { data, parity }))
}

/// What a bucket asks for.
pub(super) fn bucket_scheme(db: &Connection, id: i64) -> Result<Option<Scheme>> {
    let mut select = db.prepare_cached("SELECT data_shards, parity_shards FROM buckets WHERE id = ?1")?;
    Ok(select.query_row([id], |row| scheme_columns(row, 0))?)
}

/// Where a walk over versions is: behind a version of a key, by its rank.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct VersionPlace {
    /// The key.
    pub key: String,
    /// Its sequence, negated: versions go from the newest to the oldest.
    pub rank: i64,
}

impl VersionPlace {
    /// The version's sequence.
    pub fn sequence(&self) -> u64 {
        -self.rank as u64
    }
}

/// Versions of a bucket behind `after` with blobs of another scheme than their class is to have there: `max` at most, of
/// the next `rows_max` versions; and the last one looked at, if there was one.
pub(super) fn misencoded(
    db: &Connection,
    (bucket, rules): (&str, &EncodingRules),
    after: &VersionPlace,
    (rows_max, max): (usize, usize),
) -> Result<(Vec<MisencodedRow>, Option<VersionPlace>)> {
    let bucket = bucket_id(db, bucket)?;
    let own = bucket_scheme(db, bucket)?;
    let mut select = db.prepare_cached(&all_versions("detail", "TRUE"))?;
    let mut rows = select.query(params![bucket, after.key, after.rank, rows_max as i64])?;
    let (mut found, mut last) = (Vec::new(), None);
    while found.len() < max
        && let Some(row) = rows.next()?
    {
        let place = VersionPlace { key: row.get(0)?, rank: row.get(1)? };
        last = Some(place.clone());
        let Some(detail) = row.get_ref(2)?.as_blob_or_null().map_err(rusqlite::Error::from)? else {
            continue;
        };
        let detail: ObjectDetail = unpack(detail)?;
        let Content::Blobs(extents) = detail.content else { continue };
        let scheme = rules.scheme(own, detail.properties.class);
        let layouts =
            extents.iter().map(|extent| blob_layout(db, extent.blob)).collect::<Result<Vec<_>>>()?;
        let Some(blobs) = layouts.into_iter().collect::<Option<Vec<BlobLayout>>>() else { continue };
        if blobs.iter().any(|layout| layout.scheme() != scheme) {
            found.push(MisencodedRow { place, blobs, scheme });
        }
    }
    Ok((found, last))
}

/// Selects those versions of a bucket (`?1`) behind a key and a rank (`?2`, `?3`) for which a condition holds, as many
/// at most as `?4` says: key, rank and other columns. Both tables are read in order, so that it costs what it returns.
pub(super) fn all_versions(columns: &str, condition: &str) -> String {
    format!(
        "SELECT key, -sequence AS rank, {columns} FROM objects
         WHERE bucket = ?1 AND key >= ?2 AND (key > ?2 OR -sequence > ?3) AND {condition}
         UNION ALL SELECT key, rank, {columns} FROM versions
         WHERE bucket = ?1 AND (key, rank) > (?2, ?3) AND {condition} ORDER BY key, rank LIMIT ?4"
    )
}

pub(super) fn bucket(db: &Connection, name: &str) -> Result<BucketRow> {
    let mut select = db.prepare_cached(&format!("SELECT {BUCKET_COLUMNS} FROM buckets WHERE name = ?1"))?;
    let mut rows = select.query([name])?;
    rows.next()?.map_or(Err(MetadataError::NoSuchBucket), bucket_row)
}

pub(super) fn buckets(db: &Connection) -> Result<Vec<BucketRow>> {
    let mut select = db.prepare_cached(&format!("SELECT {BUCKET_COLUMNS} FROM buckets ORDER BY name"))?;
    let mut rows = select.query([])?;
    let mut buckets = Vec::new();
    while let Some(row) = rows.next()? {
        buckets.push(bucket_row(row)?);
    }
    Ok(buckets)
}

/// A version of an object: the current one, or that of a name.
pub(super) fn object(
    db: &Connection,
    bucket: &str,
    key: &str,
    version: Option<VersionId>,
) -> Result<ObjectRow> {
    let Some(id) = version else { return current_object(db, bucket, key) };
    let bucket = bucket_to_write(db, bucket)?;
    let found = versions::named(db, (bucket.id, key), id)?.ok_or(MetadataError::NoSuchVersion)?;
    let marker = MetadataError::DeleteMarker { version: id, modified: found.modified };
    let detail = found.detail.ok_or(marker)?;
    Ok(ObjectRow {
        size: found.size,
        etag: found.etag,
        modified: found.modified,
        sequence: found.sequence,
        version: (bucket.versioning != Versioning::Unversioned).then_some(id),
        properties: detail.properties,
        checksum: detail.checksum,
        content: detail.content,
    })
}

/// The current version, in one look-up.
fn current_object(db: &Connection, bucket: &str, key: &str) -> Result<ObjectRow> {
    let mut select = db.prepare_cached(
        "SELECT size, etag, modified, sequence, is_null, detail, versioning FROM buckets
         JOIN objects ON objects.bucket = buckets.id WHERE name = ?1 AND key = ?2",
    )?;
    let mut rows = select.query(params![bucket, key])?;
    let Some(row) = rows.next()? else { return Err(why_absent(db, bucket, key)?) };
    let detail: ObjectDetail = unpack(blob_column(row, 5)?)?;
    let sequence = row.get::<_, i64>(3)? as u64;
    let has_versions = unpack_versioning(row.get(6)?)? != Versioning::Unversioned;
    let version = has_versions.then(|| Ok::<_, MetadataError>(versions::version_id(sequence, row.get(4)?)));
    Ok(ObjectRow {
        size: row.get::<_, i64>(0)? as u64,
        etag: unpack_etag(blob_column(row, 1)?)?,
        modified: time_column(row, 2)?,
        sequence,
        version: version.transpose()?,
        properties: detail.properties,
        checksum: detail.checksum,
        content: detail.content,
    })
}

/// Why a key has no current version: none at all, or a delete marker.
fn why_absent(db: &Connection, bucket: &str, key: &str) -> Result<MetadataError> {
    let bucket = bucket_id(db, bucket)?;
    let marker = versions::newest_older(db, (bucket, key))?;
    Ok(marker.map_or(MetadataError::NoSuchKey, |marker| MetadataError::DeletedKey { version: marker.id() }))
}

/// An object and its payload, if that is inline and was not released between the two look-ups.
pub(super) fn object_and_payload(
    db: &Connection,
    bucket: &str,
    key: &str,
    version: Option<VersionId>,
) -> Result<(ObjectRow, Option<Vec<u8>>)> {
    let object = object(db, bucket, key, version)?;
    let payload = match &object.content {
        Content::Inline(head) => {
            payload::read(db, object.sequence, object.properties.stored_len(object.size), head)?
        }
        Content::Blobs(_) => None,
    };
    Ok((object, payload))
}

/// Whether a version is current in a bucket without versions, and no other has its blobs.
pub(super) fn is_sole_owner(db: &Connection, bucket: &str, key: &str, sequence: u64) -> Result<bool> {
    let bucket = bucket_to_write(db, bucket)?;
    let version = versions::current(db, (bucket.id, key))?.filter(|version| version.sequence == sequence);
    let Some(detail) = version.and_then(|version| version.detail) else { return Ok(false) };
    let Content::Blobs(extents) = &detail.content else { return Ok(false) };
    let owners = blobs::owners(db, &Spreads::default(), extents)?;
    Ok(bucket.versioning == Versioning::Unversioned && owners.len() == 1)
}

pub(super) fn layout(row: &Row<'_>, first: usize) -> rusqlite::Result<BlobLayout> {
    Ok(BlobLayout {
        blob: BlobId(id_column(row, first)?),
        size: row.get::<_, i64>(first + 1)? as u64,
        stripe_len: row.get(first + 2)?,
        data_shards: row.get(first + 3)?,
        slots: unpack_slots(row.get_ref(first + 4)?.as_blob()?),
    })
}

pub(super) fn blob_layout(db: &Connection, blob: BlobId) -> Result<Option<BlobLayout>> {
    let found = db
        .prepare_cached("SELECT blob, size, stripe_len, data_shards, slots FROM blobs WHERE blob = ?1")?
        .query_row([blob.0.to_be_bytes()], |row| layout(row, 0))
        .optional()?;
    Ok(found)
}

/// The shards of a blob that are to be rebuilt.
pub(super) fn missing_shards(db: &Connection, blob: BlobId) -> Result<Vec<u8>> {
    let mut select = db.prepare_cached(
        "SELECT shard FROM heal WHERE spread = (SELECT spread FROM blobs WHERE blob = ?1) AND blob = ?1 AND held = 0",
    )?;
    let rows = select.query_map([blob.0.to_be_bytes()], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn blobs_after(db: &Connection, after: BlobId, max: usize) -> Result<Vec<BlobLayout>> {
    let mut select = db.prepare_cached(
        "SELECT blob, size, stripe_len, data_shards, slots FROM blobs WHERE blob > ?1 ORDER BY blob LIMIT ?2",
    )?;
    let rows = select.query_map(params![after.0.to_be_bytes(), max as i64], |row| layout(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// As [`blobs_after`], with the spread of each.
pub(super) fn placed_blobs_after(db: &Connection, after: BlobId, max: usize) -> Result<Vec<PlacedBlob>> {
    let mut select = db.prepare_cached(
        "SELECT spread, blob, size, stripe_len, data_shards, slots FROM blobs WHERE blob > ?1
         ORDER BY blob LIMIT ?2",
    )?;
    let rows = select.query_map(params![after.0.to_be_bytes(), max as i64], |row| {
        Ok(PlacedBlob { spread: row.get(0)?, layout: layout(row, 1)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Shards to heal of some spreads behind `after`, in order of their blobs, about `max` of them.
pub(super) fn heal_rows(
    db: &Connection,
    spreads: &[i64],
    (blob, shard): (BlobId, u8),
    max: usize,
) -> Result<Vec<HealRow>> {
    let mut select = db.prepare_cached(
        "SELECT blob, shard, held FROM heal WHERE spread = ?1 AND (blob, shard) > (?2, ?3)
         ORDER BY blob, shard LIMIT ?4",
    )?;
    let of_each = max.div_ceil(spreads.len().max(1)).max(HEAL_ROWS_OF_SPREAD_MIN);
    let key = |row: &HealRow| (row.blob, row.shard);
    let mut rows: Vec<HealRow> = Vec::new();
    // Up to where no spread has rows that were left out.
    let mut until = (BlobId(u128::MAX), u8::MAX);
    for spread in spreads {
        let found = select
            .query_map(params![spread, blob.0.to_be_bytes(), shard, of_each as i64], |row| {
                Ok(HealRow { blob: BlobId(id_column(row, 0)?), shard: row.get(1)?, held: row.get(2)? })
            })?;
        let before = rows.len();
        rows.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
        if let Some(last) = rows[before..].get(of_each - 1) {
            until = until.min(key(last));
        }
    }
    rows.retain(|row| key(row) <= until);
    rows.sort_unstable_by_key(key);
    Ok(rows)
}

/// The spreads that have shards to heal.
pub(super) fn heal_spreads(db: &Connection) -> Result<Vec<i64>> {
    let mut next = db.prepare_cached("SELECT spread FROM heal WHERE spread > ?1 ORDER BY spread LIMIT 1")?;
    let mut spreads = Vec::new();
    let mut after = i64::MIN;
    while let Some(spread) = next.query_row([after], |row| row.get(0)).optional()? {
        spreads.push(spread);
        after = spread;
    }
    Ok(spreads)
}

/// Versions of objects of one spread behind `after`: content, bucket id, key and sequence.
pub(super) fn owners(
    db: &Connection,
    spread: i64,
    (content, bucket, key, sequence): ([u8; 16], i64, &str, u64),
    max: usize,
) -> Result<Vec<OwnerRow>> {
    let mut select = db.prepare_cached(
        "SELECT owners.content, bucket, name, key, sequence,
           coalesce((SELECT size FROM contents WHERE contents.content = owners.content),
                    (SELECT size FROM blobs WHERE blob = owners.content))
         FROM owners JOIN buckets ON buckets.id = owners.bucket
         WHERE spread = ?1 AND (owners.content, bucket, key, sequence) > (?2, ?3, ?4, ?5)
         ORDER BY owners.content, bucket, key, sequence LIMIT ?6",
    )?;
    let after = params![spread, content, bucket, key, sequence as i64, max as i64];
    let rows = select.query_map(after, |row| {
        Ok(OwnerRow {
            spread,
            content: row.get(0)?,
            bucket: (row.get(1)?, row.get(2)?),
            key: row.get(3)?,
            sequence: row.get::<_, i64>(4)? as u64,
            size: row.get::<_, i64>(5)? as u64,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What background work noted last.
pub(super) fn progress(db: &Connection, job: &str) -> Result<Option<Vec<u8>>> {
    let mut select = db.prepare_cached("SELECT progress FROM jobs WHERE name = ?1")?;
    Ok(select.query_row([job], |row| row.get(0)).optional()?)
}

pub(super) fn is_healing(db: &Connection) -> Result<bool> {
    let mut select = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM heal) OR EXISTS (SELECT 1 FROM drives WHERE phase = ?1)",
    )?;
    Ok(select.query_row([pack_phase(DrivePhase::Refilling)], |row| row.get(0))?)
}

pub(super) fn garbage(db: &Connection, max: usize) -> Result<Vec<GarbageRow>> {
    let mut select = db.prepare_cached(
        "SELECT id, blob, size, stripe_len, data_shards, slots FROM garbage ORDER BY id LIMIT ?1",
    )?;
    let rows = select.query_map([max as i64], |row| {
        Ok(GarbageRow { id: row.get::<_, i64>(0)? as u64, layout: layout(row, 1)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The newest garbage row.
pub(super) fn garbage_newest(db: &Connection) -> Result<Option<u64>> {
    let mut select = db.prepare_cached("SELECT max(id) FROM garbage")?;
    let newest: Option<i64> = select.query_row([], |row| row.get(0))?;
    Ok(newest.map(|newest| newest as u64))
}

/// All drives there ever were, by slot.
pub(super) fn drives(db: &Connection) -> Result<Vec<DriveRow>> {
    let mut select = db.prepare_cached("SELECT slot, drive, phase, location FROM drives ORDER BY slot")?;
    let mut rows = select.query([])?;
    let mut drives = Vec::new();
    while let Some(row) = rows.next()? {
        drives.push(DriveRow {
            slot: DriveSlot(row.get(0)?),
            drive: DriveId(id_column(row, 1)?),
            phase: unpack_phase(row.get(2)?)?,
            location: row.get(3)?,
        });
    }
    Ok(drives)
}

/// A page of a bucket's objects.
pub(super) fn list(db: &Connection, bucket: &str, walk: &Walk) -> Result<(Vec<Walked<ListedRow>>, bool)> {
    let bucket = bucket_id(db, bucket)?;
    let mut select = db.prepare_cached(
        "SELECT key, size, etag, modified, listed, owner FROM objects
         WHERE bucket = ?1 AND key >= ?2 ORDER BY key LIMIT ?3",
    )?;
    walk_keys(walk, |from, limit, visit| {
        let mut rows = select.query(params![bucket, from, limit as i64])?;
        while let Some(row) = rows.next()? {
            let more = visit(text_column(row, 0)?, &mut || {
                let listed = Listed::unpack(row.get(4)?);
                Ok(ListedRow {
                    key: row.get(0)?,
                    size: row.get::<_, i64>(1)? as u64,
                    etag: unpack_etag(blob_column(row, 2)?)?,
                    modified: time_column(row, 3)?,
                    checksum: listed.checksum,
                    class: listed.class,
                    owner: row.get::<_, Option<[u8; 32]>>(5)?.map(CanonicalId),
                })
            })?;
            if !more {
                break;
            }
        }
        Ok(())
    })
}

/// A rank that every version is behind.
const BEFORE_ALL_RANKS: i64 = i64::MIN;

/// A page of a bucket's versions; `behind` resumes within the key `walk.after`.
pub(super) fn list_versions(
    db: &Connection,
    bucket: &str,
    walk: &Walk,
    behind: Option<VersionId>,
) -> Result<(Vec<Walked<ListedVersionRow>>, bool)> {
    let bucket = bucket_id(db, bucket)?;
    let mut resume = match behind.filter(|_| stands_alone(walk)) {
        Some(VersionId::Number(number)) => Some(versions::rank(number)),
        // Where it is gone, nothing tells which of the key's versions were before it: all of them are listed.
        Some(VersionId::Null) => versions::named(db, (bucket, &walk.after), VersionId::Null)?
            .map_or(Some(BEFORE_ALL_RANKS), |null| Some(versions::rank(null.sequence))),
        None => None,
    };
    let mut select =
        db.prepare_cached(&all_versions("size, etag, modified, listed, is_null, owner", "TRUE"))?;
    // The newest version of a key comes first, unless the page before ended within the key.
    let mut last_key = resume.filter(|rank| *rank != BEFORE_ALL_RANKS).map(|_| walk.after.clone());
    walk_keys(walk, |from, limit, visit| {
        let (from, rank) = resume.take().map_or((from, BEFORE_ALL_RANKS), |rank| (walk.after.as_str(), rank));
        let mut rows = select.query(params![bucket, from, rank, limit as i64])?;
        while let Some(row) = rows.next()? {
            let more = visit(text_column(row, 0)?, &mut || {
                let row = listed_version(row, last_key.as_deref())?;
                last_key = Some(row.key.clone());
                Ok(row)
            })?;
            if !more {
                break;
            }
        }
        Ok(())
    })
}

fn listed_version(row: &Row<'_>, last_key: Option<&str>) -> Result<ListedVersionRow> {
    let (key, etag): (String, _) = (row.get(0)?, blob_column(row, 3)?);
    let sequence = -row.get::<_, i64>(1)? as u64;
    let listed = Listed::unpack(row.get(5)?);
    Ok(ListedVersionRow {
        is_latest: last_key != Some(&key),
        key,
        version: versions::version_id(sequence, row.get(6)?),
        is_marker: etag.is_empty(),
        size: row.get::<_, i64>(2)? as u64,
        etag: if etag.is_empty() { Etag::default() } else { unpack_etag(etag)? },
        modified: time_column(row, 4)?,
        checksum: listed.checksum,
        class: listed.class,
        owner: row.get::<_, Option<[u8; 32]>>(7)?.map(CanonicalId),
    })
}

/// Whether a walk begins behind a key that would be an entry of its own.
fn stands_alone(walk: &Walk) -> bool {
    walk.after.starts_with(&walk.prefix) && group_of(walk, &walk.after).is_none()
}

/// Called with a key and a way to read its row; tells whether to go on.
type Visit<'v, T> = &'v mut dyn FnMut(&str, &mut dyn FnMut() -> Result<T>) -> Result<bool>;

/// Walks ordered keys, seeking past each group. `scan` visits keys from a first key on, up to a limit.
/// Returns the entries and whether more follow.
fn walk_keys<T>(
    walk: &Walk,
    mut scan: impl FnMut(&str, usize, Visit<'_, T>) -> Result<()>,
) -> Result<(Vec<Walked<T>>, bool)> {
    let mut entries = Vec::new();
    let mut more = false;
    let mut from = first_key(walk);
    while let Some(start) = from.take() {
        // One more than is wanted tells whether the page is the last.
        let limit = walk.max + 1 - entries.len();
        scan(&start, limit, &mut |key, read| {
            if !key.starts_with(&walk.prefix) {
                return Ok(false);
            }
            if entries.len() == walk.max {
                more = true;
                return Ok(false);
            }
            match group_of(walk, key) {
                Some(group) => {
                    from = successor(&group);
                    entries.push(Walked::Group(group));
                    Ok(false)
                }
                None => {
                    entries.push(Walked::Row(read()?));
                    Ok(true)
                }
            }
        })?;
    }
    Ok((entries, more))
}

/// Where a walk begins: behind `after`, and behind its whole group, which is not greater than it. `None` if nothing can
/// follow that.
fn first_key(walk: &Walk) -> Option<String> {
    if walk.after < walk.prefix || walk.after.is_empty() {
        return Some(walk.prefix.clone());
    }
    match group_of(walk, &walk.after) {
        Some(group) => successor(&group),
        None => Some(format!("{}\0", walk.after)),
    }
}

/// The common prefix that a key rolls up into.
fn group_of(walk: &Walk, key: &str) -> Option<String> {
    let delimiter = walk.delimiter.as_deref()?;
    let rest = key.strip_prefix(walk.prefix.as_str())?;
    let end = walk.prefix.len() + rest.find(delimiter)? + delimiter.len();
    Some(key[..end].to_owned())
}

/// The smallest string above all that start with `prefix`; `None` if there is none.
fn successor(prefix: &str) -> Option<String> {
    let mut rest = prefix.to_owned();
    while let Some(last) = rest.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            other => char::from_u32(u32::from(other) + 1),
        };
        if let Some(next) = next {
            rest.push(next);
            return Some(rest);
        }
    }
    None
}

fn upload_row(row: &Row<'_>) -> Result<UploadRow> {
    let detail: UploadDetail = unpack(blob_column(row, 3)?)?;
    Ok(UploadRow {
        key: row.get(0)?,
        upload: UploadId(id_column(row, 1)?),
        initiated: time_column(row, 2)?,
        properties: detail.properties,
        checksum: detail.checksum,
    })
}

pub(super) fn upload(db: &Connection, bucket: &str, key: &str, upload: UploadId) -> Result<UploadRow> {
    let bucket = bucket_id(db, bucket)?;
    let mut select = db.prepare_cached(
        "SELECT key, upload, initiated, detail FROM uploads WHERE bucket = ?1 AND key = ?2 AND upload = ?3",
    )?;
    let mut rows = select.query(params![bucket, key, upload.0.to_be_bytes()])?;
    rows.next()?.map_or(Err(MetadataError::NoSuchUpload), upload_row)
}

/// A page of uploads; `after_upload` resumes within the key `walk.after`.
pub(super) fn uploads(
    db: &Connection,
    bucket: &str,
    walk: &Walk,
    after_upload: Option<UploadId>,
) -> Result<(Vec<Walked<UploadRow>>, bool)> {
    let bucket = bucket_id(db, bucket)?;
    let mut select = db.prepare_cached(
        "SELECT key, upload, initiated, detail FROM uploads
         WHERE bucket = ?1 AND (key, upload) > (?2, ?3) ORDER BY key, upload LIMIT ?4",
    )?;
    let mut resume = after_upload.filter(|_| stands_alone(walk)).map(|upload| upload.0.to_be_bytes());
    walk_keys(walk, |from, limit, visit| {
        // Nothing is before an empty blob.
        let behind = resume.take();
        let (from, upload) = behind.as_ref().map_or((from, &[][..]), |upload| (&walk.after, upload));
        let mut rows = select.query(params![bucket, from, upload, limit as i64])?;
        while let Some(row) = rows.next()? {
            if !visit(text_column(row, 0)?, &mut || upload_row(row))? {
                break;
            }
        }
        Ok(())
    })
}

/// Parts of an upload with numbers above `after`.
pub(super) fn parts(db: &Connection, upload: UploadId, after: u16, max: usize) -> Result<Vec<PartRow>> {
    let mut select = db.prepare_cached(
        "SELECT part, size, etag, modified, checksum, blob FROM parts
         WHERE upload = ?1 AND part > ?2 ORDER BY part LIMIT ?3",
    )?;
    let mut rows = select.query(params![upload.0.to_be_bytes(), after, max as i64])?;
    let mut parts = Vec::new();
    while let Some(row) = rows.next()? {
        let number = PartNumber::new(row.get(0)?);
        parts.push(PartRow {
            part: number.ok_or_else(|| MetadataError::Database("part number".into()))?,
            size: row.get::<_, i64>(1)? as u64,
            etag: unpack_etag(blob_column(row, 2)?)?,
            modified: time_column(row, 3)?,
            checksum: unpack_part_checksum(blob_column(row, 4)?)?,
            blob: BlobId(id_column(row, 5)?),
        });
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(
        keys: &[&str],
        prefix: &str,
        delimiter: Option<&str>,
        after: &str,
        max: usize,
    ) -> (Vec<String>, bool) {
        let request =
            Walk { prefix: prefix.into(), delimiter: delimiter.map(Into::into), after: after.into(), max };
        let (entries, more) = walk_keys(&request, |from, limit, visit| {
            for key in keys.iter().filter(|key| **key >= from).take(limit) {
                if !visit(key, &mut || Ok((*key).to_owned()))? {
                    break;
                }
            }
            Ok(())
        })
        .unwrap();
        let text = |entry| match entry {
            Walked::Row(key) => key,
            Walked::Group(group) => format!("[{group}]"),
        };
        (entries.into_iter().map(text).collect(), more)
    }

    const KEYS: &[&str] = &["a", "a/", "a/b", "a/b/c", "ab", "b/1", "b/2", "c", "d/\u{10ffff}", "é"];

    #[test]
    fn keys_roll_up_at_the_delimiter() {
        assert_eq!(walk(KEYS, "", Some("/"), "", 10).0, ["a", "[a/]", "ab", "[b/]", "c", "[d/]", "é"]);
        assert_eq!(walk(KEYS, "a/", Some("/"), "", 10).0, ["a/", "a/b", "[a/b/]"]);
        assert_eq!(walk(KEYS, "b", None, "", 10).0, ["b/1", "b/2"]);
    }

    #[test]
    fn only_groups_greater_than_what_a_walk_begins_after_are_listed() {
        assert_eq!(walk(KEYS, "", Some("/"), "a/b", 10).0, ["ab", "[b/]", "c", "[d/]", "é"]);
        assert_eq!(walk(KEYS, "", Some("/"), "a", 2).0, ["[a/]", "ab"]);
        assert_eq!(walk(KEYS, "", Some("/"), "b/0", 10).0, ["c", "[d/]", "é"]);
        assert_eq!(walk(KEYS, "a/", Some("/"), "a/b/a", 10).0, Vec::<String>::new());
        assert_eq!(walk(KEYS, "", None, "b/0", 1).0, ["b/1"]);
        let last = "\u{10ffff}";
        assert_eq!(walk(&[last, "\u{10ffff}a"], "", Some(last), last, 10).0, Vec::<String>::new());
    }

    #[test]
    fn pages_join_without_gap_or_double() {
        for delimiter in [None, Some("/"), Some("b")] {
            for max in 1..=KEYS.len() {
                let whole = walk(KEYS, "", delimiter, "", 100).0;
                let (mut joined, mut after) = (Vec::new(), String::new());
                loop {
                    let (page, more) = walk(KEYS, "", delimiter, &after, max);
                    after = page.last().unwrap().trim_matches(['[', ']']).to_owned();
                    joined.extend(page);
                    if !more {
                        break;
                    }
                }
                assert_eq!(joined, whole, "{delimiter:?} {max}");
            }
        }
    }

    #[test]
    fn a_page_of_nothing_is_not_truncated_only_when_nothing_follows() {
        assert_eq!(walk(KEYS, "zzz", None, "", 5), (vec![], false));
        assert_eq!(walk(KEYS, "", None, "c", 2), (vec!["d/\u{10ffff}".into(), "é".into()], false));
    }
}
