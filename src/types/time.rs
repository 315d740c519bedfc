//! Points in time.

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, UTC. For showing and for age; never for order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From milliseconds of Unix time.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds of Unix time.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds of Unix time.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }
}
