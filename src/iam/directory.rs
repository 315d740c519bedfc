//! All accounts and access keys, kept in memory so that a request looks up nothing. The rows lead: whatever changes one
//! has all of them read again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

use super::principal::{Account, Principal};
use super::secrets::Secrets;
use crate::checksum::Sha256;
use crate::metadata::{AccessKeyRow, AccountRow, MetadataError, Mutation, Store};
use crate::runtime::random_bytes;
use crate::sealing::RootKey;
use crate::sigv4::SigningSecret;
use crate::types::{AccountId, CanonicalId, Secret, StoredSecret, Timestamp};

/// Letters and digits of the longest name of an account.
const NAME_CHARS_MAX: usize = 50;

/// The longest address of an account, in bytes (RFC 5321).
const EMAIL_BYTES_MAX: usize = 254;

/// An access key and its secret.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Public name of the pair.
    pub access_key: String,
    /// What signatures are made with.
    pub secret: Secret,
}

/// What an access key leads to.
#[derive(Debug)]
pub struct Identity {
    /// What signatures are made with.
    pub secret: SigningSecret,
    /// Who signs with it.
    pub principal: Principal,
}

/// Why accounts or access keys were not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name cannot be one.
    #[error(
        "an account's name is 1 to {NAME_CHARS_MAX} letters, digits and any of +=,.@_- and spaces within"
    )]
    Name,
    /// The address cannot be one.
    #[error("that is no e-mail address")]
    Email,
    /// The first account and its pair stand in the configuration.
    #[error("the first account and its access key are part of the configuration; change them there")]
    First,
    /// Secrets cannot be sealed.
    #[error("the deployment's encryption key is missing, and secrets are kept under it alone")]
    Locked,
    /// The metadata refused.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// An account that was made, with the only sight of its secret.
#[derive(Debug)]
pub struct NewAccount {
    /// The account.
    pub account: Arc<Account>,
    /// Its first access key.
    pub credentials: Credentials,
}

/// The accounts of this deployment.
#[derive(Debug)]
pub struct Iam {
    root: (String, Arc<Identity>),
    first: Arc<Account>,
    secrets: Secrets,
    known: ArcSwap<Known>,
    /// Held while the rows are read again, so that the last to change one is the last to be noted.
    renewing: Mutex<()>,
}

/// What the metadata has.
#[derive(Debug, Default)]
struct Known {
    /// By name.
    accounts: Vec<Arc<Account>>,
    by_id: HashMap<AccountId, Arc<Account>>,
    by_canonical_id: HashMap<CanonicalId, Arc<Account>>,
    keys: HashMap<String, Arc<Identity>>,
}

impl Iam {
    /// Knows the first account alone.
    pub fn new(root: Credentials) -> Self {
        Self::with_secrets(root, Secrets::default())
    }

    fn with_secrets(root: Credentials, secrets: Secrets) -> Self {
        let digest = Sha256::digest(b"holdfast account: root");
        let number =
            u64::from_be_bytes([0, 0, digest[0], digest[1], digest[2], digest[3], digest[4], digest[5]]);
        let first = Arc::new(Account {
            id: AccountId::from_number(number),
            canonical_id: CanonicalId(digest),
            name: "root".into(),
            email: None,
        });
        let principal = Principal::Root(first.clone());
        let root =
            (root.access_key, Arc::new(Identity { secret: SigningSecret::new(root.secret), principal }));
        Self { root, first, secrets, known: ArcSwap::default(), renewing: Mutex::default() }
    }

    /// Knows all accounts. Secrets are sealed under the deployment's key: without it nobody but the first account's root
    /// is known.
    pub async fn open(
        root: Credentials,
        store: &Store,
        deployment_key: Option<&RootKey>,
    ) -> Result<Self, MetadataError> {
        let iam = Self::with_secrets(root, Secrets::new(deployment_key));
        iam.reseal(store).await?;
        iam.renew(store)?;
        Ok(iam)
    }

    /// Whether something is sealed under the deployment's key already, so that no other may be made.
    pub fn has_sealed(store: &Store) -> Result<bool, MetadataError> {
        let is_sealed = |key: &AccessKeyRow| matches!(key.secret, StoredSecret::Sealed(_));
        Ok(store.access_keys()?.iter().any(is_sealed))
    }

    /// Seals what earlier releases kept as it is.
    async fn reseal(&self, store: &Store) -> Result<(), MetadataError> {
        for AccessKeyRow { access_key, secret, .. } in store.access_keys()? {
            let StoredSecret::Plain(plain) = secret else { continue };
            let Some(secret) = self.secrets.seal(&access_key, &plain) else { return Ok(()) };
            store.commit(Mutation::ResealAccessKey { access_key, secret }).await?;
        }
        Ok(())
    }

    /// Reads all accounts and keys again.
    fn renew(&self, store: &Store) -> Result<(), MetadataError> {
        let _renewing = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        let accounts: Vec<_> = store.accounts()?.into_iter().map(|row| Arc::new(account_of(row))).collect();
        let by_id: HashMap<_, _> =
            accounts.iter().map(|account| (account.id.clone(), account.clone())).collect();
        let keys = store.access_keys()?.into_iter().filter(|key| key.active);
        let mut sealed = 0;
        let found = |key: AccessKeyRow| {
            let account = by_id.get(&key.account)?;
            let principal = Principal::Root(account.clone());
            let Some(secret) = self.secrets.open(&key.access_key, &key.secret) else {
                sealed += 1;
                return None;
            };
            let secret = SigningSecret::new(secret);
            Some((key.access_key, Arc::new(Identity { secret, principal })))
        };
        let keys = keys.filter_map(found).collect();
        if sealed > 0 {
            tracing::error!(
                access_keys = sealed,
                "access keys are not known: the deployment's encryption key is missing or is not the one that their \
                 secrets are sealed under"
            );
        }
        let named = |account: &Arc<Account>| (account.canonical_id, account.clone());
        let by_canonical_id = accounts.iter().map(named).collect();
        self.known.store(Arc::new(Known { keys, by_id, by_canonical_id, accounts }));
        Ok(())
    }

    /// Who signs with an access key; none with one that is not active.
    pub fn find(&self, access_key: &str) -> Option<Arc<Identity>> {
        if access_key == self.root.0 {
            return Some(self.root.1.clone());
        }
        self.known().keys.get(access_key).cloned()
    }

    /// The account whose root is the pair of the configuration. It owns what nobody else is said to own.
    pub fn first(&self) -> &Arc<Account> {
        &self.first
    }

    /// All other accounts by name.
    pub fn others(&self) -> Vec<Arc<Account>> {
        self.known().accounts.clone()
    }

    /// The account of this canonical id.
    pub fn by_canonical_id(&self, id: &CanonicalId) -> Option<Arc<Account>> {
        let first = Some(&self.first).filter(|first| first.canonical_id == *id);
        first.cloned().or_else(|| self.known().by_canonical_id.get(id).cloned())
    }

    /// The account of this number.
    pub fn by_id(&self, id: &AccountId) -> Option<Arc<Account>> {
        let first = Some(&self.first).filter(|first| first.id == *id);
        first.cloned().or_else(|| self.known().by_id.get(id).cloned())
    }

    /// The account of this address.
    pub fn by_email(&self, email: &str) -> Option<Arc<Account>> {
        let is = |account: &&Arc<Account>| {
            account.email.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(email))
        };
        self.known().accounts.iter().find(is).cloned()
    }

    fn known(&self) -> Guard<Arc<Known>> {
        self.known.load()
    }

    /// Makes an account with its first access key.
    pub async fn create_account(
        &self,
        store: &Store,
        (name, email): (&str, Option<&str>),
        now: Timestamp,
    ) -> Result<NewAccount, AccountError> {
        check_name(name)?;
        email.map_or(Ok(()), check_email)?;
        if name == self.first.name {
            return Err(MetadataError::AccountExists.into());
        }
        let row = AccountRow {
            id: AccountId::from_number(u64::from_le_bytes(random_bytes())),
            canonical_id: CanonicalId(random_bytes()),
            name: name.to_owned(),
            email: email.map(str::to_ascii_lowercase),
            created: now,
        };
        let credentials = new_credentials();
        let key = self.key_row(&credentials, row.id.clone(), now)?;
        let account = Arc::new(account_of(row.clone()));
        self.change(store, Mutation::CreateAccount { account: row, key }).await?;
        Ok(NewAccount { account, credentials })
    }

    /// Removes an account that owns no bucket, with its access keys.
    pub async fn remove_account(&self, store: &Store, account: AccountId) -> Result<(), AccountError> {
        if account == self.first.id {
            return Err(AccountError::First);
        }
        self.change(store, Mutation::RemoveAccount { account }).await
    }

    /// Gives an account one more access key; its secret is never seen again.
    pub async fn create_access_key(
        &self,
        store: &Store,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Credentials, AccountError> {
        if account == self.first.id {
            return Err(AccountError::First);
        }
        let credentials = new_credentials();
        let key = self.key_row(&credentials, account, now)?;
        self.change(store, Mutation::CreateAccessKey { key }).await?;
        Ok(credentials)
    }

    /// Has an access key believed, or not.
    pub async fn set_access_key(
        &self,
        store: &Store,
        access_key: String,
        active: bool,
    ) -> Result<(), AccountError> {
        self.refuse_first(&access_key)?;
        self.change(store, Mutation::SetAccessKey { access_key, active }).await
    }

    /// Removes an access key.
    pub async fn remove_access_key(&self, store: &Store, access_key: String) -> Result<(), AccountError> {
        self.refuse_first(&access_key)?;
        self.change(store, Mutation::RemoveAccessKey { access_key }).await
    }

    fn key_row(
        &self,
        Credentials { access_key, secret }: &Credentials,
        account: AccountId,
        created: Timestamp,
    ) -> Result<AccessKeyRow, AccountError> {
        let secret = self.secrets.seal(access_key, secret).ok_or(AccountError::Locked)?;
        Ok(AccessKeyRow { access_key: access_key.clone(), account, secret, active: true, created })
    }

    fn refuse_first(&self, access_key: &str) -> Result<(), AccountError> {
        if access_key == self.root.0 { Err(AccountError::First) } else { Ok(()) }
    }

    async fn change(&self, store: &Store, mutation: Mutation) -> Result<(), AccountError> {
        let committed = store.commit(mutation).await;
        // Also after a failure: what was not acknowledged may be there.
        let renewed = self.renew(store);
        Ok(committed.map(drop).and(renewed)?)
    }
}

fn account_of(row: AccountRow) -> Account {
    Account { id: row.id, canonical_id: row.canonical_id, name: row.name, email: row.email }
}

/// A new pair as AWS makes them: 20 letters and digits, and 40.
fn new_credentials() -> Credentials {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letters = random_bytes::<16>().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    let secret: String = {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random_bytes::<30>())
    };
    Credentials {
        access_key: format!("AKIA{}", letters.iter().collect::<String>()),
        secret: Secret::new(secret),
    }
}

fn check_name(name: &str) -> Result<(), AccountError> {
    let known = |c: char| c.is_alphanumeric() || " +=,.@_-".contains(c);
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    if fits && name.trim() == name && name.chars().all(known) { Ok(()) } else { Err(AccountError::Name) }
}

fn check_email(email: &str) -> Result<(), AccountError> {
    let (user, domain) = email.split_once('@').ok_or(AccountError::Email)?;
    let plain = email.chars().all(|c| c.is_ascii_graphic() && !"<>&\"'".contains(c));
    let whole = !user.is_empty() && !domain.is_empty() && !domain.contains('@');
    if whole && plain && email.len() <= EMAIL_BYTES_MAX { Ok(()) } else { Err(AccountError::Email) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iam() -> Iam {
        Iam::new(Credentials { access_key: "AK".into(), secret: Secret::new("hush") })
    }

    #[test]
    fn the_configured_key_is_that_of_the_first_accounts_root() {
        let iam = iam();
        let found = iam.find("AK").unwrap();
        assert_eq!(found.secret.expose(), "hush");
        assert_eq!(found.principal, Principal::Root(iam.first().clone()));
        assert_eq!(iam.by_canonical_id(&iam.first().canonical_id).unwrap(), *iam.first());
        assert!(iam.find("ak").is_none() && iam.find("").is_none());
    }

    #[test]
    fn debug_output_holds_no_secret() {
        assert!(!format!("{:?}", iam()).contains("hush"));
        let secret = new_credentials().secret;
        assert!(!format!("{:?}", new_credentials()).contains(secret.expose()));
    }

    #[test]
    fn new_pairs_have_the_form_of_aws_and_differ() {
        let (one, other) = (new_credentials(), new_credentials());
        assert!(one.access_key.len() == 20 && one.access_key.starts_with("AKIA"));
        assert_eq!(one.secret.expose().len(), 40);
        assert!(one.access_key != other.access_key && one.secret != other.secret);
    }

    #[test]
    fn names_and_addresses_are_checked() {
        for good in ["a", "Team 7", "ops@site", &"é".repeat(50)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", " a", "a ", "a/b", "a\nb", "<a>", &"a".repeat(51)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
        assert!(check_email("a.b+c@example.com").is_ok());
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "<a>@b", &format!("{}@b", "a".repeat(254))] {
            assert!(check_email(bad).is_err(), "{bad}");
        }
    }
}
