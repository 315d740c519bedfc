//! How many nodes, and how many zones, may fail at once.
//!
//! The shards of a blob that are on one node are lost together. So of each spread the nodes with most of its
//! shards are taken away, one after the other, for as long as enough are left; the spread that bears the loss of
//! the fewest decides. The metadata bears the loss of as many drives as its log has replicas above its quorum.

use std::collections::BTreeMap;

use super::api::Result;
use super::engine::Engine;
use crate::placement::{self, Candidate, Domain};
use crate::types::DriveSlot;

/// Placements that are looked at to tell how drives that are left would take new blobs.
const PLACEMENTS_LOOKED_AT: u64 = 64;

/// Nodes and zones that may fail at once, whichever they are, with every object read and changed still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DomainSpare {
    /// Nodes.
    pub nodes: u64,
    /// Zones; none where no node is in a zone that has a name.
    pub zones: Option<u64>,
}

/// How many domains may be lost when `held` shards or drives are in each, and `needed` are enough.
fn spare(held: impl IntoIterator<Item = usize>, needed: usize) -> u64 {
    let mut held: Vec<usize> = held.into_iter().collect();
    held.sort_unstable();
    let mut left: usize = held.iter().sum();
    let mut lost = 0;
    while let Some(largest) = held.pop() {
        match left.checked_sub(largest) {
            Some(rest) if rest >= needed => left = rest,
            _ => break,
        }
        lost += 1;
    }
    lost
}

/// How many of these slots are in each domain.
fn count(
    slots: impl IntoIterator<Item = DriveSlot>,
    domain_of: impl Fn(DriveSlot) -> Option<u32>,
) -> Vec<usize> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for domain in slots.into_iter().filter_map(domain_of) {
        *counts.entry(domain).or_default() += 1;
    }
    counts.into_values().collect()
}

impl Engine {
    /// How many nodes and zones may fail at this moment; none without nodes.
    pub fn domain_spare(&self) -> Result<Option<DomainSpare>> {
        let domains = self.drives.domains();
        if domains.values().all(|domain| domain.node == 0) {
            return Ok(None);
        }
        let nodes = self.spare_of(&domains, |domain| domain.node)?;
        let named = domains.values().any(|domain| domain.zone != 0);
        let zones = if named { Some(self.spare_of(&domains, |domain| domain.zone)?) } else { None };
        Ok(Some(DomainSpare { nodes, zones }))
    }

    fn spare_of(&self, domains: &BTreeMap<DriveSlot, Domain>, by: fn(&Domain) -> u32) -> Result<u64> {
        let holding = self.drives.holding();
        let held = |slot: DriveSlot| domains.get(&slot).filter(|_| holding.contains(&slot)).map(by);
        let up = self.drives.identities().into_iter().map(|(slot, ..)| slot);
        let up = count(up, |slot| domains.get(&slot).map(by));
        // A log that is behind is on some drive that is up: the fewest that may be lost are those that are not.
        let needed = up.iter().sum::<usize>().saturating_sub(self.store.replicas_spare() as usize);
        let mut least = spare(up, needed);
        for spread in self.store.spreads()? {
            for group in &spread.groups {
                let counts = count(group.slots.iter().copied(), held);
                least = least.min(spare(counts, usize::from(group.data_shards)));
            }
        }
        Ok(least)
    }

    /// A sentence on how many nodes may fail now, and how many when some drives have left and others joined.
    pub(super) fn note_on_domains(&self, leaving: &[DriveSlot], joining: &[Candidate]) -> Option<String> {
        let now = self.domain_spare().ok().flatten()?.nodes;
        let mut left = self.drives.candidates();
        left.retain(|candidate| !leaving.contains(&candidate.spot.slot));
        left.extend_from_slice(joining);
        let parity = usize::from(self.drives.scheme().parity);
        let domains: BTreeMap<DriveSlot, u32> =
            left.iter().map(|candidate| (candidate.spot.slot, candidate.spot.domain.node)).collect();
        let drives = count(domains.keys().copied(), |slot| domains.get(&slot).copied());
        let log = spare(drives, left.len().saturating_sub(parity));
        let schemes = self.schemes.all();
        let new = schemes.iter().flat_map(|scheme| (0..PLACEMENTS_LOOKED_AT).map(move |seed| (scheme, seed)));
        let blobs = new.map(|(scheme, seed)| {
            let slots = placement::place(&left, scheme.shards(), seed);
            spare(count(slots, |slot| domains.get(&slot).copied()), usize::from(scheme.data))
        });
        let after = blobs.min().unwrap_or(0).min(log);
        Some(format!("nodes that may fail at once: {now} now, {after} afterwards"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domains_with_most_are_lost_first() {
        assert_eq!(spare([1, 1, 1, 1], 2), 2);
        assert_eq!(spare([2, 1, 1], 2), 1, "the loss of two of them could leave one");
        assert_eq!(spare([2, 2], 2), 1);
        assert_eq!(spare([3, 1], 2), 0);
        assert_eq!(spare([1], 2), 0, "too few even now");
        assert_eq!(spare([], 0), 0);
    }
}
