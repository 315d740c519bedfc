//! Nodes that join and leave while the deployment lives.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use holdfast::jobs::{heal_once, move_all};
use holdfast::metadata::DrivePhase;
use holdfast::node::new_drive;
use holdfast::object::{ChangeError, Engine, Intent};
use holdfast::shard_store::Member;
use holdfast::types::{BlobId, DriveId, DriveSlot};

use crate::setup::{Deployment, Node, pattern, put};
use crate::topology::{check, check_with, fill, len};

/// Where a drive of a deployment's folder is on a node.
fn on(node: &Node, deployment: &Deployment, drive: usize) -> String {
    format!("{}:{}", node.address, deployment.drive(drive).display())
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

async fn end(engine: Arc<Engine>) {
    engine.close().await;
    drop(engine);
}

/// Shards of the most crowded node, and of the most crowded zone, over all blobs.
fn most_crowded(engine: &Engine) -> (usize, usize) {
    let drives = engine.drives().status();
    let most = |slots: &[DriveSlot], name: fn(&holdfast::object::DriveStatus) -> String| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for slot in slots {
            let drive = drives.iter().find(|drive| drive.slot == *slot).unwrap();
            *counts.entry(name(drive)).or_default() += 1;
        }
        counts.into_values().max().unwrap_or(0)
    };
    let layouts = engine.metadata().blobs_after(BlobId(0), 10_000).unwrap();
    assert!(!layouts.is_empty());
    let on_node = layouts.iter().map(|layout| most(&layout.slots, |drive| drive.node.clone())).max();
    let in_zone = layouts.iter().map(|layout| most(&layout.slots, |drive| drive.zone.clone())).max();
    (on_node.unwrap(), in_zone.unwrap())
}

fn refusal<T: std::fmt::Debug>(changed: Result<T, ChangeError>) -> String {
    match changed {
        Err(ChangeError::Refused(sentence)) => sentence,
        other => panic!("{other:?}"),
    }
}

/// Writes objects until it is told to stop; returns how many.
fn keep_writing(engine: &Arc<Engine>, stop: &Arc<AtomicBool>) -> tokio::task::JoinHandle<usize> {
    let (engine, stop) = (engine.clone(), stop.clone());
    tokio::spawn(async move {
        let mut written = 0;
        while !stop.load(Ordering::Relaxed) {
            let data = pattern(len(written), written as u64);
            put(&engine, &format!("more/{written}"), &data).await.unwrap();
            written += 1;
        }
        written
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_joins_under_writes_and_every_later_start_finds_it() {
    let deployment = Deployment::on_nodes(4).await;
    let engine = deployment.open().await;
    fill(&engine).await;
    let mut fifth = deployment.node(&[4, 5], "").await;
    let planned = engine.add_node(&fifth.address, Intent::Plan).await.unwrap();
    assert!(!deployment.drive(4).exists(), "a plan changes nothing");
    let stop = Arc::new(AtomicBool::new(false));
    let writing = keep_writing(&engine, &stop);
    engine.add_node(&fifth.address, Intent::Do).await.unwrap();
    assert!(!move_all(&engine).await.unwrap());
    stop.store(true, Ordering::Relaxed);
    let written = writing.await.unwrap();
    let held = engine.redundancy().unwrap().held;
    assert!(held[&DriveSlot(4)] + held[&DriveSlot(5)] >= planned.bytes / 2, "{held:?} of {planned:?}");
    let again = refusal(engine.add_node(&fifth.address, Intent::Do).await);
    assert!(again.contains("no blank drive"), "{again}");
    check_with(&engine, written).await;
    end(engine).await;

    // Four nodes are named, the fifth is known: to the drives, and to the gateway.
    for forgotten in [false, true] {
        if forgotten {
            std::fs::remove_file(deployment.path().join("drives.json")).unwrap();
        }
        let engine = deployment.open().await;
        assert_eq!(engine.drives().up_count(), 6);
        check_with(&engine, written).await;
        end(engine).await;
    }
    fifth.stop().await;
    let engine = deployment.open().await;
    assert_eq!((engine.drives().up_count(), engine.drives().status().len()), (4, 6), "waited for");
    fifth.restart().await;
    until("the fifth node is back", || engine.drives().up_count() == 6).await;
    end(engine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drive_that_no_command_line_names_is_served_again_when_its_node_comes_back() {
    let mut deployment = Deployment::on_nodes(4).await;
    let engine = deployment.open().await;
    let location = on(&deployment.nodes[0], &deployment, 4);
    engine.add_drive(&location, Intent::Do).await.unwrap();
    fill(&engine).await;
    deployment.nodes[0].restart().await;
    until("both drives of the node are back", || {
        engine.drives().up_count() == 5 && engine.drives().outages() > 0
    })
    .await;
    heal_once(&engine).await.unwrap();
    until("the log is whole", || engine.redundancy().unwrap().is_full()).await;
    check(&engine).await;
    end(engine).await;
    deployment.nodes[0].restart().await;
    let engine = deployment.open().await;
    assert_eq!(engine.drives().up_count(), 5);
    check(&engine).await;
    end(engine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_node_is_let_go_and_stays_away() {
    let deployment = Deployment::on_nodes(4).await;
    let engine = deployment.open().await;
    fill(&engine).await;
    let first = deployment.nodes[0].address.clone();
    let refused = refusal(engine.drain_node(&first, Intent::Do).await);
    assert!(refused.contains("a stripe needs 4 drives"), "{refused}");
    let fifth = deployment.node(&[4, 5], "").await;
    engine.add_node(&fifth.address, Intent::Do).await.unwrap();
    let plan = engine.drain_node(&first, Intent::Plan).await.unwrap();
    assert!(plan.bytes > 0 && plan.notes.iter().any(|note| note.contains("nodes that may fail")), "{plan:?}");
    engine.drain_node(&first, Intent::Do).await.unwrap();
    assert!(refusal(engine.drain_node(&first, Intent::Do).await).contains("already"));
    assert!(!move_all(&engine).await.unwrap());
    assert!(matches!(engine.drain_node(&first, Intent::Do).await, Err(ChangeError::NoSuchNode(_))));
    assert_eq!(engine.drives().status().len(), 5);
    check(&engine).await;
    end(engine).await;
    let engine = deployment.open().await;
    assert_eq!(engine.drives().up_count(), 5, "its drive is listed and left alone");
    assert!(engine.drives().up(DriveSlot(0)).is_none());
    check(&engine).await;
    end(engine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_node_held_is_rebuilt_on_the_others_or_on_its_successor() {
    for successor in [false, true] {
        let mut deployment = Deployment::on_nodes(4).await;
        let engine = deployment.open().await;
        fill(&engine).await;
        let fifth = deployment.node(&[4], "").await;
        let (first, second) = (deployment.nodes[0].address.clone(), deployment.nodes[1].address.clone());
        assert!(refusal(engine.remove_node(&first, Intent::Do).await).contains("works and holds shards"));
        deployment.nodes[1].stop().await;
        until("the node is down", || engine.drives().up(DriveSlot(1)).is_none()).await;
        assert!(refusal(engine.drain_node(&second, Intent::Do).await).contains("down"));
        if successor {
            let location = on(&fifth, &deployment, 4);
            engine.replace_drive(DriveSlot(1), &location, Intent::Do).await.unwrap();
        } else {
            assert!(refusal(engine.remove_node(&second, Intent::Do).await).contains("a stripe needs 4"));
            engine.add_node(&fifth.address, Intent::Do).await.unwrap();
            engine.remove_node(&second, Intent::Do).await.unwrap();
        }
        assert_eq!(heal_once(&engine).await.unwrap().failed, 0);
        check(&engine).await;
        end(engine).await;
        deployment.nodes[1].restart().await;
        let engine = deployment.open().await;
        let labels: Vec<String> = engine.drives().status().into_iter().map(|drive| drive.label).collect();
        assert!(labels.len() == 4 && labels.iter().all(|label| !label.starts_with(&second)), "{labels:?}");
        check(&engine).await;
        end(engine).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_are_spread_over_zones_and_nodes_and_stay_so() {
    let shelf = Deployment::of(0);
    let mut nodes = Vec::new();
    for (drive, zone) in ["a", "a", "b", "b"].into_iter().enumerate() {
        nodes.push(shelf.node(&[drive], zone).await);
    }
    let mut deployment = Deployment::on(nodes);
    let engine = deployment.open().await;
    let third = shelf.node(&[4, 5], "c").await;
    engine.add_node(&third.address, Intent::Do).await.unwrap();
    fill(&engine).await;
    assert_eq!(most_crowded(&engine), (1, 2), "four shards in three zones");
    let spare = engine.domain_spare().unwrap().unwrap();
    assert_eq!((spare.nodes, spare.zones), (1, Some(1)), "the third node has two replicas of the log");
    engine.rebalance(Intent::Do).await.unwrap();
    move_all(&engine).await.unwrap();
    assert_eq!(most_crowded(&engine), (1, 2), "evened out, no more crowded");
    engine.drain_drive(DriveSlot(5), Intent::Do).await.unwrap();
    assert!(!move_all(&engine).await.unwrap());
    assert_eq!(most_crowded(&engine), (1, 2), "drained, no more crowded");
    deployment.nodes[0].stop().await;
    until("a node is down", || engine.drives().up(DriveSlot(0)).is_none()).await;
    assert_eq!(engine.domain_spare().unwrap().unwrap().nodes, 1);
    engine.remove_drive(DriveSlot(0), Intent::Do).await.unwrap();
    heal_once(&engine).await.unwrap();
    assert_eq!(most_crowded(&engine), (1, 2), "rebuilt, no more crowded");
    check(&engine).await;
    end(engine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drive_that_was_formatted_and_not_admitted_is_found_or_told_of() {
    for noted in [true, false] {
        let deployment = Deployment::on_nodes(4).await;
        let engine = deployment.open().await;
        fill(&engine).await;
        end(engine).await;
        let fifth = deployment.node(&[], "").await;
        let location = on(&fifth, &deployment, 4);
        // What a gateway does that is killed before it admits the drive.
        let (opened, sites) = deployment.open_drives().await;
        let member = Member { slot: DriveSlot(4), drive: DriveId(77), location: location.clone() };
        let mut list = opened.membership.clone();
        list.members.push(member.clone());
        list.version += 1;
        if noted {
            sites.note(opened.id, &list).unwrap();
        }
        let site = sites.look(&location).await.unwrap();
        sites.claim(&site, &new_drive(opened.id, &member, &list)).await.unwrap();
        drop((opened, sites, site));

        let engine = deployment.open().await;
        if noted {
            assert!(engine.drives().up(DriveSlot(4)).is_some(), "the next start admits it");
            assert_eq!(engine.metadata().drives().unwrap()[4].phase, DrivePhase::Active);
        } else {
            assert_eq!(engine.drives().status().len(), 4);
            let told = refusal(engine.add_drive(&location, Intent::Do).await);
            assert!(told.contains("cut short; empty the folder"), "{told}");
            std::fs::remove_dir_all(deployment.drive(4)).unwrap();
            engine.add_drive(&location, Intent::Do).await.unwrap();
        }
        assert!(!move_all(&engine).await.unwrap());
        assert_eq!(engine.drives().up_count(), 5);
        check(&engine).await;
        end(engine).await;
        let engine = deployment.open().await;
        assert_eq!(engine.drives().up_count(), 5);
        end(engine).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blank_drive_is_no_successor_of_one_whose_node_is_down() {
    let mut deployment = Deployment::on_nodes(4).await;
    let engine = deployment.open().await;
    fill(&engine).await;
    end(engine).await;
    deployment.nodes[3].stop().await;
    // The first node has a second, blank drive now.
    let listed = vec![deployment.drive(0), deployment.drive(4)];
    deployment.nodes[0].drives = listed;
    deployment.nodes[0].restart().await;
    let engine = deployment.open().await;
    assert!(!deployment.drive(4).exists(), "left alone until it is added");
    deployment.nodes[3].restart().await;
    until("all are up", || engine.drives().up_count() == 4).await;
    heal_once(&engine).await.unwrap();
    until("the log is whole", || engine.redundancy().unwrap().is_full()).await;
    check(&engine).await;
    end(engine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_cannot_be_used_are_told_with_what_is_wrong() {
    let deployment = Deployment::on_nodes(4).await;
    let engine = deployment.open().await;
    let other = Deployment::on_nodes(1).await;
    let in_use = other.open().await;
    let location = in_use.drives().status()[0].label.clone();
    let sentence = refusal(engine.add_drive(&location, Intent::Do).await);
    assert!(sentence.contains("another gateway") && sentence.contains("stop that one"), "{sentence}");
    end(in_use).await;
    let alias = deployment.nodes[0].address.replace("127.0.0.1", "localhost");
    let known = refusal(engine.add_node(&alias, Intent::Do).await);
    assert!(known.contains(&format!("known as {}", deployment.nodes[0].address)), "{known}");
    let gone = engine.add_node("127.0.0.1:1", Intent::Do).await;
    assert!(matches!(gone, Err(ChangeError::NotNow(said)) if said.contains("cannot be reached")));
    for malformed in ["127.0.0.1", "/mnt/disk1", "127.0.0.1:9100:disk1"] {
        assert!(matches!(engine.add_drive(malformed, Intent::Do).await, Err(ChangeError::Malformed(_))));
    }
    assert!(matches!(engine.add_node("here", Intent::Do).await, Err(ChangeError::Malformed(_))));
    assert!(matches!(engine.remove_node("n9:9100", Intent::Do).await, Err(ChangeError::NoSuchNode(_))));
    std::fs::create_dir_all(deployment.drive(8)).unwrap();
    std::fs::write(deployment.drive(8).join("photo.jpg"), "x").unwrap();
    let node = deployment.node(&[], "").await;
    let foreign = refusal(engine.add_drive(&on(&node, &deployment, 8), Intent::Do).await);
    assert!(foreign.contains("not Holdfast's"), "{foreign}");
    end(engine).await;
}
