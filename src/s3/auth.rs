//! Who calls, checked once. Only this module makes a [`Call`], so no operation runs unverified.

use hyper::HeaderMap;
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::http::request;

use crate::iam::Identity;
use crate::object::Engine;
use crate::sigv4::{self, AmzTime, Parts, Placement, Verification};
use crate::types::Timestamp;

use super::body::{BodyOptions, RequestBody, Stored};
use super::checksums;
use super::error::{Code, Error, Result};
use super::query::Query;
use super::service::Service;
use super::wire::Wire;

/// A verified request, without its body.
#[derive(Debug)]
pub(super) struct Call<'a> {
    service: &'a Service,
    head: &'a request::Parts,
    /// The decoded query.
    pub(super) query: Query,
    /// Who calls.
    pub(super) identity: &'a Identity,
}

/// The body of a verified request, not yet touched.
#[derive(Debug)]
pub(super) struct Upload {
    wire: Wire<Incoming>,
    verification: Verification,
}

impl<'a> Call<'a> {
    /// The engine.
    pub(super) fn engine(&self) -> &'a Engine {
        &self.service.engine
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

    /// The host that the client named.
    pub(super) fn host(&self) -> &'a str {
        self.head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
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

    /// Opens the body for reading; from here on the client may send it.
    pub(super) fn open(&self, upload: Upload, stored: Stored) -> Result<RequestBody<Incoming>> {
        let options = BodyOptions { stored, idle_timeout: self.service.options.idle_timeout };
        RequestBody::open(upload.wire, self.headers(), upload.verification, options)
    }
}

/// Checks the signature. Root, the one account there is, may do everything.
pub(super) fn verify<'a>(
    service: &'a Service,
    head: &'a mut request::Parts,
    query: Query,
    wire: Wire<Incoming>,
) -> Result<(Call<'a>, Upload)> {
    let now_secs = service.clock.now().as_secs();
    let region = &service.options.region;
    let parts = Parts {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
    };
    let claim =
        sigv4::parse(parts).map_err(|refusal| Error::unauthorized(refusal, None, region, now_secs))?;
    let claim = claim.ok_or_else(|| Error::new(Code::AccessDenied))?;
    let Some((secret, identity)) = service.iam.find(&claim.access_key) else {
        return Err(Error::new(Code::InvalidAccessKeyId).detail("AWSAccessKeyId", claim.access_key));
    };
    if claim.session_token.is_some() {
        return Err(Code::InvalidToken.into());
    }
    let now = AmzTime::from_unix_secs(now_secs);
    let verification = sigv4::verify(
        parts,
        &claim,
        secret.expose(),
        service.options.accepted_region(&claim.region),
        now,
        &service.keys,
    )
    .map_err(|refusal| Error::unauthorized(refusal, Some(&claim), region, now_secs))?;
    if matches!(claim.placement, Placement::Query { .. }) {
        unhoist(&query, &mut head.headers);
    }
    Ok((Call { service, head, query, identity }, Upload { wire, verification }))
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
