//! How background work yields to clients: small steps and rests while they are at work, large steps and none
//! while they are not.

use std::time::Duration;

use crate::object::Activity;

/// Bytes of a step while clients are at work, and while they are not.
const STEP_BYTES: (u64, u64) = (256 << 10, 128 << 20);
/// The same for rows of the metadata: a change of many keeps others waiting.
const STEP_ROWS: (usize, usize) = (32, 4096);
/// Rest after a step while clients are at work, in lengths of the step.
const REST_STEPS: u32 = 4;
/// Bounds of one rest.
const REST: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(2));

/// The pace of one kind of background work.
#[derive(Debug, Default)]
pub(super) struct Pace {
    seen: u64,
    busy: bool,
}

impl Pace {
    /// Bytes that the next step may take.
    pub(super) fn step_bytes(&self) -> u64 {
        if self.busy { STEP_BYTES.0 } else { STEP_BYTES.1 }
    }

    /// Rows of the metadata that the next step may read or change.
    pub(super) fn step_rows(&self) -> usize {
        if self.busy { STEP_ROWS.0 } else { STEP_ROWS.1 }
    }

    /// To be called after a step that took so long.
    pub(super) async fn rest(&mut self, activity: &Activity, step: Duration) {
        let begun = activity.begun();
        self.busy = begun != self.seen || activity.under_way() > 0;
        self.seen = begun;
        if self.busy {
            tokio::time::sleep((step * REST_STEPS).clamp(REST.0, REST.1)).await;
        } else {
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn steps_are_small_while_clients_are_at_work() {
        let (activity, mut pace) = (Activity::default(), Pace::default());
        let idle = pace.step_bytes();
        let request = activity.begin();
        pace.rest(&activity, Duration::from_millis(10)).await;
        assert!(pace.step_bytes() < idle);
        drop(request);
        pace.rest(&activity, Duration::from_millis(10)).await;
        assert_eq!(pace.step_bytes(), idle);
    }
}
