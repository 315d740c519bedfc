//! CopyObject.

use crate::client::{Answer, Bucket, Request};

fn copy(bucket: &Bucket, source: &str, target: &str) -> Request {
    bucket.request("PUT", target).header("x-amz-copy-source", source)
}

fn meta(bucket: &Bucket, key: &str) -> Option<String> {
    let answer = bucket.request("HEAD", &format!("/{key}")).send().expect_status(200);
    answer.headers.get("x-amz-meta-a").map(|value| value.to_str().unwrap().to_owned())
}

fn source() -> Bucket {
    let bucket = Bucket::new();
    let put =
        bucket.request("PUT", "/src%20a%2B").header("x-amz-meta-a", "1").header("content-type", "text/x");
    put.body("source bytes").send().expect_status(200);
    bucket
}

#[test]
fn copies_carry_bytes_metadata_and_etag() {
    let bucket = source();
    let tag = bucket.request("HEAD", "/src%20a%2B").send().header("etag").to_owned();
    for (index, from) in ["/{}/src%20a%2B", "{}/src%20a%2B", "{}%2Fsrc+a%2B", "/{}/src%20a%2B?versionId=null"]
        .iter()
        .enumerate()
    {
        let target = format!("/copy{index}");
        let answer = copy(&bucket, &from.replace("{}", &bucket.name), &target).send().expect_status(200);
        assert_eq!(answer.element("ETag"), tag.replace('"', "&quot;"));
        assert!(answer.element("LastModified").ends_with('Z'));
        assert_eq!(bucket.get(&target[1..]), b"source bytes");
        assert_eq!(meta(&bucket, &target[1..]).as_deref(), Some("1"));
    }
}

#[test]
fn copies_outlive_their_source() {
    let bucket = Bucket::new();
    let body = vec![42u8; 3_000_000];
    bucket.put("a", &body);
    copy(&bucket, &format!("/{}/a", bucket.name), "/b").send().expect_status(200);
    bucket.request("DELETE", "/a").send().expect_status(204);
    assert!(bucket.get("b") == body);
    bucket.put("b", b"other");
    assert_eq!(bucket.get("b"), b"other");
}

#[test]
fn copies_go_between_buckets() {
    let (from, to) = (source(), Bucket::new());
    copy(&to, &format!("/{}/src%20a%2B", from.name), "/k").send().expect_status(200);
    assert_eq!(to.get("k"), b"source bytes");
}

#[test]
fn replace_changes_metadata_also_onto_itself() {
    let bucket = source();
    let itself = format!("/{}/src%20a%2B", bucket.name);
    let plain = copy(&bucket, &itself, "/src%20a%2B").send();
    plain.expect_error(400, "InvalidRequest");
    let replaced = copy(&bucket, &itself, "/src%20a%2B").header("x-amz-metadata-directive", "REPLACE");
    replaced.header("x-amz-meta-a", "2").send().expect_status(200);
    assert_eq!(meta(&bucket, "src%20a%2B").as_deref(), Some("2"));
    let answer = bucket.request("GET", "/src%20a%2B").send();
    assert_eq!(
        (answer.body.as_slice(), answer.header("content-type")),
        (&b"source bytes"[..], "binary/octet-stream")
    );
    let unknown = copy(&bucket, &itself, "/x").header("x-amz-metadata-directive", "MERGE").send();
    unknown.expect_error(400, "InvalidArgument");
}

#[test]
fn conditions_on_the_source_hold_or_nothing_is_copied() {
    let bucket = source();
    let itself = format!("/{}/src%20a%2B", bucket.name);
    let tag = bucket.request("HEAD", "/src%20a%2B").send().header("etag").to_owned();
    let with =
        |name: &str, value: &str| -> Answer { copy(&bucket, &itself, "/t").header(name, value).send() };
    for (name, value) in [
        ("x-amz-copy-source-if-none-match", tag.as_str()),
        ("x-amz-copy-source-if-match", "\"00000000000000000000000000000000\""),
        ("x-amz-copy-source-if-unmodified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("x-amz-copy-source-if-modified-since", "Thu, 01 Dec 2094 16:00:00 GMT"),
    ] {
        with(name, value).expect_error(412, "PreconditionFailed");
        bucket.expect_absent("t");
    }
    with("x-amz-copy-source-if-match", &tag).expect_status(200);
    with("if-none-match", "*").expect_error(412, "PreconditionFailed");
}

#[test]
fn sources_that_are_not_there_are_named() {
    let bucket = source();
    for (from, status, code) in [
        ("/{}/missing", 404, "NoSuchKey"),
        ("/no-such-bucket/k", 404, "NoSuchBucket"),
        ("nonsense", 400, "InvalidArgument"),
        ("/{}/", 400, "InvalidArgument"),
        ("/{}/src%20a%2B?versionId=00000000000000ff", 404, "NoSuchVersion"),
        ("/{}/src%20a%2B?versionId=made-up", 400, "InvalidArgument"),
    ] {
        let answer = copy(&bucket, &from.replace("{}", &bucket.name), "/t").send();
        let answer = answer.expect_error(status, code);
        if code == "NoSuchBucket" {
            assert_eq!(answer.elements("BucketName"), ["no-such-bucket"]);
        }
        bucket.expect_absent("t");
    }
}

#[test]
fn a_copy_may_have_another_checksum_than_its_source() {
    let bucket = source();
    let itself = format!("/{}/src%20a%2B", bucket.name);
    let answer = copy(&bucket, &itself, "/t").header("x-amz-checksum-algorithm", "SHA256").send();
    assert_eq!(answer.expect_status(200).elements("ChecksumSHA256").len(), 1);
    let read = bucket.request("GET", "/t").header("x-amz-checksum-mode", "ENABLED").send();
    assert_eq!(read.header("x-amz-checksum-sha256"), "TUgjeUy+08TuC7xoTI9m4d/Vr6bweNSUziVOxaRnF1M=");
    assert_eq!(meta(&bucket, "t").as_deref(), Some("1"));
    copy(&bucket, &itself, "/u")
        .header("x-amz-checksum-algorithm", "MD4")
        .send()
        .expect_error(400, "InvalidRequest");
}

#[test]
fn the_storage_class_is_told_and_is_not_that_of_the_source() {
    let bucket = Bucket::new();
    let put = bucket.request("PUT", "/k").header("x-amz-storage-class", "STANDARD_IA").body("v");
    put.send().expect_status(200);
    assert_eq!(bucket.request("HEAD", "/k").send().header("x-amz-storage-class"), "STANDARD_IA");
    let itself = format!("/{}/k", bucket.name);
    copy(&bucket, &itself, "/copy").send().expect_status(200);
    copy(&bucket, &itself, "/ia").header("x-amz-storage-class", "ONEZONE_IA").send().expect_status(200);
    let listing = bucket.request("GET", "/?list-type=2").send();
    assert_eq!(listing.elements("StorageClass"), ["STANDARD", "ONEZONE_IA", "STANDARD_IA"]);
    let attributes = bucket.request("GET", "/k?attributes").header("x-amz-object-attributes", "StorageClass");
    assert_eq!(attributes.send().elements("StorageClass"), ["STANDARD_IA"]);
}
