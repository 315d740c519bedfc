//! A look at a drive's folder and at the disk below it, for diagnosis. It changes nothing that stays, also
//! when a server uses the drive meanwhile or when it is interrupted: the file that it writes has no name.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{FallocateFlags, Mode, OFlags};
use rustix::io::Errno;

use super::disk::in_pages;
use super::drive::DriveError;
use super::local::reserve_bytes;
use crate::runtime::PAGE_BYTES;

/// Syncs that are measured, and how long that may take at most.
const SYNCS: u64 = 48;
const SYNCS_TIME_MAX: Duration = Duration::from_secs(2);
/// Devices below devices that are followed: partitions, volumes, mirrors.
const DISK_DEPTH_MAX: u8 = 8;

/// A kind of file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSystemKind {
    /// On a disk of this machine, known by this name.
    Disk(&'static str),
    /// In memory: its content is gone at a reboot.
    Memory(&'static str),
    /// A container's own layer: its content is gone with the container.
    Overlay,
    /// On another machine, or served by a program.
    Remote(&'static str),
    /// Any other, by the number that the system gives.
    Other(u64),
}

impl FileSystemKind {
    fn of(magic: u64) -> Self {
        match magic {
            0xef53 => Self::Disk("ext4"),
            0x5846_5342 => Self::Disk("xfs"),
            0x9123_683e => Self::Disk("btrfs"),
            0x2fc1_2fc1 => Self::Disk("zfs"),
            0xf2f5_2010 => Self::Disk("f2fs"),
            0xca45_1a4e => Self::Disk("bcachefs"),
            0x0102_1994 => Self::Memory("tmpfs"),
            0x8584_58f6 => Self::Memory("ramfs"),
            0x794c_7630 => Self::Overlay,
            0x6969 => Self::Remote("nfs"),
            0xff53_4d42 | 0xfe53_4d42 => Self::Remote("smb"),
            0x6573_5546 => Self::Remote("fuse"),
            0x0102_1997 => Self::Remote("9p"),
            0x00c3_6400 => Self::Remote("ceph"),
            other => Self::Other(other),
        }
    }
}

/// A disk that a file system is on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnderlyingDisk {
    /// As the system calls it: `sda`, `nvme0n1`.
    pub name: String,
    /// It says that a power cut costs what is in its cache, unless it is told to write it.
    pub volatile_cache: bool,
}

/// What a trial of writes showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteTrial {
    /// Writes can pass the page cache by.
    pub direct: bool,
    /// Room can be reserved ahead.
    pub allocate: bool,
    /// Room inside a file can be given back.
    pub punch: bool,
    /// How long a page takes to be written and synced: the median of some.
    pub sync: Duration,
}

/// What a look showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// What it is on.
    pub file_system: FileSystemKind,
    /// Number of the device; folders on one file system share it.
    pub device: u64,
    /// The disks below; none where the system does not tell.
    pub disks: Vec<UnderlyingDisk>,
    /// Size of the file system.
    pub total: u64,
    /// Bytes that could be written, the reserve among them.
    pub available: u64,
    /// Bytes that are never given to shards.
    pub reserve: u64,
    /// Files that the file system can have, and how many more; none where that has no bound.
    pub inodes: Option<(u64, u64)>,
    /// User and permissions of the folder.
    pub owner: u32,
    /// As `chmod` takes them.
    pub mode: u32,
    /// Files in it that belong to another user.
    pub of_others: Vec<PathBuf>,
    /// When something in it was changed last.
    pub newest_change: Option<SystemTime>,
    /// A process serves the drive.
    pub held: bool,
    /// What writing showed.
    pub trial: Result<WriteTrial, DriveError>,
}

/// Looks at a folder that exists.
pub fn survey(root: &Path) -> Result<Survey, DriveError> {
    let failed = |attempt: &str, error: std::io::Error| DriveError::Io {
        attempt: format!("{attempt} {}", root.display()),
        error: error.to_string(),
    };
    let metadata = fs::metadata(root).map_err(|error| failed("look at", error))?;
    let kind = rustix::fs::statfs(root).map_err(|error| failed("statfs", error.into()))?;
    let space = rustix::fs::statvfs(root).map_err(|error| failed("statvfs", error.into()))?;
    let total = space.f_blocks * space.f_frsize;
    let mut disks = Vec::new();
    collect_disks(&device_folder(metadata.dev()), DISK_DEPTH_MAX, &mut disks);
    disks.sort();
    disks.dedup();
    Ok(Survey {
        file_system: FileSystemKind::of(kind.f_type as u64),
        device: metadata.dev(),
        disks,
        total,
        available: space.f_bavail * space.f_frsize,
        reserve: reserve_bytes(total),
        inodes: (space.f_files > 0).then_some((space.f_files, space.f_favail)),
        owner: metadata.uid(),
        mode: metadata.mode() & 0o7777,
        of_others: files(root)
            .filter(|(_, file)| file.uid() != metadata.uid())
            .map(|(path, _)| path)
            .collect(),
        newest_change: files(root).filter_map(|(_, file)| file.modified().ok()).max(),
        held: is_held(&root.join("lock")),
        trial: try_writes(root),
    })
}

/// The files that a start opens or a server writes all the time; those of shards are too many to look at.
fn files(root: &Path) -> impl Iterator<Item = (PathBuf, fs::Metadata)> {
    let folders = ["", "log", "metadata", "segments", "snapshots"].map(|name| root.join(name));
    let entries = folders.into_iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
    // The file system's own folder belongs to root.
    let entries = entries.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_name() != "lost+found"));
    entries.filter_map(|entry| {
        let entry = entry.ok()?;
        Some((entry.path(), entry.metadata().ok()?))
    })
}

/// Whether a process holds the lock. It is taken for a moment, and shared, to find out.
fn is_held(lock: &Path) -> bool {
    let Ok(file) = File::open(lock) else { return false };
    matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock))
}

fn device_folder(device: u64) -> PathBuf {
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    PathBuf::from(format!("/sys/dev/block/{major}:{minor}"))
}

/// Follows partitions and volumes down to disks.
fn collect_disks(folder: &Path, depth: u8, found: &mut Vec<UnderlyingDisk>) {
    let Ok(folder) = folder.canonicalize() else { return };
    if depth == 0 {
        return;
    }
    if folder.join("partition").exists() {
        return folder.parent().into_iter().for_each(|disk| collect_disks(disk, depth - 1, found));
    }
    let below: Vec<PathBuf> = fs::read_dir(folder.join("slaves"))
        .map(|entries| entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect())
        .unwrap_or_default();
    if !below.is_empty() {
        return below.iter().for_each(|disk| collect_disks(disk, depth - 1, found));
    }
    let Some(name) = folder.file_name().and_then(|name| name.to_str()) else { return };
    let cache = fs::read_to_string(folder.join("queue/write_cache")).unwrap_or_default();
    found.push(UnderlyingDisk { name: name.to_owned(), volatile_cache: cache.trim() == "write back" });
}

/// Opens a file without a name; tells whether it is past the page cache.
fn open_nameless(root: &Path) -> Result<(File, bool), Errno> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    match rustix::fs::open(root, flags | OFlags::DIRECT, mode) {
        Ok(file) => Ok((file.into(), true)),
        Err(Errno::INVAL) => Ok((rustix::fs::open(root, flags, mode)?.into(), false)),
        Err(Errno::OPNOTSUPP | Errno::ISDIR) => open_unlinked(root, mode),
        Err(error) => Err(error),
    }
}

/// As [`open_nameless`], where every file has a name at first.
fn open_unlinked(root: &Path, mode: Mode) -> Result<(File, bool), Errno> {
    let path = root.join(format!(".trial-{}", std::process::id()));
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
    let (file, direct) = match rustix::fs::open(&path, flags | OFlags::DIRECT, mode) {
        Err(Errno::INVAL) => {
            let _ = rustix::fs::unlink(&path);
            (rustix::fs::open(&path, flags, mode)?, false)
        }
        other => (other?, true),
    };
    rustix::fs::unlink(&path)?;
    Ok((file.into(), direct))
}

fn try_writes(root: &Path) -> Result<WriteTrial, DriveError> {
    let failed = |error: Errno| match error {
        Errno::NOSPC | Errno::DQUOT => DriveError::NoSpace,
        _ => DriveError::Io {
            attempt: format!("write to {}", root.display()),
            error: std::io::Error::from(error).to_string(),
        },
    };
    let (file, direct) = open_nameless(root).map_err(failed)?;
    let len = SYNCS * PAGE_BYTES as u64;
    let allocate = rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, len).is_ok();
    // As the log does: room that was written before is synced without the file system's own metadata.
    let direct = write(&file, &vec![0; len as usize], 0, direct).map_err(failed)?;
    rustix::fs::fsync(&file).map_err(failed)?;
    let sync = time_syncs(&file, direct).map_err(failed)?;
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    let punch = rustix::fs::fallocate(&file, hole, 0, PAGE_BYTES as u64).is_ok();
    Ok(WriteTrial { direct, allocate, punch, sync })
}

/// Writes pages; turns to the page cache where direct writes are refused. Tells which it was.
fn write(file: &File, bytes: &[u8], offset: u64, direct: bool) -> Result<bool, Errno> {
    let pages = in_pages(&[bytes]);
    let mut done = 0;
    let mut direct = direct;
    while done < pages.len() {
        match rustix::io::pwrite(file, &pages[done..], offset + done as u64) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => done += written,
            Err(Errno::INTR) => {}
            Err(Errno::INVAL) if direct => {
                rustix::fs::fcntl_setfl(file, rustix::fs::fcntl_getfl(file)? - OFlags::DIRECT)?;
                direct = false;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(direct)
}

/// The median time of writing and syncing a page.
fn time_syncs(file: &File, direct: bool) -> Result<Duration, Errno> {
    let page = [0x5a; PAGE_BYTES];
    let begun = Instant::now();
    let mut times = Vec::new();
    for at in 0..SYNCS {
        let started = Instant::now();
        write(file, &page, at * PAGE_BYTES as u64, direct)?;
        rustix::fs::fdatasync(file)?;
        times.push(started.elapsed());
        if begun.elapsed() > SYNCS_TIME_MAX {
            break;
        }
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_leaves_the_folder_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let seen = survey(folder.path()).unwrap();
        assert!(seen.total > seen.reserve && !seen.held && seen.of_others.is_empty());
        let trial = seen.trial.unwrap();
        assert!(trial.sync > Duration::ZERO);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_served_drive_is_seen_and_the_look_does_not_take_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("lock");
        let held = File::create(&lock).unwrap();
        assert!(!is_held(&lock));
        held.try_lock().unwrap();
        assert!(is_held(&lock) && is_held(&lock));
        drop(held);
        assert!(!is_held(&lock));
    }
}
