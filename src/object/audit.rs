//! Comparing drives with the metadata: is every shard there, and is it intact?

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::api::*;
use super::engine::Engine;
use super::heal_queue::LostShard;
use super::stripe_reader::{shards_at, stripes_of, whole_shard};
use crate::metadata::{BlobLayout, DrivePhase, Mutation};
use crate::shard_store::{DriveError, ShardId, ShardRead};
use crate::types::{BlobId, DriveSlot};

/// Blobs looked up for one step of a scrub.
const SCRUB_BLOBS_MAX: usize = 1000;
/// Stripes of one shard that are verified together.
const STRIPES_AT_ONCE: usize = 32;
/// Most bytes verified in one step of a scrub: bounds the lists that go to the drives.
const SCRUB_BYTES_MAX: u64 = 32 << 20;

/// How far a scrub is: it goes on with this stripe, or with the next blob if there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScrubCursor {
    blob: BlobId,
    stripe: u32,
}

impl ScrubCursor {
    /// The beginning.
    pub const START: Self = Self { blob: BlobId(0), stripe: 0 };
}

/// What a step of a scrub saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scrubbed {
    /// Where to go on; `None` at the end.
    pub next: Option<ScrubCursor>,
    /// Bytes verified.
    pub bytes: u64,
    /// Shards found missing or bad.
    pub found: u64,
}

impl Engine {
    /// Queues for healing what the drive in `slot` should hold and does not, of so many blobs behind `after`.
    /// Returns the last blob, `None` at the end, and how many shards were queued.
    pub async fn compare(
        &self,
        slot: DriveSlot,
        after: BlobId,
        blobs_max: usize,
    ) -> Result<(Option<BlobId>, u64)> {
        let blobs = self.store.blobs_after(after, blobs_max)?;
        let Some(last) = blobs.last().map(|layout| layout.blob) else { return Ok((None, 0)) };
        let ids: Vec<ShardId> = blobs.iter().flat_map(|layout| shards_at(layout, slot)).collect();
        let held = match self.drives.up(slot) {
            Some(drive) => drive.contains(ids.clone()).await.map_err(|e| Error::Internal(Box::new(e)))?,
            None if self.removed_but_named()?.contains(&slot) => vec![false; ids.len()],
            None => return Err(Error::Unavailable("the drive is down")),
        };
        let missing = ids.into_iter().zip(held).filter(|(_, held)| !held);
        let shards: Vec<LostShard> = missing.map(|(id, _)| (id.blob, id.shard, slot)).collect();
        let queued = shards.len() as u64;
        self.need_heal(shards).await?;
        Ok((Some(last), queued))
    }

    /// Says what the drive in `slot` is to the deployment from now on.
    pub async fn set_drive_phase(&self, slot: DriveSlot, phase: DrivePhase) -> Result<()> {
        self.store.commit(Mutation::SetDrivePhase { slot, phase }).await?;
        self.drives.set_phase(slot, phase);
        Ok(())
    }

    pub(super) async fn need_heal(&self, shards: Vec<LostShard>) -> Result<()> {
        if !shards.is_empty() {
            self.store.commit(Mutation::NeedHeal { shards }).await?;
            self.heals.ring();
        }
        Ok(())
    }

    /// Verifies every block of every shard of some stripes, about `bytes_max` bytes of them. What is missing or
    /// bad is queued for healing; what is healthy is only read.
    pub async fn scrub(&self, from: ScrubCursor, bytes_max: u64) -> Result<Scrubbed> {
        let _reading = self.readers.enter();
        let (mut at, mut bytes, mut ended) = (from, 0, true);
        let mut asked: BTreeMap<DriveSlot, Vec<ShardRead>> = BTreeMap::new();
        'blobs: for layout in
            self.store.blobs_after(BlobId(from.blob.0.saturating_sub(1)), SCRUB_BLOBS_MAX)?
        {
            let first = if layout.blob == from.blob { from.stripe } else { 0 };
            for stripe in first..stripes_of(&layout) {
                ended = false;
                if bytes >= bytes_max.min(SCRUB_BYTES_MAX) {
                    break 'blobs;
                }
                for (shard, slot) in (0u8..).zip(&layout.slots) {
                    if self.drives.up(*slot).is_some() {
                        let read = whole_shard(&layout, shard, stripe);
                        bytes += u64::from(read.len);
                        asked.entry(*slot).or_default().push(read);
                    }
                }
                at = ScrubCursor { blob: layout.blob, stripe: stripe + 1 };
            }
        }
        let verified = join_all(asked.into_iter().map(|(slot, reads)| self.verify(slot, reads))).await;
        let bad: BTreeSet<LostShard> = verified.into_iter().flatten().collect();
        let found = bad.len() as u64;
        self.need_heal(bad.into_iter().collect()).await?;
        Ok(Scrubbed { next: (!ended).then_some(at), bytes, found })
    }

    /// Whether a shard is missing or bad, which the first bad stripe tells.
    pub(super) async fn is_bad(&self, layout: &BlobLayout, shard: u8, slot: DriveSlot) -> bool {
        let stripes: Vec<u32> = (0..stripes_of(layout)).collect();
        for some in stripes.chunks(STRIPES_AT_ONCE) {
            let reads = some.iter().map(|&stripe| whole_shard(layout, shard, stripe)).collect();
            if !self.verify(slot, reads).await.is_empty() {
                return true;
            }
        }
        false
    }

    /// Verifies what one drive holds; returns the shards that are missing or bad.
    async fn verify(&self, slot: DriveSlot, reads: Vec<ShardRead>) -> Vec<LostShard> {
        let Some(drive) = self.drives.up(slot) else { return Vec::new() };
        let ids: Vec<ShardId> = reads.iter().map(|read| read.id).collect();
        // A drive that fails otherwise has said nothing about its shards.
        let verified = drive.verify(reads).await.unwrap_or_default();
        let bad = ids.into_iter().zip(verified).filter_map(|(id, verdict)| {
            let error = verdict.err()?;
            let is_bad = matches!(error, DriveError::NotFound | DriveError::Corrupt(_));
            is_bad.then(|| {
                tracing::warn!(slot = slot.0, blob = %id.blob, shard = id.shard, %error, "bad shard on the disk");
                (id.blob, id.shard, slot)
            })
        });
        bad.collect()
    }
}
