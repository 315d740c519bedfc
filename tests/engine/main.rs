//! The engine on real drives in temporary folders: what is stored comes back, whatever happens to drives.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;
mod configurations;
mod expiry;
mod faults;
mod nodes;
mod objects;
mod parity;
mod quota;
mod search;
mod setup;
mod topology;
