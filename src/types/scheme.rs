//! How many shards a stripe has.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How many data and parity shards a stripe has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scheme {
    /// Data shards, 1 to 16.
    pub data: u8,
    /// Parity shards, 0 to 8: so many may be lost.
    pub parity: u8,
}

/// A text that is no scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a parity is written as data and parity shards, such as 4+2")]
pub struct InvalidScheme;

impl Scheme {
    /// Most shards a stripe has.
    pub const SHARDS_MAX: u8 = 16;

    /// The default for a deployment of `drives` drives: 1 → none, 2-3 → 1 parity, 4-5 → 2, 6-7 → 3,
    /// 8 and more → 4, on at most 16 drives a stripe.
    pub fn for_drives(drives: usize) -> Self {
        let shards = drives.clamp(1, usize::from(Self::SHARDS_MAX)) as u8;
        let parity = match shards {
            1 => 0,
            2..=3 => 1,
            4..=5 => 2,
            6..=7 => 3,
            _ => 4,
        };
        Self { data: shards - parity, parity }
    }

    /// The same shards, one of them data instead of parity; as it is where that would leave no parity.
    pub fn with_less_parity(self) -> Self {
        match self.parity {
            0 | 1 => self,
            parity => Self { data: self.data + 1, parity: parity - 1 },
        }
    }

    /// All shards of a stripe.
    pub fn shards(self) -> u8 {
        self.data + self.parity
    }

    /// Length in bytes of one shard of a stripe that holds `len` bytes of data.
    pub fn shard_len(self, len: usize) -> usize {
        len.div_ceil(usize::from(self.data))
    }

    /// Bytes that the shards of `len` bytes of data take.
    pub fn stored_bytes(self, len: u64) -> u64 {
        (u128::from(len) * u128::from(self.shards()) / u128::from(self.data.max(1))) as u64
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.data, self.parity)
    }
}

/// Reads `K+M`, each of at most 16 shards.
impl FromStr for Scheme {
    type Err = InvalidScheme;

    fn from_str(text: &str) -> Result<Self, InvalidScheme> {
        let (data, parity) = text.split_once('+').ok_or(InvalidScheme)?;
        let count = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            let count = text.parse::<u8>().ok().filter(|count| digits && *count <= Self::SHARDS_MAX);
            count.ok_or(InvalidScheme)
        };
        Ok(Self { data: count(data)?, parity: count(parity)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_comes_back_from_its_text() {
        let scheme = Scheme { data: 4, parity: 2 };
        assert_eq!(scheme.to_string().parse(), Ok(scheme));
        for text in ["", "4", "4+", "+2", "4+2+1", "4 + 2", "-4+2", "+4+2", "17+1", "300+1", "four+two"] {
            assert_eq!(text.parse::<Scheme>(), Err(InvalidScheme), "{text}");
        }
    }

    #[test]
    fn parity_is_counted_with_what_is_stored() {
        assert_eq!(Scheme { data: 4, parity: 2 }.stored_bytes(1000), 1500);
        assert_eq!(Scheme { data: 1, parity: 0 }.stored_bytes(u64::MAX), u64::MAX);
    }
}
