//! Named keys, sealed under a key that is not here.

use rusqlite::{Connection, OptionalExtension, params};

use super::apply::Applier;
use super::model::{Applied, MetadataError};
use super::schema::{pack, unpack};
use crate::types::MasterKey;

type Result<T> = std::result::Result<T, MetadataError>;

impl Applier {
    /// Makes or changes a key: to this revision, which follows the one that was read.
    pub(super) fn put_master_key(
        &mut self,
        db: &Connection,
        id: &str,
        revision: u64,
        key: &MasterKey,
    ) -> Result<Applied> {
        let select = "SELECT revision FROM master_keys WHERE id = ?1";
        let present: Option<i64> = db.query_row(select, [id], |row| row.get(0)).optional()?;
        if revision != present.map_or(0, |present| present as u64) + 1 {
            return Err(MetadataError::SourceChanged);
        }
        let put = "INSERT OR REPLACE INTO master_keys VALUES (?1, ?2, ?3)";
        db.execute(put, params![id, revision as i64, pack(key)])?;
        Ok(Applied::Done)
    }
}

/// All keys: name, revision and key.
pub(super) fn all(db: &Connection) -> Result<Vec<(String, u64, MasterKey)>> {
    let mut select = db.prepare_cached("SELECT id, revision, detail FROM master_keys ORDER BY id")?;
    let mut rows = select.query([])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        let key = unpack(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
        keys.push((row.get(0)?, row.get::<_, i64>(1)? as u64, key));
    }
    Ok(keys)
}
