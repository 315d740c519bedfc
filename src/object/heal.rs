//! Rebuilding shards, and moving them.
//!
//! A shard is rebuilt from any k others of its blob, or copied from where it is when it only shares a drive.
//! It is durable in its new place before the metadata says so, and removed from its old one afterwards: a
//! crash between leaves two copies, of which one is an orphan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{join, join_all};
use futures_util::stream::{self, StreamExt};

use super::api::{Error, Result};
use super::drives::{DriveSet, Sharing};
use super::engine::Engine;
use super::stripe_reader::{scheme_of, stripes_of, whole_shard};
use crate::erasure::Codec;
use crate::metadata::{BlobLayout, HealRow, Margin, Mutation, SpreadRow};
use crate::shard_store::{Drive, DriveError, Record, ShardId};
use crate::types::{BlobId, DriveSlot};

/// Stripes of one blob under way. Bounds its memory to as many times k + m shards.
const STRIPES_AT_ONCE: usize = 4;
/// Bytes that are written before they are committed, in one mutation.
const PART_BYTES: u64 = 8 << 20;

/// Blobs under way at the same time: those of one stripe share syncs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtOnce {
    small: usize,
    large: usize,
}

impl AtOnce {
    /// What fits a step of so many bytes: few in a small one, which is to disturb nobody.
    pub(crate) fn for_step(bytes: u64) -> Self {
        let blobs = (bytes >> 18).clamp(4, 128) as usize;
        Self { small: blobs, large: blobs.div_ceil(32) }
    }
}

/// Where one shard is to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) shard: u8,
    pub(crate) slot: DriveSlot,
}

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

/// Writes the shards in `targets`, rebuilt from shards that are not in `lost`. Returns those that are durable
/// now; their slots count once the caller has committed them.
pub(crate) async fn rebuild(
    drives: &Arc<DriveSet>,
    layout: &BlobLayout,
    lost: &[u8],
    targets: Vec<Target>,
) -> Result<Vec<Target>> {
    let rebuild = Rebuild { drives, layout, lost, codec: Codec::new(scheme_of(layout)) };
    let stripes = stripes_of(layout);
    let mut open: Vec<(Target, Arc<dyn Drive>)> = Vec::new();
    for target in targets {
        open.extend(drives.writable(target.slot).map(|drive| (target, drive)));
    }
    if stripes > 1 {
        // What an interrupted write left would be counted as ours.
        let discards = open
            .iter()
            .map(|(target, drive)| drive.discard(ShardId { blob: layout.blob, shard: target.shard }));
        join_all(discards).await;
    }
    let mut bad: Vec<u8> = Vec::new();
    let work = (0..stripes).map(|stripe| rebuild.stripe(stripe, stripes, &open));
    let mut done = stream::iter(work).buffer_unordered(STRIPES_AT_ONCE);
    while let Some(failed) = done.next().await {
        bad.extend(failed?);
    }
    drop(done);
    open.retain(|(target, _)| !bad.contains(&target.shard));
    if stripes == 1 {
        return Ok(open.into_iter().map(|(target, _)| target).collect());
    }
    let seals = open.into_iter().map(|(target, drive)| async move {
        let sealed = drive.seal(ShardId { blob: layout.blob, shard: target.shard }, stripes);
        sealed.await.inspect_err(|error| not_written(target, error)).ok().map(|()| target)
    });
    Ok(join_all(seals).await.into_iter().flatten().collect())
}

fn not_written(target: Target, error: &DriveError) {
    tracing::warn!(slot = target.slot.0, shard = target.shard, %error, "rebuilt shard not written");
}

/// One blob under repair.
struct Rebuild<'a> {
    drives: &'a Arc<DriveSet>,
    layout: &'a BlobLayout,
    lost: &'a [u8],
    codec: Codec,
}

impl Rebuild<'_> {
    /// Rebuilds one stripe of each target; returns the shards that could not be written.
    async fn stripe(&self, stripe: u32, stripes: u32, open: &[(Target, Arc<dyn Drive>)]) -> Result<Vec<u8>> {
        let wanted: Vec<u8> = open.iter().map(|(target, _)| target.shard).collect();
        let shards = self.shards(stripe, &wanted).await?;
        let full_len = self.full_len();
        let writes = open.iter().zip(shards).map(|((target, drive), data)| async move {
            let id = ShardId { blob: self.layout.blob, shard: target.shard };
            let record = Record { id, stripe, data };
            let written = if stripes == 1 {
                drive.append(&record).await
            } else {
                drive.write_stripe(&record, full_len).await
            };
            written.inspect_err(|error| not_written(*target, error)).err().map(|_| target.shard)
        });
        Ok(join_all(writes).await.into_iter().flatten().collect())
    }

    fn full_len(&self) -> u32 {
        self.codec.scheme().shard_len(self.layout.stripe_len as usize) as u32
    }

    /// The `wanted` shards of a stripe: read where they can be, else rebuilt from any k.
    async fn shards(&self, stripe: u32, wanted: &[u8]) -> Result<Vec<Bytes>> {
        let k = usize::from(self.layout.data_shards);
        let held = wanted.iter().all(|shard| !self.lost.contains(shard));
        if held {
            let read = join_all(wanted.iter().map(|&shard| self.read(stripe, shard))).await;
            if let Some(shards) = read.into_iter().collect::<Option<Vec<(u8, Bytes)>>>() {
                return Ok(shards.into_iter().map(|(_, data)| data).collect());
            }
        }
        let all = 0..self.layout.slots.len() as u8;
        let mut untried = all.filter(|shard| !self.lost.contains(shard));
        let mut got: Vec<(u8, Bytes)> = Vec::with_capacity(k);
        while got.len() < k {
            let next: Vec<u8> = untried.by_ref().take(k - got.len()).collect();
            if next.is_empty() {
                let (stripe, readable) = (u64::from(stripe), got.len() as u8);
                return Err(Error::Unreadable { stripe, readable, needed: k as u8 });
            }
            let read = join_all(next.into_iter().map(|shard| self.read(stripe, shard))).await;
            got.extend(read.into_iter().flatten());
        }
        let present: Vec<(u8, &[u8])> = got.iter().map(|(shard, data)| (*shard, &data[..])).collect();
        Ok(self.codec.rebuild(&present, wanted).expect("there are k shards"))
    }

    async fn read(&self, stripe: u32, shard: u8) -> Option<(u8, Bytes)> {
        let drive = self.drives.up(self.layout.slots[usize::from(shard)])?;
        let read = drive.read(whole_shard(self.layout, shard, stripe)).await;
        read.inspect_err(|error| tracing::debug!(%error, shard, "shard not readable for healing"))
            .ok()
            .map(|data| (shard, data))
    }
}

/// Shards of one blob to write elsewhere or anew.
#[derive(Debug, Clone)]
pub(crate) struct Repair {
    pub(crate) layout: BlobLayout,
    /// Shards that cannot be read.
    pub(crate) lost: Vec<u8>,
    pub(crate) targets: Vec<Target>,
}

impl Repair {
    /// Bytes to write.
    pub(crate) fn bytes(&self) -> u64 {
        self.targets.len() as u64 * shard_bytes(&self.layout)
    }
}

/// Bytes of one shard of a blob.
pub(crate) fn shard_bytes(layout: &BlobLayout) -> u64 {
    layout.size.div_ceil(u64::from(layout.data_shards.max(1)))
}

impl Engine {
    /// The spreads that have shards to heal, those of the least safe blobs first. Those where nothing can be
    /// done are left out: each drive that takes shards holds one of the blob already.
    pub fn spreads_to_heal(&self) -> Result<Vec<i64>> {
        let listed: BTreeSet<i64> = self.store.heal_spreads()?.into_iter().collect();
        let holding = self.drives.holding();
        let takers = self.drives.takers();
        let can_heal = |spread: &SpreadRow| {
            spread.groups.iter().any(|group| takers.iter().any(|slot| !group.slots.contains(slot)))
        };
        let spreads = self.store.spreads()?.into_iter();
        let mut urgent: Vec<(Margin, i64)> = spreads
            .filter(|spread| listed.contains(&spread.id) && can_heal(spread))
            .map(|spread| (spread.margin(|slot| holding.contains(&slot)), spread.id))
            .collect();
        urgent.sort_unstable();
        Ok(urgent.into_iter().map(|(_, id)| id).collect())
    }

    /// Writes down what reads found bad.
    pub async fn note_bad_shards(&self) -> Result<()> {
        let shards = self.heals.take();
        if !shards.is_empty() {
            self.store.commit(Mutation::NeedHeal { shards }).await?;
        }
        Ok(())
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
                let repair = Repair { layout, lost, targets };
                bytes += repair.bytes();
                repairs.push(repair);
            }
        }
        let wanted: u64 = repairs.iter().map(|repair| repair.targets.len() as u64).sum();
        (healed.shards, _) = self.carry_out(repairs, AtOnce::for_step(bytes_max)).await?;
        healed.failed = wanted - healed.shards;
        Ok((healed, used))
    }

    /// Carries out repairs and commits what worked, one part while the next is read and written. Returns the
    /// shards written and their bytes.
    pub(crate) async fn carry_out(&self, repairs: Vec<Repair>, at_once: AtOnce) -> Result<(u64, u64)> {
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
            let (repaired, committed) =
                join(self.repair_all(part, at_once), self.commit_repairs(&done)).await;
            committed?;
            shards += repaired.iter().map(|repair| repair.targets.len() as u64).sum::<u64>();
            bytes += repaired.iter().map(Repair::bytes).sum::<u64>();
            done = repaired;
        }
        self.commit_repairs(&done).await?;
        Ok((shards, bytes))
    }

    /// Writes the shards; what is returned has the targets that worked.
    async fn repair_all(&self, repairs: Vec<Repair>, at_once: AtOnce) -> Vec<Repair> {
        let (small, large): (Vec<Repair>, Vec<Repair>) =
            repairs.into_iter().partition(|repair| repair.layout.size <= u64::from(repair.layout.stripe_len));
        let mut done = Vec::with_capacity(small.len() + large.len());
        for (repairs, at_once) in [(small, at_once.small), (large, at_once.large)] {
            let work = repairs.into_iter().map(|repair| self.repair(repair));
            done.extend(stream::iter(work).buffer_unordered(at_once).collect::<Vec<_>>().await);
        }
        done
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

    /// Repairs one blob; what is returned has the targets that worked.
    async fn repair(&self, repair: Repair) -> Repair {
        let rebuilt = rebuild(&self.drives, &repair.layout, &repair.lost, repair.targets.clone()).await;
        let targets = rebuilt.unwrap_or_else(|error| {
            tracing::warn!(%error, blob = %repair.layout.blob, "shards not rebuilt");
            Vec::new()
        });
        Repair { targets, ..repair }
    }

    /// Removes shards from where they were, and those of blobs that were deleted meanwhile from where they
    /// are. Readers that opened their object before look elsewhere.
    async fn remove_superseded(&self, done: &[Repair]) -> Result<()> {
        let mut old: BTreeMap<DriveSlot, Vec<ShardId>> = BTreeMap::new();
        for repair in done {
            let deleted = self.store.blob_layout(repair.layout.blob)?.is_none();
            for target in &repair.targets {
                let id = ShardId { blob: repair.layout.blob, shard: target.shard };
                let was = repair.layout.slots[usize::from(target.shard)];
                if was != target.slot {
                    old.entry(was).or_default().push(id);
                }
                if deleted {
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
