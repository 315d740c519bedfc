//! How many bytes a bucket may hold.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most bytes that all versions of a bucket's objects may have together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketQuota {
    /// So many.
    pub bytes: u64,
}

/// A write that a bucket has no room for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaExcess {
    /// The bucket's name.
    pub bucket: String,
    /// What it may hold.
    pub quota: BucketQuota,
    /// Bytes that it holds.
    pub used: u64,
    /// Bytes that the write would add to them.
    pub more: u64,
}

impl fmt::Display for QuotaExcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, quota, used, more } = self;
        let limit = quota.bytes;
        write!(f, "bucket {bucket} may hold {limit} bytes and holds {used}; this would add {more}")
    }
}

/// A text that is no number of bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a quota is a number of bytes above 0, such as 500GB, 10GiB or 1.5TiB")]
pub struct InvalidQuota;

/// Powers of 1000 and of 1024, by the letter of their unit.
const UNITS: [(&str, u32); 6] = [("", 0), ("k", 1), ("m", 2), ("g", 3), ("t", 4), ("p", 5)];

impl FromStr for BucketQuota {
    type Err = InvalidQuota;

    fn from_str(text: &str) -> Result<Self, InvalidQuota> {
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim().to_ascii_lowercase();
        let letters = unit.strip_suffix('b').unwrap_or(&unit);
        let (letter, base) = letters.strip_suffix('i').map_or((letters, 1000), |letter| (letter, 1024));
        let named = |(name, power): &(&str, u32)| *name == letter && (base == 1000 || *power > 0);
        let (_, power) = UNITS.iter().find(|unit| named(unit)).ok_or(InvalidQuota)?;
        let bytes = scaled(number, u128::pow(base, *power)).ok_or(InvalidQuota)?;
        if bytes == 0 { Err(InvalidQuota) } else { Ok(Self { bytes }) }
    }
}

/// A number with or without a fraction so many times; what is less than a byte is left out.
fn scaled(number: &str, factor: u128) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.len() > 9 {
        return None;
    }
    let parts = if fraction.is_empty() { 0 } else { fraction.parse::<u128>().ok()? };
    let part = parts * factor / u128::pow(10, fraction.len() as u32);
    let bytes = u128::from(whole.parse::<u64>().ok()?).checked_mul(factor)?.checked_add(part)?;
    u64::try_from(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_read_in_units_of_1000_and_of_1024() {
        for (text, bytes) in [
            ("1", 1),
            ("512B", 512),
            ("5k", 5000),
            ("500GB", 500_000_000_000),
            ("10GiB", 10 << 30),
            ("10 gib", 10 << 30),
            ("1.5TiB", 3 << 39),
            ("0.5KiB", 512),
            ("1PiB", 1 << 50),
        ] {
            assert_eq!(text.parse(), Ok(BucketQuota { bytes }), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        let refused = [
            "",
            "GiB",
            "0",
            "0GiB",
            "-1",
            ".5GiB",
            "1..5GiB",
            "10XiB",
            "1iB",
            "1 0GiB",
            "99999999999PiB",
            "1e3",
        ];
        for text in refused {
            assert_eq!(text.parse::<BucketQuota>(), Err(InvalidQuota), "{text}");
        }
    }
}
