//! CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload.

use std::thread;

use holdfast::checksum::md5::Md5;
use holdfast::checksum::{self, Hasher};
use holdfast::types::ChecksumAlgorithm;

use crate::client::{Answer, Bucket};

/// The least length of a part that is not the last.
pub const PART: usize = 5 << 20;

/// An upload in progress.
pub struct Upload<'a> {
    pub bucket: &'a Bucket,
    pub key: String,
    pub id: String,
}

impl<'a> Upload<'a> {
    pub fn start(bucket: &'a Bucket, key: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = bucket.request("POST", &format!("/{key}?uploads"));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().expect_status(200);
        assert_eq!(answer.element("Bucket"), bucket.name);
        Self { bucket, key: key.into(), id: answer.element("UploadId") }
    }

    pub fn target(&self, query: &str) -> String {
        format!("/{}?{query}uploadId={}", self.key, self.id)
    }

    /// Uploads a part and answers its ETag.
    pub fn part(&self, number: u32, body: &[u8]) -> String {
        let request = self.bucket.request("PUT", &self.target(&format!("partNumber={number}&")));
        request.body(body).send().expect_status(200).header("etag").to_owned()
    }

    pub fn complete(&self, parts: &[(u32, &str)]) -> Answer {
        self.complete_with(parts, &[])
    }

    pub fn complete_with(&self, parts: &[(u32, &str)], headers: &[(&str, &str)]) -> Answer {
        let part = |(number, etag): &(u32, &str)| {
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
        };
        self.complete_parts(&parts.iter().map(part).collect::<String>(), headers)
    }

    /// With the CRC-32 of each part, as an upload for a checksum that is made of them wants it.
    fn complete_summed(&self, parts: &[(u32, &str, &str)], headers: &[(&str, &str)]) -> Answer {
        let part = |(number, etag, crc): &(u32, &str, &str)| {
            let crc = format!("<ChecksumCRC32>{crc}</ChecksumCRC32>");
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag>{crc}</Part>")
        };
        self.complete_parts(&parts.iter().map(part).collect::<String>(), headers)
    }

    fn complete_parts(&self, parts: &str, headers: &[(&str, &str)]) -> Answer {
        let document = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        let mut request = self.bucket.request("POST", &self.target("")).body(document);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send()
    }

    pub fn abort(&self) -> Answer {
        self.bucket.request("DELETE", &self.target("")).send()
    }
}

fn etag_of_parts(parts: &[&[u8]]) -> String {
    let joined: Vec<u8> = parts.iter().flat_map(|part| Md5::digest(part)).collect();
    let hex: String = Md5::digest(&joined).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}-{}", parts.len())
}

fn crc32(body: &[u8]) -> String {
    let mut hasher = Hasher::new(ChecksumAlgorithm::Crc32);
    hasher.update(body);
    checksum::encode(&hasher.finish())
}

#[test]
fn parts_uploaded_at_once_make_one_object() {
    let bucket = Bucket::new();
    let upload = Upload::start(&bucket, "big%20one", &[("x-amz-meta-a", "1"), ("content-type", "text/x")]);
    let bodies: Vec<Vec<u8>> =
        [PART, PART + 1_234_567, 77].iter().map(|len| vec![*len as u8; *len]).collect();
    let etags: Vec<String> = thread::scope(|scope| {
        let upload = &upload;
        let tasks: Vec<_> = bodies
            .iter()
            .zip([3, 7, 20])
            .map(|(body, number)| scope.spawn(move || upload.part(number, body)))
            .collect();
        tasks.into_iter().map(|task| task.join().unwrap()).collect()
    });
    let parts = [(3, etags[0].as_str()), (7, etags[1].as_str()), (20, etags[2].as_str())];
    let answer = upload.complete(&parts).expect_status(200);
    let expected = etag_of_parts(&bodies.iter().map(Vec::as_slice).collect::<Vec<_>>());
    assert_eq!(answer.element("ETag"), format!("&quot;{expected}&quot;"));
    assert!(answer.element("Location").ends_with("/big%20one"));
    let got = bucket.request("GET", "/big%20one").send().expect_status(200);
    assert!(got.body == bodies.concat());
    assert_eq!((got.header("etag"), got.header("x-amz-meta-a")), (format!("\"{expected}\"").as_str(), "1"));
    let second = bucket.request("GET", "/big%20one?partNumber=2").send().expect_status(206);
    assert!(second.body == bodies[1]);
    assert_eq!(second.header("x-amz-mp-parts-count"), "3");
    upload.abort().expect_error(404, "NoSuchUpload");
}

#[test]
fn nothing_is_seen_before_completion_and_nothing_after_abort() {
    let bucket = Bucket::new();
    let upload = Upload::start(&bucket, "k", &[]);
    let etag = upload.part(1, b"part");
    bucket.expect_absent("k");
    upload.abort().expect_status(204);
    bucket.expect_absent("k");
    upload.complete(&[(1, &etag)]).expect_error(404, "NoSuchUpload");
    let late = bucket.request("PUT", &upload.target("partNumber=2&")).body("late").send();
    late.expect_error(404, "NoSuchUpload");
}

#[test]
fn later_part_of_the_same_number_replaces_the_earlier() {
    let bucket = Bucket::new();
    let upload = Upload::start(&bucket, "k", &[]);
    let first = upload.part(1, b"first");
    let second = upload.part(1, b"second");
    upload.complete(&[(1, &first)]).expect_error(400, "InvalidPart");
    upload.complete(&[(1, &second)]).expect_status(200);
    assert_eq!(bucket.get("k"), b"second");
}

#[test]
fn parts_must_be_known_ordered_and_large_enough() {
    let bucket = Bucket::new();
    let upload = Upload::start(&bucket, "k", &[]);
    let (one, two) = (upload.part(1, b"small"), upload.part(2, b"last"));
    for (parts, code) in [
        (&[(1, one.as_str()), (2, two.as_str())][..], "EntityTooSmall"),
        (&[(2, &two), (1, &one)], "InvalidPartOrder"),
        (&[(1, &one), (1, &one)], "InvalidPartOrder"),
        (&[(3, &one)], "InvalidPart"),
        (&[(1, &two)], "InvalidPart"),
        (&[(1, "garbage")], "InvalidPart"),
        (&[], "MalformedXML"),
        (&[(0, &one)], "InvalidArgument"),
    ] {
        upload.complete(parts).expect_error(400, code);
        bucket.expect_absent("k");
    }
    for document in ["", "<CompleteMultipartUpload>", "<Other/>"] {
        let answer = bucket.request("POST", &upload.target("")).body(document).send();
        answer.expect_error(400, "MalformedXML");
    }
    upload.complete(&[(2, &two)]).expect_status(200);
    assert_eq!(bucket.get("k"), b"last");
}

#[test]
fn silly_part_numbers_and_uploads_are_refused() {
    let bucket = Bucket::new();
    let upload = Upload::start(&bucket, "k", &[]);
    for number in ["0", "10001", "-1", "x", ""] {
        let answer = bucket.request("PUT", &upload.target(&format!("partNumber={number}&"))).body("x").send();
        answer.expect_error(400, "InvalidArgument");
    }
    let made_up = "0123456789abcdef0123456789abcdef";
    for id in ["x", "", made_up] {
        let answer = bucket.request("PUT", &format!("/k?partNumber=1&uploadId={id}")).body("x").send();
        answer.expect_error(404, "NoSuchUpload");
    }
    let other =
        bucket.request("PUT", &format!("/other?partNumber=1&uploadId={}", upload.id)).body("x").send();
    other.expect_error(404, "NoSuchUpload");
    assert_eq!(upload.part(10_000, b"x").len(), 34);
}

#[test]
fn bad_parts_are_not_kept() {
    let bucket = Bucket::new();
    let upload = Upload::start(&bucket, "k", &[("x-amz-checksum-algorithm", "CRC32")]);
    let put = || bucket.request("PUT", &upload.target("partNumber=1&")).body("part");
    put().send().expect_error(400, "InvalidRequest");
    let summed = put().header("x-amz-checksum-crc32", crc32(b"part"));
    summed.header("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==").send().expect_error(400, "BadDigest");
    put().header("x-amz-checksum-crc32", "AAAAAA==").send().expect_error(400, "BadDigest");
    put().header("x-amz-checksum-crc32c", "AAAAAA==").send().expect_error(400, "InvalidRequest");
    put().header("x-amz-server-side-encryption-customer-key", "k").send().expect_error(400, "InvalidRequest");
    let parts = bucket.request("GET", &upload.target("")).send().expect_status(200);
    assert!(parts.elements("PartNumber").is_empty());
}

#[test]
fn composite_checksum_is_of_the_parts() {
    let bucket = Bucket::new();
    let upload = Upload::start(&bucket, "k", &[("x-amz-checksum-algorithm", "CRC32")]);
    let bodies = [vec![1u8; PART], b"end".to_vec()];
    let put = |number: usize| {
        let request = bucket.request("PUT", &upload.target(&format!("partNumber={number}&")));
        let value = crc32(&bodies[number - 1]);
        let answer = request
            .header("x-amz-checksum-crc32", &value)
            .body(&bodies[number - 1])
            .send()
            .expect_status(200);
        assert_eq!(answer.header("x-amz-checksum-crc32"), value);
        answer.header("etag").to_owned()
    };
    let (one, two) = (put(1), put(2));
    upload.complete(&[(1, &one), (2, &two)]).expect_error(400, "InvalidRequest");
    let sums = bodies.each_ref().map(|body| crc32(body));
    let parts = [(1, one.as_str(), sums[0].as_str()), (2, &two, &sums[1])];
    let gap = [(2, two.as_str(), sums[1].as_str())];
    upload.complete_summed(&gap, &[]).expect_error(400, "InvalidPartOrder");
    let wrong = upload.complete_summed(&parts, &[("x-amz-checksum-crc32", "AAAAAA==-2")]);
    wrong.expect_error(400, "BadDigest");
    let answer = upload.complete_summed(&parts, &[]).expect_status(200);
    let values: Vec<u8> = bodies
        .iter()
        .flat_map(|body| checksum::decode(ChecksumAlgorithm::Crc32, &crc32(body)).unwrap().bytes)
        .collect();
    let composite = format!("{}-2", crc32(&values));
    assert_eq!(
        (answer.element("ChecksumCRC32"), answer.element("ChecksumType")),
        (composite.clone(), "COMPOSITE".into())
    );
    let head = bucket.request("HEAD", "/k").header("x-amz-checksum-mode", "ENABLED").send();
    assert_eq!(head.expect_status(200).header("x-amz-checksum-crc32"), composite);
}

#[test]
fn full_object_checksum_is_of_the_whole() {
    let bucket = Bucket::new();
    let headers = [("x-amz-checksum-algorithm", "CRC32"), ("x-amz-checksum-type", "FULL_OBJECT")];
    let upload = Upload::start(&bucket, "k", &headers);
    let bodies = [vec![1u8; PART], b"end".to_vec()];
    let (one, two) = (upload.part(1, &bodies[0]), upload.part(2, &bodies[1]));
    let value = crc32(&bodies.concat());
    let parts = [(1, one.as_str()), (2, two.as_str())];
    let wrong_size = upload.complete_with(&parts, &[("x-amz-mp-object-size", "1")]);
    wrong_size.expect_error(400, "InvalidRequest");
    let size = (PART + 3).to_string();
    let answer = upload.complete_with(
        &parts,
        &[
            ("x-amz-checksum-crc32", &value),
            ("x-amz-checksum-type", "FULL_OBJECT"),
            ("x-amz-mp-object-size", &size),
        ],
    );
    assert_eq!(answer.expect_status(200).element("ChecksumCRC32"), value);
}

#[test]
fn checksum_kinds_that_do_not_go_together_are_refused() {
    let bucket = Bucket::new();
    for (algorithm, kind) in
        [("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE"), ("MD4", ""), ("CRC32", "HALF")]
    {
        let request = bucket.request("POST", "/k?uploads").header("x-amz-checksum-algorithm", algorithm);
        request.header("x-amz-checksum-type", kind).send().expect_error(400, "InvalidRequest");
    }
}

#[test]
fn completion_obeys_conditions() {
    let bucket = Bucket::new();
    let upload = Upload::start(&bucket, "k", &[]);
    let etag = upload.part(1, b"multipart");
    bucket.put("k", b"plain");
    let answer = upload.complete_with(&[(1, &etag)], &[("if-none-match", "*")]);
    answer.expect_error(412, "PreconditionFailed");
    assert_eq!(bucket.get("k"), b"plain");
    bucket.request("DELETE", "/k").send().expect_status(204);
    upload.complete_with(&[(1, &etag)], &[("if-none-match", "*")]).expect_status(200);
    assert_eq!(bucket.get("k"), b"multipart");
}

#[test]
fn uploads_need_their_bucket() {
    let bucket = Bucket::new();
    bucket.request("DELETE", "").send().expect_status(204);
    bucket.request("POST", "/k?uploads").send().expect_error(404, "NoSuchBucket");
}

/// Two parts with checksums of an algorithm; the values in order.
fn with_checksums(bucket: &Bucket, key: &str, headers: &[(&str, &str)]) -> Vec<String> {
    let upload = Upload::start(bucket, key, headers);
    let mut values = Vec::new();
    let mut parts = Vec::new();
    for (number, body) in [(1, vec![1; PART]), (2, b"end".to_vec())] {
        let value = crc32(&body);
        let request = bucket.request("PUT", &upload.target(&format!("partNumber={number}&")));
        let answer = request.header("x-amz-checksum-crc32", &value).body(&body).send().expect_status(200);
        parts.push((number, answer.header("etag").to_owned()));
        values.push(value);
    }
    let parts = parts.iter().zip(&values);
    let parts: Vec<(u32, &str, &str)> =
        parts.map(|((number, etag), value)| (*number, etag.as_str(), value.as_str())).collect();
    upload.complete_summed(&parts, &[]).expect_status(200);
    values
}

fn object_parts(bucket: &Bucket, key: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request =
        bucket.request("GET", &format!("/{key}?attributes")).header("x-amz-object-attributes", "ObjectParts");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.send()
}

#[test]
fn attributes_tell_of_each_part_where_the_checksum_is_made_of_theirs() {
    let bucket = Bucket::new();
    let values = with_checksums(&bucket, "k", &[("x-amz-checksum-algorithm", "CRC32")]);
    let lists = |answer: &Answer| ["PartNumber", "Size", "ChecksumCRC32"].map(|name| answer.elements(name));
    let all = [vec!["1".to_owned(), "2".into()], vec![PART.to_string(), "3".into()], values.clone()];
    let answer = object_parts(&bucket, "k", &[]).expect_status(200);
    assert_eq!(lists(&answer), all);
    let page = |answer: &Answer| {
        ["PartsCount", "PartNumberMarker", "NextPartNumberMarker", "MaxParts", "IsTruncated"]
            .map(|name| answer.element(name))
    };
    assert_eq!(page(&answer), ["2", "0", "2", "1000", "false"]);
    let first = object_parts(&bucket, "k", &[("x-amz-max-parts", "1")]).expect_status(200);
    assert_eq!(page(&first), ["2", "0", "1", "1", "true"]);
    assert_eq!(lists(&first), [vec!["1".to_owned()], vec![PART.to_string()], values[..1].to_vec()]);
    let second = object_parts(&bucket, "k", &[("x-amz-part-number-marker", "1")]).expect_status(200);
    assert_eq!(page(&second), ["2", "1", "2", "1000", "false"]);
    assert_eq!(second.elements("PartNumber"), ["2"]);
    let behind = object_parts(&bucket, "k", &[("x-amz-part-number-marker", "99999")]).expect_status(200);
    assert_eq!((behind.elements("Part").len(), behind.element("IsTruncated").as_str()), (0, "false"));
    object_parts(&bucket, "k", &[("x-amz-max-parts", "-1")]).expect_error(400, "InvalidArgument");
    object_parts(&bucket, "k", &[("x-amz-part-number-marker", "x")]).expect_error(400, "InvalidArgument");
}

#[test]
fn attributes_only_count_the_parts_of_other_objects() {
    let bucket = Bucket::new();
    let headers = [("x-amz-checksum-algorithm", "CRC32"), ("x-amz-checksum-type", "FULL_OBJECT")];
    with_checksums(&bucket, "full", &headers);
    let upload = Upload::start(&bucket, "plain", &[]);
    let etag = upload.part(1, b"1");
    upload.complete(&[(1, &etag)]).expect_status(200);
    for (key, count) in [("full", "2"), ("plain", "1")] {
        let answer = object_parts(&bucket, key, &[]).expect_status(200);
        assert_eq!((answer.element("PartsCount").as_str(), answer.elements("Part").len()), (count, 0));
        assert!(answer.elements("MaxParts").is_empty());
    }
    bucket.put("single", b"1");
    assert!(object_parts(&bucket, "single", &[]).expect_status(200).elements("ObjectParts").is_empty());
}

#[test]
fn a_part_is_read_with_its_own_checksum() {
    let bucket = Bucket::new();
    let values = with_checksums(&bucket, "k", &[("x-amz-checksum-algorithm", "CRC32")]);
    let part = |method: &str, key: &str, number: u32| {
        let request = bucket.request(method, &format!("/{key}?partNumber={number}"));
        request.header("x-amz-checksum-mode", "ENABLED").send().expect_status(206)
    };
    for method in ["GET", "HEAD"] {
        for (number, value) in (1..).zip(&values) {
            let answer = part(method, "k", number);
            assert_eq!(answer.header("x-amz-checksum-crc32"), value);
            assert_eq!(answer.header("x-amz-checksum-type"), "COMPOSITE");
        }
    }
    with_checksums(
        &bucket,
        "full",
        &[("x-amz-checksum-algorithm", "CRC32"), ("x-amz-checksum-type", "FULL_OBJECT")],
    );
    assert!(!part("GET", "full", 1).headers.contains_key("x-amz-checksum-crc32"), "that is of the whole");
    let single = bucket.request("PUT", "/single").header("x-amz-checksum-crc32", crc32(b"one")).body("one");
    single.send().expect_status(200);
    assert_eq!(part("GET", "single", 1).header("x-amz-checksum-crc32"), crc32(b"one"));
}

#[test]
fn checksums_of_parts_go_where_the_object_goes_and_with_its_last_version() {
    let bucket = Bucket::new();
    let values = with_checksums(&bucket, "k", &[("x-amz-checksum-algorithm", "CRC32")]);
    let versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    let checksums = |key: &str| object_parts(&bucket, key, &[]).expect_status(200).elements("ChecksumCRC32");
    let source = format!("/{}/k", bucket.name);
    for key in ["copy", "k"] {
        let copy = bucket.request("PUT", &format!("/{key}")).header("x-amz-copy-source", &source);
        copy.header("x-amz-metadata-directive", "REPLACE").send().expect_status(200);
        assert_eq!(checksums(key), values, "{key}");
    }
    bucket.request("PUT", "?versioning").body(versioning).send().expect_status(200);
    bucket.put("k", b"newer");
    let older = bucket.request("GET", "/k?attributes&versionId=null");
    let older = older.header("x-amz-object-attributes", "ObjectParts").send().expect_status(200);
    assert_eq!(older.elements("ChecksumCRC32"), values);
    let removed = bucket.request("DELETE", "/k?versionId=null").send();
    removed.expect_status(204);
    assert_eq!(checksums("copy"), values);
}
