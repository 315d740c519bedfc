//! Users, groups, roles and managed policies of an account: a state in memory, and all rules of what may become of it.
//!
//! - `model`: what there is of each.
//! - `error`: why something is refused, in AWS's words.
//! - `checks`: what names, paths, tags and documents may be.
//! - `users`, `groups`, `roles`, `policies`: what may be changed, each for its own.
//! - `described`: tags and boundaries, which users and roles have alike.
//! - `permissions`: inline and attached policies, which users, groups and roles have alike.
//! - `canned`: policies that are there from the beginning.
//! - `grants`: the policies that decide for a caller.
//! - `trusted`: whom trust policies go on to mean.
//! - `rows`: how a state is kept.
//!
//! Everything here is pure: a change is a function from one state to the next, and the directory commits it if nobody else
//! changed the state meanwhile.

mod canned;
mod checks;
mod described;
mod error;
mod grants;
mod groups;
mod model;
mod permissions;
mod policies;
mod roles;
mod rows;
mod trusted;
mod users;

#[cfg(test)]
mod tests;

pub use canned::canned_policies;
pub use error::IdentityError;
pub use grants::Grants;
pub use model::{
    AccessKey, Group, Holder, Identities, ManagedPolicy, Named, Permissions, PolicyText, PolicyVersion, Role,
    ServiceKey, User, policy_arn,
};
pub use permissions::Attached;
pub use policies::NewPolicy;
pub use roles::NewRole;
pub(super) use rows::{changes, insert};
pub use users::NewUser;
