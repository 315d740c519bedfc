//! Space back from segments: records that live are copied out of segments that are largely dead, which then
//! go, and room that was allocated ahead is given back when nothing is appended.
//!
//! The deadest segment is next, and none that is nearly all alive; so what is copied stays a bounded multiple
//! of what comes back. While there are appends that multiple is kept small and more is left dead; once they
//! have ended, what stays dead is a small part of what lives.
//!
//! Crash argument. A record is durable in its new segment before the index points there, and the old segment
//! goes only when the index points at nothing in it. A crash between leaves two copies of a record; the one
//! in the later segment counts, and both are the same.

use super::drive::DriveError;
use super::record::{self, Kind};
use super::segment::{Appender, Location, Row, index_path, read_index};

/// How much is left dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tolerance {
    /// Dead bytes that are left alone: one in so many that the sealed segments hold.
    dead_one_in: u64,
    /// A segment is not compacted with less than one byte in so many dead: a byte that comes back costs at most
    /// this many less one copied.
    victim_one_in: u64,
}

/// While shards are appended: each byte that comes back costs at most 5 copied.
pub(super) const BUSY: Tolerance = Tolerance { dead_one_in: 10, victim_one_in: 6 };
/// Once, when nothing has been appended for a while.
pub(super) const AT_REST: Tolerance = Tolerance { dead_one_in: 40, victim_one_in: 24 };
/// Bytes copied in one step, while appends wait.
const STEP_BYTES: u64 = 4 << 20;

/// A segment being compacted: its records that are still to be looked at, the last first.
#[derive(Debug)]
pub(super) struct Compaction {
    segment: u32,
    rows: Vec<Row>,
}

impl Appender {
    /// Sets how much is left dead from now on.
    pub(super) fn tolerate(&mut self, tolerance: Tolerance) {
        if self.tolerance != tolerance {
            self.tolerance = tolerance;
            self.worth_compaction = None;
        }
    }

    /// Whether a segment is worth compacting, or one is being compacted.
    pub(super) fn wants_compaction(&mut self) -> bool {
        if self.worth_compaction.is_none() {
            self.worth_compaction = Some(self.compaction.is_some() || self.victim().is_some());
        }
        self.worth_compaction == Some(true)
    }

    /// The deadest segment, if enough is dead. The one that is open only counts at rest.
    fn victim(&self) -> Option<u32> {
        let Tolerance { dead_one_in, victim_one_in } = self.tolerance;
        let index = self.segments.index();
        let counting =
            || index.segments.iter().filter(|(_, segment)| segment.sealed || self.tolerance == AT_REST);
        let dead: u64 = counting().map(|(_, segment)| segment.dead_bytes()).sum();
        let held: u64 = counting().map(|(_, segment)| segment.held_bytes).sum();
        if dead <= held / dead_one_in {
            return None;
        }
        let share = |dead: u64, held: u64| dead as f64 / held.max(1) as f64;
        let worth =
            counting().filter(|(_, segment)| segment.dead_bytes() > segment.held_bytes / victim_one_in);
        let deadest = worth.max_by(|(_, a), (_, b)| {
            share(a.dead_bytes(), a.held_bytes).total_cmp(&share(b.dead_bytes(), b.held_bytes))
        });
        deadest.map(|(number, _)| *number)
    }

    /// Copies some records of the segment that is compacted; removes it when none is left.
    pub(super) fn compact_step(&mut self) -> Result<(), DriveError> {
        // Should this fail, there is nothing to do until more is dead.
        self.worth_compaction = Some(false);
        self.try_compact_step()?;
        self.worth_compaction = None;
        Ok(())
    }

    fn try_compact_step(&mut self) -> Result<(), DriveError> {
        let mut compaction = match self.compaction.take() {
            Some(compaction) => compaction,
            None => match self.victim() {
                Some(segment) => self.begin_compaction(segment)?,
                None => return Ok(()),
            },
        };
        let (mut batch, mut moved, mut bytes) = (Vec::new(), Vec::new(), 0);
        while bytes < STEP_BYTES
            && let Some(row) = compaction.rows.pop()
        {
            let old = Location { segment: compaction.segment, offset: row.offset, data_len: row.data_len };
            let Some(data) = self.live_record(&row, old)? else { continue };
            bytes += data.len() as u64;
            batch.push((Kind::Shard, row.id, 0, data));
            moved.push((row.id, old));
        }
        if !batch.is_empty() {
            let rows = self.write(&batch)?;
            self.sync()?;
            self.point_at(&rows, &moved);
        }
        if compaction.rows.is_empty() {
            return self.segments.remove_dead();
        }
        self.compaction = Some(compaction);
        Ok(())
    }

    fn begin_compaction(&mut self, segment: u32) -> Result<Compaction, DriveError> {
        if self.current_number() == segment {
            self.seal_current()?;
        }
        let listed = read_index(&self.segments.disk, &index_path(&self.segments.folder, segment));
        let mut rows = match listed {
            Some(rows) => rows,
            // Sealed segments have a list; one that is damaged is made up from what points there.
            None => self.segments.index().rows_of(segment),
        };
        rows.retain(|row| row.kind == Kind::Shard);
        rows.reverse();
        Ok(Compaction { segment, rows })
    }

    /// The data of a record that the index points at. One that is damaged is no longer pointed at, so that it
    /// is found missing and healed.
    fn live_record(&self, row: &Row, at: Location) -> Result<Option<bytes::Bytes>, DriveError> {
        let file = {
            let index = self.segments.index();
            if index.shards.get(&row.id) != Some(&at) {
                return Ok(None);
            }
            index.segments.get(&at.segment).map(|segment| segment.file.clone())
        };
        let Some(file) = file else { return Ok(None) };
        let (head_len, data_len) = (record::head_len(row.data_len as usize), row.data_len as usize);
        let whole = file.read_exact_at(head_len + data_len, u64::from(row.offset));
        let intact = whole.and_then(|whole| {
            record::verify_head(&whole[..head_len], row.id, 0, data_len)?;
            let data = whole.slice(head_len..);
            let good = record::verify_blocks(&whole[..head_len], 0, &data);
            if good { Ok(data) } else { Err(record::corrupt(row.id, 0, "data")) }
        });
        match intact {
            Ok(data) => Ok(Some(data)),
            Err(DriveError::Corrupt(what)) => {
                tracing::warn!(what, "a damaged record is given up while its segment is compacted");
                self.segments.index_mut().remove(row.id);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Points the index at the copies, where it still points at the originals.
    fn point_at(&self, rows: &[Row], moved: &[(super::drive::ShardId, Location)]) {
        let number = self.current_number();
        let mut index = self.segments.index_mut();
        for (row, (id, old)) in rows.iter().zip(moved) {
            if index.shards.get(id) == Some(old) {
                index.insert(number, row);
            }
        }
    }

    /// Whether room was allocated ahead of the last append.
    pub(super) fn has_slack(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.allocated)
    }

    /// Gives the room back that was allocated ahead; the next append allocates it again.
    pub(super) fn release_slack(&mut self) -> Result<(), DriveError> {
        let Some(current) = self.current.as_mut().filter(|current| current.allocated) else { return Ok(()) };
        current.file.truncate_to_end()?;
        current.allocated = false;
        current.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::super::drive::{ShardId, ShardRead};
    use super::super::record::Record;
    use super::super::segment::open;
    use super::*;
    use crate::shard_store::disk::Disk;
    use crate::types::BlobId;

    fn record(blob: u128) -> Record {
        let data: Vec<u8> = (0..9000).map(|i| (i as u128 * 7 + blob) as u8).collect();
        Record { id: ShardId { blob: BlobId(blob), shard: 1 }, stripe: 0, data: data.into() }
    }

    fn read(blob: u128) -> ShardRead {
        ShardRead { id: record(blob).id, stripe: 0, full_len: 9000, len: 9000, range: 0..9000 }
    }

    fn disk_bytes(folder: &std::path::Path) -> u64 {
        use std::os::unix::fs::MetadataExt;
        let blocks = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().metadata().unwrap().blocks();
        std::fs::read_dir(folder).unwrap().map(blocks).sum::<u64>() * 512
    }

    fn compact(appender: &mut Appender, tolerance: Tolerance) {
        appender.tolerate(tolerance);
        while appender.wants_compaction() {
            appender.compact_step().unwrap();
        }
    }

    #[test]
    fn a_little_that_is_dead_everywhere_is_left_to_a_rest() {
        let folder = tempfile::tempdir().unwrap();
        let (segments, mut appender) = open(&Disk::of_this_machine(), folder.path()).unwrap();
        let records: Vec<Record> = (0..24_000).map(record).collect();
        records.chunks(500).for_each(|batch| appender.append(batch).unwrap());
        let dead: Vec<ShardId> = records.iter().map(|r| r.id).filter(|id| id.blob.0 % 8 == 0).collect();
        appender.delete(&dead).unwrap();
        let dead_share = || {
            let index = segments.index();
            let sealed = || index.segments.values().filter(|segment| segment.sealed);
            let held: u64 = sealed().map(|segment| segment.held_bytes).sum();
            sealed().map(|segment| segment.dead_bytes()).sum::<u64>() as f64 / held as f64
        };
        let before = dead_share();
        compact(&mut appender, BUSY);
        assert_eq!(dead_share(), before);
        assert!(before > 0.12);
        compact(&mut appender, AT_REST);
        assert!(dead_share() <= 1.0 / 24.0, "{}", dead_share());
    }

    #[test]
    fn what_is_dead_comes_back_and_what_lives_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (segments, mut appender) = open(&Disk::of_this_machine(), folder.path()).unwrap();
        let records: Vec<Record> = (0..40_000).map(record).collect();
        records.chunks(500).for_each(|batch| appender.append(batch).unwrap());
        let lives = |blob: u128| blob.is_multiple_of(10);
        let dead: Vec<ShardId> = records.iter().map(|r| r.id).filter(|id| !lives(id.blob.0)).collect();
        dead.chunks(1000).for_each(|ids| appender.delete(ids).unwrap());
        compact(&mut appender, BUSY);
        compact(&mut appender, AT_REST);
        appender.release_slack().unwrap();
        let live_bytes = 4000 * 9048;
        assert!(disk_bytes(folder.path()) < live_bytes * 21 / 20, "{}", disk_bytes(folder.path()));
        let check = |segments: &super::super::segment::Segments| {
            for blob in 0..40_000 {
                match segments.read(&read(blob)) {
                    None => assert!(!lives(blob), "{blob} is missing"),
                    Some(data) => assert!(!lives(blob) || data.unwrap() == record(blob).data, "{blob}"),
                }
            }
        };
        check(&segments);
        drop(appender);
        let (segments, _) = open(&Disk::of_this_machine(), folder.path()).unwrap();
        check(&segments);
    }
}
