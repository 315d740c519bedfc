//! What was asked of the drive, and what it acknowledged.

use bytes::Bytes;
use holdfast::shard_store::ShardId;
use holdfast::types::LogPosition;

/// How far an operation came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Sent,
    Acknowledged,
}

/// One shard.
#[derive(Debug, Clone)]
pub struct Shard {
    pub id: ShardId,
    /// Of each stripe.
    pub stripes: Vec<Bytes>,
    pub written: Stage,
    /// Its removal was asked for.
    pub removed: Option<Stage>,
}

/// All there is to know.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    pub shards: Vec<Shard>,
    pub log: Vec<(LogPosition, Bytes, Stage)>,
    /// The log may have been trimmed below this index.
    pub trimmed: u64,
    pub copies: Vec<(u64, Bytes, Stage)>,
    pub formatted: bool,
}

impl Ledger {
    pub fn begin_shard(&mut self, id: ShardId, stripes: Vec<Bytes>) -> usize {
        self.shards.push(Shard { id, stripes, written: Stage::Sent, removed: None });
        self.shards.len() - 1
    }
}
