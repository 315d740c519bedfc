//! Which drives take the shards of a new blob.

use crate::types::DriveSlot;

/// A drive that may take shards.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    /// Its slot.
    pub slot: DriveSlot,
    /// Bytes it has room for; drives with more take more.
    pub free: u64,
}

/// Chooses a drive for each of `shards` shards, by weighted rendezvous hashing with `seed`: each drive
/// is as likely as its free space says, and the choice is spread differently for every blob.
///
/// With fewer drives than shards each drive takes several, evenly, so that a stripe still survives the
/// loss of a drive where it can. Empty when there are no candidates.
pub fn place(candidates: &[Candidate], shards: u8, seed: u64) -> Vec<DriveSlot> {
    let mut scored: Vec<(f64, DriveSlot)> =
        candidates.iter().map(|candidate| (score(candidate, seed), candidate.slot)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.iter().map(|(_, slot)| *slot).cycle().take(usize::from(shards)).collect()
}

/// -weight / ln(u) with u uniform in (0, 1): the largest of these is candidate i with a probability
/// proportional to weight i.
fn score(candidate: &Candidate, seed: u64) -> f64 {
    let hash = mix(seed ^ mix(u64::from(candidate.slot.0).wrapping_add(0x9e37_79b9_7f4a_7c15)));
    let uniform = ((hash >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    -((candidate.free.max(1)) as f64) / uniform.ln()
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(free: &[u64]) -> Vec<Candidate> {
        free.iter().enumerate().map(|(i, &free)| Candidate { slot: DriveSlot(i as u16), free }).collect()
    }

    #[test]
    fn shards_go_to_different_drives_while_there_are_enough() {
        for seed in 0..100 {
            let mut slots = place(&candidates(&[5, 5, 5, 5, 5]), 4, seed);
            slots.sort();
            slots.dedup();
            assert_eq!(slots.len(), 4);
        }
    }

    #[test]
    fn two_drives_share_four_shards_evenly() {
        let slots = place(&candidates(&[1, 1]), 4, 7);
        assert_eq!(slots.iter().filter(|slot| slot.0 == 0).count(), 2);
    }

    #[test]
    fn drives_with_more_room_take_more() {
        let first = |seed| place(&candidates(&[1, 3]), 1, seed)[0].0;
        let on_larger = (0..10_000).filter(|&seed| first(seed) == 1).count();
        assert!((7_300..7_700).contains(&on_larger), "{on_larger}");
    }

    #[test]
    fn nowhere_to_go_is_an_empty_answer() {
        assert!(place(&[], 4, 1).is_empty());
    }
}
