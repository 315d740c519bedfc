//! Connections for readers, of the database as it stands now.
//!
//! A database that can no longer be read, because its drive is gone or gives back what was not written, the writer makes anew
//! from the log and a copy. Readers wait for that and read again, so that what the log holds is never answered with an error.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
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
    /// Told when there is another database.
    switched: Condvar,
    writer: WeakUnboundedSender<Job>,
    /// Whether the writer goes on while a reader waits.
    may_wait: bool,
}

/// A read that failed: of which database, and whether it could be opened.
struct Failed {
    file: Arc<Path>,
    generation: u64,
    opened: bool,
    error: MetadataError,
}

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    /// The same as SQLite names it: absolute, without links.
    file: Arc<Path>,
    /// Counts the databases there were; connections of an earlier one are not kept.
    generation: u64,
    idle: Vec<Connection>,
}

impl Pool {
    fn of(path: PathBuf, generation: u64) -> Self {
        // One that is not there cannot be read by any name.
        let file = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone()).into();
        Self { path, file, generation, idle: Vec::new() }
    }
}

impl Readers {
    pub(super) fn new(path: PathBuf, writer: WeakUnboundedSender<Job>, may_wait: bool) -> Self {
        let pool = Pool::of(path, 0);
        Self { pool: Mutex::new(pool), switched: Condvar::new(), writer, may_wait }
    }

    /// Counts the databases there were.
    pub(super) fn generation(&self) -> u64 {
        self.pool().generation
    }

    /// Where the database is.
    pub(super) fn path(&self) -> PathBuf {
        self.pool().path.clone()
    }

    /// Whether the drive of the database hangs.
    pub(super) fn hangs(&self) -> bool {
        let file = self.pool().file.clone();
        drive_waits::hangs(&file)
    }

    /// Reads, and once more if the database had to be made anew.
    pub(super) fn with<T>(&self, read: impl Fn(&Connection) -> Result<T>) -> Result<T> {
        let error = match self.once(&read) {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        if let MetadataError::Damaged(reason) = &error.error {
            tracing::warn!(reason, "the metadata database cannot be read");
            if drive_waits::hangs(&error.file) {
                self.wait_for_another(error.generation);
            } else {
                self.complain(error.generation, error.opened);
            }
            if self.may_wait {
                return self.once(&read).map_err(|error| error.error);
            }
        }
        Err(error.error)
    }

    /// Turns to another database.
    pub(super) fn switch(&self, path: PathBuf) {
        let next = Pool::of(path, self.generation() + 1);
        let before = std::mem::replace(&mut *self.pool(), next);
        self.switched.notify_all();
        self.let_go(before.idle);
    }

    /// Closes what is needed no more. That may wait for a drive that hangs.
    fn let_go(&self, connections: Vec<Connection>) {
        let close = move || drop(connections);
        if !self.may_wait {
            return close();
        }
        // Without a thread they are closed here.
        let _ = std::thread::Builder::new().name("metadata-close".into()).spawn(close);
    }

    /// Waits until there is another database than the one of a generation.
    fn wait_for_another(&self, generation: u64) {
        may_block(|| {
            let is_same = |pool: &mut Pool| pool.generation == generation;
            drop(self.switched.wait_timeout_while(self.pool(), REBUILT_WITHIN, is_same));
        });
    }

    /// Has the writer see to the database, and waits until it has.
    pub(super) fn complain(&self, generation: u64, opened: bool) {
        let settled = self.report(generation, opened);
        if !self.may_wait {
            return;
        }
        // Nothing is sent: the wait ends when the complaint is dropped.
        let _ = may_block(|| settled.recv_timeout(REBUILT_WITHIN));
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
        let (generation, idle, file) = (pool.generation, pool.idle.pop(), pool.file.clone());
        drop(pool);
        let failed = |opened, error| Failed { file: file.clone(), generation, opened, error };
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let connection = connect_in_time(&file).map_err(|error| failed(false, error))?;
                set_up(&connection).map_err(|error| failed(true, error))?;
                connection
            }
        };
        let result = read(&connection);
        let mut pool = self.pool();
        if pool.generation != generation {
            drop(pool);
            self.let_go(vec![connection]);
        } else if pool.idle.len() < IDLE_MAX {
            pool.idle.push(connection);
        }
        result.map_err(|error| failed(true, error))
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is a database at `path`. To SQLite an empty file is one too, without tables, and its log of no use.
pub(super) fn is_there(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.len() > 0)
}

/// As [`connect`], where the drive may hang.
fn connect_in_time(path: &Arc<Path>) -> Result<Connection> {
    let database = path.clone();
    let hangs = || MetadataError::Damaged(format!("the drive of {} hangs", path.display()));
    drive_waits::ask(path, move || connect(&database)).unwrap_or_else(|| Err(hangs()))
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
