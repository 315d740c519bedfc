//! What stands before S3 and the admin API: probes and request accounts.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HeaderMap, HeaderValue};
use hyper::{Request, Response};

use super::body::{Account, FrontBody};
use super::bridge::{Bridge, make_inert};
use crate::admin::{self, health_answer};
use crate::console;
use crate::jobs::AccessLogs;
use crate::object::Engine;
use crate::query_api::{self, is_query};
use crate::s3::{self, AccessRecord, Door};
use crate::telemetry::{Metrics, Operation};

/// The S3 address.
#[derive(Debug)]
pub(super) struct S3Front {
    pub(super) s3: s3::Service,
    pub(super) query_api: Arc<query_api::Service>,
    pub(super) engine: Arc<Engine>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) access_logs: Arc<AccessLogs>,
}

impl S3Front {
    /// Answers one request.
    pub(super) async fn handle(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        door: Door,
    ) -> Response<FrontBody<s3::ResponseBody>> {
        // `-` can never be a bucket, so no object is hidden by a probe.
        let is_api = matches!(door, Door::Api);
        if is_api
            && request.uri().path().starts_with("/-/")
            && let Some(health) = health_answer(request.uri().path(), &self.engine)
        {
            return health.map(FrontBody::Plain);
        }
        if is_api && is_query(request.method(), request.uri().path(), request.headers()) {
            return self.query_api.handle(request, peer).await.map(FrontBody::Plain);
        }
        let mut account = Account::open(self.metrics.clone(), announced(request.headers()));
        // Without a body no `100 Continue` is sent. Some clients that waited for one in vain (botocore) then
        // misread the next answer on the same connection, until it times out: let it be the last.
        let waits_in_vain = request.headers().contains_key(EXPECT) && request.body().is_end_stream();
        let mut response = self.s3.handle(request, peer, door).await;
        if waits_in_vain {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        account.answered(operation(&response), response.status().as_u16());
        if let Some(record) = response.extensions_mut().remove::<AccessRecord>() {
            account.log(record, self.access_logs.clone());
        }
        response.map(|body| FrontBody::Counted(body, account))
    }
}

/// The bytes that a request's headers promise; 0 where they do not say.
fn announced(headers: &HeaderMap) -> u64 {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// The console's address.
#[derive(Debug)]
pub(super) struct ConsoleFront {
    pub(super) admin: admin::Service,
    pub(super) s3: Arc<S3Front>,
}

impl ConsoleFront {
    /// Answers one request.
    pub(super) async fn handle(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Response<FrontBody<s3::ResponseBody>> {
        if let Some(file) = console::answer(request.method(), request.uri().path(), request.headers()) {
            return file.map(FrontBody::Plain);
        }
        let Some(bridge) = Bridge::of(request.uri().path()) else {
            return secured(self.admin.handle(request, peer.ip()).await);
        };
        let (mut head, body) = request.into_parts();
        let caller = match self.admin.recognize(&head, peer.ip()) {
            Ok(caller) => caller,
            Err(refusal) => return secured(refusal.xml_answer()),
        };
        let shows = bridge.cross(&mut head);
        let request = Request::from_parts(head, body);
        if bridge == Bridge::Iam {
            return secured(self.s3.query_api.handle_for(request, caller.identity, peer).await);
        }
        let mut response = self.s3.handle(request, peer, Door::Vouched(caller.identity)).await;
        let answered = (operation(&response), response.status());
        make_inert(answered, shows, response.headers_mut());
        response
    }
}

/// The operation that an answer of S3 is of.
fn operation<B>(response: &Response<B>) -> Operation {
    response.extensions().get::<Operation>().copied().unwrap_or(Operation::Unknown)
}

fn secured(mut response: Response<Full<Bytes>>) -> Response<FrontBody<s3::ResponseBody>> {
    console::secure(response.headers_mut());
    response.map(FrontBody::Plain)
}
