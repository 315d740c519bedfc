//! Healing: which shards are written anew, where, and in which order.
//!
//! A shard is durable in its new place before the metadata says so, and removed from its old one afterwards: a
//! crash between leaves two copies, of which one is an orphan.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::{join, join_all};

use super::api::Result;
use super::drives::{DriveSet, Sharing};
use super::engine::Engine;
use super::rebuild::{Repair, Target, rebuild};
use crate::metadata::{BlobLayout, HealRow, Margin, Mutation, SpreadRow};
use crate::shard_store::ShardId;
use crate::types::{BlobId, DriveSlot};

/// Bytes that are written before they are committed, in one mutation.
const PART_BYTES: u64 = 64 << 20;

/// What became of shards to heal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Healed {
    /// Shards that are whole again.
    pub shards: u64,
    /// Shards for which a drive must come back or be added first.
    pub waiting: u64,
    /// Shards that could not be read or written.
    pub failed: u64,
}

/// Chooses a place for each `wanted` shard, away from those of the blob's other shards: its own if that is up
/// and free, else another drive. Shards for which there is none are left out.
fn targets(drives: &DriveSet, layout: &BlobLayout, wanted: &[u8]) -> Vec<Target> {
    let others = (0..layout.slots.len()).filter(|&i| !wanted.contains(&(i as u8)));
    let mut taken: Vec<DriveSlot> = others.map(|i| layout.slots[i]).collect();
    let mut chosen = Vec::with_capacity(wanted.len());
    for &shard in wanted {
        let present = layout.slots[usize::from(shard)];
        let stays = drives.writable(present).is_some() && !taken.contains(&present);
        let slot =
            if stays { Some(present) } else { drives.place_again(layout.blob, &taken, Sharing::Never) };
        if let Some(slot) = slot {
            taken.push(slot);
            chosen.push(Target { shard, slot });
        }
    }
    chosen
}

impl Engine {
    /// The spreads that have shards to heal, together with others of the same margin, the least safe first. Those
    /// where nothing can be done are left out: each drive that takes shards holds one of the blob already.
    pub fn spreads_to_heal(&self) -> Result<Vec<Vec<i64>>> {
        let listed: BTreeSet<i64> = self.store.heal_spreads()?.into_iter().collect();
        let holding = self.drives.holding();
        let takers = self.drives.takers();
        let can_heal = |spread: &SpreadRow| {
            spread.groups.iter().any(|group| takers.iter().any(|slot| !group.slots.contains(slot)))
        };
        let mut urgent: BTreeMap<Margin, Vec<i64>> = BTreeMap::new();
        for spread in
            self.store.spreads()?.iter().filter(|spread| listed.contains(&spread.id) && can_heal(spread))
        {
            urgent.entry(spread.margin(|slot| holding.contains(&slot))).or_default().push(spread.id);
        }
        Ok(urgent.into_values().collect())
    }

    /// For how much longer healing is held back: a pause counts while every object can bear another loss.
    pub fn healing_held(&self) -> Result<Option<Duration>> {
        let Some(left) = self.heals.pause_left() else { return Ok(None) };
        let counts = self.redundancy()?;
        let at_risk = counts.zero.objects + counts.unreadable.objects;
        Ok((at_risk == 0).then_some(left))
    }

    /// Writes down what reads found bad and still is: it may have been healed meanwhile. What a drive lacks that
    /// is being refilled is found by that.
    pub async fn note_bad_shards(&self) -> Result<()> {
        let refilling = self.slots_to_refill();
        let mut bad = Vec::new();
        for (blob, shard, slot) in self.heals.take() {
            let layout = self.store.blob_layout(blob)?;
            let placed = layout.filter(|layout| layout.slots.get(usize::from(shard)) == Some(&slot));
            if let Some(layout) = placed.filter(|_| !refilling.contains(&slot))
                && self.is_bad(&layout, shard, slot).await
            {
                bad.push((blob, shard, slot));
            }
        }
        self.need_heal(bad).await
    }

    /// Heals the first of some rows, about `bytes_max` bytes of them but one blob's at least. Returns what
    /// became of them, and how many rows that were.
    pub async fn heal(&self, rows: &[HealRow], bytes_max: u64) -> Result<(Healed, usize)> {
        let _moving = self.moving.lock().await;
        let (mut healed, mut used, mut bytes) = (Healed::default(), 0, 0);
        let mut repairs = Vec::new();
        for rows in rows.chunk_by(|a, b| a.blob == b.blob) {
            if bytes >= bytes_max {
                break;
            }
            used += rows.len();
            let Some(layout) = self.store.blob_layout(rows[0].blob)? else { continue };
            let wanted: Vec<u8> = rows.iter().map(|row| row.shard).collect();
            let lost = rows.iter().filter(|row| !row.held).map(|row| row.shard).collect();
            let mut targets = targets(&self.drives, &layout, &wanted);
            // One that shares a drive is moved or left alone, never written again where it is.
            targets.retain(|target| {
                let held = rows.iter().any(|row| row.shard == target.shard && row.held);
                !held || layout.slots[usize::from(target.shard)] != target.slot
            });
            healed.waiting += (wanted.len() - targets.len()) as u64;
            if !targets.is_empty() {
                let repair = Repair::new(layout, lost, targets);
                bytes += repair.bytes();
                repairs.push(repair);
            }
        }
        let wanted: u64 = repairs.iter().map(|repair| repair.targets.len() as u64).sum();
        (healed.shards, _) = self.carry_out(repairs).await?;
        healed.failed = wanted - healed.shards;
        Ok((healed, used))
    }

    /// Carries out repairs and commits what worked, one part while the next is read and written. Returns the
    /// shards written and their bytes.
    pub(crate) async fn carry_out(&self, repairs: Vec<Repair>) -> Result<(u64, u64)> {
        let _writing = self.writers.enter();
        let (mut shards, mut bytes) = (0, 0);
        let mut done: Vec<Repair> = Vec::new();
        let mut rest = repairs.into_iter().peekable();
        while rest.peek().is_some() {
            let mut part_bytes = 0;
            let mut part = Vec::new();
            while part_bytes < PART_BYTES
                && let Some(repair) = rest.next()
            {
                part_bytes += repair.bytes();
                part.push(repair);
            }
            let (repaired, committed) = join(rebuild(&self.drives, part), self.commit_repairs(&done)).await;
            committed?;
            shards += repaired.iter().map(|repair| repair.targets.len() as u64).sum::<u64>();
            bytes += repaired.iter().map(Repair::bytes).sum::<u64>();
            done = repaired;
        }
        self.commit_repairs(&done).await?;
        Ok((shards, bytes))
    }

    async fn commit_repairs(&self, done: &[Repair]) -> Result<()> {
        let placed: Vec<(BlobId, u8, DriveSlot)> = done
            .iter()
            .flat_map(|repair| repair.targets.iter().map(|t| (repair.layout.blob, t.shard, t.slot)))
            .collect();
        if placed.is_empty() {
            return Ok(());
        }
        self.store.commit(Mutation::Healed { shards: placed }).await?;
        self.remove_superseded(done).await
    }

    /// Removes shards from where they were, and those of blobs that were deleted meanwhile from where they
    /// are. Readers that opened their object before look elsewhere.
    pub(super) async fn remove_superseded(&self, done: &[Repair]) -> Result<()> {
        let mut old: BTreeMap<DriveSlot, Vec<ShardId>> = BTreeMap::new();
        let layouts = self.store.blob_layouts(done.iter().map(|repair| repair.layout.blob))?;
        for (repair, layout) in done.iter().zip(layouts) {
            for target in &repair.targets {
                let id = ShardId { blob: repair.layout.blob, shard: target.shard };
                let was = repair.layout.slots[usize::from(target.shard)];
                if was != target.slot {
                    old.entry(was).or_default().push(id);
                }
                if layout.is_none() {
                    old.entry(target.slot).or_default().push(id);
                }
            }
        }
        self.delete_shards(old).await;
        Ok(())
    }

    /// Deletes shards as far as their drives are up; true if all of those were.
    pub(crate) async fn delete_shards(&self, shards: BTreeMap<DriveSlot, Vec<ShardId>>) -> bool {
        let deletes = shards.into_iter().filter_map(|(slot, ids)| {
            let drive = self.drives.up(slot)?;
            Some(async move {
                let deleted = drive.delete(ids).await;
                deleted
                    .inspect_err(|error| tracing::warn!(slot = slot.0, %error, "shards not deleted"))
                    .is_ok()
            })
        });
        join_all(deletes).await.into_iter().all(|deleted| deleted)
    }
}
