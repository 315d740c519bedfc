//! Drives that join and leave while the deployment lives.

use holdfast::jobs::{heal_once, move_all};
use holdfast::metadata::{DrivePhase, Mutation};
use holdfast::object::{ChangeError, Engine, Intent, ScrubCursor};
use holdfast::types::DriveSlot;

use crate::setup::{Deployment, bucket, get, pattern, put};

const OBJECTS: usize = 60;

pub fn len(i: usize) -> usize {
    [10, 5_000, 70_000, 300_000, 1_500_000][i % 5] + i
}

pub async fn fill(engine: &Engine) {
    engine.create_bucket(&bucket()).await.unwrap();
    for i in 0..OBJECTS {
        put(engine, &format!("{i}"), &pattern(len(i), i as u64)).await.unwrap();
    }
}

/// Every object reads right, all have full redundancy, and every shard is intact where it should be.
pub async fn check(engine: &Engine) {
    check_with(engine, 0).await;
}

/// The same with some objects more.
pub async fn check_with(engine: &Engine, more: usize) {
    for i in 0..OBJECTS {
        assert_eq!(get(engine, &format!("{i}")).await.unwrap(), pattern(len(i), i as u64), "{i}");
    }
    for i in 0..more {
        assert_eq!(get(engine, &format!("more/{i}")).await.unwrap(), pattern(len(i), i as u64), "more {i}");
    }
    let counts = engine.redundancy().unwrap();
    assert!(counts.is_full() && counts.full.objects == (OBJECTS + more) as u64, "{counts:?}");
    let mut next = Some(ScrubCursor::START);
    while let Some(from) = next {
        let scrubbed = engine.scrub(from, u64::MAX).await.unwrap();
        assert_eq!(scrubbed.found, 0);
        next = scrubbed.next;
    }
}

fn location(deployment: &Deployment, index: usize) -> String {
    deployment.drive(index).display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifth_drive_takes_its_share_and_is_found_again_at_the_next_start() {
    let deployment = Deployment::of(4);
    let engine = deployment.open().await;
    fill(&engine).await;
    let before: u64 = engine.redundancy().unwrap().held.values().sum();
    let planned = engine.add_drive(&location(&deployment, 4), Intent::Plan).await.unwrap();
    assert!(!deployment.drive(4).exists(), "a plan changes nothing");
    engine.add_drive(&location(&deployment, 4), Intent::Do).await.unwrap();
    assert!(!move_all(&engine).await.unwrap());
    let held = engine.redundancy().unwrap().held;
    let moved = held[&DriveSlot(4)];
    assert!(moved.abs_diff(planned.bytes) * 4 < planned.bytes, "{moved} of {planned:?}");
    assert!(held.values().all(|bytes| bytes.abs_diff(before / 5) * 4 < before / 5), "{held:?}");
    check(&engine).await;
    engine.close().await;
    drop(engine);
    let engine = deployment.open().await;
    assert_eq!(engine.drives().up_count(), 5, "four are listed, the fifth is known");
    check(&engine).await;
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_drive_is_let_go_empty_and_stays_away() {
    let deployment = Deployment::of(4);
    let engine = deployment.open().await;
    fill(&engine).await;
    let refused = engine.drain_drive(DriveSlot(2), Intent::Do).await;
    assert!(matches!(refused, Err(ChangeError::Refused(_))), "a stripe needs four drives");
    engine.add_drive(&location(&deployment, 4), Intent::Do).await.unwrap();
    engine.drain_drive(DriveSlot(2), Intent::Do).await.unwrap();
    put(&engine, "new", &pattern(90_000, 1)).await.unwrap();
    assert!(!move_all(&engine).await.unwrap());
    assert_eq!(engine.shards_on(DriveSlot(2)).unwrap(), 0);
    assert_eq!(engine.drives().status().len(), 4);
    assert_eq!(engine.metadata().drives().unwrap()[2].phase, DrivePhase::Removed);
    engine.delete(&bucket(), vec![crate::setup::key("new").into()]).await.unwrap();
    check(&engine).await;
    engine.close().await;
    drop(engine);
    let engine = deployment.open().await;
    assert!(engine.drives().up(DriveSlot(2)).is_none(), "the drive is listed and left alone");
    check(&engine).await;
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_a_crash_cut_short_is_completed_at_the_next_start() {
    for deployment in &Deployment::both(4).await {
        let engine = deployment.open().await;
        fill(&engine).await;
        let location = match deployment.nodes.first() {
            Some(node) => format!("{}:{}", node.address, location(deployment, 4)),
            None => location(deployment, 4),
        };
        engine.add_drive(&location, Intent::Do).await.unwrap();
        move_all(&engine).await.unwrap();
        // The row says it, and no drive was told.
        let removed = Mutation::SetDrivePhase { slot: DriveSlot(4), phase: DrivePhase::Removed };
        engine.metadata().commit(removed).await.unwrap();
        engine.close().await;
        drop(engine);
        for _ in 0..2 {
            let engine = deployment.open().await;
            assert_eq!((engine.drives().status().len(), engine.members().len()), (4, 4));
            heal_once(&engine).await.unwrap();
            check(&engine).await;
            engine.close().await;
            drop(engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_drive_held_is_rebuilt_on_the_others_or_on_its_successor() {
    for successor in [false, true] {
        let deployment = Deployment::of(6);
        let engine = deployment.open().await;
        fill(&engine).await;
        engine.close().await;
        drop(engine);
        std::fs::remove_dir_all(deployment.drive(1)).unwrap();
        std::fs::write(deployment.drive(1), "not a folder").unwrap();
        let engine = deployment.open().await;
        assert_eq!(engine.drives().up_count(), 5);
        assert!(!engine.redundancy().unwrap().is_full());
        assert!(matches!(
            engine.remove_drive(DriveSlot(9), Intent::Do).await,
            Err(ChangeError::NoSuchDrive(_))
        ));
        if successor {
            engine.replace_drive(DriveSlot(1), &location(&deployment, 7), Intent::Do).await.unwrap();
        } else {
            let refused = engine.remove_drive(DriveSlot(1), Intent::Do).await;
            assert!(matches!(refused, Err(ChangeError::Refused(_))), "a stripe needs six drives");
            engine.add_drive(&location(&deployment, 7), Intent::Do).await.unwrap();
            engine.remove_drive(DriveSlot(1), Intent::Do).await.unwrap();
        }
        assert_eq!(heal_once(&engine).await.unwrap().failed, 0);
        check(&engine).await;
        engine.close().await;
    }
}
