//! Reed-Solomon erasure coding over GF(2^8): any k of k + m shards give the data back.
//!
//! The code is systematic: the first k shards are the data itself, cut in k equal pieces. Parity rows
//! are a Cauchy matrix whose columns are scaled so that the first parity shard is the plain XOR; every
//! square part of such a matrix is invertible, so any k shards do (Blömer et al., 1995).

mod codec;
mod galois;
mod simd;

pub use crate::types::Scheme;
pub use codec::Codec;
