//! The operator's side: health, metrics, status, and changes of the deployment.
//!
//! | Path | Answer | For whom |
//! |---|---|---|
//! | `/-/health/live` | 200 while the process runs | everyone, on both addresses |
//! | `/-/health/ready` | 200 when requests can be served, else 503 | everyone, on both addresses |
//! | `/-/health/cluster` | drives up and down as JSON; 200 while reads and writes work | everyone, on both addresses |
//! | `/metrics` | Prometheus text | everyone who reaches the console address |
//! | `/api/v1/...` | JSON, see [`api`] | whom policies allow the action, by HTTP Basic authentication or signed in |
//!
//! - `caller`: who calls, and whether that may. `session`, `sso`, `ldap`: signing in.
//! - `route`: which operation a request names. `actions`: what policies call it. `service` has it carried out.

mod accounts;
mod actions;
pub mod api;
mod caller;
mod gauges;
mod health;
mod history;
mod import;
mod keyring;
mod ldap;
mod openapi;
mod operations;
mod presign;
mod refusal;
mod requests;
mod route;
mod service;
mod session;
mod sso;
mod status;
mod usage;

pub use caller::Caller;
pub use gauges::register_gauges;
pub use health::{Grade, Health, health_answer, json};
pub use history::Recorder;
pub use refusal::Refusal;
pub use requests::{denial_line, denied_call_line};
pub use service::{Service, Sources};
pub use status::{Facts, S3Place};
