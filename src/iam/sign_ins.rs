//! Sign-ins: what a browser holds in place of a secret. All of a sign-in stands in its cookie, sealed under a key derived from
//! the deployment's, so that any gateway opens it and nobody else makes one.
//!
//! A sign-in stands for an access key. Whose that is and what it may do is looked up with each request: it ends with the
//! key, and a policy that changes changes what it may do. Without the deployment's key sign-ins are sealed under a key of the
//! process and end with it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::directory::{Iam, Identity};
use crate::checksum::Sha256;
use crate::runtime::random_bytes;
use crate::sealing::{AeadKey, RootKey, Use};
use crate::types::{Secret, Timestamp};

/// How long a sign-in lasts that is not renewed.
const LASTS_MILLIS: u64 = 12 * 3600 * 1000;

/// How long one lasts however often it is renewed.
const LASTS_MILLIS_MAX: u64 = 7 * 24 * 3600 * 1000;

/// Sign-ins that were ended before their time and are remembered for it. Where there are more, the oldest could be used
/// again by who has kept the cookie.
const ENDED_MAX: usize = 10_000;

/// The longest cookie that is looked at, in bytes: browsers keep no longer ones.
const COOKIE_BYTES_MAX: usize = 4096;

/// What cookies are bound to: the version of what is in them.
const BOUND: &[u8] = b"holdfast sign-in 1";

/// Somebody who has signed in.
#[derive(Clone, Serialize, Deserialize)]
pub struct SignIn {
    id: [u8; 16],
    /// What proves that a request was made by a page of the console's own.
    csrf: [u8; 16],
    access_key: String,
    /// The token that goes with a temporary access key.
    token: Option<Secret>,
    /// Of the secret: another secret of the same key is another sign-in's.
    mark: [u8; 16],
    began: Timestamp,
    expires: Timestamp,
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

impl SignIn {
    /// The access key that it stands for.
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// The token that goes with it, of a temporary one.
    pub fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// Its end.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// What its page sends with each change.
    pub fn csrf(&self) -> String {
        self.csrf.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether this was sent by its page.
    pub fn is_csrf(&self, given: &str) -> bool {
        self.csrf().as_bytes().ct_eq(given.as_bytes()).into()
    }

    fn lasting_from(self, now: Timestamp) -> Self {
        let wanted = now.as_millis().saturating_add(LASTS_MILLIS);
        let most = self.began.as_millis().saturating_add(LASTS_MILLIS_MAX);
        Self { expires: Timestamp::from_millis(wanted.min(most)), ..self }
    }
}

/// Seals and opens cookies.
pub(super) struct SignIns {
    key: AeadKey,
    /// Those that were ended before their time.
    ended: Mutex<HashMap<[u8; 16], Timestamp>>,
}

impl fmt::Debug for SignIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignIns(..)")
    }
}

impl SignIns {
    /// Under this key of the deployment, or one of the process.
    pub(super) fn new(root: Option<&RootKey>) -> Self {
        let key = root.map_or_else(|| AeadKey::random().0, |root| root.derive(Use::SignIns));
        Self { key, ended: Mutex::default() }
    }

    fn open(&self, cookie: &str, now: Timestamp) -> Option<SignIn> {
        let sealed = URL_SAFE_NO_PAD.decode(cookie).ok().filter(|_| cookie.len() <= COOKIE_BYTES_MAX)?;
        let sign_in: SignIn = postcard::from_bytes(&self.key.open(&sealed, BOUND)?).ok()?;
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&sign_in.id);
        (!ended && sign_in.expires > now).then_some(sign_in)
    }
}

impl Iam {
    /// Who has this access key and its secret. Takes the same time wherever a wrong secret differs.
    pub fn authenticate(&self, access_key: &str, secret: &str, now: Timestamp) -> Option<Arc<Identity>> {
        let identity = self.find(access_key, now)?;
        let is: bool = identity.secret.expose().as_bytes().ct_eq(secret.as_bytes()).into();
        is.then_some(identity)
    }

    /// A sign-in for an access key, and for the token that goes with it where it is a temporary one.
    pub fn sign_in(
        &self,
        (access_key, token): (&str, Option<&Secret>),
        identity: &Identity,
        now: Timestamp,
    ) -> SignIn {
        let sign_in = SignIn {
            id: random_bytes(),
            csrf: random_bytes(),
            access_key: access_key.to_owned(),
            token: token.cloned(),
            mark: mark(identity),
            began: now,
            expires: now,
        };
        sign_in.lasting_from(now)
    }

    /// The cookie that holds a sign-in.
    pub fn cookie_of(&self, sign_in: &SignIn) -> Secret {
        let plain = postcard::to_stdvec(sign_in).expect("plain data serializes");
        Secret::new(URL_SAFE_NO_PAD.encode(self.sign_ins.key.seal(&plain, BOUND)))
    }

    /// Who has signed in with a cookie, as whom it is known now; `None` once that is over.
    pub fn signed_in(&self, cookie: &str, now: Timestamp) -> Option<(SignIn, Arc<Identity>)> {
        let sign_in = self.sign_ins.open(cookie, now)?;
        let identity = match &sign_in.token {
            None => self.find(&sign_in.access_key, now)?,
            Some(token) => self.find_session(&sign_in.access_key, token.expose(), now).ok()?,
        };
        (mark(&identity) == sign_in.mark).then_some((sign_in, identity))
    }

    /// The same sign-in from now on.
    pub fn renew_sign_in(&self, sign_in: SignIn, now: Timestamp) -> SignIn {
        sign_in.lasting_from(now)
    }

    /// Ends a sign-in before its time, on this gateway and as long as it runs.
    pub fn end_sign_in(&self, sign_in: &SignIn, now: Timestamp) {
        let mut ended = self.sign_ins.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.len() >= ENDED_MAX {
            ended.retain(|_, until| *until > now);
        }
        if ended.len() >= ENDED_MAX
            && let Some(first) = ended.iter().min_by_key(|(_, until)| **until).map(|(id, _)| *id)
        {
            ended.remove(&first);
        }
        // A cookie of an earlier renewal ends no later than one that is renewed as often as can be.
        let until = sign_in.began.as_millis().saturating_add(LASTS_MILLIS_MAX);
        ended.insert(sign_in.id, Timestamp::from_millis(until));
    }
}

fn mark(identity: &Identity) -> [u8; 16] {
    let digest = Sha256::digest(identity.secret.expose().as_bytes());
    *digest.first_chunk().expect("a digest is longer")
}

#[cfg(test)]
mod tests {
    use super::super::directory::Credentials;
    use super::*;

    fn iam(secret: &str) -> Iam {
        Iam::with_key(
            Credentials { access_key: "AK".into(), secret: Secret::new(secret) },
            Some(&RootKey::new(&[7; 32])),
        )
    }

    fn at(hours: u64) -> Timestamp {
        Timestamp::from_millis(hours * 3600 * 1000)
    }

    fn sign_in(iam: &Iam) -> SignIn {
        iam.sign_in(("AK", None), &iam.authenticate("AK", "hush", at(0)).unwrap(), at(0))
    }

    #[test]
    fn the_pair_must_be_right() {
        let iam = iam("hush");
        assert!(iam.authenticate("AK", "hush", at(0)).is_some());
        for (key, secret) in [("AK", "hus"), ("AK", "hush "), ("AK", ""), ("ak", "hush"), ("", "")] {
            assert!(iam.authenticate(key, secret, at(0)).is_none(), "{key} {secret}");
        }
    }

    #[test]
    fn a_cookie_is_good_until_its_time_is_over_and_for_any_gateway_of_the_deployment() {
        let (one, other) = (iam("hush"), iam("hush"));
        let made = sign_in(&one);
        let cookie = one.cookie_of(&made);
        let (found, identity) = other.signed_in(cookie.expose(), at(11)).unwrap();
        assert_eq!((found.access_key(), found.csrf()), ("AK", made.csrf()));
        assert_eq!(identity.principal.arn(), one.find("AK", at(0)).unwrap().principal.arn());
        assert!(one.signed_in(cookie.expose(), at(12)).is_none());
        let renewed = one.cookie_of(&one.renew_sign_in(made, at(11)));
        assert!(one.signed_in(renewed.expose(), at(22)).is_some());
    }

    #[test]
    fn renewals_have_an_end() {
        let iam = iam("hush");
        let mut sign_in = sign_in(&iam);
        for hour in (10..24 * 7).step_by(10) {
            sign_in = iam.renew_sign_in(sign_in, at(hour));
        }
        assert_eq!(sign_in.expires(), at(24 * 7));
    }

    #[test]
    fn a_cookie_ends_with_its_sign_in_and_with_the_secret() {
        let one = iam("hush");
        let made = sign_in(&one);
        let cookie = one.cookie_of(&made);
        assert!(iam("other").signed_in(cookie.expose(), at(1)).is_none(), "the secret is another");
        let earlier = cookie.clone();
        one.end_sign_in(&one.renew_sign_in(made, at(1)), at(1));
        assert!(one.signed_in(earlier.expose(), at(1)).is_none());
    }

    #[test]
    fn what_is_no_cookie_of_the_deployment_is_nobodys() {
        let one = iam("hush");
        let cookie = one.cookie_of(&sign_in(&one));
        let text = cookie.expose();
        for bad in ["", "made-up", &text[1..], &text[..text.len() - 2], &"A".repeat(9000)] {
            assert!(one.signed_in(bad, at(0)).is_none());
        }
        assert!(!format!("{one:?} {:?}", sign_in(&one)).contains("hush"));
    }

    #[test]
    fn a_page_proves_itself_by_its_own_word_alone() {
        let one = iam("hush");
        let (mine, other) = (sign_in(&one), sign_in(&one));
        assert!(mine.is_csrf(&mine.csrf()));
        assert!(!mine.is_csrf(&other.csrf()) && !mine.is_csrf("") && !mine.is_csrf(&mine.csrf()[1..]));
    }
}
