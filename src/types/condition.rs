//! Conditions on writes.

use serde::{Deserialize, Serialize};

use super::Etag;

/// When a write may replace what is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WriteCondition {
    /// Whatever is there.
    #[default]
    Always,
    /// Only where no object is (`If-None-Match: *`).
    IfAbsent,
    /// Only over this ETag (`If-Match`).
    IfMatch(Etag),
    /// Only over an object, whichever (`If-Match: *`).
    IfPresent,
}
