//! Bad shards found by reads, on their way to becoming heal rows.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::types::{BlobId, DriveSlot};

/// Shards that may wait. More are forgotten: the next read or scrub finds them again.
const WAITING_MAX: usize = 10_000;

/// A shard of a blob that the drive in a slot should hold, and does not.
pub(crate) type LostShard = (BlobId, u8, DriveSlot);

/// A bounded set of shards to heal, and a bell.
#[derive(Debug, Default)]
pub struct HealQueue {
    waiting: Mutex<BTreeSet<LostShard>>,
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

    /// Waits until the bell rings.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }
}
