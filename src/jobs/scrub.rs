//! Scrubbing: every block of every shard is read and verified once in a while, however cold.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::pace::Pace;
use crate::object::{Engine, Result, ScrubCursor, WorkState, WorkUnit};

/// The name of this work.
const NAME: &str = "scrub";
/// Bytes of a step at the ordinary pace.
const STEP_BYTES: u64 = 4 << 20;
/// How often the position is written down at most, so that a restart repeats little.
const NOTE_EVERY: Duration = Duration::from_secs(600);
/// How long to wait at most before looking whether the pass is behind.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How scrubbing is asked to go.
#[derive(Debug)]
pub struct ScrubOptions {
    /// How long one pass over everything takes; `None` scrubs only on demand.
    pub pass: Option<Duration>,
}

/// What is written down, in milliseconds of Unix time.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Progress {
    cursor: ScrubCursor,
    began_ms: u64,
    bytes: u64,
    found: u64,
}

impl Progress {
    /// At the beginning of a pass.
    fn begin(engine: &Engine) -> Self {
        Self { cursor: ScrubCursor::START, began_ms: engine.now().as_millis(), bytes: 0, found: 0 }
    }
}

pub(super) async fn run(engine: Arc<Engine>, options: ScrubOptions) {
    let mut scrub = Scrub::resume(&engine, options);
    loop {
        let asked = scrub.wait().await;
        if let Err(error) = scrub.catch_up(asked).await {
            tracing::warn!(%error, "scrubbing interrupted");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

struct Scrub<'a> {
    engine: &'a Engine,
    options: ScrubOptions,
    progress: Progress,
    noted: Instant,
    pace: Pace,
}

impl<'a> Scrub<'a> {
    fn resume(engine: &'a Engine, options: ScrubOptions) -> Self {
        let noted = engine.metadata().progress(NAME).ok().flatten();
        let progress = noted.and_then(|noted| postcard::from_bytes(&noted).ok());
        let progress = progress.unwrap_or_else(|| Progress::begin(engine));
        Self { engine, options, progress, noted: Instant::now(), pace: Pace::default() }
    }

    /// Waits until the pass is behind, or one is asked for; true in that case.
    async fn wait(&self) -> bool {
        if self.options.pass.is_some() && self.is_behind() {
            return false;
        }
        let asked = self.engine.scrub_asked();
        match self.options.pass {
            Some(_) => tokio::time::timeout(LOOK_EVERY, asked).await.is_ok(),
            None => {
                asked.await;
                true
            }
        }
    }

    /// Bytes on all drives.
    fn total(&self) -> u64 {
        self.engine.redundancy().map_or(0, |counts| counts.held.values().sum())
    }

    /// Whether less is verified than the time that has passed asks for.
    fn is_behind(&self) -> bool {
        let Some(pass) = self.options.pass else { return false };
        let total = self.total();
        let elapsed = self.engine.now().as_millis().saturating_sub(self.progress.began_ms);
        let due = u128::from(total) * u128::from(elapsed) / pass.as_millis().max(1);
        let step = u128::from(STEP_BYTES.min(total));
        total > 0 && u128::from(self.progress.bytes) + step <= due
    }

    /// Verifies until the pass is where it should be; a pass that was asked for begins anew and goes on to
    /// its end.
    async fn catch_up(&mut self, asked: bool) -> Result<()> {
        if asked {
            self.progress = Progress::begin(self.engine);
        }
        self.engine.work().begin(NAME, WorkUnit::Bytes, self.total());
        self.engine
            .work()
            .update(NAME, |work| (work.done, work.found) = (self.progress.bytes, self.progress.found));
        let done = loop {
            let started = Instant::now();
            let step = if asked { self.pace.step_bytes() } else { STEP_BYTES };
            let scrubbed = self.engine.scrub(self.progress.cursor, step).await?;
            self.progress.bytes += scrubbed.bytes;
            self.progress.found += scrubbed.found;
            self.engine.work().update(NAME, |work| {
                work.advance(scrubbed.bytes);
                work.found = self.progress.found;
            });
            match scrubbed.next {
                Some(next) => self.progress.cursor = next,
                None => break true,
            }
            self.pace.rest(self.engine.activity(), started.elapsed()).await;
            if !asked && !self.is_behind() {
                break false;
            }
        };
        self.engine.work().end(NAME, WorkState::Idle);
        if done {
            self.finish_pass().await
        } else if self.noted.elapsed() >= NOTE_EVERY {
            self.note().await
        } else {
            Ok(())
        }
    }

    async fn finish_pass(&mut self) -> Result<()> {
        let (bytes, found) = (self.progress.bytes, self.progress.found);
        tracing::info!(bytes, found, "scrubbed everything once");
        self.engine.work().update(NAME, |work| {
            work.detail = format!("the last pass verified {bytes} bytes and found {found} bad shards");
        });
        self.progress = Progress::begin(self.engine);
        self.note().await
    }

    async fn note(&mut self) -> Result<()> {
        self.noted = Instant::now();
        let progress = postcard::to_stdvec(&self.progress).expect("plain data serializes");
        self.engine.note_progress(NAME, progress).await
    }
}
