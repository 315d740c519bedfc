//! Payloads of tiny objects: the beginning stands in the object's own row, the rest in `payloads`.
//!
//! A row of `payloads` is cut so that two of them fill a page of the database: 4 KiB as a whole would take a
//! page of 8 KiB alone, in the write-ahead log as well. A very short payload needs no second row.

use rusqlite::{Connection, OptionalExtension, params};

use super::model::MetadataError;

type Result<T> = std::result::Result<T, MetadataError>;

/// Payloads up to this length are in the object's row as a whole.
const WHOLE_BYTES_MAX: usize = 128;
/// What a row of `payloads` holds: half a page, its b-tree's bytes left out.
const ROW_BYTES_MAX: usize = 4064;

/// The part of a payload that is kept in the object's row.
pub(super) fn head(data: &[u8]) -> &[u8] {
    if data.len() <= WHOLE_BYTES_MAX { data } else { &data[..data.len().saturating_sub(ROW_BYTES_MAX)] }
}

/// Keeps the rest of a payload.
pub(super) fn insert(db: &Connection, sequence: u64, data: &[u8]) -> Result<()> {
    let rest = &data[head(data).len()..];
    if !rest.is_empty() {
        db.prepare_cached("INSERT INTO payloads VALUES (?1, ?2)")?.execute(params![sequence as i64, rest])?;
    }
    Ok(())
}

/// The whole payload of `size` bytes; `None` if it was released.
pub(super) fn read(db: &Connection, sequence: u64, size: u64, head: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut data = Vec::with_capacity(size as usize);
    data.extend_from_slice(head);
    if head.len() as u64 == size {
        return Ok(Some(data));
    }
    let mut select = db.prepare_cached("SELECT data FROM payloads WHERE sequence = ?1")?;
    let append = |row: &rusqlite::Row<'_>| {
        data.extend_from_slice(row.get_ref(0)?.as_blob()?);
        Ok(())
    };
    let found = select.query_row([sequence as i64], append).optional()?;
    Ok(found.map(|()| data))
}

/// Releases a payload of `size` bytes.
pub(super) fn remove(db: &Connection, sequence: u64, size: u64, head: &[u8]) -> Result<()> {
    if head.len() as u64 != size {
        db.prepare_cached("DELETE FROM payloads WHERE sequence = ?1")?.execute([sequence as i64])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    fn database() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.pragma_update(None, "page_size", schema::PAGE_BYTES as i64).unwrap();
        schema::prepare(&db).unwrap();
        db
    }

    fn pages(db: &Connection) -> i64 {
        db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn payloads_of_any_length_come_back_until_they_are_removed() {
        let db = database();
        for len in [0usize, 1, 127, 128, 129, 4063, 4064, 4065, 4096, 9000] {
            let data: Vec<u8> = (0..len).map(|i| (i * 31 + len) as u8).collect();
            let (sequence, size) = (len as u64 + 1, len as u64);
            insert(&db, sequence, &data).unwrap();
            let head = head(&data);
            assert_eq!(read(&db, sequence, size, head).unwrap().unwrap(), data);
            remove(&db, sequence, size, head).unwrap();
            assert_eq!(read(&db, sequence, size, head).unwrap().is_none(), len > WHOLE_BYTES_MAX, "{len}");
        }
    }

    #[test]
    fn two_payloads_of_4_kib_share_a_page() {
        let db = database();
        let before = pages(&db);
        (0..1000).for_each(|sequence| insert(&db, 1 << 40 | sequence, &[7; 4096]).unwrap());
        assert!((490..520).contains(&(pages(&db) - before)), "{}", pages(&db) - before);
    }
}
