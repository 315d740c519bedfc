//! Many shards read at once, as healing and scrubbing do: in the order of their places on the disk, in long
//! reads that pass the page cache by. So what is verified is what the disk holds, and what clients read
//! often stays in memory.

use std::path::PathBuf;

use bytes::Bytes;

use super::blob_file::{BlobFiles, read_record};
use super::disk::Disk;
use super::drive::{DriveError, ShardId, ShardRead};
use super::segment::Segments;
use crate::runtime::PAGE_BYTES;

/// Most bytes of one read of a file.
const RUN_BYTES_MAX: u64 = 1 << 20;
/// Bytes between two records that are read along with them rather than left out.
const GAP_BYTES_MAX: u64 = 32 << 10;

/// A file of a drive that holds records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RecordFile {
    /// A segment.
    Segment(u32),
    /// A large shard's own.
    Blob(ShardId),
}

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) file: RecordFile,
    pub(super) offset: u64,
    /// Where its data begins, counted from there.
    pub(super) data_at: u64,
}

/// The shards of a drive, wherever they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shards<'a> {
    pub(super) disk: &'a Disk,
    pub(super) segments: &'a Segments,
    pub(super) blobs: &'a BlobFiles,
}

impl Shards<'_> {
    fn place(&self, read: &ShardRead) -> Place {
        self.segments.place(read).unwrap_or_else(|| self.blobs.place(read))
    }

    fn path(&self, file: RecordFile) -> PathBuf {
        match file {
            RecordFile::Segment(number) => self.segments.path(number),
            RecordFile::Blob(id) => self.blobs.path_of(id),
        }
    }

    /// Reads one, through the page cache.
    pub(super) fn read(&self, read: &ShardRead) -> Result<Bytes, DriveError> {
        self.segments.read(read).unwrap_or_else(|| self.blobs.read(read))
    }

    /// Reads and verifies all of `reads`; what comes of each goes to `found` with its index.
    pub(super) fn read_many(
        &self,
        reads: &[ShardRead],
        mut found: impl FnMut(usize, Result<Bytes, DriveError>),
    ) {
        let mut places: Vec<(Place, usize)> =
            reads.iter().enumerate().map(|(i, read)| (self.place(read), i)).collect();
        places.sort_unstable();
        let end_of = |(place, i): &(Place, usize)| place.offset + place.data_at + u64::from(reads[*i].len);
        let mut rest = &places[..];
        while let Some(((first, _), _)) = rest.split_first() {
            let mut end = end_of(&rest[0]);
            let follows = |next: &&(Place, usize)| {
                let (from, to) = (next.0.offset, end_of(next));
                let fits = next.0.file == first.file
                    && from <= end + GAP_BYTES_MAX
                    && to.max(end) - first.offset <= RUN_BYTES_MAX;
                end = if fits { end.max(to) } else { end };
                fits
            };
            let count = 1 + rest[1..].iter().take_while(follows).count();
            let (run, others) = rest.split_at(count);
            self.read_run(reads, run, end, &mut found);
            rest = others;
        }
    }

    /// Reads records that lie one after another in one file, up to `end`.
    fn read_run(
        &self,
        reads: &[ShardRead],
        run: &[(Place, usize)],
        end: u64,
        found: &mut impl FnMut(usize, Result<Bytes, DriveError>),
    ) {
        let first = run[0].0;
        let page = PAGE_BYTES as u64;
        let start = first.offset / page * page;
        let file = self.disk.open_to_read_direct(&self.path(first.file));
        let bytes = file.and_then(|file| file.read_pages(start..end.next_multiple_of(page)));
        for &(place, i) in run {
            let slice = |len: usize, at: u64| {
                let from = (at - start) as usize;
                let bytes = bytes.as_ref().map_err(Clone::clone)?;
                let inside = from + len <= bytes.len();
                inside
                    .then(|| bytes.slice(from..from + len))
                    .ok_or_else(|| DriveError::Corrupt("the file is too short".into()))
            };
            let read = read_record(place.offset, place.data_at as usize, &reads[i], slice);
            let moved = || self.place(&reads[i]) != place || matches!(bytes, Err(DriveError::NotFound));
            // Compaction may have moved it in the meantime.
            found(i, if read.is_err() && moved() { self.read(&reads[i]) } else { read });
        }
    }
}
