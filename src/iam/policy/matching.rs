//! Whether a statement is about a request.

use std::borrow::Cow;

use super::decide::Request;
use super::document::{PrincipalName, Principals, Statement};
use crate::iam::Principal;

/// What a request says about itself, asked by the names of condition keys.
pub trait ConditionKeys {
    /// The values of a key, in lower case but for the key of a tag; none where the request does not have it.
    fn values(&self, key: &str) -> Vec<Cow<'_, str>>;

    /// The values that count in place of what is known of the caller, where there are such: those of a request that is imagined.
    fn before_principal(&self, _key: &str) -> Option<Vec<Cow<'_, str>>> {
        None
    }
}

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource<'a> {
    /// No bucket in particular.
    Service,
    /// A bucket.
    Bucket(&'a str),
    /// An object, by bucket and key.
    Object(&'a str, &'a str),
    /// Something of another service, by its ARN.
    Other(&'a str),
}

impl Resource<'_> {
    /// Its ARN.
    pub fn arn(self) -> String {
        match self {
            Self::Service => "arn:aws:s3:::*".into(),
            Self::Bucket(bucket) => format!("arn:aws:s3:::{bucket}"),
            Self::Other(arn) => arn.to_owned(),
            Self::Object(bucket, key) => format!("arn:aws:s3:::{bucket}/{key}"),
        }
    }
}

/// As what a policy or grant of a resource names a caller. The later, the more directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// By the account, which hands it on by policies of its own.
    Account,
    /// By the role whose session calls.
    Role,
    /// As anybody.
    Everybody,
    /// As just this user or session.
    Exactly,
}

/// A request, with what all statements ask of it.
pub(super) struct Asked<'a> {
    pub(super) request: &'a Request<'a>,
    /// ARN of the resource.
    pub(super) resource: String,
    /// ARN of the caller.
    pub(super) caller: Cow<'static, str>,
}

impl ConditionKeys for Asked<'_> {
    fn values(&self, key: &str) -> Vec<Cow<'_, str>> {
        let keys = self.request.keys;
        keys.before_principal(key).unwrap_or_else(|| match self.request.principal.condition_key(key) {
            Some(value) => vec![value],
            None => keys.values(key),
        })
    }
}

impl Statement {
    /// As what the statement names the caller; `None` where it is not about the request.
    pub(super) fn applies(&self, asked: &Asked<'_>) -> Option<Named> {
        let variable = |key: &str| asked.values(key).into_iter().next();
        let one_of = |patterns: &super::document::Patterns,
                      fits: &dyn Fn(&super::pattern::Pattern) -> bool| {
            patterns.patterns.iter().any(fits) != patterns.inverted
        };
        let named = self.principals.name(asked)?;
        let meant = one_of(&self.actions, &|action| action.matches_any_case(asked.request.action, variable))
            && one_of(&self.resources, &|resource| resource.matches(&asked.resource, variable))
            && self.conditions.iter().all(|condition| condition.holds(asked));
        meant.then_some(named)
    }
}

impl Principals {
    fn name(&self, asked: &Asked<'_>) -> Option<Named> {
        let best = |names: &[PrincipalName]| names.iter().filter_map(|name| name.names(asked)).max();
        match self {
            Self::Holder => Some(Named::Exactly),
            Self::These(names) => best(names),
            Self::AllBut(names) => best(names).is_none().then_some(Named::Everybody),
        }
    }
}

impl PrincipalName {
    fn names(&self, asked: &Asked<'_>) -> Option<Named> {
        let principal = asked.request.principal;
        match self {
            Self::Everybody => Some(Named::Everybody),
            Self::Account(id) => {
                principal.account().filter(|account| account.id == *id).map(|_| Named::Account)
            }
            Self::Canonical(id) => principal.is_of(id).then_some(Named::Account),
            Self::Arn(arn) if *arn == asked.caller => Some(Named::Exactly),
            Self::Arn(arn) => match principal {
                Principal::Session(session) if session.role_arn() == *arn => Some(Named::Role),
                _ => None,
            },
            Self::Federated(provider) => {
                let is = matches!(principal, Principal::Federated(of) if **of == **provider);
                is.then_some(Named::Exactly)
            }
            Self::Foreign => None,
        }
    }
}
