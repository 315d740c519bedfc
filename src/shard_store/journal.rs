//! The drive's replica of the metadata log: entries in order, durable one append at a time.
//!
//! Files `log/FIRST.log` (FIRST: index of the first entry, 16 hex digits) are filled with zeros ahead of
//! use, or recycled from trimmed ones, so that a sync writes no file-system metadata. Writes pass the page
//! cache by. An entry starts at a multiple of 4 KiB:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `HFlg` |
//! | 4 | 4 | checksum: CRC-32C of the drive id and bytes 8..32, rotated, with the CRC-32C of the payload |
//! | 8 | 8 | epoch, little endian like all that follows |
//! | 16 | 8 | index |
//! | 24 | 4 | payload length |
//! | 28 | 4 | 0 |
//! | 32 | n | payload, then zeros up to a multiple of 4 KiB |
//!
//! Crash argument. An append is acknowledged after its `fdatasync`, which also covers every earlier
//! byte of the file; a file is synced with its folder before its first entry. So a crash can tear only
//! the one entry that was being written: its checksum fails and the log ends before it. Bytes of an
//! earlier use of a recycled file carry lower indices, which do not continue the log, and end it too.
//! An entry with the same index and a higher epoch supersedes what stood there and after it.
//!
//! An entry that goes bad later ends the log too, in front of whole ones. Were they left standing behind what is
//! appended from there on, one of a higher epoch, which never had its quorum, could go on from a newer entry when the
//! log is opened next, and supersede what was acknowledged. So they are overwritten, durably, before the first append.
//! Behind the end of the log there is then no entry of a later position than its last, and none gets there: what an
//! append supersedes is of lower epochs, and files that are recycled hold positions that the log has gone past.
//!
//! `log/promised` holds the latest epoch that was promised to a writer: two pages, each with an epoch and its checksum,
//! written in turn, so that a crash leaves the one before; made when the first is promised.
//!
//! Payloads hold bytes that clients chose, and remains of them may stand where an entry is looked for. The
//! drive id, which no client knows, is part of the checksum so that nobody can make up an entry.

use std::collections::{BTreeMap, VecDeque};
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::disk::{Disk, DiskFile, in_pages};
use super::drive::DriveError;
use crate::checksum::crc32c;
use crate::runtime::{PAGE_BYTES, PageBuffer, Tasks};
use crate::types::{DriveId, LogBounds, LogEntry, LogPosition};

/// Length of a log file, unless one entry needs more: a 256th of the drive within these bounds.
const FILE_BYTES: RangeInclusive<u64> = 1 << 20..=8 << 20;
/// Length of a file that is needed before one is prepared: short, because somebody waits for it.
const HASTY_FILE_BYTES: u64 = 256 << 10;
/// Quarters of the file that is written to which are used up when a spare is prepared: early enough for a stream of
/// changes.
const SPARE_FROM_QUARTERS: u64 = 1;
/// Quarters that are used up when a log at rest keeps a spare.
const IDLE_SPARE_FROM_QUARTERS: u64 = 3;
const HEAD_BYTES: usize = 32;
const MAGIC: [u8; 4] = *b"HFlg";
/// An epoch and its checksum.
const PROMISE_BYTES: usize = 12;
/// Trimmed files kept for reuse: what is logged between two copies of a database of a few hundred MiB.
const SPARES_MAX: usize = 48;
/// Most bytes written with one sync, unless one entry has more.
const RUN_BYTES_MAX: u64 = 2 << 20;
/// About how much one read returns.
const READ_BYTES_MAX: usize = 4 << 20;

/// An open log. One thread owns it.
#[derive(Debug)]
pub(super) struct Journal {
    disk: Disk,
    tasks: Tasks,
    folder: PathBuf,
    drive: DriveId,
    file_bytes: u64,
    /// First index of each file; the last one is being written.
    files: BTreeMap<u64, PathBuf>,
    spares: VecDeque<PathBuf>,
    /// A spare being filled with zeros on another thread.
    preparing: Option<oneshot::Receiver<Result<PathBuf, DriveError>>>,
    current: Option<Current>,
    first: Option<LogPosition>,
    last: Option<LogPosition>,
    /// The index the next entry must have when the log is empty.
    next_when_empty: u64,
    spare_count: u64,
    promises: Promises,
}

/// The file of promises.
#[derive(Debug)]
struct Promises {
    disk: Disk,
    path: PathBuf,
    drive: DriveId,
    latest: u64,
    /// The page that the next one goes to.
    page: u64,
}

impl Promises {
    fn open(disk: &Disk, folder: &Path, drive: DriveId) -> Result<Self, DriveError> {
        let mut promises =
            Self { disk: disk.clone(), path: folder.join("promised"), drive, latest: 0, page: 0 };
        if disk.list_dir(folder)?.iter().any(|name| name == "promised") {
            let file = disk.open(&promises.path)?;
            for page in 0..2 {
                let bytes = file.read_up_to_at(PROMISE_BYTES, page * PAGE_BYTES as u64)?;
                let epoch = bytes.first_chunk().map_or(0, |epoch| u64::from_le_bytes(*epoch));
                if epoch > promises.latest && bytes[..] == promises.written(epoch) {
                    (promises.latest, promises.page) = (epoch, 1 - page);
                }
            }
        }
        Ok(promises)
    }

    fn write(&mut self, epoch: u64) -> Result<(), DriveError> {
        if self.latest == 0 {
            zeroed_file(&self.disk, &self.path, 2 * PAGE_BYTES as u64)?;
            self.disk.sync_dir(self.path.parent().unwrap_or(&self.path))?;
        }
        let file = self.disk.open_rw(&self.path)?;
        file.write_at(&self.written(epoch), self.page * PAGE_BYTES as u64)?;
        file.sync_data()?;
        (self.latest, self.page) = (epoch, 1 - self.page);
        Ok(())
    }

    fn written(&self, epoch: u64) -> [u8; PROMISE_BYTES] {
        let mut bytes = [0; PROMISE_BYTES];
        bytes[..8].copy_from_slice(&epoch.to_le_bytes());
        let sum = crc32c(&[self.drive.0.to_le_bytes().as_slice(), &bytes[..8]].concat());
        bytes[8..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }
}

#[derive(Debug)]
struct Current {
    file: DiskFile,
    len: u64,
    /// Where the next entry goes.
    end: u64,
    /// End of whole entries behind `end` that could be taken for the log's.
    strays_end: u64,
}

impl Current {
    /// Overwrites the entries that stand behind the end of the log.
    fn erase_strays(&mut self) -> Result<(), DriveError> {
        if self.strays_end > self.end {
            fill_with_zeros(&self.file, self.end..self.strays_end)?;
            self.file.sync_data()?;
            self.strays_end = 0;
        }
        Ok(())
    }
}

impl Journal {
    /// Opens the log in `folder`, which is made if need be.
    pub(super) fn open(
        disk: &Disk,
        tasks: &Tasks,
        folder: &Path,
        drive: DriveId,
    ) -> Result<Self, DriveError> {
        disk.create_dir(folder)?;
        let mut journal = Self {
            disk: disk.clone(),
            tasks: tasks.clone(),
            folder: folder.to_owned(),
            drive,
            file_bytes: (disk.space(folder)?.0 / 256).clamp(*FILE_BYTES.start(), *FILE_BYTES.end()),
            files: BTreeMap::new(),
            spares: VecDeque::new(),
            preparing: None,
            current: None,
            first: None,
            last: None,
            next_when_empty: 1,
            spare_count: 0,
            promises: Promises::open(disk, folder, drive)?,
        };
        for name in disk.list_dir(folder)? {
            match name.strip_suffix(".log").map(|stem| u64::from_str_radix(stem, 16)) {
                Some(Ok(first)) => drop(journal.files.insert(first, folder.join(name))),
                _ if name.ends_with(".spare") => journal.keep_spare(folder.join(name))?,
                _ => {}
            }
        }
        journal.recover()?;
        journal.prepare_spare();
        Ok(journal)
    }

    /// Keeps a whole spare file of an earlier run; a half-filled one goes.
    fn keep_spare(&mut self, path: PathBuf) -> Result<(), DriveError> {
        if self.disk.open(&path)?.len()? != self.file_bytes || self.spares.len() >= SPARES_MAX {
            return self.disk.remove_file(&path);
        }
        let stem = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        self.spare_count = self.spare_count.max(stem.unwrap_or(0));
        self.spares.push_back(path);
        Ok(())
    }

    fn next_spare_path(&mut self) -> PathBuf {
        self.spare_count += 1;
        self.folder.join(format!("{}.spare", self.spare_count))
    }

    /// Whether more than so many quarters of the file that is written to are used up.
    fn is_used_up(&self, quarters: u64) -> bool {
        self.current.as_ref().is_none_or(|current| 4 * current.end > quarters * current.len)
    }

    /// Has a spare filled in the background where one is needed, unless there is one.
    fn prepare_spare(&mut self) {
        if !self.is_used_up(SPARE_FROM_QUARTERS) || !self.spares.is_empty() || self.preparing.is_some() {
            return;
        }
        let (done, prepared) = oneshot::channel();
        let (disk, path, bytes) = (self.disk.clone(), self.next_spare_path(), self.file_bytes);
        let fill = async move {
            // A failure shows again, and is told, when a file is needed.
            let _ = done.send(zeroed_file(&disk, &path, bytes).map(|()| path));
        };
        if self.tasks.spawn("log-prepare", fill).is_ok() {
            self.preparing = Some(prepared);
        }
    }

    /// Takes over the spare that was prepared, if it is ready.
    fn keep_prepared(&mut self) {
        if let Some(prepared) = self.preparing.as_mut().and_then(|preparing| preparing.try_recv().ok()) {
            self.preparing = None;
            self.spares.extend(prepared.ok());
        }
    }

    fn take_spare(&mut self) -> Option<PathBuf> {
        self.keep_prepared();
        self.spares.pop_front()
    }

    /// Finds the files that make the log and reads the last of them. Those before it were whole and durable
    /// when it was begun.
    fn recover(&mut self) -> Result<(), DriveError> {
        let starts: Vec<u64> = self.files.keys().copied().collect();
        if let Some(&start) = starts.first() {
            self.next_when_empty = start;
        }
        let mut begins: Option<LogPosition> = None;
        for start in starts {
            let first = first_entry(&self.disk, self.drive, &self.files[&start], start)?;
            match first.filter(|first| begins.is_none_or(|begins| first.epoch >= begins.epoch)) {
                Some(first) => {
                    self.first = self.first.or(Some(first));
                    begins = Some(first);
                }
                // Made for an entry that never came, or superseded by an earlier file of a later epoch.
                None => self.drop_file(start)?,
            }
        }
        let Some((&start, path)) = self.files.last_key_value() else { return Ok(()) };
        let content = self.disk.read(path)?;
        let scanned = scan(self.drive, &content, start, None);
        self.last = scanned.entries.last().map(|entry| entry.position);
        let strays_end = self.last.map_or(0, |last| strays_end(self.drive, &content, scanned.end, last));
        let (file, len) = (self.disk.open_direct(path)?, content.len() as u64);
        self.current = Some(Current { file, len, end: scanned.end, strays_end });
        Ok(())
    }

    /// Where it begins and ends, and what was promised.
    pub(super) fn bounds(&self) -> LogBounds {
        let next = self.last.map_or(self.next_when_empty, |last| last.index + 1);
        LogBounds { first: self.first, last: self.last, next, promised: self.promises.latest }
    }

    /// Promises an epoch that is later than all that were promised and than the log's.
    pub(super) fn promise(&mut self, epoch: u64) -> Result<(), DriveError> {
        let bounds = self.bounds();
        let end = bounds.last.unwrap_or(LogPosition { epoch: 0, index: bounds.next - 1 });
        if epoch <= bounds.promised.max(end.epoch) {
            return Err(DriveError::LogGap { end });
        }
        self.promises.write(epoch)
    }

    /// Appends entries one behind another and waits until they are durable. One that is there already is no error.
    ///
    /// Those that fit a file are written together and synced once. A crash before leaves any of them, and reading
    /// ends at the first that is not whole.
    pub(super) fn append(&mut self, entries: &[LogEntry]) -> Result<(), DriveError> {
        let mut rest = entries;
        while let Some(first) = rest.first() {
            if self.last == Some(first.position) {
                rest = &rest[1..];
                continue;
            }
            self.check_continues(first.position)?;
            self.current.as_mut().map_or(Ok(()), Current::erase_strays)?;
            let (run, others) = rest.split_at(self.make_room(rest)?);
            self.write_run(run)?;
            rest = others;
        }
        Ok(())
    }

    /// Sees to it that the file being written has room for the first of some entries; returns how many of them it
    /// takes at once.
    fn make_room(&mut self, entries: &[LogEntry]) -> Result<usize, DriveError> {
        let (first, length) = (entries[0].position, entry_len(entries[0].payload.len()) as u64);
        let newest_file = self.files.keys().next_back().copied().unwrap_or(0);
        let reaches_back = self.last.is_some() && first.index <= newest_file;
        if reaches_back || self.current.as_ref().is_none_or(|current| current.end + length > current.len) {
            self.roll(first.index, length)?;
        }
        let current = self.current.as_ref().expect("a file was rolled when there was none");
        let room = (current.len - current.end).min(RUN_BYTES_MAX.max(length));
        let mut end = length;
        let fits = |pair: &&[LogEntry]| {
            end += entry_len(pair[1].payload.len()) as u64;
            end <= room
                && pair[1].position.index == pair[0].position.index + 1
                && continues(pair[0].position, pair[1].position)
        };
        Ok(1 + entries.windows(2).take_while(fits).count())
    }

    /// Writes entries for which the file has room.
    fn write_run(&mut self, run: &[LogEntry]) -> Result<(), DriveError> {
        let (first, last) = (run[0].position, run[run.len() - 1].position);
        let current = self.current.as_mut().expect("there is a file with room");
        let written: Vec<PageBuffer> = run
            .iter()
            .map(|entry| in_pages(&[&head(self.drive, entry.position, &entry.payload), &entry.payload]))
            .collect();
        let slices: Vec<&[u8]> = written.iter().map(|pages| &pages[..]).collect();
        current.file.write_all_at(&slices, current.end)?;
        current.file.sync_data()?;
        current.end += slices.iter().map(|slice| slice.len() as u64).sum::<u64>();
        self.last = Some(last);
        self.first = self.first.filter(|oldest| oldest.index < first.index).or(Some(first));
        for superseded in self.files.range(first.index + 1..).map(|(&start, _)| start).collect::<Vec<_>>() {
            self.drop_file(superseded)?;
        }
        self.prepare_spare();
        Ok(())
    }

    fn check_continues(&self, position: LogPosition) -> Result<(), DriveError> {
        let fits = match (self.first, self.last) {
            (Some(first), Some(last)) => continues(last, position) && position.index >= first.index,
            _ => position.index == self.next_when_empty,
        };
        let end = self.last.unwrap_or(LogPosition { epoch: 0, index: self.next_when_empty - 1 });
        if fits { Ok(()) } else { Err(DriveError::LogGap { end }) }
    }

    /// Starts a new file with an entry of `index` and at least `length` bytes.
    fn roll(&mut self, index: u64, length: u64) -> Result<(), DriveError> {
        let path = self.folder.join(format!("{index:016x}.log"));
        let reused = if length <= self.file_bytes { self.take_spare() } else { None };
        if self.files.contains_key(&index) {
            self.drop_file(index)?;
        }
        match reused {
            Some(spare) => self.disk.rename(&spare, &path)?,
            None => zeroed_file(&self.disk, &path, length.max(HASTY_FILE_BYTES))?,
        }
        let len = self.disk.open(&path)?.len()?;
        let file = self.disk.open_direct(&path)?;
        self.disk.sync_dir(&self.folder)?;
        self.current = Some(Current { len, file, end: 0, strays_end: 0 });
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
        let mut files = self.files.range(start..).peekable();
        while let Some((&start, path)) = files.next() {
            // What a later file begins with supersedes what this one may hold from there on.
            let below = files.peek().map_or(u64::MAX, |(next, _)| **next);
            let before = entries.last().map(|entry| entry.position);
            for entry in scan(self.drive, &self.disk.read(path)?, start, before).entries {
                if (from..below).contains(&entry.position.index) && entry.position <= last {
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
            if self.spares.len() < SPARES_MAX && self.disk.open(&path)?.len()? == self.file_bytes {
                let spare = self.next_spare_path();
                self.disk.rename(&path, &spare)?;
                self.spares.push_back(spare);
            } else {
                self.disk.remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Whether there are more spare files than a log at rest needs.
    pub(super) fn has_idle_spares(&mut self) -> bool {
        self.keep_prepared();
        self.spares.len() > usize::from(self.is_used_up(IDLE_SPARE_FROM_QUARTERS))
    }

    /// Removes the spare files that a log at rest does not need.
    pub(super) fn drop_idle_spares(&mut self) -> Result<(), DriveError> {
        let needed = usize::from(self.is_used_up(IDLE_SPARE_FROM_QUARTERS));
        self.spares.drain(needed..).try_for_each(|spare| self.disk.remove_file(&spare))
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
            Some(path) => self.disk.remove_file(&path),
            None => Ok(()),
        }
    }
}

/// Bytes that an entry takes in a file.
fn entry_len(payload_len: usize) -> usize {
    (HEAD_BYTES + payload_len).next_multiple_of(PAGE_BYTES)
}

/// Makes a file of zeros, durable with all that is needed to write into it.
fn zeroed_file(disk: &Disk, path: &Path, length: u64) -> Result<(), DriveError> {
    let length = length.next_multiple_of(PAGE_BYTES as u64);
    disk.create(path)?.allocate(length)?;
    let file = disk.open_direct(path)?;
    fill_with_zeros(&file, 0..length)?;
    file.sync_data()
}

/// Writes zeros over some pages.
fn fill_with_zeros(file: &DiskFile, range: Range<u64>) -> Result<(), DriveError> {
    const STEP_BYTES: usize = 1 << 20;
    let zeros = in_pages(&[&vec![0; STEP_BYTES.min((range.end - range.start) as usize)]]);
    for at in range.clone().step_by(STEP_BYTES) {
        file.write_all_at(&[&zeros[..zeros.len().min((range.end - at) as usize)]], at)?;
    }
    Ok(())
}

/// The first entry of the file that should begin with index `start`; `None` if it is not whole.
fn first_entry(
    disk: &Disk,
    drive: DriveId,
    path: &Path,
    start: u64,
) -> Result<Option<LogPosition>, DriveError> {
    let file = disk.open(path)?;
    let head = file.read_up_to_at(HEAD_BYTES, 0)?;
    let Some(length) = head.get(24..28).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes)
    else {
        return Ok(None);
    };
    let entry = parse(drive, &file.read_up_to_at(HEAD_BYTES + length as usize, 0)?, 0);
    Ok(entry.map(|entry| entry.position).filter(|position| position.index == start))
}

/// Whether an entry may stand after `end`: the next index in the same or a later epoch, or an earlier
/// index again in a later epoch.
fn continues(end: LogPosition, position: LogPosition) -> bool {
    (position.index == end.index + 1 && position.epoch >= end.epoch)
        || (position.index <= end.index && position.epoch > end.epoch)
}

fn head(drive: DriveId, position: LogPosition, payload: &[u8]) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..4].copy_from_slice(&MAGIC);
    head[8..16].copy_from_slice(&position.epoch.to_le_bytes());
    head[16..24].copy_from_slice(&position.index.to_le_bytes());
    head[24..28].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    let sum = checksum(drive, &head, payload);
    head[4..8].copy_from_slice(&sum.to_le_bytes());
    head
}

fn checksum(drive: DriveId, head: &[u8], payload: &[u8]) -> u32 {
    let mut identity = [0; HEAD_BYTES - 8 + 16];
    identity[..16].copy_from_slice(&drive.0.to_le_bytes());
    identity[16..].copy_from_slice(&head[8..HEAD_BYTES]);
    crc32c(&identity).rotate_left(13) ^ crc32c(payload)
}

struct Scanned {
    entries: Vec<LogEntry>,
    /// Where the next entry goes in the file.
    end: u64,
}

/// The entries of one file whose first has index `start`, as far as they continue from `before`.
fn scan(drive: DriveId, content: &Bytes, start: u64, before: Option<LogPosition>) -> Scanned {
    let mut entries: Vec<LogEntry> = Vec::new();
    let mut at = 0;
    while let Some(entry) = parse(drive, content, at) {
        let accepted = match entries.last().map(|entry| entry.position) {
            Some(end) => continues(end, entry.position),
            None => {
                entry.position.index == start && before.is_none_or(|before| continues(before, entry.position))
            }
        };
        if !accepted {
            break;
        }
        at += entry_len(entry.payload.len());
        while entries.last().is_some_and(|last| last.position.index >= entry.position.index) {
            entries.pop();
        }
        entries.push(entry);
    }
    Scanned { entries, end: at as u64 }
}

/// Where the last whole entry ends that stands at `from` or behind and is of a later position than `last`; 0 if there
/// is none. One of an earlier position continues no log that has gone on from `last`.
fn strays_end(drive: DriveId, content: &Bytes, from: u64, last: LogPosition) -> u64 {
    let stray = |at| parse(drive, content, at).filter(|entry| entry.position > last);
    let ends = (from as usize..content.len()).step_by(PAGE_BYTES).filter_map(|at| {
        let entry = stray(at)?;
        Some(at + entry_len(entry.payload.len()))
    });
    ends.max().map_or(0, |end| end.min(content.len()) as u64)
}

fn parse(drive: DriveId, content: &Bytes, at: usize) -> Option<LogEntry> {
    let head = content.get(at..at + HEAD_BYTES)?;
    let field = |range: Range<usize>| head.get(range).and_then(|bytes| bytes.try_into().ok());
    let length = u32::from_le_bytes(head[24..28].try_into().ok()?) as usize;
    let start = at + HEAD_BYTES;
    let payload = content.get(start..start.checked_add(length)?)?;
    if head[..4] != MAGIC || head[4..8] != checksum(drive, head, payload).to_le_bytes() {
        return None;
    }
    let position =
        LogPosition { epoch: u64::from_le_bytes(field(8..16)?), index: u64::from_le_bytes(field(16..24)?) };
    Some(LogEntry { position, payload: content.slice(start..start + length) })
}

/// The entries that a file of these bytes holds, whose first one is at an index.
#[cfg(any(test, fuzzing))]
pub(super) fn entries(drive: DriveId, content: &Bytes, start: u64) -> Vec<LogEntry> {
    scan(drive, content, start, None).entries
}

/// A file of these entries.
#[cfg(any(test, fuzzing))]
pub(super) fn packed(drive: DriveId, entries: &[LogEntry]) -> Vec<u8> {
    let mut file = Vec::new();
    for LogEntry { position, payload } in entries {
        let length = file.len() + entry_len(payload.len());
        file.extend_from_slice(&head(drive, *position, payload));
        file.extend_from_slice(payload);
        file.resize(length, 0);
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRIVE: DriveId = DriveId(7);

    fn tasks() -> Tasks {
        Tasks::for_unit_tests()
    }

    fn open(folder: &Path) -> Result<Journal, DriveError> {
        Journal::open(&Disk::of_this_machine(), &tasks(), folder, DRIVE)
    }

    fn append(journal: &mut Journal, position: LogPosition, payload: &[u8]) -> Result<(), DriveError> {
        journal.append(&[LogEntry { position, payload: payload.to_vec().into() }])
    }

    fn at(epoch: u64, index: u64) -> LogPosition {
        LogPosition { epoch, index }
    }

    fn positions(journal: &Journal, from: u64) -> Vec<LogPosition> {
        journal.read(from).unwrap().into_iter().map(|entry| entry.position).collect()
    }

    #[test]
    fn entries_survive_reopening_and_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open(folder.path()).unwrap();
        for index in 1..=20 {
            append(&mut journal, at(1, index), &vec![index as u8; 1 << 20]).unwrap();
        }
        let mut journal = open(folder.path()).unwrap();
        assert_eq!(journal.bounds().last, Some(at(1, 20)));
        append(&mut journal, at(2, 21), b"x").unwrap();
        let read = journal.read(20).unwrap();
        assert_eq!(read[0].payload, vec![20u8; 1 << 20]);
        assert_eq!(read[1].payload, "x");
    }

    #[test]
    fn torn_tail_is_cut_on_open() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open(folder.path()).unwrap();
        append(&mut journal, at(1, 1), b"whole").unwrap();
        let end = journal.current.as_ref().unwrap().end;
        append(&mut journal, at(1, 2), &[7; 5000]).unwrap();
        let file = Disk::of_this_machine().open_rw(&journal.files[&1]).unwrap();
        file.write_at(&[1; 1000], end + 3000).unwrap();
        let mut journal = open(folder.path()).unwrap();
        assert_eq!(journal.bounds().last, Some(at(1, 1)));
        append(&mut journal, at(2, 2), b"again").unwrap();
        assert_eq!(positions(&open(folder.path()).unwrap(), 1), [at(1, 1), at(2, 2)]);
    }

    #[test]
    fn entries_given_together_are_as_those_given_one_by_one() {
        let (together, single) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let payload = |index: u64| Bytes::from(vec![index as u8; 700_000 * (index as usize % 3)]);
        let entries: Vec<LogEntry> = (1..=40)
            .map(|index| LogEntry { position: at(1 + index / 30, index), payload: payload(index) })
            .collect();
        let mut journal = open(single.path()).unwrap();
        entries.iter().for_each(|entry| append(&mut journal, entry.position, &entry.payload).unwrap());
        let mut journal = open(together.path()).unwrap();
        journal.append(&entries[..3]).unwrap();
        journal.append(&entries[2..]).expect("the last one again is no error");
        for folder in [&together, &single] {
            let journal = open(folder.path()).unwrap();
            let mut read: Vec<LogEntry> = Vec::new();
            while read.len() < entries.len() {
                read.extend(journal.read(read.len() as u64 + 1).unwrap());
            }
            assert_eq!(read, entries);
        }
        let gap = [at(3, 41), at(3, 43)].map(|position| LogEntry { position, payload: Bytes::new() });
        assert!(matches!(journal.append(&gap), Err(DriveError::LogGap { end }) if end == at(3, 41)));
    }

    #[test]
    fn what_is_whole_behind_a_torn_entry_of_a_run_is_superseded_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open(folder.path()).unwrap();
        let entry = |position| LogEntry { position, payload: Bytes::from_static(b"old") };
        journal.append(&[1, 2, 3, 4].map(|index| entry(at(1, index)))).unwrap();
        let file = Disk::of_this_machine().open_rw(&journal.files[&1]).unwrap();
        file.write_at(&[1; 100], PAGE_BYTES as u64).unwrap();
        let mut journal = open(folder.path()).unwrap();
        assert_eq!(positions(&journal, 1), [at(1, 1)], "what is behind the torn one does not count");
        append(&mut journal, at(2, 2), b"new").unwrap();
        assert_eq!(positions(&open(folder.path()).unwrap(), 1), [at(1, 1), at(2, 2)]);
    }

    #[test]
    fn what_was_superseded_behind_an_entry_that_went_bad_stays_so() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open(folder.path()).unwrap();
        for index in 1..=3 {
            append(&mut journal, at(1, index), b"old").unwrap();
        }
        for epoch in 3..=30 {
            append(&mut journal, at(epoch, 4), b"without a quorum").unwrap();
        }
        let file = Disk::of_this_machine().open_rw(&journal.files[&1]).unwrap();
        file.write_at(&[1], (PAGE_BYTES + HEAD_BYTES) as u64).unwrap();
        let mut journal = open(folder.path()).unwrap();
        assert_eq!(journal.bounds().last, Some(at(1, 1)), "nothing behind a bad entry counts");
        let newer = [at(1, 2), at(1, 3), at(2, 4), at(2, 5)];
        newer.iter().for_each(|&position| append(&mut journal, position, b"new").unwrap());
        assert_eq!(positions(&open(folder.path()).unwrap(), 2), newer);
    }

    #[test]
    fn an_epoch_is_promised_once_and_none_below_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open(folder.path()).unwrap();
        append(&mut journal, at(2, 1), b"x").unwrap();
        for refused in [1, 2] {
            assert!(
                matches!(journal.promise(refused), Err(DriveError::LogGap { .. })),
                "it has entries of 2"
            );
        }
        for epoch in [3, 4, 7] {
            journal.promise(epoch).unwrap();
            journal = open(folder.path()).unwrap();
            assert_eq!(journal.bounds().promised, epoch);
            assert!(matches!(journal.promise(epoch), Err(DriveError::LogGap { .. })));
        }
        // The page of the latest one is torn: the one before counts.
        let file = Disk::of_this_machine().open_rw(&folder.path().join("promised")).unwrap();
        file.write_at(&[9], 0).unwrap();
        assert_eq!(open(folder.path()).unwrap().bounds().promised, 4);
    }

    #[test]
    fn an_entry_of_another_drive_is_none() {
        let folder = tempfile::tempdir().unwrap();
        append(&mut open(folder.path()).unwrap(), at(1, 1), b"x").unwrap();
        assert_eq!(
            Journal::open(&Disk::of_this_machine(), &tasks(), folder.path(), DriveId(8))
                .unwrap()
                .bounds()
                .last,
            None
        );
    }

    #[test]
    fn gaps_and_older_epochs_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open(folder.path()).unwrap();
        append(&mut journal, at(2, 1), b"a").unwrap();
        for refused in [at(2, 3), at(1, 2), at(1, 1)] {
            assert!(
                matches!(append(&mut journal, refused, b""), Err(DriveError::LogGap { .. })),
                "{refused:?}"
            );
        }
        append(&mut journal, at(2, 1), b"a").expect("the same entry again is no error");
    }

    #[test]
    fn a_higher_epoch_supersedes_the_tail() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open(folder.path()).unwrap();
        for index in 1..=5 {
            append(&mut journal, at(1, index), b"old").unwrap();
        }
        append(&mut journal, at(2, 4), b"new").unwrap();
        let expected = [at(1, 1), at(1, 2), at(1, 3), at(2, 4)];
        assert_eq!(positions(&journal, 1), expected);
        assert_eq!(positions(&open(folder.path()).unwrap(), 1), expected);
    }

    #[test]
    fn superseding_entries_reach_back_over_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open(folder.path()).unwrap();
        for index in 1..=20 {
            append(&mut journal, at(1, index), &vec![1; 1 << 20]).unwrap();
        }
        for index in 10..=30 {
            append(&mut journal, at(2, index), &vec![2; 1 << 20]).unwrap();
        }
        let journal = open(folder.path()).unwrap();
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
        let mut journal = open(folder.path()).unwrap();
        for index in 1..=60 {
            append(&mut journal, at(1, index), &vec![1; 1 << 20]).unwrap();
            if index == 40 {
                journal.trim(40).unwrap();
            }
        }
        let first = journal.bounds().first.unwrap().index;
        assert!(first > 1 && first <= 40, "{first}");
        let reopened = open(folder.path()).unwrap();
        assert_eq!(reopened.bounds().last, Some(at(1, 60)));
        assert_eq!(reopened.bounds().first.unwrap().index, first);
        assert!(matches!(reopened.read(1), Err(DriveError::NotFound)));
    }

    #[test]
    fn a_reset_log_goes_on_where_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open(folder.path()).unwrap();
        append(&mut journal, at(1, 1), b"a").unwrap();
        journal.reset(at(3, 100)).unwrap();
        assert!(append(&mut journal, at(3, 2), b"").is_err());
        append(&mut journal, at(3, 100), b"b").unwrap();
        assert_eq!(open(folder.path()).unwrap().bounds().first, Some(at(3, 100)));
    }
}
