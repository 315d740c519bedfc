//! `Expect: 100-continue`, and clients that are refused before they have sent their body.

use std::io::{Read, Write};
use std::net::TcpStream;

use hyper::HeaderMap;

use crate::client::{Answer, Bucket, Request, connect};

const LONG: usize = 6 << 20;

/// Reads one answer and leaves the connection open; the body is as long as announced.
fn next_answer(stream: &mut TcpStream) -> Answer {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer has a head");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: HeaderMap = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| {
            (name.parse::<hyper::header::HeaderName>().unwrap(), value.trim().parse().unwrap())
        })
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.to_str().unwrap().parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Answer { status, headers, body }
}

#[test]
fn what_the_head_alone_refuses_is_refused_before_the_body_is_asked_for_and_ends_the_connection() {
    let bucket = Bucket::new();
    let put = |rest: &str| bucket.request("PUT", rest).body(vec![1; LONG]);
    let elsewhere = Request::new(&bucket.server, "PUT", "/no-such-bucket/k").body(vec![1; LONG]);
    for (request, status, code) in [
        (elsewhere, 404, "NoSuchBucket"),
        (put("/k").anonymous(), 403, "AccessDenied"),
        (put("/k").header("content-md5", "garbage"), 400, "InvalidDigest"),
        (put("/k").header("x-amz-acl", "mine"), 400, "InvalidArgument"),
        (put("/k").header("x-amz-server-side-encryption", "AES512"), 400, "InvalidArgument"),
        (
            put("/k")
                .header("x-amz-server-side-encryption", "aws:kms")
                .header("x-amz-server-side-encryption-aws-kms-key-id", "none"),
            400,
            "KMS.NotFoundException",
        ),
        (put("/k").header("x-amz-checksum-crc32", "garbage"), 400, "InvalidRequest"),
        (put("/k?partNumber=1&uploadId=never"), 404, "NoSuchUpload"),
        (put("/k?partNumber=0&uploadId=never"), 400, "InvalidArgument"),
        (put("/k").announced_length(6 << 30), 400, "EntityTooLarge"),
    ] {
        let (mut stream, _body) = request.send_head_expecting_continue();
        // `Answer` would fail on a `100 Continue` before it: that has no such status.
        let answer = next_answer(&mut stream).expect_error(status, code);
        // What comes next on the connection could not be told from the body, which was never asked for.
        assert_eq!(answer.header("connection"), "close", "{code}");
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "the server closes it");
    }
    bucket.expect_absent("k");
}

#[test]
fn a_connection_goes_on_after_a_refused_body_that_was_sent_all_the_same() {
    let bucket = Bucket::new();
    bucket.put("k", b"v");
    let mut stream = connect(&bucket.server);
    let head = format!("PUT /{}/refused HTTP/1.1\r\nhost: x\r\ncontent-length: {LONG}\r\n\r\n", bucket.name);
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&vec![7; LONG]).unwrap();
    next_answer(&mut stream).expect_error(403, "AccessDenied");
    stream.write_all(format!("GET /{}/k HTTP/1.1\r\nhost: x\r\n\r\n", bucket.name).as_bytes()).unwrap();
    next_answer(&mut stream).expect_error(403, "AccessDenied");
    bucket.expect_absent("refused");
}
