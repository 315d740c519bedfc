use super::super::answer::{Node, members, tags, text};
use super::super::caller::{Call, Keys, keys_of_tags};
use super::super::error::{Error, Result};
use super::super::page::page;
use super::{Answer, authorize_on, boundary, boundary_key, document, is_shown, named, path};
use crate::iam::identities::{Holder, IdentityError, NewRole, Role};
use crate::iam::policy::{Grammar, Policy};

pub(super) fn role_xml(call: &Call<'_>, role: &Role) -> Vec<Node> {
    let mut xml = named(call, ["RoleName", "RoleId", "role"], &role.named);
    xml.push(document("AssumeRolePolicyDocument", &role.trust));
    xml.push(text("MaxSessionDuration", role.session_secs_max.to_string()));
    xml.extend(role.description.as_ref().map(|description| text("Description", description)));
    xml.extend(boundary(role.boundary.as_ref()));
    if !role.tags.is_empty() {
        xml.push(tags(&role.tags));
    }
    xml
}

/// Refuses a trust policy that names somebody who is not there. What else may be wrong with it is found where it is put.
fn check_principals(call: &Call<'_>, trust: &str) -> Result<()> {
    let trust = Policy::parse(trust.as_bytes(), Grammar::Trust).map_err(IdentityError::from)?;
    match call.iam.unknown_principal(&trust, &call.account.id) {
        Some(unknown) => {
            let words = format!("Invalid principal in policy: {unknown}");
            Err(IdentityError::Malformed(words).into())
        }
        None => Ok(()),
    }
}

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let (name, path, new_tags) = (call.form.required("RoleName")?, path(call), call.form.tags());
    let bound = call.form.get("PermissionsBoundary");
    let keys = keys_of_tags(&new_tags).into_iter().chain(boundary_key(call, bound)).collect();
    call.authorize_with("iam:CreateRole", &call.arn("role", &path, name), &keys)?;
    if !new_tags.is_empty() {
        call.authorize_with("iam:TagRole", &call.arn("role", &path, name), &keys)?;
    }
    let new = NewRole {
        name,
        path: &path,
        trust: call.form.required("AssumeRolePolicyDocument")?,
        description: call.form.get("Description"),
        session_secs_max: call.form.number("MaxSessionDuration")?,
        boundary: bound,
        tags: &new_tags,
    };
    check_principals(call, new.trust)?;
    let role = call.change(|identities| identities.create_role(&new, call.now)).await?;
    Ok(vec![Node::Elements("Role", role_xml(call, &role))])
}

pub(super) fn get(call: &Call<'_>) -> Answer {
    let name = call.form.required("RoleName")?;
    authorize_on(call, "iam:GetRole", Holder::Role(name), Keys::new())?;
    let identities = call.identities();
    Ok(vec![Node::Elements("Role", role_xml(call, identities.role(name)?))])
}

pub(super) async fn update(call: &Call<'_>) -> Answer {
    let (name, description) = (call.form.required("RoleName")?, call.form.get("Description"));
    let secs = call.form.number("MaxSessionDuration")?;
    authorize_on(call, "iam:UpdateRole", Holder::Role(name), Keys::new())?;
    call.change(|identities| identities.update_role(name, description, secs)).await?;
    Ok(Vec::new())
}

/// UpdateRoleDescription, an older form of UpdateRole that answers the role.
pub(super) async fn update_description(call: &Call<'_>) -> Answer {
    let (name, description) = (call.form.required("RoleName")?, call.form.get("Description"));
    let description = Some(description.ok_or_else(|| Error::missing("Description"))?);
    authorize_on(call, "iam:UpdateRoleDescription", Holder::Role(name), Keys::new())?;
    call.change(|identities| identities.update_role(name, description, None)).await?;
    let identities = call.identities();
    Ok(vec![Node::Elements("Role", role_xml(call, identities.role(name)?))])
}

pub(super) async fn update_trust(call: &Call<'_>) -> Answer {
    let (name, trust) = (call.form.required("RoleName")?, call.form.required("PolicyDocument")?);
    authorize_on(call, "iam:UpdateAssumeRolePolicy", Holder::Role(name), Keys::new())?;
    check_principals(call, trust)?;
    call.change(|identities| identities.set_trust(name, trust)).await?;
    Ok(Vec::new())
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let name = call.form.required("RoleName")?;
    authorize_on(call, "iam:DeleteRole", Holder::Role(name), Keys::new())?;
    call.change(|identities| identities.delete_role(name)).await?;
    Ok(Vec::new())
}

pub(super) fn list(call: &Call<'_>) -> Answer {
    call.authorize("iam:ListRoles", &call.arn("role", "/", ""))?;
    let identities = call.identities();
    let roles = identities.roles.iter().filter(|(_, role)| is_shown(call, &role.named.path));
    let (roles, more) = page(&call.form, roles.map(|(key, role)| (key.clone(), role)))?;
    Ok([members("Roles", roles.iter().map(|role| role_xml(call, role)))].into_iter().chain(more).collect())
}
