//! Access control lists: who besides the owner may do what with a bucket or an object.

use serde::{Deserialize, Serialize};

use super::CanonicalId;

/// What one grant permits (AWS: "Access control list overview", permissions).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Permission {
    /// All of the others.
    FullControl,
    /// To list a bucket; to read an object.
    Read,
    /// To store objects in a bucket. Says nothing of an object.
    Write,
    /// To read the list itself.
    ReadAcp,
    /// To replace the list itself.
    WriteAcp,
}

/// Who is granted something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Grantee {
    /// One account.
    Account(CanonicalId),
    /// Everybody, whether signed or not.
    AllUsers,
    /// Everybody who signs, of whatever account.
    AuthenticatedUsers,
    /// What writes logs of requests.
    LogDelivery,
}

impl Grantee {
    /// Whether this is a group that strangers are in.
    pub fn is_public(self) -> bool {
        matches!(self, Self::AllUsers | Self::AuthenticatedUsers)
    }
}

/// One line of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Grant {
    /// Who.
    pub grantee: Grantee,
    /// What.
    pub permission: Permission,
}

/// A list, in the order it was given. The owner's own right to read and replace it needs no line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acl {
    /// Its lines.
    pub grants: Vec<Grant>,
}

impl Acl {
    /// Lines of one list at most (AWS: 100).
    pub const GRANTS_MAX: usize = 100;

    /// Whether it lets strangers do anything.
    pub fn is_public(&self) -> bool {
        self.grants.iter().any(|grant| grant.grantee.is_public())
    }
}
