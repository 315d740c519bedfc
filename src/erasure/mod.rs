//! Reed-Solomon erasure coding over GF(2^8): any k of k + m shards give the data back.
//!
//! The code is systematic: the first k shards are the data itself, cut in k equal pieces. Parity rows
//! are a Cauchy matrix whose columns are scaled so that the first parity shard is the plain XOR; every
//! square part of such a matrix is invertible, so any k shards do (Blömer et al., 1995).

mod codec;
mod galois;
mod simd;

pub use codec::Codec;

use serde::{Deserialize, Serialize};

/// How many data and parity shards a stripe has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scheme {
    /// Data shards, 1 to 16.
    pub data: u8,
    /// Parity shards, 0 to 8: so many may be lost.
    pub parity: u8,
}

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

    /// All shards of a stripe.
    pub fn shards(self) -> u8 {
        self.data + self.parity
    }

    /// Length in bytes of one shard of a stripe that holds `len` bytes of data.
    pub fn shard_len(self, len: usize) -> usize {
        len.div_ceil(usize::from(self.data))
    }
}
