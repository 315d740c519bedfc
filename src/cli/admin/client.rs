//! One request after another to the admin API, each on a connection of its own.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use crate::admin::api::Failure;
use crate::cli::trust::{Trust, own_files};
use crate::config::{ClientHints, Credentials, Environment, Options, RoleName, Settings};
use crate::http::{Answer, ClientError, ExchangeLimits, Remote};

/// Bounds of an exchange: planning a change counts what is on the drives.
const LIMITS: ExchangeLimits = ExchangeLimits { wait: Duration::from_secs(120), answer_bytes_max: 256 << 20 };

/// What stands as it is in a segment of a path, and in a value of a query.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':');

/// A word as a segment of a path.
pub(super) fn segment(word: &str) -> String {
    utf8_percent_encode(word, SEGMENT).to_string()
}

/// A server's console, and root's pair.
#[derive(Debug)]
pub(crate) struct AdminClient {
    /// `http://host:port` or `https://host:port`, for messages.
    console: String,
    remote: Remote,
    authorization: HeaderValue,
}

impl AdminClient {
    /// Finds the server and the pair as `holdfast env` does.
    pub(super) fn find(flags: Settings) -> Result<Self, String> {
        let environment: Environment = std::env::vars().collect();
        let (mut settings, _) = Settings::gather(flags, &environment).map_err(|error| error.to_string())?;
        let state_named = settings.state.is_some() || !settings.drives.is_empty();
        let url = settings.console_address.take_if(|named| named.contains("://"));
        let named = settings.console_address.is_some();
        let mut options = Options::validate(RoleName::Serve, settings).map_err(|error| error.to_string())?;
        options.find_client_state(state_named);
        let hints = ClientHints::read(&options.state);
        options.listen.tls = own_files(&options, hints.as_ref());
        let console = url.map_or_else(|| console(&options, hints.as_ref(), named), Ok)?;
        let trust = Trust::of(options.tls_ca.as_deref(), options.listen.tls.as_ref())?;
        let credentials = options.client_credentials().map_err(|error| error.to_string())?;
        Self::new(&console, trust, &credentials)
    }

    /// A client of the console at this URL.
    pub(crate) fn new(console: &str, trust: Trust, credentials: &Credentials) -> Result<Self, String> {
        let unusable = || {
            format!(
                "{console} is no console address; give one like 127.0.0.1:9001 or https://s3.example.com:9001 \
                 with --console-address"
            )
        };
        let uri: Uri = console.parse().map_err(|_| unusable())?;
        let remote = Remote::of(&uri, trust).ok_or_else(unusable)?;
        let pair = format!("{}:{}", credentials.access_key_id, credentials.secret_access_key.expose());
        let basic = format!("Basic {}", BASE64_STANDARD.encode(pair));
        let mut authorization = HeaderValue::try_from(basic).expect("base64 is plain text");
        authorization.set_sensitive(true);
        Ok(Self { console: console.to_owned(), remote, authorization })
    }

    /// Where the server is, for messages.
    pub(super) fn console(&self) -> &str {
        &self.console
    }

    /// Asks for something.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, String> {
        let answer = self.send(Method::GET, path, Bytes::new()).await?;
        self.understand(&answer)
    }

    /// Asks for a change.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, String> {
        let answer = self.send(Method::POST, path, body.to_string().into()).await?;
        self.understand(&answer)
    }

    /// Asks for a change with a body that is not JSON.
    pub(super) async fn post_as<T: DeserializeOwned>(
        &self,
        path: &str,
        body: (&'static str, Bytes),
    ) -> Result<T, String> {
        let answer = self.send_as(Method::POST, path, body).await?;
        self.understand(&answer)
    }

    fn understand<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, String> {
        let console = &self.console;
        if answer.status == StatusCode::OK {
            return serde_json::from_slice(&answer.body).map_err(|error| {
                format!(
                    "the answer of {console} is not understood: {error}; use the version that the server has"
                )
            });
        }
        Err(match (answer.status, serde_json::from_slice::<Failure>(&answer.body)) {
            (StatusCode::UNAUTHORIZED, _) => format!(
                "the server at {console} does not know this pair; name the server's own state folder with --state"
            ),
            (_, Ok(failure)) => failure.error,
            (status, Err(_)) => self.not_understood(status),
        })
    }

    /// What came is no answer of a Holdfast server.
    pub(super) fn not_understood(&self, status: StatusCode) -> String {
        let console = &self.console;
        format!(
            "{console} answered {status}; name the console address of a Holdfast server with --console-address"
        )
    }

    /// Sends one request and takes the whole answer.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Answer, String> {
        self.send_as(method, path, ("application/json", body)).await
    }

    /// The same with a body of some kind.
    pub(super) async fn send_as(
        &self,
        method: Method,
        path: &str,
        (kind, body): (&'static str, Bytes),
    ) -> Result<Answer, String> {
        let console = &self.console;
        let unreachable = |reason: String| {
            format!("no server answers at {console}: {reason}; start it, or name it with --console-address")
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.remote.authority().as_str())
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, kind)
            .body(Full::new(body))
            .map_err(|error| unreachable(error.to_string()))?;
        self.remote.send(request, LIMITS).await.map_err(|error| unreachable(advice(&error)))
    }
}

/// What went wrong, and what to do about a server whose certificate nobody vouches for.
fn advice(error: &ClientError) -> String {
    match error {
        ClientError::Tls(_) => format!(
            "{error}; name the file of the one who signed it with --tls-ca, or the server by a name that its \
             certificate has"
        ),
        _ => error.to_string(),
    }
}

/// URL of the console: named, or of the server that was started last.
fn console(options: &Options, hints: Option<&ClientHints>, named: bool) -> Result<String, String> {
    let listen = &options.listen;
    let of_settings = listen.console_address.map(|address| listen.url(address));
    let console = hints.filter(|_| !named).map_or(of_settings, |hints| hints.console.clone());
    console.ok_or_else(|| {
        "the server has no console address; start it with --console-address IP:PORT, or name it here"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_s_address_fits_into_a_path() {
        assert_eq!(segment("n1.example:9100"), "n1.example:9100");
        assert_eq!(segment("[::1]:9100"), "%5B::1%5D:9100");
        assert_eq!(segment("photos/a b&c"), "photos%2Fa%20b%26c");
    }

    #[test]
    fn tls_is_spoken_where_the_url_says_so() {
        let client = |url| AdminClient::new(url, Trust::of(None, None).unwrap(), &Credentials::random());
        let plain = client("http://127.0.0.1:9001").unwrap();
        assert_eq!((plain.remote.authority().as_str(), plain.remote.is_tls()), ("127.0.0.1:9001", false));
        assert!(client("https://127.0.0.1:9001").unwrap().remote.is_tls());
        assert!(client("ftp://127.0.0.1:9001").unwrap_err().contains("--console-address"));
    }
}
