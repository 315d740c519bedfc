//! Counters of requests, and gauges that other modules register.

use std::fmt::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::{Durations, Histogram, Operation, Requests};

/// Gauges that may be registered; more are a programming error and are left out.
const GAUGES_MAX: usize = 256;

/// Status classes counted apart: 1xx to 5xx.
const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Counters of one operation.
#[derive(Debug, Default)]
struct OperationStats {
    by_class: [AtomicU64; STATUS_CLASSES.len()],
    duration: Histogram,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

/// Whether a registered series goes up and down or only up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GaugeKind {
    /// Goes up and down.
    Gauge,
    /// Only grows while the process lives.
    Counter,
}

/// One value of a registered family.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Labels as `name="value"` pairs, or empty. Their number must be bounded.
    pub labels: String,
    /// The value.
    pub value: f64,
}

impl Sample {
    /// A value without labels.
    pub fn plain(value: f64) -> Self {
        Self { labels: String::new(), value }
    }

    /// A value under one label; the label's value is escaped.
    pub fn labelled(name: &str, label: &str, value: f64) -> Self {
        let label = label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        Self { labels: format!("{name}=\"{label}\""), value }
    }
}

/// What was counted, of all operations together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests answered.
    pub requests: u64,
    /// Those answered with a 4xx.
    pub refused: u64,
    /// Those answered with a 5xx.
    pub errors: u64,
    /// Bytes of request bodies.
    pub received: u64,
    /// Bytes of answers.
    pub sent: u64,
    /// How long they took.
    pub durations: Durations,
}

type Read = Box<dyn Fn() -> Vec<Sample> + Send + Sync>;

struct Family {
    name: &'static str,
    help: &'static str,
    kind: GaugeKind,
    read: Read,
}

/// The metrics of one process.
pub struct Metrics {
    operations: Vec<OperationStats>,
    in_flight: AtomicI64,
    connections: AtomicI64,
    families: Mutex<Vec<Family>>,
    requests: Requests,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            operations: Operation::ALL.iter().map(|_| OperationStats::default()).collect(),
            in_flight: AtomicI64::new(0),
            connections: AtomicI64::new(0),
            families: Mutex::new(Vec::new()),
            requests: Requests::default(),
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}

impl Metrics {
    /// The requests of late.
    pub fn requests(&self) -> &Requests {
        &self.requests
    }

    /// A request began.
    pub fn request_started(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// A request ended, its answer sent or given up.
    pub fn request_ended(&self, operation: Operation, status: u16, took: Duration) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let stats = &self.operations[operation as usize];
        let class = usize::from(status / 100).clamp(1, STATUS_CLASSES.len()) - 1;
        stats.by_class[class].fetch_add(1, Ordering::Relaxed);
        stats.duration.record(took);
    }

    /// Bytes of request and response bodies of one request.
    pub fn bytes_moved(&self, operation: Operation, received: u64, sent: u64) {
        let stats = &self.operations[operation as usize];
        if received > 0 {
            stats.bytes_in.fetch_add(received, Ordering::Relaxed);
        }
        if sent > 0 {
            stats.bytes_out.fetch_add(sent, Ordering::Relaxed);
        }
    }

    /// A connection was taken.
    pub fn connection_opened(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection ended.
    pub fn connection_closed(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Requests that have begun and not ended.
    pub fn in_flight(&self) -> i64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Requests that have ended, of all operations.
    pub fn requests_ended(&self) -> u64 {
        self.operations.iter().map(|stats| stats.duration.count()).sum()
    }

    /// What was counted since the start, of all operations.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for stats in &self.operations {
            let by_class = |class: usize| stats.by_class[class - 1].load(Ordering::Relaxed);
            totals.requests += stats.by_class.iter().map(|count| count.load(Ordering::Relaxed)).sum::<u64>();
            totals.refused += by_class(4);
            totals.errors += by_class(5);
            totals.received += stats.bytes_in.load(Ordering::Relaxed);
            totals.sent += stats.bytes_out.load(Ordering::Relaxed);
            totals.durations = totals.durations.plus(&stats.duration.counts());
        }
        totals
    }

    /// Adds a family of series that is read when metrics are scraped. `name` carries the
    /// `holdfast_` prefix and a base unit; `read` must be quick and must not block.
    pub fn register(
        &self,
        name: &'static str,
        help: &'static str,
        kind: GaugeKind,
        read: impl Fn() -> Vec<Sample> + Send + Sync + 'static,
    ) {
        let mut families = self.families.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if families.len() < GAUGES_MAX {
            families.push(Family { name, help, kind, read: Box::new(read) });
        }
    }

    /// Everything in Prometheus's text format, version 0.0.4.
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(16 * 1024);
        self.render_requests(&mut out);
        self.render_durations(&mut out);
        self.render_bytes(&mut out);
        let in_flight = self.in_flight() as f64;
        render_plain(&mut out, "holdfast_requests_in_flight", "Requests being served.", in_flight);
        let connections = self.connections.load(Ordering::Relaxed) as f64;
        render_plain(&mut out, "holdfast_connections_open", "Client connections.", connections);
        self.render_families(&mut out);
        out
    }

    fn used(&self) -> impl Iterator<Item = (&'static str, &OperationStats)> {
        let all = Operation::ALL.iter().zip(&self.operations);
        all.filter(|(_, stats)| stats.duration.count() > 0)
            .map(|(operation, stats)| (operation.name(), stats))
    }

    fn render_requests(&self, out: &mut String) {
        const NAME: &str = "holdfast_requests_total";
        head(out, NAME, "Requests answered, by operation and status class.", GaugeKind::Counter);
        for (operation, stats) in self.used() {
            for (class, count) in STATUS_CLASSES.iter().zip(&stats.by_class) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    let _ = writeln!(out, "{NAME}{{operation=\"{operation}\",status=\"{class}\"}} {count}");
                }
            }
        }
    }

    fn render_durations(&self, out: &mut String) {
        const NAME: &str = "holdfast_request_duration_seconds";
        let _ = writeln!(
            out,
            "# HELP {NAME} From a request's head to the end of its answer.\n# TYPE {NAME} histogram"
        );
        for (operation, stats) in self.used() {
            stats.duration.render(out, NAME, &format!("operation=\"{operation}\""));
        }
    }

    fn render_bytes(&self, out: &mut String) {
        const IN: &str = "holdfast_received_bytes_total";
        head(out, IN, "Announced bytes of request bodies.", GaugeKind::Counter);
        for (operation, stats) in self.used() {
            let bytes = stats.bytes_in.load(Ordering::Relaxed);
            let _ = writeln!(out, "{IN}{{operation=\"{operation}\"}} {bytes}");
        }
        const OUT: &str = "holdfast_sent_bytes_total";
        head(out, OUT, "Bytes of response bodies handed to the network.", GaugeKind::Counter);
        for (operation, stats) in self.used() {
            let bytes = stats.bytes_out.load(Ordering::Relaxed);
            let _ = writeln!(out, "{OUT}{{operation=\"{operation}\"}} {bytes}");
        }
    }

    fn render_families(&self, out: &mut String) {
        let families = self.families.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for family in families.iter() {
            head(out, family.name, family.help, family.kind);
            for Sample { labels, value } in (family.read)() {
                let _ = match labels.as_str() {
                    "" => writeln!(out, "{} {value}", family.name),
                    labels => writeln!(out, "{}{{{labels}}} {value}", family.name),
                };
            }
        }
    }
}

fn head(out: &mut String, name: &str, help: &str, kind: GaugeKind) {
    let kind = match kind {
        GaugeKind::Gauge => "gauge",
        GaugeKind::Counter => "counter",
    };
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn render_plain(out: &mut String, name: &str, help: &str, value: f64) {
    head(out, name, help, GaugeKind::Gauge);
    let _ = writeln!(out, "{name} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_show_by_operation_and_status_class() {
        let metrics = Metrics::default();
        metrics.request_started();
        metrics.request_started();
        assert_eq!(metrics.in_flight(), 2);
        metrics.bytes_moved(Operation::PutObject, 4096, 0);
        metrics.request_ended(Operation::PutObject, 200, Duration::from_millis(2));
        metrics.request_ended(Operation::GetObject, 404, Duration::from_millis(1));
        let text = metrics.render();
        for line in [
            "holdfast_requests_total{operation=\"put_object\",status=\"2xx\"} 1",
            "holdfast_requests_total{operation=\"get_object\",status=\"4xx\"} 1",
            "holdfast_received_bytes_total{operation=\"put_object\"} 4096",
            "holdfast_request_duration_seconds_count{operation=\"put_object\"} 1",
            "holdfast_requests_in_flight 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} not in\n{text}");
        }
        assert!(!text.contains("list_buckets"), "an operation never seen has no series");
        assert_eq!(metrics.requests_ended(), 2);
    }

    #[test]
    fn registered_families_are_read_at_each_scrape() {
        let metrics = Metrics::default();
        metrics.register("holdfast_drives", "Drives by state.", GaugeKind::Gauge, || {
            vec![Sample::labelled("state", "u\"p\n", 4.0)]
        });
        let text = metrics.render();
        assert!(
            text.contains("# TYPE holdfast_drives gauge\nholdfast_drives{state=\"u\\\"p\\n\"} 4\n"),
            "{text}"
        );
    }
}
