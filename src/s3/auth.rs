//! Who calls, checked once. Only this module makes a [`Call`], so no operation runs unverified. A request without any
//! signature is a call too, of nobody in particular: what that may do is for `access`.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::HeaderMap;
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::http::request;

use crate::iam::identities::Grants;
use crate::iam::{Iam, Identity, KeyPermit, Principal, TokenError, UsedFor};
use crate::object::Engine;
use crate::sigv4::{
    self, AmzTime, Parts, Payload, Placement, PolicyClaim, Refusal, Slash, Verification, encode_into,
    version2,
};
use crate::types::{BucketName, CallerName, DecidingStatement, ObjectKey, Origin, Timestamp};

use super::body::{BodyOptions, RequestBody, Stored};
use super::checksums;
use super::error::{Code, Error, Result, malformed_words};
use super::form::{Fields, FilePart};
use super::headers;
use super::new_buckets::NewBuckets;
use super::ops::post_object::missing;
use super::query::Query;
use super::route::bucket_of_host;
use super::service::{RequestName, Service};
use super::wire::{Source, Wire};

/// A verified request, without its body.
#[derive(Debug)]
pub(super) struct Call<'a> {
    service: &'a Service,
    head: &'a request::Parts,
    /// The decoded query.
    pub(super) query: Query,
    /// Who signed; nobody in particular where nobody did.
    identity: Option<Arc<Identity>>,
    /// How that is known; `None` of nobody in particular.
    pub(super) signature: Option<Signature>,
    /// Where from.
    pub(super) peer: IpAddr,
    /// What allowed it first, where that is written down.
    allowed_by: OnceLock<Arc<DecidingStatement>>,
}

/// How a request is signed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signature {
    /// As policies name the place: `REST-HEADER`, `REST-QUERY-STRING` or `POST`.
    pub(super) place: &'static str,
    /// As policies name the version: `AWS4-HMAC-SHA256` or `AWS`.
    pub(super) version: &'static str,
    /// When it was made, in seconds of Unix time, where it says so.
    pub(super) made_at: Option<u64>,
}

/// The body of a verified request, not yet touched.
#[derive(Debug)]
pub(super) struct Upload {
    wire: Wire<Incoming>,
    verification: Verification,
}

impl<'a> Call<'a> {
    /// The call of a website's visitor, to read what anybody may. What a query says means nothing there.
    pub(super) fn of_website(service: &'a Service, head: &'a request::Parts, peer: IpAddr) -> Self {
        Self {
            service,
            head,
            query: Query::default(),
            identity: None,
            signature: None,
            peer,
            allowed_by: OnceLock::new(),
        }
    }

    /// The call of somebody whom another part of this process has recognized: as if the server had signed it for them.
    pub(super) fn vouched(
        (service, identity): (&'a Service, Arc<Identity>),
        head: &'a request::Parts,
        query: Query,
        peer: IpAddr,
    ) -> Self {
        let made_at = Some(service.clock.now().as_secs());
        let signature = Some(Signature { place: "REST-HEADER", version: VERSION_4, made_at });
        Self { service, head, query, identity: Some(identity), signature, peer, allowed_by: OnceLock::new() }
    }

    /// Who calls.
    pub(super) fn principal(&self) -> &Principal {
        static ANONYMOUS: Principal = Principal::Anonymous;
        self.identity.as_ref().map_or(&ANONYMOUS, |identity| &identity.principal)
    }

    /// Whether it is signed by the version of signatures that is not old.
    pub(super) fn is_signed_by_version_4(&self) -> bool {
        self.signature.is_some_and(|signature| signature.version == VERSION_4)
    }

    /// How logs name who calls; none of nobody in particular.
    pub(super) fn caller(&self) -> Option<Arc<CallerName>> {
        self.identity.as_ref().map(|identity| identity.name.clone())
    }

    /// Notes the use of the caller's access key, and lets the request in if that is within its limits; `None` where there are none.
    pub(super) fn admit(&self) -> Result<Option<KeyPermit>> {
        let Some(identity) = &self.identity else { return Ok(None) };
        let (limits, now) = (&self.service.options.key_limits, self.now());
        identity.usage.note(UsedFor::S3, now);
        if limits.none() {
            return Ok(None);
        }
        identity.usage.admit(limits, now).map(Some).ok_or_else(|| Code::SlowDown.into())
    }

    /// Notes what allows the request, where that is written down.
    pub(super) fn note_allowed(&self, found: impl FnOnce() -> DecidingStatement) {
        if self.service.options.audited && self.allowed_by.get().is_none() {
            // Two at once would be the same.
            let _ = self.allowed_by.set(Arc::new(found()));
        }
    }

    /// What was noted.
    pub(super) fn allowed_by(&self) -> Option<Arc<DecidingStatement>> {
        self.allowed_by.get().cloned()
    }

    /// Who calls, as logs name it: an account by its canonical id, somebody within it by the ARN.
    pub(super) fn requester(&self) -> Option<String> {
        match self.principal() {
            Principal::Anonymous | Principal::Federated(_) => None,
            Principal::Root(account) => Some(account.canonical_id.to_string()),
            principal @ (Principal::User(_) | Principal::Session(_)) => Some(principal.arn().into_owned()),
        }
    }

    /// The policies of who calls.
    pub(super) fn grants(&self) -> &Grants {
        static NONE: Grants = Grants { identity: Vec::new(), boundary: None, session: Vec::new() };
        self.identity.as_ref().map_or(&NONE, |identity| &identity.grants)
    }

    /// The engine.
    pub(super) fn engine(&self) -> &'a Engine {
        &self.service.engine
    }

    /// The accounts.
    pub(super) fn iam(&self) -> &'a Iam {
        &self.service.iam
    }

    /// What a new bucket is like.
    pub(super) fn new_buckets(&self) -> NewBuckets {
        self.service.options.new_buckets
    }

    /// Whether the client came by TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.service.options.tls
    }

    /// Whose request it is, where others are told of what it changes.
    pub(super) fn origin(&self, is_form: bool) -> Option<Origin> {
        let name = self.head.extensions.get::<RequestName>()?;
        Some(Origin {
            at: self.now(),
            principal: self
                .principal()
                .account()
                .map_or("Anonymous".into(), |account| account.canonical_id.to_string()),
            address: name.peer.ip().to_canonical().to_string(),
            request_id: name.id.clone(),
            host_id: name.host_id.clone(),
            is_form,
        })
    }

    /// Whether buckets can tell a target of changes.
    pub(super) fn knows_event_target(&self, arn: &str) -> bool {
        self.service.options.event_targets.iter().any(|known| known == arn)
    }

    /// The region that this server says it is in.
    pub(super) fn region(&self) -> &'a str {
        &self.service.options.region
    }

    /// The present moment.
    pub(super) fn now(&self) -> Timestamp {
        self.service.clock.now()
    }

    /// The request's headers; for a presigned URL, those hoisted into its query with them.
    pub(super) fn headers(&self) -> &'a HeaderMap {
        &self.head.headers
    }

    /// Clients may send their own encryption keys: the connection keeps them secret, or the operator says so.
    pub(super) fn permits_customer_keys(&self) -> bool {
        self.service.options.tls || self.service.options.customer_keys_over_http
    }

    /// The URL of an object, in the words that the client has for this server.
    pub(super) fn location(&self, bucket: &BucketName, key: &ObjectKey) -> String {
        let scheme = if self.service.options.tls { "https" } else { "http" };
        let host = self.head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let mut location = format!("{scheme}://{host}/").into_bytes();
        if bucket_of_host(host, &self.service.options.domains).is_none() {
            location.extend_from_slice(bucket.as_str().as_bytes());
            location.push(b'/');
        }
        encode_into(&mut location, key.as_str().as_bytes(), Slash::Keep);
        String::from_utf8_lossy(&location).into_owned()
    }

    /// Opens a document whose headers speak of an object's checksum and not of its own.
    pub(super) fn open_document(&self, upload: Upload) -> Result<RequestBody<Incoming>> {
        let mut headers = self.headers().clone();
        for algorithm in checksums::algorithms() {
            headers.remove(checksums::header(algorithm));
        }
        let options =
            BodyOptions { stored: Stored::Nothing, idle_timeout: self.service.options.idle_timeout };
        RequestBody::open(upload.wire, &headers, upload.verification, options)
    }

    /// Opens the file of a form for reading; its fields are the headers.
    pub(super) fn open_form<B: Source>(
        &self,
        file: FilePart<B>,
        described: &HeaderMap,
        stored: Stored,
    ) -> Result<RequestBody<FilePart<B>>> {
        let options = BodyOptions { stored, idle_timeout: self.service.options.idle_timeout };
        let verification = Verification { payload: Payload::Unsigned, chunks: None };
        RequestBody::open(Wire::new(file, &HeaderMap::new()), described, verification, options)
    }

    /// Opens the body for reading; from here on the client may send it.
    pub(super) fn open(&self, upload: Upload, stored: Stored) -> Result<RequestBody<Incoming>> {
        let options = BodyOptions { stored, idle_timeout: self.service.options.idle_timeout };
        RequestBody::open(upload.wire, self.headers(), upload.verification, options)
    }
}

/// A form, whose signature stands in its body.
#[derive(Debug)]
pub(super) struct FormRequest<'a> {
    signed: FormHead<'a>,
    wire: Wire<Incoming>,
}

/// A form without its body.
#[derive(Debug)]
pub(super) struct FormHead<'a> {
    service: &'a Service,
    head: &'a request::Parts,
    query: Query,
    peer: IpAddr,
}

impl<'a> FormRequest<'a> {
    pub(super) fn new(
        service: &'a Service,
        head: &'a request::Parts,
        query: Query,
        wire: Wire<Incoming>,
        peer: IpAddr,
    ) -> Self {
        Self { signed: FormHead { service, head, query, peer }, wire }
    }

    /// The request's headers, of which none is signed.
    pub(super) fn headers(&self) -> &'a HeaderMap {
        &self.signed.head.headers
    }

    /// How long the client may send nothing.
    pub(super) fn idle_timeout(&self) -> Duration {
        self.signed.service.options.idle_timeout
    }

    /// What is to be verified, and the body that it stands in.
    pub(super) fn into_body(self) -> (FormHead<'a>, Wire<Incoming>) {
        (self.signed, self.wire)
    }
}

impl<'a> FormHead<'a> {
    /// Checks the signature of the policy among the fields. What the policy says is not looked at.
    pub(super) fn verify(self, fields: &Fields) -> Result<Call<'a>> {
        let version_2 = fields.get("awsaccesskeyid").is_some();
        let is_signed =
            version_2 || ["policy", "x-amz-signature"].iter().any(|name| fields.get(name).is_some());
        let (identity, signature) = match (is_signed, version_2) {
            (false, _) => (None, None),
            (true, true) => (Some(self.verify_v2(fields)?), Some(VERSION_2)),
            (true, false) => (Some(self.verify_v4(fields)?), Some(VERSION_4)),
        };
        let signature = signature.map(|version| Signature { place: "POST", version, made_at: None });
        let Self { service, head, query, peer } = self;
        Ok(Call { service, head, query, identity, signature, peer, allowed_by: OnceLock::new() })
    }

    fn verify_v4(&self, fields: &Fields) -> Result<Arc<Identity>> {
        let (policy, signature) = (field(fields, "policy")?, field(fields, "x-amz-signature")?);
        let claim = PolicyClaim::parse(
            field(fields, "x-amz-algorithm")?,
            field(fields, "x-amz-credential")?,
            field(fields, "x-amz-date")?,
            signature,
        );
        let claim = claim.map_err(|what| Error::malformed_policy_claim(&malformed_words(what)))?;
        let region = self.service.options.accepted_region(&claim.region);
        if claim.region != region {
            let words = format!("the region '{}' is wrong; expecting '{region}'", claim.region);
            return Err(Error::malformed_policy_claim(&words));
        }
        let now = self.service.clock.now();
        let identity = find(self.service, (&claim.access_key, fields.get("x-amz-security-token")), now)?;
        let good = claim.signs(policy, &identity.secret);
        good.then_some(identity).ok_or_else(|| policy_mismatch(&claim.access_key, signature, policy))
    }

    fn verify_v2(&self, fields: &Fields) -> Result<Arc<Identity>> {
        if !self.service.options.signature_v2 {
            let region = &self.service.options.region;
            return Err(Error::unauthorized(Refusal::UnsupportedMechanism, None, region, 0));
        }
        let (policy, signature) = (field(fields, "policy")?, field(fields, "signature")?);
        let access_key = field(fields, "awsaccesskeyid")?;
        let now = self.service.clock.now();
        let identity = find(self.service, (access_key, fields.get("x-amz-security-token")), now)?;
        let good = version2::signs(identity.secret.expose(), policy.as_bytes(), signature);
        good.then_some(identity).ok_or_else(|| policy_mismatch(access_key, signature, policy))
    }
}

/// Names of the versions of signatures in policies.
const VERSION_2: &str = "AWS";
const VERSION_4: &str = "AWS4-HMAC-SHA256";

/// A field that must be there.
fn field<'f>(fields: &'f Fields, name: &'static str) -> Result<&'f str> {
    fields.get(name).ok_or_else(|| missing(name))
}

/// Who signs with an access key, and with a token where it is a temporary one.
fn find(
    service: &Service,
    (access_key, token): (&str, Option<&str>),
    now: Timestamp,
) -> Result<Arc<Identity>> {
    let unknown = || Error::new(Code::InvalidAccessKeyId).detail("AWSAccessKeyId", access_key.to_owned());
    let Some(token) = token else { return service.iam.find(access_key, now).ok_or_else(unknown) };
    let found = service.iam.find_session(access_key, token, now);
    found.map_err(|error| match error {
        TokenError::Invalid => Code::InvalidToken.into(),
        TokenError::Expired => Code::ExpiredToken.into(),
    })
}

fn policy_mismatch(access_key: &str, signature: &str, policy: &str) -> Error {
    Error::new(Code::SignatureDoesNotMatch)
        .detail("AWSAccessKeyId", access_key.to_owned())
        .detail("SignatureProvided", signature.to_owned())
        .detail("StringToSign", policy.to_owned())
}

/// Checks a signature of version 2, which says nothing of the body.
fn verify_v2<'a>(
    service: &'a Service,
    head: &'a mut request::Parts,
    query: Query,
    wire: Wire<Incoming>,
    peer: IpAddr,
) -> Result<(Call<'a>, Upload)> {
    let now = service.clock.now();
    let now_secs = now.as_secs();
    // Those that were presigned into the query are signed as if they had been sent.
    unhoist(&query, &mut head.headers);
    let parts = Parts::of(head);
    let claim = version2::parse(parts).map_err(|refusal| Error::unauthorized_v2(refusal, None, now_secs))?;
    let token = headers::text(&head.headers, "x-amz-security-token");
    let token = token.or_else(|| query.get("x-amz-security-token"));
    let identity = find(service, (&claim.access_key, token), now)?;
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let bucket = bucket_of_host(host, &service.options.domains);
    let now = AmzTime::from_unix_secs(now_secs);
    version2::verify(parts, bucket, &claim, identity.secret.expose(), now)
        .map_err(|refusal| Error::unauthorized_v2(refusal, Some(&claim), now_secs))?;
    let verification = Verification { payload: unsigned_payload(service, head)?, chunks: None };
    let place = if query.has("Signature") { "REST-QUERY-STRING" } else { "REST-HEADER" };
    let signature = Some(Signature { place, version: VERSION_2, made_at: None });
    let call =
        Call { service, head, query, identity: Some(identity), signature, peer, allowed_by: OnceLock::new() };
    Ok((call, Upload { wire, verification }))
}

/// What is said of a payload that no key of version 4 signs; chunks would be signed with one.
fn unsigned_payload(service: &Service, head: &request::Parts) -> Result<Payload> {
    match headers::text(&head.headers, "x-amz-content-sha256").map(Payload::parse) {
        None => Ok(Payload::Unsigned),
        Some(Some(
            payload @ (Payload::Unsigned | Payload::Sha256(_) | Payload::StreamingUnsignedTrailer),
        )) => Ok(payload),
        Some(_) => {
            let region = &service.options.region;
            Err(Error::unauthorized(Refusal::InvalidPayloadHash, None, region, service.clock.now().as_secs()))
        }
    }
}

/// Checks the signature, if there is one.
pub(super) fn verify<'a>(
    service: &'a Service,
    head: &'a mut request::Parts,
    query: Query,
    wire: Wire<Incoming>,
    peer: IpAddr,
) -> Result<(Call<'a>, Upload)> {
    let now = service.clock.now();
    let now_secs = now.as_secs();
    let region = &service.options.region;
    if service.options.signature_v2 && version2::claimed(Parts::of(head)) {
        return verify_v2(service, head, query, wire, peer);
    }
    let parts = Parts::of(head);
    let claim =
        sigv4::parse(parts).map_err(|refusal| Error::unauthorized(refusal, None, region, now_secs))?;
    let Some(claim) = claim else {
        let verification = Verification { payload: unsigned_payload(service, head)?, chunks: None };
        let call =
            Call { service, head, query, identity: None, signature: None, peer, allowed_by: OnceLock::new() };
        return Ok((call, Upload { wire, verification }));
    };
    let identity = find(service, (&claim.access_key, claim.session_token.as_deref()), now)?;
    let now = AmzTime::from_unix_secs(now_secs);
    let accepted = service.options.accepted_region(&claim.region);
    let verification = sigv4::verify(parts, &claim, &identity.secret, accepted, now)
        .map_err(|refusal| Error::unauthorized(refusal, Some(&claim), region, now_secs))?;
    let is_presigned = matches!(claim.placement, Placement::Query { .. });
    if is_presigned {
        unhoist(&query, &mut head.headers);
    }
    let place = if is_presigned { "REST-QUERY-STRING" } else { "REST-HEADER" };
    let made_at = Some(claim.time.unix_secs());
    let signature = Some(Signature { place, version: VERSION_4, made_at });
    let call =
        Call { service, head, query, identity: Some(identity), signature, peer, allowed_by: OnceLock::new() };
    Ok((call, Upload { wire, verification }))
}

/// The call of somebody whom another part of this process has recognized, with its body.
pub(super) fn vouch<'a>(
    (service, identity): (&'a Service, Arc<Identity>),
    head: &'a request::Parts,
    query: Query,
    wire: Wire<Incoming>,
    peer: IpAddr,
) -> Result<(Call<'a>, Upload)> {
    let verification = Verification { payload: unsigned_payload(service, head)?, chunks: None };
    Ok((Call::vouched((service, identity), head, query, peer), Upload { wire, verification }))
}

/// Clients that presign move `x-amz-` headers into the query; there they mean the same.
fn unhoist(query: &Query, headers: &mut HeaderMap) {
    const OF_THE_SIGNATURE: [&str; 8] = [
        "x-amz-algorithm",
        "x-amz-content-sha256",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
    ];
    for (name, value) in query.iter() {
        let name = name.to_ascii_lowercase();
        if !name.starts_with("x-amz-") || OF_THE_SIGNATURE.contains(&name.as_str()) {
            continue;
        }
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            headers.entry(name).or_insert(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hoisted_headers_come_back_and_sent_ones_win() {
        let query = Query::parse("X-Amz-Date=now&x-amz-meta-a=1&X-Amz-Acl=private&prefix=x").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-acl", HeaderValue::from_static("public-read"));
        unhoist(&query, &mut headers);
        assert_eq!(headers["x-amz-meta-a"], "1");
        assert_eq!(headers["x-amz-acl"], "public-read");
        assert_eq!(headers.len(), 2);
    }
}
