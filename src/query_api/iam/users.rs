use super::super::answer::{Node, members, tags, text};
use super::super::caller::{Call, Keys, keys_of_tags};
use super::super::page::page;
use super::{Answer, authorize_on, boundary, boundary_key, is_shown, named, path};
use crate::iam::Principal;
use crate::iam::identities::{Holder, NewUser, User};

const KIND: [&str; 3] = ["UserName", "UserId", "user"];

pub(super) fn user_xml(call: &Call<'_>, user: &User) -> Vec<Node> {
    let mut xml = named(call, KIND, &user.named);
    xml.extend(boundary(user.boundary.as_ref()));
    if !user.tags.is_empty() {
        xml.push(tags(&user.tags));
    }
    xml
}

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let (name, path, new_tags) = (call.form.required("UserName")?, path(call), call.form.tags());
    let bound = call.form.get("PermissionsBoundary");
    let keys = keys_of_tags(&new_tags).into_iter().chain(boundary_key(call, bound)).collect();
    call.authorize_with("iam:CreateUser", &call.arn("user", &path, name), &keys)?;
    if !new_tags.is_empty() {
        call.authorize_with("iam:TagUser", &call.arn("user", &path, name), &keys)?;
    }
    let new = NewUser { name, path: &path, boundary: bound, tags: &new_tags };
    let user = call.change(|identities| identities.create_user(&new, call.now)).await?;
    Ok(vec![Node::Elements("User", user_xml(call, &user))])
}

pub(super) fn get(call: &Call<'_>) -> Answer {
    if let (None, Principal::Root(account)) = (call.form.get("UserName"), call.principal()) {
        let root = vec![
            text("UserId", account.id.as_str()),
            text("Arn", call.principal().arn()),
            text("CreateDate", call.now.iso()),
        ];
        return Ok(vec![Node::Elements("User", root)]);
    }
    let name = call.user_name()?;
    authorize_on(call, "iam:GetUser", Holder::User(&name), Keys::new())?;
    let identities = call.identities();
    Ok(vec![Node::Elements("User", user_xml(call, identities.user(&name)?))])
}

pub(super) async fn update(call: &Call<'_>) -> Answer {
    let (name, new_name) = (call.form.required("UserName")?, call.form.get("NewUserName"));
    let new_path = call.form.get("NewPath");
    authorize_on(call, "iam:UpdateUser", Holder::User(name), Keys::new())?;
    let identities = call.identities();
    let old = &identities.user(name)?.named;
    let renamed = call.arn("user", new_path.unwrap_or(&old.path), new_name.unwrap_or(&old.name));
    call.authorize("iam:UpdateUser", &renamed)?;
    call.change(|identities| identities.update_user(name, new_name, new_path)).await?;
    Ok(Vec::new())
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let name = call.form.required("UserName")?;
    authorize_on(call, "iam:DeleteUser", Holder::User(name), Keys::new())?;
    call.change(|identities| identities.delete_user(name)).await?;
    Ok(Vec::new())
}

pub(super) fn list(call: &Call<'_>) -> Answer {
    call.authorize("iam:ListUsers", &call.arn("user", "/", ""))?;
    let identities = call.identities();
    let users = identities.users.iter().filter(|(_, user)| is_shown(call, &user.named.path));
    let (users, more) = page(&call.form, users.map(|(key, user)| (key.clone(), user)))?;
    let users = members("Users", users.iter().map(|user| named(call, KIND, &user.named)));
    Ok([users].into_iter().chain(more).collect())
}

pub(super) fn list_groups(call: &Call<'_>) -> Answer {
    let name = call.form.required("UserName")?;
    authorize_on(call, "iam:ListGroupsForUser", Holder::User(name), Keys::new())?;
    let identities = call.identities();
    let groups = &identities.user(name)?.groups;
    let groups = groups.iter().filter_map(|key| Some((key.clone(), identities.groups.get(key)?)));
    let (groups, more) = page(&call.form, groups)?;
    let groups = groups.iter().map(|group| named(call, super::groups::KIND, &group.named));
    Ok([members("Groups", groups)].into_iter().chain(more).collect())
}
