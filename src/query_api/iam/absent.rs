//! What this server has nothing of, and what clients ask for all the same: before they remove a user or role, or to show all of an
//! account. Lists are empty.

use super::super::answer::{members, text};
use super::super::caller::{Call, Keys};
use super::{Answer, authorize_on};
use crate::iam::identities::{Holder, IdentityError};

/// A list of what a user could have.
pub(super) fn list_of_user(call: &Call<'_>, action: &str, list: &'static str) -> Answer {
    let name = call.user_name()?;
    authorize_on(call, &format!("iam:{action}"), Holder::User(&name), Keys::new())?;
    call.identities().user(&name)?;
    Ok(vec![members(list, Vec::new()), text("IsTruncated", "false")])
}

/// A list of what a role could have.
pub(super) fn list_of_role(call: &Call<'_>, action: &str, list: &'static str) -> Answer {
    let name = call.form.required("RoleName")?;
    authorize_on(call, &format!("iam:{action}"), Holder::Role(name), Keys::new())?;
    call.identities().role(name)?;
    Ok(vec![members(list, Vec::new()), text("IsTruncated", "false")])
}

/// A list of what an account could have.
pub(super) fn list_of_account(call: &Call<'_>, action: &str, list: &'static str) -> Answer {
    call.authorize(&format!("iam:{action}"), "*")?;
    Ok(vec![members(list, Vec::new()), text("IsTruncated", "false")])
}

/// What is done with the password of a user; none has one.
pub(super) fn login_profile(call: &Call<'_>, action: &str) -> Answer {
    let name = call.user_name()?;
    authorize_on(call, &format!("iam:{action}"), Holder::User(&name), Keys::new())?;
    call.identities().user(&name)?;
    Err(IdentityError::NoSuchEntity(format!("Login Profile for User {name} cannot be found.")).into())
}

/// What passwords must be like; there are none.
pub(super) fn password_policy(call: &Call<'_>) -> Answer {
    call.authorize("iam:GetAccountPasswordPolicy", "*")?;
    let words = format!("The Password Policy with domain name {} cannot be found.", call.account.id);
    Err(IdentityError::NoSuchEntity(words).into())
}
