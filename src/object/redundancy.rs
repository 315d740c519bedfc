//! How much is how safe, counted: a look at the spreads, never at the objects.

use std::collections::{BTreeMap, BTreeSet};

use super::api::*;
use super::engine::Engine;
use crate::metadata::{Margin, OwnerRow, SpreadRow};
use crate::types::DriveSlot;

/// Objects, each version of one counted, and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// How many objects are how safe at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redundancy {
    /// As many drives may be lost as there are parity shards.
    pub full: Tally,
    /// Fewer, but one at least.
    pub reduced: Tally,
    /// None may be lost.
    pub zero: Tally,
    /// Too few shards can be read.
    pub unreadable: Tally,
    /// Drives that may be lost without loss of metadata or of objects kept in it.
    pub metadata_spare: u8,
    /// Shards to rebuild or to move apart, on any drive.
    pub shards_to_heal: u64,
    /// Bytes of objects that each drive holds shards of, by slot: those of the shards alone.
    pub held: BTreeMap<DriveSlot, u64>,
}

impl Redundancy {
    fn tally(&mut self, margin: Margin) -> &mut Tally {
        match margin {
            Margin::Full => &mut self.full,
            Margin::Reduced(_) => &mut self.reduced,
            Margin::Zero => &mut self.zero,
            Margin::Unreadable => &mut self.unreadable,
        }
    }

    /// Whether every object has all the redundancy it should.
    pub fn is_full(&self) -> bool {
        [self.reduced, self.zero, self.unreadable].iter().all(|tally| tally.objects == 0)
            && self.shards_to_heal == 0
    }
}

/// Where a page of objects at risk goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RiskCursor(Option<OwnerRow>);

impl RiskCursor {
    /// The beginning.
    pub const START: Self = Self(None);

    /// As text for a client to bring back.
    pub fn to_text(&self) -> String {
        let Some(row) = &self.0 else { return String::new() };
        let content = u128::from_be_bytes(row.content);
        format!("{}.{content:032x}.{}.{}.{}", row.spread, row.bucket.0, row.sequence, row.key)
    }

    /// Reads [`Self::to_text`]; `None` if it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::START);
        }
        let mut parts = text.splitn(5, '.');
        let spread = parts.next()?.parse().ok()?;
        let content = u128::from_str_radix(parts.next()?, 16).ok()?.to_be_bytes();
        let bucket = (parts.next()?.parse().ok()?, String::new());
        let (sequence, key) = (parts.next()?.parse().ok()?, parts.next()?.to_owned());
        Some(Self(Some(OwnerRow { spread, content, bucket, key, sequence, size: 0 })))
    }
}

/// An object that is not at full redundancy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectAtRisk {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// How safe it is.
    pub margin: Margin,
}

impl Engine {
    /// Counts. The metadata of all objects, and the bytes of tiny ones, are as safe as the metadata is.
    pub fn redundancy(&self) -> Result<Redundancy> {
        let holding = self.drives.holding();
        let parity = self.drives.scheme().parity;
        let metadata_spare = self.store.replicas_spare().min(u64::from(parity)) as u8;
        let mut counts = Redundancy {
            full: Tally::default(),
            reduced: Tally::default(),
            zero: Tally::default(),
            unreadable: Tally::default(),
            metadata_spare,
            shards_to_heal: 0,
            held: BTreeMap::new(),
        };
        let (mut objects, mut bytes) = (0, 0);
        let refilling = self.slots_to_refill();
        for spread in self.store.spreads()? {
            let margin = spread.margin(|slot| holding.contains(&slot));
            let tally = counts.tally(margin);
            tally.objects += spread.objects;
            tally.bytes += spread.object_bytes;
            objects += spread.objects;
            bytes += spread.object_bytes;
            count_shards(&mut counts, &spread, &refilling);
        }
        let metadata = match metadata_spare {
            spare if spare >= parity => Margin::Full,
            0 => Margin::Zero,
            spare => Margin::Reduced(spare),
        };
        let all = self.store.buckets()?;
        let tally = counts.tally(metadata);
        let all_objects: u64 = all.iter().map(|bucket| bucket.objects + bucket.versions).sum();
        let all_bytes: u64 = all.iter().map(|bucket| bucket.bytes + bucket.version_bytes).sum();
        tally.objects += all_objects.saturating_sub(objects);
        tally.bytes += all_bytes.saturating_sub(bytes);
        Ok(counts)
    }

    /// A page of objects kept on drives that are not at full redundancy, the least safe first.
    pub fn at_risk(&self, after: &RiskCursor, max: usize) -> Result<(Vec<ObjectAtRisk>, Option<RiskCursor>)> {
        let holding = self.drives.holding();
        let mut spreads: Vec<(Margin, i64)> = self
            .store
            .spreads()?
            .iter()
            .filter(|spread| spread.objects > 0)
            .map(|spread| (spread.margin(|slot| holding.contains(&slot)), spread.id))
            .filter(|(margin, _)| *margin != Margin::Full)
            .collect();
        spreads.sort_unstable();
        if let Some(row) = &after.0 {
            let at = spreads.iter().position(|(_, id)| *id == row.spread).unwrap_or(spreads.len());
            spreads.drain(..at);
        }
        let mut page = Vec::new();
        let mut last = None;
        const START: ([u8; 16], i64, &str, u64) = ([0; 16], 0, "", 0);
        let mut from = START;
        if let Some(row) = &after.0 {
            from = (row.content, row.bucket.0, &row.key, row.sequence);
        }
        for (margin, spread) in spreads {
            for row in self.store.owners(spread, from, max - page.len())? {
                let (bucket, key, bytes) = (row.bucket.1.clone(), row.key.clone(), row.size);
                page.push(ObjectAtRisk { bucket, key, bytes, margin });
                last = Some(row);
            }
            if page.len() >= max {
                return Ok((page, Some(RiskCursor(last))));
            }
            from = START;
        }
        Ok((page, None))
    }
}

/// Counts the shards of a spread's blobs: those to heal or to put back on drives that are refilled, and bytes by
/// drive.
fn count_shards(counts: &mut Redundancy, spread: &SpreadRow, refilling: &[DriveSlot]) {
    let [group] = spread.groups.as_slice() else { return };
    let distinct: BTreeSet<DriveSlot> = group.slots.iter().copied().collect();
    let lacking = group.slots.iter().filter(|slot| refilling.contains(slot)).count();
    let lacking = lacking as u64 + u64::from(group.shards) - distinct.len() as u64;
    counts.shards_to_heal += spread.blobs * lacking;
    for slot in &group.slots {
        *counts.held.entry(*slot).or_default() += spread.blob_bytes / u64::from(group.data_shards.max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_from_its_text() {
        let row = OwnerRow {
            spread: 7,
            content: [9; 16],
            bucket: (3, String::new()),
            key: "a.b/c".into(),
            sequence: 5,
            size: 0,
        };
        let cursor = RiskCursor(Some(row));
        assert_eq!(RiskCursor::parse(&cursor.to_text()), Some(cursor));
        assert_eq!(RiskCursor::parse(""), Some(RiskCursor::START));
        assert_eq!(RiskCursor::parse("x.y"), None);
    }
}
