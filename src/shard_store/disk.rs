//! How a drive uses files: positioned reads and writes, appends, syncs, and errors that say what was tried.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::drive::DriveError;
use super::file_system::{Access, File, FileSystem};
use crate::runtime::{PAGE_BYTES, PageBuffer};

/// The parts one after another in memory that direct writes can take, padded with zeros to whole pages.
pub(super) fn in_pages(parts: &[&[u8]]) -> PageBuffer {
    let len = parts.iter().map(|part| part.len()).sum::<usize>().next_multiple_of(PAGE_BYTES);
    let mut pages = PageBuffer::with_room(len);
    parts.iter().for_each(|part| pages.extend_from_slice(part));
    pages.resize(len);
    pages
}

/// Appends to a file past the page cache, from a buffer of its own.
///
/// The page that holds the end is written again by the next append, with the bytes that are there already
/// unchanged: where sectors are written whole, a torn write leaves those as they were.
#[derive(Debug)]
pub(super) struct DirectAppender {
    file: DiskFile,
    /// What follows the last whole page on disk.
    buffer: PageBuffer,
    /// Where the buffer belongs in the file: a multiple of [`PAGE_BYTES`].
    start: u64,
}

impl DirectAppender {
    const BUFFER_BYTES: usize = 1 << 20;

    /// Appends to an empty file that was opened by [`Disk::open_direct`].
    pub(super) fn new(file: DiskFile) -> Self {
        Self { file, buffer: PageBuffer::with_room(Self::BUFFER_BYTES), start: 0 }
    }

    /// Where the next append begins.
    pub(super) fn end(&self) -> u64 {
        self.start + self.buffer.len() as u64
    }

    /// Writes the slices one after another; not yet durable. After a failure (a full disk, say) the end is
    /// where it was, and the next append writes over what this one left.
    pub(super) fn append(&mut self, slices: &[&[u8]]) -> Result<(), DriveError> {
        let (start, tail) = (self.start, self.buffer.to_vec());
        let appended = self.try_append(slices);
        if appended.is_err() {
            self.start = start;
            self.buffer.resize(0);
            self.buffer.extend_from_slice(&tail);
        }
        appended
    }

    fn try_append(&mut self, slices: &[&[u8]]) -> Result<(), DriveError> {
        for mut rest in slices.iter().copied() {
            while !rest.is_empty() {
                let taken;
                (taken, rest) = rest.split_at(rest.len().min(Self::BUFFER_BYTES - self.buffer.len()));
                self.buffer.extend_from_slice(taken);
                if self.buffer.len() == Self::BUFFER_BYTES {
                    self.flush()?;
                }
            }
        }
        self.flush()
    }

    /// Writes the buffer, and keeps what does not fill a page.
    fn flush(&mut self) -> Result<(), DriveError> {
        let len = self.buffer.len();
        let whole = len / PAGE_BYTES * PAGE_BYTES;
        self.buffer.resize(len.next_multiple_of(PAGE_BYTES));
        self.file.write_all_at(&[&self.buffer], self.start)?;
        self.buffer.copy_within(whole..len, 0);
        self.buffer.resize(len - whole);
        self.start += whole as u64;
        Ok(())
    }

    /// Puts what was appended on stable storage.
    pub(super) fn sync_data(&self) -> Result<(), DriveError> {
        self.file.sync_data()
    }

    /// Cuts the file to what was appended.
    pub(super) fn truncate_to_end(&self) -> Result<(), DriveError> {
        self.file.truncate(self.end())
    }
}

/// The file system that a drive is on.
#[derive(Debug, Clone)]
pub(super) struct Disk(Arc<dyn FileSystem>);

/// Turns a system error into a drive error that says what was tried.
fn io_error(attempt: &str, path: &Path, error: &io::Error) -> DriveError {
    match error.kind() {
        io::ErrorKind::NotFound => DriveError::NotFound,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DriveError::NoSpace,
        _ => DriveError::Io { attempt: format!("{attempt} {}", path.display()), error: error.to_string() },
    }
}

impl Disk {
    /// A drive's access to `files`.
    pub(super) fn new(files: Arc<dyn FileSystem>) -> Self {
        Self(files)
    }

    fn file(&self, attempt: &str, path: &Path, access: Access) -> Result<DiskFile, DriveError> {
        let file = self.0.open(path, access).map_err(|error| io_error(attempt, path, &error))?;
        Ok(DiskFile { file, path: path.to_owned() })
    }

    /// Opens an existing file for reading.
    pub(super) fn open(&self, path: &Path) -> Result<DiskFile, DriveError> {
        self.file("open", path, Access::Read)
    }

    /// Opens an existing file for [`DiskFile::read_pages`] past the page cache, where the file system can do that.
    pub(super) fn open_to_read_direct(&self, path: &Path) -> Result<DiskFile, DriveError> {
        self.file("open", path, Access::ReadDirect)
    }

    /// Opens an existing file for reading and writing.
    pub(super) fn open_rw(&self, path: &Path) -> Result<DiskFile, DriveError> {
        self.file("open", path, Access::Write)
    }

    /// Opens a file for writes that pass the page cache by, where the file system can do that. Lengths,
    /// offsets and memory must be multiples of [`PAGE_BYTES`].
    pub(super) fn open_direct(&self, path: &Path) -> Result<DiskFile, DriveError> {
        self.file("open", path, Access::WriteDirect)
    }

    /// Makes a file, or empties one that is there; readable by its owner alone.
    pub(super) fn create(&self, path: &Path) -> Result<DiskFile, DriveError> {
        self.file("create", path, Access::Create)
    }

    /// As [`Self::create`], for writes as of [`Self::open_direct`].
    pub(super) fn create_direct(&self, path: &Path) -> Result<DiskFile, DriveError> {
        self.file("create", path, Access::CreateDirect)
    }

    /// All that is in a file.
    pub(super) fn read(&self, path: &Path) -> Result<Bytes, DriveError> {
        let file = self.open(path)?;
        file.read_exact_at(file.len()? as usize, 0)
    }

    /// Whether a file or folder has this name.
    pub(super) fn exists(&self, path: &Path) -> bool {
        self.0.exists(path)
    }

    /// Makes a directory and its parents.
    pub(super) fn create_dir(&self, path: &Path) -> Result<(), DriveError> {
        self.0.create_dir(path).map_err(|error| io_error("create folder", path, &error))
    }

    /// As [`Self::create_dir`]; what was made outlives a power cut.
    pub(super) fn create_dir_durably(&self, path: &Path) -> Result<(), DriveError> {
        let is_new = |folder: &&Path| !folder.as_os_str().is_empty() && !self.exists(folder);
        let made: Vec<&Path> = path.ancestors().take_while(is_new).collect();
        self.create_dir(path)?;
        for folder in made {
            let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
            self.sync_dir(parent.unwrap_or(Path::new(".")))?;
        }
        Ok(())
    }

    /// Puts a directory's entries on stable storage.
    pub(super) fn sync_dir(&self, path: &Path) -> Result<(), DriveError> {
        self.0.sync_dir(path).map_err(|error| io_error("sync folder", path, &error))
    }

    /// Renames within one directory.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<(), DriveError> {
        self.0.rename(from, to).map_err(|error| io_error("rename", from, &error))
    }

    /// Renames within one directory, durably.
    pub(super) fn rename_durably(&self, from: &Path, to: &Path) -> Result<(), DriveError> {
        self.rename(from, to)?;
        self.sync_dir(to.parent().unwrap_or(to))
    }

    /// Writes a small file so that a crash leaves the old content or the new.
    pub(super) fn replace_file(&self, path: &Path, content: &[u8]) -> Result<(), DriveError> {
        let temporary = path.with_extension("tmp");
        let file = self.create(&temporary)?;
        file.write_at(content, 0)?;
        file.sync_data()?;
        self.rename_durably(&temporary, path)
    }

    /// Removes a file; one that is not there is no error.
    pub(super) fn remove_file(&self, path: &Path) -> Result<(), DriveError> {
        match self.0.remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", path, &error)),
            _ => Ok(()),
        }
    }

    /// The names in a directory, in order; none if it does not exist.
    pub(super) fn list_dir(&self, path: &Path) -> Result<Vec<String>, DriveError> {
        let mut names = match self.0.list_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|error| io_error("list", path, &error))?,
        };
        names.sort_unstable();
        Ok(names)
    }

    /// Total and available bytes of the file system that holds `path`.
    pub(super) fn space(&self, path: &Path) -> Result<(u64, u64), DriveError> {
        self.0.space(path).map_err(|error| io_error("statvfs", path, &error))
    }

    /// Whether `path` lies on another file system than its parent.
    pub(super) fn is_mount(&self, path: &Path) -> bool {
        self.0.is_mount(path)
    }
}

/// A file with its path, for messages.
#[derive(Debug)]
pub(super) struct DiskFile {
    file: Box<dyn File>,
    path: PathBuf,
}

impl DiskFile {
    fn fail(&self, attempt: &str, error: &io::Error) -> DriveError {
        io_error(attempt, &self.path, error)
    }

    /// Bytes on the disk: holes left out, room allocated ahead counted.
    pub(super) fn held(&self) -> Result<u64, DriveError> {
        self.file.held().map_err(|error| self.fail("stat", &error))
    }

    /// Length in bytes.
    pub(super) fn len(&self) -> Result<u64, DriveError> {
        self.file.len().map_err(|error| self.fail("stat", &error))
    }

    /// Writes all slices one after another from `offset` on.
    pub(super) fn write_all_at(&self, slices: &[&[u8]], offset: u64) -> Result<(), DriveError> {
        self.file.write_all_at(slices, offset).map_err(|error| self.fail("write", &error))
    }

    /// Writes all of `bytes` at `offset`.
    pub(super) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), DriveError> {
        self.write_all_at(&[bytes], offset)
    }

    /// Writes parts, each padded with zeros to whole pages, into a file opened for direct writes. `offset`
    /// is a multiple of [`PAGE_BYTES`]; what begins at a page in memory is not copied.
    pub(super) fn write_pages(&self, parts: &[&[u8]], offset: u64) -> Result<(), DriveError> {
        let split = parts.iter().map(|part| {
            let aligned = part.as_ptr().align_offset(PAGE_BYTES) == 0;
            let (whole, rest) = part.split_at(if aligned { part.len() / PAGE_BYTES * PAGE_BYTES } else { 0 });
            (whole, in_pages(&[rest]))
        });
        let split: Vec<(&[u8], PageBuffer)> = split.collect();
        let slices: Vec<&[u8]> = split.iter().flat_map(|(whole, rest)| [*whole, &rest[..]]).collect();
        self.write_all_at(&slices, offset)
    }

    /// Reads exactly `len` bytes; a shorter file is corrupt.
    pub(super) fn read_exact_at(&self, len: usize, offset: u64) -> Result<Bytes, DriveError> {
        let mut buffer: Vec<u8> = Vec::with_capacity(len);
        while buffer.len() < len {
            let at = offset + buffer.len() as u64;
            match self.file.read_at(&mut buffer, at) {
                Ok(0) => return Err(DriveError::Corrupt(format!("{} is too short", self.path.display()))),
                Ok(_) => buffer.truncate(len),
                Err(error) => return Err(self.fail("read", &error)),
            }
        }
        Ok(Bytes::from(buffer))
    }

    /// Reads whole pages, as far as the file goes: `pages` begins and ends at multiples of [`PAGE_BYTES`].
    pub(super) fn read_pages(&self, pages: Range<u64>) -> Result<Bytes, DriveError> {
        let len = (pages.end - pages.start) as usize;
        // A few lengths only, so that the memory is found again for the next read.
        let mut buffer = PageBuffer::of_unknown(len.next_power_of_two());
        buffer.resize(len);
        let mut done = 0;
        while done < len {
            let read = self.file.read_pages_at(&mut buffer[done..], pages.start + done as u64);
            let read = read.map_err(|error| self.fail("read", &error))?;
            done += read;
            // What ends inside a page is the end of the file.
            if read == 0 || read % PAGE_BYTES > 0 {
                break;
            }
        }
        buffer.resize(done);
        Ok(buffer.freeze())
    }

    /// Reads exactly `len` bytes if they are in memory already; `None` where the disk would be needed.
    pub(super) fn read_cached_at(&self, len: usize, offset: u64) -> Option<Bytes> {
        let mut buffer = BytesMut::zeroed(len);
        self.file.read_cached_at(&mut buffer, offset).then(|| buffer.freeze())
    }

    /// Reads what is there from `offset` on, `len` bytes at most.
    pub(super) fn read_up_to_at(&self, len: usize, offset: u64) -> Result<Bytes, DriveError> {
        let left = self.len()?.saturating_sub(offset);
        self.read_exact_at(len.min(usize::try_from(left).unwrap_or(len)), offset)
    }

    /// Puts the data, and what is needed to find it, on stable storage.
    pub(super) fn sync_data(&self) -> Result<(), DriveError> {
        self.file.sync_data().map_err(|error| self.fail("sync", &error))
    }

    /// Reserves room, so that writes inside it need no allocation.
    pub(super) fn allocate(&self, len: u64) -> Result<(), DriveError> {
        self.file.allocate(len).map_err(|error| self.fail("allocate", &error))
    }

    /// Gives the blocks inside a range back; the file keeps its length. False where the file system cannot.
    pub(super) fn punch(&self, offset: u64, len: u64) -> Result<bool, DriveError> {
        self.file.punch(offset, len).map_err(|error| self.fail("punch", &error))
    }

    /// Cuts the file to `len` bytes.
    pub(super) fn truncate(&self, len: u64) -> Result<(), DriveError> {
        self.file.truncate(len).map_err(|error| self.fail("truncate", &error))
    }

    /// Takes the lock of the file without waiting; false if another process holds it.
    pub(super) fn try_lock(&self) -> Result<bool, DriveError> {
        self.file.try_lock().map_err(|error| self.fail("lock", &error))
    }
}

#[cfg(test)]
impl Disk {
    pub(super) fn of_this_machine() -> Self {
        Self::new(Arc::new(super::file_system::OsFileSystem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_of_any_length_stand_one_after_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut appender = DirectAppender::new(Disk::of_this_machine().create_direct(&path).unwrap());
        let mut expected = Vec::new();
        for len in [1, 4095, 1, 4096, 10_000, 3 << 20, 0, 7] {
            let data: Vec<u8> = (0..len).map(|i| (i * 7 + len) as u8).collect();
            appender.append(&[&data[..len / 3], &data[len / 3..]]).unwrap();
            expected.extend_from_slice(&data);
            assert_eq!(appender.end(), expected.len() as u64);
            let on_disk = Disk::of_this_machine().open(&path).unwrap();
            assert!(on_disk.read_exact_at(expected.len(), 0).unwrap() == expected, "{len}");
        }
        appender.truncate_to_end().unwrap();
        assert_eq!(Disk::of_this_machine().open(&path).unwrap().len().unwrap(), expected.len() as u64);
    }

    #[test]
    fn after_a_failed_append_the_next_one_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut appender = DirectAppender::new(Disk::of_this_machine().create_direct(&path).unwrap());
        appender.append(&[b"before "]).unwrap();
        let writable = std::mem::replace(&mut appender.file, Disk::of_this_machine().open(&path).unwrap());
        appender.append(&[&[1; 3 << 20]]).unwrap_err();
        assert_eq!(appender.end(), 7);
        appender.file = writable;
        appender.append(&[b"after"]).unwrap();
        assert_eq!(
            &Disk::of_this_machine().open(&path).unwrap().read_exact_at(12, 0).unwrap()[..],
            b"before after"
        );
    }

    #[test]
    fn parts_begin_at_pages_wherever_they_stand_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = Disk::of_this_machine().create_direct(&path).unwrap();
        let pages = in_pages(&[&[7; 10_000]]);
        for data in [&pages[..10_000], &pages[1..9_000], &pages[..8192], &[]] {
            file.write_pages(&[b"head", data], 4096).unwrap();
            let read =
                Disk::of_this_machine().open(&path).unwrap().read_exact_at(4096 + data.len(), 4096).unwrap();
            assert!(read[..4] == *b"head" && read[4096..] == *data);
        }
    }

    #[test]
    fn writes_go_on_through_the_page_cache_where_direct_ones_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = Disk::of_this_machine().create_direct(&folder.path().join("file")).unwrap();
        file.write_all_at(&[b"no page at all"], 3).unwrap();
        assert_eq!(&file.read_exact_at(14, 3).unwrap()[..], b"no page at all");
    }
}
