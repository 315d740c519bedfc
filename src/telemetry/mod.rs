//! What the server tells its operator: log lines and metrics.
//!
//! Nothing here is in the way of a request: it costs a few relaxed atomic additions, and a lock that no other request wants; nothing
//! is made into text before somebody scrapes or asks, or a log line is due.

mod histogram;
mod logging;
mod metrics;
mod operation;
mod requests;

pub use histogram::{Durations, Histogram};
pub use logging::{LogFormat, LoggingError, start_logging};
pub use metrics::{GaugeKind, Metrics, Sample, Totals};
pub use operation::Operation;
pub use requests::{RecordedRequest, RequestEnd, Requests, SeenCall, SeenRequest};
