//! Which role somebody from a provider may take (AWS: "AssumeRoleWithWebIdentity"), whatever kind of provider vouches.

use std::borrow::Cow;
use std::sync::Arc;

use super::identity::WebIdentity;
use crate::iam::identities::Role;
use crate::iam::policy::{ConditionKeys, Grammar, Policies, Policy, Request, Resource, decide};
use crate::iam::{
    Account, AccountError, Iam, NewSession, Principal, RequestFacts, RoleSession, SessionOf, SessionPolicy,
    SessionTimes, TemporaryCredentials,
};
use crate::types::AccountId;

/// A role, and whose it is.
#[derive(Debug, Clone)]
pub struct RoleOf {
    /// The account.
    pub account: Arc<Account>,
    /// The role.
    pub role: Arc<Role>,
}

impl RoleOf {
    /// What names a session of it.
    pub fn session_arn(&self, session: &str) -> String {
        format!("arn:aws:sts::{}:assumed-role/{}/{session}", self.account.id, self.role.named.name)
    }

    fn arn(&self) -> String {
        let named = &self.role.named;
        format!("arn:aws:iam::{}:role{}{}", self.account.id, named.path, named.name)
    }
}

/// What a trust policy's conditions see.
struct Asked<'a> {
    facts: &'a RequestFacts<'a>,
    keys: Vec<(String, String)>,
}

impl ConditionKeys for Asked<'_> {
    fn values(&self, key: &str) -> Vec<Cow<'_, str>> {
        match self.facts.value(key) {
            Some(value) => vec![value],
            None => {
                let fitting = self.keys.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key));
                fitting.map(|(_, value)| value.as_str().into()).collect()
            }
        }
    }
}

impl Iam {
    /// The role of an ARN.
    pub fn role_by_arn(&self, arn: &str) -> Option<RoleOf> {
        let mut parts = arn.strip_prefix("arn:aws:iam::")?.splitn(2, ':');
        let account = self.by_id(&AccountId::parse(parts.next()?)?)?;
        let path_and_name = parts.next()?.strip_prefix("role")?;
        let role = self.identities(&account.id).role(path_and_name.rsplit('/').next()?).ok()?.clone();
        let is = format!("{}{}", role.named.path, role.named.name) == path_and_name;
        is.then_some(RoleOf { account, role })
    }

    /// The role of an ARN, if its trust policy lets somebody from a provider take it. It must name the provider itself:
    /// trust in everybody is none in those whom nobody here knows.
    pub fn role_for(
        &self,
        arn: &str,
        (who, session): (&WebIdentity, &str),
        facts: &RequestFacts<'_>,
    ) -> Option<RoleOf> {
        let of = self.role_by_arn(arn)?;
        let trust = Policy::parse(of.role.trust.as_bytes(), Grammar::Trust).ok()?;
        let provider = who.provider_arn(&of.account.id);
        let mut keys: Vec<_> = who.condition_keys().collect();
        keys.push(("sts:rolesessionname".into(), session.to_owned()));
        keys.extend(who.source_identity.iter().map(|name| ("sts:sourceidentity".to_owned(), name.clone())));
        let owner = &of.account.canonical_id;
        let (principal, keys) = (&Principal::Federated(provider.into()), &Asked { facts, keys });
        let policies = Policies { bucket: Some(&trust), ..Policies::default() };
        let is_trusted = |action| {
            let (resource, bucket_owner) = (Resource::Other(arn), owner);
            decide(&Request { principal, action, resource, bucket_owner, owner, keys }, &policies).allowed
        };
        let names_itself = who.source_identity.as_ref().map(|_| "sts:SetSourceIdentity");
        let mut actions = [who.kind.action()].into_iter().chain(names_itself);
        actions.all(is_trusted).then_some(of)
    }

    /// The roles that a provider names for somebody: of the first account, by name, or of any by ARN.
    pub fn roles_named_for(&self, who: &WebIdentity) -> impl Iterator<Item = String> {
        let first = self.first();
        let identities = self.identities(&first.id);
        who.roles.iter().filter_map(move |name| {
            if name.starts_with("arn:") {
                return Some(name.clone());
            }
            let role = identities.role(name).ok()?.clone();
            Some(RoleOf { account: first.clone(), role }.arn())
        })
    }

    /// The first of the roles that a provider names for somebody which that may take.
    pub fn role_named_for(
        &self,
        (who, session): (&WebIdentity, &str),
        facts: &RequestFacts<'_>,
    ) -> Option<RoleOf> {
        self.roles_named_for(who).find_map(|arn| self.role_for(&arn, (who, session), facts))
    }

    /// Begins a session of a role that may be taken.
    pub fn begin_role_session(
        &self,
        of: &RoleOf,
        session: RoleSession<'_>,
        policies: Vec<SessionPolicy>,
        times: SessionTimes,
    ) -> Result<TemporaryCredentials, AccountError> {
        let named = &of.role.named;
        let (name, id) = (named.name.clone(), named.id.clone());
        let source_identity = session.source_identity.map(str::to_owned);
        let (session, tags) = (session.name.to_owned(), session.tags.to_vec());
        let (account, of) = (of.account.id.clone(), SessionOf::Role { name, id, session, tags });
        self.begin_session(NewSession { account, of, source_identity, policies, times })
    }
}
