//! How an access key is used: when last, for what, and how much at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::types::Timestamp;

/// A use is noted that is so much later than the one before, in seconds: so that requests mostly read.
const NOTED_AFTER_SECS: u64 = 60;

/// Requests of a second that may come at once, where the second before had none.
const BURST_SECS: u64 = 1;

/// What an access key was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UsedFor {
    /// S3.
    S3,
    /// IAM.
    Iam,
    /// STS.
    Sts,
}

impl UsedFor {
    /// As AWS names the service.
    pub fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Iam => "iam",
            Self::Sts => "sts",
        }
    }

    fn of(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::S3),
            2 => Some(Self::Iam),
            3 => Some(Self::Sts),
            _ => None,
        }
    }
}

/// The last use of an access key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUse {
    /// When, to the minute.
    pub at: Timestamp,
    /// For what.
    pub service: UsedFor,
}

/// What each access key may ask for at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyLimits {
    /// Requests of a second.
    pub per_second: Option<u32>,
    /// Requests that are not answered yet.
    pub at_once: Option<u32>,
}

impl KeyLimits {
    /// Nothing is limited.
    pub fn none(&self) -> bool {
        *self == Self::default()
    }
}

/// The use of one access key, which outlives changes of whose it is and what that may.
#[derive(Debug, Default)]
pub struct KeyUse {
    /// Seconds of Unix time, and the service in the lowest two bits; 0 for never.
    last: AtomicU64,
    at_once: AtomicU32,
    /// When, in microseconds of Unix time, all requests so far would have come at the rate that is allowed.
    due_at: AtomicU64,
}

/// A request under way; dropping it ends it.
#[derive(Debug)]
pub struct KeyPermit(Arc<KeyUse>);

impl Clone for KeyPermit {
    fn clone(&self) -> Self {
        self.0.at_once.fetch_add(1, Ordering::Relaxed);
        Self(self.0.clone())
    }
}

impl Drop for KeyPermit {
    fn drop(&mut self) {
        self.0.at_once.fetch_sub(1, Ordering::Relaxed);
    }
}

impl KeyUse {
    /// Notes a use.
    pub fn note(&self, service: UsedFor, now: Timestamp) {
        let (last, now) = (self.last.load(Ordering::Relaxed), now.as_secs());
        if now >= (last >> 2) + NOTED_AFTER_SECS {
            let number = match service {
                UsedFor::S3 => 1,
                UsedFor::Iam => 2,
                UsedFor::Sts => 3,
            };
            self.last.store(now << 2 | number, Ordering::Relaxed);
        }
    }

    /// The last use that was noted since the start.
    pub fn last(&self) -> Option<LastUse> {
        let last = self.last.load(Ordering::Relaxed);
        Some(LastUse { at: Timestamp::from_millis((last >> 2) * 1000), service: UsedFor::of(last & 3)? })
    }

    /// Lets one more request in, if that is within the limits.
    pub fn admit(self: &Arc<Self>, limits: &KeyLimits, now: Timestamp) -> Option<KeyPermit> {
        let before = self.at_once.fetch_add(1, Ordering::Relaxed);
        let permit = KeyPermit(self.clone());
        let fits = limits.at_once.is_none_or(|most| before < most);
        (fits && limits.per_second.is_none_or(|rate| self.is_in_time(rate, now))).then_some(permit)
    }

    /// Whether a request may come now at this rate; it counts if so.
    fn is_in_time(&self, rate: u32, now: Timestamp) -> bool {
        let (now, step) = (now.as_millis().saturating_mul(1000), 1_000_000 / u64::from(rate.max(1)));
        let ahead = BURST_SECS * 1_000_000;
        let next = |due: u64| Some(due.max(now) + step).filter(|next| *next <= now + ahead.max(step));
        self.due_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + millis)
    }

    #[test]
    fn a_rate_holds_and_what_was_not_used_may_come_at_once_for_a_second() {
        let (of, limits) = (Arc::new(KeyUse::default()), KeyLimits { per_second: Some(10), at_once: None });
        let let_in = |millis| (0..100).filter(|_| of.admit(&limits, at(millis)).is_some()).count();
        assert_eq!(let_in(0), 10);
        assert_eq!(let_in(0), 0);
        assert_eq!(let_in(250), 2);
        assert_eq!(let_in(60_000), 10);
        let slow = KeyLimits { per_second: Some(1), at_once: None };
        let of = Arc::new(KeyUse::default());
        assert!(of.admit(&slow, at(0)).is_some() && of.admit(&slow, at(999)).is_none());
        assert!(of.admit(&slow, at(1000)).is_some());
    }

    #[test]
    fn so_many_are_let_in_at_once_and_others_when_these_have_ended() {
        let (of, limits) = (Arc::new(KeyUse::default()), KeyLimits { per_second: None, at_once: Some(2) });
        let admit = || of.admit(&limits, at(0));
        let (one, two) = (admit().unwrap(), admit().unwrap());
        assert!(admit().is_none() && admit().is_none());
        drop(one);
        let three = admit().unwrap();
        assert!(admit().is_none());
        drop((two, three));
        assert_eq!(of.at_once.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_last_use_is_known_to_the_minute() {
        let of = KeyUse::default();
        assert_eq!(of.last(), None);
        of.note(UsedFor::S3, at(0));
        of.note(UsedFor::Iam, at(1000));
        assert_eq!(of.last(), Some(LastUse { at: at(0), service: UsedFor::S3 }));
        of.note(UsedFor::Sts, at(61_000));
        assert_eq!(of.last(), Some(LastUse { at: at(61_000), service: UsedFor::Sts }));
    }
}
