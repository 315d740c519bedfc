//! The composition root: the only place that knows every part.
//!
//! Start: bind the addresses (so that a taken port is found before a drive is touched), open drives and
//! metadata, make the buckets asked for, serve. Stop: refuse new connections, let requests in flight end
//! within a bound, end background work, close the metadata.

mod body;
mod bridge;
mod certificates;
mod console;
mod error;
mod front;
mod journal;
mod node_role;
mod presence;
mod rescue;
mod running;
mod signals;
mod storage;

pub use error::StartError;
pub use node_role::{RunningNode, start_node};
pub use presence::{Count, Presence, UnreadableObject, look_for_shards};
pub use rescue::{Found, FoundDatabase, FoundDrive, FoundState, Installed, RescueError, find as find_drives};
pub use running::{Running, Started, start};
pub use storage::{Storage, StorageError, Tuning, open_cluster, open_drives};
