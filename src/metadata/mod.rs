//! Buckets, objects, blobs and uploads: one order of mutations, one deterministic `apply`.
//!
//! SQLite holds the state; the mirrored log makes it durable. A batch of mutations is applied in an open
//! SQLite transaction, appended to the log on every drive, and only then committed and answered, so that
//! a reader never sees what is not yet durable (see `writer`). The database can be rebuilt from the
//! newest copy on any drive and the log behind it (see `recovery`).

mod accounts;
mod apply;
mod blobs;
mod catch_up;
mod checked;
mod checkpoint;
mod configuration;
mod database;
mod drive_waits;
mod encoding;
mod events;
mod expiry;
mod identities;
mod keys;
mod leadership;
mod log;
mod model;
#[cfg(any(test, fuzzing))]
pub(crate) mod parsers;
mod part_checksums;
mod payload;
mod query;
mod queue;
mod quota;
mod readers;
mod recode;
mod recovery;
mod rename;
mod rescue;
mod schema;
mod search;
mod search_pages;
mod snapshot;
mod spread;
mod store;
mod takeover;
mod versions;
mod writer;

pub use accounts::{AccessKeyRow, AccountRow};
pub use database::{applied_index, move_aside};
pub use events::{EventEnd, EventRow, OutboxRow, PENDING_MAX};
pub use expiry::{AgingRow, AgingVersionRow, Standing, VersionCursor};
pub use identities::{IdentityKey, IdentityKind, IdentityRow};
pub use log::{Replica, ReplicaError};
pub use model::{
    Applied, BlobLayout, BucketRow, Content, Deleted, Deletion, DrivePhase, DriveRow, EncodingRow, Extent,
    GarbageRow, HealRow, ListedRow, ListedVersionRow, MetadataError, MisencodedRow, Mutation, NewContent,
    ObjectRow, OwnerRow, PartRow, PlacedBlob, RenameToken, UploadRow, VersionChange,
};
pub use query::{VersionPlace, Walk, Walked};
pub use rescue::{Gap, RebuildError, Rebuilt, StoredObject, install, rebuild};
pub use search::{
    Label, LabelKind, SearchHit, SearchIndex, SearchPage, SearchQuery, SearchReader, Searchable,
    remove as remove_search_index, search,
};
pub use spread::{Group, Margin, SpreadRow, counts, losses_borne};
pub use store::{COPY_AFTER_BYTES, Options, Store};
