//! Lifecycle rules carried out. A day lasts a second on this server.

use std::time::{Duration, Instant};

use crate::client::Bucket;
use crate::multipart::Upload;

/// No test waits longer for something to end.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

fn set_rule(bucket: &Bucket, rule: &str) {
    let document = format!("<LifecycleConfiguration><Rule>{rule}</Rule></LifecycleConfiguration>");
    bucket.request("PUT", "?lifecycle").digested(document).send().expect_status(200);
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
    enable_versions(&bucket);
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

fn enable_versions(bucket: &Bucket) {
    let versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    bucket.request("PUT", "?versioning").body(versioning).send().expect_status(200);
}

fn put_version(bucket: &Bucket, key: &str, body: &str) -> String {
    let answer = bucket.request("PUT", &format!("/{key}")).body(body).send().expect_status(200);
    answer.header("x-amz-version-id").to_owned()
}

fn versions(bucket: &Bucket) -> Vec<String> {
    bucket.request("GET", "?versions").send().expect_status(200).elements("VersionId")
}

#[test]
fn older_versions_end_but_the_newest_of_them_and_the_current_one_stay() {
    let bucket = Bucket::new();
    enable_versions(&bucket);
    let made: Vec<String> = (0..4).map(|number| put_version(&bucket, "k", &number.to_string())).collect();
    let other = put_version(&bucket, "other", "alone");
    set_rule(
        &bucket,
        "<ID>a</ID><Filter/><Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>\
         <NewerNoncurrentVersions>1</NewerNoncurrentVersions></NoncurrentVersionExpiration>",
    );
    let expected = [made[3].clone(), made[2].clone(), other];
    wait_until("two versions are gone", || versions(&bucket) == expected);
    assert_eq!(bucket.get("k"), b"3");
}

#[test]
fn a_deleted_key_ends_with_its_versions_and_its_marker() {
    let bucket = Bucket::new();
    enable_versions(&bucket);
    put_version(&bucket, "k", "1");
    put_version(&bucket, "kept", "2");
    bucket.request("DELETE", "/k").send().expect_status(204);
    assert_eq!(versions(&bucket).len(), 3);
    set_rule(
        &bucket,
        "<ID>a</ID><Filter/><Status>Enabled</Status><Expiration><ExpiredObjectDeleteMarker>true\
         </ExpiredObjectDeleteMarker></Expiration><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>\
         </NoncurrentVersionExpiration>",
    );
    wait_until("only the other key is there", || versions(&bucket).len() == 1);
    assert_eq!(bucket.get("kept"), b"2");
}

#[test]
fn a_locked_version_stays_when_its_time_is_over() {
    let bucket = Bucket::new();
    bucket.request("DELETE", "").send().expect_status(204);
    bucket.request("PUT", "").header("x-amz-bucket-object-lock-enabled", "true").send().expect_status(200);
    let held = put_version(&bucket, "k", "1");
    let hold = "<LegalHold><Status>ON</Status></LegalHold>";
    bucket.request("PUT", "/k?legal-hold").digested(hold).send().expect_status(200);
    let free = put_version(&bucket, "k", "2");
    let current = put_version(&bucket, "k", "3");
    set_rule(
        &bucket,
        "<ID>a</ID><Filter/><Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>\
         </NoncurrentVersionExpiration>",
    );
    wait_until("the other one is gone", || !versions(&bucket).contains(&free));
    assert_eq!(versions(&bucket), [current, held.clone()]);
    assert_eq!(bucket.request("GET", &format!("/k?versionId={held}")).send().expect_status(200).body, b"1");
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
    let source = format!("/{}/logs/a", bucket.name);
    let copy =
        bucket.request("PUT", "/logs/b").header("x-amz-copy-source", &source).send().expect_status(200);
    assert_eq!(copy.header("x-amz-expiration"), expected);
    let upload = Upload::start(&bucket, "logs/c", &[]);
    let tag = upload.part(1, b"1");
    let completed = upload.complete(&[(1, &tag)]).expect_status(200);
    assert_eq!(completed.header("x-amz-expiration"), expected);
    let other = bucket.request("PUT", "/other").body("1").send().expect_status(200);
    assert!(!other.headers.contains_key("x-amz-expiration"));
}

#[test]
fn uploads_tell_when_a_rule_ends_them() {
    let bucket = Bucket::new();
    set_rule(
        &bucket,
        "<ID>never done</ID><Filter><Prefix>tmp/</Prefix></Filter><Status>Enabled</Status>\
         <AbortIncompleteMultipartUpload><DaysAfterInitiation>1000000</DaysAfterInitiation></AbortIncompleteMultipartUpload>",
    );
    let started = bucket.request("POST", "/tmp/a?uploads").send().expect_status(200);
    assert_eq!(started.header("x-amz-abort-rule-id"), "never done");
    let listed = format!("/tmp/a?uploadId={}", started.element("UploadId"));
    let listed = bucket.request("GET", &listed).send().expect_status(200);
    for name in ["x-amz-abort-date", "x-amz-abort-rule-id"] {
        assert_eq!(listed.header(name), started.header(name));
    }
    let other = bucket.request("POST", "/other?uploads").send().expect_status(200);
    assert!(!other.headers.contains_key("x-amz-abort-date"));
}

#[test]
fn objects_and_older_versions_go_to_the_storage_class_of_a_rule() {
    let bucket = Bucket::new();
    enable_versions(&bucket);
    bucket.put("large", &vec![1; 200_000]);
    bucket.put("large", &vec![2; 200_000]);
    bucket.put("small", b"1");
    set_rule(
        &bucket,
        "<ID>cold</ID><Filter/><Status>Enabled</Status>\
         <Transition><Days>1</Days><StorageClass>GLACIER_IR</StorageClass></Transition>\
         <NoncurrentVersionTransition><NoncurrentDays>1</NoncurrentDays>\
         <StorageClass>INTELLIGENT_TIERING</StorageClass></NoncurrentVersionTransition>",
    );
    let classes = || bucket.request("GET", "?versions").send().elements("StorageClass");
    let expected = ["GLACIER_IR", "INTELLIGENT_TIERING", "STANDARD"];
    wait_until("the versions are in their classes", || classes() == expected);
    let head = bucket.request("HEAD", "/large").send().expect_status(200);
    assert_eq!(head.header("x-amz-storage-class"), "GLACIER_IR");
    assert!(bucket.get("large") == vec![2; 200_000]);
}
