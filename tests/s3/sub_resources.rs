//! What is not built answers as AWS does where it is not configured.

use crate::client::{Bucket, Request};

#[test]
fn bucket_probes_get_their_not_configured_code() {
    let bucket = Bucket::new();
    for (name, code) in [
        ("cors", "NoSuchCORSConfiguration"),
        ("encryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("object-lock", "ObjectLockConfigurationNotFoundError"),
        ("ownershipControls", "OwnershipControlsNotFoundError"),
        ("policy", "NoSuchBucketPolicy"),
        ("policyStatus", "NoSuchBucketPolicy"),
        ("publicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("tagging", "NoSuchTagSet"),
        ("website", "NoSuchWebsiteConfiguration"),
        ("analytics&id=1", "NoSuchConfiguration"),
        ("metrics&id=1", "NoSuchConfiguration"),
    ] {
        let answer = bucket.request("GET", &format!("?{name}")).send().expect_error(404, code);
        if !name.contains("id=") {
            assert_eq!(answer.element("BucketName"), bucket.name);
        }
    }
}

#[test]
fn bucket_probes_get_their_empty_documents() {
    let bucket = Bucket::new();
    for (name, content) in [
        ("accelerate", "<AccelerateConfiguration"),
        ("logging", "<BucketLoggingStatus"),
        ("notification", "<NotificationConfiguration"),
        ("requestPayment", "<Payer>BucketOwner</Payer>"),
        ("versioning", "<VersioningConfiguration"),
        ("acl", "<Permission>FULL_CONTROL</Permission>"),
        ("inventory", "<IsTruncated>false</IsTruncated>"),
        ("intelligent-tiering", "<IsTruncated>false</IsTruncated>"),
    ] {
        let answer = bucket.request("GET", &format!("?{name}")).send().expect_status(200);
        assert!(answer.text().contains(content), "{}", answer.text());
    }
}

#[test]
fn probes_of_missing_buckets_say_so() {
    let bucket = Bucket::new();
    for name in ["policy", "versioning", "acl"] {
        let answer = Request::new(&bucket.server, "GET", &format!("/no-such-bucket?{name}")).send();
        answer.expect_error(404, "NoSuchBucket");
    }
}

#[test]
fn writes_are_refused_and_never_make_a_bucket_or_object() {
    let bucket = Bucket::new();
    bucket.put("k", b"v");
    for name in ["abac", "metadataConfiguration"] {
        bucket.request("PUT", &format!("?{name}")).body("<x/>").send().expect_error(501, "NotImplemented");
    }
    bucket.request("PUT", "/k?tagging").body("<Tagging/>").send().expect_error(400, "MalformedXML");
    bucket.request("PUT", "/new?acl").send().expect_error(404, "NoSuchKey");
    bucket.request("PUT", "/k?retention").body("<Retention/>").send().expect_error(400, "InvalidRequest");
    bucket.request("POST", "/k?restore").send().expect_error(403, "InvalidObjectState");
    bucket.request("POST", "/new?restore").send().expect_error(404, "NoSuchKey");
    bucket.request("PUT", "/k?restore").body("x").send().expect_error(405, "MethodNotAllowed");
    bucket.request("PUT", "/k?encryption").body("<x/>").send().expect_error(400, "MalformedXML");
    bucket.request("POST", "/k?select&select-type=2").send().expect_error(501, "NotImplemented");
    assert_eq!(bucket.get("k"), b"v");
}

#[test]
fn sub_resources_with_the_wrong_method_touch_nothing() {
    let bucket = Bucket::new();
    bucket.put("k", b"v");
    for (method, rest) in [
        ("DELETE", "/k?uploads"),
        ("PUT", "/k?uploads"),
        ("DELETE", "/k?attributes"),
        ("DELETE", "?uploads"),
        ("DELETE", "?versions"),
        ("DELETE", "?location"),
        ("PUT", "?delete"),
    ] {
        bucket.request(method, rest).body("x").send().expect_error(405, "MethodNotAllowed");
    }
    assert_eq!(bucket.get("k"), b"v");
    bucket.request("DELETE", "/k").send().expect_status(204);
    bucket.request("DELETE", "?uploads").send().expect_error(405, "MethodNotAllowed");
    bucket.request("HEAD", "").send().expect_status(200);
}

#[test]
fn removals_of_what_is_not_set_succeed() {
    let bucket = Bucket::new();
    bucket.put("k", b"v");
    for rest in ["?policy", "?cors", "?lifecycle", "?tagging", "?website", "/k?tagging"] {
        bucket.request("DELETE", rest).send().expect_status(204);
    }
    assert_eq!(bucket.get("k"), b"v");
}

#[test]
fn object_probes_answer_for_the_object() {
    let bucket = Bucket::new();
    bucket.put("k", b"v");
    let acl = bucket.request("GET", "/k?acl").send().expect_status(200);
    assert!(acl.text().contains("FULL_CONTROL"));
    let tags = bucket.request("GET", "/k?tagging").send().expect_status(200);
    assert!(tags.text().contains("<TagSet></TagSet>"));
    bucket.request("GET", "/k?retention").send().expect_error(400, "InvalidRequest");
    bucket.request("GET", "/missing?acl").send().expect_error(404, "NoSuchKey");
    bucket.request("GET", "/missing?tagging").send().expect_error(404, "NoSuchKey");
}

#[test]
fn an_acl_is_replaced_and_opens_what_it_is_of() {
    let bucket = Bucket::new();
    bucket.put("k", b"v");
    let anonymous = |rest| bucket.request("GET", rest).anonymous().send();
    for (acl, read, listed) in [("/k?acl", "/k", "?list-type=2"), ("?acl", "?list-type=2", "/k")] {
        anonymous(read).expect_error(403, "AccessDenied");
        bucket.request("PUT", acl).header("x-amz-acl", "public-read").send().expect_status(200);
        anonymous(read).expect_status(200);
        anonymous(listed).expect_error(403, "AccessDenied");
        let shown = bucket.request("GET", acl).send().expect_status(200);
        assert_eq!(shown.elements("Permission"), ["FULL_CONTROL", "READ"]);
        bucket.request("PUT", acl).header("x-amz-acl", "private").send().expect_status(200);
        anonymous(read).expect_error(403, "AccessDenied");
        bucket.request("PUT", acl).send().expect_error(400, "MissingSecurityHeader");
        let both = bucket.request("PUT", acl).header("x-amz-acl", "private").body("<AccessControlPolicy/>");
        both.send().expect_error(400, "UnexpectedContent");
    }
}
