//! What a drive can do, wherever it is: in this process or behind the network.

use std::fmt::Debug;
use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::format::Membership;
use super::record::Record;
use crate::runtime::BoxFuture;
use crate::types::{BlobId, DriveId, LogBounds, LogEntry, LogPosition};

/// One shard of one blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShardId {
    /// Which blob.
    pub blob: BlobId,
    /// Which of its k + m shards.
    pub shard: u8,
}

/// Which bytes of a shard to read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShardRead {
    /// Which shard.
    pub id: ShardId,
    /// Which stripe of the blob.
    pub stripe: u32,
    /// Shard bytes of every stripe but the last; tells where a stripe starts.
    pub full_len: u32,
    /// Shard bytes of this stripe.
    pub len: u32,
    /// The bytes wanted, within `0..len`.
    pub range: Range<u32>,
}

/// Space on a drive, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Size of the file system.
    pub total: u64,
    /// What may still be written, the reserve taken off.
    pub free: u64,
    /// Shards held.
    pub shards: u64,
}

/// Why a drive did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum DriveError {
    /// It does not hold the shard, the log entries or the snapshot.
    #[error("not on this drive")]
    NotFound,
    /// What it holds fails its checksum or is something else.
    #[error("corrupt: {0}")]
    Corrupt(String),
    /// The reserve is reached.
    #[error("no space left on drive")]
    NoSpace,
    /// The drive failed before and takes no more writes, or its node cannot be reached.
    #[error("drive offline: {0}")]
    Offline(String),
    /// The log does not continue at this position.
    #[error("log ends at {end:?}")]
    LogGap {
        /// Where it ends.
        end: LogPosition,
    },
    /// The operating system said no.
    #[error("{attempt}: {error}")]
    Io {
        /// What was tried, on which file.
        attempt: String,
        /// What the system answered.
        error: String,
    },
    /// The other side broke the node protocol.
    #[error("protocol: {0}")]
    Protocol(String),
}

/// One operation. A payload, where there is one, travels beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Op {
    /// Appends a small shard (payload: its data); durable when answered.
    Append {
        /// Which shard.
        id: ShardId,
    },
    /// Writes one stripe of a large shard (payload: its data); durable after `Seal`.
    WriteStripe {
        /// Which shard.
        id: ShardId,
        /// Which stripe.
        stripe: u32,
        /// Shard bytes of every stripe but the last.
        full_len: u32,
    },
    /// Makes a large shard durable and visible.
    Seal {
        /// Which shard.
        id: ShardId,
        /// How many stripes were written; others mean that the drive lost some in a restart.
        stripes: u32,
    },
    /// Drops a large shard that was never sealed.
    Discard {
        /// Which shard.
        id: ShardId,
    },
    /// Reads and verifies.
    Read(ShardRead),
    /// Removes shards; unknown ones are no error.
    Delete {
        /// Which shards.
        ids: Vec<ShardId>,
    },
    /// Reads and verifies many, from the disk and not from memory, in the order that suits the disk.
    ReadMany {
        /// Which.
        reads: Vec<ShardRead>,
    },
    /// As `ReadMany`, but answers without the bytes.
    Verify {
        /// Which.
        reads: Vec<ShardRead>,
    },
    /// Tells which of these shards are held.
    Contains {
        /// Which shards.
        ids: Vec<ShardId>,
    },
    /// Lists the shards held, in 256 parts; what moves meanwhile may be missed.
    List {
        /// Which part.
        part: u8,
    },
    /// Tells the space left.
    Usage,
    /// Writes down which drives the deployment has, unless a later list is known.
    SetMembership {
        /// The list.
        membership: Membership,
    },
    /// Appends entries to the metadata log (payload: theirs, one behind another); durable when answered.
    LogAppend {
        /// Where each stands, and how many bytes of the payload are its own.
        entries: Vec<(LogPosition, u32)>,
    },
    /// Tells where the log begins and ends, and what was promised.
    LogBounds,
    /// Promises an epoch to a writer, which no other is promised; durable when answered.
    LogPromise {
        /// Above all that were promised and all of the log's.
        epoch: u64,
    },
    /// Reads log entries from an index on, up to about 4 MiB.
    LogRead {
        /// First index wanted.
        from: u64,
    },
    /// Forgets entries below an index.
    LogTrim {
        /// First index to keep.
        below: u64,
    },
    /// Empties the log; its next entry has this position's index.
    LogReset {
        /// Where the log goes on.
        next: LogPosition,
    },
    /// Tells the newest snapshot's log index.
    SnapshotNewest,
    /// Writes a piece of a new snapshot (payload: bytes at `offset`).
    SnapshotWrite {
        /// The log index it includes.
        index: u64,
        /// Where the piece goes.
        offset: u64,
    },
    /// Makes the snapshot durable, then removes older ones.
    SnapshotCommit {
        /// The log index it includes.
        index: u64,
    },
    /// Reads up to 1 MiB of a snapshot; an empty answer is its end.
    SnapshotRead {
        /// The log index it includes.
        index: u64,
        /// From where.
        offset: u64,
    },
}

/// The answer to an [`Op`].
#[derive(Debug, Clone)]
pub enum Reply {
    /// Done.
    Done,
    /// Bytes asked for.
    Bytes(Bytes),
    /// Bytes, or why there are none, for each that was asked for.
    Many(Vec<Result<Bytes, DriveError>>),
    /// Yes or no, for each that was asked for.
    Flags(Vec<bool>),
    /// Shards.
    Shards(Vec<ShardId>),
    /// Space.
    Usage(Usage),
    /// Where the log begins and ends, and what was promised.
    LogBounds(LogBounds),
    /// Log entries in order.
    Log(Vec<LogEntry>),
    /// A snapshot's index.
    Snapshot(Option<u64>),
}

/// A drive. Every call is one message, so that a drive in this process and one behind the network are
/// the same to those who use them.
pub trait Drive: Send + Sync + Debug {
    /// Who it is.
    fn id(&self) -> DriveId;

    /// False while it takes no operations.
    fn is_up(&self) -> bool;

    /// A short name for messages: a path, or node and path.
    fn label(&self) -> String;

    /// The machine it is on, empty for this one: drives of one machine fail together.
    fn node(&self) -> String {
        String::new()
    }

    /// The zone that the machine is in, empty where none is named: machines of one zone fail together.
    fn zone(&self) -> String {
        String::new()
    }

    /// How often it stopped taking operations so far: tells one that was away between two looks at it from one
    /// that was up all the time.
    fn outages(&self) -> u64 {
        0
    }

    /// Carries out one operation.
    fn call(&self, op: Op, payload: Bytes) -> BoxFuture<'_, Result<Reply, DriveError>>;
}

fn unexpected(reply: &Reply) -> DriveError {
    DriveError::Protocol(format!("unexpected reply {reply:?}"))
}

macro_rules! expect_reply {
    ($reply:expr, $pattern:pat => $value:expr) => {
        match $reply {
            $pattern => Ok($value),
            other => Err(unexpected(&other)),
        }
    };
}

/// Typed forms of the calls.
impl dyn Drive {
    /// [`Op::Append`].
    pub async fn append(&self, record: &Record) -> Result<(), DriveError> {
        expect_reply!(self.call(Op::Append { id: record.id }, record.data.clone()).await?, Reply::Done => ())
    }

    /// [`Op::WriteStripe`].
    pub async fn write_stripe(&self, record: &Record, full_len: u32) -> Result<(), DriveError> {
        let op = Op::WriteStripe { id: record.id, stripe: record.stripe, full_len };
        expect_reply!(self.call(op, record.data.clone()).await?, Reply::Done => ())
    }

    /// [`Op::Seal`].
    pub async fn seal(&self, id: ShardId, stripes: u32) -> Result<(), DriveError> {
        expect_reply!(self.call(Op::Seal { id, stripes }, Bytes::new()).await?, Reply::Done => ())
    }

    /// [`Op::Discard`].
    pub async fn discard(&self, id: ShardId) -> Result<(), DriveError> {
        expect_reply!(self.call(Op::Discard { id }, Bytes::new()).await?, Reply::Done => ())
    }

    /// [`Op::Read`].
    pub async fn read(&self, read: ShardRead) -> Result<Bytes, DriveError> {
        let wanted = read.range.len();
        let bytes = expect_reply!(self.call(Op::Read(read), Bytes::new()).await?, Reply::Bytes(b) => b)?;
        if bytes.len() == wanted { Ok(bytes) } else { Err(DriveError::Corrupt("short read".into())) }
    }

    /// [`Op::Delete`].
    pub async fn delete(&self, ids: Vec<ShardId>) -> Result<(), DriveError> {
        expect_reply!(self.call(Op::Delete { ids }, Bytes::new()).await?, Reply::Done => ())
    }

    /// [`Op::ReadMany`].
    pub async fn read_many(
        &self,
        reads: Vec<ShardRead>,
    ) -> Result<Vec<Result<Bytes, DriveError>>, DriveError> {
        self.many(reads.len(), Op::ReadMany { reads }).await
    }

    /// [`Op::Verify`].
    pub async fn verify(&self, reads: Vec<ShardRead>) -> Result<Vec<Result<(), DriveError>>, DriveError> {
        let verified = self.many(reads.len(), Op::Verify { reads }).await?;
        Ok(verified.into_iter().map(|one| one.map(drop)).collect())
    }

    async fn many(&self, asked: usize, op: Op) -> Result<Vec<Result<Bytes, DriveError>>, DriveError> {
        let many = expect_reply!(self.call(op, Bytes::new()).await?, Reply::Many(many) => many)?;
        if many.len() == asked { Ok(many) } else { Err(DriveError::Protocol("an answer for each".into())) }
    }

    /// [`Op::Contains`].
    pub async fn contains(&self, ids: Vec<ShardId>) -> Result<Vec<bool>, DriveError> {
        let asked = ids.len();
        let flags =
            expect_reply!(self.call(Op::Contains { ids }, Bytes::new()).await?, Reply::Flags(f) => f)?;
        if flags.len() == asked { Ok(flags) } else { Err(DriveError::Protocol("an answer for each".into())) }
    }

    /// [`Op::List`].
    pub async fn list(&self, part: u8) -> Result<Vec<ShardId>, DriveError> {
        expect_reply!(self.call(Op::List { part }, Bytes::new()).await?, Reply::Shards(ids) => ids)
    }

    /// [`Op::Usage`].
    pub async fn usage(&self) -> Result<Usage, DriveError> {
        expect_reply!(self.call(Op::Usage, Bytes::new()).await?, Reply::Usage(usage) => usage)
    }

    /// [`Op::SetMembership`].
    pub async fn set_membership(&self, membership: Membership) -> Result<(), DriveError> {
        expect_reply!(self.call(Op::SetMembership { membership }, Bytes::new()).await?, Reply::Done => ())
    }

    /// [`Op::LogAppend`].
    pub async fn log_append(&self, entries: &[LogEntry]) -> Result<(), DriveError> {
        let places = entries.iter().map(|entry| (entry.position, entry.payload.len() as u32)).collect();
        let payload = match entries {
            [entry] => entry.payload.clone(),
            _ => entries.iter().map(|entry| &entry.payload[..]).collect::<Vec<_>>().concat().into(),
        };
        expect_reply!(self.call(Op::LogAppend { entries: places }, payload).await?, Reply::Done => ())
    }

    /// [`Op::LogBounds`].
    pub async fn log_bounds(&self) -> Result<LogBounds, DriveError> {
        expect_reply!(self.call(Op::LogBounds, Bytes::new()).await?, Reply::LogBounds(bounds) => bounds)
    }

    /// [`Op::LogPromise`].
    ///
    /// # Errors
    ///
    /// [`DriveError::LogGap`] where this epoch or a later one was promised, or is in the log.
    pub async fn log_promise(&self, epoch: u64) -> Result<(), DriveError> {
        expect_reply!(self.call(Op::LogPromise { epoch }, Bytes::new()).await?, Reply::Done => ())
    }

    /// [`Op::LogRead`].
    pub async fn log_read(&self, from: u64) -> Result<Vec<LogEntry>, DriveError> {
        expect_reply!(self.call(Op::LogRead { from }, Bytes::new()).await?, Reply::Log(entries) => entries)
    }

    /// [`Op::LogTrim`].
    pub async fn log_trim(&self, below: u64) -> Result<(), DriveError> {
        expect_reply!(self.call(Op::LogTrim { below }, Bytes::new()).await?, Reply::Done => ())
    }

    /// [`Op::LogReset`].
    pub async fn log_reset(&self, next: LogPosition) -> Result<(), DriveError> {
        expect_reply!(self.call(Op::LogReset { next }, Bytes::new()).await?, Reply::Done => ())
    }

    /// [`Op::SnapshotNewest`].
    pub async fn snapshot_newest(&self) -> Result<Option<u64>, DriveError> {
        expect_reply!(self.call(Op::SnapshotNewest, Bytes::new()).await?, Reply::Snapshot(index) => index)
    }

    /// [`Op::SnapshotWrite`].
    pub async fn snapshot_write(&self, index: u64, offset: u64, piece: Bytes) -> Result<(), DriveError> {
        expect_reply!(self.call(Op::SnapshotWrite { index, offset }, piece).await?, Reply::Done => ())
    }

    /// [`Op::SnapshotCommit`].
    pub async fn snapshot_commit(&self, index: u64) -> Result<(), DriveError> {
        expect_reply!(self.call(Op::SnapshotCommit { index }, Bytes::new()).await?, Reply::Done => ())
    }

    /// [`Op::SnapshotRead`].
    pub async fn snapshot_read(&self, index: u64, offset: u64) -> Result<Bytes, DriveError> {
        expect_reply!(self.call(Op::SnapshotRead { index, offset }, Bytes::new()).await?, Reply::Bytes(b) => b)
    }
}
