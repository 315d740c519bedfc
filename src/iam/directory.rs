//! All accounts and access keys, kept in memory so that a request looks up nothing. The rows lead: whatever changes one
//! has all of them read again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};

use super::federation::{Federation, LdapOptions, ProviderOptions};
use super::identities::{self, AccessKey, Grants, Identities, IdentityError, PolicyText, ServiceKey};
use super::principal::{Account, Principal, User};
use super::secrets::Secrets;
use super::sessions::{NewSession, Sessions, TemporaryCredentials, TokenError};
use super::sign_ins::SignIns;
use super::throttle::Throttle;
use super::usage::{KeyUse, LastUse};
use crate::checksum::Sha256;
use crate::http::tls::Trust;
use crate::metadata::{AccessKeyRow, AccountRow, MetadataError, Mutation, Store};
use crate::runtime::random_bytes;
use crate::sealing::RootKey;
use crate::sigv4::SigningSecret;
use crate::types::{AccountId, CallerName, CanonicalId, Secret, StoredSecret, Timestamp};

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
    /// How logs name that.
    pub name: Arc<CallerName>,
    /// The policies that decide for it.
    pub grants: Grants,
    /// How it came by the access key.
    pub kind: KeyKind,
    /// From when on the access key is no longer believed, where that is said of it.
    pub expires: Option<Timestamp>,
    /// When the access key of a service account ends that this is, or that this session goes back to.
    pub key_expires: Option<Timestamp>,
    /// How it is used.
    pub usage: Arc<KeyUse>,
}

/// How somebody came by an access key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// It is its own.
    Own,
    /// It has it for a while (GetSessionToken).
    SessionToken,
    /// It took a role.
    Role,
}

/// Why users, groups, roles or policies were not changed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityChangeError {
    /// They may not be.
    #[error(transparent)]
    Refused(#[from] IdentityError),
    /// The metadata refused.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
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
    sessions: Sessions,
    pub(super) sign_ins: SignIns,
    federation: Federation,
    throttle: Throttle,
    known: ArcSwap<Known>,
    /// Held while the rows are read again, so that the last to change one is the last to be noted.
    renewing: Mutex<()>,
}

/// What the metadata has.
#[derive(Debug, Default, Clone)]
pub(super) struct Known {
    /// All but the first, by name.
    accounts: Vec<Arc<Account>>,
    /// All of them.
    by_id: Arc<HashMap<AccountId, Arc<Account>>>,
    by_canonical_id: Arc<HashMap<CanonicalId, Arc<Account>>>,
    /// Access keys of the accounts' roots.
    roots: Arc<HashMap<String, Arc<Identity>>>,
    identities: HashMap<AccountId, Arc<Identities>>,
    /// Access keys of users.
    keys: HashMap<String, Arc<Identity>>,
    /// How often identities were changed.
    revision: u64,
    /// Another with each state.
    pub(super) generation: u64,
}

impl Known {
    /// An account.
    pub(super) fn account(&self, id: &AccountId) -> Option<&Arc<Account>> {
        self.by_id.get(id)
    }

    /// What is in an account; none where it never had anything.
    pub(super) fn identities(&self, account: &AccountId) -> Option<&Arc<Identities>> {
        self.identities.get(account)
    }

    /// Finds the access keys of all users and what decides for them.
    fn find_keys(&mut self, secrets: &Secrets, before: &HashMap<String, Arc<Identity>>) {
        let mut sealed = 0;
        self.keys.clear();
        for identities in self.identities.values() {
            let Some(account) = self.by_id.get(&identities.account) else { continue };
            for user in identities.users.values().filter(|user| !user.keys.is_empty()) {
                let (principal, grants) =
                    (user_principal(account, user, None), identities.grants_of_user(user));
                for key in user.keys.iter().filter(|key| key.active) {
                    let Some(secret) = secrets.open(&key.id, &key.secret) else {
                        sealed += 1;
                        continue;
                    };
                    let secret = SigningSecret::new(secret);
                    let (principal, mut grants) = (principal.clone(), grants.clone());
                    let service = key.service.as_ref();
                    let bound = service.and_then(|service| service.policy.as_ref());
                    grants.session.extend(bound.map(PolicyText::compiled).cloned());
                    let expires = service.and_then(|service| service.expires);
                    let usage = before.get(&key.id).map(|before| before.usage.clone()).unwrap_or_default();
                    let name = principal.name().into();
                    let (kind, key_expires) = (KeyKind::Own, expires);
                    let identity =
                        Identity { secret, principal, name, grants, kind, expires, key_expires, usage };
                    self.keys.insert(key.id.clone(), Arc::new(identity));
                }
            }
        }
        tell_sealed(sealed);
    }
}

/// The caller that a user is, with an access key of its own or with a token that was issued then.
pub fn user_principal(
    account: &Arc<Account>,
    user: &identities::User,
    token_issued: Option<Timestamp>,
) -> Principal {
    let identities::Named { name, path, id, .. } = user.named.clone();
    let (account, tags) = (account.clone(), user.tags.clone());
    Principal::User(Arc::new(User { account, id, path, name, tags, token_issued }))
}

fn tell_sealed(access_keys: usize) {
    if access_keys > 0 {
        tracing::error!(
            access_keys,
            "access keys are not known: the deployment's encryption key is missing or is not the one that their secrets \
             are sealed under"
        );
    }
}

impl Iam {
    /// Knows the first account alone.
    pub fn new(root: Credentials) -> Self {
        Self::with_key(root, None)
    }

    pub(super) fn with_key(root: Credentials, deployment_key: Option<&RootKey>) -> Self {
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
        let root = (root.access_key, Arc::new(identity_of_root(SigningSecret::new(root.secret), principal)));
        let (secrets, sessions) = (Secrets::new(deployment_key), Sessions::new(deployment_key));
        let (sign_ins, federation) = (SignIns::new(deployment_key), Federation::new(deployment_key));
        let (known, renewing) = (ArcSwap::default(), Mutex::default());
        let throttle = Throttle::default();
        Self { root, first, secrets, sessions, sign_ins, federation, throttle, known, renewing }
    }

    /// Knows these identity providers too.
    pub fn add_providers(&mut self, providers: &[ProviderOptions], trust: &Trust) {
        self.federation.add(providers, trust);
    }

    /// Takes names and passwords of a directory too.
    pub fn set_ldap(&mut self, options: LdapOptions, trust: &Trust) {
        self.federation.set_ldap(options, trust);
    }

    /// Wrong pairs of late, wherever they were shown.
    pub fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    /// The identity providers.
    pub fn federation(&self) -> &Federation {
        &self.federation
    }

    /// Knows all accounts. Secrets are sealed under the deployment's key: without it nobody but the first account's root
    /// is known.
    pub async fn open(
        root: Credentials,
        store: &Store,
        deployment_key: Option<&RootKey>,
    ) -> Result<Self, MetadataError> {
        let iam = Self::with_key(root, deployment_key);
        iam.reseal(store).await?;
        iam.renew(store)?;
        Ok(iam)
    }

    /// Whether something is sealed under the deployment's key already, so that no other may be made.
    pub fn has_sealed(store: &Store) -> Result<bool, MetadataError> {
        let is_sealed = |key: &AccessKeyRow| matches!(key.secret, StoredSecret::Sealed(_));
        let has_key = |of: &Identities| of.users.values().any(|user| !user.keys.is_empty());
        Ok(store.access_keys()?.iter().any(is_sealed) || read_identities(store)?.1.values().any(has_key))
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
        let everybody = || accounts.iter().chain([&self.first]);
        let by_id: HashMap<_, _> = everybody().map(|account| (account.id.clone(), account.clone())).collect();
        let by_canonical_id =
            everybody().map(|account| (account.canonical_id, account.clone())).collect::<HashMap<_, _>>();
        let mut sealed = 0;
        let keys = store.access_keys()?.into_iter().filter(|key| key.active);
        let found = |key: AccessKeyRow| {
            let principal = Principal::Root(by_id.get(&key.account)?.clone());
            let Some(secret) = self.secrets.open(&key.access_key, &key.secret) else {
                sealed += 1;
                return None;
            };
            Some((key.access_key, Arc::new(identity_of_root(SigningSecret::new(secret), principal))))
        };
        let roots: HashMap<_, _> = keys.filter_map(found).collect();
        tell_sealed(sealed);
        let (revision, identities) = read_identities(store)?;
        let identities = identities.into_iter().map(|(id, of)| (id, Arc::new(of))).collect();
        self.install(Known {
            accounts,
            by_id: Arc::new(by_id),
            by_canonical_id: Arc::new(by_canonical_id),
            roots: Arc::new(roots),
            identities,
            keys: HashMap::new(),
            revision,
            generation: 0,
        });
        Ok(())
    }

    /// Has requests see another state.
    fn install(&self, mut known: Known) {
        let before = self.known();
        known.find_keys(&self.secrets, &before.keys);
        known.generation = before.generation + 1;
        self.known.store(Arc::new(known));
    }

    /// What is in an account.
    pub fn identities(&self, account: &AccountId) -> Arc<Identities> {
        self.identities_in(&self.known(), account)
    }

    /// Changes what is in an account, as `decide` says. It is asked again where somebody else was first.
    pub async fn change_identities<T>(
        &self,
        store: &Store,
        account: &AccountId,
        mut decide: impl FnMut(&mut Identities) -> Result<T, IdentityError>,
    ) -> Result<T, IdentityChangeError> {
        loop {
            let known = self.known.load_full();
            let before = self.identities_in(&known, account);
            let mut after = (*before).clone();
            let value = decide(&mut after)?;
            let (put, remove) = identities::changes(&before, &after);
            if put.is_empty() && remove.is_empty() {
                return Ok(value);
            }
            let change = Mutation::ChangeIdentities { revision: known.revision, put, remove };
            let committed = store.commit(change).await;
            // What was committed on the state that is known makes the next one; else the rows are read again, also after a
            // failure: what was not acknowledged may be there.
            if committed.is_err() || !self.follow(&known, after) {
                self.renew(store)?;
            }
            match committed {
                Ok(_) => return Ok(value),
                Err(MetadataError::IdentitiesChanged) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn identities_in(&self, known: &Known, account: &AccountId) -> Arc<Identities> {
        known.identities(account).cloned().unwrap_or_else(|| Arc::new(Identities::none(account.clone())))
    }

    /// Takes over what a change on `before` made of an account, unless another state is known by now.
    fn follow(&self, before: &Arc<Known>, after: Identities) -> bool {
        let _renewing = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.known().generation != before.generation {
            return false;
        }
        let mut known = (**before).clone();
        known.identities.insert(after.account.clone(), Arc::new(after));
        known.revision += 1;
        self.install(known);
        true
    }

    /// A new access key for a user, with its secret and the form in which that is kept.
    pub fn new_user_key(
        &self,
        service: Option<ServiceKey>,
        now: Timestamp,
    ) -> Result<(Credentials, AccessKey), AccountError> {
        let credentials = new_pair("AKIA");
        let Credentials { access_key, secret } = &credentials;
        let secret = self.secrets.seal(access_key, secret).ok_or(AccountError::Locked)?;
        let key =
            AccessKey { id: access_key.clone(), secret, active: true, created: now, service, last_use: None };
        Ok((credentials, key))
    }

    /// The form in which the secret of an access key is kept; `None` where nothing can be sealed.
    pub(super) fn seal(&self, access_key: &str, secret: &Secret) -> Option<StoredSecret> {
        self.secrets.seal(access_key, secret)
    }

    /// The access keys of all but the users of the first account.
    pub(super) fn taken_keys(&self, store: &Store) -> Result<Vec<String>, MetadataError> {
        let known = self.known.load_full();
        let others = known.identities.values().filter(|of| of.account != self.first.id);
        let users = others.flat_map(|of| of.users.values());
        let users = users.flat_map(|user| user.keys.iter().map(|key| key.id.clone()));
        let roots = store.access_keys()?.into_iter().map(|row| row.access_key);
        Ok(users.chain(roots).chain([self.root.0.clone()]).collect())
    }

    /// The user that an access key is of.
    pub fn user_of_key(&self, account: &AccountId, access_key: &str) -> Option<String> {
        let identities = self.identities(account);
        let has = |user: &&Arc<identities::User>| user.keys.iter().any(|key| key.id == access_key);
        identities.users.values().find(has).map(|user| user.named.name.clone())
    }

    /// The last use of a user's access key, as far as it is known.
    pub fn last_use(&self, key: &AccessKey) -> Option<LastUse> {
        let now = self.known().keys.get(&key.id).and_then(|identity| identity.usage.last());
        [now, key.last_use].into_iter().flatten().max_by_key(|last| last.at)
    }

    /// Keeps the last uses of access keys that are `later_by` than what is kept of them.
    pub async fn keep_last_uses(&self, store: &Store, later_by: Duration) -> Result<(), IdentityChangeError> {
        let known = self.known.load_full();
        for identities in known.identities.values() {
            let is_later = |key: &AccessKey| {
                let (kept, last) = (key.last_use.map_or(0, |last| last.at.as_secs()), self.last_use(key));
                last.filter(|last| last.at.as_secs() > kept + later_by.as_secs())
            };
            let keys =
                identities.users.values().flat_map(|user| user.keys.iter().map(move |key| (user, key)));
            let later = keys
                .filter_map(|(user, key)| Some((user.named.name.clone(), key.id.clone(), is_later(key)?)));
            let later: Vec<_> = later.collect();
            if later.is_empty() {
                continue;
            }
            let note = |identities: &mut Identities| {
                // A key or user that is gone meanwhile has no last use to keep.
                later.iter().for_each(|(user, key, last)| drop(identities.set_last_use(user, key, *last)));
                Ok(())
            };
            self.change_identities(store, &identities.account, note).await?;
        }
        Ok(())
    }

    /// Begins a session.
    pub fn begin_session(&self, session: NewSession) -> Result<TemporaryCredentials, AccountError> {
        self.sessions.begin(session).ok_or(AccountError::Locked)
    }

    /// Who signs with an access key and a token that goes with it.
    pub fn find_session(
        &self,
        access_key: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<Identity>, TokenError> {
        self.sessions.find(&self.known(), (access_key, token), now)
    }

    /// Who signs with an access key; none with one that is not active, or whose time is over.
    pub fn find(&self, access_key: &str, now: Timestamp) -> Option<Arc<Identity>> {
        if access_key == self.root.0 {
            return Some(self.root.1.clone());
        }
        let known = self.known();
        let found = known.roots.get(access_key).or_else(|| known.keys.get(access_key));
        found.filter(|identity| identity.expires.is_none_or(|end| end > now)).cloned()
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
        let credentials = new_pair("AKIA");
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
        let credentials = new_pair("AKIA");
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

fn identity_of_root(secret: SigningSecret, principal: Principal) -> Identity {
    let name = principal.name().into();
    Identity {
        secret,
        principal,
        name,
        grants: Grants::default(),
        kind: KeyKind::Own,
        expires: None,
        key_expires: None,
        usage: Arc::default(),
    }
}

/// All that is in accounts, and how often that was changed.
fn read_identities(store: &Store) -> Result<(u64, HashMap<AccountId, Identities>), MetadataError> {
    let (revision, rows) = store.identities()?;
    let mut all: HashMap<AccountId, Identities> = HashMap::new();
    for row in rows {
        let account = row.key.account.clone();
        let of = all.entry(account).or_insert_with_key(|account| Identities::none(account.clone()));
        identities::insert(of, &row)?;
    }
    Ok((revision, all))
}

fn account_of(row: AccountRow) -> Account {
    Account { id: row.id, canonical_id: row.canonical_id, name: row.name, email: row.email }
}

/// A new pair as AWS makes them: 20 letters and digits, and 40.
pub(super) fn new_pair(prefix: &str) -> Credentials {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letters = random_bytes::<16>().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    let secret: String = {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random_bytes::<30>())
    };
    Credentials {
        access_key: format!("{prefix}{}", letters.iter().collect::<String>()),
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
    use crate::iam::SessionTimes;

    fn iam() -> Iam {
        Iam::new(Credentials { access_key: "AK".into(), secret: Secret::new("hush") })
    }

    #[test]
    fn the_configured_key_is_that_of_the_first_accounts_root() {
        let iam = iam();
        let found = iam.find("AK", Timestamp::default()).unwrap();
        assert_eq!(found.secret.expose(), "hush");
        assert_eq!(found.principal, Principal::Root(iam.first().clone()));
        assert_eq!(iam.by_canonical_id(&iam.first().canonical_id).unwrap(), *iam.first());
        assert!(
            iam.find("ak", Timestamp::default()).is_none() && iam.find("", Timestamp::default()).is_none()
        );
    }

    /// A directory of one deployment, in which the first account has a user with an access key.
    fn with_anna(deployment: u8) -> Iam {
        let root = Credentials { access_key: "AK".into(), secret: Secret::new("hush") };
        let iam = Iam::with_key(root, Some(&RootKey::new(&[deployment; 32])));
        let first = iam.first().clone();
        iam.install(Known {
            by_id: Arc::new([(first.id.clone(), first)].into()),
            identities: [anna(&iam)].into(),
            ..Known::default()
        });
        iam
    }

    fn anna(iam: &Iam) -> (AccountId, Arc<Identities>) {
        let (now, id) = (Timestamp::default(), iam.first().id.clone());
        let mut identities = Identities::none(id.clone());
        let new = identities::NewUser { name: "anna", path: "/", boundary: None, tags: &[] };
        identities.create_user(&new, now).unwrap();
        identities.add_key("anna", iam.new_user_key(None, now).unwrap().1).unwrap();
        (id, Arc::new(identities))
    }

    fn session_of_anna(iam: &Iam, expires: Timestamp) -> TemporaryCredentials {
        let account = iam.first().id.clone();
        let id = iam.identities(&account).user("anna").unwrap().named.id.clone();
        let of = crate::iam::SessionOf::User { name: "anna".into(), id };
        let times = SessionTimes { issued: Timestamp::default(), expires, key_expires: None };
        iam.begin_session(NewSession { account, of, source_identity: None, policies: Vec::new(), times })
            .unwrap()
    }

    #[test]
    fn a_users_key_is_known_with_its_secret_until_it_is_gone() {
        let iam = with_anna(1);
        let key = iam.identities(&iam.first().id).user("anna").unwrap().keys[0].id.clone();
        let found = iam.find(&key, Timestamp::default()).unwrap();
        assert!(matches!(&found.principal, Principal::User(user) if user.name == "anna"));
        assert_eq!(found.secret.expose().len(), 40);
        assert_eq!(iam.user_of_key(&iam.first().id, &key).unwrap(), "anna");
        let known = iam.known.load_full();
        let mut without = (*iam.identities(&iam.first().id)).clone();
        without.set_key("anna", &key, false).unwrap();
        assert!(iam.follow(&known, without));
        assert!(iam.find(&key, Timestamp::default()).is_none());
        assert!(!iam.follow(&known, Identities::none(iam.first().id.clone())), "decided on an older state");
    }

    #[test]
    fn a_service_account_is_bounded_and_ends_with_its_time() {
        let iam = with_anna(1);
        let (id, mut with) = (iam.first().id.clone(), (*anna(&iam).1).clone());
        let policy = PolicyText::new(
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#,
        );
        let end = Timestamp::from_millis(1000);
        let service =
            ServiceKey { name: "backup".into(), description: None, policy: policy.ok(), expires: Some(end) };
        let (pair, key) = iam.new_user_key(Some(service), Timestamp::default()).unwrap();
        with.add_key("anna", key).unwrap();
        assert!(iam.follow(&iam.known.load_full(), with));
        let at = |millis| iam.find(&pair.access_key, Timestamp::from_millis(millis));
        assert_eq!(at(999).unwrap().grants.session.len(), 1);
        assert!(at(1000).is_none());
        assert_eq!(iam.user_of_key(&id, &pair.access_key).unwrap(), "anna");
    }

    #[test]
    fn a_session_ends_with_its_time_and_with_its_user() {
        let (iam, end) = (with_anna(1), Timestamp::from_millis(1000));
        let made = session_of_anna(&iam, end);
        let (key, token) = (made.pair.access_key.as_str(), made.token.expose());
        let at = |millis| iam.find_session(key, token, Timestamp::from_millis(millis));
        let found = at(999).unwrap();
        assert_eq!((found.kind, found.secret.expose()), (KeyKind::SessionToken, made.pair.secret.expose()));
        assert!(matches!(&found.principal, Principal::User(user) if user.name == "anna"));
        assert_eq!(at(1000).unwrap_err(), TokenError::Expired);
        // Another user of the same name is not the one whose session it is.
        assert!(iam.follow(&iam.known.load_full(), (*anna(&iam).1).clone()));
        assert_eq!(at(999).unwrap_err(), TokenError::Invalid);
    }

    #[test]
    fn a_token_is_believed_with_its_key_as_it_was_made_and_by_its_deployment() {
        let (iam, end) = (with_anna(1), Timestamp::from_millis(1000));
        let made = session_of_anna(&iam, end);
        let (key, token) = (made.pair.access_key.as_str(), made.token.expose());
        let find = |iam: &Iam, key: &str, token: &str| iam.find_session(key, token, Timestamp::default());
        assert!(find(&iam, key, token).is_ok());
        assert_eq!(find(&iam, "ASIAOTHER", token).unwrap_err(), TokenError::Invalid);
        assert_eq!(find(&with_anna(2), key, token).unwrap_err(), TokenError::Invalid);
        for bad in ["", "made-up", &token[1..], &token[..token.len() - 4], &"A".repeat(20_000)] {
            assert_eq!(find(&iam, key, bad).unwrap_err(), TokenError::Invalid);
        }
        assert!(iam.find(key, Timestamp::default()).is_none(), "nothing without its token");
        let debug = format!("{iam:?} {made:?}");
        assert!(!debug.contains(made.pair.secret.expose()) && !debug.contains(token));
    }

    #[test]
    fn debug_output_holds_no_secret() {
        assert!(!format!("{:?}", iam()).contains("hush"));
        let secret = new_pair("AKIA").secret;
        assert!(!format!("{:?}", new_pair("AKIA")).contains(secret.expose()));
    }

    #[test]
    fn new_pairs_have_the_form_of_aws_and_differ() {
        let (one, other) = (new_pair("AKIA"), new_pair("AKIA"));
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
