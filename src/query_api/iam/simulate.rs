//! What a caller could do, without doing it.

use std::sync::Arc;

use hyper::StatusCode;

use super::super::answer::{Node, members, text};
use super::super::caller::{Call, Keys, Simulated, SimulatedResource};
use super::super::error::{Error, Result};
use super::{Answer, arn_of};
use crate::iam::identities::{Grants, Holder, IdentityError, PolicyText};
use crate::iam::policy::{Grammar, Policy, Reason, Source, Statement, ValueType};
use crate::iam::{Principal, RoleSession, role_principal, user_principal};
use crate::types::{AccountId, CanonicalId, DecidingStatement};

/// Questions of one request at most.
const QUESTIONS_MAX: usize = 1000;

/// Services whose actions can be asked for.
const SERVICES: [&str; 6] = ["admin", "iam", "kms", "s3", "s3-object-lambda", "sts"];

/// How the policy of the resource is called in an answer.
const RESOURCE_POLICY: &str = "ResourcePolicy";

/// What the session is called in which a role is simulated.
const SESSION: &str = "simulation";

/// SimulatePrincipalPolicy.
pub(super) fn principal(call: &Call<'_>) -> Answer {
    let source = call.form.required("PolicySourceArn")?;
    call.authorize("iam:SimulatePrincipalPolicy", source)?;
    let (who, mut grants) = whose(call, source).ok_or_else(|| nobody(source))?;
    let who = named_caller(call)?.unwrap_or(who);
    grants.identity.extend(compiled(call, "PolicyInputList")?);
    simulate(call, (&who, grants))
}

/// SimulateCustomPolicy.
pub(super) fn custom(call: &Call<'_>) -> Answer {
    call.authorize("iam:SimulateCustomPolicy", "*")?;
    let who = named_caller(call)?.unwrap_or(Simulated::Somebody);
    let identity = compiled(call, "PolicyInputList")?;
    simulate(call, (&who, Grants { identity, ..Grants::default() }))
}

fn nobody(arn: &str) -> Error {
    IdentityError::NoSuchEntity(format!("{arn} cannot be found.")).into()
}

/// Whom an ARN names, and the policies of that.
fn whose(call: &Call<'_>, arn: &str) -> Option<(Simulated, Grants)> {
    let identities = call.identities();
    let name = arn.rsplit('/').next().unwrap_or_default();
    let is = |holder| arn_of(call, holder) == arn;
    if let Some(user) = identities.user(name).ok().filter(|_| is(Holder::User(name))) {
        let who = user_principal(&call.account, user, None);
        return Some((Simulated::Caller(who), identities.grants_of_user(user)));
    }
    if let Some(role) = identities.role(name).ok().filter(|_| is(Holder::Role(name))) {
        let who = role_principal(&call.account, role, RoleSession::named(SESSION), call.now);
        return Some((Simulated::Caller(who), identities.grants_of_role(role)));
    }
    let group = identities.group(name).ok().filter(|_| is(Holder::Group(name)))?;
    Some((Simulated::Somebody, identities.grants_of_group(group)))
}

/// The user as whom the request wants it simulated.
fn named_caller(call: &Call<'_>) -> Result<Option<Simulated>> {
    let Some(arn) = call.form.get("CallerArn") else { return Ok(None) };
    match whose(call, arn) {
        Some((who @ Simulated::Caller(Principal::User(_)), _)) => Ok(Some(who)),
        _ => Err(invalid(format!("CallerArn {arn} is not the ARN of a user."))),
    }
}

/// What the request says of the resources. Where it gives them a policy, that must be able to name who is simulated.
fn resource(call: &Call<'_>, who: &Simulated) -> Result<SimulatedResource> {
    let document = call.form.get("ResourcePolicy");
    if document.is_some() && !matches!(who, Simulated::Caller(Principal::User(_))) {
        return Err(invalid("CallerArn must be the ARN of a user where a ResourcePolicy is given."));
    }
    let compile = |text: &str| Policy::parse(text.as_bytes(), Grammar::Resource);
    let policy = document.map(compile).transpose().map_err(|error| invalid(error.to_string()))?;
    let owner = match call.form.get("ResourceOwner") {
        Some(arn) => owner(call, arn)?,
        None => call.account.canonical_id,
    };
    Ok(SimulatedResource { owner, policy })
}

/// The account of an ARN `arn:aws:iam::ACCOUNT:root`. One that is not here is another's all the same.
fn owner(call: &Call<'_>, arn: &str) -> Result<CanonicalId> {
    let id = arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root"));
    let id = id.and_then(AccountId::parse);
    let id = id.ok_or_else(|| invalid(format!("ResourceOwner {arn} is not the ARN of an account.")))?;
    Ok(call.iam.by_id(&id).map_or(ELSEWHERE, |account| account.canonical_id))
}

/// An account that is none of this server's.
const ELSEWHERE: CanonicalId = CanonicalId([0; 32]);

fn invalid(message: impl Into<String>) -> Error {
    Error::new(StatusCode::BAD_REQUEST, "InvalidInput", message)
}

fn compiled(call: &Call<'_>, list: &str) -> Result<Vec<Arc<Policy>>> {
    let compile = |text: &String| {
        let policy = PolicyText::new(text.as_str()).map_err(|error| invalid(error.to_string()));
        policy.map(|policy| policy.compiled().clone())
    };
    call.form.list(list).iter().map(compile).collect()
}

/// The actions that are asked for, each by its whole name.
fn actions(call: &Call<'_>) -> Result<Vec<String>> {
    let actions = call.form.list("ActionNames");
    if actions.is_empty() {
        return Err(Error::missing("ActionNames"));
    }
    match actions.iter().find(|action| !is_action(action)) {
        Some(unknown) => Err(invalid(format!("Invalid Action: {unknown}"))),
        None => Ok(actions),
    }
}

fn is_action(text: &str) -> bool {
    let is_service = |service: &str| SERVICES.iter().any(|known| known.eq_ignore_ascii_case(service));
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.split_once(':').is_some_and(|(service, name)| is_service(service) && is_name(name))
}

fn simulate(call: &Call<'_>, (who, grants): (&Simulated, Grants)) -> Answer {
    let boundary = compiled(call, "PermissionsBoundaryPolicyInputList")?.pop();
    let grants = &Grants { boundary: boundary.or(grants.boundary), ..grants };
    let on = &resource(call, who)?;
    let mut resources = call.form.list("ResourceArns");
    if resources.is_empty() {
        resources.push("*".to_owned());
    }
    let (actions, keys) = (actions(call)?, context(call)?);
    if actions.len() * resources.len() > QUESTIONS_MAX {
        return Err(invalid(format!("{QUESTIONS_MAX} actions on resources can be asked for at most.")));
    }
    let pairs = actions.iter().flat_map(|action| resources.iter().map(move |resource| (action, resource)));
    let results = pairs.map(|(action, resource)| {
        let (decision, deciding) = decided(call, (who, grants, on), (action, resource), &keys);
        let matched =
            deciding.map(|at| vec![text("SourcePolicyId", at.policy), text("StatementId", at.statement)]);
        vec![
            text("EvalActionName", action),
            text("EvalResourceName", resource),
            text("EvalDecision", decision),
            members("MatchedStatements", matched),
        ]
    });
    let results: Vec<Vec<Node>> = results.collect();
    Ok(vec![members("EvaluationResults", results), text("IsTruncated", "false")])
}

/// The values that the request gives to condition keys.
fn context(call: &Call<'_>) -> Result<Keys> {
    let mut keys = Keys::new();
    for (at, name) in call.form.fields("ContextEntries", "ContextKeyName").into_iter().enumerate() {
        let entry = format!("ContextEntries.member.{}", at + 1);
        let values = call.form.list(&format!("{entry}.ContextKeyValues"));
        if let Some(kind) = call.form.get(&format!("{entry}.ContextKeyType")) {
            check_values(&name, kind, &values)?;
        }
        keys.extend(values.into_iter().map(|value| (name.clone(), value)));
    }
    Ok(keys)
}

/// Types of values, as a simulation names them; with `List` behind it, of several.
const TYPES: [(&str, ValueType); 6] = [
    ("string", ValueType::Text),
    ("numeric", ValueType::Number),
    ("boolean", ValueType::Bool),
    ("ip", ValueType::Address),
    ("binary", ValueType::Binary),
    ("date", ValueType::Date),
];

fn check_values(key: &str, kind: &str, values: &[String]) -> Result<()> {
    let (name, is_list) = kind.strip_suffix("List").map_or((kind, false), |name| (name, true));
    let Some((_, of)) = TYPES.iter().find(|(known, _)| *known == name) else {
        return Err(Error::invalid(format!(
            "1 validation error detected: Value '{kind}' at 'contextEntries.member.contextKeyType' failed to satisfy constraint: \
             Member must satisfy enum value set"
        )));
    };
    if !is_list && values.len() > 1 {
        return Err(invalid(format!("{key} has several values and is no list.")));
    }
    match values.iter().find(|value| !of.includes(value)) {
        Some(wrong) => Err(invalid(format!("The value {wrong} of {key} is not of the type {kind}."))),
        None => Ok(()),
    }
}

/// What somebody who has these policies alone may do, and the statement that decides.
fn decided(
    call: &Call<'_>,
    who: (&Simulated, &Grants, &SimulatedResource),
    question: (&str, &str),
    keys: &Keys,
) -> (&'static str, Option<DecidingStatement>) {
    let located = |source, statement: &Statement| match (source, &who.2.policy) {
        (Source::Resource, Some(policy)) => policy.place_of(statement).map(|at| DecidingStatement {
            policy: RESOURCE_POLICY.to_owned(),
            statement: statement.name_at(at),
        }),
        _ => call.iam.locate_in(&call.account, statement),
    };
    call.simulate((question.0, question.1, keys), who, |decision| match decision.reason {
        Reason::Allowed(source, statement) => ("allowed", located(source, statement)),
        _ if decision.allowed => ("allowed", None),
        Reason::Denied(source, statement) => ("explicitDeny", located(source, statement)),
        _ => ("implicitDeny", None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_the_whole_name_of_one_of_a_service_that_is_here() {
        for known in ["s3:GetObject", "S3:getobject", "iam:CreateUser", "admin:Status"] {
            assert!(is_action(known), "{known}");
        }
        for unknown in ["GetObject", "s3:*", "*", "s3:", ":GetObject", "s4:GetObject", "s3:Get Object", ""] {
            assert!(!is_action(unknown), "{unknown}");
        }
    }
}
