//! `holdfast recover`: rebuilds the metadata database with no server running, and says what is there.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::figures::{bytes, count, counted};
use super::progress::Progress;
use super::terminal::{Line, Tone, columns, print};
use crate::config::{Environment, Options, Role, RoleName, Settings};
use crate::metadata::{BucketRow, Rebuilt};
use crate::server::{Found, FoundState, Installed, Presence, find_drives, look_for_shards};
use crate::types::LogPosition;

/// Unreadable objects that people are shown.
const UNREADABLE_SHOWN_MAX: usize = 20;

/// What to recover.
#[derive(Debug, Args)]
pub(super) struct Recover {
    #[command(flatten)]
    settings: Settings,
    /// Only look: rebuild in a temporary folder and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print what was found and done as JSON, unreadable objects all of them
    #[arg(long)]
    json: bool,
}

/// Recovers. An error is the one sentence to print.
pub(super) fn run(recover: Recover) -> Result<(), String> {
    let paths = drives(recover.settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime
        .map_err(|error| format!("cannot start the runtime: {error}; raise the limits of this user"))?;
    runtime.block_on(recover_drives(&paths, recover.dry_run, recover.json))
}

fn drives(flags: Settings) -> Result<Vec<PathBuf>, String> {
    let environment: Environment = std::env::vars().collect();
    let (settings, _) = Settings::gather(flags, &environment).map_err(|error| error.to_string())?;
    if settings.drives.is_empty() && !settings.node.is_empty() {
        return Err(
            "a gateway rebuilds its database from the nodes at its start: move the `metadata` folder of its \
                    state folder away and start it"
                .into(),
        );
    }
    let options = Options::validate(RoleName::Serve, settings).map_err(|error| error.to_string())?;
    match options.role {
        Role::Serve { drives } | Role::Node { drives, .. } => Ok(drives),
        Role::Gateway { .. } => Err("name the drives to recover from".into()),
    }
}

/// All that was learnt on the way.
struct Report<'a> {
    found: &'a Found,
    rebuilt: &'a Summary,
    presence: &'a Presence,
    installed: Option<&'a Installed>,
}

/// What the rebuilt database holds and is made of.
struct Summary {
    buckets: Vec<BucketRow>,
    uploads: u64,
    copy: Option<(u64, u16)>,
    bad_copies: Vec<(u64, u16, String)>,
    replayed: u64,
    end: LogPosition,
}

async fn recover_drives(paths: &[PathBuf], dry_run: bool, as_json: bool) -> Result<(), String> {
    let found = find_drives(paths).await.map_err(|error| error.to_string())?;
    if !as_json {
        print(&describe_drives(&found));
    }
    let folder = work_folder(&found, dry_run)?;
    let _cleared = Cleared(&folder);
    let rebuilt = {
        let mut progress = Progress::begin("Rebuilding the database");
        let told = |at: u64, last: u64| progress.at(at, last, &format!("entry {at} of {last}"));
        found.rebuild(&folder, told).await.map_err(|error| error.to_string())?
    };
    let failed = |error| format!("cannot read the rebuilt database: {error}; run it again");
    let summary = summarize(&rebuilt).map_err(failed)?;
    let presence = {
        let mut progress = Progress::begin("Looking for shards");
        let told = |done: u64, all: u64| progress.at(done, all, &format!("{} objects", count(done)));
        look_for_shards(&found, &rebuilt, told).await.map_err(failed)?
    };
    let installed = match dry_run {
        true => None,
        false => Some(found.install(rebuilt).map_err(|error| error.to_string())?),
    };
    let report =
        Report { found: &found, rebuilt: &summary, presence: &presence, installed: installed.as_ref() };
    if as_json {
        println!("{}", serde_json::to_string_pretty(&report.as_json()).expect("values serialize"));
    } else {
        print(&report.describe_rebuilt());
    }
    match presence.unreadable.objects {
        0 => Ok(()),
        objects => Err(format!(
            "{} cannot be read from the drives that are here; bring the missing drives back before those objects are \
             given up",
            counted(objects, "object")
        )),
    }
}

/// Where the database is rebuilt.
fn work_folder(found: &Found, dry_run: bool) -> Result<PathBuf, String> {
    if dry_run {
        return Ok(std::env::temp_dir().join(format!("holdfast-recover-{}", std::process::id())));
    }
    found.rebuilt_folder().ok_or_else(|| "no drive can be read; bring drives back".to_owned())
}

/// Removes the folder when the work is over, whichever way.
struct Cleared<'a>(&'a Path);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        // It is only scratch; a later run clears it too.
        let _ = std::fs::remove_dir_all(self.0);
    }
}

fn summarize(rebuilt: &Rebuilt) -> Result<Summary, crate::metadata::MetadataError> {
    Ok(Summary {
        buckets: rebuilt.buckets()?,
        uploads: rebuilt.upload_count()?,
        copy: rebuilt.copy.map(|(index, slot)| (index, slot.0)),
        bad_copies: rebuilt.bad_copies.iter().map(|(at, slot, why)| (*at, slot.0, why.clone())).collect(),
        replayed: rebuilt.replayed,
        end: rebuilt.end,
    })
}

fn describe_drives(found: &Found) -> Vec<Line> {
    let mut rows = vec![["SLOT", "DRIVE", "STATE", "COPY", "LOG"].map(str::to_owned).to_vec()];
    let none = || "-".to_owned();
    for drive in &found.drives {
        let slot = drive.slot.map_or_else(none, |slot| slot.0.to_string());
        let (state, copy, log) = match &drive.state {
            FoundState::Found { copy, log } => (
                "found".to_owned(),
                copy.map_or_else(none, |index| format!("entry {index}")),
                log.map_or_else(none, |(first, last)| {
                    format!("{} to {} (epoch {})", first.index, last.index, last.epoch)
                }),
            ),
            FoundState::Missing => ("missing".to_owned(), none(), none()),
            FoundState::Damaged(reason) => (format!("damaged: {reason}"), none(), none()),
            FoundState::Other(reason) => (reason.clone(), none(), none()),
        };
        rows.push(vec![slot, drive.label.clone(), state, copy, log]);
    }
    let (members, data) = (&found.membership.members, found.membership.data_shards);
    let mut lines =
        vec![Line::default().with(Tone::Strong, format!("Deployment {}", found.deployment)).and(format!(
            ": {}, new stripes of {data} data and {} parity shards",
            counted(members.len() as u64, "drive"),
            found.membership.parity_shards
        ))];
    lines.extend(columns(&rows).into_iter().map(Line::of));
    for database in &found.databases {
        let state = match database.applied {
            Some(index) => format!("readable up to entry {index}"),
            None => "cannot be read".to_owned(),
        };
        lines.push(Line::of(format!("Database {}: {state}", database.path.display())));
    }
    lines.push(Line::default());
    lines
}

impl Report<'_> {
    fn describe_rebuilt(&self) -> Vec<Line> {
        let summary = self.rebuilt;
        let mut lines: Vec<Line> = summary
            .bad_copies
            .iter()
            .map(|(index, slot, why)| {
                let text = format!("The copy at entry {index} of slot {slot} cannot be used: {why}");
                Line::default().with(Tone::Warning, text)
            })
            .collect();
        let began = match summary.copy {
            Some((index, slot)) => format!("the copy at entry {index} of slot {slot}"),
            None => "an empty database".to_owned(),
        };
        let replayed = counted(summary.replayed, "entry");
        lines.push(Line::of(format!(
            "Rebuilt from {began} and {replayed} of the log, up to entry {} (epoch {}), without a gap",
            summary.end.index, summary.end.epoch
        )));
        let objects = summary.buckets.iter().map(|bucket| bucket.objects).sum();
        let held = summary.buckets.iter().map(|bucket| bucket.bytes).sum();
        lines.push(Line::of(format!(
            "  {}, {}, {}, {} under way",
            counted(summary.buckets.len() as u64, "bucket"),
            counted(objects, "object"),
            bytes(held),
            counted(summary.uploads, "upload")
        )));
        lines
            .push(Line::of("Shards on the drives that are here (looked for, not read: the scrub does that)"));
        lines.extend(describe_presence(self.presence));
        lines.push(Line::default());
        lines.extend(self.describe_end());
        lines
    }

    fn describe_end(&self) -> Vec<Line> {
        let Some(installed) = self.installed else {
            return vec![Line::of("Nothing was changed: this is what would be recovered without --dry-run.")];
        };
        let aside = installed.aside.iter().map(|path| Line::of(format!("Moved aside: {}", path.display())));
        let done =
            format!("The rebuilt database is {}. Start the server as before.", installed.database.display());
        aside.chain([Line::default().with(Tone::Good, done)]).collect()
    }

    fn as_json(&self) -> Value {
        let position = |at: LogPosition| json!({ "epoch": at.epoch, "index": at.index });
        let drive = |drive: &crate::server::FoundDrive| {
            let mut value = json!({ "slot": drive.slot.map(|slot| slot.0), "location": drive.label });
            match &drive.state {
                FoundState::Found { copy, log } => {
                    value["state"] = "found".into();
                    value["copy"] = json!(copy);
                    value["log"] =
                        json!(log.map(|(a, b)| json!({ "first": position(a), "last": position(b) })));
                }
                FoundState::Missing => value["state"] = "missing".into(),
                FoundState::Damaged(reason) => {
                    (value["state"], value["reason"]) = ("damaged".into(), reason.as_str().into());
                }
                FoundState::Other(reason) => {
                    (value["state"], value["reason"]) = ("other".into(), reason.as_str().into());
                }
            }
            value
        };
        let summary = self.rebuilt;
        let bucket = |bucket: &BucketRow| json!({ "name": bucket.name, "objects": bucket.objects, "bytes": bucket.bytes });
        let bad = |(index, slot, reason): &(u64, u16, String)| json!({ "index": index, "slot": slot, "reason": reason });
        json!({
            "deployment": self.found.deployment.to_string(),
            "drives": self.found.drives.iter().map(drive).collect::<Vec<_>>(),
            "rebuilt": {
                "copy": summary.copy.map(|(index, slot)| json!({ "index": index, "slot": slot })),
                "unusable_copies": summary.bad_copies.iter().map(bad).collect::<Vec<_>>(),
                "replayed": summary.replayed,
                "end": position(summary.end),
                "buckets": summary.buckets.iter().map(bucket).collect::<Vec<_>>(),
                "uploads": summary.uploads,
            },
            "shards": self.presence,
            "installed": self.installed.map(|installed| json!({
                "database": installed.database,
                "aside": installed.aside,
            })),
        })
    }
}

fn describe_presence(presence: &Presence) -> Vec<Line> {
    let row = |name: &str, tally: crate::server::Count, tone: Tone| {
        let tone = if tally.objects == 0 { Tone::Faint } else { tone };
        let text = format!("{:>12} objects  {:>9}", count(tally.objects), bytes(tally.bytes));
        Line::of("  ").with(tone, format!("{name:<10}")).and(text)
    };
    let mut lines = vec![
        row("whole", presence.whole, Tone::Good),
        row("reduced", presence.reduced, Tone::Warning),
        row("unreadable", presence.unreadable, Tone::Bad),
    ];
    for object in presence.unreadable_objects.iter().take(UNREADABLE_SHOWN_MAX) {
        lines.push(Line::of(format!(
            "    {}/{}  ({}, {} of {} shards needed are here)",
            object.bucket,
            object.key,
            bytes(object.bytes),
            object.shards_here,
            object.shards_needed
        )));
    }
    let more = presence.unreadable_objects.len().saturating_sub(UNREADABLE_SHOWN_MAX);
    if more > 0 {
        lines.push(Line::of(format!("    and {} more; --json names them all", count(more as u64))));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::Place;
    use crate::server::{Count, UnreadableObject};

    #[test]
    fn people_are_shown_the_first_unreadable_objects_and_how_many_more() {
        let object = |i: usize| UnreadableObject {
            bucket: "b".into(),
            key: format!("k{i}"),
            bytes: 5,
            shards_here: 1,
            shards_needed: 2,
        };
        let unreadable_objects: Vec<_> = (0..23).map(object).collect();
        let unreadable = Count { objects: 23, bytes: 115 };
        let presence = Presence { unreadable, unreadable_objects, ..Presence::default() };
        let lines = describe_presence(&presence);
        assert_eq!(lines.len(), 3 + UNREADABLE_SHOWN_MAX + 1);
        assert_eq!(lines[3].render(Place::PLAIN), "    b/k0  (5 B, 1 of 2 shards needed are here)");
        assert!(lines[23].render(Place::PLAIN).contains("and 3 more"));
    }
}
