//! The object engine: put, get, copy, list, delete and multipart, in terms of objects and blobs.
//!
//! It knows nothing of HTTP, XML or status codes; `s3` maps [`Error`] to AWS's codes.

mod api;
mod engine;

pub use api::*;
pub use engine::{Engine, ObjectStream, OpenObject};
