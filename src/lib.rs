#![doc = include_str!("ARCHITECTURE.md")]

pub mod admin;
pub mod checksum;
pub mod cli;
pub mod config;
pub mod console;
pub mod erasure;
pub mod http;
pub mod iam;
pub mod jobs;
pub mod metadata;
pub mod node;
pub mod object;
#[cfg(any(test, fuzzing))]
pub mod parsers;
pub mod placement;
pub mod query_api;
pub mod runtime;
pub mod s3;
pub mod sealing;
pub mod server;
pub mod shard_store;
pub mod sigv4;
pub mod telemetry;
pub mod types;
