//! AssumeRoleWithWebIdentity: credentials for whom an identity provider vouches for. Nobody signs such a request; the token in it
//! is all that it shows.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::StatusCode;

use super::answer::text;
use super::error::Error;
use super::form::Form;
use super::sts::{Answer, ROLE_SECS, begin, check_name, missing_trust, times, untrusted};
use crate::iam::federation::TokenRefused;
use crate::iam::{Iam, RequestFacts, RoleSession};
use crate::types::CallerName;

/// The operation.
pub(super) const ACTION: &str = "AssumeRoleWithWebIdentity";

/// Carries it out, and tells `caller` who it was that the provider vouches for.
pub(super) async fn assume_role(
    (iam, form): (&Iam, &Form),
    facts: RequestFacts<'_>,
    caller: &mut Option<Arc<CallerName>>,
) -> Answer {
    let (arn, name) = (form.required("RoleArn")?, form.required("RoleSessionName")?);
    check_name("roleSessionName", name)?;
    let token = form.required("WebIdentityToken")?;
    let who =
        iam.federation().identify(token, facts.now).await.map_err(|refused| told(refused, facts.peer))?;
    *caller = Some(who.caller_name().into());
    let of = iam.role_for(arn, (&who, name), &facts).ok_or_else(|| {
        tracing::info!(role = arn, provider = who.provider, subject = who.subject, peer = %facts.peer, "role not given");
        let action = who.kind.action();
        let why = untrusted((action, arn), missing_trust(action, &who.full_name()));
        Error::denied(format!("Not authorized to perform {action}")).with_why(why)
    })?;
    let times = times((form, facts.now), of.role.session_secs_max, ROLE_SECS)?;
    let source_identity = who.source_identity.as_deref();
    let session = RoleSession { source_identity, ..RoleSession::named(name) };
    let mut answer = begin((iam, form), &of, session, times)?;
    answer.extend([
        text("SubjectFromWebIdentityToken", &who.subject),
        text("Audience", who.claim("aud").unwrap_or_default()),
        text("Provider", who.provider_arn(&of.account.id)),
    ]);
    Ok(answer)
}

fn told(refused: TokenRefused, peer: IpAddr) -> Error {
    let (code, words) = match &refused {
        TokenRefused::Invalid(why) => ("InvalidIdentityToken", why.clone()),
        TokenRefused::Expired => ("ExpiredTokenException", "Token expired".to_owned()),
        TokenRefused::Unreachable(_) => {
            ("IDPCommunicationError", "The identity provider does not answer; try again".to_owned())
        }
    };
    tracing::info!(error = %refused, %peer, "identity token refused");
    Error::new(StatusCode::BAD_REQUEST, code, words)
}
