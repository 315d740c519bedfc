//! Objects on healthy drives, local and on nodes.

use holdfast::object::{
    CompleteRequest, CompletedPart, CopyRequest, CreateUploadRequest, Error, PutPartRequest, UploadRef,
    WriteCondition,
};
use holdfast::types::{PartNumber, Properties};

use crate::setup::{Deployment, body_of, bucket, get, key, pattern, put, read};

/// Lengths around every border: inline, block, stripe, and the padding of the last shard.
const LENGTHS: [usize; 16] = [
    0, 1, 4095, 4096, 4097, 32_767, 65_536, 65_537, 500_001, 1_048_575, 1_048_576, 1_048_577, 2_097_152,
    3_000_001, 5_242_880, 9_000_000,
];

#[tokio::test(flavor = "multi_thread")]
async fn put_then_get_returns_same_bytes_on_every_number_of_drives() {
    let mut deployments: Vec<(usize, Deployment)> = [1, 2, 3, 4, 6].map(|n| (n, Deployment::of(n))).into();
    deployments.push((4, Deployment::on_nodes(4).await));
    for (drives, deployment) in deployments {
        let engine = deployment.open().await;
        engine.create_bucket(&bucket()).await.unwrap();
        for len in LENGTHS {
            let data = pattern(len, len as u64);
            put(&engine, &format!("k{len}"), &data).await.unwrap();
            assert_eq!(
                get(&engine, &format!("k{len}")).await.unwrap(),
                data,
                "{len} bytes on {drives} drives"
            );
        }
        engine.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_range_reads_the_same_bytes() {
    for deployment in Deployment::both(4).await {
        let engine = deployment.open().await;
        engine.create_bucket(&bucket()).await.unwrap();
        let len = 3_333_333u64;
        let data = pattern(len as usize, 9);
        put(&engine, "k", &data).await.unwrap();
        let borders =
            [0, 1, 32_768, 524_287, 524_288, 1_048_575, 1_048_576, 1_048_577, 2_500_000, len - 1, len];
        for (i, &start) in borders.iter().enumerate() {
            for &end in &borders[i..] {
                let object = engine.open(&bucket(), &key("k"), None).await.unwrap();
                let got = read(object, start..end).await.unwrap();
                assert_eq!(got, data[start as usize..end as usize], "{start}..{end}");
            }
        }
        engine.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_unequal_size_make_one_object_and_outlive_a_restart() {
    for deployment in Deployment::both(4).await {
        let engine = deployment.open().await;
        engine.create_bucket(&bucket()).await.unwrap();
        let request = CreateUploadRequest {
            bucket: bucket(),
            key: key("big"),
            properties: Properties::default(),
            encryption: None,
            checksum: None,
        };
        let id = engine.create_upload(request).await.unwrap().upload;
        let upload = UploadRef { bucket: bucket(), key: key("big"), upload: id };
        let (mut parts, mut whole) = (Vec::new(), Vec::new());
        for (number, len) in [(2u32, 6_000_000usize), (5, 5_242_880), (9, 17)] {
            let data = pattern(len, u64::from(number));
            whole.extend_from_slice(&data);
            let part = PartNumber::new(number).unwrap();
            let request = PutPartRequest {
                upload: upload.clone(),
                part,
                length: None,
                content_md5: None,
                customer_key: None,
            };
            let stored = engine.put_part(request, body_of(&data)).await.unwrap();
            parts.push(CompletedPart { part, etag: stored.etag, checksum: None });
        }
        let complete = |parts| CompleteRequest {
            upload: upload.clone(),
            parts,
            checksum: None,
            checksum_kind: None,
            size: Some(whole.len() as u64),
            condition: WriteCondition::Always,
        };
        let mut reversed = parts.clone();
        reversed.reverse();
        assert!(matches!(engine.complete_upload(complete(reversed)).await, Err(Error::InvalidPartOrder)));
        engine.complete_upload(complete(parts)).await.unwrap();
        assert!(matches!(engine.abort_upload(&upload).await, Err(Error::NoSuchUpload)));
        engine.close().await;
        drop(engine);
        let engine = deployment.open().await;
        assert_eq!(get(&engine, "big").await.unwrap(), whole);
        assert_eq!(engine.head_bucket(&bucket()).await.unwrap().bytes, whole.len() as u64);
        engine.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_outlives_its_source() {
    for deployment in Deployment::both(4).await {
        let engine = deployment.open().await;
        engine.create_bucket(&bucket()).await.unwrap();
        for len in [100, 100_000, 2_000_000] {
            let data = pattern(len, 3);
            put(&engine, "source", &data).await.unwrap();
            let source = engine.open(&bucket(), &key("source"), None).await.unwrap();
            let request = CopyRequest::to(bucket(), key("copy"));
            engine.copy(source, request).await.unwrap();
            engine.delete(&bucket(), vec![key("source").into()]).await.unwrap();
            while engine.sweep_garbage().await.unwrap() > 0 {}
            assert_eq!(get(&engine, "copy").await.unwrap(), data);
        }
        engine.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_objects_give_their_space_back() {
    for deployment in Deployment::both(4).await {
        let engine = deployment.open().await;
        engine.create_bucket(&bucket()).await.unwrap();
        put(&engine, "k", &pattern(3_000_000, 1)).await.unwrap();
        assert_eq!(blob_files(&deployment), 4);
        let reading = engine.open(&bucket(), &key("k"), None).await.unwrap();
        engine.delete(&bucket(), vec![key("k").into()]).await.unwrap();
        assert_eq!(engine.sweep_garbage().await.unwrap(), 0, "an open object keeps its blobs");
        assert_eq!(read(reading, 0..3_000_000).await.unwrap(), pattern(3_000_000, 1));
        while engine.sweep_garbage().await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(blob_files(&deployment), 0);
        engine.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_goes_with_its_unfinished_uploads_but_not_with_objects() {
    let deployment = Deployment::of(4);
    let engine = deployment.open().await;
    engine.create_bucket(&bucket()).await.unwrap();
    let request = CreateUploadRequest {
        bucket: bucket(),
        key: key("big"),
        properties: Properties::default(),
        encryption: None,
        checksum: None,
    };
    let id = engine.create_upload(request).await.unwrap().upload;
    let upload = UploadRef { bucket: bucket(), key: key("big"), upload: id };
    let request = PutPartRequest {
        upload,
        part: PartNumber::new(1).unwrap(),
        length: None,
        content_md5: None,
        customer_key: None,
    };
    engine.put_part(request, body_of(&pattern(3_000_000, 1))).await.unwrap();
    put(&engine, "k", &pattern(10, 1)).await.unwrap();
    assert!(matches!(engine.delete_bucket(&bucket()).await, Err(Error::BucketNotEmpty)));
    engine.delete(&bucket(), vec![key("k").into()]).await.unwrap();
    engine.delete_bucket(&bucket()).await.unwrap();
    while engine.sweep_garbage().await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(blob_files(&deployment), 0);
    engine.close().await;
}

/// Large shards on all drives.
fn blob_files(deployment: &Deployment) -> usize {
    walk(deployment.path()).iter().filter(|name| name.ends_with(".blob")).count()
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            names.extend(walk(&entry.path()));
        }
        names.push(entry.path().display().to_string());
    }
    names
}
