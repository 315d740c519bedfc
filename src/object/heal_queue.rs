//! Bad shards found by reads, on their way to becoming heal rows.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::types::{BlobId, DriveSlot};

/// Shards that may wait. More are forgotten: the next read or scrub finds them again.
const WAITING_MAX: usize = 10_000;

/// A shard of a blob that the drive in a slot should hold, and does not.
pub(crate) type LostShard = (BlobId, u8, DriveSlot);

/// A bounded set of shards to heal, and a bell.
#[derive(Debug, Default)]
pub struct HealQueue {
    waiting: Mutex<BTreeSet<LostShard>>,
    /// Until when healing is paused.
    paused_until: Mutex<Option<Instant>>,
    bell: Notify,
}

impl HealQueue {
    /// Adds a shard.
    pub(crate) fn push(&self, lost: LostShard) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING_MAX && waiting.insert(lost) {
            self.bell.notify_one();
        }
    }

    /// Takes all shards that wait.
    pub(crate) fn take(&self) -> Vec<LostShard> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
            .into_iter()
            .collect()
    }

    /// Rings: there may be something to heal.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Pauses healing for so long from now on, or ends a pause with none. A restart ends it too.
    pub fn pause(&self, time: Duration) {
        let until = (!time.is_zero()).then(|| Instant::now() + time);
        *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
        self.ring();
    }

    /// For how much longer healing is paused; `None` if it is not.
    pub fn pause_left(&self) -> Option<Duration> {
        let until = *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.map(|until| until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    /// Waits until the bell rings.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }
}
