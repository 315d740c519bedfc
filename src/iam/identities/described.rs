use std::collections::BTreeMap;

use super::checks::{put_tags, remove_tags};
use super::{Holder, Identities, IdentityError};

type Result<T> = std::result::Result<T, IdentityError>;

impl Identities {
    /// Tags a user or role.
    pub fn tag(&mut self, holder: Holder<'_>, tags: &[(String, String)]) -> Result<()> {
        put_tags(self.described(holder)?.0, tags)
    }

    /// Removes tags of a user or role.
    pub fn untag(&mut self, holder: Holder<'_>, keys: &[String]) -> Result<()> {
        remove_tags(self.described(holder)?.0, keys);
        Ok(())
    }

    /// Bounds what the policies of a user or role allow, or no longer does.
    pub fn set_boundary(&mut self, holder: Holder<'_>, arn: Option<&str>) -> Result<()> {
        let boundary = arn.map(|arn| self.stored_arn(arn)).transpose()?;
        *self.described(holder)?.1 = boundary;
        Ok(())
    }

    /// Tags and boundary, which groups do not have.
    fn described(
        &mut self,
        holder: Holder<'_>,
    ) -> Result<(&mut BTreeMap<String, String>, &mut Option<String>)> {
        match holder {
            Holder::User(name) => self.user_mut(name).map(|user| (&mut user.tags, &mut user.boundary)),
            Holder::Role(name) => self.role_mut(name).map(|role| (&mut role.tags, &mut role.boundary)),
            Holder::Group(_) => {
                Err(IdentityError::Invalid("A group has neither tags nor a boundary.".into()))
            }
        }
    }
}
