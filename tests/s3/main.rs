//! The S3 interface from outside: raw requests against the real binary, one file per operation.
//! The invalid side is tested as hard as the valid one: AWS's code, and nothing stored.
//!
//! `main.rs` runs the tests on one process, `cluster.rs` the same on a gateway and storage nodes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "each file runs one of the topologies")]

mod append_object;
mod chunks;
mod client;
mod history;
mod server;

mod api_table;
mod authentication;
mod buckets;
mod conditional;
mod configurations;
mod copy_object;
mod cors;
mod delete_objects;
mod expect;
mod get_object;
mod heads;
mod lifecycle;
mod linearizability;
mod list_multipart_uploads;
mod list_objects;
mod list_parts;
mod multipart;
mod put_object;
mod rename_object;
mod streaming;
mod sub_resources;
mod upload_part_copy;

/// What these tests run on.
const TOPOLOGY: server::Topology = server::Topology::OneProcess;
