//! Who calls the admin API, and whether that may do something.
//!
//! A caller is known by its pair, in HTTP Basic authentication, or by the cookie of its sign-in. A cookie is sent by the browser
//! whatever page asks, also pages that were stored as objects, whose address differs in the port alone. So with a cookie
//! every change must show the word that only the console's own pages know, and what a browser says comes from elsewhere
//! is not let in at all. Such a page can also set a cookie of this name, of a sign-in of its author's, which the browser
//! sends beside ours: two that are good are refused.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::body::Body;
use hyper::header::{AUTHORIZATION, COOKIE, HOST, HeaderMap, HeaderValue, ORIGIN, USER_AGENT};
use hyper::http::request;
use hyper::{Method, Uri};

use super::Refusal;
use super::actions::AdminAction;
use super::service::{Service, collect};
use crate::iam::policy::{ConditionKeys, Policies, Request, Resource, decide};
use crate::iam::{Identity, RequestFacts, SignIn};
use crate::sigv4::decode_form;
use crate::types::{CanonicalId, Timestamp};

/// The cookie of a sign-in.
pub(super) const COOKIE_NAME: &str = "holdfast_session";

/// The header by which the console's pages prove themselves.
pub(super) const CSRF_HEADER: &str = "x-holdfast-csrf";

/// The longest form, in bytes: a thousand of the longest keys, every byte spelled out.
const FORM_BYTES_MAX: usize = 4 << 20;

/// What the admin API is, for policies.
const RESOURCE: &str = "arn:aws:admin:::deployment";

/// Somebody who was recognized.
#[derive(Debug)]
pub struct Caller {
    /// As whom.
    pub identity: Arc<Identity>,
    pub(super) access_key: String,
    pub(super) sign_in: Option<SignIn>,
    pub(super) now: Timestamp,
    pub(super) peer: IpAddr,
    is_secure: bool,
    region: String,
    user_agent: Option<String>,
}

impl ConditionKeys for Caller {
    fn values(&self, key: &str) -> Vec<Cow<'_, str>> {
        let facts = RequestFacts {
            now: self.now,
            peer: self.peer,
            is_secure: self.is_secure,
            region: &self.region,
            user_agent: self.user_agent.as_deref(),
        };
        facts.value(key).into_iter().collect()
    }
}

impl Caller {
    /// Refuses unless the policies of the caller, who must be of this account, allow an action.
    pub(super) fn authorize(&self, action: AdminAction, owner: &CanonicalId) -> Result<(), Refusal> {
        let grants = &self.identity.grants;
        let identity: Vec<_> = grants.identity.iter().map(Arc::as_ref).collect();
        let session: Vec<_> = grants.session.iter().map(Arc::as_ref).collect();
        let policies = Policies {
            identity: &identity,
            boundary: grants.boundary.as_deref(),
            session: &session,
            ..Policies::default()
        };
        let question = Request {
            principal: &self.identity.principal,
            action: action.name(),
            resource: Resource::Other(RESOURCE),
            bucket_owner: owner,
            owner,
            keys: self,
        };
        let decision = decide(&question, &policies);
        if decision.allowed {
            return Ok(());
        }
        Err(Refusal::Denied(format!(
            "{} is not authorized to perform: {} {}; have a policy of its own allow that",
            self.identity.principal.arn(),
            action.name(),
            decision.reason.because(action.name())
        )))
    }
}

impl Service {
    /// Recognizes who calls.
    pub fn recognize(&self, head: &request::Parts, peer: IpAddr) -> Result<Caller, Refusal> {
        let changes = !matches!(head.method, Method::GET | Method::HEAD);
        let caller = self.recognize_form(head, peer)?;
        let csrf = head.headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match &caller.sign_in {
            Some(sign_in) if changes && !sign_in.is_csrf(csrf) => Err(Refusal::NoCsrfToken),
            _ => Ok(caller),
        }
    }

    /// Recognizes who sends a form, which carries in its body what else is a header: nothing may be changed before that was
    /// looked at.
    fn recognize_form(&self, head: &request::Parts, peer: IpAddr) -> Result<Caller, Refusal> {
        let headers = &head.headers;
        let now = self.engine.now();
        let (identity, access_key, sign_in) = match headers.get(AUTHORIZATION) {
            Some(value) => {
                if !matches!(head.method, Method::GET | Method::HEAD) && is_of_another_origin(headers) {
                    return Err(Refusal::OtherOrigin);
                }
                let (access_key, secret) = pair(value).ok_or(Refusal::WrongPair)?;
                let identity = self.authenticate((&access_key, &secret), peer, now)?;
                (identity.ok_or(Refusal::WrongPair)?, access_key, None)
            }
            None => {
                let (sign_in, identity) = self.signed_in(headers, now)?;
                if !is_of_the_console(headers) {
                    return Err(Refusal::OtherOrigin);
                }
                (identity, sign_in.access_key().to_owned(), Some(sign_in))
            }
        };
        Ok(self.caller((identity, access_key, sign_in), headers, (peer, now)))
    }

    /// Who signed in, by the one cookie that is good.
    fn signed_in(&self, headers: &HeaderMap, now: Timestamp) -> Result<(SignIn, Arc<Identity>), Refusal> {
        let mut good = cookies(headers).filter_map(|cookie| Some((cookie, self.iam.signed_in(cookie, now)?)));
        let (cookie, found) = good.next().ok_or(Refusal::NotSignedIn)?;
        if good.any(|(other, _)| other != cookie) {
            return Err(Refusal::SeveralSignIns);
        }
        Ok(found)
    }

    /// Somebody who was recognized.
    pub(super) fn caller(
        &self,
        (identity, access_key, sign_in): (Arc<Identity>, String, Option<SignIn>),
        headers: &HeaderMap,
        (peer, now): (IpAddr, Timestamp),
    ) -> Caller {
        let user_agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).map(str::to_owned);
        let (is_secure, region) = (self.facts.is_secure, self.facts.region.clone());
        Caller { identity, access_key, sign_in, now, peer, is_secure, region, user_agent }
    }

    /// Recognizes who sends a form, and reads it: its field `csrf` is what else is a header.
    pub async fn recognize_with_form<B>(
        &self,
        head: &request::Parts,
        body: B,
        peer: IpAddr,
    ) -> Result<(Caller, Vec<(String, String)>), Refusal>
    where
        B: Body<Data: Send> + Send,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let caller = self.recognize_form(head, peer)?;
        let body = collect(body, FORM_BYTES_MAX).await?;
        let malformed = || Refusal::BadRequest("the body is no form; send it as a page does".into());
        let body = std::str::from_utf8(&body).map_err(|_| malformed())?;
        let pairs = body.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode_form(name)?, decode_form(value)?))
        });
        let form: Vec<_> = pairs.collect::<Option<_>>().ok_or_else(malformed)?;
        let csrf = form.iter().find(|(name, _)| name == "csrf").map_or("", |(_, value)| value.as_str());
        match &caller.sign_in {
            Some(sign_in) if !sign_in.is_csrf(csrf) => Err(Refusal::NoCsrfToken),
            _ => Ok((caller, form)),
        }
    }

    /// Who has this pair; `None` where it is wrong.
    pub(super) fn authenticate(
        &self,
        (access_key, secret): (&str, &str),
        peer: IpAddr,
        now: Timestamp,
    ) -> Result<Option<Arc<Identity>>, Refusal> {
        self.iam.throttle().attempt(peer, access_key, now).map_err(Refusal::TooManyAttempts)?;
        let identity = self.iam.authenticate(access_key, secret, now);
        if identity.is_some() {
            self.iam.throttle().succeeded(peer, access_key);
        }
        Ok(identity)
    }
}

/// The pair of HTTP Basic authentication.
fn pair(value: &HeaderValue) -> Option<(String, String)> {
    let (scheme, coded) = value.to_str().ok()?.split_once(' ')?;
    let coded = Some(coded).filter(|_| scheme.eq_ignore_ascii_case("Basic"))?;
    let text = String::from_utf8(BASE64_STANDARD.decode(coded.trim()).ok()?).ok()?;
    let (access_key, secret) = text.split_once(':')?;
    Some((access_key.to_owned(), secret.to_owned()))
}

/// The cookies of our name. A page elsewhere on this host may have set others.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    cookies_named(headers, COOKIE_NAME)
}

/// The cookies of a name.
pub(super) fn cookies_named<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let all = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(given, _)| *given == name).map(|(_, value)| value)
}

/// Whether, as far as the browser says, a page of the console asks, or the user by typing an address.
fn is_of_the_console(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => true,
        Some(_) => false,
    }
}

/// Whether a page of another address asks: what a browser remembers of Basic authentication it sends for any.
fn is_of_another_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return !is_of_the_console(headers) };
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let origin = origin.as_ref().and_then(Uri::authority).map(|authority| authority.as_str());
    origin != headers.get(HOST).and_then(|host| host.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_pair_is_read_from_basic_authentication_alone() {
        let basic = |text: &str| {
            let value = format!("Basic {}", BASE64_STANDARD.encode(text));
            pair(&HeaderValue::from_str(&value).unwrap())
        };
        assert_eq!(basic("key:se:cret").unwrap(), ("key".into(), "se:cret".into()));
        assert!(basic("key").is_none());
        for bad in ["Basic !!!", "Bearer x", "Basic", "AWS4-HMAC-SHA256 Credential=x"] {
            assert!(pair(&HeaderValue::from_static(bad)).is_none(), "{bad}");
        }
    }

    #[test]
    fn cookies_of_our_name_are_found_among_others() {
        let several = headers(&[("cookie", "a=1; holdfast_session=x"), ("cookie", "holdfast_session=y;b")]);
        assert_eq!(cookies(&several).collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(cookies(&headers(&[("cookie", "xholdfast_session=x")])).count(), 0);
    }

    #[test]
    fn what_a_browser_says_comes_from_elsewhere_is_not_the_consoles() {
        for site in ["same-site", "cross-site", "anything"] {
            assert!(!is_of_the_console(&headers(&[("sec-fetch-site", site)])), "{site}");
        }
        for site in ["same-origin", "none"] {
            assert!(is_of_the_console(&headers(&[("sec-fetch-site", site)])), "{site}");
        }
    }

    #[test]
    fn an_origin_is_another_in_host_or_port() {
        let of = |origin| is_of_another_origin(&headers(&[("host", "here:9001"), ("origin", origin)]));
        assert!(!of("http://here:9001") && !of("https://here:9001"));
        assert!(of("http://here:9000") && of("http://there:9001") && of("null") && of(""));
        assert!(!is_of_another_origin(&headers(&[("host", "here:9001")])), "no browser");
    }
}
