//! Writing SQLite's write-ahead log back into the database, beside the writer.
//!
//! Left to itself SQLite does this within a commit, which then waits for two syncs of many pages. Here a
//! worker does it on a connection of its own while the writer goes on. The log begins anew only when all
//! of it is written back, which under load never happens by itself: once it is long, the writer waits for
//! the little that the worker has left.
//!
//! Crash argument. SQLite syncs the write-ahead log before it changes the database and the database before
//! it begins the log anew, whoever calls it.

use std::path::Path;

use rusqlite::Connection;
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::checked;
use super::model::MetadataError;
use super::schema::PAGE_BYTES;
use crate::runtime::Tasks;

/// Pages that wait to be written back when the worker begins.
const STEP_PAGES: std::ops::RangeInclusive<u64> = 256..=2000;
/// The log is to begin anew from this many steps on.
const STEPS_MAX: u64 = 8;
/// What one run of the worker leaves, because it came meanwhile, the next takes.
const RUNS: usize = 2;

/// Decides when to write back, and who does it.
#[derive(Debug)]
pub(super) struct Checkpointer {
    step: u64,
    tasks: Tasks,
    /// How the work that is under way ends.
    running: Option<oneshot::Receiver<Result<(), MetadataError>>>,
}

impl Checkpointer {
    /// Takes over from SQLite. `room` is the size of the file system, in bytes.
    pub(super) fn new(tasks: &Tasks, db: &Connection, room: u64) -> Result<Self, MetadataError> {
        db.pragma_update(None, "wal_autocheckpoint", 0)?;
        let step = (room / 64 / PAGE_BYTES / STEPS_MAX).clamp(*STEP_PAGES.start(), *STEP_PAGES.end());
        // Cut only after a long reader kept it: pages written over cost far less than pages added.
        db.pragma_update(None, "journal_size_limit", (2 * STEPS_MAX * step * PAGE_BYTES) as i64)?;
        Ok(Self { step, tasks: tasks.clone(), running: None })
    }

    /// To be called after a commit. On a full drive the log is kept short, at whatever pace.
    pub(super) fn mind(&mut self, db: &Connection, path: &Path, full: bool) -> Result<(), MetadataError> {
        let (pages, written_back) = checkpoint(db, Mode::Look)?;
        if full && pages >= *STEP_PAGES.start() {
            checkpoint(db, Mode::Passive)?;
            return Ok(());
        }
        let ended = self.running.as_mut().map(|running| running.try_recv());
        if ended == Some(Err(TryRecvError::Empty)) {
            return Ok(());
        }
        self.running = None;
        match ended {
            Some(Ok(Err(error))) => return Err(error),
            Some(_) if pages >= self.step * STEPS_MAX => drop(checkpoint(db, Mode::Passive)?),
            _ if pages - written_back >= self.step => self.start(path),
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, path: &Path) {
        let path = path.to_owned();
        let (ending, ended) = oneshot::channel();
        let work = async move {
            // A database that is gone is not made anew here. The writer sees for itself when it fails.
            let db = checked::open(&path, checked::WRITE).map_err(MetadataError::from);
            let run = |db: Connection| (0..RUNS).try_for_each(|_| checkpoint(&db, Mode::Passive).map(drop));
            let _ = ending.send(db.and_then(run));
        };
        self.running = self.tasks.spawn("checkpoint", work).ok().map(|()| ended);
    }
}

/// What a checkpoint may do.
#[derive(Debug, Clone, Copy)]
enum Mode {
    /// Nothing.
    Look,
    /// What needs no waiting for readers or the writer.
    Passive,
}

/// Writes back; returns the pages in the log, and those of them that are written back.
fn checkpoint(db: &Connection, mode: Mode) -> Result<(u64, u64), MetadataError> {
    let mut pragma = db.prepare_cached(match mode {
        Mode::Look => "PRAGMA wal_checkpoint(NOOP)",
        Mode::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
    })?;
    let pages = |row: &rusqlite::Row<'_>, column| row.get(column).map(|pages: i64| pages.max(0) as u64);
    Ok(pragma.query_row([], |row| Ok((pages(row, 1)?, pages(row, 2)?)))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_stays_short_while_writes_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let db = checked::open(&path, checked::CREATE).unwrap();
        db.pragma_update(None, "page_size", PAGE_BYTES as i64).unwrap();
        db.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (data BLOB);").unwrap();
        let mut checkpointer = Checkpointer::new(&Tasks::for_unit_tests(), &db, 0).unwrap();
        let mut longest = 0;
        for _ in 0..4500 {
            db.execute("INSERT INTO t VALUES (zeroblob(20000))", []).unwrap();
            checkpointer.mind(&db, &path, false).unwrap();
            longest = longest.max(checkpoint(&db, Mode::Look).unwrap().0);
        }
        let written = db.query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0)).unwrap() as u64;
        let limit = *STEP_PAGES.start() * STEPS_MAX;
        assert!(longest < limit * 4 && written > limit * 4, "{longest} pages of {written}");
    }
}
