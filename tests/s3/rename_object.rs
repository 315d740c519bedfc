//! RenameObject.

use crate::client::{Bucket, Request};

fn rename(bucket: &Bucket, source: &str, target: &str) -> Request {
    bucket.request("PUT", &format!("/{target}?renameObject")).header("x-amz-rename-source", source)
}

#[test]
fn an_object_has_its_new_key_alone_and_is_otherwise_the_same() {
    let bucket = Bucket::new();
    for (name, size) in [("tiny", 5), ("small", 70_000), ("large", 3 << 20)] {
        let body = vec![7; size];
        let put = bucket.request("PUT", &format!("/{name}")).header("x-amz-meta-a", "1").body(body.clone());
        put.send().expect_status(200);
        let before = bucket.request("HEAD", &format!("/{name}")).send();
        rename(&bucket, &format!("{}/{name}", bucket.name), &format!("new/{name}")).send().expect_status(200);
        bucket.request("GET", &format!("/{name}")).send().expect_error(404, "NoSuchKey");
        let after = bucket.request("GET", &format!("/new/{name}")).send().expect_status(200);
        assert!(after.body == body);
        for header in ["etag", "last-modified", "x-amz-meta-a"] {
            assert_eq!(after.header(header), before.header(header), "{header}");
        }
    }
}

#[test]
fn conditions_are_of_source_and_target() {
    let bucket = Bucket::new();
    bucket.put("a", b"1");
    bucket.put("b", b"2");
    let tag = bucket.request("HEAD", "/a").send().header("etag").to_owned();
    let failing: [(&str, &str); 5] = [
        ("if-none-match", "*"),
        ("if-match", &tag),
        ("x-amz-rename-source-if-none-match", &tag),
        ("x-amz-rename-source-if-match", "\"00000000000000000000000000000000\""),
        ("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT"),
    ];
    for (name, value) in failing {
        rename(&bucket, "a", "b").header(name, value).send().expect_error(412, "PreconditionFailed");
    }
    assert_eq!(bucket.request("GET", "/a").send().body, b"1");
    assert_eq!(bucket.request("GET", "/b").send().body, b"2");
    let good = rename(&bucket, "/a", "b").header("x-amz-rename-source-if-match", &tag);
    good.header("if-unmodified-since", "Fri, 01 Jan 2100 00:00:00 GMT").send().expect_status(200);
    assert_eq!(bucket.request("GET", "/b").send().body, b"1");
}

#[test]
fn what_cannot_be_renamed_is_refused() {
    let bucket = Bucket::new();
    bucket.put("a", b"1");
    rename(&bucket, "missing", "b").send().expect_error(404, "NoSuchKey");
    rename(&bucket, "a", "a").send().expect_error(400, "InvalidRequest");
    rename(&bucket, "a", "b/").send().expect_error(400, "InvalidRequest");
    bucket.request("PUT", "/b?renameObject").send().expect_error(400, "InvalidArgument");
    bucket.request("GET", "/a?renameObject").send().expect_error(405, "MethodNotAllowed");
    assert_eq!(bucket.request("GET", "/a").send().body, b"1");
}

#[test]
fn where_versions_are_kept_the_old_key_is_under_a_delete_marker() {
    let bucket = Bucket::new();
    let enabled = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    bucket.request("PUT", "/?versioning").body(enabled).send().expect_status(200);
    bucket.put("a", b"1");
    rename(&bucket, "a", "b").send().expect_status(200);
    assert_eq!(
        bucket.request("GET", "/a").send().expect_error(404, "NoSuchKey").header("x-amz-delete-marker"),
        "true"
    );
    assert_eq!(bucket.request("GET", "/b").send().body, b"1");
    let versions = bucket.request("GET", "/?versions").send();
    assert_eq!(versions.elements("Key"), ["a", "a", "b"]);
}

#[test]
fn a_rename_that_is_asked_for_again_by_its_token_is_done_once() {
    let bucket = Bucket::new();
    bucket.put("a", b"1");
    let ask = |target: &str, token: &str| rename(&bucket, "a", target).header("x-amz-client-token", token);
    ask("b", "token-1").send().expect_status(200);
    ask("b", "token-1").send().expect_status(200);
    assert_eq!(bucket.request("GET", "/b").send().body, b"1");
    bucket.put("a", b"another");
    ask("b", "token-1").send().expect_status(200);
    assert_eq!(bucket.get("b"), b"1", "that was done already");
    assert_eq!(bucket.get("a"), b"another");
    ask("c", "token-1").send().expect_error(400, "IdempotencyParameterMismatch");
    let other = ask("b", "token-1").header("x-amz-rename-source-if-none-match", "\"00\"");
    other.send().expect_error(400, "IdempotencyParameterMismatch");
    ask("b", "token-2").send().expect_status(200);
    assert_eq!(bucket.get("b"), b"another");
    rename(&bucket, "a", "b").send().expect_error(404, "NoSuchKey");
    ask("b", "a b").send().expect_error(400, "InvalidArgument");
}

#[test]
fn a_rename_that_was_refused_leaves_no_token() {
    let bucket = Bucket::new();
    let ask = || rename(&bucket, "a", "b").header("x-amz-client-token", "t");
    ask().send().expect_error(404, "NoSuchKey");
    bucket.put("a", b"1");
    ask().send().expect_status(200);
    assert_eq!(bucket.get("b"), b"1");
}

#[test]
fn requests_with_one_token_at_once_rename_once() {
    let bucket = Bucket::new();
    bucket.put("a", &vec![1; 70_000]);
    std::thread::scope(|scope| {
        let ask = || {
            let request = rename(&bucket, "a", "b").header("x-amz-client-token", "t");
            request.header("if-none-match", "*").send().status
        };
        let all: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        for one in all {
            // One that finds the source gone before the token is there is told so, and would be right to ask again.
            let status = one.join().unwrap();
            assert!([200, 404, 409, 412].contains(&status), "{status}");
        }
    });
    let again = rename(&bucket, "a", "b").header("x-amz-client-token", "t").header("if-none-match", "*");
    again.send().expect_status(200);
    assert_eq!(bucket.get("b"), vec![1; 70_000]);
}
