//! PutObject and DeleteObject.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use holdfast::checksum;
use holdfast::types::ChecksumAlgorithm;

use crate::client::{Bucket, Request};

fn checksum_of(algorithm: ChecksumAlgorithm, body: &[u8]) -> String {
    let mut hasher = checksum::Hasher::new(algorithm);
    hasher.update(body);
    checksum::encode(&hasher.finish())
}

#[test]
fn put_then_get_returns_same_bytes() {
    let bucket = Bucket::new();
    for len in [0, 1, 1000, 70_000, 3_000_000, 9_437_185] {
        let body: Vec<u8> = (0..len).map(|i: u32| (i * 31 % 251) as u8).collect();
        let etag = bucket.put("k", &body);
        assert_eq!(etag, format!("\"{}\"", md5_hex(&body)), "{len}");
        assert!(bucket.get("k") == body, "{len}");
    }
}

fn md5_hex(body: &[u8]) -> String {
    checksum::md5::Md5::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn keys_are_opaque_strings() {
    let bucket = Bucket::new();
    let keys = [
        "a",
        "a/",
        "a/b",
        "a//b",
        ".",
        "..",
        "../x",
        "sp%20ace",
        "plus+",
        "%2B",
        "%C3%A9",
        "q%3Fx%26y%23",
        "%25",
    ];
    for (index, key) in keys.iter().enumerate() {
        bucket.put(key, format!("{index}").as_bytes());
    }
    for (index, key) in keys.iter().enumerate() {
        if *key != "%2B" && *key != "plus+" {
            assert_eq!(bucket.get(key), format!("{index}").as_bytes(), "{key}");
        }
    }
    // A raw plus is a plus, just as its escape is.
    assert_eq!(bucket.get("plus%2B"), bucket.get("plus+"));
    let longest = "k".repeat(1024);
    bucket.put(&longest, b"long");
    bucket.request("PUT", &format!("/{longest}x")).send().expect_error(400, "KeyTooLongError");
    for broken in ["/%ff", "/%zz", "/a%2", "/100%", "/%"] {
        for method in ["PUT", "GET", "DELETE"] {
            bucket.request(method, broken).send().expect_error(400, "InvalidURI");
        }
        bucket.request("PUT", broken).anonymous().send().expect_error(400, "InvalidURI");
    }
}

#[test]
fn headers_and_metadata_come_back() {
    let bucket = Bucket::new();
    let kept = [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "max-age=60"),
        ("content-disposition", "attachment; filename=\"a b\""),
        ("content-encoding", "gzip"),
        ("content-language", "de"),
        ("expires", "Thu, 01 Dec 2094 16:00:00 GMT"),
        ("x-amz-meta-color", "dark red"),
        ("x-amz-website-redirect-location", "/elsewhere"),
    ];
    let mut request = bucket.request("PUT", "/k").body("v");
    for (name, value) in kept {
        request = request.header(name, value);
    }
    request.header("x-amz-tagging", "").header("x-amz-acl", "private").send().expect_status(200);
    for method in ["GET", "HEAD"] {
        let answer = bucket.request(method, "/k").send().expect_status(200);
        for (name, value) in kept {
            assert_eq!(answer.header(name), value, "{method} {name}");
        }
        assert_eq!(answer.header("content-length"), "1");
        assert_eq!(answer.header("accept-ranges"), "bytes");
        assert!(answer.header("last-modified").ends_with(" GMT"));
    }
}

#[test]
fn metadata_beyond_ascii_and_beyond_its_bound() {
    let bucket = Bucket::new();
    bucket.request("PUT", "/k").header("x-amz-meta-name", "grüße").send().expect_status(200);
    let answer = bucket.request("HEAD", "/k").send().expect_status(200);
    assert_eq!(answer.header("x-amz-meta-name"), format!("=?UTF-8?B?{}?=", STANDARD.encode("grüße")));
    let much = bucket.request("PUT", "/much").header("x-amz-meta-a", "v".repeat(2048)).send();
    much.expect_error(400, "MetadataTooLarge");
    bucket.expect_absent("much");
}

#[test]
fn content_md5_is_checked() {
    let bucket = Bucket::new();
    let right = STANDARD.encode(checksum::md5::Md5::digest(b"body"));
    bucket.request("PUT", "/k").header("content-md5", &right).body("body").send().expect_status(200);
    let wrong = bucket.request("PUT", "/other").header("content-md5", &right).body("bodY").send();
    wrong.expect_error(400, "BadDigest");
    let garbage = bucket.request("PUT", "/other").header("content-md5", "garbage").body("body").send();
    garbage.expect_error(400, "InvalidDigest");
    bucket.expect_absent("other");
}

#[test]
fn payload_hash_is_checked() {
    let bucket = Bucket::new();
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let answer = bucket.request("PUT", "/k").payload(hash).body("not empty").send();
    answer.expect_error(400, "XAmzContentSHA256Mismatch");
    bucket.expect_absent("k");
    bucket.request("PUT", "/k").payload("UNSIGNED-PAYLOAD").body("x").send().expect_status(200);
}

#[test]
fn every_checksum_is_verified_stored_and_given_back() {
    let bucket = Bucket::new();
    for (algorithm, header) in [
        (ChecksumAlgorithm::Crc32, "x-amz-checksum-crc32"),
        (ChecksumAlgorithm::Crc32c, "x-amz-checksum-crc32c"),
        (ChecksumAlgorithm::Crc64Nvme, "x-amz-checksum-crc64nvme"),
        (ChecksumAlgorithm::Sha1, "x-amz-checksum-sha1"),
        (ChecksumAlgorithm::Sha256, "x-amz-checksum-sha256"),
    ] {
        let value = checksum_of(algorithm, b"body");
        let put = bucket.request("PUT", "/k").header(header, &value).body("body").send().expect_status(200);
        assert_eq!(put.header(header), value);
        assert_eq!(put.header("x-amz-checksum-type"), "FULL_OBJECT");
        let get = bucket.request("GET", "/k").header("x-amz-checksum-mode", "ENABLED").send();
        assert_eq!(get.expect_status(200).header(header), value);
        let plain = bucket.request("GET", "/k").send().expect_status(200);
        assert!(!plain.headers.contains_key(header));
        let wrong = bucket.request("PUT", "/bad").header(header, &value).body("bodY").send();
        wrong.expect_error(400, "BadDigest");
        let garbage = bucket.request("PUT", "/bad").header(header, "garbage").body("body").send();
        garbage.expect_error(400, "InvalidRequest");
        bucket.expect_absent("bad");
    }
}

#[test]
fn object_without_a_checksum_gets_crc64nvme() {
    let bucket = Bucket::new();
    let value = checksum_of(ChecksumAlgorithm::Crc64Nvme, b"body");
    let put = bucket.request("PUT", "/k").body("body").send().expect_status(200);
    assert_eq!(put.header("x-amz-checksum-crc64nvme"), value);
}

#[test]
fn two_checksums_at_once_are_refused() {
    let bucket = Bucket::new();
    let answer = bucket
        .request("PUT", "/k")
        .header("x-amz-checksum-crc32", checksum_of(ChecksumAlgorithm::Crc32, b"v"))
        .header("x-amz-checksum-sha1", checksum_of(ChecksumAlgorithm::Sha1, b"v"))
        .body("v")
        .send();
    answer.expect_error(400, "InvalidRequest");
    bucket.expect_absent("k");
}

#[test]
fn short_body_stores_nothing() {
    let bucket = Bucket::new();
    for (sent, announced) in [(0, 10), (5, 10), (100_000, 200_000), (2_000_000, 2_000_001)] {
        let request = bucket.request("PUT", "/k").payload("UNSIGNED-PAYLOAD").body(vec![1; sent]);
        // The client is gone; what it is told matters less than what is stored.
        request.announced_length(announced).send_and_hang_up();
        bucket.expect_absent("k");
    }
}

#[test]
fn length_must_be_known_and_within_bounds() {
    let bucket = Bucket::new();
    let unknown = bucket
        .request("PUT", "/k")
        .payload("UNSIGNED-PAYLOAD")
        .unsigned_header("content-length", "")
        .unsigned_header("transfer-encoding", "chunked")
        .body("1\r\nx\r\n0\r\n\r\n")
        .send();
    unknown.expect_error(411, "MissingContentLength");
    let huge = bucket
        .request("PUT", "/k")
        .payload("UNSIGNED-PAYLOAD")
        .unsigned_header("content-length", "5368709121")
        .unsigned_header("expect", "100-continue")
        .send();
    huge.expect_error(400, "EntityTooLarge");
    bucket.expect_absent("k");
}

#[test]
fn promises_that_cannot_be_kept_are_refused() {
    let bucket = Bucket::new();
    for (name, value, status, code) in [
        ("x-amz-server-side-encryption", "AES512", 400, "InvalidArgument"),
        ("x-amz-server-side-encryption-customer-algorithm", "AES256", 400, "InvalidRequest"),
        ("x-amz-grant-read", "id=1", 400, "InvalidArgument"),
        ("x-amz-object-lock-legal-hold", "ON", 400, "InvalidRequest"),
        ("x-amz-storage-class", "GLACIER", 400, "InvalidStorageClass"),
        ("x-amz-acl", "everyone", 400, "InvalidArgument"),
    ] {
        bucket.request("PUT", "/k").header(name, value).body("v").send().expect_error(status, code);
        bucket.expect_absent("k");
    }
}

#[test]
fn as_many_short_headers_are_kept_as_metadata_may_have() {
    let bucket = Bucket::new();
    let names: Vec<String> = (0..400).map(|at| format!("x-amz-meta-{at:03}")).collect();
    let put = names.iter().fold(bucket.request("PUT", "/k"), |put, name| put.header(name, "v"));
    put.body("v").send().expect_status(200);
    let head = bucket.request("HEAD", "/k").send().expect_status(200);
    assert!(names.iter().all(|name| head.header(name) == "v"));
}

#[test]
fn put_into_a_missing_bucket_stores_nothing() {
    let bucket = Bucket::new();
    Request::new(&bucket.server, "PUT", "/no-such-bucket/k")
        .body("v")
        .send()
        .expect_error(404, "NoSuchBucket");
}

#[test]
fn delete_is_the_same_for_missing_keys() {
    let bucket = Bucket::new();
    bucket.put("k", b"v");
    bucket.request("DELETE", "/k").send().expect_status(204);
    bucket.expect_absent("k");
    bucket.request("DELETE", "/k").send().expect_status(204);
    bucket.request("DELETE", "/never?versionId=null").send().expect_status(204);
    Request::new(&bucket.server, "DELETE", "/no-such-bucket/k").send().expect_error(404, "NoSuchBucket");
}

#[test]
fn delete_of_a_version_that_is_not_there_leaves_the_object() {
    let bucket = Bucket::new();
    bucket.put("k", b"v");
    bucket.request("DELETE", "/k?versionId=00000000000000ff").send().expect_status(204);
    bucket.request("DELETE", "/k?versionId=made-up").send().expect_error(400, "InvalidArgument");
    bucket.request("DELETE", "/k").header("if-match", "\"x\"").send().expect_error(412, "PreconditionFailed");
    assert_eq!(bucket.get("k"), b"v");
}

#[test]
fn unknown_methods_on_an_object_are_not_allowed() {
    let bucket = Bucket::new();
    bucket.request("POST", "/k").send().expect_error(405, "MethodNotAllowed");
    bucket.request("PATCH", "/k").send().expect_error(405, "MethodNotAllowed");
    bucket.request("PUT", "/k?partNumber=1").send().expect_error(400, "InvalidArgument");
    bucket.expect_absent("k");
}
