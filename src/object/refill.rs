//! Refilling a blank drive that took the place of a lost one.
//!
//! The metadata tells what the drive should hold, and the drive itself what of that is there: no row is written
//! for a shard that is lacking, nor when it is back, for its place is the same. Until the walk is over the drive
//! counts as holding nothing; a crash before leaves that so, and the next walk passes over what is there.

use std::collections::{BTreeMap, BTreeSet};

use super::api::{Error, Result};
use super::drives::DriveStatus;
use super::engine::Engine;
use super::heal::Healed;
use super::rebuild::{Repair, Target, rebuild};
use super::stripe_reader::shards_at;
use crate::metadata::{BlobLayout, DrivePhase, Margin, PlacedBlob};
use crate::shard_store::ShardId;
use crate::types::{BlobId, DriveSlot};

/// A walk over the blobs of which a drive should hold shards.
#[derive(Debug)]
pub struct Refill {
    slot: DriveSlot,
    /// Drives that the order was made for.
    holding: BTreeSet<DriveSlot>,
    /// Spreads that go before the rest, the least safe last.
    urgent: Vec<BTreeSet<i64>>,
    after: BlobId,
    ended: bool,
}

impl Refill {
    /// The drive's slot.
    pub fn slot(&self) -> DriveSlot {
        self.slot
    }

    /// Whether the drive holds all that it should, but for what was queued for healing.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Goes to the next turn. The last one is over all blobs: one may have changed its spread in between.
    fn next_turn(&mut self) {
        self.ended = self.urgent.pop().is_none();
        self.after = BlobId(0);
    }
}

/// What is lacking of some blobs on a drive.
struct Lacking {
    repairs: Vec<Repair>,
    /// Shards that are there already.
    there: u64,
    last: BlobId,
}

impl Engine {
    /// Drives that are up and to be refilled.
    pub fn drives_to_refill(&self) -> Vec<DriveStatus> {
        let drives = self.drives.status().into_iter();
        drives.filter(|drive| drive.up && drive.phase == DrivePhase::Refilling).collect()
    }

    /// The slots of those.
    pub(super) fn slots_to_refill(&self) -> Vec<DriveSlot> {
        self.drives_to_refill().iter().map(|drive| drive.slot).collect()
    }

    /// Begins to refill the drive in a slot. Blobs of lower margin have their turn first.
    pub fn begin_refill(&self, slot: DriveSlot) -> Result<Refill> {
        let holding = self.drives.holding();
        let mut by_margin: BTreeMap<Margin, BTreeSet<i64>> = BTreeMap::new();
        for spread in self.store.spreads()? {
            if spread.blobs > 0 && spread.groups.iter().any(|group| group.slots.contains(&slot)) {
                by_margin.entry(spread.margin(|slot| holding.contains(&slot))).or_default().insert(spread.id);
            }
        }
        by_margin.pop_last();
        let urgent = by_margin.into_values().rev().collect();
        Ok(Refill { slot, holding, urgent, after: BlobId(0), ended: false })
    }

    /// Whether a walk that began goes on as it is: its drive is to be refilled, and the others are those it knew.
    pub fn can_go_on(&self, refill: &Refill) -> bool {
        self.slots_to_refill().contains(&refill.slot) && self.drives.holding() == refill.holding
    }

    /// Refills about `bytes_max` bytes, of so many blobs at most. What cannot be rebuilt is queued for healing.
    pub async fn refill(&self, refill: &mut Refill, blobs_max: usize, bytes_max: u64) -> Result<Healed> {
        let _moving = self.moving.lock().await;
        let blobs = self.store.placed_blobs_after(refill.after, blobs_max)?;
        if blobs.is_empty() {
            refill.next_turn();
            return Ok(Healed::default());
        }
        let lacking = self.lacking(refill, &blobs, bytes_max).await?;
        let _writing = self.writers.enter();
        let wanted: Vec<(BlobId, u8)> = shards_of(&lacking.repairs);
        let done = rebuild(&self.drives, lacking.repairs).await;
        let rebuilt: BTreeSet<(BlobId, u8)> = shards_of(&done).into_iter().collect();
        self.remove_superseded(&done).await?;
        let failed = wanted.into_iter().filter(|shard| !rebuilt.contains(shard));
        let failed: Vec<_> = failed.map(|(blob, shard)| (blob, shard, refill.slot)).collect();
        let healed =
            Healed { shards: lacking.there + rebuilt.len() as u64, failed: failed.len() as u64, waiting: 0 };
        self.need_heal(failed).await?;
        refill.after = lacking.last;
        Ok(healed)
    }

    /// What the drive lacks of some blobs, up to about so many bytes.
    async fn lacking(&self, refill: &Refill, blobs: &[PlacedBlob], bytes_max: u64) -> Result<Lacking> {
        let due = |spread: i64| refill.urgent.last().is_none_or(|spreads| spreads.contains(&spread));
        let due: Vec<&BlobLayout> =
            blobs.iter().filter(|blob| due(blob.spread)).map(|blob| &blob.layout).collect();
        let ids: Vec<ShardId> = due.iter().flat_map(|layout| shards_at(layout, refill.slot)).collect();
        let drive = self.drives.up(refill.slot).ok_or(Error::Unavailable("the drive is down"))?;
        let held = drive.contains(ids.clone()).await.map_err(|error| Error::Internal(Box::new(error)))?;
        let held: BTreeMap<ShardId, bool> = ids.into_iter().zip(held).collect();
        let last = blobs.last().map_or(refill.after, |blob| blob.layout.blob);
        let mut lacking = Lacking { repairs: Vec::new(), there: 0, last };
        let mut bytes = 0;
        for layout in due {
            let (there, lost): (Vec<ShardId>, Vec<ShardId>) =
                shards_at(layout, refill.slot).partition(|id| held.get(id) == Some(&true));
            lacking.there += there.len() as u64;
            if lost.is_empty() {
                continue;
            }
            let lost: Vec<u8> = lost.iter().map(|id| id.shard).collect();
            let targets = lost.iter().map(|&shard| Target { shard, slot: refill.slot }).collect();
            let repair = Repair::new(layout.clone(), lost, targets);
            bytes += repair.bytes();
            lacking.repairs.push(repair);
            if bytes >= bytes_max {
                lacking.last = layout.blob;
                break;
            }
        }
        Ok(lacking)
    }
}

fn shards_of(repairs: &[Repair]) -> Vec<(BlobId, u8)> {
    let of = |repair: &Repair| {
        let blob = repair.layout.blob;
        repair.targets.iter().map(move |target| (blob, target.shard)).collect::<Vec<_>>()
    };
    repairs.iter().flat_map(of).collect()
}
