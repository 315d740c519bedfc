//! Where the shards of one object are.

use std::collections::BTreeMap;

use super::api::*;
use super::engine::Engine;
use super::get::OpenObject;
use super::stripe_reader::stripes_of;
use crate::metadata::BlobLayout;
use crate::types::{DriveSlot, Scheme};

/// Where an object's bytes are, and how many losses they bear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectShards {
    /// Its length in bytes.
    pub size: u64,
    /// Its pieces, one for each part of a multipart upload; none where its bytes are kept in the metadata.
    pub pieces: Vec<Piece>,
    /// The drives that hold shards of it, by slot.
    pub drives: Vec<HoldingDrive>,
    /// Shards of its least safe stripe that may still be lost; below 0 where it cannot be read.
    pub margin: i32,
}

/// One of the pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Bytes that are stored of it, before encoding.
    pub size: u64,
    /// How many stripes those are.
    pub stripes: u64,
    /// How each is encoded.
    pub scheme: Scheme,
}

/// A drive that holds shards of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldingDrive {
    /// Its slot.
    pub slot: DriveSlot,
    /// Path, or node and path.
    pub label: String,
    /// The node it is on; empty for this machine.
    pub node: String,
    /// It can be read.
    pub up: bool,
    /// Pieces of which it holds a shard, or should.
    pub shards: u64,
    /// Those of them that are missing and wait to be rebuilt.
    pub missing: u64,
}

impl Engine {
    /// Looks at all pieces of an object.
    pub fn object_shards(&self, object: &OpenObject) -> Result<ObjectShards> {
        let holding = self.drives.holding();
        let mut margin: Option<i32> = None;
        let mut by_slot: BTreeMap<DriveSlot, (u64, u64)> = BTreeMap::new();
        let mut pieces = Vec::new();
        for layout in object.layouts() {
            let missing = self.store.missing_shards(layout.blob)?;
            let mut readable = 0;
            for (shard, slot) in layout.slots.iter().enumerate() {
                let is_missing = missing.contains(&(shard as u8));
                let (shards, lacking) = by_slot.entry(*slot).or_default();
                *shards += 1;
                *lacking += u64::from(is_missing);
                readable += i32::from(!is_missing && holding.contains(slot));
            }
            let spare = readable - i32::from(layout.data_shards);
            margin = Some(margin.map_or(spare, |least| least.min(spare)));
            pieces.push(piece(layout));
        }
        let known = self.drives.status();
        let drive = |(slot, (shards, missing))| {
            let status = known.iter().find(|drive| drive.slot == slot);
            HoldingDrive {
                slot,
                label: status.map(|drive| drive.label.clone()).unwrap_or_default(),
                node: status.map(|drive| drive.node.clone()).unwrap_or_default(),
                up: holding.contains(&slot),
                shards,
                missing,
            }
        };
        let parity = u64::from(self.drives.scheme().parity);
        // What is kept in the metadata is as safe as that.
        let of_metadata = || self.store.replicas_spare().min(parity) as i32;
        Ok(ObjectShards {
            size: object.info().size,
            pieces,
            drives: by_slot.into_iter().map(drive).collect(),
            margin: margin.unwrap_or_else(of_metadata),
        })
    }
}

fn piece(layout: &BlobLayout) -> Piece {
    Piece { size: layout.size, stripes: u64::from(stripes_of(layout)), scheme: layout.scheme() }
}
