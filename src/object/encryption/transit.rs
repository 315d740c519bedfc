//! A key service outside the deployment: the transit engine of HashiCorp Vault or OpenBao.
//!
//! The keys there never leave it. For a write under one of them it makes a *data key*, and tells it both open and sealed;
//! the object's own key is sealed under the open one, and the sealed one is kept beside it. To read the object the
//! service is asked to open that again. So whoever has the drives and the deployment's key, but not the service, can read
//! nothing that is under its keys.
//!
//! Bounds. A data key seals the key of one object, unless the client or bucket asks for a bucket key: then those of up to
//! `SHARED_USES_MAX` objects within `SHARED_FOR`. Open data keys are remembered for as long as the operator says, up to
//! `REMEMBERED_MAX` of them. So many requests at once go to the service, and each ends in time. While it does not answer,
//! what is under its keys is neither written nor read, unless its data key is remembered; nothing else is affected.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::http::{Answer, ExchangeLimits, Remote, tls::Trust};
use crate::object::api::{Error, Result};
use crate::sealing::{AeadKey, KEY_LEN};
use crate::types::Secret;

/// Requests to the service at once; others wait.
const REQUESTS_MAX: usize = 64;
/// How long the service may take, and a request for its turn.
const LIMITS: ExchangeLimits = ExchangeLimits { wait: Duration::from_secs(10), answer_bytes_max: 64 << 10 };
/// Open data keys that are remembered.
const REMEMBERED_MAX: usize = 10_000;
/// How long a data key goes on sealing where a bucket key is asked for.
const SHARED_FOR: Duration = Duration::from_secs(300);
/// Objects whose keys it seals meanwhile.
const SHARED_USES_MAX: u32 = 10_000;
/// Characters of a key's name.
const NAME_LEN_MAX: usize = 128;

/// How the service knows this server.
#[derive(Debug, Clone)]
pub enum KmsLogin {
    /// By a token.
    Token(Secret),
    /// By the token in a file, which somebody keeps fresh.
    TokenFile(PathBuf),
    /// By a role and its secret (AppRole), for tokens that end.
    Role {
        /// The role.
        id: String,
        /// The file with its secret, read for each log-in.
        secret_file: PathBuf,
    },
}

/// Where the service is, and how it is used.
#[derive(Debug, Clone)]
pub struct KmsOptions {
    /// Its URL.
    pub url: Uri,
    /// Where the transit engine is mounted.
    pub mount: String,
    /// The key of those who ask for SSE-KMS and name none.
    pub default_key: String,
    /// How it knows this server.
    pub login: KmsLogin,
    /// How long an open data key is remembered.
    pub remember: Duration,
}

/// How the service is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KmsHealth {
    /// It answers, and knows this server.
    Good,
    /// It does not answer, or is sealed.
    Unavailable(String),
    /// It answers, and does not let this server in.
    Denied(String),
}

/// A data key: open, and sealed by the service.
#[derive(Clone)]
pub(super) struct DataKey {
    pub(super) key: AeadKey,
    pub(super) sealed: String,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({}, ..)", self.sealed)
    }
}

/// What a data key is for: a key of the service, and the encryption context.
type Purpose = (String, String);

#[derive(Debug, Default)]
struct Remembered {
    /// By purpose and sealed form, until when.
    open: HashMap<(Purpose, String), (AeadKey, Instant)>,
    /// Those that go on sealing, until when and how often.
    sealing: HashMap<Purpose, (DataKey, Instant, u32)>,
}

/// The service.
#[derive(Debug)]
pub struct Kms {
    remote: Remote,
    options: KmsOptions,
    turns: Semaphore,
    token: Mutex<Option<Secret>>,
    remembered: Mutex<Remembered>,
}

/// Why the service did not do what it was asked to.
enum Failure {
    /// It does not answer, is sealed, or has a problem of its own.
    Unavailable(String),
    /// It does not let this server do that.
    Denied(String),
    /// It cannot: there is no such key, or the text is not of it.
    Refused(String),
}

impl Failure {
    fn into_error(self, name: &str) -> Error {
        match self {
            Self::Unavailable(reason) => {
                tracing::warn!(key = name, %reason, "the key service is not available");
                Error::KmsUnavailable(reason)
            }
            Self::Denied(reason) => {
                tracing::warn!(key = name, %reason, "the key service denies the use of a key");
                Error::KmsDenied(name.to_owned())
            }
            Self::Refused(reason) if is_unknown_key(&reason) => Error::NoSuchEncryptionKey(name.to_owned()),
            Self::Refused(reason) => {
                tracing::warn!(key = name, %reason, "the key service refuses a request");
                Error::KmsRefused(reason)
            }
        }
    }
}

/// In the words of the transit engine, which has no code for it.
fn is_unknown_key(reason: &str) -> bool {
    reason.contains("encryption key not found") || reason.contains("no existing key named")
}

/// Names that the transit engine takes; others could be another path.
fn is_name(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let ends = name.bytes().next().zip(name.bytes().last());
    name.len() <= NAME_LEN_MAX
        && ends.is_some_and(|(first, last)| word(first) && word(last))
        && name.bytes().all(|byte| word(byte) || byte == b'-' || byte == b'.')
}

impl Kms {
    /// Takes a service whose URL is `http` or `https`; else none. `trust` says whose certificates are believed.
    pub fn new(options: KmsOptions, trust: Trust) -> Option<Self> {
        let remote = Remote::of(&options.url, trust)?;
        let (turns, token, remembered) = (Semaphore::new(REQUESTS_MAX), Mutex::default(), Mutex::default());
        Some(Self { remote, options, turns, token, remembered })
    }

    /// The key of those who name none.
    pub(super) fn default_key(&self) -> &str {
        &self.options.default_key
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A data key that seals under a key of the service; the same for several objects if `shared`.
    pub(super) async fn data_key(&self, name: &str, context: Option<&str>, shared: bool) -> Result<DataKey> {
        let purpose = (name.to_owned(), bound_context(context));
        if shared && let Some(key) = self.remembered().sealing_key(&purpose) {
            return Ok(key);
        }
        let body = json!({ "context": purpose.1, "bits": 8 * KEY_LEN });
        let data = self.transit("datakey/plaintext", name, &body).await?;
        let sealed = data["ciphertext"].as_str().unwrap_or_default().to_owned();
        let key = DataKey { key: open_key(&data)?, sealed };
        let mut remembered = self.remembered();
        remembered.remember((purpose.clone(), key.sealed.clone()), &key.key, self.options.remember);
        if shared {
            remembered.sealing.insert(purpose, (key.clone(), Instant::now() + SHARED_FOR, 1));
        }
        Ok(key)
    }

    /// Opens what [`Self::data_key`] sealed.
    pub(super) async fn open(&self, name: &str, context: Option<&str>, sealed: &str) -> Result<AeadKey> {
        let purpose = (name.to_owned(), bound_context(context));
        let place = (purpose, sealed.to_owned());
        if let Some(key) = self.remembered().open_key(&place) {
            return Ok(key);
        }
        let body = json!({ "context": place.0.1, "ciphertext": sealed });
        let key = open_key(&self.transit("decrypt", name, &body).await?)?;
        self.remembered().remember(place, &key, self.options.remember);
        Ok(key)
    }

    /// How the service is doing, for operators.
    pub async fn health(&self) -> KmsHealth {
        let request = Outgoing { method: Method::GET, path: "auth/token/lookup-self".into(), body: None };
        match self.as_ourselves(&request).await {
            Ok(_) => KmsHealth::Good,
            Err(Failure::Unavailable(reason)) => KmsHealth::Unavailable(reason),
            Err(Failure::Denied(reason) | Failure::Refused(reason)) => KmsHealth::Denied(reason),
        }
    }

    /// One request to the transit engine about a key.
    async fn transit(&self, verb: &str, name: &str, body: &Value) -> Result<Value> {
        if !is_name(name) {
            return Err(Error::NoSuchEncryptionKey(name.to_owned()));
        }
        let path = format!("{}/{verb}/{name}", self.options.mount);
        let request = Outgoing { method: Method::POST, path, body: Some(body) };
        self.as_ourselves(&request).await.map_err(|failure| failure.into_error(name))
    }

    /// Sends a request with our token; with a new one where the old one is no longer believed.
    async fn as_ourselves(&self, request: &Outgoing<'_>) -> std::result::Result<Value, Failure> {
        let held = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_new = held.is_none();
        let token = match held {
            Some(token) => token,
            None => self.log_in().await?,
        };
        match self.send(request, Some(&token)).await {
            Err(Failure::Denied(_)) if !is_new => {
                let token = self.log_in().await?;
                self.send(request, Some(&token)).await
            }
            answer => answer,
        }
    }

    async fn log_in(&self) -> std::result::Result<Secret, Failure> {
        let token = match &self.options.login {
            KmsLogin::Token(token) => token.clone(),
            KmsLogin::TokenFile(path) => read_secret(path)?,
            KmsLogin::Role { id, secret_file } => {
                let secret = read_secret(secret_file)?;
                let body = json!({ "role_id": id, "secret_id": secret.expose() });
                let path = "auth/approle/login".into();
                let request = Outgoing { method: Method::POST, path, body: Some(&body) };
                // It has the token in another place than all else.
                let answer = self.exchange(&request, None).await?;
                Secret::new(answer["auth"]["client_token"].as_str().unwrap_or_default())
            }
        };
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }

    /// Sends a request, and takes the data of the answer.
    async fn send(
        &self,
        request: &Outgoing<'_>,
        token: Option<&Secret>,
    ) -> std::result::Result<Value, Failure> {
        self.exchange(request, token).await.map(|mut answer| answer["data"].take())
    }

    async fn exchange(
        &self,
        outgoing: &Outgoing<'_>,
        token: Option<&Secret>,
    ) -> std::result::Result<Value, Failure> {
        let request = self.request(outgoing, token)?;
        let late = |_| Failure::Unavailable("too many requests to it wait".into());
        let turn = tokio::time::timeout(LIMITS.wait, self.turns.acquire()).await.map_err(late)?;
        let _turn = turn.map_err(|_| Failure::Unavailable("this server stops".into()))?;
        let answer = self.remote.send(request, LIMITS).await;
        judge(&answer.map_err(|error| Failure::Unavailable(error.to_string()))?)
    }

    fn request(
        &self,
        outgoing: &Outgoing<'_>,
        token: Option<&Secret>,
    ) -> std::result::Result<Request<Full<Bytes>>, Failure> {
        let body = outgoing.body.map(Value::to_string).unwrap_or_default();
        let builder = Request::builder()
            .method(&outgoing.method)
            .uri(format!("{}/v1/{}", self.options.url.path().trim_end_matches('/'), outgoing.path))
            .header(HOST, self.remote.authority().as_str())
            .header(CONTENT_TYPE, "application/json")
            .header("x-vault-request", "true");
        let mut request = builder.body(Full::new(Bytes::from(body)));
        if let (Ok(request), Some(token)) = (&mut request, token) {
            let unusable = |_| Failure::Denied("the token cannot stand in a header".into());
            let mut token = HeaderValue::try_from(token.expose()).map_err(unusable)?;
            token.set_sensitive(true);
            request.headers_mut().insert("x-vault-token", token);
        }
        request.map_err(|error| Failure::Refused(error.to_string()))
    }
}

/// A request to the service.
struct Outgoing<'a> {
    method: Method,
    /// Behind `/v1/`.
    path: String,
    body: Option<&'a Value>,
}

impl Remembered {
    fn open_key(&self, place: &(Purpose, String)) -> Option<AeadKey> {
        let (key, until) = self.open.get(place)?;
        (*until > Instant::now()).then(|| key.clone())
    }

    fn remember(&mut self, place: (Purpose, String), key: &AeadKey, time: Duration) {
        if time.is_zero() {
            return;
        }
        let now = Instant::now();
        if self.open.len() >= REMEMBERED_MAX {
            self.open.retain(|_, (_, until)| *until > now);
        }
        if self.open.len() >= REMEMBERED_MAX {
            self.open.clear();
        }
        self.open.insert(place, (key.clone(), now + time));
    }

    /// A data key that may go on sealing.
    fn sealing_key(&mut self, purpose: &Purpose) -> Option<DataKey> {
        let now = Instant::now();
        self.sealing.retain(|_, (_, until, uses)| *until > now && *uses < SHARED_USES_MAX);
        let (key, _, uses) = self.sealing.get_mut(purpose)?;
        *uses += 1;
        Some(key.clone())
    }
}

fn read_secret(path: &Path) -> std::result::Result<Secret, Failure> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| Failure::Denied(format!("{}: {error}", path.display())))?;
    Ok(Secret::new(text.trim()))
}

/// The encryption context as the service takes it: it derives keys from it where a key was made for that.
fn bound_context(context: Option<&str>) -> String {
    // It is base64 of JSON already; the service wants some where a key is derived.
    context.map_or_else(|| STANDARD.encode("{}"), str::to_owned)
}

fn open_key(data: &Value) -> Result<AeadKey> {
    let plain = data["plaintext"].as_str().and_then(|text| STANDARD.decode(text).ok());
    let plain = plain.and_then(|plain| <[u8; KEY_LEN]>::try_from(plain).ok());
    let plain = plain.ok_or_else(|| Error::KmsRefused("its answer has no key of 256 bits".into()))?;
    Ok(AeadKey::new(&plain))
}

/// What an answer says.
fn judge(answer: &Answer) -> std::result::Result<Value, Failure> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let errors = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let errors: Vec<&str> = errors.iter().filter_map(Value::as_str).map(str::trim).collect();
    let reason = if errors.is_empty() { answer.status.to_string() } else { errors.join("; ") };
    match answer.status {
        status if status.is_success() => Ok(body),
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Err(Failure::Denied(reason)),
        StatusCode::TOO_MANY_REQUESTS => Err(Failure::Unavailable(reason)),
        status if status.is_client_error() => Err(Failure::Refused(reason)),
        _ => Err(Failure::Unavailable(reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_transit_engine_become_a_path() {
        for good in ["a", "team-a", "1234abcd-12ab-34cd", "a.b_c"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "aws/s3", "../x", "-a", "a-", "a b", "a?b", "é", &"k".repeat(129)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    fn judged(status: u16, body: &str) -> std::result::Result<Value, Failure> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        judge(&Answer { status: StatusCode::from_u16(status).unwrap(), body })
    }

    #[test]
    fn what_the_service_cannot_do_is_told_from_what_it_will_not() {
        assert_eq!(judged(200, r#"{"data":{"a":1}}"#).ok().unwrap()["data"]["a"], 1);
        let error = |status, body| judged(status, body).err().unwrap().into_error("k");
        assert!(
            matches!(error(503, r#"{"errors":["Vault is sealed"]}"#), Error::KmsUnavailable(why) if why == "Vault is sealed")
        );
        assert!(matches!(error(500, ""), Error::KmsUnavailable(_)));
        assert!(matches!(error(429, "{}"), Error::KmsUnavailable(_)));
        assert!(matches!(error(403, r#"{"errors":["permission denied"]}"#), Error::KmsDenied(_)));
        let unknown = error(400, r#"{"errors":["encryption key not found"]}"#);
        assert!(matches!(unknown, Error::NoSuchEncryptionKey(id) if id == "k"));
        assert!(matches!(error(400, r#"{"errors":["invalid ciphertext"]}"#), Error::KmsRefused(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn data_keys_are_forgotten_in_time_and_never_too_many() {
        let (mut remembered, (key, _)) = (Remembered::default(), AeadKey::random());
        let place = |i: usize| (("k".to_owned(), String::new()), i.to_string());
        remembered.remember(place(0), &key, Duration::ZERO);
        assert!(remembered.open_key(&place(0)).is_none());
        for i in 0..=REMEMBERED_MAX {
            remembered.remember(place(i), &key, Duration::from_secs(10));
        }
        assert!(remembered.open.len() <= REMEMBERED_MAX);
        assert!(remembered.open_key(&place(REMEMBERED_MAX)).is_some());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(remembered.open_key(&place(REMEMBERED_MAX)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_key_is_used_for_a_while_and_so_often() {
        let (mut remembered, purpose) = (Remembered::default(), ("k".to_owned(), String::new()));
        let data = DataKey { key: AeadKey::random().0, sealed: "vault:v1:x".into() };
        let until = Instant::now() + SHARED_FOR;
        remembered.sealing.insert(purpose.clone(), (data.clone(), until, SHARED_USES_MAX - 1));
        assert!(remembered.sealing_key(&purpose).is_some());
        assert!(remembered.sealing_key(&purpose).is_none(), "that was the last one");
        remembered.sealing.insert(purpose.clone(), (data, until, 1));
        tokio::time::advance(SHARED_FOR).await;
        assert!(remembered.sealing_key(&purpose).is_none());
    }
}
