//! What the doctor says.

use serde::Serialize;

use crate::cli::terminal::{Line, Tone};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Level {
    /// As it should be.
    #[serde(rename = "ok")]
    Fine,
    /// To be known; nothing has to be done.
    #[serde(rename = "warn")]
    Warning,
    /// Something has to be done.
    #[serde(rename = "fail")]
    Problem,
}

/// One sentence about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What was checked: a word for programs.
    pub(super) check: &'static str,
    /// What it is about: a drive, an address.
    pub(super) subject: String,
    pub(super) level: Level,
    /// What is so, and what to do about it.
    pub(super) sentence: String,
}

impl Finding {
    fn new(level: Level, check: &'static str, subject: &str, sentence: impl Into<String>) -> Self {
        Self { check, subject: subject.to_owned(), level, sentence: sentence.into() }
    }

    /// As it should be.
    pub(super) fn fine(check: &'static str, subject: &str, sentence: impl Into<String>) -> Self {
        Self::new(Level::Fine, check, subject, sentence)
    }

    /// To be known.
    pub(super) fn warning(check: &'static str, subject: &str, sentence: impl Into<String>) -> Self {
        Self::new(Level::Warning, check, subject, sentence)
    }

    /// To be dealt with.
    pub(super) fn problem(check: &'static str, subject: &str, sentence: impl Into<String>) -> Self {
        Self::new(Level::Problem, check, subject, sentence)
    }
}

/// For programs.
pub(super) fn as_json(findings: &[Finding]) -> String {
    #[derive(Serialize)]
    struct Report<'a> {
        worst: Level,
        findings: &'a [Finding],
    }
    let worst = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Fine);
    serde_json::to_string_pretty(&Report { worst, findings }).expect("plain fields serialize")
}

/// For people: what needs action last, where it is still seen.
pub(super) fn as_lines(findings: &[Finding]) -> Vec<Line> {
    let checks = findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    let subjects = findings.iter().map(|finding| finding.subject.chars().count()).max().unwrap_or(0);
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| finding.level);
    let line = |finding: &Finding| {
        let (mark, tone) = match finding.level {
            Level::Fine => ("ok", Tone::Good),
            Level::Warning => ("warn", Tone::Warning),
            Level::Problem => ("fail", Tone::Bad),
        };
        Line::default()
            .with(tone, format!("{mark:<4}  "))
            .and(format!("{:<checks$}  {:<subjects$}  {}", finding.check, finding.subject, finding.sentence))
    };
    sorted.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::Place;

    #[test]
    fn what_needs_action_stands_last_and_columns_are_aligned() {
        let findings = [
            Finding::problem("port", "127.0.0.1:9000", "taken; choose another"),
            Finding::fine("drive", "d1", "slot 0"),
        ];
        let lines = as_lines(&findings);
        assert_eq!(lines[0].render(Place::PLAIN), "ok    drive  d1              slot 0");
        assert_eq!(lines[1].render(Place::PLAIN), "fail  port   127.0.0.1:9000  taken; choose another");
        let json = as_json(&findings);
        assert!(json.contains("\"worst\": \"fail\"") && json.contains("\"level\": \"ok\""), "{json}");
    }
}
