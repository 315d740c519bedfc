//! How the objects of each bucket are encoded, counted.
//!
//! A bucket may ask for a scheme of its own, and an object's blobs may have another: they are older, or came by a
//! copy. Objects are counted by bucket and by the schemes of their blobs, so that how much waits to be encoded anew
//! follows from a few rows, however many objects there are.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::model::{EncodingRow, MetadataError};
use crate::types::Scheme;

type Result<T> = std::result::Result<T, MetadataError>;

/// Schemes, two bytes each: data and parity shards.
fn pack(schemes: &[Scheme]) -> Vec<u8> {
    schemes.iter().flat_map(|scheme| [scheme.data, scheme.parity]).collect()
}

fn unpack(bytes: &[u8]) -> Vec<Scheme> {
    bytes.as_chunks::<2>().0.iter().map(|&[data, parity]| Scheme { data, parity }).collect()
}

/// Counts that are written once a batch.
#[derive(Debug, Default)]
pub(super) struct Encodings(BTreeMap<(i64, Vec<u8>), (i64, i64)>);

impl Encodings {
    /// Counts objects of a bucket, each of so many bytes, whose blobs have these schemes.
    pub(super) fn add(&mut self, bucket: i64, schemes: &[Scheme], objects: i64, size: u64) {
        let sum = self.0.entry((bucket, pack(schemes))).or_default();
        *sum = (sum.0 + objects, sum.1 + objects * size as i64);
    }

    /// Writes what was counted.
    pub(super) fn flush(&mut self, db: &Connection) -> Result<()> {
        let mut update = db.prepare_cached(
            "INSERT INTO encodings VALUES (?1, ?2, ?3, ?4) ON CONFLICT (bucket, schemes) DO UPDATE
             SET objects = objects + excluded.objects, bytes = bytes + excluded.bytes",
        )?;
        let mut prune =
            db.prepare_cached("DELETE FROM encodings WHERE bucket = ?1 AND schemes = ?2 AND objects = 0")?;
        for ((bucket, schemes), (objects, bytes)) in std::mem::take(&mut self.0) {
            update.execute(params![bucket, schemes, objects, bytes])?;
            if objects <= 0 {
                prune.execute(params![bucket, schemes])?;
            }
        }
        Ok(())
    }
}

/// All counts, by bucket.
pub(super) fn all(db: &Connection) -> Result<Vec<EncodingRow>> {
    let mut select = db.prepare_cached(
        "SELECT name, schemes, encodings.objects, encodings.bytes FROM encodings
         JOIN buckets ON buckets.id = encodings.bucket ORDER BY name, schemes",
    )?;
    let rows = select.query_map([], |row| {
        Ok(EncodingRow {
            bucket: row.get(0)?,
            schemes: unpack(row.get_ref(1)?.as_blob()?),
            objects: row.get::<_, i64>(2)? as u64,
            bytes: row.get::<_, i64>(3)? as u64,
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
        counts.add(1, &scheme, 2, 100);
        counts.flush(&db).unwrap();
        counts.add(1, &scheme, -1, 100);
        counts.flush(&db).unwrap();
        let row = |objects, bytes| EncodingRow {
            bucket: "photos".into(),
            schemes: scheme.to_vec(),
            objects,
            bytes,
        };
        assert_eq!(all(&db).unwrap(), [row(1, 100)]);
        counts.add(1, &scheme, -1, 100);
        counts.flush(&db).unwrap();
        assert_eq!(all(&db).unwrap(), []);
    }
}
