//! Answers: their bodies, and short ways to make them.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use tokio::sync::mpsc;

use crate::object::ObjectStream;

/// An answer of this layer.
pub(super) type Response = hyper::Response<ResponseBody>;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer: a document or an object's bytes.
#[derive(Debug)]
pub struct ResponseBody(Kind);

#[derive(Debug)]
enum Kind {
    Document(Bytes),
    /// An object's bytes, with so many to come. Boxed: most answers are documents or empty.
    Object(Box<ObjectStream>, u64),
    /// What is made while it is sent, of a length that nobody knows yet.
    Pieces(mpsc::Receiver<Result<Bytes, BoxError>>),
}

impl ResponseBody {
    /// All of these bytes at once.
    pub(super) fn document(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Document(bytes.into()))
    }

    /// No bytes.
    pub(super) fn empty() -> Self {
        Self::document(Bytes::new())
    }

    /// The stream of an object, of exactly this length in bytes.
    pub(super) fn object(stream: ObjectStream, length: u64) -> Self {
        Self(Kind::Object(Box::new(stream), length))
    }

    /// What comes piece by piece.
    pub(super) fn pieces(pieces: mpsc::Receiver<Result<Bytes, BoxError>>) -> Self {
        Self(Kind::Pieces(pieces))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Kind::Document(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Document(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Pieces(pieces) => pieces.poll_recv(cx).map(|piece| Some(piece?.map(Frame::data))),
            Kind::Object(_, 0) => Poll::Ready(None),
            Kind::Object(stream, left) => {
                let chunk = match std::task::ready!(stream.poll_chunk(cx)) {
                    Some(Ok(chunk)) => chunk,
                    Some(Err(error)) => {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "cut an answer: read object"
                        );
                        return Poll::Ready(Some(Err(Box::new(error))));
                    }
                    None => return Poll::Ready(Some(Err("object ended early".into()))),
                };
                match left.checked_sub(chunk.len() as u64) {
                    Some(rest) => *left = rest,
                    None => return Poll::Ready(Some(Err("object longer than announced".into()))),
                }
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Kind::Object(_, 0)) || matches!(&self.0, Kind::Document(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Document(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Object(_, left) => SizeHint::with_exact(*left),
            Kind::Pieces(_) => SizeHint::default(),
        }
    }
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    with_headers(status, HeaderMap::new(), ResponseBody::empty())
}

/// A 200 with an XML document.
pub(super) fn xml(document: Vec<u8>) -> Response {
    xml_with_status(StatusCode::OK, document)
}

/// An XML document under some status.
pub(super) fn xml_with_status(status: StatusCode, document: Vec<u8>) -> Response {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    with_headers(status, headers, ResponseBody::document(document))
}

/// An answer of these parts.
pub(super) fn with_headers(status: StatusCode, headers: HeaderMap, body: ResponseBody) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
