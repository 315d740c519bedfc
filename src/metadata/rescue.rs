//! The database rebuilt apart from any server, from copies and logs alone, with a word on each step.
//!
//! As `recovery`, with other answers to what is odd: a database that exists is not looked at, what cannot be
//! used is named, and so is a gap in the log.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::apply::Applier;
use super::log::{Batch, Replica};
use super::model::{BlobLayout, BucketRow, Content, MetadataError};
use super::query::VersionPlace;
use super::schema::{ObjectDetail, unpack};
use super::{query, recovery, schema, snapshot};
use crate::types::{DriveSlot, LogPosition};

type Result<T> = std::result::Result<T, MetadataError>;

/// Entries that no drive has, while later ones are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The last entry that can be had.
    pub after: LogPosition,
    /// The newest entry on any drive.
    pub newest: LogPosition,
}

/// A database rebuilt from copies and logs.
#[derive(Debug)]
pub struct Rebuilt {
    path: PathBuf,
    connection: Connection,
    /// The copy that it began with: the log index it includes, and its drive.
    pub copy: Option<(u64, DriveSlot)>,
    /// Copies that could not be used, and why.
    pub bad_copies: Vec<(u64, DriveSlot, String)>,
    /// The last entry that it includes.
    pub end: LogPosition,
    /// Entries that were applied.
    pub replayed: u64,
}

/// A version of an object with the blobs that it is made of; none where the metadata has its bytes.
#[derive(Debug)]
pub struct StoredObject {
    /// Which version of which key.
    pub place: VersionPlace,
    /// Length in bytes.
    pub size: u64,
    /// Its blobs; none in the place of one that the metadata does not know.
    pub blobs: Vec<Option<BlobLayout>>,
}

/// Why nothing was rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// Neither a copy nor a log from its beginning.
    #[error("there is neither a copy of the database nor a log that goes back to the beginning")]
    NoBeginning,
    /// The log has a gap.
    #[error(
        "none of these drives has entry {} of the log, while there are entries up to {} (epoch {})",
        .0.after.index + 1, .0.newest.index, .0.newest.epoch
    )]
    Gap(Gap),
    /// The rebuilt database cannot be written or the log not be applied.
    #[error(transparent)]
    Failed(#[from] MetadataError),
}

/// Rebuilds into `path`, in a folder of its own. `progress` is told the index reached and the last one.
pub async fn rebuild(
    path: &Path,
    replicas: &[Arc<dyn Replica>],
    mut progress: impl FnMut(u64, u64),
) -> std::result::Result<Rebuilt, RebuildError> {
    let mut bad_copies = Vec::new();
    let mut began = None;
    for (index, replica) in snapshot::available(replicas).await {
        match recovery::restore(path, index, replica.as_ref()).await {
            Ok(connection) => {
                began = Some((connection, (index, replica.slot())));
                break;
            }
            Err(error) => bad_copies.push((index, replica.slot(), error.to_string())),
        }
    }
    let (connection, copy) = match began {
        Some((connection, copy)) => (connection, Some(copy)),
        None => (recovery::start_empty(path)?, None),
    };
    let (end, replayed) = replay(&connection, replicas, &mut progress).await?;
    let newest = recovery::farthest_end(replicas).await;
    if copy.is_none() && replayed == 0 {
        return Err(RebuildError::NoBeginning);
    }
    if newest.index > end.index {
        return Err(RebuildError::Gap(Gap { after: end, newest }));
    }
    Ok(Rebuilt { path: path.to_owned(), connection, copy, bad_copies, end, replayed })
}

/// Applies the merged logs as far as they go without a gap.
async fn replay(
    connection: &Connection,
    replicas: &[Arc<dyn Replica>],
    progress: &mut impl FnMut(u64, u64),
) -> Result<(LogPosition, u64)> {
    let mut applier = Applier::new(connection)?;
    let last = recovery::farthest_end(replicas).await.index;
    let (mut end, mut replayed) = (recovery::position(connection)?, 0);
    loop {
        let merged = recovery::merge_read(end.index, &recovery::read_logs(replicas, end.index + 1).await);
        let Some(newest) = merged.last().map(|entry| entry.position) else { return Ok((end, replayed)) };
        for entry in &merged {
            let batch: Batch = schema::unpack(&entry.payload)?;
            recovery::apply_batch(connection, &mut applier, &batch, entry.position)?;
            replayed += 1;
            progress(entry.position.index, last);
        }
        end = newest;
    }
}

impl Rebuilt {
    /// All buckets by name.
    pub fn buckets(&self) -> Result<Vec<BucketRow>> {
        query::buckets(&self.connection)
    }

    /// Multipart uploads under way.
    pub fn upload_count(&self) -> Result<u64> {
        let count: i64 = self.connection.query_row("SELECT count(*) FROM uploads", [], |row| row.get(0))?;
        Ok(count as u64)
    }

    /// Versions of a bucket's objects in order behind `after`; delete markers are not among them.
    pub fn objects_after(&self, bucket: &str, after: &VersionPlace, max: usize) -> Result<Vec<StoredObject>> {
        let bucket = query::bucket_id(&self.connection, bucket)?;
        let mut select =
            self.connection.prepare_cached(&query::all_versions("size, detail", "detail NOTNULL"))?;
        let mut rows = select.query(params![bucket, after.key, after.rank, max as i64])?;
        let mut objects = Vec::new();
        while let Some(row) = rows.next()? {
            let detail: ObjectDetail = unpack(query::blob_column(row, 3)?)?;
            let extents = match detail.content {
                Content::Inline(_) => Vec::new(),
                Content::Blobs(extents) => extents,
            };
            let layout = |extent: &super::Extent| query::blob_layout(&self.connection, extent.blob);
            let blobs = extents.iter().map(layout).collect::<Result<_>>()?;
            let place = VersionPlace { key: row.get(0)?, rank: row.get(1)? };
            objects.push(StoredObject { place, size: row.get::<_, i64>(2)? as u64, blobs });
        }
        Ok(objects)
    }

    /// Closes the database with all of it in one durable file, and tells where that is.
    pub fn finish(self) -> Result<PathBuf> {
        self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;")?;
        self.connection.close().map_err(|(_, error)| MetadataError::from(error))?;
        let synced = std::fs::File::open(&self.path).and_then(|file| file.sync_all());
        synced.map_err(|error| MetadataError::Database(format!("sync {}: {error}", self.path.display())))?;
        Ok(self.path)
    }
}

/// Puts a finished database in a place where there is none.
pub fn install(finished: &Path, database: &Path) -> std::io::Result<()> {
    std::fs::rename(finished, database)?;
    std::fs::File::open(database.parent().unwrap_or(database))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::super::database;
    use super::super::log::tests::MemoryReplica;
    use super::super::model::Mutation;
    use super::*;
    use crate::types::LogEntry;

    /// Replicas that hold entries of no mutations from an index on.
    async fn replicas(logs: &[std::ops::RangeInclusive<u64>]) -> Vec<Arc<dyn Replica>> {
        let mut replicas = Vec::new();
        for (slot, log) in logs.iter().enumerate() {
            let replica = MemoryReplica::holding(slot as u16, &[]);
            replica.reset(LogPosition { epoch: 1, index: *log.start() }).await.unwrap();
            for index in log.clone() {
                let payload = schema::pack(&Batch::<Mutation> { mutations: Vec::new() }).into();
                replica
                    .append(vec![LogEntry { position: LogPosition { epoch: 1, index }, payload }])
                    .await
                    .unwrap();
            }
            replicas.push(Arc::new(replica) as Arc<dyn Replica>);
        }
        replicas
    }

    async fn rebuilt(
        logs: &[std::ops::RangeInclusive<u64>],
    ) -> std::result::Result<(u64, Vec<(u64, u64)>), RebuildError> {
        let folder = tempfile::tempdir().unwrap();
        let mut told = Vec::new();
        let path = folder.path().join("holdfast.db");
        let rebuilt = rebuild(&path, &replicas(logs).await, |at, last| told.push((at, last))).await?;
        assert_eq!(rebuilt.replayed, told.len() as u64);
        let end = rebuilt.end.index;
        assert_eq!(rebuilt.finish().unwrap(), path);
        assert_eq!(database::applied_index(&path), Some(end));
        Ok((end, told))
    }

    #[tokio::test]
    async fn logs_that_overlap_make_one() {
        let (end, told) = rebuilt(&[1..=3, 2..=6]).await.unwrap();
        assert_eq!((end, told.len(), told[0]), (6, 6, (1, 6)));
    }

    #[tokio::test]
    async fn a_gap_is_named_and_nothing_is_rebuilt() {
        let Err(RebuildError::Gap(gap)) = rebuilt(&[1..=3, 5..=9]).await else { panic!("there is a gap") };
        assert_eq!((gap.after.index, gap.newest.index), (3, 9));
        assert!(RebuildError::Gap(gap).to_string().contains("has entry 4 of the log"));
    }

    #[tokio::test]
    async fn without_a_beginning_nothing_is_rebuilt() {
        #[allow(clippy::reversed_empty_ranges, reason = "no entries at all")]
        let nothing = rebuilt(&[1..=0]).await;
        assert!(matches!(nothing, Err(RebuildError::NoBeginning)));
        assert!(matches!(rebuilt(&[5..=9]).await, Err(RebuildError::NoBeginning)));
    }
}
