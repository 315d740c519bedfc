//! Changes of the deployment: asking for one, telling its plan, waiting for its end.

use std::time::Duration;

use serde_json::{Value, json};

use super::arguments::ChangeFlags;
use super::{AdminClient, print_json};
use crate::admin::api::{DriveCondition, DriveReport, Plan, Status, Work, WorkState};
use crate::cli::figures::{bytes, counted, duration};
use crate::cli::progress::Progress;
use crate::cli::terminal::{Line, Tone, print};

/// How often the progress of a change is asked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks in a row at which nothing is under way before a change counts as done: it may begin a moment late.
const IDLE_LOOKS: u32 = 2;
/// Looks in a row at which work waits before the command does not wait any longer: what cannot be done now is
/// tried again within half a minute.
const WAITING_LOOKS_MAX: u32 = 60;

/// A change to ask for.
#[derive(Debug)]
pub(super) struct Change {
    title: String,
    path: String,
    body: Value,
    /// Background work that carries it out.
    work: &'static [&'static str],
    /// What it is about: while a drive of that drains or is refilled, it is under way.
    about: About,
}

/// Drives that a change is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum About {
    None,
    Drive(u16),
    Node(String),
}

impl About {
    fn includes(&self, drive: &DriveReport) -> bool {
        match self {
            Self::None => false,
            Self::Drive(slot) => drive.slot == *slot,
            Self::Node(address) => drive.node.as_ref() == Some(address),
        }
    }
}

impl Change {
    /// A change by this path.
    pub(super) fn new(title: impl Into<String>, path: impl Into<String>) -> Self {
        Self { title: title.into(), path: path.into(), body: json!({}), work: &[], about: About::None }
    }

    /// Says which background work carries it out.
    pub(super) fn watching(self, work: &'static [&'static str]) -> Self {
        Self { work, ..self }
    }

    /// Says which drive it is about.
    pub(super) fn of_drive(self, slot: u16) -> Self {
        Self { about: About::Drive(slot), ..self }
    }

    /// Says which node it is about.
    pub(super) fn of_node(self, address: &str) -> Self {
        Self { about: About::Node(address.to_owned()), ..self }
    }

    /// Says what goes into the body.
    pub(super) fn with(self, body: Value) -> Self {
        Self { body, ..self }
    }
}

/// Asks for the change, tells what the server makes of it, and waits for its end if that is wanted.
pub(super) async fn carry_out(
    client: &AdminClient,
    mut change: Change,
    flags: ChangeFlags,
) -> Result<(), String> {
    change.body["dry_run"] = flags.dry_run.into();
    let answer: Value = client.post(&change.path, &change.body).await?;
    let plan = Plan::deserialize_leniently(&answer);
    if !flags.json {
        print(&describe(&change.title, &plan, &flags));
    }
    if flags.wait && plan.started {
        wait(client, &change).await?;
    }
    if flags.json {
        print_json(&answer);
    } else if flags.wait && plan.started {
        print(&[Line::default().with(Tone::Good, "Done.")]);
    }
    Ok(())
}

impl Plan {
    /// What can be read of an answer; the answer itself is there for programs.
    fn deserialize_leniently(answer: &Value) -> Self {
        serde_json::from_value(answer.clone()).unwrap_or_default()
    }
}

fn describe(title: &str, plan: &Plan, flags: &ChangeFlags) -> Vec<Line> {
    let mut lines = vec![Line::default().with(Tone::Strong, capital(title))];
    let mut row = |name: &str, text: String| {
        if !text.is_empty() {
            lines.push(Line::default().with(Tone::Faint, format!("  {name:<8}")).and(text));
        }
    };
    if plan.shards_to_move > 0 || plan.bytes_to_move > 0 {
        let time =
            if plan.seconds > 0 { format!(", about {}", duration(plan.seconds)) } else { String::new() };
        row(
            "Moves",
            format!("{} in {}{time}", bytes(plan.bytes_to_move), counted(plan.shards_to_move, "shard")),
        );
    }
    row("Now", plan.now.clone());
    row("During", plan.during.clone());
    row("After", plan.after.clone());
    for note in &plan.notes {
        row("Note", note.clone());
    }
    let end = match (flags.dry_run, plan.started, flags.wait) {
        (true, ..) => "Nothing was changed: this is what would be done without --dry-run.",
        (false, false, _) => "Nothing is left to do.",
        (false, true, false) => "Started. `holdfast admin status` shows how far it is.",
        (false, true, true) => "Started.",
    };
    lines.push(Line::of(end));
    lines
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Shows how far the background work of a change is until there is none.
async fn wait(client: &AdminClient, change: &Change) -> Result<(), String> {
    let mut progress = Progress::begin(capital(&change.title));
    let (mut idle, mut waiting) = (0, 0);
    while idle < IDLE_LOOKS {
        let status: Status = client.get("/api/v1/status").await?;
        if status.work.is_empty() {
            return Err(
                "it is started, but this server does not tell how far it is; look at `holdfast admin status`"
                    .into(),
            );
        }
        let work = under_way(&status.work, change.work);
        if let Some(work) = work {
            progress.at(work.done, work.total, &work.detail);
        }
        waiting = if work.is_some_and(|work| work.state == WorkState::Waiting) { waiting + 1 } else { 0 };
        if waiting > WAITING_LOOKS_MAX {
            return Err(
                "it is started, and what is left of it cannot be done now; `holdfast admin status` and the \
                        server's log tell why"
                    .into(),
            );
        }
        idle = if work.is_some() || moves(&status, &change.about) { 0 } else { idle + 1 };
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// The first work of these names that is not at its end. Work that never began is not in the list.
fn under_way<'a>(all: &'a [Work], names: &[&str]) -> Option<&'a Work> {
    all.iter().find(|work| names.contains(&work.name.as_str()) && work.state != WorkState::Idle)
}

/// Whether a drive that a change is about is on its way out or in.
fn moves(status: &Status, about: &About) -> bool {
    let moves = |drive: &DriveReport| {
        matches!(drive.state, Some(DriveCondition::Draining | DriveCondition::Refilling))
    };
    status.drives.iter().any(|drive| about.includes(drive) && moves(drive))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::Place;

    fn text(plan: &Plan, flags: &ChangeFlags) -> String {
        let lines = describe("drain drive 3", plan, flags);
        lines.iter().map(|line| line.render(Place::PLAIN) + "\n").collect()
    }

    #[test]
    fn a_plan_tells_what_moves_and_what_the_redundancy_is_meanwhile() {
        let plan = Plan {
            bytes_to_move: 3 << 30,
            shards_to_move: 1200,
            seconds: 90,
            now: "any 2 drives may fail".into(),
            during: "any 2 drives may fail".into(),
            after: "any 1 drive may fail".into(),
            started: false,
            notes: vec!["drive 3 is nearly full".into()],
        };
        let dry = text(&plan, &ChangeFlags { dry_run: true, ..ChangeFlags::default() });
        assert!(
            dry.starts_with("Drain drive 3\n  Moves   3.0 GiB in 1,200 shards, about 1 min 30 s\n"),
            "{dry}"
        );
        assert!(dry.contains("  After   any 1 drive may fail\n  Note    drive 3"), "{dry}");
        assert!(dry.ends_with("Nothing was changed: this is what would be done without --dry-run.\n"));
        let started = text(&Plan { started: true, ..Plan::default() }, &ChangeFlags::default());
        assert_eq!(started.lines().count(), 2, "{started}");
    }

    #[test]
    fn a_change_is_done_when_none_of_its_work_is_under_way() {
        let work = |name: &str, state| Work {
            name: name.into(),
            state,
            done: 0,
            total: 0,
            unit: String::new(),
            per_second: 0.0,
            eta_seconds: None,
            found: 0,
            detail: String::new(),
        };
        let all = [work("heal", WorkState::Running), work("drain", WorkState::Idle)];
        assert_eq!(under_way(&all, &["drain"]), None);
        assert_eq!(under_way(&all, &["drain", "heal"]).unwrap().name, "heal");
        assert_eq!(under_way(&all, &["rebalance"]), None, "it never began");
    }
}
