//! How many nodes, and how many zones, may fail at once.
//!
//! The shards of a blob that are on one node are lost together. So of each spread the nodes with most of its
//! shards are taken away, one after the other, for as long as enough are left; the spread that bears the loss of
//! the fewest decides. The metadata bears the loss of as many drives as its log has replicas above its quorum.

use std::collections::BTreeMap;

use super::api::Result;
use super::engine::Engine;
use crate::metadata::{counts, losses_borne};
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
        let up = counts(up.filter_map(|slot| domains.get(&slot).map(by)));
        // A log that is behind is on some drive that is up: the fewest that may be lost are those that are not.
        let needed = up.iter().sum::<usize>().saturating_sub(self.store.replicas_spare() as usize);
        let mut least = losses_borne(up, needed);
        for spread in self.store.spreads()? {
            for group in &spread.groups {
                let each = counts(group.slots.iter().copied().filter_map(held));
                least = least.min(losses_borne(each, usize::from(group.data_shards)));
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
        let log = losses_borne(counts(domains.values()), left.len().saturating_sub(parity));
        let schemes = self.schemes_in_use().ok()?;
        let new = schemes.iter().flat_map(|scheme| (0..PLACEMENTS_LOOKED_AT).map(move |seed| (scheme, seed)));
        let blobs = new.map(|(scheme, seed)| {
            let slots = placement::place(&left, scheme.shards(), seed);
            losses_borne(counts(slots.iter().filter_map(|slot| domains.get(slot))), usize::from(scheme.data))
        });
        let after = blobs.min().unwrap_or(0).min(log);
        Some(format!("nodes that may fail at once: {now} now, {after} afterwards"))
    }
}
