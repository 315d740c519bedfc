//! The object engine: put, get, copy, list, delete and multipart, in terms of objects and blobs.
//!
//! It knows nothing of HTTP, XML or status codes; `s3` maps [`Error`] to AWS's codes.

mod api;
mod body;
mod copy;
mod drives;
mod engine;
mod get;
mod heal;
mod heal_queue;
mod multipart;
mod put;
mod readers;
mod reclaim;
mod stripe_reader;
mod stripe_writer;

pub use api::*;
pub use drives::{DriveSet, DriveStatus};
pub use engine::{Engine, Options};
pub use get::{ObjectStream, OpenObject};
pub use heal_queue::HealQueue;
pub use reclaim::Healing;
