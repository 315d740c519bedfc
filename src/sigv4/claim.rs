//! What a request says of its signature, read but not yet believed.

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, DATE};

use super::Parts;
use super::encoding::{decode_form, parse_hex};
use super::time::AmzTime;
use super::verify::Refusal;

/// The one signing algorithm.
pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Where a request carries its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// In the `Authorization` header.
    Header,
    /// In the query: a presigned URL.
    Query {
        /// Seconds from its date for which it is good.
        expires_secs: u64,
    },
}

/// What is wrong with the form of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// `Credential`, `SignedHeaders` or `Signature` is missing or repeated beyond reading.
    Fields,
    /// The credential is not `KEY/YYYYMMDD/REGION/SERVICE/aws4_request`.
    Credential,
    /// The credential is for another service than `s3`.
    Service,
    /// The credential does not end in `aws4_request`.
    Terminator,
    /// The credential's day is not the day of the request's date.
    Day,
    /// A query parameter of the signature is missing.
    MissingParameter,
    /// `X-Amz-Algorithm` is not `AWS4-HMAC-SHA256`.
    Algorithm,
    /// `X-Amz-Date` is not `YYYYMMDDTHHMMSSZ`.
    Date,
    /// `X-Amz-Expires` is no number.
    ExpiresNumber,
    /// `X-Amz-Expires` is zero or negative.
    ExpiresPositive,
    /// `X-Amz-Expires` is above a week.
    ExpiresTooLong,
}

/// What the client says of the payload: `x-amz-content-sha256`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// `UNSIGNED-PAYLOAD`.
    Unsigned,
    /// The SHA-256 of the whole body.
    Sha256([u8; 32]),
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`: signed chunks.
    StreamingSigned,
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER`: signed chunks and a signed trailer.
    StreamingSignedTrailer,
    /// `STREAMING-UNSIGNED-PAYLOAD-TRAILER`: chunks and a trailer, none signed.
    StreamingUnsignedTrailer,
}

impl Payload {
    /// Reads a value of `x-amz-content-sha256`.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "UNSIGNED-PAYLOAD" => Self::Unsigned,
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Self::StreamingSigned,
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Self::StreamingSignedTrailer,
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Self::StreamingUnsignedTrailer,
            hash => Self::Sha256(parse_hex(hash.as_bytes())?),
        })
    }
}

/// A request's claim to be signed by the owner of an access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Header or query.
    pub placement: Placement,
    /// Whose signature it is said to be.
    pub access_key: String,
    /// The day of the scope, `YYYYMMDD`.
    pub day: String,
    /// The region of the scope.
    pub region: String,
    /// The service of the scope.
    pub service: Service,
    /// Names of the signed headers, lower case, separated by `;`.
    pub signed_headers: String,
    /// The signature itself.
    pub signature: [u8; 32],
    /// When it was made, as written.
    pub date: String,
    /// When it was made.
    pub time: AmzTime,
    /// What is said of the payload.
    pub payload: Payload,
    /// The same as it stands in the canonical request.
    pub payload_text: String,
    /// `x-amz-security-token`: temporary credentials.
    pub session_token: Option<String>,
}

/// What a signature is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Buckets and objects.
    S3,
    /// Users, groups, roles and policies.
    Iam,
    /// Temporary credentials.
    Sts,
}

impl Service {
    const ALL: [Self; 3] = [Self::S3, Self::Iam, Self::Sts];

    /// Its name in a scope.
    pub fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Iam => "iam",
            Self::Sts => "sts",
        }
    }
}

/// Reads the claim of a request to IAM or STS, whose clients leave out what is said of the payload: it is the SHA-256 of the
/// body. `None` for an anonymous one.
pub fn parse_form(parts: Parts<'_>, body_sha256: &[u8; 32]) -> Result<Option<Claim>, Refusal> {
    let computed = super::hex(body_sha256).iter().map(|digit| char::from(*digit)).collect::<String>();
    let Some(claim) = parse_any(parts, Some(&computed))? else { return Ok(None) };
    let malformed = |what| Err(Refusal::Malformed(claim.placement, what));
    match (claim.service, claim.payload) {
        (Service::S3, _) => malformed(Malformed::Service),
        (Service::Iam | Service::Sts, Payload::Sha256(given)) if given == *body_sha256 => Ok(Some(claim)),
        (Service::Iam | Service::Sts, _) => Err(Refusal::InvalidPayloadHash),
    }
}

/// Reads the claim of a request to S3; `None` for an anonymous one.
pub fn parse(parts: Parts<'_>) -> Result<Option<Claim>, Refusal> {
    let claim = parse_any(parts, None)?;
    match &claim {
        Some(claim) if claim.service != Service::S3 => {
            Err(Refusal::Malformed(claim.placement, Malformed::Service))
        }
        Some(_) | None => Ok(claim),
    }
}

/// `computed` is what the payload hash is where the request does not say it.
fn parse_any(parts: Parts<'_>, computed: Option<&str>) -> Result<Option<Claim>, Refusal> {
    let in_header = parts.headers.contains_key(AUTHORIZATION);
    let names = || parts.query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    let in_query = names().any(|name| name == "X-Amz-Algorithm" || name == "X-Amz-Signature");
    if names().any(|name| name == "AWSAccessKeyId") {
        return Err(Refusal::UnsupportedMechanism);
    }
    match (in_header, in_query) {
        (true, true) => Err(Refusal::TwoMechanisms),
        (true, false) => from_header(parts.headers, computed).map(Some),
        (false, true) => from_query(parts, computed).map(Some),
        (false, false) => Ok(None),
    }
}

fn from_header(headers: &HeaderMap, computed: Option<&str>) -> Result<Claim, Refusal> {
    let malformed = |what| Refusal::Malformed(Placement::Header, what);
    let text = header(headers, AUTHORIZATION.as_str()).ok_or(malformed(Malformed::Fields))?;
    let fields = text.strip_prefix(ALGORITHM).ok_or(Refusal::UnsupportedMechanism)?;
    let (mut credential, mut signed_headers, mut signature) = (None, None, None);
    for field in fields.split(',') {
        match field.trim().split_once('=') {
            Some(("Credential", value)) => credential = Some(value),
            Some(("SignedHeaders", value)) => signed_headers = Some(value),
            Some(("Signature", value)) => signature = Some(value),
            _ => return Err(malformed(Malformed::Fields)),
        }
    }
    let (Some(credential), Some(signed_headers), Some(signature)) = (credential, signed_headers, signature)
    else {
        return Err(malformed(Malformed::Fields));
    };
    let (date, time) = header_date(headers)?;
    let credential = Credential::parse(credential).map_err(malformed)?;
    let payload_text = header(headers, "x-amz-content-sha256").or(computed);
    let payload_text = payload_text.ok_or(Refusal::MissingPayloadHash)?;
    Ok(Claim {
        placement: Placement::Header,
        access_key: credential.access_key.into(),
        day: credential.day.into(),
        region: credential.region.into(),
        service: credential.service,
        signed_headers: signed_headers.to_ascii_lowercase(),
        signature: parse_hex(signature.as_bytes()).ok_or(malformed(Malformed::Fields))?,
        date,
        time,
        payload: Payload::parse(payload_text).ok_or(Refusal::InvalidPayloadHash)?,
        payload_text: payload_text.into(),
        session_token: header(headers, "x-amz-security-token").map(str::to_owned),
    })
}

/// The date of a header signature: `x-amz-date`, else `Date`, in either form.
fn header_date(headers: &HeaderMap) -> Result<(String, AmzTime), Refusal> {
    let text = header(headers, "x-amz-date").or_else(|| header(headers, DATE.as_str()));
    let time = text.and_then(|text| AmzTime::parse(text).or_else(|| AmzTime::parse_http(text)));
    let time = time.ok_or(Refusal::MissingDate)?;
    Ok((time.to_string(), time))
}

fn from_query(parts: Parts<'_>, computed: Option<&str>) -> Result<Claim, Refusal> {
    let malformed = |what| Refusal::Malformed(Placement::Query { expires_secs: 0 }, what);
    let parameter = |name: &str| query_parameter(parts.query, name);
    let required = |name: &str| parameter(name).ok_or(malformed(Malformed::MissingParameter));
    if required("X-Amz-Algorithm")? != ALGORITHM {
        return Err(malformed(Malformed::Algorithm));
    }
    let credential = required("X-Amz-Credential")?;
    let date = required("X-Amz-Date")?;
    let expires = required("X-Amz-Expires")?;
    let signed_headers = required("X-Amz-SignedHeaders")?;
    let signature = required("X-Amz-Signature")?;
    let time = AmzTime::parse(&date).ok_or(malformed(Malformed::Date))?;
    let credential = Credential::parse(&credential).map_err(malformed)?;
    let payload_text = parameter("X-Amz-Content-Sha256")
        .or_else(|| header(parts.headers, "x-amz-content-sha256").map(str::to_owned))
        .unwrap_or_else(|| computed.unwrap_or("UNSIGNED-PAYLOAD").into());
    Ok(Claim {
        placement: Placement::Query { expires_secs: parse_expires(&expires).map_err(malformed)? },
        access_key: credential.access_key.into(),
        day: credential.day.into(),
        region: credential.region.into(),
        service: credential.service,
        signed_headers: signed_headers.to_ascii_lowercase(),
        signature: parse_hex(signature.as_bytes()).ok_or(malformed(Malformed::Fields))?,
        date,
        time,
        payload: Payload::parse(&payload_text).ok_or(Refusal::InvalidPayloadHash)?,
        payload_text,
        session_token: parameter("X-Amz-Security-Token"),
    })
}

fn parse_expires(text: &str) -> Result<u64, Malformed> {
    match text.parse::<i64>() {
        Err(_) => Err(Malformed::ExpiresNumber),
        Ok(secs) if secs <= 0 => Err(Malformed::ExpiresPositive),
        Ok(secs) if secs as u64 > super::verify::EXPIRES_SECS_MAX => Err(Malformed::ExpiresTooLong),
        Ok(secs) => Ok(secs as u64),
    }
}

/// The parts of `KEY/YYYYMMDD/REGION/SERVICE/aws4_request`; the key itself may hold slashes.
pub(super) struct Credential<'a> {
    pub(super) access_key: &'a str,
    pub(super) day: &'a str,
    pub(super) region: &'a str,
    pub(super) service: Service,
}

impl<'a> Credential<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Malformed> {
        let mut fields = text.rsplitn(5, '/');
        let (Some(terminator), Some(service), Some(region), Some(day), Some(access_key)) =
            (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(Malformed::Credential);
        };
        if access_key.is_empty() || day.len() != 8 || !day.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Malformed::Credential);
        }
        if terminator != "aws4_request" {
            return Err(Malformed::Terminator);
        }
        let known = Service::ALL.into_iter().find(|known| known.name() == service);
        Ok(Self { access_key, day, region, service: known.ok_or(Malformed::Service)? })
    }
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

pub(super) fn query_parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(n, _)| n.eq_ignore_ascii_case(name)).and_then(|(_, value)| decode_form(value))
}
