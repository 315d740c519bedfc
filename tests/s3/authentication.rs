//! Who may call: signatures in headers and in presigned URLs.

use std::io::{Read, Write};

use holdfast::sigv4::Signer;

use crate::client::{Answer, Bucket, Request, connect};
use crate::server::{ACCESS_KEY, DOMAIN, REGION, SECRET};

#[test]
fn anonymous_requests_are_denied() {
    let bucket = Bucket::new();
    bucket.put("k", b"v");
    for (method, rest) in [("GET", "/k"), ("GET", ""), ("PUT", "/new"), ("DELETE", "/k"), ("POST", "?delete")]
    {
        bucket.request(method, rest).anonymous().send().expect_error(403, "AccessDenied");
    }
    assert_eq!(bucket.get("k"), b"v");
    bucket.expect_absent("new");
}

#[test]
fn denied_head_has_no_body() {
    let bucket = Bucket::new();
    let answer = bucket.request("HEAD", "/k").anonymous().send().expect_status(403);
    assert!(answer.body.is_empty());
    assert!(!answer.header("x-amz-request-id").is_empty());
}

#[test]
fn wrong_secret_is_refused_and_the_answer_shows_what_was_signed() {
    let bucket = Bucket::new();
    let wrong = Signer::new(ACCESS_KEY, "another secret", REGION);
    let answer = bucket.request("PUT", "/k").body("x").signer(wrong).send();
    let answer = answer.expect_error(403, "SignatureDoesNotMatch");
    assert!(answer.element("StringToSign").starts_with("AWS4-HMAC-SHA256\n"));
    assert!(answer.element("CanonicalRequest").starts_with("PUT\n/"));
    assert!(!answer.text().contains(SECRET));
    bucket.expect_absent("k");
}

#[test]
fn unknown_access_key_is_refused_by_name() {
    let bucket = Bucket::new();
    let unknown = Signer::new("AKIDNOBODY", SECRET, REGION);
    let answer = bucket.request("GET", "/k").signer(unknown).send().expect_error(403, "InvalidAccessKeyId");
    assert_eq!(answer.element("AWSAccessKeyId"), "AKIDNOBODY");
}

#[test]
fn wrong_region_names_the_right_one() {
    let bucket = Bucket::new();
    let elsewhere = Signer::new(ACCESS_KEY, SECRET, "eu-west-1");
    let answer = bucket.request("GET", "").signer(elsewhere.clone()).send();
    assert_eq!(answer.expect_error(400, "AuthorizationHeaderMalformed").element("Region"), REGION);
    let answer = bucket.request("GET", "").signer(elsewhere).presigned(60).send();
    assert_eq!(answer.expect_error(400, "AuthorizationQueryParametersError").element("Region"), REGION);
}

#[test]
fn clocks_may_differ_by_a_quarter_of_an_hour() {
    let bucket = Bucket::new();
    for (secs, good) in [(-800, true), (800, true), (-1000, false), (1000, false)] {
        let answer = bucket.request("GET", "").skewed(secs).send();
        if good {
            answer.expect_status(200);
        } else {
            answer.expect_error(403, "RequestTimeTooSkewed");
        }
    }
}

#[test]
fn amz_headers_that_are_not_signed_are_refused() {
    let bucket = Bucket::new();
    bucket.put("secret", b"secret");
    let answer = bucket
        .request("PUT", "/stolen")
        .unsigned_header("x-amz-copy-source", &format!("/{}/secret", bucket.name))
        .send();
    let answer = answer.expect_error(403, "AccessDenied");
    assert_eq!(answer.element("HeadersNotSigned"), "x-amz-copy-source");
    bucket.expect_absent("stolen");
}

#[test]
fn changed_headers_path_and_query_break_the_signature() {
    let bucket = Bucket::new();
    let answer = bucket.request("PUT", "/k").header("x-amz-meta-a", "1").unsigned_header("x-amz-meta-a", "2");
    answer.body("x").send().expect_error(403, "SignatureDoesNotMatch");
    bucket.expect_absent("k");
}

#[test]
fn payload_hash_must_be_there_and_well_formed() {
    let bucket = Bucket::new();
    let missing = bucket.request("PUT", "/k").unsigned_header("x-amz-content-sha256", "").send();
    missing.expect_error(400, "InvalidRequest");
    let garbage = bucket.request("PUT", "/k").payload("garbage").send();
    garbage.expect_error(400, "InvalidArgument");
    bucket.expect_absent("k");
}

#[test]
fn other_authorization_schemes_are_refused() {
    let bucket = Bucket::new();
    for scheme in ["AWS AKID:signature", "Bearer token", "Basic dXNlcjpwYXNz"] {
        let answer = bucket.request("GET", "/k").unsigned_header("authorization", scheme).send();
        answer.expect_error(400, "InvalidRequest");
    }
    let malformed = bucket.request("GET", "/k").unsigned_header("authorization", "AWS4-HMAC-SHA256 x");
    malformed.send().expect_error(400, "AuthorizationHeaderMalformed");
}

#[test]
fn session_tokens_are_refused() {
    let bucket = Bucket::new();
    let answer = bucket.request("GET", "/k").header("x-amz-security-token", "made-up").send();
    answer.expect_error(400, "InvalidToken");
}

#[test]
fn presigned_urls_put_and_get() {
    let bucket = Bucket::new();
    bucket.request("PUT", "/a%20b").presigned(60).body("by url").send().expect_status(200);
    let answer = bucket.request("GET", "/a%20b").presigned(60).send().expect_status(200);
    assert_eq!(answer.body, b"by url");
    let answer = bucket.request("GET", "/a%20b?response-content-type=text%2Fplain").presigned(60).send();
    assert_eq!(answer.expect_status(200).header("content-type"), "text/plain");
}

#[test]
fn presigned_urls_are_good_for_documents() {
    let bucket = Bucket::new();
    bucket.put("k", b"v");
    let tagging = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
    bucket.request("PUT", "/k?tagging").presigned(60).body(tagging).send().expect_status(200);
    let tags = bucket.request("GET", "/k?tagging").presigned(60).send().expect_status(200);
    assert_eq!(tags.element("Value"), "b");
    let document = "<Delete><Object><Key>k</Key></Object></Delete>";
    let delete = bucket.request("POST", "?delete").presigned(60).body(document);
    let deleted = delete.unsigned_header("content-md5", "5DKh5iefM5MSKvRILIuFwQ==").send();
    assert_eq!(deleted.expect_status(200).element("Key"), "k");
    bucket.expect_absent("k");
}

#[test]
fn presigned_urls_end_and_begin_in_time() {
    let bucket = Bucket::new();
    bucket.put("k", b"v");
    let expired = bucket.request("GET", "/k").presigned(60).skewed(-120).send();
    assert_eq!(expired.expect_error(403, "AccessDenied").element("Message"), "Request has expired");
    let early = bucket.request("GET", "/k").presigned(60).skewed(1800).send();
    assert_eq!(early.expect_error(403, "AccessDenied").element("Message"), "Request is not yet valid");
    bucket.request("GET", "/k").presigned(604_800).skewed(-604_000).send().expect_status(200);
    for life in [0, 604_801] {
        let answer = bucket.request("GET", "/k").presigned(life).send();
        answer.expect_error(400, "AuthorizationQueryParametersError");
    }
}

#[test]
fn presigned_urls_are_for_one_method_and_one_secret() {
    let bucket = Bucket::new();
    let wrong = Signer::new(ACCESS_KEY, "another secret", REGION);
    bucket.request("PUT", "/k").presigned(60).signer(wrong).send().expect_error(403, "SignatureDoesNotMatch");
    bucket.expect_absent("k");
}

#[test]
fn headers_hoisted_into_a_presigned_url_count() {
    let bucket = Bucket::new();
    bucket.request("PUT", "/k?x-amz-meta-color=red").presigned(60).body("v").send().expect_status(200);
    let answer = bucket.request("HEAD", "/k").send().expect_status(200);
    assert_eq!(answer.header("x-amz-meta-color"), "red");
    let answer =
        bucket.request("PUT", "/k?x-amz-server-side-encryption=AES256").presigned(60).body("v").send();
    assert_eq!(answer.expect_status(200).header("x-amz-server-side-encryption"), "AES256");
}

#[test]
fn signature_in_header_and_query_at_once_is_refused() {
    let bucket = Bucket::new();
    let answer = bucket.request("GET", "/k?X-Amz-Signature=00").send();
    answer.expect_error(400, "InvalidArgument");
}

#[test]
fn buckets_may_be_named_by_the_host() {
    let bucket = Bucket::new();
    bucket.put("k", b"v");
    let host = format!("{}.{DOMAIN}", bucket.name);
    let answer = Request::new(&bucket.server, "GET", "/k").header("host", &host).send();
    assert_eq!(answer.expect_status(200).body, b"v");
    let listing = Request::new(&bucket.server, "GET", "/?list-type=2").header("host", &host).send();
    assert_eq!(listing.expect_status(200).elements("Key"), ["k"]);
}

/// Sends a head and answers what the server says before any of the body is sent.
fn first_line_after(head: &str, bucket: &Bucket) -> Answer {
    let mut stream = connect(&bucket.server);
    stream.write_all(head.as_bytes()).unwrap();
    Answer::read(&mut stream, "PUT")
}

#[test]
fn refused_client_is_not_told_to_continue() {
    let bucket = Bucket::new();
    let head = format!(
        "PUT /{}/k HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5000000\r\nexpect: 100-continue\r\n\r\n",
        bucket.name
    );
    let answer = first_line_after(&head, &bucket).expect_error(403, "AccessDenied");
    assert_eq!(answer.status, 403);
    bucket.expect_absent("k");
}

#[test]
fn verified_client_is_told_to_continue() {
    let bucket = Bucket::new();
    let (mut stream, body) = bucket.request("PUT", "/k").body("late body").send_head_expecting_continue();
    let mut first = [0; 25];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&body).unwrap();
    Answer::read(&mut stream, "PUT").expect_status(200);
    assert_eq!(bucket.get("k"), b"late body");
}

#[test]
fn refused_client_that_sends_on_still_gets_its_answer() {
    let bucket = Bucket::new();
    let body = vec![7u8; 8 << 20];
    let answer = bucket.request("PUT", "/k").anonymous().body(&body).send();
    answer.expect_error(403, "AccessDenied");
    let missing = Request::new(&bucket.server, "PUT", "/no-such-bucket/k").body(&body).send();
    missing.expect_error(404, "NoSuchBucket");
}
