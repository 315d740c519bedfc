//! What the server tells its operator: log lines and metrics.
//!
//! Nothing here is in the way of a request: a request costs a few relaxed atomic additions, no lock,
//! no formatting and no allocation. Text is made when somebody scrapes or when a log line is due.

mod histogram;
mod logging;
mod metrics;
mod operation;

pub use histogram::Histogram;
pub use logging::{LogFormat, LoggingError, start_logging};
pub use metrics::{GaugeKind, Metrics, Sample};
pub use operation::Operation;
