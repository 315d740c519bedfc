//! The operator's side: health, metrics and status.
//!
//! | Path | Answer | For whom |
//! |---|---|---|
//! | `/-/health/live` | 200 while the process runs | everyone, on both addresses |
//! | `/-/health/ready` | 200 when requests can be served, else 503 | everyone, on both addresses |
//! | `/-/health/cluster` | drives up and down as JSON; 200 while reads and writes work | everyone, on both addresses |
//! | `/metrics` | Prometheus text | everyone who reaches the console address |
//! | `/api/v1/status` | everything known, as JSON | root, by HTTP Basic authentication |

mod gauges;
mod health;
mod service;
mod status;

pub use gauges::register_gauges;
pub use health::{Health, health_answer};
pub use service::Service;
pub use status::{Facts, Status};
