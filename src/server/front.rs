//! What stands before S3: probes, IAM and STS, and the accounts of requests.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderMap};
use hyper::{Request, Response};

use super::body::{Account, FrontBody};
use super::journal::Journal;
use crate::admin::health_answer;
use crate::iam::KeyPermit;
use crate::jobs::AccessLogs;
use crate::object::Engine;
use crate::query_api::{self, is_query};
use crate::s3::{self, AccessRecord, Door};
use crate::telemetry::{Metrics, Operation, SeenCall, SeenRequest};

/// The S3 address.
#[derive(Debug)]
pub(super) struct S3Front {
    pub(super) s3: Arc<s3::Service>,
    pub(super) query_api: Arc<query_api::Service>,
    pub(super) engine: Arc<Engine>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) access_logs: Arc<AccessLogs>,
    pub(super) journal: Arc<Journal>,
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
        if is_api && is_query(request.method(), request.uri(), request.headers()) {
            let received = announced(request.headers());
            let answer = self.query_api.handle(request, peer);
            return Box::pin(self.counted(answer, received, peer)).await.map(FrontBody::Plain);
        }
        let mut account = Account::open(self.metrics.clone(), announced(request.headers()));
        let mut response = self.s3.handle(request, peer, door).await;
        if let Some(seen) = response.extensions_mut().remove::<Box<SeenRequest>>() {
            if seen.why.is_some() || self.journal.audits() {
                account.write_down(self.journal.clone());
            }
            account.answered(seen, response.status().as_u16());
        }
        if let Some(permit) = response.extensions_mut().remove::<KeyPermit>() {
            account.hold(permit);
        }
        if let Some(record) = response.extensions_mut().remove::<AccessRecord>() {
            account.log(record, self.access_logs.clone());
        }
        response.map(|body| FrontBody::Counted(body, account))
    }
}

impl S3Front {
    /// Has a request to IAM or STS answered, counts it, and writes it down.
    pub(super) async fn counted(
        &self,
        answer: impl Future<Output = Response<Full<Bytes>>>,
        received: u64,
        peer: SocketAddr,
    ) -> Response<Full<Bytes>> {
        let mut account = Account::open(self.metrics.clone(), received);
        let response = answer.await;
        let is_sts = response.extensions().get::<SeenCall>().is_some_and(|call| call.service == "sts");
        let operation = if is_sts { Operation::Sts } else { Operation::Iam };
        account.called(operation, response.status().as_u16(), response.body().size_hint().lower());
        self.called(response, peer)
    }

    /// Writes down what an answer was given to.
    pub(super) fn called<B>(&self, mut response: Response<B>, peer: SocketAddr) -> Response<B> {
        if let Some(seen) = response.extensions_mut().remove::<SeenCall>() {
            self.journal.call(&seen, peer.ip().to_canonical(), response.status().as_u16());
        }
        response
    }
}

/// The bytes that a request's headers promise; 0 where they do not say.
pub(super) fn announced(headers: &HeaderMap) -> u64 {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|value| value.parse().ok()).unwrap_or(0)
}
