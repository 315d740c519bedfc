use super::super::answer::{Node, members, text};
use super::super::caller::{Call, Keys, iso};
use super::super::error::{Error, Result};
use super::super::page::page;
use super::{Answer, authorize_on};
use crate::iam::identities::Holder;

fn status(active: bool) -> Node {
    text("Status", if active { "Active" } else { "Inactive" })
}

/// The user whose key is meant: named, else that of the key, else the caller. A key's owner may change it without naming itself.
fn user_of(call: &Call<'_>, key: &str) -> Result<String> {
    if call.form.get("UserName").is_some() {
        return call.user_name();
    }
    match call.iam.user_of_key(&call.account.id, key) {
        Some(user) => Ok(user),
        None => call.user_name(),
    }
}

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let name = call.user_name()?;
    authorize_on(call, "iam:CreateAccessKey", Holder::User(&name), Keys::new())?;
    let (pair, key) = call.iam.new_user_key(call.now)?;
    let user = call
        .change(|identities| {
            identities.add_key(&name, key.clone())?;
            Ok(identities.user(&name)?.named.name.clone())
        })
        .await?;
    let key = vec![
        text("UserName", user),
        text("AccessKeyId", pair.access_key),
        status(true),
        text("SecretAccessKey", pair.secret.expose()),
        text("CreateDate", iso(call.now)),
    ];
    Ok(vec![Node::Elements("AccessKey", key)])
}

pub(super) async fn update(call: &Call<'_>) -> Answer {
    let key = call.form.required("AccessKeyId")?;
    let active = match call.form.required("Status")? {
        "Active" => true,
        "Inactive" => false,
        _ => return Err(Error::invalid("Status must be Active or Inactive.")),
    };
    let name = user_of(call, key)?;
    authorize_on(call, "iam:UpdateAccessKey", Holder::User(&name), Keys::new())?;
    call.change(|identities| identities.set_key(&name, key, active)).await?;
    Ok(Vec::new())
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let key = call.form.required("AccessKeyId")?;
    let name = user_of(call, key)?;
    authorize_on(call, "iam:DeleteAccessKey", Holder::User(&name), Keys::new())?;
    call.change(|identities| identities.delete_key(&name, key)).await?;
    Ok(Vec::new())
}

pub(super) fn list(call: &Call<'_>) -> Answer {
    let name = call.user_name()?;
    authorize_on(call, "iam:ListAccessKeys", Holder::User(&name), Keys::new())?;
    let identities = call.identities();
    let user = identities.user(&name)?;
    let mut keys: Vec<_> = user.keys.iter().map(|key| (key.id.clone(), key)).collect();
    keys.sort_by(|(one, _), (other, _)| one.cmp(other));
    let (keys, more) = page(&call.form, keys)?;
    let keys = keys.iter().map(|key| {
        let (id, created) = (text("AccessKeyId", &key.id), text("CreateDate", iso(key.created)));
        vec![text("UserName", &user.named.name), id, status(key.active), created]
    });
    Ok([members("AccessKeyMetadata", keys)].into_iter().chain(more).collect())
}
