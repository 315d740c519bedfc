//! Holdfast, an S3-compatible object store.

pub mod checksum;
pub mod iam;
pub mod object;
pub mod runtime;
pub mod s3;
pub mod sigv4;
pub mod types;
