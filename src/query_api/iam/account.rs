use super::super::answer::{Node, text};
use super::super::caller::Call;
use super::Answer;

pub(super) fn summary(call: &Call<'_>) -> Answer {
    call.authorize("iam:GetAccountSummary", "*")?;
    let identities = call.identities();
    let counts = [
        ("Users", identities.users.len()),
        ("Groups", identities.groups.len()),
        ("Roles", identities.roles.len()),
        ("Policies", identities.policies.len()),
        ("UsersQuota", 5000),
        ("GroupsQuota", 300),
        ("RolesQuota", 1000),
        ("PoliciesQuota", 1500),
        ("AccessKeysPerUserQuota", 2),
        ("AttachedPoliciesPerUserQuota", 10),
        ("AttachedPoliciesPerGroupQuota", 10),
        ("AttachedPoliciesPerRoleQuota", 10),
        ("GroupsPerUserQuota", 10),
        ("PolicySizeQuota", 6144),
        ("VersionsPerPolicyQuota", 5),
    ];
    let entry = |(key, value): (&str, usize)| {
        Node::Elements("entry", vec![text("key", key), text("value", value.to_string())])
    };
    Ok(vec![Node::Elements("SummaryMap", counts.into_iter().map(entry).collect())])
}
