//! Moving shards from drive to drive: off those that are drained, and from fuller ones to emptier ones.

use std::collections::BTreeMap;

use super::api::Result;
use super::engine::Engine;
use super::rebuild::{Repair, Target, shard_bytes};
use super::topology::{ChangeError, ChangePlan, Intent, MOVING};
use crate::metadata::{BlobLayout, DrivePhase};
use crate::placement::{Crowding, Domain, Spot};
use crate::types::{BlobId, DriveSlot};

/// The name under which it is noted that drives are to be evened out.
const REBALANCE: &str = "rebalance";
/// Blobs looked at in one step.
pub(super) const STEP_BLOBS_MAX: usize = 1000;
/// Bytes a second that moving is guessed to do on machines at rest and on busy ones, before there is a measure.
const RATE_GUESS: (u64, u64) = (200_000_000, 17_000_000);
/// Drives are even enough when none holds more above its share than this part of it.
const TOLERANCE: u64 = 50;

/// What a drive holds, and how much of everything it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stock {
    pub(crate) slot: DriveSlot,
    /// Bytes it has room for, those it holds included.
    pub(crate) capacity: u64,
    /// Bytes of shards it holds.
    pub(crate) held: u64,
    /// It is being drained.
    pub(crate) leaving: bool,
}

/// What each drive should hold: the same part of its capacity, but never more than one shard of every blob,
/// which is the `shards`-th part of everything.
fn shares(stock: &[Stock], shards: u8) -> BTreeMap<DriveSlot, u64> {
    let total: u128 = stock.iter().map(|drive| u128::from(drive.held)).sum();
    let most = total / u128::from(shards.max(1));
    let mut shares: BTreeMap<DriveSlot, u64> = stock.iter().map(|drive| (drive.slot, 0)).collect();
    let mut open: Vec<&Stock> = stock.iter().filter(|drive| !drive.leaving && drive.capacity > 0).collect();
    let mut left = total;
    loop {
        let capacity: u128 = open.iter().map(|drive| u128::from(drive.capacity)).sum();
        if capacity == 0 {
            return shares;
        }
        let share = |drive: &Stock| left * u128::from(drive.capacity) / capacity;
        let (full, rest): (Vec<&Stock>, Vec<&Stock>) = open.iter().partition(|drive| share(drive) > most);
        if full.is_empty() {
            shares.extend(open.iter().map(|drive| (drive.slot, share(drive) as u64)));
            return shares;
        }
        shares.extend(full.iter().map(|drive| (drive.slot, most as u64)));
        left -= (most * full.len() as u128).min(left);
        open = rest;
    }
}

/// Bytes that must move for every drive to hold its share.
pub(crate) fn to_move(stock: &[Stock], shards: u8) -> u64 {
    let shares = shares(stock, shards);
    stock.iter().map(|drive| drive.held.saturating_sub(shares[&drive.slot])).sum()
}

/// How much more and less than their share drives hold, kept up to date while shards are moved.
#[derive(Debug)]
pub(crate) struct Balance {
    surplus: BTreeMap<DriveSlot, u64>,
    deficit: BTreeMap<DriveSlot, u64>,
    leaving: Vec<DriveSlot>,
}

impl Balance {
    fn of(stock: &[Stock], shards: u8) -> Self {
        let shares = shares(stock, shards);
        let pick = |by: fn(u64, u64) -> u64| {
            let each = stock.iter().map(|drive| (drive.slot, by(drive.held, shares[&drive.slot])));
            each.filter(|(_, bytes)| *bytes > 0).collect()
        };
        let leaving = stock.iter().filter(|drive| drive.leaving).map(|drive| drive.slot).collect();
        Self {
            surplus: pick(u64::saturating_sub),
            deficit: pick(|held, share| share.saturating_sub(held)),
            leaving,
        }
    }

    /// Whether a shard of so many bytes should leave this drive.
    fn gives(&self, slot: DriveSlot, bytes: u64) -> bool {
        self.leaving.contains(&slot) || self.surplus.get(&slot).is_some_and(|surplus| *surplus >= bytes)
    }

    /// Of these drives the one that lacks most.
    fn neediest(&self, takers: &[DriveSlot]) -> Option<DriveSlot> {
        let lacking = self.deficit.iter().filter(|(slot, bytes)| takers.contains(slot) && **bytes > 0);
        lacking.max_by_key(|(_, bytes)| **bytes).map(|(slot, _)| *slot)
    }

    fn moved(&mut self, from: DriveSlot, to: DriveSlot, bytes: u64) {
        for (side, slot) in [(&mut self.surplus, from), (&mut self.deficit, to)] {
            if let Some(left) = side.get_mut(&slot) {
                *left = left.saturating_sub(bytes);
            }
        }
    }
}

/// What a step of moving did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// The last blob looked at; `None` at the end.
    pub last: Option<BlobId>,
    /// Shards moved.
    pub shards: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Engine {
    /// What each drive holds and could.
    pub(crate) fn stock(&self) -> Result<Vec<Stock>> {
        let held = self.redundancy()?.held;
        let stock = self.drives.status().into_iter().map(|drive| {
            let held = held.get(&drive.slot).copied().unwrap_or(0);
            let capacity = if drive.up { drive.free + held } else { 0 };
            Stock { slot: drive.slot, capacity, held, leaving: drive.phase == DrivePhase::Draining }
        });
        Ok(stock.collect())
    }

    /// About how long moving so many bytes takes: at the pace of the last move, else at a guess.
    pub fn seconds_to_move(&self, bytes: u64) -> u64 {
        self.moves.seconds(bytes, RATE_GUESS, &self.activity)
    }

    /// Evens out how full drives are.
    pub async fn rebalance(&self, intent: Intent) -> std::result::Result<ChangePlan, ChangeError> {
        let redundancy = self.redundancy()?;
        let bytes = to_move(&self.stock()?, self.drives.scheme().shards());
        if intent == Intent::Do {
            self.note_progress(REBALANCE, vec![1]).await?;
            self.moves.want_even(true);
        }
        Ok(ChangePlan {
            bytes,
            shards: self.average_shards(bytes)?,
            now: redundancy.sentence(),
            during: MOVING.into(),
            after: "unchanged".into(),
            notes: Vec::new(),
        })
    }

    /// Ends evening out, done or not.
    pub async fn end_rebalance(&self) -> Result<()> {
        if self.moves.wants_even() {
            self.moves.want_even(false);
            self.note_progress(REBALANCE, vec![0]).await?;
        }
        Ok(())
    }

    /// Goes on with evening out that a stop interrupted.
    pub fn resume_rebalance(&self) -> Result<()> {
        if self.store.progress(REBALANCE)?.is_some_and(|noted| noted == [1]) {
            self.moves.want_even(true);
        }
        Ok(())
    }

    /// Bytes to move off drives that are drained, and, where evening out is wanted, from the fuller drives.
    /// Small differences are left alone.
    pub(crate) fn bytes_to_move(&self) -> Result<u64> {
        let mut stock = self.stock()?;
        let leaving: u64 = stock.iter().filter(|drive| drive.leaving).map(|drive| drive.held).sum();
        if !self.moves.wants_even() {
            return Ok(leaving);
        }
        stock.retain(|drive| !drive.leaving);
        let total: u64 = stock.iter().map(|drive| drive.held).sum();
        let uneven = to_move(&stock, self.drives.scheme().shards());
        Ok(leaving + if uneven > total / TOLERANCE { uneven } else { 0 })
    }

    /// The present balance, to be used for one walk over the blobs.
    pub(crate) fn balance(&self) -> Result<Balance> {
        Ok(Balance::of(&self.stock()?, self.drives.scheme().shards()))
    }

    /// Moves shards of some blobs behind `after`, about `bytes_max` bytes of them.
    pub(crate) async fn move_shards(
        &self,
        after: BlobId,
        balance: &mut Balance,
        bytes_max: u64,
    ) -> Result<Moved> {
        let _moving = self.moving.lock().await;
        let takers = Takers { slots: self.drives.takers(), domains: self.drives.domains() };
        let (mut moved, mut repairs, mut bytes) = (Moved::default(), Vec::new(), 0);
        for layout in self.store.blobs_after(after, STEP_BLOBS_MAX)? {
            moved.last = Some(layout.blob);
            if let Some(repair) = choose_move(layout, balance, &takers) {
                bytes += repair.bytes();
                repairs.push(repair);
            }
            if bytes >= bytes_max {
                break;
            }
        }
        (moved.shards, moved.bytes) = self.carry_out(repairs).await?;
        Ok(moved)
    }
}

/// Drives that take shards, and where all drives are.
#[derive(Debug)]
struct Takers {
    slots: Vec<DriveSlot>,
    domains: BTreeMap<DriveSlot, Domain>,
}

impl Takers {
    fn spot(&self, slot: DriveSlot) -> Spot {
        Spot { slot, domain: self.domains.get(&slot).copied().unwrap_or(Domain::UNKNOWN) }
    }

    /// Drives that may take one shard of a blob, which stands at `slots`. What leaves a drive for good goes
    /// where fewest others are; what leaves a fuller one goes nowhere more crowded than where it is.
    fn of(&self, slots: &[DriveSlot], shard: usize, leaving: bool) -> Vec<DriveSlot> {
        let others = slots.iter().enumerate().filter(|(i, _)| *i != shard);
        let others: Vec<Spot> = others.map(|(_, slot)| self.spot(*slot)).collect();
        let crowding = |slot: DriveSlot| Crowding::of(self.spot(slot), &others);
        let free: Vec<DriveSlot> = self.slots.iter().copied().filter(|slot| !slots.contains(slot)).collect();
        let least = free.iter().map(|slot| crowding(*slot)).min();
        let most = if leaving { least } else { Some(crowding(slots[shard])) };
        free.into_iter().filter(|slot| Some(crowding(*slot)) <= most).collect()
    }
}

/// The shards of a blob that should move, and where to.
fn choose_move(layout: BlobLayout, balance: &mut Balance, takers: &Takers) -> Option<Repair> {
    let bytes = shard_bytes(&layout);
    let mut slots = layout.slots.clone();
    let mut targets = Vec::new();
    for (shard, &from) in layout.slots.iter().enumerate() {
        if !balance.gives(from, bytes) {
            continue;
        }
        let leaving = balance.leaving.contains(&from);
        let takers = takers.of(&slots, shard, leaving);
        let any = || takers.first().copied().filter(|_| leaving);
        if let Some(slot) = balance.neediest(&takers).or_else(any) {
            balance.moved(from, slot, bytes);
            slots[shard] = slot;
            targets.push(Target { shard: shard as u8, slot });
        }
    }
    (!targets.is_empty()).then(|| Repair::new(layout, Vec::new(), targets))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stock(drives: &[(u64, u64)]) -> Vec<Stock> {
        let drive = |(i, &(capacity, held)): (usize, &(u64, u64))| Stock {
            slot: DriveSlot(i as u16),
            capacity,
            held,
            leaving: false,
        };
        drives.iter().enumerate().map(drive).collect()
    }

    #[test]
    fn a_fifth_drive_of_half_the_size_gets_half_as_much() {
        let drives = stock(&[(900, 450), (900, 450), (900, 450), (900, 450), (450, 0)]);
        let shares = shares(&drives, 4);
        assert_eq!(shares.values().copied().collect::<Vec<_>>(), [400, 400, 400, 400, 200]);
        assert_eq!(to_move(&drives, 4), 200);
    }

    #[test]
    fn a_drive_never_gets_more_than_one_shard_of_each_blob() {
        let drives = stock(&[(10_000, 100), (100, 100), (100, 100)]);
        assert_eq!(shares(&drives, 3).values().copied().collect::<Vec<_>>(), [100, 100, 100]);
        assert_eq!(to_move(&drives, 3), 0);
    }

    #[test]
    fn a_drive_that_leaves_gets_nothing() {
        let mut drives = stock(&[(100, 60), (100, 60), (100, 60)]);
        drives[1].leaving = true;
        assert_eq!(to_move(&drives, 2), 60);
    }

    #[test]
    fn shards_go_where_most_is_lacking_and_none_of_the_blob_is() {
        let drives = stock(&[(900, 450), (900, 450), (900, 450), (900, 450), (450, 0)]);
        let mut balance = Balance::of(&drives, 4);
        let layout = layout(&[0, 1, 2, 3]);
        let takers = takers(&[(0, 0); 5]);
        let repair = choose_move(layout.clone(), &mut balance, &takers).unwrap();
        assert_eq!(repair.targets, [Target { shard: 0, slot: DriveSlot(4) }]);
        let all_there =
            BlobLayout { slots: vec![DriveSlot(4), DriveSlot(1), DriveSlot(2), DriveSlot(3)], ..layout };
        assert!(choose_move(all_there, &mut balance, &takers).is_none());
    }

    /// Drives that all take shards, each in this zone and on this node.
    fn takers(domains: &[(u32, u32)]) -> Takers {
        let slots = || (0..domains.len() as u16).map(DriveSlot);
        let domains = domains.iter().map(|&(zone, node)| Domain { zone, node });
        Takers { slots: slots().collect(), domains: slots().zip(domains).collect() }
    }

    fn layout(slots: &[u16]) -> BlobLayout {
        let slots = slots.iter().copied().map(DriveSlot).collect();
        BlobLayout { blob: BlobId(1), size: 20, stripe_len: 1 << 20, data_shards: 2, slots }
    }

    #[test]
    fn evening_out_crowds_no_node_more_than_it_was() {
        // Slot 4 is empty; it is on the node of slot 3.
        let drives = stock(&[(900, 450), (900, 450), (900, 450), (900, 450), (900, 0)]);
        let takers = takers(&[(0, 0), (0, 1), (0, 2), (0, 3), (0, 3)]);
        let mut balance = Balance::of(&drives, 4);
        let repair = choose_move(layout(&[0, 1, 2, 3]), &mut balance, &takers).unwrap();
        assert_eq!(repair.targets, [Target { shard: 3, slot: DriveSlot(4) }], "only within the node");
        assert!(choose_move(layout(&[0, 1, 2, 4]), &mut balance, &takers).is_none());
    }

    #[test]
    fn what_leaves_a_drive_goes_where_fewest_others_are_though_another_lacks_more() {
        let mut drives = stock(&[(900, 450), (900, 450), (900, 450), (900, 0), (900, 300)]);
        drives[0].leaving = true;
        // Slot 3 lacks most and is in the zone of slot 1; slot 4 is in the zone that slot 0 leaves.
        let takers = takers(&[(0, 0), (1, 1), (2, 2), (1, 3), (0, 4)]);
        let mut balance = Balance::of(&drives, 3);
        let repair = choose_move(layout(&[0, 1, 2]), &mut balance, &takers).unwrap();
        assert_eq!(repair.targets[0], Target { shard: 0, slot: DriveSlot(4) });
        let mut alone = Takers { slots: vec![DriveSlot(3)], ..takers };
        alone.slots.push(DriveSlot(1));
        let repair = choose_move(layout(&[0, 1, 2]), &mut balance, &alone).unwrap();
        assert_eq!(repair.targets[0], Target { shard: 0, slot: DriveSlot(3) }, "better there than nowhere");
    }
}
