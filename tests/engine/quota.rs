//! A bucket with a quota holds no more bytes, whoever writes and however many at once.

use std::sync::Arc;

use holdfast::object::{
    AppendRequest, CompleteRequest, CompletedPart, CopyRequest, Engine, Error, PutPartRequest, PutRequest,
    Result, UploadRef, WriteCondition,
};
use holdfast::types::{
    BucketQuota, ChecksumAlgorithm, PartNumber, Properties, QuotaExcess, UploadId, Versioning,
};
use tokio::task::JoinSet;

use crate::setup::{Deployment, body_of, bucket, get, key, pattern, put, start_upload};

async fn bounded(deployment: &Deployment, bytes: u64) -> Arc<Engine> {
    let engine = deployment.open().await;
    engine.create_bucket(&bucket()).await.unwrap();
    set(&engine, bytes).await;
    engine
}

async fn set(engine: &Engine, bytes: u64) {
    engine.set_quota(&bucket(), Some(BucketQuota { bytes })).await.unwrap();
}

/// Bytes of all versions.
async fn held(engine: &Engine) -> u64 {
    let info = engine.head_bucket(&bucket()).await.unwrap();
    info.bytes + info.version_bytes
}

/// The excess for which something was refused.
fn excess<T: std::fmt::Debug>(result: Result<T>) -> QuotaExcess {
    match result {
        Err(Error::QuotaExceeded(excess)) => *excess,
        other => panic!("not refused for the quota: {other:?}"),
    }
}

async fn put_part(
    engine: &Engine,
    (name, upload): (&str, UploadId),
    part: u16,
    len: usize,
) -> Result<CompletedPart> {
    let upload = UploadRef { bucket: bucket(), key: key(name), upload };
    let part = PartNumber::new(part.into()).unwrap();
    let length = Some(len as u64);
    let request = PutPartRequest { upload, part, length, content_md5: None, customer_key: None };
    let stored = engine.put_part(request, body_of(&pattern(len, 1))).await?;
    Ok(CompletedPart { part, etag: stored.etag, checksum: None })
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_once_fill_a_bucket_to_its_quota_and_not_a_byte_beyond() {
    for deployment in Deployment::both(4).await {
        // Inline and on drives; what is stored whole fits nine times, with a rest.
        for len in [1000, 100_000] {
            let engine = deployment.open().await;
            let _ = engine.create_bucket(&bucket()).await;
            let quota = 9 * len as u64 + len as u64 / 2;
            set(&engine, quota).await;
            let mut writers = JoinSet::new();
            for writer in 0..40 {
                let engine = engine.clone();
                writers
                    .spawn(async move { put(&engine, &format!("k{writer}"), &pattern(len, writer)).await });
            }
            let mut stored = 0;
            while let Some(written) = writers.join_next().await {
                match written.unwrap() {
                    Ok(_) => stored += 1,
                    refused => assert_eq!(excess(refused).quota.bytes, quota),
                }
            }
            assert_eq!(stored, 9);
            assert_eq!(held(&engine).await, 9 * len as u64);
            let keys = (0..40).map(|writer| key(&format!("k{writer}")).into()).collect();
            engine.delete(&bucket(), keys).await.unwrap();
            put(&engine, "again", &pattern(len, 1)).await.unwrap();
            engine.delete(&bucket(), vec![key("again").into()]).await.unwrap();
            engine.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_excess_is_told_with_what_is_used_and_what_is_asked_for() {
    let deployment = Deployment::of(4);
    let engine = bounded(&deployment, 10_000).await;
    put(&engine, "a", &pattern(7000, 1)).await.unwrap();
    let refused = excess(put(&engine, "b", &pattern(3001, 1)).await);
    let quota = BucketQuota { bytes: 10_000 };
    assert_eq!(refused, QuotaExcess { bucket: "photos".into(), quota, used: 7000, more: 3001 });
    put(&engine, "b", &pattern(3000, 1)).await.unwrap();
    assert_eq!(held(&engine).await, 10_000);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_replaced_makes_room_unless_it_is_kept() {
    let deployment = Deployment::of(4);
    let engine = bounded(&deployment, 10_000).await;
    put(&engine, "k", &pattern(9000, 1)).await.unwrap();
    put(&engine, "k", &pattern(10_000, 2)).await.unwrap();
    excess(put(&engine, "k", &pattern(10_001, 3)).await);
    assert_eq!(get(&engine, "k").await.unwrap(), pattern(10_000, 2), "what was refused changed nothing");

    engine.set_versioning(&bucket(), Versioning::Enabled).await.unwrap();
    assert_eq!(excess(put(&engine, "k", &pattern(5000, 4)).await).more, 5000);
    set(&engine, 15_000).await;
    put(&engine, "k", &pattern(5000, 4)).await.unwrap();
    excess(put(&engine, "k", &pattern(1, 5)).await);

    // The null version is replaced, though it is not the newest.
    engine.set_versioning(&bucket(), Versioning::Suspended).await.unwrap();
    put(&engine, "k", &pattern(10_000, 6)).await.unwrap();
    put(&engine, "k", &pattern(8000, 7)).await.unwrap();
    assert_eq!(held(&engine).await, 13_000);
    excess(put(&engine, "k", &pattern(10_001, 8)).await);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_below_what_is_there_refuses_more_and_lets_less_through() {
    let deployment = Deployment::of(4);
    let engine = bounded(&deployment, 100_000).await;
    put(&engine, "k", &pattern(50_000, 1)).await.unwrap();
    set(&engine, 10_000).await;
    excess(put(&engine, "new", &pattern(1, 1)).await);
    put(&engine, "empty", &pattern(0, 1)).await.unwrap();
    put(&engine, "k", &pattern(40_000, 2)).await.unwrap();
    engine.delete(&bucket(), vec![key("k").into()]).await.unwrap();
    put(&engine, "new", &pattern(10_000, 1)).await.unwrap();
    engine.set_quota(&bucket(), None).await.unwrap();
    put(&engine, "k", &pattern(50_000, 1)).await.unwrap();
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_refused_when_the_object_would_not_fit_and_completing_is_exact() {
    const PART: usize = 5 << 20;
    let deployment = Deployment::of(4);
    let engine = bounded(&deployment, (2 * PART + 1000) as u64).await;
    let upload = ("big", start_upload(&engine, "big").await);
    let first = put_part(&engine, upload, 1, PART).await.unwrap();
    let second = put_part(&engine, upload, 2, PART).await.unwrap();
    put_part(&engine, upload, 2, PART).await.unwrap();
    assert_eq!(excess(put_part(&engine, upload, 3, 1001).await).more, (2 * PART + 1001) as u64);
    let third = put_part(&engine, upload, 3, 1000).await.unwrap();

    put(&engine, "other", &pattern(500, 1)).await.unwrap();
    let complete = |parts: &[&CompletedPart]| {
        let upload = UploadRef { bucket: bucket(), key: key(upload.0), upload: upload.1 };
        let parts = parts.iter().copied().cloned().collect();
        engine.complete_upload(CompleteRequest {
            upload,
            parts,
            condition: WriteCondition::Always,
            checksum: None,
            checksum_kind: None,
            size: None,
        })
    };
    excess(complete(&[&first, &second, &third]).await);
    complete(&[&first, &second]).await.unwrap();
    assert_eq!(held(&engine).await, (2 * PART + 500) as u64);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_count_and_renames_do_not_where_nothing_is_kept() {
    let deployment = Deployment::of(4);
    for (len, name) in [(2000, "small"), (200_000, "large")] {
        let engine = deployment.open().await;
        let _ = engine.create_bucket(&bucket()).await;
        engine.set_quota(&bucket(), None).await.unwrap();
        put(&engine, name, &pattern(len, 1)).await.unwrap();
        let start = held(&engine).await;
        set(&engine, start + len as u64 - 1).await;
        let open = || async { engine.open(&bucket(), &key(name), None).await.unwrap() };
        let copy = || CopyRequest::to(bucket(), key(&format!("copy of {name}")));
        excess(engine.copy(open().await, copy()).await);
        engine.rename(open().await, &key("moved"), WriteCondition::Always, None).await.unwrap();
        assert_eq!(held(&engine).await, start);
        let moved = engine.open(&bucket(), &key("moved"), None).await.unwrap();
        engine.rename(moved, &key(name), WriteCondition::Always, None).await.unwrap();
        set(&engine, start + len as u64).await;
        engine.copy(open().await, copy()).await.unwrap();
        excess(engine.copy(open().await, CopyRequest::to(bucket(), key("another"))).await);
        engine.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_counts_where_the_old_key_keeps_its_version() {
    let deployment = Deployment::of(4);
    let engine = bounded(&deployment, 15_000).await;
    engine.set_versioning(&bucket(), Versioning::Enabled).await.unwrap();
    put(&engine, "k", &pattern(10_000, 1)).await.unwrap();
    let open = engine.open(&bucket(), &key("k"), None).await.unwrap();
    excess(engine.rename(open, &key("moved"), WriteCondition::Always, None).await);
    assert_eq!(get(&engine, "k").await.unwrap(), pattern(10_000, 1));
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_added_to_an_object_counts() {
    let deployment = Deployment::of(4);
    let len = 9 << 20;
    let engine = bounded(&deployment, len as u64 + 5000).await;
    let properties = Properties::default();
    let request = PutRequest {
        bucket: bucket(),
        key: key("log"),
        properties,
        encryption: None,
        length: Some(len as u64),
        content_md5: None,
        condition: WriteCondition::Always,
    };
    engine.put(request, body_of(&pattern(len, 1))).await.unwrap();
    let append = |announced: Option<u64>, added: usize| {
        let engine = engine.clone();
        async move {
            let object = engine.open(&bucket(), &key("log"), None).await.unwrap();
            let algorithm = ChecksumAlgorithm::Crc64Nvme;
            let request =
                AppendRequest { length: announced, content_md5: None, algorithm, customer_key: None };
            engine.append(object, request, body_of(&pattern(added, 2))).await
        }
    };
    append(Some(4000), 4000).await.unwrap();
    excess(append(Some(1001), 1001).await);
    excess(append(None, 1001).await);
    append(None, 1000).await.unwrap();
    assert_eq!(held(&engine).await, len as u64 + 5000);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_fit_is_refused_before_it_is_read() {
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use holdfast::object::{Body, BodyError};
    use holdfast::types::ChecksumValue;

    struct Unread;
    impl Body for Unread {
        fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<std::result::Result<Bytes, BodyError>>> {
            panic!("the body is read");
        }
        fn checksum(&self) -> Option<ChecksumValue> {
            None
        }
    }
    let deployment = Deployment::of(4);
    let engine = bounded(&deployment, 50_000).await;
    let request = PutRequest {
        bucket: bucket(),
        key: key("k"),
        properties: Properties::default(),
        encryption: None,
        length: Some(50_001),
        content_md5: None,
        condition: WriteCondition::Always,
    };
    excess(engine.put(request, Unread).await);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_outlives_a_restart_and_the_loss_of_the_database_and_ends_with_its_bucket() {
    let deployment = Deployment::of(4);
    let engine = bounded(&deployment, 10_000).await;
    put(&engine, "k", &pattern(9000, 1)).await.unwrap();
    engine.close().await;
    drop(engine);
    for lost in [false, true] {
        for suffix in ["", "-wal", "-shm"].iter().filter(|_| lost) {
            let _ = std::fs::remove_file(deployment.path().join(format!("holdfast.db{suffix}")));
        }
        let engine = deployment.open().await;
        assert_eq!(engine.quota("photos"), Some(BucketQuota { bytes: 10_000 }));
        excess(put(&engine, "new", &pattern(1001, 1)).await);
        put(&engine, "new", &pattern(1000, 1)).await.unwrap();
        engine.close().await;
    }
    let engine = deployment.open().await;
    engine.delete(&bucket(), vec![key("k").into(), key("new").into()]).await.unwrap();
    engine.delete_bucket(&bucket()).await.unwrap();
    engine.create_bucket(&bucket()).await.unwrap();
    assert_eq!(engine.quota("photos"), None);
    put(&engine, "k", &pattern(20_000, 1)).await.unwrap();
    engine.close().await;
}
