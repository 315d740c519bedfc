//! AWS's published examples ("Authenticating Requests (AWS Signature Version 4)"), and what must be refused.

use aws_lc_rs::digest::{SHA256, digest};
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use super::*;
use crate::types::Secret;

const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect()
}

fn may_24() -> AmzTime {
    AmzTime::parse("20130524T000000Z").unwrap()
}

fn check(parts: Parts<'_>, now: AmzTime) -> Result<Verification, Refusal> {
    let claim = parse(parts)?.expect("the request is signed");
    assert_eq!(claim.access_key, ACCESS_KEY);
    verify(parts, &claim, &SigningSecret::new(Secret::new(SECRET)), "us-east-1", now)
}

/// Verifies an example with its published signature, and signs it to the same.
fn example(method: &str, path: &str, query: &str, signature: &str, pairs: &[(&'static str, &str)]) {
    let mut sent = headers(pairs);
    let mut names: Vec<&str> = sent.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20130524/us-east-1/s3/aws4_request,\
         SignedHeaders={},Signature={signature}",
        names.join(";")
    );
    let unsigned = sent.clone();
    sent.insert("authorization", authorization.parse().unwrap());
    check(Parts { method, path, query, headers: &sent }, may_24()).unwrap();
    let mut signed = unsigned;
    let payload = signed["x-amz-content-sha256"].clone();
    Signer::new(ACCESS_KEY, SECRET, "us-east-1").sign(method, path, query, &mut signed, &payload, may_24());
    assert_eq!(signed["authorization"], authorization);
}

#[test]
fn example_get_object() {
    example(
        "GET",
        "/test.txt",
        "",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        &[
            ("host", "examplebucket.s3.amazonaws.com"),
            ("range", "bytes=0-9"),
            ("x-amz-content-sha256", EMPTY_SHA256),
            ("x-amz-date", "20130524T000000Z"),
        ],
    );
}

#[test]
fn example_put_object() {
    example(
        "PUT",
        "/test$file.text",
        "",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        &[
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("host", "examplebucket.s3.amazonaws.com"),
            ("x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ],
    );
}

#[test]
fn example_get_bucket_lifecycle() {
    example(
        "GET",
        "/",
        "lifecycle",
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        &[
            ("host", "examplebucket.s3.amazonaws.com"),
            ("x-amz-content-sha256", EMPTY_SHA256),
            ("x-amz-date", "20130524T000000Z"),
        ],
    );
}

#[test]
fn example_list_objects() {
    example(
        "GET",
        "/",
        "max-keys=2&prefix=J",
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        &[
            ("host", "examplebucket.s3.amazonaws.com"),
            ("x-amz-content-sha256", EMPTY_SHA256),
            ("x-amz-date", "20130524T000000Z"),
        ],
    );
}

const PRESIGNED: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256\
    &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
    &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
    &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

fn presigned(query: &str, now: &str) -> Result<Verification, Refusal> {
    let headers = headers(&[("host", "examplebucket.s3.amazonaws.com")]);
    check(Parts { method: "GET", path: "/test.txt", query, headers: &headers }, AmzTime::parse(now).unwrap())
}

#[test]
fn example_presigned_url() {
    assert_eq!(presigned(PRESIGNED, "20130524T120000Z").unwrap().payload, Payload::Unsigned);
    let made = Signer::new(ACCESS_KEY, SECRET, "us-east-1").presign(Presign {
        method: "GET",
        path: "/test.txt",
        query: "",
        host: "examplebucket.s3.amazonaws.com",
        expires_secs: 86_400,
        time: may_24(),
    });
    assert_eq!(made, PRESIGNED);
}

#[test]
fn presigned_url_is_good_for_its_life_alone() {
    presigned(PRESIGNED, "20130523T234500Z").unwrap();
    presigned(PRESIGNED, "20130525T000000Z").unwrap();
    assert_eq!(presigned(PRESIGNED, "20130523T234459Z").unwrap_err(), Refusal::NotYetValid);
    let expired = presigned(PRESIGNED, "20130525T000001Z").unwrap_err();
    assert!(matches!(expired, Refusal::Expired { expires_secs: 86_400, .. }), "{expired:?}");
}

#[test]
fn presigned_url_with_a_silly_life_is_refused() {
    for (expires, what) in [
        ("0", Malformed::ExpiresPositive),
        ("-1", Malformed::ExpiresPositive),
        ("604801", Malformed::ExpiresTooLong),
        ("soon", Malformed::ExpiresNumber),
    ] {
        let query = PRESIGNED.replace("Expires=86400", &format!("Expires={expires}"));
        let refusal = presigned(&query, "20130524T000000Z").unwrap_err();
        assert!(
            matches!(refusal, Refusal::Malformed(Placement::Query { .. }, w) if w == what),
            "{refusal:?}"
        );
    }
}

#[test]
fn presigned_url_does_not_cover_other_parameters() {
    let query = format!("{PRESIGNED}&versionId=null");
    assert!(matches!(presigned(&query, "20130524T000000Z"), Err(Refusal::SignatureMismatch(_))));
}

const STREAMING: &[(&str, &str)] = &[
    ("content-encoding", "aws-chunked"),
    ("content-length", "66824"),
    ("host", "s3.amazonaws.com"),
    ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
    ("x-amz-date", "20130524T000000Z"),
    ("x-amz-decoded-content-length", "66560"),
    ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
];

fn chunk_chain(pairs: &[(&'static str, &str)], signature: &str) -> ChunkSignatures {
    let mut sent = headers(pairs);
    let names: Vec<&str> = pairs.iter().map(|(name, _)| *name).collect();
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20130524/us-east-1/s3/aws4_request,\
         SignedHeaders={},Signature={signature}",
        names.join(";")
    );
    sent.insert("authorization", authorization.parse().unwrap());
    let parts = Parts { method: "PUT", path: "/examplebucket/chunkObject.txt", query: "", headers: &sent };
    check(parts, may_24()).unwrap().chunks.unwrap()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

fn signature(text: &str) -> [u8; 32] {
    parse_hex(text.as_bytes()).unwrap()
}

#[test]
fn example_signature_calculations_for_chunked_upload() {
    let mut chain =
        chunk_chain(STREAMING, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
    for (len, expected) in [
        (65_536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
        (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
        (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
    ] {
        assert!(chain.verify_chunk(&sha256(&vec![b'a'; len]), &signature(expected)), "{len}");
    }
}

#[test]
fn example_chunked_upload_with_trailing_headers() {
    let mut chain = chunk_chain(
        &[
            ("content-encoding", "aws-chunked"),
            ("host", "s3.amazonaws.com"),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-decoded-content-length", "66560"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("x-amz-trailer", "x-amz-checksum-crc32c"),
        ],
        "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    );
    for (len, expected) in [
        (65_536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"),
        (1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"),
        (0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"),
    ] {
        assert!(chain.verify_chunk(&sha256(&vec![b'a'; len]), &signature(expected)), "{len}");
    }
    let trailer = sha256(b"x-amz-checksum-crc32c:sOO8/Q==\n");
    let expected = signature("d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435");
    assert!(chain.verify_trailer(&trailer, &expected));
}

#[test]
fn tampered_chunk_breaks_the_chain() {
    let mut chain =
        chunk_chain(STREAMING, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
    let first = signature("ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
    assert!(!chain.verify_chunk(&sha256(&vec![b'b'; 65_536]), &first));
}

/// A request signed right, then changed by `change`.
fn signed_then(change: impl FnOnce(&mut HeaderMap)) -> Result<Verification, Refusal> {
    let mut sent = headers(&[("host", "localhost:9000"), ("x-amz-meta-a", "1")]);
    let payload = HeaderValue::from_static("UNSIGNED-PAYLOAD");
    Signer::new(ACCESS_KEY, SECRET, "us-east-1").sign("PUT", "/b/k", "", &mut sent, &payload, may_24());
    change(&mut sent);
    check(Parts { method: "PUT", path: "/b/k", query: "", headers: &sent }, may_24())
}

fn edit(headers: &mut HeaderMap, from: &str, to: &str) {
    let value = headers["authorization"].to_str().unwrap().replace(from, to);
    headers.insert("authorization", value.parse().unwrap());
}

#[test]
fn signed_request_is_believed_until_it_is_changed() {
    signed_then(|_| ()).unwrap();
    let changed = signed_then(|headers| {
        headers.insert("x-amz-meta-a", HeaderValue::from_static("2"));
    });
    assert!(matches!(changed, Err(Refusal::SignatureMismatch(_))));
}

#[test]
fn unsigned_amz_headers_and_host_are_refused() {
    let added = signed_then(|headers| {
        headers.insert("x-amz-copy-source", HeaderValue::from_static("/b/other"));
    });
    assert_eq!(added.unwrap_err(), Refusal::HeadersNotSigned("x-amz-copy-source".into()));
    let hostless = signed_then(|headers| edit(headers, "host;", ""));
    assert_eq!(hostless.unwrap_err(), Refusal::HeadersNotSigned("host".into()));
}

#[test]
fn wrong_scopes_are_refused_by_name() {
    let region = signed_then(|headers| edit(headers, "us-east-1", "eu-west-1")).unwrap_err();
    assert_eq!(region, Refusal::WrongRegion { placement: Placement::Header, given: "eu-west-1".into() });
    for (from, to, what) in [
        ("/s3/", "/ec2/", Malformed::Service),
        ("aws4_request", "aws4", Malformed::Terminator),
        ("20130524", "20130523", Malformed::Day),
        ("20130524", "today", Malformed::Credential),
        ("Signature=", "Signature=zz", Malformed::Fields),
        ("SignedHeaders", "Headers", Malformed::Fields),
    ] {
        let refusal = signed_then(|headers| edit(headers, from, to)).unwrap_err();
        assert_eq!(refusal, Refusal::Malformed(Placement::Header, what));
    }
}

#[test]
fn skew_beyond_a_quarter_of_an_hour_is_refused() {
    let mut sent = headers(&[("host", "localhost")]);
    let payload = HeaderValue::from_static(EMPTY_SHA256);
    Signer::new(ACCESS_KEY, SECRET, "us-east-1").sign("GET", "/", "", &mut sent, &payload, may_24());
    let parts = Parts { method: "GET", path: "/", query: "", headers: &sent };
    for (now, good) in [
        ("20130524T001500Z", true),
        ("20130524T001501Z", false),
        ("20130523T234500Z", true),
        ("20130523T234459Z", false),
    ] {
        let result = check(parts, AmzTime::parse(now).unwrap());
        assert_eq!(result.is_ok(), good, "{now}");
        if let Err(refusal) = result {
            assert_eq!(refusal, Refusal::Skewed { request: may_24() });
        }
    }
}

#[test]
fn payload_hash_and_date_are_required() {
    let no_hash = signed_then(|headers| drop(headers.remove("x-amz-content-sha256")));
    assert_eq!(no_hash.unwrap_err(), Refusal::MissingPayloadHash);
    let bad_hash = signed_then(|headers| {
        headers.insert("x-amz-content-sha256", HeaderValue::from_static("abc"));
    });
    assert_eq!(bad_hash.unwrap_err(), Refusal::InvalidPayloadHash);
    let no_date = signed_then(|headers| drop(headers.remove("x-amz-date")));
    assert_eq!(no_date.unwrap_err(), Refusal::MissingDate);
}

#[test]
fn other_mechanisms_are_refused() {
    let v2 = signed_then(|headers| {
        headers.insert("authorization", HeaderValue::from_static("AWS AKIA:signature"));
    });
    assert_eq!(v2.unwrap_err(), Refusal::UnsupportedMechanism);
    let sent = headers(&[("host", "localhost"), ("authorization", "AWS4-HMAC-SHA256 x")]);
    let both = Parts { method: "GET", path: "/", query: "X-Amz-Signature=00", headers: &sent };
    assert_eq!(parse(both).unwrap_err(), Refusal::TwoMechanisms);
    let anonymous = Parts { method: "GET", path: "/", query: "list-type=2", headers: &HeaderMap::new() };
    assert_eq!(parse(anonymous).unwrap(), None);
}
