//! Do the drives belong together, and are all of them there?

use super::finding::Finding;
use super::look::SeenDrive;
use crate::erasure::Scheme;
use crate::node::drives_min;
use crate::shard_store::{DriveFormat, DriveState};
use crate::types::DeploymentId;

const CHECK: &str = "drive";

/// Judges every drive and all of them together.
pub(super) fn judge(drives: &[SeenDrive]) -> Vec<Finding> {
    if drives.is_empty() {
        return Vec::new();
    }
    let Some(own) = deployment(drives) else {
        return drives.iter().map(judge_without_deployment).collect();
    };
    let of_own = |drive: &SeenDrive| format(drive).filter(|format| format.deployment == own).cloned();
    let formats: Vec<DriveFormat> = drives.iter().filter_map(of_own).collect();
    let whole = Whole {
        own,
        size: formats.iter().map(|format| usize::from(format.drives)).max().unwrap_or(0),
        mounted: formats.iter().any(|format| format.mounted),
        served: drives.iter().any(SeenDrive::is_served),
    };
    let mut findings: Vec<Finding> =
        drives.iter().enumerate().map(|(at, drive)| whole.judge_drive(drive, &drives[..at])).collect();
    findings.extend(whole.judge_number(drives.len(), formats.len()));
    findings
}

/// What holds for the whole deployment.
struct Whole {
    own: DeploymentId,
    size: usize,
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

fn format(drive: &SeenDrive) -> Option<&DriveFormat> {
    match &drive.state {
        Ok(DriveState::Formatted(format)) => Some(format),
        _ => None,
    }
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

impl Whole {
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
        let twin = before.iter().find(|other| {
            self::format(other).is_some_and(|other| other.deployment == self.own && other.slot == format.slot)
        });
        if let Some(twin) = twin {
            let sentence = format!(
                "is slot {} as {} is; one of them is a copy or was replaced: take it out of the list",
                format.slot.0, twin.label
            );
            return Finding::problem(CHECK, label, sentence);
        }
        let place = format!("slot {} of {}", format.slot.0, self.size);
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
    fn judge_number(&self, listed: usize, present: usize) -> Option<Finding> {
        let allowed = Scheme::for_drives(self.size).parity;
        let subject = "deployment";
        if listed > self.size {
            let sentence =
                format!("has {} drives and {listed} are listed; list those {} only", self.size, self.size);
            return Some(Finding::problem(CHECK, subject, sentence));
        }
        if listed < self.size {
            let sentence = format!(
                "has {} drives and {listed} are listed; right for a storage node, else list them all, missing ones too",
                self.size
            );
            return Some(Finding::warning(CHECK, subject, sentence));
        }
        let missing = self.size - present.min(self.size);
        if present < drives_min(self.size) {
            let sentence = format!(
                "{missing} of {} drives are missing and at most {allowed} may be: it cannot be served; bring drives back",
                self.size
            );
            return Some(Finding::problem(CHECK, subject, sentence));
        }
        let left = usize::from(allowed).saturating_sub(missing);
        let sentence = match (allowed, left) {
            (0, _) => "1 drive: its loss is the loss of everything; fine for trials".to_owned(),
            (_, 0) => "no further drive may fail".to_owned(),
            (_, left) => format!("{present} of {} drives, any {left} may fail", self.size),
        };
        Some(match allowed {
            0 => Finding::warning(CHECK, subject, sentence),
            _ => Finding::fine(CHECK, subject, sentence),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;
    use crate::types::{DriveId, DriveSlot};

    fn drive(deployment: u128, slot: u16) -> Result<DriveState, String> {
        Ok(DriveState::Formatted(DriveFormat {
            deployment: DeploymentId(deployment),
            drive: DriveId(u128::from(slot)),
            slot: DriveSlot(slot),
            drives: 4,
            mounted: false,
        }))
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
        let whole = judged((0..4).map(|slot| drive(1, slot)).collect());
        assert!(whole.iter().all(|finding| finding.level == Level::Fine), "{whole:?}");
        assert!(whole.last().unwrap().sentence.contains("any 2 may fail"));
        assert!(judged(vec![BLANK; 4]).iter().all(|finding| finding.level == Level::Fine));
    }

    #[test]
    fn missing_foreign_doubled_and_mixed_drives_are_named() {
        let findings = judged(vec![drive(1, 0), drive(1, 1), BLANK, drive(1, 3)]);
        assert!(problem_of(&findings, "d2").contains("missing"));
        let findings = judged(vec![drive(1, 0), drive(2, 1), drive(1, 2), drive(1, 2)]);
        assert!(problem_of(&findings, "d1").contains("another deployment"));
        assert!(problem_of(&findings, "d3").contains("slot 2 as d2"));
        let findings = judged(vec![drive(1, 0), Ok(DriveState::Foreign), BLANK, BLANK]);
        assert!(problem_of(&findings, "d1").contains("not Holdfast's"));
        assert!(problem_of(&findings, "deployment").contains("3 of 4 drives are missing"));
        let findings = judged(vec![Err("drive.json: bad".into()), drive(1, 1), drive(1, 2), drive(1, 3)]);
        assert!(problem_of(&findings, "d0").contains("drive.json: bad"));
    }

    #[test]
    fn a_part_of_a_deployment_is_right_for_a_node() {
        let findings = judged(vec![drive(1, 2)]);
        assert!(findings.iter().all(|finding| finding.level < Level::Problem), "{findings:?}");
        assert!(findings[1].sentence.contains("storage node"));
        let more = judged((0..5).map(|slot| drive(1, slot)).collect());
        assert!(problem_of(&more, "deployment").contains("5 are listed"));
    }

    #[test]
    fn a_disk_that_is_not_mounted_is_not_taken_for_a_lost_one() {
        let mounted = |slot| match drive(1, slot) {
            Ok(DriveState::Formatted(format)) => {
                Ok(DriveState::Formatted(DriveFormat { mounted: true, ..format }))
            }
            other => other,
        };
        let findings = judged(vec![mounted(0), mounted(1), mounted(2), BLANK]);
        assert!(problem_of(&findings, "d3").contains("mount its disk"));
    }
}
