//! Works off the shards to heal, those of the least safe blobs first, and finds out what a new drive in an
//! old slot, or one that was away, does not hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::pace::Pace;
use crate::metadata::{DrivePhase, HealRow};
use crate::object::{Engine, Healed, Result, WorkState, WorkUnit};
use crate::types::{BlobId, DriveId, DriveSlot};

/// Drives that hold what they should, but for shards to be healed: which that was in each slot, and how often it
/// had been away before it was compared.
type Compared = BTreeMap<DriveSlot, (DriveId, u64)>;

/// The name of this work.
const NAME: &str = "heal";
/// How long until shards that could not be read or written are tried again: at first, and at most when that
/// goes on failing.
const RETRY_AFTER: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// After how long the most urgent spread is looked for anew.
const REORDER_AFTER: Duration = Duration::from_secs(10);

pub(super) async fn run(engine: Arc<Engine>) {
    let mut pace = Pace::default();
    let mut compared = Compared::new();
    let mut retry_after = RETRY_AFTER.0;
    loop {
        let passed = pass(&engine, &mut pace, &mut compared).await;
        if let Err(error) = &passed {
            tracing::warn!(%error, "healing interrupted");
        }
        note_end(&engine);
        if matches!(passed, Ok(Healed { failed: 0, .. })) {
            retry_after = RETRY_AFTER.0;
            engine.heals().rung().await;
        } else {
            let _ = tokio::time::timeout(retry_after, engine.heals().rung()).await;
            retry_after = (retry_after * 2).min(RETRY_AFTER.1);
        }
    }
}

/// Heals everything that can be healed now.
pub async fn heal_once(engine: &Engine) -> Result<Healed> {
    pass(engine, &mut Pace::default(), &mut Compared::new()).await
}

fn note_end(engine: &Engine) {
    let waiting = engine.redundancy().map_or(0, |counts| counts.shards_to_heal);
    engine.work().end(NAME, if waiting > 0 { WorkState::Waiting } else { WorkState::Idle });
    engine.work().update(NAME, |work| {
        work.detail = match waiting {
            0 => String::new(),
            _ => format!("{waiting} shards wait for a drive to come back or to be added"),
        };
    });
}

/// One pass over all rows that can be healed.
async fn pass(engine: &Engine, pace: &mut Pace, compared: &mut Compared) -> Result<Healed> {
    engine.note_bad_shards().await?;
    compare_drives(engine, pace, compared).await?;
    let (healed, failed) = (Healed::default(), BTreeSet::new());
    let mut pass = Pass { engine, pace, healed, failed, began: false, ordered: Instant::now() };
    while !pass.heal_spreads().await? {}
    let healed = pass.healed;
    if healed.shards > 0 {
        let Healed { shards, waiting, failed, .. } = healed;
        tracing::info!(healed = shards, waiting, failed, "shards healed");
    }
    Ok(healed)
}

/// A pass under way.
struct Pass<'a> {
    engine: &'a Engine,
    pace: &'a mut Pace,
    healed: Healed,
    /// Blobs with shards that could not be read or written: left for the next pass.
    failed: BTreeSet<BlobId>,
    began: bool,
    /// When the spreads were put in order.
    ordered: Instant,
}

impl Pass<'_> {
    /// Heals what is least safe first; false when it is time to look anew what that is.
    async fn heal_spreads(&mut self) -> Result<bool> {
        self.ordered = Instant::now();
        for spreads in self.engine.spreads_to_heal()? {
            if !self.heal_equals(&spreads).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Heals blobs that are equally safe, in the order in which they were written: that of the disks.
    async fn heal_equals(&mut self, spreads: &[i64]) -> Result<bool> {
        let mut after = (BlobId(0), 0);
        loop {
            let mut rows = self.engine.metadata().heal_rows(spreads, after, self.pace.step_rows())?;
            let Some(last) = rows.last().copied() else { return Ok(true) };
            rows.retain(|row| !self.failed.contains(&row.blob));
            let used = self.step(&rows).await?;
            let reached = if used < rows.len() { rows[used - 1] } else { last };
            after = (reached.blob, reached.shard);
            if self.ordered.elapsed() > REORDER_AFTER {
                return Ok(false);
            }
        }
    }

    /// Heals the first of some rows; returns how many those were.
    async fn step(&mut self, rows: &[HealRow]) -> Result<usize> {
        if rows.is_empty() {
            return Ok(0);
        }
        if !std::mem::replace(&mut self.began, true) {
            let total = self.engine.redundancy()?.shards_to_heal;
            self.engine.work().begin(NAME, WorkUnit::Shards, total);
        }
        let started = Instant::now();
        let (step, used) = self.engine.heal(rows, self.pace.step_bytes()).await?;
        self.engine.work().update(NAME, |work| {
            work.advance(step.shards);
            work.found += step.failed;
        });
        if step.failed > 0 {
            self.failed.extend(rows[..used].iter().map(|row| row.blob));
        }
        add(&mut self.healed, step);
        self.pace.rest(self.engine.activity(), started.elapsed()).await;
        Ok(used)
    }
}

fn add(sum: &mut Healed, step: Healed) {
    sum.shards += step.shards;
    sum.waiting += step.waiting;
    sum.failed += step.failed;
}

/// Looks what drives that are new in their slot, or were away, do not hold.
async fn compare_drives(engine: &Engine, pace: &mut Pace, compared: &mut Compared) -> Result<()> {
    for slot in engine.removed_but_named()? {
        let queued = compare(engine, pace, slot).await?;
        tracing::info!(slot = slot.0, queued, "shards of a drive that was given up are to be rebuilt");
    }
    let drives = engine.drives().status();
    for drive in drives.iter().filter(|drive| drive.up) {
        let refilling = drive.phase == DrivePhase::Refilling;
        let seen = (drive.id, drive.outages);
        if !refilling && compared.get(&drive.slot) == Some(&seen) {
            continue;
        }
        let queued = compare(engine, pace, drive.slot).await?;
        if refilling {
            engine.set_drive_phase(drive.slot, DrivePhase::Active).await?;
        }
        if queued > 0 {
            tracing::info!(drive = drive.label, queued, "shards that the drive should hold are to be healed");
        }
        compared.insert(drive.slot, seen);
    }
    Ok(())
}

async fn compare(engine: &Engine, pace: &mut Pace, slot: DriveSlot) -> Result<u64> {
    let (mut after, mut queued) = (BlobId(0), 0);
    loop {
        let started = Instant::now();
        let (last, more) = engine.compare(slot, after, pace.step_rows()).await?;
        queued += more;
        let Some(last) = last else { return Ok(queued) };
        after = last;
        pace.rest(engine.activity(), started.elapsed()).await;
    }
}
