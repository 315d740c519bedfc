//! The files of the database: opened for the writer, moved and removed together.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::apply::Applier;
use super::model::MetadataError;
use super::{checked, query, readers, schema};
use crate::types::LogPosition;

type Result<T> = std::result::Result<T, MetadataError>;

/// What SQLite adds to a database's name for its files: itself, its write-ahead log, the log's index.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// The name of a damaged database that was put aside.
const DAMAGED: &str = "damaged";

/// The files of the database at `path`, there or not.
fn files(path: &Path) -> impl Iterator<Item = (&'static str, PathBuf)> {
    SUFFIXES.into_iter().map(move |suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        (suffix, name.into())
    })
}

/// Opens the database for the writer, making tables if it is new.
pub(super) fn open_writer(path: &Path) -> Result<Connection> {
    if checked::lacks_checksums(path) {
        add_checksums(path)?;
    }
    let connection = checked::open(path, checked::CREATE)?;
    connection.pragma_update(None, "page_size", schema::PAGE_BYTES as i64)?;
    // Counts for a database without tables alone.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;",
    )?;
    readers::keep_statements(&connection, 64)?;
    schema::prepare(&connection)?;
    Ok(connection)
}

/// Puts a database with checksums in the place of one of an earlier release. A crash leaves one of the two.
fn add_checksums(path: &Path) -> Result<()> {
    tracing::info!(database = %path.display(), "the metadata database gets checksums of its pages");
    let target = path.with_extension("checked");
    let failed =
        |error: std::io::Error| MetadataError::Database(format!("replace {}: {error}", path.display()));
    let _ = std::fs::remove_file(&target);
    checked::add_checksums(path, &target)?;
    std::fs::File::open(&target).and_then(|file| file.sync_all()).map_err(failed)?;
    remove(path)?;
    std::fs::rename(&target, path).map_err(failed)
}

/// The log index that the database at `path` includes; `None` if there is none that can be read.
pub fn applied_index(path: &Path) -> Option<u64> {
    if !path.exists() {
        return None;
    }
    readers::open(path).and_then(|db| query::state(&db, "applied_index")).ok()
}

/// Writes what is kept once a transaction; the caller commits.
pub(super) fn finish_transaction(
    db: &Connection,
    applier: &mut Applier,
    position: LogPosition,
) -> Result<()> {
    applier.finish_batch(db)?;
    query::set_state(db, "epoch", position.epoch)?;
    query::set_state(db, "applied_index", position.index)
}

/// Makes the folder of a place for the database.
pub(super) fn make_place(path: &Path) {
    let folder = path.parent().unwrap_or(path);
    if let Err(error) = std::fs::create_dir_all(folder) {
        tracing::warn!(%error, folder = %folder.display(), "no metadata database can be kept here");
    }
}

/// Total and available bytes of the file system that holds the database, if it tells.
pub(super) fn space(database: &Path) -> Option<(u64, u64)> {
    let stat = rustix::fs::statvfs(database.parent().unwrap_or(database)).ok()?;
    Some((stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize))
}
/// Moves a database aside, file by file; tells the new names.
pub fn move_aside(path: &Path, stem: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut moved = Vec::new();
    for (suffix, from) in files(path) {
        if from.exists() {
            // The write-ahead log keeps its database's name, so that both can be opened together.
            let to = path.with_file_name(format!("{stem}.db{suffix}"));
            std::fs::rename(&from, &to)?;
            moved.push(to);
        }
    }
    if let Some(folder) = path.parent().filter(|_| !moved.is_empty()) {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(moved)
}

/// Puts a damaged database aside, for who wants to look at it; it is never used again.
pub(super) fn set_aside(path: &Path) {
    // The one before makes way.
    let _ = remove(&path.with_file_name(format!("{DAMAGED}.db")));
    match move_aside(path, DAMAGED) {
        Ok(moved) => tracing::warn!(?moved, "the damaged metadata database is put aside"),
        // Its drive may be gone, and the database is made anew on another.
        Err(error) => tracing::warn!(%error, database = %path.display(), "not put aside"),
    }
}

/// Removes the database with its write-ahead log: one must never meet the other's successor.
pub(super) fn remove(path: &Path) -> Result<()> {
    for (_, file) in files(path) {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(MetadataError::Database(format!("remove {}: {error}", path.display())));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_and_its_log_are_moved_aside_together() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("holdfast.db");
        for suffix in ["", "-wal"] {
            std::fs::write(folder.path().join(format!("holdfast.db{suffix}")), suffix).unwrap();
        }
        let moved = move_aside(&database, "holdfast-aside").unwrap();
        let names = moved.iter().map(|path| path.file_name().unwrap().to_str().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), ["holdfast-aside.db", "holdfast-aside.db-wal"]);
        assert!(!database.exists() && move_aside(&database, "again").unwrap().is_empty());
    }
}
