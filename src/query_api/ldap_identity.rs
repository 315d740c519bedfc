//! AssumeRoleWithLDAPIdentity: credentials for somebody of the directory, as clients of MinIO ask for them. Nobody signs such a
//! request; the name and the password in it are all that it shows. AWS has no such operation.

use std::sync::Arc;

use hyper::StatusCode;

use super::error::Error;
use super::form::Form;
use super::sts::{Answer, ROLE_SECS, begin, missing_trust, times, untrusted};
use crate::iam::federation::LoginRefused;
use crate::iam::{Iam, RequestFacts, RoleSession, Secret};
use crate::types::CallerName;

/// The operation.
pub(super) const ACTION: &str = "AssumeRoleWithLDAPIdentity";

/// Carries it out, and tells `caller` who it was that the directory knows.
pub(super) async fn assume_role(
    (iam, form): (&Iam, &Form),
    facts: RequestFacts<'_>,
    caller: &mut Option<Arc<CallerName>>,
) -> Answer {
    let (name, password) = (form.required("LDAPUsername")?, Secret::new(form.required("LDAPPassword")?));
    let who = iam.log_in_by_ldap((name, &password), facts.peer, facts.now).await.map_err(told)?;
    *caller = Some(who.caller_name().into());
    let session = who.session_name();
    let wanted = form.get("RoleArn").filter(|arn| !arn.is_empty());
    // What is asked for by its ARN must be one of theirs too: with trust in the directory alone anybody in it could name it.
    let mut theirs = iam.roles_named_for(&who).filter(|arn| wanted.is_none_or(|wanted| wanted == arn));
    let of = theirs.find_map(|arn| iam.role_for(&arn, (&who, &session), &facts));
    let of = of.ok_or_else(|| {
        let (action, arn) = (who.kind.action(), wanted.unwrap_or("arn:aws:iam:::role/*"));
        let words = match wanted {
            Some(_) => format!("Not authorized to perform {action}"),
            None => who.without_role(),
        };
        Error::denied(words).with_why(untrusted((action, arn), missing_trust(action, &who.full_name())))
    })?;
    let times = times((form, facts.now), of.role.session_secs_max, ROLE_SECS)?;
    begin((iam, form), &of, RoleSession::named(&session), times)
}

fn told(refused: LoginRefused) -> Error {
    let words = refused.to_string();
    match refused {
        LoginRefused::NoDirectory => Error::new(StatusCode::BAD_REQUEST, "InvalidAction", words),
        LoginRefused::Throttled(_) => Error::new(StatusCode::BAD_REQUEST, "Throttling", words),
        LoginRefused::Wrong => Error::denied(words),
        // What the directory says is for the log alone.
        LoginRefused::Unreachable(_) => {
            let words = "The directory cannot be asked; try again, and have the operator look for the reason in the log of this server";
            Error::new(StatusCode::SERVICE_UNAVAILABLE, "IDPCommunicationError", words)
        }
    }
}
