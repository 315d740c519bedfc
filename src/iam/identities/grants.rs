use std::sync::Arc;

use super::super::policy::Policy;
use super::{Group, Identities, Permissions, PolicyText, Role, User};

/// The policies that decide for a caller, found once and not for each request.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    /// Its own and those of its groups.
    pub identity: Vec<Arc<Policy>>,
    /// What these allow at most.
    pub boundary: Option<Arc<Policy>>,
    /// What its session allows at most.
    pub session: Vec<Arc<Policy>>,
}

impl Identities {
    /// Those of a user.
    pub fn grants_of_user(&self, user: &User) -> Grants {
        let groups = user.groups.iter().filter_map(|group| self.groups.get(group));
        let groups = groups.map(|group| &group.permissions);
        let identity = std::iter::once(&user.permissions).chain(groups);
        let identity = identity.flat_map(|permissions| self.policies_of(permissions)).collect();
        Grants { identity, boundary: self.boundary(user.boundary.as_deref()), session: Vec::new() }
    }

    /// Those of a role.
    pub fn grants_of_role(&self, role: &Role) -> Grants {
        let identity = self.policies_of(&role.permissions).collect();
        Grants { identity, boundary: self.boundary(role.boundary.as_deref()), session: Vec::new() }
    }

    /// Those of a group, which are a part of its users'.
    pub fn grants_of_group(&self, group: &Group) -> Grants {
        Grants { identity: self.policies_of(&group.permissions).collect(), ..Grants::default() }
    }

    fn policies_of(&self, permissions: &Permissions) -> impl Iterator<Item = Arc<Policy>> {
        let inline = permissions.inline.values().map(PolicyText::compiled).cloned();
        inline.chain(permissions.attached.iter().filter_map(|arn| self.compiled(arn)))
    }

    /// The version that counts of a managed policy.
    pub fn compiled(&self, arn: &str) -> Option<Arc<Policy>> {
        self.policy(arn).ok()?.document().map(|document| document.compiled().clone())
    }

    /// A boundary; one that is not there bounds everything.
    fn boundary(&self, arn: Option<&str>) -> Option<Arc<Policy>> {
        arn.map(|arn| self.compiled(arn).unwrap_or_else(|| Arc::new(Policy::deny_all())))
    }
}
