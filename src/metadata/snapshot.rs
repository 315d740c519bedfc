//! Copies of the database on drives.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::log::{Replica, ReplicaError};
use super::model::MetadataError;
use super::query;

/// Bytes sent to a drive at a time.
const PIECE_BYTES: usize = 1 << 20;

fn file_error(attempt: &str, path: &Path, error: &std::io::Error) -> MetadataError {
    MetadataError::Database(format!("{attempt} {}: {error}", path.display()))
}

/// Copies the database as one reader sees it to `path`, and tells the log index it includes.
/// The writer goes on meanwhile.
pub(super) fn copy_database(source: &Connection, path: &Path) -> Result<u64, MetadataError> {
    let mut target = Connection::open(path)?;
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
