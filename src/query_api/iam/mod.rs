//! IAM's operations. Each asks for its action on what it is about, then changes or shows the caller's account.

mod absent;
mod account;
mod described;
mod details;
mod groups;
mod inline;
mod keys;
mod policies;
mod providers;
mod roles;
mod simulate;
mod users;

use self::described::What;
use super::answer::{Node, text};
use super::caller::{Call, Keys};
use super::error::{Error, Result};
use crate::iam::identities::{Holder, Named};
use crate::sigv4::{Slash, encode_into};
use hyper::StatusCode;

type Answer = Result<Vec<Node>>;

/// Carries out what is asked for.
pub(super) async fn run(call: &Call<'_>, action: &str) -> Answer {
    match action {
        "CreateUser" => users::create(call).await,
        "GetUser" => users::get(call),
        "UpdateUser" => users::update(call).await,
        "DeleteUser" => users::delete(call).await,
        "ListUsers" => users::list(call),
        "TagUser" => described::run(call, action, "UserName", What::Tag).await,
        "UntagUser" => described::run(call, action, "UserName", What::Untag).await,
        "ListUserTags" => described::run(call, action, "UserName", What::ListTags).await,
        "PutUserPermissionsBoundary" => described::run(call, action, "UserName", What::Bound).await,
        "DeleteUserPermissionsBoundary" => described::run(call, action, "UserName", What::Unbound).await,
        "ListGroupsForUser" => users::list_groups(call),
        "CreateAccessKey" => keys::create(call).await,
        "UpdateAccessKey" => keys::update(call).await,
        "DeleteAccessKey" => keys::delete(call).await,
        "ListAccessKeys" => keys::list(call),
        "GetAccessKeyLastUsed" => keys::last_used(call),
        "CreateServiceAccount" => keys::create_service(call).await,
        "ListServiceAccounts" => keys::list_services(call),
        "CreateGroup" => groups::create(call).await,
        "GetGroup" => groups::get(call),
        "UpdateGroup" => groups::update(call).await,
        "DeleteGroup" => groups::delete(call).await,
        "ListGroups" => groups::list(call),
        "AddUserToGroup" => groups::add_user(call).await,
        "RemoveUserFromGroup" => groups::remove_user(call).await,
        "CreateRole" => roles::create(call).await,
        "GetRole" => roles::get(call),
        "UpdateRole" => roles::update(call).await,
        "UpdateRoleDescription" => roles::update_description(call).await,
        "UpdateAssumeRolePolicy" => roles::update_trust(call).await,
        "DeleteRole" => roles::delete(call).await,
        "ListRoles" => roles::list(call),
        "TagRole" => described::run(call, action, "RoleName", What::Tag).await,
        "UntagRole" => described::run(call, action, "RoleName", What::Untag).await,
        "ListRoleTags" => described::run(call, action, "RoleName", What::ListTags).await,
        "PutRolePermissionsBoundary" => described::run(call, action, "RoleName", What::Bound).await,
        "DeleteRolePermissionsBoundary" => described::run(call, action, "RoleName", What::Unbound).await,
        "GetLoginProfile" => absent::login_profile(call, action),
        "DeleteLoginProfile" => absent::login_profile(call, action),
        "ListMFADevices" => absent::list_of_user(call, action, "MFADevices"),
        "ListSSHPublicKeys" => absent::list_of_user(call, action, "SSHPublicKeys"),
        "ListSigningCertificates" => absent::list_of_user(call, action, "Certificates"),
        "ListServiceSpecificCredentials" => absent::list_of_user(call, action, "ServiceSpecificCredentials"),
        "ListInstanceProfilesForRole" => absent::list_of_role(call, action, "InstanceProfiles"),
        "ListInstanceProfiles" => absent::list_of_account(call, action, "InstanceProfiles"),
        "ListVirtualMFADevices" => absent::list_of_account(call, action, "VirtualMFADevices"),
        "ListAccountAliases" => absent::list_of_account(call, action, "AccountAliases"),
        "ListOpenIDConnectProviders" => providers::list(call),
        "GetOpenIDConnectProvider" => providers::get(call),
        "ListSAMLProviders" => absent::list_of_account(call, action, "SAMLProviderList"),
        "ListServerCertificates" => absent::list_of_account(call, action, "ServerCertificateMetadataList"),
        "GetAccountPasswordPolicy" => absent::password_policy(call),
        "CreatePolicy" => policies::create(call).await,
        "GetPolicy" => policies::get(call),
        "DeletePolicy" => policies::delete(call).await,
        "ListPolicies" => policies::list(call),
        "CreatePolicyVersion" => policies::create_version(call).await,
        "GetPolicyVersion" => policies::get_version(call),
        "DeletePolicyVersion" => policies::delete_version(call).await,
        "ListPolicyVersions" => policies::list_versions(call),
        "SetDefaultPolicyVersion" => policies::set_default_version(call).await,
        "TagPolicy" => policies::tag(call).await,
        "UntagPolicy" => policies::untag(call).await,
        "ListPolicyTags" => policies::list_tags(call),
        "ListEntitiesForPolicy" => policies::list_entities(call),
        "GetAccountAuthorizationDetails" => details::all(call),
        "GetAccountSummary" => account::summary(call),
        "SimulatePrincipalPolicy" => simulate::principal(call),
        "SimulateCustomPolicy" => simulate::custom(call),
        _ => match inline::operation(action) {
            Some(operation) => inline::run(call, action, operation).await,
            None => Err(Error::new(
                StatusCode::BAD_REQUEST,
                "InvalidAction",
                format!("Could not find operation {action} for version 2010-05-08"),
            )),
        },
    }
}

/// What a user, group or role is called, in an answer. The kind leads: `User`.
fn named(call: &Call<'_>, kind: [&'static str; 3], named: &Named) -> Vec<Node> {
    let [name, id, prefix] = kind;
    vec![
        text("Path", &named.path),
        text(name, &named.name),
        text(id, &named.id),
        text("Arn", call.arn(prefix, &named.path, &named.name)),
        text("CreateDate", named.created.iso()),
    ]
}

/// The ARN of what has policies; of one that is not there, as if it had no path.
fn arn_of(call: &Call<'_>, holder: Holder<'_>) -> String {
    let identities = call.identities();
    let (kind, name, found) = match holder {
        Holder::User(name) => ("user", name, identities.user(name).ok().map(|it| it.named.clone())),
        Holder::Group(name) => ("group", name, identities.group(name).ok().map(|it| it.named.clone())),
        Holder::Role(name) => ("role", name, identities.role(name).ok().map(|it| it.named.clone())),
    };
    match found {
        Some(named) => call.arn(kind, &named.path, &named.name),
        None => call.arn(kind, "/", name),
    }
}

/// The ARN of a managed policy as it was made, however the request writes it; of one that is not there, as it is given.
fn policy_arn_of(call: &Call<'_>, arn: &str) -> String {
    call.identities().stored_arn(arn).unwrap_or_else(|_| arn.to_owned())
}

/// What conditions may ask of a user or role that is there: its tags and its boundary.
fn keys_of(call: &Call<'_>, holder: Holder<'_>) -> Keys {
    let identities = call.identities();
    let (tags, boundary) = match holder {
        Holder::User(name) => match identities.user(name) {
            Ok(user) => (user.tags.clone(), user.boundary.clone()),
            Err(_) => return Keys::new(),
        },
        Holder::Role(name) => match identities.role(name) {
            Ok(role) => (role.tags.clone(), role.boundary.clone()),
            Err(_) => return Keys::new(),
        },
        Holder::Group(_) => return Keys::new(),
    };
    let tags = tags.into_iter().flat_map(|(key, value)| {
        ["aws:resourcetag", "iam:resourcetag"].map(|name| (format!("{name}/{key}"), value.clone()))
    });
    tags.chain(boundary.map(|arn| ("iam:permissionsboundary".to_owned(), arn))).collect()
}

/// Refuses unless the caller may do this to a user, group or role.
fn authorize_on(call: &Call<'_>, action: &str, holder: Holder<'_>, more: Keys) -> Result<()> {
    // What the request says of a boundary comes before what is there.
    let keys = more.iter().cloned();
    let known =
        keys_of(call, holder).into_iter().filter(|(name, _)| more.iter().all(|(given, _)| given != name));
    call.authorize_with(action, &arn_of(call, holder), &keys.chain(known).collect())
}

/// A boundary in an answer.
fn boundary(arn: Option<&String>) -> Option<Node> {
    let of = |arn: &String| {
        let kind = text("PermissionsBoundaryType", "Policy");
        Node::Elements("PermissionsBoundary", vec![kind, text("PermissionsBoundaryArn", arn)])
    };
    arn.map(of)
}

/// A condition key of a boundary that a request gives.
fn boundary_key(call: &Call<'_>, arn: Option<&str>) -> Option<(String, String)> {
    arn.map(|arn| ("iam:permissionsboundary".to_owned(), policy_arn_of(call, arn)))
}

/// A policy's document as IAM shows it: percent-encoded.
fn document(name: &'static str, document: &str) -> Node {
    let mut encoded = Vec::with_capacity(document.len() * 2);
    encode_into(&mut encoded, document.as_bytes(), Slash::Encode);
    text(name, String::from_utf8_lossy(&encoded).into_owned())
}

/// The path of something new.
fn path(call: &Call<'_>) -> String {
    call.form.get("Path").filter(|path| !path.is_empty()).unwrap_or("/").to_owned()
}

/// A parameter that has one of these values, where it is there.
fn one_of<'c>(call: &'c Call<'_>, name: &str, values: &[&str]) -> Result<Option<&'c str>> {
    match call.form.get(name).filter(|given| !given.is_empty()) {
        Some(given) if !values.contains(&given) => {
            Err(Error::invalid(format!("{name} must be one of {}.", values.join(", "))))
        }
        given => Ok(given),
    }
}

/// Whether a list shows something of this path.
fn is_shown(call: &Call<'_>, path: &str) -> bool {
    call.form.get("PathPrefix").is_none_or(|prefix| path.starts_with(prefix))
}
