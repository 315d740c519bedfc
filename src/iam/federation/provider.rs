//! One provider: its description (OpenID Connect Discovery 1.0) and its keys (RFC 7517), fetched when they are needed and
//! again when a token is signed by none of them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, HOST, HeaderMap};
use hyper::{Method, Request, StatusCode, Uri};
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::identity::{ProviderKind, WebIdentity};
use super::token::{self, TokenRefused};
use crate::http::tls::Trust;
use crate::http::{ExchangeLimits, Remote};
use crate::types::{AccountId, Secret, Timestamp};

/// How long a provider may take, and bytes of an answer.
const LIMITS: ExchangeLimits = ExchangeLimits { wait: Duration::from_secs(10), answer_bytes_max: 256 << 10 };
/// How long what a provider said of itself is believed: so long a key that it withdrew is still good.
const FRESH_FOR: Duration = Duration::from_secs(15 * 60);
/// How soon it is asked again because of a token that none of its keys signed, so that made-up tokens do not have it asked all the time.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// A provider, as the operator named it.
#[derive(Debug, Clone)]
pub struct ProviderOptions {
    /// The operator's name for it.
    pub id: String,
    /// Its URL, without a slash at the end.
    pub issuer: String,
    /// What this deployment is to it.
    pub client_id: String,
    /// How this deployment proves that; none of a public client.
    pub client_secret: Option<Secret>,
    /// The claim that names roles for those who sign in to the console.
    pub roles_claim: String,
    /// What is asked for at a sign-in, beside `openid`.
    pub scopes: String,
}

impl ProviderOptions {
    /// The issuer without its scheme, as condition keys and ARNs have it.
    pub fn place(&self) -> &str {
        self.issuer.split_once("://").map_or(self.issuer.as_str(), |(_, place)| place)
    }

    /// Its ARN in an account.
    pub fn arn(&self, account: &AccountId) -> String {
        ProviderKind::OpenIdConnect.arn(account, self.place())
    }
}

/// What a provider says of itself.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Description {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    pub(super) token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Debug)]
struct Known {
    description: Arc<Description>,
    keys: Arc<JwkSet>,
    at: Instant,
}

/// A provider and what is known of it.
pub(super) struct Provider {
    pub(super) options: ProviderOptions,
    trust: Trust,
    /// Held while it is asked: who comes meanwhile gets the same answer.
    known: Mutex<Option<Known>>,
}

impl Provider {
    pub(super) fn new(options: ProviderOptions, trust: Trust) -> Self {
        Self { options, trust, known: Mutex::default() }
    }

    /// Whom a token of it stands for.
    pub(super) async fn identify(&self, token: &str, now: Timestamp) -> Result<WebIdentity, TokenRefused> {
        let head = jsonwebtoken::decode_header(token).map_err(token::unreadable)?;
        let (_, keys) = self.known(|keys| token::signed_claims(token, &head, keys).is_some()).await?;
        token::verify(token, &head, &keys, &self.options, now)
    }

    /// Where it is spoken to.
    pub(super) async fn description(&self) -> Result<Arc<Description>, TokenRefused> {
        Ok(self.known(|_| true).await?.0)
    }

    /// What is known of it: asked again where that does not fit, but not all the time.
    async fn known(
        &self,
        fits: impl Fn(&JwkSet) -> bool,
    ) -> Result<(Arc<Description>, Arc<JwkSet>), TokenRefused> {
        let mut known = self.known.lock().await;
        let is_good = known.as_ref().is_some_and(|known| {
            let age = known.at.elapsed();
            age < AGAIN_AFTER || (age < FRESH_FOR && fits(&known.keys))
        });
        if !is_good {
            let description: Description =
                self.fetch(&format!("{}/.well-known/openid-configuration", self.options.issuer)).await?;
            if description.issuer.trim_end_matches('/') != self.options.issuer {
                return Err(unreachable(format!("it calls itself {}", description.issuer)));
            }
            let keys = Arc::new(self.fetch(&description.jwks_uri).await?);
            *known = Some(Known { description: Arc::new(description), keys, at: Instant::now() });
        }
        let known = known.as_ref().expect("known by now");
        Ok((known.description.clone(), known.keys.clone()))
    }

    async fn fetch<T: DeserializeOwned>(&self, url: &str) -> Result<T, TokenRefused> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, hyper::header::HeaderValue::from_static("application/json"));
        self.ask(Method::GET, url, headers, Bytes::new()).await
    }

    /// One request, and its answer in JSON.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<T, TokenRefused> {
        let url: Uri = url.parse().map_err(|_| unreachable(format!("{url} is no URL")))?;
        let remote = Remote::of(&url, self.trust.clone());
        let remote = remote.ok_or_else(|| unreachable(format!("{url} is neither http nor https")))?;
        let path = url.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|_| unreachable(format!("{url} is no URL")))?;
        *request.headers_mut() = headers;
        let host = remote.authority().as_str().parse();
        request.headers_mut().insert(HOST, host.map_err(|_| unreachable(format!("{url} is no URL")))?);
        let answer = remote.send(request, LIMITS).await.map_err(|error| unreachable(error.to_string()))?;
        if answer.status != StatusCode::OK {
            tracing::warn!(provider = self.options.id, %url, status = answer.status.as_u16(), "identity provider refuses");
            return Err(unreachable(format!("it answers {}", answer.status.as_u16())));
        }
        serde_json::from_slice(&answer.body).map_err(|error| unreachable(error.to_string()))
    }
}

fn unreachable(why: String) -> TokenRefused {
    TokenRefused::Unreachable(why)
}
