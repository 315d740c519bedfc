//! The tests of `main.rs` on a gateway and four storage nodes, all processes of their own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "each file runs one of the topologies")]

mod chunks;
mod client;
mod history;
mod server;

mod append_object;
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
const TOPOLOGY: server::Topology = server::Topology::Cluster;
