//! Conditions on writes.

use serde::{Deserialize, Serialize};

use super::{Etag, Timestamp};

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

/// When a version may be removed. Where the key has none, a condition on its tag fails, the others hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteCondition {
    /// Only one that is there and has this tag (`If-Match`).
    pub etag: Option<EtagCondition>,
    /// Only one written in this second (`x-amz-if-match-last-modified-time`).
    pub modified: Option<Timestamp>,
    /// Only one of this length in bytes (`x-amz-if-match-size`).
    pub size: Option<u64>,
}

/// A condition on a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EtagCondition {
    /// Any tag (`*`).
    Any,
    /// This one.
    Tag(Etag),
}

impl DeleteCondition {
    /// Whether it holds for a version with these.
    pub fn holds_for(&self, etag: Etag, modified: Timestamp, size: u64) -> bool {
        let tag_holds = match self.etag {
            Some(EtagCondition::Tag(tag)) => tag == etag,
            Some(EtagCondition::Any) | None => true,
        };
        tag_holds
            && self.modified.is_none_or(|wanted| wanted.as_secs() == modified.as_secs())
            && self.size.is_none_or(|wanted| wanted == size)
    }
}
