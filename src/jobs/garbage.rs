//! Gives space back: blobs that were overwritten or deleted, and orphans.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::pace::Pace;
use crate::object::{EndedGeneration, Engine, Result, Suspects, WorkState, WorkUnit};
use crate::types::DriveSlot;

/// The name of this work.
const NAME: &str = "gc";
/// How long to rest when there was nothing to remove, or readers are not done.
const REST: Duration = Duration::from_secs(1);
/// How often all drives are searched for orphans, beside each time one comes up.
const SEARCH_EVERY: Duration = Duration::from_secs(24 * 3600);

pub(super) async fn run(engine: Arc<Engine>) {
    let mut pace = Pace::default();
    loop {
        let started = Instant::now();
        match engine.sweep_garbage().await {
            Ok(0) => {
                engine.work().end(NAME, WorkState::Idle);
                tokio::time::sleep(REST).await;
            }
            Ok(blobs) => {
                engine.work().update(NAME, |work| {
                    (work.state, work.unit) = (WorkState::Running, WorkUnit::Shards);
                    work.detail = "blobs of deleted and overwritten objects are removed".into();
                    work.advance(blobs as u64);
                });
                pace.rest(engine.activity(), started.elapsed()).await;
            }
            Err(error) => {
                tracing::warn!(%error, "garbage not removed");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// Searches for orphans: on every drive once a day, and on one that comes up.
pub(super) async fn search_orphans(engine: Arc<Engine>) {
    let mut searched = BTreeSet::new();
    let mut all_at = Instant::now() + SEARCH_EVERY;
    loop {
        if Instant::now() >= all_at {
            searched.clear();
            all_at = Instant::now() + SEARCH_EVERY;
        }
        let up: BTreeSet<DriveSlot> =
            engine.drives().status().iter().filter(|d| d.up).map(|d| d.slot).collect();
        searched.retain(|slot| up.contains(slot));
        for slot in up {
            if !searched.insert(slot) {
                continue;
            }
            match search(&engine, slot).await {
                Ok(0) => {}
                Ok(removed) => tracing::info!(slot = slot.0, removed, "orphan shards removed"),
                Err(error) => {
                    tracing::debug!(slot = slot.0, %error, "orphans not searched for");
                    searched.remove(&slot);
                }
            }
        }
        tokio::time::sleep(REST).await;
    }
}

async fn search(engine: &Engine, slot: DriveSlot) -> Result<u64> {
    let mut pace = Pace::default();
    let mut suspects = Suspects::default();
    for part in 0..=u8::MAX {
        let started = Instant::now();
        engine.suspect_orphans(slot, part, &mut suspects).await?;
        pace.rest(engine.activity(), started.elapsed()).await;
    }
    if suspects.is_empty() {
        return Ok(0);
    }
    let ended = engine.end_generations();
    while !ended.iter().all(EndedGeneration::is_done) {
        tokio::time::sleep(REST).await;
    }
    engine.remove_orphans(suspects).await
}
