//! `drive.json`: which deployment a drive belongs to, in which place, and which drives the others are.
//!
//! Written by temporary file, sync and rename, before the drive holds anything else; a crash before the
//! rename leaves a blank drive. Written again when the deployment gains or loses a drive; a crash leaves
//! the old list or the new one, and the newest list on any drive counts.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::disk::Disk;
use super::drive::DriveError;
use super::file_system::{FileSystem, OsFileSystem};
use crate::types::{DeploymentId, DriveId, DriveSlot};

/// Version of the on-disk layout that this code writes and reads.
const LAYOUT_VERSION: u32 = 1;
const FILE: &str = "drive.json";

/// The drives of a deployment, and how it encodes what is written without another wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Counts changes; of two lists the one with the higher version is true.
    pub version: u64,
    /// Data shards of a stripe.
    pub data_shards: u8,
    /// Parity shards of a stripe.
    pub parity_shards: u8,
    /// The drives, by slot.
    pub members: Vec<Member>,
}

/// One drive of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its place.
    pub slot: DriveSlot,
    /// The drive itself.
    pub drive: DriveId,
    /// Where it was last: a path, or node and path.
    pub location: String,
}

impl Membership {
    /// The member in a slot.
    pub fn member(&self, slot: DriveSlot) -> Option<&Member> {
        self.members.iter().find(|member| member.slot == slot)
    }

    /// Drives needed to serve at all: any k of a stripe, and a quorum of the metadata log.
    pub fn drives_min(&self) -> usize {
        self.members.len().saturating_sub(usize::from(self.parity_shards))
    }
}

/// Who a drive is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriveFormat {
    /// The deployment it belongs to.
    pub deployment: DeploymentId,
    /// The drive itself.
    pub drive: DriveId,
    /// Its place.
    pub slot: DriveSlot,
    /// The drives of the deployment.
    pub membership: Membership,
    /// The drive was a mount point of its own, so a plain folder in its place is a drive not mounted.
    pub mounted: bool,
}

/// What stands at a drive's path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DriveState {
    /// Nothing, or an empty folder.
    Blank {
        /// The folder is a mount point.
        mounted: bool,
    },
    /// A drive of some deployment.
    Formatted(DriveFormat),
    /// Files that are not ours.
    Foreign,
}

/// The file's text; ids are hexadecimal.
#[derive(Serialize, Deserialize)]
struct Text {
    layout_version: u32,
    deployment: String,
    drive: String,
    slot: u16,
    mounted: bool,
    membership_version: u64,
    data_shards: u8,
    parity_shards: u8,
    drives: Vec<MemberText>,
}

/// A member in the file's text.
#[derive(Serialize, Deserialize)]
struct MemberText {
    slot: u16,
    drive: String,
    location: String,
}

/// Looks at a path of this machine without changing it.
pub fn inspect(root: &Path) -> Result<DriveState, DriveError> {
    inspect_on(Arc::new(OsFileSystem), root)
}

/// Looks at a path without changing it.
pub fn inspect_on(files: Arc<dyn FileSystem>, root: &Path) -> Result<DriveState, DriveError> {
    look(&Disk::new(files), root)
}

pub(super) fn look(disk: &Disk, root: &Path) -> Result<DriveState, DriveError> {
    match disk.read(&root.join(FILE)) {
        Ok(text) => parse(&text).map(DriveState::Formatted),
        Err(DriveError::NotFound) => {
            let foreign = disk.list_dir(root)?.iter().any(|name| name != "lost+found" && name != "drive.tmp");
            Ok(if foreign { DriveState::Foreign } else { DriveState::Blank { mounted: disk.is_mount(root) } })
        }
        Err(error) => Err(error),
    }
}

pub(super) fn parse(text: &[u8]) -> Result<DriveFormat, DriveError> {
    let bad = |what: &str| DriveError::Corrupt(format!("{FILE}: {what}"));
    let text: Text = serde_json::from_slice(text).map_err(|error| bad(&error.to_string()))?;
    if text.layout_version != LAYOUT_VERSION {
        return Err(bad(&format!("layout version {} is not known here", text.layout_version)));
    }
    let members = text.drives.into_iter().map(|member| {
        let drive = DriveId::parse(&member.drive)?;
        Some(Member { slot: DriveSlot(member.slot), drive, location: member.location })
    });
    Ok(DriveFormat {
        deployment: DeploymentId::parse(&text.deployment).ok_or_else(|| bad("deployment id"))?,
        drive: DriveId::parse(&text.drive).ok_or_else(|| bad("drive id"))?,
        slot: DriveSlot(text.slot),
        membership: Membership {
            version: text.membership_version,
            data_shards: text.data_shards,
            parity_shards: text.parity_shards,
            members: members.collect::<Option<_>>().ok_or_else(|| bad("drive id"))?,
        },
        mounted: text.mounted,
    })
}

/// Formats a blank drive, or writes another membership.
pub(super) fn write(disk: &Disk, root: &Path, format: &DriveFormat) -> Result<(), DriveError> {
    disk.create_dir_durably(root)?;
    let member = |member: &Member| MemberText {
        slot: member.slot.0,
        drive: member.drive.to_string(),
        location: member.location.clone(),
    };
    let text = Text {
        layout_version: LAYOUT_VERSION,
        deployment: format.deployment.to_string(),
        drive: format.drive.to_string(),
        slot: format.slot.0,
        mounted: disk.is_mount(root),
        membership_version: format.membership.version,
        data_shards: format.membership.data_shards,
        parity_shards: format.membership.parity_shards,
        drives: format.membership.members.iter().map(member).collect(),
    };
    let text = serde_json::to_vec_pretty(&text).expect("plain fields serialize");
    disk.replace_file(&root.join(FILE), &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_survives_the_disk_and_foreign_files_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("drive1");
        assert_eq!(inspect(&root).unwrap(), DriveState::Blank { mounted: false });
        let format = DriveFormat {
            deployment: DeploymentId(1),
            drive: DriveId(u128::MAX),
            slot: DriveSlot(3),
            membership: Membership {
                version: 7,
                data_shards: 2,
                parity_shards: 2,
                members: vec![Member { slot: DriveSlot(3), drive: DriveId(9), location: "/d".into() }],
            },
            mounted: false,
        };
        write(&Disk::of_this_machine(), &root, &format).unwrap();
        assert_eq!(inspect(&root).unwrap(), DriveState::Formatted(format));
        std::fs::write(folder.path().join("photo.jpg"), "x").unwrap();
        assert_eq!(inspect(folder.path()).unwrap(), DriveState::Foreign);
    }
}
