//! Temporary credentials. A session is kept nowhere: its token holds all of it, sealed under a key derived from the
//! deployment's, so that any gateway opens it and nobody else makes one.
//!
//! Whose session it is, is looked up again whenever identities changed: a role or user that is gone ends its sessions, and one
//! that lost a policy has it no longer.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::directory::{Credentials, Identity, KeyKind, Known, new_pair};
use super::identities::{Grants, PolicyText};
use super::policy::Policy;
use super::principal::{Account, Principal, Session};
use crate::sealing::{AeadKey, RootKey, Use};
use crate::sigv4::SigningSecret;
use crate::types::{AccountId, Secret, Timestamp};

/// Sessions whose tokens are kept open.
const OPEN_MAX: usize = 10_000;

/// The longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// What tokens are bound to: the version of what is in them.
const BOUND: &[u8] = b"holdfast session token 1";

/// Whose session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionOf {
    /// Of the account's root.
    Root,
    /// Of a user.
    User {
        /// Its name.
        name: String,
        /// Its id: another user may get its name.
        id: String,
    },
    /// Of a role.
    Role {
        /// Its name.
        name: String,
        /// Its id: another role may get its name.
        id: String,
        /// What who took it calls the session.
        session: String,
        /// Tags that were given with it.
        tags: Vec<(String, String)>,
    },
}

/// What who takes a role says of the session.
#[derive(Debug, Clone, Copy)]
pub struct RoleSession<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its tags.
    pub tags: &'a [(String, String)],
    /// Who it is that took the first of the roles that led here, in words of its own.
    pub source_identity: Option<&'a str>,
}

impl<'a> RoleSession<'a> {
    /// One of which nothing but the name is said.
    pub fn named(name: &'a str) -> Self {
        Self { name, tags: &[], source_identity: None }
    }
}

/// What bounds a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionPolicy {
    /// A document.
    Inline(String),
    /// The ARN of a managed policy.
    Managed(String),
}

/// Whether a session may be called so, and who is behind it.
pub fn is_session_name(text: &str) -> bool {
    (2..=64).contains(&text.len()) && text.chars().all(may_name_session)
}

/// Whether a name of a session may have it.
pub(super) fn may_name_session(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

/// A session to be begun.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// In which account.
    pub account: AccountId,
    /// Whose.
    pub of: SessionOf,
    /// Who it is that took the first of the roles that led here, where that was said.
    pub source_identity: Option<String>,
    /// What bounds it.
    pub policies: Vec<SessionPolicy>,
    /// When.
    pub times: SessionTimes,
}

/// When a session begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimes {
    /// Its beginning.
    pub issued: Timestamp,
    /// Its end.
    pub expires: Timestamp,
    /// The end of the access key that it goes back to, where that has one. Sessions that it begins in turn do not pass it either.
    pub key_expires: Option<Timestamp>,
}

impl SessionTimes {
    /// A session of so many seconds.
    pub fn lasting(secs: u64, now: Timestamp) -> Self {
        let expires = Timestamp::from_millis(now.as_millis().saturating_add(secs.saturating_mul(1000)));
        Self { issued: now, expires, key_expires: None }
    }

    /// The same session, begun with an access key that has this end.
    pub fn within(self, key_expires: Option<Timestamp>) -> Self {
        let expires = key_expires.map_or(self.expires, |end| end.min(self.expires));
        Self { expires, key_expires, ..self }
    }
}

/// Temporary credentials.
#[derive(Debug)]
pub struct TemporaryCredentials {
    /// The pair.
    pub pair: Credentials,
    /// What must be sent with what it signs.
    pub token: Secret,
}

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is none of this deployment's, goes with another access key, or its user or role is gone.
    #[error("invalid session token")]
    Invalid,
    /// Its time is over.
    #[error("expired session token")]
    Expired,
}

/// What a token holds. Fields are only ever added at the end, so that builds of before and after read each other's.
#[derive(Serialize, Deserialize)]
struct Contents {
    account: AccountId,
    of: SessionOf,
    policies: Vec<SessionPolicy>,
    access_key: String,
    secret: Secret,
    expires: Timestamp,
    /// The beginning of Unix time in tokens that do not say: they were issued before whatever is asked for.
    issued: Timestamp,
    key_expires: Option<Timestamp>,
    source_identity: Option<String>,
}

/// What the fields that tokens of earlier builds lack are read from.
const LACKING: [u8; 3] = [0; 3];

impl Contents {
    fn read(mut plain: Vec<u8>) -> Option<Self> {
        plain.extend(LACKING);
        postcard::from_bytes(&plain).ok()
    }
}

/// A token that was opened, with whom it stands for in one state of all identities.
#[derive(Debug)]
struct Opened {
    access_key: String,
    expires: Timestamp,
    generation: u64,
    identity: Arc<Identity>,
}

/// Makes and opens tokens; none where the deployment's key is missing.
#[derive(Default)]
pub(super) struct Sessions {
    key: Option<AeadKey>,
    open: Mutex<HashMap<String, Arc<Opened>>>,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The tokens are secrets.
        f.write_str("Sessions(..)")
    }
}

impl Sessions {
    /// Under this key of the deployment, if it is there.
    pub(super) fn new(root: Option<&RootKey>) -> Self {
        Self { key: root.map(|root| root.derive(Use::SessionTokens)), open: Mutex::default() }
    }

    /// Begins a session; `None` where nothing can be sealed.
    pub(super) fn begin(&self, session: NewSession) -> Option<TemporaryCredentials> {
        let key = self.key.as_ref()?;
        let pair = new_pair("ASIA");
        let NewSession { account, of, source_identity, policies, times } = session;
        let SessionTimes { issued, expires, key_expires } = times;
        let (access_key, secret) = (pair.access_key.clone(), pair.secret.clone());
        let contents = Contents {
            account,
            of,
            policies,
            access_key,
            secret,
            expires,
            issued,
            key_expires,
            source_identity,
        };
        let plain = postcard::to_stdvec(&contents).expect("plain data serializes");
        let token = Secret::new(STANDARD.encode(key.seal(&plain, BOUND)));
        Some(TemporaryCredentials { pair, token })
    }

    /// Who signs with an access key and a token.
    pub(super) fn find(
        &self,
        known: &Known,
        (access_key, token): (&str, &str),
        now: Timestamp,
    ) -> Result<Arc<Identity>, TokenError> {
        let opened = self.open.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned();
        let opened = match opened.filter(|opened| opened.generation == known.generation) {
            Some(opened) => opened,
            None => self.open(known, token)?,
        };
        if opened.access_key != access_key {
            return Err(TokenError::Invalid);
        }
        if opened.expires <= now {
            return Err(TokenError::Expired);
        }
        Ok(opened.identity.clone())
    }

    fn open(&self, known: &Known, token: &str) -> Result<Arc<Opened>, TokenError> {
        let contents = self.contents(token).ok_or(TokenError::Invalid)?;
        let identity = Arc::new(resolve(known, &contents).ok_or(TokenError::Invalid)?);
        let Contents { access_key, expires, .. } = contents;
        let opened = Arc::new(Opened { access_key, expires, generation: known.generation, identity });
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= OPEN_MAX {
            // All are opened anew then, which costs each a few microseconds once.
            open.clear();
        }
        open.insert(token.to_owned(), opened.clone());
        Ok(opened)
    }

    fn contents(&self, token: &str) -> Option<Contents> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let sealed = STANDARD.decode(token).ok()?;
        Contents::read(self.key.as_ref()?.open(&sealed, BOUND)?)
    }
}

/// Whether these bytes are what a token holds, once it is opened.
#[cfg(any(test, fuzzing))]
pub(super) fn reads(bytes: &[u8]) -> bool {
    Contents::read(bytes.to_vec()).is_some()
}

/// What a token holds.
#[cfg(any(test, fuzzing))]
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let of = SessionOf::Role {
        name: "worker".into(),
        id: "AROA".into(),
        session: "job".into(),
        tags: vec![("team".into(), "red".into())],
    };
    let policies =
        vec![SessionPolicy::Inline("{}".into()), SessionPolicy::Managed("arn:aws:iam::aws:policy/x".into())];
    let (account, expires) = (AccountId::from_number(1), Timestamp::from_millis(1));
    let (access_key, secret) = ("ASIA".into(), Secret::new("secret"));
    let (issued, key_expires) = (Timestamp::from_millis(1), Some(expires));
    let source_identity = Some("anna".into());
    let contents =
        Contents { account, of, policies, access_key, secret, expires, issued, key_expires, source_identity };
    vec![postcard::to_stdvec(&contents).expect("plain data serializes")]
}

/// Whom a session stands for now; `None` of what is gone.
fn resolve(known: &Known, contents: &Contents) -> Option<Identity> {
    let account = known.account(&contents.account)?;
    let (principal, mut grants, kind) = match &contents.of {
        SessionOf::Root => (Principal::Root(account.clone()), Grants::default(), KeyKind::SessionToken),
        SessionOf::User { name, id } => {
            let identities = known.identities(&contents.account)?;
            let user = identities.user(name).ok().filter(|user| user.named.id == *id)?;
            let principal = super::directory::user_principal(account, user, Some(contents.issued));
            (principal, identities.grants_of_user(user), KeyKind::SessionToken)
        }
        SessionOf::Role { name, id, session, tags } => {
            let identities = known.identities(&contents.account)?;
            let role = identities.role(name).ok().filter(|role| role.named.id == *id)?;
            let source_identity = contents.source_identity.as_deref();
            let session = RoleSession { name: session, tags, source_identity };
            let principal = role_principal(account, role, session, contents.issued);
            (principal, identities.grants_of_role(role), KeyKind::Role)
        }
    };
    let bound = |policy: &SessionPolicy| session_policy(known, &contents.account, policy);
    grants.session = contents.policies.iter().map(bound).collect::<Option<_>>()?;
    let (secret, name) = (SigningSecret::new(contents.secret.clone()), principal.name().into());
    Some(Identity {
        secret,
        principal,
        name,
        grants,
        kind,
        expires: Some(contents.expires),
        key_expires: contents.key_expires,
        usage: Arc::default(),
    })
}

/// The caller that a session of a role is. Its tags replace those of the role, whatever the case of their keys.
pub fn role_principal(
    account: &Arc<Account>,
    role: &super::identities::Role,
    session: RoleSession<'_>,
    token_issued: Timestamp,
) -> Principal {
    let given = session.tags;
    let named = &role.named;
    let is_given = |key: &str| given.iter().any(|(given, _)| given.eq_ignore_ascii_case(key));
    let kept = role.tags.iter().filter(|(key, _)| !is_given(key));
    let kept = kept.map(|(key, value)| (key.clone(), value.clone()));
    let tags: BTreeMap<_, _> = kept.chain(given.iter().cloned()).collect();
    Principal::Session(Arc::new(Session {
        account: account.clone(),
        role_id: named.id.clone(),
        role_path: named.path.clone(),
        role_name: named.name.clone(),
        name: session.name.to_owned(),
        tags,
        source_identity: session.source_identity.map(str::to_owned),
        token_issued,
    }))
}

fn session_policy(known: &Known, account: &AccountId, policy: &SessionPolicy) -> Option<Arc<Policy>> {
    match policy {
        SessionPolicy::Inline(text) => Some(PolicyText::kept(text.as_str()).ok()?.compiled().clone()),
        SessionPolicy::Managed(arn) => known.identities(account)?.compiled(arn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::identities::{Identities, NewRole};
    use crate::types::CanonicalId;

    #[test]
    fn tokens_of_earlier_builds_are_read_as_issued_before_all() {
        let whole = seeds().remove(0);
        let read = Contents::read(whole.clone()).unwrap();
        assert_eq!((read.issued, read.key_expires), (Timestamp::from_millis(1), Some(read.expires)));
        assert_eq!(read.source_identity.as_deref(), Some("anna"));
        // The fields that came later: a text of four letters, its length, and that it is there; ...
        let whole = whole[..whole.len() - 6].to_vec();
        let read = Contents::read(whole.clone()).unwrap();
        assert_eq!((read.key_expires, read.source_identity), (Some(read.expires), None));
        // ... two numbers of one byte, and that the second is there.
        let earlier = whole[..whole.len() - 3].to_vec();
        let read = Contents::read(earlier.clone()).unwrap();
        assert_eq!((read.issued, read.key_expires), (Timestamp::default(), None));
        assert_eq!((read.access_key.as_str(), read.expires), ("ASIA", Timestamp::from_millis(1)));
        assert!(Contents::read(earlier[..earlier.len() - 3].to_vec()).is_none());
    }

    #[test]
    fn a_session_ends_no_later_than_the_key_that_it_goes_back_to() {
        let lasting = SessionTimes::lasting(900, Timestamp::from_millis(1000));
        assert_eq!(lasting.expires, Timestamp::from_millis(901_000));
        assert_eq!(lasting.within(None), lasting);
        let (soon, late) = (Timestamp::from_millis(5000), Timestamp::from_millis(1_000_000));
        assert_eq!(
            (lasting.within(Some(soon)).expires, lasting.within(Some(soon)).key_expires),
            (soon, Some(soon))
        );
        assert_eq!(lasting.within(Some(late)).expires, lasting.expires);
        assert_eq!(lasting.within(Some(late)).key_expires, Some(late), "sessions begun by it are bound too");
    }

    #[test]
    fn a_tag_of_the_session_replaces_that_of_the_role_whatever_the_case_of_their_keys() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let id = AccountId::from_number(1);
        let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#;
        let tags = [pair("Team", "red"), pair("Cost", "1")];
        let (path, description, session_secs_max, boundary) = ("/", None, None, None);
        let new =
            NewRole { name: "worker", path, trust, description, session_secs_max, boundary, tags: &tags };
        let role = Identities::none(id.clone()).create_role(&new, Timestamp::default()).unwrap();
        let account = Account { id, canonical_id: CanonicalId([1; 32]), name: "a".into(), email: None };
        let given = [pair("TEAM", "blue")];
        let session = RoleSession { tags: &given, ..RoleSession::named("job") };
        let session = role_principal(&Arc::new(account), &role, session, Timestamp::default());
        let Principal::Session(session) = session else { panic!("a session of a role") };
        assert_eq!(session.tags, [pair("TEAM", "blue"), pair("Cost", "1")].into());
    }
}
