//! Is a claim true: the right signature, in time, over all that must be signed?

use hyper::HeaderMap;
use subtle::ConstantTimeEq;

use super::Parts;
use super::canonical;
use super::chunk::ChunkSignatures;
use super::claim::{Claim, Malformed, Payload, Placement};
use super::encoding::hex;
use super::key::SigningSecret;
use super::time::AmzTime;

/// How far a signature's date may lie from the server's clock.
pub const SKEW_SECS_MAX: u64 = 15 * 60;

/// The longest life of a presigned URL: a week.
pub const EXPIRES_SECS_MAX: u64 = 7 * 24 * 3600;

/// Why a claim is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Signature version 2, or some other scheme.
    #[error("unsupported authorization mechanism")]
    UnsupportedMechanism,
    /// A signature in the header and one in the query.
    #[error("two authorization mechanisms at once")]
    TwoMechanisms,
    /// The claim cannot be read, or names the wrong scope.
    #[error("malformed authorization ({0:?}): {1:?}")]
    Malformed(Placement, Malformed),
    /// The scope names another region.
    #[error("wrong region {given}")]
    WrongRegion {
        /// Where the claim stood.
        placement: Placement,
        /// What the client wrote.
        given: String,
    },
    /// Neither `x-amz-date` nor `Date` can be read.
    #[error("no date")]
    MissingDate,
    /// `x-amz-content-sha256` is missing.
    #[error("no payload hash")]
    MissingPayloadHash,
    /// `x-amz-content-sha256` is neither a SHA-256 nor a known word.
    #[error("invalid payload hash")]
    InvalidPayloadHash,
    /// The clocks are too far apart.
    #[error("request time too skewed")]
    Skewed {
        /// The request's time.
        request: AmzTime,
    },
    /// The presigned URL is from the future.
    #[error("presigned request not yet valid")]
    NotYetValid,
    /// The presigned URL is past its life.
    #[error("presigned request expired")]
    Expired {
        /// Its life in seconds.
        expires_secs: u64,
        /// Its end.
        expired_at: AmzTime,
    },
    /// Headers that must be signed are not; their names, separated by commas.
    #[error("headers not signed: {0}")]
    HeadersNotSigned(String),
    /// The signature is another one than the secret makes.
    #[error("signature mismatch")]
    SignatureMismatch(Box<Mismatch>),
}

/// What the server computed, for the client to compare. Holds nothing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The canonical request.
    pub canonical_request: Vec<u8>,
    /// The string to sign.
    pub string_to_sign: Vec<u8>,
}

/// What a believed claim leaves for the body.
#[derive(Debug)]
pub struct Verification {
    /// What was said, and signed, of the payload.
    pub payload: Payload,
    /// The chain that signed chunks go on with; only for a payload in signed chunks.
    pub chunks: Option<ChunkSignatures>,
}

/// Checks a claim against the secret of its access key, at the time `now`, in `region`.
pub fn verify(
    parts: Parts<'_>,
    claim: &Claim,
    secret: &SigningSecret,
    region: &str,
    now: AmzTime,
) -> Result<Verification, Refusal> {
    check_scope(claim, region)?;
    check_time(claim, now)?;
    check_signed_headers(parts.headers, claim)?;
    let scope = format!("{}/{}/{}/aws4_request", claim.day, claim.region, claim.service.name());
    let canonical_request = canonical::request(parts, &claim.signed_headers, &claim.payload_text);
    let string_to_sign = canonical::string_to_sign(&claim.date, &scope, &canonical_request);
    let has_chunks = matches!(claim.payload, Payload::StreamingSigned | Payload::StreamingSignedTrailer);
    let (expected, key) = secret.with_key_for((&claim.day, &claim.region), claim.service, |key| {
        (key.sign(&string_to_sign), has_chunks.then(|| key.clone()))
    });
    if !bool::from(expected.ct_eq(&claim.signature)) {
        return Err(Refusal::SignatureMismatch(Box::new(Mismatch { canonical_request, string_to_sign })));
    }
    let chunks = key.map(|key| ChunkSignatures::new(key, claim.date.clone(), scope, expected));
    Ok(Verification { payload: claim.payload, chunks })
}

fn check_scope(claim: &Claim, region: &str) -> Result<(), Refusal> {
    if claim.region != region {
        return Err(Refusal::WrongRegion { placement: claim.placement, given: claim.region.clone() });
    }
    if claim.day != claim.time.day() {
        return Err(Refusal::Malformed(claim.placement, Malformed::Day));
    }
    Ok(())
}

fn check_time(claim: &Claim, now: AmzTime) -> Result<(), Refusal> {
    match claim.placement {
        Placement::Header if claim.time.distance_secs(now) > SKEW_SECS_MAX => {
            Err(Refusal::Skewed { request: claim.time })
        }
        Placement::Header => Ok(()),
        Placement::Query { expires_secs } => {
            let expired_at = AmzTime::from_unix_secs(claim.time.unix_secs().saturating_add(expires_secs));
            if claim.time > now && claim.time.distance_secs(now) > SKEW_SECS_MAX {
                Err(Refusal::NotYetValid)
            } else if now > expired_at {
                Err(Refusal::Expired { expires_secs, expired_at })
            } else {
                Ok(())
            }
        }
    }
}

/// The host and every `x-amz-` header that is sent must be signed.
fn check_signed_headers(headers: &HeaderMap, claim: &Claim) -> Result<(), Refusal> {
    let signed = |name: &str| claim.signed_headers.split(';').any(|header| header == name);
    let mut unsigned: Vec<&str> = headers
        .keys()
        .map(|name| name.as_str())
        .filter(|name| name.starts_with("x-amz-") && !signed(name))
        .collect();
    if !signed("host") {
        unsigned.push("host");
    }
    if unsigned.is_empty() {
        return Ok(());
    }
    unsigned.sort_unstable();
    Err(Refusal::HeadersNotSigned(unsigned.join(", ")))
}

impl Claim {
    /// The signature in hexadecimal, for error answers.
    pub fn signature_hex(&self) -> String {
        hex(&self.signature).iter().map(|digit| char::from(*digit)).collect()
    }
}
