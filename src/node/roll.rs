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
    let of_own = formats.iter().filter(|format| format.deployment == own);
    let newest = of_own.map(|format| &format.membership).max_by_key(|membership| membership.version)?;
    Some((own, newest))
}
