use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::answer::{Node, members, tags, text};
use super::super::caller::{Call, keys_of_tags};
use super::super::error::Result;
use super::super::page::page;
use super::{Answer, document, is_shown, one_of, path, policy_arn_of};
use crate::iam::identities::{
    Identities, ManagedPolicy, NewPolicy, PolicyVersion, canned_policies, policy_arn,
};

pub(super) fn policy_xml(identities: &Identities, arn: &str, policy: &ManagedPolicy) -> Vec<Node> {
    let mut xml = vec![
        text("PolicyName", &policy.named.name),
        text("PolicyId", &policy.named.id),
        text("Arn", arn),
        text("Path", &policy.named.path),
        text("DefaultVersionId", format!("v{}", policy.default)),
        text("AttachmentCount", identities.attached_to(arn).count().to_string()),
        text("PermissionsBoundaryUsageCount", identities.bounded_by(arn).count().to_string()),
        text("IsAttachable", "true"),
        text("CreateDate", policy.named.created.iso()),
        text("UpdateDate", policy.updated.iso()),
    ];
    xml.extend(policy.description.as_ref().map(|description| text("Description", description)));
    if !policy.tags.is_empty() {
        xml.push(tags(&policy.tags));
    }
    xml
}

/// The ARN of the policy that is named, as it was made: what is decided and shown goes by that.
fn named_arn(call: &Call<'_>) -> Result<String> {
    Ok(policy_arn_of(call, call.form.required("PolicyArn")?))
}

pub(super) fn version_xml(version: &PolicyVersion, default: u32) -> Vec<Node> {
    vec![
        text("VersionId", format!("v{}", version.number)),
        text("IsDefaultVersion", (version.number == default).to_string()),
        text("CreateDate", version.created.iso()),
    ]
}

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let (name, path, new_tags) = (call.form.required("PolicyName")?, path(call), call.form.tags());
    let keys = keys_of_tags(&new_tags);
    call.authorize_with("iam:CreatePolicy", &call.arn("policy", &path, name), &keys)?;
    if !new_tags.is_empty() {
        call.authorize_with("iam:TagPolicy", &call.arn("policy", &path, name), &keys)?;
    }
    let (document, description) = (call.form.required("PolicyDocument")?, call.form.get("Description"));
    let new = NewPolicy { name, path: &path, document, description, tags: &new_tags };
    let policy = call.change(|identities| identities.create_policy(&new, call.now)).await?;
    let arn = policy_arn(call.account.id.as_str(), &policy.named);
    Ok(vec![Node::Elements("Policy", policy_xml(&call.identities(), &arn, &policy))])
}

pub(super) fn get(call: &Call<'_>) -> Answer {
    let arn = &named_arn(call)?;
    call.authorize("iam:GetPolicy", arn)?;
    let identities = call.identities();
    Ok(vec![Node::Elements("Policy", policy_xml(&identities, arn, identities.policy(arn)?))])
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let arn = &named_arn(call)?;
    call.authorize("iam:DeletePolicy", arn)?;
    call.change(|identities| identities.delete_policy(arn)).await?;
    Ok(Vec::new())
}

const PERMISSIONS: &str = "PermissionsPolicy";
const BOUNDARY: &str = "PermissionsBoundary";

/// As what policies are used that a list shows.
fn usage<'c>(call: &'c Call<'_>) -> Result<Option<&'c str>> {
    one_of(call, "PolicyUsageFilter", &[PERMISSIONS, BOUNDARY])
}

/// Whether a policy is used so, as far as it is used.
fn is_used_as(identities: &Identities, arn: &str, usage: Option<&str>) -> bool {
    let bounds = || identities.bounded_by(arn).count() > 0;
    match usage {
        Some(BOUNDARY) => bounds(),
        Some(_) => identities.attached_to(arn).count() > 0 || !bounds(),
        None => true,
    }
}

pub(super) fn list(call: &Call<'_>) -> Answer {
    call.authorize("iam:ListPolicies", &call.arn("policy", "/", ""))?;
    let identities = call.identities();
    let account = call.account.id.as_str();
    let own = identities.policies.values().map(|policy| (policy_arn(account, &policy.named), policy));
    let canned = canned_policies().map(|(arn, policy)| (arn.to_owned(), policy));
    let all: Vec<(String, &Arc<ManagedPolicy>)> = match call.form.get("Scope") {
        Some("Local") => own.collect(),
        Some("AWS") => canned.collect(),
        _ => own.chain(canned).collect(),
    };
    let (only_attached, usage) = (call.form.flag("OnlyAttached"), usage(call)?);
    let mut shown: Vec<_> = all
        .into_iter()
        .filter(|(_, policy)| is_shown(call, &policy.named.path))
        .filter(|(arn, _)| !only_attached || identities.attached_to(arn).count() > 0)
        .filter(|(arn, _)| is_used_as(&identities, arn, usage))
        .map(|(arn, policy)| (arn.clone(), (arn, policy)))
        .collect();
    shown.sort_by(|(one, _), (other, _)| one.cmp(other));
    let (policies, more) = page(&call.form, shown)?;
    let policies = policies.iter().map(|(arn, policy)| policy_xml(&identities, arn, policy));
    Ok([members("Policies", policies)].into_iter().chain(more).collect())
}

pub(super) async fn create_version(call: &Call<'_>) -> Answer {
    let (arn, new) = (&named_arn(call)?, call.form.required("PolicyDocument")?);
    call.authorize("iam:CreatePolicyVersion", arn)?;
    let is_default = call.form.flag("SetAsDefault");
    let version = call.change(|identities| identities.add_version(arn, new, (is_default, call.now))).await?;
    let default = if is_default { version.number } else { 0 };
    Ok(vec![Node::Elements("PolicyVersion", version_xml(&version, default))])
}

pub(super) fn get_version(call: &Call<'_>) -> Answer {
    let (arn, version) = (&named_arn(call)?, call.form.required("VersionId")?);
    call.authorize("iam:GetPolicyVersion", arn)?;
    let identities = call.identities();
    let (default, version) = (identities.policy(arn)?.default, identities.policy_version(arn, version)?);
    let mut xml = version_xml(version, default);
    xml.push(document("Document", version.document.text()));
    Ok(vec![Node::Elements("PolicyVersion", xml)])
}

pub(super) async fn delete_version(call: &Call<'_>) -> Answer {
    let (arn, version) = (&named_arn(call)?, call.form.required("VersionId")?);
    call.authorize("iam:DeletePolicyVersion", arn)?;
    call.change(|identities| identities.delete_version(arn, version)).await?;
    Ok(Vec::new())
}

pub(super) fn list_versions(call: &Call<'_>) -> Answer {
    let arn = &named_arn(call)?;
    call.authorize("iam:ListPolicyVersions", arn)?;
    let identities = call.identities();
    let policy = identities.policy(arn)?;
    // The newest first, in the order of these keys.
    let key = |version: &PolicyVersion| format!("{:010}", u32::MAX - version.number);
    let versions = policy.versions.iter().rev().map(|version| (key(version), version));
    let (versions, more) = page(&call.form, versions)?;
    let versions = versions.into_iter().map(|version| version_xml(version, policy.default));
    Ok([members("Versions", versions)].into_iter().chain(more).collect())
}

pub(super) async fn set_default_version(call: &Call<'_>) -> Answer {
    let (arn, version) = (&named_arn(call)?, call.form.required("VersionId")?);
    call.authorize("iam:SetDefaultPolicyVersion", arn)?;
    call.change(|identities| identities.set_default_version(arn, version, call.now)).await?;
    Ok(Vec::new())
}

pub(super) async fn tag(call: &Call<'_>) -> Answer {
    let (arn, new) = (&named_arn(call)?, call.form.tags());
    call.authorize_with("iam:TagPolicy", arn, &keys_of_tags(&new))?;
    call.change(|identities| identities.tag_policy(arn, &new)).await?;
    Ok(Vec::new())
}

pub(super) async fn untag(call: &Call<'_>) -> Answer {
    let (arn, keys) = (&named_arn(call)?, call.form.list("TagKeys"));
    let named = keys.iter().map(|key| ("aws:tagkeys".to_owned(), key.clone())).collect();
    call.authorize_with("iam:UntagPolicy", arn, &named)?;
    call.change(|identities| identities.untag_policy(arn, &keys)).await?;
    Ok(Vec::new())
}

pub(super) fn list_tags(call: &Call<'_>) -> Answer {
    let arn = &named_arn(call)?;
    call.authorize("iam:ListPolicyTags", arn)?;
    let identities = call.identities();
    Ok(vec![tags(&identities.policy(arn)?.tags), text("IsTruncated", "false")])
}

/// ListEntitiesForPolicy.
pub(super) fn list_entities(call: &Call<'_>) -> Answer {
    const KINDS: [&str; 5] = ["Group", "User", "Role", "LocalManagedPolicy", "AWSManagedPolicy"];
    let arn = &named_arn(call)?;
    call.authorize("iam:ListEntitiesForPolicy", arn)?;
    let identities = call.identities();
    identities.policy(arn)?;
    let (usage, kind) = (usage(call)?, one_of(call, "EntityFilter", &KINDS)?);
    let attached = (usage != Some(BOUNDARY)).then(|| identities.attached_to(arn));
    let bounded = (usage != Some(PERMISSIONS)).then(|| identities.bounded_by(arn));
    let all = attached.iter().chain(&bounded).flat_map(|found| {
        let groups = found.groups.iter().map(|named| ("Group", *named));
        let users = found.users.iter().map(|named| ("User", *named));
        groups.chain(users).chain(found.roles.iter().map(|named| ("Role", *named)))
    });
    let shown = all
        .filter(|(its, named)| kind.is_none_or(|kind| kind == *its) && is_shown(call, &named.path))
        .map(|(kind, named)| (format!("{kind}/{}", named.name.to_ascii_lowercase()), (kind, named)));
    // Who has it attached and is bounded by it, is there once.
    let (shown, more) = page(&call.form, shown.collect::<BTreeMap<_, _>>())?;
    let of = |kind: &str, [all, name, id]: [&'static str; 3]| {
        let of_kind = shown.iter().filter(|(its, _)| *its == kind);
        members(all, of_kind.map(|(_, named)| vec![text(name, &named.name), text(id, &named.id)]))
    };
    let lists = [
        of("Group", ["PolicyGroups", "GroupName", "GroupId"]),
        of("User", ["PolicyUsers", "UserName", "UserId"]),
        of("Role", ["PolicyRoles", "RoleName", "RoleId"]),
    ];
    Ok(lists.into_iter().chain(more).collect())
}
