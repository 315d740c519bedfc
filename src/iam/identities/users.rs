use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::usage::LastUse;
use super::checks::{new_named, put_tags};
use super::{AccessKey, Identities, IdentityError, Named, Permissions, ServiceKey, User};
use crate::types::Timestamp;

type Result<T> = std::result::Result<T, IdentityError>;

/// Users of one account at most.
const USERS_MAX: usize = 5000;

/// Access keys of one user at most: two, so that one can be changed for another.
const KEYS_MAX: usize = 2;

/// Service accounts of one user at most.
const SERVICE_KEYS_MAX: usize = 100;

/// Characters of a service account's name at most.
const SERVICE_NAME_CHARS_MAX: usize = 64;

/// Characters of its description at most.
const SERVICE_DESCRIPTION_CHARS_MAX: usize = 256;

/// A user to be made.
#[derive(Debug, Clone)]
pub struct NewUser<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its path.
    pub path: &'a str,
    /// ARN of its boundary.
    pub boundary: Option<&'a str>,
    /// Its tags.
    pub tags: &'a [(String, String)],
}

impl Identities {
    /// Makes a user.
    pub fn create_user(&mut self, new: &NewUser<'_>, now: Timestamp) -> Result<Arc<User>> {
        let named = new_named(("userName", "AIDA"), new.name, new.path, now)?;
        let boundary = new.boundary.map(|arn| self.stored_arn(arn)).transpose()?;
        let mut tags = BTreeMap::new();
        put_tags(&mut tags, new.tags)?;
        let key = new.name.to_ascii_lowercase();
        if self.users.contains_key(&key) {
            return Err(IdentityError::taken("User", new.name));
        }
        if self.users.len() >= USERS_MAX {
            return Err(IdentityError::limit("UsersPerAccount", USERS_MAX));
        }
        let (permissions, groups) = (Permissions::default(), BTreeSet::new());
        let user = Arc::new(User { named, permissions, boundary, tags, groups, keys: Vec::new() });
        self.users.insert(key, user.clone());
        Ok(user)
    }

    /// Gives a user another name or path.
    pub fn update_user(&mut self, name: &str, new_name: Option<&str>, path: Option<&str>) -> Result<()> {
        let user = self.user(name)?;
        let Named { id, created, .. } = user.named.clone();
        let (new_name, path) = (new_name.unwrap_or(&user.named.name), path.unwrap_or(&user.named.path));
        let named = Named { id, created, ..new_named(("newUserName", "AIDA"), new_name, path, created)? };
        let (from, to) = (name.to_ascii_lowercase(), new_name.to_ascii_lowercase());
        if from != to && self.users.contains_key(&to) {
            return Err(IdentityError::taken("User", new_name));
        }
        let user = User { named, ..(**user).clone() };
        let after = user.named.clone();
        let before = self.users.remove(&from);
        self.users.insert(to, Arc::new(user));
        if let Some(before) = before {
            self.user_renamed(&before.named, &after);
        }
        Ok(())
    }

    /// Removes a user that has nothing left.
    pub fn delete_user(&mut self, name: &str) -> Result<()> {
        let user = self.user(name)?;
        if !user.keys.is_empty() {
            return Err(IdentityError::conflict("delete access keys"));
        }
        if !user.groups.is_empty() {
            return Err(IdentityError::conflict("remove users from group"));
        }
        user.permissions.check_none()?;
        if let Some(gone) = self.users.remove(&name.to_ascii_lowercase()) {
            self.is_gone("user", &gone.named);
        }
        Ok(())
    }

    /// Gives a user one more access key.
    pub fn add_key(&mut self, user: &str, key: AccessKey) -> Result<()> {
        if let Some(service) = &key.service {
            check_service_words(service)?;
        }
        let user = self.user_mut(user)?;
        let alike = user.keys.iter().filter(|own| own.service.is_some() == key.service.is_some()).count();
        if key.service.is_none() && alike >= KEYS_MAX {
            return Err(IdentityError::limit("AccessKeysPerUser", KEYS_MAX));
        }
        if key.service.is_some() && alike >= SERVICE_KEYS_MAX {
            return Err(IdentityError::limit("ServiceAccountsPerUser", SERVICE_KEYS_MAX));
        }
        user.keys.push(key);
        Ok(())
    }

    /// Has a user's access key believed, or not.
    pub fn set_key(&mut self, user: &str, key: &str, active: bool) -> Result<()> {
        let keys = &mut self.user_mut(user)?.keys;
        let found = keys.iter_mut().find(|known| known.id == key);
        found.map(|found| found.active = active).ok_or_else(|| no_key(key))
    }

    /// Keeps the last use of a user's access key.
    pub fn set_last_use(&mut self, user: &str, key: &str, last: LastUse) -> Result<()> {
        let keys = &mut self.user_mut(user)?.keys;
        let found = keys.iter_mut().find(|known| known.id == key);
        found.map(|found| found.last_use = Some(last)).ok_or_else(|| no_key(key))
    }

    /// Removes a user's access key.
    pub fn delete_key(&mut self, user: &str, key: &str) -> Result<()> {
        let keys = &mut self.user_mut(user)?.keys;
        let at = keys.iter().position(|known| known.id == key).ok_or_else(|| no_key(key))?;
        keys.remove(at);
        Ok(())
    }
}

fn check_service_words(service: &ServiceKey) -> Result<()> {
    let fits =
        |text: &str, chars_max| text.chars().count() <= chars_max && !text.chars().any(char::is_control);
    let description = service.description.as_deref().unwrap_or_default();
    let words = "The name of a service account has 64 characters at most, its description 256, and none that control \
                 anything.";
    match fits(&service.name, SERVICE_NAME_CHARS_MAX) && fits(description, SERVICE_DESCRIPTION_CHARS_MAX) {
        true => Ok(()),
        false => Err(IdentityError::Invalid(words.into())),
    }
}

fn no_key(key: &str) -> IdentityError {
    IdentityError::NoSuchEntity(format!("The Access Key with id {key} cannot be found."))
}
