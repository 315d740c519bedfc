//! Lifecycle rules carried out. A day lasts a second on this server.

use std::time::{Duration, Instant};

use base64::Engine as _;
use md5::Digest as _;

use crate::client::Bucket;

/// No test waits longer for something to end.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

fn set_rule(bucket: &Bucket, rule: &str) {
    let document = format!("<LifecycleConfiguration><Rule>{rule}</Rule></LifecycleConfiguration>");
    let md5 = base64::engine::general_purpose::STANDARD.encode(md5::Md5::digest(&document));
    let put = bucket.request("PUT", "?lifecycle").header("content-md5", md5).body(document);
    put.send().expect_status(200);
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < ENDS_WITHIN, "still waiting until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn objects_of_an_expired_rule_are_removed_and_others_stay() {
    let bucket = Bucket::new();
    bucket.put("logs/a", b"1");
    bucket.put("kept", b"2");
    set_rule(
        &bucket,
        "<ID>old logs</ID><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status>\
         <Expiration><Days>1</Days></Expiration>",
    );
    wait_until("the object is removed", || bucket.request("GET", "/logs/a").send().status == 404);
    assert_eq!(bucket.get("kept"), b"2");
    bucket.put("logs/b", b"3");
    wait_until("a later one is removed too", || bucket.request("GET", "/logs/b").send().status == 404);
    assert_eq!(bucket.get("kept"), b"2");
}

#[test]
fn an_object_that_expires_where_there_are_versions_is_kept_behind_a_delete_marker() {
    let bucket = Bucket::new();
    let versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    bucket.request("PUT", "?versioning").body(versioning).send().expect_status(200);
    let tagged = bucket.request("PUT", "/a").header("x-amz-tagging", "class=short").body("1").send();
    let version = tagged.expect_status(200).header("x-amz-version-id").to_owned();
    bucket.put("b", b"2");
    set_rule(
        &bucket,
        "<ID>a</ID><Filter><Tag><Key>class</Key><Value>short</Value></Tag></Filter><Status>Enabled</Status>\
         <Expiration><Days>1</Days></Expiration>",
    );
    wait_until("the object is hidden", || bucket.request("GET", "/a").send().status == 404);
    let kept = bucket.request("GET", &format!("/a?versionId={version}")).send().expect_status(200);
    assert_eq!(kept.body, b"1");
    let versions = bucket.request("GET", "?versions&prefix=a").send().expect_status(200);
    assert_eq!(versions.elements("DeleteMarker").len(), 1);
    assert_eq!(bucket.get("b"), b"2");
}

#[test]
fn uploads_of_an_expired_rule_end_with_their_parts() {
    let bucket = Bucket::new();
    let begin = |key: &str| bucket.request("POST", &format!("/{key}?uploads")).send().element("UploadId");
    let (ending, staying) = (begin("tmp/a"), begin("b"));
    let part = |key: &str, upload: &str| {
        bucket.request("PUT", &format!("/{key}?partNumber=1&uploadId={upload}")).body("part").send()
    };
    part("tmp/a", &ending).expect_status(200);
    set_rule(
        &bucket,
        "<ID>a</ID><Filter><Prefix>tmp/</Prefix></Filter><Status>Enabled</Status><AbortIncompleteMultipartUpload>\
         <DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>",
    );
    let list = || bucket.request("GET", "?uploads").send().expect_status(200).elements("UploadId");
    wait_until("the upload has ended", || list() == [staying.as_str()]);
    part("tmp/a", &ending).expect_error(404, "NoSuchUpload");
    part("b", &staying).expect_status(200);
}

#[test]
fn answers_say_when_and_by_which_rule_an_object_ends() {
    let bucket = Bucket::new();
    set_rule(
        &bucket,
        "<ID>a rule</ID><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status>\
         <Expiration><Date>2999-01-01T00:00:00Z</Date></Expiration>",
    );
    let expected = "expiry-date=\"Tue, 01 Jan 2999 00:00:00 GMT\", rule-id=\"a%20rule\"";
    let put = bucket.request("PUT", "/logs/a").body("1").send().expect_status(200);
    assert_eq!(put.header("x-amz-expiration"), expected);
    for method in ["GET", "HEAD"] {
        let answer = bucket.request(method, "/logs/a").send().expect_status(200);
        assert_eq!(answer.header("x-amz-expiration"), expected);
    }
    let other = bucket.request("PUT", "/other").body("1").send().expect_status(200);
    assert!(!other.headers.contains_key("x-amz-expiration"));
}
