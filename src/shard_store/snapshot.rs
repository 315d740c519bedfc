//! Copies of the metadata database on a drive: `snapshots/INDEX.db`, INDEX being the log index it includes.
//!
//! Written piece by piece to `INDEX.tmp`, synced, renamed, folder synced, then older ones removed: a crash
//! leaves the old copy, both, or the new one. The folder is made when the drive is opened and never again: one
//! that is gone went with its disk.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::disk::Disk;
use super::drive::DriveError;

/// Bytes of one read.
const READ_BYTES_MAX: usize = 1 << 20;

fn path(folder: &Path, index: u64, extension: &str) -> PathBuf {
    folder.join(format!("{index:016x}.{extension}"))
}

fn indices(disk: &Disk, folder: &Path) -> Result<Vec<u64>, DriveError> {
    let parse = |name: &String| u64::from_str_radix(name.strip_suffix(".db")?, 16).ok();
    Ok(disk.list_dir(folder)?.iter().filter_map(parse).collect())
}

/// The newest snapshot's log index.
pub(super) fn newest(disk: &Disk, folder: &Path) -> Result<Option<u64>, DriveError> {
    Ok(indices(disk, folder)?.into_iter().max())
}

/// Writes a piece of a new snapshot; offset 0 starts it.
pub(super) fn write(
    disk: &Disk,
    folder: &Path,
    index: u64,
    offset: u64,
    piece: &[u8],
) -> Result<(), DriveError> {
    let path = path(folder, index, "tmp");
    let file = if offset == 0 { disk.create(&path)? } else { disk.open_rw(&path)? };
    file.write_at(piece, offset)
}

/// Makes a written snapshot the newest.
pub(super) fn commit(disk: &Disk, folder: &Path, index: u64) -> Result<(), DriveError> {
    let temporary = path(folder, index, "tmp");
    disk.open_rw(&temporary)?.sync_data()?;
    disk.rename_durably(&temporary, &path(folder, index, "db"))?;
    for older in indices(disk, folder)?.into_iter().filter(|&other| other < index) {
        disk.remove_file(&path(folder, older, "db"))?;
    }
    Ok(())
}

/// A piece of a snapshot; empty at its end.
pub(super) fn read(disk: &Disk, folder: &Path, index: u64, offset: u64) -> Result<Bytes, DriveError> {
    disk.open(&path(folder, index, "db"))?.read_up_to_at(READ_BYTES_MAX, offset)
}
