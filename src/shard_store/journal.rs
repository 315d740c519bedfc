//! The drive's replica of the metadata log: entries in order, durable one append at a time.
//!
//! Files `log/FIRST.log` (FIRST: index of the first entry, 16 hex digits) are preallocated, or recycled
//! from trimmed ones so that a sync need not write file-system metadata. An entry:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `HFlg` |
//! | 4 | 4 | CRC-32C of bytes 8.. of the entry, payload included |
//! | 8 | 8 | epoch, little endian like all that follows |
//! | 16 | 8 | index |
//! | 24 | 4 | payload length |
//! | 28 | 4 | 0 |
//! | 32 | n | payload, then zeros up to a multiple of 8 |
//!
//! Crash argument. An append is acknowledged after its `fdatasync`, which also covers every earlier
//! byte of the file; a file is synced with its folder before its first entry. So a crash can tear only
//! the one entry that was being written: its checksum fails and the log ends before it. Bytes of an
//! earlier use of a recycled file carry lower indices, which do not continue the log, and end it too.
//! An entry with the same index and a higher epoch supersedes what stood there and after it.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::disk::{self, DiskFile};
use super::drive::DriveError;
use crate::checksum::crc32c;
use crate::types::{LogEntry, LogPosition};

/// Length of a log file, unless one entry needs more.
const FILE_BYTES: u64 = 16 << 20;
const HEAD_BYTES: usize = 32;
const MAGIC: [u8; 4] = *b"HFlg";
/// Trimmed files kept for reuse.
const SPARES_MAX: usize = 2;
/// About how much one read returns.
const READ_BYTES_MAX: usize = 4 << 20;

/// An open log. One thread owns it.
#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    /// First index of each file; the last one is being written.
    files: BTreeMap<u64, PathBuf>,
    spares: VecDeque<PathBuf>,
    current: Option<Current>,
    first: Option<LogPosition>,
    last: Option<LogPosition>,
    /// The index the next entry must have when the log is empty.
    next_when_empty: u64,
    spare_count: u64,
}

#[derive(Debug)]
struct Current {
    file: DiskFile,
    len: u64,
    end: u64,
}

impl Journal {
    /// Opens the log in `folder`, which is made if need be.
    pub(super) fn open(folder: &Path) -> Result<Self, DriveError> {
        disk::create_dir(folder)?;
        let mut journal = Self {
            folder: folder.to_owned(),
            files: BTreeMap::new(),
            spares: VecDeque::new(),
            current: None,
            first: None,
            last: None,
            next_when_empty: 1,
            spare_count: 0,
        };
        for name in disk::list_dir(folder)? {
            match name.strip_suffix(".log").map(|stem| u64::from_str_radix(stem, 16)) {
                Some(Ok(first)) => drop(journal.files.insert(first, folder.join(name))),
                _ if name.ends_with(".spare") => disk::remove_file(&folder.join(name))?,
                _ => {}
            }
        }
        journal.recover()?;
        Ok(journal)
    }

    /// Reads every file; the log ends where the entries stop continuing.
    fn recover(&mut self) -> Result<(), DriveError> {
        let starts: Vec<u64> = self.files.keys().copied().collect();
        if let Some(&start) = starts.first() {
            self.next_when_empty = start;
        }
        for start in starts {
            if self.last.is_some_and(|last| start > last.index + 1) {
                // Superseded by an earlier file of a later epoch.
                self.drop_file(start)?;
                continue;
            }
            let file = DiskFile::open_rw(&self.files[&start])?;
            let len = file.len()?;
            let content = file.read_exact_at(len as usize, 0)?;
            let scanned = scan(&content, start, self.last);
            if scanned.entries.is_empty() && self.last.is_some_and(|last| start <= last.index) {
                // Made for an entry that never came.
                self.drop_file(start)?;
                continue;
            }
            if let Some(first) = scanned.entries.first() {
                self.first = self.first.or(Some(first.position));
            }
            self.last = scanned.entries.last().map(|entry| entry.position).or(self.last);
            self.current = Some(Current { file, len, end: scanned.end });
        }
        Ok(())
    }

    /// The oldest entry.
    pub(super) fn first(&self) -> Option<LogPosition> {
        self.first
    }

    /// The newest entry.
    pub(super) fn last(&self) -> Option<LogPosition> {
        self.last
    }

    /// The index of the next new entry.
    pub(super) fn next_index(&self) -> u64 {
        self.last.map_or(self.next_when_empty, |last| last.index + 1)
    }

    /// Appends an entry and waits until it is durable. An entry that is there already is no error.
    pub(super) fn append(&mut self, position: LogPosition, payload: &[u8]) -> Result<(), DriveError> {
        if self.last == Some(position) {
            return Ok(());
        }
        self.check_continues(position)?;
        let head = head(position, payload);
        let padding = [0u8; 7];
        let padding = &padding[..payload.len().next_multiple_of(8) - payload.len()];
        let length = (HEAD_BYTES + payload.len() + padding.len()) as u64;
        let newest_file = self.files.keys().next_back().copied().unwrap_or(0);
        let reaches_back = self.last.is_some() && position.index <= newest_file;
        if reaches_back || self.current.as_ref().is_none_or(|current| current.end + length > current.len) {
            self.roll(position.index, length)?;
        }
        let current = self.current.as_mut().expect("a file was rolled when there was none");
        current.file.write_all_at(&[&head, payload, padding], current.end)?;
        current.file.sync_data()?;
        current.end += length;
        self.last = Some(position);
        self.first = self.first.filter(|first| first.index < position.index).or(Some(position));
        for superseded in self.files.range(position.index + 1..).map(|(&start, _)| start).collect::<Vec<_>>()
        {
            self.drop_file(superseded)?;
        }
        Ok(())
    }

    fn check_continues(&self, position: LogPosition) -> Result<(), DriveError> {
        let end = self.last.unwrap_or(LogPosition { epoch: 0, index: self.next_when_empty - 1 });
        if continues(end, position) && self.first.is_none_or(|first| position.index >= first.index) {
            Ok(())
        } else {
            Err(DriveError::LogGap { end })
        }
    }

    /// Starts a new file with an entry of `index` and at least `length` bytes.
    fn roll(&mut self, index: u64, length: u64) -> Result<(), DriveError> {
        let path = self.folder.join(format!("{index:016x}.log"));
        let reused = if length <= FILE_BYTES { self.spares.pop_front() } else { None };
        if self.files.contains_key(&index) {
            self.drop_file(index)?;
        }
        let file = match reused {
            Some(spare) => {
                std::fs::rename(&spare, &path).map_err(|error| disk::io_error("rename", &spare, &error))?;
                DiskFile::open_rw(&path)?
            }
            None => {
                let file = DiskFile::create(&path)?;
                file.allocate(length.max(FILE_BYTES))?;
                file
            }
        };
        file.sync_data()?;
        disk::sync_dir(&self.folder)?;
        self.current = Some(Current { len: file.len()?, file, end: 0 });
        self.files.insert(index, path);
        Ok(())
    }

    /// Entries from `from` on, about 4 MiB of them.
    pub(super) fn read(&self, from: u64) -> Result<Vec<LogEntry>, DriveError> {
        let (Some(first), Some(last)) = (self.first, self.last) else { return Ok(Vec::new()) };
        if from < first.index {
            return Err(DriveError::NotFound);
        }
        let mut entries: Vec<LogEntry> = Vec::new();
        let mut bytes = 0;
        let start = self.files.range(..=from).next_back().map_or(0, |(&start, _)| start);
        for (&start, path) in self.files.range(start..) {
            let file = DiskFile::open(path)?;
            let content = file.read_exact_at(file.len()? as usize, 0)?;
            let before = entries.last().map(|entry| entry.position);
            for entry in scan(&content, start, before).entries {
                while entries.last().is_some_and(|last| last.position.index >= entry.position.index) {
                    entries.pop();
                }
                if entry.position.index >= from && entry.position <= last {
                    bytes += entry.payload.len() + HEAD_BYTES;
                    entries.push(entry);
                }
            }
            if bytes >= READ_BYTES_MAX {
                break;
            }
        }
        Ok(entries)
    }

    /// Forgets files all of whose entries are below `below`.
    pub(super) fn trim(&mut self, below: u64) -> Result<(), DriveError> {
        while let Some(next) = self.files.keys().nth(1).copied().filter(|&next| next <= below) {
            let (_, path) = self.files.pop_first().expect("there are two files");
            self.first = Some(LogPosition { epoch: 0, index: next });
            if self.spares.len() < SPARES_MAX && DiskFile::open(&path)?.len()? == FILE_BYTES {
                self.spare_count += 1;
                let spare = self.folder.join(format!("{}.spare", self.spare_count));
                std::fs::rename(&path, &spare).map_err(|error| disk::io_error("rename", &path, &error))?;
                self.spares.push_back(spare);
            } else {
                disk::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Empties the log; it goes on at `next`.
    pub(super) fn reset(&mut self, next: LogPosition) -> Result<(), DriveError> {
        self.current = None;
        for start in self.files.keys().copied().collect::<Vec<_>>() {
            self.drop_file(start)?;
        }
        (self.first, self.last) = (None, None);
        self.next_when_empty = next.index;
        Ok(())
    }

    fn drop_file(&mut self, start: u64) -> Result<(), DriveError> {
        match self.files.remove(&start) {
            Some(path) => disk::remove_file(&path),
            None => Ok(()),
        }
    }
}

/// Whether an entry may stand after `end`: the next index in the same or a later epoch, or an earlier
/// index again in a later epoch.
fn continues(end: LogPosition, position: LogPosition) -> bool {
    (position.index == end.index + 1 && position.epoch >= end.epoch)
        || (position.index <= end.index && position.epoch > end.epoch)
}

fn head(position: LogPosition, payload: &[u8]) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..4].copy_from_slice(&MAGIC);
    head[8..16].copy_from_slice(&position.epoch.to_le_bytes());
    head[16..24].copy_from_slice(&position.index.to_le_bytes());
    head[24..28].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    let sum = checksum(&head, payload);
    head[4..8].copy_from_slice(&sum.to_le_bytes());
    head
}

fn checksum(head: &[u8], payload: &[u8]) -> u32 {
    // Two sums, the second seeded by being taken over the first: cheaper than joining the slices.
    let head_sum = crc32c(&head[8..HEAD_BYTES]);
    head_sum.rotate_left(13) ^ crc32c(payload)
}

struct Scanned {
    entries: Vec<LogEntry>,
    /// Where the next entry goes in the file.
    end: u64,
}

/// The entries of one file whose first has index `start`, as far as they continue from `before`.
fn scan(content: &Bytes, start: u64, before: Option<LogPosition>) -> Scanned {
    let mut entries: Vec<LogEntry> = Vec::new();
    let mut at = 0;
    while let Some(entry) = parse(content, at) {
        let accepted = match entries.last().map(|entry| entry.position) {
            Some(end) => continues(end, entry.position),
            None => {
                entry.position.index == start && before.is_none_or(|before| continues(before, entry.position))
            }
        };
        if !accepted {
            break;
        }
        at += HEAD_BYTES + entry.payload.len().next_multiple_of(8);
        while entries.last().is_some_and(|last| last.position.index >= entry.position.index) {
            entries.pop();
        }
        entries.push(entry);
    }
    Scanned { entries, end: at as u64 }
}

fn parse(content: &Bytes, at: usize) -> Option<LogEntry> {
    let head = content.get(at..at + HEAD_BYTES)?;
    let field = |range: std::ops::Range<usize>| head.get(range).and_then(|bytes| bytes.try_into().ok());
    let length = u32::from_le_bytes(head[24..28].try_into().ok()?) as usize;
    let start = at + HEAD_BYTES;
    let payload = content.get(start..start.checked_add(length)?)?;
    if head[..4] != MAGIC || head[4..8] != checksum(head, payload).to_le_bytes() {
        return None;
    }
    let position =
        LogPosition { epoch: u64::from_le_bytes(field(8..16)?), index: u64::from_le_bytes(field(16..24)?) };
    Some(LogEntry { position, payload: content.slice(start..start + length) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: u64, index: u64) -> LogPosition {
        LogPosition { epoch, index }
    }

    fn positions(journal: &Journal, from: u64) -> Vec<LogPosition> {
        journal.read(from).unwrap().into_iter().map(|entry| entry.position).collect()
    }

    #[test]
    fn entries_survive_reopening_and_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        for index in 1..=20 {
            journal.append(at(1, index), &vec![index as u8; 1 << 20]).unwrap();
        }
        let mut journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.last(), Some(at(1, 20)));
        journal.append(at(2, 21), b"x").unwrap();
        let read = journal.read(20).unwrap();
        assert_eq!(read[0].payload, vec![20u8; 1 << 20]);
        assert_eq!(read[1].payload, "x");
    }

    #[test]
    fn torn_tail_is_cut_on_open() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        journal.append(at(1, 1), b"whole").unwrap();
        let end = journal.current.as_ref().unwrap().end;
        journal.append(at(1, 2), &[7; 5000]).unwrap();
        let file = DiskFile::open_rw(&journal.files[&1]).unwrap();
        file.write_at(&[0; 1000], end + 3000).unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.last(), Some(at(1, 1)));
        journal.append(at(2, 2), b"again").unwrap();
        assert_eq!(positions(&Journal::open(folder.path()).unwrap(), 1), [at(1, 1), at(2, 2)]);
    }

    #[test]
    fn gaps_and_older_epochs_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        journal.append(at(2, 1), b"a").unwrap();
        for refused in [at(2, 3), at(1, 2), at(1, 1)] {
            assert!(matches!(journal.append(refused, b""), Err(DriveError::LogGap { .. })), "{refused:?}");
        }
        journal.append(at(2, 1), b"a").expect("the same entry again is no error");
    }

    #[test]
    fn a_higher_epoch_supersedes_the_tail() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        for index in 1..=5 {
            journal.append(at(1, index), b"old").unwrap();
        }
        journal.append(at(2, 4), b"new").unwrap();
        let expected = [at(1, 1), at(1, 2), at(1, 3), at(2, 4)];
        assert_eq!(positions(&journal, 1), expected);
        assert_eq!(positions(&Journal::open(folder.path()).unwrap(), 1), expected);
    }

    #[test]
    fn superseding_entries_reach_back_over_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        for index in 1..=20 {
            journal.append(at(1, index), &vec![1; 1 << 20]).unwrap();
        }
        for index in 10..=30 {
            journal.append(at(2, index), &vec![2; 1 << 20]).unwrap();
        }
        let journal = Journal::open(folder.path()).unwrap();
        let mut read = Vec::new();
        while read.len() < 30 {
            read.extend(positions(&journal, read.len() as u64 + 1));
        }
        let expected: Vec<_> = (1..10).map(|i| at(1, i)).chain((10..=30).map(|i| at(2, i))).collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn trimmed_files_are_recycled_and_their_old_bytes_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        for index in 1..=60 {
            journal.append(at(1, index), &vec![1; 1 << 20]).unwrap();
            if index == 40 {
                journal.trim(40).unwrap();
            }
        }
        let first = journal.first().unwrap().index;
        assert!(first > 1 && first <= 40, "{first}");
        let reopened = Journal::open(folder.path()).unwrap();
        assert_eq!(reopened.last(), Some(at(1, 60)));
        assert_eq!(reopened.first().unwrap().index, first);
        assert!(matches!(reopened.read(1), Err(DriveError::NotFound)));
    }

    #[test]
    fn a_reset_log_goes_on_where_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        journal.append(at(1, 1), b"a").unwrap();
        journal.reset(at(3, 100)).unwrap();
        assert!(journal.append(at(3, 2), b"").is_err());
        journal.append(at(3, 100), b"b").unwrap();
        assert_eq!(Journal::open(folder.path()).unwrap().first(), Some(at(3, 100)));
    }
}
