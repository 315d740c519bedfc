//! A file system that is looked at and stays as it is: what a drive wants to write is taken and forgotten.
//!
//! A drive that is opened on it shows what it would show a server, torn tails cut off and unsealed shards
//! left out, and on the disk nothing of that happens. What was written is not read back.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::file_system::{Access, File, FileSystem};

/// See the module's head.
#[derive(Debug)]
pub struct LookOnly(Arc<dyn FileSystem>);

impl LookOnly {
    /// Looks at `files`.
    pub fn new(files: Arc<dyn FileSystem>) -> Self {
        Self(files)
    }
}

impl FileSystem for LookOnly {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn File>> {
        let made = matches!(access, Access::Create | Access::CreateDirect);
        let file = match self.0.open(path, Access::Read) {
            Err(error) if made && error.kind() == io::ErrorKind::NotFound => None,
            other => Some(other?),
        };
        Ok(Box::new(LookOnlyFile { file, emptied: made }))
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.exists(path)
    }

    fn create_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove_file(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        self.0.list_dir(path)
    }

    fn space(&self, path: &Path) -> io::Result<(u64, u64)> {
        // A folder that was not made is where its parent is.
        let there = path.ancestors().find(|folder| self.0.exists(folder)).unwrap_or(path);
        self.0.space(there)
    }

    fn is_mount(&self, path: &Path) -> bool {
        self.0.is_mount(path)
    }
}

/// A file, none where it was only made here.
#[derive(Debug)]
struct LookOnlyFile {
    file: Option<Box<dyn File>>,
    /// It was opened as if it were new.
    emptied: bool,
}

impl LookOnlyFile {
    fn content(&self) -> Option<&dyn File> {
        self.file.as_deref().filter(|_| !self.emptied)
    }
}

impl File for LookOnlyFile {
    fn len(&self) -> io::Result<u64> {
        self.content().map_or(Ok(0), File::len)
    }

    fn read_at(&self, buffer: &mut Vec<u8>, offset: u64) -> io::Result<usize> {
        self.content().map_or(Ok(0), |file| file.read_at(buffer, offset))
    }

    fn read_pages_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.content().map_or(Ok(0), |file| file.read_pages_at(buffer, offset))
    }

    fn read_cached_at(&self, buffer: &mut [u8], offset: u64) -> bool {
        self.content().is_some_and(|file| file.read_cached_at(buffer, offset))
    }

    fn write_all_at(&self, _slices: &[&[u8]], _offset: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn allocate(&self, _len: u64) -> io::Result<()> {
        Ok(())
    }

    fn punch(&self, _offset: u64, _len: u64) -> io::Result<bool> {
        Ok(true)
    }

    fn truncate(&self, _len: u64) -> io::Result<()> {
        Ok(())
    }

    /// The lock is real: what a server writes meanwhile would not be a moment's state.
    fn try_lock(&self) -> io::Result<bool> {
        self.file.as_ref().map_or(Ok(true), |file| file.try_lock())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::file_system::OsFileSystem;
    use super::super::{Drive, DriveError, DriveFormat, LocalDrive, Membership, Record, ShardId};
    use super::*;
    use crate::runtime::Tasks;
    use crate::types::{BlobId, DeploymentId, DriveId, DriveSlot, LogEntry, LogPosition};

    /// All files but spare ones of the log, which a thread of a drive that was dropped may still be filling.
    fn everything(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => found.extend(everything(&path)),
                false => found.push((path.clone(), std::fs::read(&path).unwrap())),
            }
        }
        found.retain(|(path, _)| path.extension().is_none_or(|extension| extension != "spare"));
        found.sort();
        found
    }

    fn open(folder: &Path) -> Result<Arc<dyn Drive>, DriveError> {
        let files = Arc::new(LookOnly::new(Arc::new(OsFileSystem)));
        Ok(Arc::new(LocalDrive::open_on(files, &Tasks::threads(), folder)?))
    }

    #[tokio::test]
    async fn a_drive_is_read_and_no_byte_of_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let membership = Membership { version: 1, data_shards: 1, parity_shards: 0, members: Vec::new() };
        let format = DriveFormat {
            deployment: DeploymentId(1),
            drive: DriveId(2),
            slot: DriveSlot(0),
            membership,
            mounted: false,
        };
        LocalDrive::format(folder.path(), &format).unwrap();
        let [held, torn] = [1, 2].map(|blob| ShardId { blob: BlobId(blob), shard: 0 });
        let drive: Arc<dyn Drive> = Arc::new(LocalDrive::open(folder.path()).unwrap());
        assert!(matches!(open(folder.path()), Err(DriveError::Offline(_))), "it is served");
        drive.append(&Record { id: held, stripe: 0, data: vec![7; 9000].into() }).await.unwrap();
        drive.write_stripe(&Record { id: torn, stripe: 0, data: vec![7; 9000].into() }, 9000).await.unwrap();
        let position = LogPosition { epoch: 1, index: 1 };
        drive.log_append(&[LogEntry { position, payload: vec![3; 100].into() }]).await.unwrap();
        drop(drive);
        std::fs::write(folder.path().join("segments/0000000009.seg"), b"HFsh torn").unwrap();
        let before = everything(folder.path());
        let drive = open(folder.path()).unwrap();
        assert_eq!(drive.contains(vec![held, torn]).await.unwrap(), [true, false]);
        assert_eq!(drive.log_bounds().await.unwrap().last, Some(position));
        assert_eq!(drive.log_read(1).await.unwrap().len(), 1);
        drop(drive);
        assert!(everything(folder.path()) == before);
    }
}
