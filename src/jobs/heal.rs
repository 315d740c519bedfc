//! Works off the shards to heal, those of the least safe blobs first, refills drives that take the place of lost
//! ones, and finds out what a drive that was away does not hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::pace::Pace;
use crate::metadata::{DrivePhase, HealRow};
use crate::object::{Engine, Healed, Refill, Result, WorkState, WorkUnit};
use crate::types::{BlobId, DriveId, DriveSlot};

/// What is known of the drives.
#[derive(Debug, Default)]
struct Known {
    /// Drives that hold what they should, but for shards to be healed, as they were seen before that was found.
    whole: BTreeMap<DriveSlot, Seen>,
    /// How far the drive is that is being refilled, and which that is.
    refill: Option<(Refill, Seen)>,
}

/// Which drive was in a slot, and how often it had been away.
type Seen = (DriveId, u64);

/// The name of this work.
const NAME: &str = "heal";
/// How long until shards that could not be read or written are tried again: at first, and at most when that
/// goes on failing.
const RETRY_AFTER: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// How long healing goes on before the most urgent spread is looked for anew, and drives that are to be refilled
/// have their turn.
const TURN: Duration = Duration::from_secs(10);
/// How often it is looked whether a pause still counts.
const LOOK_EVERY: Duration = Duration::from_secs(5);

pub(super) async fn run(engine: Arc<Engine>) {
    let mut pace = Pace::default();
    let mut known = Known::default();
    let mut retry_after = RETRY_AFTER.0;
    loop {
        let passed = pass(&engine, &mut pace, &mut known).await;
        if let Err(error) = &passed {
            tracing::warn!(%error, "healing interrupted");
        }
        note_end(&engine);
        if hold(&engine).await {
            continue;
        }
        if matches!(passed, Ok(Healed { failed: 0, .. })) {
            retry_after = RETRY_AFTER.0;
            engine.heals().rung().await;
        } else {
            let _ = tokio::time::timeout(retry_after, engine.heals().rung()).await;
            retry_after = (retry_after * 2).min(RETRY_AFTER.1);
        }
    }
}

/// Waits while healing is paused; false if it was not.
async fn hold(engine: &Engine) -> bool {
    let mut was_held = false;
    while let Ok(Some(left)) = engine.healing_held() {
        was_held = true;
        engine.work().end(NAME, WorkState::Paused);
        let minutes = left.as_secs().div_ceil(60);
        engine.work().update(NAME, |work| {
            work.detail =
                format!("paused for {minutes} more minutes, or until an object could not bear another loss");
        });
        let _ = tokio::time::timeout(left.min(LOOK_EVERY), engine.heals().rung()).await;
    }
    was_held
}

/// Heals everything that can be healed now.
pub async fn heal_once(engine: &Engine) -> Result<Healed> {
    pass(engine, &mut Pace::default(), &mut Known::default()).await
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

/// One pass over all that can be healed now.
async fn pass(engine: &Engine, pace: &mut Pace, known: &mut Known) -> Result<Healed> {
    compare_drives(engine, pace, &mut known.whole).await?;
    let (healed, failed) = (Healed::default(), BTreeSet::new());
    let mut pass = Pass { engine, pace, healed, failed, began: false, turn: Instant::now() };
    loop {
        engine.note_bad_shards().await?;
        if engine.healing_held()?.is_some() {
            break;
        }
        let healed = pass.heal_spreads().await?;
        if pass.refill(known).await? && healed {
            break;
        }
    }
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
    /// When this turn began, of healing what was found or of refilling.
    turn: Instant,
}

impl Pass<'_> {
    /// Heals what is least safe first; false when it is time to look anew what that is.
    async fn heal_spreads(&mut self) -> Result<bool> {
        self.turn = Instant::now();
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
            if self.turn.elapsed() > TURN {
                return Ok(false);
            }
        }
    }

    /// Refills drives for a turn; false if that is not finished.
    async fn refill(&mut self, known: &mut Known) -> Result<bool> {
        self.turn = Instant::now();
        known.refill = known.refill.take().filter(|(refill, _)| self.engine.can_go_on(refill));
        while self.turn.elapsed() <= TURN {
            if known.refill.is_none()
                && let Some(drive) = self.engine.drives_to_refill().first()
            {
                known.refill = Some((self.engine.begin_refill(drive.slot)?, (drive.id, drive.outages)));
            }
            let Some((refill, seen)) = &mut known.refill else { return Ok(true) };
            self.begin()?;
            let started = Instant::now();
            let step = self.engine.refill(refill, self.pace.step_rows(), self.pace.step_bytes()).await?;
            self.count(step);
            if refill.has_ended() {
                self.engine.set_drive_phase(refill.slot(), DrivePhase::Active).await?;
                known.whole.insert(refill.slot(), *seen);
                known.refill = None;
            }
            self.pace.rest(self.engine.activity(), started.elapsed()).await;
        }
        Ok(false)
    }

    /// Heals the first of some rows; returns how many those were.
    async fn step(&mut self, rows: &[HealRow]) -> Result<usize> {
        if rows.is_empty() {
            return Ok(0);
        }
        self.begin()?;
        let started = Instant::now();
        let (step, used) = self.engine.heal(rows, self.pace.step_bytes()).await?;
        if step.failed > 0 {
            self.failed.extend(rows[..used].iter().map(|row| row.blob));
        }
        self.count(step);
        self.pace.rest(self.engine.activity(), started.elapsed()).await;
        Ok(used)
    }

    /// Shows that there is work, once.
    fn begin(&mut self) -> Result<()> {
        if !std::mem::replace(&mut self.began, true) {
            let total = self.engine.redundancy()?.shards_to_heal;
            self.engine.work().begin(NAME, WorkUnit::Shards, total);
        }
        Ok(())
    }

    fn count(&mut self, step: Healed) {
        self.engine.work().update(NAME, |work| {
            work.advance(step.shards);
            work.found += step.failed;
        });
        self.healed.shards += step.shards;
        self.healed.waiting += step.waiting;
        self.healed.failed += step.failed;
    }
}

/// Looks what drives that were away, or were given up, do not hold.
async fn compare_drives(
    engine: &Engine,
    pace: &mut Pace,
    whole: &mut BTreeMap<DriveSlot, Seen>,
) -> Result<()> {
    for slot in engine.removed_but_named()? {
        let queued = compare(engine, pace, slot).await?;
        tracing::info!(slot = slot.0, queued, "shards of a drive that was given up are to be rebuilt");
    }
    let drives = engine.drives().status().into_iter();
    for drive in drives.filter(|drive| drive.up && drive.phase != DrivePhase::Refilling) {
        let seen = (drive.id, drive.outages);
        if whole.get(&drive.slot) == Some(&seen) {
            continue;
        }
        let queued = compare(engine, pace, drive.slot).await?;
        if queued > 0 {
            tracing::info!(drive = drive.label, queued, "shards that the drive should hold are to be healed");
        }
        whole.insert(drive.slot, seen);
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
