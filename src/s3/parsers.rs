//! The readers of this protocol as functions of bytes (see [`crate::parsers`]).

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Uri};

use crate::checksum::Sha256;
use crate::iam::{Credentials, Iam};
use crate::sigv4::{
    self, AmzTime, ChunkSignatures, Parts, PolicyClaim, Presign, Signer, SigningSecret, version2,
};
use crate::types::{Parser, Secret, Tags, Timestamp};

use super::chunked::{Decoder, Form};
use super::documents;
use super::error::{Error, Result};
use super::form::{self, Fields};
use super::post_policy::Policy;
use super::query::Query;
use super::route::{BucketAspect, Target, route};
use super::wire::Wire;
use super::{acl, checksums, encryption, headers, lock, ops, range, tags, time};

/// The key, the region and the moment of the examples in AWS's documentation.
const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const REGION: &str = "us-east-1";
const NOW_SECS: u64 = 1_369_353_600;
/// The bucket of policies.
const BUCKET: &str = "examplebucket";

/// All readers.
pub(crate) const ALL: &[Parser] = &[
    Parser { name: "signature", run: |bytes| status(signature(bytes)), seeds: signed_requests },
    Parser::of_text("signature-v2", |bytes| status(signature_v2(bytes))),
    Parser::of_text("route", |bytes| status(routed(bytes))),
    Parser::of_text("headers", |bytes| status(header_values(bytes))),
    Parser::of_text("range", |bytes| status(ranges(bytes))),
    Parser::of_text("copy-source", |bytes| {
        status(text(bytes, |text| ops::copy_source::parse(text).map(drop)))
    }),
    Parser::of_text("date", |bytes| status(text(bytes, dates))),
    Parser::of_text("tagging-header", |bytes| status(tagging_header(bytes))),
    Parser::of_text("search", |bytes| status(text(bytes, |text| searched(&Query::parse(text)?)))),
    Parser { name: "chunked", run: |bytes| status(chunked(bytes)), seeds: chunked_bodies },
    Parser::of_text("form", |bytes| status(browser_form(bytes))),
    Parser::of_text("post-policy", |bytes| status(post_policy(bytes))),
    Parser::of_text("bucket-policy", |bytes| status(documents::read_policy(bytes, BUCKET).map(drop))),
    Parser::of_text("document-acl", |bytes| status(acl_document(bytes))),
    Parser::of_text("document-object-tagging", |bytes| {
        status(tags::parse(bytes, Tags::OBJECT_MAX).map(drop))
    }),
    Parser::of_text("document-object-lock", |bytes| {
        status(ops::object_lock::parse_configuration(bytes).map(drop))
    }),
    Parser::of_text("document-retention", |bytes| {
        status(ops::object_lock::parse_retention(bytes, now()).map(drop))
    }),
    Parser::of_text("document-legal-hold", |bytes| {
        status(ops::object_lock::parse_legal_hold(bytes).map(drop))
    }),
    Parser::of_text("document-versioning", |bytes| status(ops::bucket_versioning::parse(bytes).map(drop))),
    Parser::of_text("document-delete", |bytes| status(ops::delete_objects::parse(bytes))),
    Parser::of_text("document-complete-multipart-upload", |bytes| {
        status(ops::complete_multipart_upload::parse(bytes))
    }),
    Parser::of_text("document-create-bucket", |bytes| status(ops::create_bucket::parse(bytes).map(drop))),
    Parser::of_text("document-accelerate", |bytes| status(document(BucketAspect::Accelerate, bytes))),
    Parser::of_text("document-analytics", |bytes| status(document(BucketAspect::Analytics, bytes))),
    Parser::of_text("document-cors", |bytes| status(document(BucketAspect::Cors, bytes))),
    Parser::of_text("document-encryption", |bytes| status(document(BucketAspect::Encryption, bytes))),
    Parser::of_text("document-intelligent-tiering", |bytes| {
        status(document(BucketAspect::IntelligentTiering, bytes))
    }),
    Parser::of_text("document-inventory", |bytes| status(document(BucketAspect::Inventory, bytes))),
    Parser::of_text("document-lifecycle", |bytes| status(document(BucketAspect::Lifecycle, bytes))),
    Parser::of_text("document-logging", |bytes| status(document(BucketAspect::Logging, bytes))),
    Parser::of_text("document-metrics", |bytes| status(document(BucketAspect::Metrics, bytes))),
    Parser::of_text("document-notification", |bytes| status(document(BucketAspect::Notification, bytes))),
    Parser::of_text("document-ownership-controls", |bytes| {
        status(document(BucketAspect::OwnershipControls, bytes))
    }),
    Parser::of_text("document-public-access-block", |bytes| {
        status(document(BucketAspect::PublicAccessBlock, bytes))
    }),
    Parser::of_text("document-replication", |bytes| status(document(BucketAspect::Replication, bytes))),
    Parser::of_text("document-request-payment", |bytes| {
        status(document(BucketAspect::RequestPayment, bytes))
    }),
    Parser::of_text("document-tagging", |bytes| status(document(BucketAspect::Tagging, bytes))),
    Parser::of_text("document-website", |bytes| status(document(BucketAspect::Website, bytes))),
];

/// The timers that readers of bodies ask for; none of them is waited for.
static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime starts")
});
static IAM: LazyLock<Iam> =
    LazyLock::new(|| Iam::new(Credentials { access_key: ACCESS_KEY.into(), secret: Secret::new(SECRET) }));

fn status(outcome: Result<()>) -> Option<u16> {
    outcome.err().map(|error| {
        // The answer to it must be writable too.
        let _ = error.to_xml("/", "id", "host");
        error.status().as_u16()
    })
}

fn now() -> Timestamp {
    Timestamp::from_millis(NOW_SECS * 1000)
}

/// What comes as bytes that are no text never gets as far as a reader of texts.
fn text(bytes: &[u8], read: impl FnOnce(&str) -> Result<()>) -> Result<()> {
    std::str::from_utf8(bytes).map_or(Ok(()), read)
}

/// `METHOD target`, then a header a line, as far as hyper would take them.
struct Head {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut lines = bytes.split(|&byte| byte == b'\n');
        let first = std::str::from_utf8(lines.next()?).ok()?;
        let (method, target) = first.split_once(' ')?;
        let headers = lines.filter_map(|line| {
            let at = line.iter().position(|&byte| byte == b':')?;
            let name = HeaderName::from_bytes(&line[..at]).ok()?;
            Some((name, HeaderValue::from_bytes(line[at + 1..].trim_ascii()).ok()?))
        });
        let (method, uri) = (method.parse().ok()?, target.parse().ok()?);
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(name, value);
        }
        Some(Self { method, uri, headers: all })
    }

    fn parts(&self) -> Parts<'_> {
        Parts {
            method: self.method.as_str(),
            path: self.uri.path(),
            query: self.uri.query().unwrap_or_default(),
            headers: &self.headers,
        }
    }
}

fn signature(bytes: &[u8]) -> Result<()> {
    let Some(head) = Head::read(bytes) else { return Ok(()) };
    let refused = |refusal, claim| Error::unauthorized(refusal, claim, REGION, NOW_SECS);
    let Some(claim) = sigv4::parse(head.parts()).map_err(|refusal| refused(refusal, None))? else {
        return Ok(());
    };
    let now = AmzTime::from_unix_secs(NOW_SECS);
    let secret = SigningSecret::new(Secret::new(SECRET));
    let verified = sigv4::verify(head.parts(), &claim, &secret, REGION, now);
    verified.map(drop).map_err(|refusal| refused(refusal, Some(&claim)))
}

/// Signed in their headers and in their query.
fn signed_requests() -> Vec<Vec<u8>> {
    let signer = Signer::new(ACCESS_KEY, SECRET, REGION);
    let time = AmzTime::from_unix_secs(NOW_SECS);
    let host = "examplebucket.s3.amazonaws.com";
    let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    signer.sign(
        "GET",
        "/test%20%C3%BC.txt",
        "a=b&list-type=2",
        &mut headers,
        &HeaderValue::from_static(empty),
        time,
    );
    let mut in_headers = b"GET /test%20%C3%BC.txt?a=b&list-type=2\n".to_vec();
    for (name, value) in &headers {
        in_headers.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
    }
    let presign = Presign { method: "GET", path: "/k", query: "", host, expires_secs: 600, time };
    let in_query = format!("GET /k?{}\nhost: {host}\n", signer.presign(presign));
    vec![in_headers, in_query.into_bytes()]
}

fn signature_v2(bytes: &[u8]) -> Result<()> {
    let Some(head) = Head::read(bytes) else { return Ok(()) };
    if !version2::claimed(head.parts()) {
        return Ok(());
    }
    let claim = version2::parse(head.parts());
    let claim = claim.map_err(|refusal| Error::unauthorized_v2(refusal, None, NOW_SECS))?;
    let now = AmzTime::from_unix_secs(NOW_SECS);
    let verified = version2::verify(head.parts(), Some(BUCKET), &claim, SECRET, now);
    verified.map_err(|refusal| Error::unauthorized_v2(refusal, Some(&claim), NOW_SECS))
}

fn routed(bytes: &[u8]) -> Result<()> {
    let Some(Head { method, uri, headers }) = Head::read(bytes) else { return Ok(()) };
    let query = Query::parse(uri.query().unwrap_or_default())?;
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let target = Target { method: &method, host, path: uri.path(), query: &query, copies: false };
    route(target, &["s3.example.com".to_owned()])?;
    query.page_size("max-keys", 1000)?;
    headers::override_from_query(&query, &mut HeaderMap::new())
}

fn header_values(bytes: &[u8]) -> Result<()> {
    let Some(Head { headers, .. }) = Head::read(bytes) else { return Ok(()) };
    headers::write_condition(&headers)?;
    headers::delete_condition(&headers)?;
    headers::content_md5(&headers)?;
    headers::storage_class(&headers)?;
    lock::requested(&headers, now())?;
    encryption::managed(&headers)?;
    acl::of_headers(&IAM, &headers, owners())?;
    tags::of_headers(&headers)?;
    checksums::announced(&headers).map(drop)
}

fn owners() -> acl::Owners {
    let owner = IAM.first().canonical_id;
    acl::Owners { owner, bucket_owner: owner }
}

fn ranges(bytes: &[u8]) -> Result<()> {
    text(bytes, |text| {
        for size in [0, 1, 1000, u64::MAX] {
            if let range::Selection::Part(part) = range::select(Some(text), size) {
                assert!(part.start < part.end && part.end <= size, "{part:?} of {size}");
            }
        }
        assert!(range::parse_copy(text).is_none_or(|part| part.start < part.end));
        Ok(())
    })
}

fn dates(text: &str) -> Result<()> {
    if let Some(date) = time::parse_iso(text) {
        assert_eq!(time::parse_iso(&date.iso_millis()), Some(date), "it can be written");
    }
    if let Some(secs) = time::parse_date(text) {
        let written = time::http_date(Timestamp::from_millis(secs * 1000));
        assert_eq!(time::parse_date(&written), Some(secs), "{written}");
    }
    Ok(())
}

fn tagging_header(bytes: &[u8]) -> Result<()> {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return Ok(()) };
    let headers = HeaderMap::from_iter([(HeaderName::from_static("x-amz-tagging"), value)]);
    tags::of_headers(&headers).map(drop)
}

fn searched(parameters: &Query) -> Result<()> {
    let token = parameters.get("continuation-token").map(ops::search::read_token).transpose()?;
    ops::search::query(parameters, token.map_or(0, |(_, after)| after)).map(drop)
}

/// The first byte says how the body is signed, the second in pieces of which length it comes.
fn chunked(bytes: &[u8]) -> Result<()> {
    let [kind, piece, framed @ ..] = bytes else { return Ok(()) };
    let mut decoder = Decoder::new(match kind % 3 {
        0 => Form::UnsignedTrailer,
        1 => Form::Signed(chain("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")),
        _ => Form::SignedTrailer(chain("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")),
    });
    let mut decoded = 0;
    for piece in framed.chunks(usize::from(*piece).max(1)) {
        let mut wire = Bytes::copy_from_slice(piece);
        while let Some(data) = decoder.decode(&mut wire)? {
            decoded += data.len();
        }
    }
    decoder.end()?;
    assert!(decoded < framed.len().max(1), "framing takes room");
    Ok(())
}

/// The headers' signature, with which the chunks' begin.
fn chain(payload: &'static str) -> ChunkSignatures {
    let mut headers =
        HeaderMap::from_iter([(HOST, HeaderValue::from_static("examplebucket.s3.amazonaws.com"))]);
    let (payload, time) = (HeaderValue::from_static(payload), AmzTime::from_unix_secs(NOW_SECS));
    Signer::new(ACCESS_KEY, SECRET, REGION).sign("PUT", "/k", "", &mut headers, &payload, time)
}

fn chunked_bodies() -> Vec<Vec<u8>> {
    let unsigned = b"\0\x10b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n".to_vec();
    let mut chain = chain("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    let mut signed = vec![1, 16];
    for data in ["hello ", "world", ""] {
        let signature = chain.sign_chunk(&Sha256::digest(data.as_bytes()));
        signed.extend(format!("{:x};chunk-signature=", data.len()).into_bytes());
        signed.extend([&sigv4::hex(&signature)[..], b"\r\n", data.as_bytes(), b"\r\n"].concat());
    }
    vec![unsigned, signed]
}

/// The first line is the content type.
fn browser_form(bytes: &[u8]) -> Result<()> {
    let at = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    let (kind, body) = (String::from_utf8_lossy(&bytes[..at]), bytes.get(at + 1..).unwrap_or_default());
    let pieces: Vec<Bytes> = body.chunks(97).map(Bytes::copy_from_slice).collect();
    let frames = pieces.into_iter().map(|piece| Ok::<_, std::convert::Infallible>(Frame::data(piece)));
    let wire = Wire::new(StreamBody::new(futures_util::stream::iter(frames)), &HeaderMap::new());
    let read = async {
        // A timer that is dropped goes when the runtime next looks at its timers, as it does here.
        tokio::task::yield_now().await;
        let (fields, file) = form::read(wire, &kind, Duration::from_secs(60)).await?;
        let _ = PolicyClaim::parse(
            fields.get("x-amz-algorithm").unwrap_or_default(),
            fields.get("x-amz-credential").unwrap_or_default(),
            fields.get("x-amz-date").unwrap_or_default(),
            fields.get("x-amz-signature").unwrap_or_default(),
        );
        let file = file.collect().await?.to_bytes();
        assert!(file.len() < bytes.len(), "a file is shorter than its form");
        Ok(())
    };
    RUNTIME.block_on(read)
}

/// The document before it is encoded.
fn post_policy(bytes: &[u8]) -> Result<()> {
    let policy = Policy::parse(&STANDARD.encode(bytes))?;
    let mut fields = Fields::default();
    for (name, value) in [("bucket", BUCKET), ("key", "user/eric/a.jpg"), ("acl", "private")] {
        fields.add(name, value.to_owned());
    }
    policy.check(&fields, NOW_SECS)
}

fn acl_document(bytes: &[u8]) -> Result<()> {
    acl::parse(&IAM, bytes, IAM.first().canonical_id).map(drop)
}

/// What is taken must be writable, and be the same when it is read back.
fn document(aspect: BucketAspect, bytes: &[u8]) -> Result<()> {
    let document = documents::of(aspect).expect("it is kept as a document");
    let value = document.read(bytes)?;
    let written = document.write(&value);
    let again = document.read(&written);
    assert_eq!(again.ok(), Some(value), "{}", String::from_utf8_lossy(&written));
    Ok(())
}
