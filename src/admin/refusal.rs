//! Why the admin API did not do what it was asked, and which status tells that.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};

use super::api::{Failure, REQUEST_BYTES_MAX};
use super::health::json;

/// Why a request was not done. Every text is a sentence with its remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request makes no sense.
    #[error("{0}")]
    BadRequest(String),
    /// Root's pair is missing or wrong.
    #[error("root's access key and secret key are needed; give them by HTTP Basic authentication")]
    NotRoot,
    /// There is no such path, drive or node.
    #[error("{0}")]
    NotFound(String),
    /// The path does not take the method.
    #[error("this path takes {0} only")]
    Method(&'static str),
    /// The body is not declared to be JSON. A page of another site cannot declare that without asking first,
    /// and nothing here says yes.
    #[error("the body must be JSON; send it with `content-type: application/json`")]
    NotJson,
    /// The body is too long.
    #[error("the body is longer than {REQUEST_BYTES_MAX} bytes; send less")]
    TooLong,
    /// It cannot be done in the state that things are in.
    #[error("{0}")]
    Conflict(String),
    /// It cannot be done now and perhaps later.
    #[error("{0}")]
    Unavailable(String),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NotRoot => StatusCode::UNAUTHORIZED,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The answer that tells it.
    pub(super) fn answer(&self) -> Response<Full<Bytes>> {
        let mut response = json(self.status(), &Failure { error: self.to_string() });
        match self {
            Self::NotRoot => {
                let challenge = HeaderValue::from_static("Basic realm=\"holdfast\", charset=\"UTF-8\"");
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            Self::Method(allowed) => {
                response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
            }
            _ => {}
        }
        response
    }
}
