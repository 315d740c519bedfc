//! Why the admin API did not do what it was asked, and which status tells that.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};

use super::api::Failure;
use super::health::{answer, json};

/// Why a request was not done. Every text is a sentence with its remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request makes no sense.
    #[error("{0}")]
    BadRequest(String),
    /// Nobody is known to call.
    #[error(
        "an access key and its secret key are needed; sign in, or give them by HTTP Basic authentication"
    )]
    NotSignedIn,
    /// The pair of HTTP Basic authentication is wrong.
    #[error(
        "there is no such access key, or its secret key is another; give a pair that is good by HTTP Basic authentication"
    )]
    WrongPair,
    /// The pair of a sign-in is wrong.
    #[error("there is no such access key, or its secret key is another; look for typing errors")]
    InvalidCredentials,
    /// The name or the password of a directory's user is wrong.
    #[error("nobody has this user name in the directory, or the password is another; look for typing errors")]
    WrongPassword,
    /// Too many pairs were wrong; good again after so many seconds.
    #[error("too many pairs were wrong; try again in {0} seconds")]
    TooManyAttempts(u64),
    /// The policies of the caller do not allow it.
    #[error("{0}")]
    Denied(String),
    /// A change with a cookie that does not prove that it comes from a page of the console.
    #[error("the header x-holdfast-csrf must have the `csrf` of the session; ask for the session again")]
    NoCsrfToken,
    /// Cookies of more than one sign-in: a page of another port of this host can set one, but not take away ours.
    #[error(
        "the browser sent cookies of more than one sign-in, of which another page of this host may have set one; remove the cookies of this address and sign in again"
    )]
    SeveralSignIns,
    /// A page of another address asks.
    #[error("pages of other addresses have no access; open the console itself")]
    OtherOrigin,
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
    /// The body is not declared to be an archive, for the same reason.
    #[error("the body must be a ZIP archive; send it with `content-type: application/zip`")]
    NotZip,
    /// The body is longer than so many bytes.
    #[error("the body is longer than {0} bytes; send less")]
    TooLong(usize),
    /// What S3 says.
    #[error("{message}")]
    Elsewhere {
        /// As HTTP has it.
        status: StatusCode,
        /// Its code.
        code: &'static str,
        /// Its sentence.
        message: String,
    },
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
            Self::NotSignedIn | Self::WrongPair | Self::InvalidCredentials | Self::WrongPassword => {
                StatusCode::UNAUTHORIZED
            }
            Self::TooManyAttempts(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Denied(_) | Self::NoCsrfToken | Self::SeveralSignIns | Self::OtherOrigin => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotJson | Self::NotZip => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Elsewhere { status, .. } => *status,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// In one word, for programs.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "BadRequest",
            Self::NotSignedIn => "NotSignedIn",
            Self::WrongPair | Self::InvalidCredentials | Self::WrongPassword => "InvalidCredentials",
            Self::TooManyAttempts(_) => "TooManyAttempts",
            Self::Denied(_) => "AccessDenied",
            Self::NoCsrfToken => "CsrfTokenMissing",
            Self::SeveralSignIns => "SeveralSignIns",
            Self::OtherOrigin => "OtherOrigin",
            Self::NotFound(_) => "NotFound",
            Self::Method(_) => "MethodNotAllowed",
            Self::NotJson => "NotJson",
            Self::NotZip => "NotZip",
            Self::TooLong(_) => "TooLong",
            Self::Elsewhere { code, .. } => code,
            Self::Conflict(_) => "Conflict",
            Self::Unavailable(_) => "Unavailable",
        }
    }

    /// The answer that tells it.
    pub fn answer(&self) -> Response<Full<Bytes>> {
        let (error, code) = (self.to_string(), self.code().to_owned());
        let mut response = json(self.status(), &Failure { error, code });
        self.describe(response.headers_mut());
        response
    }

    /// The answer that tells it to a client of S3 or IAM.
    pub fn xml_answer(&self) -> Response<Full<Bytes>> {
        let message = self.to_string();
        let message = quick_xml::escape::escape(message.as_str());
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
        let xml = format!("{head}<Error><Code>{}</Code><Message>{message}</Message></Error>", self.code());
        let mut response = answer(self.status(), "application/xml", xml.into());
        self.describe(response.headers_mut());
        response
    }

    fn describe(&self, headers: &mut HeaderMap) {
        match self {
            // Nothing that a browser knows, for it would ask for a pair in a window of its own.
            Self::NotSignedIn | Self::InvalidCredentials => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Session realm=\"holdfast\""));
            }
            Self::WrongPair => {
                let challenge = HeaderValue::from_static("Basic realm=\"holdfast\", charset=\"UTF-8\"");
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            Self::TooManyAttempts(seconds) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(*seconds));
            }
            Self::Method(allowed) => {
                headers.insert(ALLOW, HeaderValue::from_static(allowed));
            }
            _ => {}
        }
    }
}
