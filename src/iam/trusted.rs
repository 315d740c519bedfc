//! Whether they are there whom a new trust policy names. A typing error would trust nobody, and later whoever is called so.

use std::fmt;

use super::Iam;
use super::policy::{NamedAccount, Policy};
use crate::types::AccountId;

/// Somebody whom a trust policy names and who is not there; shown as AWS shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownPrincipal {
    /// An account, a user or a role.
    Aws(String),
    /// A provider of identities.
    Federated(String),
}

impl fmt::Display for UnknownPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = match self {
            Self::Aws(name) => ("AWS", name),
            Self::Federated(name) => ("FEDERATED", name),
        };
        write!(f, "\"{kind}\":\"{name}\"")
    }
}

impl Iam {
    /// The first account, user, role or provider that is not there, of those that the trust policy of a role of this account names.
    pub fn unknown_principal(&self, trust: &Policy, of: &AccountId) -> Option<UnknownPrincipal> {
        let account = trust.accounts().find_map(|account| match account {
            NamedAccount::Id(id) => self.by_id(&id).is_none().then(|| id.to_string()),
            NamedAccount::Canonical(id) => self.by_canonical_id(&id).is_none().then(|| id.to_string()),
        });
        let named = || trust.principal_arns().find(|arn| !self.is_there(arn)).map(str::to_owned);
        let provider = || trust.federated().find(|provider| !self.has_provider(provider, of));
        account
            .or_else(named)
            .map(UnknownPrincipal::Aws)
            .or_else(|| provider().map(|provider| UnknownPrincipal::Federated(provider.to_owned())))
    }

    /// Whether an ARN is that of a provider in this account. A domain names one that AWS alone has, and trusts nobody here.
    fn has_provider(&self, provider: &str, of: &AccountId) -> bool {
        !provider.starts_with("arn:") || self.federation().provider_arns(of).any(|arn| arn == provider)
    }

    /// Whether there is a user or role of this ARN. Of sessions, which come and go, it is enough that there is the account.
    fn is_there(&self, arn: &str) -> bool {
        let Some((account, name)) = arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(':'))
        else {
            return true;
        };
        let Some(account) = AccountId::parse(account).and_then(|id| self.by_id(&id)) else { return false };
        let identities = self.identities(&account.id);
        let last = name.rsplit('/').next().unwrap_or_default();
        let named = match name.split_once('/') {
            Some(("user", _)) => identities.user(last).map(|user| &user.named),
            Some(("role", _)) => identities.role(last).map(|role| &role.named),
            _ => return false,
        };
        let is = |path: &str, own: &str| name.split_once(path).is_some_and(|(_, rest)| rest == own);
        named.is_ok_and(|named| is(&named.path, &named.name))
    }
}
