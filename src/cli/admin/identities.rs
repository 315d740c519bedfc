//! Users, groups and policies of the caller's account, and why somebody was not let do something.

use serde_json::Value;

use super::iam::{ask, list};
use super::identity_arguments::{GroupCommand, PolicyCommand, ServiceCommand, UserCommand};
use super::lists::print_table;
use super::{AdminClient, client, print_json};
use crate::admin::api::RequestReport;
use crate::cli::terminal::{Line, print};

type Done = Result<(), String>;

/// Does what was asked about users.
pub(super) async fn user(client: &AdminClient, command: UserCommand) -> Done {
    match command {
        UserCommand::List => {
            let users = list(client, ("ListUsers", "Users"), &[]).await?;
            let rows =
                users.iter().map(|user| row([user.get("UserName"), user.get("Arn"), user.get("CreateDate")]));
            table(["USER", "ARN", "MADE"], rows);
            Ok(())
        }
        UserCommand::Show { user } => show(client, &user).await,
        UserCommand::Add { user, policy, group } => {
            ask(client, "CreateUser", &[("UserName", &user)]).await?;
            for policy in &policy {
                let arn = policy_arn(client, policy).await?;
                ask(client, "AttachUserPolicy", &[("UserName", &user), ("PolicyArn", &arn)]).await?;
            }
            for group in &group {
                ask(client, "AddUserToGroup", &[("UserName", &user), ("GroupName", group)]).await?;
            }
            new_key(client, "CreateAccessKey", &[("UserName", &user)]).await
        }
        UserCommand::Remove { user } => remove_user(client, &user).await,
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
        UserCommand::Service { command } => service(client, command).await,
    }
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
    ask(client, "DeleteUser", &of).await?;
    say(format!("Removed the user {user}, its access keys and what it was allowed."))
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
        ServiceCommand::Remove { key } => {
            ask(client, "DeleteAccessKey", &[("AccessKeyId", &key)]).await?;
            say(format!("Removed the access key {key}."))
        }
    }
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
        GroupCommand::List => {
            let groups = list(client, ("ListGroups", "Groups"), &[]).await?;
            let rows = groups.iter().map(|group| row([group.get("GroupName"), group.get("Arn")]));
            table(["GROUP", "ARN"], rows);
            Ok(())
        }
        GroupCommand::Add { group, policy } => {
            ask(client, "CreateGroup", &[("GroupName", &group)]).await?;
            for policy in &policy {
                let arn = policy_arn(client, policy).await?;
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
        PolicyCommand::List => {
            let policies = list(client, ("ListPolicies", "Policies"), &[]).await?;
            let names = ["PolicyName", "Arn", "AttachmentCount"];
            let rows = policies.iter().map(|policy| row(names.map(|name| policy.get(name))));
            table(["POLICY", "ARN", "USED"], rows);
            Ok(())
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

async fn simulate(
    client: &AdminClient,
    principal: &str,
    (actions, resources): (&[String], &[String]),
    context: &[String],
) -> Done {
    let arn = match principal {
        arn if arn.starts_with("arn:") => arn.to_owned(),
        name => match name.strip_prefix("role/") {
            Some(role) => ask(client, "GetRole", &[("RoleName", role)]).await?.get("Arn").to_owned(),
            None => ask(client, "GetUser", &[("UserName", name)]).await?.get("Arn").to_owned(),
        },
    };
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
