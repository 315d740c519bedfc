use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::policy::{Grammar, Policy, PolicyError};
use super::super::usage::LastUse;
use super::IdentityError;
use crate::types::{AccountId, StoredSecret, Timestamp};

/// The text of a policy, with what it is compiled to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PolicyText {
    text: String,
    compiled: Arc<Policy>,
}

impl PolicyText {
    /// Compiles a new policy of a user, group or role, in which typing errors are refused.
    pub fn new(text: impl Into<String>) -> Result<Self, PolicyError> {
        let policy = Self::kept(text)?;
        policy.compiled.check_identity()?;
        Ok(policy)
    }

    /// Compiles one that is kept, here or on another server, as it is.
    pub fn kept(text: impl Into<String>) -> Result<Self, PolicyError> {
        let text = text.into();
        let compiled = Arc::new(Policy::parse(text.as_bytes(), Grammar::Identity)?);
        Ok(Self { text, compiled })
    }

    /// As it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// To decide with.
    pub fn compiled(&self) -> &Arc<Policy> {
        &self.compiled
    }
}

impl TryFrom<String> for PolicyText {
    type Error = PolicyError;

    fn try_from(text: String) -> Result<Self, PolicyError> {
        Self::kept(text)
    }
}

impl From<PolicyText> for String {
    fn from(policy: PolicyText) -> Self {
        policy.text
    }
}

/// What a user, group, role or policy is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its name, in the case in which it was made.
    pub name: String,
    /// Its path, `/` or `/division/`.
    pub path: String,
    /// What names it for good, whatever the name: `AIDA...`, `AGPA...`, `AROA...`, `ANPA...`.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
}

/// The policies of a user, group or role.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Permissions {
    /// Its own, by name.
    pub inline: BTreeMap<String, PolicyText>,
    /// ARNs of managed ones.
    pub attached: BTreeSet<String>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// What it is called.
    pub named: Named,
    /// Its policies.
    pub permissions: Permissions,
    /// ARN of the policy that bounds them.
    pub boundary: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its groups, by their names in lower case.
    pub groups: BTreeSet<String>,
    /// Its access keys, the oldest first.
    pub keys: Vec<AccessKey>,
}

/// An access key of a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessKey {
    /// The key itself: `AKIA...`.
    pub id: String,
    /// Its secret.
    pub secret: StoredSecret,
    /// Whether it is believed.
    pub active: bool,
    /// When it was made.
    pub created: Timestamp,
    /// What makes it a service account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceKey>,
    /// Its last use, as far as it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_use: Option<LastUse>,
}

/// What makes an access key that of a program: it may be bounded and end by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceKey {
    /// What it is for, in words.
    pub name: String,
    /// The same at length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it may do at most, of all that its user may.
    pub policy: Option<PolicyText>,
    /// From when on it is no longer believed.
    pub expires: Option<Timestamp>,
}

/// A group of users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// What it is called.
    pub named: Named,
    /// Its policies, which are its users' too.
    pub permissions: Permissions,
}

/// A role, which somebody takes for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// What it is called.
    pub named: Named,
    /// Its policies.
    pub permissions: Permissions,
    /// ARN of the policy that bounds them.
    pub boundary: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The policy that says who may take it.
    pub trust: String,
    /// What it is for, in words.
    pub description: Option<String>,
    /// How long a session may be, in seconds.
    pub session_secs_max: u64,
}

/// A policy that users, groups and roles share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManagedPolicy {
    /// What it is called.
    pub named: Named,
    /// What it is for, in words.
    pub description: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its versions, the oldest first.
    pub versions: Vec<PolicyVersion>,
    /// The number of the one that counts.
    pub default: u32,
    /// The number of the next one.
    pub next: u32,
    /// When it was last changed.
    pub updated: Timestamp,
}

/// A version of a managed policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// Its number: `v1` is 1.
    pub number: u32,
    /// Its document.
    pub document: PolicyText,
    /// When it was made.
    pub created: Timestamp,
}

impl ManagedPolicy {
    /// The version that counts.
    pub fn document(&self) -> Option<&PolicyText> {
        self.version(self.default).map(|version| &version.document)
    }

    /// One version.
    pub fn version(&self, number: u32) -> Option<&PolicyVersion> {
        self.versions.iter().find(|version| version.number == number)
    }
}

/// What has inline and attached policies, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder<'a> {
    /// A user.
    User(&'a str),
    /// A group.
    Group(&'a str),
    /// A role.
    Role(&'a str),
}

/// Everything that is in one account, by names in lower case: two that differ in case alone cannot be.
#[derive(Debug, Clone, PartialEq)]
pub struct Identities {
    /// Whose.
    pub account: AccountId,
    /// Users.
    pub users: BTreeMap<String, Arc<User>>,
    /// Groups.
    pub groups: BTreeMap<String, Arc<Group>>,
    /// Roles.
    pub roles: BTreeMap<String, Arc<Role>>,
    /// Managed policies of its own.
    pub policies: BTreeMap<String, Arc<ManagedPolicy>>,
}

/// The ARN of a managed policy of an account.
pub fn policy_arn(account: &str, named: &Named) -> String {
    format!("arn:aws:iam::{account}:policy{}{}", named.path, named.name)
}

impl Identities {
    /// Those of an account that has none yet.
    pub fn none(account: AccountId) -> Self {
        let (users, groups) = (BTreeMap::new(), BTreeMap::new());
        Self { account, users, groups, roles: BTreeMap::new(), policies: BTreeMap::new() }
    }

    /// A user.
    pub fn user(&self, name: &str) -> Result<&Arc<User>, IdentityError> {
        self.users.get(&name.to_ascii_lowercase()).ok_or_else(|| IdentityError::missing("user", name))
    }

    /// A group.
    pub fn group(&self, name: &str) -> Result<&Arc<Group>, IdentityError> {
        self.groups.get(&name.to_ascii_lowercase()).ok_or_else(|| IdentityError::missing("group", name))
    }

    /// A role.
    pub fn role(&self, name: &str) -> Result<&Arc<Role>, IdentityError> {
        self.roles.get(&name.to_ascii_lowercase()).ok_or_else(|| IdentityError::missing("role", name))
    }

    pub(super) fn user_mut(&mut self, name: &str) -> Result<&mut User, IdentityError> {
        let found = self.users.get_mut(&name.to_ascii_lowercase());
        found.map(Arc::make_mut).ok_or_else(|| IdentityError::missing("user", name))
    }

    pub(super) fn group_mut(&mut self, name: &str) -> Result<&mut Group, IdentityError> {
        let found = self.groups.get_mut(&name.to_ascii_lowercase());
        found.map(Arc::make_mut).ok_or_else(|| IdentityError::missing("group", name))
    }

    pub(super) fn role_mut(&mut self, name: &str) -> Result<&mut Role, IdentityError> {
        let found = self.roles.get_mut(&name.to_ascii_lowercase());
        found.map(Arc::make_mut).ok_or_else(|| IdentityError::missing("role", name))
    }

    /// The policies of a user, group or role.
    pub fn permissions(&self, holder: Holder<'_>) -> Result<&Permissions, IdentityError> {
        Ok(match holder {
            Holder::User(name) => &self.user(name)?.permissions,
            Holder::Group(name) => &self.group(name)?.permissions,
            Holder::Role(name) => &self.role(name)?.permissions,
        })
    }

    pub(super) fn permissions_mut(&mut self, holder: Holder<'_>) -> Result<&mut Permissions, IdentityError> {
        Ok(match holder {
            Holder::User(name) => &mut self.user_mut(name)?.permissions,
            Holder::Group(name) => &mut self.group_mut(name)?.permissions,
            Holder::Role(name) => &mut self.role_mut(name)?.permissions,
        })
    }
}
