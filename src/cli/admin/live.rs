//! The status once, or on a terminal anew each second until Ctrl-C.

use std::io::{self, Write};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::{AdminClient, status};
use crate::admin::api::Status;
use crate::cli::terminal::{Line, Place, Tone, print};

/// How often it is drawn.
const DRAW_EVERY: Duration = Duration::from_secs(1);

/// Takes the whole terminal and hides the cursor; gives both back when dropped.
struct Screen;

impl Screen {
    fn take() -> Self {
        let _ = io::stdout().write_all(b"\x1b[?1049h\x1b[?25l");
        Self
    }

    /// Draws lines over what was there, as many as fit.
    fn draw<'a>(&self, lines: impl Iterator<Item = &'a Line>) {
        let place = Place::of_output();
        let rows = lines.take(place.height.saturating_sub(1));
        let text: String = rows.map(|line| line.render(place) + "\x1b[K\r\n").collect();
        let mut out = io::stdout().lock();
        let _ = write!(out, "\x1b[H{text}\x1b[J").and_then(|()| out.flush());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = io::stdout().write_all(b"\x1b[?25h\x1b[?1049l");
    }
}

/// Shows the status.
pub(super) async fn run(client: &AdminClient, once: bool) -> Result<(), String> {
    let mut lines = ask(client).await?;
    if once || !Place::of_output().live {
        print(&lines);
        return Ok(());
    }
    let failed = |error: io::Error| format!("cannot watch for signals: {error}; use --once");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let screen = Screen::take();
    let mut silence = None;
    loop {
        // What was last known stays, below the word that there is no news.
        let above = silence.take().map(|sentence| Line::default().with(Tone::Bad, sentence));
        screen.draw(above.iter().chain(&lines));
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            () = tokio::time::sleep(DRAW_EVERY) => {}
        }
        // A server that is being restarted comes back.
        match ask(client).await {
            Ok(fresh) => lines = fresh,
            Err(sentence) => silence = Some(sentence),
        }
    }
    drop(screen);
    print(&lines);
    Ok(())
}

async fn ask(client: &AdminClient) -> Result<Vec<Line>, String> {
    let status: Status = client.get("/api/v1/status").await?;
    Ok(status::render(&status, client.console()))
}
