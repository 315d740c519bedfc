//! What clients and background work are doing, for pacing and for people.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Over how long a rate is averaged.
const RATE_OVER: Duration = Duration::from_secs(10);

/// For how long clients count as at work after a request began.
const BUSY_FOR_MS: u64 = 2000;

/// Requests of clients, begun and under way.
#[derive(Debug)]
pub struct Activity {
    begun: AtomicU64,
    under_way: Arc<AtomicU64>,
    since: Instant,
    /// When the last one began, in milliseconds from `since` on; 0 before there was one.
    last_ms: AtomicU64,
}

impl Default for Activity {
    fn default() -> Self {
        let (begun, under_way, last_ms) = Default::default();
        Self { begun, under_way, since: Instant::now(), last_ms }
    }
}

/// A request under way until it is dropped.
#[derive(Debug)]
pub struct UnderWay(Arc<AtomicU64>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Activity {
    /// A request begins.
    pub fn begin(&self) -> UnderWay {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.last_ms.store(self.elapsed_ms(), Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.under_way.clone())
    }

    /// Requests begun so far.
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    fn elapsed_ms(&self) -> u64 {
        1 + self.since.elapsed().as_millis() as u64
    }

    /// Whether clients are at work, or were a moment ago.
    pub fn is_busy(&self) -> bool {
        let last = self.last_ms.load(Ordering::Relaxed);
        self.under_way() > 0 || (last > 0 && self.elapsed_ms() - last < BUSY_FOR_MS)
    }

    /// Requests under way.
    pub fn under_way(&self) -> u64 {
        self.under_way.load(Ordering::Relaxed)
    }
}

/// What a kind of background work is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkState {
    /// Nothing to do.
    Idle,
    /// At work.
    Running,
    /// It cannot go on before something changes.
    Waiting,
    /// Held back for some time because somebody asked for that.
    Paused,
}

/// What counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkUnit {
    /// Shards.
    Shards,
    /// Bytes.
    Bytes,
    /// Objects and uploads.
    Objects,
}

/// How far a kind of background work is.
#[derive(Debug, Clone)]
pub struct Work {
    /// What it is doing.
    pub state: WorkState,
    /// Units done since it began.
    pub done: u64,
    /// Units to do in all, as far as known.
    pub total: u64,
    /// What is counted.
    pub unit: WorkUnit,
    /// Units a second, lately.
    pub per_second: f64,
    /// Things found wrong.
    pub found: u64,
    /// A sentence.
    pub detail: String,
    measured: (Instant, u64),
}

impl Work {
    fn idle() -> Self {
        Self {
            state: WorkState::Idle,
            done: 0,
            total: 0,
            unit: WorkUnit::Shards,
            per_second: 0.0,
            found: 0,
            detail: String::new(),
            measured: (Instant::now(), 0),
        }
    }

    /// Seconds that the rest takes at the present rate.
    pub fn eta_seconds(&self) -> Option<u64> {
        let left = self.total.saturating_sub(self.done) as f64;
        (self.state == WorkState::Running && self.per_second > 0.0).then(|| (left / self.per_second) as u64)
    }

    /// Counts units done.
    pub fn advance(&mut self, units: u64) {
        self.done += units;
        let elapsed = self.measured.0.elapsed();
        if elapsed >= Duration::from_secs(1) {
            let rate = (self.done - self.measured.1.min(self.done)) as f64 / elapsed.as_secs_f64();
            let weight = (elapsed.as_secs_f64() / RATE_OVER.as_secs_f64()).min(1.0);
            let weight = if self.per_second == 0.0 { 1.0 } else { weight };
            self.per_second += (rate - self.per_second) * weight;
            self.measured = (Instant::now(), self.done);
        }
    }
}

/// All kinds of background work by name.
#[derive(Debug, Default)]
pub struct WorkBoard(Mutex<BTreeMap<&'static str, Work>>);

impl WorkBoard {
    /// Changes what is known of one kind.
    pub fn update(&self, name: &'static str, change: impl FnOnce(&mut Work)) {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(board.entry(name).or_insert_with(Work::idle));
    }

    /// Begins: counts start anew.
    pub fn begin(&self, name: &'static str, unit: WorkUnit, total: u64) {
        self.update(name, |work| *work = Work { state: WorkState::Running, unit, total, ..Work::idle() });
    }

    /// Ends, in this state.
    pub fn end(&self, name: &'static str, state: WorkState) {
        self.update(name, |work| (work.state, work.per_second) = (state, 0.0));
    }

    /// Everything, by name.
    pub fn all(&self) -> BTreeMap<&'static str, Work> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A bell that wakes background work, and how fast that was.
#[derive(Debug, Default)]
pub struct Bell {
    /// Bytes a second; 0 before that was measured.
    rate: AtomicU64,
    /// Bytes a second that the last dry run told; 0 if none did since work was done.
    foretold: AtomicU64,
    bell: Notify,
}

impl Bell {
    /// Rings: there may be something to do.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Waits until the bell rings.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// About how many seconds so many bytes take: at the last rate, else at a guess for machines at rest and one for
    /// those where clients are at work.
    pub(crate) fn seconds(&self, bytes: u64, guess: (u64, u64), activity: &Activity) -> u64 {
        let guess = if activity.is_busy() { guess.1 } else { guess.0 };
        let rate = Some(self.rate.load(Ordering::Relaxed)).filter(|rate| *rate > 0);
        bytes.div_ceil(rate.unwrap_or(guess))
    }

    /// Notes how fast a dry run says that it goes, in bytes a second; 0 once that has been done.
    pub fn foretell(&self, bytes_per_second: u64) {
        self.foretold.store(bytes_per_second, Ordering::Relaxed);
        if bytes_per_second > 0 {
            self.note_rate(bytes_per_second);
        }
    }

    /// How fast the last dry run said that it goes, in bytes a second.
    pub fn foretold_rate(&self) -> Option<u64> {
        Some(self.foretold.load(Ordering::Relaxed)).filter(|rate| *rate > 0)
    }

    /// Notes how fast it was.
    pub fn note_rate(&self, bytes_per_second: u64) {
        self.rate.store(bytes_per_second, Ordering::Relaxed);
    }
}

/// What moving shards is asked for, and a bell.
#[derive(Debug, Default)]
pub struct MoveBell {
    even: AtomicBool,
    bell: Bell,
}

impl std::ops::Deref for MoveBell {
    type Target = Bell;

    fn deref(&self) -> &Bell {
        &self.bell
    }
}

impl MoveBell {
    /// Asks for drives to be evened out, or ends that.
    pub fn want_even(&self, even: bool) {
        if self.even.swap(even, Ordering::Relaxed) != even {
            self.ring();
        }
    }

    /// Whether drives are to be evened out.
    pub fn wants_even(&self) -> bool {
        self.even.load(Ordering::Relaxed)
    }
}
