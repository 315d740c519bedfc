//! The writer: applies mutations, mirrors them in the log, and keeps the log's replicas and the copies of the database up to
//! date.
//!
//! It takes all mutations that wait, opens a transaction, applies them, appends those that succeeded to the log as one entry,
//! commits, and answers. So a batch costs one sync however many requests ride on it.
//!
//! Crash argument. A mutation is answered after its entry is durable on a quorum of drives and after COMMIT. SQLite runs with
//! `synchronous=NORMAL`: its own files are always consistent, and what it may lose in a power cut is a tail of commits, which
//! the log holds and recovery applies again. A crash between append and COMMIT leaves an entry that was not answered; recovery
//! applies it. When the quorum is missed the transaction is rolled back and the next entry begins a new epoch, which supersedes
//! it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use rusqlite::Connection;
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::Instant;
use tokio::time::error::Elapsed;

use super::apply::Applier;
use super::catch_up::{self, Standing, WAIT_ENTRIES_MAX, catch_up};
use super::checkpoint::Checkpointer;
use super::database::{self, finish_transaction, make_place, space};
use super::leadership::{Leadership, Work};
use super::log::{Batch, Replica, ReplicaError};
use super::model::{Applied, MetadataError, Mutation};
use super::queue::{Answer, Job, Next};
use super::readers::{self, Complaint};
use super::recovery::{self, CATCH_UP_TIMEOUT, Recovered};
use super::schema;
use super::snapshot::{Copying, copy_to_drives};
use super::store::Options;
use crate::runtime::Tasks;
use crate::types::{DriveSlot, LogEntry, LogPosition};

type Result<T> = std::result::Result<T, MetadataError>;

/// How long a replica may take over an append before it counts as failed.
const APPEND_TIMEOUT: Duration = Duration::from_secs(5);
/// How often replicas that fell behind are looked at.
pub(super) const REJOIN_EVERY: Duration = Duration::from_millis(500);
/// How long nothing must have been committed before the store settles: it gives back what it does not need.
const SETTLE_AFTER: Duration = Duration::from_secs(20);
/// Log bytes that a store at rest may keep without copying the database, or a quarter of the database.
const SETTLED_LOG_BYTES_MAX: u64 = 8 << 20;
/// Pages of the database given back in one step, and how long others have between steps.
const VACUUM_EVERY: Duration = Duration::from_millis(5);
const VACUUM_STEP_PAGES: i64 = 500;
/// Least room for the database and its write-ahead log, or a quarter of a small drive. Below it only what
/// takes no room is accepted, so that objects can still be deleted.
const ROOM_BYTES_MIN: u64 = 48 << 20;

/// Recovers the database in the first place where that works, up to the entry of an index at least.
pub(super) async fn recover_somewhere(options: &Options, committed: u64) -> Result<(PathBuf, Recovered)> {
    let mut failure = MetadataError::Database("no place for the metadata database".into());
    for path in &options.databases {
        // Made when the drive joined: a folder that is gone now is a drive that is gone.
        if !path.parent().is_some_and(Path::exists) {
            failure = MetadataError::Database(format!("the folder of {} is gone", path.display()));
            continue;
        }
        match recovery::recover(path, &options.replicas, options.quorum).await {
            Ok(recovered) if recovered.end.index >= committed => return Ok((path.clone(), recovered)),
            Ok(_) => {
                failure = MetadataError::Unavailable("the drives that answer lack committed changes".into());
            }
            Err(error) => {
                tracing::warn!(%error, database = %path.display(), "metadata database not recovered here");
                failure = error;
            }
        }
    }
    Err(failure)
}

fn checkpointer(tasks: &Tasks, db: &Connection, database: &Path) -> Result<Checkpointer> {
    Checkpointer::new(tasks, db, space(database).map_or(0, |(total, _)| total))
}

#[derive(Debug)]
enum SnapshotState {
    Idle,
    /// A drive joined whose log does not reach back, or much was logged: copy when possible.
    Wanted,
    Running(oneshot::Receiver<Option<u64>>),
}

/// Owns the writing end for a term.
struct Writer {
    leadership: Arc<Leadership>,
    term: u64,
    options: Options,
    db: Connection,
    checkpointer: Checkpointer,
    applier: Applier,
    /// The newest entry that reached its quorum.
    end: LogPosition,
    /// An entry that reached its quorum, but that the database did not take.
    logged: Option<LogPosition>,
    /// The present epoch, or the last one that was tried.
    epoch: u64,
    /// Replicas that have every entry.
    live: Vec<Arc<dyn Replica>>,
    /// Replicas that have not.
    behind: Vec<Arc<dyn Replica>>,
    /// Replicas that lack much and are given it meanwhile; told when that is done.
    chasing: Vec<(Arc<dyn Replica>, oneshot::Receiver<()>)>,
    /// An entry of the present epoch has reached its quorum, and none since has missed it.
    epoch_open: bool,
    /// The database's drive had too little room at the last look.
    full: bool,
    /// When the store settles, unless something is committed before; `None` at rest.
    settle_at: Option<Instant>,
    /// The database is being shrunk.
    vacuuming: bool,
    /// Bytes logged since the last copy of the database.
    log_bytes: u64,
    snapshot: SnapshotState,
    /// The database in use.
    database: PathBuf,
}

/// Starts the writer of the present term.
pub(super) fn start(leadership: &Arc<Leadership>, (database, recovered): (PathBuf, Recovered)) -> Result<()> {
    let (options, term) = (leadership.options(), leadership.term());
    let tasks = options.tasks.clone();
    let mut writer = Writer {
        leadership: leadership.clone(),
        term,
        checkpointer: checkpointer(&options.tasks, &recovered.connection, &database)?,
        db: recovered.connection,
        applier: recovered.applier,
        end: recovered.end,
        logged: None,
        epoch: recovered.end.epoch,
        behind: options.replicas.clone(),
        live: Vec::new(),
        chasing: Vec::new(),
        epoch_open: false,
        full: false,
        settle_at: None,
        vacuuming: false,
        log_bytes: 0,
        snapshot: SnapshotState::Idle,
        database,
        options,
    };
    let leadership = leadership.clone();
    let writing = async move {
        writer.run().await;
        drop(writer);
        leadership.end(term);
    };
    tasks.spawn("metadata-writer", writing).map_err(not_started)
}

pub(super) fn not_started(error: std::io::Error) -> MetadataError {
    MetadataError::Database(format!("start thread: {error}"))
}

impl Writer {
    async fn run(&mut self) {
        let mut looked = Instant::now();
        self.rejoin().await;
        while self.leads() {
            self.mind_snapshot().await;
            if !self.all_are_live() && looked.elapsed() >= REJOIN_EVERY {
                self.rejoin().await;
                looked = Instant::now();
            }
            match self.next().await {
                Ok(Some(Next::Commit(mutations, answers))) => self.commit_batch(mutations, answers).await,
                Ok(Some(Next::Other(Job::Stop)) | None) => return,
                Ok(Some(Next::Other(job))) => self.see_to(job).await,
                Err(_) if self.needs_attention() => {}
                Err(_) => self.settle(),
            }
        }
    }

    /// Whether no other writer has taken over.
    fn leads(&self) -> bool {
        self.leadership.leads(self.term)
    }

    /// Waits for what is to be done next, unless something else is due before.
    async fn next(&mut self) -> std::result::Result<Option<Next>, Elapsed> {
        let leadership = self.leadership.clone();
        let attention = self.needs_attention().then(|| Instant::now() + REJOIN_EVERY);
        match attention.or(self.settle_at) {
            Some(due) => tokio::time::timeout_at(due, leadership.next()).await,
            None => Ok(leadership.next().await),
        }
    }

    async fn see_to(&mut self, job: Job) {
        match job {
            Job::CheckDatabase => self.rebuild_if_gone().await,
            Job::Complaint(complaint) => self.hear(complaint).await,
            Job::AddReplica { replica, quorum, database, done } => {
                self.add_replica(replica, quorum, database).await;
                let _ = done.send(());
            }
            Job::RemoveReplica { slot, quorum, location, done } => {
                self.remove_replica(slot, quorum, location).await;
                let _ = done.send(());
            }
            Job::Commit(..) | Job::Stop => {}
        }
    }

    async fn add_replica(&mut self, replica: Arc<dyn Replica>, quorum: usize, database: Option<PathBuf>) {
        database.iter().for_each(|path| make_place(path));
        self.options.databases.extend(database);
        self.options.replicas.push(replica.clone());
        self.behind.push(replica);
        self.set_quorum(quorum);
        self.leadership.set_options(self.term, &self.options);
        self.rejoin().await;
    }

    async fn remove_replica(&mut self, slot: DriveSlot, quorum: usize, location: Option<PathBuf>) {
        for replicas in [&mut self.options.replicas, &mut self.live, &mut self.behind] {
            replicas.retain(|replica| replica.slot() != slot);
        }
        self.chasing.retain(|(replica, _)| replica.slot() != slot);
        self.leadership.status.live.store(self.live.len() as u64, Ordering::Relaxed);
        self.set_quorum(quorum);
        // The copies may have been on that drive.
        self.snapshot_wanted();
        let is_left = |path: &PathBuf| location.as_ref().is_some_and(|location| path.starts_with(location));
        // The last place for a database is kept.
        if !self.options.databases.iter().all(is_left) {
            self.options.databases.retain(|path| !is_left(path));
        }
        self.leadership.set_options(self.term, &self.options);
        if !self.options.databases.contains(&self.database) {
            self.open_database_elsewhere().await;
        }
    }

    fn set_quorum(&mut self, quorum: usize) {
        self.options.quorum = quorum;
        self.leadership.status.quorum.store(quorum as u64, Ordering::Relaxed);
    }

    /// One step towards rest: the database shrinks to what it holds, its write-ahead log and the mirrored log
    /// to what a start reads quickly.
    fn settle(&mut self) {
        let _at_work = self.leadership.at_work(self.term, Work::WriteBack);
        let free = self.db.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0));
        let pages = self.db.pragma_query_value(None, "page_count", |row| row.get::<_, i64>(0));
        let (free, pages) = (free.unwrap_or(0), pages.unwrap_or(0));
        self.vacuuming = free > VACUUM_STEP_PAGES && (self.vacuuming || free > pages / 20);
        self.settle_at = None;
        if self.vacuuming {
            let step = self.db.execute_batch(&format!("PRAGMA incremental_vacuum({VACUUM_STEP_PAGES})"));
            match step {
                Ok(()) => self.settle_at = Some(Instant::now() + VACUUM_EVERY),
                Err(error) => tracing::warn!(%error, "the metadata database was not shrunk"),
            }
            self.mind_checkpoint();
            return;
        }
        if let Err(error) = self.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::debug!(%error, "the write-ahead log was not cut");
        }
        let database = std::fs::metadata(&self.database).map_or(0, |file| file.len());
        if self.log_bytes > SETTLED_LOG_BYTES_MAX.max(database / 4) {
            self.snapshot_wanted();
        }
    }

    fn needs_attention(&self) -> bool {
        !self.all_are_live() || !matches!(self.snapshot, SnapshotState::Idle)
    }

    fn all_are_live(&self) -> bool {
        self.behind.is_empty() && self.chasing.is_empty()
    }

    /// Commits a batch and answers. All answers wait for the log, refusals too: they may rest on what
    /// stands before them in the batch.
    async fn commit_batch(&mut self, mutations: Vec<Mutation>, answers: Vec<Answer>) {
        let mut results = Vec::with_capacity(answers.len());
        self.leadership.keep_waiting(self.term, answers);
        let mut committed = self.try_commit(&mutations, &mut results).await;
        if let Err(MetadataError::Database(_) | MetadataError::Damaged(_)) = committed {
            self.rebuild_database(matches!(committed, Err(MetadataError::Damaged(_)))).await;
            // What the log took is in the rebuilt database, with the results that it had here; else nothing is.
            committed = if self.logged.take() == Some(self.end) {
                Ok(())
            } else {
                results.clear();
                self.try_commit(&mutations, &mut results).await
            };
        }
        let answers = self.leadership.take_waiting(self.term);
        if let Err(error) = committed {
            answers.into_iter().for_each(|answer| drop(answer.send(Err(error.clone()))));
            return;
        }
        for (answer, result) in answers.into_iter().zip(results) {
            let _ = answer.send(result);
        }
        self.mind_checkpoint();
    }

    fn mind_checkpoint(&mut self) {
        if !self.leads() {
            return;
        }
        let _at_work = self.leadership.at_work(self.term, Work::WriteBack);
        if let Err(error) = self.checkpointer.mind(&self.db, &self.database, self.full) {
            tracing::warn!(%error, "the metadata database's log was not written back");
            if matches!(error, MetadataError::Damaged(_)) {
                drop(self.leadership.readers.report(self.leadership.readers.generation(), true));
            }
        }
    }

    /// Applies, logs and commits; on any failure nothing of it stands in the database.
    async fn try_commit(&mut self, mutations: &[Mutation], results: &mut Vec<Result<Applied>>) -> Result<()> {
        self.logged = None;
        self.open_epoch().await?;
        let Some((position, accepted)) = self.apply_all(mutations, results)? else { return Ok(()) };
        let logged = self.append(position, Batch { mutations: accepted }).await;
        self.finish(position, logged)
    }

    /// Applies mutations in a transaction that stays open, and tells what is to be logged; `None` if that is nothing.
    fn apply_all<'a>(
        &mut self,
        mutations: &'a [Mutation],
        results: &mut Vec<Result<Applied>>,
    ) -> Result<Option<(LogPosition, Vec<&'a Mutation>)>> {
        let _at_work = self.leadership.at_work(self.term, Work::Apply);
        self.full = self.is_full()?;
        self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut accepted = Vec::with_capacity(mutations.len());
        for mutation in mutations {
            if self.full && mutation.takes_room() {
                results.push(Err(MetadataError::NoSpace));
                continue;
            }
            let result = self.applier.apply(&self.db, mutation);
            if let Err(error) = &result
                && error.is_of_database()
            {
                // Half of the mutation may stand in the transaction.
                let error = error.clone();
                self.roll_back()?;
                return Err(error);
            }
            if result.is_ok() {
                accepted.push(mutation);
            }
            results.push(result);
        }
        if accepted.is_empty() {
            return self.roll_back().map(|()| None);
        }
        let position = LogPosition { epoch: self.epoch, index: self.end.index + 1 };
        if let Err(error) = finish_transaction(&self.db, &mut self.applier, position) {
            self.roll_back()?;
            return Err(error);
        }
        Ok(Some((position, accepted)))
    }

    /// Commits what was logged, or takes it back.
    fn finish(&mut self, position: LogPosition, logged: Result<()>) -> Result<()> {
        let _at_work = self.leadership.at_work(self.term, Work::Commit);
        if let Err(error) = logged {
            self.roll_back()?;
            return Err(error);
        }
        let committed = self.db.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        if let Err(error) = committed {
            // The entry is durable but not answered: a rebuilt database has it, or the next epoch supersedes it.
            self.logged = Some(position);
            self.epoch_open = false;
            self.roll_back()?;
            return Err(error.into());
        }
        self.end = position;
        self.leadership.note_committed(position.index);
        self.settle_at = Some(Instant::now() + SETTLE_AFTER);
        Ok(())
    }

    /// Whether the database's drive has too little room, free pages of the database counted as room.
    fn is_full(&self) -> Result<bool> {
        // Where the file system does not tell, its own errors will.
        let Some((total, available)) = space(&self.database) else { return Ok(false) };
        let needed = ROOM_BYTES_MIN.min(total / 4);
        if available >= needed {
            return Ok(false);
        }
        let pragma = |name| self.db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let reusable = (pragma("freelist_count")? * pragma("page_size")?) as u64;
        // The write-ahead log needs half of the room on the drive itself.
        Ok(available < needed / 2 || available + reusable < needed)
    }

    async fn rebuild_if_gone(&mut self) {
        let at_work = self.leadership.at_work(self.term, Work::Apply);
        let is_there = readers::is_there(&self.database);
        drop(at_work);
        if !is_there {
            self.rebuild_database(false).await;
        }
    }

    /// Sees to a database that a reader could not read, unless that has been done.
    async fn hear(&mut self, complaint: Complaint) {
        if complaint.generation == self.leadership.readers.generation() {
            match complaint.opened {
                true => self.rebuild_database(true).await,
                false => self.rebuild_if_gone().await,
            }
        }
    }

    /// Rebuilds the database from the drives, in another place where there is one. One that is damaged is never used again.
    async fn rebuild_database(&mut self, damaged: bool) {
        // Another writer takes over from a database whose drive hangs.
        if !self.leads() || self.leadership.readers.hangs() {
            return;
        }
        tracing::error!(database = %self.database.display(), "the metadata database failed; rebuilding it");
        if damaged {
            database::set_aside(&self.database);
        }
        let failed = self.options.databases.iter().position(|path| *path == self.database).unwrap_or(0);
        self.options.databases.rotate_left(failed + 1);
        self.open_database_elsewhere().await;
    }

    /// Turns to the first place where the database can be recovered.
    async fn open_database_elsewhere(&mut self) {
        match recover_somewhere(&self.options, self.end.index).await {
            Ok((path, recovered)) => {
                tracing::info!(database = %path.display(), "the metadata database is in another place now");
                (self.db, self.applier, self.end) = (recovered.connection, recovered.applier, recovered.end);
                match checkpointer(&self.options.tasks, &self.db, &path) {
                    Ok(checkpointer) => self.checkpointer = checkpointer,
                    Err(error) => tracing::warn!(%error, "SQLite goes on writing back its log by itself"),
                }
                self.epoch = self.epoch.max(self.end.epoch);
                self.epoch_open = false;
                self.leadership.readers.switch(path.clone());
                self.database = path;
            }
            Err(error) => tracing::error!(%error, "the metadata database cannot be rebuilt"),
        }
    }

    fn roll_back(&mut self) -> Result<()> {
        // Some failures end the transaction by themselves.
        if !self.db.is_autocommit() {
            self.db.execute_batch("ROLLBACK")?;
        }
        self.applier.rolled_back(&self.db)
    }

    /// Begins a new epoch unless one is open: an empty entry that supersedes what may stand behind `end`.
    async fn open_epoch(&mut self) -> Result<()> {
        if self.epoch_open {
            return Ok(());
        }
        // The epoch is used up even if it is not promised by a quorum, or the entry misses its own.
        self.epoch += 1;
        self.have_promised().await?;
        let position = LogPosition { epoch: self.epoch, index: self.end.index + 1 };
        self.append(position, Batch { mutations: Vec::new() }).await?;
        let _at_work = self.leadership.at_work(self.term, Work::Commit);
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        finish_transaction(&self.db, &mut self.applier, position)?;
        self.db.execute_batch("COMMIT")?;
        self.end = position;
        self.epoch_open = true;
        Ok(())
    }

    /// Has a quorum promise the epoch to this writer: see the head of `log`. Replicas that do not fall behind, and tell
    /// what they promised when they rejoin.
    async fn have_promised(&mut self) -> Result<()> {
        let epoch = self.epoch;
        self.ask_live(|replica| async move { replica.promise(epoch).await }).await
    }

    /// Appends to all live replicas at once; those that fail fall behind.
    async fn append(&mut self, position: LogPosition, batch: Batch<&Mutation>) -> Result<()> {
        let leadership = self.leadership.clone();
        let Some(_fence) = leadership.fence(self.term).await else {
            return Err(MetadataError::Unavailable("another writer has taken over".into()));
        };
        let payload: bytes::Bytes = schema::pack_large(&batch, batch.about_bytes()).into();
        self.log_bytes += payload.len() as u64;
        self.ask_live(|replica| {
            let entry = LogEntry { position, payload: payload.clone() };
            async move { replica.append(vec![entry]).await }
        })
        .await
    }

    /// Asks all live replicas at once. An error unless a quorum does it; those that fail or take too long fall behind.
    async fn ask_live<F>(&mut self, ask: impl Fn(Arc<dyn Replica>) -> F) -> Result<()>
    where
        F: Future<Output = std::result::Result<(), ReplicaError>>,
    {
        let answers =
            self.live.iter().cloned().map(|replica| tokio::time::timeout(APPEND_TIMEOUT, ask(replica)));
        let too_long = || Err(ReplicaError::Failed("timed out".into()));
        let answers = join_all(answers).await.into_iter();
        let results: Vec<_> = answers.map(|answer| answer.unwrap_or_else(|_| too_long())).collect();
        // Only what no replica holds is refused for good: recovery may yet apply what one of them does.
        let full = results.iter().all(|result| *result == Err(ReplicaError::NoSpace));
        self.drop_failed(&results);
        let taken = results.iter().filter(|result| result.is_ok()).count();
        let reached = taken >= self.options.quorum;
        self.leadership.status.stalled.store(!reached, Ordering::Relaxed);
        if reached {
            return Ok(());
        }
        self.epoch_open = false;
        if full && !results.is_empty() {
            return Err(MetadataError::NoSpace);
        }
        let need = self.options.quorum;
        Err(MetadataError::Unavailable(format!("{taken} drives took the entry, {need} are needed")))
    }

    fn drop_failed(&mut self, results: &[std::result::Result<(), ReplicaError>]) {
        let mut results = results.iter();
        let mut kept = Vec::with_capacity(self.live.len());
        for replica in self.live.drain(..) {
            match results.next() {
                Some(Err(error)) => {
                    tracing::warn!(slot = replica.slot().0, %error, "a metadata log fell behind");
                    self.behind.push(replica);
                }
                _ => kept.push(replica),
            }
        }
        self.live = kept;
        self.leadership.status.live.store(self.live.len() as u64, Ordering::Relaxed);
    }

    /// Brings replicas that fell behind up to date, where they can be reached.
    async fn rejoin(&mut self) {
        let (mut apart, mut far) = (Vec::new(), Vec::new());
        let chased = self.end_chases();
        let behind = std::mem::take(&mut self.behind).into_iter().map(|replica| (replica, WAIT_ENTRIES_MAX));
        // What was written during a chase is waited for, or it might never end.
        for (replica, max) in behind.chain(chased.into_iter().map(|replica| (replica, u64::MAX))) {
            let standing = self.standing_of(&replica, max, APPEND_TIMEOUT).await;
            self.sort(replica, standing, &mut apart, &mut far);
        }
        for replica in std::mem::take(&mut far) {
            if self.live.len() >= self.options.quorum {
                self.chase(replica);
            } else {
                // Without a quorum there is no change to hold up.
                let standing = self.standing_of(&replica, u64::MAX, CATCH_UP_TIMEOUT).await;
                self.sort(replica, standing, &mut apart, &mut far);
            }
        }
        let reached = self.live.len() + apart.len() >= self.options.quorum;
        if self.live.len() < self.options.quorum && reached && !apart.is_empty() {
            apart = self.begin_logs_anew(apart).await;
        }
        for replica in apart {
            self.replace_log(replica).await;
        }
        self.leadership.status.live.store(self.live.len() as u64, Ordering::Relaxed);
        if !self.epoch_open
            && let Err(error) = self.open_epoch().await
        {
            tracing::warn!(%error, "the metadata log takes no entries");
        }
    }

    /// Too many logs are damaged for a quorum, but the database has every entry that any of them holds (the
    /// recovery saw to that). So its copies go to the drives first, and the logs begin anew behind them.
    async fn begin_logs_anew(&mut self, apart: Vec<Arc<dyn Replica>>) -> Vec<Arc<dyn Replica>> {
        let mut holders = [&self.live[..], &apart].concat();
        holders.sort_by_key(|replica| replica.slot());
        let copies = self.options.copies.clamp(1, holders.len());
        let (leadership, term) = (self.leadership.clone(), self.term);
        let may_begin = || leadership.errand(term);
        let copied = copy_to_drives(&self.database, Copying::PageByPage, (&holders, copies), may_begin).await;
        if let Err(error) = copied {
            tracing::warn!(%error, "damaged metadata logs are left as they are");
            return apart;
        }
        let mut left = Vec::new();
        for replica in apart {
            match catch_up::empty(replica.as_ref(), self.end).await {
                Ok(()) => {
                    tracing::warn!(
                        slot = replica.slot().0,
                        "a damaged metadata log begins anew behind a copy"
                    );
                    self.live.push(replica);
                }
                Err(error) => {
                    tracing::warn!(slot = replica.slot().0, %error, "a metadata log is not up to date");
                    left.push(replica);
                }
            }
        }
        left
    }

    /// Puts a replica with others that stand like it.
    fn sort(
        &mut self,
        replica: Arc<dyn Replica>,
        standing: Option<Standing>,
        apart: &mut Vec<Arc<dyn Replica>>,
        far: &mut Vec<Arc<dyn Replica>>,
    ) {
        match standing {
            Some(Standing::Whole { newest_epoch }) => {
                self.epoch_open &= newest_epoch <= self.epoch;
                self.epoch = self.epoch.max(newest_epoch);
                self.live.push(replica);
            }
            Some(Standing::Far) => far.push(replica),
            Some(Standing::Apart) => apart.push(replica),
            None => self.behind.push(replica),
        }
    }

    /// Gives a replica what it lacks while changes go on.
    fn chase(&mut self, replica: Arc<dyn Replica>) {
        let (mut done, is_done) = oneshot::channel();
        let (end, sources, chased) = (self.end, self.options.replicas.clone(), replica.clone());
        let Some(errand) = self.leadership.errand(self.term) else { return };
        let chasing = async move {
            let _errand = errand;
            // A drive may never answer; what it took by then is not lost to the next chase.
            let chase = catch_up(chased.as_ref(), end, &sources, u64::MAX);
            tokio::select! {
                caught_up = tokio::time::timeout(CATCH_UP_TIMEOUT, chase) => {
                    if let Ok(Err(error)) = caught_up {
                        tracing::warn!(slot = chased.slot().0, %error, "a metadata log is not up to date");
                    }
                    let _ = done.send(());
                }
                () = done.closed() => {}
            }
        };
        match self.options.tasks.spawn("metadata-catch-up", chasing) {
            Ok(()) => self.chasing.push((replica, is_done)),
            Err(error) => {
                tracing::warn!(%error, "start thread");
                self.behind.push(replica);
            }
        }
    }

    /// Those that are chased no more.
    fn end_chases(&mut self) -> Vec<Arc<dyn Replica>> {
        let is_over =
            |(_, done): &mut (_, oneshot::Receiver<()>)| done.try_recv() != Err(TryRecvError::Empty);
        self.chasing.extract_if(.., is_over).map(|(replica, _)| replica).collect()
    }

    /// Catches a replica up that lacks `max` entries at most; `None` if that did not work this time.
    async fn standing_of(
        &mut self,
        replica: &Arc<dyn Replica>,
        max: u64,
        patience: Duration,
    ) -> Option<Standing> {
        if !replica.is_up() {
            return None;
        }
        let catch_up = catch_up(replica.as_ref(), self.end, &self.options.replicas, max);
        match tokio::time::timeout(patience, catch_up).await {
            Ok(Ok(standing)) => Some(standing),
            Ok(Err(error)) => {
                tracing::warn!(slot = replica.slot().0, %error, "a metadata log is not up to date");
                None
            }
            Err(_) => None,
        }
    }

    /// Empties a log that is blank or shares nothing with ours, but only while enough others have all of it.
    async fn replace_log(&mut self, replica: Arc<dyn Replica>) {
        if self.live.len() < self.options.quorum {
            self.behind.push(replica);
            return;
        }
        match catch_up::empty(replica.as_ref(), self.end).await {
            Ok(()) => {
                tracing::warn!(slot = replica.slot().0, "a metadata log begins anew behind a copy");
                self.snapshot_wanted();
                self.live.push(replica);
            }
            Err(error) => {
                tracing::warn!(slot = replica.slot().0, %error, "a metadata log is not up to date");
                self.behind.push(replica);
            }
        }
    }

    fn snapshot_wanted(&mut self) {
        if matches!(self.snapshot, SnapshotState::Idle) {
            self.snapshot = SnapshotState::Wanted;
        }
    }

    /// Starts a copy of the database when one is due, and trims the logs when it is done.
    async fn mind_snapshot(&mut self) {
        if self.log_bytes > *self.options.copy_after_bytes.start() && self.log_bytes > self.snapshot_due() {
            self.snapshot_wanted();
        }
        match &mut self.snapshot {
            SnapshotState::Idle => {}
            SnapshotState::Wanted => self.start_snapshot(),
            SnapshotState::Running(done) => match done.try_recv() {
                Err(TryRecvError::Empty) => {}
                Ok(Some(index)) => {
                    self.snapshot = SnapshotState::Idle;
                    let trims = self.live.iter().map(|replica| replica.trim(index + 1));
                    let trimmed = join_all(trims).await;
                    for error in trimmed.into_iter().filter_map(std::result::Result::err) {
                        tracing::warn!(%error, "a metadata log was not trimmed");
                    }
                }
                Ok(None) | Err(_) => self.snapshot = SnapshotState::Idle,
            },
        }
    }

    /// How many bytes are logged between two copies of a database of this size.
    fn snapshot_due(&self) -> u64 {
        let database = std::fs::metadata(&self.database).map_or(0, |file| file.len());
        database.max((4 * database).min(*self.options.copy_after_bytes.end()))
    }

    fn start_snapshot(&mut self) {
        self.log_bytes = 0;
        let (done, finished) = oneshot::channel();
        let mut holders = self.live.clone();
        holders.sort_by_key(|replica| replica.slot());
        let copies = self.options.copies.max(1);
        let database = self.database.clone();
        let way = if self.settle_at.is_none() { Copying::Compactly } else { Copying::PageByPage };
        let (leadership, term) = (self.leadership.clone(), self.term);
        let generation = leadership.readers.generation();
        let copying = async move {
            let may_begin = || leadership.errand(term);
            let result = copy_to_drives(&database, way, (&holders, copies), may_begin).await;
            let result =
                result.inspect_err(|error| tracing::warn!(%error, "metadata was not copied to the drives"));
            let damaged = matches!(result, Err(MetadataError::Damaged(_)));
            let _ = done.send(result.ok());
            if damaged {
                leadership.readers.complain(generation, true);
            }
        };
        match self.options.tasks.spawn("metadata-copy", copying) {
            Ok(()) => self.snapshot = SnapshotState::Running(finished),
            Err(error) => tracing::warn!(%error, "start thread"),
        }
    }
}
