//! Segments: append-only files that hold the small shards of one drive.
//!
//! A segment is a run of records (see `record`). A record is written once and never edited; it is garbage
//! once the index no longer points at it. Removal appends a tombstone record whose data is a run of
//! (blob id 16 bytes, shard 1 byte), and gives the space of larger records back by punching holes that
//! leave the heads in place. A full segment is sealed: cut to its length, and `N.idx` written beside it.
//!
//! `N.idx`: magic `HFix`, CRC-32C of the rest, then per record in order: blob id 16, shard 1, kind 1, offset
//! 4, data length 4 (26 bytes), followed for tombstones by nothing: their data is read from the segment.
//!
//! Invariants
//! - A shard is acknowledged only after everything before it in the segment is on stable storage.
//! - The index never points beyond the durable end of a segment.
//! - Appends pass the page cache by and write the last, part-filled page again with its bytes unchanged.
//! - On open, the longest prefix of an unsealed segment with intact records is the segment; the rest is a
//!   torn tail, and appending goes on in a new segment.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;

use super::blob_file::read_record;
use super::bulk::{Place, RecordFile};
use super::compaction::{BUSY, Compaction, Tolerance};
use super::disk::{DirectAppender, Disk, DiskFile};
use super::drive::{DriveError, ShardId, ShardRead};
use super::record::{self, Kind, Record, record_len};
use crate::checksum::crc32c;
use crate::runtime::PAGE_BYTES;
use crate::types::BlobId;

/// Length at which a segment is sealed: a 64th of the drive within these bounds.
const SEGMENT_BYTES: std::ops::RangeInclusive<u64> = 1 << 20..=64 << 20;
/// Records smaller than this leave their space to the removal of the whole segment.
const PUNCH_BYTES_MIN: u64 = 16 << 10;
const INDEX_MAGIC: [u8; 4] = *b"HFix";
const INDEX_ROW_BYTES: usize = 26;
const TOMBSTONE_ROW_BYTES: usize = 17;

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) segment: u32,
    pub(super) offset: u32,
    pub(super) data_len: u32,
}

/// One record as the index file lists it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) kind: Kind,
    pub(super) id: ShardId,
    pub(super) offset: u32,
    pub(super) data_len: u32,
}

#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) file: Arc<DiskFile>,
    /// Records that the index points at, and their bytes.
    live: u64,
    live_bytes: u64,
    /// Bytes on the disk, what was punched left out.
    pub(super) held_bytes: u64,
    pub(super) sealed: bool,
}

impl Segment {
    fn new(file: Arc<DiskFile>, held_bytes: u64, sealed: bool) -> Self {
        Self { file, live: 0, live_bytes: 0, held_bytes, sealed }
    }

    /// Bytes on the disk that nothing points at.
    pub(super) fn dead_bytes(&self) -> u64 {
        self.held_bytes.saturating_sub(self.live_bytes)
    }
}

#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) shards: HashMap<ShardId, Location>,
    pub(super) segments: BTreeMap<u32, Segment>,
}

/// The segments of a drive. Reads go on from many threads; `Appender` belongs to one.
#[derive(Debug)]
pub(super) struct Segments {
    pub(super) disk: Disk,
    pub(super) folder: PathBuf,
    index: RwLock<Index>,
}

/// The writing end.
#[derive(Debug)]
pub(super) struct Appender {
    pub(super) segments: Arc<Segments>,
    pub(super) current: Option<Current>,
    pub(super) compaction: Option<Compaction>,
    pub(super) tolerance: Tolerance,
    /// Whether a segment is worth compacting; `None` when that is to be looked at.
    pub(super) worth_compaction: Option<bool>,
    next_number: u32,
    segment_bytes: u64,
}

#[derive(Debug)]
pub(super) struct Current {
    number: u32,
    pub(super) file: DirectAppender,
    rows: Vec<Row>,
    /// Room for a whole segment is allocated.
    pub(super) allocated: bool,
}

/// Opens the segments in `folder`.
pub(super) fn open(disk: &Disk, folder: &Path) -> Result<(Arc<Segments>, Appender), DriveError> {
    disk.create_dir(folder)?;
    let mut index = Index::default();
    let mut next_number = 1;
    for name in disk.list_dir(folder)? {
        let Some((stem, extension)) = name.split_once('.') else { continue };
        let Ok(number) = stem.parse() else { continue };
        // No number is used again while an index of it is there, for it would count as the new segment's.
        next_number = next_number.max(number + 1);
        if extension == "idx" && !disk.exists(&segment_path(folder, number)) {
            disk.remove_file(&folder.join(&name))?;
        }
        if extension != "seg" {
            continue;
        }
        let file = Arc::new(disk.open_rw(&folder.join(&name))?);
        let rows = match read_index(disk, &index_path(folder, number)) {
            Some(rows) => rows,
            None => seal(disk, folder, number, &file, scan(&file)?)?,
        };
        index.segments.insert(number, Segment::new(file.clone(), file.held()?, true));
        index.replay(number, &file, &rows)?;
    }
    let segments =
        Arc::new(Segments { disk: disk.clone(), folder: folder.to_owned(), index: RwLock::new(index) });
    segments.remove_dead()?;
    let (drive_bytes, _) = disk.space(folder)?;
    let segment_bytes = (drive_bytes / 64).clamp(*SEGMENT_BYTES.start(), *SEGMENT_BYTES.end());
    let appender = Appender {
        segments: segments.clone(),
        current: None,
        compaction: None,
        tolerance: BUSY,
        worth_compaction: None,
        next_number,
        segment_bytes,
    };
    Ok((segments, appender))
}

fn segment_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:010}.seg"))
}

pub(super) fn index_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:010}.idx"))
}

impl Index {
    /// Takes the rows of one segment into account, in order.
    fn replay(&mut self, number: u32, file: &DiskFile, rows: &[Row]) -> Result<(), DriveError> {
        for row in rows {
            match row.kind {
                Kind::Shard => self.insert(number, row),
                Kind::Tombstone => {
                    let data_at = u64::from(row.offset) + record::head_len(row.data_len as usize) as u64;
                    for id in tombstone_ids(&file.read_exact_at(row.data_len as usize, data_at)?) {
                        self.remove(id);
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn insert(&mut self, segment: u32, row: &Row) {
        self.remove(row.id);
        self.shards.insert(row.id, Location { segment, offset: row.offset, data_len: row.data_len });
        if let Some(segment) = self.segments.get_mut(&segment) {
            segment.live += 1;
            segment.live_bytes += record_len(row.data_len as usize) as u64;
        }
    }

    pub(super) fn remove(&mut self, id: ShardId) -> Option<Location> {
        let location = self.shards.remove(&id)?;
        if let Some(segment) = self.segments.get_mut(&location.segment) {
            segment.live -= 1;
            segment.live_bytes -= record_len(location.data_len as usize) as u64;
        }
        Some(location)
    }

    /// The records that point into a segment, by place.
    pub(super) fn rows_of(&self, segment: u32) -> Vec<Row> {
        let inside = self.shards.iter().filter(|(_, at)| at.segment == segment);
        let row = |(&id, at): (&ShardId, &Location)| Row {
            kind: Kind::Shard,
            id,
            offset: at.offset,
            data_len: at.data_len,
        };
        let mut rows: Vec<Row> = inside.map(row).collect();
        rows.sort_unstable_by_key(|row| row.offset);
        rows
    }
}

impl Segments {
    pub(super) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn locate(&self, id: ShardId) -> Option<(Location, Arc<DiskFile>)> {
        let index = self.index();
        let location = *index.shards.get(&id)?;
        Some((location, index.segments.get(&location.segment)?.file.clone()))
    }

    /// Whether a shard is here.
    pub(super) fn contains(&self, id: ShardId) -> bool {
        self.index().shards.contains_key(&id)
    }

    /// The shards held in every 256th segment, from the one with this number on.
    pub(super) fn list(&self, part: u8) -> Vec<ShardId> {
        let in_part = |number: &u32| number % 256 == u32::from(part);
        let segments: Vec<(u32, bool)> = self
            .index()
            .segments
            .iter()
            .map(|(&number, s)| (number, s.sealed))
            .filter(|(n, _)| in_part(n))
            .collect();
        let mut ids = Vec::new();
        for (number, sealed) in segments {
            let path = index_path(&self.folder, number);
            let rows = sealed.then(|| read_index(&self.disk, &path)).flatten();
            let index = self.index();
            let rows = rows.unwrap_or_else(|| index.rows_of(number)).into_iter();
            let lives = |id: &ShardId| index.shards.get(id).is_some_and(|at| at.segment == number);
            ids.extend(rows.filter(|row| row.kind == Kind::Shard).map(|row| row.id).filter(lives));
        }
        ids
    }

    /// Shards held.
    pub(super) fn len(&self) -> u64 {
        self.index().shards.len() as u64
    }

    /// Reads and verifies; `None` if the shard is not in a segment.
    pub(super) fn read(&self, read: &ShardRead) -> Option<Result<Bytes, DriveError>> {
        self.read_by(read, DiskFile::read_exact_at)
    }

    fn read_by(
        &self,
        read: &ShardRead,
        fetch: impl Fn(&DiskFile, usize, u64) -> Result<Bytes, DriveError>,
    ) -> Option<Result<Bytes, DriveError>> {
        let (location, file) = self.locate(read.id)?;
        let data_at = record::head_len(read.len as usize);
        let fetch = |len, at| fetch(&file, len, at);
        Some(read_record(u64::from(location.offset), data_at, read, fetch))
    }

    /// Where a shard is; `None` if it is not in a segment.
    pub(super) fn place(&self, read: &ShardRead) -> Option<Place> {
        let location = *self.index().shards.get(&read.id)?;
        Some(Place {
            file: RecordFile::Segment(location.segment),
            offset: u64::from(location.offset),
            data_at: record::head_len(read.len as usize) as u64,
        })
    }

    /// Where a segment is.
    pub(super) fn path(&self, number: u32) -> PathBuf {
        segment_path(&self.folder, number)
    }

    /// Reads if no disk access is needed; `None` where it is, or the shard is not in a segment.
    pub(super) fn read_cached(&self, read: &ShardRead) -> Option<Result<Bytes, DriveError>> {
        let fetch = |file: &DiskFile, len, at| file.read_cached_at(len, at).ok_or(DriveError::NotFound);
        self.read_by(read, fetch).filter(|result| *result != Err(DriveError::NotFound))
    }

    /// Removes sealed segments that hold nothing alive.
    pub(super) fn remove_dead(&self) -> Result<(), DriveError> {
        let mut index = self.index_mut();
        let dead: Vec<u32> =
            index.segments.iter().filter(|(_, s)| s.sealed && s.live == 0).map(|(&n, _)| n).collect();
        for number in &dead {
            index.segments.remove(number);
        }
        drop(index);
        for number in dead {
            // The segment goes first: an index without its segment is removed by the next start.
            self.disk.remove_file(&segment_path(&self.folder, number))?;
            self.disk.remove_file(&index_path(&self.folder, number))?;
        }
        Ok(())
    }
}

impl Appender {
    /// Appends records and waits until all are durable.
    pub(super) fn append(&mut self, records: &[Record]) -> Result<(), DriveError> {
        let batch: Vec<_> = records.iter().map(|r| (Kind::Shard, r.id, r.stripe, r.data.clone())).collect();
        let rows = self.write(&batch)?;
        self.sync()?;
        let number = self.current_number();
        let mut index = self.segments.index_mut();
        for row in &rows {
            index.insert(number, row);
        }
        Ok(())
    }

    /// The number of the segment that was appended to last.
    pub(super) fn current_number(&self) -> u32 {
        self.current.as_ref().map_or(0, |current| current.number)
    }

    /// Removes shards. A tombstone need not be durable: after a crash the shard is an orphan again.
    pub(super) fn delete(&mut self, ids: &[ShardId]) -> Result<(), DriveError> {
        let removed: Vec<(ShardId, Location)> = {
            let mut index = self.segments.index_mut();
            ids.iter().filter_map(|&id| index.remove(id).map(|location| (id, location))).collect()
        };
        if removed.is_empty() {
            return Ok(());
        }
        let mut data = Vec::with_capacity(removed.len() * TOMBSTONE_ROW_BYTES);
        for (id, _) in &removed {
            data.extend_from_slice(&id.blob.0.to_le_bytes());
            data.push(id.shard);
        }
        self.worth_compaction = None;
        self.write(&[(Kind::Tombstone, ShardId { blob: BlobId(0), shard: 0 }, 0, data.into())])?;
        for (_, location) in removed {
            self.punch(location)?;
        }
        self.segments.remove_dead()
    }

    fn punch(&self, location: Location) -> Result<(), DriveError> {
        let data_len = location.data_len as usize;
        let start = u64::from(location.offset) + record::head_len(data_len) as u64;
        let end = u64::from(location.offset) + record_len(data_len) as u64;
        let page = PAGE_BYTES as u64;
        let (start, end) = (start.next_multiple_of(page), end / page * page);
        if end.saturating_sub(start) < PUNCH_BYTES_MIN {
            return Ok(());
        }
        let file = self.segments.index().segments.get(&location.segment).map(|segment| segment.file.clone());
        let Some(file) = file else { return Ok(()) };
        // Without holes the space is dead, and comes back by compaction.
        if file.punch(start, end - start)?
            && let Some(segment) = self.segments.index_mut().segments.get_mut(&location.segment)
        {
            segment.held_bytes = segment.held_bytes.saturating_sub(end - start);
        }
        Ok(())
    }

    /// Writes records behind each other, in a new segment if they do not fit; not yet durable.
    pub(super) fn write(&mut self, batch: &[(Kind, ShardId, u32, Bytes)]) -> Result<Vec<Row>, DriveError> {
        const PADDING: [u8; 8] = [0; 8];
        let length: u64 = batch.iter().map(|(.., data)| record_len(data.len()) as u64).sum();
        if self.current.as_ref().is_none_or(|current| current.file.end() + length > self.segment_bytes) {
            self.roll(length)?;
        }
        let current = self.current.as_mut().expect("a segment was opened when there was none");
        if !current.allocated {
            let path = segment_path(&self.segments.folder, current.number);
            self.segments
                .disk
                .open_rw(&path)?
                .allocate(self.segment_bytes.max(current.file.end() + length))?;
            current.allocated = true;
        }
        let heads: Vec<Vec<u8>> =
            batch.iter().map(|(kind, id, stripe, data)| record::head(*kind, *id, *stripe, data)).collect();
        let mut slices: Vec<&[u8]> = Vec::with_capacity(batch.len() * 3);
        let mut rows = Vec::with_capacity(batch.len());
        let mut offset = current.file.end();
        for ((kind, id, _, data), head) in batch.iter().zip(&heads) {
            let padding = record_len(data.len()) - head.len() - data.len();
            slices.extend([head.as_slice(), data, &PADDING[..padding]]);
            rows.push(Row { kind: *kind, id: *id, offset: offset as u32, data_len: data.len() as u32 });
            offset += record_len(data.len()) as u64;
        }
        current.file.append(&slices)?;
        current.rows.extend_from_slice(&rows);
        let number = current.number;
        if let Some(segment) = self.segments.index_mut().segments.get_mut(&number) {
            segment.held_bytes += length;
        }
        Ok(rows)
    }

    pub(super) fn sync(&self) -> Result<(), DriveError> {
        self.current.as_ref().map_or(Ok(()), |current| current.file.sync_data())
    }

    /// Seals the current segment, if there is one; the next record begins another.
    pub(super) fn seal_current(&mut self) -> Result<(), DriveError> {
        self.worth_compaction = None;
        let Some(full) = self.current.take() else { return Ok(()) };
        full.file.truncate_to_end()?;
        full.file.sync_data()?;
        write_index(&self.segments.disk, &index_path(&self.segments.folder, full.number), &full.rows)?;
        if let Some(segment) = self.segments.index_mut().segments.get_mut(&full.number) {
            segment.sealed = true;
        }
        Ok(())
    }

    /// Seals the current segment and starts a new one with room for `length` bytes.
    fn roll(&mut self, length: u64) -> Result<(), DriveError> {
        self.seal_current()?;
        let (disk, folder) = (self.segments.disk.clone(), self.segments.folder.clone());
        let number = self.next_number;
        let path = segment_path(&folder, number);
        let file = DirectAppender::new(disk.create_direct(&path)?);
        let reads = disk.open_rw(&path)?;
        reads.allocate(length.max(self.segment_bytes))?;
        reads.sync_data()?;
        disk.sync_dir(&folder)?;
        let segment = Segment::new(Arc::new(reads), 0, false);
        self.segments.index_mut().segments.insert(number, segment);
        self.next_number += 1;
        self.current = Some(Current { number, file, rows: Vec::new(), allocated: true });
        self.segments.remove_dead()
    }
}

fn tombstone_ids(data: &[u8]) -> Vec<ShardId> {
    data.chunks_exact(TOMBSTONE_ROW_BYTES)
        .filter_map(|row| {
            let blob = BlobId(u128::from_le_bytes(row[..16].try_into().ok()?));
            Some(ShardId { blob, shard: row[16] })
        })
        .collect()
}

/// The intact records of an unsealed segment, and where they end. Data that was punched out afterwards
/// fails its checksum; its tombstone follows, so only the last record's data decides about the tail.
fn scan(file: &DiskFile) -> Result<(Vec<Row>, u64), DriveError> {
    let len = file.len()?;
    let mut rows: Vec<Row> = Vec::new();
    let mut at = 0;
    while at < len {
        let fixed_bytes = file.read_up_to_at(record::FIXED_BYTES, at)?;
        let Some(fixed) = record::parse_fixed(&fixed_bytes) else { break };
        let end = at + record_len(fixed.data_len) as u64;
        let head = file.read_up_to_at(record::head_len(fixed.data_len), at)?;
        if end > len || !record::head_is_intact(&head) {
            break;
        }
        let data_len = fixed.data_len as u32;
        rows.push(Row { kind: fixed.kind, id: fixed.id, offset: at as u32, data_len });
        at = end;
    }
    cut_torn_tail(file, &mut rows)?;
    let end = rows.last().map_or(0, |row| u64::from(row.offset) + record_len(row.data_len as usize) as u64);
    Ok((rows, end))
}

/// Drops records at the end whose data never arrived. An acknowledged one is intact, so all that
/// follows the last intact record was never acknowledged.
fn cut_torn_tail(file: &DiskFile, rows: &mut Vec<Row>) -> Result<(), DriveError> {
    while let Some(row) = rows.last() {
        let data_len = row.data_len as usize;
        let head_len = record::head_len(data_len);
        let whole = file.read_exact_at(head_len + data_len, u64::from(row.offset))?;
        if record::verify_blocks(&whole[..head_len], 0, &whole[head_len..]) {
            break;
        }
        rows.pop();
    }
    Ok(())
}

/// Seals a segment that was left open: cuts it and writes its index.
fn seal(
    disk: &Disk,
    folder: &Path,
    number: u32,
    file: &DiskFile,
    (rows, end): (Vec<Row>, u64),
) -> Result<Vec<Row>, DriveError> {
    file.truncate(end)?;
    file.sync_data()?;
    write_index(disk, &index_path(folder, number), &rows)?;
    Ok(rows)
}

fn write_index(disk: &Disk, path: &Path, rows: &[Row]) -> Result<(), DriveError> {
    let mut body = Vec::with_capacity(rows.len() * INDEX_ROW_BYTES);
    for row in rows {
        body.extend_from_slice(&row.id.blob.0.to_le_bytes());
        body.extend_from_slice(&[row.id.shard, if row.kind == Kind::Shard { 1 } else { 2 }]);
        body.extend_from_slice(&row.offset.to_le_bytes());
        body.extend_from_slice(&row.data_len.to_le_bytes());
    }
    let content = [&INDEX_MAGIC[..], &crc32c(&body).to_le_bytes(), &body].concat();
    disk.replace_file(path, &content)
}

/// The rows of an index file; `None` if it is missing or damaged, when the segment is scanned instead.
pub(super) fn read_index(disk: &Disk, path: &Path) -> Option<Vec<Row>> {
    let content = disk.read(path).ok()?;
    let (head, body) = content.split_at_checked(8)?;
    if head[..4] != INDEX_MAGIC || head[4..] != crc32c(body).to_le_bytes() {
        return None;
    }
    body.chunks_exact(INDEX_ROW_BYTES)
        .map(|row| {
            let blob = BlobId(u128::from_le_bytes(row[..16].try_into().ok()?));
            Some(Row {
                id: ShardId { blob, shard: row[16] },
                kind: if row[17] == 1 { Kind::Shard } else { Kind::Tombstone },
                offset: u32::from_le_bytes(row[18..22].try_into().ok()?),
                data_len: u32::from_le_bytes(row[22..26].try_into().ok()?),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(blob: u128, len: usize) -> Record {
        let data: Vec<u8> = (0..len).map(|i| (i as u128 * 7 + blob) as u8).collect();
        Record { id: ShardId { blob: BlobId(blob), shard: 2 }, stripe: 0, data: data.into() }
    }

    fn whole(record: &Record) -> ShardRead {
        let len = record.data.len() as u32;
        ShardRead { id: record.id, stripe: 0, full_len: len, len, range: 0..len }
    }

    #[test]
    fn records_survive_sealing_and_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let (_, mut appender) = open(&Disk::of_this_machine(), folder.path()).unwrap();
        let records: Vec<Record> = (0..150).map(|i| record(i, 1 << 20)).collect();
        for batch in records.chunks(7) {
            appender.append(batch).unwrap();
        }
        appender.delete(&[records[3].id, records[149].id]).unwrap();
        drop(appender);
        let (segments, _) = open(&Disk::of_this_machine(), folder.path()).unwrap();
        for (i, record) in records.iter().enumerate() {
            match segments.read(&whole(record)) {
                None => assert!(i == 3 || i == 149, "{i} is missing"),
                Some(data) => assert_eq!(data.unwrap(), record.data),
            }
        }
    }

    #[test]
    fn torn_tail_is_cut_on_open() {
        let folder = tempfile::tempdir().unwrap();
        let (_, mut appender) = open(&Disk::of_this_machine(), folder.path()).unwrap();
        let (kept, torn) = (record(1, 5000), record(2, 9000));
        appender.append(std::slice::from_ref(&kept)).unwrap();
        appender.append(std::slice::from_ref(&torn)).unwrap();
        let file = Disk::of_this_machine().open_rw(&segment_path(folder.path(), 1)).unwrap();
        file.write_at(&[0; 100], record_len(5000) as u64 + 4000).unwrap();
        let (segments, mut appender) = open(&Disk::of_this_machine(), folder.path()).unwrap();
        assert_eq!(segments.read(&whole(&kept)).unwrap().unwrap(), kept.data);
        assert!(segments.read(&whole(&torn)).is_none());
        appender.append(std::slice::from_ref(&torn)).unwrap();
        assert_eq!(segments.read(&whole(&torn)).unwrap().unwrap(), torn.data);
    }

    #[test]
    fn an_index_left_by_a_removed_segment_is_not_taken_for_another_ones() {
        let folder = tempfile::tempdir().unwrap();
        write_index(&Disk::of_this_machine(), &index_path(folder.path(), 1), &[]).unwrap();
        let (_, mut appender) = open(&Disk::of_this_machine(), folder.path()).unwrap();
        let record = record(1, 1000);
        appender.append(std::slice::from_ref(&record)).unwrap();
        let (segments, _) = open(&Disk::of_this_machine(), folder.path()).unwrap();
        assert_eq!(segments.read(&whole(&record)).unwrap().unwrap(), record.data);
    }

    #[test]
    fn a_segment_without_live_records_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (_, mut appender) = open(&Disk::of_this_machine(), folder.path()).unwrap();
        let record = record(1, 1000);
        appender.append(std::slice::from_ref(&record)).unwrap();
        drop(appender);
        let (_, mut appender) = open(&Disk::of_this_machine(), folder.path()).unwrap();
        appender.delete(&[record.id]).unwrap();
        assert!(!segment_path(folder.path(), 1).exists());
    }
}
