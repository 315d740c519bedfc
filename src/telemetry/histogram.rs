//! Histograms of durations with fixed buckets.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets in microseconds; one more bucket stands for everything above.
const BOUNDS_MICROS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 10_000_000, 60_000_000,
];

/// Counts of durations by bucket, taken at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Durations([u64; BOUNDS_MICROS.len() + 1]);

impl Durations {
    /// Both together.
    pub(super) fn plus(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] + other.0[at]))
    }

    /// What was counted after an earlier moment.
    pub fn since(&self, earlier: &Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at].saturating_sub(earlier.0[at])))
    }

    /// The time, in microseconds, that this share of them did not exceed, as far as the buckets tell; none of none.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let count: u64 = self.0.iter().sum();
        let mut left = Some(count as f64 * share).filter(|_| count > 0)?;
        for (at, counted) in self.0.iter().map(|counted| *counted as f64).enumerate() {
            if counted >= left && counted > 0.0 {
                let from = at.checked_sub(1).map_or(0, |before| BOUNDS_MICROS[before]) as f64;
                let to = BOUNDS_MICROS.get(at).map_or(from, |bound| *bound as f64);
                return Some(from + (to - from) * left / counted);
            }
            left -= counted;
        }
        BOUNDS_MICROS.last().map(|bound| *bound as f64)
    }
}

/// Counts of durations by bucket. Recording is two relaxed additions.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS_MICROS.len() + 1],
    sum_micros: AtomicU64,
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// The counts at this moment.
    pub(super) fn counts(&self) -> Durations {
        Durations(std::array::from_fn(|at| self.buckets[at].load(Ordering::Relaxed)))
    }

    /// Appends the series `name_bucket`, `name_sum` and `name_count` with `labels` (`a="b"`).
    pub(super) fn render(&self, out: &mut String, name: &str, labels: &str) {
        let mut cumulative = 0;
        for (index, bucket) in self.buckets.iter().enumerate() {
            cumulative += bucket.load(Ordering::Relaxed);
            let _ = match BOUNDS_MICROS.get(index) {
                Some(bound) => {
                    let seconds = *bound as f64 / 1e6;
                    writeln!(out, "{name}_bucket{{{labels},le=\"{seconds}\"}} {cumulative}")
                }
                None => writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {cumulative}"),
            };
        }
        let seconds = self.sum_micros.load(Ordering::Relaxed) as f64 / 1e6;
        let _ = writeln!(out, "{name}_sum{{{labels}}} {seconds}");
        let _ = writeln!(out, "{name}_count{{{labels}}} {cumulative}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_told_as_far_as_buckets_tell_them() {
        let histogram = Histogram::default();
        assert_eq!(histogram.counts().quantile(0.5), None);
        (0..99).for_each(|_| histogram.record(Duration::from_micros(200)));
        let before = histogram.counts();
        histogram.record(Duration::from_millis(3));
        let of = |share| histogram.counts().quantile(share).unwrap();
        assert!((100.0..=250.0).contains(&of(0.5)) && (100.0..=250.0).contains(&of(0.99)));
        assert!((2500.0..=5000.0).contains(&of(1.0)));
        let since = histogram.counts().since(&before);
        assert!((2500.0..=5000.0).contains(&since.quantile(0.5).unwrap()));
    }

    #[test]
    fn durations_fall_into_their_bucket_and_above() {
        let histogram = Histogram::default();
        histogram.record(Duration::from_micros(100));
        histogram.record(Duration::from_micros(101));
        histogram.record(Duration::from_secs(3600));
        let mut text = String::new();
        histogram.render(&mut text, "x_seconds", "operation=\"get\"");
        assert!(text.contains("x_seconds_bucket{operation=\"get\",le=\"0.0001\"} 1\n"), "{text}");
        assert!(text.contains("x_seconds_bucket{operation=\"get\",le=\"0.00025\"} 2\n"), "{text}");
        assert!(text.contains("le=\"60\"} 2\n"), "{text}");
        assert!(text.contains("le=\"+Inf\"} 3\n"), "{text}");
        assert!(text.contains("x_seconds_sum{operation=\"get\"} 3600.000201\n"), "{text}");
        assert_eq!(histogram.count(), 3);
    }
}
