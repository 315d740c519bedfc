//! The status as lines for people. Pure: what the server said goes in, lines come out.

use crate::admin::Grade;
use crate::admin::api::{DriveCondition, DriveReport, Redundancy, Status, Tally, Work, WorkState};
use crate::cli::figures::{bytes, count, counted, duration, percent, share};
use crate::cli::terminal::{Line, Tone, bar};

/// Columns of a bar.
const BAR_COLUMNS: usize = 20;
/// Share of a drive from which its bar warns, and from which it is full.
const FULL_WARNING: f64 = 0.85;
const FULL_BAD: f64 = 0.95;

/// All of it.
pub(super) fn render(status: &Status, console: &str) -> Vec<Line> {
    let up = duration(status.uptime_seconds);
    let mut lines = vec![
        Line::default()
            .with(Tone::Strong, format!("Holdfast {}", status.version))
            .with(Tone::Faint, format!("  {console}  up {up}  deployment {}", status.deployment)),
        health_line(status),
        content_line(status),
        Line::default(),
        heading("Drives"),
    ];
    let label_columns = status.drives.iter().map(|drive| drive.label.chars().count()).max().unwrap_or(0);
    lines.extend(status.drives.iter().map(|drive| drive_line(drive, label_columns)));
    if let Some(redundancy) = &status.redundancy {
        lines.extend([Line::default(), heading("Redundancy")]);
        lines.extend(redundancy_lines(redundancy));
    }
    if !status.work.is_empty() {
        lines.extend([Line::default(), heading("Background work")]);
        lines.extend(status.work.iter().map(work_line));
    }
    lines
}

fn heading(text: &str) -> Line {
    Line::default().with(Tone::Strong, text)
}

fn health_line(status: &Status) -> Line {
    let health = &status.health;
    let (tone, words) = match health.status {
        Grade::FullRedundancy => (Tone::Good, "full redundancy"),
        Grade::ReducedRedundancy => (Tone::Warning, "reduced redundancy"),
        Grade::Unavailable => (Tone::Bad, "unavailable"),
        Grade::Unknown => (Tone::Warning, "a state that this version of the client does not know"),
    };
    let mut text = format!(": {} of {} up", health.drives_up, counted(health.drives as u64, "drive"));
    text += &match health.drives_spare {
        0 => ", none may fail now".to_owned(),
        spare => format!(", any {spare} may fail"),
    };
    if status.pending_heals > 0 {
        text += &format!(", {} to rebuild", counted(status.pending_heals, "shard"));
    }
    if !health.writable {
        text += ", writes are refused";
    }
    Line::of("Health    ").with(tone, words).and(text)
}

fn content_line(status: &Status) -> Line {
    let objects = status.buckets.iter().map(|bucket| bucket.objects).sum();
    let held = status.buckets.iter().map(|bucket| bucket.bytes).sum();
    let buckets = counted(status.buckets.len() as u64, "bucket");
    let (data, parity) = (status.data_shards, status.parity_shards);
    Line::of(format!(
        "Content   {} in {buckets}, {}; new stripes of {data} data and {parity} parity shards",
        counted(objects, "object"),
        bytes(held)
    ))
}

/// A drive's or node's state in a word.
pub(super) fn condition(up: bool, state: Option<DriveCondition>) -> (&'static str, Tone) {
    match state {
        _ if !up => ("down", Tone::Bad),
        Some(DriveCondition::Down) => ("down", Tone::Bad),
        Some(DriveCondition::Draining) => ("draining", Tone::Warning),
        Some(DriveCondition::Refilling) => ("refilling", Tone::Warning),
        Some(DriveCondition::Active) | None => ("up", Tone::Good),
        Some(DriveCondition::Unknown) => ("unknown", Tone::Warning),
    }
}

fn drive_line(drive: &DriveReport, label_columns: usize) -> Line {
    let (word, tone) = condition(drive.up, drive.state);
    let used = drive.total_bytes.saturating_sub(drive.free_bytes);
    let full = share(used, drive.total_bytes);
    let bar_tone = match full {
        _ if !drive.up => Tone::Faint,
        full if full >= FULL_BAD => Tone::Bad,
        full if full >= FULL_WARNING => Tone::Warning,
        _ => Tone::Good,
    };
    let held = drive.held_bytes.map_or_else(String::new, |held| format!(", {} in shards", bytes(held)));
    Line::of(format!("  {:>3}  {:<label_columns$}  ", drive.slot, drive.label))
        .with(tone, format!("{word:<9}  "))
        .with(bar_tone, bar(full, BAR_COLUMNS))
        .and(format!("  {:>5}", percent(full)))
        .with(
            Tone::Faint,
            format!("  {} free of {}{held}", bytes(drive.free_bytes), bytes(drive.total_bytes)),
        )
}

fn redundancy_lines(redundancy: &Redundancy) -> Vec<Line> {
    let all = [redundancy.full, redundancy.reduced, redundancy.zero_margin, redundancy.unreadable];
    let objects: u64 = all.iter().map(|tally| tally.objects).sum();
    let row = |name: &str, tally: Tally, tone: Tone| {
        let tone = if tally.objects == 0 { Tone::Faint } else { tone };
        let part = share(tally.objects, objects);
        Line::of("  ").with(tone, format!("{name:<12}  {}", bar(part, BAR_COLUMNS))).and(format!(
            "  {:>12} objects  {:>9}",
            count(tally.objects),
            bytes(tally.bytes)
        ))
    };
    let metadata = match redundancy.metadata_spare {
        0 => Line::of("  metadata      ").with(Tone::Bad, "no drive may fail"),
        spare => Line::of(format!("  metadata      any {} may fail", counted(spare, "drive"))),
    };
    let domain = |name: &str, spare: Option<u64>| {
        let tone = if spare == Some(0) { Tone::Warning } else { Tone::Good };
        spare.map(|spare| {
            Line::of("  at once       ").with(tone, format!("any {} may fail", counted(spare, name)))
        })
    };
    let domains =
        [domain("node", redundancy.nodes_that_may_fail), domain("zone", redundancy.zones_that_may_fail)];
    let mut lines = vec![
        row("full", redundancy.full, Tone::Good),
        row("reduced", redundancy.reduced, Tone::Warning),
        row("zero margin", redundancy.zero_margin, Tone::Bad),
        row("unreadable", redundancy.unreadable, Tone::Bad),
        metadata,
    ];
    lines.extend(domains.into_iter().flatten());
    lines
}

/// One kind of background work.
pub(super) fn work_line(work: &Work) -> Line {
    let (word, tone) = match work.state {
        WorkState::Idle => ("idle", Tone::Faint),
        WorkState::Running => ("running", Tone::Good),
        WorkState::Waiting => ("waiting", Tone::Warning),
        WorkState::Paused => ("paused", Tone::Warning),
        WorkState::Unknown => ("unknown", Tone::Warning),
    };
    let mut line = Line::of(format!("  {:<10}", work.name)).with(tone, format!("{word:<8}"));
    if work.total > 0 && work.state != WorkState::Idle {
        let done = share(work.done, work.total);
        line = line.with(tone, bar(done, BAR_COLUMNS)).and(format!("  {:>5}  ", percent(done)));
    }
    let mut facts = Vec::new();
    if work.per_second > 0.0 {
        facts.push(format!("{}/s", amount(work.per_second.round() as u64, &work.unit)));
    }
    if let Some(eta) = work.eta_seconds.filter(|_| work.state != WorkState::Idle) {
        facts.push(format!("{} left", duration(eta)));
    }
    if work.found > 0 {
        facts.push(format!("{} found", count(work.found)));
    }
    if !work.detail.is_empty() {
        facts.push(work.detail.clone());
    }
    line.and(facts.join(", "))
}

fn amount(number: u64, unit: &str) -> String {
    match unit {
        "bytes" => bytes(number),
        unit => format!("{} {unit}", count(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::Place;

    const ANSWER: &str = r#"{
        "version": "0.1.0", "deployment": "ab12", "region": "local", "uptime_seconds": 7500,
        "health": {"status": "reduced_redundancy", "drives": 4, "drives_up": 3, "drives_spare": 1,
                   "healing": true, "writable": true},
        "data_shards": 2, "parity_shards": 2, "pending_heals": 34,
        "drives": [{"slot": 0, "label": "./data/drive1", "up": true, "total_bytes": 1000, "free_bytes": 100},
                   {"slot": 1, "label": "./d2", "up": false, "total_bytes": 0, "free_bytes": 0, "state": "down"}],
        "buckets": [{"name": "photos", "objects": 1200, "bytes": 3221225472}]"#;

    fn text(rest: &str) -> String {
        let status: Status = serde_json::from_str(&format!("{ANSWER}{rest}}}")).unwrap();
        let lines = render(&status, "http://127.0.0.1:9001");
        lines.iter().map(|line| line.render(Place::PLAIN) + "\n").collect()
    }

    #[test]
    fn a_server_that_tells_little_is_shown_as_far_as_it_tells() {
        let text = text("");
        assert!(text.contains("up 2 h 5 min"), "{text}");
        assert!(text.contains("reduced redundancy: 3 of 4 drives up, any 1 may fail, 34 shards to rebuild"));
        assert!(text.contains("1,200 objects in 1 bucket, 3.0 GiB"), "{text}");
        assert!(
            text.contains("  0  ./data/drive1  up         ██████████████████░░   90 %  100 B free of 1000 B")
        );
        assert!(text.contains("./d2           down") && !text.contains("Redundancy"), "{text}");
    }

    #[test]
    fn redundancy_and_work_are_shown_where_they_are_told() {
        let text = text(
            r#", "redundancy": {"full": {"objects": 1166, "bytes": 100}, "reduced": {"objects": 34, "bytes": 9},
                 "metadata_spare": 1},
                "work": [{"name": "heal", "state": "running", "done": 25, "total": 100, "unit": "bytes",
                          "per_second": 2048.0, "eta_seconds": 65, "found": 3, "detail": "drive 2 is refilled"},
                         {"name": "scrub", "state": "idle", "done": 5, "total": 5, "unit": "shards"}]"#,
        );
        assert!(text.contains("1,166 objects") && text.contains("any 1 drive may fail"), "{text}");
        let heal = text.lines().find(|line| line.contains("heal")).unwrap();
        assert!(heal.contains("25 %  2.0 KiB/s, 1 min 5 s left, 3 found, drive 2 is refilled"), "{heal}");
        assert!(text.contains("  scrub     idle\n"), "{text}");
    }
}
