//! Spreads: over which drives the shards of a blob, or of a whole object, are spread.
//!
//! Blobs whose shards are on the same drives, with the same ones missing, share a spread, and a spread
//! counts its blobs, objects and bytes. So how much is at full, reduced or no margin, with the drives that
//! are up at this moment, follows from a few rows, however many objects there are.
//!
//! A spread's pattern is its groups in order, each: data shards 1 byte, all shards 1, shards that are there
//! n 1, then their n slots in order, 2 bytes each, little endian. A blob has one group; an object has one for
//! each that its blobs have.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension, params};

use super::encoding::Encodings;
use super::model::MetadataError;
use crate::types::{DriveSlot, Scheme};

type Result<T> = std::result::Result<T, MetadataError>;

/// Shards of one erasure scheme on one list of drives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// Data shards.
    pub data_shards: u8,
    /// Data and parity shards.
    pub shards: u8,
    /// The drives of the shards that are there, in order; one that holds several is listed as often.
    pub slots: Vec<DriveSlot>,
}

impl Group {
    /// The group of a blob; `missing` shards are not there.
    pub fn of(data_shards: u8, slots: &[DriveSlot], missing: &[u8]) -> Self {
        let there = (0..slots.len()).filter(|&i| !missing.contains(&(i as u8)));
        let mut there: Vec<DriveSlot> = there.map(|i| slots[i]).collect();
        there.sort_unstable();
        Self { data_shards, shards: slots.len() as u8, slots: there }
    }

    /// How many more drives may be lost, whichever they are; `None` if it cannot be read even now.
    pub fn spare(&self, holds: impl Fn(DriveSlot) -> bool) -> Option<u8> {
        let held = counts(self.slots.iter().filter(|slot| holds(**slot)));
        let needed = usize::from(self.data_shards);
        (held.iter().sum::<usize>() >= needed).then(|| losses_borne(held, needed) as u8)
    }

    /// Parity shards.
    pub fn parity(&self) -> u8 {
        self.shards - self.data_shards
    }

    /// How its blobs are encoded.
    pub fn scheme(&self) -> Scheme {
        Scheme { data: self.data_shards, parity: self.parity() }
    }
}

/// How often each value comes, in no order that means anything.
pub fn counts<T: Ord>(values: impl IntoIterator<Item = T>) -> Vec<usize> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_values().collect()
}

/// How many groups may be lost, whichever they are, when each holds so many of something of which `needed` are
/// enough: the largest go first.
pub fn losses_borne(mut held: Vec<usize>, needed: usize) -> u64 {
    held.sort_unstable();
    let mut left: usize = held.iter().sum();
    let mut lost = 0;
    while let Some(largest) = held.pop() {
        match left.checked_sub(largest) {
            Some(rest) if rest >= needed => left = rest,
            _ => break,
        }
        lost += 1;
    }
    lost
}

/// How safe something is at a moment, the least safe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Margin {
    /// Too few shards can be read.
    Unreadable,
    /// The next drive lost may be one too many.
    Zero,
    /// So many drives may be lost, but fewer than parity promises.
    Reduced(u8),
    /// As many drives may be lost as there are parity shards.
    Full,
}

impl Margin {
    /// Of a group, with the drives that hold what they should.
    pub fn of(group: &Group, holds: impl Fn(DriveSlot) -> bool) -> Self {
        match group.spare(holds) {
            None => Self::Unreadable,
            Some(spare) if spare >= group.parity() => Self::Full,
            Some(0) => Self::Zero,
            Some(spare) => Self::Reduced(spare),
        }
    }
}

/// A spread and what it counts.
#[derive(Debug, Clone)]
pub struct SpreadRow {
    /// Its id.
    pub id: i64,
    /// What it is made of.
    pub groups: Vec<Group>,
    /// Blobs of just this spread.
    pub blobs: u64,
    /// Their bytes, parity left out.
    pub blob_bytes: u64,
    /// Objects of just this spread.
    pub objects: u64,
    /// Their bytes.
    pub object_bytes: u64,
}

impl SpreadRow {
    /// The margin of its least safe group.
    pub fn margin(&self, holds: impl Fn(DriveSlot) -> bool) -> Margin {
        self.groups.iter().map(|group| Margin::of(group, &holds)).min().unwrap_or(Margin::Full)
    }
}

fn pack(groups: &[Group]) -> Vec<u8> {
    let mut pattern = Vec::new();
    for group in groups {
        pattern.extend_from_slice(&[group.data_shards, group.shards, group.slots.len() as u8]);
        pattern.extend(group.slots.iter().flat_map(|slot| slot.0.to_le_bytes()));
    }
    pattern
}

fn unpack(mut pattern: &[u8]) -> Vec<Group> {
    let mut groups = Vec::new();
    while let [data_shards, shards, there, rest @ ..] = pattern {
        let Some((slots, rest)) = rest.split_at_checked(2 * usize::from(*there)) else { break };
        let slots = slots.as_chunks::<2>().0.iter().map(|&pair| DriveSlot(u16::from_le_bytes(pair)));
        groups.push(Group { data_shards: *data_shards, shards: *shards, slots: slots.collect() });
        pattern = rest;
    }
    groups
}

/// What is added to a spread's counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Delta {
    pub(super) blobs: i64,
    pub(super) blob_bytes: i64,
    pub(super) objects: i64,
    pub(super) object_bytes: i64,
}

impl Delta {
    pub(super) fn blob(count: i64, size: u64) -> Self {
        Self { blobs: count, blob_bytes: count * size as i64, ..Self::default() }
    }

    pub(super) fn objects(count: i64, size: u64) -> Self {
        Self { objects: count, object_bytes: count * size as i64, ..Self::default() }
    }
}

/// The spreads as the writer knows them: ids by pattern, and counts written once a batch.
#[derive(Debug, Default)]
pub(super) struct Spreads {
    ids: HashMap<Vec<u8>, i64>,
    deltas: BTreeMap<i64, Delta>,
    /// The objects of each bucket by scheme, counted beside.
    pub(super) encodings: Encodings,
}

impl Spreads {
    /// The spread of one group.
    pub(super) fn of_group(&mut self, db: &Connection, group: &Group) -> Result<i64> {
        self.of_pattern(db, pack(std::slice::from_ref(group)))
    }

    /// The spread of an object whose blobs have these spreads.
    pub(super) fn of_all(&mut self, db: &Connection, parts: &[i64]) -> Result<i64> {
        if let [only] = parts {
            return Ok(*only);
        }
        let mut groups = Vec::new();
        let mut select = db.prepare_cached("SELECT pattern FROM spreads WHERE id = ?1")?;
        for part in parts {
            let pattern: Vec<u8> = select.query_row([part], |row| row.get(0))?;
            groups.extend(unpack(&pattern));
        }
        groups.sort_unstable();
        groups.dedup();
        self.of_pattern(db, pack(&groups))
    }

    fn of_pattern(&mut self, db: &Connection, pattern: Vec<u8>) -> Result<i64> {
        if let Some(&id) = self.ids.get(&pattern) {
            return Ok(id);
        }
        let known: Option<i64> = db
            .prepare_cached("SELECT id FROM spreads WHERE pattern = ?1")?
            .query_row([&pattern], |row| row.get(0))
            .optional()?;
        let id = match known {
            Some(id) => id,
            None => {
                db.prepare_cached("INSERT INTO spreads (pattern) VALUES (?1)")?.execute([&pattern])?;
                db.last_insert_rowid()
            }
        };
        self.ids.insert(pattern, id);
        Ok(id)
    }

    /// The schemes of a spread, in order.
    pub(super) fn schemes(&self, db: &Connection, spread: i64) -> Result<Vec<Scheme>> {
        let pattern: Vec<u8> = db
            .prepare_cached("SELECT pattern FROM spreads WHERE id = ?1")?
            .query_row([spread], |row| row.get(0))?;
        let mut schemes: Vec<Scheme> = unpack(&pattern).iter().map(Group::scheme).collect();
        schemes.sort_unstable();
        schemes.dedup();
        Ok(schemes)
    }

    /// Counts; written by [`Self::flush`].
    pub(super) fn add(&mut self, spread: i64, delta: Delta) {
        let sum = self.deltas.entry(spread).or_default();
        sum.blobs += delta.blobs;
        sum.blob_bytes += delta.blob_bytes;
        sum.objects += delta.objects;
        sum.object_bytes += delta.object_bytes;
    }

    /// Writes what was counted.
    pub(super) fn flush(&mut self, db: &Connection) -> Result<()> {
        let mut update = db.prepare_cached(
            "UPDATE spreads SET blobs = blobs + ?2, blob_bytes = blob_bytes + ?3,
             objects = objects + ?4, object_bytes = object_bytes + ?5 WHERE id = ?1",
        )?;
        for (id, d) in std::mem::take(&mut self.deltas) {
            update.execute(params![id, d.blobs, d.blob_bytes, d.objects, d.object_bytes])?;
        }
        self.encodings.flush(db)
    }
}

/// All spreads that count anything.
pub(super) fn all(db: &Connection) -> Result<Vec<SpreadRow>> {
    let mut select = db.prepare_cached(
        "SELECT id, pattern, blobs, blob_bytes, objects, object_bytes FROM spreads
         WHERE blobs <> 0 OR objects <> 0 ORDER BY id",
    )?;
    let rows = select.query_map([], |row| {
        Ok(SpreadRow {
            id: row.get(0)?,
            groups: unpack(row.get_ref(1)?.as_blob()?),
            blobs: row.get::<_, i64>(2)? as u64,
            blob_bytes: row.get::<_, i64>(3)? as u64,
            objects: row.get::<_, i64>(4)? as u64,
            object_bytes: row.get::<_, i64>(5)? as u64,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_with_most_are_lost_first() {
        assert_eq!(losses_borne(vec![1, 1, 1, 1], 2), 2);
        assert_eq!(losses_borne(vec![2, 1, 1], 2), 1, "the loss of two of them could leave one");
        assert_eq!(losses_borne(vec![2, 2], 2), 1);
        assert_eq!(losses_borne(vec![3, 1], 2), 0);
        assert_eq!(losses_borne(vec![1], 2), 0, "too few even now");
        assert_eq!(losses_borne(vec![], 0), 0);
    }

    fn slots(slots: &[u16]) -> Vec<DriveSlot> {
        slots.iter().map(|&slot| DriveSlot(slot)).collect()
    }

    #[test]
    fn patterns_come_back() {
        let groups = vec![Group::of(2, &slots(&[3, 1, 0, 300]), &[1]), Group::of(4, &slots(&[0; 6]), &[])];
        assert_eq!(unpack(&pack(&groups)), groups);
        assert_eq!(groups[0].slots, slots(&[0, 3, 300]));
    }

    #[test]
    fn the_margin_is_the_number_of_drives_that_may_be_lost() {
        let four = Group::of(2, &slots(&[0, 1, 2, 3]), &[]);
        let margin = |group: &Group, down: &[u16]| Margin::of(group, |slot| !down.contains(&slot.0));
        assert_eq!(margin(&four, &[]), Margin::Full);
        assert_eq!(margin(&four, &[2]), Margin::Reduced(1));
        assert_eq!(margin(&four, &[2, 0]), Margin::Zero);
        assert_eq!(margin(&four, &[2, 0, 1]), Margin::Unreadable);
        assert_eq!(margin(&Group::of(2, &slots(&[0, 1, 2, 3]), &[3]), &[0]), Margin::Zero);
    }

    #[test]
    fn two_shards_on_a_drive_are_lost_together() {
        let crowded = Group::of(2, &slots(&[0, 1, 0, 1]), &[]);
        assert_eq!(Margin::of(&crowded, |_| true), Margin::Reduced(1));
        assert_eq!(Margin::of(&crowded, |slot| slot.0 == 1), Margin::Zero);
    }

    #[test]
    fn without_parity_all_that_is_there_is_full() {
        assert_eq!(Margin::of(&Group::of(1, &slots(&[0]), &[]), |_| true), Margin::Full);
        assert_eq!(Margin::of(&Group::of(1, &slots(&[0]), &[]), |_| false), Margin::Unreadable);
    }
}
