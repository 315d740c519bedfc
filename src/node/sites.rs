//! Where drives can be: folders of this machine, or of storage nodes. What is asked of a place before and when
//! a drive joins a deployment that runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::deployment::location_of;
use crate::runtime::{BoxFuture, Tasks};
use crate::shard_store::{
    Drive, DriveError, DriveFormat, DriveState, FileSystem, LocalDrive, Usage, inspect_on, usage_on,
};

/// A place for a drive.
#[derive(Debug, Clone)]
pub struct Site {
    /// As it is written down: an absolute path, or node and path.
    pub location: String,
    /// What stands there.
    pub state: DriveState,
    /// Its size and free space.
    pub usage: Usage,
    /// The folder that a metadata database could be kept in, where that is on this machine.
    pub database: Option<PathBuf>,
}

/// Looks at places, and makes drives of blank ones.
pub trait Sites: Send + Sync + std::fmt::Debug {
    /// What is at a location, which is left as it is.
    fn look<'a>(&'a self, location: &'a str) -> BoxFuture<'a, Result<Site, DriveError>>;

    /// Formats what must be blank and opens it.
    fn claim<'a>(
        &'a self,
        location: &'a str,
        format: &'a DriveFormat,
    ) -> BoxFuture<'a, Result<Arc<dyn Drive>, DriveError>>;
}

/// Folders of this machine.
#[derive(Debug)]
pub struct LocalSites {
    files: Arc<dyn FileSystem>,
    tasks: Tasks,
}

impl LocalSites {
    /// Folders of a file system.
    pub fn new(files: Arc<dyn FileSystem>, tasks: Tasks) -> Self {
        Self { files, tasks }
    }
}

/// Where a drive's copy of the metadata database is.
pub fn database_folder(root: &Path) -> PathBuf {
    root.join("metadata")
}

impl Sites for LocalSites {
    fn look<'a>(&'a self, location: &'a str) -> BoxFuture<'a, Result<Site, DriveError>> {
        let (files, root) = (self.files.clone(), PathBuf::from(location_of(Path::new(location))));
        Box::pin(async move {
            let looked = self.tasks.blocking(move || {
                let state = inspect_on(files.clone(), &root)?;
                let usage = usage_on(files, &root)?;
                let location = root.display().to_string();
                Ok(Site { location, state, usage, database: Some(database_folder(&root)) })
            });
            looked.await.unwrap_or_else(|error| Err(DriveError::Offline(error.to_string())))
        })
    }

    fn claim<'a>(
        &'a self,
        location: &'a str,
        format: &'a DriveFormat,
    ) -> BoxFuture<'a, Result<Arc<dyn Drive>, DriveError>> {
        let (files, tasks, format) = (self.files.clone(), self.tasks.clone(), format.clone());
        let root = PathBuf::from(location);
        Box::pin(async move {
            let opened = self.tasks.blocking(move || {
                match inspect_on(files.clone(), &root)? {
                    DriveState::Blank { .. } => LocalDrive::format_on(files.clone(), &root, &format)?,
                    DriveState::Formatted(_) | DriveState::Foreign => {
                        return Err(DriveError::Protocol("the folder is not blank".into()));
                    }
                }
                Ok(Arc::new(LocalDrive::open_on(files, &tasks, &root)?) as Arc<dyn Drive>)
            });
            opened.await.unwrap_or_else(|error| Err(DriveError::Offline(error.to_string())))
        })
    }
}
