//! Rebuilding one shard of a blob.

use std::sync::Arc;

use bytes::Bytes;

use super::api::{Error, Result};
use super::drives::{DriveSet, Sharing, within_time};
use super::stripe_reader::{scheme_of, stripe_data_len};
use crate::erasure::Codec;
use crate::metadata::BlobLayout;
use crate::shard_store::{Drive, Record, ShardId, ShardRead};
use crate::types::DriveSlot;

/// Rebuilds `shard` from the shards that are not in `lost` and writes it to a drive, whose slot goes into
/// the layout. Its present drive is kept if it is up and holds no other shard of the blob.
///
/// The shard is durable when this returns; its slot counts once the caller has committed it.
pub(crate) async fn rebuild(
    drives: &Arc<DriveSet>,
    layout: &mut BlobLayout,
    lost: &[u8],
    shard: u8,
    sharing: Sharing,
) -> Result<()> {
    let others: Vec<DriveSlot> = (0..layout.slots.len())
        .filter(|&i| i != usize::from(shard) && !lost.contains(&(i as u8)))
        .map(|i| layout.slots[i])
        .collect();
    let present = layout.slots[usize::from(shard)];
    let stays = drives.up(present).is_some() && !others.contains(&present);
    let target = if stays { Some(present) } else { drives.place_again(layout.blob, &others, sharing) };
    let target = target.ok_or(Error::Unavailable("no drive for the shard"))?;
    let drive = drives.up(target).ok_or(Error::Unavailable("no drive for the shard"))?;
    write_rebuilt(drives, layout, lost, shard, drive).await?;
    layout.slots[usize::from(shard)] = target;
    Ok(())
}

/// Rebuilds a shard and writes it to `target`; durable when this returns.
pub(crate) async fn write_rebuilt(
    drives: &Arc<DriveSet>,
    layout: &BlobLayout,
    lost: &[u8],
    shard: u8,
    target: &Arc<dyn Drive>,
) -> Result<()> {
    let scheme = scheme_of(layout);
    let codec = Codec::new(scheme);
    let id = ShardId { blob: layout.blob, shard };
    // An empty part has one stripe too, of no bytes.
    let stripes = layout.size.div_ceil(u64::from(layout.stripe_len)).max(1) as u32;
    let failed = |error| Error::Internal(Box::new(error));
    let full_len = scheme.shard_len(layout.stripe_len as usize) as u32;
    if stripes > 1 {
        // What an interrupted write left would be counted as ours.
        within_time(target.discard(id)).await.map_err(failed)?;
    }
    for stripe in 0..stripes {
        let data = rebuild_stripe(drives, layout, &codec, lost, stripe, shard).await?;
        let record = Record { id, stripe, data };
        if stripes == 1 {
            within_time(target.append(&record)).await.map_err(failed)?;
        } else {
            within_time(target.write_stripe(&record, full_len)).await.map_err(failed)?;
        }
    }
    if stripes > 1 {
        within_time(target.seal(id, stripes)).await.map_err(failed)?;
    }
    Ok(())
}

/// One stripe of the wanted shard, from any k that can be read.
async fn rebuild_stripe(
    drives: &Arc<DriveSet>,
    layout: &BlobLayout,
    codec: &Codec,
    lost: &[u8],
    stripe: u32,
    wanted: u8,
) -> Result<Bytes> {
    let scheme = codec.scheme();
    let len = scheme.shard_len(stripe_data_len(layout, stripe)) as u32;
    let full_len = scheme.shard_len(layout.stripe_len as usize) as u32;
    let mut got: Vec<(u8, Bytes)> = Vec::new();
    for shard in (0..scheme.shards()).filter(|shard| !lost.contains(shard)) {
        if got.len() == usize::from(scheme.data) {
            break;
        }
        let Some(drive) = drives.up(layout.slots[usize::from(shard)]) else { continue };
        let id = ShardId { blob: layout.blob, shard };
        let read = ShardRead { id, stripe, full_len, len, range: 0..len };
        match within_time(drive.read(read)).await {
            Ok(data) if shard == wanted => return Ok(data),
            Ok(data) => got.push((shard, data)),
            Err(error) => tracing::debug!(%error, shard, "shard not readable for healing"),
        }
    }
    let present: Vec<(u8, &[u8])> = got.iter().map(|(shard, data)| (*shard, &data[..])).collect();
    let readable = got.len() as u8;
    let rebuilt = codec.rebuild(&present, &[wanted]).and_then(|mut shards| shards.pop());
    rebuilt.ok_or(Error::Unreadable { stripe: u64::from(stripe), readable, needed: scheme.data })
}
