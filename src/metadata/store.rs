//! The metadata store: one writer, many readers.
//!
//! The writer takes all mutations that wait, opens a transaction, applies them, appends those that
//! succeeded to the log as one entry, commits, and answers. So a batch costs one sync however many
//! requests ride on it.
//!
//! Crash argument. A mutation is answered after its entry is durable on a quorum of drives and after
//! COMMIT. SQLite runs with `synchronous=NORMAL`: its own files are always consistent, and what it may
//! lose in a power cut is a tail of commits, which the log holds and recovery applies again. A crash
//! between append and COMMIT leaves an entry that was not answered; recovery applies it. When the quorum
//! is missed the transaction is rolled back and the next entry begins a new epoch, which supersedes it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use rusqlite::Connection;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::Instant;

use super::accounts::{self, AccessKeyRow, AccountRow};
use super::apply::Applier;
use super::catch_up::{self, Standing, WAIT_ENTRIES_MAX, catch_up};
use super::checked;
use super::checkpoint::Checkpointer;
use super::events::{self, EventRow, OutboxRow};
use super::expiry::{self, AgingRow, AgingVersionRow, VersionCursor};
use super::identities::{self, IdentityRow};
use super::log::{Batch, Replica, ReplicaError};
use super::model::{
    Applied, BlobLayout, BucketRow, DriveRow, EncodingRow, GarbageRow, HealRow, ListedRow, ListedVersionRow,
    MetadataError, MisencodedRow, Mutation, ObjectRow, OwnerRow, PartRow, PlacedBlob, RenameToken, UploadRow,
};
use super::query::{self, VersionPlace, Walk, Walked};
use super::readers::{self, Complaint, Readers};
use super::recovery::CATCH_UP_TIMEOUT;
use super::search::{self, Searchable};
use super::snapshot::{self, Copying};
use super::spread::{self, SpreadRow};
use super::{configuration, encoding, keys, part_checksums, quota, recovery, rename, schema};
use crate::runtime::Tasks;
use crate::types::{
    BlobId, ConfigurationKey, ConfigurationKind, DriveSlot, EncodingRules, LogEntry, LogPosition, MasterKey,
    PartNumber, Timestamp, UploadId, VersionId,
};

type Result<T> = std::result::Result<T, MetadataError>;
type Answer = oneshot::Sender<Result<Applied>>;

/// Most mutations in one entry of the log.
const BATCH_MUTATIONS_MAX: usize = 512;
/// How long a replica may take over an append before it counts as failed.
const APPEND_TIMEOUT: Duration = Duration::from_secs(5);
/// How often replicas that fell behind are looked at.
const REJOIN_EVERY: Duration = Duration::from_millis(500);
/// Log bytes after which the database is copied to the drives: as many as it has itself, and up to four times
/// that while that is not much to replay.
pub const COPY_AFTER_BYTES: std::ops::RangeInclusive<u64> = 64 << 20..=512 << 20;
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

/// How a store is opened.
#[derive(Debug)]
pub struct Options {
    /// Files where the database may be kept, on different drives where there are several: the first is
    /// used, the next when it fails.
    pub databases: Vec<PathBuf>,
    /// The log's replicas that are known, up or not.
    pub replicas: Vec<Arc<dyn Replica>>,
    /// Replicas that must take an entry before it is acknowledged.
    pub quorum: usize,
    /// Drives that get copies of the database.
    pub copies: usize,
    /// Bounds of the log bytes between two copies; see [`COPY_AFTER_BYTES`].
    pub copy_after_bytes: std::ops::RangeInclusive<u64>,
    /// Where the writer runs.
    pub tasks: Tasks,
}

/// The open store.
#[derive(Debug)]
pub struct Store {
    jobs: UnboundedSender<Job>,
    readers: Arc<Readers>,
    status: Arc<Status>,
    /// Told once the writer has ended.
    writer: Mutex<Option<oneshot::Receiver<()>>>,
}

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) enum Job {
    Commit(Box<Mutation>, Answer),
    CheckDatabase,
    Complaint(Complaint),
    AddReplica {
        replica: Arc<dyn Replica>,
        quorum: usize,
        database: Option<PathBuf>,
        done: oneshot::Sender<()>,
    },
    RemoveReplica {
        slot: DriveSlot,
        quorum: usize,
        location: Option<PathBuf>,
        done: oneshot::Sender<()>,
    },
    Stop,
}

/// What the writer tells others.
#[derive(Debug, Default)]
struct Status {
    /// Replicas that are up to date.
    live: AtomicU64,
    /// Replicas that must be.
    quorum: AtomicU64,
    /// The last entry missed its quorum.
    stalled: AtomicBool,
}

/// Opens the database for the writer, making tables if it is new.
pub(super) fn open_writer(path: &Path) -> Result<Connection> {
    if checked::lacks_checksums(path) {
        add_checksums(path)?;
    }
    let connection = checked::open(path, checked::CREATE)?;
    connection.pragma_update(None, "page_size", schema::PAGE_BYTES as i64)?;
    // Counts for a database without tables alone.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;",
    )?;
    readers::keep_statements(&connection, 64)?;
    schema::prepare(&connection)?;
    Ok(connection)
}

/// Puts a database with checksums in the place of one of an earlier release. A crash leaves one of the two.
fn add_checksums(path: &Path) -> Result<()> {
    tracing::info!(database = %path.display(), "the metadata database gets checksums of its pages");
    let target = path.with_extension("checked");
    let failed =
        |error: std::io::Error| MetadataError::Database(format!("replace {}: {error}", path.display()));
    let _ = std::fs::remove_file(&target);
    checked::add_checksums(path, &target)?;
    std::fs::File::open(&target).and_then(|file| file.sync_all()).map_err(failed)?;
    recovery::remove_database(path)?;
    std::fs::rename(&target, path).map_err(failed)
}

/// The log index that the database at `path` includes; `None` if there is none that can be read.
pub fn applied_index(path: &Path) -> Option<u64> {
    if !path.exists() {
        return None;
    }
    readers::open(path).and_then(|db| query::state(&db, "applied_index")).ok()
}

/// Writes what is kept once a transaction; the caller commits.
pub(super) fn finish_transaction(
    db: &Connection,
    applier: &mut Applier,
    position: LogPosition,
) -> Result<()> {
    applier.finish_batch(db)?;
    query::set_state(db, "epoch", position.epoch)?;
    query::set_state(db, "applied_index", position.index)
}

impl Store {
    /// Recovers the database, begins a new epoch, and starts the writer.
    pub async fn open(options: Options) -> Result<Self> {
        let up = options.replicas.iter().filter(|replica| replica.is_up()).count();
        if up < options.quorum {
            let need = options.quorum;
            return Err(MetadataError::Unavailable(format!("{up} drives are up, {need} are needed")));
        }
        options.databases.iter().for_each(|path| make_place(path));
        let (database, recovered) = recover_somewhere(&options).await?;
        let status = Arc::new(Status::default());
        status.quorum.store(options.quorum as u64, Ordering::Relaxed);
        let (jobs, received) = unbounded_channel();
        let readers = Arc::new(Readers::new(database.clone(), jobs.downgrade(), options.tasks.are_threads()));
        let mut writer = Writer {
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
            readers: readers.clone(),
            status: status.clone(),
            options,
        };
        let tasks = writer.options.tasks.clone();
        let (ending, ended) = oneshot::channel();
        let writing = async move {
            writer.run(received).await;
            drop(writer);
            let _ = ending.send(());
        };
        let spawned = tasks.spawn("metadata-writer", writing);
        spawned.map_err(|error| MetadataError::Database(format!("start thread: {error}")))?;
        Ok(Self { jobs, readers, status, writer: Mutex::new(Some(ended)) })
    }

    /// Applies a mutation; durable when this returns.
    pub async fn commit(&self, mutation: Mutation) -> Result<Applied> {
        let (answer, answered) = oneshot::channel();
        let gone = || MetadataError::Unavailable("shutting down".into());
        self.jobs.send(Job::Commit(Box::new(mutation), answer)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Replicas of the log that are up to date.
    pub fn replicas_live(&self) -> u64 {
        self.status.live.load(Ordering::Relaxed)
    }

    /// Replicas that may be lost before entries miss their quorum.
    pub fn replicas_spare(&self) -> u64 {
        self.replicas_live().saturating_sub(self.status.quorum.load(Ordering::Relaxed))
    }

    /// False while entries miss their quorum.
    pub fn is_writable(&self) -> bool {
        !self.status.stalled.load(Ordering::Relaxed)
    }

    /// Adds a replica of the log and, where there is one, a place for the database. From now on `quorum` replicas
    /// must take an entry.
    pub async fn add_replica(
        &self,
        replica: Arc<dyn Replica>,
        quorum: usize,
        database: Option<PathBuf>,
    ) -> Result<()> {
        self.ask(|done| Job::AddReplica { replica, quorum, database, done }).await
    }

    /// Does without the replica in a slot; a database kept below `location` goes elsewhere.
    pub async fn remove_replica(
        &self,
        slot: DriveSlot,
        quorum: usize,
        location: Option<PathBuf>,
    ) -> Result<()> {
        self.ask(|done| Job::RemoveReplica { slot, quorum, location, done }).await
    }

    async fn ask(&self, job: impl FnOnce(oneshot::Sender<()>) -> Job) -> Result<()> {
        let (done, is_done) = oneshot::channel();
        let gone = || MetadataError::Unavailable("shutting down".into());
        self.jobs.send(job(done)).map_err(|_| gone())?;
        is_done.await.map_err(|_| gone())
    }

    /// Looks whether the database is still there, and rebuilds it elsewhere if not.
    pub fn check_database(&self) {
        // A writer that is gone has nothing to check.
        let _ = self.jobs.send(Job::CheckDatabase);
    }

    /// Stops the writer after what waits is done.
    pub async fn close(&self) {
        let _ = self.jobs.send(Job::Stop);
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer
            && writer.await.is_err()
        {
            tracing::error!("the metadata writer panicked");
        }
    }

    /// One bucket.
    pub fn bucket(&self, name: &str) -> Result<BucketRow> {
        self.readers.with(|db| query::bucket(db, name))
    }

    /// All buckets by name.
    pub fn buckets(&self) -> Result<Vec<BucketRow>> {
        self.readers.with(query::buckets)
    }

    /// The buckets that requests need to know something of.
    pub fn configured_buckets(&self) -> Result<Vec<String>> {
        self.readers.with(configuration::buckets)
    }

    /// All accounts by name.
    pub fn accounts(&self) -> Result<Vec<AccountRow>> {
        self.readers.with(accounts::all)
    }

    /// All access keys by account, then by age.
    pub fn access_keys(&self) -> Result<Vec<AccessKeyRow>> {
        self.readers.with(accounts::all_keys)
    }

    /// All documents of users, groups, roles and policies, and how often they were changed.
    pub fn identities(&self) -> Result<(u64, Vec<IdentityRow>)> {
        self.readers.with(identities::all)
    }

    /// Refuses to write so many bytes under a key, if the bucket's quota will not let that be committed as it stands.
    pub fn check_quota(&self, bucket: &str, key: &str, size: u64) -> Result<()> {
        self.readers.with(|db| in_one_moment(db, || quota::check_early(db, (bucket, key), size)))
    }

    /// Lengths of the parts of an upload, as they are stored, but for the one of this number.
    pub fn other_parts(&self, upload: UploadId, part: PartNumber) -> Result<Vec<u64>> {
        self.readers.with(|db| quota::other_parts(db, upload, part))
    }

    /// One configuration of a bucket, if it has it.
    pub fn configuration(&self, bucket: &str, key: &ConfigurationKey) -> Result<Option<String>> {
        self.readers.with(|db| configuration::one(db, bucket, key))
    }

    /// Whether a version is current in a bucket without versions, and no other has its blobs.
    pub fn is_sole_owner(&self, bucket: &str, key: &str, sequence: u64) -> Result<bool> {
        self.readers.with(|db| query::is_sole_owner(db, bucket, key, sequence))
    }

    /// All named keys: name, revision and key.
    pub fn master_keys(&self) -> Result<Vec<(String, u64, MasterKey)>> {
        self.readers.with(keys::all)
    }

    /// So many configurations of one kind with ids behind one, in order of their ids: id and document.
    pub fn configurations(
        &self,
        bucket: &str,
        kind: ConfigurationKind,
        page: (&str, usize),
    ) -> Result<Vec<(String, String)>> {
        self.readers.with(|db| configuration::page(db, bucket, kind, page))
    }

    /// The first events that wait for a target, in the order of commits.
    pub fn events_waiting(&self, target: &str, max: usize) -> Result<Vec<EventRow>> {
        self.readers.with(|db| events::waiting(db, target, max))
    }

    /// The last of a target's first events that all happened before a moment.
    pub fn last_event_before(&self, target: &str, moment: Timestamp) -> Result<Option<u64>> {
        self.readers.with(|db| events::last_before(db, target, moment))
    }

    /// What waits for each target.
    pub fn outboxes(&self) -> Result<Vec<OutboxRow>> {
        self.readers.with(|db| in_one_moment(db, || events::outboxes(db)))
    }

    /// Objects of a bucket behind a key, in order, as a search index knows them.
    pub fn searchable_after(&self, bucket: &str, after: &str, max: usize) -> Result<Vec<Searchable>> {
        self.readers.with(|db| search::searchable_after(db, bucket, after, max))
    }

    /// The object under a key, if there is one, as a search index knows it.
    pub fn searchable_at(&self, bucket: &str, key: &str) -> Result<Option<Searchable>> {
        self.readers.with(|db| search::searchable_at(db, bucket, key))
    }

    /// How the objects of each bucket are encoded, counted.
    pub fn encodings(&self) -> Result<Vec<EncodingRow>> {
        self.readers.with(encoding::all)
    }

    /// Versions of a bucket behind `after` with blobs of another scheme than they are to have, as many at most as the
    /// second limit says, of as many versions as the first; and the last one looked at, if there was one.
    pub fn misencoded(
        &self,
        bucket: (&str, &EncodingRules),
        after: &VersionPlace,
        limits: (usize, usize),
    ) -> Result<(Vec<MisencodedRow>, Option<VersionPlace>)> {
        self.readers.with(|db| in_one_moment(db, || query::misencoded(db, bucket, after, limits)))
    }

    /// Whether a rename with this token was done; an error if it was another one.
    pub fn was_renamed(&self, bucket: &str, token: &RenameToken, now: Timestamp) -> Result<bool> {
        self.readers.with(|db| rename::was_renamed(db, bucket, token, now))
    }

    /// The checksums of the parts of a version, one behind the other, where its own is made of them.
    pub fn part_checksums(&self, sequence: u64) -> Result<Option<Vec<u8>>> {
        self.readers.with(|db| part_checksums::read(db, sequence))
    }

    /// A version of an object, the current one if none is named, and its payload, if that is inline.
    pub fn object_and_payload(
        &self,
        bucket: &str,
        key: &str,
        version: Option<VersionId>,
    ) -> Result<(ObjectRow, Option<Vec<u8>>)> {
        self.readers.with(|db| query::object_and_payload(db, bucket, key, version))
    }

    /// Where a blob is.
    pub fn blob_layout(&self, blob: BlobId) -> Result<Option<BlobLayout>> {
        self.readers.with(|db| query::blob_layout(db, blob))
    }

    /// Where each of some blobs is, all at one moment.
    pub fn blob_layouts(
        &self,
        blobs: impl Iterator<Item = BlobId> + Clone,
    ) -> Result<Vec<Option<BlobLayout>>> {
        let layouts = |db: &Connection| blobs.clone().map(|blob| query::blob_layout(db, blob)).collect();
        self.readers.with(|db| in_one_moment(db, || layouts(db)))
    }

    /// The shards of a blob that are to be rebuilt.
    pub fn missing_shards(&self, blob: BlobId) -> Result<Vec<u8>> {
        self.readers.with(|db| query::missing_shards(db, blob))
    }

    /// Blobs by id behind `after`.
    pub fn blobs_after(&self, after: BlobId, max: usize) -> Result<Vec<BlobLayout>> {
        self.readers.with(|db| query::blobs_after(db, after, max))
    }

    /// As [`Self::blobs_after`], with the spread of each.
    pub fn placed_blobs_after(&self, after: BlobId, max: usize) -> Result<Vec<PlacedBlob>> {
        self.readers.with(|db| query::placed_blobs_after(db, after, max))
    }

    /// A page of a bucket's objects, and whether more follow.
    pub fn list(&self, bucket: &str, walk: &Walk) -> Result<(Vec<Walked<ListedRow>>, bool)> {
        self.readers.with(|db| in_one_moment(db, || query::list(db, bucket, walk)))
    }

    /// So many versions that are not current, and delete markers, with keys that start with a prefix, behind a place; and
    /// where to go on, if there are more.
    pub fn aging_versions(
        &self,
        bucket: &str,
        prefix_after: (&str, Option<&VersionCursor>),
        max: usize,
    ) -> Result<(Vec<AgingVersionRow>, Option<VersionCursor>)> {
        self.readers.with(|db| in_one_moment(db, || expiry::aging_versions(db, bucket, prefix_after, max)))
    }

    /// So many objects of a bucket with keys that start with a prefix, behind a key.
    pub fn aging(&self, bucket: &str, prefix_after: (&str, &str), max: usize) -> Result<Vec<AgingRow>> {
        self.readers.with(|db| expiry::aging(db, bucket, prefix_after, max))
    }

    /// A page of a bucket's versions and delete markers, and whether more follow; `behind` resumes within the key
    /// `walk.after`.
    pub fn list_versions(
        &self,
        bucket: &str,
        walk: &Walk,
        behind: Option<VersionId>,
    ) -> Result<(Vec<Walked<ListedVersionRow>>, bool)> {
        self.readers.with(|db| in_one_moment(db, || query::list_versions(db, bucket, walk, behind)))
    }

    /// One upload.
    pub fn upload(&self, bucket: &str, key: &str, upload: UploadId) -> Result<UploadRow> {
        self.readers.with(|db| query::upload(db, bucket, key, upload))
    }

    /// A page of uploads, and whether more follow; `after_upload` resumes within the key `walk.after`.
    pub fn uploads(
        &self,
        bucket: &str,
        walk: &Walk,
        after_upload: Option<UploadId>,
    ) -> Result<(Vec<Walked<UploadRow>>, bool)> {
        self.readers.with(|db| in_one_moment(db, || query::uploads(db, bucket, walk, after_upload)))
    }

    /// Parts of an upload with numbers above `after`.
    pub fn parts(&self, upload: UploadId, after: u16, max: usize) -> Result<Vec<PartRow>> {
        self.readers.with(|db| query::parts(db, upload, after, max))
    }

    /// The spreads that have shards to heal.
    pub fn heal_spreads(&self) -> Result<Vec<i64>> {
        self.readers.with(query::heal_spreads)
    }

    /// Shards to heal of one spread, in order behind a blob and a shard.
    pub fn heal_rows(&self, spreads: &[i64], after: (BlobId, u8), max: usize) -> Result<Vec<HealRow>> {
        self.readers.with(|db| query::heal_rows(db, spreads, after, max))
    }

    /// All spreads that count anything.
    pub fn spreads(&self) -> Result<Vec<SpreadRow>> {
        self.readers.with(spread::all)
    }

    /// Versions of objects of one spread, in order behind a content, bucket id, key and sequence.
    pub fn owners(
        &self,
        spread: i64,
        after: ([u8; 16], i64, &str, u64),
        max: usize,
    ) -> Result<Vec<OwnerRow>> {
        self.readers.with(|db| query::owners(db, spread, after, max))
    }

    /// What background work noted last.
    pub fn progress(&self, job: &str) -> Result<Option<Vec<u8>>> {
        self.readers.with(|db| query::progress(db, job))
    }

    /// Whether shards wait to be healed, or a new drive to be filled.
    pub fn is_healing(&self) -> Result<bool> {
        self.readers.with(query::is_healing)
    }

    /// Blobs to remove, oldest first.
    pub fn garbage(&self, max: usize) -> Result<Vec<GarbageRow>> {
        self.readers.with(|db| query::garbage(db, max))
    }

    /// The newest blob to remove, by the order of removal.
    pub fn garbage_newest(&self) -> Result<Option<u64>> {
        self.readers.with(query::garbage_newest)
    }

    /// All drives there ever were, by slot.
    pub fn drives(&self) -> Result<Vec<DriveRow>> {
        self.readers.with(query::drives)
    }
}

/// Makes the folder of a place for the database.
fn make_place(path: &Path) {
    let folder = path.parent().unwrap_or(path);
    if let Err(error) = std::fs::create_dir_all(folder) {
        tracing::warn!(%error, folder = %folder.display(), "no metadata database can be kept here");
    }
}

/// Recovers the database in the first place where that works.
async fn recover_somewhere(options: &Options) -> Result<(PathBuf, recovery::Recovered)> {
    let mut failure = MetadataError::Database("no place for the metadata database".into());
    for path in &options.databases {
        // Made when the drive joined: a folder that is gone now is a drive that is gone.
        if !path.parent().is_some_and(Path::exists) {
            failure = MetadataError::Database(format!("the folder of {} is gone", path.display()));
            continue;
        }
        match recovery::recover(path, &options.replicas, options.quorum).await {
            Ok(recovered) => return Ok((path.clone(), recovered)),
            Err(error) => {
                tracing::warn!(%error, database = %path.display(), "metadata database not recovered here");
                failure = error;
            }
        }
    }
    Err(failure)
}

/// Total and available bytes of the file system that holds the database, if it tells.
fn space(database: &Path) -> Option<(u64, u64)> {
    let stat = rustix::fs::statvfs(database.parent().unwrap_or(database)).ok()?;
    Some((stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize))
}

fn checkpointer(tasks: &Tasks, db: &Connection, database: &Path) -> Result<Checkpointer> {
    Checkpointer::new(tasks, db, space(database).map_or(0, |(total, _)| total))
}

/// Runs several reads on one state of the database.
fn in_one_moment<T>(db: &Connection, read: impl FnOnce() -> Result<T>) -> Result<T> {
    db.prepare_cached("BEGIN")?.execute([])?;
    let result = read();
    db.prepare_cached("COMMIT")?.execute([])?;
    result
}

#[derive(Debug)]
enum SnapshotState {
    Idle,
    /// A drive joined whose log does not reach back, or much was logged: copy when possible.
    Wanted,
    Running(oneshot::Receiver<Option<u64>>),
}

/// Owns the writing end.
struct Writer {
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
    readers: Arc<Readers>,
    status: Arc<Status>,
}

impl Writer {
    async fn run(&mut self, mut jobs: UnboundedReceiver<Job>) {
        let mut looked = Instant::now();
        let mut gathered = None;
        self.rejoin().await;
        loop {
            self.mind_snapshot().await;
            if !self.all_are_live() && looked.elapsed() >= REJOIN_EVERY {
                self.rejoin().await;
                looked = Instant::now();
            }
            let next = if let Some(job) = gathered.take() {
                Some(job)
            } else if let Some(at) = self.settle_at.filter(|_| !self.needs_attention()) {
                match tokio::time::timeout_at(at, jobs.recv()).await {
                    Ok(next) => next,
                    Err(_) => {
                        self.settle();
                        continue;
                    }
                }
            } else if self.needs_attention() {
                let Ok(next) = tokio::time::timeout(REJOIN_EVERY, jobs.recv()).await else { continue };
                next
            } else {
                jobs.recv().await
            };
            match next {
                Some(Job::Commit(mutation, answer)) => {
                    let waiting;
                    (waiting, gathered) = gather(&mut jobs, (mutation, answer));
                    self.commit_batch(waiting).await;
                }
                Some(Job::CheckDatabase) => self.rebuild_if_gone().await,
                Some(Job::Complaint(complaint)) => self.see_to(complaint).await,
                Some(Job::AddReplica { replica, quorum, database, done }) => {
                    self.add_replica(replica, quorum, database).await;
                    let _ = done.send(());
                }
                Some(Job::RemoveReplica { slot, quorum, location, done }) => {
                    self.remove_replica(slot, quorum, location).await;
                    let _ = done.send(());
                }
                Some(Job::Stop) | None => return,
            }
        }
    }

    async fn add_replica(&mut self, replica: Arc<dyn Replica>, quorum: usize, database: Option<PathBuf>) {
        database.iter().for_each(|path| make_place(path));
        self.options.databases.extend(database);
        self.options.replicas.push(replica.clone());
        self.behind.push(replica);
        self.set_quorum(quorum);
        self.rejoin().await;
    }

    async fn remove_replica(&mut self, slot: DriveSlot, quorum: usize, location: Option<PathBuf>) {
        for replicas in [&mut self.options.replicas, &mut self.live, &mut self.behind] {
            replicas.retain(|replica| replica.slot() != slot);
        }
        self.chasing.retain(|(replica, _)| replica.slot() != slot);
        self.status.live.store(self.live.len() as u64, Ordering::Relaxed);
        self.set_quorum(quorum);
        // The copies may have been on that drive.
        self.snapshot_wanted();
        let Some(location) = location else { return };
        let elsewhere = self.options.databases.iter().any(|path| !path.starts_with(&location));
        if elsewhere {
            self.options.databases.retain(|path| !path.starts_with(&location));
            if self.database.starts_with(&location) {
                self.open_database_elsewhere().await;
            }
        }
    }

    fn set_quorum(&mut self, quorum: usize) {
        self.options.quorum = quorum;
        self.status.quorum.store(quorum as u64, Ordering::Relaxed);
    }

    /// One step towards rest: the database shrinks to what it holds, its write-ahead log and the mirrored log
    /// to what a start reads quickly.
    fn settle(&mut self) {
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
    async fn commit_batch(&mut self, waiting: Vec<(Box<Mutation>, Answer)>) {
        let (mutations, answers): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        let mut results = Vec::with_capacity(answers.len());
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
        if let Err(error) = self.checkpointer.mind(&self.db, &self.database, self.full) {
            tracing::warn!(%error, "the metadata database's log was not written back");
            if matches!(error, MetadataError::Damaged(_)) {
                drop(self.readers.report(self.readers.generation(), true));
            }
        }
    }

    /// Applies, logs and commits; on any failure nothing of it stands in the database.
    async fn try_commit(
        &mut self,
        mutations: &[Box<Mutation>],
        results: &mut Vec<Result<Applied>>,
    ) -> Result<()> {
        self.logged = None;
        self.open_epoch().await?;
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
                accepted.push(&**mutation);
            }
            results.push(result);
        }
        if accepted.is_empty() {
            return self.roll_back();
        }
        let position = LogPosition { epoch: self.epoch, index: self.end.index + 1 };
        let logged = match finish_transaction(&self.db, &mut self.applier, position) {
            Ok(()) => self.append(position, Batch { mutations: accepted }).await,
            Err(error) => Err(error),
        };
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
        if !readers::is_there(&self.database) {
            self.rebuild_database(false).await;
        }
    }

    /// Sees to a database that a reader could not read, unless that has been done.
    async fn see_to(&mut self, complaint: Complaint) {
        if complaint.generation == self.readers.generation() {
            match complaint.opened {
                true => self.rebuild_database(true).await,
                false => self.rebuild_if_gone().await,
            }
        }
    }

    /// Rebuilds the database from the drives, in another place where there is one. One that is damaged is never used again.
    async fn rebuild_database(&mut self, damaged: bool) {
        tracing::error!(database = %self.database.display(), "the metadata database failed; rebuilding it");
        if damaged {
            recovery::set_aside(&self.database);
        }
        let failed = self.options.databases.iter().position(|path| *path == self.database).unwrap_or(0);
        self.options.databases.rotate_left(failed + 1);
        self.open_database_elsewhere().await;
    }

    /// Turns to the first place where the database can be recovered.
    async fn open_database_elsewhere(&mut self) {
        match recover_somewhere(&self.options).await {
            Ok((path, recovered)) => {
                tracing::info!(database = %path.display(), "the metadata database is in another place now");
                (self.db, self.applier, self.end) = (recovered.connection, recovered.applier, recovered.end);
                match checkpointer(&self.options.tasks, &self.db, &path) {
                    Ok(checkpointer) => self.checkpointer = checkpointer,
                    Err(error) => tracing::warn!(%error, "SQLite goes on writing back its log by itself"),
                }
                self.epoch = self.epoch.max(self.end.epoch);
                self.epoch_open = false;
                self.readers.switch(path.clone());
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
        // The epoch is used up even if the entry misses its quorum.
        self.epoch += 1;
        let position = LogPosition { epoch: self.epoch, index: self.end.index + 1 };
        self.append(position, Batch { mutations: Vec::new() }).await?;
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        finish_transaction(&self.db, &mut self.applier, position)?;
        self.db.execute_batch("COMMIT")?;
        self.end = position;
        self.epoch_open = true;
        Ok(())
    }

    /// Appends to all live replicas at once; those that fail fall behind.
    async fn append(&mut self, position: LogPosition, batch: Batch<&Mutation>) -> Result<()> {
        let payload: bytes::Bytes = schema::pack_large(&batch, batch.about_bytes()).into();
        self.log_bytes += payload.len() as u64;
        let results = join_all(self.live.iter().cloned().map(|replica| {
            let entry = LogEntry { position, payload: payload.clone() };
            async move {
                let append = tokio::time::timeout(APPEND_TIMEOUT, replica.append(vec![entry])).await;
                append.unwrap_or_else(|_| Err(ReplicaError::Failed("timed out".into())))
            }
        }))
        .await;
        // Only what no replica holds is refused for good: recovery may yet apply what one of them does.
        let full = results.iter().all(|result| *result == Err(ReplicaError::NoSpace));
        self.drop_failed(&results);
        let taken = results.iter().filter(|result| result.is_ok()).count();
        let reached = taken >= self.options.quorum;
        self.status.stalled.store(!reached, Ordering::Relaxed);
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
        self.status.live.store(self.live.len() as u64, Ordering::Relaxed);
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
        self.status.live.store(self.live.len() as u64, Ordering::Relaxed);
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
        if let Err(error) = copy_to_drives(&self.database, Copying::PageByPage, &holders, copies).await {
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
        let chasing = async move {
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
        let (readers, generation) = (self.readers.clone(), self.readers.generation());
        let copying = async move {
            let result = copy_to_drives(&database, way, &holders, copies).await;
            let result =
                result.inspect_err(|error| tracing::warn!(%error, "metadata was not copied to the drives"));
            let damaged = matches!(result, Err(MetadataError::Damaged(_)));
            let _ = done.send(result.ok());
            if damaged {
                readers.complain(generation, true);
            }
        };
        match self.options.tasks.spawn("metadata-copy", copying) {
            Ok(()) => self.snapshot = SnapshotState::Running(finished),
            Err(error) => tracing::warn!(%error, "start thread"),
        }
    }
}

/// Takes what waits, up to a batch, and the first job that is something else.
fn gather(
    jobs: &mut UnboundedReceiver<Job>,
    first: (Box<Mutation>, Answer),
) -> (Vec<(Box<Mutation>, Answer)>, Option<Job>) {
    let mut waiting = vec![first];
    while waiting.len() < BATCH_MUTATIONS_MAX {
        match jobs.try_recv() {
            Ok(Job::Commit(mutation, answer)) => waiting.push((mutation, answer)),
            Ok(Job::CheckDatabase) => {}
            Ok(other) => return (waiting, Some(other)),
            Err(_) => break,
        }
    }
    (waiting, None)
}

/// Copies the database to so many drives; returns the log index the copies include.
async fn copy_to_drives(
    database: &Path,
    way: Copying,
    holders: &[Arc<dyn Replica>],
    copies: usize,
) -> Result<u64> {
    let path = database.with_extension("copy");
    let _ = std::fs::remove_file(&path);
    let index = snapshot::copy_database(&readers::open(database)?, &path, way)?;
    let mut held = 0;
    for holder in holders {
        match snapshot::store(holder.as_ref(), index, &path).await {
            Ok(()) => held += 1,
            Err(error) => tracing::warn!(slot = holder.slot().0, %error, "no metadata copy on this drive"),
        }
        if held == copies {
            break;
        }
    }
    let _ = std::fs::remove_file(&path);
    if held < copies {
        return Err(MetadataError::Unavailable(format!("{held} drives took a copy, {copies} are needed")));
    }
    tracing::info!(index, held, "metadata copied to the drives");
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::super::log::tests::MemoryReplica;
    use super::*;
    use crate::types::Timestamp;

    fn options(folder: &Path, replicas: &[Arc<MemoryReplica>]) -> Options {
        Options {
            databases: vec![folder.join("test.db")],
            replicas: replicas.iter().map(|replica| replica.clone() as Arc<dyn Replica>).collect(),
            quorum: 2,
            copies: 1,
            copy_after_bytes: COPY_AFTER_BYTES,
            tasks: Tasks::threads(),
        }
    }

    async fn open(folder: &Path, replicas: &[Arc<MemoryReplica>]) -> Store {
        Store::open(options(folder, replicas)).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn only_what_no_replica_took_is_refused_for_lack_of_space() {
        let folder = tempfile::tempdir().unwrap();
        let replicas: Vec<_> = (0..3).map(|slot| Arc::new(MemoryReplica::holding(slot, &[]))).collect();
        let store = open(folder.path(), &replicas).await;
        store.commit(create("before")).await.unwrap();
        replicas[1..].iter().for_each(|replica| replica.fail(Some(ReplicaError::NoSpace)));
        let unknown = store.commit(create("unknown")).await;
        assert!(matches!(unknown, Err(MetadataError::Unavailable(_))), "one replica holds it: {unknown:?}");
        replicas.iter().for_each(|replica| replica.fail(None));
        while store.commit(create("after")).await.is_err() {
            tokio::task::yield_now().await;
        }
        replicas.iter().for_each(|replica| replica.fail(Some(ReplicaError::NoSpace)));
        let refused = store.commit(create("refused")).await;
        assert!(matches!(refused, Err(MetadataError::NoSpace)), "{refused:?}");
        store.close().await;
    }

    fn create(name: &str) -> Mutation {
        Mutation::CreateBucket {
            bucket: name.into(),
            created: Timestamp::from_millis(1),
            has_lock: false,
            owner: None,
            configurations: Vec::new(),
        }
    }

    /// Ways in which a database goes, of whose folder the path is given.
    type Loss = (&'static str, fn(&Path));
    const LOSSES: [Loss; 4] = [
        ("gone", |folder| std::fs::remove_dir_all(folder).unwrap()),
        ("cut off", |folder| spoil(folder, |_| Vec::new())),
        ("overwritten", |folder| spoil(folder, |old| vec![7; old.len()])),
        ("flipped", |folder| spoil(folder, |old| old.iter().map(|byte| byte ^ 16).collect())),
    ];

    /// Writes something else over what is in the files of a folder.
    fn spoil(folder: &Path, to: impl Fn(&[u8]) -> Vec<u8>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let new = to(&std::fs::read(&path).unwrap());
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_len(new.len() as u64).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&file, &new, 0).unwrap();
        }
    }

    fn two_places(folder: &Path, replicas: &[Arc<MemoryReplica>]) -> Options {
        let places = ["drive1", "drive2"].map(|name| folder.join(name).join("test.db"));
        places.iter().for_each(|place| std::fs::create_dir_all(place.parent().unwrap()).unwrap());
        Options { databases: places.to_vec(), ..options(folder, replicas) }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn readers_never_notice_that_the_database_went() {
        for (way, lose) in LOSSES {
            let folder = tempfile::tempdir().unwrap();
            let replicas: Vec<_> = (0..3).map(|slot| Arc::new(MemoryReplica::holding(slot, &[]))).collect();
            let store = Store::open(two_places(folder.path(), &replicas)).await.unwrap();
            store.commit(create("first")).await.unwrap();
            lose(&folder.path().join("drive1"));
            assert_eq!(store.bucket("first").unwrap().name, "first", "{way}");
            store.commit(create("second")).await.unwrap();
            assert_eq!(store.buckets().unwrap().len(), 2, "{way}");
            store.close().await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_start_makes_a_damaged_database_anew_also_where_there_is_no_other_place() {
        for (way, lose) in &LOSSES[1..] {
            let folder = tempfile::tempdir().unwrap();
            let replicas: Vec<_> = (0..3).map(|slot| Arc::new(MemoryReplica::holding(slot, &[]))).collect();
            let mut options = two_places(folder.path(), &replicas);
            options.databases.truncate(1);
            let store = Store::open(options).await.unwrap();
            store.commit(create("first")).await.unwrap();
            store.close().await;
            drop(store);
            lose(&folder.path().join("drive1"));
            let mut options = two_places(folder.path(), &replicas);
            options.databases.truncate(1);
            let store = Store::open(options).await.unwrap();
            assert_eq!(store.bucket("first").unwrap().name, "first", "{way}");
            store.close().await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_acknowledged_survives_a_lost_quorum_and_the_loss_of_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let replicas: Vec<_> = (0..3).map(|slot| Arc::new(MemoryReplica::holding(slot, &[]))).collect();
        let store = open(folder.path(), &replicas).await;
        store.commit(create("before")).await.unwrap();
        replicas[1].fail(Some(ReplicaError::Failed("broken".into())));
        replicas[2].fail(Some(ReplicaError::Failed("broken".into())));
        for name in ["lost1", "lost2"] {
            assert!(matches!(store.commit(create(name)).await, Err(MetadataError::Unavailable(_))));
        }
        assert!(store.bucket("lost1").is_err(), "what was refused is not seen");
        replicas[1].fail(None);
        replicas[2].fail(None);
        while store.commit(create("after")).await.is_err() {
            tokio::task::yield_now().await;
        }
        store.close().await;
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("test.db{suffix}")));
        }
        let store = open(folder.path(), &replicas[1..]).await;
        let names: Vec<String> = store.buckets().unwrap().into_iter().map(|bucket| bucket.name).collect();
        assert_eq!(names, ["after", "before"]);
        store.close().await;
    }

    /// A database that refuses a bucket, at once or only when it is committed; another place for it has no such
    /// trigger.
    async fn a_failing_database_is_not_the_clients_concern(trigger: &str) {
        let folder = tempfile::tempdir().unwrap();
        let replicas: Vec<_> = (0..3).map(|slot| Arc::new(MemoryReplica::holding(slot, &[]))).collect();
        let mut options = options(folder.path(), &replicas);
        options.databases.push(folder.path().join("other.db"));
        let store = Store::open(options).await.unwrap();
        store.commit(create("before")).await.unwrap();
        let db = Connection::open(folder.path().join("test.db")).unwrap();
        db.execute_batch(trigger).unwrap();
        store.commit(create("meanwhile")).await.unwrap();
        let twice = store.commit(create("meanwhile")).await;
        assert!(matches!(twice, Err(MetadataError::BucketExists)), "{twice:?}");
        let names: Vec<String> = store.buckets().unwrap().into_iter().map(|bucket| bucket.name).collect();
        assert_eq!(names, ["before", "meanwhile"]);
        store.close().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_database_fails_to_take_is_committed_in_the_next_one() {
        a_failing_database_is_not_the_clients_concern(
            "CREATE TRIGGER broken BEFORE INSERT ON buckets BEGIN SELECT RAISE(FAIL, 'broken'); END",
        )
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_only_the_log_took_counts_as_committed_once_a_rebuilt_database_has_it() {
        a_failing_database_is_not_the_clients_concern(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY);
             CREATE TABLE child (parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER broken BEFORE INSERT ON buckets BEGIN INSERT INTO child VALUES (1); END",
        )
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn changes_do_not_wait_for_a_replica_that_lacks_much() {
        let folder = tempfile::tempdir().unwrap();
        let replicas: Vec<_> = (0..3).map(|slot| Arc::new(MemoryReplica::holding(slot, &[]))).collect();
        let tasks = Tasks::simulated();
        let store = Store::open(Options { tasks, ..options(folder.path(), &replicas) }).await.unwrap();
        replicas[2].fail(Some(ReplicaError::Failed("away".into())));
        for number in 0..2 * WAIT_ENTRIES_MAX {
            store.commit(create(&format!("before{number}"))).await.unwrap();
        }
        replicas[2].slow_down(Duration::from_millis(100));
        replicas[2].fail(None);
        let mut longest = Duration::ZERO;
        let mut number = 0;
        while store.replicas_live() < 3 {
            let began = Instant::now();
            store.commit(create(&format!("meanwhile{number}"))).await.unwrap();
            longest = longest.max(began.elapsed());
            tokio::time::sleep(Duration::from_secs(5)).await;
            number += 1;
        }
        // In the simulated time only the ten entries of the meantime are waited for, not the 512 before them.
        assert!(longest < Duration::from_secs(2), "{longest:?} of {number}");
        store.commit(create("after")).await.unwrap();
        assert_eq!(replicas[2].positions(), replicas[0].positions());
        store.close().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_waits_for_replicas_that_lack_much_when_there_is_no_quorum_without_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut replicas: Vec<_> = (0..3).map(|slot| Arc::new(MemoryReplica::holding(slot, &[]))).collect();
        let tasks = Tasks::simulated();
        let store = Store::open(Options { tasks, ..options(folder.path(), &replicas) }).await.unwrap();
        replicas[2].fail(Some(ReplicaError::Failed("away".into())));
        for number in 0..2 * WAIT_ENTRIES_MAX {
            store.commit(create(&format!("before{number}"))).await.unwrap();
        }
        store.close().await;
        replicas[2].fail(None);
        replicas[1] = Arc::new(MemoryReplica::holding(1, &[]));
        replicas[1..].iter().for_each(|replica| replica.slow_down(Duration::from_millis(20)));
        let tasks = Tasks::simulated();
        let store = Store::open(Options { tasks, ..options(folder.path(), &replicas) }).await.unwrap();
        store.commit(create("after")).await.unwrap();
        while store.replicas_live() < 3 {
            tokio::time::sleep(REJOIN_EVERY).await;
        }
        store.commit(create("later")).await.unwrap();
        assert!(replicas[1..].iter().all(|replica| replica.positions() == replicas[0].positions()));
        store.close().await;
    }

    #[tokio::test(start_paused = true)]
    async fn logs_that_are_damaged_and_lack_much_begin_anew_where_there_is_no_quorum_without_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut replicas: Vec<_> = (0..3).map(|slot| Arc::new(MemoryReplica::holding(slot, &[]))).collect();
        let tasks = Tasks::simulated();
        let store = Store::open(Options { tasks, ..options(folder.path(), &replicas) }).await.unwrap();
        for number in 0..2 * WAIT_ENTRIES_MAX {
            store.commit(create(&format!("before{number}"))).await.unwrap();
        }
        store.close().await;
        replicas.truncate(1);
        replicas.extend((1..3).map(|slot| Arc::new(MemoryReplica::holding(slot, &[(0, 1)]))));
        let tasks = Tasks::simulated();
        let store = Store::open(Options { tasks, ..options(folder.path(), &replicas) }).await.unwrap();
        store.commit(create("after")).await.unwrap();
        assert_eq!(store.replicas_live(), 3);
        store.close().await;
    }
}
