//! Recovery with no server running: what the drives hold, a database rebuilt from it, and that put in place.
//!
//! The drives are opened on a file system that takes no writes, with their locks held. So nothing changes but
//! the place of the database: what is there is moved aside, never removed, and the rebuilt one, finished
//! and synced beside it, takes its name. A crash between the two leaves no database, as before a recovery.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::metadata::{self, RebuildError, Rebuilt, Replica};
use crate::node::{DriveReplica, database_folder, location_of, prevailing};
use crate::runtime::{Clock, SystemClock, Tasks};
use crate::shard_store::{
    Drive, DriveError, DriveFormat, DriveState, LocalDrive, LookOnly, Member, Membership, OsFileSystem,
    inspect,
};
use crate::types::{Civil, DeploymentId, DriveSlot, LogPosition};

use super::storage::DATABASE;

/// Where a database is rebuilt before it takes its place.
const REBUILT_FOLDER: &str = "rebuilt";

/// What a drive has to offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundState {
    /// It can be read.
    Found {
        /// The log index that its copy of the database includes.
        copy: Option<u64>,
        /// First and last entry of its log.
        log: Option<(LogPosition, LogPosition)>,
    },
    /// Nothing is at its place.
    Missing,
    /// It is there and cannot be read.
    Damaged(String),
    /// What is there is no drive of this deployment.
    Other(String),
}

/// A place that was looked at.
#[derive(Debug, Clone)]
pub struct FoundDrive {
    /// Its slot, where that is known.
    pub slot: Option<DriveSlot>,
    /// Its path.
    pub label: String,
    /// What is there.
    pub state: FoundState,
}

/// A database that was there before.
#[derive(Debug, Clone)]
pub struct FoundDatabase {
    /// Its file.
    pub path: PathBuf,
    /// The log index that it includes; none if it cannot be read.
    pub applied: Option<u64>,
}

/// What the drives hold.
#[derive(Debug)]
pub struct Found {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Its drives.
    pub membership: Membership,
    /// Every place.
    pub drives: Vec<FoundDrive>,
    /// Databases on those drives.
    pub databases: Vec<FoundDatabase>,
    /// The drives that can be read.
    pub(super) opened: Vec<(DriveSlot, Arc<dyn Drive>)>,
}

/// Why nothing was recovered. Each is a sentence with its remedy.
#[derive(Debug, thiserror::Error)]
pub enum RescueError {
    /// No drive of any deployment.
    #[error(
        "none of these places holds a drive; name the drives of the deployment as for `holdfast serve`: {0}"
    )]
    NoDrives(String),
    /// A server uses a drive.
    #[error("drive {0} is in use by a Holdfast server; stop that first")]
    InUse(String),
    /// The drives do not hold enough.
    #[error("{reason}; bring back the drives that are missing{existing}")]
    TooLittle {
        /// What is missing.
        reason: RebuildError,
        /// A way out, where there is one.
        existing: String,
    },
    /// The database could not be written.
    #[error("cannot write {path}: {error}; check space and permissions there")]
    Unwritable {
        /// Which file.
        path: String,
        /// What the system said.
        error: String,
    },
}

type Result<T> = std::result::Result<T, RescueError>;

/// What was done with the databases.
#[derive(Debug)]
pub struct Installed {
    /// The rebuilt one.
    pub database: PathBuf,
    /// What was there before, under its new names.
    pub aside: Vec<PathBuf>,
}

/// Looks at the drives, and opens those that can be read.
pub async fn find(paths: &[PathBuf]) -> Result<Found> {
    let mut places: Vec<(PathBuf, std::result::Result<DriveState, DriveError>)> =
        paths.iter().map(|path| (path.clone(), inspect(path))).collect();
    let formats: Vec<DriveFormat> =
        places.iter().filter_map(|(_, state)| format_of(state)).cloned().collect();
    let Some((deployment, membership)) = prevailing(&formats) else {
        let listed: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(RescueError::NoDrives(listed.join(", ")));
    };
    let listed: Vec<String> = paths.iter().map(|path| location_of(path)).collect();
    for member in &membership.members {
        let here = formats.iter().any(|format| format.drive == member.drive);
        if !here && !listed.contains(&member.location) {
            let path = PathBuf::from(&member.location);
            let state = inspect(&path);
            places.push((path, state));
        }
    }
    let mut found = Found {
        deployment,
        membership: membership.clone(),
        drives: Vec::new(),
        databases: Vec::new(),
        opened: Vec::new(),
    };
    for (path, state) in places {
        found.take(&path, state).await?;
    }
    found.note_missing();
    found.drives.sort_by_key(|drive| (drive.slot.is_none(), drive.slot));
    found.opened.sort_by_key(|(slot, _)| *slot);
    Ok(found)
}

fn format_of(state: &std::result::Result<DriveState, DriveError>) -> Option<&DriveFormat> {
    match state {
        Ok(DriveState::Formatted(format)) => Some(format),
        _ => None,
    }
}

impl Found {
    /// Takes a place into account.
    async fn take(&mut self, path: &Path, state: std::result::Result<DriveState, DriveError>) -> Result<()> {
        let (slot, state) = match state {
            Ok(DriveState::Formatted(format)) if !self.has(&format) => (
                None,
                FoundState::Other("belongs to another deployment, or was removed from this one".into()),
            ),
            Ok(DriveState::Formatted(format)) => (Some(format.slot), self.open(path, format.slot).await?),
            Ok(DriveState::Foreign) => {
                (None, FoundState::Other("holds files that are not Holdfast's".into()))
            }
            // Members that are nowhere are noted by their slot.
            Ok(DriveState::Blank { .. }) | Err(DriveError::NotFound) => return Ok(()),
            Err(error) => (self.slot_at(path), FoundState::Damaged(error.to_string())),
        };
        self.drives.push(FoundDrive { slot, label: path.display().to_string(), state });
        Ok(())
    }

    fn has(&self, format: &DriveFormat) -> bool {
        let opened = self.opened.iter().any(|(slot, _)| *slot == format.slot);
        let member = self.membership.members.iter().any(|member| member.drive == format.drive);
        format.deployment == self.deployment && member && !opened
    }

    /// The slot of the member that was last at this place.
    fn slot_at(&self, path: &Path) -> Option<DriveSlot> {
        let location = location_of(path);
        self.membership.members.iter().find(|member| member.location == location).map(|member| member.slot)
    }

    async fn open(&mut self, path: &Path, slot: DriveSlot) -> Result<FoundState> {
        let files = Arc::new(LookOnly::new(Arc::new(OsFileSystem)));
        let drive = match LocalDrive::open_on(files, &Tasks::threads(), path) {
            Ok(drive) => Arc::new(drive) as Arc<dyn Drive>,
            Err(DriveError::Offline(_)) => return Err(RescueError::InUse(path.display().to_string())),
            Err(error) => return Ok(FoundState::Damaged(error.to_string())),
        };
        let (bounds, copy) = (drive.log_bounds().await, drive.snapshot_newest().await);
        let log = bounds.map(|bounds| bounds.first.zip(bounds.last));
        let database = database_folder(path).join(DATABASE);
        if database.exists() {
            self.databases
                .push(FoundDatabase { applied: metadata::applied_index(&database), path: database });
        }
        match (log, copy) {
            (Ok(log), Ok(copy)) => {
                self.opened.push((slot, drive));
                Ok(FoundState::Found { copy, log })
            }
            (Err(error), _) | (_, Err(error)) => Ok(FoundState::Damaged(error.to_string())),
        }
    }

    fn note_missing(&mut self) {
        let known: Vec<DriveSlot> = self.drives.iter().filter_map(|drive| drive.slot).collect();
        let missing = self.membership.members.iter().filter(|member| !known.contains(&member.slot));
        let note = |member: &Member| FoundDrive {
            slot: Some(member.slot),
            label: member.location.clone(),
            state: FoundState::Missing,
        };
        self.drives.extend(missing.map(note).collect::<Vec<_>>());
    }

    /// Rebuilds the database in a folder, which is made. `progress` is told the entry reached and the last one.
    pub async fn rebuild(&self, folder: &Path, progress: impl FnMut(u64, u64)) -> Result<Rebuilt> {
        // What an earlier, interrupted recovery began.
        let cleared = match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => std::fs::create_dir_all(folder),
        };
        cleared.map_err(|error| unwritable(folder, &error))?;
        let replica = |(slot, drive): &(DriveSlot, Arc<dyn Drive>)| {
            Arc::new(DriveReplica::new(*slot, drive.clone())) as Arc<dyn Replica>
        };
        let replicas: Vec<_> = self.opened.iter().map(replica).collect();
        let rebuilt = metadata::rebuild(&folder.join(DATABASE), &replicas, progress).await;
        rebuilt.map_err(|reason| match reason {
            RebuildError::Failed(error) => unwritable(folder, &error),
            reason => RescueError::TooLittle { reason, existing: self.way_out() },
        })
    }

    /// A database that is there and may do where copies and logs do not.
    fn way_out(&self) -> String {
        let newest =
            self.databases.iter().filter_map(|database| Some((database.applied?, &database.path))).max();
        newest.map_or_else(String::new, |(applied, path)| {
            format!(
                ", or start the server with the database that is there: {} is readable up to entry {applied}",
                path.display()
            )
        })
    }

    /// Where the database of a server is to be.
    fn database(&self) -> Option<PathBuf> {
        let newest = self.databases.iter().max_by_key(|database| database.applied);
        let first = || self.opened.first().map(|(_, drive)| PathBuf::from(drive.label()));
        newest
            .map(|database| database.path.clone())
            .or_else(|| Some(database_folder(&first()?).join(DATABASE)))
    }

    /// The folder beside the database's place where it is rebuilt, so that it can be renamed into place.
    pub fn rebuilt_folder(&self) -> Option<PathBuf> {
        self.database().map(|database| database.with_file_name(REBUILT_FOLDER))
    }

    /// Moves the databases that are there aside and puts the rebuilt one in place.
    pub fn install(&self, rebuilt: Rebuilt) -> Result<Installed> {
        let database = self.database().expect("a database was rebuilt from a drive");
        let finished = rebuilt.finish().map_err(|error| unwritable(&database, &error))?;
        let now = Civil::from_unix_secs(SystemClock.now().as_secs());
        let stem = format!(
            "holdfast-aside-{:04}{:02}{:02}T{:02}{:02}{:02}Z",
            now.year, now.month, now.day, now.hour, now.minute, now.second
        );
        let mut aside = Vec::new();
        for existing in &self.databases {
            let moved = metadata::move_aside(&existing.path, &stem);
            aside.extend(moved.map_err(|error| unwritable(&existing.path, &error))?);
        }
        metadata::install(&finished, &database).map_err(|error| unwritable(&database, &error))?;
        if let Some(folder) = finished.parent() {
            // Empty but for what SQLite may have left; not worth a failure.
            let _ = std::fs::remove_dir_all(folder);
        }
        Ok(Installed { database, aside })
    }
}

fn unwritable(path: &Path, error: &impl std::fmt::Display) -> RescueError {
    RescueError::Unwritable { path: path.display().to_string(), error: error.to_string() }
}
