//! Whether they are there whom a new trust policy names. A typing error would trust nobody, and later whoever is called so.

use super::Iam;
use super::policy::{NamedAccount, Policy};
use crate::types::AccountId;

impl Iam {
    /// The first account, user or role that a trust policy names and that is not there.
    pub fn unknown_principal(&self, trust: &Policy) -> Option<String> {
        let account = trust.accounts().find_map(|account| match account {
            NamedAccount::Id(id) => self.by_id(&id).is_none().then(|| id.to_string()),
            NamedAccount::Canonical(id) => self.by_canonical_id(&id).is_none().then(|| id.to_string()),
        });
        account.or_else(|| trust.principal_arns().find(|arn| !self.is_there(arn)).map(str::to_owned))
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
