//! Series about the deployment and the process, read when metrics are scraped.

use std::fs;
use std::sync::Arc;

use super::Facts;
use crate::metadata::BucketRow;
use crate::object::{DriveStatus, Engine, Tally, TargetStatus, Work, WorkState};
use crate::telemetry::{GaugeKind, Metrics, Sample};
use crate::types::BucketQuota;

/// Clock ticks of `/proc/self/stat` in a second: fixed at 100 by the kernel's interface.
const TICKS_PER_SECOND: f64 = 100.0;

/// Bytes of a page of memory as `/proc/self/statm` counts them.
const PAGE_BYTES: f64 = 4096.0;

/// Registers every gauge of a process that has an engine.
pub fn register_gauges(metrics: &Metrics, engine: &Arc<Engine>, facts: &Facts) {
    register_process(metrics, facts);
    register_drives(metrics, engine);
    register_content(metrics, engine);
    register_events(metrics, engine);
}

fn register_process(metrics: &Metrics, facts: &Facts) {
    let started = facts.started;
    let version = Sample::labelled("version", env!("CARGO_PKG_VERSION"), 1.0);
    metrics.register("holdfast_build_info", "The version that runs.", GaugeKind::Gauge, move || {
        vec![version.clone()]
    });
    metrics.register("holdfast_uptime_seconds", "Time since the start.", GaugeKind::Gauge, move || {
        vec![Sample::plain(started.elapsed().as_secs_f64())]
    });
    const CPU: &str = "CPU time used, user and system.";
    metrics.register("process_cpu_seconds_total", CPU, GaugeKind::Counter, || one(cpu_seconds()));
    const MEMORY: &str = "Memory held.";
    metrics.register("process_resident_memory_bytes", MEMORY, GaugeKind::Gauge, || one(resident_bytes()));
    metrics.register("process_open_fds", "Open files and sockets.", GaugeKind::Gauge, || one(open_files()));
}

fn register_drives(metrics: &Metrics, engine: &Arc<Engine>) {
    let of = engine.clone();
    metrics.register("holdfast_drives", "Drives by state.", GaugeKind::Gauge, move || {
        let up = of.drives().up_count();
        let down = of.members().len().saturating_sub(up);
        vec![Sample::labelled("state", "up", up as f64), Sample::labelled("state", "down", down as f64)]
    });
    let per_drive = |name, help, value: fn(&DriveStatus) -> f64| {
        let of = engine.clone();
        metrics.register(name, help, GaugeKind::Gauge, move || {
            let drives = of.drives().status();
            drives.iter().map(|drive| Sample::labelled("drive", &drive.label, value(drive))).collect()
        });
    };
    per_drive("holdfast_drive_up", "1 while the drive takes operations.", |drive| {
        f64::from(u8::from(drive.up))
    });
    per_drive("holdfast_drive_size_bytes", "Size of the drive's file system.", |drive| drive.total as f64);
    per_drive("holdfast_drive_free_bytes", "Bytes that may still be written.", |drive| drive.free as f64);
}

fn register_content(metrics: &Metrics, engine: &Arc<Engine>) {
    let of = engine.clone();
    const HEALS: &str = "Shards known to be missing or bad and waiting to be rebuilt.";
    metrics.register("holdfast_heals_pending", HEALS, GaugeKind::Gauge, move || {
        one(of.redundancy().ok().map(|counts| counts.shards_to_heal as f64))
    });
    let of = engine.clone();
    const SPARE: &str = "Drives that may be lost without loss of metadata or of objects kept in it.";
    metrics.register("holdfast_metadata_spare", SPARE, GaugeKind::Gauge, move || {
        one(of.redundancy().ok().map(|counts| f64::from(counts.metadata_spare)))
    });
    let of = engine.clone();
    const LOCKED: &str =
        "1 while the keys of encrypted objects cannot be used: the encryption key is missing.";
    metrics.register("holdfast_keyring_locked", LOCKED, GaugeKind::Gauge, move || {
        one(Some(f64::from(u8::from(of.keyring_is_locked()))))
    });
    register_redundancy(metrics, engine);
    register_quotas(metrics, engine);
    let sum = |name, help, value: fn(&BucketRow) -> f64| {
        let of = engine.clone();
        metrics.register(name, help, GaugeKind::Gauge, move || {
            let buckets = of.metadata().buckets().ok();
            one(buckets.map(|buckets| buckets.iter().map(value).sum()))
        });
    };
    sum("holdfast_buckets", "Buckets.", |_| 1.0);
    sum("holdfast_objects", "Objects in all buckets.", |bucket| bucket.objects as f64);
    sum("holdfast_object_bytes", "Bytes of those objects, as clients see them.", |bucket| {
        bucket.bytes as f64
    });
}

/// Buckets with quotas that metrics tell of, by their names.
const QUOTA_SERIES_MAX: usize = 1000;

/// What buckets with quotas may hold, and hold. The others are not told of one by one.
fn register_quotas(metrics: &Metrics, engine: &Arc<Engine>) {
    let by_bucket = |name, help, value: fn(BucketQuota, &BucketRow) -> u64| {
        let of = engine.clone();
        metrics.register(name, help, GaugeKind::Gauge, move || {
            let buckets = of.metadata().buckets().unwrap_or_default();
            let bounded = buckets.iter().filter_map(|bucket| Some((of.quota(&bucket.name)?, bucket)));
            let sample = |(quota, bucket): (BucketQuota, &BucketRow)| {
                Sample::labelled("bucket", &bucket.name, value(quota, bucket) as f64)
            };
            bounded.take(QUOTA_SERIES_MAX).map(sample).collect()
        });
    };
    const QUOTA: &str = "Bytes that a bucket with a quota may hold.";
    by_bucket("holdfast_bucket_quota_bytes", QUOTA, |quota, _| quota.bytes);
    const USED: &str = "Bytes that a bucket with a quota holds, versions included.";
    by_bucket("holdfast_bucket_quota_used_bytes", USED, |_, bucket| bucket.bytes + bucket.version_bytes);
}

fn register_redundancy(metrics: &Metrics, engine: &Arc<Engine>) {
    let by_margin = |name, help, value: fn(Tally) -> u64| {
        let of = engine.clone();
        metrics.register(name, help, GaugeKind::Gauge, move || {
            let Ok(counts) = of.redundancy() else { return Vec::new() };
            let margins = [
                ("full", counts.full),
                ("reduced", counts.reduced),
                ("zero", counts.zero),
                ("unreadable", counts.unreadable),
            ];
            margins.map(|(margin, tally)| Sample::labelled("margin", margin, value(tally) as f64)).to_vec()
        });
    };
    by_margin("holdfast_redundancy_objects", "Objects by how much more loss they bear.", |tally| {
        tally.objects
    });
    by_margin("holdfast_redundancy_bytes", "Bytes of those objects.", |tally| tally.bytes);
    let per_work = |name, help, kind, value: fn(&Work) -> f64| {
        let of = engine.clone();
        metrics.register(name, help, kind, move || {
            let all = of.work().all();
            all.iter().map(|(work, state)| Sample::labelled("work", work, value(state))).collect()
        });
    };
    const RUNNING: &str = "1 while background work of this kind is under way.";
    per_work("holdfast_work_running", RUNNING, GaugeKind::Gauge, |work| {
        f64::from(u8::from(work.state == WorkState::Running))
    });
    const DONE: &str = "Units (shards or bytes) done since this work last began.";
    per_work("holdfast_work_done", DONE, GaugeKind::Gauge, |work| work.done as f64);
    const TOTAL: &str = "Units to do in all, as far as known.";
    per_work("holdfast_work_total", TOTAL, GaugeKind::Gauge, |work| work.total as f64);
    const FOUND: &str = "Things found wrong since this work last began.";
    per_work("holdfast_work_found", FOUND, GaugeKind::Gauge, |work| work.found as f64);
}

fn register_events(metrics: &Metrics, engine: &Arc<Engine>) {
    let per_target = |name, help, kind, value: fn(&TargetStatus) -> u64| {
        let of = engine.clone();
        metrics.register(name, help, kind, move || {
            let targets = of.event_targets().unwrap_or_default();
            let sample = |target: &TargetStatus| {
                Sample::labelled("target", &target.outbox.target, value(target) as f64)
            };
            targets.iter().map(sample).collect()
        });
    };
    const PENDING: &str = "Events that wait for their target.";
    per_target("holdfast_events_pending", PENDING, GaugeKind::Gauge, |target| target.outbox.pending);
    const LAG: &str = "For how long the first event that waits has waited.";
    per_target("holdfast_events_lag_seconds", LAG, GaugeKind::Gauge, |target| target.lag_seconds);
    const DELIVERED: &str = "Events that their target took.";
    per_target("holdfast_events_delivered_total", DELIVERED, GaugeKind::Counter, |target| {
        target.outbox.delivered
    });
    const DROPPED: &str = "Events that nobody will be told of: too many waited, or for too long.";
    per_target("holdfast_events_dropped_total", DROPPED, GaugeKind::Counter, |target| target.outbox.dropped);
    const FAILURES: &str = "Deliveries that failed since the start, each to be tried again.";
    per_target("holdfast_events_failures_total", FAILURES, GaugeKind::Counter, |target| {
        target.delivery.as_ref().map_or(0, |delivery| delivery.failures)
    });
}

/// A series that is left out while its value is not known.
fn one(value: Option<f64>) -> Vec<Sample> {
    value.map(Sample::plain).into_iter().collect()
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold spaces; fields are counted after it.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn resident_bytes() -> Option<f64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: f64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}

fn open_files() -> Option<f64> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_can_see_its_own_use() {
        assert!(resident_bytes().unwrap() > 1e6);
        assert!(cpu_seconds().unwrap() >= 0.0);
        assert!(open_files().unwrap() >= 3.0);
    }
}
