//! Requests to the console's address that are not for a file of the console.
//!
//! Everything under `/api/` is for callers whose policies allow it. A page of another site cannot use a browser's login to
//! change anything: changes are POSTs with `content-type: application/json`, which a browser sends across sites only after
//! asking, and nothing here answers such a question with yes; with a cookie they show the word of the sign-in too.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Body;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::accounts::Accounts;
use super::actions::AdminAction;
use super::api::{ChangeDrive, REQUEST_BYTES_MAX, Setting, Settings};
use super::caller::Caller;
use super::health::{answer, health_answer, json, text};
use super::history::Recorder;
use super::import::archive_body;
use super::openapi;
use super::operations::Operations;
use super::presign::presign;
use super::requests;
use super::route::{DriveChange, NodeChange, Route};
use super::{Facts, Refusal, status};
use crate::iam::Iam;
use crate::object::Engine;
use crate::runtime::random_bytes;
use crate::telemetry::{Metrics, SeenCall};
use crate::types::DriveSlot;

/// How long a client may take to send a body.
const BODY_WAIT_MAX: Duration = Duration::from_secs(10);

/// The admin API.
pub struct Service {
    pub(super) engine: Arc<Engine>,
    pub(super) iam: Arc<Iam>,
    pub(super) facts: Facts,
    operations: Operations,
    accounts: Accounts,
    metrics: Arc<Metrics>,
    sources: Sources,
}

/// What other parts have noted, to be told.
#[derive(Debug, Clone)]
pub struct Sources {
    /// How busy it was.
    pub history: Arc<Recorder>,
    /// The file in which denied requests are remembered.
    pub denials: PathBuf,
    /// What counts of the operator's settings, without secrets.
    pub settings: Vec<Setting>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl Service {
    /// Puts the parts together.
    pub fn new(
        (engine, iam): (Arc<Engine>, Arc<Iam>),
        metrics: Arc<Metrics>,
        facts: Facts,
        sources: Sources,
    ) -> Self {
        let operations = Operations::new(engine.clone());
        let accounts = Accounts::new(engine.clone(), iam.clone());
        Self { engine, iam, facts, operations, accounts, metrics, sources }
    }

    /// Answers one request.
    pub async fn handle<B>(&self, request: Request<B>, peer: IpAddr) -> Response<Full<Bytes>>
    where
        B: Body<Data: Send> + Send,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        if request.uri().path().starts_with("/api/") {
            return self.api_and_seen(request, peer).await;
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

    /// Answers, and leaves among the answer's extensions what the audit log says of it: of changes, and of what was refused.
    async fn api_and_seen<B>(&self, request: Request<B>, peer: IpAddr) -> Response<Full<Bytes>>
    where
        B: Body<Data: Send> + Send,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
        let id: String = random_bytes::<8>().iter().map(|byte| format!("{byte:02X}")).collect();
        let resource = Some(request.uri().path().to_owned());
        let mut seen = SeenCall { service: "admin", resource, id, ..SeenCall::default() };
        let mut response = match self.api(request, peer, &mut seen).await {
            Ok(response) => response,
            Err(refusal) => {
                seen.error = Some(refusal.code().to_owned());
                refusal.answer()
            }
        };
        if let Ok(id) = HeaderValue::from_str(&seen.id) {
            response.headers_mut().insert(HeaderName::from_static("x-amz-request-id"), id);
        }
        if changes || matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            response.extensions_mut().insert(seen);
        }
        response
    }

    async fn api<B>(
        &self,
        request: Request<B>,
        peer: IpAddr,
        seen: &mut SeenCall,
    ) -> Result<Response<Full<Bytes>>, Refusal>
    where
        B: Body<Data: Send> + Send,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let request = match self.session(request, peer, seen).await {
            Ok(answer) => return answer,
            Err(request) => request,
        };
        if request.uri().path() == "/api/v1/openapi.json"
            && matches!(*request.method(), Method::GET | Method::HEAD)
        {
            return Ok(json(StatusCode::OK, &openapi::document()));
        }
        let (head, body) = request.into_parts();
        if let Some(answer) = self.sso(&head, peer).await {
            return answer;
        }
        let caller = self.recognize(&head, peer)?;
        seen.caller = Some(caller.identity.name.clone());
        let route = Route::parse(&head.method, head.uri.path(), head.uri.query().unwrap_or(""))?;
        seen.action = route.action().map_or("admin:Presign", AdminAction::name).to_owned();
        if let Some(action) = route.action() {
            caller.authorize(action, &self.iam.first().canonical_id)?;
        }
        let body = match route {
            Route::ImportMinioIam { .. } => archive_body(&head.headers, body).await?,
            _ if route.changes() => json_body(&head.headers, body).await?,
            _ => Bytes::new(),
        };
        self.carry_out(route, &body, (&caller, &head.headers)).await
    }

    async fn carry_out(
        &self,
        route: Route,
        body: &Bytes,
        (caller, headers): (&Caller, &HeaderMap),
    ) -> Result<Response<Full<Bytes>>, Refusal> {
        let operations = &self.operations;
        match route {
            Route::Status => done(self.status().await),
            Route::Presign => {
                let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
                done(presign(caller, &self.facts, host, &parse(body)?))
            }
            Route::Requests(query) => done(Ok(requests::page(self.metrics.requests(), &query))),
            Route::Request(id) => {
                done(requests::one(self.metrics.requests(), &self.sources.denials, &id).await)
            }
            Route::History => done(Ok(self.sources.history.all())),
            Route::Settings => done(Ok(Settings { settings: self.sources.settings.clone() })),
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
            Route::Heal => done(operations.heal(parse(body)?)),
            Route::Buckets => done(operations.buckets().await),
            Route::SetParity(bucket) => done(operations.set_parity(&bucket, parse(body)?).await),
            Route::Keyring => done(Ok(operations.keyring())),
            Route::CreateEncryptionKey => done(operations.create_encryption_key(parse(body)?).await),
            Route::ChangeEncryptionKey(id, change) => {
                done(operations.change_encryption_key(&id, change).await)
            }
            Route::DeleteEncryptionKey(id) => done(operations.delete_encryption_key(&id, parse(body)?).await),
            Route::SetQuota(bucket) => done(operations.set_quota(&bucket, parse(body)?).await),
            Route::SetSearch(bucket) => done(operations.set_search(&bucket, parse(body)?).await),
            Route::Risk(query) => done(operations.risk(query).await),
            Route::Accounts => done(self.accounts.list()),
            Route::AddAccount => done(self.accounts.add(parse(body)?).await),
            Route::RemoveAccount(id) => done(self.accounts.remove(&id, parse(body)?).await),
            Route::Keys => done(self.accounts.list_keys()),
            Route::AddKey => done(self.accounts.add_key(parse(body)?).await),
            Route::ChangeKey(key, change) => done(self.accounts.change_key(key, change, parse(body)?).await),
            Route::Events => done(operations.events().await),
            Route::ImportMinioIam { dry_run } => done(self.import_minio_iam(body.clone(), dry_run).await),
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
pub(super) async fn json_body<B>(headers: &HeaderMap, body: B) -> Result<Bytes, Refusal>
where
    B: Body<Data: Send> + Send,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    if !content_type(headers).eq_ignore_ascii_case("application/json") {
        return Err(Refusal::NotJson);
    }
    collect(body, REQUEST_BYTES_MAX).await
}

/// Takes a body of so many bytes at most.
pub(super) async fn collect<B>(body: B, bytes_max: usize) -> Result<Bytes, Refusal>
where
    B: Body<Data: Send> + Send,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let body = Limited::new(body, bytes_max);
    let late = |_| Refusal::BadRequest("the body did not come in time; send it at once".into());
    let received = tokio::time::timeout(BODY_WAIT_MAX, Box::pin(body).collect()).await.map_err(late)?;
    let collected = received.map_err(|error| {
        if error.is::<LengthLimitError>() {
            return Refusal::TooLong(bytes_max);
        }
        Refusal::BadRequest("the body ended early; send it again".into())
    })?;
    Ok(collected.to_bytes())
}

/// What a body is declared to be, without parameters.
pub(super) fn content_type(headers: &HeaderMap) -> &str {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    given.split(';').next().unwrap_or("").trim()
}

/// Reads a body; an empty one says nothing, as `{}` does.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|error| Refusal::BadRequest(format!("the body is not what this path takes: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::api::AddDrive;

    async fn body_of(kind: Option<&str>, body: Vec<u8>) -> Result<Bytes, Refusal> {
        let mut headers = HeaderMap::new();
        if let Some(kind) = kind {
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        }
        json_body(&headers, Full::new(Bytes::from(body))).await
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
        assert_eq!(body_of(Some("application/json"), longer).await, Err(Refusal::TooLong(REQUEST_BYTES_MAX)));
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
