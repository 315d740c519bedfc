//! Points in time.

use serde::{Deserialize, Serialize};

use super::Civil;

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

    /// `2013-05-24T00:00:00Z` (ISO 8601): whole seconds, in UTC.
    pub fn iso(self) -> String {
        format!("{}Z", self.iso_without_zone())
    }

    /// `2013-05-24T00:00:00.000Z`: as [`Self::iso`], with the milliseconds.
    pub fn iso_millis(self) -> String {
        format!("{}.{:03}Z", self.iso_without_zone(), self.0 % 1000)
    }

    fn iso_without_zone(self) -> String {
        let Civil { year, month, day, hour, minute, second } = Civil::from_unix_secs(self.as_secs());
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}
