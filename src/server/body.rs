//! The body of an answer, which counts what leaves and notices when the answer has ended.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Buf, Bytes};
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};

use super::journal::Journal;
use crate::iam::KeyPermit;
use crate::jobs::{AccessLogs, LogLine};
use crate::runtime::{Clock, SystemClock};
use crate::s3::AccessRecord;
use crate::telemetry::{Metrics, Operation, RequestEnd, SeenRequest};

/// What one request adds to the metrics once it has ended, whichever way.
#[derive(Debug)]
pub(super) struct Account {
    metrics: Arc<Metrics>,
    started: Instant,
    status: u16,
    received: u64,
    sent: u64,
    /// What the request was.
    seen: Option<Box<SeenRequest>>,
    /// What it was where it is none of S3.
    called: Operation,
    /// Where it is written down.
    journal: Option<Arc<Journal>>,
    /// That it was let in, where that is limited.
    _permit: Option<KeyPermit>,
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
            status: 499,
            received,
            sent: 0,
            seen: None,
            called: Operation::Unknown,
            journal: None,
            _permit: None,
            logged: None,
        }
    }

    /// The answer's head is there.
    pub(super) fn answered(&mut self, seen: Box<SeenRequest>, status: u16) {
        (self.seen, self.status) = (Some(seen), status);
    }

    /// The answer to IAM or STS is there, and has so many bytes.
    pub(super) fn called(&mut self, operation: Operation, status: u16, sent: u64) {
        (self.called, self.status, self.sent) = (operation, status, sent);
    }

    /// The head of an answer is there to what is no operation of S3.
    pub(super) fn unnamed(&mut self, status: u16) {
        self.status = status;
    }

    fn operation(&self) -> Operation {
        self.seen.as_ref().map_or(self.called, |seen| seen.operation)
    }

    /// The request counts among those of its access key until it has ended.
    pub(super) fn hold(&mut self, permit: KeyPermit) {
        self._permit = Some(permit);
    }

    /// The request is written down once it has ended.
    pub(super) fn write_down(&mut self, journal: Arc<Journal>) {
        self.journal = Some(journal);
    }

    /// The request is logged once it has ended.
    pub(super) fn log(&mut self, record: AccessRecord, logs: Arc<AccessLogs>) {
        self.logged = Some(Box::new((record, logs)));
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let (operation, took) = (self.operation(), self.started.elapsed());
        self.metrics.bytes_moved(operation, self.received, self.sent);
        self.metrics.request_ended(operation, self.status, took);
        if let Some(seen) = self.seen.take() {
            let (status, received, sent) = (self.status, self.received, self.sent);
            let end = RequestEnd { at: SystemClock.now(), took, status, received, sent };
            let requests = self.metrics.requests();
            let number = requests.record(*seen, end);
            if let Some(journal) = self.journal.take()
                && let Some(recorded) = requests.read(number)
            {
                journal.request(&recorded);
            }
        }
        if let Some((record, logs)) = self.logged.take().map(|logged| *logged) {
            let text = record.line(self.sent, took);
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

impl<B> FrontBody<B> {
    /// What the request was.
    pub(super) fn operation(&self) -> Operation {
        match self {
            Self::Plain(_) => Operation::Unknown,
            Self::Counted(_, account) => account.operation(),
        }
    }
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
