use super::super::answer::{Node, members, text};
use super::super::caller::{Call, Keys};
use super::super::error::{Error, Result};
use super::super::page::page;
use super::{Answer, authorize_on};
use crate::iam::Principal;
use crate::iam::identities::{Holder, IdentityError, PolicyText, ServiceKey};
use crate::types::{Civil, Timestamp};

fn status(active: bool) -> Node {
    text("Status", if active { "Active" } else { "Inactive" })
}

/// The user whose key is meant: named, else that of the key, else the caller. A key's owner may change it without naming itself.
fn user_of(call: &Call<'_>, key: &str) -> Result<String> {
    if call.form.get("UserName").is_some() {
        return call.user_name();
    }
    match (call.iam.user_of_key(&call.account.id, key), call.principal()) {
        (Some(user), _) => Ok(user),
        (None, Principal::User(_)) => call.user_name(),
        (None, _) => Err(no_key(key)),
    }
}

fn no_key(key: &str) -> Error {
    IdentityError::NoSuchEntity(format!("The Access Key with id {key} cannot be found.")).into()
}

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let name = call.user_name()?;
    authorize_on(call, "iam:CreateAccessKey", Holder::User(&name), Keys::new())?;
    Ok(vec![Node::Elements("AccessKey", new_key(call, &name, None).await?)])
}

/// A new pair, with the only sight of its secret.
async fn new_key(call: &Call<'_>, user: &str, service: Option<ServiceKey>) -> Result<Vec<Node>> {
    // They would not be bounded as it is.
    if matches!(call.principal(), Principal::User(_)) && !call.identity.grants.session.is_empty() {
        return Err(Error::denied("A bounded service account makes no access keys."));
    }
    check_end(call, user, service.as_ref())?;
    let (pair, key) = call.iam.new_user_key(service, call.now)?;
    let user = call
        .change(|identities| {
            identities.add_key(user, key.clone())?;
            Ok(identities.user(user)?.named.name.clone())
        })
        .await?;
    Ok(vec![
        text("UserName", user),
        text("AccessKeyId", pair.access_key),
        status(true),
        text("SecretAccessKey", pair.secret.expose()),
        text("CreateDate", call.now.iso()),
    ])
}

/// A key that ends makes its own user none that goes on.
fn check_end(call: &Call<'_>, user: &str, new: Option<&ServiceKey>) -> Result<()> {
    let (Principal::User(own), Some(end)) = (call.principal(), call.identity.key_expires) else {
        return Ok(());
    };
    let goes_on = new.and_then(|new| new.expires).is_none_or(|new_end| new_end > end);
    match own.name.eq_ignore_ascii_case(user) && goes_on {
        true => Err(Error::denied("A service account makes its user no access key that goes on after it.")),
        false => Ok(()),
    }
}

/// GetAccessKeyLastUsed.
pub(super) fn last_used(call: &Call<'_>) -> Answer {
    let key = call.form.required("AccessKeyId")?;
    let missing = || {
        // Whether there is such a key is the business of who may ask.
        let refused = call.authorize("iam:GetAccessKeyLastUsed", "*");
        refused.err().unwrap_or_else(|| no_key(key))
    };
    let name = call.iam.user_of_key(&call.account.id, key).ok_or_else(missing)?;
    authorize_on(call, "iam:GetAccessKeyLastUsed", Holder::User(&name), Keys::new())?;
    let identities = call.identities();
    let found = identities.user(&name)?.keys.iter().find(|known| known.id == key).ok_or_else(missing)?;
    let last = match call.iam.last_use(found) {
        Some(last) => vec![
            text("LastUsedDate", last.at.iso()),
            text("ServiceName", last.service.name()),
            text("Region", call.region.as_str()),
        ],
        None => vec![text("ServiceName", "N/A"), text("Region", "N/A")],
    };
    Ok(vec![text("UserName", name), Node::Elements("AccessKeyLastUsed", last)])
}

/// CreateServiceAccount, which AWS does not have: an access key that may have a policy of its own, within that of its user, and an end.
pub(super) async fn create_service(call: &Call<'_>) -> Answer {
    let name = call.user_name()?;
    authorize_on(call, "iam:CreateAccessKey", Holder::User(&name), Keys::new())?;
    let policy = call.form.get("PolicyDocument").filter(|text| !text.is_empty());
    let policy = policy.map(PolicyText::new).transpose().map_err(IdentityError::from)?;
    let expires =
        call.form.get("Expires").filter(|text| !text.is_empty()).map(|text| end(call, text)).transpose()?;
    let described = call.form.get("ServiceAccountName").unwrap_or_default().to_owned();
    let description = call.form.get("Description").filter(|text| !text.is_empty()).map(str::to_owned);
    let service = ServiceKey { name: described, description, policy, expires };
    let mut key = new_key(call, &name, Some(service.clone())).await?;
    key.extend(service_nodes(&service));
    Ok(vec![Node::Elements("ServiceAccount", key)])
}

/// A time to come.
fn end(call: &Call<'_>, text: &str) -> Result<Timestamp> {
    let secs = Civil::parse_iso(text).filter(|secs| *secs > call.now.as_secs());
    let secs =
        secs.ok_or_else(|| Error::invalid("Expires must be a time to come, as 2030-01-31T00:00:00Z."))?;
    Ok(Timestamp::from_millis(secs.saturating_mul(1000)))
}

fn service_nodes(service: &ServiceKey) -> Vec<Node> {
    let name = Some(text("ServiceAccountName", &service.name));
    let description = service.description.as_ref().map(|description| text("Description", description));
    let expires = service.expires.map(|expires| text("Expires", expires.iso()));
    let policy = service.policy.as_ref().map(|policy| text("PolicyDocument", policy.text()));
    name.into_iter().chain(description).chain(expires).chain(policy).collect()
}

/// ListServiceAccounts: those of a user.
pub(super) fn list_services(call: &Call<'_>) -> Answer {
    let name = call.user_name()?;
    authorize_on(call, "iam:ListAccessKeys", Holder::User(&name), Keys::new())?;
    let identities = call.identities();
    let user = identities.user(&name)?;
    let services = user.keys.iter().filter_map(|key| Some((key.id.clone(), (key, key.service.as_ref()?))));
    let (services, more) = page(&call.form, services)?;
    let services = services.iter().map(|(key, service)| {
        let (id, created) = (text("AccessKeyId", &key.id), text("CreateDate", key.created.iso()));
        let mut nodes = vec![text("UserName", &user.named.name), id, status(key.active), created];
        nodes.extend(service_nodes(service));
        nodes
    });
    Ok([members("ServiceAccounts", services)].into_iter().chain(more).collect())
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
    let own = user.keys.iter().filter(|key| key.service.is_none());
    let mut keys: Vec<_> = own.map(|key| (key.id.clone(), key)).collect();
    keys.sort_by(|(one, _), (other, _)| one.cmp(other));
    let (keys, more) = page(&call.form, keys)?;
    let keys = keys.iter().map(|key| {
        let (id, created) = (text("AccessKeyId", &key.id), text("CreateDate", key.created.iso()));
        vec![text("UserName", &user.named.name), id, status(key.active), created]
    });
    Ok([members("AccessKeyMetadata", keys)].into_iter().chain(more).collect())
}
