//! Drives in memory, with all that may happen to what was not synced, and to what was.
//!
//! A file has the content that readers see and the content that a power cut is sure to leave. Pages written
//! since the last sync may each be left as they were, as they are, as they were in between, or torn between
//! sectors. Of a folder's changes since its last sync a power cut leaves some first ones, in order.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use holdfast::shard_store::{Access, File, FileSystem};
use tokio::sync::Notify;

use crate::rng::{Choose, Rng};

const PAGE_BYTES: usize = 4096;
const SECTOR_BYTES: usize = 512;
const SECTORS: usize = PAGE_BYTES / SECTOR_BYTES;
const ZEROS: [u8; PAGE_BYTES] = [0; PAGE_BYTES];
/// What each drive says its size is.
const DRIVE_BYTES: u64 = 256 << 20;

type Page = Arc<[u8; PAGE_BYTES]>;
type Pages = BTreeMap<u64, Page>;

/// A file's bytes; pages that are not there are zeros.
#[derive(Debug, Clone, Default)]
struct Content {
    pages: Pages,
    len: u64,
}

impl Content {
    fn set(&mut self, page: u64, content: Option<Page>) {
        match content {
            Some(content) => drop(self.pages.insert(page, content)),
            None => drop(self.pages.remove(&page)),
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Inode {
    now: Content,
    durable: Content,
    /// Of pages written since the last sync, all they were since then, in order.
    unsynced: BTreeMap<u64, Vec<Option<Page>>>,
    /// The lengths since the last sync.
    lengths: Vec<u64>,
    /// Bytes that are reserved on the drive.
    room: u64,
}

impl Inode {
    fn set_page(&mut self, page: u64, content: Option<Page>) {
        self.now.set(page, content.clone());
        self.unsynced.entry(page).or_default().push(content);
    }

    fn set_len(&mut self, len: u64) {
        if len != self.now.len {
            self.now.len = len;
            self.lengths.push(len);
        }
    }

    fn page(&self, page: u64) -> &[u8; PAGE_BYTES] {
        self.now.pages.get(&page).map_or(&ZEROS, |page| page)
    }

    fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let len = buffer.len().min(self.now.len.saturating_sub(offset) as usize);
        let mut done = 0;
        while done < len {
            let at = offset + done as u64;
            let within = (at % PAGE_BYTES as u64) as usize;
            let count = (PAGE_BYTES - within).min(len - done);
            let page = self.page(at / PAGE_BYTES as u64);
            buffer[done..done + count].copy_from_slice(&page[within..within + count]);
            done += count;
        }
        len
    }

    fn write(&mut self, mut bytes: &[u8], mut offset: u64) {
        while !bytes.is_empty() {
            let (number, within) = (offset / PAGE_BYTES as u64, (offset % PAGE_BYTES as u64) as usize);
            let count = (PAGE_BYTES - within).min(bytes.len());
            let (part, rest) = bytes.split_at(count);
            let page = match <&[u8; PAGE_BYTES]>::try_from(part) {
                Ok(whole) => (whole != &ZEROS).then(|| Arc::new(*whole)),
                Err(_) => {
                    let mut page = *self.page(number);
                    page[within..within + count].copy_from_slice(part);
                    Some(Arc::new(page))
                }
            };
            self.set_page(number, page);
            offset += count as u64;
            bytes = rest;
        }
        self.set_len(self.now.len.max(offset));
    }

    /// Makes a range zeros.
    fn clear(&mut self, start: u64, end: u64) {
        let pages = start / PAGE_BYTES as u64..end.div_ceil(PAGE_BYTES as u64);
        let numbers: Vec<u64> = self.now.pages.range(pages).map(|(&number, _)| number).collect();
        for number in numbers {
            let first = number * PAGE_BYTES as u64;
            let from = start.saturating_sub(first).min(PAGE_BYTES as u64) as usize;
            let to = (end - first).min(PAGE_BYTES as u64) as usize;
            let mut page = *self.page(number);
            page[from..to].fill(0);
            self.set_page(number, (page != ZEROS).then(|| Arc::new(page)));
        }
    }

    fn sync(&mut self) {
        for page in std::mem::take(&mut self.unsynced).into_keys() {
            let content = self.now.pages.get(&page).cloned();
            self.durable.set(page, content);
        }
        self.durable.len = self.now.len;
        self.lengths.clear();
    }

    /// Takes what a power cut leaves.
    fn cut(&mut self, choose: &mut dyn Choose) {
        for (page, versions) in std::mem::take(&mut self.unsynced) {
            let old = self.durable.pages.get(&page).cloned();
            let left = match choose.choose(versions.len() + 2) {
                0 => old,
                1 => torn(choose.choose(SECTORS - 1) + 1, versions.last().and_then(Option::as_ref), &old),
                version => versions[version - 2].clone(),
            };
            self.durable.set(page, left);
        }
        let lengths = std::mem::take(&mut self.lengths);
        if !lengths.is_empty() {
            let choice = choose.choose(lengths.len() + 1);
            self.durable.len = choice.checked_sub(1).map_or(self.durable.len, |i| lengths[i]);
            self.durable.pages.split_off(&self.durable.len.div_ceil(PAGE_BYTES as u64));
        }
        self.now = self.durable.clone();
    }
}

/// A page whose first sectors are of the new content and the others of the old.
fn torn(sectors: usize, new: Option<&Page>, old: &Option<Page>) -> Option<Page> {
    let mut page = old.as_ref().map_or(ZEROS, |page| **page);
    let written = sectors * SECTOR_BYTES;
    page[..written].copy_from_slice(&new.map_or(ZEROS, |page| **page)[..written]);
    Some(Arc::new(page))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    File(usize),
    Folder(usize),
}

#[derive(Debug, Clone)]
enum Change {
    Link(String, Node),
    Unlink(String),
    Rename(String, String),
}

#[derive(Debug, Clone, Default)]
struct Names(BTreeMap<String, Node>);

impl Names {
    fn change(&mut self, change: Change) {
        match change {
            Change::Link(name, node) => drop(self.0.insert(name, node)),
            Change::Unlink(name) => drop(self.0.remove(&name)),
            Change::Rename(from, to) => {
                if let Some(node) = self.0.remove(&from) {
                    self.0.insert(to, node);
                }
            }
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Folder {
    now: Names,
    durable: Names,
    unsynced: Vec<Change>,
}

impl Folder {
    fn change(&mut self, change: Change) {
        self.now.change(change.clone());
        self.unsynced.push(change);
    }

    fn sync(&mut self, changes: usize) {
        for change in self.unsynced.drain(..changes) {
            self.durable.change(change);
        }
    }

    fn cut(&mut self, choose: &mut dyn Choose) {
        if !self.unsynced.is_empty() {
            self.sync(choose.choose(self.unsynced.len() + 1));
        }
        self.unsynced.clear();
        self.now = self.durable.clone();
    }
}

/// What kind of access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Read,
    Write,
    Sync,
    Names,
}

/// One drive.
#[derive(Debug, Clone)]
pub struct Disk {
    files: Vec<Inode>,
    folders: Vec<Folder>,
    /// Open files of an earlier start of the machine are of no use.
    start: u64,
    powered: bool,
    /// So many more accesses of this kind fail.
    failing: Option<(Kind, u64)>,
    /// Bytes that may still be used, where the drive is nearly full.
    room: Option<u64>,
    /// It says that it is full, and still takes all.
    at_reserve: bool,
    /// Syncs do nothing: a drive that lies.
    pub lies: bool,
}

impl Default for Disk {
    fn default() -> Self {
        let folders = vec![Folder::default()];
        Self {
            files: Vec::new(),
            folders,
            start: 0,
            powered: true,
            failing: None,
            room: None,
            at_reserve: false,
            lies: false,
        }
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Disk {
    fn find(&self, path: &[&str]) -> Option<Node> {
        let mut node = Node::Folder(0);
        for name in path {
            let Node::Folder(folder) = node else { return None };
            node = *self.folders[folder].now.0.get(*name)?;
        }
        Some(node)
    }

    fn folder(&self, path: &[&str]) -> io::Result<usize> {
        match self.find(path) {
            Some(Node::Folder(folder)) => Ok(folder),
            Some(Node::File(_)) => Err(io::ErrorKind::NotADirectory.into()),
            None => Err(not_found()),
        }
    }

    fn allow(&mut self, kind: Kind) -> io::Result<()> {
        if !self.powered {
            return Err(io::Error::other("the power is off"));
        }
        if let Some((failing, left)) = &mut self.failing
            && *failing == kind
            && *left > 0
        {
            *left -= 1;
            return Err(io::Error::from_raw_os_error(5));
        }
        Ok(())
    }

    /// Charges a file's growth to the drive.
    fn grow(&mut self, file: usize, to: u64) -> io::Result<()> {
        let more = to.saturating_sub(self.files[file].room);
        if let Some(room) = &mut self.room {
            *room = room.checked_sub(more).ok_or(io::ErrorKind::StorageFull)?;
        }
        self.files[file].room += more;
        Ok(())
    }

    fn open(&mut self, path: &[&str], access: Access) -> io::Result<usize> {
        let makes = matches!(access, Access::Create | Access::CreateDirect);
        match self.find(path) {
            Some(Node::Folder(_)) => Err(io::ErrorKind::IsADirectory.into()),
            Some(Node::File(file)) => {
                if makes {
                    let len = self.files[file].now.len;
                    self.files[file].clear(0, len);
                    self.files[file].set_len(0);
                }
                Ok(file)
            }
            None if !makes => Err(not_found()),
            None => {
                let (name, parent) = path.split_last().ok_or_else(not_found)?;
                let parent = self.folder(parent)?;
                self.files.push(Inode::default());
                let file = self.files.len() - 1;
                self.folders[parent].change(Change::Link((*name).to_owned(), Node::File(file)));
                Ok(file)
            }
        }
    }

    fn create_dir(&mut self, path: &[&str]) -> io::Result<()> {
        for depth in 1..=path.len() {
            match self.find(&path[..depth]) {
                Some(Node::Folder(_)) => {}
                Some(Node::File(_)) => return Err(io::ErrorKind::NotADirectory.into()),
                None => {
                    let parent = self.folder(&path[..depth - 1])?;
                    self.folders.push(Folder::default());
                    let made = Node::Folder(self.folders.len() - 1);
                    self.folders[parent].change(Change::Link(path[depth - 1].to_owned(), made));
                }
            }
        }
        Ok(())
    }

    fn rename(&mut self, from: &[&str], to: &[&str]) -> io::Result<()> {
        let ((old, parent), (new, target)) =
            (from.split_last().ok_or_else(not_found)?, to.split_last().ok_or_else(not_found)?);
        assert_eq!(parent, target, "renames stay within a folder");
        self.find(from).ok_or_else(not_found)?;
        let parent = self.folder(parent)?;
        self.folders[parent].change(Change::Rename((*old).to_owned(), (*new).to_owned()));
        Ok(())
    }

    fn remove(&mut self, path: &[&str]) -> io::Result<()> {
        let Some(Node::File(_)) = self.find(path) else { return Err(not_found()) };
        let (name, parent) = path.split_last().ok_or_else(not_found)?;
        let parent = self.folder(parent)?;
        self.folders[parent].change(Change::Unlink((*name).to_owned()));
        Ok(())
    }

    /// The machine starts again after its power was cut.
    pub fn cut(&mut self, choose: &mut dyn Choose) {
        self.files.iter_mut().for_each(|file| file.cut(choose));
        self.folders.iter_mut().for_each(|folder| folder.cut(choose));
        self.restart();
    }

    /// The process starts again; the machine went on.
    pub fn restart(&mut self) {
        self.start += 1;
        self.powered = true;
        self.failing = None;
        self.room = None;
        self.at_reserve = false;
    }

    /// Names of the files with content below a folder at the root, with where they are.
    fn files_below(&self, folder: usize, found: &mut Vec<usize>) {
        for node in self.folders[folder].now.0.values() {
            match node {
                Node::Folder(inner) => self.files_below(*inner, found),
                Node::File(file) if !self.files[*file].now.pages.is_empty() => found.push(*file),
                Node::File(_) => {}
            }
        }
    }

    /// Flips bits of one page of a file in one of these folders; false if there is none.
    fn rot(&mut self, rng: &mut Rng, folders: &[&str]) -> bool {
        let mut found = Vec::new();
        for folder in folders {
            if let Ok(folder) = self.folder(&[folder]) {
                self.files_below(folder, &mut found);
            }
        }
        if found.is_empty() {
            return false;
        }
        let file = &mut self.files[*rng.pick(&found)];
        let numbers: Vec<u64> = file.now.pages.keys().copied().collect();
        let number = *rng.pick(&numbers);
        let mut page = *file.now.pages[&number];
        if rng.chance(20) {
            page = ZEROS;
        } else {
            for _ in 0..=rng.below(3) {
                page[rng.index(PAGE_BYTES)] ^= 1 << rng.below(8);
            }
        }
        let page = Arc::new(page);
        file.now.pages.insert(number, page.clone());
        file.durable.pages.insert(number, page);
        file.unsynced.remove(&number);
        true
    }
}

/// The drives of one machine, as folders `/0`, `/1` and so on, or of machines with one each.
#[derive(Debug)]
pub struct Disks {
    disks: Mutex<State>,
    /// Told when the power goes.
    cut: Notify,
}

#[derive(Debug)]
struct State {
    disks: Vec<Disk>,
    /// Changes until the power goes everywhere.
    cut_in: Option<u64>,
    /// Changes so far.
    changes: u64,
}

impl Disks {
    pub fn new(count: usize) -> Arc<Self> {
        let state = State { disks: vec![Disk::default(); count], cut_in: None, changes: 0 };
        Arc::new(Self { disks: Mutex::new(state), cut: Notify::new() })
    }

    pub fn root(disk: usize) -> PathBuf {
        PathBuf::from(format!("/{disk}"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.disks.lock().unwrap()
    }

    pub fn with<T>(&self, disk: usize, act: impl FnOnce(&mut Disk) -> T) -> T {
        act(&mut self.state().disks[disk])
    }

    /// Changes to files and names so far.
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// Cuts the power at the change that comes after so many others.
    pub fn cut_power_in(&self, changes: u64) {
        self.state().cut_in = Some(changes);
    }

    pub fn has_power(&self) -> bool {
        self.state().disks.iter().any(|disk| disk.powered)
    }

    pub async fn power_cut(&self) {
        while self.has_power() {
            self.cut.notified().await;
        }
    }

    /// Cuts the power of one drive's machine.
    pub fn cut_one(&self, disk: usize) {
        self.with(disk, |disk| disk.powered = false);
    }

    /// All machines start again, after the power was cut or not.
    pub fn restart(&self, rng: &mut Rng) {
        let mut state = self.state();
        state.cut_in = None;
        let cut = !state.disks.iter().any(|disk| disk.powered);
        for disk in &mut state.disks {
            if cut || !disk.powered { disk.cut(rng) } else { disk.restart() }
        }
    }

    pub fn fail(&self, disk: usize, kind: Kind, times: u64) {
        self.with(disk, |disk| disk.failing = Some((kind, times)));
    }

    pub fn set_room(&self, disk: usize, room: Option<u64>) {
        self.with(disk, |disk| disk.room = room);
    }

    pub fn set_at_reserve(&self, disk: usize, full: bool) {
        self.with(disk, |disk| disk.at_reserve = full);
    }

    pub fn rot(&self, disk: usize, rng: &mut Rng, folders: &[&str]) -> bool {
        self.with(disk, |disk| disk.rot(rng, folders))
    }

    /// Puts a blank drive in the place of another.
    pub fn replace(&self, disk: usize) {
        self.with(disk, |disk| *disk = Disk { start: disk.start + 1, ..Disk::default() });
    }

    fn at<T>(
        &self,
        path: &Path,
        kind: Kind,
        act: impl FnOnce(&mut Disk, &[&str]) -> io::Result<T>,
    ) -> io::Result<T> {
        let names: Vec<&str> = path.iter().skip(1).map(|name| name.to_str().unwrap()).collect();
        let (disk, path) = names.split_first().ok_or_else(not_found)?;
        let disk: usize = disk.parse().map_err(|_| not_found())?;
        self.access(disk, kind, |disk| act(disk, path))
    }

    fn access<T>(
        &self,
        disk: usize,
        kind: Kind,
        act: impl FnOnce(&mut Disk) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.state();
        let state = &mut *state;
        if kind != Kind::Read {
            state.changes += 1;
            if let Some(left) = &mut state.cut_in {
                if *left == 0 {
                    state.disks.iter_mut().for_each(|disk| disk.powered = false);
                    self.cut.notify_one();
                }
                *left = left.saturating_sub(1);
            }
        }
        let disk = state.disks.get_mut(disk).ok_or_else(not_found)?;
        disk.allow(kind)?;
        act(disk)
    }
}

/// The file system that a deployment is given.
#[derive(Debug, Clone)]
pub struct SimulatedFiles(pub Arc<Disks>);

impl FileSystem for SimulatedFiles {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn File>> {
        let makes = matches!(access, Access::Create | Access::CreateDirect);
        let kind = if makes { Kind::Names } else { Kind::Read };
        let (inode, start) =
            self.0.at(path, kind, |disk, path| disk.open(path, access).map(|inode| (inode, disk.start)))?;
        let disk = path.iter().nth(1).and_then(|name| name.to_str()?.parse().ok()).ok_or_else(not_found)?;
        Ok(Box::new(OpenFile { disks: self.0.clone(), disk, inode, start }))
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.at(path, Kind::Read, |disk, path| Ok(disk.find(path).is_some())).unwrap_or(false)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.at(path, Kind::Names, Disk::create_dir)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        // Drives are mounted there; they stay.
        if path == Path::new("/") {
            return Ok(());
        }
        self.0.at(path, Kind::Sync, |disk, path| {
            let folder = disk.folder(path)?;
            if !disk.lies {
                let folder = &mut disk.folders[folder];
                folder.sync(folder.unsynced.len());
            }
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let to: Vec<String> = to.iter().skip(2).map(|name| name.to_str().unwrap().to_owned()).collect();
        let to: Vec<&str> = to.iter().map(String::as_str).collect();
        self.0.at(from, Kind::Names, |disk, from| disk.rename(from, &to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.0.at(path, Kind::Names, Disk::remove)
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        self.0.at(path, Kind::Read, |disk, path| {
            let folder = disk.folder(path)?;
            Ok(disk.folders[folder].now.0.keys().cloned().collect())
        })
    }

    fn space(&self, path: &Path) -> io::Result<(u64, u64)> {
        self.0.at(path, Kind::Read, |disk, _| {
            let available = if disk.at_reserve { 32 << 20 } else { DRIVE_BYTES };
            Ok((DRIVE_BYTES, disk.room.map_or(available, |room| room.min(available))))
        })
    }

    fn is_mount(&self, _: &Path) -> bool {
        false
    }
}

#[derive(Debug)]
struct OpenFile {
    disks: Arc<Disks>,
    disk: usize,
    inode: usize,
    start: u64,
}

impl OpenFile {
    fn access<T>(&self, kind: Kind, act: impl FnOnce(&mut Disk, usize) -> io::Result<T>) -> io::Result<T> {
        self.disks.access(self.disk, kind, |disk| {
            if disk.start != self.start {
                return Err(io::Error::other("opened before the restart"));
            }
            act(disk, self.inode)
        })
    }
}

impl File for OpenFile {
    fn len(&self) -> io::Result<u64> {
        self.access(Kind::Read, |disk, file| Ok(disk.files[file].now.len))
    }

    fn read_at(&self, buffer: &mut Vec<u8>, offset: u64) -> io::Result<usize> {
        self.access(Kind::Read, |disk, file| {
            let held = buffer.len();
            buffer.resize(buffer.capacity(), 0);
            let read = disk.files[file].read(&mut buffer[held..], offset);
            buffer.truncate(held + read);
            Ok(read)
        })
    }

    fn read_pages_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.access(Kind::Read, |disk, file| Ok(disk.files[file].read(buffer, offset)))
    }

    /// Half of all pages are in memory.
    fn read_cached_at(&self, buffer: &mut [u8], offset: u64) -> bool {
        if (offset / PAGE_BYTES as u64) % 2 == 1 {
            return false;
        }
        let read = self.access(Kind::Read, |disk, file| Ok(disk.files[file].read(buffer, offset)));
        read.is_ok_and(|read| read == buffer.len())
    }

    fn write_all_at(&self, slices: &[&[u8]], mut offset: u64) -> io::Result<()> {
        self.access(Kind::Write, |disk, file| {
            let end = offset + slices.iter().map(|slice| slice.len() as u64).sum::<u64>();
            disk.grow(file, end)?;
            for slice in slices {
                disk.files[file].write(slice, offset);
                offset += slice.len() as u64;
            }
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.access(Kind::Sync, |disk, file| {
            if !disk.lies {
                disk.files[file].sync();
            }
            Ok(())
        })
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.access(Kind::Write, |disk, file| {
            disk.grow(file, len)?;
            let longer = disk.files[file].now.len.max(len);
            disk.files[file].set_len(longer);
            Ok(())
        })
    }

    /// One file system of four has no holes.
    fn punch(&self, offset: u64, len: u64) -> io::Result<bool> {
        if self.disk % 4 == 3 {
            return Ok(false);
        }
        self.access(Kind::Write, |disk, file| {
            disk.files[file].clear(offset, offset + len);
            Ok(true)
        })
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.access(Kind::Write, |disk, file| {
            let end = disk.files[file].now.len;
            if len < end {
                disk.files[file].clear(len, end);
            }
            disk.files[file].set_len(len);
            Ok(())
        })
    }

    fn try_lock(&self) -> io::Result<bool> {
        Ok(true)
    }
}
