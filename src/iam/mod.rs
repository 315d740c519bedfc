//! Who may do what: accounts, their access keys and whose they are, and the policies that decide.
//!
//! - `principal`: accounts and callers.
//! - `directory`: all accounts and keys, kept in memory, and what changes them.
//! - `policy`: the policy language and the decision.
//! - `secrets`: how their secrets are kept.
//! - `acl`: what access control lists grant.
//!
//! The pair of the configuration is that of the first account's root; other accounts are kept in the metadata.

mod acl;
mod directory;
pub mod policy;
mod principal;
mod secrets;

pub use crate::types::Secret;
pub use acl::granted;
pub use directory::{AccountError, Credentials, Iam, Identity, NewAccount};
pub use principal::{Account, Principal, Session, User};
