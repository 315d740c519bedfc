//! Holdfast, an S3-compatible object store.

pub mod checksum;
pub mod object;
pub mod runtime;
pub mod sigv4;
pub mod types;
