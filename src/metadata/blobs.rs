//! Blobs, what they belong to, and which of their shards are to be healed.
//!
//! A blob belongs to a content: the bytes of an object, shared by its copies. A blob that was uploaded in one
//! piece is its own content; the parts of an upload are one content under the upload's id, which has a row
//! of its own once the upload is completed. `owners` lists the versions of objects of each content, in order of spread,
//! so that the objects at risk are read off its beginning.
//!
//! Shards to heal are of two kinds: missing ones, which the blob's spread leaves out, and crowded ones, which
//! are there but share a drive with another shard of the blob.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::model::{BlobLayout, Extent, MetadataError};
use super::query;
use super::schema::{pack, pack_slots, unpack};
use super::spread::{Delta, Group, Spreads};
use crate::types::{BlobId, DriveSlot, Scheme, StorageClass, UploadId};

type Result<T> = std::result::Result<T, MetadataError>;

/// Identity of a content: its blob's, or that of the upload it was uploaded by.
type ContentId = [u8; 16];

/// A blob as it is stored.
struct BlobRow {
    layout: BlobLayout,
    /// The upload that it is a part of.
    part_of: Option<ContentId>,
    spread: i64,
}

/// Shards that stand on a drive with an earlier shard of their blob.
pub(super) fn crowded(slots: &[DriveSlot]) -> impl Iterator<Item = u8> {
    (0..slots.len()).filter(|&i| slots[..i].contains(&slots[i])).map(|i| i as u8)
}

fn blob_row(row: &Row<'_>) -> rusqlite::Result<BlobRow> {
    Ok(BlobRow { layout: query::layout(row, 0)?, part_of: row.get(5)?, spread: row.get(6)? })
}

fn find(db: &Connection, blob: BlobId) -> Result<Option<BlobRow>> {
    let mut select = db.prepare_cached(
        "SELECT blob, size, stripe_len, data_shards, slots, part_of, spread FROM blobs WHERE blob = ?1",
    )?;
    Ok(select.query_row([blob.0.to_be_bytes()], blob_row).optional()?)
}

/// Adds a blob, one of an upload's parts or its own content; `missing` shards were not written.
pub(super) fn insert(
    db: &Connection,
    spreads: &mut Spreads,
    layout: &BlobLayout,
    missing: &[u8],
    part_of: Option<UploadId>,
) -> Result<()> {
    let group = Group::of(layout.data_shards, &layout.slots, missing);
    let spread = spreads.of_group(db, &group)?;
    db.prepare_cached("INSERT INTO blobs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(params![
        layout.blob.0.to_be_bytes(),
        layout.size as i64,
        layout.stripe_len,
        layout.data_shards,
        pack_slots(&layout.slots),
        part_of.map(|upload| upload.0.to_be_bytes()),
        spread
    ])?;
    spreads.add(spread, Delta::blob(1, layout.size));
    list_for_healing(db, spread, layout, missing)
}

/// Lists the missing and the crowded shards of a blob that has none listed.
fn list_for_healing(db: &Connection, spread: i64, layout: &BlobLayout, missing: &[u8]) -> Result<()> {
    let crowded = crowded(&layout.slots).filter(|shard| !missing.contains(shard)).map(|shard| (shard, true));
    let mut rows = missing.iter().map(|&shard| (shard, false)).chain(crowded).peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    let mut insert = db.prepare_cached("INSERT INTO heal VALUES (?1, ?2, ?3, ?4)")?;
    rows.try_for_each(|(shard, held)| {
        insert.execute(params![spread, layout.blob.0.to_be_bytes(), shard, held]).map(drop)
    })?;
    Ok(())
}

fn missing_of(db: &Connection, spread: i64, blob: BlobId) -> Result<Vec<u8>> {
    let mut select =
        db.prepare_cached("SELECT shard FROM heal WHERE spread = ?1 AND blob = ?2 AND held = 0")?;
    let rows = select.query_map(params![spread, blob.0.to_be_bytes()], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Notes that a shard is not on the drive in `slot`, if that is where it should be.
pub(super) fn lose(
    db: &Connection,
    spreads: &mut Spreads,
    blob: BlobId,
    shard: u8,
    slot: DriveSlot,
) -> Result<()> {
    let Some(row) = find(db, blob)? else { return Ok(()) };
    let mut missing = missing_of(db, row.spread, blob)?;
    if row.layout.slots.get(usize::from(shard)) != Some(&slot) || missing.contains(&shard) {
        return Ok(());
    }
    missing.push(shard);
    let slots = row.layout.slots.clone();
    respread(db, spreads, &row, slots, &missing)
}

/// Notes that a shard is whole, on the drive in `slot`. A blob that is gone stays gone: the shard is an orphan.
pub(super) fn place(
    db: &Connection,
    spreads: &mut Spreads,
    blob: BlobId,
    shard: u8,
    slot: DriveSlot,
) -> Result<()> {
    let Some(row) = find(db, blob)? else { return Ok(()) };
    let mut slots = row.layout.slots.clone();
    let Some(at) = slots.get_mut(usize::from(shard)) else { return Ok(()) };
    *at = slot;
    let mut missing = missing_of(db, row.spread, blob)?;
    missing.retain(|&other| other != shard);
    respread(db, spreads, &row, slots, &missing)
}

/// Gives a blob other slots and missing shards, and all that counts it another spread.
fn respread(
    db: &Connection,
    spreads: &mut Spreads,
    row: &BlobRow,
    slots: Vec<DriveSlot>,
    missing: &[u8],
) -> Result<()> {
    let layout = BlobLayout { slots, ..row.layout.clone() };
    let id = layout.blob.0.to_be_bytes();
    let spread = spreads.of_group(db, &Group::of(layout.data_shards, &layout.slots, missing))?;
    db.prepare_cached("UPDATE blobs SET slots = ?2, spread = ?3 WHERE blob = ?1")?.execute(params![
        id,
        pack_slots(&layout.slots),
        spread
    ])?;
    db.prepare_cached("DELETE FROM heal WHERE spread = ?1 AND blob = ?2")?
        .execute(params![row.spread, id])?;
    list_for_healing(db, spread, &layout, missing)?;
    if spread == row.spread {
        return Ok(());
    }
    spreads.add(row.spread, Delta::blob(-1, layout.size));
    spreads.add(spread, Delta::blob(1, layout.size));
    match row.part_of {
        None => move_owners(db, spreads, (row.spread, spread), id, layout.size),
        Some(upload) => respread_content(db, spreads, upload, (row.spread, spread)),
    }
}

fn move_owners(
    db: &Connection,
    spreads: &mut Spreads,
    (from, to): (i64, i64),
    content: ContentId,
    size: u64,
) -> Result<()> {
    let moved = db
        .prepare_cached("UPDATE owners SET spread = ?3 WHERE spread = ?1 AND content = ?2")?
        .execute(params![from, content, to])? as i64;
    spreads.add(from, Delta::objects(-moved, size));
    spreads.add(to, Delta::objects(moved, size));
    Ok(())
}

/// How many blobs of a content have each spread.
type Histogram = std::collections::BTreeMap<i64, u32>;

/// One blob of a content of several went from a spread to another.
fn respread_content(
    db: &Connection,
    spreads: &mut Spreads,
    content: ContentId,
    (from, to): (i64, i64),
) -> Result<()> {
    let found: Option<(i64, i64, Vec<u8>)> = db
        .prepare_cached("SELECT size, spread, spreads FROM contents WHERE content = ?1")?
        .query_row([content], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    // The upload is not completed.
    let Some((size, was, histogram)) = found else { return Ok(()) };
    let mut histogram: Histogram = unpack(&histogram)?;
    if let Some(count) = histogram.get_mut(&from) {
        *count -= 1;
        if *count == 0 {
            histogram.remove(&from);
        }
    }
    *histogram.entry(to).or_default() += 1;
    let spread = spreads.of_all(db, &histogram.keys().copied().collect::<Vec<_>>())?;
    db.prepare_cached("UPDATE contents SET spread = ?2, spreads = ?3 WHERE content = ?1")?
        .execute(params![content, spread, pack(&histogram)])?;
    if spread == was { Ok(()) } else { move_owners(db, spreads, (was, spread), content, size as u64) }
}

/// Makes one content of an upload's chosen parts.
pub(super) fn compose(
    db: &Connection,
    spreads: &mut Spreads,
    upload: UploadId,
    extents: &[Extent],
) -> Result<()> {
    let mut histogram = Histogram::new();
    let mut select = db.prepare_cached("SELECT spread FROM blobs WHERE blob = ?1")?;
    for extent in extents {
        let spread = select.query_row([extent.blob.0.to_be_bytes()], |row| row.get(0))?;
        *histogram.entry(spread).or_default() += 1;
    }
    let spread = spreads.of_all(db, &histogram.keys().copied().collect::<Vec<_>>())?;
    let size: u64 = extents.iter().map(|extent| extent.size).sum();
    db.prepare_cached("INSERT INTO contents VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        upload.0.to_be_bytes(),
        size as i64,
        spread,
        pack(&histogram)
    ])?;
    Ok(())
}

/// The content that an object's extents are.
struct Owned {
    id: ContentId,
    spread: i64,
    size: u64,
    /// Of its blobs, in order.
    schemes: Vec<Scheme>,
}

fn content_of(db: &Connection, spreads: &Spreads, extents: &[Extent]) -> Result<Option<Owned>> {
    let Some(first) = extents.first() else { return Ok(None) };
    let Some(row) = find(db, first.blob)? else { return Ok(None) };
    let Some(upload) = row.part_of else {
        let (id, size) = (first.blob.0.to_be_bytes(), row.layout.size);
        return Ok(Some(Owned { id, spread: row.spread, size, schemes: vec![row.layout.scheme()] }));
    };
    let found: Option<(i64, i64)> = db
        .prepare_cached("SELECT size, spread FROM contents WHERE content = ?1")?
        .query_row([upload], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((size, spread)) = found else { return Ok(None) };
    Ok(Some(Owned { id: upload, spread, size: size as u64, schemes: spreads.schemes(db, spread)? }))
}

/// An object's place: bucket id and key.
pub(super) type Place<'a> = (i64, &'a str);

/// A version of an object, which owns its content.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) at: Place<'a>,
    pub(super) sequence: u64,
    pub(super) class: StorageClass,
}

/// Makes a version an owner of its content.
pub(super) fn own(
    db: &Connection,
    spreads: &mut Spreads,
    extents: &[Extent],
    Owner { at, sequence, class }: Owner<'_>,
) -> Result<()> {
    let Some(content) = content_of(db, spreads, extents)? else { return Ok(()) };
    db.prepare_cached("INSERT INTO owners VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
        content.spread,
        content.id,
        at.0,
        at.1,
        sequence as i64
    ])?;
    spreads.add(content.spread, Delta::objects(1, content.size));
    spreads.encodings.add((at.0, class), &content.schemes, 1, content.size);
    Ok(())
}

/// Counts a version that goes to another storage class there.
pub(super) fn reclass(
    db: &Connection,
    spreads: &mut Spreads,
    extents: &[Extent],
    owner: Owner<'_>,
    class: StorageClass,
) -> Result<()> {
    let Some(content) = content_of(db, spreads, extents)? else { return Ok(()) };
    spreads.encodings.add((owner.at.0, owner.class), &content.schemes, -1, content.size);
    spreads.encodings.add((owner.at.0, class), &content.schemes, 1, content.size);
    Ok(())
}

/// The versions that share a content: bucket ids, keys and sequences.
pub(super) fn owners(
    db: &Connection,
    spreads: &Spreads,
    extents: &[Extent],
) -> Result<Vec<(i64, String, u64)>> {
    let Some(content) = content_of(db, spreads, extents)? else { return Ok(Vec::new()) };
    let mut select =
        db.prepare_cached("SELECT bucket, key, sequence FROM owners WHERE spread = ?1 AND content = ?2")?;
    let rows = select.query_map(params![content.spread, content.id], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)? as u64))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Ends a version's ownership of its content; the last owner's end makes its blobs garbage.
pub(super) fn disown(
    db: &Connection,
    spreads: &mut Spreads,
    extents: &[Extent],
    owner: Owner<'_>,
) -> Result<()> {
    if dissolve(db, spreads, extents, owner)? {
        extents.iter().try_for_each(|extent| remove(db, spreads, extent.blob))?;
    }
    Ok(())
}

/// Ends a version's ownership of its content, whose blobs stay; true if it was the last one, and the content is no more.
pub(super) fn dissolve(
    db: &Connection,
    spreads: &mut Spreads,
    extents: &[Extent],
    Owner { at, sequence, class }: Owner<'_>,
) -> Result<bool> {
    let Some(content) = content_of(db, spreads, extents)? else { return Ok(false) };
    let (id, spread) = (content.id, content.spread);
    db.prepare_cached(
        "DELETE FROM owners WHERE spread = ?1 AND content = ?2 AND bucket = ?3 AND key = ?4 AND sequence = ?5",
    )?
    .execute(params![spread, id, at.0, at.1, sequence as i64])?;
    spreads.add(spread, Delta::objects(-1, content.size));
    spreads.encodings.add((at.0, class), &content.schemes, -1, content.size);
    let owned: bool = db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM owners WHERE spread = ?1 AND content = ?2)")?
        .query_row(params![spread, id], |row| row.get(0))?;
    if !owned {
        db.prepare_cached("DELETE FROM contents WHERE content = ?1")?.execute([id])?;
    }
    Ok(!owned)
}

/// Makes one content of blobs that belong to none.
pub(super) fn regroup(
    db: &Connection,
    spreads: &mut Spreads,
    content: UploadId,
    extents: &[Extent],
) -> Result<()> {
    let mut update = db.prepare_cached("UPDATE blobs SET part_of = ?2 WHERE blob = ?1")?;
    for extent in extents {
        update.execute(params![extent.blob.0.to_be_bytes(), content.0.to_be_bytes()])?;
    }
    compose(db, spreads, content, extents)
}

/// Makes a blob garbage.
pub(super) fn remove(db: &Connection, spreads: &mut Spreads, blob: BlobId) -> Result<()> {
    let id = blob.0.to_be_bytes();
    let removed: Option<(i64, i64)> = db
        .prepare_cached("SELECT spread, size FROM blobs WHERE blob = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((spread, size)) = removed else { return Ok(()) };
    db.prepare_cached(
        "INSERT INTO garbage (blob, size, stripe_len, data_shards, slots)
         SELECT blob, size, stripe_len, data_shards, slots FROM blobs WHERE blob = ?1",
    )?
    .execute([id])?;
    db.prepare_cached("DELETE FROM blobs WHERE blob = ?1")?.execute([id])?;
    db.prepare_cached("DELETE FROM heal WHERE spread = ?1 AND blob = ?2")?.execute(params![spread, id])?;
    spreads.add(spread, Delta::blob(-1, size as u64));
    Ok(())
}
