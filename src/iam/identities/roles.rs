use std::collections::BTreeMap;
use std::sync::Arc;

use super::checks::{check_description, check_trust, new_named, put_tags};
use super::{Identities, IdentityError, Permissions, Role};
use crate::types::Timestamp;

type Result<T> = std::result::Result<T, IdentityError>;

/// Roles of one account at most.
const ROLES_MAX: usize = 1000;

/// How long a role's sessions may be that says nothing of it, in seconds.
const SESSION_SECS_DEFAULT: u64 = 3600;

/// A role to be made.
#[derive(Debug, Clone)]
pub struct NewRole<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its path.
    pub path: &'a str,
    /// Who may take it.
    pub trust: &'a str,
    /// What it is for.
    pub description: Option<&'a str>,
    /// How long a session may be, in seconds.
    pub session_secs_max: Option<u64>,
    /// ARN of its boundary.
    pub boundary: Option<&'a str>,
    /// Its tags.
    pub tags: &'a [(String, String)],
}

impl Identities {
    /// Makes a role.
    pub fn create_role(&mut self, new: &NewRole<'_>, now: Timestamp) -> Result<Arc<Role>> {
        let named = new_named(("roleName", "AROA"), new.name, new.path, now)?;
        check_trust(new.trust)?;
        check_description(new.description)?;
        let session_secs_max = session_secs(new.session_secs_max)?;
        let boundary = new.boundary.map(|arn| self.stored_arn(arn)).transpose()?;
        let mut tags = BTreeMap::new();
        put_tags(&mut tags, new.tags)?;
        let key = new.name.to_ascii_lowercase();
        if self.roles.contains_key(&key) {
            return Err(IdentityError::taken("Role", new.name));
        }
        if self.roles.len() >= ROLES_MAX {
            return Err(IdentityError::limit("RolesPerAccount", ROLES_MAX));
        }
        let role = Arc::new(Role {
            named,
            permissions: Permissions::default(),
            boundary,
            tags,
            trust: new.trust.to_owned(),
            description: new.description.map(str::to_owned),
            session_secs_max,
        });
        self.roles.insert(key, role.clone());
        Ok(role)
    }

    /// Changes what a role is for, and how long its sessions may be.
    pub fn update_role(&mut self, name: &str, description: Option<&str>, secs: Option<u64>) -> Result<()> {
        let secs = secs.map(|secs| session_secs(Some(secs))).transpose()?;
        check_description(description)?;
        let role = self.role_mut(name)?;
        role.session_secs_max = secs.unwrap_or(role.session_secs_max);
        if let Some(description) = description {
            role.description = Some(description.to_owned());
        }
        Ok(())
    }

    /// Changes who may take a role.
    pub fn set_trust(&mut self, name: &str, trust: &str) -> Result<()> {
        check_trust(trust)?;
        self.role_mut(name)?.trust = trust.to_owned();
        Ok(())
    }

    /// Removes a role that has no policies left. Its sessions end.
    pub fn delete_role(&mut self, name: &str) -> Result<()> {
        self.role(name)?.permissions.check_none()?;
        if let Some(gone) = self.roles.remove(&name.to_ascii_lowercase()) {
            self.is_gone("role", &gone.named);
        }
        Ok(())
    }
}

fn session_secs(given: Option<u64>) -> Result<u64> {
    let secs = given.unwrap_or(SESSION_SECS_DEFAULT);
    let words = "maxSessionDuration must be 3600 to 43200 seconds";
    if (3600..=43_200).contains(&secs) { Ok(secs) } else { Err(IdentityError::Invalid(words.into())) }
}
