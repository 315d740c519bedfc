//! HTTP/1.1 connections, and under TLS also HTTP/2: listening, limits, and ending well.
//!
//! Knows no S3. `client` sends a request to another server; `unwanted` reads away what nobody asked for; the rest takes connections, hands each request to a
//! handler and writes the answer. Where HTTP/2 has no `Host`, the request gets it, so that a handler need not know by
//! which protocol it came.
//!
//! Invariants
//! - Connections, their requests at once, header bytes, and the time a client may take to send a head or to take an answer
//!   are bounded; a client that does nothing holds a socket and a small buffer, for a while.
//! - On shutdown no new connection is taken, an idle one is closed at once, a busy one after its
//!   answer; what has not ended within the grace time is cut.

mod client;
mod connection;
mod limits;
mod listener;
mod stream;
mod streams;
pub mod tls;
mod unwanted;

pub use client::{Answer, ClientError, ExchangeLimits, Remote};
pub use limits::Limits;
pub use listener::{BindError, Listener};
pub use stream::StallGuard;
pub use unwanted::{DRAIN_BYTES_MAX, drain_unwanted};
