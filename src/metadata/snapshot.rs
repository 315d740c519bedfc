//! Copies of the database on drives.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::checked;
use super::leadership::Errand;
use super::log::{Replica, ReplicaError};
use super::model::MetadataError;
use super::{query, readers};

/// Bytes sent to a drive at a time.
const PIECE_BYTES: usize = 1 << 20;

fn file_error(attempt: &str, path: &Path, error: &std::io::Error) -> MetadataError {
    MetadataError::Database(format!("{attempt} {}: {error}", path.display()))
}

/// How the database is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copying {
    /// As it is: fast.
    PageByPage,
    /// Row by row into full pages: several times the work, and after many deletions a fraction of the bytes.
    Compactly,
}

/// Copies the database as one reader sees it to `path`, and tells the log index it includes.
/// The writer goes on meanwhile.
pub(super) fn copy_database(source: &Connection, path: &Path, way: Copying) -> Result<u64, MetadataError> {
    if way == Copying::Compactly {
        let name = path.to_str().ok_or_else(|| MetadataError::Database("path is not UTF-8".into()))?;
        source.execute("VACUUM INTO ?1", [name])?;
        return query::state(&checked::open(path, checked::CREATE)?, "applied_index");
    }
    let mut target = checked::open(path, checked::CREATE)?;
    source.execute_batch("BEGIN")?;
    let copied = (|| {
        let index = query::state(source, "applied_index")?;
        let backup = Backup::new(source, &mut target)?;
        match backup.step(-1)? {
            StepResult::Done => Ok(index),
            other => Err(MetadataError::Database(format!("copy database: {other:?}"))),
        }
    })();
    source.execute_batch("COMMIT")?;
    copied
}

/// Sends a database copy to a drive; durable there when this returns.
pub(super) async fn store(replica: &dyn Replica, index: u64, path: &Path) -> Result<(), MetadataError> {
    use std::io::Read;
    let failed = |error: ReplicaError| MetadataError::Unavailable(error.to_string());
    let mut file = std::fs::File::open(path).map_err(|error| file_error("open", path, &error))?;
    let mut offset = 0;
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let read = file.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece);
        let read = read.map_err(|error| file_error("read", path, &error))?;
        if read == 0 {
            break;
        }
        replica.write_snapshot(index, offset, piece.into()).await.map_err(failed)?;
        offset += read as u64;
    }
    replica.commit_snapshot(index).await.map_err(failed)
}

/// Fetches a database copy from a drive into `path`.
pub(super) async fn fetch(replica: &dyn Replica, index: u64, path: &Path) -> Result<(), MetadataError> {
    use std::io::Write;
    let mut file = std::fs::File::create(path).map_err(|error| file_error("create", path, &error))?;
    let mut offset = 0;
    loop {
        let piece: Bytes = replica
            .read_snapshot(index, offset)
            .await
            .map_err(|error| MetadataError::Unavailable(error.to_string()))?;
        if piece.is_empty() {
            break;
        }
        file.write_all(&piece).map_err(|error| file_error("write", path, &error))?;
        offset += piece.len() as u64;
    }
    file.sync_all().map_err(|error| file_error("sync", path, &error))
}

/// The replicas' newest copies, newest first.
pub(super) async fn available(replicas: &[Arc<dyn Replica>]) -> Vec<(u64, Arc<dyn Replica>)> {
    let mut found = Vec::new();
    for replica in replicas {
        if let Ok(Some(index)) = replica.newest_snapshot().await {
            found.push((index, replica.clone()));
        }
    }
    found.sort_by_key(|(index, _)| std::cmp::Reverse(*index));
    found
}

/// Copies the database to so many of the drives; returns the log index the copies include. The drives are written to only
/// while the errand that `may_begin` gives is kept.
pub(super) async fn copy_to_drives(
    database: &Path,
    way: Copying,
    (holders, copies): (&[Arc<dyn Replica>], usize),
    may_begin: impl FnOnce() -> Option<Errand>,
) -> Result<u64, MetadataError> {
    let path = database.with_extension("copy");
    let _ = std::fs::remove_file(&path);
    let index = copy_database(&readers::open(database)?, &path, way)?;
    let Some(_errand) = may_begin() else {
        return Err(MetadataError::Unavailable("another writer has taken over".into()));
    };
    let mut held = 0;
    for holder in holders {
        match store(holder.as_ref(), index, &path).await {
            Ok(()) => held += 1,
            Err(error) => tracing::warn!(slot = holder.slot().0, %error, "no metadata copy on this drive"),
        }
        if held == copies {
            break;
        }
    }
    let _ = std::fs::remove_file(&path);
    if held < copies {
        return Err(MetadataError::Unavailable(format!("{held} drives took a copy, {copies} are needed")));
    }
    tracing::info!(index, held, "metadata copied to the drives");
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    #[test]
    fn both_ways_make_a_copy_of_the_same_state_and_a_compact_one_has_no_empty_pages() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name| folder.path().join(name);
        let source = checked::open(&path("source.db"), checked::CREATE).unwrap();
        source.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL").unwrap();
        schema::prepare(&source).unwrap();
        query::set_state(&source, "applied_index", 7).unwrap();
        source
            .execute_batch(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
                 INSERT INTO payloads SELECT i, randomblob(4000) FROM n; DELETE FROM payloads WHERE sequence % 10",
            )
            .unwrap();
        let reader = checked::open(&path("source.db"), checked::READ).unwrap();
        let mut sizes = Vec::new();
        for (way, name) in [(Copying::PageByPage, "pages.db"), (Copying::Compactly, "compact.db")] {
            assert_eq!(copy_database(&reader, &path(name), way).unwrap(), 7);
            let copy = checked::open(&path(name), checked::CREATE).unwrap();
            let rows: (i64, i64, i64) = copy
                .query_row(
                    "SELECT count(*), user_version, auto_vacuum FROM payloads, pragma_user_version, pragma_auto_vacuum",
                    [],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                )
                .unwrap();
            let version: i64 = source.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
            assert_eq!(rows, (200, version, 2));
            sizes.push(std::fs::metadata(path(name)).unwrap().len());
        }
        assert!(sizes[1] * 4 < sizes[0], "{sizes:?}");
    }
}
