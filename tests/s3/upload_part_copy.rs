//! UploadPartCopy.

use crate::client::{Bucket, Request};
use crate::multipart::{PART, Upload};

fn copy_part(upload: &Upload<'_>, number: u32, source: &str) -> Request {
    let request = upload.bucket.request("PUT", &upload.target(&format!("partNumber={number}&")));
    request.header("x-amz-copy-source", format!("/{}/{source}", upload.bucket.name))
}

#[test]
fn parts_are_copied_whole_and_in_ranges() {
    let bucket = Bucket::new();
    let source: Vec<u8> = (0..PART as u32 + 1000).map(|i| (i * 13 % 251) as u8).collect();
    bucket.put("src", &source);
    let headers = [("x-amz-checksum-algorithm", "CRC32"), ("x-amz-checksum-type", "FULL_OBJECT")];
    let upload = Upload::start(&bucket, "k", &headers);
    let one = copy_part(&upload, 1, "src").send().expect_status(200);
    assert!(!one.element("ChecksumCRC32").is_empty());
    let two = copy_part(&upload, 2, "src").header("x-amz-copy-source-range", "bytes=100-1099").send();
    let two = two.expect_status(200);
    upload.complete(&[(1, &one.element("ETag")), (2, &two.element("ETag"))]).expect_status(200);
    assert!(bucket.get("k") == [&source[..], &source[100..1100]].concat());
}

#[test]
fn empty_source_makes_an_empty_part() {
    let bucket = Bucket::new();
    bucket.put("src", b"");
    let upload = Upload::start(&bucket, "k", &[]);
    let part = copy_part(&upload, 1, "src").send().expect_status(200);
    upload.complete(&[(1, &part.element("ETag"))]).expect_status(200);
    assert_eq!(bucket.get("k"), b"");
}

#[test]
fn silly_ranges_and_sources_store_no_part() {
    let bucket = Bucket::new();
    let etag = bucket.put("src", b"0123456789");
    let upload = Upload::start(&bucket, "k", &[]);
    for range in ["bytes=0-10", "bytes=5-2", "bytes=-5", "bytes=5-", "0-5", "bytes=a-b"] {
        let answer = copy_part(&upload, 1, "src").header("x-amz-copy-source-range", range).send();
        answer.expect_error(400, "InvalidArgument");
    }
    copy_part(&upload, 1, "missing").send().expect_error(404, "NoSuchKey");
    let changed = copy_part(&upload, 1, "src").header("x-amz-copy-source-if-none-match", etag).send();
    changed.expect_error(412, "PreconditionFailed");
    let parts = bucket.request("GET", &upload.target("")).send().expect_status(200);
    assert!(parts.elements("PartNumber").is_empty());
}

#[test]
fn missing_upload_is_said() {
    let bucket = Bucket::new();
    bucket.put("src", b"v");
    let upload = Upload { bucket: &bucket, key: "k".into(), id: "0123456789abcdef0123456789abcdef".into() };
    copy_part(&upload, 1, "src").send().expect_error(404, "NoSuchUpload");
}
