//! The metadata store: one writer (see `writer`), many readers.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::accounts::{self, AccessKeyRow, AccountRow};
use super::database::make_place;
use super::events::{self, EventRow, OutboxRow};
use super::expiry::{self, AgingRow, AgingVersionRow, VersionCursor};
use super::identities::{self, IdentityRow};
use super::leadership::Leadership;
use super::log::Replica;
use super::model::{
    Applied, BlobLayout, BucketRow, DriveRow, EncodingRow, GarbageRow, HealRow, ListedRow, ListedVersionRow,
    MetadataError, MisencodedRow, Mutation, ObjectRow, OwnerRow, PartRow, PlacedBlob, RenameToken, UploadRow,
};
use super::query::{self, VersionPlace, Walk, Walked};
use super::queue::{Job, Queue};
use super::readers::Readers;
use super::search::{self, Searchable};
use super::spread::{self, SpreadRow};
use super::{configuration, encoding, keys, part_checksums, quota, rename, takeover, writer};
use crate::runtime::Tasks;
use crate::types::{
    BlobId, ConfigurationKey, ConfigurationKind, DriveSlot, EncodingRules, MasterKey, PartNumber, Timestamp,
    UploadId, VersionId,
};

type Result<T> = std::result::Result<T, MetadataError>;

/// Log bytes after which the database is copied to the drives: as many as it has itself, and up to four times
/// that while that is not much to replay.
pub const COPY_AFTER_BYTES: std::ops::RangeInclusive<u64> = 64 << 20..=512 << 20;

/// How a store is opened.
#[derive(Debug, Clone)]
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
    leadership: Arc<Leadership>,
    /// Told once the last writer has ended.
    writer: Mutex<Option<oneshot::Receiver<()>>>,
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
        let (database, recovered) = writer::recover_somewhere(&options, 0).await?;
        let (jobs, queue) = Queue::new();
        let tasks = options.tasks.clone();
        let readers = Readers::new(database.clone(), jobs.downgrade(), tasks.are_threads());
        let (leadership, ended) = Leadership::new(options, queue, readers);
        writer::start(&leadership, (database, recovered))?;
        takeover::watch(&leadership, &tasks)?;
        Ok(Self { jobs, leadership, writer: Mutex::new(Some(ended)) })
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
        self.leadership.status.live.load(Ordering::Relaxed)
    }

    /// Replicas that may be lost before entries miss their quorum.
    pub fn replicas_spare(&self) -> u64 {
        self.replicas_live().saturating_sub(self.leadership.status.quorum.load(Ordering::Relaxed))
    }

    /// False while entries miss their quorum.
    pub fn is_writable(&self) -> bool {
        !self.leadership.status.stalled.load(Ordering::Relaxed)
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
        self.leadership.readers.with(|db| query::bucket(db, name))
    }

    /// All buckets by name.
    pub fn buckets(&self) -> Result<Vec<BucketRow>> {
        self.leadership.readers.with(query::buckets)
    }

    /// The buckets that requests need to know something of.
    pub fn configured_buckets(&self) -> Result<Vec<String>> {
        self.leadership.readers.with(configuration::buckets)
    }

    /// All accounts by name.
    pub fn accounts(&self) -> Result<Vec<AccountRow>> {
        self.leadership.readers.with(accounts::all)
    }

    /// All access keys by account, then by age.
    pub fn access_keys(&self) -> Result<Vec<AccessKeyRow>> {
        self.leadership.readers.with(accounts::all_keys)
    }

    /// All documents of users, groups, roles and policies, and how often they were changed.
    pub fn identities(&self) -> Result<(u64, Vec<IdentityRow>)> {
        self.leadership.readers.with(identities::all)
    }

    /// Refuses to write so many bytes under a key, if the bucket's quota will not let that be committed as it stands.
    pub fn check_quota(&self, bucket: &str, key: &str, size: u64) -> Result<()> {
        self.leadership.readers.with(|db| in_one_moment(db, || quota::check_early(db, (bucket, key), size)))
    }

    /// Lengths of the parts of an upload, as they are stored, but for the one of this number.
    pub fn other_parts(&self, upload: UploadId, part: PartNumber) -> Result<Vec<u64>> {
        self.leadership.readers.with(|db| quota::other_parts(db, upload, part))
    }

    /// One configuration of a bucket, if it has it.
    pub fn configuration(&self, bucket: &str, key: &ConfigurationKey) -> Result<Option<String>> {
        self.leadership.readers.with(|db| configuration::one(db, bucket, key))
    }

    /// Whether a version is current in a bucket without versions, and no other has its blobs.
    pub fn is_sole_owner(&self, bucket: &str, key: &str, sequence: u64) -> Result<bool> {
        self.leadership.readers.with(|db| query::is_sole_owner(db, bucket, key, sequence))
    }

    /// All named keys: name, revision and key.
    pub fn master_keys(&self) -> Result<Vec<(String, u64, MasterKey)>> {
        self.leadership.readers.with(keys::all)
    }

    /// So many configurations of one kind with ids behind one, in order of their ids: id and document.
    pub fn configurations(
        &self,
        bucket: &str,
        kind: ConfigurationKind,
        page: (&str, usize),
    ) -> Result<Vec<(String, String)>> {
        self.leadership.readers.with(|db| configuration::page(db, bucket, kind, page))
    }

    /// The first events that wait for a target, in the order of commits.
    pub fn events_waiting(&self, target: &str, max: usize) -> Result<Vec<EventRow>> {
        self.leadership.readers.with(|db| events::waiting(db, target, max))
    }

    /// The last of a target's first events that all happened before a moment.
    pub fn last_event_before(&self, target: &str, moment: Timestamp) -> Result<Option<u64>> {
        self.leadership.readers.with(|db| events::last_before(db, target, moment))
    }

    /// What waits for each target.
    pub fn outboxes(&self) -> Result<Vec<OutboxRow>> {
        self.leadership.readers.with(|db| in_one_moment(db, || events::outboxes(db)))
    }

    /// Objects of a bucket behind a key, in order, as a search index knows them.
    pub fn searchable_after(&self, bucket: &str, after: &str, max: usize) -> Result<Vec<Searchable>> {
        self.leadership.readers.with(|db| search::searchable_after(db, bucket, after, max))
    }

    /// The object under a key, if there is one, as a search index knows it.
    pub fn searchable_at(&self, bucket: &str, key: &str) -> Result<Option<Searchable>> {
        self.leadership.readers.with(|db| search::searchable_at(db, bucket, key))
    }

    /// How the objects of each bucket are encoded, counted.
    pub fn encodings(&self) -> Result<Vec<EncodingRow>> {
        self.leadership.readers.with(encoding::all)
    }

    /// Versions of a bucket behind `after` with blobs of another scheme than they are to have, as many at most as the
    /// second limit says, of as many versions as the first; and the last one looked at, if there was one.
    pub fn misencoded(
        &self,
        bucket: (&str, &EncodingRules),
        after: &VersionPlace,
        limits: (usize, usize),
    ) -> Result<(Vec<MisencodedRow>, Option<VersionPlace>)> {
        self.leadership.readers.with(|db| in_one_moment(db, || query::misencoded(db, bucket, after, limits)))
    }

    /// Whether a rename with this token was done; an error if it was another one.
    pub fn was_renamed(&self, bucket: &str, token: &RenameToken, now: Timestamp) -> Result<bool> {
        self.leadership.readers.with(|db| rename::was_renamed(db, bucket, token, now))
    }

    /// The checksums of the parts of a version, one behind the other, where its own is made of them.
    pub fn part_checksums(&self, sequence: u64) -> Result<Option<Vec<u8>>> {
        self.leadership.readers.with(|db| part_checksums::read(db, sequence))
    }

    /// A version of an object, the current one if none is named, and its payload, if that is inline.
    pub fn object_and_payload(
        &self,
        bucket: &str,
        key: &str,
        version: Option<VersionId>,
    ) -> Result<(ObjectRow, Option<Vec<u8>>)> {
        self.leadership.readers.with(|db| query::object_and_payload(db, bucket, key, version))
    }

    /// Where a blob is.
    pub fn blob_layout(&self, blob: BlobId) -> Result<Option<BlobLayout>> {
        self.leadership.readers.with(|db| query::blob_layout(db, blob))
    }

    /// Where each of some blobs is, all at one moment.
    pub fn blob_layouts(
        &self,
        blobs: impl Iterator<Item = BlobId> + Clone,
    ) -> Result<Vec<Option<BlobLayout>>> {
        let layouts = |db: &Connection| blobs.clone().map(|blob| query::blob_layout(db, blob)).collect();
        self.leadership.readers.with(|db| in_one_moment(db, || layouts(db)))
    }

    /// The shards of a blob that are to be rebuilt.
    pub fn missing_shards(&self, blob: BlobId) -> Result<Vec<u8>> {
        self.leadership.readers.with(|db| query::missing_shards(db, blob))
    }

    /// Blobs by id behind `after`.
    pub fn blobs_after(&self, after: BlobId, max: usize) -> Result<Vec<BlobLayout>> {
        self.leadership.readers.with(|db| query::blobs_after(db, after, max))
    }

    /// As [`Self::blobs_after`], with the spread of each.
    pub fn placed_blobs_after(&self, after: BlobId, max: usize) -> Result<Vec<PlacedBlob>> {
        self.leadership.readers.with(|db| query::placed_blobs_after(db, after, max))
    }

    /// A page of a bucket's objects, and whether more follow.
    pub fn list(&self, bucket: &str, walk: &Walk) -> Result<(Vec<Walked<ListedRow>>, bool)> {
        self.leadership.readers.with(|db| in_one_moment(db, || query::list(db, bucket, walk)))
    }

    /// So many versions that are not current, and delete markers, with keys that start with a prefix, behind a place; and
    /// where to go on, if there are more.
    pub fn aging_versions(
        &self,
        bucket: &str,
        prefix_after: (&str, Option<&VersionCursor>),
        max: usize,
    ) -> Result<(Vec<AgingVersionRow>, Option<VersionCursor>)> {
        self.leadership
            .readers
            .with(|db| in_one_moment(db, || expiry::aging_versions(db, bucket, prefix_after, max)))
    }

    /// So many objects of a bucket with keys that start with a prefix, behind a key.
    pub fn aging(&self, bucket: &str, prefix_after: (&str, &str), max: usize) -> Result<Vec<AgingRow>> {
        self.leadership.readers.with(|db| expiry::aging(db, bucket, prefix_after, max))
    }

    /// A page of a bucket's versions and delete markers, and whether more follow; `behind` resumes within the key
    /// `walk.after`.
    pub fn list_versions(
        &self,
        bucket: &str,
        walk: &Walk,
        behind: Option<VersionId>,
    ) -> Result<(Vec<Walked<ListedVersionRow>>, bool)> {
        self.leadership
            .readers
            .with(|db| in_one_moment(db, || query::list_versions(db, bucket, walk, behind)))
    }

    /// One upload.
    pub fn upload(&self, bucket: &str, key: &str, upload: UploadId) -> Result<UploadRow> {
        self.leadership.readers.with(|db| query::upload(db, bucket, key, upload))
    }

    /// A page of uploads, and whether more follow; `after_upload` resumes within the key `walk.after`.
    pub fn uploads(
        &self,
        bucket: &str,
        walk: &Walk,
        after_upload: Option<UploadId>,
    ) -> Result<(Vec<Walked<UploadRow>>, bool)> {
        self.leadership
            .readers
            .with(|db| in_one_moment(db, || query::uploads(db, bucket, walk, after_upload)))
    }

    /// Parts of an upload with numbers above `after`.
    pub fn parts(&self, upload: UploadId, after: u16, max: usize) -> Result<Vec<PartRow>> {
        self.leadership.readers.with(|db| query::parts(db, upload, after, max))
    }

    /// The spreads that have shards to heal.
    pub fn heal_spreads(&self) -> Result<Vec<i64>> {
        self.leadership.readers.with(query::heal_spreads)
    }

    /// Shards to heal of one spread, in order behind a blob and a shard.
    pub fn heal_rows(&self, spreads: &[i64], after: (BlobId, u8), max: usize) -> Result<Vec<HealRow>> {
        self.leadership.readers.with(|db| query::heal_rows(db, spreads, after, max))
    }

    /// All spreads that count anything.
    pub fn spreads(&self) -> Result<Vec<SpreadRow>> {
        self.leadership.readers.with(spread::all)
    }

    /// Versions of objects of one spread, in order behind a content, bucket id, key and sequence.
    pub fn owners(
        &self,
        spread: i64,
        after: ([u8; 16], i64, &str, u64),
        max: usize,
    ) -> Result<Vec<OwnerRow>> {
        self.leadership.readers.with(|db| query::owners(db, spread, after, max))
    }

    /// What background work noted last.
    pub fn progress(&self, job: &str) -> Result<Option<Vec<u8>>> {
        self.leadership.readers.with(|db| query::progress(db, job))
    }

    /// Whether shards wait to be healed, or a new drive to be filled.
    pub fn is_healing(&self) -> Result<bool> {
        self.leadership.readers.with(query::is_healing)
    }

    /// Blobs to remove, oldest first.
    pub fn garbage(&self, max: usize) -> Result<Vec<GarbageRow>> {
        self.leadership.readers.with(|db| query::garbage(db, max))
    }

    /// The newest blob to remove, by the order of removal.
    pub fn garbage_newest(&self) -> Result<Option<u64>> {
        self.leadership.readers.with(query::garbage_newest)
    }

    /// All drives there ever were, by slot.
    pub fn drives(&self) -> Result<Vec<DriveRow>> {
        self.leadership.readers.with(query::drives)
    }
}

/// Runs several reads on one state of the database.
fn in_one_moment<T>(db: &Connection, read: impl FnOnce() -> Result<T>) -> Result<T> {
    db.prepare_cached("BEGIN")?.execute([])?;
    let result = read();
    db.prepare_cached("COMMIT")?.execute([])?;
    result
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::super::catch_up::WAIT_ENTRIES_MAX;
    use super::super::database;
    use super::super::leadership::Work;
    use super::super::log::ReplicaError;
    use super::super::log::tests::MemoryReplica;
    use super::super::writer::REJOIN_EVERY;
    use super::*;

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
    async fn another_writer_takes_over_from_one_that_hangs_and_nothing_is_lost_or_done_twice() {
        // Before the log takes it, and after.
        for (hangs_at, is_logged) in [(Work::Apply, false), (Work::Commit, true)] {
            let folder = tempfile::tempdir().unwrap();
            let replicas: Vec<_> = (0..3).map(|slot| Arc::new(MemoryReplica::holding(slot, &[]))).collect();
            let store = Store::open(two_places(folder.path(), &replicas)).await.unwrap();
            store.commit(create("before")).await.unwrap();
            *store.leadership.hang.lock().unwrap() = Some(hangs_at);
            let during = store.commit(create("during")).await;
            assert!(matches!(during, Err(MetadataError::Unavailable(_))), "{during:?}");
            store.commit(create("after")).await.unwrap();
            // The one that hung goes on, and finds that it leads no longer.
            *store.leadership.hang.lock().unwrap() = None;
            store.commit(create("later")).await.unwrap();
            let names = |store: &Store| -> Vec<String> {
                store.buckets().unwrap().into_iter().map(|bucket| bucket.name).collect()
            };
            let expected: Vec<_> = ["after", "before", "during", "later"]
                .into_iter()
                .filter(|name| is_logged || *name != "during")
                .collect();
            assert_eq!(names(&store), expected);
            store.close().await;
            std::fs::remove_dir_all(folder.path()).unwrap();
            let store = Store::open(two_places(folder.path(), &replicas)).await.unwrap();
            assert_eq!(names(&store), expected, "by the log");
            store.close().await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_writer_takes_over_before_the_drives_that_answer_have_all_that_was_committed() {
        let folder = tempfile::tempdir().unwrap();
        let replicas: Vec<_> = (0..4).map(|slot| Arc::new(MemoryReplica::holding(slot, &[]))).collect();
        let store = Store::open(two_places(folder.path(), &replicas)).await.unwrap();
        store.commit(create("before")).await.unwrap();
        replicas[2..].iter().for_each(|replica| replica.go_away(true));
        store.commit(create("on two of four")).await.unwrap();
        // The other two come back while these two are away with the database.
        *store.leadership.hang.lock().unwrap() = Some(Work::Apply);
        replicas[..2].iter().for_each(|replica| replica.go_away(true));
        replicas[2..].iter().for_each(|replica| replica.go_away(false));
        for name in ["during", "later"] {
            let refused = store.commit(create(name)).await;
            assert!(matches!(refused, Err(MetadataError::Unavailable(_))), "{refused:?}");
        }
        replicas[..2].iter().for_each(|replica| replica.go_away(false));
        while store.commit(create("after")).await.is_err() {}
        let names: Vec<String> = store.buckets().unwrap().into_iter().map(|bucket| bucket.name).collect();
        assert_eq!(names, ["after", "before", "on two of four"]);
        *store.leadership.hang.lock().unwrap() = None;
        store.close().await;
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
        database::remove(&folder.path().join("test.db")).unwrap();
        let store = open(folder.path(), &replicas[1..]).await;
        let names: Vec<String> = store.buckets().unwrap().into_iter().map(|bucket| bucket.name).collect();
        assert_eq!(names, ["after", "before"]);
        store.close().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_minority_tried_to_begin_supersedes_nothing_that_others_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let replicas: Vec<_> = (0..3).map(|slot| Arc::new(MemoryReplica::holding(slot, &[]))).collect();
        let away =
            |which: &[usize], is_away: bool| which.iter().for_each(|&at| replicas[at].go_away(is_away));
        let store = open(folder.path(), &replicas).await;
        store.commit(create("before")).await.unwrap();
        away(&[1, 2], true);
        for _ in 0..3 {
            let refused = store.commit(create("refused")).await;
            assert!(matches!(refused, Err(MetadataError::Unavailable(_))), "{refused:?}");
        }
        store.close().await;
        away(&[1, 2], false);
        away(&[0], true);
        database::remove(&folder.path().join("test.db")).unwrap();
        let store = open(folder.path(), &replicas).await;
        store.commit(create("acknowledged")).await.unwrap();
        store.close().await;
        away(&[0], false);
        database::remove(&folder.path().join("test.db")).unwrap();
        let store = open(folder.path(), &replicas).await;
        assert!(store.bucket("acknowledged").is_ok());
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
