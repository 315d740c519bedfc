//! Can the disks keep what they are given?

use std::collections::BTreeMap;
use std::time::Duration;

use super::finding::Finding;
use super::look::SeenDrive;
use crate::cli::figures::{bytes, count, percent, share};
use crate::shard_store::{DriveState, FileSystemKind, Survey, WriteTrial};

/// A page cannot be written and synced in less: not even a request to a device and back is so short.
const SYNC_MIN: Duration = Duration::from_micros(8);
/// A disk that says its cache is volatile and is quicker has either a cache that is not, or syncs that are
/// not passed on: to write flash takes longer.
const SYNC_MIN_VOLATILE: Duration = Duration::from_micros(80);
/// Share of a drive that may differ between the fullest and the emptiest.
const UNEVEN: f64 = 0.25;
/// Share of the inodes, or of the space above the reserve, below which a drive is nearly full.
const NEARLY_FULL: f64 = 0.05;

/// Judges each disk and what they share.
pub(super) fn judge(drives: &[SeenDrive]) -> Vec<Finding> {
    let surveyed: Vec<(&SeenDrive, &Survey)> =
        drives.iter().filter_map(|drive| Some((drive, drive.survey.as_ref()?))).collect();
    let mut findings = Vec::new();
    for (drive, survey) in &surveyed {
        findings.extend(judge_permissions(&drive.label, survey));
        findings.push(judge_file_system(&drive.label, survey.file_system));
        match &survey.trial {
            Ok(trial) => {
                findings.extend(judge_support(&drive.label, trial));
                if !matches!(survey.file_system, FileSystemKind::Memory(_)) {
                    let volatile = survey.disks.iter().any(|disk| disk.volatile_cache);
                    findings.push(judge_sync(&drive.label, trial.sync, volatile));
                }
            }
            Err(error) => findings.push(Finding::problem(
                "write",
                &drive.label,
                format!("a trial of writing failed: {error}; check permissions, space and the disk"),
            )),
        }
        findings.extend(judge_space(&drive.label, survey));
    }
    findings.extend(judge_sharing(&surveyed));
    findings.extend(judge_evenness(&surveyed));
    findings
}

fn judge_permissions(label: &str, survey: &Survey) -> Option<Finding> {
    let check = "access";
    if let Some(path) = survey.of_others.first() {
        let sentence = format!(
            "{} and {} other files in it do not belong to the folder's owner (user {}): a start as another user left \
             them; give all to the server's user with `chown -R`",
            path.display(),
            survey.of_others.len() - 1,
            survey.owner
        );
        return Some(Finding::problem(check, label, sentence));
    }
    (survey.mode & 0o022 != 0).then(|| {
        let sentence = format!(
            "other users may write to the folder (mode {:o}) and so remove what it holds; run `chmod go-w {label}`",
            survey.mode
        );
        Finding::problem(check, label, sentence)
    })
}

fn judge_file_system(label: &str, kind: FileSystemKind) -> Finding {
    let check = "disk";
    match kind {
        FileSystemKind::Disk(name) => Finding::fine(check, label, name),
        FileSystemKind::Other(magic) => Finding::warning(
            check,
            label,
            format!("a file system that is not known here ({magic:#x}); ext4 and xfs are the ones to choose"),
        ),
        FileSystemKind::Memory(name) => Finding::problem(
            check,
            label,
            format!("{name} is memory: a reboot loses everything; give a folder on a disk"),
        ),
        FileSystemKind::Overlay => Finding::problem(
            check,
            label,
            "a container's own layer: it is gone with the container; mount a volume here",
        ),
        FileSystemKind::Remote(name) => Finding::warning(
            check,
            label,
            format!("{name}: what a sync means is up to another program or machine; a local disk is better"),
        ),
    }
}

fn judge_support(label: &str, trial: &WriteTrial) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !trial.punch {
        let sentence = "the file system cannot punch holes: space of small objects comes back only by copying what \
                        lives; nothing is less safe";
        findings.push(Finding::warning("disk", label, sentence));
    }
    if !trial.direct {
        let sentence = "the file system does not take writes past the page cache: large objects cost more CPU; \
                        nothing is less safe";
        findings.push(Finding::warning("disk", label, sentence));
    }
    if !trial.allocate {
        let sentence =
            "the file system cannot reserve room ahead: a full disk shows later; nothing is less safe";
        findings.push(Finding::warning("disk", label, sentence));
    }
    findings
}

fn judge_sync(label: &str, sync: Duration, volatile_cache: bool) -> Finding {
    let micros = sync.as_secs_f64() * 1e6;
    let took =
        if micros < 1000.0 { format!("{micros:.0} µs") } else { format!("{:.1} ms", micros / 1000.0) };
    if sync < SYNC_MIN {
        let sentence = format!(
            "a write with its sync takes {took}, less than a disk needs to answer: something may take syncs without \
             passing them on, and a power cut could then lose what was acknowledged; check how the disk is attached"
        );
        return Finding::warning("sync", label, sentence);
    }
    if volatile_cache && sync < SYNC_MIN_VOLATILE {
        let sentence = format!(
            "a write with its sync takes {took}, and the disk calls its cache volatile: either the cache is protected \
             against power cuts all the same, or syncs are not passed on (a virtual disk with cache mode `unsafe`); \
             check the disk's data sheet or the hypervisor"
        );
        return Finding::warning("sync", label, sentence);
    }
    Finding::fine("sync", label, format!("a write with its sync takes {took}"))
}

fn judge_space(label: &str, survey: &Survey) -> Vec<Finding> {
    let free = survey.available.saturating_sub(survey.reserve);
    let (free_text, total) = (bytes(free), bytes(survey.total));
    let space = match share(free, survey.total) {
        _ if free == 0 => Finding::problem(
            "space",
            label,
            format!(
                "full: its reserve of {} is reached; delete objects or add drives",
                bytes(survey.reserve)
            ),
        ),
        left if left < NEARLY_FULL => Finding::warning(
            "space",
            label,
            format!("{free_text} of {total} free; add drives before it is full"),
        ),
        _ => Finding::fine("space", label, format!("{free_text} of {total} free")),
    };
    let inodes = survey.inodes.filter(|(all, free)| share(*free, *all) < NEARLY_FULL).map(|(all, free)| {
        let sentence = format!(
            "{} of {} inodes are free: soon no file can be made although there is space; \
             remove other files, or make the file system anew with more inodes",
            count(free),
            count(all)
        );
        Finding::problem("space", label, sentence)
    });
    std::iter::once(space).chain(inodes).collect()
}

/// Drives that one failure takes together.
fn judge_sharing(drives: &[(&SeenDrive, &Survey)]) -> Vec<Finding> {
    let mut by_disk: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (drive, survey) in drives {
        let labels: Vec<String> = match survey.disks.as_slice() {
            [] => vec![format!(
                "device {}:{}",
                rustix::fs::major(survey.device),
                rustix::fs::minor(survey.device)
            )],
            disks => disks.iter().map(|disk| disk.name.clone()).collect(),
        };
        for disk in labels {
            by_disk.entry(disk).or_default().push(&drive.label);
        }
    }
    let shared = by_disk.into_iter().filter(|(_, drives)| drives.len() > 1);
    shared
        .map(|(disk, drives)| {
            let sentence = format!(
                "{} are on this one disk: its loss is the loss of {} drives at once, whatever the parity; \
                 fine for trials, else give each drive a disk of its own",
                and_list(&drives),
                drives.len()
            );
            Finding::warning("disk", &disk, sentence)
        })
        .collect()
}

fn and_list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// How evenly full the drives of a deployment are.
fn judge_evenness(drives: &[(&SeenDrive, &Survey)]) -> Option<Finding> {
    let formatted = drives.iter().filter(|(drive, _)| matches!(drive.state, Ok(DriveState::Formatted(_))));
    let used = |survey: &Survey| share(survey.total.saturating_sub(survey.available), survey.total);
    let shares: Vec<(f64, &str)> =
        formatted.map(|(drive, survey)| (used(survey), drive.label.as_str())).collect();
    let fullest = shares.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    let emptiest = shares.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
    (fullest.0 - emptiest.0 > UNEVEN).then(|| {
        let sentence = format!(
            "{} full while {} is at {}; new objects go to drives with room, and `holdfast admin rebalance` evens out",
            percent(fullest.0),
            emptiest.1,
            percent(emptiest.0)
        );
        Finding::warning("space", fullest.1, sentence)
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;
    use crate::shard_store::{DriveError, UnderlyingDisk};

    fn sound() -> Survey {
        let disk = UnderlyingDisk { name: "sda".into(), volatile_cache: true };
        Survey {
            file_system: FileSystemKind::Disk("ext4"),
            device: 1,
            disks: vec![disk],
            total: 1 << 40,
            available: 1 << 39,
            reserve: 512 << 20,
            inodes: Some((1000, 900)),
            owner: 1000,
            mode: 0o755,
            of_others: Vec::new(),
            newest_change: None,
            held: false,
            trial: Ok(WriteTrial {
                direct: true,
                allocate: true,
                punch: true,
                sync: Duration::from_micros(900),
            }),
        }
    }

    fn judged(surveys: Vec<Survey>) -> Vec<Finding> {
        let seen = |(at, survey)| SeenDrive {
            label: format!("d{at}"),
            state: Ok(DriveState::Blank { mounted: true }),
            survey: Some(survey),
        };
        judge(&surveys.into_iter().enumerate().map(seen).collect::<Vec<_>>())
    }

    /// The one finding that is not fine.
    fn only(survey: Survey) -> Finding {
        let mut findings = judged(vec![survey]);
        findings.retain(|finding| finding.level != Level::Fine);
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.remove(0)
    }

    #[test]
    fn a_sound_disk_is_fine() {
        assert!(judged(vec![sound()]).iter().all(|finding| finding.level == Level::Fine));
    }

    #[test]
    fn memory_and_a_container_s_layer_do_not_keep_data() {
        let memory = only(Survey { file_system: FileSystemKind::Memory("tmpfs"), ..sound() });
        assert!(memory.level == Level::Problem && memory.sentence.contains("reboot"), "{memory:?}");
        let layer = only(Survey { file_system: FileSystemKind::Overlay, ..sound() });
        assert!(layer.level == Level::Problem && layer.sentence.contains("volume"));
    }

    #[test]
    fn a_sync_that_is_too_quick_is_told_with_care() {
        let with = |micros, volatile_cache| {
            let trial = sound().trial.unwrap();
            let trial = WriteTrial { sync: Duration::from_micros(micros), ..trial };
            let disks = vec![UnderlyingDisk { name: "sda".into(), volatile_cache }];
            judged(vec![Survey { trial: Ok(trial), disks, ..sound() }])
                .into_iter()
                .find(|finding| finding.check == "sync")
                .unwrap()
        };
        assert_eq!((with(40, false).level, with(3, false).level), (Level::Fine, Level::Warning));
        assert_eq!((with(40, true).level, with(8000, true).level), (Level::Warning, Level::Fine));
        assert!(with(40, true).sentence.contains("either"));
        assert_eq!(with(8000, true).sentence, "a write with its sync takes 8.0 ms");
    }

    #[test]
    fn a_full_drive_and_one_without_inodes_need_action() {
        let full = only(Survey { available: 512 << 20, ..sound() });
        assert!(full.level == Level::Problem && full.sentence.contains("reserve"));
        let inodes = only(Survey { inodes: Some((1000, 20)), ..sound() });
        assert!(inodes.level == Level::Problem && inodes.sentence.contains("20 of 1,000 inodes"));
        assert_eq!(only(Survey { available: 20 << 30, ..sound() }).level, Level::Warning);
    }

    #[test]
    fn what_others_may_write_and_what_cannot_be_written_need_action() {
        assert!(only(Survey { mode: 0o777, ..sound() }).sentence.contains("chmod go-w d0"));
        let owned = only(Survey { of_others: vec!["d0/drive.json".into()], ..sound() });
        assert!(owned.sentence.contains("chown -R"));
        let error = DriveError::Io { attempt: "write to d0".into(), error: "read-only file system".into() };
        assert!(only(Survey { trial: Err(error), ..sound() }).sentence.contains("read-only"));
        let trial = WriteTrial { punch: false, ..sound().trial.unwrap() };
        assert_eq!(only(Survey { trial: Ok(trial), ..sound() }).level, Level::Warning);
    }

    #[test]
    fn drives_on_one_disk_are_named_together() {
        let findings = judged(vec![sound(), sound(), Survey { disks: Vec::new(), ..sound() }]);
        let shared: Vec<_> = findings.iter().filter(|finding| finding.level == Level::Warning).collect();
        assert_eq!(shared.len(), 1, "{findings:?}");
        assert!(
            shared[0].subject == "sda" && shared[0].sentence.starts_with("d0 and d1 are on this one disk")
        );
    }
}
