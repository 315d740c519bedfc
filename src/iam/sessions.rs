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

/// What bounds a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionPolicy {
    /// A document.
    Inline(String),
    /// The ARN of a managed policy.
    Managed(String),
}

/// A session to be begun.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// In which account.
    pub account: AccountId,
    /// Whose.
    pub of: SessionOf,
    /// What bounds it.
    pub policies: Vec<SessionPolicy>,
    /// Its end.
    pub expires: Timestamp,
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

/// What a token holds.
#[derive(Serialize, Deserialize)]
struct Contents {
    account: AccountId,
    of: SessionOf,
    policies: Vec<SessionPolicy>,
    access_key: String,
    secret: Secret,
    expires: Timestamp,
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
        let NewSession { account, of, policies, expires } = session;
        let (access_key, secret) = (pair.access_key.clone(), pair.secret.clone());
        let contents = Contents { account, of, policies, access_key, secret, expires };
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
        let plain = self.key.as_ref()?.open(&sealed, BOUND)?;
        postcard::from_bytes(&plain).ok()
    }
}

/// Whether these bytes are what a token holds, once it is opened.
#[cfg(any(test, fuzzing))]
pub(super) fn reads(bytes: &[u8]) -> bool {
    postcard::from_bytes::<Contents>(bytes).is_ok()
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
    let contents =
        Contents { account, of, policies, access_key: "ASIA".into(), secret: Secret::new("secret"), expires };
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
            let principal = super::directory::user_principal(account, user);
            (principal, identities.grants_of_user(user), KeyKind::SessionToken)
        }
        SessionOf::Role { name, id, session, tags } => {
            let identities = known.identities(&contents.account)?;
            let role = identities.role(name).ok().filter(|role| role.named.id == *id)?;
            let tags = role.tags.clone().into_iter().chain(tags.iter().cloned()).collect();
            let principal = role_principal(account, role, session.clone(), tags);
            (principal, identities.grants_of_role(role), KeyKind::Role)
        }
    };
    let bound = |policy: &SessionPolicy| session_policy(known, &contents.account, policy);
    grants.session = contents.policies.iter().map(bound).collect::<Option<_>>()?;
    let (secret, arn) = (SigningSecret::new(contents.secret.clone()), principal.arn().into());
    Some(Identity {
        secret,
        principal,
        arn,
        grants,
        kind,
        expires: Some(contents.expires),
        usage: Arc::default(),
    })
}

/// The caller that a session of a role is.
fn role_principal(
    account: &Arc<Account>,
    role: &super::identities::Role,
    name: String,
    tags: BTreeMap<String, String>,
) -> Principal {
    let named = &role.named;
    Principal::Session(Arc::new(Session {
        account: account.clone(),
        role_id: named.id.clone(),
        role_path: named.path.clone(),
        role_name: named.name.clone(),
        name,
        tags,
    }))
}

fn session_policy(known: &Known, account: &AccountId, policy: &SessionPolicy) -> Option<Arc<Policy>> {
    match policy {
        SessionPolicy::Inline(text) => Some(PolicyText::new(text.as_str()).ok()?.compiled().clone()),
        SessionPolicy::Managed(arn) => known.identities(account)?.compiled(arn),
    }
}
