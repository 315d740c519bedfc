//! ListParts.

use crate::client::Bucket;
use crate::multipart::Upload;

#[test]
fn parts_are_listed_page_by_page() {
    let bucket = Bucket::new();
    let headers = [("x-amz-checksum-algorithm", "CRC32C"), ("x-amz-checksum-type", "FULL_OBJECT")];
    let upload = Upload::start(&bucket, "a%26b", &headers);
    for number in [5, 1, 9] {
        upload.part(number, format!("part {number}").as_bytes());
    }
    let all = bucket.request("GET", &upload.target("")).send().expect_status(200);
    assert_eq!(all.elements("PartNumber"), ["1", "5", "9"]);
    assert_eq!((all.element("Key").as_str(), all.element("UploadId")), ("a&amp;b", upload.id.clone()));
    assert_eq!(
        (all.element("ChecksumAlgorithm").as_str(), all.elements("ChecksumCRC32C").len()),
        ("CRC32C", 3)
    );
    assert_eq!((all.element("IsTruncated").as_str(), all.elements("Size").len()), ("false", 3));
    let first = bucket.request("GET", &upload.target("max-parts=2&")).send().expect_status(200);
    assert_eq!((first.elements("PartNumber").len(), first.element("IsTruncated").as_str()), (2, "true"));
    let marker = first.element("NextPartNumberMarker");
    let rest = bucket.request("GET", &upload.target(&format!("part-number-marker={marker}&"))).send();
    assert_eq!(rest.expect_status(200).elements("PartNumber"), ["9"]);
    let beyond = bucket.request("GET", &upload.target("part-number-marker=99999&")).send();
    assert!(beyond.expect_status(200).elements("PartNumber").is_empty());
}

#[test]
fn silly_pages_and_uploads_are_refused() {
    let bucket = Bucket::new();
    let upload = Upload::start(&bucket, "k", &[]);
    for query in ["max-parts=-1&", "max-parts=x&", "part-number-marker=x&", "part-number-marker=-1&"] {
        bucket.request("GET", &upload.target(query)).send().expect_error(400, "InvalidArgument");
    }
    let answer = bucket.request("GET", "/k?uploadId=made-up").send().expect_error(404, "NoSuchUpload");
    assert_eq!(answer.element("UploadId"), "made-up");
}
