//! Large shards: one file each, the records of its stripes at a fixed stride.
//!
//! Stripe i starts at i × the length of a full stripe's record, so its place is computed, never listed. Writes
//! pass the page cache by: a body that must be on the disk before it is acknowledged gains nothing there.
//! While it is written the file is called `ID-SHARD.part`; sealing syncs it, renames it to
//! `ID-SHARD.blob` and syncs the folder.
//!
//! Crash argument. Nothing refers to a shard before it is sealed, and metadata is committed only after
//! sealing. So a crash leaves either a sealed, whole shard or a `.part` file that nobody knows; those
//! are removed when the drive is opened.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::bulk::{Place, RecordFile};
use super::disk::{Disk, DiskFile};
use super::drive::{DriveError, ShardId, ShardRead};
use super::record::{self, Kind};
use crate::types::BlobId;

/// The large shards of a drive.
#[derive(Debug)]
pub(super) struct BlobFiles {
    disk: Disk,
    root: PathBuf,
    /// Shards being written.
    open: Mutex<HashMap<ShardId, Arc<OpenShard>>>,
}

/// A shard being written. It counts its stripes, so that one begun before a restart of this process and
/// continued after it is not taken for whole.
#[derive(Debug)]
struct OpenShard {
    file: DiskFile,
    stripes: AtomicU32,
}

impl BlobFiles {
    /// Opens the folder `root` and removes what was never sealed.
    pub(super) fn open(disk: &Disk, root: &Path) -> Result<Self, DriveError> {
        for fan in 0..=255u8 {
            let folder = root.join(format!("{fan:02x}"));
            disk.create_dir(&folder)?;
            for name in disk.list_dir(&folder)?.iter().filter(|name| name.ends_with(".part")) {
                disk.remove_file(&folder.join(name))?;
            }
        }
        disk.sync_dir(root)?;
        Ok(Self { disk: disk.clone(), root: root.to_owned(), open: Mutex::default() })
    }

    /// The low bits of an id are random, so the 256 folders fill evenly.
    fn folder(&self, last_byte: u8) -> PathBuf {
        self.root.join(format!("{last_byte:02x}"))
    }

    fn path(&self, id: ShardId, extension: &str) -> PathBuf {
        self.folder(id.blob.0 as u8).join(format!("{}-{}.{extension}", id.blob, id.shard))
    }

    /// The sealed shards of blobs whose id ends with a byte.
    pub(super) fn list(&self, last_byte: u8) -> Result<Vec<ShardId>, DriveError> {
        let parse = |name: &String| {
            let (blob, shard) = name.strip_suffix(".blob")?.split_once('-')?;
            Some(ShardId { blob: BlobId::parse(blob)?, shard: shard.parse().ok()? })
        };
        Ok(self.disk.list_dir(&self.folder(last_byte))?.iter().filter_map(parse).collect())
    }

    fn begin(&self, id: ShardId) -> Result<Arc<OpenShard>, DriveError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shard) = open.get(&id) {
            return Ok(shard.clone());
        }
        let file = self.disk.create_direct(&self.path(id, "part"))?;
        let shard = Arc::new(OpenShard { file, stripes: AtomicU32::new(0) });
        open.insert(id, shard.clone());
        Ok(shard)
    }

    fn close(&self, id: ShardId) -> Option<Arc<OpenShard>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }

    /// Writes one stripe.
    pub(super) fn write(
        &self,
        id: ShardId,
        stripe: u32,
        full_len: u32,
        data: &[u8],
    ) -> Result<(), DriveError> {
        let head = record::head(Kind::Shard, id, stripe, data);
        let shard = self.begin(id)?;
        shard.file.write_pages(&[&head, data], stripe_offset(stripe, full_len))?;
        shard.stripes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Makes a written shard of so many stripes durable and readable.
    pub(super) fn seal(&self, id: ShardId, stripes: u32) -> Result<(), DriveError> {
        let shard = self.close(id).ok_or(DriveError::NotFound)?;
        if shard.stripes.load(Ordering::Relaxed) != stripes {
            self.disk.remove_file(&self.path(id, "part"))?;
            return Err(DriveError::NotFound);
        }
        shard.file.sync_data()?;
        self.disk.rename_durably(&self.path(id, "part"), &self.path(id, "blob"))
    }

    /// Drops a shard that was not sealed.
    pub(super) fn discard(&self, id: ShardId) -> Result<(), DriveError> {
        self.close(id);
        self.disk.remove_file(&self.path(id, "part"))
    }

    /// Removes a sealed shard.
    pub(super) fn delete(&self, id: ShardId) -> Result<(), DriveError> {
        self.disk.remove_file(&self.path_of(id))
    }

    /// Whether a sealed shard is there.
    pub(super) fn contains(&self, id: ShardId) -> bool {
        self.disk.exists(&self.path_of(id))
    }

    /// Reads and verifies.
    pub(super) fn read(&self, read: &ShardRead) -> Result<Bytes, DriveError> {
        let file = self.disk.open(&self.path_of(read.id))?;
        let place = self.place(read);
        read_record(place.offset, place.data_at as usize, read, |len, at| file.read_exact_at(len, at))
    }

    /// Where a stripe is.
    pub(super) fn place(&self, read: &ShardRead) -> Place {
        Place {
            file: RecordFile::Blob(read.id),
            offset: stripe_offset(read.stripe, read.full_len),
            data_at: record::paged_head_len(read.len as usize) as u64,
        }
    }

    /// Where a sealed shard's file is.
    pub(super) fn path_of(&self, id: ShardId) -> PathBuf {
        self.path(id, "blob")
    }
}

/// Where a stripe's record begins in its file.
fn stripe_offset(stripe: u32, full_len: u32) -> u64 {
    u64::from(stripe) * record::paged_record_len(full_len as usize) as u64
}

/// Reads a range of the record at `offset` whose data begins `data_at` bytes into it, verifying head and the
/// blocks touched. `fetch` reads so many bytes at an offset.
pub(super) fn read_record(
    offset: u64,
    data_at: usize,
    read: &ShardRead,
    fetch: impl Fn(usize, u64) -> Result<Bytes, DriveError>,
) -> Result<Bytes, DriveError> {
    let data_len = read.len as usize;
    let head_len = record::head_len(data_len);
    let wanted = read.range.start as usize..read.range.end as usize;
    if wanted.start > wanted.end || wanted.end > data_len {
        return Err(DriveError::Protocol("range outside the shard".into()));
    }
    let blocks = record::covering_blocks(&wanted, data_len);
    let (head, data) = if blocks.start == 0 {
        let both = fetch(data_at + blocks.end, offset)?;
        (both.slice(..head_len), both.slice(data_at..))
    } else {
        let blocks_at = offset + (data_at + blocks.start) as u64;
        (fetch(head_len, offset)?, fetch(blocks.len(), blocks_at)?)
    };
    record::verify_head(&head, read.id, read.stripe, data_len)?;
    if !record::verify_blocks(&head, blocks.start, &data) {
        return Err(record::corrupt(read.id, read.stripe, "data"));
    }
    Ok(data.slice(wanted.start - blocks.start..wanted.end - blocks.start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_range_of_any_stripe_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let files = BlobFiles::open(&Disk::of_this_machine(), folder.path()).unwrap();
        let id = ShardId { blob: BlobId(0xabc), shard: 1 };
        let stripes: Vec<Vec<u8>> = [100_000u32, 100_000, 777]
            .iter()
            .map(|&n| (0..n).map(|i| (i * 13 + n) as u8).collect())
            .collect();
        for (stripe, data) in stripes.iter().enumerate() {
            files.write(id, stripe as u32, 100_000, data).unwrap();
        }
        assert!(!files.contains(id), "not visible before it is sealed");
        files.seal(id, 3).unwrap();
        for (stripe, data) in stripes.iter().enumerate() {
            let len = data.len() as u32;
            for range in
                [0..len, 0..1, len - 1..len, len / 3..len / 2, 32_768.min(len)..40_000.min(len), 5..5]
            {
                let read =
                    ShardRead { id, stripe: stripe as u32, full_len: 100_000, len, range: range.clone() };
                assert_eq!(files.read(&read).unwrap(), data[range.start as usize..range.end as usize]);
            }
        }
    }

    #[test]
    fn unsealed_shards_are_gone_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let id = ShardId { blob: BlobId(1), shard: 0 };
        let files = BlobFiles::open(&Disk::of_this_machine(), folder.path()).unwrap();
        files.write(id, 0, 10, b"0123456789").unwrap();
        let files = BlobFiles::open(&Disk::of_this_machine(), folder.path()).unwrap();
        assert!(!files.path(id, "part").exists());
        assert_eq!(files.seal(id, 1), Err(DriveError::NotFound));
        files.write(id, 1, 10, b"0123456789").unwrap();
        assert_eq!(files.seal(id, 2), Err(DriveError::NotFound), "a stripe was lost with the restart");
    }
}
