use super::checks::{check_length, check_name};
use super::{Holder, Identities, IdentityError, Named, Permissions, PolicyText};

type Result<T> = std::result::Result<T, IdentityError>;

/// Managed policies of one user, group or role at most.
const ATTACHED_MAX: usize = 10;

/// Users, groups and roles that use a managed policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attached<'a> {
    /// Users.
    pub users: Vec<&'a Named>,
    /// Groups.
    pub groups: Vec<&'a Named>,
    /// Roles.
    pub roles: Vec<&'a Named>,
}

impl Permissions {
    /// Refuses while there are any.
    pub(super) fn check_none(&self) -> Result<()> {
        if !self.attached.is_empty() {
            return Err(IdentityError::conflict("detach all policies"));
        }
        if !self.inline.is_empty() {
            return Err(IdentityError::conflict("delete policies"));
        }
        Ok(())
    }

    /// An inline policy.
    pub fn inline(&self, name: &str) -> Result<&PolicyText> {
        self.inline.get(name).ok_or_else(|| no_inline(name))
    }
}

fn no_inline(name: &str) -> IdentityError {
    IdentityError::NoSuchEntity(format!("The policy with name {name} cannot be found."))
}

impl Identities {
    /// Puts an inline policy, new or in place of another.
    pub fn put_inline(&mut self, holder: Holder<'_>, name: &str, document: &str) -> Result<()> {
        check_name("policyName", name, 128)?;
        let document = PolicyText::new(document)?;
        let longest = match holder {
            Holder::User(_) => 2048,
            Holder::Group(_) => 5120,
            Holder::Role(_) => 10_240,
        };
        let permissions = self.permissions_mut(holder)?;
        permissions.inline.insert(name.to_owned(), document);
        let all: String = permissions.inline.values().map(PolicyText::text).collect();
        check_length(&all, longest, "PolicySize")
    }

    /// Removes an inline policy.
    pub fn delete_inline(&mut self, holder: Holder<'_>, name: &str) -> Result<()> {
        let removed = self.permissions_mut(holder)?.inline.remove(name);
        removed.map(drop).ok_or_else(|| no_inline(name))
    }

    /// Attaches a managed policy.
    pub fn attach(&mut self, holder: Holder<'_>, arn: &str) -> Result<()> {
        let arn = self.stored_arn(arn)?;
        let attached = &mut self.permissions_mut(holder)?.attached;
        if attached.len() >= ATTACHED_MAX && !attached.contains(&arn) {
            return Err(IdentityError::limit("PoliciesPerEntity", ATTACHED_MAX));
        }
        attached.insert(arn);
        Ok(())
    }

    /// Detaches a managed policy.
    pub fn detach(&mut self, holder: Holder<'_>, arn: &str) -> Result<()> {
        let stored = self.stored_arn(arn)?;
        let removed = self.permissions_mut(holder)?.attached.remove(&stored);
        let missing = || IdentityError::NoSuchEntity(format!("Policy {arn} was not found."));
        if removed { Ok(()) } else { Err(missing()) }
    }

    /// Who has a managed policy attached.
    pub fn attached_to(&self, arn: &str) -> Attached<'_> {
        let has = |permissions: &Permissions| permissions.attached.contains(arn);
        Attached {
            users: self.users.values().filter(|it| has(&it.permissions)).map(|it| &it.named).collect(),
            groups: self.groups.values().filter(|it| has(&it.permissions)).map(|it| &it.named).collect(),
            roles: self.roles.values().filter(|it| has(&it.permissions)).map(|it| &it.named).collect(),
        }
    }

    /// Whom a managed policy bounds.
    pub fn bounded_by(&self, arn: &str) -> Attached<'_> {
        let is = |boundary: &Option<String>| boundary.as_deref() == Some(arn);
        Attached {
            users: self.users.values().filter(|it| is(&it.boundary)).map(|it| &it.named).collect(),
            groups: Vec::new(),
            roles: self.roles.values().filter(|it| is(&it.boundary)).map(|it| &it.named).collect(),
        }
    }
}

impl Attached<'_> {
    /// How many that are.
    pub fn count(&self) -> usize {
        self.users.len() + self.groups.len() + self.roles.len()
    }
}
