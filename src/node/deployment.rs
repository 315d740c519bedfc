//! Which drives belong together: formatting new ones, recognising known ones, replacing blank ones.
//!
//! Rules
//! - All blank: a new deployment. A drive keeps the slot of its position in the list. Where that was cut short
//!   before all drives were formatted, it goes on.
//! - Some formatted: they must name one deployment, and each must be the drive that the newest list of
//!   members has in its slot; former members are left alone. Members that are not listed are looked for where they were last.
//! - A blank folder in the place of a missing drive is formatted as a new drive for that slot and refilled,
//!   unless the missing one was a mount point and this is none. In the place is, of local folders, any that is
//!   listed; on nodes, the very folder. Further blank ones are left alone.
//! - A drive that cannot be read counts as missing. More than the parity missing: refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::roll::newest;
use crate::erasure::Scheme;
use crate::runtime::{Tasks, random_bytes};
use crate::shard_store::{
    Drive, DriveError, DriveFormat, DriveState, FileSystem, LocalDrive, Member, Membership, OsFileSystem,
    inspect_on,
};
use crate::types::{DeploymentId, DriveId, DriveSlot};

/// Drives that are ready, and what to say about them.
#[derive(Debug)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// The drives that are there.
    pub drives: Vec<(DriveSlot, Arc<dyn Drive>)>,
    /// All drives that it has.
    pub membership: Membership,
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
    /// A node that is needed cannot be used.
    #[error(transparent)]
    Node(super::sites::SiteError),
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

/// Version of the list of members while a new deployment's drives are being formatted, and once they are.
const BEGUN: u64 = 0;
const FORMATTED: u64 = 1;

/// What is known of one place in the list before anything is changed.
#[derive(Debug, Clone)]
pub struct Place {
    /// For messages.
    pub label: String,
    /// As it is written down: an absolute path, or node and path.
    pub location: String,
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
    /// Leave it alone: it is blank and succeeds no missing drive.
    Spare,
    /// Leave it alone: it was removed or replaced. The sentence says what became of its slot.
    Former(String),
}

/// Which blank place may be formatted in the place of a missing drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Successor {
    /// Any: all folders were named for this deployment, so a blank one is a new disk for a lost one.
    Any,
    /// One at the very location: a blank one elsewhere may be meant for more room, and the missing drive may be on
    /// a node that comes back.
    InPlace,
}

/// Decisions about all places.
#[derive(Debug)]
pub struct Planned {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Its drives, blank ones that take a place included.
    pub membership: Membership,
    /// What to do with each place.
    pub plans: Vec<Plan>,
}

/// Decides about every place. Pure: nothing is changed.
pub fn plan(places: &[Place], successor: Successor) -> Result<Planned> {
    if let Some(foreign) = places.iter().find(|place| place.state == Some(DriveState::Foreign)) {
        return Err(DeploymentError::Foreign { path: foreign.label.clone() });
    }
    let mut known: Vec<(&Place, &DriveFormat)> =
        places.iter().filter_map(|p| format_of(p).map(|f| (p, f))).collect();
    let Some(membership) = newest(known.iter().map(|(_, format)| *format)) else { return plan_new(places) };
    check_unity(&known)?;
    known.retain(|(_, format)| left(format, membership).is_none());
    let is_known = |member: &&Member| known.iter().any(|(_, format)| format.drive == member.drive);
    let missing: Vec<&Member> = membership.members.iter().filter(|member| !is_known(member)).collect();
    if membership.version == BEGUN {
        return go_on_formatting(places, known[0].1.deployment, membership);
    }
    if known.len() < membership.drives_min() {
        return Err(DeploymentError::TooManyMissing {
            missing: missing.len(),
            size: membership.members.len(),
            allowed: usize::from(membership.parity_shards),
            paths: missing.iter().map(|member| member.location.as_str()).collect::<Vec<_>>().join(", "),
        });
    }
    let Some((_, first)) = known.first() else { return plan_new(places) };
    Ok(plan_known(places, first, membership, missing, successor))
}

pub(super) fn format_of(place: &Place) -> Option<&DriveFormat> {
    match &place.state {
        Some(DriveState::Formatted(format)) => Some(format),
        _ => None,
    }
}

/// Refuses drives of two deployments, and one drive twice.
fn check_unity(known: &[(&Place, &DriveFormat)]) -> Result<()> {
    let (first, format) = known[0];
    for (i, (place, other)) in known.iter().enumerate() {
        let path = place.label.clone();
        if other.deployment != format.deployment {
            return Err(DeploymentError::OtherDeployment { path, other: first.label.clone() });
        }
        if let Some((twin, _)) = known[..i].iter().find(|(_, twin)| twin.drive == other.drive) {
            return Err(DeploymentError::SameSlot { path, other: twin.label.clone() });
        }
    }
    Ok(())
}

/// What became of a drive's slot, if the drive is no longer a member.
fn left(format: &DriveFormat, membership: &Membership) -> Option<String> {
    match membership.member(format.slot) {
        Some(member) if member.drive == format.drive => None,
        Some(member) => {
            Some(format!("slot {} has another drive, last at {}", format.slot.0, member.location))
        }
        None => Some(format!("slot {} was removed", format.slot.0)),
    }
}

fn plan_new(places: &[Place]) -> Result<Planned> {
    if let Some(unreached) = places.iter().find(|place| place.state.is_none()) {
        let reason = "a new deployment needs all its drives at the first start".into();
        return Err(DeploymentError::Unusable { path: unreached.label.clone(), reason });
    }
    let deployment = DeploymentId(u128::from_be_bytes(random_bytes()));
    let scheme = Scheme::for_drives(places.len());
    let member = |(slot, place): (usize, &Place)| Member {
        slot: DriveSlot(slot as u16),
        drive: DriveId(u128::from_be_bytes(random_bytes())),
        location: place.location.clone(),
    };
    let members: Vec<Member> = places.iter().enumerate().map(member).collect();
    let (data_shards, parity_shards) = (scheme.data, scheme.parity);
    let begun = Membership { version: BEGUN, data_shards, parity_shards, members };
    let plans = begun.members.iter().map(|member| Plan::Format(new_drive(deployment, member, &begun)));
    let plans = plans.collect();
    Ok(Planned { deployment, plans, membership: Membership { version: FORMATTED, ..begun } })
}

/// A first start ended before it had formatted every drive, so that nothing was stored yet: the blank ones
/// become the members that they were to be.
fn go_on_formatting(places: &[Place], deployment: DeploymentId, begun: &Membership) -> Result<Planned> {
    let plan = |(position, place): (usize, &Place)| {
        let at_location = begun.members.iter().find(|member| member.location == place.location);
        match (&place.state, at_location.or_else(|| begun.member(DriveSlot(position as u16)))) {
            (Some(DriveState::Formatted(format)), _) => Ok(Plan::Open(format.clone())),
            (Some(DriveState::Blank { .. }), Some(member)) => {
                Ok(Plan::Format(new_drive(deployment, member, begun)))
            }
            _ => Err(DeploymentError::Unusable {
                path: place.label.clone(),
                reason: "a new deployment needs all its drives at the first start".into(),
            }),
        }
    };
    let plans = places.iter().enumerate().map(plan).collect::<Result<_>>()?;
    Ok(Planned { deployment, plans, membership: Membership { version: FORMATTED, ..begun.clone() } })
}

/// The format of a blank drive that becomes a member.
pub fn new_drive(deployment: DeploymentId, member: &Member, membership: &Membership) -> DriveFormat {
    let (drive, slot, membership) = (member.drive, member.slot, membership.clone());
    DriveFormat { deployment, drive, slot, membership, mounted: false }
}

/// Blank places take the slots of missing drives: that of the drive that was there, else, where any may succeed,
/// their own position's, else any.
fn plan_known(
    places: &[Place],
    known: &DriveFormat,
    old: &Membership,
    mut missing: Vec<&Member>,
    successor: Successor,
) -> Planned {
    let mut membership = old.clone();
    let mut claimed: Vec<Option<DriveSlot>> = vec![None; places.len()];
    for (position, place) in places.iter().enumerate() {
        match &place.state {
            Some(DriveState::Formatted(format)) => {
                let member = membership.members.iter_mut().find(|member| member.drive == format.drive);
                if let Some(member) = member {
                    member.location.clone_from(&place.location);
                }
            }
            // A deployment on mount points never takes a plain folder: that is a disk not mounted.
            Some(DriveState::Blank { mounted }) if (*mounted || !known.mounted) && !missing.is_empty() => {
                let there = missing.iter().position(|member| member.location == place.location);
                let own = || missing.iter().position(|member| usize::from(member.slot.0) == position);
                let taken = match successor {
                    Successor::Any => there.or_else(own).or(Some(0)),
                    Successor::InPlace => there,
                };
                let Some(taken) = taken else { continue };
                let slot = missing.remove(taken).slot;
                let member = membership.members.iter_mut().find(|member| member.slot == slot);
                let member = member.expect("a missing one is a member");
                member.drive = DriveId(u128::from_be_bytes(random_bytes()));
                member.location.clone_from(&place.location);
                claimed[position] = Some(slot);
            }
            _ => {}
        }
    }
    if membership != *old {
        membership.version += 1;
    }
    let plan = |(place, claimed): (&Place, &Option<DriveSlot>)| match (&place.state, claimed) {
        (Some(DriveState::Formatted(format)), _) => match left(format, &membership) {
            None => Plan::Open(format.clone()),
            Some(what) => Plan::Former(what),
        },
        (_, Some(slot)) => {
            let member = membership.member(*slot).expect("claimed slots are members'");
            Plan::Format(new_drive(known.deployment, member, &membership))
        }
        (Some(DriveState::Blank { mounted }), None) if *mounted || !known.mounted => Plan::Spare,
        _ => Plan::Missing,
    };
    let plans = places.iter().zip(&claimed).map(plan).collect();
    Planned { deployment: known.deployment, plans, membership }
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
    let mut notices = Vec::new();
    let mut paths = paths.to_vec();
    let mut places: Vec<Place> = paths.iter().map(|path| look(files, path, &mut notices)).collect();
    for path in unlisted(&places) {
        let place = look(files, &path, &mut notices);
        if matches!(place.state, Some(DriveState::Formatted(_))) {
            notices.push(format!("{} is a drive of the deployment too and is used", path.display()));
            places.push(place);
            paths.push(path);
        }
    }
    let Planned { deployment: id, membership, plans } = plan(&places, Successor::Any)?;
    let is_new = places.iter().all(|place| format_of(place).is_none());
    notices.extend(places.iter().zip(&plans).filter_map(|(place, plan)| notice(place, plan, is_new)));
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
        match opened {
            Ok(opened) => {
                drives.extend(opened.map(|(slot, drive)| (slot, Arc::new(drive) as Arc<dyn Drive>)))
            }
            Err(error @ DeploymentError::InUse { .. }) => return Err(error),
            Err(error) if drives.is_empty() && paths.len() == 1 => return Err(error),
            Err(error) => notices.push(format!("{error}; it counts as missing")),
        }
    }
    if drives.len() < membership.drives_min() {
        let (size, allowed) = (membership.members.len(), usize::from(membership.parity_shards));
        return Err(DeploymentError::TooManyMissing {
            missing: size - drives.len(),
            size,
            allowed,
            paths: notices.join(", "),
        });
    }
    drives.sort_by_key(|(slot, _)| *slot);
    Ok(Deployment { id, drives, membership, notices })
}

/// What stands at a path; one that cannot be read is as missing.
fn look(files: &Arc<dyn FileSystem>, path: &Path, notices: &mut Vec<String>) -> Place {
    let state = inspect_on(files.clone(), path);
    let state =
        state.map_err(|error| notices.push(format!("{}; it counts as missing", unusable(path, &error))));
    Place { label: path.display().to_string(), location: location_of(path), state: state.ok() }
}

/// A local drive's location as it is written down.
pub fn location_of(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// Where members that are not listed were last.
fn unlisted(places: &[Place]) -> Vec<PathBuf> {
    let known: Vec<&DriveFormat> = places.iter().filter_map(format_of).collect();
    let Some(membership) = newest(known.iter().copied()) else { return Vec::new() };
    let missing = membership.members.iter().filter(|m| known.iter().all(|format| format.drive != m.drive));
    let elsewhere = missing.filter(|member| places.iter().all(|place| place.location != member.location));
    elsewhere.map(|member| PathBuf::from(&member.location)).collect()
}

/// What the operator should know of a drive's plan.
pub(super) fn notice(place: &Place, plan: &Plan, is_new: bool) -> Option<String> {
    let path = &place.label;
    match plan {
        Plan::Format(_) if !is_new => {
            Some(format!("{path} is blank and takes the place of a lost drive; it is being refilled"))
        }
        Plan::Open(_) | Plan::Format(_) => None,
        Plan::Missing if place.state.is_none() => None,
        Plan::Missing => Some(format!("{path} is missing: its disk does not seem to be mounted")),
        Plan::Spare => {
            Some(format!("{path} is blank and is not used; to add it: holdfast admin drive add {path}"))
        }
        Plan::Former(what) => Some(format!(
            "{path} holds a drive that is no longer part of the deployment ({what}) and is left alone; empty the \
             folder to use it again"
        )),
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
        Plan::Missing | Plan::Spare | Plan::Former(_) => return Ok(None),
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
        let member = |slot: u16| Member {
            slot: DriveSlot(slot),
            drive: DriveId(u128::from(slot)),
            location: format!("d{slot}"),
        };
        let members = (0..4).map(member).collect();
        let membership = Membership { version: 1, data_shards: 2, parity_shards: 2, members };
        DriveState::Formatted(new_drive(DeploymentId(deployment), &member(slot), &membership))
    }

    fn changed(state: DriveState, change: impl FnOnce(&mut DriveFormat)) -> DriveState {
        let DriveState::Formatted(mut format) = state else { return state };
        change(&mut format);
        DriveState::Formatted(format)
    }

    fn places(states: Vec<DriveState>) -> Vec<Place> {
        let place =
            |(i, state)| Place { label: format!("d{i}"), location: format!("d{i}"), state: Some(state) };
        states.into_iter().enumerate().map(place).collect()
    }

    #[test]
    fn blank_drives_become_a_new_deployment() {
        let planned = plan(&places(vec![BLANK; 4]), Successor::Any).unwrap();
        for (slot, plan) in planned.plans.iter().enumerate() {
            assert!(matches!(plan, Plan::Format(format) if usize::from(format.slot.0) == slot));
        }
        assert_eq!(planned.membership.members.len(), 4);
    }

    #[test]
    fn a_first_start_that_was_cut_short_is_gone_on_with() {
        let begun = |slot| changed(drive(1, slot), |format| format.membership.version = BEGUN);
        let planned = plan(&places(vec![BLANK, BLANK, begun(2), BLANK]), Successor::InPlace).unwrap();
        assert_eq!((planned.deployment, planned.membership.version), (DeploymentId(1), FORMATTED));
        for (slot, plan) in planned.plans.iter().enumerate() {
            match plan {
                Plan::Format(format) => assert_eq!(format.drive, DriveId(slot as u128)),
                other => assert!(matches!(other, Plan::Open(_)) && slot == 2),
            }
        }
    }

    #[test]
    fn a_blank_drive_takes_the_lost_slot() {
        let planned =
            plan(&places(vec![drive(1, 2), BLANK, drive(1, 0), drive(1, 3)]), Successor::Any).unwrap();
        assert!(matches!(&planned.plans[1], Plan::Format(format) if format.slot.0 == 1));
        assert_eq!(planned.membership.version, 2);
        assert_ne!(planned.membership.members[1].drive, DriveId(1));
    }

    #[test]
    fn in_a_cluster_a_blank_drive_succeeds_only_the_one_that_was_there() {
        let mut found = places(vec![drive(1, 2), BLANK, drive(1, 0), drive(1, 3)]);
        let planned = plan(&found, Successor::InPlace).unwrap();
        assert!(matches!(&planned.plans[1], Plan::Format(format) if format.slot.0 == 1));
        found[1].location = "elsewhere".into();
        let planned = plan(&found, Successor::InPlace).unwrap();
        assert_eq!(
            (&planned.plans[1], planned.membership.member(DriveSlot(1)).unwrap().drive),
            (&Plan::Spare, DriveId(1))
        );
    }

    #[test]
    fn a_further_blank_drive_is_left_alone() {
        let all = vec![drive(1, 0), drive(1, 1), drive(1, 2), drive(1, 3), BLANK];
        let planned = plan(&places(all), Successor::Any).unwrap();
        assert_eq!(planned.plans[4], Plan::Spare);
        assert_eq!(planned.membership.version, 1, "nothing changed");
    }

    #[test]
    fn an_unmounted_folder_is_not_taken_for_a_disk() {
        let mounted = |slot| changed(drive(1, slot), |format| format.mounted = true);
        let planned = plan(&places(vec![mounted(0), BLANK, mounted(2), mounted(3)]), Successor::Any).unwrap();
        assert_eq!(planned.plans[1], Plan::Missing);
    }

    #[test]
    fn a_drive_that_was_replaced_or_removed_is_left_alone() {
        let later = |slot, change: fn(&mut Membership)| {
            changed(drive(1, slot), |format| {
                format.membership.version = 5;
                change(&mut format.membership);
            })
        };
        let plan_of_1 = |change| {
            let states = vec![later(0, change), drive(1, 1), later(2, change), later(3, change)];
            plan(&places(states), Successor::Any).unwrap().plans.remove(1)
        };
        let replaced = plan_of_1(|membership| membership.members[1].drive = DriveId(99));
        assert!(matches!(replaced, Plan::Former(what) if what.contains("has another drive")));
        let removed = plan_of_1(|membership| drop(membership.members.remove(1)));
        assert!(matches!(removed, Plan::Former(what) if what.contains("slot 1 was removed")));
    }

    #[test]
    fn mixed_doubled_and_too_few_drives_are_refused() {
        let refused = |states| plan(&places(states), Successor::Any).unwrap_err();
        let other = refused(vec![drive(1, 0), drive(2, 1), BLANK, BLANK]);
        assert!(matches!(other, DeploymentError::OtherDeployment { .. }));
        let twice = refused(vec![drive(1, 0), drive(1, 0), drive(1, 2), drive(1, 3)]);
        assert!(matches!(twice, DeploymentError::SameSlot { .. }));
        let lost = refused(vec![drive(1, 0), BLANK, BLANK, BLANK]);
        assert!(matches!(lost, DeploymentError::TooManyMissing { missing: 3, allowed: 2, .. }));
        assert!(matches!(refused(vec![BLANK, DriveState::Foreign]), DeploymentError::Foreign { .. }));
    }
}
