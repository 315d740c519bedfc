//! The client's side: signs requests in headers or in the query.

use std::fmt;

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};

use super::Parts;
use super::canonical;
use super::chunk::ChunkSignatures;
use super::claim::ALGORITHM;
use super::encoding::{Slash, encode_into, hex};
use super::key::SigningKey;
use super::time::AmzTime;

/// Signs with one access key for one region.
#[derive(Clone)]
pub struct Signer {
    access_key: String,
    secret: String,
    region: String,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// What to presign.
#[derive(Debug, Clone, Copy)]
pub struct Presign<'a> {
    /// `GET`, `PUT`, ...
    pub method: &'a str,
    /// The percent-encoded path.
    pub path: &'a str,
    /// Further query parameters, percent-encoded; empty where there are none.
    pub query: &'a str,
    /// The value of the `Host` header.
    pub host: &'a str,
    /// Seconds for which the URL shall be good.
    pub expires_secs: u64,
    /// From when on.
    pub time: AmzTime,
}

impl Signer {
    /// A signer of these credentials.
    pub fn new(access_key: impl Into<String>, secret: impl Into<String>, region: impl Into<String>) -> Self {
        Self { access_key: access_key.into(), secret: secret.into(), region: region.into() }
    }

    /// Signs a request in its `Authorization` header, all of `headers` with it; `host` must be there.
    /// `payload` is the value of `x-amz-content-sha256`. Answers the chain for signed chunks.
    pub fn sign(
        &self,
        method: &str,
        path: &str,
        query: &str,
        headers: &mut HeaderMap,
        payload: &HeaderValue,
        time: AmzTime,
    ) -> ChunkSignatures {
        let date = time.to_string();
        headers.insert(HeaderName::from_static("x-amz-content-sha256"), payload.clone());
        if !headers.contains_key(hyper::header::DATE) {
            let date = HeaderValue::from_str(&date).expect("a date is ascii");
            headers.insert(HeaderName::from_static("x-amz-date"), date);
        }
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let signed_headers = names.join(";");
        let parts = Parts { method, path, query, headers };
        let payload = payload.to_str().unwrap_or_default();
        let (scope, key) = (self.scope(time), self.key(time));
        let request = canonical::request(parts, &signed_headers, payload);
        let signature = key.sign(&canonical::string_to_sign(&date, &scope, &request));
        let value = format!(
            "{ALGORITHM} Credential={}/{scope},SignedHeaders={signed_headers},Signature={}",
            self.access_key,
            hex_text(&signature)
        );
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(AUTHORIZATION, value);
        }
        ChunkSignatures::new(key, date, scope, signature)
    }

    /// The query of a presigned URL, with the further parameters in it.
    pub fn presign(&self, request: Presign<'_>) -> String {
        let scope = self.scope(request.time);
        let mut credential = Vec::new();
        encode_into(&mut credential, format!("{}/{scope}", self.access_key).as_bytes(), Slash::Encode);
        let mut query = format!(
            "X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={}&X-Amz-Date={}&X-Amz-Expires={}\
             &X-Amz-SignedHeaders=host",
            String::from_utf8_lossy(&credential),
            request.time,
            request.expires_secs,
        );
        if !request.query.is_empty() {
            query = format!("{}&{query}", request.query);
        }
        let mut headers = HeaderMap::new();
        if let Ok(host) = HeaderValue::from_str(request.host) {
            headers.insert(hyper::header::HOST, host);
        }
        let parts = Parts { method: request.method, path: request.path, query: &query, headers: &headers };
        let canonical_request = canonical::request(parts, "host", "UNSIGNED-PAYLOAD");
        let string_to_sign = canonical::string_to_sign(&request.time.to_string(), &scope, &canonical_request);
        let signature = self.key(request.time).sign(&string_to_sign);
        query + "&X-Amz-Signature=" + &hex_text(&signature)
    }

    fn scope(&self, time: AmzTime) -> String {
        format!("{}/{}/s3/aws4_request", time.day(), self.region)
    }

    fn key(&self, time: AmzTime) -> SigningKey {
        SigningKey::derive(&self.secret, &time.day(), &self.region, "s3")
    }
}

fn hex_text(bytes: &[u8; 32]) -> String {
    hex(bytes).iter().map(|digit| char::from(*digit)).collect()
}
