//! A request's body as it comes over the wire, and what becomes of one that nobody wants.
//!
//! A client that is refused before it has sent its body goes on sending, and sees a broken pipe in
//! place of the answer if the connection is closed under it. So a body that is dropped early is read
//! to its end, within bounds, beside the answer. One that the client holds back until it is told
//! `100 Continue` is never touched: polling it would send for it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::body::Body;
use hyper::header::EXPECT;

use crate::http::drain_unwanted;
use crate::object::BodyError;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What can be a request's body: hyper's own, or one made up for a test.
pub(super) trait Source: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static {}
impl<B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static> Source for B {}

/// The undecoded body.
#[derive(Debug)]
pub(super) struct Wire<B: Source> {
    body: Option<B>,
    /// The client waits for `100 Continue`, and has not been told to go on.
    held_back: bool,
}

impl<B: Source> Wire<B> {
    /// The body of a request with these headers.
    pub(super) fn new(body: B, headers: &HeaderMap) -> Self {
        let expect = headers.get(EXPECT).map(|value| value.as_bytes().to_ascii_lowercase());
        Self { body: Some(body), held_back: expect.as_deref() == Some(b"100-continue") }
    }

    /// The next bytes as they came; `None` at the end of the body.
    pub(super) fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.held_back = false;
        loop {
            let Some(body) = &mut self.body else { return Poll::Ready(None) };
            let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
            if body.is_end_stream() {
                self.body = None;
            }
            match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Poll::Ready(Some(Ok(data))),
                    Ok(_) | Err(_) => {}
                },
                Some(Err(error)) => {
                    self.body = None;
                    return Poll::Ready(Some(Err(broken(error.into()))));
                }
                None => self.body = None,
            }
        }
    }
}

fn broken(error: BoxError) -> BodyError {
    match error.downcast::<BodyError>() {
        // A body within a body knows best.
        Ok(inner) => *inner,
        Err(error) => match error.downcast_ref::<hyper::Error>() {
            Some(hyper) if hyper.is_incomplete_message() => BodyError::Incomplete,
            Some(_) | None => BodyError::Connection(error),
        },
    }
}

impl<B: Source> Drop for Wire<B> {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|_| !self.held_back) {
            drain_unwanted(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use hyper::body::Frame;
    use hyper::header::HeaderValue;
    use tokio::sync::mpsc;

    use super::*;
    use crate::http::DRAIN_BYTES_MAX;

    /// A client that sends chunks for ever; each poll is reported.
    struct Endless(mpsc::UnboundedSender<()>);

    impl Body for Endless {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let _ = self.0.send(());
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0; 1 << 20])))))
        }
    }

    fn expecting() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(EXPECT, HeaderValue::from_static("100-Continue"));
        headers
    }

    /// How often the body is polled after its wire is dropped; ends when the body itself is dropped.
    async fn polls_after_drop(headers: &HeaderMap, polled_before: bool) -> usize {
        let (sender, mut polls) = mpsc::unbounded_channel();
        let mut wire = Wire::new(Endless(sender), headers);
        if polled_before {
            assert!(wire.poll_bytes(&mut Context::from_waker(std::task::Waker::noop())).is_ready());
            polls.recv().await;
        }
        drop(wire);
        let mut count = 0;
        while polls.recv().await.is_some() {
            count += 1;
        }
        count
    }

    #[tokio::test]
    async fn unwanted_body_is_drained_up_to_its_bound() {
        assert_eq!(polls_after_drop(&HeaderMap::new(), false).await, DRAIN_BYTES_MAX >> 20);
    }

    #[tokio::test]
    async fn body_that_waits_for_100_continue_is_not_asked_for() {
        assert_eq!(polls_after_drop(&expecting(), false).await, 0);
    }

    #[tokio::test]
    async fn body_that_was_asked_for_is_drained_like_any_other() {
        assert_eq!(polls_after_drop(&expecting(), true).await, DRAIN_BYTES_MAX >> 20);
    }
}
