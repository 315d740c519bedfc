//! Writing shards of blobs anew: rebuilt from any k others, or copied from where they are.
//!
//! Many blobs are worked on together, a window of stripes at a time. Each drive is asked once for all that a
//! window needs of it, and reads that in the order of its disk. Windows are so small that their bytes are still in
//! the processor's cache when they are written, and several are under way at once, so that the disks have work and
//! one sync of a drive serves more than one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;

use super::api::{Error, Result};
use super::drives::DriveSet;
use super::stripe_reader::{stripes_of, whole_shard};
use crate::erasure::Codec;
use crate::metadata::BlobLayout;
use crate::shard_store::{DriveError, Record, ShardId, ShardRead};
use crate::types::{BlobId, DriveSlot};

/// Bytes read and written in one window.
const WINDOW_BYTES: u64 = 6 << 20;
/// Windows under way at once: some are read while others are written.
const WINDOWS: usize = 4;

/// Where one shard is to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) shard: u8,
    pub(crate) slot: DriveSlot,
}

/// Shards of one blob to write elsewhere or anew.
#[derive(Debug, Clone)]
pub(crate) struct Repair {
    pub(crate) layout: BlobLayout,
    /// Shards that cannot be read.
    pub(crate) lost: Vec<u8>,
    pub(crate) targets: Vec<Target>,
    /// The blob as whose shards they are written: itself, but in a rehearsal.
    pub(crate) written_as: BlobId,
}

/// Bytes of one shard of a blob.
pub(crate) fn shard_bytes(layout: &BlobLayout) -> u64 {
    layout.size.div_ceil(u64::from(layout.data_shards.max(1)))
}

impl Repair {
    pub(crate) fn new(layout: BlobLayout, lost: Vec<u8>, targets: Vec<Target>) -> Self {
        Self { written_as: layout.blob, layout, lost, targets }
    }

    /// Bytes to write.
    pub(crate) fn bytes(&self) -> u64 {
        self.targets.len() as u64 * shard_bytes(&self.layout)
    }

    /// The shard that is written.
    pub(crate) fn id(&self, shard: u8) -> ShardId {
        ShardId { blob: self.written_as, shard }
    }

    fn wanted(&self) -> Vec<u8> {
        self.targets.iter().map(|target| target.shard).collect()
    }

    /// Shards that were not lost; whether they can be read is seen when they are.
    fn kept(&self) -> impl Iterator<Item = u8> {
        (0..self.layout.slots.len() as u8).filter(|shard| !self.lost.contains(shard))
    }

    /// All shards, those that count as lost last: that may have been said too early, and what is read is verified.
    fn in_order_of_hope(&self) -> impl Iterator<Item = u8> {
        self.kept().chain(self.lost.iter().copied())
    }
}

/// Carries out repairs; each comes back with those targets that are durable now. Their slots count once the
/// caller has committed them.
pub(crate) async fn rebuild(drives: &Arc<DriveSet>, mut repairs: Vec<Repair>) -> Vec<Repair> {
    let work = Rebuild { drives, repairs: &repairs, holding: drives.holding() };
    let mut bad = work.run().await;
    bad.extend(work.seal(&bad).await);
    for (index, repair) in repairs.iter_mut().enumerate() {
        repair.targets.retain(|target| !bad.contains(&(index, target.shard)));
    }
    repairs
}

/// A target that did not work: which repair's, and its shard.
type Failed = (usize, u8);

/// A stripe of one of the blobs.
#[derive(Debug, Clone, Copy)]
struct Unit {
    repair: usize,
    stripe: u32,
}

/// A stripe, and the shards of it that could be read.
type Read = (Unit, Vec<(u8, Bytes)>);

struct Rebuild<'a> {
    drives: &'a Arc<DriveSet>,
    repairs: &'a [Repair],
    /// Drives that hold what they should: the first to be asked.
    holding: BTreeSet<DriveSlot>,
}

impl Rebuild<'_> {
    /// Writes every stripe of every target; returns the targets that did not work.
    async fn run(&self) -> BTreeSet<Failed> {
        self.discard_leftovers().await;
        let stripes = |(repair, of): (usize, &Repair)| {
            (0..stripes_of(&of.layout)).map(move |stripe| Unit { repair, stripe })
        };
        let mut units = self.repairs.iter().enumerate().flat_map(stripes);
        let (mut bad, mut under_way) = (BTreeSet::new(), FuturesUnordered::new());
        for turn in 0.. {
            let window = self.next_window(&mut units, &bad);
            if window.is_empty() {
                break;
            }
            if under_way.len() == WINDOWS {
                bad.extend(under_way.next().await.into_iter().flatten());
            }
            under_way.push(async move { self.rebuild_and_write(self.read(window, turn).await).await });
        }
        bad.extend(under_way.collect::<Vec<_>>().await.into_iter().flatten());
        bad
    }

    /// What an interrupted write of a large shard left would be counted as ours.
    async fn discard_leftovers(&self) {
        let large = self.repairs.iter().filter(|repair| stripes_of(&repair.layout) > 1);
        let targets =
            large.flat_map(|repair| repair.targets.iter().map(|target| (repair.id(target.shard), target)));
        let discards = targets.filter_map(|(id, target)| {
            let drive = self.drives.writable(target.slot)?;
            Some(async move { drive.discard(id).await })
        });
        join_all(discards).await;
    }

    /// The next stripes that fit a window, those of blobs where nothing works left out.
    fn next_window(&self, units: &mut impl Iterator<Item = Unit>, bad: &BTreeSet<Failed>) -> Vec<Unit> {
        let (mut window, mut bytes) = (Vec::new(), 0);
        while bytes < WINDOW_BYTES
            && let Some(unit) = units.next()
        {
            let repair = &self.repairs[unit.repair];
            if repair.targets.iter().any(|target| !bad.contains(&(unit.repair, target.shard))) {
                let shards = usize::from(repair.layout.data_shards) + repair.targets.len();
                bytes += shards as u64 * u64::from(whole_shard(&repair.layout, 0, unit.stripe).len);
                window.push(unit);
            }
        }
        window
    }

    /// Which shards to read for a stripe: those wanted where they can be read, else k others. With each turn others of
    /// the drives are left out, and those that are read are read without gaps.
    fn sources(&self, repair: &Repair, turn: usize) -> Vec<u8> {
        let up = |shard: &u8| self.drives.up(repair.layout.slots[usize::from(*shard)]).is_some();
        let wanted = repair.wanted();
        if wanted.iter().all(|shard| !repair.lost.contains(shard) && up(shard)) {
            return wanted;
        }
        let mut sources: Vec<u8> = repair.kept().filter(up).collect();
        let slots = self.holding.last().map_or(1, |last| usize::from(last.0) + 1);
        sources.sort_by_key(|shard| {
            let slot = repair.layout.slots[usize::from(*shard)];
            (!self.holding.contains(&slot), (usize::from(slot.0) + turn) % slots)
        });
        sources.truncate(usize::from(repair.layout.data_shards));
        sources
    }

    /// Asks every drive for all that a window needs of it.
    async fn read(&self, window: Vec<Unit>, turn: usize) -> Vec<Read> {
        let mut asked: BTreeMap<DriveSlot, Vec<(usize, ShardRead)>> = BTreeMap::new();
        for (index, unit) in window.iter().enumerate() {
            let repair = &self.repairs[unit.repair];
            for shard in self.sources(repair, turn) {
                let read = whole_shard(&repair.layout, shard, unit.stripe);
                asked.entry(repair.layout.slots[usize::from(shard)]).or_default().push((index, read));
            }
        }
        let answers = asked.into_iter().map(|(slot, asked)| async move {
            let (whose, reads): (Vec<(usize, u8)>, Vec<ShardRead>) =
                asked.into_iter().map(|(index, read)| ((index, read.id.shard), read)).unzip();
            let answers = match self.drives.up(slot) {
                Some(drive) => drive.read_many(reads).await,
                None => Err(DriveError::Offline("down".into())),
            };
            whose.into_iter().zip(answers.unwrap_or_default())
        });
        let mut read: Vec<Read> = window.into_iter().map(|unit| (unit, Vec::new())).collect();
        for ((index, shard), answer) in join_all(answers).await.into_iter().flatten() {
            match answer {
                Ok(data) => read[index].1.push((shard, data)),
                Err(error) => tracing::debug!(%error, shard, "shard not readable for healing"),
            }
        }
        read
    }

    /// Writes stripes to their targets; returns the targets for which that does not work.
    async fn rebuild_and_write(&self, read: Vec<Read>) -> Vec<Failed> {
        let (mut writes, mut failed) = (Vec::with_capacity(read.len()), Vec::new());
        for (unit, got) in read {
            let repair = &self.repairs[unit.repair];
            match self.shards(unit, got).await {
                Ok(shards) => {
                    let targets = repair.targets.iter().zip(shards);
                    writes.extend(targets.map(|(target, data)| self.write_one(unit, *target, data)));
                }
                Err(error) => {
                    tracing::warn!(%error, blob = %repair.layout.blob, "shards not rebuilt");
                    failed.extend(repair.wanted().into_iter().map(|shard| (unit.repair, shard)));
                }
            }
            // Rebuilding takes the processor: others may have their turn.
            tokio::task::yield_now().await;
        }
        failed.extend(join_all(writes).await.into_iter().flatten());
        failed
    }

    /// The shards of a stripe for each target, from those that came and, where they do not do, from others.
    async fn shards(&self, unit: Unit, mut got: Vec<(u8, Bytes)>) -> Result<Vec<Bytes>> {
        let repair = &self.repairs[unit.repair];
        let wanted = repair.wanted();
        let among = |got: &[(u8, Bytes)], shard| {
            got.iter().find(|(have, _)| *have == shard).map(|(_, data)| data.clone())
        };
        if let Some(direct) = wanted.iter().map(|&shard| among(&got, shard)).collect() {
            return Ok(direct);
        }
        let k = usize::from(repair.layout.data_shards);
        for shard in repair.in_order_of_hope() {
            if got.len() < k && among(&got, shard).is_none() {
                got.extend(self.read_one(repair, shard, unit.stripe).await.map(|data| (shard, data)));
            }
        }
        if got.len() < k {
            let (stripe, readable) = (u64::from(unit.stripe), got.len() as u8);
            return Err(Error::Unreadable { stripe, readable, needed: k as u8 });
        }
        let present: Vec<(u8, &[u8])> = got.iter().map(|(shard, data)| (*shard, &data[..])).collect();
        let codec = Codec::new(repair.layout.scheme());
        Ok(codec.rebuild(&present, &wanted).expect("there are k shards"))
    }

    async fn read_one(&self, repair: &Repair, shard: u8, stripe: u32) -> Option<Bytes> {
        let drive = self.drives.up(repair.layout.slots[usize::from(shard)])?;
        let read = drive.read(whole_shard(&repair.layout, shard, stripe)).await;
        read.inspect_err(|error| tracing::debug!(%error, shard, "shard not readable for healing")).ok()
    }

    async fn write_one(&self, unit: Unit, target: Target, data: Bytes) -> Option<Failed> {
        let repair = &self.repairs[unit.repair];
        let layout = &repair.layout;
        let record = Record { id: repair.id(target.shard), stripe: unit.stripe, data };
        let written = match self.drives.writable(target.slot) {
            None => Err(DriveError::Offline("down".into())),
            Some(drive) if stripes_of(layout) == 1 => drive.append(&record).await,
            Some(drive) => drive.write_stripe(&record, whole_shard(layout, 0, 0).full_len).await,
        };
        self.failed(unit.repair, target, written)
    }

    /// Seals the large shards that were written; returns those for which that did not work.
    async fn seal(&self, bad: &BTreeSet<Failed>) -> Vec<Failed> {
        let large = self.repairs.iter().enumerate().filter(|(_, repair)| stripes_of(&repair.layout) > 1);
        let targets =
            large.flat_map(|(index, repair)| repair.targets.iter().map(move |target| (index, *target)));
        let good = targets.filter(|(index, target)| !bad.contains(&(*index, target.shard)));
        let seals = good.map(|(index, target)| async move {
            let repair = &self.repairs[index];
            let sealed = match self.drives.writable(target.slot) {
                None => Err(DriveError::Offline("down".into())),
                Some(drive) => drive.seal(repair.id(target.shard), stripes_of(&repair.layout)).await,
            };
            self.failed(index, target, sealed)
        });
        join_all(seals).await.into_iter().flatten().collect()
    }

    fn failed(
        &self,
        repair: usize,
        target: Target,
        written: std::result::Result<(), DriveError>,
    ) -> Option<Failed> {
        let error = written.err()?;
        tracing::warn!(slot = target.slot.0, shard = target.shard, %error, "rebuilt shard not written");
        Some((repair, target.shard))
    }
}
