//! Encodes objects anew whose bucket asks for another parity than they have.
//!
//! Whether there are any is known from counts; only then the objects are walked over, bucket by bucket. A walk passes
//! over what has the right parity, so one that a stop interrupted does little twice.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::pace::Pace;
use crate::object::{Engine, Error, RecodeCursor, Recoding, Result, WorkState, WorkUnit};

/// The name of this work.
const NAME: &str = "recode";
/// How often the counts are looked at, beside each time the bell rings: a copy or a completed upload may have brought
/// an object of another parity.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long at least until objects that could not be encoded are tried again.
const RETRY_AFTER: Duration = Duration::from_secs(30);
/// The same in lengths of the walk that could not, so that a long one is not repeated all the time.
const RETRY_AFTER_WALKS: u32 = 10;
/// Bytes to be encoded before the rate is worth noting.
const RATE_BYTES_MIN: u64 = 32 << 20;

pub(super) async fn run(engine: Arc<Engine>) {
    let mut pace = Pace::default();
    loop {
        let began = Instant::now();
        let left = pass(&engine, &mut pace).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "encoding anew interrupted");
            true
        });
        let retry_after = RETRY_AFTER.max(began.elapsed() * RETRY_AFTER_WALKS);
        let (state, rest) =
            if left { (WorkState::Waiting, retry_after) } else { (WorkState::Idle, LOOK_EVERY) };
        engine.work().end(NAME, state);
        let _ = tokio::time::timeout(rest, engine.recode_bell().rung()).await;
    }
}

/// Walks over the objects until each has the parity that its bucket asks for; true if some cannot now.
async fn pass(engine: &Engine, pace: &mut Pace) -> Result<bool> {
    if engine.objects_to_recode()? == 0 {
        return Ok(false);
    }
    let total = engine.bytes_to_recode()?;
    engine.work().begin(NAME, WorkUnit::Bytes, total);
    tracing::info!(bytes = total, "objects are encoded anew");
    loop {
        let recoded = walk(engine, pace).await?;
        let left = engine.objects_to_recode()?;
        if left == 0 || recoded == 0 {
            return Ok(left > 0);
        }
    }
}

/// One walk; returns how many objects were encoded.
async fn walk(engine: &Engine, pace: &mut Pace) -> Result<u64> {
    let began = Instant::now();
    let (mut cursor, mut recoded, mut bytes) = (RecodeCursor::default(), 0, 0);
    loop {
        let started = Instant::now();
        let next = engine.next_to_recode(&cursor, pace.step_rows(), pace.step_bytes())?;
        let Some((found, behind)) = next else { return Ok(recoded) };
        cursor = behind;
        bytes += found.iter().map(Recoding::new_bytes).sum::<u64>();
        let mut found = found.into_iter();
        recoded += match (found.next(), found.len()) {
            (None, _) => 0,
            (Some(only), 0) => in_steps(engine, only, pace).await?,
            (Some(first), _) => together(engine, std::iter::once(first).chain(found)).await?,
        };
        if bytes >= RATE_BYTES_MIN {
            engine.recode_bell().note_rate((bytes as f64 / began.elapsed().as_secs_f64()) as u64);
        }
        pace.rest(engine.activity(), started.elapsed()).await;
    }
}

/// An object, with rests between its stripes.
async fn in_steps(engine: &Engine, mut object: Recoding, pace: &mut Pace) -> Result<u64> {
    while !object.is_written() {
        let started = Instant::now();
        let step = engine.recode_some(&mut object, pace.step_bytes()).await;
        match step {
            Ok(bytes) => engine.work().update(NAME, |work| work.advance(bytes)),
            Err(error) => return judge(Err(error)),
        }
        pace.rest(engine.activity(), started.elapsed()).await;
    }
    judge(engine.finish_recoding(object).await)
}

/// Small objects at the same time, so that they share the syncs of the drives.
async fn together(engine: &Engine, objects: impl Iterator<Item = Recoding>) -> Result<u64> {
    let each = objects.map(|mut object| async move {
        let bytes = engine.recode_some(&mut object, u64::MAX).await?;
        engine.finish_recoding(object).await?;
        engine.work().update(NAME, |work| work.advance(bytes));
        Ok(())
    });
    let done = join_all(each).await.into_iter().map(judge).collect::<Result<Vec<u64>>>()?;
    Ok(done.into_iter().sum())
}

/// How many objects were encoded; an error if it makes no sense to go on with others.
fn judge(outcome: Result<()>) -> Result<u64> {
    match outcome {
        Ok(()) => Ok(1),
        // It was overwritten or deleted meanwhile, or its bucket asks for something else by now.
        Err(Error::Conflict | Error::NoSuchBucket | Error::NoSuchKey) => Ok(0),
        Err(error @ (Error::Unavailable(_) | Error::NoSpace)) => Err(error),
        Err(error) => {
            tracing::warn!(%error, "an object was not encoded anew");
            Ok(0)
        }
    }
}

/// Encodes everything anew that can be now; true if something is left.
pub async fn recode_all(engine: &Engine) -> Result<bool> {
    pass(engine, &mut Pace::default()).await
}
