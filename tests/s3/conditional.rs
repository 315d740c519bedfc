//! Conditional reads and writes.

use std::thread;

use crate::client::Bucket;

const OTHER: &str = "\"00000000000000000000000000000000\"";
const PAST: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const FUTURE: &str = "Thu, 01 Dec 2094 16:00:00 GMT";

#[test]
fn reads_obey_their_conditions() {
    let bucket = Bucket::new();
    let etag = bucket.put("k", b"v");
    for (name, value, status) in [
        ("if-match", etag.as_str(), 200),
        ("if-match", "*", 200),
        ("if-match", OTHER, 412),
        ("if-none-match", etag.as_str(), 304),
        ("if-none-match", "*", 304),
        ("if-none-match", OTHER, 200),
        ("if-modified-since", PAST, 200),
        ("if-modified-since", FUTURE, 304),
        ("if-unmodified-since", PAST, 412),
        ("if-unmodified-since", FUTURE, 200),
        ("if-unmodified-since", "garbage", 200),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = bucket.request(method, "/k").header(name, value).send().expect_status(status);
            if status == 304 {
                assert_eq!(answer.header("etag"), etag);
                assert!(answer.body.is_empty());
            }
            if status == 412 && method == "GET" {
                assert_eq!(answer.element("Condition"), name);
            }
        }
    }
}

#[test]
fn if_range_falls_back_to_the_whole() {
    let bucket = Bucket::new();
    let etag = bucket.put("k", b"0123456789");
    let ranged =
        |tag: &str| bucket.request("GET", "/k").header("range", "bytes=0-1").header("if-range", tag).send();
    assert_eq!(ranged(&etag).expect_status(206).body, b"01");
    assert_eq!(ranged(OTHER).expect_status(200).body, b"0123456789");
}

#[test]
fn put_only_where_nothing_is() {
    let bucket = Bucket::new();
    let put = |body: &str| bucket.request("PUT", "/k").header("if-none-match", "*").body(body).send();
    put("first").expect_status(200);
    let refused = put("second").expect_error(412, "PreconditionFailed");
    assert_eq!(refused.element("Condition"), "If-None-Match");
    assert_eq!(bucket.get("k"), b"first");
    let tag = bucket.request("PUT", "/k").header("if-none-match", OTHER).body("x").send();
    tag.expect_error(501, "NotImplemented");
}

#[test]
fn put_only_over_what_is_known() {
    let bucket = Bucket::new();
    let put = |tag: &str, body: &str| bucket.request("PUT", "/k").header("if-match", tag).body(body).send();
    put(OTHER, "x").expect_error(404, "NoSuchKey");
    put("*", "x").expect_error(404, "NoSuchKey");
    put("not a tag", "x").expect_error(404, "NoSuchKey");
    bucket.expect_absent("k");
    let first = bucket.put("k", b"first");
    let refused = put(OTHER, "x").expect_error(412, "PreconditionFailed");
    assert_eq!(refused.element("Condition"), "If-Match");
    let delete = bucket.request("DELETE", "/k").header("if-match", OTHER).send();
    assert_eq!(delete.expect_error(412, "PreconditionFailed").element("Condition"), "If-Match");
    put("not a tag", "x").expect_error(412, "PreconditionFailed");
    put(&first, "second").expect_status(200);
    put(&first, "third").expect_error(412, "PreconditionFailed");
    put("*", "fourth").expect_status(200);
    assert_eq!(bucket.get("k"), b"fourth");
}

#[test]
fn of_many_conditional_creators_one_wins() {
    let bucket = Bucket::new();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let tasks: Vec<_> = (0..16)
            .map(|n| {
                let request =
                    bucket.request("PUT", "/lock").header("if-none-match", "*").body(format!("{n}"));
                scope.spawn(move || request.send().status)
            })
            .collect();
        tasks.into_iter().map(|task| task.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 409 | 412)), "{statuses:?}");
}
