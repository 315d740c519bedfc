//! Positions and entries of the metadata log.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A point in the metadata log: ordered by epoch first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogPosition {
    /// The writer's term; a higher one supersedes what a lower one left at the same index.
    pub epoch: u64,
    /// Counts entries from 1.
    pub index: u64,
}

/// What a metadata log holds, and what it was promised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogBounds {
    /// The oldest entry, `None` when it is empty.
    pub first: Option<LogPosition>,
    /// The newest entry.
    pub last: Option<LogPosition>,
    /// The index it takes next.
    pub next: u64,
    /// The latest epoch that was promised to a writer; 0 before the first.
    pub promised: u64,
}

/// One entry of the metadata log. What is in it is the metadata layer's affair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Where it stands.
    pub position: LogPosition,
    /// Its payload.
    pub payload: Bytes,
}
