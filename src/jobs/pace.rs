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
/// The same for work whose end was foretold: shorter when it is late, longer when it is early.
const FORETOLD_REST_STEPS: (u32, u32) = (2, 12);
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
        self.rest_for(activity, step * REST_STEPS).await;
    }

    /// As [`Self::rest`], for work that would end when it was foretold to if it rested for `early` now.
    pub(super) async fn rest_until(&mut self, activity: &Activity, step: Duration, early: Duration) {
        let (least, most) = FORETOLD_REST_STEPS;
        self.rest_for(activity, early.clamp(step * least, step * most)).await;
    }

    async fn rest_for(&mut self, activity: &Activity, rest: Duration) {
        let begun = activity.begun();
        self.busy = begun != self.seen || activity.under_way() > 0;
        self.seen = begun;
        if self.busy {
            tokio::time::sleep(rest.clamp(REST.0, REST.1)).await;
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

    #[tokio::test(start_paused = true)]
    async fn work_that_is_early_rests_longer_and_late_work_less_within_bounds() {
        let (activity, mut pace) = (Activity::default(), Pace::default());
        let _request = activity.begin();
        let step = Duration::from_millis(10);
        for (early, rest) in [(0, 20), (50, 50), (10_000, 120)] {
            let began = tokio::time::Instant::now();
            pace.rest_until(&activity, step, Duration::from_millis(early)).await;
            assert_eq!(began.elapsed(), Duration::from_millis(rest));
        }
    }
}
