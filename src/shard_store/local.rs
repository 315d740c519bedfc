//! A drive in this process: a folder, a worker that appends small shards, a worker that appends to the log.
//!
//! Group commit: each worker takes all that waits, writes it at once, syncs once, and answers all.
//! After a failed write or sync the drive takes no more writes until it is opened anew: what the kernel
//! kept is unknown. Reads go on, because every one is verified.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::blob_file::BlobFiles;
use super::bulk::Shards;
use super::compaction;
use super::disk::{Disk, DiskFile};
use super::drive::{Drive, DriveError, Op, Reply, ShardId, ShardRead, Usage};
use super::file_system::{FileSystem, OsFileSystem};
use super::format::{self, DriveFormat, Membership};
use super::journal::Journal;
use super::record::Record;
use super::segment::{self, Appender, Segments};
use super::snapshot;
use crate::runtime::{BoxFuture, Tasks};
use crate::types::{DriveId, LogEntry, LogPosition};

/// Most records one sync covers.
const BATCH_RECORDS_MAX: usize = 256;
/// Most bytes one sync covers.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// How long nothing must have been appended before segments are compacted, and how long it may wait at most.
const COMPACT_AFTER_REST: Duration = Duration::from_millis(50);
const COMPACT_AT_LEAST_EVERY: Duration = Duration::from_millis(500);
/// How long nothing must have been appended before little is left dead, and then before room that was allocated
/// ahead is given back.
const SETTLE_AFTER_REST: Duration = Duration::from_secs(10);
/// Reads up to this many bytes are tried without leaving the calling thread.
const INLINE_READ_BYTES_MAX: usize = 128 << 10;
/// Space never given to shards, so that the log, snapshots and deletes work on a full drive: a twentieth of
/// the drive within these bounds, but never more than a third.
const RESERVE_BYTES: std::ops::RangeInclusive<u64> = 64 << 20..=512 << 20;
/// Folder of the copies of the metadata database.
const SNAPSHOTS: &str = "snapshots";
/// How long a look at the free space is believed.
const SPACE_LOOK_EVERY: Duration = Duration::from_millis(500);

type Answer = oneshot::Sender<Result<Reply, DriveError>>;

enum AppendJob {
    Append(Record, Answer),
    Delete(Vec<ShardId>, Answer),
}

type LogJob = (Op, Bytes, Answer);

/// A folder served as a drive.
#[derive(Debug)]
pub struct LocalDrive {
    format: DriveFormat,
    appends: UnboundedSender<AppendJob>,
    log: UnboundedSender<LogJob>,
    shared: Arc<Shared>,
    tasks: Tasks,
    _lock: DiskFile,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    disk: Disk,
    segments: Arc<Segments>,
    blobs: BlobFiles,
    /// Why the drive takes no more writes.
    failure: Mutex<Option<String>>,
    failed: AtomicBool,
    space: Space,
}

impl LocalDrive {
    /// Formats a blank drive of this machine.
    pub fn format(root: &Path, format: &DriveFormat) -> Result<(), DriveError> {
        Self::format_on(Arc::new(OsFileSystem), root, format)
    }

    /// Formats a blank drive.
    pub fn format_on(
        files: Arc<dyn FileSystem>,
        root: &Path,
        format: &DriveFormat,
    ) -> Result<(), DriveError> {
        format::write(&Disk::new(files), root, format)
    }

    /// Opens a formatted drive of this machine. `Offline` if another process serves it.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn open(root: &Path) -> Result<Self, DriveError> {
        Self::open_on(Arc::new(OsFileSystem), &Tasks::threads(), root)
    }

    /// Opens a formatted drive on this file system.
    pub fn open_on(files: Arc<dyn FileSystem>, tasks: &Tasks, root: &Path) -> Result<Self, DriveError> {
        let disk = Disk::new(files);
        let format::DriveState::Formatted(format) = format::look(&disk, root)? else {
            return Err(DriveError::NotFound);
        };
        let lock = disk.create(&root.join("lock"))?;
        if !lock.try_lock()? {
            return Err(DriveError::Offline("another server is using this drive".into()));
        }
        let (segments, appender) = segment::open(&disk, &root.join("segments"))?;
        let blobs = BlobFiles::open(&disk, &root.join("blobs"))?;
        let journal = Journal::open(&disk, tasks, &root.join("log"), format.drive)?;
        disk.create_dir(&root.join(SNAPSHOTS))?;
        disk.sync_dir(root)?;
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            disk,
            segments,
            blobs,
            failure: Mutex::default(),
            failed: AtomicBool::new(false),
            space: Space::default(),
        });
        let (appends, append_jobs) = unbounded_channel();
        let (log, log_jobs) = unbounded_channel();
        let not_started = |error| DriveError::Offline(format!("start thread: {error}"));
        let name = |work: &str| format!("{work}-{}", format.slot.0);
        let appending = serve_appends(shared.clone(), appender, append_jobs);
        tasks.spawn(&name("append"), appending).map_err(not_started)?;
        tasks.spawn(&name("log"), serve_log(shared.clone(), journal, log_jobs)).map_err(not_started)?;
        Ok(Self { format, appends, log, shared, tasks: tasks.clone(), _lock: lock })
    }

    async fn submit<T>(
        &self,
        queue: &UnboundedSender<T>,
        job: impl FnOnce(Answer) -> T,
    ) -> Result<Reply, DriveError> {
        let (answer, answered) = oneshot::channel();
        let gone = || DriveError::Offline("the drive is shutting down".into());
        queue.send(job(answer)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Runs what may wait for the disk on a thread that may wait.
    async fn blocking(
        &self,
        work: impl FnOnce(&Shared) -> Result<Reply, DriveError> + Send + 'static,
    ) -> Result<Reply, DriveError> {
        let shared = self.shared.clone();
        let done = self.tasks.blocking(move || work(&shared)).await;
        done.unwrap_or_else(|error| Err(DriveError::Offline(error.to_string())))
    }

    async fn read(&self, read: ShardRead) -> Result<Reply, DriveError> {
        if read.range.len() <= INLINE_READ_BYTES_MAX
            && let Some(result) = self.shared.segments.read_cached(&read)
        {
            return result.map(Reply::Bytes);
        }
        self.blocking(move |shared| shared.shards().read(&read).map(Reply::Bytes)).await
    }

    /// Reads and verifies many behind the back of clients, and answers what `keep` makes of each.
    async fn read_many(&self, reads: Vec<ShardRead>, keep: fn(Bytes) -> Bytes) -> Result<Reply, DriveError> {
        let shared = self.shared.clone();
        let read = move || {
            let mut many = vec![Err(DriveError::NotFound); reads.len()];
            shared.shards().read_many(&reads, |i, read| many[i] = read.map(keep));
            Reply::Many(many)
        };
        let done = self.tasks.in_background(read).await;
        done.map_err(|error| DriveError::Offline(error.to_string()))
    }

    async fn write(
        &self,
        work: impl FnOnce(&Shared) -> Result<(), DriveError> + Send + 'static,
    ) -> Result<Reply, DriveError> {
        self.blocking(move |shared| {
            shared.check_writable()?;
            shared.note(work(shared)).map(|()| Reply::Done)
        })
        .await
    }

    async fn delete(&self, ids: Vec<ShardId>) -> Result<Reply, DriveError> {
        let (small, large): (Vec<_>, Vec<_>) =
            ids.into_iter().partition(|&id| self.shared.segments.contains(id));
        if !large.is_empty() {
            self.blocking(move |shared| {
                large.into_iter().try_for_each(|id| shared.blobs.delete(id)).map(|()| Reply::Done)
            })
            .await?;
        }
        if small.is_empty() {
            return Ok(Reply::Done);
        }
        self.submit(&self.appends, |answer| AppendJob::Delete(small, answer)).await
    }

    async fn execute(&self, op: Op, payload: Bytes) -> Result<Reply, DriveError> {
        match op {
            Op::Append { id } => {
                self.shared.check_writable()?;
                self.shared.check_space()?;
                let record = Record { id, stripe: 0, data: payload };
                self.submit(&self.appends, |answer| AppendJob::Append(record, answer)).await
            }
            Op::WriteStripe { id, stripe, full_len } => {
                self.shared.check_space()?;
                self.write(move |shared| shared.blobs.write(id, stripe, full_len, &payload)).await
            }
            Op::Seal { id, stripes } => self.write(move |shared| shared.blobs.seal(id, stripes)).await,
            Op::Discard { id } => self.write(move |shared| shared.blobs.discard(id)).await,
            Op::Read(read) => self.read(read).await,
            Op::Delete { ids } => self.delete(ids).await,
            Op::ReadMany { reads } => self.read_many(reads, |bytes| bytes).await,
            Op::Verify { reads } => self.read_many(reads, |_| Bytes::new()).await,
            Op::Contains { ids } => {
                self.blocking(move |shared| {
                    let held = |&id: &ShardId| shared.segments.contains(id) || shared.blobs.contains(id);
                    Ok(Reply::Flags(ids.iter().map(held).collect()))
                })
                .await
            }
            Op::List { part } => {
                self.blocking(move |shared| {
                    let mut ids = shared.segments.list(part);
                    ids.extend(shared.blobs.list(part)?);
                    Ok(Reply::Shards(ids))
                })
                .await
            }
            Op::SetMembership { membership } => {
                let format = self.format.clone();
                self.write(move |shared| shared.set_membership(&format, membership)).await
            }
            Op::Usage => {
                let format = self.format.clone();
                self.blocking(move |shared| {
                    shared.check_presence(&format)?;
                    shared.usage().map(Reply::Usage)
                })
                .await
            }
            Op::LogAppend { .. }
            | Op::LogBounds
            | Op::LogPromise { .. }
            | Op::LogRead { .. }
            | Op::LogTrim { .. }
            | Op::LogReset { .. } => self.submit(&self.log, |answer| (op, payload, answer)).await,
            Op::SnapshotNewest => {
                self.blocking(|shared| {
                    snapshot::newest(&shared.disk, &shared.snapshots()).map(Reply::Snapshot)
                })
                .await
            }
            Op::SnapshotWrite { index, offset } => {
                self.write(move |shared| {
                    snapshot::write(&shared.disk, &shared.snapshots(), index, offset, &payload)
                })
                .await
            }
            Op::SnapshotCommit { index } => {
                self.write(move |shared| snapshot::commit(&shared.disk, &shared.snapshots(), index)).await
            }
            Op::SnapshotRead { index, offset } => {
                self.blocking(move |shared| {
                    snapshot::read(&shared.disk, &shared.snapshots(), index, offset).map(Reply::Bytes)
                })
                .await
            }
        }
    }
}

impl Drive for LocalDrive {
    fn id(&self) -> DriveId {
        self.format.drive
    }

    fn is_up(&self) -> bool {
        !self.shared.failed.load(Ordering::Relaxed)
    }

    fn label(&self) -> String {
        self.shared.root.display().to_string()
    }

    fn call(&self, op: Op, payload: Bytes) -> BoxFuture<'_, Result<Reply, DriveError>> {
        Box::pin(self.execute(op, payload))
    }
}

impl Shared {
    fn shards(&self) -> Shards<'_> {
        Shards { disk: &self.disk, segments: &self.segments, blobs: &self.blobs }
    }

    fn snapshots(&self) -> PathBuf {
        self.root.join(SNAPSHOTS)
    }

    fn check_writable(&self) -> Result<(), DriveError> {
        if !self.failed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let reason = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Err(DriveError::Offline(reason.unwrap_or_default()))
    }

    /// Passes a write's result on; a system error other than a full disk ends all writing.
    fn note<T>(&self, result: Result<T, DriveError>) -> Result<T, DriveError> {
        if let Err(error @ DriveError::Io { .. }) = &result {
            tracing::error!(drive = %self.root.display(), %error, "drive takes no more writes");
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
            self.failed.store(true, Ordering::Relaxed);
        }
        result
    }

    fn set_membership(&self, format: &DriveFormat, membership: Membership) -> Result<(), DriveError> {
        match format::look(&self.disk, &self.root)? {
            format::DriveState::Formatted(found) if found.membership.version >= membership.version => Ok(()),
            _ => format::write(&self.disk, &self.root, &DriveFormat { membership, ..format.clone() }),
        }
    }

    /// A folder that was removed or unmounted takes writes that nobody will find again: go offline.
    fn check_presence(&self, format: &DriveFormat) -> Result<(), DriveError> {
        let found = format::look(&self.disk, &self.root);
        let there = matches!(found, Ok(format::DriveState::Formatted(found)) if found.drive == format.drive);
        if there {
            return Ok(());
        }
        self.note(Err(DriveError::Io {
            attempt: format!("look at {}", self.root.display()),
            error: "the drive is no longer there".into(),
        }))
    }

    fn usage(&self) -> Result<Usage, DriveError> {
        Ok(Usage { shards: self.segments.len(), ..usage_of(&self.disk, &self.root)? })
    }

    fn check_space(&self) -> Result<(), DriveError> {
        if self.space.is_full(|| self.usage().is_ok_and(|usage| usage.free == 0)) {
            return Err(DriveError::NoSpace);
        }
        Ok(())
    }
}

/// Space never given to shards on a drive of so many bytes.
pub(super) fn reserve_bytes(total: u64) -> u64 {
    (total / 20).clamp(*RESERVE_BYTES.start(), *RESERVE_BYTES.end()).min(total / 3)
}

/// The space of the file system that a drive is on, or would be, the reserve taken off.
pub fn usage_on(files: Arc<dyn FileSystem>, root: &Path) -> Result<Usage, DriveError> {
    let disk = Disk::new(files);
    let there = root.ancestors().find_map(|folder| usage_of(&disk, folder).ok());
    there.ok_or(DriveError::NotFound)
}

fn usage_of(disk: &Disk, root: &Path) -> Result<Usage, DriveError> {
    let (total, available) = disk.space(root)?;
    Ok(Usage { total, free: available.saturating_sub(reserve_bytes(total)), shards: 0 })
}

/// A look at the free space, repeated now and then.
#[derive(Debug)]
struct Space {
    origin: Instant,
    /// Milliseconds since `origin` of the next look.
    next_look: AtomicU64,
    full: AtomicBool,
}

impl Default for Space {
    fn default() -> Self {
        Self { origin: Instant::now(), next_look: AtomicU64::new(0), full: AtomicBool::new(false) }
    }
}

impl Space {
    fn is_full(&self, look: impl FnOnce() -> bool) -> bool {
        let now = self.origin.elapsed().as_millis() as u64;
        let due = self.next_look.load(Ordering::Relaxed);
        let next = now + SPACE_LOOK_EVERY.as_millis() as u64;
        if now >= due
            && self.next_look.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            self.full.store(look(), Ordering::Relaxed);
        }
        self.full.load(Ordering::Relaxed)
    }
}

/// Waits for the next job. While there is none, and now and then although there are some (`behind`), segments
/// are compacted; after a longer rest once more and to the utmost, and room that was allocated ahead is given
/// back.
async fn next_append(
    shared: &Shared,
    appender: &mut Appender,
    jobs: &mut UnboundedReceiver<AppendJob>,
    behind: bool,
) -> Option<AppendJob> {
    appender.tolerate(compaction::BUSY);
    if behind && appender.wants_compaction() {
        compact(shared, appender);
    }
    let mut rested = false;
    loop {
        let compacts = !shared.failed.load(Ordering::Relaxed) && appender.wants_compaction();
        let wait = match compacts {
            true => COMPACT_AFTER_REST,
            false if !rested || appender.has_slack() => SETTLE_AFTER_REST,
            false => return jobs.recv().await,
        };
        if let Ok(job) = tokio::time::timeout(wait, jobs.recv()).await {
            return job;
        }
        if compacts {
            compact(shared, appender);
        } else if !rested {
            rested = true;
            appender.tolerate(compaction::AT_REST);
        } else if shared.note(appender.release_slack()).is_err() {
            return jobs.recv().await;
        }
    }
}

fn compact(shared: &Shared, appender: &mut Appender) {
    if let Err(error) = shared.check_writable().and_then(|()| shared.note(appender.compact_step())) {
        tracing::warn!(drive = %shared.root.display(), %error, "segments not compacted");
    }
}

/// Appends and deletes small shards until the drive is dropped.
async fn serve_appends(shared: Arc<Shared>, mut appender: Appender, mut jobs: UnboundedReceiver<AppendJob>) {
    let mut compacted = Instant::now();
    loop {
        let behind = compacted.elapsed() >= COMPACT_AT_LEAST_EVERY;
        let Some(first) = next_append(&shared, &mut appender, &mut jobs, behind).await else { return };
        if behind {
            compacted = Instant::now();
        }
        let (mut records, mut answers, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut next = Some(first);
        while let Some(job) = next.take() {
            match job {
                AppendJob::Append(record, answer) => {
                    bytes += record.data.len();
                    records.push(record);
                    answers.push(answer);
                }
                AppendJob::Delete(ids, answer) => {
                    let _ = answer.send(shared.note(appender.delete(&ids)).map(|()| Reply::Done));
                }
            }
            if records.len() < BATCH_RECORDS_MAX && bytes < BATCH_BYTES_MAX {
                next = jobs.try_recv().ok();
            }
        }
        if records.is_empty() {
            continue;
        }
        let result = shared.check_writable().and_then(|()| shared.note(appender.append(&records)));
        for answer in answers {
            let _ = answer.send(result.clone().map(|()| Reply::Done));
        }
    }
}

/// Serves the log until the drive is dropped.
async fn serve_log(shared: Arc<Shared>, mut journal: Journal, mut jobs: UnboundedReceiver<LogJob>) {
    loop {
        let next = match journal.has_idle_spares() {
            true => tokio::time::timeout(SETTLE_AFTER_REST, jobs.recv()).await,
            false => Ok(jobs.recv().await),
        };
        match next {
            Ok(Some((op, payload, answer))) => {
                let _ = answer.send(log_operation(&shared, &mut journal, &op, &payload));
            }
            Ok(None) => return,
            Err(_) if shared.failed.load(Ordering::Relaxed) => {}
            Err(_) => drop(shared.note(journal.drop_idle_spares())),
        }
    }
}

/// The entries that an append carries.
fn log_entries(places: &[(LogPosition, u32)], payload: &Bytes) -> Result<Vec<LogEntry>, DriveError> {
    let mut rest = payload.clone();
    let entry = |&(position, len): &(LogPosition, u32)| {
        let whole = rest.len() >= len as usize;
        whole.then(|| LogEntry { position, payload: rest.split_to(len as usize) })
    };
    let entries: Option<Vec<LogEntry>> = places.iter().map(entry).collect();
    let exact = entries.filter(|_| rest.is_empty());
    exact.ok_or_else(|| DriveError::Protocol("log entries of other lengths than the payload's".into()))
}

fn log_operation(
    shared: &Shared,
    journal: &mut Journal,
    op: &Op,
    payload: &Bytes,
) -> Result<Reply, DriveError> {
    let done = |()| Reply::Done;
    match *op {
        Op::LogBounds => return Ok(Reply::LogBounds(journal.bounds())),
        Op::LogRead { from } => return journal.read(from).map(Reply::Log),
        _ => shared.check_writable()?,
    }
    match *op {
        Op::LogAppend { ref entries } => {
            let entries = log_entries(entries, payload)?;
            shared.note(journal.append(&entries)).map(done)
        }
        Op::LogPromise { epoch } => shared.note(journal.promise(epoch)).map(done),
        Op::LogTrim { below } => shared.note(journal.trim(below)).map(done),
        Op::LogReset { next } => shared.note(journal.reset(next)).map(done),
        _ => Err(DriveError::Protocol("not a log operation".into())),
    }
}
