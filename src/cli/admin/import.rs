//! Taking over users, groups and policies from another server.

use std::path::Path;

use bytes::Bytes;

use super::arguments::ImportCommand;
use super::lists::print_table;
use super::{AdminClient, print_json};
use crate::cli::figures::counted;
use crate::cli::terminal::{Line, print};
use crate::types::{ImportItem, ImportOutcome, ImportReport};

/// Does what was asked.
pub(super) async fn run(client: &AdminClient, command: ImportCommand) -> Result<(), String> {
    let ImportCommand::MinioIam { file, dry_run, json } = command;
    let archive = read(&file)?;
    let path = format!("/api/v1/import/minio-iam?dry_run={dry_run}");
    let answer: serde_json::Value = client.post_as(&path, ("application/zip", archive)).await?;
    if json {
        print_json(&answer);
        return Ok(());
    }
    let report =
        serde_json::from_value(answer).map_err(|error| format!("the answer is not understood: {error}"))?;
    print_report(&report);
    Ok(())
}

fn read(file: &Path) -> Result<Bytes, String> {
    let read = std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    Ok(read.into())
}

fn print_report(report: &ImportReport) {
    let head = ["KIND", "NAME", "OUTCOME", "NOTES"].map(str::to_owned).to_vec();
    let row = |item: &ImportItem| {
        let cells =
            [item.kind.to_string(), item.name.clone(), item.outcome.to_string(), item.notes.join("; ")];
        // A name in an archive may be anything.
        cells.map(|cell| cell.replace(char::is_control, "\u{fffd}")).to_vec()
    };
    print_table(std::iter::once(head).chain(report.items.iter().map(row)).collect());
    let mut lines = vec![Line::of(summary(report))];
    if report.dry_run {
        lines.push(Line::of("Nothing was changed: this is what would be done without --dry-run."));
    }
    print(&lines);
}

fn summary(report: &ImportReport) -> String {
    let number = |outcome| report.items.iter().filter(|item| item.outcome == outcome).count() as u64;
    let outcomes = [
        ImportOutcome::Imported,
        ImportOutcome::ImportedInPart,
        ImportOutcome::Present,
        ImportOutcome::Refused,
    ];
    let told: Vec<_> = outcomes.iter().map(|outcome| format!("{} {outcome}", number(*outcome))).collect();
    format!("{}: {}.", counted(report.items.len() as u64, "entry"), told.join(", "))
}
