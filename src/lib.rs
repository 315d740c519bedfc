//! Holdfast, an S3-compatible object store.

pub mod checksum;
pub mod erasure;
pub mod jobs;
pub mod metadata;
pub mod node;
pub mod object;
pub mod placement;
pub mod runtime;
pub mod server;
pub mod shard_store;
pub mod types;
