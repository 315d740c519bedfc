//! STS's operations.

use std::collections::BTreeSet;

use hyper::StatusCode;

use super::answer::{Node, text};
use super::caller::{Call, Keys};
use super::error::{Error, Result};
use super::form::Form;
use crate::iam::federation::RoleOf;
use crate::iam::identities::{Grants, IdentityError, PolicyText, canned_policies};
use crate::iam::policy::{Grammar, Policy};
use crate::iam::{
    Account, Iam, KeyKind, NewSession, Principal, RoleSession, SessionOf, SessionPolicy, SessionTimes,
    TemporaryCredentials, is_session_name,
};
use crate::types::{CanonicalId, Timestamp, Why};

pub(super) type Answer = Result<Vec<Node>>;

/// The shortest session, in seconds.
const SECS_MIN: u64 = 900;

/// How long the session of a role is that is not asked for longer, and one that another session began at most.
pub(super) const ROLE_SECS: u64 = 3600;

/// How long a token of GetSessionToken is good at most, and where nothing is said.
const TOKEN_SECS: [u64; 2] = [129_600, 43_200];

/// Managed policies of one session at most.
const POLICIES_MAX: usize = 10;

/// Characters of a session's own policy at most.
const POLICY_CHARS_MAX: usize = 2048;

/// Tags of one session at most.
const TAGS_MAX: usize = 50;

/// Carries out what is asked for.
pub(super) fn run(call: &Call<'_>, action: &str) -> Answer {
    match action {
        "GetCallerIdentity" => caller_identity(call),
        "AssumeRole" => assume_role(call),
        "GetSessionToken" => session_token(call),
        "GetAccessKeyInfo" => access_key_info(call),
        _ => Err(Error::new(
            StatusCode::BAD_REQUEST,
            "InvalidAction",
            format!("Could not find operation {action} for version 2011-06-15"),
        )),
    }
}

fn caller_identity(call: &Call<'_>) -> Answer {
    let id = call.principal().condition_key("aws:userid").unwrap_or_default();
    Ok(vec![
        text("Arn", call.principal().arn()),
        text("UserId", id),
        text("Account", call.account.id.as_str()),
    ])
}

/// GetAccessKeyInfo.
fn access_key_info(call: &Call<'_>) -> Answer {
    let key = call.form.required("AccessKeyId")?;
    call.authorize("sts:GetAccessKeyInfo", "*")?;
    // Whether it has ended, or is switched off, does not matter.
    let believed = call.iam.find(key, Timestamp::default());
    let account = believed.and_then(|identity| identity.principal.account().cloned()).or_else(|| {
        let mut all = call.iam.others().into_iter().chain([call.iam.first().clone()]);
        all.find(|account| call.iam.user_of_key(&account.id, key).is_some())
    });
    let unknown = || Error::invalid(format!("The access key {key} is none of this server's."));
    Ok(vec![text("Account", account.ok_or_else(unknown)?.id.as_str())])
}

fn session_token(call: &Call<'_>) -> Answer {
    if call.identity.kind != KeyKind::Own {
        return Err(Error::denied("Cannot call GetSessionToken with session credentials"));
    }
    // The token would be of all that the user may do.
    if !call.identity.grants.session.is_empty() {
        return Err(Error::denied(
            "Cannot call GetSessionToken with the access key of a bounded service account",
        ));
    }
    let [longest, usual] = TOKEN_SECS;
    let (of, longest) = match call.principal() {
        Principal::User(user) => (SessionOf::User { name: user.name.clone(), id: user.id.clone() }, longest),
        Principal::Root(_) => (SessionOf::Root, ROLE_SECS),
        Principal::Anonymous | Principal::Session(_) | Principal::Federated(_) => {
            return Err(Error::unknown_caller());
        }
    };
    let times = times((&call.form, call.now), longest, usual.min(longest))?.within(call.identity.key_expires);
    let account = call.account.id.clone();
    let session = NewSession { account, of, source_identity: None, policies: Vec::new(), times };
    let made = call.iam.begin_session(session)?;
    Ok(vec![credentials(made, times.expires)])
}

/// When a session ends that begins now.
pub(super) fn times((form, now): (&Form, Timestamp), longest: u64, usual: u64) -> Result<SessionTimes> {
    let secs = form.number("DurationSeconds")?.unwrap_or(usual);
    if !(SECS_MIN..=longest).contains(&secs) {
        return Err(Error::invalid(format!(
            "The requested DurationSeconds must be {SECS_MIN} to {longest} for this session."
        )));
    }
    Ok(SessionTimes::lasting(secs, now))
}

fn credentials(made: TemporaryCredentials, expires: Timestamp) -> Node {
    let TemporaryCredentials { pair, token } = made;
    Node::Elements(
        "Credentials",
        vec![
            text("AccessKeyId", pair.access_key),
            text("SecretAccessKey", pair.secret.expose()),
            text("SessionToken", token.expose()),
            text("Expiration", expires.iso()),
        ],
    )
}

fn assume_role(call: &Call<'_>) -> Answer {
    let (arn, name) = (call.form.required("RoleArn")?, call.form.required("RoleSessionName")?);
    check_name("roleSessionName", name)?;
    let tags = call.form.tags();
    if tags.len() > TAGS_MAX {
        return Err(Error::invalid(format!("A session has {TAGS_MAX} tags at most.")));
    }
    let keys: BTreeSet<_> = tags.iter().map(|(key, _)| key.to_ascii_lowercase()).collect();
    if keys.len() < tags.len() {
        let words = IdentityError::DuplicateTags.to_string();
        return Err(Error::new(StatusCode::BAD_REQUEST, "InvalidParameterValue", words));
    }
    let source_identity = source_identity(call)?;
    let session = RoleSession { name, tags: &tags, source_identity };
    let of = permitted(call, arn, session)?;
    let chained = matches!(call.principal(), Principal::Session(_));
    let longest = if chained { ROLE_SECS } else { of.role.session_secs_max };
    let times = times((&call.form, call.now), longest, ROLE_SECS)?.within(call.identity.key_expires);
    begin((call.iam, &call.form), &of, session, times)
}

/// Who it is that takes the role. Who took one before stays who it was.
fn source_identity<'c>(call: &'c Call<'_>) -> Result<Option<&'c str>> {
    let (given, before) = (call.form.get("SourceIdentity"), call.principal().source_identity());
    if let Some(given) = given {
        check_name("sourceIdentity", given)?;
        if before.is_some_and(|before| before != given) {
            return Err(Error::denied("The source identity of a session cannot be changed."));
        }
    }
    Ok(given.or(before))
}

/// Credentials of a role that may be taken, and whom they make of the caller.
pub(super) fn begin(
    (iam, form): (&Iam, &Form),
    of: &RoleOf,
    session: RoleSession<'_>,
    times: SessionTimes,
) -> Answer {
    let policies = session_policies((iam, form), &of.account)?;
    let made = iam.begin_role_session(of, session, policies, times)?;
    let id = format!("{}:{}", of.role.named.id, session.name);
    let user = vec![text("AssumedRoleId", id), text("Arn", of.session_arn(session.name))];
    let mut answer = vec![credentials(made, times.expires), Node::Elements("AssumedRoleUser", user)];
    answer.extend(session.source_identity.map(|name| text("SourceIdentity", name)));
    Ok(answer)
}

/// The role, if the caller may take it. Whether there is such a role is nobody else's business.
fn permitted(call: &Call<'_>, arn: &str, session: RoleSession<'_>) -> Result<RoleOf> {
    if call.principal().arn().ends_with(":root") {
        return Err(Error::denied("Roles may not be assumed by root accounts."));
    }
    let refused = |action: &str, missing: String| {
        let caller = call.principal().arn();
        let words = format!("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn}");
        Error::denied(words).with_why(untrusted((action, arn), missing))
    };
    let nowhere = || refused("sts:AssumeRole", format!("there is no role {arn}"));
    let of = call.iam.role_by_arn(arn).ok_or_else(nowhere)?;
    let trust =
        Policy::parse(of.role.trust.as_bytes(), Grammar::Trust).map_err(|error| Error::failed(&error))?;
    let mut keys: Keys = vec![("sts:rolesessionname".into(), session.name.to_owned())];
    keys.extend(session.source_identity.map(|name| ("sts:sourceidentity".to_owned(), name.to_owned())));
    keys.extend(call.form.get("ExternalId").map(|id| ("sts:externalid".to_owned(), id.to_owned())));
    keys.extend(super::caller::keys_of_tags(session.tags));
    let mut actions = vec!["sts:AssumeRole"];
    if !session.tags.is_empty() {
        actions.push("sts:TagSession");
    }
    if session.source_identity.is_some() {
        actions.push("sts:SetSourceIdentity");
    }
    for action in actions {
        let question = (action, arn, &keys);
        let trusted = call.decide(question, (&NOBODY, Some(&trust), &all()), |decision| decision.allowed);
        if !trusted {
            let caller = call.principal().arn();
            return Err(refused(action, missing_trust(action, &caller)));
        }
        let grants = &call.identity.grants;
        call.decide(question, (&of.account.canonical_id, Some(&trust), grants), |decision| {
            call.refusal((action, arn), decision)
        })?;
    }
    Ok(of)
}

/// What must change for somebody whom a role does not trust.
pub(super) fn missing_trust(action: &str, caller: &str) -> String {
    format!("Allow {action} to {caller} in the trust policy of the role, and do not deny it there")
}

/// Why somebody may not take a role whose trust policy does not let them.
pub(super) fn untrusted((action, arn): (&str, &str), missing: String) -> Why {
    let decision = "ImplicitDeny".to_owned();
    Why { decision, action: action.to_owned(), resource: arn.to_owned(), deciding: None, missing }
}

/// No account has this id, so that with it as the owner the role's own policy must allow, whoever calls: the caller's policies
/// alone are never enough to take a role.
const NOBODY: CanonicalId = CanonicalId([0; 32]);

/// Policies that allow everything.
fn all() -> Grants {
    let all = canned_policies().find(|(arn, _)| arn.ends_with("/AdministratorAccess"));
    let document = all.and_then(|(_, policy)| policy.document());
    Grants {
        identity: document.map(PolicyText::compiled).cloned().into_iter().collect(),
        ..Grants::default()
    }
}

/// What a session is bound by: the document and the managed policies that are given.
fn session_policies((iam, form): (&Iam, &Form), account: &Account) -> Result<Vec<SessionPolicy>> {
    let arns = form.fields("PolicyArns", "arn");
    if arns.len() > POLICIES_MAX {
        return Err(Error::invalid(format!("A session has {POLICIES_MAX} managed policies at most.")));
    }
    let identities = iam.identities(&account.id);
    for arn in &arns {
        identities.policy(arn)?;
    }
    let mut policies: Vec<_> = arns.into_iter().map(SessionPolicy::Managed).collect();
    if let Some(document) = form.get("Policy") {
        if document.chars().count() > POLICY_CHARS_MAX {
            let words = format!("A session policy has {POLICY_CHARS_MAX} characters at most.");
            return Err(Error::new(StatusCode::BAD_REQUEST, "PackedPolicyTooLarge", words));
        }
        PolicyText::new(document).map_err(IdentityError::from)?;
        policies.push(SessionPolicy::Inline(document.to_owned()));
    }
    Ok(policies)
}

/// The name of a session, or of who is behind it.
pub(super) fn check_name(field: &str, name: &str) -> Result<()> {
    if is_session_name(name) {
        return Ok(());
    }
    let rule = "Member must satisfy regular expression pattern: [\\w+=,.@-]* and have length 2 to 64";
    Err(Error::invalid(format!(
        "1 validation error detected: Value '{name}' at '{field}' failed to satisfy constraint: {rule}"
    )))
}
