//! Of several drives: the deployment that they belong to, and its newest list of members.

use crate::shard_store::{DriveFormat, Membership};
use crate::types::DeploymentId;

/// The deployment of most of the drives, of as many the one named first, and its newest list of members.
pub fn prevailing<'a>(
    formats: impl IntoIterator<Item = &'a DriveFormat>,
) -> Option<(DeploymentId, &'a Membership)> {
    let formats: Vec<&DriveFormat> = formats.into_iter().collect();
    let count = |id: DeploymentId| formats.iter().filter(|format| format.deployment == id).count();
    let own = formats.iter().rev().max_by_key(|format| count(format.deployment))?.deployment;
    let of_own = formats.into_iter().filter(|format| format.deployment == own);
    Some((own, newest(of_own)?))
}

/// The list of members with the highest version. Of two with the same one that which more drives have: a drive
/// that was formatted and never admitted has a list that nobody else does.
pub(super) fn newest<'a>(formats: impl IntoIterator<Item = &'a DriveFormat>) -> Option<&'a Membership> {
    let lists: Vec<&Membership> = formats.into_iter().map(|format| &format.membership).collect();
    let held = |list: &Membership| lists.iter().filter(|other| **other == list).count();
    lists.iter().copied().max_by_key(|list| (list.version, held(list)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{DriveId, DriveSlot};

    fn format(version: u64, data_shards: u8) -> DriveFormat {
        let membership = Membership { version, data_shards, parity_shards: 1, members: Vec::new() };
        DriveFormat {
            deployment: DeploymentId(1),
            drive: DriveId(1),
            slot: DriveSlot(0),
            membership,
            mounted: false,
        }
    }

    #[test]
    fn of_two_lists_of_one_version_the_one_that_more_drives_have_is_true() {
        let chosen = |formats: &[DriveFormat]| newest(formats).map(|list| (list.version, list.data_shards));
        assert_eq!(chosen(&[format(3, 1), format(3, 1), format(3, 7)]), Some((3, 1)));
        assert_eq!(chosen(&[format(3, 7), format(3, 1), format(3, 1)]), Some((3, 1)));
        assert_eq!(chosen(&[format(3, 1), format(3, 1), format(4, 7)]), Some((4, 7)));
        assert_eq!(chosen(&[]), None);
    }
}
