//! Rows and mutations.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::accounts::{AccessKeyRow, AccountRow};
use super::events::EventEnd;
use super::identities::{IdentityKey, IdentityRow};
use super::query::VersionPlace;
use crate::types::{
    AccountId, Acl, Attributes, BlobId, BucketLock, CanonicalId, ChecksumAlgorithm, ChecksumKind,
    ChecksumValue, ConfigurationKey, ConfigurationKind, DeleteCondition, DriveId, DriveSlot, EncodingRules,
    Encryption, Etag, MasterKey, ObjectAccess, ObjectChecksum, ObjectLock, Origin, PartNumber, Properties,
    QuotaExcess, Retention, Scheme, StorageClass, StoredSecret, Tags, Timestamp, UploadId, VersionId,
    Versioning, WriteCondition,
};

/// A bucket.
#[derive(Debug, Clone)]
pub struct BucketRow {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Objects in it.
    pub objects: u64,
    /// Bytes of those objects.
    pub bytes: u64,
    /// Versions that are no longer current.
    pub versions: u64,
    /// Bytes of those versions.
    pub version_bytes: u64,
    /// Delete markers.
    pub markers: u64,
    /// How its objects are to be encoded; `None` as the deployment encodes.
    pub scheme: Option<Scheme>,
    /// Whether it keeps versions.
    pub versioning: Versioning,
    /// Its Object Lock, if it has that.
    pub lock: Option<BucketLock>,
    /// The account that owns it; `None` for the deployment's first.
    pub owner: Option<CanonicalId>,
}

/// Objects of a bucket and class that are encoded alike; those that are kept in the metadata are not among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodingRow {
    /// The bucket's name.
    pub bucket: String,
    /// Their storage class.
    pub class: StorageClass,
    /// The schemes that their blobs have, in order: one, but for parts that were uploaded before and after a change.
    pub schemes: Vec<Scheme>,
    /// How many objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// An object whose blobs do not all have the scheme that they should.
#[derive(Debug, Clone)]
pub struct MisencodedRow {
    /// Which version of which key.
    pub place: VersionPlace,
    /// Its blobs, in order.
    pub blobs: Vec<BlobLayout>,
    /// The scheme that they should have.
    pub scheme: Scheme,
}

/// A piece of an object: one blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Which blob.
    pub blob: BlobId,
    /// Its length in bytes.
    pub size: u64,
}

/// Where an object's bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// In the metadata itself; here with the bytes it begins with.
    Inline(Bytes),
    /// In blobs, one a part.
    Blobs(Vec<Extent>),
}

/// An object as it is stored.
#[derive(Debug, Clone)]
pub struct ObjectRow {
    /// Order of commit; also the identity of this version.
    pub sequence: u64,
    /// Length in bytes.
    pub size: u64,
    /// Its tag.
    pub etag: Etag,
    /// When it was written.
    pub modified: Timestamp,
    /// Its name; `None` in a bucket that never had versions.
    pub version: Option<VersionId>,
    /// What is kept beside it.
    pub properties: Properties,
    /// Its checksum.
    pub checksum: Option<ObjectChecksum>,
    /// Where its bytes are.
    pub content: Content,
}

/// A version in a listing of versions.
#[derive(Debug, Clone)]
pub struct ListedVersionRow {
    /// Its key.
    pub key: String,
    /// Its name.
    pub version: VersionId,
    /// Whether it is the newest of its key.
    pub is_latest: bool,
    /// Whether it is a delete marker; then what follows but its time says nothing.
    pub is_marker: bool,
    /// Length in bytes.
    pub size: u64,
    /// Its tag.
    pub etag: Etag,
    /// When it was written.
    pub modified: Timestamp,
    /// Algorithm and kind of its checksum.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
    /// Its storage class.
    pub class: StorageClass,
    /// Its owner; `None` for that of its bucket.
    pub owner: Option<CanonicalId>,
}

/// An object in a listing.
#[derive(Debug, Clone)]
pub struct ListedRow {
    /// Its key.
    pub key: String,
    /// Length in bytes.
    pub size: u64,
    /// Its tag.
    pub etag: Etag,
    /// When it was written.
    pub modified: Timestamp,
    /// Algorithm and kind of its checksum.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
    /// Its storage class.
    pub class: StorageClass,
    /// Its owner; `None` for that of its bucket.
    pub owner: Option<CanonicalId>,
}

/// How a blob is laid out over drives. Constant in size whatever the blob's length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobLayout {
    /// Which blob.
    pub blob: BlobId,
    /// Its length in bytes.
    pub size: u64,
    /// Data bytes of every stripe but the last.
    pub stripe_len: u32,
    /// Data shards of a stripe; the slots beyond are parity.
    pub data_shards: u8,
    /// The drive of each shard. A drive may hold two where too few were up.
    pub slots: Vec<DriveSlot>,
}

/// A part of an upload.
#[derive(Debug, Clone)]
pub struct PartRow {
    /// Its number.
    pub part: PartNumber,
    /// Length in bytes.
    pub size: u64,
    /// Its tag.
    pub etag: Etag,
    /// When it was stored.
    pub modified: Timestamp,
    /// Its checksum.
    pub checksum: Option<ChecksumValue>,
    /// Its blob.
    pub blob: BlobId,
}

/// An upload in progress.
#[derive(Debug, Clone)]
pub struct UploadRow {
    /// Target key.
    pub key: String,
    /// Its id.
    pub upload: UploadId,
    /// When it was started.
    pub initiated: Timestamp,
    /// What the object will keep beside its bytes.
    pub properties: Properties,
    /// Checksum the object shall have.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
}

/// A blob, and what it is counted with.
#[derive(Debug, Clone)]
pub struct PlacedBlob {
    /// Its spread.
    pub spread: i64,
    /// Where its shards are.
    pub layout: BlobLayout,
}

/// A shard that is to be healed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealRow {
    /// Of which blob.
    pub blob: BlobId,
    /// Which shard.
    pub shard: u8,
    /// It is there, but on a drive that holds another shard of the blob.
    pub held: bool,
}

/// What a drive is to the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DrivePhase {
    /// It holds what it should.
    Active,
    /// It is new in its slot: what it should hold is not yet known to be missing.
    Refilling,
    /// It takes no new shards, and those it has go elsewhere.
    Draining,
    /// It was let go; its slot is not used again.
    Removed,
}

/// A drive of the deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriveRow {
    /// Its slot.
    pub slot: DriveSlot,
    /// The drive.
    pub drive: DriveId,
    /// What it is to the deployment.
    pub phase: DrivePhase,
    /// Where it was last: a path, or node and path.
    pub location: String,
}

/// An object in a list of those at risk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerRow {
    /// The spread it is listed under.
    pub spread: i64,
    /// Identity of its content.
    pub content: [u8; 16],
    /// Its bucket's id and name.
    pub bucket: (i64, String),
    /// Its key.
    pub key: String,
    /// Which version of it.
    pub sequence: u64,
    /// Length in bytes.
    pub size: u64,
}

/// A blob that nothing refers to any more.
#[derive(Debug, Clone)]
pub struct GarbageRow {
    /// Order of removal.
    pub id: u64,
    /// Which blob, and where its shards are.
    pub layout: BlobLayout,
}

/// The bytes of a new object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum NewContent {
    /// Kept in the metadata.
    Inline(Bytes),
    /// Kept on drives; `missing` shards were not written and are to be healed.
    Blob {
        /// Where.
        layout: BlobLayout,
        /// Shards that were not written.
        missing: Vec<u8>,
    },
}

/// What is to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// Its key.
    pub key: String,
    /// Which version, for good; `None` for the current one, which a bucket with versions keeps.
    pub version: Option<VersionId>,
    /// When it may happen.
    pub condition: DeleteCondition,
    /// A retention in governance mode is no obstacle.
    pub bypass_governance: bool,
}

/// What a client calls a rename, so that it may ask again for the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenameToken {
    /// The client's name for it.
    pub token: String,
    /// Digest of what it asks for.
    pub request: [u8; 16],
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted {
    /// The version that was removed or, if none was named, the delete marker that was made.
    pub version: Option<VersionId>,
    /// That is a delete marker.
    pub is_marker: bool,
}

/// A change of what is kept beside a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum VersionChange {
    /// Replaces its tags.
    Tags(Tags),
    /// Replaces its retention.
    Retention {
        /// By this.
        retention: Option<Retention>,
        /// A retention in governance mode is no obstacle.
        bypass_governance: bool,
    },
    /// Holds it, or ends that.
    LegalHold(bool),
    /// Seals its key under another.
    Encryption {
        /// Its key as it was read, sealed ...
        from: Vec<u8>,
        /// ... and as it is now.
        encryption: Encryption,
    },
    /// Replaces its ACL; `None` by one that grants its owner alone.
    Acl(Option<Acl>),
}

/// One change of state. Preconditions are part of it and are checked by `apply`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Mutation {
    /// Makes a bucket.
    CreateBucket {
        /// Its name.
        bucket: String,
        /// When.
        created: Timestamp,
        /// With Object Lock, and so with versions.
        has_lock: bool,
        /// The account that owns it; `None` for the deployment's first.
        owner: Option<CanonicalId>,
        /// What it is configured with from its first moment on, as JSON.
        configurations: Vec<(ConfigurationKind, String)>,
    },
    /// Removes an empty bucket.
    DeleteBucket {
        /// Its name.
        bucket: String,
    },
    /// Writes an object.
    PutObject {
        /// Where.
        bucket: String,
        /// Where in it.
        key: String,
        /// When it may happen.
        condition: WriteCondition,
        /// Length in bytes.
        size: u64,
        /// Its tag.
        etag: Etag,
        /// When.
        modified: Timestamp,
        /// What is kept beside it.
        properties: Properties,
        /// Its checksum.
        checksum: Option<ObjectChecksum>,
        /// Its bytes.
        content: NewContent,
    },
    /// Makes an object of another's bytes, by reference.
    CopyObject {
        /// Bucket and key of the source ...
        source: (String, String),
        /// ... and the version that was read.
        sequence: u64,
        /// Where.
        bucket: String,
        /// Where in it.
        key: String,
        /// When it may happen.
        condition: WriteCondition,
        /// When.
        modified: Timestamp,
        /// Replaces the source's attributes.
        attributes: Option<Attributes>,
        /// Replaces the source's tags.
        tags: Option<Tags>,
        /// The lock of the new version; that of the source is not copied.
        lock: ObjectLock,
        /// Its storage class.
        class: StorageClass,
        /// Encrypted if the source is, by the same key, which may be sealed otherwise.
        encryption: Option<Encryption>,
        /// Whose the new version is, and who may use it; that of the source is not copied.
        access: ObjectAccess,
    },
    /// Adds bytes at the end of the only version of an object, which no other shares.
    AppendObject {
        /// Where.
        bucket: String,
        /// Where in it.
        key: String,
        /// The version that was read, which must be current.
        sequence: u64,
        /// Under this id its blobs are one content.
        content: UploadId,
        /// Bytes added, as clients see them.
        added: u64,
        /// Its new tag.
        etag: Etag,
        /// When.
        modified: Timestamp,
        /// Its new checksum.
        checksum: Option<ObjectChecksum>,
        /// The bytes that are added.
        layout: BlobLayout,
        /// Shards of them that were not written.
        missing: Vec<u8>,
    },
    /// Takes versions to other storage classes, as far as they are still there.
    Transition {
        /// Where.
        bucket: String,
        /// Key and sequence of each, and its new class.
        versions: Vec<(String, u64, StorageClass)>,
        /// When.
        now: Timestamp,
    },
    /// Gives an object another key.
    RenameObject {
        /// Where.
        bucket: String,
        /// Its key ...
        source: String,
        /// ... and the version that was read, which must be current.
        sequence: u64,
        /// Its new key.
        key: String,
        /// When it may happen.
        condition: WriteCondition,
        /// By which the client tells that it asks again.
        token: Option<RenameToken>,
        /// When.
        now: Timestamp,
    },
    /// Removes objects, or puts delete markers over them; what does not exist is no error.
    DeleteObjects {
        /// Where.
        bucket: String,
        /// What, each for itself.
        deletions: Vec<Deletion>,
        /// When.
        now: Timestamp,
    },
    /// Changes what is kept beside a version.
    ChangeVersion {
        /// Where.
        bucket: String,
        /// Where in it.
        key: String,
        /// Which; `None` for the current one.
        version: Option<VersionId>,
        /// How.
        change: VersionChange,
        /// When.
        now: Timestamp,
    },
    /// Says whether a bucket keeps versions.
    SetVersioning {
        /// Its name.
        bucket: String,
        /// Not unversioned: a bucket never goes back to that.
        versioning: Versioning,
    },
    /// Gives a bucket Object Lock, which it keeps, or changes its default.
    SetBucketLock {
        /// Its name.
        bucket: String,
        /// The lock.
        lock: BucketLock,
    },
    /// Starts an upload.
    CreateUpload {
        /// Where.
        bucket: String,
        /// Where in it.
        key: String,
        /// Its id.
        upload: UploadId,
        /// When.
        initiated: Timestamp,
        /// What the object will keep beside its bytes.
        properties: Properties,
        /// Checksum the object shall have.
        checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
    },
    /// Stores a part, replacing one of the same number.
    PutPart {
        /// Where.
        bucket: String,
        /// Where in it.
        key: String,
        /// Which upload.
        upload: UploadId,
        /// Which part.
        part: PartNumber,
        /// Its tag.
        etag: Etag,
        /// When.
        modified: Timestamp,
        /// Its checksum.
        checksum: Option<ChecksumValue>,
        /// Its bytes.
        layout: BlobLayout,
        /// Shards that were not written.
        missing: Vec<u8>,
    },
    /// Makes an object of parts.
    CompleteUpload {
        /// Where.
        bucket: String,
        /// Where in it.
        key: String,
        /// Which upload.
        upload: UploadId,
        /// Number and blob of the parts, in order; each must still be the part of that number.
        parts: Vec<(PartNumber, BlobId)>,
        /// When it may happen.
        condition: WriteCondition,
        /// The object's tag.
        etag: Etag,
        /// When.
        modified: Timestamp,
        /// The object's checksum.
        checksum: Option<ObjectChecksum>,
    },
    /// Drops an upload.
    AbortUpload {
        /// Where.
        bucket: String,
        /// Where in it.
        key: String,
        /// Which upload.
        upload: UploadId,
    },
    /// Shards found missing or bad.
    NeedHeal {
        /// Blob, shard, and the drive that should have it. One that was moved meanwhile is not missing.
        shards: Vec<(BlobId, u8, DriveSlot)>,
    },
    /// Shards rebuilt: each is now on the drive in this slot.
    Healed {
        /// Blob, shard, and where it is now.
        shards: Vec<(BlobId, u8, DriveSlot)>,
    },
    /// Garbage whose shards are removed from the drives.
    GarbageSwept {
        /// Garbage rows.
        ids: Vec<u64>,
    },
    /// A drive takes a slot; a new drive in a slot that had another is to be refilled.
    AdmitDrive {
        /// The slot.
        slot: DriveSlot,
        /// The drive.
        drive: DriveId,
        /// Where it is: a path, or node and path.
        location: String,
    },
    /// A drive goes from one phase to another.
    SetDrivePhase {
        /// The slot.
        slot: DriveSlot,
        /// What the drive is now.
        phase: DrivePhase,
    },
    /// Says how new objects of a bucket are to be encoded.
    SetBucketScheme {
        /// Its name.
        bucket: String,
        /// How; `None` as the deployment encodes.
        scheme: Option<Scheme>,
    },
    /// Puts blobs of another scheme in the place of an object's, with the same bytes. All objects that share the
    /// old ones and are to have the scheme get the new ones; nothing else of them changes.
    Recode {
        /// Where.
        bucket: String,
        /// Where in it.
        key: String,
        /// The version that was read ...
        sequence: u64,
        /// ... and its blobs, which must still be these.
        old: Vec<BlobId>,
        /// The new blobs, one for each, with all their shards.
        new: Vec<BlobLayout>,
        /// Identity of the new content, if that is several blobs.
        content: UploadId,
        /// The scheme of the new blobs.
        scheme: Scheme,
        /// How objects are to be encoded.
        rules: EncodingRules,
    },
    /// Background work notes how far it is.
    NoteProgress {
        /// Which work.
        job: String,
        /// What it wants to know after a restart.
        progress: Bytes,
    },
    /// Configures a bucket, in place of what was there.
    PutConfiguration {
        /// Its name.
        bucket: String,
        /// Which configuration.
        key: ConfigurationKey,
        /// The configuration as JSON.
        document: String,
    },
    /// Makes or changes a named key.
    PutMasterKey {
        /// Its name.
        id: String,
        /// Follows the one that was read; 1 makes it.
        revision: u64,
        /// All of it.
        key: MasterKey,
    },
    /// Removes a configuration of a bucket; one that is not there is no error.
    RemoveConfiguration {
        /// Its name.
        bucket: String,
        /// Which configuration.
        key: ConfigurationKey,
    },
    /// Removes objects whose time is over, those that are still the ones that were read.
    ExpireObjects {
        /// Where.
        bucket: String,
        /// Keys and versions.
        objects: Vec<(String, u64)>,
        /// When.
        now: Timestamp,
    },
    /// Removes versions and delete markers whose time is over, those that are still not current and not locked.
    ExpireVersions {
        /// Where.
        bucket: String,
        /// Keys and versions.
        versions: Vec<(String, u64)>,
        /// When.
        now: Timestamp,
    },
    /// Makes an account with its first access key.
    CreateAccount {
        /// The account.
        account: AccountRow,
        /// Its key.
        key: AccessKeyRow,
    },
    /// Removes an account that owns no bucket, with its access keys.
    RemoveAccount {
        /// Which.
        account: AccountId,
    },
    /// Gives an account one more access key.
    CreateAccessKey {
        /// The key.
        key: AccessKeyRow,
    },
    /// Has an access key believed, or not.
    SetAccessKey {
        /// Which.
        access_key: String,
        /// Whether it is believed.
        active: bool,
    },
    /// Removes an access key.
    RemoveAccessKey {
        /// Which.
        access_key: String,
    },
    /// A change, and whose request it is: for those who are told of it.
    OnBehalf {
        /// Whose.
        origin: Origin,
        /// The change.
        mutation: Box<Mutation>,
    },
    /// Leaves a test for each target that a bucket tells of changes.
    TestNotification {
        /// The bucket's name.
        bucket: String,
        /// When.
        now: Timestamp,
    },
    /// Ends the events of a target up to and with one.
    EndEvents {
        /// The target.
        target: String,
        /// The last one, by its sequence.
        through: u64,
        /// How.
        how: EventEnd,
    },
    /// Keeps the secret of an access key in another form.
    ResealAccessKey {
        /// Which.
        access_key: String,
        /// Its secret.
        secret: StoredSecret,
    },
    /// Changes users, groups, roles and policies, as far as nobody else did since they were read.
    ChangeIdentities {
        /// How often they had been changed then.
        revision: u64,
        /// What is there from now on, new or in place of what was.
        put: Vec<IdentityRow>,
        /// What is there no longer.
        remove: Vec<IdentityKey>,
    },
}

impl Mutation {
    /// Whether it makes the database larger.
    pub(super) fn takes_room(&self) -> bool {
        match self {
            Self::CreateBucket { .. }
            | Self::PutObject { .. }
            | Self::CopyObject { .. }
            | Self::CreateUpload { .. }
            | Self::PutPart { .. }
            | Self::PutConfiguration { .. }
            | Self::PutMasterKey { .. }
            | Self::RenameObject { .. }
            | Self::AppendObject { .. }
            | Self::Transition { .. }
            | Self::ChangeVersion { .. }
            | Self::CreateAccount { .. }
            | Self::CreateAccessKey { .. }
            | Self::TestNotification { .. }
            | Self::ResealAccessKey { .. }
            | Self::Recode { .. } => true,
            Self::ChangeIdentities { put, .. } => !put.is_empty(),
            Self::OnBehalf { mutation, .. } => mutation.takes_room(),
            Self::DeleteBucket { .. }
            | Self::DeleteObjects { .. }
            | Self::CompleteUpload { .. }
            | Self::AbortUpload { .. }
            | Self::NeedHeal { .. }
            | Self::Healed { .. }
            | Self::GarbageSwept { .. }
            | Self::AdmitDrive { .. }
            | Self::SetDrivePhase { .. }
            | Self::SetVersioning { .. }
            | Self::SetBucketLock { .. }
            | Self::SetBucketScheme { .. }
            | Self::RemoveConfiguration { .. }
            | Self::ExpireObjects { .. }
            | Self::ExpireVersions { .. }
            | Self::RemoveAccount { .. }
            | Self::SetAccessKey { .. }
            | Self::RemoveAccessKey { .. }
            | Self::EndEvents { .. }
            | Self::NoteProgress { .. } => false,
        }
    }
}

/// What a mutation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It happened.
    Done,
    /// An object was written.
    Put {
        /// Its tag.
        etag: Etag,
        /// Its checksum.
        checksum: Option<ObjectChecksum>,
        /// Its name; `None` in a bucket that never had versions.
        version: Option<VersionId>,
    },
    /// What each deletion did, or why it did not happen.
    Deleted(Vec<Result<Deleted, MetadataError>>),
    /// A version was changed.
    Changed {
        /// Its name; `None` in a bucket that never had versions.
        version: Option<VersionId>,
    },
}

/// Why a mutation or query did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The bucket does not exist.
    #[error("no such bucket")]
    NoSuchBucket,
    /// The bucket exists.
    #[error("bucket exists")]
    BucketExists,
    /// The bucket holds objects.
    #[error("bucket not empty")]
    BucketNotEmpty,
    /// The key does not exist.
    #[error("no such key")]
    NoSuchKey,
    /// The version does not exist.
    #[error("no such version")]
    NoSuchVersion,
    /// The newest version of the key is a delete marker.
    #[error("no such key; it was deleted")]
    DeletedKey {
        /// The delete marker's name.
        version: VersionId,
    },
    /// The version is a delete marker.
    #[error("a delete marker")]
    DeleteMarker {
        /// Its name.
        version: VersionId,
        /// When it was made.
        modified: Timestamp,
    },
    /// The version is kept by a retention or a legal hold.
    #[error("protected by object lock")]
    Locked,
    /// The bucket has no Object Lock.
    #[error("no object lock")]
    NoObjectLock,
    /// The bucket's versioning does not go with this.
    #[error("bucket versioning does not permit this")]
    InvalidBucketState,
    /// The upload does not exist.
    #[error("no such upload")]
    NoSuchUpload,
    /// The part is no longer the one that was read.
    #[error("part {0:?} changed")]
    PartChanged(PartNumber),
    /// The write condition does not hold.
    #[error("precondition failed")]
    PreconditionFailed,
    /// The bucket has as many configurations of this kind as it may have.
    #[error("too many configurations")]
    TooManyConfigurations,
    /// There is an account of this id, name or address.
    #[error("account exists")]
    AccountExists,
    /// The account does not exist.
    #[error("no such account")]
    NoSuchAccount,
    /// The account owns buckets.
    #[error("account owns buckets")]
    AccountOwnsBuckets,
    /// There are as many accounts as there may be.
    #[error("too many accounts")]
    TooManyAccounts,
    /// The access key exists.
    #[error("access key exists")]
    AccessKeyExists,
    /// The access key does not exist.
    #[error("no such access key")]
    NoSuchAccessKey,
    /// The account has as many access keys as it may have.
    #[error("too many access keys")]
    TooManyAccessKeys,
    /// Users, groups, roles or policies were changed since they were read.
    #[error("identities changed")]
    IdentitiesChanged,
    /// The bucket may not hold so many bytes.
    #[error("{0}")]
    QuotaExceeded(Box<QuotaExcess>),
    /// The object that was read was replaced.
    #[error("source changed")]
    SourceChanged,
    /// The token was used for another request.
    #[error("token of another request")]
    TokenReused,
    /// Too few drives took the log entry; it is not known to be lost, and not acknowledged.
    #[error("metadata log unavailable: {0}")]
    Unavailable(String),
    /// The drives are full.
    #[error("no space for the metadata log")]
    NoSpace,
    /// The database failed.
    #[error("metadata database: {0}")]
    Database(String),
    /// The database is gone, or what is read of it is not what was written.
    #[error("metadata database: {0}")]
    Damaged(String),
}

impl BlobLayout {
    /// How it is encoded.
    pub fn scheme(&self) -> Scheme {
        let shards = self.slots.len() as u8;
        Scheme { data: self.data_shards, parity: shards.saturating_sub(self.data_shards) }
    }
}

impl MetadataError {
    /// Whether the database did not do what it was asked, rather than that this was not to be done.
    pub(super) fn is_of_database(&self) -> bool {
        matches!(self, Self::Database(_) | Self::Damaged(_) | Self::NoSpace)
    }
}

impl From<rusqlite::Error> for MetadataError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{CannotOpen, DatabaseCorrupt, DiskFull, NotADatabase, SystemIoFailure};
        match error.sqlite_error_code() {
            Some(DiskFull) => Self::NoSpace,
            Some(CannotOpen | DatabaseCorrupt | NotADatabase | SystemIoFailure) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Database(error.to_string()),
        }
    }
}
