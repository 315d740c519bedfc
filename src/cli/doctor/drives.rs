//! Do the drives belong together, and are all of them there?

use super::finding::Finding;
use super::look::SeenDrive;
use crate::shard_store::{DriveFormat, DriveState, Member, Membership};
use crate::types::DeploymentId;

const CHECK: &str = "drive";

/// Judges every drive and all of them together.
pub(super) fn judge(drives: &[SeenDrive]) -> Vec<Finding> {
    if drives.is_empty() {
        return Vec::new();
    }
    let (Some(own), Some(membership)) = (deployment(drives), membership(drives)) else {
        return drives.iter().map(judge_without_deployment).collect();
    };
    let present = |member: &&Member| drives.iter().any(|drive| is_member(drive, own, member));
    let whole = Whole {
        own,
        membership,
        missing: membership.members.iter().filter(|member| !present(member)).collect(),
        mounted: drives.iter().filter_map(format).any(|format| format.mounted),
        served: drives.iter().any(SeenDrive::is_served),
    };
    let mut findings: Vec<Finding> =
        drives.iter().enumerate().map(|(at, drive)| whole.judge_drive(drive, &drives[..at])).collect();
    findings.push(whole.judge_number());
    findings
}

/// What holds for the whole deployment.
struct Whole<'a> {
    own: DeploymentId,
    membership: &'a Membership,
    /// Members that were not seen.
    missing: Vec<&'a Member>,
    /// Its drives are mount points.
    mounted: bool,
    /// A server runs.
    served: bool,
}

/// The deployment that most of the drives belong to.
pub(super) fn deployment(drives: &[SeenDrive]) -> Option<DeploymentId> {
    let ids: Vec<DeploymentId> = drives.iter().filter_map(format).map(|format| format.deployment).collect();
    let count = |id: &DeploymentId| ids.iter().filter(|other| *other == id).count();
    // Of as many, the one that is named first.
    ids.iter().rev().max_by_key(|id| count(id)).copied()
}

/// The newest list of the deployment's drives.
pub(super) fn membership(drives: &[SeenDrive]) -> Option<&Membership> {
    let own = deployment(drives)?;
    let formats = drives.iter().filter_map(format).filter(|format| format.deployment == own);
    formats.map(|format| &format.membership).max_by_key(|membership| membership.version)
}

fn format(drive: &SeenDrive) -> Option<&DriveFormat> {
    match &drive.state {
        Ok(DriveState::Formatted(format)) => Some(format),
        _ => None,
    }
}

fn is_member(drive: &SeenDrive, own: DeploymentId, member: &Member) -> bool {
    format(drive).is_some_and(|format| format.deployment == own && format.drive == member.drive)
}

/// The member is on this machine, so that its folder can be looked at.
pub(super) fn is_local(member: &Member) -> bool {
    member.location.starts_with('/')
}

fn judge_without_deployment(drive: &SeenDrive) -> Finding {
    match &drive.state {
        Ok(DriveState::Foreign) => foreign(drive),
        Err(reason) => unreadable(drive, reason),
        Ok(_) => Finding::fine(CHECK, &drive.label, "blank; it becomes a drive at the first start"),
    }
}

fn foreign(drive: &SeenDrive) -> Finding {
    let sentence =
        "holds files that are not Holdfast's and no drive.json; give an empty folder, or restore the drive";
    Finding::problem(CHECK, &drive.label, sentence)
}

fn unreadable(drive: &SeenDrive, reason: &str) -> Finding {
    let sentence = format!(
        "cannot be used: {reason}; check path, disk and permissions, and use the release that wrote the drive; \
         if it is damaged, move the folder away and the drive is rebuilt from the others"
    );
    Finding::problem(CHECK, &drive.label, sentence)
}

impl Whole<'_> {
    fn judge_drive(&self, drive: &SeenDrive, before: &[SeenDrive]) -> Finding {
        let label = &drive.label;
        let format = match &drive.state {
            Ok(DriveState::Foreign) => return foreign(drive),
            Err(reason) => return unreadable(drive, reason),
            Ok(DriveState::Blank { mounted }) => return self.judge_blank(label, *mounted),
            Ok(DriveState::Formatted(format)) => format,
        };
        if format.deployment != self.own {
            let sentence = format!(
                "belongs to another deployment ({}) than most of the drives listed ({}); list the drives of one only",
                format.deployment, self.own
            );
            return Finding::problem(CHECK, label, sentence);
        }
        let twin = before.iter().find(|other| self::format(other).is_some_and(|o| o.drive == format.drive));
        if let Some(twin) = twin {
            let sentence = format!(
                "is the same drive as {}: one of them is a copy; take it out of the list",
                twin.label
            );
            return Finding::problem(CHECK, label, sentence);
        }
        if self.membership.members.iter().all(|member| member.drive != format.drive) {
            let sentence =
                "is no longer part of the deployment and is left alone; empty the folder to use it again";
            return Finding::warning(CHECK, label, sentence);
        }
        let place = format!("slot {}", format.slot.0);
        match (self.served, drive.is_served()) {
            (true, false) => Finding::problem(
                CHECK,
                label,
                format!(
                    "{place}; a server uses other drives of the deployment and not this one: it is down for that \
                     server; the server's log says why, and a restart takes it up"
                ),
            ),
            (true, true) => Finding::fine(CHECK, label, format!("{place}, in use by a server")),
            _ => Finding::fine(CHECK, label, format!("{place}, not in use")),
        }
    }

    fn judge_blank(&self, label: &str, mounted: bool) -> Finding {
        if self.missing.is_empty() {
            let sentence = format!(
                "blank, and the deployment has all its drives; to add it: holdfast admin drive add {label}"
            );
            return Finding::fine(CHECK, label, sentence);
        }
        if self.mounted && !mounted {
            let sentence =
                "is missing: the deployment's drives are mount points and this is none; mount its disk";
            return Finding::problem(CHECK, label, sentence);
        }
        let sentence = "is missing: nothing is there; if its disk is lost, restart the server and this place is \
                        refilled from the others, else bring it back first";
        Finding::problem(CHECK, label, sentence)
    }

    /// Judges how many there are.
    fn judge_number(&self) -> Finding {
        let subject = "deployment";
        let (size, allowed) = (self.membership.members.len(), usize::from(self.membership.parity_shards));
        let present = size - self.missing.len();
        if self.missing.iter().any(|member| !is_local(member)) {
            let sentence = format!("{present} of its {size} drives are here, the others on storage nodes");
            return Finding::fine(CHECK, subject, sentence);
        }
        let gone: Vec<String> = self
            .missing
            .iter()
            .map(|member| format!("slot {}, last at {}", member.slot.0, member.location))
            .collect();
        let gone = gone.join("; ");
        if present < self.membership.drives_min() {
            let sentence = format!(
                "{} of {size} drives are missing and at most {allowed} may be: it cannot be served; bring back {gone}",
                self.missing.len()
            );
            return Finding::problem(CHECK, subject, sentence);
        }
        if !self.missing.is_empty() {
            let left = allowed - self.missing.len();
            let sentence = format!(
                "{present} of {size} drives are there, {left} more may fail; bring back or replace {gone}"
            );
            return Finding::problem(CHECK, subject, sentence);
        }
        match allowed {
            0 => Finding::warning(
                CHECK,
                subject,
                "no parity: the loss of a drive is a loss of data; fine for trials",
            ),
            any => Finding::fine(CHECK, subject, format!("{size} of {size} drives, any {any} may fail")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;
    use crate::types::{DriveId, DriveSlot};

    fn members() -> Membership {
        let member = |slot| Member {
            slot: DriveSlot(slot),
            drive: DriveId(u128::from(slot)),
            location: format!("/d{slot}"),
        };
        Membership { version: 1, data_shards: 2, parity_shards: 2, members: (0..4).map(member).collect() }
    }

    fn drive_with(
        deployment: u128,
        slot: u16,
        change: impl FnOnce(&mut DriveFormat),
    ) -> Result<DriveState, String> {
        let mut format = DriveFormat {
            deployment: DeploymentId(deployment),
            drive: DriveId(u128::from(slot)),
            slot: DriveSlot(slot),
            membership: members(),
            mounted: false,
        };
        change(&mut format);
        Ok(DriveState::Formatted(format))
    }

    fn drive(deployment: u128, slot: u16) -> Result<DriveState, String> {
        drive_with(deployment, slot, |_| ())
    }

    fn judged(states: Vec<Result<DriveState, String>>) -> Vec<Finding> {
        let seen = |(at, state)| SeenDrive { label: format!("d{at}"), state, survey: None };
        judge(&states.into_iter().enumerate().map(seen).collect::<Vec<_>>())
    }

    fn problem_of(findings: &[Finding], subject: &str) -> String {
        let found = findings.iter().find(|f| f.subject == subject && f.level == Level::Problem);
        found.map(|finding| finding.sentence.clone()).unwrap_or_else(|| panic!("{subject}: {findings:?}"))
    }

    const BLANK: Result<DriveState, String> = Ok(DriveState::Blank { mounted: false });

    #[test]
    fn a_whole_deployment_and_a_new_one_are_fine() {
        let mut whole: Vec<_> = (0..4).map(|slot| drive(1, slot)).collect();
        let findings = judged(whole.clone());
        assert!(findings.iter().all(|finding| finding.level == Level::Fine), "{findings:?}");
        assert!(findings.last().unwrap().sentence.contains("any 2 may fail"));
        assert!(judged(vec![BLANK; 4]).iter().all(|finding| finding.level == Level::Fine));
        whole.push(BLANK);
        assert!(judged(whole)[4].sentence.contains("holdfast admin drive add d4"), "a spare one is fine too");
    }

    #[test]
    fn missing_foreign_doubled_and_mixed_drives_are_named() {
        let findings = judged(vec![drive(1, 0), drive(1, 1), BLANK, drive(1, 3)]);
        assert!(problem_of(&findings, "d2").contains("missing"));
        assert!(problem_of(&findings, "deployment").contains("slot 2, last at /d2"));
        let findings = judged(vec![drive(1, 0), drive(2, 1), drive(1, 2), drive(1, 2)]);
        assert!(problem_of(&findings, "d1").contains("another deployment"));
        assert!(problem_of(&findings, "d3").contains("same drive as d2"));
        let findings = judged(vec![drive(1, 0), Ok(DriveState::Foreign), BLANK, BLANK]);
        assert!(problem_of(&findings, "d1").contains("not Holdfast's"));
        assert!(problem_of(&findings, "deployment").contains("3 of 4 drives are missing"));
        let findings = judged(vec![Err("drive.json: bad".into()), drive(1, 1), drive(1, 2), drive(1, 3)]);
        assert!(problem_of(&findings, "d0").contains("drive.json: bad"));
    }

    #[test]
    fn a_drive_that_was_removed_is_left_alone_by_the_newest_list() {
        let newest = |format: &mut DriveFormat| {
            format.membership.version = 2;
            format.membership.members.remove(3);
        };
        let findings = judged(vec![
            drive_with(1, 0, newest),
            drive_with(1, 1, newest),
            drive_with(1, 2, newest),
            drive(1, 3),
        ]);
        assert!(findings[3].level == Level::Warning && findings[3].sentence.contains("no longer part"));
        assert_eq!(findings.last().unwrap().sentence, "3 of 3 drives, any 2 may fail");
    }

    #[test]
    fn a_part_of_a_deployment_is_right_for_a_node() {
        let on_nodes = |format: &mut DriveFormat| {
            for member in &mut format.membership.members {
                member.location = format!("n{}:9100{}", member.slot.0, member.location);
            }
        };
        let findings = judged(vec![drive_with(1, 2, on_nodes)]);
        assert!(findings.iter().all(|finding| finding.level == Level::Fine), "{findings:?}");
        assert!(findings[1].sentence.contains("1 of its 4 drives are here"));
    }

    #[test]
    fn a_disk_that_is_not_mounted_is_not_taken_for_a_lost_one() {
        let mounted = |slot| drive_with(1, slot, |format| format.mounted = true);
        let findings = judged(vec![mounted(0), mounted(1), mounted(2), BLANK]);
        assert!(problem_of(&findings, "d3").contains("mount its disk"));
    }
}
