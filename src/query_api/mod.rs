//! IAM and STS as AWS speaks them: a form by `POST /` on the address of S3, XML in the answer.
//!
//! - `service`: a request from its first byte to its answer.
//! - `form`: parameters.
//! - `caller`: who calls, and whether that may do something.
//! - `answer`, `error`: XML.
//! - `page`: lists in pages.
//! - `iam`: users, groups, roles, policies, access keys; one file for each.
//! - `sts`: temporary credentials; `web_identity`: those of whom an identity provider vouches for.

mod answer;
mod caller;
mod error;
mod form;
mod iam;
mod ldap_identity;
mod page;
#[cfg(any(test, fuzzing))]
pub(crate) mod parsers;
mod service;
mod sts;
mod web_identity;

pub use service::{Options, Service, is_query};
