//! Users, groups and policies of the caller's account, and why somebody was not let do something.

use serde_json::Value;

use super::iam::{Element, ask, list};
use super::identity_arguments::{GroupCommand, PolicyCommand, ServiceCommand, UserCommand};
use super::lists::print_table;
use super::{AdminClient, client, print_json};
use crate::admin::api::RequestReport;
use crate::cli::terminal::{Line, print};

type Done = Result<(), String>;

/// Does what was asked about users.
pub(super) async fn user(client: &AdminClient, command: UserCommand) -> Done {
    match command {
        UserCommand::List { json } => {
            let users = list(client, ("ListUsers", "Users"), &[]).await?;
            show_list(&users, (["USER", "ARN", "MADE"], ["UserName", "Arn", "CreateDate"]), json)
        }
        UserCommand::Show { user, json: true } => show_json(client, &user).await,
        UserCommand::Show { user, json: false } => show(client, &user).await,
        UserCommand::Add { user, policy, group } => add_user(client, &user, (&policy, &group)).await,
        UserCommand::Remove { user } => {
            remove_user(client, &user).await?;
            say(format!("Removed the user {user}, its access keys and what it was allowed."))
        }
        UserCommand::Attach { user, policy } => {
            let arn = policy_arn(client, &policy).await?;
            ask(client, "AttachUserPolicy", &[("UserName", &user), ("PolicyArn", &arn)]).await?;
            say(format!("{user} has the policy {arn}."))
        }
        UserCommand::Detach { user, policy } => {
            let arn = policy_arn(client, &policy).await?;
            ask(client, "DetachUserPolicy", &[("UserName", &user), ("PolicyArn", &arn)]).await?;
            say(format!("{user} no longer has the policy {arn}."))
        }
        UserCommand::Key { user } => new_key(client, "CreateAccessKey", &[("UserName", &user)]).await,
        UserCommand::EnableKey { key } => {
            ask(client, "UpdateAccessKey", &[("AccessKeyId", &key), ("Status", "Active")]).await?;
            say(format!("The access key {key} can be used again."))
        }
        UserCommand::DisableKey { key } => {
            ask(client, "UpdateAccessKey", &[("AccessKeyId", &key), ("Status", "Inactive")]).await?;
            say(format!("The access key {key} can no longer be used."))
        }
        UserCommand::RemoveKey { key } => remove_key(client, &key).await,
        UserCommand::Service { command } => service(client, command).await,
    }
}

/// Prints a list: the columns that these elements are, or all of it.
fn show_list<const N: usize>(found: &[Element], (head, names): ([&str; N], [&str; N]), json: bool) -> Done {
    if json {
        print_json(&found.iter().map(Element::to_json).collect::<Value>());
    } else {
        table(head, found.iter().map(|element| row(names.map(|name| element.get(name)))));
    }
    Ok(())
}

/// Makes a user with all that it is to have, or none: one that lacks a group would be another than was asked for.
async fn add_user(client: &AdminClient, user: &str, (policies, groups): (&[String], &[String])) -> Done {
    let arns = policy_arns(client, policies).await?;
    ask(client, "CreateUser", &[("UserName", user)]).await?;
    let Err(why) = equip(client, user, (&arns, groups)).await else { return Ok(()) };
    Err(match remove_user(client, user).await {
        Ok(()) => format!("{why}; there is no user {user}: what was begun is taken away again"),
        Err(error) => {
            format!("{why}; the user {user} is there without some of it, and cannot be removed: {error}")
        }
    })
}

/// Gives a new user what it is to have, last its access key.
async fn equip(client: &AdminClient, user: &str, (arns, groups): (&[String], &[String])) -> Done {
    for arn in arns {
        ask(client, "AttachUserPolicy", &[("UserName", user), ("PolicyArn", arn)]).await?;
    }
    for group in groups {
        ask(client, "AddUserToGroup", &[("UserName", user), ("GroupName", group)]).await?;
    }
    new_key(client, "CreateAccessKey", &[("UserName", user)]).await
}

/// What a user has besides itself: the operation that lists it, and the list.
const HAD: [(&str, &str); 5] = [
    ("ListGroupsForUser", "Groups"),
    ("ListAttachedUserPolicies", "AttachedPolicies"),
    ("ListUserPolicies", "PolicyNames"),
    ("ListAccessKeys", "AccessKeyMetadata"),
    ("ListServiceAccounts", "ServiceAccounts"),
];

async fn show_json(client: &AdminClient, user: &str) -> Done {
    let of = [("UserName", user)];
    let found = ask(client, "GetUser", &of).await?;
    let mut shown = serde_json::Map::new();
    shown.insert("User".into(), found.find("User").map(Element::to_json).unwrap_or_default());
    for (action, name) in HAD {
        let had = list(client, (action, name), &of).await?;
        shown.insert(name.into(), had.iter().map(Element::to_json).collect());
    }
    print_json(&Value::Object(shown));
    Ok(())
}

async fn show(client: &AdminClient, user: &str) -> Done {
    let of = [("UserName", user)];
    let found = ask(client, "GetUser", &of).await?;
    let mut rows = vec![
        row(["ARN", found.get("Arn")]),
        row(["Made", found.get("CreateDate")]),
        row(["Boundary", found.get("PermissionsBoundaryArn")]),
    ];
    for group in list(client, ("ListGroupsForUser", "Groups"), &of).await? {
        rows.push(row(["Group", group.get("GroupName")]));
    }
    for policy in list(client, ("ListAttachedUserPolicies", "AttachedPolicies"), &of).await? {
        rows.push(row(["Policy", policy.get("PolicyArn")]));
    }
    for policy in list(client, ("ListUserPolicies", "PolicyNames"), &of).await? {
        rows.push(row(["Inline policy", policy.text()]));
    }
    for key in list(client, ("ListAccessKeys", "AccessKeyMetadata"), &of).await? {
        rows.push(vec![
            "Access key".into(),
            format!("{} ({})", key.get("AccessKeyId"), key.get("Status").to_lowercase()),
        ]);
    }
    print_table(rows.into_iter().filter(|row| row.iter().all(|cell| !cell.is_empty())).collect());
    Ok(())
}

/// Takes from a user all that it has, so that it can be removed.
async fn remove_user(client: &AdminClient, user: &str) -> Done {
    let of = [("UserName", user)];
    for (listed, name) in
        [("ListAccessKeys", "AccessKeyMetadata"), ("ListServiceAccounts", "ServiceAccounts")]
    {
        for key in list(client, (listed, name), &of).await? {
            ask(client, "DeleteAccessKey", &[("UserName", user), ("AccessKeyId", key.get("AccessKeyId"))])
                .await?;
        }
    }
    for group in list(client, ("ListGroupsForUser", "Groups"), &of).await? {
        ask(client, "RemoveUserFromGroup", &[("UserName", user), ("GroupName", group.get("GroupName"))])
            .await?;
    }
    for policy in list(client, ("ListAttachedUserPolicies", "AttachedPolicies"), &of).await? {
        ask(client, "DetachUserPolicy", &[("UserName", user), ("PolicyArn", policy.get("PolicyArn"))])
            .await?;
    }
    for policy in list(client, ("ListUserPolicies", "PolicyNames"), &of).await? {
        ask(client, "DeleteUserPolicy", &[("UserName", user), ("PolicyName", policy.text())]).await?;
    }
    ask(client, "DeleteUser", &of).await.map(drop)
}

async fn service(client: &AdminClient, command: ServiceCommand) -> Done {
    match command {
        ServiceCommand::List { user } => {
            let found =
                list(client, ("ListServiceAccounts", "ServiceAccounts"), &[("UserName", &user)]).await?;
            let names = ["AccessKeyId", "Status", "Expires", "ServiceAccountName"];
            let rows = found.iter().map(|key| row(names.map(|name| key.get(name))));
            table(["ACCESS KEY", "STATE", "UNTIL", "NAME"], rows);
            Ok(())
        }
        ServiceCommand::Add { user, name, policy, expires } => {
            let policy = policy.map(|file| read(&file)).transpose()?.unwrap_or_default();
            let expires = expires.unwrap_or_default();
            let asked = [
                ("UserName", user.as_str()),
                ("ServiceAccountName", &name.unwrap_or_default()),
                ("PolicyDocument", &policy),
                ("Expires", &expires),
            ];
            new_key(client, "CreateServiceAccount", &asked).await
        }
        ServiceCommand::Remove { key } => remove_key(client, &key).await,
    }
}

async fn remove_key(client: &AdminClient, key: &str) -> Done {
    ask(client, "DeleteAccessKey", &[("AccessKeyId", key)]).await?;
    say(format!("Removed the access key {key}."))
}

/// Has a pair made and shows it, the one time that the server does.
async fn new_key(client: &AdminClient, action: &str, asked: &[(&str, &str)]) -> Done {
    let made = ask(client, action, asked).await?;
    print(&[
        Line::of(format!("User        {}", made.get("UserName"))),
        Line::of(format!("Access key  {}", made.get("AccessKeyId"))),
        Line::of(format!("Secret key  {}", made.get("SecretAccessKey"))),
        Line::of("Keep the secret key: it is not shown again."),
    ]);
    Ok(())
}

/// Does what was asked about groups.
pub(super) async fn group(client: &AdminClient, command: GroupCommand) -> Done {
    match command {
        GroupCommand::List { json } => {
            let groups = list(client, ("ListGroups", "Groups"), &[]).await?;
            show_list(&groups, (["GROUP", "ARN"], ["GroupName", "Arn"]), json)
        }
        GroupCommand::Add { group, policy } => {
            let arns = policy_arns(client, &policy).await?;
            ask(client, "CreateGroup", &[("GroupName", &group)]).await?;
            for arn in arns {
                ask(client, "AttachGroupPolicy", &[("GroupName", &group), ("PolicyArn", &arn)]).await?;
            }
            say(format!("Made the group {group}."))
        }
        GroupCommand::Remove { group } => {
            ask(client, "DeleteGroup", &[("GroupName", &group)]).await?;
            say(format!("Removed the group {group}."))
        }
        GroupCommand::Join { group, user } => {
            ask(client, "AddUserToGroup", &[("GroupName", &group), ("UserName", &user)]).await?;
            say(format!("{user} is in the group {group}."))
        }
        GroupCommand::Leave { group, user } => {
            ask(client, "RemoveUserFromGroup", &[("GroupName", &group), ("UserName", &user)]).await?;
            say(format!("{user} is no longer in the group {group}."))
        }
    }
}

/// Does what was asked about policies.
pub(super) async fn policy(client: &AdminClient, command: PolicyCommand) -> Done {
    match command {
        PolicyCommand::List { json } => {
            let policies = list(client, ("ListPolicies", "Policies"), &[]).await?;
            show_list(&policies, (["POLICY", "ARN", "USED"], ["PolicyName", "Arn", "AttachmentCount"]), json)
        }
        PolicyCommand::Show { policy } => {
            let arn = policy_arn(client, &policy).await?;
            let found = ask(client, "GetPolicy", &[("PolicyArn", &arn)]).await?;
            let version = found.get("DefaultVersionId").to_owned();
            let asked = [("PolicyArn", arn.as_str()), ("VersionId", &version)];
            let found = ask(client, "GetPolicyVersion", &asked).await?;
            let document =
                percent_encoding::percent_decode_str(found.get("Document")).decode_utf8_lossy().into_owned();
            let document: Value =
                serde_json::from_str(&document).map_err(|error| format!("{arn}: {error}"))?;
            print_json(&document);
            Ok(())
        }
        PolicyCommand::Add { policy, file } => {
            let document = read(&file)?;
            let made = ask(client, "CreatePolicy", &[("PolicyName", &policy), ("PolicyDocument", &document)])
                .await?;
            say(format!("Made {}.", made.get("Arn")))
        }
        PolicyCommand::Remove { policy } => {
            let arn = policy_arn(client, &policy).await?;
            ask(client, "DeletePolicy", &[("PolicyArn", &arn)]).await?;
            say(format!("Removed {arn}."))
        }
        PolicyCommand::Simulate { principal, actions, resource, context } => {
            simulate(client, &principal, (&actions, &resource), &context).await
        }
    }
}

/// The ARN of a user, of `role/NAME` or of `group/NAME`.
async fn principal_arn(client: &AdminClient, principal: &str) -> Result<String, String> {
    if principal.starts_with("arn:") {
        return Ok(principal.to_owned());
    }
    let (action, named) = match principal.split_once('/') {
        Some(("role", role)) => ("GetRole", ("RoleName", role)),
        Some(("group", group)) => ("GetGroup", ("GroupName", group)),
        _ => ("GetUser", ("UserName", principal)),
    };
    Ok(ask(client, action, &[named]).await?.get("Arn").to_owned())
}

async fn simulate(
    client: &AdminClient,
    principal: &str,
    (actions, resources): (&[String], &[String]),
    context: &[String],
) -> Done {
    let arn = principal_arn(client, principal).await?;
    let mut asked = vec![("PolicySourceArn".to_owned(), arn)];
    let numbered = |list: &str, at: usize| format!("{list}.member.{}", at + 1);
    asked
        .extend(actions.iter().enumerate().map(|(at, action)| (numbered("ActionNames", at), action.clone())));
    asked.extend(
        resources.iter().enumerate().map(|(at, resource)| (numbered("ResourceArns", at), resource.clone())),
    );
    for (at, pair) in context.iter().enumerate() {
        let (name, value) = pair.split_once('=').ok_or_else(|| format!("{pair} is no KEY=VALUE"))?;
        let entry = numbered("ContextEntries", at);
        asked.push((format!("{entry}.ContextKeyName"), name.to_owned()));
        asked.push((format!("{entry}.ContextKeyValues.member.1"), value.to_owned()));
    }
    let asked: Vec<(&str, &str)> =
        asked.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = ask(client, "SimulatePrincipalPolicy", &asked).await?;
    let rows = answer.members("EvaluationResults");
    let names = ["EvalActionName", "EvalResourceName", "EvalDecision", "SourcePolicyId"];
    table(
        ["ACTION", "RESOURCE", "DECISION", "BY"],
        rows.iter().map(|result| row(names.map(|name| result.get(name)))),
    );
    Ok(())
}

/// Tells why a request was denied.
pub(super) async fn why(client: &AdminClient, request_id: &str, json: bool) -> Done {
    let path = format!("/api/v1/requests/{}", client::segment(request_id));
    if json {
        return super::print_answer(client, &path).await;
    }
    let request: RequestReport = client.get(&path).await?;
    let target = match (&request.bucket, &request.key) {
        (Some(bucket), Some(key)) => format!("{bucket}/{key}"),
        (Some(bucket), None) => bucket.clone(),
        _ => "-".to_owned(),
    };
    let mut rows = vec![
        vec!["Request".into(), format!("{} {} on {target}", request.method, request.operation)],
        vec!["By".into(), request.caller.clone().unwrap_or_else(|| "nobody in particular".into())],
        vec!["From".into(), request.address.clone()],
        vec!["At".into(), request.at.clone()],
        vec![
            "Answered".into(),
            format!("{} {}", request.status, request.error_code.as_deref().unwrap_or("")),
        ],
    ];
    match &request.why {
        None => rows.push(row(["Denied", "no policy had anything to do with it"])),
        Some(why) => {
            rows.push(vec![
                "Denied".into(),
                format!("{} on {} ({})", why.action, why.resource, why.decision),
            ]);
            if let Some(deciding) = &why.deciding {
                rows.push(vec![
                    "Because of".into(),
                    format!("statement {} of {}", deciding.statement, deciding.policy),
                ]);
            }
            rows.push(row(["Missing", &why.missing]));
        }
    }
    print_table(rows);
    Ok(())
}

/// The ARN of a policy that is named by it or by its name; one of the account's own before one that is always there.
async fn policy_arn(client: &AdminClient, policy: &str) -> Result<String, String> {
    if policy.starts_with("arn:") {
        return Ok(policy.to_owned());
    }
    let all = list(client, ("ListPolicies", "Policies"), &[]).await?;
    let named = all.iter().filter(|known| known.get("PolicyName").eq_ignore_ascii_case(policy));
    let found = named.map(|known| known.get("Arn")).min_by_key(|arn| arn.starts_with("arn:aws:iam::aws:"));
    found.map(str::to_owned).ok_or_else(|| format!("there is no policy {policy}; `policy list` shows all"))
}

async fn policy_arns(client: &AdminClient, policies: &[String]) -> Result<Vec<String>, String> {
    let mut arns = Vec::new();
    for policy in policies {
        arns.push(policy_arn(client, policy).await?);
    }
    Ok(arns)
}

fn read(file: &std::path::Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = Vec<String>>) {
    print_table(std::iter::once(row(head)).chain(rows).collect());
}

fn say(sentence: String) -> Done {
    print(&[Line::of(sentence)]);
    Ok(())
}
