//! Space that comes back: blobs that lost their last reference, and shards that no row names.
//!
//! Orphans are left by crashes between shard and row, by drives that were away while their blobs were
//! deleted, and by repairs of blobs that were deleted meanwhile. A shard is one only when the metadata does
//! not name it after every upload and repair that was under way when it was seen has ended.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use super::api::*;
use super::engine::Engine;
use super::readers::EndedGeneration;
use crate::metadata::{BlobLayout, Mutation};
use crate::shard_store::ShardId;
use crate::types::DriveSlot;

/// Garbage blobs removed in one step.
const SWEEP_BLOBS_MAX: usize = 1024;

/// Shards looked up at once, before other background work has its turn.
const LOOKS_AT_ONCE: usize = 256;

/// Shards on drives that no row names, seen but not yet proven to be orphans.
#[derive(Debug, Default)]
pub struct Suspects(BTreeMap<DriveSlot, Vec<ShardId>>);

impl Suspects {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Engine {
    /// Removes the shards of some blobs that nothing refers to and nobody reads. Returns how many blobs;
    /// 0 when there is nothing to do or readers must finish first.
    ///
    /// A garbage row goes when every drive of the blob has removed its shard. A drive that is down holds
    /// nothing back: its shards are orphans, to be found when it is compared with the metadata.
    pub async fn sweep_garbage(&self) -> Result<usize> {
        let Some(below) = self.garbage_nobody_reads()? else { return Ok(0) };
        let mut rows = self.store.garbage(SWEEP_BLOBS_MAX)?;
        rows.retain(|row| row.id <= below);
        if rows.is_empty() {
            *self.sweep.lock().unwrap_or_else(PoisonError::into_inner) = None;
            return Ok(0);
        }
        let mut by_slot: BTreeMap<DriveSlot, Vec<ShardId>> = BTreeMap::new();
        for row in &rows {
            for (shard, slot) in row.layout.slots.iter().enumerate() {
                let id = ShardId { blob: row.layout.blob, shard: shard as u8 };
                by_slot.entry(*slot).or_default().push(id);
            }
        }
        if !self.delete_shards(by_slot).await {
            return Ok(0);
        }
        let ids = rows.iter().map(|row| row.id).collect();
        self.store.commit(Mutation::GarbageSwept { ids }).await?;
        Ok(rows.len())
    }

    /// The newest garbage whose possible readers are done. Looks at what there is now once that is removed.
    fn garbage_nobody_reads(&self) -> Result<Option<u64>> {
        let mut sweep = self.sweep.lock().unwrap_or_else(PoisonError::into_inner);
        if sweep.is_none() {
            *sweep = self.store.garbage_newest()?.map(|newest| (newest, self.readers.end_generation()));
        }
        Ok(sweep.as_ref().filter(|(_, readers)| readers.is_done()).map(|(newest, _)| *newest))
    }

    /// Looks at one of 256 parts of the shards on the drive in `slot`; those that no row names join the suspects.
    pub async fn suspect_orphans(&self, slot: DriveSlot, part: u8, suspects: &mut Suspects) -> Result<()> {
        let Some(drive) = self.drives.up(slot) else { return Ok(()) };
        let listed = drive.list(part).await;
        let listed = listed.map_err(|error| Error::Internal(Box::new(error)))?;
        for ids in listed.chunks(LOOKS_AT_ONCE) {
            let unnamed = self.unnamed(slot, ids)?;
            if !unnamed.is_empty() {
                suspects.0.entry(slot).or_default().extend(unnamed);
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Those of some shards of which no row says that the drive in `slot` holds them. Garbage is swept by its own rows.
    fn unnamed(&self, slot: DriveSlot, ids: &[ShardId]) -> Result<Vec<ShardId>> {
        let layouts = self.store.blob_layouts(ids.iter().map(|id| id.blob))?;
        let is_named = |id: &ShardId, layout: Option<&BlobLayout>| {
            layout.is_some_and(|layout| layout.slots.get(usize::from(id.shard)) == Some(&slot))
        };
        let unnamed = ids.iter().zip(layouts).filter(|(id, layout)| !is_named(id, layout.as_ref()));
        Ok(unnamed.map(|(id, _)| *id).collect())
    }

    /// Ends the generations of everyone whom a suspect may matter to: uploads and repairs that may be about to
    /// name it, readers who opened its object before that was deleted. None is an orphan before all are done.
    pub fn end_generations(&self) -> [EndedGeneration; 2] {
        [self.writers.end_generation(), self.readers.end_generation()]
    }

    /// Removes the suspects that are still not named. Returns how many those were.
    pub async fn remove_orphans(&self, suspects: Suspects) -> Result<u64> {
        if !self.store.is_writable() {
            // Entries of unknown outcome may yet name them.
            return Ok(0);
        }
        let mut orphans: BTreeMap<DriveSlot, Vec<ShardId>> = BTreeMap::new();
        for (slot, ids) in suspects.0 {
            orphans.insert(slot, self.unnamed(slot, &ids)?);
        }
        let removed = orphans.values().map(|ids| ids.len() as u64).sum();
        self.delete_shards(orphans).await;
        Ok(removed)
    }
}
