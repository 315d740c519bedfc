//! Requests to the console's address that are not for a file of the console.
//!
//! Everything under `/api/` is for root. A page of another site cannot use a browser's login to change
//! anything: changes are POSTs with `content-type: application/json`, which a browser sends across
//! sites only after asking, and nothing here answers such a question with yes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Body;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq;

use super::accounts::Accounts;
use super::api::{ChangeDrive, REQUEST_BYTES_MAX};
use super::health::{answer, health_answer, json, text};
use super::operations::Operations;
use super::route::{DriveChange, NodeChange, Route};
use super::{Facts, Refusal, status};
use crate::iam::Iam;
use crate::object::Engine;
use crate::telemetry::Metrics;
use crate::types::DriveSlot;

/// How long a client may take to send a body.
const BODY_WAIT_MAX: Duration = Duration::from_secs(10);

/// The admin API.
pub struct Service {
    engine: Arc<Engine>,
    operations: Operations,
    accounts: Accounts,
    metrics: Arc<Metrics>,
    facts: Facts,
    /// `access key:secret key`, what HTTP Basic authentication carries.
    root: Vec<u8>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl Service {
    /// Puts the parts together; `access_key` and `secret_key` are root's.
    pub fn new(
        (engine, iam): (Arc<Engine>, Arc<Iam>),
        metrics: Arc<Metrics>,
        facts: Facts,
        (access_key, secret_key): (&str, &str),
    ) -> Self {
        let operations = Operations::new(engine.clone());
        let accounts = Accounts::new(engine.clone(), iam);
        Self {
            engine,
            operations,
            accounts,
            metrics,
            facts,
            root: format!("{access_key}:{secret_key}").into_bytes(),
        }
    }

    /// Answers one request.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data: Send> + Send,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        if request.uri().path().starts_with("/api/") {
            return self.api(request).await.unwrap_or_else(|refusal| refusal.answer());
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD here\n");
        }
        let path = request.uri().path();
        if let Some(health) = health_answer(path, &self.engine) {
            return health;
        }
        match path {
            "/metrics" => {
                let text = self.metrics.render();
                answer(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text.into())
            }
            _ => text(StatusCode::NOT_FOUND, "no such page\n"),
        }
    }

    async fn api<B>(&self, request: Request<B>) -> Result<Response<Full<Bytes>>, Refusal>
    where
        B: Body<Data: Send> + Send,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        if !is_root(request.headers(), &self.root) {
            return Err(Refusal::NotRoot);
        }
        let uri = request.uri();
        let route = Route::parse(request.method(), uri.path(), uri.query().unwrap_or(""))?;
        let body = if route.changes() { json_body(request).await? } else { Bytes::new() };
        self.carry_out(route, &body).await
    }

    async fn carry_out(&self, route: Route, body: &[u8]) -> Result<Response<Full<Bytes>>, Refusal> {
        let operations = &self.operations;
        match route {
            Route::Status => done(self.status().await),
            Route::Drives => done(operations.drives().await),
            Route::AddDrive => done(operations.add_drive(parse(body)?).await),
            Route::ChangeDrive(slot, change) => self.change_drive(slot, change, parse(body)?).await,
            Route::Nodes => done(operations.nodes().await),
            Route::AddNode => done(operations.add_node(parse(body)?).await),
            Route::ChangeNode(address, NodeChange::Drain) => {
                done(operations.drain_node(address, parse(body)?).await)
            }
            Route::ChangeNode(address, NodeChange::Remove) => {
                done(operations.remove_node(address, parse(body)?).await)
            }
            Route::Rebalance => done(operations.rebalance(parse(body)?).await),
            Route::Scrub => done(operations.scrub(parse(body)?).await),
            Route::Buckets => done(operations.buckets().await),
            Route::SetParity(bucket) => done(operations.set_parity(&bucket, parse(body)?).await),
            Route::Keyring => done(Ok(operations.keyring())),
            Route::CreateEncryptionKey => done(operations.create_encryption_key(parse(body)?).await),
            Route::ChangeEncryptionKey(id, change) => {
                done(operations.change_encryption_key(&id, change).await)
            }
            Route::DeleteEncryptionKey(id) => done(operations.delete_encryption_key(&id, parse(body)?).await),
            Route::SetSearch(bucket) => done(operations.set_search(&bucket, parse(body)?).await),
            Route::Risk(query) => done(operations.risk(query).await),
            Route::Accounts => done(self.accounts.list()),
            Route::AddAccount => done(self.accounts.add(parse(body)?).await),
            Route::RemoveAccount(id) => done(self.accounts.remove(&id, parse(body)?).await),
            Route::Keys => done(self.accounts.list_keys()),
            Route::AddKey => done(self.accounts.add_key(parse(body)?).await),
            Route::ChangeKey(key, change) => done(self.accounts.change_key(key, change, parse(body)?).await),
            Route::Events => done(operations.events().await),
        }
    }

    async fn change_drive(
        &self,
        slot: DriveSlot,
        change: DriveChange,
        mut request: ChangeDrive,
    ) -> Result<Response<Full<Bytes>>, Refusal> {
        let needless = "only `replace` takes a location; leave it out";
        match (change, request.location.take()) {
            (DriveChange::Replace, Some(location)) => {
                done(self.operations.replace_drive(slot, location, request).await)
            }
            (DriveChange::Replace, None) => Err(Refusal::BadRequest(
                "replace needs the location of the new drive; give it as `location`".into(),
            )),
            (DriveChange::Drain, None) => done(self.operations.drain_drive(slot, request).await),
            (DriveChange::Remove, None) => done(self.operations.remove_drive(slot, request).await),
            (_, Some(_)) => Err(Refusal::BadRequest(needless.into())),
        }
    }

    async fn status(&self) -> Result<super::api::Status, Refusal> {
        status::gather(&self.engine, &self.facts).await.map_err(|error| {
            tracing::warn!(%error, "gather status");
            Refusal::Unavailable("the metadata cannot be read; the log of the server says why".into())
        })
    }
}

fn done(result: Result<impl Serialize, Refusal>) -> Result<Response<Full<Bytes>>, Refusal> {
    result.map(|answer| json(StatusCode::OK, &answer))
}

/// Takes the body of a change.
async fn json_body<B>(request: Request<B>) -> Result<Bytes, Refusal>
where
    B: Body<Data: Send> + Send,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    if !is_json(request.headers()) {
        return Err(Refusal::NotJson);
    }
    let body = Limited::new(request.into_body(), REQUEST_BYTES_MAX);
    let late = |_| Refusal::BadRequest("the body did not come in time; send it at once".into());
    let received = tokio::time::timeout(BODY_WAIT_MAX, Box::pin(body).collect()).await.map_err(late)?;
    let collected = received.map_err(|error| {
        if error.is::<LengthLimitError>() {
            return Refusal::TooLong;
        }
        Refusal::BadRequest("the body ended early; send it again".into())
    })?;
    Ok(collected.to_bytes())
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    given.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Reads a body; an empty one says nothing, as `{}` does.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|error| Refusal::BadRequest(format!("the body is not what this path takes: {error}")))
}

/// The headers carry root's pair. Takes the same time wherever a wrong pair differs.
fn is_root(headers: &HeaderMap, root: &[u8]) -> bool {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Basic "));
    let given = given.and_then(|value| BASE64_STANDARD.decode(value.trim()).ok());
    given.is_some_and(|given| given.ct_eq(root).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::api::AddDrive;

    #[test]
    fn only_roots_pair_is_let_in() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            is_root(&headers, b"key:secret")
        };
        let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
        assert!(with(&basic("key:secret")));
        assert!(!with(&basic("key:secre")) && !with(&basic("other:secret")) && !with(&basic("")));
        assert!(!with("Basic !!!") && !with("Bearer x"));
        assert!(!is_root(&HeaderMap::new(), b"key:secret"));
    }

    async fn body_of(kind: Option<&str>, body: Vec<u8>) -> Result<Bytes, Refusal> {
        let mut request = Request::new(Full::new(Bytes::from(body)));
        if let Some(kind) = kind {
            request.headers_mut().insert(CONTENT_TYPE, kind.parse().unwrap());
        }
        json_body(request).await
    }

    #[tokio::test]
    async fn a_body_must_be_declared_as_json_and_be_short() {
        for kind in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(&body_of(Some(kind), b"{}".to_vec()).await.unwrap()[..], b"{}");
        }
        for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
            assert_eq!(body_of(kind, b"{}".to_vec()).await, Err(Refusal::NotJson), "what a page can send");
        }
        let longest = vec![b' '; REQUEST_BYTES_MAX];
        assert!(body_of(Some("application/json"), longest).await.is_ok());
        let longer = vec![b' '; REQUEST_BYTES_MAX + 1];
        assert_eq!(body_of(Some("application/json"), longer).await, Err(Refusal::TooLong));
    }

    #[test]
    fn a_body_that_is_not_understood_is_named() {
        let Err(Refusal::BadRequest(sentence)) = parse::<AddDrive>(b"{\"place\":1}") else { panic!() };
        assert!(sentence.contains("place"), "{sentence}");
        let Err(Refusal::BadRequest(sentence)) = parse::<AddDrive>(b"") else { panic!() };
        assert!(sentence.contains("location"), "{sentence}");
        assert!(!parse::<ChangeDrive>(b"").unwrap().dry_run);
    }
}
