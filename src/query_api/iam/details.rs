//! GetAccountAuthorizationDetails: all that is in an account, with all that it may do.

use std::collections::BTreeMap;

use super::super::answer::{Node, members, text, texts};
use super::super::caller::Call;
use super::super::error::{Error, Result};
use super::super::page::page;
use super::policies::{policy_xml, version_xml};
use super::{Answer, document, groups, named, roles, users};
use crate::iam::identities::{
    Group, Identities, ManagedPolicy, Permissions, Role, User, canned_policies, policy_arn,
};

/// What may be asked for, each with the list in which it is told.
const KINDS: [(&str, &str); 5] = [
    ("AWSManagedPolicy", "Policies"),
    ("Group", "GroupDetailList"),
    ("LocalManagedPolicy", "Policies"),
    ("Role", "RoleDetailList"),
    ("User", "UserDetailList"),
];

pub(super) fn all(call: &Call<'_>) -> Answer {
    call.authorize("iam:GetAccountAuthorizationDetails", "*")?;
    let identities = call.identities();
    let kinds = kinds(call)?;
    let all: BTreeMap<String, (&str, Vec<Node>)> = kinds
        .into_iter()
        .flat_map(|(kind, list)| {
            let of_kind = of_kind(call, &identities, kind);
            of_kind.into_iter().map(move |(name, nodes)| (format!("{kind}/{name}"), (list, nodes)))
        })
        .collect();
    let (shown, more) = page(&call.form, all)?;
    let of = |list: &'static str| {
        members(list, shown.iter().filter(|(its, _)| *its == list).map(|(_, nodes)| nodes.clone()))
    };
    let lists = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"].map(of);
    Ok(lists.into_iter().chain(more).collect())
}

/// The kinds that are asked for; all where none is.
fn kinds(call: &Call<'_>) -> Result<Vec<(&'static str, &'static str)>> {
    let wanted = call.form.list("Filter");
    let is_known = |wanted: &&String| KINDS.iter().all(|(kind, _)| kind != wanted);
    if let Some(unknown) = wanted.iter().find(is_known) {
        return Err(Error::invalid(format!("There is nothing of the kind {unknown}.")));
    }
    let is_wanted = |kind: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == kind);
    Ok(KINDS.into_iter().filter(|(kind, _)| is_wanted(kind)).collect())
}

/// All of a kind, by names of which none is another's.
fn of_kind(call: &Call<'_>, identities: &Identities, kind: &str) -> Vec<(String, Vec<Node>)> {
    let own = |policy: &ManagedPolicy| policy_arn(call.account.id.as_str(), &policy.named);
    match kind {
        "User" => {
            identities.users.iter().map(|(key, it)| (key.clone(), user(call, identities, it))).collect()
        }
        "Group" => {
            identities.groups.iter().map(|(key, it)| (key.clone(), group(call, identities, it))).collect()
        }
        "Role" => {
            identities.roles.iter().map(|(key, it)| (key.clone(), role(call, identities, it))).collect()
        }
        "LocalManagedPolicy" => identities
            .policies
            .iter()
            .map(|(key, it)| (key.clone(), policy(identities, &own(it), it)))
            .collect(),
        _ => canned_policies().map(|(arn, it)| (arn.to_owned(), policy(identities, arn, it))).collect(),
    }
}

fn user(call: &Call<'_>, identities: &Identities, user: &User) -> Vec<Node> {
    let groups = user.groups.iter().filter_map(|key| identities.groups.get(key));
    let mut xml = users::user_xml(call, user);
    xml.push(texts("GroupList", groups.map(|group| group.named.name.clone())));
    xml.extend(permissions(identities, "UserPolicyList", &user.permissions));
    xml
}

fn group(call: &Call<'_>, identities: &Identities, group: &Group) -> Vec<Node> {
    let mut xml = named(call, groups::KIND, &group.named);
    xml.extend(permissions(identities, "GroupPolicyList", &group.permissions));
    xml
}

fn role(call: &Call<'_>, identities: &Identities, role: &Role) -> Vec<Node> {
    let mut xml = roles::role_xml(call, role);
    xml.push(members("InstanceProfileList", Vec::new()));
    xml.extend(permissions(identities, "RolePolicyList", &role.permissions));
    xml
}

fn policy(identities: &Identities, arn: &str, policy: &ManagedPolicy) -> Vec<Node> {
    let mut xml = policy_xml(identities, arn, policy);
    let versions = policy.versions.iter().rev().map(|version| {
        let mut xml = version_xml(version, policy.default);
        xml.push(document("Document", version.document.text()));
        xml
    });
    xml.push(members("PolicyVersionList", versions));
    xml
}

/// Inline policies with their documents, and which managed ones are attached.
fn permissions(identities: &Identities, inline: &'static str, permissions: &Permissions) -> [Node; 2] {
    let own = permissions.inline.iter();
    let own =
        own.map(|(name, policy)| vec![text("PolicyName", name), document("PolicyDocument", policy.text())]);
    let attached = permissions.attached.iter().filter_map(|arn| {
        let policy = identities.policy(arn).ok()?;
        Some(vec![text("PolicyName", &policy.named.name), text("PolicyArn", arn)])
    });
    [members(inline, own), members("AttachedManagedPolicies", attached)]
}
