//! The engine: what it is made of, and buckets.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::api::*;
use super::configurations::Configurations;
use super::drives::DriveSet;
use super::encryption::Keyring;
use super::events::Deliveries;
use super::guard::GuardedDrive;
use super::heal_queue::HealQueue;
use super::readers::{EndedGeneration, Readers};
use super::schemes::Schemes;
use super::search::Searches;
use super::topology::Topology;
use super::work::{Activity, Bell, MoveBell, WorkBoard};
use crate::checksum::md5;
use crate::erasure::Scheme;
use crate::metadata::{self, Applied, BucketRow, MetadataError, Mutation, Replica, Store};
use crate::node::{Deployment, DriveReplica, Sites};
use crate::runtime::{Clock, Tasks};
use crate::shard_store::Member;
use crate::types::{BucketName, ClassSchemes, DriveSlot, EncodingRules, EncryptionMode, Timestamp, UploadId};

/// How an engine is opened.
#[derive(Debug)]
pub struct Options {
    /// The drives.
    pub deployment: Deployment,
    /// Where more drives could be.
    pub sites: Arc<dyn Sites>,
    /// Files where the metadata database may be kept, the first preferred.
    pub databases: Vec<PathBuf>,
    /// Objects up to this many bytes are kept in the metadata.
    pub inline_bytes_max: usize,
    /// Bounds of the log bytes between two copies of the database: [`metadata::COPY_AFTER_BYTES`].
    pub copy_after_bytes: std::ops::RangeInclusive<u64>,
    /// Seconds that a day of lifecycle rules lasts: 86,400 but in tests.
    pub lifecycle_day_secs: u64,
    /// How storage classes are encoded.
    pub classes: ClassSchemes,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where the metadata's writer and the hashing run.
    pub tasks: Tasks,
}

/// The object engine. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Engine {
    pub(super) drives: Arc<DriveSet>,
    pub(super) schemes: Schemes,
    pub(super) configurations: Configurations,
    pub(super) keyring: Arc<Keyring>,
    pub(super) store: Store,
    pub(super) heals: Arc<HealQueue>,
    pub(super) readers: Readers,
    /// Uploads and repairs that may have shards on drives which no row names yet.
    pub(super) writers: Readers,
    /// The newest garbage row of the present sweep, and those who may read what it and older ones name.
    pub(super) sweep: Mutex<Option<(u64, EndedGeneration)>>,
    /// Held by what gives shards other places, so that two do not choose the same one for one blob.
    pub(super) moving: tokio::sync::Mutex<()>,
    pub(super) moves: MoveBell,
    pub(super) recode_bell: Bell,
    pub(super) event_bell: Bell,
    pub(super) deliveries: Deliveries,
    pub(super) searches: Searches,
    pub(super) scrub_bell: Notify,
    pub(super) topology: Topology,
    /// File name of the metadata database.
    pub(super) database_name: OsString,
    pub(super) work: WorkBoard,
    pub(super) activity: Activity,
    pub(super) hashing: md5::Stage,
    pub(super) inline_bytes_max: usize,
    pub(super) lifecycle_day_secs: u64,
    pub(super) clock: Arc<dyn Clock>,
}

impl From<MetadataError> for Error {
    fn from(error: MetadataError) -> Self {
        match error {
            MetadataError::NoSuchBucket => Self::NoSuchBucket,
            MetadataError::BucketExists => Self::BucketExists,
            MetadataError::BucketNotEmpty => Self::BucketNotEmpty,
            MetadataError::NoSuchKey => Self::NoSuchKey,
            MetadataError::NoSuchVersion => Self::NoSuchVersion,
            MetadataError::DeletedKey { version } => Self::DeletedKey { version },
            MetadataError::DeleteMarker { version, modified } => Self::DeleteMarker { version, modified },
            MetadataError::Locked => Self::Locked,
            MetadataError::NoObjectLock => Self::NoObjectLock,
            MetadataError::InvalidBucketState => Self::InvalidBucketState,
            MetadataError::NoSuchUpload => Self::NoSuchUpload,
            MetadataError::PartChanged(part) => Self::InvalidPart(part),
            MetadataError::PreconditionFailed => Self::PreconditionFailed,
            MetadataError::TooManyConfigurations => Self::TooManyConfigurations,
            // Of accounts, which the engine never asks for.
            MetadataError::AccountExists
            | MetadataError::NoSuchAccount
            | MetadataError::AccountOwnsBuckets
            | MetadataError::TooManyAccounts
            | MetadataError::AccessKeyExists
            | MetadataError::NoSuchAccessKey
            | MetadataError::IdentitiesChanged
            | MetadataError::TooManyAccessKeys => Self::Internal(Box::new(error)),
            MetadataError::QuotaExceeded(excess) => Self::QuotaExceeded(excess),
            MetadataError::SourceChanged => Self::Conflict,
            MetadataError::TokenReused => Self::TokenReused,
            MetadataError::NoSpace => Self::NoSpace,
            MetadataError::Unavailable(_) => {
                tracing::warn!(%error, "metadata unavailable");
                Self::Unavailable("metadata")
            }
            MetadataError::Database(_) | MetadataError::Damaged(_) => Self::Internal(Box::new(error)),
        }
    }
}

fn bucket_info(row: BucketRow) -> Result<BucketInfo> {
    let name = BucketName::parse(&row.name).map_err(|error| Error::Internal(Box::new(error)))?;
    Ok(BucketInfo {
        name,
        created: row.created,
        objects: row.objects,
        bytes: row.bytes,
        versions: row.versions,
        version_bytes: row.version_bytes,
        markers: row.markers,
        versioning: row.versioning,
        lock: row.lock,
        owner: row.owner,
    })
}

impl Engine {
    /// Recovers the metadata and is ready for requests when this returns.
    pub async fn start(options: Options) -> Result<Self> {
        let Deployment { id, drives, membership, .. } = options.deployment;
        let scheme = Scheme { data: membership.data_shards, parity: membership.parity_shards };
        let guard = |(slot, drive)| (slot, Arc::new(GuardedDrive::new(drive)));
        let drives: Vec<(DriveSlot, Arc<GuardedDrive>)> = drives.into_iter().map(guard).collect();
        let replica = |(slot, drive): &(DriveSlot, Arc<GuardedDrive>)| {
            Arc::new(DriveReplica::new(*slot, drive.clone())) as Arc<dyn Replica>
        };
        let database = options.databases.first().and_then(|path| path.file_name());
        let database_name = database.unwrap_or_default().to_owned();
        let searches = Searches::new(options.databases.first().map(PathBuf::as_path), options.tasks.clone());
        let store = Store::open(metadata::Options {
            databases: options.databases,
            replicas: drives.iter().map(replica).collect(),
            quorum: membership.drives_min(),
            copies: usize::from(scheme.parity) + 1,
            copy_after_bytes: options.copy_after_bytes,
            tasks: options.tasks.clone(),
        })
        .await?;
        let one = std::num::NonZeroUsize::MIN;
        let hashing =
            md5::Stage::start(&options.tasks, one).map_err(|error| Error::Internal(Box::new(error)))?;
        let drives = DriveSet::new(scheme, drives);
        drives.refresh_usage().await;
        admit_drives(&store, &drives).await?;
        let topology = Topology {
            deployment: id,
            sites: options.sites,
            membership: membership.into(),
            changing: tokio::sync::Mutex::default(),
        };
        let engine = Self {
            drives: Arc::new(drives),
            schemes: Schemes::open(EncodingRules { default: scheme, classes: options.classes }, &store)?,
            configurations: Configurations::open(&store)?,
            keyring: Arc::new(Keyring::open(&store)?),
            store,
            heals: Arc::default(),
            readers: Readers::default(),
            writers: Readers::default(),
            sweep: Mutex::default(),
            moving: tokio::sync::Mutex::default(),
            moves: MoveBell::default(),
            recode_bell: Bell::default(),
            event_bell: Bell::default(),
            deliveries: Deliveries::default(),
            searches,
            scrub_bell: Notify::new(),
            topology,
            database_name,
            work: WorkBoard::default(),
            activity: Activity::default(),
            hashing,
            inline_bytes_max: options.inline_bytes_max,
            lifecycle_day_secs: options.lifecycle_day_secs,
            clock: options.clock,
        };
        engine.renew_membership().await?;
        Ok(engine)
    }

    /// Finishes what waits and closes the metadata. No requests may follow.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// The drives.
    pub fn drives(&self) -> &DriveSet {
        &self.drives
    }

    /// The metadata, for background work and status.
    pub fn metadata(&self) -> &Store {
        &self.store
    }

    /// Shards found bad.
    pub fn heals(&self) -> &HealQueue {
        &self.heals
    }

    /// Shards to move.
    pub fn moves(&self) -> &MoveBell {
        &self.moves
    }

    /// Blobs to encode anew.
    pub fn recode_bell(&self) -> &Bell {
        &self.recode_bell
    }

    /// Asks for a scrub of everything at full pace.
    pub fn ask_scrub(&self) {
        self.scrub_bell.notify_one();
    }

    /// Waits until a scrub is asked for.
    pub async fn scrub_asked(&self) {
        self.scrub_bell.notified().await;
    }

    /// Drives of the deployment, up or not.
    pub fn members(&self) -> Vec<Member> {
        self.topology.membership().members
    }

    /// What background work is doing.
    pub fn work(&self) -> &WorkBoard {
        &self.work
    }

    /// The present moment, by the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Writes down how far background work is, for the next start.
    pub async fn note_progress(&self, job: &'static str, progress: Vec<u8>) -> Result<()> {
        self.store.commit(Mutation::NoteProgress { job: job.into(), progress: progress.into() }).await?;
        Ok(())
    }

    /// What clients are doing.
    pub fn activity(&self) -> &Activity {
        &self.activity
    }

    /// Makes a bucket of the deployment's first account.
    pub async fn create_bucket(&self, bucket: &BucketName) -> Result<()> {
        self.create_bucket_with(CreateBucketRequest::new(bucket.clone())).await
    }

    /// Makes a bucket as it is asked for.
    pub async fn create_bucket_with(&self, request: CreateBucketRequest) -> Result<()> {
        let CreateBucketRequest { bucket, owner, has_lock, configurations } = request;
        let created = self.clock.now();
        let bucket = bucket.to_string();
        let name = bucket.clone();
        let mutation = Mutation::CreateBucket { bucket, created, has_lock, owner, configurations };
        let committed = self.store.commit(mutation).await;
        let renewed = self.configurations.renew(&self.store, &name);
        committed.map(drop).map_err(Error::from).and(renewed)
    }

    /// Removes an empty bucket.
    pub async fn delete_bucket(&self, bucket: &BucketName) -> Result<()> {
        self.store.commit(Mutation::DeleteBucket { bucket: bucket.to_string() }).await?;
        self.configurations.renew(&self.store, bucket.as_str())?;
        self.schemes.renew(&self.store, bucket.as_str())
    }

    /// One bucket.
    pub async fn head_bucket(&self, bucket: &BucketName) -> Result<BucketInfo> {
        bucket_info(self.store.bucket(bucket.as_str())?)
    }

    /// All buckets by name.
    pub async fn list_buckets(&self) -> Result<Vec<BucketInfo>> {
        self.store.buckets()?.into_iter().map(bucket_info).collect()
    }

    /// A new upload's id: time first, so that uploads of one key list in the order they were started.
    pub(super) fn new_upload_id(&self) -> UploadId {
        UploadId(super::stripe_writer::new_blob_id(self.clock.now()).0)
    }
}

/// Records which drive is in which slot, and learns what each is to the deployment.
async fn admit_drives(store: &Store, drives: &DriveSet) -> Result<()> {
    let known = store.drives()?;
    for (slot, drive, location) in drives.identities() {
        if !known.iter().any(|row| (row.slot, row.drive, &row.location) == (slot, drive, &location)) {
            store.commit(Mutation::AdmitDrive { slot, drive, location }).await?;
        }
    }
    store.drives()?.iter().for_each(|row| drives.set_phase(row.slot, row.phase));
    Ok(())
}

/// What a commit that wrote an object stored.
pub(super) fn outcome(
    applied: Applied,
    modified: Timestamp,
    encryption: Option<EncryptionMode>,
) -> Result<PutOutcome> {
    let Applied::Put { etag, checksum, version } = applied else {
        return Err(Error::Internal("the commit wrote no object".into()));
    };
    Ok(PutOutcome { etag, checksum, modified, version, encryption })
}
