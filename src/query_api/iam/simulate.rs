//! What a caller could do, without doing it.

use std::sync::Arc;

use super::super::answer::{Node, members, text};
use super::super::caller::{Call, Keys};
use super::super::error::{Error, Result};
use super::{Answer, arn_of};
use crate::iam::identities::{Grants, Holder, PolicyText};
use crate::iam::policy::{Policy, Reason};
use crate::types::DecidingStatement;

/// Questions of one request at most.
const QUESTIONS_MAX: usize = 1000;

/// SimulatePrincipalPolicy.
pub(super) fn principal(call: &Call<'_>) -> Answer {
    let source = call.form.required("PolicySourceArn")?;
    call.authorize("iam:SimulatePrincipalPolicy", source)?;
    let identities = call.identities();
    let missing = || {
        Error::from(crate::iam::identities::IdentityError::NoSuchEntity(format!("{source} cannot be found.")))
    };
    let name = source.rsplit('/').next().unwrap_or_default();
    let is = |holder| arn_of(call, holder) == source;
    let mut grants = match (identities.user(name), identities.role(name)) {
        (Ok(user), _) if is(Holder::User(name)) => identities.grants_of_user(user),
        (_, Ok(role)) if is(Holder::Role(name)) => identities.grants_of_role(role),
        _ => return Err(missing()),
    };
    grants.identity.extend(compiled(call, "PolicyInputList")?);
    simulate(call, &grants)
}

/// SimulateCustomPolicy.
pub(super) fn custom(call: &Call<'_>) -> Answer {
    call.authorize("iam:SimulateCustomPolicy", "*")?;
    let identity = compiled(call, "PolicyInputList")?;
    simulate(call, &Grants { identity, ..Grants::default() })
}

fn compiled(call: &Call<'_>, list: &str) -> Result<Vec<Arc<Policy>>> {
    let compile = |text: &String| {
        let policy = PolicyText::new(text.as_str()).map_err(|error| Error::invalid(error.to_string()));
        policy.map(|policy| policy.compiled().clone())
    };
    call.form.list(list).iter().map(compile).collect()
}

fn simulate(call: &Call<'_>, grants: &Grants) -> Answer {
    let boundary = compiled(call, "PermissionsBoundaryPolicyInputList")?.pop();
    let grants = &Grants { boundary: boundary.or_else(|| grants.boundary.clone()), ..grants.clone() };
    let mut resources = call.form.list("ResourceArns");
    if resources.is_empty() {
        resources.push("*".to_owned());
    }
    let (actions, keys) = (call.form.list("ActionNames"), context(call));
    if actions.is_empty() {
        return Err(Error::missing("ActionNames"));
    }
    if actions.len() * resources.len() > QUESTIONS_MAX {
        return Err(Error::invalid(format!(
            "{QUESTIONS_MAX} actions on resources can be asked for at most."
        )));
    }
    let pairs = actions.iter().flat_map(|action| resources.iter().map(move |resource| (action, resource)));
    let results = pairs.map(|(action, resource)| {
        let (decision, deciding) = decided(call, grants, (action, resource), &keys);
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
fn context(call: &Call<'_>) -> Keys {
    let names = call.form.fields("ContextEntries", "ContextKeyName").into_iter().enumerate();
    let values = names.flat_map(|(at, name)| {
        let values = call.form.list(&format!("ContextEntries.member.{}.ContextKeyValues", at + 1));
        values.into_iter().map(move |value| (name.clone(), value))
    });
    values.collect()
}

/// What somebody who has these policies alone may do, and the statement that decides.
fn decided(
    call: &Call<'_>,
    grants: &Grants,
    question: (&str, &str),
    keys: &Keys,
) -> (&'static str, Option<DecidingStatement>) {
    call.decide_as_user((question.0, question.1, keys), grants, |decision| {
        let located = |statement| call.iam.locate_in(&call.account, statement);
        match decision.reason {
            Reason::Allowed(_, statement) => ("allowed", located(statement)),
            _ if decision.allowed => ("allowed", None),
            Reason::Denied(_, statement) => ("explicitDeny", located(statement)),
            _ => ("implicitDeny", None),
        }
    })
}
