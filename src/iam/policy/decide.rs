//! The decision (AWS: "Policy evaluation logic", "How Amazon S3 authorizes a request").
//!
//! In this order: an explicit deny anywhere ends it; then the side of the resource (its bucket's policy, its ACL) and
//! the side of the caller (its own policies, as far as boundary and session leave them) are asked for an allow. Within
//! one account either side is enough; between two accounts both must allow; nobody in particular has no side of its own, and
//! neither has whom a provider of identities vouches for, who must be named by it.
//!
//! An account's root may do everything on the caller's side, and within its account also on the other. It may always
//! read, write and remove the policies of its buckets, so that no policy locks it out.

use std::slice;

use super::document::{Policy, Statement};
use super::matching::{Asked, ConditionKeys, Named, Resource};
use crate::iam::Principal;
use crate::types::CanonicalId;

/// What is to be decided.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// For which action: `s3:GetObject`.
    pub action: &'a str,
    /// On what.
    pub resource: Resource<'a>,
    /// Whose bucket it is, or is in.
    pub bucket_owner: &'a CanonicalId,
    /// Whose the resource itself is: an object may belong to another account than its bucket.
    pub owner: &'a CanonicalId,
    /// The rest.
    pub keys: &'a dyn ConditionKeys,
}

/// All that has a say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policies<'a> {
    /// Of the user and its groups, or of the role.
    pub identity: &'a [&'a Policy],
    /// What `identity` allows at most.
    pub boundary: Option<&'a Policy>,
    /// What a session's policies allow at most; empty where it has none.
    pub session: &'a [&'a Policy],
    /// Of the bucket.
    pub bucket: Option<&'a Policy>,
    /// The bucket's policy allows nothing to other accounts (`RestrictPublicBuckets`).
    pub bucket_is_restricted: bool,
    /// What the ACL of the resource grants.
    pub acl: Option<Named>,
}

/// Where a decision comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The caller's own policies.
    Identity,
    /// The bound of these.
    Boundary,
    /// The session's policies.
    Session,
    /// The bucket's policy.
    Resource,
}

/// Why it was decided so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reason<'p> {
    /// The account's root asked for what is the account's own.
    Root,
    /// This statement allows it.
    Allowed(Source, &'p Statement),
    /// An ACL grants it.
    Acl,
    /// This statement denies it.
    Denied(Source, &'p Statement),
    /// Nothing from here allows it.
    NotAllowed(Source),
}

impl Reason<'_> {
    /// Why an action is refused, in the words of AWS.
    pub fn because(&self, action: &str) -> String {
        let deny = |of: &str| format!("with an explicit deny in {of}");
        match self {
            Self::Denied(Source::Identity, _) => deny("an identity-based policy"),
            Self::Denied(Source::Boundary, _) => deny("a permissions boundary"),
            Self::Denied(Source::Session, _) => deny("a session policy"),
            Self::Denied(Source::Resource, _) => deny("a resource-based policy"),
            Self::NotAllowed(source) => {
                let kind = match source {
                    Source::Identity => "identity-based policy",
                    Source::Boundary => "permissions boundary",
                    Source::Session => "session policy",
                    Source::Resource => "resource-based policy",
                };
                format!("because no {kind} allows the {action} action")
            }
            Self::Root | Self::Allowed(..) | Self::Acl => String::new(),
        }
    }
}

/// Whether it may be done, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision<'p> {
    /// It may.
    pub allowed: bool,
    /// Why, or why not.
    pub reason: Reason<'p>,
}

impl<'p> Decision<'p> {
    fn yes(reason: Reason<'p>) -> Self {
        Self { allowed: true, reason }
    }

    fn no(reason: Reason<'p>) -> Self {
        Self { allowed: false, reason }
    }
}

/// What the root of a bucket's account may always do.
const ALWAYS_ROOTS: [&str; 3] = ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"];

/// Decides. Without policies an account's root is let through at once.
pub fn decide<'p>(request: &Request<'_>, policies: &Policies<'p>) -> Decision<'p> {
    let root_of = |owner| matches!(request.principal, Principal::Root(_)) && request.principal.is_of(owner);
    let untouched = policies.bucket.is_none() && policies.boundary.is_none() && policies.identity.is_empty();
    if untouched && policies.session.is_empty() && root_of(request.owner) {
        return Decision::yes(Reason::Root);
    }
    if root_of(request.bucket_owner) && ALWAYS_ROOTS.contains(&request.action) {
        return Decision::yes(Reason::Root);
    }
    let asked = Asked { request, resource: request.resource.arn(), caller: request.principal.arn() };
    if let Some((source, statement)) = denied(&asked, policies) {
        return Decision::no(Reason::Denied(source, statement));
    }
    let resource = resource_side(&asked, policies);
    match request.principal {
        Principal::Anonymous => match resource {
            Some((Named::Everybody, reason)) => Decision::yes(reason),
            _ => Decision::no(Reason::NotAllowed(Source::Resource)),
        },
        Principal::Federated(_) => match resource {
            Some((Named::Exactly, reason)) => Decision::yes(reason),
            _ => Decision::no(Reason::NotAllowed(Source::Resource)),
        },
        Principal::Root(_) if root_of(request.owner) => Decision::yes(Reason::Root),
        Principal::Root(_) => match resource {
            Some((_, reason)) => Decision::yes(reason),
            None => Decision::no(Reason::NotAllowed(Source::Resource)),
        },
        Principal::User(_) | Principal::Session(_) if request.principal.is_of(request.owner) => {
            within_account(&asked, policies, resource)
        }
        Principal::User(_) | Principal::Session(_) => {
            let Some((_, reason)) = resource else {
                return Decision::no(Reason::NotAllowed(Source::Resource));
            };
            let own = caller_side(&asked, policies);
            if own.allowed { Decision::yes(reason) } else { own }
        }
    }
}

fn denied<'p>(asked: &Asked<'_>, policies: &Policies<'p>) -> Option<(Source, &'p Statement)> {
    let of = |source, policies: &[&'p Policy]| {
        let mut statements = policies.iter().flat_map(|policy| policy.statements.iter());
        let found = statements.find(|statement| !statement.allows && statement.applies(asked).is_some());
        found.map(|statement| (source, statement))
    };
    of(Source::Identity, policies.identity)
        .or_else(|| of(Source::Boundary, policies.boundary.as_slice()))
        .or_else(|| of(Source::Session, policies.session))
        .or_else(|| of(Source::Resource, policies.bucket.as_slice()))
}

/// The statement that allows it and names the caller most directly.
fn allowing<'p>(asked: &Asked<'_>, policies: &[&'p Policy]) -> Option<(Named, &'p Statement)> {
    let statements = policies.iter().flat_map(|policy| policy.statements.iter());
    let allowing = statements.filter(|statement| statement.allows);
    let named = allowing.filter_map(|statement| Some((statement.applies(asked)?, statement)));
    named.max_by_key(|(named, _)| *named)
}

/// What the bucket's policy and the ACL say. A policy speaks for what its own account owns.
fn resource_side<'p>(asked: &Asked<'_>, policies: &Policies<'p>) -> Option<(Named, Reason<'p>)> {
    let Request { principal, bucket_owner, owner, .. } = asked.request;
    let bound = policies.bucket_is_restricted && !principal.is_of(bucket_owner);
    let speaking = policies.bucket.filter(|_| bucket_owner == owner && !bound);
    let policy = speaking.and_then(|policy| allowing(asked, slice::from_ref(&policy)));
    let policy = policy.map(|(named, statement)| (named, Reason::Allowed(Source::Resource, statement)));
    let acl = policies.acl.map(|named| (named, Reason::Acl));
    policy.into_iter().chain(acl).max_by_key(|(named, _)| *named)
}

/// What the caller's own policies say, as far as boundary and session leave them.
fn caller_side<'p>(asked: &Asked<'_>, policies: &Policies<'p>) -> Decision<'p> {
    let Some((_, statement)) = allowing(asked, policies.identity) else {
        return Decision::no(Reason::NotAllowed(Source::Identity));
    };
    match exceeded(asked, policies) {
        Some(source) => Decision::no(Reason::NotAllowed(source)),
        None => Decision::yes(Reason::Allowed(Source::Identity, statement)),
    }
}

/// The bound that leaves the request out.
fn exceeded(asked: &Asked<'_>, policies: &Policies<'_>) -> Option<Source> {
    if policies.boundary.is_some() && allowing(asked, policies.boundary.as_slice()).is_none() {
        return Some(Source::Boundary);
    }
    is_outside_session(asked, policies).then_some(Source::Session)
}

/// Whether the session's policies leave the request out.
fn is_outside_session(asked: &Asked<'_>, policies: &Policies<'_>) -> bool {
    !policies.session.is_empty() && allowing(asked, policies.session).is_none()
}

/// Within an account the bucket's policy alone is enough, if it names more than the account. A role's session stays
/// within its bounds even then, unless it is named itself; the access key of a program, which nothing can name, always.
fn within_account<'p>(
    asked: &Asked<'_>,
    policies: &Policies<'p>,
    resource: Option<(Named, Reason<'p>)>,
) -> Decision<'p> {
    let Some((named, reason)) = resource.filter(|(named, _)| *named > Named::Account) else {
        return caller_side(asked, policies);
    };
    let bound = match asked.request.principal {
        Principal::Session(_) if named < Named::Exactly => exceeded(asked, policies),
        Principal::User(_) if is_outside_session(asked, policies) => Some(Source::Session),
        Principal::Session(_)
        | Principal::User(_)
        | Principal::Root(_)
        | Principal::Federated(_)
        | Principal::Anonymous => None,
    };
    match bound {
        Some(source) => Decision::no(Reason::NotAllowed(source)),
        None => Decision::yes(reason),
    }
}
