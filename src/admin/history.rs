//! How busy and how full it was over the last hours, in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::api::{History, HistoryPoint};
use crate::object::Engine;
use crate::telemetry::{Metrics, Totals};

/// Time from one point to the next.
const STEP: Duration = Duration::from_secs(10);

/// Points that are kept: six hours.
const POINTS_MAX: usize = 2160;

/// The points, and what was counted up to the last one.
#[derive(Debug, Default)]
pub struct Recorder {
    points: Mutex<VecDeque<HistoryPoint>>,
}

impl Recorder {
    /// Takes a point each ten seconds, for ever.
    pub async fn run(self: Arc<Self>, engine: Arc<Engine>, metrics: Arc<Metrics>) {
        let mut before = metrics.totals();
        let mut ticks = tokio::time::interval(STEP);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let now = metrics.totals();
            self.push(point(&engine, &before, &now));
            before = now;
        }
    }

    fn push(&self, point: HistoryPoint) {
        let mut points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        if points.len() >= POINTS_MAX {
            points.pop_front();
        }
        points.push_back(point);
    }

    /// All of them.
    pub(super) fn all(&self) -> History {
        let points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        History { step_seconds: STEP.as_secs(), points: points.iter().cloned().collect() }
    }
}

fn point(engine: &Engine, before: &Totals, now: &Totals) -> HistoryPoint {
    let drives = engine.drives().status();
    let capacity: u64 = drives.iter().map(|drive| drive.total).sum();
    let free: u64 = drives.iter().map(|drive| drive.free).sum();
    let durations = now.durations.since(&before.durations);
    let millis = |share| durations.quantile(share).map(|micros| micros / 1000.0);
    HistoryPoint {
        at: engine.now().iso(),
        requests: now.requests - before.requests,
        refused: now.refused - before.refused,
        errors: now.errors - before.errors,
        sent: now.sent - before.sent,
        received: now.received - before.received,
        p50_ms: millis(0.5),
        p99_ms: millis(0.99),
        used: capacity.saturating_sub(free),
        capacity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_points_make_room() {
        let recorder = Recorder::default();
        for number in 0..POINTS_MAX as u64 + 5 {
            recorder.push(HistoryPoint { requests: number, ..HistoryPoint::default() });
        }
        let history = recorder.all();
        assert_eq!(
            (history.points.len(), history.points[0].requests, history.step_seconds),
            (POINTS_MAX, 5, 10)
        );
    }
}
