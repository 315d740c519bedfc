//! Shards on drives to verified bytes.
//!
//! A stripe is read from its data shards where that works: only the blocks that the range touches, and no
//! decoding. Where a shard is missing, bad or slow, the same bytes of k others are read and it is rebuilt.
//! What was found bad goes to the heal queue.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::api::{Error, Result};
use super::drives::DriveSet;
use super::heal_queue::HealQueue;
use crate::erasure::Codec;
use crate::metadata::BlobLayout;
use crate::shard_store::{DriveError, ShardId, ShardRead};
use crate::types::DriveSlot;

/// How long a shard may keep a read waiting before another is asked as well.
const HEDGE_AFTER: Duration = Duration::from_millis(250);

/// Reads one blob.
#[derive(Debug, Clone)]
pub(crate) struct BlobReader {
    pub(crate) drives: Arc<DriveSet>,
    pub(crate) heals: Arc<HealQueue>,
    pub(crate) layout: BlobLayout,
}

/// The bytes of one stripe that are wanted.
#[derive(Debug, Clone)]
struct StripeRange {
    stripe: u32,
    /// Data bytes of this stripe.
    len: usize,
    /// Those wanted.
    range: Range<usize>,
}

/// Data bytes of a stripe of a blob.
pub(crate) fn stripe_data_len(layout: &BlobLayout, stripe: u32) -> usize {
    let start = u64::from(stripe) * u64::from(layout.stripe_len);
    layout.size.saturating_sub(start).min(u64::from(layout.stripe_len)) as usize
}

/// Stripes of a blob; an empty one has one, of no bytes.
pub(crate) fn stripes_of(layout: &BlobLayout) -> u32 {
    layout.size.div_ceil(u64::from(layout.stripe_len)).max(1) as u32
}

/// The shards of a blob that stand on one drive.
pub(crate) fn shards_at(layout: &BlobLayout, slot: DriveSlot) -> impl Iterator<Item = ShardId> {
    let blob = layout.blob;
    let at = (0u8..).zip(&layout.slots).filter(move |(_, at)| **at == slot);
    at.map(move |(shard, _)| ShardId { blob, shard })
}

/// All bytes of one shard of a stripe.
pub(crate) fn whole_shard(layout: &BlobLayout, shard: u8, stripe: u32) -> ShardRead {
    let scheme = layout.scheme();
    let len = scheme.shard_len(stripe_data_len(layout, stripe)) as u32;
    ShardRead {
        id: ShardId { blob: layout.blob, shard },
        stripe,
        full_len: scheme.shard_len(layout.stripe_len as usize) as u32,
        len,
        range: 0..len,
    }
}

impl BlobReader {
    /// Stripes that a range of the blob touches.
    pub(crate) fn stripes(&self, range: &Range<u64>) -> Range<u32> {
        let len = u64::from(self.layout.stripe_len);
        (range.start / len) as u32..range.end.div_ceil(len) as u32
    }

    /// The bytes of the blob's `range` that lie in one stripe, in order.
    pub(crate) async fn read_stripe(&self, stripe: u32, range: &Range<u64>) -> Result<Vec<Bytes>> {
        let start = u64::from(stripe) * u64::from(self.layout.stripe_len);
        let len = stripe_data_len(&self.layout, stripe);
        let wanted = range.start.saturating_sub(start) as usize..((range.end - start) as usize).min(len);
        let wanted = StripeRange { stripe, len, range: wanted };
        match self.read_data_shards(&wanted).await {
            Some(pieces) => Ok(pieces),
            None => self.read_degraded(&wanted).await,
        }
    }

    fn shard_len(&self, data_len: usize) -> usize {
        self.layout.scheme().shard_len(data_len)
    }

    /// The part of a data shard that is wanted.
    fn shard_range(&self, wanted: &StripeRange, shard: u8) -> Range<usize> {
        let len = self.shard_len(wanted.len);
        let start = usize::from(shard) * len;
        let clamp = |at: usize| at.clamp(start, start + len) - start;
        clamp(wanted.range.start)..clamp(wanted.range.end)
    }

    /// The plain way; `None` as soon as a shard fails or keeps us waiting.
    async fn read_data_shards(&self, wanted: &StripeRange) -> Option<Vec<Bytes>> {
        let shards = (0..self.layout.data_shards).map(|shard| (shard, self.shard_range(wanted, shard)));
        let needed: Vec<_> = shards.filter(|(_, range)| !range.is_empty()).collect();
        if needed.iter().any(|(shard, _)| self.drives.up(self.layout.slots[usize::from(*shard)]).is_none()) {
            return None;
        }
        let reads = needed.iter().map(|(shard, range)| self.read_shard(wanted, *shard, range.clone()));
        let all = futures_util::future::try_join_all(reads);
        tokio::time::timeout(HEDGE_AFTER, all).await.ok()?.ok()
    }

    /// Reads the same bytes of any k shards, asking further ones when some fail or are slow, and rebuilds.
    async fn read_degraded(&self, wanted: &StripeRange) -> Result<Vec<Bytes>> {
        let k = usize::from(self.layout.data_shards);
        let ranges: Vec<_> =
            (0..self.layout.data_shards).map(|shard| self.shard_range(wanted, shard)).collect();
        let touched = ranges.iter().filter(|range| !range.is_empty());
        let union =
            touched.clone().map(|r| r.start).min().unwrap_or(0)..touched.map(|r| r.end).max().unwrap_or(0);
        let got = self.collect(wanted, union.clone(), k).await?;
        let present: Vec<(u8, &[u8])> = got.iter().map(|(shard, data)| (*shard, &data[..])).collect();
        let lost: Vec<u8> =
            (0..self.layout.data_shards).filter(|shard| got.iter().all(|(have, _)| have != shard)).collect();
        let codec = Codec::new(self.layout.scheme());
        let rebuilt = codec.rebuild(&present, &lost).unwrap_or_default();
        let whole = |shard: u8| {
            let direct = got.iter().find(|(have, _)| *have == shard).map(|(_, data)| data.clone());
            let index = lost.iter().position(|other| *other == shard);
            direct.or_else(|| index.map(|i| rebuilt[i].clone())).unwrap_or_default()
        };
        let needed = (0..self.layout.data_shards).zip(ranges).filter(|(_, range)| !range.is_empty());
        Ok(needed.map(|(shard, r)| whole(shard).slice(r.start - union.start..r.end - union.start)).collect())
    }

    /// The bytes `range` of k shards of a stripe, whichever answer first.
    async fn collect(&self, wanted: &StripeRange, range: Range<usize>, k: usize) -> Result<Vec<(u8, Bytes)>> {
        let mut untried = (0..self.layout.slots.len() as u8)
            .filter(|&shard| self.drives.up(self.layout.slots[usize::from(shard)]).is_some());
        let ask = |shard| {
            let read = self.read_shard(wanted, shard, range.clone());
            async move { (shard, read.await) }
        };
        let mut asked: FuturesUnordered<_> = untried.by_ref().take(k).map(ask).collect();
        let mut got = Vec::with_capacity(k);
        while got.len() < k {
            match tokio::time::timeout(HEDGE_AFTER, asked.next()).await {
                Ok(Some((shard, Ok(data)))) => got.push((shard, data)),
                Ok(Some((_, Err(_)))) | Err(_) => asked.extend(untried.next().map(ask)),
                Ok(None) => match untried.next() {
                    Some(shard) => asked.push(ask(shard)),
                    None => {
                        let (stripe, readable) = (u64::from(wanted.stripe), got.len() as u8);
                        return Err(Error::Unreadable { stripe, readable, needed: k as u8 });
                    }
                },
            }
        }
        Ok(got)
    }

    /// One shard of a stripe; what is missing or corrupt is queued for healing.
    async fn read_shard(
        &self,
        wanted: &StripeRange,
        shard: u8,
        range: Range<usize>,
    ) -> std::result::Result<Bytes, DriveError> {
        let slot = self.layout.slots[usize::from(shard)];
        let drive = self.drives.up(slot).ok_or_else(|| DriveError::Offline("down".into()))?;
        let read = ShardRead {
            id: ShardId { blob: self.layout.blob, shard },
            stripe: wanted.stripe,
            full_len: self.shard_len(self.layout.stripe_len as usize) as u32,
            len: self.shard_len(wanted.len) as u32,
            range: range.start as u32..range.end as u32,
        };
        let result = drive.read(read).await;
        if let Err(error @ (DriveError::NotFound | DriveError::Corrupt(_))) = &result {
            tracing::warn!(slot = slot.0, blob = %self.layout.blob, shard, %error, "bad shard");
            self.heals.push((self.layout.blob, shard, slot));
        }
        result
    }
}
