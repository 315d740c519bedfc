//! HEAD is GET without the body: the same status and the same headers, whatever is asked and however it ends.

use hyper::HeaderMap;

use crate::client::{Answer, Bucket};

const MIB: usize = 1 << 20;

/// Names and values, without those that differ from request to request or that speak of the body of an error.
fn comparable(answer: &Answer) -> Vec<(String, String)> {
    const OF_THE_REQUEST: [&str; 2] = ["date", "x-amz-request-id"];
    const OF_AN_ERROR: [&str; 2] = ["content-length", "content-type"];
    let refused = answer.status >= 400;
    let left_out = |name: &str| OF_THE_REQUEST.contains(&name) || refused && OF_AN_ERROR.contains(&name);
    let headers: &HeaderMap = &answer.headers;
    let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let mut pairs: Vec<_> =
        pairs.filter(|(name, _)| !left_out(name)).map(|(name, value)| (name.into(), value.into())).collect();
    pairs.sort();
    pairs
}

#[track_caller]
fn expect_alike(get: Answer, head: Answer, status: u16, case: &str) {
    assert_eq!(get.status, status, "{case}: {}", get.text());
    assert_eq!(head.status, get.status, "{case}");
    assert_eq!(comparable(&head), comparable(&get), "{case}");
    assert!(head.body.is_empty());
}

/// A bucket with an object of every kind.
fn filled() -> Bucket {
    let bucket = Bucket::new();
    bucket.put("plain", b"0123456789");
    bucket.put("empty", b"");
    bucket.put("large", &vec![7; 3 * MIB]);
    let described = bucket.request("PUT", "/described").header("content-type", "text/x-own");
    let described = described.header("cache-control", "no-cache").header("content-encoding", "gzip");
    let described = described.header("expires", "Wed, 21 Oct 2037 07:28:00 GMT").header("x-amz-meta-a", "1");
    let described = described.header("x-amz-checksum-crc32", "poTHxg==").header("x-amz-tagging", "a=b");
    described.header("x-amz-website-redirect-location", "/x").body("0123456789").send().expect_status(200);
    let started = bucket.request("POST", "/parts?uploads").send().expect_status(200);
    let upload = started.element("UploadId");
    let tags: Vec<String> = [5 * MIB, 10]
        .into_iter()
        .enumerate()
        .map(|(index, length)| {
            let target = format!("/parts?partNumber={}&uploadId={upload}", index + 1);
            let answer = bucket.request("PUT", &target).body(vec![1; length]).send().expect_status(200);
            let (number, tag) = (index + 1, answer.header("etag"));
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>")
        })
        .collect();
    let document = format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", tags.concat());
    bucket.request("POST", &format!("/parts?uploadId={upload}")).body(document).send().expect_status(200);
    bucket.put("deleted", b"still there");
    let enabled = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    bucket.request("PUT", "?versioning").body(enabled).send().expect_status(200);
    bucket.request("DELETE", "/deleted").send().expect_status(204);
    bucket
}

/// What follows the bucket's name, headers, and the status of the answer.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16);

#[test]
fn head_answers_as_get_does() {
    let bucket = filled();
    let tag = bucket.request("HEAD", "/plain").send().header("etag").to_owned();
    let cases: &[Case<'_>] = &[
        ("/plain", &[], 200),
        ("/empty", &[], 200),
        ("/large", &[], 200),
        ("/described", &[], 200),
        ("/described", &[("x-amz-checksum-mode", "ENABLED")], 200),
        ("/parts", &[], 200),
        ("/parts", &[("x-amz-checksum-mode", "ENABLED")], 200),
        ("/parts?partNumber=1", &[], 206),
        ("/parts?partNumber=2", &[], 206),
        ("/parts?partNumber=3", &[], 416),
        ("/plain?partNumber=1", &[], 206),
        ("/plain?partNumber=0", &[], 400),
        ("/plain", &[("range", "bytes=2-5")], 206),
        ("/plain", &[("range", "bytes=-3")], 206),
        ("/plain", &[("range", "bytes=10-")], 416),
        ("/plain", &[("range", "bytes=0-1,3-4")], 200),
        ("/plain", &[("range", "nonsense")], 200),
        ("/empty", &[("range", "bytes=0-")], 416),
        ("/large", &[("range", "bytes=1000000-2000000")], 206),
        ("/plain", &[("range", "bytes=2-5"), ("if-range", &tag)], 206),
        ("/plain", &[("range", "bytes=2-5"), ("if-range", "\"other\"")], 200),
        ("/plain", &[("if-match", &tag)], 200),
        ("/plain", &[("if-match", "\"other\"")], 412),
        ("/plain", &[("if-none-match", &tag)], 304),
        ("/plain", &[("if-modified-since", "Wed, 21 Oct 2037 07:28:00 GMT")], 304),
        ("/plain", &[("if-unmodified-since", "Wed, 21 Oct 2015 07:28:00 GMT")], 412),
        ("/described?response-content-type=text%2Fplain&response-cache-control=no-store", &[], 200),
        ("/described?response-content-disposition=attachment%3B%20filename%3D%22a%20b%22", &[], 200),
        ("/described?response-content-language=de&response-expires=0&response-content-encoding=br", &[], 200),
        ("/plain?versionId=null", &[], 200),
        ("/plain?versionId=00000000000000ff", &[], 404),
        ("/plain?versionId=made-up", &[], 400),
        ("/deleted", &[], 404),
        ("/deleted?versionId=null", &[], 200),
        ("/missing", &[], 404),
        ("/plain", &[("x-amz-server-side-encryption-customer-algorithm", "AES256")], 400),
    ];
    for (rest, headers, status) in cases {
        let ask = |method: &str| {
            let request = bucket.request(method, rest);
            headers.iter().fold(request, |request, (name, value)| request.header(name, value))
        };
        expect_alike(ask("GET").send(), ask("HEAD").send(), *status, &format!("{rest} {headers:?}"));
        // Headers of S3 must be signed, which those of a presigned URL are not.
        if headers.iter().all(|(name, _)| !name.starts_with("x-amz-")) {
            let (get, head) = (ask("GET").presigned(60).send(), ask("HEAD").presigned(60).send());
            expect_alike(get, head, *status, &format!("presigned {rest} {headers:?}"));
        }
    }
}

#[test]
fn anonymous_and_misplaced_heads_are_refused_as_gets_are() {
    let bucket = Bucket::new();
    for rest in ["/k", ""] {
        let ask = |method| bucket.request(method, rest).anonymous().send();
        let (get, head) = (ask("GET"), ask("HEAD"));
        assert_eq!((get.status, head.status), (403, 403));
        assert_eq!(comparable(&head), comparable(&get));
    }
}
