//! The engine: what it is made of, and buckets.

use std::path::PathBuf;
use std::sync::Arc;

use super::api::*;
use super::drives::DriveSet;
use super::heal_queue::HealQueue;
use super::readers::Readers;
use crate::checksum::md5;
use crate::erasure::Codec;
use crate::metadata::{self, Applied, BucketRow, MetadataError, Mutation, Replica, Store};
use crate::runtime::{Clock, Tasks};
use crate::types::{BucketName, ObjectChecksum, Timestamp, UploadId};

/// How an engine is opened.
#[derive(Debug)]
pub struct Options {
    /// The drives.
    pub drives: DriveSet,
    /// The drives as replicas of the metadata log.
    pub replicas: Vec<Arc<dyn Replica>>,
    /// Replicas that must take an entry before it is acknowledged.
    pub log_quorum: usize,
    /// Files where the metadata database may be kept, the first preferred.
    pub databases: Vec<PathBuf>,
    /// Objects up to this many bytes are kept in the metadata.
    pub inline_bytes_max: usize,
    /// Bounds of the log bytes between two copies of the database: [`metadata::COPY_AFTER_BYTES`].
    pub copy_after_bytes: std::ops::RangeInclusive<u64>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where the metadata's writer and the hashing run.
    pub tasks: Tasks,
}

/// The object engine. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Engine {
    pub(super) drives: Arc<DriveSet>,
    pub(super) codec: Codec,
    pub(super) store: Store,
    pub(super) heals: Arc<HealQueue>,
    pub(super) readers: Readers,
    pub(super) hashing: md5::Stage,
    pub(super) inline_bytes_max: usize,
    pub(super) clock: Arc<dyn Clock>,
}

impl From<MetadataError> for Error {
    fn from(error: MetadataError) -> Self {
        match error {
            MetadataError::NoSuchBucket => Self::NoSuchBucket,
            MetadataError::BucketExists => Self::BucketExists,
            MetadataError::BucketNotEmpty => Self::BucketNotEmpty,
            MetadataError::NoSuchKey => Self::NoSuchKey,
            MetadataError::NoSuchUpload => Self::NoSuchUpload,
            MetadataError::PartChanged(part) => Self::InvalidPart(part),
            MetadataError::PreconditionFailed => Self::PreconditionFailed,
            MetadataError::SourceChanged => Self::Conflict,
            MetadataError::NoSpace => Self::NoSpace,
            MetadataError::Unavailable(_) => {
                tracing::warn!(%error, "metadata unavailable");
                Self::Unavailable("metadata")
            }
            MetadataError::Database(_) => Self::Internal(Box::new(error)),
        }
    }
}

fn bucket_info(row: BucketRow) -> Result<BucketInfo> {
    let name = BucketName::parse(&row.name).map_err(|error| Error::Internal(Box::new(error)))?;
    Ok(BucketInfo { name, created: row.created, objects: row.objects, bytes: row.bytes })
}

impl Engine {
    /// Recovers the metadata and is ready for requests when this returns.
    pub async fn start(options: Options) -> Result<Self> {
        let scheme = options.drives.scheme();
        let store = Store::open(metadata::Options {
            databases: options.databases,
            replicas: options.replicas,
            quorum: options.log_quorum,
            copies: usize::from(scheme.parity) + 1,
            copy_after_bytes: options.copy_after_bytes,
            tasks: options.tasks.clone(),
        })
        .await?;
        let one = std::num::NonZeroUsize::MIN;
        let hashing =
            md5::Stage::start(&options.tasks, one).map_err(|error| Error::Internal(Box::new(error)))?;
        options.drives.refresh_usage().await;
        admit_drives(&store, &options.drives).await?;
        Ok(Self {
            drives: Arc::new(options.drives),
            codec: Codec::new(scheme),
            store,
            heals: Arc::default(),
            readers: Readers::default(),
            hashing,
            inline_bytes_max: options.inline_bytes_max,
            clock: options.clock,
        })
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

    /// Makes a bucket.
    pub async fn create_bucket(&self, bucket: &BucketName) -> Result<()> {
        let created = self.clock.now();
        self.store.commit(Mutation::CreateBucket { bucket: bucket.to_string(), created }).await?;
        Ok(())
    }

    /// Removes an empty bucket.
    pub async fn delete_bucket(&self, bucket: &BucketName) -> Result<()> {
        self.store.commit(Mutation::DeleteBucket { bucket: bucket.to_string() }).await?;
        Ok(())
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

/// Records which drive is in which slot; one that is new in its slot will be refilled.
async fn admit_drives(store: &Store, drives: &DriveSet) -> Result<()> {
    let known = store.drives()?;
    for (slot, drive) in drives.identities() {
        if !known.iter().any(|(at, id, _)| (*at, *id) == (slot, drive)) {
            store.commit(Mutation::AdmitDrive { slot, drive }).await?;
        }
    }
    Ok(())
}

/// What a commit that wrote an object stored.
pub(super) fn outcome(applied: Applied, modified: Timestamp) -> Result<PutOutcome> {
    let Applied::Put { etag, checksum } = applied else {
        return Err(Error::Internal("the commit wrote no object".into()));
    };
    let checksum: Option<ObjectChecksum> = checksum;
    Ok(PutOutcome { etag, checksum, modified })
}
