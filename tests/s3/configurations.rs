//! The documents that configure a bucket: stored, answered as they were, removed; what is wrong changes nothing.

use crate::client::{Answer, Bucket, Request};

/// Each document by its sub-resource: a good one, and what a bucket answers that does not have it.
const DOCUMENTS: [(&str, &str, &str); 9] = [
    (
        "cors",
        "<CORSConfiguration><CORSRule><ID>a</ID><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>\
         </CORSRule></CORSConfiguration>",
        "NoSuchCORSConfiguration",
    ),
    (
        "encryption",
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256\
         </SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule>\
         </ServerSideEncryptionConfiguration>",
        "ServerSideEncryptionConfigurationNotFoundError",
    ),
    (
        "lifecycle",
        "<LifecycleConfiguration><Rule><ID>a</ID><Filter><Prefix>a &amp; b/</Prefix></Filter><Status>Enabled</Status>\
         <Expiration><Days>3</Days></Expiration></Rule></LifecycleConfiguration>",
        "NoSuchLifecycleConfiguration",
    ),
    (
        "ownershipControls",
        "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>",
        "OwnershipControlsNotFoundError",
    ),
    (
        "publicAccessBlock",
        "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true\
         </IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>false\
         </RestrictPublicBuckets></PublicAccessBlockConfiguration>",
        "NoSuchPublicAccessBlockConfiguration",
    ),
    (
        "tagging",
        "<Tagging><TagSet><Tag><Key>team</Key><Value></Value></Tag></TagSet></Tagging>",
        "NoSuchTagSet",
    ),
    (
        "website",
        "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>",
        "NoSuchWebsiteConfiguration",
    ),
    (
        "inventory&id=a",
        "<InventoryConfiguration><Destination><S3BucketDestination><Bucket>arn:aws:s3:::lists</Bucket><Format>CSV</Format>\
         </S3BucketDestination></Destination><IsEnabled>true</IsEnabled><Id>a</Id><IncludedObjectVersions>All\
         </IncludedObjectVersions><Schedule><Frequency>Daily</Frequency></Schedule></InventoryConfiguration>",
        "NoSuchConfiguration",
    ),
    ("metrics&id=a", "<MetricsConfiguration><Id>a</Id></MetricsConfiguration>", "NoSuchConfiguration"),
];

/// What a document says within its root.
fn content(document: &str) -> &str {
    document.split_once('>').unwrap().1.rsplit_once("</").unwrap().0
}

fn put(bucket: &Bucket, name: &str, document: &str) -> Answer {
    bucket.request("PUT", &format!("?{name}")).digested(document).send()
}

fn get(bucket: &Bucket, name: &str) -> Answer {
    bucket.request("GET", &format!("?{name}")).send()
}

#[test]
fn a_document_is_answered_as_it_was_stored_until_it_is_removed() {
    let bucket = Bucket::new();
    for (name, document, missing) in DOCUMENTS {
        get(&bucket, name).expect_error(404, missing);
        put(&bucket, name, document).expect_status(200);
        let answer = get(&bucket, name).expect_status(200);
        assert!(answer.text().contains(content(document)), "{}", answer.text());
        assert!(answer.text().contains("xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""));
        bucket.request("DELETE", &format!("?{name}")).send().expect_status(204);
        get(&bucket, name).expect_error(404, missing);
    }
}

#[test]
fn a_document_that_is_refused_leaves_the_one_before_in_place() {
    let bucket = Bucket::new();
    for (name, document, _) in DOCUMENTS {
        put(&bucket, name, document).expect_status(200);
        for wrong in ["", "<Other/>", "no document", &document.replace("</", "<Unknown/></")] {
            put(&bucket, name, wrong).expect_error(400, "MalformedXML");
        }
        let answer = get(&bucket, name).expect_status(200);
        assert!(answer.text().contains(content(document)), "{}", answer.text());
    }
}

#[test]
fn documents_of_missing_buckets_are_refused() {
    let bucket = Bucket::new();
    for (name, document, _) in DOCUMENTS {
        for (method, body) in [("GET", ""), ("PUT", document), ("DELETE", "")] {
            let target = format!("/no-such-bucket?{name}");
            let request = Request::new(&bucket.server, method, &target).body(body);
            request.send().expect_error(404, "NoSuchBucket");
        }
    }
}

#[test]
fn documents_end_with_their_bucket() {
    let bucket = Bucket::new();
    for (name, document, _) in DOCUMENTS {
        put(&bucket, name, document).expect_status(200);
    }
    bucket.request("DELETE", "").send().expect_status(204);
    bucket.request("PUT", "").send().expect_status(200);
    for (name, _, missing) in DOCUMENTS {
        get(&bucket, name).expect_error(404, missing);
    }
}

#[test]
fn documents_that_cannot_be_removed_are_replaced() {
    let bucket = Bucket::new();
    let target = Bucket::new();
    let logging = format!(
        "<BucketLoggingStatus><LoggingEnabled><TargetBucket>{}</TargetBucket><TargetPrefix>p/</TargetPrefix>\
         </LoggingEnabled></BucketLoggingStatus>",
        target.name
    );
    for (name, document, unset) in [
        (
            "accelerate",
            "<AccelerateConfiguration><Status>Enabled</Status></AccelerateConfiguration>",
            "<AccelerateConfiguration><Status>Suspended</Status></AccelerateConfiguration>",
        ),
        ("logging", logging.as_str(), "<BucketLoggingStatus/>"),
        (
            "notification",
            "<NotificationConfiguration><EventBridgeConfiguration></EventBridgeConfiguration></NotificationConfiguration>",
            "<NotificationConfiguration/>",
        ),
        (
            "requestPayment",
            "<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>",
            "<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>",
        ),
    ] {
        put(&bucket, name, document).expect_status(200);
        assert!(get(&bucket, name).expect_status(200).text().contains(content(document)));
        bucket.request("DELETE", &format!("?{name}")).send().expect_error(405, "MethodNotAllowed");
        put(&bucket, name, unset).expect_status(200);
        assert!(!get(&bucket, name).expect_status(200).text().contains(content(document)));
    }
}

#[test]
fn logs_go_to_buckets_that_are_there() {
    let bucket = Bucket::new();
    for target in ["no-such-bucket", "No_Bucket"] {
        let document = format!(
            "<BucketLoggingStatus><LoggingEnabled><TargetBucket>{target}</TargetBucket><TargetPrefix></TargetPrefix>\
             </LoggingEnabled></BucketLoggingStatus>"
        );
        put(&bucket, "logging", &document).expect_error(400, "InvalidTargetBucketForLogging");
    }
}

#[test]
fn some_documents_must_come_with_a_digest_and_every_digest_must_be_right() {
    let bucket = Bucket::new();
    for name in ["cors", "lifecycle", "tagging"] {
        let (_, document, _) = DOCUMENTS.iter().find(|(other, _, _)| *other == name).unwrap();
        let request = || bucket.request("PUT", &format!("?{name}")).body(document);
        request().send().expect_error(400, "InvalidRequest");
        let of_nothing = "1B2M2Y8AsgTpgAmY7PhCfg==";
        request().header("content-md5", of_nothing).send().expect_error(400, "BadDigest");
        request().header("x-amz-checksum-crc32", "AAAAAA==").send().expect_error(400, "BadDigest");
    }
    let (_, document, _) = DOCUMENTS[1];
    bucket.request("PUT", "?encryption").body(document).send().expect_status(200);
}

#[test]
fn configurations_with_ids_are_listed_in_pages() {
    let bucket = Bucket::new();
    let document = |id: &str| format!("<MetricsConfiguration><Id>{id}</Id></MetricsConfiguration>");
    let ids: Vec<String> = (0..205).map(|number| format!("id-{number:03}")).collect();
    for id in &ids {
        put(&bucket, &format!("metrics&id={id}"), &document(id)).expect_status(200);
    }
    let (mut found, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = get(&bucket, &format!("metrics&continuation-token={token}")).expect_status(200);
        assert_eq!(page.element("ContinuationToken"), token);
        found.extend(page.elements("Id"));
        pages += 1;
        token = page.element("NextContinuationToken");
        assert_eq!(page.element("IsTruncated"), (!token.is_empty()).to_string());
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((found, pages), (ids, 3));
    let other = get(&bucket, "analytics").expect_status(200);
    assert_eq!((other.element("IsTruncated"), other.elements("Id").len()), ("false".into(), 0));
}

#[test]
fn ids_must_be_given_well_formed_and_the_same_in_the_document() {
    let bucket = Bucket::new();
    let document = "<MetricsConfiguration><Id>a</Id></MetricsConfiguration>";
    put(&bucket, "metrics&id=b", document).expect_error(400, "IdMismatch");
    for name in ["metrics", "metrics&id=", "metrics&id=a%2Fb"] {
        put(&bucket, name, document).expect_error(400, "InvalidArgument");
    }
    bucket.request("DELETE", "?metrics&id=a").send().expect_error(404, "NoSuchConfiguration");
    assert!(get(&bucket, "metrics").expect_status(200).elements("Id").is_empty());
}

#[test]
fn lifecycle_answers_which_objects_are_too_small_for_a_transition() {
    let bucket = Bucket::new();
    let (name, document, _) = DOCUMENTS[2];
    let header = "x-amz-transition-default-minimum-object-size";
    let answer = put(&bucket, name, document).expect_status(200);
    assert_eq!(answer.header(header), "all_storage_classes_128K");
    let send =
        |value: &str| bucket.request("PUT", "?lifecycle").header(header, value).digested(document).send();
    assert_eq!(send("varies_by_storage_class").expect_status(200).header(header), "varies_by_storage_class");
    send("any").expect_error(400, "InvalidArgument");
    let answer = get(&bucket, name).expect_status(200);
    assert_eq!(answer.header(header), "varies_by_storage_class");
    assert!(!answer.text().contains(header));
}

#[test]
fn replication_needs_versioning() {
    let bucket = Bucket::new();
    let document = "<ReplicationConfiguration><Role>arn:aws:iam::1:role/r</Role><Rule><Status>Enabled</Status>\
                    <Prefix></Prefix><Destination><Bucket>arn:aws:s3:::copies</Bucket></Destination></Rule>\
                    </ReplicationConfiguration>";
    put(&bucket, "replication", "<ReplicationConfiguration/>").expect_error(400, "MalformedXML");
    put(&bucket, "replication", document).expect_error(400, "InvalidRequest");
    get(&bucket, "replication").expect_error(404, "ReplicationConfigurationNotFoundError");
    let versioning = |status: &str| {
        let document =
            format!("<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>");
        put(&bucket, "versioning", &document)
    };
    versioning("Enabled").expect_status(200);
    put(&bucket, "replication", document).expect_status(200);
    let answer = get(&bucket, "replication").expect_status(200);
    assert_eq!(answer.element("Role"), "arn:aws:iam::1:role/r");
    versioning("Suspended").expect_error(409, "InvalidBucketState");
    bucket.request("DELETE", "?replication").send().expect_status(204);
    versioning("Suspended").expect_status(200);
}

#[test]
fn a_policy_is_checked_kept_and_followed() {
    let bucket = Bucket::new();
    let policy = |resource: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::{resource}/*"}}]}}"#
        )
    };
    for malformed in ["", "{}", &policy("another-bucket")] {
        put(&bucket, "policy", malformed).expect_error(400, "MalformedPolicy");
    }
    put(&bucket, "policy", &(policy(&bucket.name) + &" ".repeat(20 << 10)))
        .expect_error(400, "PolicyTooLarge");
    get(&bucket, "policy").expect_error(404, "NoSuchBucketPolicy");
    get(&bucket, "policyStatus").expect_error(404, "NoSuchBucketPolicy");
    put(&bucket, "policy", &policy(&bucket.name)).expect_status(204);
    let kept = get(&bucket, "policy").expect_status(200);
    assert_eq!((kept.text(), kept.header("content-type")), (policy(&bucket.name), "application/json"));
    assert_eq!(get(&bucket, "policyStatus").expect_status(200).element("IsPublic"), "false");
    bucket.request("PUT", "/k").body("v").send().expect_error(403, "AccessDenied");
    put(&bucket, "policy", &policy("another-bucket")).expect_error(400, "MalformedPolicy");
    bucket.request("PUT", "/k").body("v").send().expect_error(403, "AccessDenied");
    bucket.request("DELETE", "?policy").send().expect_status(204);
    bucket.request("PUT", "/k").body("v").send().expect_status(200);
}

#[test]
fn a_bucket_is_made_with_the_ownership_that_its_header_names() {
    let bucket = Bucket::new();
    bucket.request("DELETE", "").send().expect_status(204);
    let create = |value: &str| bucket.request("PUT", "").header("x-amz-object-ownership", value).send();
    create("Nobody").expect_error(400, "InvalidArgument");
    bucket.request("HEAD", "").send().expect_status(404);
    create("ObjectWriter").expect_status(200);
    assert_eq!(get(&bucket, "ownershipControls").element("ObjectOwnership"), "ObjectWriter");
}

#[test]
fn a_directory_bucket_is_not_made() {
    let bucket = Bucket::new();
    bucket.request("DELETE", "").send().expect_status(204);
    let body =
        "<CreateBucketConfiguration><Bucket><Type>Directory</Type></Bucket></CreateBucketConfiguration>";
    bucket.request("PUT", "").body(body).send().expect_error(501, "NotImplemented");
    bucket.request("HEAD", "").send().expect_status(404);
}

#[test]
fn a_bucket_is_made_with_its_tags() {
    let bucket = Bucket::new();
    bucket.request("DELETE", "").send().expect_status(204);
    let with =
        |tags: &str| format!("<CreateBucketConfiguration><Tags>{tags}</Tags></CreateBucketConfiguration>");
    let tag = "<Tag><Key>team</Key><Value>storage</Value></Tag>";
    bucket.request("PUT", "").body(with(&tag.repeat(2))).send().expect_error(400, "InvalidTag");
    bucket.request("HEAD", "").send().expect_status(404);
    bucket.request("PUT", "").body(with(tag)).send().expect_status(200);
    assert!(get(&bucket, "tagging").expect_status(200).text().contains(&format!("<TagSet>{tag}</TagSet>")));
}
