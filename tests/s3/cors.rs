//! Cross-origin resource sharing: preflights, and the headers of other answers.

use crate::client::{Answer, Bucket};

const RULES: &str = "<CORSConfiguration>\
    <CORSRule><AllowedOrigin>https://*.example.com</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>\
    <AllowedMethod>GET</AllowedMethod><AllowedHeader>x-amz-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>\
    <ExposeHeader>x-amz-request-id</ExposeHeader><MaxAgeSeconds>3000</MaxAgeSeconds></CORSRule>\
    <CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>";

fn with_rules() -> Bucket {
    let bucket = Bucket::new();
    bucket.request("PUT", "?cors").digested(RULES).send().expect_status(200);
    bucket
}

fn preflight(bucket: &Bucket, headers: &[(&str, &str)]) -> Answer {
    let request = bucket.request("OPTIONS", "/k").anonymous();
    headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
}

#[test]
fn preflight_that_a_rule_allows_is_answered_from_it() {
    let bucket = with_rules();
    let answer = preflight(
        &bucket,
        &[
            ("origin", "https://www.example.com"),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "X-Amz-Date, x-amz-acl"),
        ],
    )
    .expect_status(200);
    for (name, value) in [
        ("access-control-allow-origin", "https://www.example.com"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "PUT, GET"),
        ("access-control-allow-headers", "x-amz-date, x-amz-acl"),
        ("access-control-expose-headers", "ETag, x-amz-request-id"),
        ("access-control-max-age", "3000"),
        ("vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"),
    ] {
        assert_eq!(answer.header(name), value);
    }
    assert!(answer.body.is_empty());
}

#[test]
fn preflight_that_no_rule_allows_is_forbidden() {
    let bucket = with_rules();
    let origin = ("origin", "https://www.example.com");
    for headers in [
        [origin, ("access-control-request-method", "DELETE"), ("access-control-request-headers", "")],
        [origin, ("access-control-request-method", "PUT"), ("access-control-request-headers", "x-other")],
        [
            ("origin", "https://elsewhere.com"),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", ""),
        ],
    ] {
        let answer = preflight(&bucket, &headers).expect_error(403, "AccessForbidden");
        assert!(answer.text().contains("This CORS request is not allowed"), "{}", answer.text());
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
}

#[test]
fn preflight_must_say_who_asks_and_for_what() {
    let bucket = with_rules();
    preflight(&bucket, &[("access-control-request-method", "GET")]).expect_error(400, "BadRequest");
    preflight(&bucket, &[("origin", "https://a")]).expect_error(400, "BadRequest");
    let wrong = [("origin", "https://a"), ("access-control-request-method", "PATCH")];
    preflight(&bucket, &wrong).expect_error(400, "BadRequest");
}

#[test]
fn preflight_of_a_bucket_without_rules_is_forbidden() {
    let mut bucket = Bucket::new();
    let headers = [("origin", "https://a"), ("access-control-request-method", "GET")];
    let answer = preflight(&bucket, &headers).expect_error(403, "AccessForbidden");
    assert_eq!(answer.element("Message"), "CORSResponse: CORS is not enabled for this bucket.");
    assert_eq!((answer.element("Method"), answer.element("ResourceType")), ("GET".into(), "OBJECT".into()));
    bucket.name = "no-such-bucket".into();
    let answer = preflight(&bucket, &headers).expect_error(403, "AccessForbidden");
    assert_eq!(answer.element("Message"), "CORSResponse: Bucket not found");
}

#[test]
fn answers_tell_browsers_what_a_page_may_read_errors_too() {
    let bucket = with_rules();
    bucket.put("k", b"v");
    let get = |key: &str, origin: &str| bucket.request("GET", key).header("origin", origin);
    let answer = get("/k", "https://www.example.com").send().expect_status(200);
    assert_eq!(answer.header("access-control-allow-origin"), "https://www.example.com");
    assert_eq!(answer.header("access-control-expose-headers"), "ETag, x-amz-request-id");
    assert_eq!(get("/k", "https://other").send().header("access-control-allow-origin"), "*");
    let missing = get("/missing", "https://other").send().expect_error(404, "NoSuchKey");
    assert_eq!(missing.header("access-control-allow-origin"), "*");
    let unsigned = get("/k", "https://other").anonymous().send().expect_error(403, "AccessDenied");
    assert_eq!(unsigned.header("access-control-allow-origin"), "*");
    let put = bucket.request("PUT", "/k").header("origin", "https://other").send().expect_status(200);
    assert!(!put.headers.contains_key("access-control-allow-origin"));
    assert!(put.header("vary").starts_with("Origin"));
}

#[test]
fn rules_end_when_they_are_removed() {
    let bucket = with_rules();
    bucket.request("DELETE", "?cors").send().expect_status(204);
    bucket.put("k", b"v");
    let answer = bucket.request("GET", "/k").header("origin", "https://a").send().expect_status(200);
    assert!(
        !answer.headers.contains_key("access-control-allow-origin") && !answer.headers.contains_key("vary")
    );
}
