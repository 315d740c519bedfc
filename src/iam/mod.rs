//! Who may do what: accounts, their access keys and whose they are, and the policies that decide.
//!
//! - `principal`: accounts and callers.
//! - `directory`: all accounts and keys, kept in memory, and what changes them.
//! - `policy`: the policy language and the decision.
//! - `explain`: why a decision was as it was, for administrators.
//! - `identities`: users, groups, roles and managed policies, and the rules of what may become of them.
//! - `import`: users, groups and policies of another server, from its archive.
//! - `federation`: those whom identity providers or a directory vouch for.
//! - `trusted`: whether whom trust policies name is there.
//! - `sessions`: temporary credentials.
//! - `sign_ins`: what a browser holds in place of a secret. `throttle`: how often a pair may be guessed.
//! - `request_facts`: what conditions see of a request, whichever service it is for.
//! - `secrets`: how their secrets are kept.
//! - `usage`: when an access key was used last, and how much of it is let in.
//! - `acl`: what access control lists grant.
//!
//! The pair of the configuration is that of the first account's root; other accounts are kept in the metadata.

mod acl;
mod directory;
mod explain;
pub mod federation;
pub mod identities;
pub mod import;
#[cfg(any(test, fuzzing))]
pub(crate) mod parsers;
pub mod policy;
mod principal;
mod request_facts;
mod secrets;
mod sessions;
mod sign_ins;
mod throttle;
mod trusted;
mod usage;

pub use crate::types::Secret;
pub use acl::granted;
pub use directory::{
    AccountError, Credentials, Iam, Identity, IdentityChangeError, KeyKind, NewAccount, user_principal,
};
pub use principal::{Account, Principal, Session, User};
pub use request_facts::RequestFacts;
pub use sessions::{
    NewSession, RoleSession, SessionOf, SessionPolicy, SessionTimes, TemporaryCredentials, TokenError,
    is_session_name, role_principal,
};
pub use sign_ins::SignIn;
pub use throttle::Throttle;
pub use trusted::UnknownPrincipal;
pub use usage::{KeyLimits, KeyPermit, KeyUse, LastUse, UsedFor};
