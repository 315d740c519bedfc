//! Which drives take the shards of a blob.
//!
//! A drive is in a node and a node in a zone: what is in one of these fails together. Of the places that a
//! shard may take, the best is, the first rule the strongest,
//!
//! 1. the drive with the fewest shards of the blob, so that none takes a second one while another has none,
//! 2. in the zone with the fewest,
//! 3. on the node with the fewest,
//! 4. the one that weighted rendezvous hashing favours: each drive as often as its free space says.
//!
//! The shards of a blob are placed one after the other, so they are in as many zones as have drives for them,
//! on as many nodes, and evenly. With all drives on one machine only the first and last rule tell them apart.

use std::cmp::Ordering;

use crate::types::DriveSlot;

/// What fails together with a drive, in numbers that stand for names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain {
    /// The zone that the node is in.
    pub zone: u32,
    /// The node that the drive is on.
    pub node: u32,
}

impl Domain {
    /// That of a drive of which nothing is known: it is together with none that is.
    pub const UNKNOWN: Self = Self { zone: u32::MAX, node: u32::MAX };
}

/// A drive, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Its slot.
    pub slot: DriveSlot,
    /// What it fails together with.
    pub domain: Domain,
}

/// A drive that may take shards.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    /// The drive.
    pub spot: Spot,
    /// Bytes it has room for; drives with more take more.
    pub free: u64,
}

/// How many shards of a blob stand where another one might be put; the lesser is the better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crowding {
    /// On the drive.
    pub drive: u32,
    /// In its zone.
    pub zone: u32,
    /// On its node.
    pub node: u32,
}

impl Crowding {
    /// At `spot`, with shards at `others`.
    pub fn of(spot: Spot, others: &[Spot]) -> Self {
        let mut crowding = Self::default();
        others.iter().for_each(|other| crowding.note(spot, *other));
        crowding
    }

    /// One more shard stands at `other`.
    fn note(&mut self, spot: Spot, other: Spot) {
        self.drive += u32::from(spot.slot == other.slot);
        self.zone += u32::from(spot.domain.zone == other.domain.zone);
        self.node += u32::from(spot.domain.node == other.domain.node);
    }
}

/// Chooses a drive for each of `shards` shards; `seed` spreads the choice differently for every blob.
///
/// With fewer drives than shards each drive takes several, evenly, so that a stripe still survives the
/// loss of a drive where it can. Empty when there are no candidates.
pub fn place(candidates: &[Candidate], shards: u8, seed: u64) -> Vec<DriveSlot> {
    let mut ranked = rank(candidates, &[], seed);
    let mut slots = Vec::with_capacity(usize::from(shards));
    for _ in 0..shards {
        let Some(chosen) = ranked.iter().min_by(|a, b| a.order(b)).map(|best| best.spot) else { break };
        slots.push(chosen);
        ranked.iter_mut().for_each(|rank| rank.crowding.note(rank.spot, chosen));
    }
    slots.into_iter().map(|spot| spot.slot).collect()
}

/// Chooses a drive for one more shard of a blob whose others stand at `others`, and tells how crowded that is.
pub fn place_beside(candidates: &[Candidate], others: &[Spot], seed: u64) -> Option<(DriveSlot, Crowding)> {
    let ranked = rank(candidates, others, seed);
    ranked.iter().min_by(|a, b| a.order(b)).map(|best| (best.spot.slot, best.crowding))
}

/// A candidate's standing.
#[derive(Debug)]
struct Rank {
    spot: Spot,
    crowding: Crowding,
    score: f64,
}

impl Rank {
    /// The best first.
    fn order(&self, other: &Self) -> Ordering {
        self.crowding.cmp(&other.crowding).then(other.score.total_cmp(&self.score))
    }
}

fn rank(candidates: &[Candidate], others: &[Spot], seed: u64) -> Vec<Rank> {
    let rank = |candidate: &Candidate| Rank {
        spot: candidate.spot,
        crowding: Crowding::of(candidate.spot, others),
        score: score(candidate, seed),
    };
    candidates.iter().map(rank).collect()
}

/// -weight / ln(u) with u uniform in (0, 1): the largest of these is candidate i with a probability
/// proportional to weight i.
fn score(candidate: &Candidate, seed: u64) -> f64 {
    let hash = mix(seed ^ mix(u64::from(candidate.spot.slot.0).wrapping_add(0x9e37_79b9_7f4a_7c15)));
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
    use std::collections::BTreeMap;

    use super::*;

    fn spot(slot: u16, zone: u32, node: u32) -> Spot {
        Spot { slot: DriveSlot(slot), domain: Domain { zone, node } }
    }

    /// Drives of one machine.
    fn candidates(free: &[u64]) -> Vec<Candidate> {
        let candidate = |(i, &free): (usize, &u64)| Candidate { spot: spot(i as u16, 0, 0), free };
        free.iter().enumerate().map(candidate).collect()
    }

    /// Drives of the same size, each in this zone and on this node.
    fn spread(domains: &[(u32, u32)]) -> Vec<Candidate> {
        let candidate = |(i, &(zone, node)): (usize, &(u32, u32))| Candidate {
            spot: spot(i as u16, zone, node),
            free: 100,
        };
        domains.iter().enumerate().map(candidate).collect()
    }

    /// Shards by zone or by node, the most first.
    fn counts(candidates: &[Candidate], slots: &[DriveSlot], by: fn(Domain) -> u32) -> Vec<usize> {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for slot in slots {
            *counts.entry(by(candidates[usize::from(slot.0)].spot.domain)).or_default() += 1;
        }
        let mut counts: Vec<usize> = counts.into_values().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        counts
    }

    fn zones(candidates: &[Candidate], slots: &[DriveSlot]) -> Vec<usize> {
        counts(candidates, slots, |domain| domain.zone)
    }

    fn nodes(candidates: &[Candidate], slots: &[DriveSlot]) -> Vec<usize> {
        counts(candidates, slots, |domain| domain.node)
    }

    fn distinct(mut slots: Vec<DriveSlot>) -> usize {
        slots.sort();
        slots.dedup();
        slots.len()
    }

    #[test]
    fn shards_go_to_different_drives_while_there_are_enough() {
        for seed in 0..100 {
            assert_eq!(distinct(place(&candidates(&[5, 5, 5, 5, 5]), 4, seed)), 4);
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
        assert_eq!(place_beside(&[], &[], 1), None);
    }

    #[test]
    fn on_one_machine_the_order_is_that_of_the_scores() {
        let drives = candidates(&[7, 3, 9, 1, 5]);
        for seed in 0..200 {
            let mut scored: Vec<(f64, DriveSlot)> =
                drives.iter().map(|drive| (score(drive, seed), drive.spot.slot)).collect();
            scored.sort_by(|a, b| b.0.total_cmp(&a.0));
            let expected: Vec<DriveSlot> = scored.iter().map(|(_, slot)| *slot).cycle().take(8).collect();
            assert_eq!(place(&drives, 8, seed), expected);
        }
    }

    #[test]
    fn every_node_takes_a_shard_before_one_takes_two() {
        // Three drives on the first node, one on each of three more.
        let drives = spread(&[(0, 0), (0, 0), (0, 0), (0, 1), (0, 2), (0, 3)]);
        for seed in 0..200 {
            assert_eq!(nodes(&drives, &place(&drives, 4, seed)), [1, 1, 1, 1]);
            let six = place(&drives, 6, seed);
            assert_eq!(
                (nodes(&drives, &six), distinct(six)),
                (vec![3, 1, 1, 1], 6),
                "a drive takes no second"
            );
        }
    }

    #[test]
    fn zones_share_evenly_and_nodes_in_them() {
        // Two zones of two nodes of two drives, a third zone of one node of two.
        let drives =
            spread(&[(0, 0), (0, 0), (0, 1), (0, 1), (1, 2), (1, 2), (1, 3), (1, 3), (2, 4), (2, 4)]);
        for seed in 0..200 {
            let three = place(&drives, 3, seed);
            assert_eq!(zones(&drives, &three), [1, 1, 1]);
            let six = place(&drives, 6, seed);
            assert_eq!(zones(&drives, &six), [2, 2, 2]);
            assert_eq!(nodes(&drives, &six), [2, 1, 1, 1, 1], "the third zone has one node only");
        }
    }

    #[test]
    fn a_zone_with_few_drives_leaves_the_rest_to_the_others() {
        let drives = spread(&[(0, 0), (1, 1), (1, 1), (1, 2), (1, 3)]);
        for seed in 0..200 {
            let four = place(&drives, 4, seed);
            assert_eq!(zones(&drives, &four), [3, 1]);
            assert_eq!(distinct(four.clone()), 4);
            assert_eq!(nodes(&drives, &four), [1, 1, 1, 1]);
        }
    }

    #[test]
    fn one_more_shard_goes_where_fewest_are() {
        let drives = spread(&[(0, 0), (0, 0), (0, 1), (1, 2), (1, 2)]);
        let at =
            |slots: &[u16]| -> Vec<Spot> { slots.iter().map(|&i| drives[usize::from(i)].spot).collect() };
        let beside = |slots: &[u16], seed| place_beside(&drives, &at(slots), seed).unwrap();
        for seed in 0..100 {
            assert_eq!(
                beside(&[0, 3], seed).1,
                Crowding { drive: 0, zone: 1, node: 0 },
                "not with slot 0 or 3"
            );
            assert_eq!(beside(&[0, 3], seed).0, DriveSlot(2));
            assert!(matches!(beside(&[0, 2], seed).0.0, 3 | 4), "the other zone");
            let unknown = Spot { slot: DriveSlot(9), domain: Domain::UNKNOWN };
            assert_eq!(place_beside(&drives, &[unknown], seed).unwrap().1, Crowding::default());
        }
        assert_eq!(beside(&[0, 1, 2, 3, 4], 1).1.drive, 1, "all have one");
    }

    #[test]
    fn in_a_zone_room_decides_as_well() {
        let mut drives = spread(&[(0, 0), (0, 1), (1, 2)]);
        drives[1].free = 300;
        let on_larger = (0..10_000).filter(|&seed| place(&drives, 2, seed).contains(&DriveSlot(1))).count();
        assert!(on_larger > 6_500, "{on_larger}: the zone takes one, its larger drive more often");
    }
}
