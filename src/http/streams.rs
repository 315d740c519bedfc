//! The requests of one HTTP/2 connection, and whether its client still takes part.
//!
//! A client may hold an answer back by its flow-control window alone, which the socket does not show: an
//! answer's body is then not asked for its next piece. So each open request notes since when its client
//! has had something to take.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// The open requests of a connection.
#[derive(Debug, Clone)]
pub(super) struct Streams(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    next: u64,
    /// Since when the client has had a piece of the answer to take; none while the server is to act.
    open: HashMap<u64, Option<Instant>>,
    /// Since when no request is open.
    idle_since: Instant,
}

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It goes on.
    Busy,
    /// No request has been open for too long.
    Idle,
    /// An answer has not been taken for too long.
    Stalled,
}

impl Streams {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { next: 0, open: HashMap::new(), idle_since: Instant::now() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has come; it is open until what this gives is dropped.
    pub(super) fn open(&self) -> OpenStream {
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        state.open.insert(id, None);
        OpenStream { streams: self.clone(), id }
    }

    pub(super) fn judge(&self, idle_max: Duration, stall_max: Duration) -> Judgement {
        let (now, state) = (Instant::now(), self.state());
        let stalled = |since: &Option<Instant>| since.is_some_and(|since| now - since > stall_max);
        if state.open.values().any(stalled) {
            Judgement::Stalled
        } else if state.open.is_empty() && now - state.idle_since > idle_max {
            Judgement::Idle
        } else {
            Judgement::Busy
        }
    }
}

/// One open request.
#[derive(Debug)]
pub(super) struct OpenStream {
    streams: Streams,
    id: u64,
}

impl OpenStream {
    /// Keeps the request open, and `permit` taken, for as long as its answer has a body.
    pub(super) fn watch<B>(self, body: B, permit: Option<OwnedSemaphorePermit>) -> Watched<B> {
        self.client_has_to_act(true);
        Watched { body: Box::pin(body), stream: self, _permit: permit }
    }

    fn client_has_to_act(&self, to_act: bool) {
        let since = to_act.then(Instant::now);
        self.streams.state().open.insert(self.id, since);
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut state = self.streams.state();
        state.open.remove(&self.id);
        if state.open.is_empty() {
            state.idle_since = Instant::now();
        }
    }
}

/// An answer's body whose pieces are watched.
#[derive(Debug)]
pub(super) struct Watched<B> {
    body: Pin<Box<B>>,
    stream: OpenStream,
    _permit: Option<OwnedSemaphorePermit>,
}

impl<B: Body> Body for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let next = self.body.as_mut().poll_frame(cx);
        self.stream.client_has_to_act(matches!(next, Poll::Ready(Some(Ok(_)))));
        next
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::{BodyExt, Full};

    use super::*;

    const IDLE: Duration = Duration::from_secs(30);
    const STALL: Duration = Duration::from_secs(120);

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_becomes_idle() {
        let streams = Streams::new();
        let open = streams.open();
        tokio::time::advance(IDLE * 2).await;
        assert_eq!(streams.judge(IDLE, STALL), Judgement::Busy);
        drop(open);
        assert_eq!(streams.judge(IDLE, STALL), Judgement::Busy);
        tokio::time::advance(IDLE + Duration::from_secs(1)).await;
        assert_eq!(streams.judge(IDLE, STALL), Judgement::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_taken_is_a_stall_and_one_that_is_awaited_is_none() {
        let streams = Streams::new();
        let waiting = streams.open();
        tokio::time::advance(STALL * 2).await;
        assert_eq!(streams.judge(IDLE, STALL), Judgement::Busy, "the server has yet to answer");
        let mut taken = streams.open().watch(Full::new(Bytes::from_static(b"piece")), None);
        assert!(taken.frame().await.is_some());
        tokio::time::advance(STALL + Duration::from_secs(1)).await;
        assert_eq!(streams.judge(IDLE, STALL), Judgement::Stalled);
        drop(taken);
        assert_eq!(streams.judge(IDLE, STALL), Judgement::Busy);
        let never_asked_for = waiting.watch(Full::new(Bytes::from_static(b"piece")), None);
        tokio::time::advance(STALL + Duration::from_secs(1)).await;
        assert_eq!(streams.judge(IDLE, STALL), Judgement::Stalled, "no window was ever opened");
        drop(never_asked_for);
        assert_eq!(streams.judge(IDLE, STALL), Judgement::Busy);
    }
}
