//! Which drives belong together: formatting new ones, recognising known ones, replacing blank ones.
//!
//! Rules
//! - All blank: a new deployment. A drive keeps the slot of its position in the list.
//! - Some formatted: they must name one deployment, each slot at most once. A blank folder in the
//!   place of a missing drive is formatted as a new drive for that slot and refilled, unless the drives
//!   that are there are too few to serve, or the missing one was a mount point and this is none.
//! - More than the parity missing: refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::erasure::Scheme;
use crate::runtime::{Tasks, random_bytes};
use crate::shard_store::{
    Drive, DriveError, DriveFormat, DriveState, FileSystem, LocalDrive, OsFileSystem, inspect_on,
};
use crate::types::{DeploymentId, DriveId, DriveSlot};

/// Drives that are ready, and what to say about them.
#[derive(Debug)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// The drives that are there.
    pub drives: Vec<(DriveSlot, Arc<dyn Drive>)>,
    /// How many the deployment has.
    pub size: usize,
    /// How new blobs are erasure-coded.
    pub scheme: Scheme,
    /// Sentences for the operator: drives missing, drives replaced.
    pub notices: Vec<String>,
}

/// Why the drives cannot be served. Each is a sentence with its remedy.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// A drive's folder cannot be used.
    #[error(
        "cannot use drive {path}: {reason}; check that the folder exists and that this user may write to it"
    )]
    Unusable {
        /// The drive.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The folder holds other files.
    #[error("{path} holds files that are not Holdfast's; give an empty folder or one of a Holdfast drive")]
    Foreign {
        /// The drive.
        path: String,
    },
    /// Two deployments are mixed.
    #[error("{path} belongs to another deployment than {other}; give the drives of one deployment only")]
    OtherDeployment {
        /// The drive.
        path: String,
        /// A drive of the other one.
        other: String,
    },
    /// One slot twice.
    #[error(
        "{path} and {other} are the same drive of the deployment; one is a copy: remove it from the list"
    )]
    SameSlot {
        /// The drive.
        path: String,
        /// The other.
        other: String,
    },
    /// Fewer drives listed than the deployment has.
    #[error("the deployment has {size} drives but only {listed} are listed; list them all, missing ones too")]
    FewerListed {
        /// Drives of the deployment.
        size: usize,
        /// Drives in the list.
        listed: usize,
    },
    /// More drives listed than the deployment has.
    #[error("the deployment has {size} drives but {listed} are listed; list those {size} only")]
    MoreListed {
        /// Drives of the deployment.
        size: usize,
        /// Drives in the list.
        listed: usize,
    },
    /// Too many are missing.
    #[error("{missing} of {size} drives are missing and at most {allowed} may be; bring back: {paths}")]
    TooManyMissing {
        /// Drives missing.
        missing: usize,
        /// Drives of the deployment.
        size: usize,
        /// How many may be missing.
        allowed: usize,
        /// Where they should be.
        paths: String,
    },
    /// Another process has the drive.
    #[error("drive {path} is in use by another Holdfast server; stop that one or give other folders")]
    InUse {
        /// The drive.
        path: String,
    },
    /// A file of the drive is damaged.
    #[error(
        "drive {path} cannot be opened: {reason}; move the folder away to have the drive rebuilt from the others"
    )]
    Damaged {
        /// The drive.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

type Result<T> = std::result::Result<T, DeploymentError>;

/// Drives needed to serve at all: any k of a stripe, and a quorum of the metadata log.
pub fn drives_min(size: usize) -> usize {
    size - usize::from(Scheme::for_drives(size).parity)
}

/// What is known of one place in the list before anything is changed.
#[derive(Debug, Clone)]
pub struct Place {
    /// For messages.
    pub label: String,
    /// What stands there; `None` if it cannot be reached.
    pub state: Option<DriveState>,
}

/// What to do with one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Open it as the drive it is.
    Open(DriveFormat),
    /// Format it first.
    Format(DriveFormat),
    /// Do without it.
    Missing,
}

/// Decides about every place. Pure: nothing is changed.
pub fn plan(places: &[Place]) -> Result<(DeploymentId, Vec<Plan>)> {
    if let Some(foreign) = places.iter().find(|place| place.state == Some(DriveState::Foreign)) {
        return Err(DeploymentError::Foreign { path: foreign.label.clone() });
    }
    let known: Vec<(&Place, &DriveFormat)> =
        places.iter().filter_map(|p| format_of(p).map(|f| (p, f))).collect();
    let Some(&(first, format)) = known.first() else { return plan_new(places) };
    let size = usize::from(format.drives);
    for (i, (place, other)) in known.iter().enumerate() {
        if other.deployment != format.deployment {
            let (path, other) = (place.label.clone(), first.label.clone());
            return Err(DeploymentError::OtherDeployment { path, other });
        }
        if let Some((twin, _)) = known[..i].iter().find(|(_, twin)| twin.slot == other.slot) {
            return Err(DeploymentError::SameSlot { path: place.label.clone(), other: twin.label.clone() });
        }
    }
    if places.len() != size {
        let listed = places.len();
        return Err(if listed < size {
            DeploymentError::FewerListed { size, listed }
        } else {
            DeploymentError::MoreListed { size, listed }
        });
    }
    let missing: Vec<&str> =
        places.iter().filter(|place| format_of(place).is_none()).map(|place| place.label.as_str()).collect();
    if known.len() < drives_min(size) {
        let (missing, paths, allowed) = (missing.len(), missing.join(", "), size - drives_min(size));
        return Err(DeploymentError::TooManyMissing { missing, size, allowed, paths });
    }
    Ok((format.deployment, plan_known(places, format)))
}

fn format_of(place: &Place) -> Option<&DriveFormat> {
    match &place.state {
        Some(DriveState::Formatted(format)) => Some(format),
        _ => None,
    }
}

fn plan_new(places: &[Place]) -> Result<(DeploymentId, Vec<Plan>)> {
    if let Some(unreached) = places.iter().find(|place| place.state.is_none()) {
        let reason = "a new deployment needs all its drives at the first start".into();
        return Err(DeploymentError::Unusable { path: unreached.label.clone(), reason });
    }
    let deployment = DeploymentId(u128::from_be_bytes(random_bytes()));
    let slots = 0..places.len() as u16;
    let plans = slots.map(|slot| Plan::Format(new_drive(deployment, DriveSlot(slot), places.len() as u16)));
    Ok((deployment, plans.collect()))
}

fn new_drive(deployment: DeploymentId, slot: DriveSlot, drives: u16) -> DriveFormat {
    DriveFormat {
        deployment,
        drive: DriveId(u128::from_be_bytes(random_bytes())),
        slot,
        drives,
        mounted: false,
    }
}

/// Blank places take the free slots, each its own position's where that is free.
fn plan_known(places: &[Place], known: &DriveFormat) -> Vec<Plan> {
    let used: Vec<u16> = places.iter().filter_map(format_of).map(|format| format.slot.0).collect();
    let mut free: Vec<u16> = (0..known.drives).filter(|slot| !used.contains(slot)).collect();
    let mut plans = Vec::with_capacity(places.len());
    for (position, place) in places.iter().enumerate() {
        plans.push(match &place.state {
            Some(DriveState::Formatted(format)) => Plan::Open(format.clone()),
            // A deployment on mount points never takes a plain folder: that is a disk not mounted.
            Some(DriveState::Blank { mounted }) if *mounted || !known.mounted => {
                let own = free.iter().position(|&slot| usize::from(slot) == position).unwrap_or(0);
                let slot = DriveSlot(free.remove(own));
                Plan::Format(new_drive(known.deployment, slot, known.drives))
            }
            _ => Plan::Missing,
        });
    }
    plans
}

/// Opens local folders as a deployment.
///
/// # Panics
/// Outside a runtime.
pub fn open_local(paths: &[PathBuf]) -> Result<Deployment> {
    open_local_on(&(Arc::new(OsFileSystem) as Arc<dyn FileSystem>), &Tasks::threads(), paths)
}

/// As [`open_local`], on this file system.
pub fn open_local_on(files: &Arc<dyn FileSystem>, tasks: &Tasks, paths: &[PathBuf]) -> Result<Deployment> {
    let mut places = Vec::with_capacity(paths.len());
    for path in paths {
        let state = inspect_on(files.clone(), path).map_err(|error| unusable(path, &error))?;
        places.push(Place { label: path.display().to_string(), state: Some(state) });
    }
    let (id, plans) = plan(&places)?;
    let is_new = places.iter().all(|place| format_of(place).is_none());
    let notices = paths.iter().zip(&plans).filter_map(|(path, plan)| notice(path, plan, is_new)).collect();
    let open = |(path, plan)| carry_out(files, tasks, path, plan);
    let all = paths.iter().map(PathBuf::as_path).zip(&plans);
    let opened: Vec<Result<Option<(DriveSlot, LocalDrive)>>> = if tasks.are_threads() {
        // Side by side: each waits for its own disk.
        std::thread::scope(|scope| {
            let all: Vec<_> = all.map(|one| scope.spawn(move || open(one))).collect();
            all.into_iter().map(|one| one.join().expect("opening a drive does not panic")).collect()
        })
    } else {
        all.map(open).collect()
    };
    let mut drives = Vec::with_capacity(paths.len());
    for opened in opened {
        drives.extend(opened?.map(|(slot, drive)| (slot, Arc::new(drive) as Arc<dyn Drive>)));
    }
    drives.sort_by_key(|(slot, _)| *slot);
    Ok(Deployment { id, drives, size: paths.len(), scheme: Scheme::for_drives(paths.len()), notices })
}

/// What the operator should know of a drive's plan.
fn notice(path: &Path, plan: &Plan, is_new: bool) -> Option<String> {
    let path = path.display();
    match plan {
        Plan::Format(_) if !is_new => {
            Some(format!("{path} is blank and takes the place of a lost drive; it is being refilled"))
        }
        Plan::Open(_) | Plan::Format(_) => None,
        Plan::Missing => Some(format!("{path} is missing: its disk does not seem to be mounted")),
    }
}

/// Opens a drive, formatted first if that is the plan; `None` for one that is missing.
fn carry_out(
    files: &Arc<dyn FileSystem>,
    tasks: &Tasks,
    path: &Path,
    plan: &Plan,
) -> Result<Option<(DriveSlot, LocalDrive)>> {
    let format = match plan {
        Plan::Open(format) => format,
        Plan::Format(format) => {
            let formatted = LocalDrive::format_on(files.clone(), path, format);
            formatted.map_err(|error| unusable(path, &error))?;
            format
        }
        Plan::Missing => return Ok(None),
    };
    Ok(Some((format.slot, open_drive(files, tasks, path)?)))
}

fn unusable(path: &Path, error: &DriveError) -> DeploymentError {
    let path = path.display().to_string();
    match error {
        DriveError::Corrupt(reason) => DeploymentError::Damaged { path, reason: reason.clone() },
        _ => DeploymentError::Unusable { path, reason: error.to_string() },
    }
}

fn open_drive(files: &Arc<dyn FileSystem>, tasks: &Tasks, path: &Path) -> Result<LocalDrive> {
    LocalDrive::open_on(files.clone(), tasks, path).map_err(|error| match error {
        DriveError::Offline(_) => DeploymentError::InUse { path: path.display().to_string() },
        DriveError::Corrupt(reason) => DeploymentError::Damaged { path: path.display().to_string(), reason },
        other => unusable(path, &other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLANK: DriveState = DriveState::Blank { mounted: false };

    fn drive(deployment: u128, slot: u16) -> DriveState {
        let (deployment, drive) = (DeploymentId(deployment), DriveId(u128::from(slot)));
        DriveState::Formatted(DriveFormat {
            deployment,
            drive,
            slot: DriveSlot(slot),
            drives: 4,
            mounted: false,
        })
    }

    fn places(states: Vec<DriveState>) -> Vec<Place> {
        states
            .into_iter()
            .enumerate()
            .map(|(i, s)| Place { label: format!("d{i}"), state: Some(s) })
            .collect()
    }

    #[test]
    fn blank_drives_become_a_new_deployment() {
        let (_, plans) = plan(&places(vec![BLANK; 4])).unwrap();
        for (slot, plan) in plans.iter().enumerate() {
            assert!(matches!(plan, Plan::Format(format) if usize::from(format.slot.0) == slot));
        }
    }

    #[test]
    fn a_blank_drive_takes_the_lost_slot() {
        let (_, plans) = plan(&places(vec![drive(1, 2), BLANK, drive(1, 0), drive(1, 3)])).unwrap();
        assert!(matches!(&plans[1], Plan::Format(format) if format.slot.0 == 1));
    }

    #[test]
    fn an_unmounted_folder_is_not_taken_for_a_disk() {
        let mounted = |slot| match drive(1, slot) {
            DriveState::Formatted(format) => DriveState::Formatted(DriveFormat { mounted: true, ..format }),
            other => other,
        };
        let (_, plans) = plan(&places(vec![mounted(0), BLANK, mounted(2), mounted(3)])).unwrap();
        assert_eq!(plans[1], Plan::Missing);
    }

    #[test]
    fn mixed_doubled_and_too_few_drives_are_refused() {
        let refused = |states| plan(&places(states)).unwrap_err();
        let other = refused(vec![drive(1, 0), drive(2, 1), BLANK, BLANK]);
        assert!(matches!(other, DeploymentError::OtherDeployment { .. }));
        let twice = refused(vec![drive(1, 0), drive(1, 0), drive(1, 2), drive(1, 3)]);
        assert!(matches!(twice, DeploymentError::SameSlot { .. }));
        assert!(matches!(refused(vec![drive(1, 0); 1]), DeploymentError::FewerListed { size: 4, listed: 1 }));
        let lost = refused(vec![drive(1, 0), BLANK, BLANK, BLANK]);
        assert!(matches!(lost, DeploymentError::TooManyMissing { missing: 3, allowed: 2, .. }));
        assert!(matches!(refused(vec![BLANK, DriveState::Foreign]), DeploymentError::Foreign { .. }));
    }
}
