//! Signing in by a browser: authorization code (OpenID Connect Core 1.0, section 3.1) with PKCE (RFC 7636).
//!
//! What has to be remembered between leaving for the provider and coming back stands in a cookie, sealed, so that any gateway
//! goes on with it. Only the browser that left can come back: the code is good with the verifier in its cookie alone.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use hyper::Method;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::Federation;
use super::identity::WebIdentity;
use super::provider::{Description, Provider};
use super::token::TokenRefused;
use crate::checksum::Sha256;
use crate::runtime::random_bytes;
use crate::types::{Secret, Timestamp};

/// How long somebody may be away to sign in, in milliseconds.
const AWAY_MILLIS: u64 = 10 * 60 * 1000;

/// What cookies are bound to: the version of what is in them.
const BOUND: &[u8] = b"holdfast code flow 1";

/// A browser that is sent to the provider.
#[derive(Debug)]
pub struct Begun {
    /// Where to.
    pub location: String,
    /// What it is to bring back.
    pub cookie: Secret,
}

#[derive(Serialize, Deserialize)]
struct Away {
    provider: String,
    state: String,
    nonce: String,
    verifier: String,
    redirect: String,
    until: Timestamp,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

impl Federation {
    /// Sends a browser to a provider, to come back to `redirect`; `None` if no provider has this name.
    pub async fn begin(
        &self,
        (id, redirect): (&str, &str),
        now: Timestamp,
    ) -> Option<Result<Begun, TokenRefused>> {
        let provider = self.named(id)?;
        let description = match provider.description().await {
            Ok(description) => description,
            Err(error) => return Some(Err(error)),
        };
        let word = || URL_SAFE_NO_PAD.encode(random_bytes::<32>());
        let away = Away {
            provider: id.to_owned(),
            state: word(),
            nonce: word(),
            verifier: word(),
            redirect: redirect.to_owned(),
            until: Timestamp::from_millis(now.as_millis().saturating_add(AWAY_MILLIS)),
        };
        let plain = postcard::to_stdvec(&away).expect("plain data serializes");
        let cookie = Secret::new(URL_SAFE_NO_PAD.encode(self.away.seal(&plain, BOUND)));
        Some(Ok(Begun { location: location(provider, &description, &away), cookie }))
    }

    /// Who comes back with a code.
    pub async fn finish(
        &self,
        (id, cookie): (&str, &str),
        (code, state): (&str, &str),
        now: Timestamp,
    ) -> Result<WebIdentity, TokenRefused> {
        let invalid =
            || TokenRefused::Invalid("this sign-in was not begun here, or too long ago; begin again".into());
        let opened = URL_SAFE_NO_PAD.decode(cookie).ok().and_then(|sealed| self.away.open(&sealed, BOUND));
        let away: Away = opened.and_then(|plain| postcard::from_bytes(&plain).ok()).ok_or_else(invalid)?;
        let is_same: bool = away.state.as_bytes().ct_eq(state.as_bytes()).into();
        let provider = self.named(id).filter(|_| is_same && away.provider == id && away.until > now);
        let provider = provider.ok_or_else(invalid)?;
        let token = provider.redeem(code, &away).await?;
        let who = provider.identify(&token, now).await?;
        if who.nonce.as_deref() != Some(away.nonce.as_str()) {
            return Err(TokenRefused::Invalid("the provider's token is of another sign-in".into()));
        }
        Ok(who)
    }
}

fn location(provider: &Provider, description: &Description, away: &Away) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(away.verifier.as_bytes()));
    let scope = format!("openid {}", provider.options.scopes);
    let query = form(&[
        ("response_type", "code"),
        ("client_id", &provider.options.client_id),
        ("redirect_uri", &away.redirect),
        ("scope", scope.trim_end()),
        ("state", &away.state),
        ("nonce", &away.nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let endpoint = &description.authorization_endpoint;
    format!("{endpoint}{}{query}", if endpoint.contains('?') { '&' } else { '?' })
}

impl Provider {
    /// The ID token for a code.
    async fn redeem(&self, code: &str, away: &Away) -> Result<String, TokenRefused> {
        let description = self.description().await?;
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &away.redirect),
            ("code_verifier", &away.verifier),
        ];
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let client = &self.options.client_id;
        match &self.options.client_secret {
            None => pairs.push(("client_id", client)),
            Some(secret) if in_the_body(&description) => {
                pairs.extend([("client_id", client.as_str()), ("client_secret", secret.expose())]);
            }
            Some(secret) => {
                let pair = format!("{}:{}", encoded(client), encoded(secret.expose()));
                let value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)));
                headers.insert(AUTHORIZATION, value.expect("base64 may stand in a header"));
            }
        }
        let body = Bytes::from(form(&pairs));
        let tokens: Tokens = self.ask(Method::POST, &description.token_endpoint, headers, body).await?;
        Ok(tokens.id_token)
    }
}

/// Whether the provider takes a client's secret only there; where it says nothing it takes it in a header.
fn in_the_body(description: &Description) -> bool {
    let methods = &description.token_endpoint_auth_methods_supported;
    !methods.is_empty() && !methods.iter().any(|method| method == "client_secret_basic")
}

fn form(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
