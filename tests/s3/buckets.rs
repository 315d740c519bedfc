//! CreateBucket, HeadBucket, DeleteBucket, ListBuckets, GetBucketLocation.

use crate::client::{Bucket, Request};
use crate::server::{REGION, Server};

#[test]
fn bucket_lives_from_create_to_delete() {
    let bucket = Bucket::new();
    let head = bucket.request("HEAD", "").send().expect_status(200);
    assert_eq!(head.header("x-amz-bucket-region"), REGION);
    let list = Request::new(&bucket.server, "GET", "/").send().expect_status(200);
    assert!(list.elements("Name").contains(&bucket.name));
    assert_eq!(list.element("ID").len(), 64);
    bucket.request("DELETE", "").send().expect_status(204);
    let gone = bucket.request("HEAD", "").send().expect_status(404);
    assert!(gone.body.is_empty());
    bucket.request("DELETE", "").send().expect_error(404, "NoSuchBucket");
}

#[test]
fn create_answers_where_the_bucket_is_and_twice_is_a_conflict() {
    let bucket = Bucket::new();
    bucket.request("PUT", "/").send().expect_error(409, "BucketAlreadyOwnedByYou");
    bucket.request("DELETE", "").send().expect_status(204);
    let answer = bucket.request("PUT", "/").send().expect_status(200);
    assert_eq!(answer.header("location"), format!("/{}", bucket.name));
}

#[test]
fn location_constraint_must_be_the_region() {
    let server = Server::shared();
    let create = |region: &str| {
        let body = format!(
            "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint>\
             </CreateBucketConfiguration>"
        );
        Request::new(&server, "PUT", "/located").body(body).send()
    };
    create("mars-north-1").expect_error(400, "IllegalLocationConstraintException");
    Request::new(&server, "HEAD", "/located").send().expect_status(404);
    create(REGION).expect_status(200);
    Request::new(&server, "DELETE", "/located").send().expect_status(204);
}

#[test]
fn malformed_configuration_makes_no_bucket() {
    let server = Server::shared();
    for body in
        ["<CreateBucketConfiguration>", "<Other/>", "not xml", "<!DOCTYPE a><CreateBucketConfiguration/>"]
    {
        Request::new(&server, "PUT", "/malformed").body(body).send().expect_error(400, "MalformedXML");
    }
    Request::new(&server, "HEAD", "/malformed").send().expect_status(404);
}

#[test]
fn invalid_bucket_names_are_refused() {
    let server = Server::shared();
    for name in ["ab", "Upper", "under_score", "192.168.0.1", "dots..dots", "-dash", &"a".repeat(64)] {
        Request::new(&server, "PUT", &format!("/{name}")).send().expect_error(400, "InvalidBucketName");
    }
}

#[test]
fn bucket_with_objects_or_uploads_is_not_deleted() {
    let bucket = Bucket::new();
    bucket.put("k", b"v");
    bucket.request("DELETE", "").send().expect_error(409, "BucketNotEmpty");
    bucket.request("DELETE", "/k").send().expect_status(204);
    bucket.request("DELETE", "").send().expect_status(204);
}

#[test]
fn location_of_the_default_region_is_empty() {
    let bucket = Bucket::new();
    let answer = bucket.request("GET", "?location").send().expect_status(200);
    assert!(answer.text().ends_with("\"></LocationConstraint>"), "{}", answer.text());
    Request::new(&bucket.server, "GET", "/no-such-bucket?location").send().expect_error(404, "NoSuchBucket");
}

#[test]
fn list_buckets_pages_and_filters() {
    let (one, two) = (Bucket::new(), Bucket::new());
    let mut names = Vec::new();
    let mut token = String::new();
    loop {
        let target = format!("/?max-buckets=1&prefix=bucket-&continuation-token={token}");
        let page = Request::new(&one.server, "GET", &target).send().expect_status(200);
        assert!(page.elements("Name").len() <= 1);
        names.extend(page.elements("Name"));
        token = page.element("ContinuationToken");
        if token.is_empty() {
            break;
        }
    }
    assert!(names.contains(&one.name) && names.contains(&two.name), "{names:?}");
    let none = Request::new(&one.server, "GET", "/?prefix=nothing-has-this").send().expect_status(200);
    assert!(none.elements("Name").is_empty());
    for size in ["0", "-3", "10001", "many"] {
        let target = format!("/?max-buckets={size}");
        Request::new(&one.server, "GET", &target).send().expect_error(400, "InvalidArgument");
    }
    Request::new(&one.server, "GET", "/?continuation-token=%21").send().expect_error(400, "InvalidArgument");
}

#[test]
fn service_takes_no_other_method() {
    let server = Server::shared();
    Request::new(&server, "PUT", "/").send().expect_error(405, "MethodNotAllowed");
    Request::new(&server, "DELETE", "/").send().expect_error(405, "MethodNotAllowed");
}
