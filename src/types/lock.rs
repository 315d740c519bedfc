//! Object Lock: what may not be removed yet (AWS: "Locking objects with Object Lock").

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// How strictly a retention holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetentionMode {
    /// Who has the permission to bypass it may shorten it, and remove the version.
    Governance,
    /// Nobody may shorten it, nor remove the version.
    Compliance,
}

/// Until when a version is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// How strictly.
    pub mode: RetentionMode,
    /// From this moment on it no longer holds.
    pub until: Timestamp,
}

/// The lock of one version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectLock {
    /// Until when it is kept.
    pub retention: Option<Retention>,
    /// Whether it is held whatever its retention says; `None` if that was never said.
    pub legal_hold: Option<bool>,
}

impl ObjectLock {
    /// Whether the version may be removed at this moment, by someone who bypasses governance or not.
    pub fn permits_removal(&self, now: Timestamp, bypass_governance: bool) -> bool {
        let retained =
            self.retention.is_some_and(|retention| !retention.permits_change(now, bypass_governance));
        self.legal_hold != Some(true) && !retained
    }

    /// Whether this retention may stand in the place of the present one.
    pub fn permits_retention(&self, new: Option<Retention>, now: Timestamp, bypass_governance: bool) -> bool {
        let Some(old) = self.retention else { return true };
        let extends = new.is_some_and(|new| new.until >= old.until && new.mode as u8 >= old.mode as u8);
        extends || old.permits_change(now, bypass_governance)
    }
}

impl Retention {
    fn permits_change(&self, now: Timestamp, bypass_governance: bool) -> bool {
        now >= self.until || self.mode == RetentionMode::Governance && bypass_governance
    }
}

/// A period in calendar days of 24 hours, or in years of 365 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetentionPeriod {
    /// Days.
    Days(u32),
    /// Years.
    Years(u32),
}

impl RetentionPeriod {
    /// The moment at which a period ends that begins at `start`.
    pub fn after(self, start: Timestamp) -> Timestamp {
        const DAY_MILLIS: u64 = 24 * 3600 * 1000;
        let days = match self {
            Self::Days(days) => u64::from(days),
            Self::Years(years) => 365 * u64::from(years),
        };
        Timestamp::from_millis(start.as_millis() + days * DAY_MILLIS)
    }
}

/// Object Lock of a bucket that has it: what versions get that are written without a retention of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketLock {
    /// Mode and period.
    pub default: Option<(RetentionMode, RetentionPeriod)>,
}

impl BucketLock {
    /// The retention of a version that was written at this moment without one.
    pub fn retention_at(&self, now: Timestamp) -> Option<Retention> {
        self.default.map(|(mode, period)| Retention { mode, until: period.after(now) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNTIL: Timestamp = Timestamp::from_millis(1000);
    const BEFORE: Timestamp = Timestamp::from_millis(999);

    fn locked(mode: RetentionMode) -> ObjectLock {
        ObjectLock { retention: Some(Retention { mode, until: UNTIL }), legal_hold: None }
    }

    #[test]
    fn a_retention_holds_until_its_date_and_only_governance_is_bypassed() {
        use RetentionMode::{Compliance, Governance};
        for (mode, now, bypass, expected) in [
            (Governance, BEFORE, false, false),
            (Governance, BEFORE, true, true),
            (Governance, UNTIL, false, true),
            (Compliance, BEFORE, true, false),
            (Compliance, UNTIL, false, true),
        ] {
            assert_eq!(locked(mode).permits_removal(now, bypass), expected, "{mode:?} {now:?} {bypass}");
        }
    }

    #[test]
    fn a_legal_hold_holds_whoever_asks() {
        let held = ObjectLock { legal_hold: Some(true), ..ObjectLock::default() };
        assert!(!held.permits_removal(UNTIL, true));
        assert!(ObjectLock { legal_hold: Some(false), ..held }.permits_removal(BEFORE, false));
    }

    #[test]
    fn a_retention_may_be_extended_but_not_weakened() {
        use RetentionMode::{Compliance, Governance};
        let at = |mode, millis| Some(Retention { mode, until: Timestamp::from_millis(millis) });
        for (old, new, bypass, expected) in [
            (Governance, at(Governance, 1001), false, true),
            (Governance, at(Governance, 999), false, false),
            (Governance, at(Governance, 999), true, true),
            (Governance, at(Compliance, 1000), false, true),
            (Governance, None, false, false),
            (Governance, None, true, true),
            (Compliance, at(Compliance, 1001), false, true),
            (Compliance, at(Governance, 1001), true, false),
            (Compliance, at(Compliance, 999), true, false),
            (Compliance, None, true, false),
        ] {
            assert_eq!(locked(old).permits_retention(new, BEFORE, bypass), expected, "{old:?} {new:?}");
        }
    }

    #[test]
    fn a_year_has_365_days() {
        let start = Timestamp::from_millis(5);
        assert_eq!(RetentionPeriod::Years(2).after(start), RetentionPeriod::Days(730).after(start));
    }
}
