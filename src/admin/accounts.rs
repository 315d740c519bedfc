//! Accounts and access keys in the admin API.

use std::sync::Arc;

use super::Refusal;
use super::api::{AccountList, AccountReport, AddAccount, AddKey, Done, KeyList, KeyReport, NewKey, Nothing};
use super::route::KeyChange;
use crate::iam::{Account, AccountError, Credentials, Iam};
use crate::metadata::MetadataError;
use crate::object::Engine;
use crate::types::AccountId;

type Result<T> = std::result::Result<T, Refusal>;

/// Carries out what root asks for.
#[derive(Debug)]
pub(super) struct Accounts {
    engine: Arc<Engine>,
    iam: Arc<Iam>,
}

impl Accounts {
    pub(super) fn new(engine: Arc<Engine>, iam: Arc<Iam>) -> Self {
        Self { engine, iam }
    }

    /// The first account, then the others by name.
    pub(super) fn list(&self) -> Result<AccountList> {
        let store = self.engine.metadata();
        let refuse = |error| refusal(AccountError::Metadata(error));
        let buckets = store.buckets().map_err(refuse)?;
        let first = self.iam.first();
        let report = |account: &Account| {
            let owns = |owner: Option<_>| owner.unwrap_or(first.canonical_id) == account.canonical_id;
            AccountReport {
                id: account.id.to_string(),
                canonical_id: account.canonical_id.to_string(),
                name: account.name.clone(),
                email: account.email.clone(),
                buckets: buckets.iter().filter(|bucket| owns(bucket.owner)).count() as u64,
            }
        };
        let others = self.iam.others();
        let all = std::iter::once(first).chain(&others);
        Ok(AccountList { accounts: all.map(|account| report(account)).collect() })
    }

    /// Makes an account with its first access key.
    pub(super) async fn add(&self, request: AddAccount) -> Result<NewKey> {
        let named = (request.name.as_str(), request.email.as_deref());
        let made = self.iam.create_account(self.engine.metadata(), named, self.engine.now()).await;
        let made = made.map_err(refusal)?;
        Ok(new_key(&made.account.id, made.credentials))
    }

    /// Removes an account that owns no bucket.
    pub(super) async fn remove(&self, id: &str, _: Nothing) -> Result<Done> {
        let removed = self.iam.remove_account(self.engine.metadata(), account_id(id)?).await;
        removed.map(|()| Done { done: true }).map_err(refusal)
    }

    /// All access keys that are kept in the metadata.
    pub(super) fn list_keys(&self) -> Result<KeyList> {
        let keys = self.engine.metadata().access_keys();
        let keys = keys.map_err(|error| refusal(AccountError::Metadata(error)))?.into_iter();
        let report = |key: crate::metadata::AccessKeyRow| KeyReport {
            access_key: key.access_key,
            account: key.account.to_string(),
            active: key.active,
        };
        Ok(KeyList { keys: keys.map(report).collect() })
    }

    /// Gives an account one more access key.
    pub(super) async fn add_key(&self, request: AddKey) -> Result<NewKey> {
        let id = account_id(&request.account)?;
        let made = self.iam.create_access_key(self.engine.metadata(), id.clone(), self.engine.now()).await;
        Ok(new_key(&id, made.map_err(refusal)?))
    }

    /// Switches an access key off or on, or removes it.
    pub(super) async fn change_key(&self, key: String, change: KeyChange, _: Nothing) -> Result<Done> {
        let store = self.engine.metadata();
        let changed = match change {
            KeyChange::Disable => self.iam.set_access_key(store, key, false).await,
            KeyChange::Enable => self.iam.set_access_key(store, key, true).await,
            KeyChange::Remove => self.iam.remove_access_key(store, key).await,
        };
        changed.map(|()| Done { done: true }).map_err(refusal)
    }
}

fn new_key(account: &AccountId, credentials: Credentials) -> NewKey {
    let Credentials { access_key, secret } = credentials;
    NewKey { account: account.to_string(), access_key, secret_key: secret }
}

fn account_id(text: &str) -> Result<AccountId> {
    AccountId::parse(text).ok_or_else(|| {
        Refusal::BadRequest(format!(
            "{text} is no account; accounts are the 12 digits that `account list` shows"
        ))
    })
}

fn refusal(error: AccountError) -> Refusal {
    match error {
        AccountError::Name | AccountError::Email => Refusal::BadRequest(error.to_string()),
        AccountError::First => Refusal::Conflict(error.to_string()),
        AccountError::Locked => Refusal::Unavailable(format!("{error}; the log of the server says more")),
        AccountError::Metadata(error) => match error {
            MetadataError::NoSuchAccount => {
                Refusal::NotFound("there is no such account; `account list` shows all".into())
            }
            MetadataError::NoSuchAccessKey => {
                Refusal::NotFound("there is no such access key; `key list` shows all".into())
            }
            MetadataError::AccountExists => {
                Refusal::Conflict("there is an account of this name or address; choose another".into())
            }
            MetadataError::AccountOwnsBuckets => {
                Refusal::Conflict("the account owns buckets; remove these first".into())
            }
            MetadataError::TooManyAccounts | MetadataError::TooManyAccessKeys => {
                Refusal::Conflict(format!("{error}; remove one first"))
            }
            error => {
                tracing::warn!(%error, "admin request failed");
                Refusal::Unavailable("the metadata cannot be used now; the log of the server says why".into())
            }
        },
    }
}
