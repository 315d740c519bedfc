use std::sync::Arc;

use super::checks::new_named;
use super::{Group, Identities, IdentityError, Named, Permissions, User};
use crate::types::Timestamp;

type Result<T> = std::result::Result<T, IdentityError>;

/// Groups of one account at most.
const GROUPS_MAX: usize = 300;

/// Groups that one user is in at most.
const GROUPS_OF_USER_MAX: usize = 10;

impl Identities {
    /// Makes a group.
    pub fn create_group(&mut self, name: &str, path: &str, now: Timestamp) -> Result<Arc<Group>> {
        let named = new_named(("groupName", "AGPA"), name, path, now)?;
        let key = name.to_ascii_lowercase();
        if self.groups.contains_key(&key) {
            return Err(IdentityError::taken("Group", name));
        }
        if self.groups.len() >= GROUPS_MAX {
            return Err(IdentityError::limit("GroupsPerAccount", GROUPS_MAX));
        }
        let group = Arc::new(Group { named, permissions: Permissions::default() });
        self.groups.insert(key, group.clone());
        Ok(group)
    }

    /// Gives a group another name or path; its users stay in it.
    pub fn update_group(&mut self, name: &str, new_name: Option<&str>, path: Option<&str>) -> Result<()> {
        let group = self.group(name)?;
        let Named { id, created, .. } = group.named.clone();
        let (new_name, path) = (new_name.unwrap_or(&group.named.name), path.unwrap_or(&group.named.path));
        let named = Named { id, created, ..new_named(("newGroupName", "AGPA"), new_name, path, created)? };
        let (from, to) = (name.to_ascii_lowercase(), new_name.to_ascii_lowercase());
        if from != to && self.groups.contains_key(&to) {
            return Err(IdentityError::taken("Group", new_name));
        }
        let group = Group { named, permissions: group.permissions.clone() };
        self.groups.remove(&from);
        for user in self.users.values_mut().filter(|user| user.groups.contains(&from)) {
            let groups = &mut Arc::make_mut(user).groups;
            groups.remove(&from);
            groups.insert(to.clone());
        }
        self.groups.insert(to, Arc::new(group));
        Ok(())
    }

    /// Removes a group that has neither users nor policies.
    pub fn delete_group(&mut self, name: &str) -> Result<()> {
        let group = self.group(name)?;
        if self.users_in(name).next().is_some() {
            return Err(IdentityError::conflict("remove users from group"));
        }
        group.permissions.check_none()?;
        self.groups.remove(&name.to_ascii_lowercase());
        Ok(())
    }

    /// The users of a group.
    pub fn users_in(&self, group: &str) -> impl Iterator<Item = &Arc<User>> {
        let key = group.to_ascii_lowercase();
        self.users.values().filter(move |user| user.groups.contains(&key))
    }

    /// Puts a user into a group.
    pub fn add_to_group(&mut self, group: &str, user: &str) -> Result<()> {
        self.group(group)?;
        let (group, groups) = (group.to_ascii_lowercase(), &mut self.user_mut(user)?.groups);
        if groups.len() >= GROUPS_OF_USER_MAX && !groups.contains(&group) {
            return Err(IdentityError::limit("GroupsPerUser", GROUPS_OF_USER_MAX));
        }
        groups.insert(group);
        Ok(())
    }

    /// Takes a user out of a group.
    pub fn remove_from_group(&mut self, group: &str, user: &str) -> Result<()> {
        self.group(group)?;
        self.user_mut(user)?.groups.remove(&group.to_ascii_lowercase());
        Ok(())
    }
}
