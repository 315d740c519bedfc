//! The S3 protocol: from an HTTP request to the engine's operation, and its outcome back to HTTP.
//!
//! A request walks down once:
//! - `service`: ids, logging, the frame around every answer.
//! - `route`: method, host, path and query become an `Operation`.
//! - `auth`: the signature is checked; only that makes a `Call`, and only a `Call` starts an operation.
//! - `access`: the gate: may this caller do this? `permissions` says which actions an operation asks for, `actions` and
//!   `condition_keys` what policies may name, `acl` reads and writes lists of grants.
//! - `ops`: one file per operation; `headers`, `conditions`, `range`, `checksums`, `versions`, `lock` and `tags` read
//!   and write what they share.
//! - `form`, `post_policy`: an upload by a browser's form, whose signature stands in its fields.
//! - `wire`, `chunked`, `body`: the bytes of an upload, taken out of their framing and verified.
//! - `xml_read`, `xml_write`: documents in and out.
//! - `cors`: preflights, which nobody signs, and what browsers are told on other answers.
//! - `counted`: the names of operations in metrics and logs.
//! - `access_log`: the lines of server access logs.
//! - `events`: the messages to those who are told of changes.
//! - `console`: what the console asks that S3 has no operation for.
//! - `website`: buckets served to browsers that know no S3.
//! - `documents`: what configures a bucket, a form and its checks for each kind.
//! - `error`: every error's code, status and words, in one table.
//!
//! Not a byte of a body is read, and no `100 Continue` sent, before the signature holds; but for a form, of
//! which the few fields before the file are read, because they hold it.

mod access;
mod access_log;
mod acl;
mod actions;
mod auth;
mod body;
mod checksums;
mod chunked;
mod condition_keys;
mod conditions;
mod console;
mod cors;
mod counted;
mod documents;
mod encryption;
mod error;
mod events;
mod form;
mod headers;
mod lock;
mod new_buckets;
mod ops;
#[cfg(any(test, fuzzing))]
pub(crate) mod parsers;
mod permissions;
mod post_policy;
mod query;
mod range;
mod response;
mod route;
mod service;
mod tags;
mod time;
mod versions;
mod website;
mod wire;
mod xml_read;
mod xml_write;

pub use access_log::AccessRecord;
pub use console::{ArchiveRequest, Asker, Listable, Refused};
pub use events::EventMessages;
pub use new_buckets::NewBuckets;
pub use response::ResponseBody;
pub use service::{Door, Options, Service};
