//! Connections for readers, of the database as it stands now.
//!
//! A database that can no longer be read, because its drive is gone or gives back what was not written, the writer makes anew
//! from the log and a copy. Readers wait for that and read again, so that what the log holds is never answered with an error.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::mpsc::WeakUnboundedSender;

use super::model::MetadataError;
use super::queue::Job;
use super::{checked, drive_waits};
use crate::runtime::may_block;

type Result<T> = std::result::Result<T, MetadataError>;

/// Idle connections that are kept.
const IDLE_MAX: usize = 16;
/// How long a reader waits for a database that is made anew.
const REBUILT_WITHIN: Duration = Duration::from_secs(20);

/// Of a reader to the writer: the database cannot be read.
#[derive(Debug)]
pub(super) struct Complaint {
    /// Which of the databases there were.
    pub(super) generation: u64,
    /// It could be opened, so what is in it is wrong.
    pub(super) opened: bool,
    /// Dropped once the writer has seen to it.
    _settled: mpsc::Sender<()>,
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Readers {
    pool: Mutex<Pool>,
    writer: WeakUnboundedSender<Job>,
    /// Whether the writer goes on while a reader waits.
    may_wait: bool,
}

/// A read that failed: of which database, and whether it could be opened.
struct Failed {
    generation: u64,
    opened: bool,
    error: MetadataError,
}

#[derive(Debug)]
struct Pool {
    path: Arc<Path>,
    /// Whether reading what is in memory never waits for the drive.
    reads_at_once: bool,
    /// Counts the databases there were; connections of an earlier one are not kept.
    generation: u64,
    idle: Vec<Connection>,
}

impl Pool {
    fn of(path: PathBuf, generation: u64) -> Self {
        let reads_at_once = checked::reads_at_once(&path);
        Self { path: path.into(), reads_at_once, generation, idle: Vec::new() }
    }
}

impl Readers {
    pub(super) fn new(path: PathBuf, writer: WeakUnboundedSender<Job>, may_wait: bool) -> Self {
        Self { pool: Mutex::new(Pool::of(path, 0)), writer, may_wait }
    }

    /// Counts the databases there were.
    pub(super) fn generation(&self) -> u64 {
        self.pool().generation
    }

    /// Where the database is.
    pub(super) fn path(&self) -> Arc<Path> {
        self.pool().path.clone()
    }

    /// Reads, and once more if the database had to be made anew.
    pub(super) fn with<T>(&self, read: impl Fn(&Connection) -> Result<T>) -> Result<T> {
        let error = match self.once(&read) {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        if let MetadataError::Damaged(reason) = &error.error {
            tracing::warn!(reason, "the metadata database cannot be read");
            self.complain(error.generation, error.opened);
            if self.may_wait {
                return self.once(&read).map_err(|error| error.error);
            }
        }
        Err(error.error)
    }

    /// Turns to another database.
    pub(super) fn switch(&self, path: PathBuf) {
        let mut pool = self.pool();
        *pool = Pool::of(path, pool.generation + 1);
    }

    /// Has the writer see to the database, and waits until it has.
    pub(super) fn complain(&self, generation: u64, opened: bool) {
        let settled = self.report(generation, opened);
        if !self.may_wait {
            return;
        }
        let wait = || {
            // Nothing is sent: the wait ends when the complaint is dropped.
            let _ = settled.recv_timeout(REBUILT_WITHIN);
        };
        may_block(wait);
    }

    /// Has the writer see to the database.
    pub(super) fn report(&self, generation: u64, opened: bool) -> mpsc::Receiver<()> {
        let (sender, settled) = mpsc::channel();
        if let Some(writer) = self.writer.upgrade() {
            // A writer that has ended sees to nothing.
            let _ = writer.send(Job::Complaint(Complaint { generation, opened, _settled: sender }));
        }
        settled
    }

    fn once<T>(&self, read: impl Fn(&Connection) -> Result<T>) -> std::result::Result<T, Failed> {
        let mut pool = self.pool();
        let (generation, idle, path) = (pool.generation, pool.idle.pop(), pool.path.clone());
        let reads_at_once = pool.reads_at_once;
        drop(pool);
        let failed = |opened| move |error| Failed { generation, opened, error };
        if drive_waits::are_too_many(&path) {
            let error = MetadataError::Unavailable("the drive of the database does not answer".into());
            return Err(failed(true)(error));
        }
        let connection = match idle {
            Some(connection) => connection,
            None => drive_waits::wait(&path, || {
                let connection = connect(&path).map_err(failed(false))?;
                set_up(&connection).map_err(failed(true))?;
                Ok(connection)
            })?,
        };
        let result =
            if reads_at_once { read(&connection) } else { drive_waits::wait(&path, || read(&connection)) };
        let mut pool = self.pool();
        if pool.generation == generation && pool.idle.len() < IDLE_MAX {
            pool.idle.push(connection);
        }
        result.map_err(failed(true))
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is a database at `path`. To SQLite an empty file is one too, without tables, and its log of no use.
pub(super) fn is_there(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.len() > 0)
}

/// Opens the database at `path` to read it.
pub(super) fn open(path: &Path) -> Result<Connection> {
    let connection = connect(path)?;
    set_up(&connection)?;
    Ok(connection)
}

fn connect(path: &Path) -> Result<Connection> {
    if !is_there(path) {
        return Err(MetadataError::Damaged(format!("{} is gone", path.display())));
    }
    Ok(checked::open(path, checked::READ)?)
}

/// The first that reads in the file.
fn set_up(connection: &Connection) -> Result<()> {
    connection.execute_batch("PRAGMA cache_size = -512;")?;
    connection.busy_timeout(Duration::from_secs(5))?;
    keep_statements(connection, 32)
}

/// Keeps prepared statements, and keeps SQLite from planning them anew for each bound value.
pub(super) fn keep_statements(connection: &Connection, capacity: usize) -> Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(capacity);
    Ok(())
}
