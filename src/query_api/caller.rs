//! Who calls, and whether that may do something.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::error::{Error, Result};
use super::form::Form;
use crate::iam::identities::{Grants, Identities, IdentityError};
use crate::iam::policy::{ConditionKeys, Decision, Policies, Policy, Request, Resource, decide};
use crate::iam::{Account, Iam, Identity, KeyKind, Principal, RequestFacts, User};
use crate::metadata::Store;
use crate::types::{CanonicalId, Timestamp};

/// A verified request.
pub(super) struct Call<'a> {
    pub(super) iam: &'a Iam,
    pub(super) store: &'a Store,
    pub(super) identity: Arc<Identity>,
    /// The account of who calls.
    pub(super) account: Arc<Account>,
    pub(super) form: Form,
    pub(super) now: Timestamp,
    pub(super) peer: IpAddr,
    pub(super) is_secure: bool,
    pub(super) region: String,
    pub(super) user_agent: Option<String>,
}

/// What an operation says about itself to conditions: names in lower case, and values.
pub(super) type Keys = Vec<(String, String)>;

/// Tags that a request gives, as conditions name them.
pub(super) fn keys_of_tags(tags: &[(String, String)]) -> Keys {
    let values = tags.iter().map(|(key, value)| (format!("aws:requesttag/{key}"), value.clone()));
    values.chain(tags.iter().map(|(key, _)| ("aws:tagkeys".to_owned(), key.clone()))).collect()
}

/// The values that are given to a condition key.
fn given<'k>(keys: &'k Keys, key: &str) -> Vec<Cow<'k, str>> {
    let fitting = keys.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key));
    fitting.map(|(_, value)| value.as_str().into()).collect()
}

struct Asked<'a> {
    call: &'a Call<'a>,
    keys: &'a Keys,
}

impl ConditionKeys for Asked<'_> {
    fn values(&self, key: &str) -> Vec<Cow<'_, str>> {
        let given = given(self.keys, key);
        if given.is_empty() { self.call.facts().value(key).into_iter().collect() } else { given }
    }
}

/// Whom a simulation is of.
#[derive(Debug)]
pub(super) enum Simulated {
    /// This user, or this session of a role.
    Caller(Principal),
    /// Nobody in particular: somebody of a group, or who has just the policies that are given.
    Somebody,
}

/// Whose the resources of a simulation are, and the policy that each of them has.
#[derive(Debug)]
pub(super) struct SimulatedResource {
    pub(super) owner: CanonicalId,
    pub(super) policy: Option<Policy>,
}

/// A request that nobody makes.
struct Imagined<'a> {
    call: &'a Call<'a>,
    keys: &'a Keys,
    /// Who stands for nobody in particular, of whom there is nothing to know.
    somebody: Option<&'a Principal>,
}

impl ConditionKeys for Imagined<'_> {
    fn values(&self, key: &str) -> Vec<Cow<'_, str>> {
        self.call.facts().value(key).into_iter().collect()
    }

    fn before_principal(&self, key: &str) -> Option<Vec<Cow<'_, str>>> {
        let given = given(self.keys, key);
        let is_unknown = self.somebody.is_some_and(|somebody| somebody.condition_key(key).is_some());
        (!given.is_empty() || is_unknown).then_some(given)
    }
}

impl<'a> Call<'a> {
    /// What conditions see of the request.
    fn facts(&self) -> RequestFacts<'_> {
        let (now, peer, is_secure) = (self.now, self.peer, self.is_secure);
        RequestFacts { now, peer, is_secure, region: &self.region, user_agent: self.user_agent.as_deref() }
    }

    /// Refuses unless the caller may do this to something of its own account.
    pub(super) fn authorize(&self, action: &str, resource: &str) -> Result<()> {
        self.authorize_with(action, resource, &Vec::new())
    }

    /// As [`Self::authorize`]; conditions see these keys too.
    pub(super) fn authorize_with(&self, action: &str, resource: &str, keys: &Keys) -> Result<()> {
        if self.identity.kind == KeyKind::SessionToken {
            return Err(Error::unknown_caller());
        }
        let owner = self.account.canonical_id;
        self.decide((action, resource, keys), (&owner, None, &self.identity.grants), |decision| {
            self.refusal((action, resource), decision)
        })
    }

    /// Decides; `trust` is the resource's own policy where it has one.
    pub(super) fn decide<T>(
        &self,
        (action, resource, keys): (&str, &str, &Keys),
        (owner, trust, grants): (&CanonicalId, Option<&Policy>, &Grants),
        then: impl FnOnce(&Decision<'_>) -> T,
    ) -> T {
        let identity: Vec<_> = grants.identity.iter().map(Arc::as_ref).collect();
        let session: Vec<_> = grants.session.iter().map(Arc::as_ref).collect();
        let boundary = grants.boundary.as_deref();
        let policies = Policies {
            identity: &identity,
            boundary,
            session: &session,
            bucket: trust,
            ..Policies::default()
        };
        let principal = self.principal();
        let keys = &Asked { call: self, keys };
        let resource = Resource::Other(resource);
        then(&decide(&Request { principal, action, resource, bucket_owner: owner, owner, keys }, &policies))
    }

    /// Decides for somebody of the caller's account who has these policies alone, and the policy of the resource. What is given to
    /// condition keys counts in place of what is known.
    pub(super) fn simulate<T>(
        &self,
        (action, resource, keys): (&str, &str, &Keys),
        (who, grants, on): (&Simulated, &Grants, &SimulatedResource),
        then: impl FnOnce(&Decision<'_>) -> T,
    ) -> T {
        let identity: Vec<_> = grants.identity.iter().map(Arc::as_ref).collect();
        let (boundary, bucket) = (grants.boundary.as_deref(), on.policy.as_ref());
        let policies = Policies { identity: &identity, boundary, bucket, ..Policies::default() };
        let somebody = self.somebody();
        let (principal, somebody) = match who {
            Simulated::Caller(principal) => (principal, None),
            Simulated::Somebody => (&somebody, Some(&somebody)),
        };
        let owner = &on.owner;
        let keys = &Imagined { call: self, keys, somebody };
        let resource = Resource::Other(resource);
        then(&decide(&Request { principal, action, resource, bucket_owner: owner, owner, keys }, &policies))
    }

    /// A user of the caller's account who is none of those that are there.
    fn somebody(&self) -> Principal {
        let (account, path, tags) = (self.account.clone(), "/".into(), BTreeMap::new());
        let (id, name, token_issued) = (String::new(), String::new(), None);
        Principal::User(Arc::new(User { account, id, path, name, tags, token_issued }))
    }

    /// What a decision comes to, in the words of AWS.
    pub(super) fn refusal(&self, (action, resource): (&str, &str), decision: &Decision<'_>) -> Result<()> {
        if decision.allowed {
            return Ok(());
        }
        let words = format!(
            "User: {} is not authorized to perform: {action} on resource: {resource} {}",
            self.principal().arn(),
            decision.reason.because(action)
        );
        let asked = (action, resource.to_owned());
        Err(Error::denied(words).with_why(self.iam.explain(self.principal(), asked, &decision.reason, None)))
    }

    /// Who calls.
    pub(super) fn principal(&self) -> &Principal {
        &self.identity.principal
    }

    /// What is in the account of who calls.
    pub(super) fn identities(&self) -> Arc<Identities> {
        self.iam.identities(&self.account.id)
    }

    /// Changes what is in the account of who calls.
    pub(super) async fn change<T>(
        &self,
        decide: impl FnMut(&mut Identities) -> std::result::Result<T, IdentityError>,
    ) -> Result<T> {
        Ok(self.iam.change_identities(self.store, &self.account.id, decide).await?)
    }

    /// The ARN of something in the account of who calls.
    pub(super) fn arn(&self, kind: &str, path: &str, name: &str) -> String {
        format!("arn:aws:iam::{}:{kind}{path}{name}", self.account.id)
    }

    /// The user that is named, else the one who calls.
    pub(super) fn user_name(&self) -> Result<String> {
        match (self.form.get("UserName"), self.principal()) {
            (Some(name), _) => Ok(name.to_owned()),
            (None, Principal::User(user)) => Ok(user.name.clone()),
            (None, _) => Err(Error::invalid("Must specify userName when calling with non-User credentials")),
        }
    }
}
