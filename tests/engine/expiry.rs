//! What ends by lifecycle rules is removed, and nothing else.

use std::time::Duration;

use holdfast::object::{Engine, ListUploadsRequest};
use holdfast::types::{Aging, ConfigurationKind, Tags};

use crate::setup::{Deployment, bucket, get, pattern, put, start_upload};

async fn rules(engine: &Engine, document: &str) {
    let document = format!(r#"{{"Rule":[{document}]}}"#);
    engine.put_configuration(&bucket(), ConfigurationKind::Lifecycle.into(), document).await.unwrap();
}

async fn expire_all(engine: &Engine) -> (u64, u64) {
    let (mut objects, mut uploads) = (0, 0);
    for (name, rules) in engine.aging_buckets() {
        let mut cursor = Some(Default::default());
        while let Some(at) = cursor {
            // Two rows a step, so that a walk has several.
            let step = engine.expire_some(&name, rules.lifecycle.as_ref().unwrap(), at, 2).await.unwrap();
            (objects, uploads) = (objects + step.objects, uploads + step.uploads);
            cursor = step.cursor;
        }
    }
    (objects, uploads)
}

/// A date long past ends all that a filter chooses.
const PAST: &str = r#""Status":"Enabled","Expiration":{"Date":"2000-01-01T00:00:00.000Z"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_removed_that_the_filter_of_a_due_rule_chooses() {
    let deployment = Deployment::of(4);
    let engine = deployment.open().await;
    engine.create_bucket(&bucket()).await.unwrap();
    for name in ["a", "logs/1", "logs/2", "logs/3", "logs/large", "z"] {
        let len = if name == "logs/large" { 2_000_000 } else { 10 };
        put(&engine, name, &pattern(len, 1)).await.unwrap();
    }
    assert_eq!(expire_all(&engine).await, (0, 0));
    let filter = r#""Filter":{"And":{"Prefix":"logs/","ObjectSizeGreaterThan":9,"ObjectSizeLessThan":11}}"#;
    rules(&engine, &format!(r#"{{"ID":"a",{filter},{PAST}}}"#)).await;
    assert_eq!(expire_all(&engine).await, (3, 0));
    for name in ["a", "logs/large", "z"] {
        assert!(get(&engine, name).await.is_ok(), "{name}");
    }
    assert!(get(&engine, "logs/1").await.is_err());
    assert_eq!(expire_all(&engine).await, (0, 0));
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_removed_before_its_day_is_over_or_by_a_rule_that_is_off() {
    let deployment = Deployment::of(1);
    let engine = deployment.open().await;
    engine.create_bucket(&bucket()).await.unwrap();
    put(&engine, "k", &pattern(10, 1)).await.unwrap();
    let off = format!(r#"{{"ID":"off","Prefix":"",{}}}"#, PAST.replace("Enabled", "Disabled"));
    let later = r#"{"ID":"on","Prefix":"","Status":"Enabled","Expiration":{"Days":1}}"#;
    rules(&engine, &format!("{off},{later}")).await;
    assert_eq!(expire_all(&engine).await, (0, 0));
    let object = Aging { key: "k", size: 10, tags: &Tags::default(), modified: engine.now() };
    let expiry = engine.expiry(&bucket(), &object).unwrap();
    assert_eq!(expiry.rule, "on");
    assert!(expiry.at > engine.now() && expiry.at.as_secs() % 86_400 == 0);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_end_whose_day_is_over_and_background_work_finds_them() {
    let deployment = Deployment::of(1);
    let engine = deployment.open_with_day(1).await;
    engine.create_bucket(&bucket()).await.unwrap();
    for name in ["tmp/a", "tmp/b", "tmp/c", "kept"] {
        start_upload(&engine, name).await;
    }
    let abort = r#""AbortIncompleteMultipartUpload":{"DaysAfterInitiation":1}"#;
    rules(&engine, &format!(r#"{{"ID":"a","Filter":{{"Prefix":"tmp/"}},"Status":"Enabled",{abort}}}"#)).await;
    let scrub = holdfast::jobs::ScrubOptions { pass: None };
    let jobs = holdfast::jobs::start(&engine, scrub, &holdfast::runtime::Tasks::threads()).unwrap();
    let left = loop {
        let request = ListUploadsRequest {
            bucket: bucket(),
            prefix: String::new(),
            delimiter: None,
            after_key: String::new(),
            after_upload: None,
            max_uploads: 1000,
        };
        let uploads = engine.list_uploads(request).await.unwrap().uploads;
        if uploads.len() < 4 && !uploads.iter().any(|upload| upload.key.as_str().starts_with("tmp/")) {
            break uploads;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(left.iter().map(|upload| upload.key.as_str()).collect::<Vec<_>>(), ["kept"]);
    drop(jobs);
    engine.close().await;
}
