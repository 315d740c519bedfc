//! How fast shards would move now: some are copied as if they moved, and the copies are removed.

use std::collections::BTreeMap;

use super::api::Result;
use super::engine::Engine;
use super::moves::{Moved, STEP_BLOBS_MAX};
use super::rebuild::{Repair, Target, rebuild, shard_bytes};
use crate::metadata::BlobLayout;
use crate::shard_store::ShardId;
use crate::types::{BlobId, DriveSlot};

/// Where it is noted that a rehearsal took place, as moves note where shards are.
const REHEARSAL: &str = "rehearsal";
/// Larger shards are left out: one alone would take longer than what is to be learned.
const SHARD_BYTES_MAX: u64 = 64 << 20;

impl Engine {
    /// Does all that moving shards of some blobs behind `after` does, about `bytes_max` bytes of them, but to copies of
    /// another name that nothing refers to. What a crash leaves of them is taken by garbage collection, as of any write
    /// that was not acknowledged.
    pub async fn rehearse_moves(&self, after: BlobId, bytes_max: u64) -> Result<Moved> {
        let _writing = self.writers.enter();
        let takers = self.drives.takers();
        let (mut moved, mut repairs, mut bytes) = (Moved::default(), Vec::new(), 0);
        let layouts = self.store.blobs_after(after, STEP_BLOBS_MAX)?;
        let to = layouts.first().map_or(0, |first| chance(first.blob));
        for layout in layouts {
            moved.last = Some(layout.blob);
            if let Some(copy) = self.copied_elsewhere(layout, &takers, to) {
                bytes += copy.bytes();
                repairs.push(copy);
            }
            if bytes >= bytes_max {
                break;
            }
        }
        let copies = rebuild(&self.drives, repairs).await;
        self.note_progress(REHEARSAL, Vec::new()).await?;
        moved.shards = copies.iter().map(|copy| copy.targets.len() as u64).sum();
        moved.bytes = copies.iter().map(Repair::bytes).sum();
        self.remove_copies(&copies).await;
        Ok(moved)
    }

    /// One shard of a blob, which one changes with the blob, to a drive where it is not: for most the same one, as emptier
    /// drives are few.
    fn copied_elsewhere(&self, layout: BlobLayout, takers: &[DriveSlot], to: usize) -> Option<Repair> {
        let shard = chance(layout.blob) % layout.slots.len().max(1);
        let elsewhere: Vec<_> = takers.iter().filter(|slot| Some(*slot) != layout.slots.get(shard)).collect();
        let slot = **elsewhere.get(to.checked_rem(elsewhere.len())?)?;
        let fits = (1..=SHARD_BYTES_MAX).contains(&shard_bytes(&layout));
        let targets = vec![Target { shard: shard as u8, slot }];
        let written_as = self.new_blob_id();
        fits.then(|| Repair { written_as, ..Repair::new(layout, Vec::new(), targets) })
    }

    async fn remove_copies(&self, copies: &[Repair]) {
        let mut ids: BTreeMap<DriveSlot, Vec<ShardId>> = BTreeMap::new();
        for copy in copies {
            for target in &copy.targets {
                ids.entry(target.slot).or_default().push(copy.id(target.shard));
            }
        }
        self.delete_shards(ids).await;
    }
}

/// A number that differs from blob to blob.
fn chance(blob: BlobId) -> usize {
    (blob.0 >> 32) as usize ^ blob.0 as usize
}
