//! Progress of something long: one line on standard error that is drawn over, or now and then a line in a log.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::figures::{duration, percent};
use super::terminal::{Line, Place, Tone, bar};

/// How often the line is drawn over on a terminal.
const DRAW_EVERY: Duration = Duration::from_millis(200);
/// How often a line is written elsewhere.
const LOG_EVERY: Duration = Duration::from_secs(30);
/// Columns of the bar.
const BAR_COLUMNS: usize = 24;

/// A long step under way. Dropped, it leaves no trace on a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    title: String,
    place: Place,
    started: Instant,
    drawn_at: Option<Instant>,
}

impl Progress {
    /// Begins a step.
    pub(super) fn begin(title: impl Into<String>) -> Self {
        let place = Place::of_errors();
        // The first line in a log comes only when the step turns out to be long.
        let drawn_at = if place.live { None } else { Some(Instant::now()) };
        Self { title: title.into(), place, started: Instant::now(), drawn_at }
    }

    /// Tells how far it is; `total` 0 where that is not known.
    pub(super) fn at(&mut self, done: u64, total: u64, detail: &str) {
        let every = if self.place.live { DRAW_EVERY } else { LOG_EVERY };
        if self.drawn_at.is_some_and(|at| at.elapsed() < every) {
            return;
        }
        self.drawn_at = Some(Instant::now());
        self.place = Place::of_errors();
        let line = line(&self.title, done, total, detail, self.started.elapsed()).render(self.place);
        // Who cannot see the progress still wants the result.
        let _ = match self.place.live {
            true => write!(io::stderr(), "\r\x1b[2K{line}"),
            false => writeln!(io::stderr(), "{line}"),
        };
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.place.live && self.drawn_at.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }
}

fn line(title: &str, done: u64, total: u64, detail: &str, elapsed: Duration) -> Line {
    if total == 0 {
        return Line::of(format!("{title}  ")).with(Tone::Faint, detail);
    }
    let share = super::figures::share(done, total);
    let left = (share > 0.0).then(|| elapsed.as_secs_f64() * (1.0 - share) / share);
    // In the first moments any guess is a bad one.
    let left = left.filter(|_| elapsed > Duration::from_secs(2) && share < 1.0);
    let left = left.map_or_else(String::new, |left| format!("  {} left", duration(left.ceil() as u64)));
    Line::of(format!("{title}  "))
        .with(Tone::Good, bar(share, BAR_COLUMNS))
        .and(format!("  {}{left}  ", percent(share)))
        .with(Tone::Faint, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_tells_how_far_and_how_long_once_it_can() {
        let text = |done, total, secs| {
            line("reading", done, total, "3 found", Duration::from_secs(secs)).render(Place::PLAIN)
        };
        assert!(text(25, 100, 10).ends_with("25 %  30 s left  3 found"), "{}", text(25, 100, 10));
        assert!(!text(25, 100, 1).contains("left"));
        assert_eq!(text(25, 0, 10), "reading  3 found");
    }
}
