//! The composition root: the only place that knows every part.
//!
//! Start: bind the addresses (so that a taken port is found before a drive is touched), open drives and
//! metadata, make the buckets asked for, serve. Stop: refuse new connections, let requests in flight end
//! within a bound, end background work, close the metadata.

mod body;
mod error;
mod front;
mod parts;
mod running;
mod signals;

pub use error::StartError;
pub use running::{Running, Started, start};
