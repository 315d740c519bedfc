//! Signing in to the console by an identity provider (OpenID Connect).
//!
//! Who comes back takes the first of the roles that the provider names for them and whose trust policy lets them, and is signed
//! in with a session of it. The cookie of who is away is not `Strict`: the way back begins at another site.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HOST, HeaderMap, HeaderValue, LOCATION, SET_COOKIE};
use hyper::http::request;
use hyper::{Method, Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::Refusal;
use super::api::{SsoProvider, SsoProviders};
use super::caller::cookies_named;
use super::health::json;
use super::service::Service;
use crate::iam::federation::{Begun, TokenRefused, WebIdentity};
use crate::iam::{Identity, RequestFacts, RoleSession, SessionTimes, SignIn};
use crate::types::Timestamp;

/// The cookie of a browser that is away to sign in.
const AWAY_COOKIE: &str = "holdfast_sso";

const ROOT: &str = "/api/v1/sso";

/// Somebody who took a role to sign in.
pub(super) struct SignedIn {
    pub(super) identity: Arc<Identity>,
    pub(super) access_key: String,
    pub(super) sign_in: SignIn,
}

type Answer = Result<Response<Full<Bytes>>, Refusal>;

impl Service {
    /// Answers what is about providers; `None` for every other path.
    pub(super) async fn sso(&self, head: &request::Parts, peer: IpAddr) -> Option<Answer> {
        let rest = head.uri.path().strip_prefix(ROOT)?;
        if !matches!(head.method, Method::GET | Method::HEAD) {
            return Some(Err(Refusal::Method("GET, HEAD")));
        }
        let segments: Vec<&str> = rest.split('/').collect();
        Some(match segments.as_slice() {
            [""] => Ok(self.providers()),
            ["", id, "start"] => self.leave(head, id).await,
            ["", id, "callback"] => Ok(self.come_back(head, id, peer).await),
            _ => return None,
        })
    }

    fn providers(&self) -> Response<Full<Bytes>> {
        let named = |id: &str| SsoProvider { id: id.to_owned(), name: id.to_owned() };
        let providers = self.iam.federation().names().map(named).collect();
        json(StatusCode::OK, &SsoProviders { providers, ldap: self.iam.federation().has_ldap() })
    }

    async fn leave(&self, head: &request::Parts, id: &str) -> Answer {
        let scheme = if self.facts.is_secure { "https" } else { "http" };
        let host = text(&head.headers, HOST.as_str());
        let redirect = format!("{scheme}://{host}{ROOT}/{id}/callback");
        let begun = self.iam.federation().begin((id, &redirect), self.engine.now()).await;
        match begun {
            None => Err(Refusal::NotFound(format!("there is no identity provider {id}; --oidc names them"))),
            Some(Err(error)) => {
                tracing::warn!(provider = id, %error, "cannot sign in by an identity provider");
                Ok(sent_to(&failed(
                    "the identity provider does not answer; its name and the reason are in the log",
                )))
            }
            Some(Ok(Begun { location, cookie })) => {
                let mut response = sent_to(&location);
                self.remember(response.headers_mut(), cookie.expose(), "Max-Age=600");
                Ok(response)
            }
        }
    }

    async fn come_back(&self, head: &request::Parts, id: &str, peer: IpAddr) -> Response<Full<Bytes>> {
        let mut response = match self.signed_in_by(head, id, peer).await {
            Ok(signed_in) => self.with_cookie(sent_to("/"), &signed_in.sign_in),
            Err(why) => {
                tracing::warn!(provider = id, %peer, why, "not signed in by an identity provider");
                sent_to(&failed(&why))
            }
        };
        self.remember(response.headers_mut(), "", "Max-Age=0");
        response
    }

    async fn signed_in_by(&self, head: &request::Parts, id: &str, peer: IpAddr) -> Result<SignedIn, String> {
        let query = head.uri.query().unwrap_or_default();
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(key, _)| *key == name).map(|(_, value)| value.replace('+', " "));
            found.and_then(|value| {
                percent_encoding::percent_decode_str(&value).decode_utf8().ok().map(String::from)
            })
        };
        if let Some(error) = value("error") {
            return Err(format!("the identity provider says: {error}"));
        }
        let (code, state) = (value("code").unwrap_or_default(), value("state").unwrap_or_default());
        let cookie = cookies_named(&head.headers, AWAY_COOKIE).next().unwrap_or_default();
        let now = self.engine.now();
        let who = self.iam.federation().finish((id, cookie), (&code, &state), now).await;
        let who = who.map_err(|refused| match refused {
            TokenRefused::Unreachable(why) => format!("the identity provider cannot be used: {why}"),
            refused => refused.to_string(),
        })?;
        self.sign_in_of(&who, head, (peer, now))
    }

    /// A sign-in with the first role that somebody may take.
    pub(super) fn sign_in_of(
        &self,
        who: &WebIdentity,
        head: &request::Parts,
        (peer, now): (IpAddr, Timestamp),
    ) -> Result<SignedIn, String> {
        let (is_secure, region) = (self.facts.is_secure, self.facts.region.as_str());
        let user_agent = head.headers.get("user-agent").and_then(|agent| agent.to_str().ok());
        let facts = RequestFacts { now, peer, is_secure, region, user_agent };
        let session = who.session_name();
        let of = self.iam.role_named_for((who, &session), &facts).ok_or_else(|| who.without_role())?;
        let times = SessionTimes::lasting(of.role.session_secs_max, now);
        let source_identity = who.source_identity.as_deref();
        let named = RoleSession { source_identity, ..RoleSession::named(&session) };
        let made = self.iam.begin_role_session(&of, named, Vec::new(), times);
        let made = made.map_err(|error| error.to_string())?;
        let access_key = made.pair.access_key;
        let identity = self.iam.find_session(&access_key, made.token.expose(), now);
        let identity = identity.map_err(|error| error.to_string())?;
        tracing::info!(subject = who.full_name(), role = of.role.named.name, %peer, "signed in to the console");
        let sign_in = self.iam.sign_in((&access_key, Some(&made.token)), &identity, now);
        Ok(SignedIn { identity, access_key, sign_in })
    }

    fn remember(&self, headers: &mut HeaderMap, cookie: &str, age: &str) {
        let secure = if self.facts.is_secure { "; Secure" } else { "" };
        let text = format!("{AWAY_COOKIE}={cookie}; HttpOnly; SameSite=Lax; Path={ROOT}; {age}{secure}");
        if let Ok(mut value) = HeaderValue::from_str(&text) {
            value.set_sensitive(true);
            headers.append(SET_COOKIE, value);
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Where the console tells why somebody is not signed in.
fn failed(why: &str) -> String {
    format!("/?sso_error={}", utf8_percent_encode(why, NON_ALPHANUMERIC))
}

fn sent_to(location: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::FOUND;
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
