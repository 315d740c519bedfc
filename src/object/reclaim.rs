//! What background work asks of the engine: remove garbage, heal shards, refill a drive.

use super::api::*;
use super::drives::{Sharing, within_time};
use super::engine::Engine;
use super::heal;
use crate::metadata::{BlobLayout, HealRow, Mutation};
use crate::shard_store::ShardId;
use crate::types::{BlobId, DriveSlot};

/// Garbage blobs removed in one step.
const SWEEP_BLOBS_MAX: usize = 256;
/// Blobs looked at in one step of a refill.
const REFILL_BLOBS_MAX: usize = 1000;

/// What became of one shard to heal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Healing {
    /// It is whole again.
    Done,
    /// It cannot be now; a drive must come back first.
    Waits,
}

impl Engine {
    /// Removes the shards of some blobs that nothing refers to and nobody reads. Returns how many blobs;
    /// 0 when there is nothing to do or readers must finish first.
    ///
    /// A garbage row goes when every drive of the blob has removed its shard. A drive that is down holds
    /// nothing back: its shards are orphans, to be found when it is compared with the metadata.
    pub async fn sweep_garbage(&self) -> Result<usize> {
        let rows = self.store.garbage(SWEEP_BLOBS_MAX)?;
        if rows.is_empty() {
            return Ok(0);
        }
        self.readers.end_generation();
        if !self.readers.ended_are_done() {
            return Ok(0);
        }
        let mut by_slot: std::collections::BTreeMap<DriveSlot, Vec<ShardId>> =
            std::collections::BTreeMap::new();
        for row in &rows {
            for (shard, slot) in row.layout.slots.iter().enumerate() {
                let id = ShardId { blob: row.layout.blob, shard: shard as u8 };
                by_slot.entry(*slot).or_default().push(id);
            }
        }
        for (slot, ids) in by_slot {
            if let Some(drive) = self.drives.up(slot)
                && let Err(error) = within_time(drive.delete(ids)).await
            {
                tracing::warn!(slot = slot.0, %error, "garbage not removed");
                return Ok(0);
            }
        }
        let ids = rows.iter().map(|row| row.id).collect();
        self.store.commit(Mutation::GarbageSwept { ids }).await?;
        Ok(rows.len())
    }

    /// Writes down what reads found bad.
    pub async fn note_bad_shards(&self) -> Result<()> {
        let shards = self.heals.take();
        if !shards.is_empty() {
            self.store.commit(Mutation::NeedHeal { shards }).await?;
        }
        Ok(())
    }

    /// Rebuilds one shard where it belongs.
    pub async fn heal(&self, row: HealRow) -> Result<Healing> {
        let _reading = self.readers.enter();
        let Some(mut layout) = self.store.blob_layout(row.blob)? else { return Ok(Healing::Done) };
        let was_at = layout.slots.get(usize::from(row.shard)).copied();
        let Some(was_at) = was_at else { return Ok(Healing::Done) };
        let lost: Vec<u8> = self.lost_shards(&layout, row).await;
        match heal::rebuild(&self.drives, &mut layout, &lost, row.shard, Sharing::Never).await {
            Ok(()) => {}
            Err(Error::Unavailable(_)) => return Ok(Healing::Waits),
            Err(error) => {
                tracing::warn!(%error, blob = %row.blob, shard = row.shard, "shard not healed");
                return Ok(Healing::Waits);
            }
        }
        let now_at = layout.slots[usize::from(row.shard)];
        self.store.commit(Mutation::Healed { shards: vec![(row.blob, row.shard, now_at)] }).await?;
        if was_at != now_at
            && let Some(drive) = self.drives.up(was_at)
        {
            let _ = within_time(drive.delete(vec![ShardId { blob: row.blob, shard: row.shard }])).await;
        }
        Ok(Healing::Done)
    }

    /// The shard itself, unless it only shares a drive with another and can be read there.
    async fn lost_shards(&self, layout: &BlobLayout, row: HealRow) -> Vec<u8> {
        let slot = layout.slots[usize::from(row.shard)];
        let shares = layout.slots.iter().filter(|&&other| other == slot).count() > 1;
        let held = match self.drives.up(slot) {
            Some(drive) if shares => {
                within_time(drive.contains(ShardId { blob: row.blob, shard: row.shard }))
                    .await
                    .unwrap_or(false)
            }
            _ => false,
        };
        if held { Vec::new() } else { vec![row.shard] }
    }

    /// Queues all that the drive in `slot` should hold for healing, where it does not hold it.
    pub async fn queue_refill(&self, slot: DriveSlot) -> Result<u64> {
        let Some(drive) = self.drives.up(slot).cloned() else { return Ok(0) };
        let mut after = BlobId(0);
        let mut queued = 0;
        loop {
            let blobs = self.store.blobs_after(after, REFILL_BLOBS_MAX)?;
            let Some(last) = blobs.last() else { break };
            after = last.blob;
            let mut shards = Vec::new();
            for layout in &blobs {
                for (shard, _) in layout.slots.iter().enumerate().filter(|(_, at)| **at == slot) {
                    let id = ShardId { blob: layout.blob, shard: shard as u8 };
                    if !within_time(drive.contains(id)).await.unwrap_or(false) {
                        shards.push((id.blob, id.shard));
                    }
                }
            }
            queued += shards.len() as u64;
            if !shards.is_empty() {
                self.store.commit(Mutation::NeedHeal { shards }).await?;
            }
        }
        self.store.commit(Mutation::RefillQueued { slot }).await?;
        Ok(queued)
    }
}
