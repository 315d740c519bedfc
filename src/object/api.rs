//! Requests, answers and errors of the engine.

use std::task::{Context, Poll};

use bytes::Bytes;

pub use super::encryption::{CustomerKey, NewEncryption};
pub use crate::metadata::{Deleted, VersionChange};
pub use crate::types::WriteCondition;
use crate::types::{
    Attributes, BucketLock, BucketName, CanonicalId, ChecksumAlgorithm, ChecksumKind, ChecksumValue,
    ConfigurationKind, DeleteCondition, EncryptionMode, Etag, ObjectAccess, ObjectChecksum, ObjectKey,
    ObjectLock, PartNumber, Properties, QuotaExcess, StorageClass, Tags, Timestamp, UploadId, VersionId,
    Versioning,
};

/// The bytes of an upload, decoded and verified as they pass.
///
/// `Ready(None)` means that the body ended *and* everything the client promised about it holds
/// (length, payload hash, chunk signatures, trailer, checksums). Any doubt is an error before that.
pub trait Body: Send + Unpin {
    /// The next bytes; never an empty chunk.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>>;

    /// The checksum to store: what the client sent, else CRC64NVME. Asked only after `Ready(None)`.
    fn checksum(&self) -> Option<ChecksumValue>;
}

/// Why a body did not end well. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection ended before the announced length.
    #[error("body ended early")]
    Incomplete,
    /// More bytes than announced.
    #[error("body longer than announced")]
    TooLong,
    /// The payload does not have the SHA-256 of `x-amz-content-sha256`.
    #[error("payload sha-256 mismatch")]
    PayloadHashMismatch,
    /// An additional checksum (header or trailer) does not match.
    #[error("checksum mismatch: {0:?}")]
    ChecksumMismatch(ChecksumAlgorithm),
    /// The body does not have the MD5 of `Content-MD5`.
    #[error("content md5 mismatch")]
    DigestMismatch,
    /// A chunk signature or the trailer signature is wrong.
    #[error("chunk signature mismatch")]
    SignatureMismatch,
    /// The `aws-chunked` framing cannot be read.
    #[error("malformed chunked body: {0}")]
    MalformedChunk(&'static str),
    /// The trailer is not what `x-amz-trailer` announced, or its value cannot be read.
    #[error("malformed trailer")]
    MalformedTrailer,
    /// The body is not of a length that is allowed.
    #[error("{size} bytes are not between {min} and {max}")]
    OutOfBounds {
        /// Its length, or what came of it until it was too long.
        size: u64,
        /// The least that is allowed.
        min: u64,
        /// The most that is allowed.
        max: u64,
    },
    /// The client sent nothing for too long.
    #[error("client too slow")]
    TimedOut,
    /// The connection failed.
    #[error("connection failed")]
    Connection(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// One PUT of a whole object.
#[derive(Debug)]
pub struct PutRequest {
    /// Where.
    pub bucket: BucketName,
    /// Where in it.
    pub key: ObjectKey,
    /// What is kept beside the bytes. The engine notes there how they are encrypted.
    pub properties: Properties,
    /// How they are to be encrypted; `None` as the bucket says.
    pub encryption: Option<NewEncryption>,
    /// Decoded length in bytes, where the client announced it; at most 5 GiB is enforced by `s3`.
    pub length: Option<u64>,
    /// `Content-MD5`; the engine hashes anyway and compares.
    pub content_md5: Option<[u8; 16]>,
    /// When the write may happen.
    pub condition: WriteCondition,
}

/// What a PUT, copy or completed upload stored.
#[derive(Debug, Clone)]
pub struct PutOutcome {
    /// The new object's tag.
    pub etag: Etag,
    /// Its checksum.
    pub checksum: Option<ObjectChecksum>,
    /// When it became visible.
    pub modified: Timestamp,
    /// The new version; `None` in a bucket that never had versions.
    pub version: Option<VersionId>,
    /// How it is encrypted, if it is.
    pub encryption: Option<EncryptionMode>,
}

/// What is known of an object without its bytes.
#[derive(Debug, Clone)]
pub struct ObjectInfo {
    /// Length in bytes.
    pub size: u64,
    /// Its tag.
    pub etag: Etag,
    /// When it was written.
    pub modified: Timestamp,
    /// Which version this is; `None` in a bucket that never had versions.
    pub version: Option<VersionId>,
    /// What was stored beside it.
    pub properties: Properties,
    /// Its checksum.
    pub checksum: Option<ObjectChecksum>,
}

/// A bucket as listings and HEAD show it.
#[derive(Debug, Clone)]
pub struct BucketInfo {
    /// Its name.
    pub name: BucketName,
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
    /// Whether it keeps versions.
    pub versioning: Versioning,
    /// Its Object Lock, if it has that.
    pub lock: Option<BucketLock>,
    /// The account that owns it; `None` for the deployment's first.
    pub owner: Option<CanonicalId>,
}

/// A bucket to be made.
#[derive(Debug, Clone)]
pub struct CreateBucketRequest {
    /// Its name.
    pub bucket: BucketName,
    /// The account that shall own it; `None` for the deployment's first.
    pub owner: Option<CanonicalId>,
    /// With Object Lock, and so with versions.
    pub has_lock: bool,
    /// What it is configured with from its first moment on, as JSON.
    pub configurations: Vec<(ConfigurationKind, String)>,
}

impl CreateBucketRequest {
    /// A bucket of the deployment's first account with nothing special.
    pub fn new(bucket: BucketName) -> Self {
        Self { bucket, owner: None, has_lock: false, configurations: Vec::new() }
    }
}

/// A page of keys.
#[derive(Debug, Clone)]
pub struct ListRequest {
    /// Which bucket.
    pub bucket: BucketName,
    /// Only keys that start so.
    pub prefix: String,
    /// Roll up keys that share what stands up to this after the prefix. Never empty.
    pub delimiter: Option<String>,
    /// Only keys after this one; where it is itself a common prefix, its whole group is skipped.
    pub after: String,
    /// At most so many entries, common prefixes counted; 0 to 1000.
    pub max_keys: u16,
}

/// One row of a listing.
#[derive(Debug, Clone)]
pub enum ListEntry {
    /// An object.
    Object(ListedObject),
    /// A group of keys.
    CommonPrefix(String),
}

/// An object as a listing shows it.
#[derive(Debug, Clone)]
pub struct ListedObject {
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

/// A page of a listing, in UTF-8 byte order.
#[derive(Debug, Clone, Default)]
pub struct ListPage {
    /// Objects and common prefixes, merged in order.
    pub entries: Vec<ListEntry>,
    /// Set when more follows: the `after` of the next page.
    pub next: Option<String>,
}

/// A page of versions.
#[derive(Debug, Clone)]
pub struct ListVersionsRequest {
    /// Which keys.
    pub keys: ListRequest,
    /// Only versions of the key `keys.after` that are older than this one, and those of later keys.
    pub behind: Option<VersionId>,
}

/// One row of a listing of versions.
#[derive(Debug, Clone)]
pub enum ListVersionsEntry {
    /// A version or a delete marker.
    Version(ListedVersion),
    /// A group of keys.
    CommonPrefix(String),
}

/// A version as a listing shows it.
#[derive(Debug, Clone)]
pub struct ListedVersion {
    /// The object. Of a delete marker only key and time say anything.
    pub object: ListedObject,
    /// Its name.
    pub version: VersionId,
    /// Whether it is the newest of its key.
    pub is_latest: bool,
    /// Whether it is a delete marker.
    pub is_marker: bool,
}

/// A page of versions: by key in UTF-8 byte order, newest first.
#[derive(Debug, Clone, Default)]
pub struct ListVersionsPage {
    /// Versions and common prefixes, merged in order.
    pub entries: Vec<ListVersionsEntry>,
    /// Set when more follows: the `after` and `behind` of the next page.
    pub next: Option<(String, Option<VersionId>)>,
}

/// A removal.
#[derive(Debug, Clone)]
pub struct DeleteRequest {
    /// Which key.
    pub key: ObjectKey,
    /// Which version, for good; `None` for the current one, which a bucket with versions keeps.
    pub version: Option<VersionId>,
    /// When it may happen.
    pub condition: DeleteCondition,
    /// A retention in governance mode is no obstacle.
    pub bypass_governance: bool,
}

impl From<ObjectKey> for DeleteRequest {
    fn from(key: ObjectKey) -> Self {
        Self { key, version: None, condition: DeleteCondition::default(), bypass_governance: false }
    }
}

/// A copy.
#[derive(Debug)]
pub struct CopyRequest {
    /// Target bucket.
    pub bucket: BucketName,
    /// Target key.
    pub key: ObjectKey,
    /// `Some` replaces the source's attributes (`x-amz-metadata-directive: REPLACE`).
    pub attributes: Option<Attributes>,
    /// `Some` replaces the source's tags (`x-amz-tagging-directive: REPLACE`).
    pub tags: Option<Tags>,
    /// The lock of the copy; that of the source is not copied.
    pub lock: ObjectLock,
    /// Its storage class; that of the source is not copied.
    pub class: StorageClass,
    /// The checksum that the copy is to have; `None` for that of the source.
    pub checksum: Option<ChecksumAlgorithm>,
    /// How the copy is to be encrypted; `None` as the bucket says, else as the source is.
    pub encryption: Option<NewEncryption>,
    /// Whose the copy is, and who may use it; that of the source is not copied.
    pub access: ObjectAccess,
    /// When the write may happen.
    pub condition: WriteCondition,
}

impl CopyRequest {
    /// A copy of all but the lock, whatever is there.
    pub fn to(bucket: BucketName, key: ObjectKey) -> Self {
        let (attributes, tags, lock) = (None, None, ObjectLock::default());
        Self {
            bucket,
            key,
            attributes,
            tags,
            lock,
            class: StorageClass::default(),
            checksum: None,
            encryption: None,
            access: ObjectAccess::default(),
            condition: WriteCondition::Always,
        }
    }
}

/// Bytes for the end of an object.
#[derive(Debug)]
pub struct AppendRequest {
    /// Decoded length in bytes, where announced.
    pub length: Option<u64>,
    /// `Content-MD5`, of the added bytes.
    pub content_md5: Option<[u8; 16]>,
    /// The algorithm of the body's checksum, which is that of the object's.
    pub algorithm: ChecksumAlgorithm,
    /// The client's key, where the object is encrypted with it.
    pub customer_key: Option<CustomerKey>,
}

/// The start of a multipart upload.
#[derive(Debug)]
pub struct CreateUploadRequest {
    /// Target bucket.
    pub bucket: BucketName,
    /// Target key.
    pub key: ObjectKey,
    /// What is kept beside the bytes.
    pub properties: Properties,
    /// How they are to be encrypted; `None` as the bucket says.
    pub encryption: Option<NewEncryption>,
    /// Checksum the object shall have; `None` stands for CRC64NVME over the full object.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
}

/// An upload that was started.
#[derive(Debug, Clone)]
pub struct CreatedUpload {
    /// Its id.
    pub upload: UploadId,
    /// When it was started.
    pub initiated: Timestamp,
    /// How its parts are encrypted, if they are.
    pub encryption: Option<EncryptionMode>,
}

/// Which upload: bucket and key must be those it was started with.
#[derive(Debug, Clone)]
pub struct UploadRef {
    /// Target bucket.
    pub bucket: BucketName,
    /// Target key.
    pub key: ObjectKey,
    /// The id that `create_upload` gave.
    pub upload: UploadId,
}

/// One part on its way.
#[derive(Debug)]
pub struct PutPartRequest {
    /// Which upload.
    pub upload: UploadRef,
    /// Which part; a later one of the same number replaces it.
    pub part: PartNumber,
    /// Decoded length in bytes, where announced.
    pub length: Option<u64>,
    /// `Content-MD5`.
    pub content_md5: Option<[u8; 16]>,
    /// The client's key, where the upload was started with it.
    pub customer_key: Option<CustomerKey>,
}

/// A stored part.
#[derive(Debug, Clone)]
pub struct PartInfo {
    /// Its number.
    pub part: PartNumber,
    /// Length in bytes.
    pub size: u64,
    /// MD5 of its bytes.
    pub etag: Etag,
    /// When it was stored.
    pub modified: Timestamp,
    /// Its checksum.
    pub checksum: Option<ChecksumValue>,
    /// How it is encrypted, if it is.
    pub encryption: Option<EncryptionMode>,
}

/// One line of a CompleteMultipartUpload.
#[derive(Debug, Clone)]
pub struct CompletedPart {
    /// Its number.
    pub part: PartNumber,
    /// The tag UploadPart answered.
    pub etag: Etag,
    /// Its checksum, where the client repeats it.
    pub checksum: Option<ChecksumValue>,
}

/// The end of a multipart upload.
#[derive(Debug)]
pub struct CompleteRequest {
    /// Which upload.
    pub upload: UploadRef,
    /// The parts in ascending order of number.
    pub parts: Vec<CompletedPart>,
    /// The checksum the client expects of the whole.
    pub checksum: Option<ChecksumValue>,
    /// The kind the client states (`x-amz-checksum-type`).
    pub checksum_kind: Option<ChecksumKind>,
    /// The size the client expects (`x-amz-mp-object-size`).
    pub size: Option<u64>,
    /// When the write may happen.
    pub condition: WriteCondition,
}

/// An upload in progress.
#[derive(Debug, Clone)]
pub struct UploadInfo {
    /// Target key.
    pub key: ObjectKey,
    /// Its id.
    pub upload: UploadId,
    /// When it was started.
    pub initiated: Timestamp,
    /// Checksum it was started with.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
    /// Storage class that the object will have.
    pub class: StorageClass,
    /// The account that began it, where that is not the bucket's owner.
    pub owner: Option<CanonicalId>,
}

/// A page of ListParts.
#[derive(Debug, Clone)]
pub struct PartsPage {
    /// The upload itself.
    pub upload: UploadInfo,
    /// Parts by number.
    pub parts: Vec<PartInfo>,
    /// More parts follow the last one.
    pub truncated: bool,
}

/// A page of ListMultipartUploads.
#[derive(Debug, Clone)]
pub struct ListUploadsRequest {
    /// Which bucket.
    pub bucket: BucketName,
    /// Only keys that start so.
    pub prefix: String,
    /// Roll up keys as listings do. Never empty.
    pub delimiter: Option<String>,
    /// Only keys after this one ...
    pub after_key: String,
    /// ... or that key itself, with an upload id after this one.
    pub after_upload: Option<UploadId>,
    /// At most so many entries; 0 to 1000.
    pub max_uploads: u16,
}

/// Uploads by key, then by start.
#[derive(Debug, Clone, Default)]
pub struct UploadsPage {
    /// The uploads.
    pub uploads: Vec<UploadInfo>,
    /// The groups, in order.
    pub common_prefixes: Vec<String>,
    /// Set when more follows: key (or common prefix) and upload id to go on after.
    pub next: Option<(String, Option<UploadId>)>,
}

/// Why an operation did not happen. Where one is returned, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bucket does not exist.
    #[error("no such bucket")]
    NoSuchBucket,
    /// The bucket exists already; there is one owner, so it is always the caller's.
    #[error("bucket exists")]
    BucketExists,
    /// The bucket holds objects.
    #[error("bucket not empty")]
    BucketNotEmpty,
    /// The key does not exist (also: `If-Match` on a key that does not exist).
    #[error("no such key")]
    NoSuchKey,
    /// The version does not exist.
    #[error("no such version")]
    NoSuchVersion,
    /// The key does not exist: its newest version is this delete marker.
    #[error("no such key; it was deleted")]
    DeletedKey {
        /// The delete marker's name.
        version: VersionId,
    },
    /// The version that was named is a delete marker.
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
    /// The bucket's versioning does not go with what was asked for.
    #[error("bucket versioning does not permit this")]
    InvalidBucketState,
    /// The upload does not exist, was completed or aborted, or belongs to another key.
    #[error("no such upload")]
    NoSuchUpload,
    /// The write condition does not hold.
    #[error("precondition failed")]
    PreconditionFailed,
    /// Another write won a race with this one; the client may retry (409).
    #[error("conflicting write")]
    Conflict,
    /// The token was used for another request.
    #[error("token of another request")]
    TokenReused,
    /// The bucket has as many configurations of this kind as it may have.
    #[error("too many configurations")]
    TooManyConfigurations,
    /// The bucket may not hold so many bytes.
    #[error("{0}")]
    QuotaExceeded(Box<QuotaExcess>),
    /// There is no named key of this name.
    #[error("no encryption key {0}")]
    NoSuchEncryptionKey(String),
    /// The named key may not be used.
    #[error("encryption key {0} is disabled")]
    EncryptionKeyDisabled(String),
    /// The named key is to be deleted, and may not be used until then.
    #[error("encryption key {0} is to be deleted")]
    EncryptionKeyPendingDeletion(String),
    /// What the server needs itself cannot be deleted.
    #[error("encryption key {0} is the server's own")]
    EncryptionKeyOfServer(String),
    /// The named key is not one that waits to be deleted.
    #[error("encryption key {0} does not wait to be deleted")]
    EncryptionKeyNotPending(String),
    /// The key service does not answer, or is sealed; the client may retry.
    #[error("key service unavailable: {0}")]
    KmsUnavailable(String),
    /// The key service does not let this server use the key.
    #[error("key service denies the use of {0}")]
    KmsDenied(String),
    /// The key service cannot open what it sealed, or not as it is asked to.
    #[error("key service: {0}")]
    KmsRefused(String),
    /// There is a named key of this name.
    #[error("the encryption key exists")]
    EncryptionKeyExists,
    /// No key can have this name.
    #[error("not the name of an encryption key")]
    InvalidEncryptionKeyId,
    /// There are as many named keys, or versions of one, as there may be.
    #[error("too many encryption keys")]
    TooManyEncryptionKeys,
    /// The server was not given the key that this deployment's keys are sealed under.
    #[error("the keyring is locked")]
    KeyringLocked,
    /// The object is encrypted with a key that only the client has.
    #[error("the client's encryption key is missing")]
    CustomerKeyMissing,
    /// The object is encrypted with another key of the client.
    #[error("the client's encryption key is another")]
    CustomerKeyWrong,
    /// The object is not encrypted with a key of the client.
    #[error("the client's encryption key does not apply")]
    CustomerKeyNotApplicable,
    /// `Content-MD5` is not the body's.
    #[error("content md5 mismatch")]
    BadDigest,
    /// A named part does not exist or has another tag or checksum.
    #[error("invalid part {0:?}")]
    InvalidPart(PartNumber),
    /// The checksum of the whole is made of those of the parts, and one of them is not named.
    #[error("no checksum with part {part:?}")]
    PartChecksumMissing {
        /// The upload's algorithm.
        algorithm: ChecksumAlgorithm,
        /// Which part.
        part: PartNumber,
    },
    /// The parts are not in ascending order.
    #[error("parts not in ascending order")]
    InvalidPartOrder,
    /// A part that is not the last is under 5 MiB.
    #[error("part {part:?} is only {size} bytes")]
    PartTooSmall {
        /// Which part.
        part: PartNumber,
        /// Its length in bytes.
        size: u64,
    },
    /// The whole does not have the checksum or the kind of checksum that the client states.
    #[error("object checksum mismatch: {0:?}")]
    ChecksumMismatch(ChecksumAlgorithm),
    /// The checksum given with a part is of another algorithm than the upload's.
    #[error("checksum of another algorithm than the upload's: {0:?}")]
    ChecksumAlgorithmMismatch(ChecksumAlgorithm),
    /// The whole is not of the size that the client states.
    #[error("object size mismatch")]
    SizeMismatch,
    /// An object has as many pieces as it may have.
    #[error("too many parts")]
    TooManyParts,
    /// Nothing was to be added.
    #[error("nothing to append")]
    EmptyAppend,
    /// The object would pass 5 TiB.
    #[error("object too large")]
    TooLarge,
    /// The body did not end well.
    #[error("read body")]
    Body(#[from] BodyError),
    /// Too few shards of a stripe can be read.
    #[error("stripe {stripe}: {readable} of {needed} shards readable")]
    Unreadable {
        /// Which stripe.
        stripe: u64,
        /// Shards that were good.
        readable: u8,
        /// Shards needed.
        needed: u8,
    },
    /// Drives are full; nothing was kept.
    #[error("no space left on the drives")]
    NoSpace,
    /// Too few drives, or too much work under way; the client may retry.
    #[error("unavailable: {0}")]
    Unavailable(&'static str),
    /// Something broke that the client cannot mend; the chain goes to the log.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A result of the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;
