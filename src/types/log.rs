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

/// One entry of the metadata log. What is in it is the metadata layer's affair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Where it stands.
    pub position: LogPosition,
    /// Its payload.
    pub payload: Bytes,
}
