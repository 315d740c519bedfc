//! AWS Signature Version 4 as S3, IAM and STS use it: pure functions, no I/O.
//!
//! - `claim`: what a request says of its signature, in the `Authorization` header or the query.
//! - `canonical`: the canonical request, which both sides compute.
//! - `key`: signing keys, derived once a day and kept with their secret.
//! - `verify`: is the claim true, in time, and about all that must be signed?
//! - `chunk`: the signatures inside an `aws-chunked` body.
//! - `policy`: the signature of a form's policy.
//! - `version2`: the older scheme, for those who still need it.
//! - `sign`: the client's side, for presigned URLs and tests.
//!
//! Secrets come in as arguments and never appear in errors or `Debug` output.

mod canonical;
mod chunk;
mod claim;
mod encoding;
mod key;
mod policy;
mod sign;
mod time;
mod verify;
pub mod version2;

pub use chunk::ChunkSignatures;
pub use claim::{Claim, Malformed, Payload, Placement, Service, parse, parse_form};
pub use encoding::{Slash, decode_form, decode_path, encode_into, hex, parse_hex};
pub use key::{SigningKey, SigningSecret};
pub use policy::PolicyClaim;
pub use sign::{Presign, Signer};
pub use time::AmzTime;
pub use verify::{EXPIRES_SECS_MAX, Mismatch, Refusal, SKEW_SECS_MAX, Verification, verify};

use hyper::HeaderMap;
use hyper::http::request;

/// The parts of a request that its signature covers, as they came over the wire.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// `GET`, `PUT`, ...
    pub method: &'a str,
    /// The path of the request line, still percent-encoded.
    pub path: &'a str,
    /// The query of the request line without `?`, still percent-encoded; empty where there is none.
    pub query: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
}

impl<'a> Parts<'a> {
    /// Those of a request.
    pub fn of(head: &'a request::Parts) -> Self {
        Self {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            headers: &head.headers,
        }
    }
}

#[cfg(test)]
mod vectors;
