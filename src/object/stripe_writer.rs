//! Bytes to shards on drives: one record a shard for a small blob, stripe by stripe for a large one.
//!
//! A drive that fails is replaced by another at once for a small blob. For a large one its shard is
//! given up and the rest goes on; if what is left at the end would not outlive the loss of another drive, the
//! missing ones are rebuilt elsewhere before the blob counts as written. What is missing or shares a drive is returned,
//! to become heal rows in the transaction that makes the blob visible.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::task::JoinHandle;

use super::api::{Error, Result};
use super::drives::DriveSet;
use super::rebuild::{Repair, Target, rebuild};
use crate::erasure::{Codec, Scheme};
use crate::metadata::BlobLayout;
use crate::runtime::{PAGE_BYTES, PageBuffer, random_bytes};
use crate::shard_store::{DriveError, Record, ShardId};
use crate::types::{BlobId, DriveSlot, Timestamp};

/// About how many data bytes a stripe has; rounded down to whole pages per shard.
const STRIPE_BYTES: usize = 1 << 20;
/// Stripes of one upload on their way to the drives while the next is received. One is encoded while the
/// other is written; see also [`DriveSet::stripe_permit`].
const IN_FLIGHT_STRIPES_MAX: usize = 2;

/// A blob that is on stable storage and that nothing refers to yet.
#[derive(Debug)]
pub(crate) struct WrittenBlob {
    pub(crate) layout: BlobLayout,
    /// Shards that were not written.
    pub(crate) missing: Vec<u8>,
}

impl WrittenBlob {
    /// A shard is missing, or shares a drive with another.
    pub(crate) fn needs_heal(&self) -> bool {
        let slots = &self.layout.slots;
        !self.missing.is_empty() || (1..slots.len()).any(|i| slots[..i].contains(&slots[i]))
    }
}

/// Data bytes of a full stripe.
pub(crate) fn stripe_len(scheme: Scheme) -> usize {
    let data = usize::from(scheme.data);
    STRIPE_BYTES / data / PAGE_BYTES * PAGE_BYTES * data
}

/// A new blob's id: time first, so that ids of one time stand together; then 80 random bits.
pub(crate) fn new_blob_id(now: Timestamp) -> BlobId {
    let random: [u8; 10] = random_bytes();
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&now.as_millis().to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&random);
    BlobId(u128::from_be_bytes(bytes))
}

/// Cuts one stripe in k data shards, the last padded with zeros, and adds m parity shards.
pub(crate) fn shards_of(codec: &Codec, stripe: &Bytes) -> Vec<Bytes> {
    let (k, len) = (usize::from(codec.scheme().data), codec.scheme().shard_len(stripe.len()));
    let data: Vec<Bytes> = (0..k)
        .map(|i| {
            let (start, end) = ((i * len).min(stripe.len()), ((i + 1) * len).min(stripe.len()));
            if end - start == len {
                return stripe.slice(start..end);
            }
            let mut padded = PageBuffer::with_room(len);
            padded.extend_from_slice(&stripe[start..end]);
            padded.resize(len);
            padded.freeze()
        })
        .collect();
    let parity = codec.encode(&data.iter().map(|shard| &shard[..]).collect::<Vec<_>>());
    data.into_iter().chain(parity).collect()
}

/// Whether shards on these drives may be acknowledged: they outlive the loss of any one drive, or there are all
/// of them, spread as evenly as they are when only so many drives are up as are for certain (see
/// [`DriveSet::up_for_certain`]). A scheme of few data shards needs no more drives than those to be read, but with fewer
/// up more have failed than it bears, and what is written then would be lost with the few.
fn is_safe(scheme: Scheme, certain: usize, held: &[DriveSlot]) -> bool {
    let on = |slot: DriveSlot| held.iter().filter(|&&other| other == slot).count();
    let most = held.iter().map(|&slot| on(slot)).max().unwrap_or(0);
    let (data, all) = (usize::from(scheme.data), usize::from(scheme.shards()));
    held.len() >= data + most || (held.len() == all && most <= all.div_ceil(certain.max(1)))
}

/// Where the shards are that are not missing.
fn held(slots: &[DriveSlot], missing: &[u8]) -> Vec<DriveSlot> {
    let good = (0..slots.len()).filter(|&i| !missing.contains(&(i as u8)));
    good.map(|i| slots[i]).collect()
}

/// Which error a write failed with, given what the drives said.
fn failure(errors: &[DriveError]) -> Error {
    if !errors.is_empty() && errors.iter().all(|error| *error == DriveError::NoSpace) {
        return Error::NoSpace;
    }
    Error::Unavailable("too few drives took the data")
}

/// Writes a blob of at most one stripe; durable when this returns.
pub(crate) async fn write_small(
    drives: &Arc<DriveSet>,
    codec: &Codec,
    blob: BlobId,
    data: Bytes,
) -> Result<WrittenBlob> {
    let scheme = codec.scheme();
    let mut slots = drives.place(blob, scheme)?;
    let shards = shards_of(codec, &data);
    let mut waiting: Vec<u8> = (0..scheme.shards()).collect();
    let (mut errors, mut failed_drives) = (Vec::new(), Vec::new());
    // A shard's drive may fail, and then the one that replaces it.
    for _ in 0..=scheme.parity {
        let appends = waiting.iter().map(|&shard| {
            let record =
                Record { id: ShardId { blob, shard }, stripe: 0, data: shards[usize::from(shard)].clone() };
            let drive = drives.up(slots[usize::from(shard)]);
            async move {
                let drive = drive.ok_or_else(|| DriveError::Offline("down".into()))?;
                drive.append(&record).await
            }
        });
        let results = join_all(appends).await;
        let mut failed = Vec::new();
        for (&shard, result) in waiting.iter().zip(results) {
            if let Err(error) = result {
                tracing::warn!(slot = slots[usize::from(shard)].0, %error, "shard not written");
                errors.push(error);
                failed.push(shard);
                failed_drives.push(slots[usize::from(shard)]);
            }
        }
        waiting = failed;
        for &shard in &waiting {
            let others = held(&slots, &[shard]);
            if let Some(slot) = drives.place_away(blob, &others, &failed_drives) {
                slots[usize::from(shard)] = slot;
            }
        }
        if waiting.is_empty() {
            break;
        }
    }
    let layout = BlobLayout {
        blob,
        size: data.len() as u64,
        stripe_len: stripe_len(scheme) as u32,
        data_shards: scheme.data,
        slots,
    };
    if !is_safe(scheme, drives.up_for_certain(scheme), &held(&layout.slots, &waiting)) {
        discard(drives, &layout).await;
        return Err(failure(&errors));
    }
    Ok(WrittenBlob { layout, missing: waiting })
}

/// Writes a blob of more than one stripe.
#[derive(Debug)]
pub(crate) struct StripeWriter {
    drives: Arc<DriveSet>,
    codec: Arc<Codec>,
    layout: BlobLayout,
    stripes: u32,
    in_flight: VecDeque<JoinHandle<Vec<(u8, DriveError)>>>,
    /// Shards that are whole so far.
    good: Vec<bool>,
    errors: Vec<DriveError>,
    finished: bool,
}

impl StripeWriter {
    /// Chooses drives.
    pub(crate) fn new(drives: &Arc<DriveSet>, codec: &Arc<Codec>, blob: BlobId) -> Result<Self> {
        let scheme = codec.scheme();
        let layout = BlobLayout {
            blob,
            size: 0,
            stripe_len: stripe_len(scheme) as u32,
            data_shards: scheme.data,
            slots: drives.place(blob, scheme)?,
        };
        Ok(Self {
            drives: drives.clone(),
            codec: codec.clone(),
            good: vec![true; layout.slots.len()],
            layout,
            stripes: 0,
            in_flight: VecDeque::new(),
            errors: Vec::new(),
            finished: false,
        })
    }

    /// Sends a stripe on its way; waits while too many are. All but the last are full.
    pub(crate) async fn write(&mut self, stripe: Bytes) -> Result<()> {
        while self.in_flight.len() >= IN_FLIGHT_STRIPES_MAX {
            self.settle_oldest().await?;
        }
        let permit = self.drives.stripe_permit().await;
        self.layout.size += stripe.len() as u64;
        let index = self.stripes;
        self.stripes += 1;
        let full_len = self.codec.scheme().shard_len(self.layout.stripe_len as usize) as u32;
        let (drives, codec, layout) = (self.drives.clone(), self.codec.clone(), self.layout.clone());
        let good = self.good.clone();
        self.in_flight.push_back(tokio::spawn(async move {
            let shards = shards_of(&codec, &stripe);
            drop(stripe);
            let writes = shards.into_iter().enumerate().filter(|(i, _)| good[*i]).map(|(i, data)| {
                let shard = i as u8;
                let record = Record { id: ShardId { blob: layout.blob, shard }, stripe: index, data };
                let drive = drives.up(layout.slots[i]);
                async move {
                    let drive = drive.ok_or_else(|| (shard, DriveError::Offline("down".into())))?;
                    drive.write_stripe(&record, full_len).await.map_err(|error| (shard, error))
                }
            });
            let written = join_all(writes).await;
            drop(permit);
            written.into_iter().filter_map(std::result::Result::err).collect()
        }));
        Ok(())
    }

    async fn settle_oldest(&mut self) -> Result<()> {
        let Some(oldest) = self.in_flight.pop_front() else { return Ok(()) };
        let failed = oldest.await.map_err(|error| Error::Internal(Box::new(error)))?;
        self.give_up(failed)
    }

    fn give_up(&mut self, failed: Vec<(u8, DriveError)>) -> Result<()> {
        for (shard, error) in failed {
            if std::mem::replace(&mut self.good[usize::from(shard)], false) {
                tracing::warn!(slot = self.layout.slots[usize::from(shard)].0, %error, "shard not written");
            }
            self.errors.push(error);
        }
        let good = self.good.iter().filter(|good| **good).count();
        if good < usize::from(self.layout.data_shards) { Err(failure(&self.errors)) } else { Ok(()) }
    }

    /// Waits for all stripes and makes the blob durable.
    pub(crate) async fn finish(mut self) -> Result<WrittenBlob> {
        while !self.in_flight.is_empty() {
            self.settle_oldest().await?;
        }
        let blob = self.layout.blob;
        let failed = self.seal().await;
        self.give_up(failed)?;
        let mut missing: Vec<u8> =
            (0..self.good.len() as u8).filter(|&i| !self.good[usize::from(i)]).collect();
        let scheme = self.codec.scheme();
        let certain = self.drives.up_for_certain(scheme);
        let mut failed_drives = missing.iter().map(|&shard| self.layout.slots[usize::from(shard)]).collect();
        // A shard's drive may fail, and then the one that replaces it.
        for _ in 0..=scheme.parity {
            if !is_safe(scheme, certain, &held(&self.layout.slots, &missing)) {
                self.rebuild_missing(&mut missing, &mut failed_drives).await;
            }
        }
        if !is_safe(scheme, certain, &held(&self.layout.slots, &missing)) {
            return Err(failure(&self.errors));
        }
        self.finished = true;
        tracing::trace!(%blob, "blob written");
        Ok(WrittenBlob { layout: self.layout.clone(), missing })
    }

    /// Rebuilds the missing shards away from the drives that failed; those that work are no longer missing, and
    /// drives that take none have failed too.
    async fn rebuild_missing(&mut self, missing: &mut Vec<u8>, failed: &mut Vec<DriveSlot>) {
        let mut taken = held(&self.layout.slots, missing);
        let mut targets = Vec::new();
        for &shard in missing.iter() {
            if let Some(slot) = self.drives.place_away(self.layout.blob, &taken, failed) {
                taken.push(slot);
                targets.push(Target { shard, slot });
            }
        }
        let repair = Repair::new(self.layout.clone(), missing.clone(), targets.clone());
        let repaired = rebuild(&self.drives, vec![repair]).await;
        let written: Vec<Target> = repaired.into_iter().flat_map(|repair| repair.targets).collect();
        for target in targets {
            if written.iter().any(|other| other.shard == target.shard) {
                self.layout.slots[usize::from(target.shard)] = target.slot;
                missing.retain(|&shard| shard != target.shard);
            } else {
                failed.push(target.slot);
            }
        }
    }

    /// Seals every good shard; returns those that failed.
    async fn seal(&self) -> Vec<(u8, DriveError)> {
        let good = (0..self.good.len()).filter(|&i| self.good[i]);
        let seals = good.map(|i| async move {
            let id = ShardId { blob: self.layout.blob, shard: i as u8 };
            match self.drives.up(self.layout.slots[i]) {
                Some(drive) => drive.seal(id, self.stripes).await.err().map(|error| (id.shard, error)),
                None => Some((id.shard, DriveError::Offline("down".into()))),
            }
        });
        join_all(seals).await.into_iter().flatten().collect()
    }
}

/// An upload that ends early leaves nothing: its unsealed shards are discarded.
impl Drop for StripeWriter {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let in_flight = std::mem::take(&mut self.in_flight);
        let (drives, layout) = (self.drives.clone(), self.layout.clone());
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            for stripe in in_flight {
                let _ = stripe.await;
            }
            discard(&drives, &layout).await;
        });
    }
}

/// Removes a blob that nothing refers to, sealed or not, as far as its drives are up.
pub(crate) async fn discard(drives: &DriveSet, layout: &BlobLayout) {
    for (shard, slot) in layout.slots.iter().enumerate() {
        let id = ShardId { blob: layout.blob, shard: shard as u8 };
        if let Some(drive) = drives.up(*slot) {
            let _ = drive.discard(id).await;
            let _ = drive.delete(vec![id]).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blob_ids_order_by_time() {
        let early = new_blob_id(Timestamp::from_millis(1_000));
        let late = new_blob_id(Timestamp::from_millis(1_001));
        assert!(early < late);
    }

    #[test]
    fn shards_that_one_drive_could_take_along_are_not_safe() {
        let of = |drives: usize, data, parity, slots: &[u16]| {
            let slots: Vec<DriveSlot> = slots.iter().map(|&slot| DriveSlot(slot)).collect();
            is_safe(Scheme { data, parity }, drives.saturating_sub(parity.into()), &slots)
        };
        let safe = |data: u8, parity: u8, slots: &[u16]| of(usize::from(data + parity), data, parity, slots);
        assert!(safe(2, 2, &[0, 1, 2]) && safe(2, 2, &[0, 0, 1, 1]), "one of them may go");
        assert!(!safe(2, 2, &[0, 0, 0, 0]) && !safe(2, 2, &[0, 0, 0, 1]) && !safe(2, 2, &[0, 0, 1]));
        assert!(safe(1, 1, &[0, 0]) && safe(2, 1, &[0, 0, 1]) && safe(1, 0, &[0]), "no more can be had");
        assert!(!safe(1, 1, &[0]) && !safe(2, 1, &[0, 0, 0]));
        assert!(!of(4, 1, 2, &[0, 0, 0]) && of(4, 1, 2, &[0, 0, 1]), "two of four drives are up for certain");
        assert!(!of(6, 1, 2, &[0, 0, 0]) && of(2, 1, 1, &[0, 0]), "four of six, and one of two");
    }

    #[test]
    fn short_stripes_are_padded() {
        let codec = Codec::new(Scheme { data: 3, parity: 1 });
        let shards = shards_of(&codec, &Bytes::from_static(b"abcd"));
        assert_eq!(shards[..3], [&b"ab"[..], b"cd", &[0, 0]]);
        assert_eq!(shards_of(&codec, &Bytes::from_static(b"a"))[1], [0][..]);
    }

    #[test]
    fn stripes_divide_into_whole_pages() {
        for scheme in (1..=16).map(Scheme::for_drives) {
            assert_eq!(scheme.shard_len(stripe_len(scheme)) % 4096, 0, "{scheme:?}");
        }
    }
}
