//! Drives that are gone, emptied or corrupt.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use holdfast::jobs::ScrubOptions;
use holdfast::metadata::Mutation;
use holdfast::object::{Engine, ScrubCursor};
use holdfast::runtime::{BoxFuture, Tasks};
use holdfast::shard_store::{Drive, DriveError, Op, Reply};
use holdfast::types::{BlobId, DriveId};

use crate::setup::{Deployment, bucket, get, pattern, put, start};

const LENGTHS: [usize; 5] = [10, 5_000, 300_000, 1_500_000, 4_000_000];

async fn fill(engine: &Engine, round: usize) {
    for len in LENGTHS {
        put(engine, &format!("r{round}-{len}"), &pattern(len, round as u64)).await.unwrap();
    }
}

async fn check(engine: &Engine, rounds: usize) {
    for round in 0..rounds {
        for len in LENGTHS {
            let name = format!("r{round}-{len}");
            let got = get(engine, &name).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(got, pattern(len, round as u64), "{name}");
        }
    }
}

async fn heal_all(engine: &Engine) {
    let healed = holdfast::jobs::heal_once(engine).await.unwrap();
    assert_eq!(healed.failed, 0);
    assert!(engine.redundancy().unwrap().is_full(), "{:?}", engine.redundancy());
}

/// Reads all of every shard; returns how many bad ones that found.
async fn scrub_all(engine: &Engine) -> u64 {
    let (mut next, mut found) = (Some(ScrubCursor::START), 0);
    while let Some(from) = next {
        let scrubbed = engine.scrub(from, 1 << 20).await.unwrap();
        (next, found) = (scrubbed.next, found + scrubbed.found);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_any_drive_between_restarts_changes_nothing() {
    let deployment = Deployment::of(4);
    let engine = deployment.open().await;
    engine.create_bucket(&bucket()).await.unwrap();
    fill(&engine, 0).await;
    engine.close().await;
    drop(engine);
    for round in 1..=8 {
        std::fs::remove_dir_all(deployment.drive(round % 4)).unwrap();
        let engine = deployment.open().await;
        check(&engine, round).await;
        fill(&engine, round).await;
        heal_all(&engine).await;
        assert_eq!(scrub_all(&engine).await, 0);
        engine.close().await;
        drop(engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_is_rebuilt_when_its_database_is_gone() {
    let deployment = Deployment::of(4);
    let engine = deployment.open().await;
    engine.create_bucket(&bucket()).await.unwrap();
    fill(&engine, 0).await;
    engine.close().await;
    drop(engine);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(deployment.path().join(format!("holdfast.db{suffix}")));
    }
    let engine = deployment.open().await;
    check(&engine, 1).await;
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_two_corrupt_drives_of_four_are_read_around() {
    for (one, other) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
        let deployment = Deployment::of(4);
        let engine = deployment.open().await;
        engine.create_bucket(&bucket()).await.unwrap();
        fill(&engine, 0).await;
        for folder in ["segments", "blobs"] {
            flip_bits(&deployment.drive(one).join(folder));
            flip_bits(&deployment.drive(other).join(folder));
        }
        check(&engine, 1).await;
        assert!(scrub_all(&engine).await > 0, "parity is looked at too");
        heal_all(&engine).await;
        assert_eq!(scrub_all(&engine).await, 0);
        fill(&engine, 0).await;
        check(&engine, 1).await;
        engine.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_that_were_taken_for_lost_still_serve_to_rebuild_others() {
    let deployment = Deployment::of(4);
    let engine = deployment.open().await;
    engine.create_bucket(&bucket()).await.unwrap();
    fill(&engine, 0).await;
    for folder in ["segments", "blobs"] {
        flip_bits(&deployment.drive(2).join(folder));
        flip_bits(&deployment.drive(3).join(folder));
    }
    for layout in engine.metadata().blobs_after(BlobId(0), 100).unwrap() {
        let shards = (0u8..).zip(&layout.slots).map(|(shard, slot)| (layout.blob, shard, *slot)).collect();
        engine.metadata().commit(Mutation::NeedHeal { shards }).await.unwrap();
    }
    heal_all(&engine).await;
    assert_eq!(scrub_all(&engine).await, 0);
    check(&engine, 1).await;
    engine.close().await;
}

/// Flips a bit every few hundred bytes of all files below a folder.
fn flip_bits(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            flip_bits(&path);
            continue;
        }
        use std::os::unix::fs::FileExt;
        let file = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let len = file.metadata().unwrap().len().min(8 << 20);
        for at in (20..len).step_by(300) {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[byte[0] ^ 4], at).unwrap();
        }
    }
}

/// A drive that takes no operations while it is told to be away.
#[derive(Debug)]
struct Blinking {
    drive: Arc<dyn Drive>,
    away: AtomicBool,
    outages: AtomicU64,
}

impl Blinking {
    fn leave(&self) {
        self.outages.fetch_add(1, Ordering::Relaxed);
        self.away.store(true, Ordering::Relaxed);
    }
}

impl Drive for Blinking {
    fn id(&self) -> DriveId {
        self.drive.id()
    }

    fn is_up(&self) -> bool {
        !self.away.load(Ordering::Relaxed)
    }

    fn label(&self) -> String {
        self.drive.label()
    }

    fn outages(&self) -> u64 {
        self.outages.load(Ordering::Relaxed)
    }

    fn call(&self, op: Op, payload: Bytes) -> BoxFuture<'_, Result<Reply, DriveError>> {
        if self.is_up() {
            return self.drive.call(op, payload);
        }
        Box::pin(async { Err(DriveError::Offline("away".into())) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_drive_missed_is_healed_however_short_it_was_away() {
    let folder = Deployment::of(4);
    let (mut opened, sites) = folder.open_drives().await;
    let (slot, drive) = opened.drives[1].clone();
    let blinking = Arc::new(Blinking { drive, away: AtomicBool::default(), outages: AtomicU64::default() });
    opened.drives[1] = (slot, blinking.clone());
    let engine = start((opened, sites), folder.path()).await;
    let _jobs = holdfast::jobs::start(&engine, ScrubOptions { pass: None }, &Tasks::threads()).unwrap();
    engine.create_bucket(&bucket()).await.unwrap();
    fill(&engine, 0).await;
    for round in 1..4 {
        blinking.leave();
        put(&engine, &format!("missed{round}"), &pattern(100_000, round)).await.unwrap();
        assert!(!engine.redundancy().unwrap().is_full());
        // Time for healing to find that it can do nothing, and too short for the drives to be looked at often.
        tokio::time::sleep(Duration::from_millis(50)).await;
        blinking.away.store(false, Ordering::Relaxed);
        while !engine.redundancy().unwrap().is_full() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    check(&engine, 1).await;
    engine.close().await;
}

/// A drive that takes no stripes. Once it was asked to, another is up.
#[derive(Debug)]
struct Refusing {
    drive: Arc<dyn Drive>,
    up: AtomicBool,
    then: Option<Arc<Self>>,
}

impl Drive for Refusing {
    fn id(&self) -> DriveId {
        self.drive.id()
    }

    fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    fn label(&self) -> String {
        self.drive.label()
    }

    fn outages(&self) -> u64 {
        0
    }

    fn call(&self, op: Op, payload: Bytes) -> BoxFuture<'_, Result<Reply, DriveError>> {
        if !matches!(op, Op::WriteStripe { .. }) {
            return self.drive.call(op, payload);
        }
        if let Some(other) = &self.then {
            other.up.store(true, Ordering::Relaxed);
        }
        Box::pin(async { Err(DriveError::Offline("takes nothing".into())) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_outlives_that_the_drive_fails_to_which_its_shards_were_moved() {
    let folder = Deployment::of(4);
    let (mut opened, sites) = folder.open_drives().await;
    let refusing = |index: usize, up: bool, then| {
        let drive = opened.drives[index].1.clone();
        Arc::new(Refusing { drive, up: up.into(), then })
    };
    let second = refusing(2, true, None);
    let first = refusing(1, true, Some(second.clone()));
    opened.drives[1].1 = first;
    opened.drives[2].1 = second.clone();
    let engine = start((opened, sites), folder.path()).await;
    engine.create_bucket(&bucket()).await.unwrap();
    for round in 0..8 {
        second.up.store(false, Ordering::Relaxed);
        let (name, data) = (format!("written{round}"), pattern(4_000_000, round));
        put(&engine, &name, &data).await.unwrap();
        assert!(second.up.load(Ordering::Relaxed), "shards were sent to the first and then the second");
        assert_eq!(get(&engine, &name).await.unwrap(), data);
    }
    engine.close().await;
}
