//! DeleteObjects.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use holdfast::checksum::md5::Md5;

use crate::client::{Answer, Bucket};

fn delete(bucket: &Bucket, document: &str) -> Answer {
    bucket.request("POST", "?delete").digested(document).send()
}

fn keys(bucket: &Bucket) -> Vec<String> {
    bucket.request("GET", "?list-type=2").send().expect_status(200).elements("Key")
}

#[test]
fn keys_are_deleted_and_reported() {
    let bucket = Bucket::new();
    for key in ["a", "b%26c", "keep"] {
        bucket.put(key, b"v");
    }
    let answer = delete(
        &bucket,
        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a</Key></Object>\
         <Object><Key>b&amp;c</Key></Object><Object><Key>missing</Key></Object></Delete>",
    );
    assert_eq!(answer.expect_status(200).elements("Deleted").len(), 3);
    assert_eq!(keys(&bucket), ["keep"]);
}

#[test]
fn quiet_reports_only_errors() {
    let bucket = Bucket::new();
    bucket.put("a", b"v");
    let answer = delete(
        &bucket,
        &format!(
            "<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object><Object><Key>{}</Key></Object>\
             <Object><Key>b</Key><VersionId>x</VersionId></Object></Delete>",
            "k".repeat(1025)
        ),
    );
    let answer = answer.expect_status(200);
    assert!(answer.elements("Deleted").is_empty());
    assert_eq!(answer.elements("Code"), ["KeyTooLongError", "NoSuchVersion"]);
    assert!(keys(&bucket).is_empty());
}

#[test]
fn digest_is_required_and_checked() {
    let bucket = Bucket::new();
    bucket.put("a", b"v");
    let document = "<Delete><Object><Key>a</Key></Object></Delete>";
    let plain = bucket.request("POST", "?delete").body(document).send();
    plain.expect_error(400, "InvalidRequest");
    let wrong = STANDARD.encode(Md5::digest(b"another document"));
    let wrong = bucket.request("POST", "?delete").header("content-md5", wrong).body(document).send();
    wrong.expect_error(400, "BadDigest");
    let wrong =
        bucket.request("POST", "?delete").header("x-amz-checksum-crc32", "AAAAAA==").body(document).send();
    wrong.expect_error(400, "BadDigest");
    assert_eq!(keys(&bucket), ["a"]);
}

#[test]
fn thousand_keys_are_the_most() {
    let bucket = Bucket::new();
    bucket.put("k999", b"v");
    let document = |count: usize| {
        let objects: String = (0..count).map(|n| format!("<Object><Key>k{n}</Key></Object>")).collect();
        format!("<Delete>{objects}</Delete>")
    };
    delete(&bucket, &document(1001)).expect_error(400, "MalformedXML");
    assert_eq!(keys(&bucket), ["k999"]);
    let answer = delete(&bucket, &document(1000)).expect_status(200);
    assert_eq!(answer.elements("Deleted").len(), 1000);
    assert!(keys(&bucket).is_empty());
}

#[test]
fn malformed_documents_delete_nothing() {
    let bucket = Bucket::new();
    bucket.put("a", b"v");
    for document in [
        "",
        "<Delete><Object><Key>a</Key></Object>",
        "<Other><Object><Key>a</Key></Object></Other>",
        "<Delete></Delete>",
        "<Delete><Object><Key></Key></Object></Delete>",
        "<!DOCTYPE d [<!ENTITY a \"a\">]><Delete><Object><Key>&a;</Key></Object></Delete>",
        &format!("{}<Delete/>{}", "<a>".repeat(40), "</a>".repeat(40)),
    ] {
        delete(&bucket, document).expect_error(400, "MalformedXML");
    }
    assert_eq!(keys(&bucket), ["a"]);
}

#[test]
fn missing_bucket_is_said_once() {
    let bucket = Bucket::new();
    bucket.request("DELETE", "").send().expect_status(204);
    delete(&bucket, "<Delete><Object><Key>a</Key></Object></Delete>").expect_error(404, "NoSuchBucket");
}
