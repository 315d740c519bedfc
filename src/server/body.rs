//! The body of an answer, which counts what leaves and notices when the answer has ended.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Buf, Bytes};
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};

use crate::jobs::{AccessLogs, LogLine};
use crate::s3::AccessRecord;
use crate::telemetry::{Metrics, Operation};

/// What one request adds to the metrics once it has ended, whichever way.
#[derive(Debug)]
pub(super) struct Account {
    metrics: Arc<Metrics>,
    started: Instant,
    operation: Operation,
    status: u16,
    received: u64,
    sent: u64,
    /// What the access log says of the request, and where it goes.
    logged: Option<Box<(AccessRecord, Arc<AccessLogs>)>>,
}

impl Account {
    /// Opens the account when the request's head is there.
    pub(super) fn open(metrics: Arc<Metrics>, received: u64) -> Self {
        metrics.request_started();
        // A client that goes away before there is an answer counts as 499 does elsewhere: a 4xx.
        Self {
            metrics,
            started: Instant::now(),
            operation: Operation::Unknown,
            status: 499,
            received,
            sent: 0,
            logged: None,
        }
    }

    /// The answer's head is there.
    pub(super) fn answered(&mut self, operation: Operation, status: u16) {
        (self.operation, self.status) = (operation, status);
    }

    /// The request is logged once it has ended.
    pub(super) fn log(&mut self, record: AccessRecord, logs: Arc<AccessLogs>) {
        self.logged = Some(Box::new((record, logs)));
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.metrics.bytes_moved(self.operation, self.received, self.sent);
        self.metrics.request_ended(self.operation, self.status, self.started.elapsed());
        if let Some((record, logs)) = self.logged.take().map(|logged| *logged) {
            let text = record.line(self.sent, self.started.elapsed());
            logs.push(LogLine { bucket: record.bucket, at: record.at, text });
        }
    }
}

/// The body of an answer on the S3 address.
#[derive(Debug)]
pub(super) enum FrontBody<B> {
    /// A short one that is not counted: probes.
    Plain(Full<Bytes>),
    /// One of S3.
    Counted(B, Account),
}

impl<B: Body<Data: Buf> + Unpin> Body for FrontBody<B>
where
    B::Error: From<std::convert::Infallible>,
    Bytes: Into<B::Data>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.get_mut() {
            Self::Plain(body) => Pin::new(body)
                .poll_frame(cx)
                .map(|next| next.map(|frame| Ok(frame.map(|f| f.map_data(Into::into))?))),
            Self::Counted(body, account) => {
                let next = Pin::new(body).poll_frame(cx);
                if let Poll::Ready(Some(Ok(frame))) = &next {
                    account.sent += frame.data_ref().map_or(0, |data| data.remaining() as u64);
                }
                next
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Plain(body) => body.is_end_stream(),
            Self::Counted(body, _) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Plain(body) => body.size_hint(),
            Self::Counted(body, _) => body.size_hint(),
        }
    }
}
