//! One drive: shards, a replica of the metadata log, and metadata snapshots.
//!
//! ```text
//! drive.json         who this drive is: deployment, drive id, slot (see `format`)
//! lock               held by the process that serves the drive
//! segments/N.seg     small shards, appended record after record (see `segment`), N.idx once sealed
//! blobs/ab/ID-S.blob one large shard: its stripes' records at a fixed stride (see `blob_file`)
//! log/N.log          replica of the metadata log (see `journal`)
//! snapshots/N.db     copies of the metadata database (see `snapshot`)
//! ```
//!
//! A drive knows shards, not objects: ids go in, verified bytes come out.

mod blob_file;
mod bulk;
mod compaction;
mod disk;
mod drive;
mod file_system;
mod format;
mod journal;
mod local;
mod look_only;
#[cfg(any(test, fuzzing))]
pub(crate) mod parsers;
mod record;
mod segment;
mod snapshot;
mod survey;

pub use drive::{Drive, DriveError, Op, Reply, ShardId, ShardRead, Usage};
pub use file_system::{Access, File, FileSystem, OsFileSystem};
pub use format::{DriveFormat, DriveState, Member, Membership, inspect, inspect_on};
pub use local::{LocalDrive, usage_on};
pub use look_only::LookOnly;
pub use record::{Record, record_len};
pub use survey::{FileSystemKind, Survey, UnderlyingDisk, WriteTrial, survey};
