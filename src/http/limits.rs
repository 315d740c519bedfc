//! The bounds of one listener.

use std::time::Duration;

/// What clients of one listener may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections open at once; more wait in the kernel's queue.
    pub connections_max: usize,
    /// Bytes of a request line and its headers; more are answered with 431. HTTP/2 counts more for each header, and may have that.
    pub head_bytes_max: usize,
    /// Headers of a request; more are answered with 431. User metadata of S3, 2 KiB, can be so many.
    pub headers_max: usize,
    /// Bytes of a body that a connection reads ahead, and of an answer that it holds back.
    pub buffer_bytes_max: usize,
    /// Requests of one HTTP/2 connection at once; of all of them together there are at most as many as
    /// connections.
    pub streams_max: u32,
    /// How long a client may take to open TLS, or to send a whole head; an idle connection is closed after it.
    pub head_wait_max: Duration,
    /// How long a client may take no byte of an answer.
    pub send_stall_max: Duration,
    /// How long requests in flight may take to end once shutdown has begun.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            head_bytes_max: 16 * 1024,
            headers_max: 512,
            buffer_bytes_max: 512 * 1024,
            streams_max: 128,
            head_wait_max: Duration::from_secs(30),
            send_stall_max: Duration::from_secs(120),
            shutdown_grace: Duration::from_secs(30),
        }
    }
}
