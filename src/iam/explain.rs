//! Why a caller was not let do something, in names that administrators know. Found when something was denied, never for a request
//! that is let through.

use std::sync::Arc;

use super::directory::Iam;
use super::identities::{Identities, Permissions, PolicyText, canned_policies};
use super::policy::{Policy, Reason, Source, Statement};
use super::principal::{Account, Principal};
use crate::types::{DecidingStatement, Why};

impl Iam {
    /// Explains a denial; `bucket` is the bucket that was asked for and its policy, where it has one.
    pub fn explain(
        &self,
        principal: &Principal,
        (action, resource): (&str, String),
        reason: &Reason<'_>,
        bucket: Option<(&str, &Policy)>,
    ) -> Why {
        let deciding = match reason {
            Reason::Denied(source, statement) => Some(self.locate(principal, (*source, statement), bucket)),
            _ => None,
        };
        let caller = principal.arn();
        let missing = match (reason, &deciding) {
            (_, Some(DecidingStatement { policy, statement })) => {
                format!("statement {statement} of {policy} must not deny {action} on {resource}")
            }
            (Reason::NotAllowed(Source::Boundary), _) => {
                format!("Allow {action} on {resource} in the permissions boundary of {caller}")
            }
            (Reason::NotAllowed(Source::Session), _) => {
                format!("Allow {action} on {resource} in the policies with which {caller} took its session")
            }
            (Reason::NotAllowed(Source::Resource), _) => {
                let whom = if *principal == Principal::Anonymous { "everybody".into() } else { caller };
                format!("Allow {action} on {resource} to {whom} in the policy of the bucket")
            }
            _ => format!("Allow {action} on {resource} in a policy of {caller}"),
        };
        let decision = if deciding.is_some() { "ExplicitDeny" } else { "ImplicitDeny" };
        Why { decision: decision.into(), action: action.into(), resource, deciding, missing }
    }

    /// What allowed something, in the same names; `bucket` as for [`Self::explain`].
    pub fn explain_allowed(
        &self,
        principal: &Principal,
        reason: &Reason<'_>,
        bucket: Option<(&str, &Policy)>,
    ) -> DecidingStatement {
        match reason {
            Reason::Allowed(source, statement) => self.locate(principal, (*source, statement), bucket),
            Reason::Acl => DecidingStatement { policy: "an ACL".into(), statement: "a grant".into() },
            _ => DecidingStatement { policy: "the account's root".into(), statement: "everything".into() },
        }
    }

    /// Where in an account a statement stands; nowhere where it was given with the request.
    pub fn locate_in(&self, account: &Account, statement: &Statement) -> Option<DecidingStatement> {
        let has = |policy: &Policy| policy.place_of(statement);
        let (policy, at) = locate_in(account, &self.identities(&account.id), &has)?;
        Some(DecidingStatement { policy, statement: statement.name_at(at) })
    }

    fn locate(
        &self,
        principal: &Principal,
        (source, statement): (Source, &Statement),
        bucket: Option<(&str, &Policy)>,
    ) -> DecidingStatement {
        let has = |policy: &Policy| policy.place_of(statement);
        let found = match source {
            Source::Resource => bucket.and_then(|(bucket, policy)| {
                has(policy).map(|at| (format!("the policy of the bucket {bucket}"), at))
            }),
            Source::Identity | Source::Boundary | Source::Session => principal
                .account()
                .and_then(|account| locate_in(account, &self.identities(&account.id), &has)),
        };
        let (policy, at) = found.unwrap_or_else(|| {
            let place = match source {
                Source::Identity => "a policy of its own",
                Source::Boundary => "the permissions boundary",
                Source::Session => "a policy of the session",
                Source::Resource => "the policy of the bucket",
            };
            (place.into(), 0)
        });
        DecidingStatement { policy, statement: statement.name_at(at) }
    }
}

/// Where in an account a policy stands, and the place of the statement in it.
fn locate_in(
    account: &Account,
    identities: &Identities,
    has: &impl Fn(&Policy) -> Option<usize>,
) -> Option<(String, usize)> {
    let inline = |kind: &str, name: &str, permissions: &Permissions| {
        let found = |(policy, text): (&String, &PolicyText)| {
            let at = has(text.compiled())?;
            Some((format!("the inline policy {policy} of the {kind} {name}"), at))
        };
        permissions.inline.iter().find_map(found)
    };
    let users = identities.users.iter();
    let groups = identities.groups.iter();
    let roles = identities.roles.iter();
    let own = identities.policies.values().map(|policy| {
        let arn = super::identities::policy_arn(account.id.as_str(), &policy.named);
        (arn, Arc::clone(policy))
    });
    let canned = canned_policies().map(|(arn, policy)| (arn.to_owned(), Arc::clone(policy)));
    users
        .map(|(name, user)| inline("user", name, &user.permissions))
        .chain(groups.map(|(name, group)| inline("group", name, &group.permissions)))
        .chain(roles.map(|(name, role)| inline("role", name, &role.permissions)))
        .find_map(|found| found)
        .or_else(|| {
            own.chain(canned).find_map(|(arn, policy)| Some((arn, has(policy.document()?.compiled())?)))
        })
}
