//! Errors with AWS's codes.

use hyper::StatusCode;

use crate::iam::identities::IdentityError;
use crate::iam::{AccountError, IdentityChangeError, TokenError};
use crate::metadata::MetadataError;
use crate::sigv4::Refusal;
use crate::types::Why;

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Error {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// Why it was denied, for administrators.
    pub(super) why: Option<Box<Why>>,
}

pub(super) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), why: None }
    }

    /// A value that cannot be what it is given as.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ValidationError", message)
    }

    /// A parameter that must be there.
    pub(super) fn missing(name: &str) -> Self {
        Self::invalid(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    }

    /// The caller may not.
    pub(super) fn denied(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AccessDenied", message)
    }

    /// The same error, with what administrators are told of it.
    pub(super) fn with_why(self, why: Why) -> Self {
        Self { why: Some(Box::new(why)), ..self }
    }

    /// The access key, or its token, is none of this server's.
    pub(super) fn unknown_caller() -> Self {
        let words = "The security token included in the request is invalid.";
        Self::new(StatusCode::FORBIDDEN, "InvalidClientTokenId", words)
    }

    /// The server cannot do it now. The log says why.
    pub(super) fn failed(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "iam request failed");
        let words = "The request processing has failed because of an unknown error, exception or failure.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "ServiceFailure", words)
    }

    /// A signature that is not believed.
    pub(super) fn unsigned(refusal: &Refusal) -> Self {
        let (code, message) = match refusal {
            Refusal::SignatureMismatch(_) => (
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details."
                    .to_owned(),
            ),
            Refusal::Skewed { .. } | Refusal::NotYetValid | Refusal::Expired { .. } => {
                ("RequestExpired", "Request has expired.".to_owned())
            }
            Refusal::WrongRegion { given, .. } => {
                ("SignatureDoesNotMatch", format!("Credential should be scoped to a valid region, not '{given}'."))
            }
            Refusal::UnsupportedMechanism
            | Refusal::TwoMechanisms
            | Refusal::Malformed(..)
            | Refusal::MissingDate
            | Refusal::MissingPayloadHash
            | Refusal::InvalidPayloadHash
            | Refusal::HeadersNotSigned(_) => {
                let words = format!("The request signature does not conform to AWS standards: {refusal}.");
                return Self::new(StatusCode::BAD_REQUEST, "IncompleteSignature", words);
            }
        };
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// The document.
    pub(super) fn to_xml(&self, namespace: &str, request_id: &str) -> String {
        let side = if self.status.is_server_error() { "Receiver" } else { "Sender" };
        let message = quick_xml::escape::escape(self.message.as_str());
        format!(
            "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{side}</Type><Code>{}</Code><Message>{message}</Message></Error>\
             <RequestId>{request_id}</RequestId></ErrorResponse>",
            self.code
        )
    }
}

impl From<IdentityError> for Error {
    fn from(error: IdentityError) -> Self {
        let message = error.to_string();
        let (status, code) = match error {
            IdentityError::NoSuchEntity(_) => (StatusCode::NOT_FOUND, "NoSuchEntity"),
            IdentityError::AlreadyExists(_) => (StatusCode::CONFLICT, "EntityAlreadyExists"),
            IdentityError::DeleteConflict(_) => (StatusCode::CONFLICT, "DeleteConflict"),
            IdentityError::LimitExceeded(_) => (StatusCode::CONFLICT, "LimitExceeded"),
            IdentityError::Invalid(_) => (StatusCode::BAD_REQUEST, "ValidationError"),
            IdentityError::Malformed(_) => (StatusCode::BAD_REQUEST, "MalformedPolicyDocument"),
            IdentityError::Unmodifiable(_) | IdentityError::DuplicateTags => {
                (StatusCode::BAD_REQUEST, "InvalidInput")
            }
        };
        Self::new(status, code, message)
    }
}

impl From<IdentityChangeError> for Error {
    fn from(error: IdentityChangeError) -> Self {
        match error {
            IdentityChangeError::Refused(error) => error.into(),
            IdentityChangeError::Metadata(
                error @ (MetadataError::Unavailable(_) | MetadataError::NoSpace),
            ) => {
                tracing::error!(%error, "iam request failed");
                let words = "The server cannot keep changes now.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", words)
            }
            IdentityChangeError::Metadata(error) => Self::failed(&error),
        }
    }
}

impl From<AccountError> for Error {
    fn from(error: AccountError) -> Self {
        Self::failed(&error)
    }
}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid => Self::unknown_caller(),
            TokenError::Expired => {
                let words = "The security token included in the request is expired";
                Self::new(StatusCode::FORBIDDEN, "ExpiredToken", words)
            }
        }
    }
}
