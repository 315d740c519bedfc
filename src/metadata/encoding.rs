//! How the objects of each bucket and storage class are encoded, counted.
//!
//! Bucket and class say which scheme an object is to have, and its blobs may have another: they are older, came by a
//! copy, or the object changed its class. Objects are counted by bucket, class and the schemes of their blobs, so that
//! how much waits to be encoded anew follows from a few rows, however many objects there are.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::model::{EncodingRow, MetadataError};
use super::schema::{pack_class, unpack_class};
use crate::types::{Scheme, StorageClass};

type Result<T> = std::result::Result<T, MetadataError>;

/// Schemes, two bytes each: data and parity shards.
fn pack(schemes: &[Scheme]) -> Vec<u8> {
    schemes.iter().flat_map(|scheme| [scheme.data, scheme.parity]).collect()
}

fn unpack(bytes: &[u8]) -> Vec<Scheme> {
    bytes.as_chunks::<2>().0.iter().map(|&[data, parity]| Scheme { data, parity }).collect()
}

/// Whose objects are counted: of which bucket, of which class.
type Of = (i64, StorageClass);

/// Counts that are written once a batch.
#[derive(Debug, Default)]
pub(super) struct Encodings(BTreeMap<(Of, Vec<u8>), (i64, i64)>);

impl Encodings {
    /// Counts objects of a bucket and class, each of so many bytes, whose blobs have these schemes.
    pub(super) fn add(&mut self, of: Of, schemes: &[Scheme], objects: i64, size: u64) {
        let sum = self.0.entry((of, pack(schemes))).or_default();
        *sum = (sum.0 + objects, sum.1 + objects * size as i64);
    }

    /// Writes what was counted.
    pub(super) fn flush(&mut self, db: &Connection) -> Result<()> {
        let mut update = db.prepare_cached(
            "INSERT INTO encodings VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (bucket, class, schemes) DO UPDATE
             SET objects = objects + excluded.objects, bytes = bytes + excluded.bytes",
        )?;
        let mut prune = db.prepare_cached(
            "DELETE FROM encodings WHERE bucket = ?1 AND class = ?2 AND schemes = ?3 AND objects = 0",
        )?;
        for (((bucket, class), schemes), (objects, bytes)) in std::mem::take(&mut self.0) {
            let class = pack_class(class);
            update.execute(params![bucket, class, schemes, objects, bytes])?;
            if objects <= 0 {
                prune.execute(params![bucket, class, schemes])?;
            }
        }
        Ok(())
    }
}

/// All counts, by bucket and class.
pub(super) fn all(db: &Connection) -> Result<Vec<EncodingRow>> {
    let mut select = db.prepare_cached(
        "SELECT name, class, schemes, encodings.objects, encodings.bytes FROM encodings
         JOIN buckets ON buckets.id = encodings.bucket ORDER BY name, class, schemes",
    )?;
    let rows = select.query_map([], |row| {
        Ok(EncodingRow {
            bucket: row.get(0)?,
            class: unpack_class(row.get(1)?),
            schemes: unpack(row.get_ref(2)?.as_blob()?),
            objects: row.get::<_, i64>(3)? as u64,
            bytes: row.get::<_, i64>(4)? as u64,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_come_back() {
        let schemes = [Scheme { data: 2, parity: 2 }, Scheme { data: 3, parity: 1 }];
        assert_eq!(unpack(&pack(&schemes)), schemes);
    }

    #[test]
    fn a_count_that_comes_to_nothing_leaves_no_row() {
        let db = Connection::open_in_memory().unwrap();
        super::super::schema::prepare(&db).unwrap();
        db.execute("INSERT INTO buckets (id, name, created) VALUES (1, 'photos', 0)", []).unwrap();
        let scheme = [Scheme { data: 2, parity: 2 }];
        let mut counts = Encodings::default();
        counts.add((1, StorageClass::Standard), &scheme, 2, 100);
        counts.flush(&db).unwrap();
        counts.add((1, StorageClass::Standard), &scheme, -1, 100);
        counts.flush(&db).unwrap();
        let row = |objects, bytes| EncodingRow {
            bucket: "photos".into(),
            class: StorageClass::Standard,
            schemes: scheme.to_vec(),
            objects,
            bytes,
        };
        assert_eq!(all(&db).unwrap(), [row(1, 100)]);
        counts.add((1, StorageClass::Standard), &scheme, -1, 100);
        counts.flush(&db).unwrap();
        assert_eq!(all(&db).unwrap(), []);
    }
}
