//! `drive.json`: which deployment a drive belongs to, and in which place.
//!
//! Written once, by temporary file, sync and rename, before the drive holds anything else; a crash
//! before the rename leaves a blank drive.

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

/// Who a drive is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriveFormat {
    /// The deployment it belongs to.
    pub deployment: DeploymentId,
    /// The drive itself.
    pub drive: DriveId,
    /// Its place.
    pub slot: DriveSlot,
    /// How many drives the deployment had when this one was formatted.
    pub drives: u16,
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
    drives: u16,
    mounted: bool,
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

fn parse(text: &[u8]) -> Result<DriveFormat, DriveError> {
    let bad = |what: &str| DriveError::Corrupt(format!("{FILE}: {what}"));
    let text: Text = serde_json::from_slice(text).map_err(|error| bad(&error.to_string()))?;
    if text.layout_version != LAYOUT_VERSION {
        return Err(bad(&format!("layout version {} is not known here", text.layout_version)));
    }
    Ok(DriveFormat {
        deployment: DeploymentId::parse(&text.deployment).ok_or_else(|| bad("deployment id"))?,
        drive: DriveId::parse(&text.drive).ok_or_else(|| bad("drive id"))?,
        slot: DriveSlot(text.slot),
        drives: text.drives,
        mounted: text.mounted,
    })
}

/// Formats a blank drive.
pub(super) fn write(disk: &Disk, root: &Path, format: &DriveFormat) -> Result<(), DriveError> {
    disk.create_dir_durably(root)?;
    let text = Text {
        layout_version: LAYOUT_VERSION,
        deployment: format.deployment.to_string(),
        drive: format.drive.to_string(),
        slot: format.slot.0,
        drives: format.drives,
        mounted: disk.is_mount(root),
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
            drives: 4,
            mounted: false,
        };
        write(&Disk::of_this_machine(), &root, &format).unwrap();
        assert_eq!(inspect(&root).unwrap(), DriveState::Formatted(format));
        std::fs::write(folder.path().join("photo.jpg"), "x").unwrap();
        assert_eq!(inspect(folder.path()).unwrap(), DriveState::Foreign);
    }
}
