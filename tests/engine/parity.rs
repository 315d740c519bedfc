//! Buckets with a parity of their own, and what is encoded anew when that changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use holdfast::jobs::{heal_once, recode_all};
use holdfast::metadata::Mutation;
use holdfast::object::{
    AppendRequest, ChangeError, CompleteRequest, CompletedPart, CopyRequest, Engine, Error, Intent,
    PutPartRequest, PutRequest, RecodeCursor, ScrubCursor, Suspects, UploadRef, WriteCondition,
};
use holdfast::types::{
    BlobId, BucketName, ChecksumAlgorithm, DriveSlot, PartNumber, Properties, Scheme, StorageClass,
};

use crate::setup::{Deployment, body_of, bucket, get, key, pattern, put, read, start_upload};

const TWO: Scheme = Scheme { data: 2, parity: 2 };
const THREE: Scheme = Scheme { data: 3, parity: 1 };
const PART: usize = 5 << 20;
/// In the metadata, in one record, exactly and just above a stripe, and of several stripes.
const LENGTHS: [usize; 6] = [0, 4_096, 5_000, 1 << 20, (1 << 20) + 1, 3_500_001];

fn name(len: usize) -> String {
    format!("object-{len}")
}

async fn set(engine: &Engine, scheme: Option<Scheme>) {
    engine.set_bucket_scheme(bucket().as_str(), scheme, Intent::Do).await.unwrap();
}

async fn upload(engine: &Engine, name: &str, parts: &[Bytes]) {
    let upload = start_upload(engine, name).await;
    let upload = UploadRef { bucket: bucket(), key: key(name), upload };
    let mut completed = Vec::new();
    for (i, data) in parts.iter().enumerate() {
        let part = PartNumber::new(i as u32 + 1).unwrap();
        let length = Some(data.len() as u64);
        let request =
            PutPartRequest { upload: upload.clone(), part, length, content_md5: None, customer_key: None };
        let etag = engine.put_part(request, body_of(data)).await.unwrap().etag;
        completed.push(CompletedPart { part, etag, checksum: None });
    }
    let request = CompleteRequest {
        upload,
        parts: completed,
        checksum: None,
        checksum_kind: None,
        size: None,
        condition: WriteCondition::Always,
    };
    engine.complete_upload(request).await.unwrap();
}

async fn copy(engine: &Engine, from: &str, to: (&BucketName, &str)) {
    let source = engine.open(&bucket(), &key(from), None).await.unwrap();
    let request = CopyRequest::to(to.0.clone(), key(to.1));
    engine.copy(source, request).await.unwrap();
}

fn parts() -> [Bytes; 3] {
    [pattern(PART, 1), pattern(PART + 3, 2), pattern(1000, 3)]
}

/// One object of every kind.
async fn fill(engine: &Engine) {
    engine.create_bucket(&bucket()).await.unwrap();
    for len in LENGTHS {
        put(engine, &name(len), &pattern(len, len as u64)).await.unwrap();
    }
    upload(engine, "parts", &parts()).await;
    copy(engine, &name(3_500_001), (&bucket(), "copy")).await;
    copy(engine, "parts", (&bucket(), "parts-copy")).await;
}

async fn check_bytes(engine: &Engine) {
    for len in LENGTHS {
        assert_eq!(get(engine, &name(len)).await.unwrap(), pattern(len, len as u64), "{len}");
    }
    assert_eq!(get(engine, "copy").await.unwrap(), pattern(3_500_001, 3_500_001));
    assert_eq!(get(engine, "parts").await.unwrap(), parts().concat());
    assert_eq!(get(engine, "parts-copy").await.unwrap(), parts().concat());
}

/// What a client sees of every object but the bytes.
async fn seen(engine: &Engine) -> Vec<String> {
    let mut names: Vec<String> = LENGTHS.map(name).to_vec();
    names.extend(["copy", "parts", "parts-copy"].map(str::to_owned));
    let mut seen = Vec::new();
    for name in names {
        let object = engine.open(&bucket(), &key(&name), None).await.unwrap();
        seen.push(format!("{name} {:?} {:?}", object.info(), object.part_sizes()));
    }
    seen
}

/// The schemes that blobs have, and how many blobs there are.
fn schemes(engine: &Engine) -> (BTreeSet<Scheme>, usize) {
    let blobs = engine.metadata().blobs_after(BlobId(0), 10_000).unwrap();
    (blobs.iter().map(|layout| layout.scheme()).collect(), blobs.len())
}

async fn sweep(engine: &Engine) {
    while engine.metadata().garbage_newest().unwrap().is_some() {
        engine.sweep_garbage().await.unwrap();
    }
}

async fn remove_orphans(engine: &Engine) -> u64 {
    let mut suspects = Suspects::default();
    for slot in 0..4 {
        for part in 0..=u8::MAX {
            engine.suspect_orphans(DriveSlot(slot), part, &mut suspects).await.unwrap();
        }
    }
    engine.remove_orphans(suspects).await.unwrap()
}

/// Every shard is intact where it should be, and all is at full redundancy.
async fn scrub(engine: &Engine) {
    let mut next = Some(ScrubCursor::START);
    while let Some(from) = next {
        let scrubbed = engine.scrub(from, u64::MAX).await.unwrap();
        assert_eq!(scrubbed.found, 0);
        next = scrubbed.next;
    }
    let counts = engine.redundancy().unwrap();
    assert!(counts.is_full(), "{counts:?}");
}

async fn four_drives() -> (Deployment, Arc<Engine>) {
    let deployment = Deployment::of(4);
    let engine = deployment.open().await;
    fill(&engine).await;
    (deployment, engine)
}

fn held(engine: &Engine) -> u64 {
    engine.redundancy().unwrap().held.values().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_gets_the_parity_that_its_bucket_asks_for_and_nobody_sees_it() {
    let (_deployment, engine) = four_drives().await;
    let (before, bytes_before, blobs) = (seen(&engine).await, held(&engine), schemes(&engine).1);
    let plan = engine.set_bucket_scheme("photos", Some(THREE), Intent::Plan).await.unwrap();
    assert_eq!((schemes(&engine).0, engine.bytes_to_recode().unwrap()), (BTreeSet::from([TWO]), 0));
    set(&engine, Some(THREE)).await;
    assert_eq!(THREE.stored_bytes(engine.bytes_to_recode().unwrap()), plan.bytes);
    put(&engine, "new", &pattern(2_000_000, 9)).await.unwrap();
    assert_eq!(schemes(&engine).0, BTreeSet::from([TWO, THREE]), "new ones at once");
    engine.delete(&bucket(), vec![key("new").into()]).await.unwrap();
    assert!(!recode_all(&engine).await.unwrap());
    assert_eq!(schemes(&engine), (BTreeSet::from([THREE]), blobs), "copies go on sharing");
    assert_eq!((engine.bytes_to_recode().unwrap(), engine.objects_to_recode().unwrap()), (0, 0));
    assert_eq!(seen(&engine).await, before);
    check_bytes(&engine).await;
    sweep(&engine).await;
    scrub(&engine).await;
    let bytes = held(&engine);
    assert!(bytes * 3 / 2 <= bytes_before + 100, "two thirds: {bytes} of {bytes_before}");
    assert_eq!(engine.parity_min().unwrap(), 1);
    set(&engine, None).await;
    assert!(!recode_all(&engine).await.unwrap());
    sweep(&engine).await;
    assert_eq!((schemes(&engine), held(&engine)), ((BTreeSet::from([TWO]), blobs), bytes_before));
    check_bytes(&engine).await;
    for name in LENGTHS.map(name).into_iter().chain(["copy".into(), "parts".into(), "parts-copy".into()]) {
        engine.delete(&bucket(), vec![key(&name).into()]).await.unwrap();
    }
    assert_eq!((schemes(&engine).1, engine.metadata().encodings().unwrap()), (0, Vec::new()));
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_keeps_its_parity_over_restarts_and_a_stop_in_the_middle_loses_nothing() {
    let (deployment, engine) = four_drives().await;
    let before = seen(&engine).await;
    set(&engine, Some(THREE)).await;
    // One object goes over, of the second the new shards are there and no row names them.
    let mut cursor = RecodeCursor::default();
    for is_finished in [true, false] {
        let (mut found, next) = engine.next_to_recode(&cursor, 1000, 1).unwrap().unwrap();
        let mut recoding = found.remove(0);
        engine.recode_some(&mut recoding, u64::MAX).await.unwrap();
        assert!(recoding.is_written());
        if is_finished {
            engine.finish_recoding(recoding).await.unwrap();
        }
        cursor = next;
    }
    engine.close().await;
    drop(engine);
    let engine = deployment.open().await;
    assert!(remove_orphans(&engine).await >= 4);
    assert_eq!(schemes(&engine).0, BTreeSet::from([TWO, THREE]));
    check_bytes(&engine).await;
    put(&engine, "new", &pattern(90_000, 1)).await.unwrap();
    engine.delete(&bucket(), vec![key("new").into()]).await.unwrap();
    assert!(!recode_all(&engine).await.unwrap());
    assert_eq!(schemes(&engine).0, BTreeSet::from([THREE]));
    assert_eq!(seen(&engine).await, before);
    check_bytes(&engine).await;
    sweep(&engine).await;
    scrub(&engine).await;
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_go_on_and_overwritten_objects_keep_the_new_bytes() {
    let (_deployment, engine) = four_drives().await;
    let reader = engine.open(&bucket(), &key("parts"), None).await.unwrap();
    set(&engine, Some(THREE)).await;
    let large = name(3_500_001);
    let mut cursor = RecodeCursor::default();
    while let Some((found, next)) = engine.next_to_recode(&cursor, 1000, u64::MAX).unwrap() {
        for mut recoding in found {
            engine.recode_some(&mut recoding, u64::MAX).await.unwrap();
            put(&engine, &large, &pattern(2_222_222, 8)).await.unwrap();
            put(&engine, "copy", &pattern(7_000, 8)).await.unwrap();
            let finished = engine.finish_recoding(recoding).await;
            assert!(matches!(finished, Ok(()) | Err(Error::Conflict)), "{finished:?}");
        }
        cursor = next;
    }
    assert!(!recode_all(&engine).await.unwrap());
    engine.sweep_garbage().await.unwrap();
    let size = reader.info().size;
    assert_eq!(read(reader, 0..size).await.unwrap(), parts().concat(), "opened before");
    assert_eq!(get(&engine, &large).await.unwrap(), pattern(2_222_222, 8));
    assert_eq!(get(&engine, "copy").await.unwrap(), pattern(7_000, 8));
    sweep(&engine).await;
    scrub(&engine).await;
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_mind_in_the_middle_leaves_each_object_whole() {
    let (_deployment, engine) = four_drives().await;
    set(&engine, Some(THREE)).await;
    let (mut found, _) = engine.next_to_recode(&RecodeCursor::default(), 1000, 1).unwrap().unwrap();
    let mut recoding = found.remove(0);
    engine.recode_some(&mut recoding, u64::MAX).await.unwrap();
    set(&engine, None).await;
    let finished = engine.finish_recoding(recoding).await;
    assert!(matches!(finished, Err(Error::Conflict)), "nobody asks for it any more: {finished:?}");
    assert_eq!(schemes(&engine).0, BTreeSet::from([TWO]));
    assert!(!recode_all(&engine).await.unwrap());
    check_bytes(&engine).await;
    scrub(&engine).await;
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_encoded_anew_around_a_lost_drive() {
    let deployment = Deployment::of(6);
    let engine = deployment.open().await;
    fill(&engine).await;
    engine.close().await;
    drop(engine);
    std::fs::remove_dir_all(deployment.drive(1)).unwrap();
    std::fs::write(deployment.drive(1), "not a folder").unwrap();
    let engine = deployment.open().await;
    let asked = Scheme { data: 2, parity: 2 };
    set(&engine, Some(asked)).await;
    assert!(!recode_all(&engine).await.unwrap());
    assert_eq!(schemes(&engine).0, BTreeSet::from([asked]));
    check_bytes(&engine).await;
    let blobs = engine.metadata().blobs_after(BlobId(0), 1000).unwrap();
    assert!(blobs.iter().all(|layout| !layout.slots.contains(&DriveSlot(1))), "nothing is left to rebuild");
    engine.remove_drive(DriveSlot(1), Intent::Plan).await.unwrap_err();
    assert_eq!(heal_once(&engine).await.unwrap().failed, 0);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_another_bucket_has_what_that_bucket_asks_for() {
    let (_deployment, engine) = four_drives().await;
    let archive = BucketName::parse("archive").unwrap();
    engine.create_bucket(&archive).await.unwrap();
    copy(&engine, "parts", (&archive, "parts")).await;
    copy(&engine, "parts", (&archive, "again")).await;
    let blobs = schemes(&engine).1;
    engine.set_bucket_scheme("archive", Some(THREE), Intent::Do).await.unwrap();
    assert!(!recode_all(&engine).await.unwrap());
    assert_eq!(schemes(&engine), (BTreeSet::from([TWO, THREE]), blobs + 3), "each bucket shares its own");
    for key in [key("parts"), key("again")] {
        let object = engine.open(&archive, &key, None).await.unwrap();
        let size = object.info().size;
        assert_eq!(read(object, 0..size).await.unwrap(), parts().concat());
    }
    check_bytes(&engine).await;
    engine.set_bucket_scheme("archive", None, Intent::Do).await.unwrap();
    assert!(!recode_all(&engine).await.unwrap());
    sweep(&engine).await;
    scrub(&engine).await;
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_given_up_between_stripes_leaves_nothing() {
    let (_deployment, engine) = four_drives().await;
    set(&engine, Some(THREE)).await;
    let cursor = RecodeCursor::default();
    let (found, _) = engine.next_to_recode(&cursor, 1000, u64::MAX).unwrap().unwrap();
    for mut recoding in found {
        let done = engine.recode_some(&mut recoding, 1).await.unwrap();
        assert!(done > 0 || recoding.is_written());
    }
    assert!(!recode_all(&engine).await.unwrap());
    let stands = engine.metadata().blobs_after(BlobId(0), 1000).unwrap();
    assert!(stands.iter().all(|layout| layout.scheme() == THREE));
    check_bytes(&engine).await;
    sweep(&engine).await;
    scrub(&engine).await;
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drive_may_be_lost_in_the_middle() {
    let (deployment, engine) = four_drives().await;
    set(&engine, Some(THREE)).await;
    let mut cursor = RecodeCursor::default();
    let mut objects = 0;
    while let Some((found, next)) = engine.next_to_recode(&cursor, 1000, 1).unwrap() {
        for mut recoding in found {
            engine.recode_some(&mut recoding, 1).await.unwrap();
            if objects == 2 {
                for folder in ["blobs", "segments"] {
                    std::fs::remove_dir_all(deployment.drive(2).join(folder)).unwrap();
                }
            }
            objects += 1;
            match engine.recode_some(&mut recoding, u64::MAX).await {
                Ok(_) => engine.finish_recoding(recoding).await.unwrap(),
                Err(error) => assert!(!matches!(error, Error::Unreadable { .. }), "{error}"),
            }
        }
        cursor = next;
    }
    check_bytes(&engine).await;
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_refused() {
    let (_deployment, engine) = four_drives().await;
    for (data, parity) in [(0, 1), (4, 0), (3, 2), (1, 3), (16, 2)] {
        let refused = engine.set_bucket_scheme("photos", Some(Scheme { data, parity }), Intent::Do).await;
        assert!(matches!(refused, Err(ChangeError::Refused(_))), "{data}+{parity}: {refused:?}");
    }
    let unknown = engine.set_bucket_scheme("nothing", Some(THREE), Intent::Do).await;
    assert!(matches!(unknown, Err(ChangeError::NoSuchBucket(_))));
    assert!(!engine.bucket_encodings().unwrap()[0].is_own);
    set(&engine, Some(THREE)).await;
    for len in LENGTHS {
        engine
            .delete(
                &bucket(),
                vec![
                    key(&name(len)).into(),
                    key("parts").into(),
                    key("parts-copy").into(),
                    key("copy").into(),
                ],
            )
            .await
            .unwrap();
    }
    engine.delete_bucket(&bucket()).await.unwrap();
    engine.create_bucket(&bucket()).await.unwrap();
    put(&engine, "first", &pattern(9_000, 1)).await.unwrap();
    assert_eq!(schemes(&engine).0, BTreeSet::from([TWO]), "a bucket of the same name begins anew");
    engine.close().await;
}

fn of_class(name: &str, class: StorageClass, len: usize) -> PutRequest {
    PutRequest {
        bucket: bucket(),
        key: key(name),
        properties: Properties { class, ..Properties::default() },
        encryption: None,
        length: Some(len as u64),
        content_md5: None,
        condition: WriteCondition::Always,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_share_their_bytes_part_when_their_classes_ask_for_different_parity() {
    let deployment = Deployment::of(4);
    let engine = deployment.open().await;
    engine.create_bucket(&bucket()).await.unwrap();
    let data = pattern(2_500_000, 1);
    engine.put(of_class("a", StorageClass::Standard, data.len()), body_of(&data)).await.unwrap();
    for name in ["b", "c", "d"] {
        copy(&engine, "a", (&bucket(), name)).await;
    }
    assert_eq!(schemes(&engine), (BTreeSet::from([TWO]), 1));
    let sequence =
        |name: &str| engine.metadata().object_and_payload(bucket().as_str(), name, None).unwrap().0.sequence;
    let moved = ["c", "d"].map(|name| (name.to_owned(), sequence(name), StorageClass::ReducedRedundancy));
    let (bucket_name, now) = (bucket().to_string(), engine.now());
    let transition = Mutation::Transition { bucket: bucket_name, versions: moved.to_vec(), now };
    engine.metadata().commit(transition).await.unwrap();
    assert_eq!(engine.objects_to_recode().unwrap(), 2);
    assert!(!recode_all(&engine).await.unwrap());
    assert_eq!(schemes(&engine), (BTreeSet::from([TWO, THREE]), 2), "each two share still");
    let rows = engine.metadata().encodings().unwrap();
    let counted: Vec<_> = rows.iter().map(|row| (row.class, row.schemes.clone(), row.objects)).collect();
    assert_eq!(
        counted,
        [(StorageClass::Standard, vec![TWO], 2), (StorageClass::ReducedRedundancy, vec![THREE], 2)]
    );
    for name in ["a", "b", "c", "d"] {
        assert_eq!(get(&engine, name).await.unwrap(), data, "{name}");
        engine.delete(&bucket(), vec![key(name).into()]).await.unwrap();
    }
    assert_eq!((schemes(&engine).1, engine.metadata().encodings().unwrap()), (0, Vec::new()));
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_added_to_an_object_has_the_parity_of_its_class() {
    let deployment = Deployment::of(4);
    let engine = deployment.open().await;
    engine.create_bucket(&bucket()).await.unwrap();
    let data = pattern(1_500_000, 1);
    let request = of_class("a", StorageClass::ReducedRedundancy, data.len());
    engine.put(request, body_of(&data)).await.unwrap();
    assert_eq!(engine.parity_min().unwrap(), 1, "the least safe object counts");
    let object = engine.open(&bucket(), &key("a"), None).await.unwrap();
    let request = AppendRequest {
        length: None,
        content_md5: None,
        algorithm: ChecksumAlgorithm::Crc64Nvme,
        customer_key: None,
    };
    engine.append(object, request, body_of(&data)).await.unwrap();
    sweep(&engine).await;
    assert_eq!(schemes(&engine).0, BTreeSet::from([THREE]));
    assert_eq!(engine.objects_to_recode().unwrap(), 0);
    assert_eq!(get(&engine, "a").await.unwrap(), [&data[..], &data[..]].concat());
    engine.delete(&bucket(), vec![key("a").into()]).await.unwrap();
    assert_eq!(engine.parity_min().unwrap(), 2);
    engine.close().await;
}
