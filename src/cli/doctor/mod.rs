//! `holdfast doctor`: looks at a deployment from outside, whether its server runs or not, and says what to do.
//!
//! Looking and judging are apart. [`look`] gathers facts and changes nothing; `drives`, `disks` and `host`
//! turn facts into findings and are pure. Every finding is one sentence; one that asks for something has
//! its remedy in it.

mod disks;
mod drives;
mod finding;
mod host;
mod look;

use clap::Args;

use super::terminal::print;
use crate::config::Settings;
use finding::{Finding, Level};

/// What to look at.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    settings: Settings,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// Looks and tells. An error is the sentence that something is to be done.
pub(super) fn run(doctor: Doctor) -> Result<(), String> {
    let facts = look::look(doctor.settings)?;
    let findings = judge(&facts);
    if doctor.json {
        println!("{}", finding::as_json(&findings));
    } else {
        print(&finding::as_lines(&findings));
    }
    let problems = findings.iter().filter(|finding| finding.level == Level::Problem).count();
    match problems {
        0 => Ok(()),
        1 => Err("1 finding needs action".into()),
        many => Err(format!("{many} findings need action")),
    }
}

/// All that can be said about the facts.
fn judge(facts: &look::Facts) -> Vec<Finding> {
    let mut findings = drives::judge(&facts.drives);
    findings.extend(disks::judge(&facts.drives));
    findings.extend(host::judge(facts));
    findings
}
