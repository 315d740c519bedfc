use super::super::answer::{Node, members};
use super::super::caller::{Call, Keys};
use super::super::page::page;
use super::{Answer, authorize_on, is_shown, named, path};
use crate::iam::identities::Holder;

pub(super) const KIND: [&str; 3] = ["GroupName", "GroupId", "group"];

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let (name, path) = (call.form.required("GroupName")?, path(call));
    call.authorize("iam:CreateGroup", &call.arn("group", &path, name))?;
    let group = call.change(|identities| identities.create_group(name, &path, call.now)).await?;
    Ok(vec![Node::Elements("Group", named(call, KIND, &group.named))])
}

pub(super) fn get(call: &Call<'_>) -> Answer {
    let name = call.form.required("GroupName")?;
    authorize_on(call, "iam:GetGroup", Holder::Group(name), Keys::new())?;
    let identities = call.identities();
    let group = Node::Elements("Group", named(call, KIND, &identities.group(name)?.named));
    let users = identities.users_in(name).map(|user| (user.named.name.to_ascii_lowercase(), user));
    let (users, more) = page(&call.form, users)?;
    let users = users.iter().map(|user| named(call, ["UserName", "UserId", "user"], &user.named));
    Ok([group, members("Users", users)].into_iter().chain(more).collect())
}

pub(super) async fn update(call: &Call<'_>) -> Answer {
    let (name, new_name) = (call.form.required("GroupName")?, call.form.get("NewGroupName"));
    let new_path = call.form.get("NewPath");
    authorize_on(call, "iam:UpdateGroup", Holder::Group(name), Keys::new())?;
    let identities = call.identities();
    let old = &identities.group(name)?.named;
    let renamed = call.arn("group", new_path.unwrap_or(&old.path), new_name.unwrap_or(&old.name));
    call.authorize("iam:UpdateGroup", &renamed)?;
    call.change(|identities| identities.update_group(name, new_name, new_path)).await?;
    Ok(Vec::new())
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let name = call.form.required("GroupName")?;
    authorize_on(call, "iam:DeleteGroup", Holder::Group(name), Keys::new())?;
    call.change(|identities| identities.delete_group(name)).await?;
    Ok(Vec::new())
}

pub(super) fn list(call: &Call<'_>) -> Answer {
    call.authorize("iam:ListGroups", &call.arn("group", "/", ""))?;
    let identities = call.identities();
    let groups = identities.groups.iter().filter(|(_, group)| is_shown(call, &group.named.path));
    let (groups, more) = page(&call.form, groups.map(|(key, group)| (key.clone(), group)))?;
    let groups = groups.iter().map(|group| named(call, KIND, &group.named));
    Ok([members("Groups", groups)].into_iter().chain(more).collect())
}

pub(super) async fn add_user(call: &Call<'_>) -> Answer {
    let (group, user) = (call.form.required("GroupName")?, call.form.required("UserName")?);
    authorize_on(call, "iam:AddUserToGroup", Holder::Group(group), Keys::new())?;
    call.change(|identities| identities.add_to_group(group, user)).await?;
    Ok(Vec::new())
}

pub(super) async fn remove_user(call: &Call<'_>) -> Answer {
    let (group, user) = (call.form.required("GroupName")?, call.form.required("UserName")?);
    authorize_on(call, "iam:RemoveUserFromGroup", Holder::Group(group), Keys::new())?;
    call.change(|identities| identities.remove_from_group(group, user)).await?;
    Ok(Vec::new())
}
