//! What a bucket is configured with is there until it is removed, with what requests go by.

use holdfast::types::{ConfigurationKey, ConfigurationKind};

use crate::setup::{Deployment, bucket};

const CORS: &str = r#"{"CORSRule":[{"AllowedOrigin":["*"],"AllowedMethod":["GET"]}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn configurations_and_their_rules_outlive_a_restart_and_the_loss_of_the_database() {
    let deployment = Deployment::of(4);
    let key: ConfigurationKey = ConfigurationKind::Cors.into();
    let engine = deployment.open().await;
    engine.create_bucket(&bucket()).await.unwrap();
    assert!(engine.bucket_rules(&bucket()).is_none());
    engine.put_configuration(&bucket(), key.clone(), CORS.into()).await.unwrap();
    engine.close().await;
    drop(engine);
    for lost in [false, true] {
        for suffix in ["", "-wal", "-shm"].iter().filter(|_| lost) {
            let _ = std::fs::remove_file(deployment.path().join(format!("holdfast.db{suffix}")));
        }
        let engine = deployment.open().await;
        assert_eq!(engine.configuration(&bucket(), &key).unwrap().as_deref(), Some(CORS));
        let rules = engine.bucket_rules(&bucket()).unwrap();
        assert!(rules.cors.as_ref().unwrap().rule_for("https://a.example", "GET", &[]).is_some());
        engine.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_follow_every_change_and_end_with_the_bucket() {
    let deployment = Deployment::of(1);
    let engine = deployment.open().await;
    let key: ConfigurationKey = ConfigurationKind::Cors.into();
    engine.create_bucket(&bucket()).await.unwrap();
    assert!(!engine.remove_configuration(&bucket(), key.clone()).await.unwrap());
    engine.put_configuration(&bucket(), key.clone(), CORS.into()).await.unwrap();
    assert!(engine.bucket_rules(&bucket()).is_some());
    assert!(engine.remove_configuration(&bucket(), key.clone()).await.unwrap());
    assert!(engine.bucket_rules(&bucket()).is_none());
    engine.put_configuration(&bucket(), key.clone(), CORS.into()).await.unwrap();
    engine.delete_bucket(&bucket()).await.unwrap();
    assert!(engine.bucket_rules(&bucket()).is_none());
    engine.create_bucket(&bucket()).await.unwrap();
    assert_eq!(engine.configuration(&bucket(), &key).unwrap(), None);
    engine.close().await;
}
