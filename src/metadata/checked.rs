//! SQLite over files whose pages carry checksums, so that what a drive gives back wrong is an error and never an answer.
//!
//! A file system for SQLite ([VFS](https://www.sqlite.org/vfs.html)) that checks what passes and leaves the rest to SQLite's
//! own. SQLite keeps the last 8 bytes of each page of the database free; there stands XXH3 of the others, with the page's
//! place as its seed, so that a page in the place of another is told too. The write-ahead log has checksums of SQLite's, which
//! are looked at when it is opened and not when a page is read from it: those of its pages are kept in memory meanwhile.
//!
//! Nothing is mapped into memory: reading what was cut off or cannot be read would end the process by a signal. Beneath is
//! `unix-excl`, where the index of the write-ahead log is memory of the process, and the database nobody else's meanwhile.
//!
//! What the system has in memory is read at once, and else the drive is asked as `drive_waits` says.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::fs::File;
use std::io::IoSliceMut;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock, Weak};

use rusqlite::{Connection, OpenFlags, ffi};
use rustix::io::ReadWriteFlags;
use twox_hash::XxHash3_64;

use super::drive_waits;

const NAME: &CStr = c"holdfast";
const BENEATH: &CStr = c"unix-excl";
/// Bytes of a page that SQLite leaves free.
const RESERVED: usize = 8;
/// What a database begins with, and where its head tells the length of pages and how much of them is left free
/// (<https://www.sqlite.org/fileformat2.html>).
const PAGE_BYTES_AT: usize = 16;
const RESERVED_AT: usize = 20;
const MAGIC: &[u8] = b"SQLite format 3\0";
const HEAD_BYTES: usize = 100;
/// Lengths of the write-ahead log's head and of the head of a page in it.
const LOG_HEAD_BYTES: u64 = 32;
const FRAME_HEAD_BYTES: usize = 24;
const PAGE_BYTES_MIN: usize = 512;

/// How a database is opened; each connection is used by one thread at a time.
pub(super) const READ: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);
pub(super) const WRITE: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);
pub(super) const CREATE: OpenFlags = WRITE.union(OpenFlags::SQLITE_OPEN_CREATE);

/// Opens a database all of whose pages have checksums; an empty one gets them from the start.
pub(super) fn open(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    register()?;
    let connection = Connection::open_with_flags_and_vfs(path, flags, NAME)?;
    reserve(&connection);
    Ok(connection)
}

/// Has the database, if it is empty yet, and what is vacuumed from it keep room for checksums.
fn reserve(connection: &Connection) {
    let mut bytes = RESERVED as c_int;
    // SAFETY: the connection is open, and this control reads and writes one int.
    unsafe {
        let bytes = (&raw mut bytes).cast();
        ffi::sqlite3_file_control(
            connection.handle(),
            c"main".as_ptr(),
            ffi::SQLITE_FCNTL_RESERVE_BYTES,
            bytes,
        );
    }
}

/// Whether the database at `path` was made without checksums.
pub(super) fn lacks_checksums(path: &Path) -> bool {
    use std::io::Read;
    let mut head = [0; HEAD_BYTES];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head.starts_with(MAGIC) && head[RESERVED_AT] == 0
}

/// Writes a database that has no checksums to `target` as one that has.
pub(super) fn add_checksums(path: &Path, target: &Path) -> rusqlite::Result<()> {
    register()?;
    let source = Connection::open(path)?;
    reserve(&source);
    let name = target.to_str().unwrap_or_default();
    let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let vfs = NAME.to_string_lossy();
    source.execute("VACUUM INTO ?1", [format!("file:{encoded}?vfs={vfs}")])?;
    Ok(())
}

/// The checksum of a page at an offset, whose own place is left out of it.
fn checksum(page: &[u8], offset: u64) -> u64 {
    XxHash3_64::oneshot_with_seed(offset, &page[..page.len() - RESERVED])
}

/// Checksums of the pages in a database's write-ahead log, by their number there; 0 of those that nobody looked at.
#[derive(Debug, Default)]
struct LogPages(RwLock<Vec<u64>>);

impl LogPages {
    /// The number of the frame whose page begins at an offset.
    fn number(offset: u64, page_bytes: usize) -> Option<usize> {
        let frames = offset.checked_sub(LOG_HEAD_BYTES + FRAME_HEAD_BYTES as u64)?;
        let frame_bytes = (FRAME_HEAD_BYTES + page_bytes) as u64;
        frames.is_multiple_of(frame_bytes).then_some((frames / frame_bytes) as usize)
    }

    fn note(&self, offset: u64, page: &[u8]) {
        let Some(number) = Self::number(offset, page.len()) else { return };
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() <= number {
            known.resize(number + 1, 0);
        }
        known[number] = XxHash3_64::oneshot(page);
    }

    fn fits(&self, offset: u64, page: &[u8]) -> bool {
        let Some(number) = Self::number(offset, page.len()) else { return true };
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(number).copied();
        known.is_none_or(|known| known == 0 || known == XxHash3_64::oneshot(page))
    }
}

/// What all connections of a database share.
#[derive(Debug)]
struct Shared {
    path: Arc<Path>,
    /// The database, to read from. Closed after SQLite's own, as closing one drops all locks that the process has (POSIX).
    file: Option<Arc<File>>,
    log_pages: LogPages,
}

/// Databases by the file's device and inode.
type Databases = HashMap<(u64, u64), Weak<Shared>>;
static DATABASES: LazyLock<Mutex<Databases>> = LazyLock::new(Mutex::default);

fn shared_of(path: &Path) -> Arc<Shared> {
    let place = std::fs::metadata(path).map(|file| (file.dev(), file.ino()));
    let known = || {
        let mut databases = DATABASES.lock().unwrap_or_else(PoisonError::into_inner);
        databases.retain(|_, shared| shared.strong_count() > 0);
        databases
    };
    let found = place.as_ref().ok().and_then(|place| known().get(place)?.upgrade());
    if let Some(shared) = found {
        return shared;
    }
    // The drive may hang here, so nobody waits for this one meanwhile.
    let file = File::open(path).ok().map(Arc::new);
    let shared = Arc::new(Shared { path: path.into(), file, log_pages: LogPages::default() });
    let Ok(place) = place else { return shared };
    let mut databases = known();
    let entry = databases.entry(place).or_insert_with(|| Arc::downgrade(&shared));
    entry.upgrade().unwrap_or(shared)
}

/// A database, or its write-ahead log. SQLite's own file stands behind it in memory.
#[repr(C)]
struct CheckedFile {
    base: ffi::sqlite3_file,
    shared: Arc<Shared>,
    /// Of a write-ahead log, which has no locks: the log, to read from.
    log: Option<Arc<File>>,
    is_log: bool,
}

impl CheckedFile {
    /// Reads, from memory if the system has it there. False if that is for SQLite's own file, and an error if the drive hangs.
    fn read(&self, data: &mut [u8], offset: u64) -> Result<bool, c_int> {
        let file = if self.is_log { &self.log } else { &self.shared.file };
        let Some(file) = file else { return Ok(false) };
        let at_once = rustix::io::preadv2(file, &mut [IoSliceMut::new(data)], offset, ReadWriteFlags::NOWAIT);
        if at_once == Ok(data.len()) {
            return Ok(true);
        }
        let (file, len) = (file.clone(), data.len());
        let read = move || {
            let mut buffer = vec![0; len];
            file.read_exact_at(&mut buffer, offset).map(|()| buffer)
        };
        match drive_waits::ask(&self.shared.path, read) {
            Some(Ok(buffer)) => data.copy_from_slice(&buffer),
            Some(Err(_)) => return Ok(false),
            None => return Err(ffi::SQLITE_IOERR_READ),
        }
        Ok(true)
    }

    /// Whether what was read is what was written.
    fn fits(&self, data: &[u8], offset: u64) -> bool {
        if !self.is_log {
            return !is_database_page(data, offset) || page_fits(data, offset);
        }
        if has_page_length(data.len()) {
            return self.shared.log_pages.fits(offset, data);
        }
        if let Some(page) = data.get(FRAME_HEAD_BYTES..).filter(|page| has_page_length(page.len())) {
            // SQLite opens the log, and checks the pages itself.
            self.shared.log_pages.note(offset + FRAME_HEAD_BYTES as u64, page);
        }
        true
    }
}

/// Pages that were free from the start are never written: they are zeros, which SQLite takes for none of a table's.
fn page_fits(page: &[u8], offset: u64) -> bool {
    let place = page.len() - RESERVED;
    page[place..] == checksum(page, offset).to_le_bytes() || page.iter().all(|byte| *byte == 0)
}

fn has_page_length(len: usize) -> bool {
    len.is_power_of_two() && len >= PAGE_BYTES_MIN
}

/// Whether that is a page of a database. Before SQLite has read how long they are it may read more or less than the first.
fn is_database_page(data: &[u8], offset: u64) -> bool {
    has_page_length(data.len())
        && offset.is_multiple_of(data.len() as u64)
        && (offset > 0 || page_bytes(data) == data.len())
}

/// The length of pages by the head of a database.
fn page_bytes(head: &[u8]) -> usize {
    match u16::from_be_bytes([head[PAGE_BYTES_AT], head[PAGE_BYTES_AT + 1]]) {
        1 => 1 << 16,
        bytes => usize::from(bytes),
    }
}

/// SQLite's own file behind a checked one.
///
/// # Safety
/// `file` must have been opened by [`open_file`].
unsafe fn beneath(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: `szOsFile` asks for room for both.
    unsafe { file.cast::<CheckedFile>().add(1).cast() }
}

/// Defines functions that hand a call on to SQLite's own file.
macro_rules! hand_on {
    ($($name:ident: $method:ident($($argument:ident: $type:ty),*);)*) => {$(
        unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file $(, $argument: $type)*) -> c_int {
            // SAFETY: SQLite calls this for files that are open, and gives what the method asks for.
            unsafe {
                let file = beneath(file);
                (*(*file).pMethods).$method.map_or(ffi::SQLITE_IOERR, |method| method(file $(, $argument)*))
            }
        }
    )*};
}

hand_on! {
    read_beneath: xRead(data: *mut c_void, len: c_int, offset: i64);
    write_beneath: xWrite(data: *const c_void, len: c_int, offset: i64);
    close_beneath: xClose();
    truncate: xTruncate(size: i64);
    sync: xSync(flags: c_int);
    file_size: xFileSize(size: *mut i64);
    lock: xLock(kind: c_int);
    unlock: xUnlock(kind: c_int);
    check_reserved_lock: xCheckReservedLock(result: *mut c_int);
    file_control: xFileControl(operation: c_int, argument: *mut c_void);
    sector_size: xSectorSize();
    device_characteristics: xDeviceCharacteristics();
    shm_map: xShmMap(region: c_int, bytes: c_int, extend: c_int, memory: *mut *mut c_void);
    shm_lock: xShmLock(offset: c_int, count: c_int, flags: c_int);
    shm_unmap: xShmUnmap(delete: c_int);
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: as in `hand_on`.
    unsafe {
        let file = beneath(file);
        if let Some(barrier) = (*(*file).pMethods).xShmBarrier {
            barrier(file);
        }
    }
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, data: *mut c_void, len: c_int, offset: i64) -> c_int {
    // SAFETY: SQLite gives `len` bytes of memory to fill.
    unsafe {
        let checked = &*file.cast::<CheckedFile>();
        let buffer = std::slice::from_raw_parts_mut(data.cast(), len as usize);
        let code = match checked.read(buffer, offset as u64) {
            Ok(true) => ffi::SQLITE_OK,
            Ok(false) => read_beneath(file, data, len, offset),
            Err(code) => code,
        };
        let fits = |data| checked.fits(data, offset as u64);
        match code {
            // SQLite would take a page that was cut off for one of zeros.
            ffi::SQLITE_IOERR_SHORT_READ if checked.is_log && has_page_length(len as usize) => {
                ffi::SQLITE_IOERR_DATA
            }
            ffi::SQLITE_OK if !fits(std::slice::from_raw_parts(data.cast(), len as usize)) => {
                ffi::SQLITE_IOERR_DATA
            }
            code => code,
        }
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    data: *const c_void,
    len: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite gives `len` bytes.
    unsafe {
        let checked = &*file.cast::<CheckedFile>();
        let page: &[u8] = std::slice::from_raw_parts(data.cast(), len as usize);
        if checked.is_log && has_page_length(page.len()) {
            checked.shared.log_pages.note(offset as u64, page);
        } else if !checked.is_log && is_database_page(page, offset as u64) {
            if offset == 0 && page[RESERVED_AT] != RESERVED as u8 {
                // A checksum would stand where SQLite has put something.
                return ffi::SQLITE_IOERR;
            }
            let mut page = page.to_vec();
            let sum = checksum(&page, offset as u64);
            let place = page.len() - RESERVED;
            page[place..].copy_from_slice(&sum.to_le_bytes());
            return write_beneath(file, page.as_ptr().cast(), len, offset);
        }
        write_beneath(file, data, len, offset)
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: nobody uses the file after this.
    unsafe {
        let code = close_beneath(file);
        std::ptr::drop_in_place(file.cast::<CheckedFile>());
        code
    }
}

/// There is no page to be had without a copy.
unsafe extern "C" fn fetch(_: *mut ffi::sqlite3_file, _: i64, _: c_int, page: *mut *mut c_void) -> c_int {
    // SAFETY: SQLite gives a place for the answer.
    unsafe { *page = std::ptr::null_mut() };
    ffi::SQLITE_OK
}

unsafe extern "C" fn unfetch(_: *mut ffi::sqlite3_file, _: i64, _: *mut c_void) -> c_int {
    ffi::SQLITE_OK
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 3,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: Some(fetch),
    xUnfetch: Some(unfetch),
};

/// SQLite's own file system, beneath this one.
static OWN: AtomicPtr<ffi::sqlite3_vfs> = AtomicPtr::new(std::ptr::null_mut());

/// Opens a database or its log as a [`CheckedFile`], and anything else as SQLite does: journals of copies in the making.
unsafe extern "C" fn open_file(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a file of `szOsFile` bytes and, for databases and logs, a name; `OWN` is set before this is known.
    unsafe {
        let own = OWN.load(Ordering::Acquire);
        let Some(open) = (*own).xOpen else { return ffi::SQLITE_CANTOPEN };
        let is_log = flags & ffi::SQLITE_OPEN_WAL != 0;
        if name.is_null() || !(is_log || flags & ffi::SQLITE_OPEN_MAIN_DB != 0) {
            return open(own, name, file, flags, flags_out);
        }
        (*file).pMethods = std::ptr::null();
        let code = open(own, name, beneath(file), flags, flags_out);
        if code != ffi::SQLITE_OK {
            return code;
        }
        let path = Path::new(OsStr::from_bytes(CStr::from_ptr(name).to_bytes()));
        let (shared, log) = if is_log {
            let database = &*ffi::sqlite3_database_file_object(name).cast::<CheckedFile>();
            (database.shared.clone(), File::open(path).ok().map(Arc::new))
        } else {
            (shared_of(path), None)
        };
        let base = ffi::sqlite3_file { pMethods: &raw const METHODS };
        file.cast::<CheckedFile>().write(CheckedFile { base, shared, log, is_log });
        code
    }
}

/// Makes the file system known to SQLite; its error code if that fails.
static REGISTERED: LazyLock<Result<(), c_int>> = LazyLock::new(|| {
    // SAFETY: both file systems live as long as the process.
    let code = unsafe {
        let own = ffi::sqlite3_vfs_find(BENEATH.as_ptr());
        if own.is_null() {
            return Err(ffi::SQLITE_ERROR);
        }
        OWN.store(own, Ordering::Release);
        let mut checked = own.read();
        checked.zName = NAME.as_ptr();
        checked.szOsFile += size_of::<CheckedFile>() as c_int;
        checked.xOpen = Some(open_file);
        ffi::sqlite3_vfs_register(Box::into_raw(Box::new(checked)), 0)
    };
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(code) }
});

fn register() -> rusqlite::Result<()> {
    let failed = |code: &c_int| rusqlite::Error::SqliteFailure(ffi::Error::new(*code), None);
    REGISTERED.as_ref().copied().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(path: &Path) -> Connection {
        let db = open(path, CREATE).unwrap();
        db.pragma_update(None, "page_size", 8192).unwrap();
        db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;").unwrap();
        db.execute_batch(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
             INSERT INTO t SELECT i, randomblob(3000) FROM n;",
        )
        .unwrap();
        db
    }

    fn sum(db: &Connection) -> rusqlite::Result<i64> {
        db.query_row("SELECT sum(length(hex(data))) FROM t", [], |row| row.get(0))
    }

    fn is_damage(result: rusqlite::Result<i64>) -> bool {
        matches!(result, Err(rusqlite::Error::SqliteFailure(error, _)) if error.extended_code == ffi::SQLITE_IOERR_DATA)
    }

    fn flip(path: &Path, at: u64) {
        let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 16], at).unwrap();
    }

    fn write_back(db: &Connection) {
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    }

    #[test]
    fn a_bit_that_flips_anywhere_in_the_database_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let db = filled(&path);
        write_back(&db);
        let expected = sum(&db).unwrap();
        drop(db);
        for page in 1..100 {
            let at = page * 8192 + (page * 997) % 8192;
            flip(&path, at);
            let db = open(&path, CREATE).unwrap();
            assert!(is_damage(sum(&db)), "{at}");
            drop(db);
            flip(&path, at);
        }
        assert_eq!(sum(&open(&path, CREATE).unwrap()).unwrap(), expected);
    }

    #[test]
    fn a_page_in_the_place_of_another_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        write_back(&filled(&path));
        let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
        let mut page = [0; 8192];
        file.read_exact_at(&mut page, 20 * 8192).unwrap();
        file.write_all_at(&page, 30 * 8192).unwrap();
        assert!(is_damage(sum(&open(&path, CREATE).unwrap())));
    }

    #[test]
    fn a_bit_that_flips_in_the_write_ahead_log_is_an_error_and_does_not_get_into_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let db = filled(&path);
        let expected = sum(&db).unwrap();
        let log = folder.path().join("a.db-wal");
        let at = std::fs::metadata(&log).unwrap().len() / 2;
        for reopened in [false, true] {
            let reader = open(&path, READ).unwrap();
            assert_eq!(sum(&reader).unwrap(), expected);
            flip(&log, at);
            let reader = open(&path, READ).unwrap();
            assert!(is_damage(sum(&reader)), "{reopened}");
            assert!(db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).is_err(), "{reopened}");
            flip(&log, at);
        }
        write_back(&db);
        drop(db);
        assert_eq!(sum(&open(&path, CREATE).unwrap()).unwrap(), expected);
    }

    #[test]
    fn a_log_that_a_crash_left_is_read_and_then_checked_too() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("a.db"), folder.path().join("b.db"));
        let db = filled(&path);
        let expected = sum(&db).unwrap();
        for suffix in ["", "-wal"] {
            let with = |path: &Path| format!("{}{suffix}", path.display());
            std::fs::copy(with(&path), with(&copy)).unwrap();
        }
        let db = open(&copy, CREATE).unwrap();
        assert_eq!(sum(&db).unwrap(), expected);
        let log = folder.path().join("b.db-wal");
        flip(&log, std::fs::metadata(&log).unwrap().len() / 2);
        assert!(is_damage(sum(&open(&copy, CREATE).unwrap())));
    }

    #[test]
    fn a_database_that_is_cut_off_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let db = filled(&path);
        write_back(&db);
        let reader = open(&path, READ).unwrap();
        sum(&reader).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_len(40 * 8192).unwrap();
        assert!(sum(&open(&path, READ).unwrap()).is_err());
    }

    #[test]
    fn a_database_without_checksums_gets_them() {
        let folder = tempfile::tempdir().unwrap();
        let (path, target) = (folder.path().join("plain.db"), folder.path().join("it's 100 %? #checked.db"));
        let db = Connection::open(&path).unwrap();
        db.execute_batch(
            "PRAGMA journal_mode = WAL; CREATE TABLE t (data BLOB); INSERT INTO t VALUES (x'00');",
        )
        .unwrap();
        write_back(&db);
        assert!(lacks_checksums(&path));
        add_checksums(&path, &target).unwrap();
        assert!(!lacks_checksums(&target));
        assert_eq!(sum(&open(&target, CREATE).unwrap()).unwrap(), 2);
    }
}
