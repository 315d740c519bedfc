//! Tags and boundaries of users and roles.

use super::super::answer::{tags, text};
use super::super::caller::{Call, Keys, keys_of_tags};
use super::{Answer, authorize_on, boundary_key};
use crate::iam::identities::Holder;

/// What is done with the tags or the boundary of a user or role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Tag,
    Untag,
    ListTags,
    Bound,
    Unbound,
}

/// Carries it out for the user or role that the parameter of this name names.
pub(super) async fn run(call: &Call<'_>, action: &str, parameter: &str, what: What) -> Answer {
    let name = call.form.required(parameter)?;
    let holder = if parameter == "UserName" { Holder::User(name) } else { Holder::Role(name) };
    let action = &format!("iam:{action}");
    match what {
        What::Tag => {
            let new = call.form.tags();
            authorize_on(call, action, holder, keys_of_tags(&new))?;
            call.change(|identities| identities.tag(holder, &new)).await?;
        }
        What::Untag => {
            let keys = call.form.list("TagKeys");
            let named = keys.iter().map(|key| ("aws:tagkeys".to_owned(), key.clone())).collect();
            authorize_on(call, action, holder, named)?;
            call.change(|identities| identities.untag(holder, &keys)).await?;
        }
        What::ListTags => {
            authorize_on(call, action, holder, Keys::new())?;
            let identities = call.identities();
            let of = match holder {
                Holder::Role(name) => &identities.role(name)?.tags,
                Holder::User(name) | Holder::Group(name) => &identities.user(name)?.tags,
            };
            return Ok(vec![tags(of), text("IsTruncated", "false")]);
        }
        What::Bound => {
            let arn = call.form.required("PermissionsBoundary")?;
            authorize_on(call, action, holder, boundary_key(call, Some(arn)).into_iter().collect())?;
            call.change(|identities| identities.set_boundary(holder, Some(arn))).await?;
        }
        What::Unbound => {
            authorize_on(call, action, holder, Keys::new())?;
            call.change(|identities| identities.set_boundary(holder, None)).await?;
        }
    }
    Ok(Vec::new())
}
