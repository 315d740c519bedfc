//! Encoding and rebuilding of shards.

use bytes::Bytes;

use super::galois::{NibbleTable, inverse, invert, mul};
use super::{Scheme, simd};
use crate::runtime::PageBuffer;

/// Bytes of each shard worked on at a time, so that the output stays in the first-level cache.
const CACHE_BLOCK_BYTES: usize = 16 << 10;

/// The coder of one scheme.
#[derive(Debug, Clone)]
pub struct Codec {
    scheme: Scheme,
    /// Parity rows: `parity[i][j]` is the weight of data shard j in parity shard i.
    parity: Vec<Vec<u8>>,
}

impl Codec {
    /// The coder of `scheme`.
    pub fn new(scheme: Scheme) -> Self {
        let (k, m) = (scheme.data, scheme.parity);
        let cauchy = |row: u8, column: u8| inverse((k + row) ^ column);
        let weight = |row, column| mul(cauchy(row, column), inverse(cauchy(0, column)));
        let parity = (0..m).map(|row| (0..k).map(|column| weight(row, column)).collect()).collect();
        Self { scheme, parity }
    }

    /// Its scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The parity shards of k data shards of equal length.
    pub fn encode(&self, data: &[&[u8]]) -> Vec<Bytes> {
        self.parity.iter().map(|row| combine(row, data)).collect()
    }

    /// Rebuilds the `wanted` shards from at least k others, given with their index. `None` if there
    /// are fewer than k.
    pub fn rebuild(&self, present: &[(u8, &[u8])], wanted: &[u8]) -> Option<Vec<Bytes>> {
        let k = usize::from(self.scheme.data);
        let present = present.get(..k)?;
        let rows = present.iter().map(|(index, _)| self.row(*index)).collect();
        let inverse = invert(rows).expect("any k rows of a scaled Cauchy code are independent");
        let shards: Vec<&[u8]> = present.iter().map(|(_, shard)| *shard).collect();
        let rebuild = |&index: &u8| {
            // weight of present shard j in the wanted one: (row of wanted) x (inverse), column j
            let row = self.row(index);
            let weight = |j: usize| (0..k).fold(0, |sum, i| sum ^ mul(row[i], inverse[i][j]));
            combine(&(0..k).map(weight).collect::<Vec<_>>(), &shards)
        };
        Some(wanted.iter().map(rebuild).collect())
    }

    fn row(&self, index: u8) -> Vec<u8> {
        match index.checked_sub(self.scheme.data) {
            Some(parity) => self.parity[usize::from(parity)].clone(),
            None => (0..self.scheme.data).map(|column| u8::from(column == index)).collect(),
        }
    }
}

/// The weighted sum of shards of equal length, in memory that the disk can take as it is.
fn combine(weights: &[u8], shards: &[&[u8]]) -> Bytes {
    let len = shards.first().map_or(0, |shard| shard.len());
    let tables: Vec<NibbleTable> = weights.iter().map(|&weight| NibbleTable::of(weight)).collect();
    let mut output = PageBuffer::with_room(len);
    // What counts once is begun with, and copied.
    let begins = weights.iter().position(|&weight| weight == 1);
    for start in (0..len).step_by(CACHE_BLOCK_BYTES) {
        let block = start..len.min(start + CACHE_BLOCK_BYTES);
        match begins {
            Some(first) => output.extend_from_slice(&shards[first][block.clone()]),
            None => output.resize(block.end),
        }
        let terms = weights.iter().zip(&tables).zip(shards).enumerate();
        for (_, ((weight, table), shard)) in terms.filter(|(at, _)| Some(*at) != begins) {
            match weight {
                0 => {}
                1 => simd::xor(&shard[block.clone()], &mut output[block.clone()]),
                _ => simd::mul_add(table, &shard[block.clone()], &mut output[block.clone()]),
            }
        }
    }
    output.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards_of(codec: &Codec, len: usize) -> Vec<Vec<u8>> {
        let k = usize::from(codec.scheme().data);
        let mut shards: Vec<Vec<u8>> =
            (0..k).map(|s| (0..len).map(|i| (i * 31 + s * 17 + i / 251) as u8).collect()).collect();
        let parity = codec.encode(&shards.iter().map(Vec::as_slice).collect::<Vec<_>>());
        shards.extend(parity.into_iter().map(Vec::from));
        shards
    }

    #[test]
    fn any_k_shards_rebuild_all_others() {
        for scheme in (1..=16).map(Scheme::for_drives) {
            let codec = Codec::new(scheme);
            let shards = shards_of(&codec, 100);
            let n = usize::from(scheme.shards());
            for kept in (0u32..1 << n)
                .filter(|set| set.count_ones() == u32::from(scheme.data))
                .step_by(1 + n / 12 * 7)
            {
                let (present, lost): (Vec<u8>, Vec<u8>) = (0..n as u8).partition(|i| kept >> i & 1 == 1);
                let present: Vec<_> =
                    present.iter().map(|&i| (i, shards[usize::from(i)].as_slice())).collect();
                let rebuilt = codec.rebuild(&present, &lost).unwrap();
                for (index, shard) in lost.iter().zip(rebuilt) {
                    assert_eq!(shard, shards[usize::from(*index)], "{scheme:?} kept {kept:b}");
                }
            }
        }
    }

    #[test]
    fn fewer_than_k_shards_rebuild_nothing() {
        let codec = Codec::new(Scheme { data: 2, parity: 2 });
        assert!(codec.rebuild(&[(3, &[1, 2])], &[0]).is_none());
    }

    #[test]
    fn first_parity_shard_is_the_xor() {
        let codec = Codec::new(Scheme { data: 3, parity: 2 });
        assert_eq!(codec.encode(&[&[1], &[2], &[4]])[0][..], [7]);
    }
}
