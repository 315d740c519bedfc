//! Empties drives that are to leave, and evens out how full drives are.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::pace::Pace;
use crate::object::{Engine, Result, WorkState, WorkUnit};
use crate::types::BlobId;

/// The name of this work.
const NAME: &str = "rebalance";
/// Bytes to be moved before the rate is worth noting.
const RATE_BYTES_MIN: u64 = 32 << 20;
/// A rehearsal goes on for so long and so many bytes at most: enough for the chance of single syncs to even out.
const REHEARSAL: (Duration, u64) = (Duration::from_secs(4), 256 << 20);
/// How long until shards that could not be moved are tried again.
const RETRY_AFTER: Duration = Duration::from_secs(30);

pub(super) async fn run(engine: Arc<Engine>) {
    let mut pace = Pace::default();
    if let Err(error) = engine.resume_rebalance() {
        tracing::warn!(%error, "whether drives are to be evened out is not known");
    }
    loop {
        let left = match pass(&engine, &mut pace).await {
            Ok(left) => left,
            Err(error) => {
                tracing::warn!(%error, "moving shards interrupted");
                true
            }
        };
        if left {
            engine.work().end(NAME, WorkState::Waiting);
            let _ = tokio::time::timeout(RETRY_AFTER, engine.moves().rung()).await;
        } else {
            engine.work().end(NAME, WorkState::Idle);
            engine.moves().rung().await;
        }
    }
}

/// Walks over all blobs until nothing is to be moved; true if something is that cannot be.
async fn pass(engine: &Engine, pace: &mut Pace) -> Result<bool> {
    let total = engine.bytes_to_move()?;
    if total == 0 {
        return settle(engine).await;
    }
    engine.work().begin(NAME, WorkUnit::Bytes, total);
    tracing::info!(bytes = total, "shards are moved between drives");
    let mut course = Course { began: Instant::now(), bytes: 0, foretold: engine.moves().foretold_rate() };
    loop {
        let moved = walk(engine, pace, &mut course).await?;
        let left = engine.bytes_to_move()?;
        if left == 0 || moved == 0 {
            engine.moves().foretell(0);
        }
        if left == 0 {
            return settle(engine).await;
        }
        if moved == 0 {
            // What is left is less than a shard a drive, or has nowhere to go.
            engine.end_rebalance().await?;
            return if engine.bytes_to_move()? == 0 { settle(engine).await } else { Ok(true) };
        }
    }
}

/// How far the work has come, and how fast it was foretold to go: what a dry run said is kept, as far as that costs clients no
/// more than a dry run could know.
struct Course {
    began: Instant,
    bytes: u64,
    /// Bytes a second.
    foretold: Option<u64>,
}

impl Course {
    /// By how much it is earlier than was foretold; `None` where nothing was.
    fn early(&self) -> Option<Duration> {
        let foretold = Duration::from_secs_f64(self.bytes as f64 / self.foretold? as f64);
        Some(foretold.saturating_sub(self.began.elapsed()))
    }

    /// Bytes a second, once that is worth noting.
    fn rate(&self) -> Option<u64> {
        (self.bytes >= RATE_BYTES_MIN)
            .then(|| (self.bytes as f64 / self.began.elapsed().as_secs_f64()) as u64)
    }
}

/// One walk; returns the bytes moved.
async fn walk(engine: &Engine, pace: &mut Pace, course: &mut Course) -> Result<u64> {
    let mut balance = engine.balance()?;
    let (mut after, before) = (BlobId(0), course.bytes);
    loop {
        let started = Instant::now();
        let moved = engine.move_shards(after, &mut balance, pace.step_bytes()).await?;
        course.bytes += moved.bytes;
        engine.work().update(NAME, |work| work.advance(moved.bytes));
        let Some(last) = moved.last else { return Ok(course.bytes - before) };
        if let Some(rate) = course.rate() {
            engine.moves().note_rate(rate);
        }
        after = last;
        match course.early() {
            Some(early) => pace.rest_until(engine.activity(), started.elapsed(), early).await,
            None => pace.rest(engine.activity(), started.elapsed()).await,
        }
    }
}

/// Nothing is left to move: lets drained drives go. True if some cannot yet.
async fn settle(engine: &Engine) -> Result<bool> {
    engine.end_rebalance().await?;
    match engine.let_go_drained().await {
        Ok(_) => Ok(false),
        Err(error) => {
            tracing::warn!(%error, "a drained drive was not let go");
            Ok(true)
        }
    }
}

/// Learns how fast shards would move now, by moving copies of some at the pace of the work itself; nothing where shards do
/// move already, for that is measured.
pub async fn rehearse_moves(engine: &Engine) -> Result<()> {
    if engine.work().all().get(NAME).is_some_and(|work| work.state == WorkState::Running) {
        return Ok(());
    }
    let (mut pace, began) = (Pace::default(), Instant::now());
    pace.rest(engine.activity(), Duration::ZERO).await;
    let (mut after, mut bytes) = (BlobId(0), 0);
    while began.elapsed() < REHEARSAL.0 && bytes < REHEARSAL.1 {
        let started = Instant::now();
        let moved = engine.rehearse_moves(after, pace.step_bytes().min(REHEARSAL.1 / 4)).await?;
        let Some(last) = moved.last else { break };
        bytes += moved.bytes;
        after = last;
        pace.rest(engine.activity(), started.elapsed()).await;
    }
    if bytes > 0 {
        engine.moves().foretell((bytes as f64 / began.elapsed().as_secs_f64()) as u64);
    }
    Ok(())
}

/// Moves everything that is to be moved now.
pub async fn move_all(engine: &Engine) -> Result<bool> {
    pass(engine, &mut Pace::default()).await
}
