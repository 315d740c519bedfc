//! Signature version 2: withdrawn by AWS, still spoken by old clients, and off unless the operator wants it.
//!
//! ```text
//! METHOD \n Content-MD5 \n Content-Type \n date \n x-amz-...:value \n ... /bucket/path[?sub-resources]
//! ```
//!
//! The signature is the base64 of an HMAC-SHA1 of that text. The body is not signed, and of the query only
//! what chooses another operation or another answer.

use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, DATE};

use super::Parts;
use super::claim::{header, query_parameter};
use super::encoding::decode_form;
use super::time::AmzTime;
use super::verify::SKEW_SECS_MAX;

/// Parameters of the query that are signed: sub-resources, and those that change the headers of the answer.
const SIGNED_PARAMETERS: [&str; 43] = [
    "accelerate",
    "acl",
    "analytics",
    "attributes",
    "cors",
    "defaultObjectAcl",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "retention",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// Until when or from when a signature is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// Signed in a header at this time.
    SignedAt(AmzTime),
    /// A presigned URL that ends at this time.
    Until(AmzTime),
}

/// A request's claim to be signed with version 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Whose signature it is said to be.
    pub access_key: String,
    /// The signature as written, in base64.
    pub signature: String,
    /// When it is good.
    pub validity: Validity,
    /// The line of the date in what is signed.
    date: String,
}

/// Why a claim is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The header is not `AWS KEY:SIGNATURE`.
    #[error("malformed authorization header")]
    Malformed,
    /// A parameter of a presigned URL is missing or no number.
    #[error("malformed presigned url")]
    MalformedQuery,
    /// Neither `x-amz-date` nor `Date` can be read.
    #[error("no date")]
    MissingDate,
    /// The clocks are too far apart.
    #[error("request time too skewed")]
    Skewed(AmzTime),
    /// The presigned URL is past its end.
    #[error("presigned request expired")]
    Expired(AmzTime),
    /// The signature is another one than the secret makes; with it what was to be signed.
    #[error("signature mismatch")]
    Mismatch(Vec<u8>),
}

/// True for a request that says it is signed with version 2.
pub fn claimed(parts: Parts<'_>) -> bool {
    let in_header =
        header(parts.headers, AUTHORIZATION.as_str()).is_some_and(|text| text.starts_with("AWS "));
    in_header || query_parameter(parts.query, "AWSAccessKeyId").is_some()
}

/// Reads the claim of a request that makes one.
pub fn parse(parts: Parts<'_>) -> Result<Claim, Refusal> {
    if let Some(text) = header(parts.headers, AUTHORIZATION.as_str()) {
        let pair = text.strip_prefix("AWS ").and_then(|pair| pair.trim().rsplit_once(':'));
        let (access_key, signature) = pair.ok_or(Refusal::Malformed)?;
        let (date, signed_at) = signing_date(parts.headers)?;
        let validity = Validity::SignedAt(signed_at);
        return Ok(Claim { access_key: access_key.into(), signature: signature.into(), validity, date });
    }
    let parameter = |name| query_parameter(parts.query, name).ok_or(Refusal::MalformedQuery);
    let (access_key, signature) = (parameter("AWSAccessKeyId")?, parameter("Signature")?);
    let expires = parameter("Expires")?;
    let ends_at = expires.parse().map_err(|_| Refusal::MalformedQuery)?;
    let validity = Validity::Until(AmzTime::from_unix_secs(ends_at));
    Ok(Claim { access_key, signature, validity, date: expires })
}

/// The line of the date and what it says: `x-amz-date` is signed among the headers and leaves the line empty.
fn signing_date(headers: &HeaderMap) -> Result<(String, AmzTime), Refusal> {
    let read = |text: &str| AmzTime::parse_http(text).or_else(|| AmzTime::parse(text));
    if let Some(text) = header(headers, "x-amz-date") {
        return Ok((String::new(), read(text.trim()).ok_or(Refusal::MissingDate)?));
    }
    let text = header(headers, DATE.as_str()).ok_or(Refusal::MissingDate)?.trim();
    Ok((text.to_owned(), read(text).ok_or(Refusal::MissingDate)?))
}

/// Checks a claim. `bucket` is the one that the host names, if it names one.
pub fn verify(
    parts: Parts<'_>,
    bucket: Option<&str>,
    claim: &Claim,
    secret: &str,
    now: AmzTime,
) -> Result<(), Refusal> {
    match claim.validity {
        Validity::SignedAt(time) if time.distance_secs(now) > SKEW_SECS_MAX => {
            return Err(Refusal::Skewed(time));
        }
        Validity::Until(end) if now > end => return Err(Refusal::Expired(end)),
        Validity::SignedAt(_) | Validity::Until(_) => {}
    }
    let text = string_to_sign(parts, bucket, &claim.date);
    if signs(secret, &text, &claim.signature) {
        return Ok(());
    }
    // A bucket alone is signed with and without a slash behind it: `PUT /bucket` by botocore as `/bucket/`.
    if bucket.is_none() && parts.path.len() > 1 && parts.path.rfind('/') == Some(0) {
        let path = format!("{}/", parts.path);
        let with_slash = string_to_sign(Parts { path: &path, ..parts }, bucket, &claim.date);
        if signs(secret, &with_slash, &claim.signature) {
            return Ok(());
        }
    }
    Err(Refusal::Mismatch(text))
}

/// True where `signature` is what the secret makes of `text`; takes as long whichever byte is wrong.
pub fn signs(secret: &str, text: &[u8], signature: &str) -> bool {
    let key = hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    STANDARD.decode(signature).is_ok_and(|signature| hmac::verify(&key, text, &signature).is_ok())
}

fn string_to_sign(parts: Parts<'_>, bucket: Option<&str>, date: &str) -> Vec<u8> {
    let of_request = |name: &str| {
        let sent = header(parts.headers, name).map(|value| value.trim().to_owned());
        sent.or_else(|| query_parameter(parts.query, name)).unwrap_or_default()
    };
    let mut text = Vec::with_capacity(256);
    for line in [parts.method, &of_request("content-md5"), &of_request(CONTENT_TYPE.as_str()), date] {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    amz_headers(&mut text, parts.headers);
    resource(&mut text, parts, bucket);
    text
}

/// `name:value` of each `x-amz-` header, sorted, values of one name joined by commas.
fn amz_headers(text: &mut Vec<u8>, headers: &HeaderMap) {
    let mut names: Vec<&str> = headers.keys().map(|name| name.as_str()).collect();
    names.retain(|name| name.starts_with("x-amz-"));
    names.sort_unstable();
    for name in names {
        text.extend_from_slice(name.as_bytes());
        for (index, value) in headers.get_all(name).iter().enumerate() {
            text.push(if index == 0 { b':' } else { b',' });
            text.extend_from_slice(value.as_bytes().trim_ascii());
        }
        text.push(b'\n');
    }
}

/// The path as it was sent, with the bucket in front, and the signed parameters, decoded and sorted.
fn resource(text: &mut Vec<u8>, parts: Parts<'_>, bucket: Option<&str>) {
    if let Some(bucket) = bucket {
        text.push(b'/');
        text.extend_from_slice(bucket.as_bytes());
    }
    text.extend_from_slice(if parts.path.is_empty() { b"/" } else { parts.path.as_bytes() });
    let pairs = parts.query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, value)) => (name, decode_form(value).unwrap_or_default()),
        None => (pair, String::new()),
    });
    let mut signed: Vec<(&str, String)> =
        pairs.filter(|(name, _)| SIGNED_PARAMETERS.contains(name)).collect();
    signed.sort_by_key(|(name, _)| *name);
    for (index, (name, value)) in signed.iter().enumerate() {
        text.push(if index == 0 { b'?' } else { b'&' });
        text.extend_from_slice(name.as_bytes());
        if !value.is_empty() {
            text.push(b'=');
            text.extend_from_slice(value.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderName;

    use super::*;

    // The pair and the requests of "Signing and authenticating REST requests" in the S3 developer guide.
    const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pairs =
            pairs.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        headers
    }

    /// Whether the example's signature holds at the time of the example.
    fn holds(
        method: &str,
        host: Option<&str>,
        path: &str,
        query: &str,
        signature: &str,
        sent: &[(&str, &str)],
    ) -> bool {
        let mut headers = headers(sent);
        let value = format!("AWS {ACCESS_KEY}:{signature}");
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        let parts = Parts { method, path, query, headers: &headers };
        let claim = parse(parts).unwrap();
        assert_eq!(claim.access_key, ACCESS_KEY);
        let Validity::SignedAt(time) = claim.validity else { panic!("{claim:?}") };
        verify(parts, host, &claim, SECRET, time).is_ok()
    }

    #[test]
    fn examples_of_the_developer_guide_hold() {
        let get = [("date", "Tue, 27 Mar 2007 19:36:42 +0000")];
        assert!(holds(
            "GET",
            Some("awsexamplebucket1"),
            "/photos/puppy.jpg",
            "",
            "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=",
            &get
        ));
        let put = [
            ("content-type", "image/jpeg"),
            ("content-length", "94328"),
            ("date", "Tue, 27 Mar 2007 21:15:45 +0000"),
        ];
        assert!(holds(
            "PUT",
            Some("awsexamplebucket1"),
            "/photos/puppy.jpg",
            "",
            "iqRzw+ileNPu1fhspnRs8nOjjIA=",
            &put
        ));
        let list = [("date", "Tue, 27 Mar 2007 19:42:41 +0000"), ("user-agent", "Mozilla/5.0")];
        let query = "prefix=photos&max-keys=50&marker=puppy";
        assert!(holds("GET", Some("awsexamplebucket1"), "/", query, "m0WP8eCtspQl5Ahe6L1SozdX9YA=", &list));
        let acl = [("date", "Tue, 27 Mar 2007 19:44:46 +0000")];
        assert!(holds("GET", Some("awsexamplebucket1"), "/", "acl", "82ZHiFIjc+WbcwFKGUVEQspPn+0=", &acl));
    }

    #[test]
    fn a_bucket_alone_is_signed_with_and_without_a_slash_behind_it() {
        let list = [("date", "Tue, 27 Mar 2007 19:42:41 +0000")];
        let with_slash = "m0WP8eCtspQl5Ahe6L1SozdX9YA=";
        assert!(holds("GET", None, "/awsexamplebucket1/", "", with_slash, &list));
        assert!(holds("GET", None, "/awsexamplebucket1", "", with_slash, &list));
        assert!(!holds("GET", None, "/awsexamplebucket2", "", with_slash, &list));
    }

    #[test]
    fn amz_headers_are_sorted_and_joined_and_take_the_place_of_the_date() {
        let headers = headers(&[
            ("x-amz-meta-b", "2"),
            ("X-Amz-Date", "Tue, 27 Mar 2007 21:20:26 +0000"),
            ("x-amz-meta-a", " one"),
            ("x-amz-meta-a", "two "),
            ("date", "Tue, 27 Mar 2007 21:20:27 +0000"),
        ]);
        assert_eq!(signing_date(&headers).unwrap().0, "");
        let parts = Parts {
            method: "PUT",
            path: "/b/k%20+",
            query: "uploadId=a%2Fb&x=1&acl&partNumber=1",
            headers: &headers,
        };
        let text = String::from_utf8(string_to_sign(parts, None, "")).unwrap();
        let expected = "PUT\n\n\n\nx-amz-date:Tue, 27 Mar 2007 21:20:26 +0000\nx-amz-meta-a:one,two\nx-amz-meta-b:2\n\
                        /b/k%20+?acl&partNumber=1&uploadId=a/b";
        assert_eq!(text, expected);
    }

    #[test]
    fn presigned_urls_end_in_time_and_are_for_one_request() {
        // "Query string request authentication" of the same guide.
        let query = "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";
        let headers = HeaderMap::new();
        let parts = Parts { method: "GET", path: "/photos/puppy.jpg", query, headers: &headers };
        assert!(claimed(parts));
        let claim = parse(parts).unwrap();
        let judge =
            |parts, secs| verify(parts, Some("johnsmith"), &claim, SECRET, AmzTime::from_unix_secs(secs));
        assert_eq!(judge(parts, 1_175_139_620), Ok(()));
        assert!(matches!(judge(parts, 1_175_139_621), Err(Refusal::Expired(_))));
        assert!(matches!(judge(Parts { method: "PUT", ..parts }, 1_175_139_620), Err(Refusal::Mismatch(_))));
        let more = format!("{query}&versionId=1");
        assert!(matches!(judge(Parts { query: &more, ..parts }, 1_175_139_620), Err(Refusal::Mismatch(_))));
    }

    #[test]
    fn what_is_no_claim_of_version_2_is_refused() {
        for text in ["AWS nothing", "AWS "] {
            let headers = headers(&[("authorization", text), ("date", "Tue, 27 Mar 2007 19:36:42 +0000")]);
            let parts = Parts { method: "GET", path: "/", query: "", headers: &headers };
            assert_eq!(parse(parts), Err(Refusal::Malformed), "{text}");
        }
        let headers = headers(&[("authorization", "AWS a:b"), ("date", "yesterday")]);
        let parts = Parts { method: "GET", path: "/", query: "", headers: &headers };
        assert_eq!(parse(parts), Err(Refusal::MissingDate));
        let empty = HeaderMap::new();
        let query = "AWSAccessKeyId=a&Signature=b&Expires=soon";
        assert_eq!(parse(Parts { query, headers: &empty, ..parts }), Err(Refusal::MalformedQuery));
    }
}
