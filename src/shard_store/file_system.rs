//! The seam between a drive and the operating system: every file access of a drive is a call of these traits.
//!
//! [`OsFileSystem`] is the one that products use. A simulation gives another, and with it decides what a
//! power cut, a bad sector or a full disk leaves.

use std::fmt::Debug;
use std::fs::OpenOptions;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To be read.
    Read,
    /// To be read past the page cache where the file system can do that. Lengths, offsets and memory of reads
    /// are multiples of a page.
    ReadDirect,
    /// To be read and written.
    Write,
    /// As `Write`, past the page cache where the file system can do that. Lengths, offsets and memory of
    /// writes are multiples of a page.
    WriteDirect,
    /// As `Write`, made if it is not there, emptied if it is; its owner's alone.
    Create,
    /// As `Create`, for writes as of `WriteDirect`.
    CreateDirect,
}

/// Folders and the names in them.
///
/// What was written, made, renamed or removed outlives a power cut only once it was synced: content by
/// [`File::sync_data`], names by [`FileSystem::sync_dir`] of their folder.
pub trait FileSystem: Send + Sync + Debug {
    /// Opens a file.
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn File>>;

    /// Whether a file or folder has this name.
    fn exists(&self, path: &Path) -> bool;

    /// Makes a folder and its parents; those that are there are no error.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Puts a folder's names on stable storage.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Renames, in place of what had the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// The names in a folder, in any order.
    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Total and available bytes where `path` is.
    fn space(&self, path: &Path) -> io::Result<(u64, u64)>;

    /// Whether a folder is the root of a file system of its own.
    fn is_mount(&self, path: &Path) -> bool;
}

/// An open file.
pub trait File: Send + Sync + Debug {
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Bytes that it takes on the disk: holes left out, room allocated ahead counted.
    fn held(&self) -> io::Result<u64> {
        self.len()
    }

    /// Whether it is empty.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// Reads into the spare room of `buffer`; tells how many bytes, 0 at the end of the file.
    fn read_at(&self, buffer: &mut Vec<u8>, offset: u64) -> io::Result<usize>;

    /// Reads into `buffer`, whose start and length suit [`Access::ReadDirect`]; tells how many bytes, 0 at the end
    /// of the file.
    fn read_pages_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Fills `buffer` if no disk access is needed; tells whether it did.
    fn read_cached_at(&self, buffer: &mut [u8], offset: u64) -> bool;

    /// Writes all slices one after another from `offset` on.
    fn write_all_at(&self, slices: &[&[u8]], offset: u64) -> io::Result<()>;

    /// Puts the content, and what is needed to find it, on stable storage.
    fn sync_data(&self) -> io::Result<()>;

    /// Reserves room for `len` bytes from the start, so that writes inside it need no allocation.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Gives the blocks inside a range back; the file keeps its length. False where the file system cannot.
    fn punch(&self, offset: u64, len: u64) -> io::Result<bool>;

    /// Cuts the file to `len` bytes.
    fn truncate(&self, len: u64) -> io::Result<()>;

    /// Takes the file's lock without waiting; false if another process holds it.
    fn try_lock(&self) -> io::Result<bool>;
}

/// The file system of the machine.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsFileSystem;

impl FileSystem for OsFileSystem {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn File>> {
        let mut options = OpenOptions::new();
        options.read(true).write(!matches!(access, Access::Read | Access::ReadDirect));
        if matches!(access, Access::Create | Access::CreateDirect) {
            options.create(true).truncate(true).mode(0o600);
        }
        let direct = matches!(access, Access::ReadDirect | Access::WriteDirect | Access::CreateDirect);
        let file = if direct { open_past_cache(path, options)? } else { options.open(path)? };
        Ok(Box::new(OsFile(file)))
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path)? {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn space(&self, path: &Path) -> io::Result<(u64, u64)> {
        let stat = rustix::fs::statvfs(path)?;
        Ok((stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize))
    }

    fn is_mount(&self, path: &Path) -> bool {
        let device = |path: &Path| std::fs::metadata(path).map(|m| m.dev()).ok();
        let parent = path.canonicalize().ok().and_then(|path| path.parent().map(Path::to_owned));
        parent.is_some_and(|parent| device(path).is_some() && device(path) != device(&parent))
    }
}

/// Opens for direct access; for ordinary one where the file system refuses that.
fn open_past_cache(path: &Path, mut options: OpenOptions) -> io::Result<std::fs::File> {
    let direct = rustix::fs::OFlags::DIRECT.bits() as i32;
    match options.custom_flags(direct).open(path) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => options.custom_flags(0).open(path),
        other => other,
    }
}

#[derive(Debug)]
struct OsFile(std::fs::File);

impl OsFile {
    /// Turns to the page cache where a file system takes direct access but not of our alignment. False if
    /// the file was not open for that. The next sync covers what is written either way.
    fn leave_direct(&self) -> bool {
        let Ok(flags) = rustix::fs::fcntl_getfl(&self.0) else { return false };
        let direct = rustix::fs::OFlags::DIRECT;
        flags.contains(direct) && rustix::fs::fcntl_setfl(&self.0, flags - direct).is_ok()
    }
}

impl File for OsFile {
    fn held(&self) -> io::Result<u64> {
        self.0.metadata().map(|metadata| metadata.blocks() * 512)
    }

    fn len(&self) -> io::Result<u64> {
        self.0.metadata().map(|metadata| metadata.len())
    }

    fn read_at(&self, buffer: &mut Vec<u8>, offset: u64) -> io::Result<usize> {
        loop {
            match rustix::io::pread(&self.0, rustix::buffer::spare_capacity(buffer), offset) {
                Err(Errno::INTR) => {}
                other => return Ok(other?),
            }
        }
    }

    fn read_pages_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match rustix::io::pread(&self.0, &mut *buffer, offset) {
                Err(Errno::INTR) => {}
                Err(Errno::INVAL) if self.leave_direct() => {}
                other => return Ok(other?),
            }
        }
    }

    fn read_cached_at(&self, buffer: &mut [u8], offset: u64) -> bool {
        let (len, flags) = (buffer.len(), rustix::io::ReadWriteFlags::NOWAIT);
        rustix::io::preadv2(&self.0, &mut [IoSliceMut::new(buffer)], offset, flags) == Ok(len)
    }

    fn write_all_at(&self, slices: &[&[u8]], mut offset: u64) -> io::Result<()> {
        const SLICES_MAX: usize = 512;
        let mut parts: Vec<IoSlice<'_>> =
            slices.iter().filter(|s| !s.is_empty()).map(|s| IoSlice::new(s)).collect();
        let mut rest = parts.as_mut_slice();
        while !rest.is_empty() {
            let batch = &rest[..rest.len().min(SLICES_MAX)];
            match rustix::io::pwritev(&self.0, batch, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    offset += written as u64;
                    IoSlice::advance_slices(&mut rest, written);
                }
                Err(Errno::INTR) => {}
                Err(Errno::INVAL) if self.leave_direct() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&self.0, FallocateFlags::empty(), 0, len) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(rustix::fs::ftruncate(&self.0, len)?),
            other => Ok(other?),
        }
    }

    fn punch(&self, offset: u64, len: u64) -> io::Result<bool> {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        match rustix::fs::fallocate(&self.0, flags, offset, len) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(false),
            other => Ok(other.map(|()| true)?),
        }
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn try_lock(&self) -> io::Result<bool> {
        match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(std::fs::TryLockError::WouldBlock) => Ok(false),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }
}
