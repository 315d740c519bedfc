//! The composition root: the only place that knows all parts.

mod storage;

pub use storage::{Storage, StorageError, open_cluster, open_drives};
