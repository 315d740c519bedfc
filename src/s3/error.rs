//! Every error of the S3 interface: one table of codes, and where each cause lands in it.

use std::borrow::Cow;
use std::sync::Arc;

use hyper::{HeaderMap, StatusCode};

use crate::object::{self, BodyError};
use crate::sigv4::{AmzTime, Claim, Malformed, Placement, Refusal, version2};
use crate::types::{ChecksumAlgorithm, InvalidName, QuotaExcess, Why};

use super::checksums;
use super::time::iso_secs;
use super::versions;
use super::xml_write::XmlWriter;

/// A result of the S3 layer.
pub(super) type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($variant:ident, $code:literal, $status:literal, $message:literal;)+) => {
        /// AWS's error codes, as far as this server gives them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Code { $($variant),+ }

        impl Code {
            /// The code on the wire, its status, and what AWS says with it.
            pub(super) fn describe(self) -> (&'static str, StatusCode, &'static str) {
                const fn status(code: u16) -> StatusCode {
                    match StatusCode::from_u16(code) {
                        Ok(status) => status,
                        Err(_) => panic!("not a status code"),
                    }
                }
                match self {
                    $(Self::$variant => {
                        const STATUS: StatusCode = status($status);
                        ($code, STATUS, $message)
                    })+
                }
            }
        }
    };
}

codes! {
    AccessControlListNotSupported, "AccessControlListNotSupported", 400, "The bucket does not allow ACLs";
    AccessDenied, "AccessDenied", 403, "Access Denied";
    AccessForbidden, "AccessForbidden", 403, "CORSResponse: CORS is not enabled for this bucket.";
    AuthorizationHeaderMalformed, "AuthorizationHeaderMalformed", 400, "The authorization header is malformed.";
    AuthorizationQueryParametersError, "AuthorizationQueryParametersError", 400,
        "Error parsing the authorization query parameters.";
    BadDigest, "BadDigest", 400, "The Content-MD5 or checksum value that you specified did not match what the server received.";
    BadRequest, "BadRequest", 400, "Bad Request";
    BucketAlreadyExists, "BucketAlreadyExists", 409,
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. \
         Please select a different name and try again.";
    BucketAlreadyOwnedByYou, "BucketAlreadyOwnedByYou", 409,
        "Your previous request to create the named bucket succeeded and you already own it.";
    BucketNotEmpty, "BucketNotEmpty", 409, "The bucket you tried to delete is not empty";
    ConditionalRequestConflict, "ConditionalRequestConflict", 409,
        "The conditional request cannot succeed due to a conflicting operation against this resource.";
    ContentSha256Mismatch, "XAmzContentSHA256Mismatch", 400,
        "The provided 'x-amz-content-sha256' header does not match what was computed.";
    EntityTooLarge, "EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size";
    EntityTooSmall, "EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size";
    IdempotencyMismatch, "IdempotencyParameterMismatch", 400,
        "Parameters on this idempotent request are inconsistent with parameters used in previous request(s).";
    IdMismatch, "IdMismatch", 400, "Document ID does not match the specified configuration ID.";
    IllegalLocationConstraint, "IllegalLocationConstraintException", 400,
        "The specified location constraint is incompatible for the region specific endpoint this request was sent to.";
    IllegalVersioning, "IllegalVersioningConfigurationException", 400,
        "The versioning configuration specified in the request is invalid.";
    IncompleteBody, "IncompleteBody", 400,
        "You did not provide the number of bytes specified by the Content-Length HTTP header";
    InternalError, "InternalError", 500, "We encountered an internal error. Please try again.";
    InvalidAccessKeyId, "InvalidAccessKeyId", 403,
        "The AWS Access Key Id you provided does not exist in our records.";
    InvalidArgument, "InvalidArgument", 400, "Invalid Argument";
    InvalidBucketAclWithObjectOwnership, "InvalidBucketAclWithObjectOwnership", 400,
        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
    InvalidBucketOwner, "InvalidBucketOwnerAWSAccountID", 400,
        "The value of the expected bucket owner parameter must be an AWS account ID.";
    InvalidBucketState, "InvalidBucketState", 409,
        "The request is not valid with the current state of the bucket.";
    InvalidBucketName, "InvalidBucketName", 400, "The specified bucket is not valid.";
    InvalidDigest, "InvalidDigest", 400, "The Content-MD5 you specified was invalid.";
    InvalidLocationConstraint, "InvalidLocationConstraint", 400,
        "The specified location-constraint is not valid";
    InvalidObjectState, "InvalidObjectState", 403,
        "Restore is not allowed for the object's current storage class";
    InvalidPart, "InvalidPart", 400,
        "One or more of the specified parts could not be found. The part may not have been uploaded, \
         or the specified entity tag may not match the part's entity tag.";
    InvalidPartNumber, "InvalidPartNumber", 416, "The requested partnumber is not satisfiable";
    InvalidPartOrder, "InvalidPartOrder", 400,
        "The list of parts was not in ascending order. Parts must be ordered by part number.";
    InvalidPolicyDocument, "InvalidPolicyDocument", 400,
        "The content of the form does not meet the conditions specified in the policy document.";
    InvalidRange, "InvalidRange", 416, "The requested range is not satisfiable";
    InvalidRequest, "InvalidRequest", 400, "Invalid Request";
    InvalidS3DestinationBucket, "InvalidS3DestinationBucket", 400, "Invalid bucket ARN.";
    InvalidStorageClass, "InvalidStorageClass", 400, "The storage class you specified is not valid";
    InvalidTag, "InvalidTag", 400, "Your request contains tag input that is not valid.";
    InvalidTargetBucketForLogging, "InvalidTargetBucketForLogging", 400,
        "The target bucket for logging does not exist";
    ExpiredToken, "ExpiredToken", 400, "The provided token has expired.";
    InvalidToken, "InvalidToken", 400, "The provided token is malformed or otherwise invalid.";
    InvalidWriteOffset, "InvalidWriteOffset", 400,
        "The write offset value that you specified does not match the current object size.";
    InvalidUri, "InvalidURI", 400, "Couldn't parse the specified URI.";
    KmsDependencyTimeout, "KMS.DependencyTimeoutException", 503,
        "The key service could not be reached in time. The request can be retried.";
    KmsInvalidCiphertext, "KMS.InvalidCiphertextException", 400,
        "The key service could not open the key of the object.";
    KmsInvalidState, "KMS.KMSInvalidStateException", 400,
        "The state of the key is not valid for this request.";
    KmsDisabled, "KMS.DisabledException", 400, "The key is disabled.";
    KmsKeyNotFound, "KMS.NotFoundException", 400, "The key does not exist.";
    KeyringLocked, "XHoldfastKeyringLocked", 503,
        "The server lacks the key that its encryption keys are sealed under; its operator must give it back.";
    KeyTooLong, "KeyTooLongError", 400, "Your key is too long";
    MalformedAcl, "MalformedACLError", 400,
        "The XML you provided was not well-formed or did not validate against our published schema";
    MalformedPolicy, "MalformedPolicy", 400, "Policy has invalid resource";
    MalformedPostRequest, "MalformedPOSTRequest", 400,
        "The body of your POST request is not well-formed multipart/form-data.";
    MalformedTrailer, "MalformedTrailerError", 400,
        "The request contained trailing data that was not well-formed or did not conform to our published schema.";
    MalformedXml, "MalformedXML", 400,
        "The XML you provided was not well-formed or did not validate against our published schema";
    MaxPostPreDataLengthExceeded, "MaxPostPreDataLengthExceeded", 400,
        "Your POST request fields preceding the upload file were too large.";
    MetadataConfigurationNotFound, "MetadataConfigurationNotFound", 404,
        "The metadata configuration was not found";
    MetadataTooLarge, "MetadataTooLarge", 400,
        "Your metadata headers exceed the maximum allowed metadata size";
    MethodNotAllowed, "MethodNotAllowed", 405, "The specified method is not allowed against this resource.";
    MissingSecurityHeader, "MissingSecurityHeader", 400, "Your request was missing a required header";
    MissingContentLength, "MissingContentLength", 411, "You must provide the Content-Length HTTP header.";
    NoSuchBucket, "NoSuchBucket", 404, "The specified bucket does not exist";
    NoSuchBucketPolicy, "NoSuchBucketPolicy", 404, "The bucket policy does not exist";
    NoSuchConfiguration, "NoSuchConfiguration", 404, "The specified configuration does not exist.";
    NoSuchCorsConfiguration, "NoSuchCORSConfiguration", 404, "The CORS configuration does not exist";
    NoSuchKey, "NoSuchKey", 404, "The specified key does not exist.";
    NoSuchLifecycleConfiguration, "NoSuchLifecycleConfiguration", 404,
        "The lifecycle configuration does not exist";
    NoSuchObjectLockConfiguration, "NoSuchObjectLockConfiguration", 404,
        "The specified object does not have a ObjectLock configuration";
    NoSuchPublicAccessBlock, "NoSuchPublicAccessBlockConfiguration", 404,
        "The public access block configuration was not found";
    NoSuchTagSet, "NoSuchTagSet", 404, "The TagSet does not exist";
    NoSuchUpload, "NoSuchUpload", 404,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
    NoSuchVersion, "NoSuchVersion", 404, "The specified version does not exist.";
    InvalidRedirectLocation, "InvalidRedirectLocation", 400,
        "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.";
    NoSuchWebsiteConfiguration, "NoSuchWebsiteConfiguration", 404,
        "The specified bucket does not have a website configuration";
    NotImplemented, "NotImplemented", 501,
        "A header or operation you provided implies functionality that is not implemented";
    NotModified, "NotModified", 304, "Not Modified";
    ObjectLockNotFound, "ObjectLockConfigurationNotFoundError", 404,
        "Object Lock configuration does not exist for this bucket";
    OwnershipControlsNotFound, "OwnershipControlsNotFoundError", 404,
        "The bucket ownership controls were not found";
    PolicyTooLarge, "PolicyTooLarge", 400,
        "Normalized policy document exceeds the maximum allowed size of 20480 bytes.";
    PreconditionFailed, "PreconditionFailed", 412,
        "At least one of the pre-conditions you specified did not hold";
    QuotaExceeded, "QuotaExceeded", 403, "The bucket may not hold so many bytes.";
    ReplicationNotFound, "ReplicationConfigurationNotFoundError", 404,
        "The replication configuration was not found";
    RequestTimeout, "RequestTimeout", 400,
        "Your socket connection to the server was not read from or written to within the timeout period.";
    RequestTimeTooSkewed, "RequestTimeTooSkewed", 403,
        "The difference between the request time and the current time is too large.";
    EncryptionNotFound, "ServerSideEncryptionConfigurationNotFoundError", 404,
        "The server side encryption configuration was not found";
    SignatureDoesNotMatch, "SignatureDoesNotMatch", 403,
        "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
    SlowDown, "SlowDown", 503, "Please reduce your request rate.";
    StorageFull, "XHoldfastStorageFull", 507, "The drives have no space left; nothing was stored.";
    TooManyConfigurations, "TooManyConfigurations", 400,
        "You are attempting to create a new configuration but have already reached the 1,000-configuration limit.";
    TooManyParts, "TooManyParts", 400,
        "You have attempted to add more parts than the maximum of 10000 that are allowed for this object.";
    UnexpectedContent, "UnexpectedContent", 400, "This request does not support content";
    UnresolvableGrantByEmailAddress, "UnresolvableGrantByEmailAddress", 400,
        "The e-mail address you provided does not match any account on record.";
    UserKeyMustBeSpecified, "UserKeyMustBeSpecified", 400,
        "The bucket POST must contain the specified field name. If it is specified, check the order of the fields.";
}

/// A refusal on its way to the client.
#[derive(Debug)]
pub(super) struct Error {
    /// Which of AWS's errors.
    pub(super) code: Code,
    message: Option<Cow<'static, str>>,
    /// Further elements of the answer: `Key`, `Region`, `ArgumentName` and the like.
    details: Vec<(&'static str, Cow<'static, str>)>,
    /// Headers of the answer: the tags of a 304, the size with a 416.
    pub(super) headers: Option<Box<HeaderMap>>,
    /// For the log alone.
    pub(super) source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// For administrators alone: why the caller may not.
    pub(super) why: Option<Arc<Why>>,
}

impl Error {
    /// An error with AWS's standard words.
    pub(super) fn new(code: Code) -> Self {
        Self { code, message: None, details: Vec::new(), headers: None, source: None, why: None }
    }

    /// An error with words of its own.
    pub(super) fn with_message(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: Some(message.into()), ..Self::new(code) }
    }

    /// `InvalidRequest`.
    pub(super) fn request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::with_message(Code::InvalidRequest, message)
    }

    /// `InvalidArgument` that names the argument.
    pub(super) fn argument(
        name: &'static str,
        value: impl Into<String>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::with_message(Code::InvalidArgument, message)
            .detail("ArgumentName", name)
            .detail("ArgumentValue", value.into())
    }

    /// `NotImplemented` that names the header.
    pub(super) fn header_not_implemented(name: impl Into<Cow<'static, str>>) -> Self {
        Self::with_message(
            Code::NotImplemented,
            "A header you provided implies functionality that is not implemented",
        )
        .detail("Header", name)
    }

    /// Adds an element to the answer.
    pub(super) fn detail(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// Adds headers to the answer.
    pub(super) fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = Some(Box::new(headers));
        self
    }

    /// Adds what the log tells beside it.
    pub(super) fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds what administrators are told beside it.
    pub(super) fn because(mut self, why: Why) -> Self {
        self.why = Some(Arc::new(why));
        self
    }

    /// Its status.
    pub(super) fn status(&self) -> StatusCode {
        self.code.describe().1
    }

    /// What it tells the client.
    pub(super) fn message(&self) -> &str {
        self.message.as_deref().unwrap_or(self.code.describe().2)
    }

    /// Further elements of the answer.
    pub(super) fn details(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.details.iter().map(|(name, value)| (*name, value.as_ref()))
    }

    /// The XML answer.
    pub(super) fn to_xml(&self, resource: &str, request_id: &str, host_id: &str) -> Vec<u8> {
        let mut xml = XmlWriter::new(512);
        xml.open("Error");
        xml.element("Code", self.code.describe().0);
        xml.element("Message", self.message());
        for (name, value) in &self.details {
            xml.element(name, value);
        }
        xml.element("Resource", resource);
        xml.element("RequestId", request_id);
        xml.element("HostId", host_id);
        xml.close("Error");
        xml.finish()
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<InvalidName> for Error {
    fn from(name: InvalidName) -> Self {
        Self::new(match name {
            InvalidName::Bucket => Code::InvalidBucketName,
            InvalidName::EmptyKey => Code::UserKeyMustBeSpecified,
            InvalidName::KeyTooLong => Code::KeyTooLong,
        })
    }
}

impl From<object::Error> for Error {
    fn from(error: object::Error) -> Self {
        use object::Error as Engine;
        match error {
            Engine::NoSuchBucket => Code::NoSuchBucket.into(),
            Engine::BucketExists => Code::BucketAlreadyOwnedByYou.into(),
            Engine::BucketNotEmpty => Code::BucketNotEmpty.into(),
            Engine::NoSuchKey => Code::NoSuchKey.into(),
            Engine::NoSuchVersion => Code::NoSuchVersion.into(),
            Engine::DeletedKey { version } => versions::deleted_key(version),
            Engine::DeleteMarker { version, modified } => versions::delete_marker(version, modified),
            Engine::Locked => Self::with_message(
                Code::AccessDenied,
                "Access Denied because object protected by object lock.",
            ),
            Engine::NoObjectLock => Self::request("Bucket is missing Object Lock Configuration"),
            Engine::InvalidBucketState => Self::with_message(
                Code::InvalidBucketState,
                "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
            ),
            Engine::NoSuchUpload => Code::NoSuchUpload.into(),
            Engine::PreconditionFailed => Code::PreconditionFailed.into(),
            Engine::TokenReused => Code::IdempotencyMismatch.into(),
            Engine::Conflict => Code::ConditionalRequestConflict.into(),
            Engine::TooManyConfigurations => Code::TooManyConfigurations.into(),
            Engine::QuotaExceeded(excess) => quota_exceeded(&excess),
            Engine::NoSuchEncryptionKey(id) => {
                Self::with_message(Code::KmsKeyNotFound, format!("Invalid keyId '{id}'"))
            }
            Engine::EncryptionKeyDisabled(id) => {
                Self::with_message(Code::KmsDisabled, format!("{id} is disabled."))
            }
            Engine::EncryptionKeyPendingDeletion(id) => {
                Self::with_message(Code::KmsInvalidState, format!("{id} is pending deletion."))
            }
            Engine::KmsUnavailable(_) => Code::KmsDependencyTimeout.into(),
            Engine::KmsDenied(id) => Self::with_message(
                Code::AccessDenied,
                format!("The key service does not let this server use the key {id}."),
            ),
            Engine::KmsRefused(_) => Code::KmsInvalidCiphertext.into(),
            Engine::KeyringLocked => Code::KeyringLocked.into(),
            Engine::CustomerKeyMissing => Self::request(
                "The object was stored using a form of Server Side Encryption. \
                 The correct parameters must be provided to retrieve the object.",
            ),
            Engine::CustomerKeyWrong => Code::AccessDenied.into(),
            Engine::CustomerKeyNotApplicable => {
                Self::request("The encryption parameters are not applicable to this object.")
            }
            // What only operators do.
            Engine::EncryptionKeyExists
            | Engine::InvalidEncryptionKeyId
            | Engine::EncryptionKeyOfServer(_)
            | Engine::EncryptionKeyNotPending(_)
            | Engine::TooManyEncryptionKeys => Self::new(Code::InternalError).caused_by(error),
            Engine::BadDigest => Self::with_message(
                Code::BadDigest,
                "The Content-MD5 you specified did not match what we received.",
            ),
            Engine::InvalidPart(part) => {
                Self::new(Code::InvalidPart).detail("PartNumber", part.get().to_string())
            }
            Engine::PartChecksumMissing { algorithm, part } => Self::request(format!(
                "The upload was created using a {} checksum. The complete request must include the checksum for \
                 each part. It was missing for part {} in the request.",
                checksums::name(algorithm).to_ascii_lowercase(),
                part.get()
            )),
            Engine::InvalidPartOrder => Code::InvalidPartOrder.into(),
            Engine::PartTooSmall { part, size } => Self::new(Code::EntityTooSmall)
                .detail("PartNumber", part.get().to_string())
                .detail("ProposedSize", size.to_string())
                .detail("MinSizeAllowed", "5242880"),
            Engine::ChecksumMismatch(algorithm) => checksum_mismatch(algorithm),
            Engine::ChecksumAlgorithmMismatch(algorithm) => Self::request(format!(
                "Checksum Type mismatch occurred, actual checksum Type: {}",
                super::checksums::name(algorithm).to_ascii_lowercase()
            )),
            Engine::SizeMismatch => {
                Self::request("The provided 'x-amz-mp-object-size' header does not match what was computed")
            }
            Engine::TooManyParts => Code::TooManyParts.into(),
            Engine::EmptyAppend => {
                Self::request("Request body cannot be empty when 'write offset' is specified.")
            }
            Engine::TooLarge => Code::EntityTooLarge.into(),
            Engine::Body(body) => body.into(),
            Engine::Unreadable { .. } => Self::new(Code::InternalError).caused_by(error),
            Engine::NoSpace => Self::new(Code::StorageFull).caused_by(error),
            Engine::Unavailable(_) => Self::new(Code::SlowDown).caused_by(error),
            Engine::Internal(source) => Self::new(Code::InternalError).caused_by(source),
        }
    }
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Incomplete => Code::IncompleteBody.into(),
            BodyError::TooLong => Self::with_message(
                Code::IncompleteBody,
                "The request body holds more bytes than its headers announced",
            ),
            BodyError::DigestMismatch => Code::BadDigest.into(),
            BodyError::PayloadHashMismatch => Code::ContentSha256Mismatch.into(),
            BodyError::ChecksumMismatch(algorithm) => checksum_mismatch(algorithm),
            BodyError::SignatureMismatch => Code::SignatureDoesNotMatch.into(),
            BodyError::MalformedChunk(what) => {
                Self::request(format!("The request body is not well-formed aws-chunked data: {what}"))
            }
            BodyError::MalformedTrailer => Code::MalformedTrailer.into(),
            BodyError::OutOfBounds { size, min, .. } if size < min => Self::new(Code::EntityTooSmall)
                .detail("ProposedSize", size.to_string())
                .detail("MinSizeAllowed", min.to_string()),
            BodyError::OutOfBounds { size, max, .. } => Self::new(Code::EntityTooLarge)
                .detail("ProposedSize", size.to_string())
                .detail("MaxSizeAllowed", max.to_string()),
            BodyError::TimedOut => Code::RequestTimeout.into(),
            BodyError::Connection(source) => Self::new(Code::IncompleteBody).caused_by(source),
        }
    }
}

fn quota_exceeded(excess: &QuotaExcess) -> Error {
    let words = format!(
        "The {excess}. Remove objects, or older versions if the bucket keeps them, or have the operator raise its quota."
    );
    Error::with_message(Code::QuotaExceeded, words)
        .detail("BucketName", excess.bucket.clone())
        .detail("QuotaBytes", excess.quota.bytes.to_string())
        .detail("UsedBytes", excess.used.to_string())
        .detail("ProposedBytes", excess.more.to_string())
}

fn checksum_mismatch(algorithm: ChecksumAlgorithm) -> Error {
    let name = super::checksums::name(algorithm);
    Error::with_message(
        Code::BadDigest,
        format!("The {name} you specified did not match the calculated checksum."),
    )
}

impl Error {
    /// A refused signature. `claim` is there once the claim could be read.
    pub(super) fn unauthorized(refusal: Refusal, claim: Option<&Claim>, region: &str, now_secs: u64) -> Self {
        match refusal {
            Refusal::UnsupportedMechanism => Self::request(
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256: \
                 'aws configure set default.s3.signature_version s3v4', or in boto3 \
                 Config(signature_version='s3v4'). For clients that know version 2 alone, the operator can \
                 allow it with --signature-v2.",
            ),
            Refusal::TwoMechanisms => Self::with_message(
                Code::InvalidArgument,
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query \
                 string parameter or the Authorization header should be specified",
            ),
            Refusal::Malformed(placement, what) => malformed(placement, malformed_words(what)),
            Refusal::WrongRegion { placement, given } => {
                malformed(placement, format!("the region '{given}' is wrong; expecting '{region}'").into())
                    .detail("Region", region.to_owned())
            }
            Refusal::MissingDate => Self::with_message(
                Code::AccessDenied,
                "AWS authentication requires a valid Date or x-amz-date header",
            ),
            Refusal::MissingPayloadHash => {
                Self::request("Missing required header for this request: x-amz-content-sha256")
            }
            Refusal::InvalidPayloadHash => Self::argument(
                "x-amz-content-sha256",
                claim.map_or_else(String::new, |claim| claim.payload_text.clone()),
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
                 STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid \
                 sha256 value.",
            ),
            Refusal::Skewed { request } => skewed(request, now_secs),
            Refusal::NotYetValid => Self::with_message(Code::AccessDenied, "Request is not yet valid")
                .detail("ServerTime", iso_secs(now_secs)),
            Refusal::Expired { expires_secs, expired_at } => {
                Self::with_message(Code::AccessDenied, "Request has expired")
                    .detail("X-Amz-Expires", expires_secs.to_string())
                    .detail("Expires", iso_secs(expired_at.unix_secs()))
                    .detail("ServerTime", iso_secs(now_secs))
            }
            Refusal::HeadersNotSigned(names) => Self::with_message(
                Code::AccessDenied,
                "There were headers present in the request which were not signed",
            )
            .detail("HeadersNotSigned", names),
            Refusal::SignatureMismatch(mismatch) => {
                let mut error = Self::new(Code::SignatureDoesNotMatch);
                if let Some(claim) = claim {
                    error = error
                        .detail("AWSAccessKeyId", claim.access_key.clone())
                        .detail("SignatureProvided", claim.signature_hex());
                }
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                error
                    .detail("StringToSign", text(&mismatch.string_to_sign))
                    .detail("CanonicalRequest", text(&mismatch.canonical_request))
            }
        }
    }
}

impl Error {
    /// A refused signature of version 2.
    pub(super) fn unauthorized_v2(
        refusal: version2::Refusal,
        claim: Option<&version2::Claim>,
        now_secs: u64,
    ) -> Self {
        use version2::Refusal as Two;
        match refusal {
            Two::Malformed => Self::with_message(
                Code::InvalidArgument,
                "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature",
            ),
            Two::MalformedQuery => Self::with_message(
                Code::AccessDenied,
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
            ),
            Two::MissingDate => Self::with_message(
                Code::AccessDenied,
                "AWS authentication requires a valid Date or x-amz-date header",
            ),
            Two::Skewed(request) => skewed(request, now_secs),
            Two::Expired(end) => Self::with_message(Code::AccessDenied, "Request has expired")
                .detail("Expires", iso_secs(end.unix_secs()))
                .detail("ServerTime", iso_secs(now_secs)),
            Two::Mismatch(text) => {
                let (key, signature) = claim.map_or(("", ""), |claim| (&claim.access_key, &claim.signature));
                Self::new(Code::SignatureDoesNotMatch)
                    .detail("AWSAccessKeyId", key.to_owned())
                    .detail("SignatureProvided", signature.to_owned())
                    .detail("StringToSign", String::from_utf8_lossy(&text).into_owned())
            }
        }
    }

    /// A form whose claim to be signed cannot be read, or names another region.
    pub(super) fn malformed_policy_claim(words: &str) -> Self {
        let message = format!("Error parsing the X-Amz-Credential parameter; {words}");
        Self::with_message(Code::AuthorizationQueryParametersError, message)
    }
}

fn skewed(request: AmzTime, now_secs: u64) -> Error {
    Error::new(Code::RequestTimeTooSkewed)
        .detail("RequestTime", request.to_string())
        .detail("ServerTime", iso_secs(now_secs))
        .detail("MaxAllowedSkewMilliseconds", "900000")
}

fn malformed(placement: Placement, words: Cow<'static, str>) -> Error {
    match placement {
        Placement::Header => Error::with_message(
            Code::AuthorizationHeaderMalformed,
            format!("The authorization header is malformed; {words}"),
        ),
        Placement::Query { .. } => Error::with_message(
            Code::AuthorizationQueryParametersError,
            format!("Error parsing the authorization query parameters; {words}"),
        ),
    }
}

pub(super) fn malformed_words(what: Malformed) -> Cow<'static, str> {
    match what {
        Malformed::Fields => "the Credential, SignedHeaders and Signature fields are required.",
        Malformed::Credential => {
            "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
        }
        Malformed::Service => "incorrect service. This endpoint belongs to \"s3\".",
        Malformed::Terminator => "incorrect terminal. This endpoint uses \"aws4_request\".",
        Malformed::Day => "Invalid credential date. This date is not the same as X-Amz-Date.",
        Malformed::MissingParameter => {
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
             X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        }
        Malformed::Algorithm => "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"",
        Malformed::Date => "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
        Malformed::ExpiresNumber => "X-Amz-Expires should be a number",
        Malformed::ExpiresPositive => "X-Amz-Expires must be positive",
        Malformed::ExpiresTooLong => "X-Amz-Expires must be less than a week (in seconds); that is 604800",
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_names_code_message_resource_and_ids() {
        let error = Error::new(Code::NoSuchKey).detail("Key", "a&b");
        let xml = String::from_utf8(error.to_xml("/b/a&b", "ID", "HOST")).unwrap();
        assert_eq!(
            xml,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>\
             <Message>The specified key does not exist.</Message><Key>a&amp;b</Key>\
             <Resource>/b/a&amp;b</Resource><RequestId>ID</RequestId><HostId>HOST</HostId></Error>"
        );
    }

    #[test]
    fn engine_errors_keep_their_meaning() {
        for (cause, code, status) in [
            (object::Error::NoSuchBucket, "NoSuchBucket", 404),
            (object::Error::PreconditionFailed, "PreconditionFailed", 412),
            (object::Error::Conflict, "ConditionalRequestConflict", 409),
            (object::Error::Unavailable("busy"), "SlowDown", 503),
            (object::Error::Body(BodyError::SignatureMismatch), "SignatureDoesNotMatch", 403),
            (object::Error::Body(BodyError::Incomplete), "IncompleteBody", 400),
        ] {
            let (text, http, _) = Error::from(cause).code.describe();
            assert_eq!((text, http.as_u16()), (code, status));
        }
    }

    #[test]
    fn wrong_region_names_the_right_one() {
        let refusal = Refusal::WrongRegion { placement: Placement::Header, given: "eu-west-1".into() };
        let xml = Error::unauthorized(refusal, None, "us-east-1", 0).to_xml("/", "1", "2");
        assert!(String::from_utf8(xml).unwrap().contains("<Region>us-east-1</Region>"));
    }
}
