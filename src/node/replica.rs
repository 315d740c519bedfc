//! A drive as a replica of the metadata log.

use std::sync::Arc;

use bytes::Bytes;

use crate::metadata::{Replica, ReplicaError};
use crate::runtime::BoxFuture;
use crate::shard_store::{Drive, DriveError};
use crate::types::{DriveSlot, LogBounds, LogEntry, LogPosition};

/// The log and the database copies on one drive, local or remote.
#[derive(Debug, Clone)]
pub struct DriveReplica {
    slot: DriveSlot,
    drive: Arc<dyn Drive>,
}

impl DriveReplica {
    /// The replica on the drive in `slot`.
    pub fn new(slot: DriveSlot, drive: Arc<dyn Drive>) -> Self {
        Self { slot, drive }
    }
}

fn meaning(error: DriveError) -> ReplicaError {
    match error {
        DriveError::NotFound => ReplicaError::NotFound,
        DriveError::LogGap { .. } => ReplicaError::Gap,
        DriveError::NoSpace => ReplicaError::NoSpace,
        DriveError::Corrupt(_) | DriveError::Offline(_) | DriveError::Io { .. } | DriveError::Protocol(_) => {
            ReplicaError::Failed(error.to_string())
        }
    }
}

type Answer<'a, T> = BoxFuture<'a, Result<T, ReplicaError>>;

impl Replica for DriveReplica {
    fn slot(&self) -> DriveSlot {
        self.slot
    }

    fn is_up(&self) -> bool {
        self.drive.is_up()
    }

    fn append(&self, entries: Vec<LogEntry>) -> Answer<'_, ()> {
        Box::pin(async move { self.drive.log_append(&entries).await.map_err(meaning) })
    }

    fn bounds(&self) -> Answer<'_, LogBounds> {
        Box::pin(async move { self.drive.log_bounds().await.map_err(meaning) })
    }

    fn promise(&self, epoch: u64) -> Answer<'_, ()> {
        Box::pin(async move { self.drive.log_promise(epoch).await.map_err(meaning) })
    }

    fn read(&self, from: u64) -> Answer<'_, Vec<LogEntry>> {
        Box::pin(async move { self.drive.log_read(from).await.map_err(meaning) })
    }

    fn trim(&self, below: u64) -> Answer<'_, ()> {
        Box::pin(async move { self.drive.log_trim(below).await.map_err(meaning) })
    }

    fn reset(&self, next: LogPosition) -> Answer<'_, ()> {
        Box::pin(async move { self.drive.log_reset(next).await.map_err(meaning) })
    }

    fn newest_snapshot(&self) -> Answer<'_, Option<u64>> {
        Box::pin(async move { self.drive.snapshot_newest().await.map_err(meaning) })
    }

    fn write_snapshot(&self, index: u64, offset: u64, piece: Bytes) -> Answer<'_, ()> {
        Box::pin(async move { self.drive.snapshot_write(index, offset, piece).await.map_err(meaning) })
    }

    fn commit_snapshot(&self, index: u64) -> Answer<'_, ()> {
        Box::pin(async move { self.drive.snapshot_commit(index).await.map_err(meaning) })
    }

    fn read_snapshot(&self, index: u64, offset: u64) -> Answer<'_, Bytes> {
        Box::pin(async move { self.drive.snapshot_read(index, offset).await.map_err(meaning) })
    }
}
