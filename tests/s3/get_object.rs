//! GetObject, HeadObject and GetObjectAttributes.

use crate::client::{Bucket, Request};

fn ten() -> Bucket {
    let bucket = Bucket::new();
    bucket.put("ten", b"0123456789");
    bucket
}

#[test]
fn ranges_are_honoured() {
    let bucket = ten();
    for (range, expected, content_range) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=2-5", "2345", "bytes 2-5/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=5-500", "56789", "bytes 5-9/10"),
    ] {
        let answer = bucket.request("GET", "/ten").header("range", range).send().expect_status(206);
        assert_eq!((answer.text().as_str(), answer.header("content-range")), (expected, content_range));
        let head = bucket.request("HEAD", "/ten").header("range", range).send().expect_status(206);
        assert_eq!(head.header("content-length"), expected.len().to_string());
        assert!(head.body.is_empty());
    }
}

#[test]
fn silly_ranges_are_ignored_and_hopeless_ones_refused() {
    let bucket = ten();
    for range in ["bytes=5-2", "bytes=0-1,3-4", "lines=0-1", "bytes=a-"] {
        let answer = bucket.request("GET", "/ten").header("range", range).send().expect_status(200);
        assert_eq!(answer.body, b"0123456789", "{range}");
    }
    for range in ["bytes=10-", "bytes=10-20", "bytes=-0"] {
        let answer = bucket.request("GET", "/ten").header("range", range).send();
        let answer = answer.expect_error(416, "InvalidRange");
        assert_eq!(answer.header("content-range"), "bytes */10");
        assert_eq!(answer.element("ActualObjectSize"), "10");
    }
    bucket.put("empty", b"");
    bucket.request("GET", "/empty").header("range", "bytes=0-").send().expect_error(416, "InvalidRange");
}

#[test]
fn ranges_of_large_objects_are_cut_anywhere() {
    let bucket = Bucket::new();
    let body: Vec<u8> = (0..5_000_001u32).map(|i| (i * 7 % 253) as u8).collect();
    bucket.put("large", &body);
    for (first, last) in
        [(0, 0), (65_535, 65_536), (1_048_575, 1_048_577), (123_456, 4_567_890), (5_000_000, 5_000_000)]
    {
        let answer = bucket.request("GET", "/large").header("range", format!("bytes={first}-{last}")).send();
        assert!(answer.expect_status(206).body == body[first..=last], "{first}-{last}");
    }
}

#[test]
fn overrides_set_the_headers_of_the_answer() {
    let bucket = ten();
    let query = "response-content-type=text%2Fx&response-content-disposition=inline&response-cache-control=no-store\
                 &response-content-language=fr&response-content-encoding=br&response-expires=never";
    let answer = bucket.request("GET", &format!("/ten?{query}")).send().expect_status(200);
    for (name, value) in [
        ("content-type", "text/x"),
        ("content-disposition", "inline"),
        ("cache-control", "no-store"),
        ("content-language", "fr"),
        ("content-encoding", "br"),
        ("expires", "never"),
    ] {
        assert_eq!(answer.header(name), value);
    }
    let split = bucket.request("GET", "/ten?response-content-type=a%0D%0Ax-evil:%201").send();
    split.expect_error(400, "InvalidArgument");
    // Characters of headers are those of ISO-8859-1.
    let latin =
        bucket.request("GET", "/ten?response-content-disposition=inline%3B%20filename%3D%C3%A9").send();
    assert_eq!(latin.expect_status(200).headers["content-disposition"].as_bytes(), b"inline; filename=\xe9");
    let other =
        bucket.request("GET", "/ten?response-content-disposition=inline%3B%20filename%3D%E5%BE%AE").send();
    let other = other.expect_error(400, "InvalidArgument");
    assert_eq!(other.element("ArgumentName"), "response-content-disposition");
    assert_eq!(other.element("Message"), "Header value cannot be represented using ISO-8859-1.");
}

#[test]
fn missing_objects_and_buckets_are_told_apart() {
    let bucket = ten();
    let answer = bucket.request("GET", "/missing%26").send().expect_error(404, "NoSuchKey");
    assert_eq!(answer.element("Key"), "missing&amp;");
    let head = bucket.request("HEAD", "/missing").send().expect_status(404);
    assert!(head.body.is_empty());
    let answer = Request::new(&bucket.server, "GET", "/no-such-bucket/k").send();
    assert_eq!(answer.expect_error(404, "NoSuchBucket").elements("BucketName"), ["no-such-bucket"]);
}

#[test]
fn null_is_the_only_version() {
    let bucket = ten();
    bucket.request("GET", "/ten?versionId=null").send().expect_status(200);
    bucket.request("GET", "/ten?versionId=00000000000000ff").send().expect_error(404, "NoSuchVersion");
    bucket.request("GET", "/ten?versionId=made-up").send().expect_error(400, "InvalidArgument");
    bucket.request("GET", "/ten?versionId=").send().expect_error(400, "InvalidArgument");
}

#[test]
fn part_numbers_of_a_plain_object() {
    let bucket = ten();
    let answer = bucket.request("GET", "/ten?partNumber=1").send().expect_status(206);
    assert_eq!(
        (answer.body.as_slice(), answer.header("content-range")),
        (&b"0123456789"[..], "bytes 0-9/10")
    );
    bucket.request("GET", "/ten?partNumber=2").send().expect_error(416, "InvalidPartNumber");
    for number in ["0", "10001", "-1", "x", ""] {
        let answer = bucket.request("GET", &format!("/ten?partNumber={number}")).send();
        answer.expect_error(400, "InvalidArgument");
    }
    let both = bucket.request("GET", "/ten?partNumber=1").header("range", "bytes=0-1").send();
    both.expect_error(400, "InvalidRequest");
}

#[test]
fn every_answer_carries_ids_date_and_server() {
    let bucket = ten();
    let answers = [
        bucket.request("GET", "/ten").send(),
        bucket.request("HEAD", "/missing").send(),
        bucket.request("GET", "/ten").anonymous().send(),
    ];
    let mut ids: Vec<&str> = answers.iter().map(|answer| answer.header("x-amz-request-id")).collect();
    for answer in &answers {
        assert!(!answer.header("x-amz-id-2").is_empty() && !answer.header("date").is_empty());
        assert_eq!(answer.header("server"), "Holdfast");
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn attributes_are_those_asked_for() {
    let bucket = ten();
    let ask = |names: &str| {
        bucket.request("GET", "/ten?attributes").header("x-amz-object-attributes", names).send()
    };
    let answer = ask("ETag,ObjectSize").expect_status(200);
    assert_eq!((answer.element("ObjectSize").as_str(), answer.element("ETag").len()), ("10", 32));
    assert!(answer.element("StorageClass").is_empty() && answer.element("Checksum").is_empty());
    let answer = ask("Checksum, StorageClass").expect_status(200);
    assert!(!answer.element("ChecksumCRC64NVME").is_empty());
    assert_eq!(answer.element("StorageClass"), "STANDARD");
    ask("Color").expect_error(400, "InvalidArgument");
    ask("").expect_error(400, "InvalidRequest");
}
