//! Uploads in `aws-chunked` framing, in all the forms that clients send.

use holdfast::sigv4::ChunkSignatures;

use crate::chunks::{signed, unsigned};
use crate::client::{Answer, Bucket, Request};

const SIGNED: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
/// CRC32 of `123456789`.
const CRC32_LINE: &str = "x-amz-checksum-crc32:y/Q5Jg==";

fn put(bucket: &Bucket, payload: &str, decoded: usize) -> Request {
    bucket
        .request("PUT", "/k")
        .payload(payload)
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", decoded.to_string())
}

fn with_trailer(request: Request) -> Request {
    request.header("x-amz-trailer", "x-amz-checksum-crc32").header("x-amz-sdk-checksum-algorithm", "CRC32")
}

fn send(request: Request, body: impl FnOnce(ChunkSignatures) -> Vec<u8>) -> Answer {
    request.send_chunks(body)
}

#[test]
fn signed_chunks_store_the_data_alone() {
    let bucket = Bucket::new();
    let data: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
    let pieces: Vec<&[u8]> = data.chunks(65_536).collect();
    send(put(&bucket, SIGNED, data.len()), |chain| signed(chain, &pieces, None)).expect_status(200);
    let answer = bucket.request("GET", "/k").send().expect_status(200);
    assert!(answer.body == data);
    assert!(!answer.headers.contains_key("content-encoding"));
}

#[test]
fn other_content_encodings_stay() {
    let bucket = Bucket::new();
    let request = put(&bucket, SIGNED, 3).header("content-encoding", "gzip,aws-chunked");
    send(request, |chain| signed(chain, &[b"abc"], None)).expect_status(200);
    let answer = bucket.request("HEAD", "/k").send().expect_status(200);
    assert_eq!(answer.header("content-encoding"), "gzip");
}

#[test]
fn trailers_signed_and_unsigned_give_the_checksum() {
    let bucket = Bucket::new();
    let request = with_trailer(put(&bucket, SIGNED_TRAILER, 9));
    let answer = send(request, |chain| signed(chain, &[b"1234", b"56789"], Some(CRC32_LINE)));
    assert_eq!(answer.expect_status(200).header("x-amz-checksum-crc32"), "y/Q5Jg==");
    assert_eq!(bucket.get("k"), b"123456789");
    let request = with_trailer(put(&bucket, UNSIGNED_TRAILER, 9));
    let answer = send(request, |_| unsigned(&[b"12345678", b"9"], CRC32_LINE));
    assert_eq!(answer.expect_status(200).header("x-amz-checksum-crc32"), "y/Q5Jg==");
    let get = bucket.request("GET", "/k").header("x-amz-checksum-mode", "ENABLED").send();
    assert_eq!(get.expect_status(200).header("x-amz-checksum-crc32"), "y/Q5Jg==");
}

#[test]
fn empty_body_in_chunks_is_an_empty_object() {
    let bucket = Bucket::new();
    send(put(&bucket, SIGNED, 0), |chain| signed(chain, &[], None)).expect_status(200);
    assert_eq!(bucket.get("k"), b"");
}

#[test]
fn tampered_chunk_stores_nothing() {
    let bucket = Bucket::new();
    let answer = send(put(&bucket, SIGNED, 9), |chain| {
        let mut wire = signed(chain, &[b"1234", b"56789"], None);
        let at = wire.windows(5).position(|w| w == b"56789").unwrap();
        wire[at] = b'X';
        wire
    });
    answer.expect_error(403, "SignatureDoesNotMatch");
    bucket.expect_absent("k");
}

#[test]
fn tampered_trailer_stores_nothing() {
    let bucket = Bucket::new();
    let answer = send(with_trailer(put(&bucket, SIGNED_TRAILER, 9)), |chain| {
        let wire = signed(chain, &[b"123456789"], Some(CRC32_LINE));
        String::from_utf8(wire).unwrap().replace("y/Q5Jg==", "AAAAAA==").into_bytes()
    });
    answer.expect_error(403, "SignatureDoesNotMatch");
    bucket.expect_absent("k");
}

#[test]
fn dropped_last_chunk_stores_nothing() {
    let bucket = Bucket::new();
    let answer = send(put(&bucket, SIGNED, 9), |chain| {
        let mut wire = signed(chain, &[b"1234", b"56789"], None);
        let end = wire.windows(3).rposition(|w| w == b"\n0;").unwrap() + 1;
        wire.truncate(end);
        wire
    });
    answer.expect_error(400, "IncompleteBody");
    bucket.expect_absent("k");
}

#[test]
fn wrong_trailer_checksums_store_nothing() {
    let bucket = Bucket::new();
    for (line, code) in [
        ("x-amz-checksum-crc32:AAAAAA==", "BadDigest"),
        ("x-amz-checksum-crc32:garbage", "MalformedTrailerError"),
        ("x-amz-checksum-crc32c:4waSgw==", "MalformedTrailerError"),
        ("nonsense", "MalformedTrailerError"),
    ] {
        let request = with_trailer(put(&bucket, UNSIGNED_TRAILER, 9));
        send(request, |_| unsigned(&[b"123456789"], line)).expect_error(400, code);
        bucket.expect_absent("k");
    }
    let unannounced = put(&bucket, UNSIGNED_TRAILER, 9);
    send(unannounced, |_| unsigned(&[b"123456789"], CRC32_LINE)).expect_error(400, "MalformedTrailerError");
    bucket.expect_absent("k");
}

#[test]
fn decoded_length_must_hold() {
    let bucket = Bucket::new();
    for decoded in [8, 10] {
        let request = with_trailer(put(&bucket, UNSIGNED_TRAILER, decoded));
        send(request, |_| unsigned(&[b"123456789"], CRC32_LINE)).expect_error(400, "IncompleteBody");
        bucket.expect_absent("k");
    }
    let unknown = bucket.request("PUT", "/k").payload(SIGNED);
    send(unknown, |chain| signed(chain, &[b"abc"], None)).expect_error(411, "MissingContentLength");
    bucket.expect_absent("k");
}

#[test]
fn malformed_framing_stores_nothing() {
    let bucket = Bucket::new();
    for wire in [&b"zz\r\nabc\r\n0\r\n\r\n"[..], b"3\r\nabcd\r\n0\r\n\r\n", b"0\r\n\r\nmore", &[b'1'; 5000]] {
        let request = put(&bucket, UNSIGNED_TRAILER, 3);
        let answer = send(request, |_| wire.to_vec());
        assert_eq!(answer.status, 400, "{}", answer.text());
        bucket.expect_absent("k");
    }
}
