//! Holdfast, an S3-compatible object store.

pub mod checksum;
pub mod erasure;
pub mod iam;
pub mod jobs;
pub mod metadata;
pub mod node;
pub mod object;
pub mod placement;
pub mod runtime;
pub mod s3;
pub mod server;
pub mod shard_store;
pub mod sigv4;
pub mod types;
