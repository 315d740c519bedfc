//! Lines for people: coloured on a terminal, plain elsewhere.

use std::io::{self, IsTerminal, Write};

use rustix::termios::tcgetwinsize;

/// What a piece of a line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Faint,
    Good,
    Warning,
    Bad,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "\x1b[1m",
            Self::Faint => "\x1b[2m",
            Self::Good => "\x1b[32m",
            Self::Warning => "\x1b[33m",
            Self::Bad => "\x1b[31m",
        }
    }
}

/// A line in the making.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<(Tone, String)>);

impl Line {
    /// A line of plain text.
    pub(super) fn of(text: impl Into<String>) -> Self {
        Self::default().with(Tone::Plain, text)
    }

    /// Adds a piece.
    pub(super) fn with(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.0.push((tone, text.into()));
        self
    }

    /// Adds plain text.
    pub(super) fn and(self, text: impl Into<String>) -> Self {
        self.with(Tone::Plain, text)
    }

    /// The line for this place, cut where the place ends.
    pub(super) fn render(&self, place: Place) -> String {
        let mut left = place.width;
        let mut text = String::new();
        for (tone, piece) in &self.0 {
            let piece: String = piece.chars().take(left).collect();
            left -= piece.chars().count();
            match tone.code() {
                code if place.colours && !code.is_empty() && !piece.is_empty() => {
                    text.push_str(code);
                    text.push_str(&piece);
                    text.push_str("\x1b[0m");
                }
                _ => text.push_str(&piece),
            }
        }
        text.trim_end().to_owned()
    }
}

/// Where lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Columns.
    pub(super) width: usize,
    /// Rows.
    pub(super) height: usize,
    /// It shows colours.
    pub(super) colours: bool,
    /// Somebody watches it.
    pub(super) live: bool,
}

impl Place {
    /// Without colours and without an end: a file, a pipe.
    pub(super) const PLAIN: Self =
        Self { width: usize::MAX, height: usize::MAX, colours: false, live: false };

    /// What standard output is now.
    pub(super) fn of_output() -> Self {
        Self::of(&io::stdout())
    }

    /// What standard error is now.
    pub(super) fn of_errors() -> Self {
        Self::of(&io::stderr())
    }

    fn of(stream: &(impl IsTerminal + std::os::fd::AsFd)) -> Self {
        if !stream.is_terminal() {
            return Self::PLAIN;
        }
        let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let size = tcgetwinsize(stream).ok();
        // Some terminals do not know their size and say 0.
        let known = |size: u16| if size == 0 { usize::MAX } else { usize::from(size) };
        let (width, height) =
            size.map_or((usize::MAX, usize::MAX), |size| (known(size.ws_col), known(size.ws_row)));
        Self { width, height, colours, live: true }
    }
}

/// Prints lines to standard output. A reader that has gone away wants no more of them.
pub(super) fn print(lines: &[Line]) {
    let place = Place { width: usize::MAX, ..Place::of_output() };
    let text: String = lines.iter().map(|line| line.render(place) + "\n").collect();
    let _ = io::stdout().write_all(text.as_bytes());
}

/// A bar of so many columns.
pub(super) fn bar(share: f64, columns: usize) -> String {
    let share = share.clamp(0.0, 1.0);
    let full = (share * columns as f64).round() as usize;
    // Something done is seen, and what is not all done is not full.
    let full = full.clamp(usize::from(share > 0.0), if share < 1.0 { columns - 1 } else { columns });
    "█".repeat(full) + &"░".repeat(columns - full)
}

/// Rows of cells, each column as wide as its widest cell; the last is as it comes.
pub(super) fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_at_the_width_and_coloured_only_where_asked() {
        let line = Line::of("drive ").with(Tone::Good, "up").and(" and well");
        assert_eq!(line.render(Place::PLAIN), "drive up and well");
        let narrow = Place { width: 7, colours: true, ..Place::PLAIN };
        assert_eq!(line.render(narrow), "drive \x1b[32mu\x1b[0m");
    }

    #[test]
    fn a_bar_is_empty_or_full_only_where_that_is_true() {
        assert_eq!(bar(0.0, 4), "░░░░");
        assert_eq!(bar(0.001, 4), "█░░░");
        assert_eq!(bar(0.999, 4), "███░");
        assert_eq!(bar(1.0, 4), "████");
    }

    #[test]
    fn columns_stand_below_one_another() {
        let rows =
            [vec!["a".to_owned(), "bb".into(), "c".into()], vec!["aaa".into(), "b".into(), "c".into()]];
        assert_eq!(columns(&rows), ["a    bb  c", "aaa  b   c"]);
    }
}
