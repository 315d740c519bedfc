//! Checksums of the parts of objects, kept for those whose own checksum is made of them.
//!
//! They stand in a table of their own, one row a version under its sequence: the bare values in the order of the parts,
//! each as long as the algorithm of the object's checksum makes it. So what a listing reads does not grow with them.

use rusqlite::{Connection, OptionalExtension, params};

use super::model::MetadataError;
use super::schema::{ObjectDetail, unpack_part_checksum};
use crate::types::{BlobId, ChecksumKind, ObjectChecksum, PartNumber, UploadId};

type Result<T> = std::result::Result<T, MetadataError>;

/// Whether a version has such a row.
fn kept(checksum: Option<&ObjectChecksum>) -> bool {
    checksum.is_some_and(|checksum| checksum.kind == ChecksumKind::Composite)
}

/// The checksums of chosen parts, if the object's is made of them.
pub(super) fn of_parts(
    db: &Connection,
    upload: UploadId,
    parts: &[(PartNumber, BlobId)],
    checksum: Option<&ObjectChecksum>,
) -> Result<Option<Vec<u8>>> {
    if !kept(checksum) {
        return Ok(None);
    }
    let mut select = db.prepare_cached("SELECT checksum FROM parts WHERE upload = ?1 AND part = ?2")?;
    let mut values = Vec::new();
    for (part, _) in parts {
        let packed: Vec<u8> =
            select.query_row(params![upload.0.to_be_bytes(), part.get()], |row| row.get(0))?;
        let value = unpack_part_checksum(&packed)?.ok_or(MetadataError::PartChanged(*part))?;
        values.extend_from_slice(&value.bytes);
    }
    Ok(Some(values))
}

/// What is kept for a version.
pub(super) fn read(db: &Connection, sequence: u64) -> Result<Option<Vec<u8>>> {
    let mut select = db.prepare_cached("SELECT data FROM part_checksums WHERE sequence = ?1")?;
    Ok(select.query_row([sequence as i64], |row| row.get(0)).optional()?)
}

/// What is kept for a version of these details.
pub(super) fn of_version(db: &Connection, sequence: u64, detail: &ObjectDetail) -> Result<Option<Vec<u8>>> {
    if kept(detail.checksum.as_ref()) { read(db, sequence) } else { Ok(None) }
}

/// Keeps values for a version.
pub(super) fn insert(db: &Connection, sequence: u64, values: Option<&[u8]>) -> Result<()> {
    let Some(values) = values else { return Ok(()) };
    db.prepare_cached("INSERT INTO part_checksums VALUES (?1, ?2)")?
        .execute(params![sequence as i64, values])?;
    Ok(())
}

/// Drops what is kept for a version of these details.
pub(super) fn remove(db: &Connection, sequence: u64, detail: &ObjectDetail) -> Result<()> {
    if kept(detail.checksum.as_ref()) {
        db.prepare_cached("DELETE FROM part_checksums WHERE sequence = ?1")?.execute([sequence as i64])?;
    }
    Ok(())
}
