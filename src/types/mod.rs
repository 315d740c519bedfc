//! The vocabulary: values that every layer shares, parsed at the edge and trusted below.

mod access;
mod account;
mod acl;
mod attributes;
mod calendar;
mod checksum;
mod condition;
mod configuration;
mod cors;
mod encoding;
pub mod encryption;
mod etag;
mod ids;
mod import;
mod lifecycle;
mod lock;
mod log;
mod logging;
mod names;
mod notification;
#[cfg(any(test, fuzzing))]
mod parser;
mod quota;
mod scheme;
mod secret;
mod storage_class;
mod tags;
mod time;
mod version;
mod website;
mod why;

pub use access::{Ownership, OwnershipControls, PublicAccessBlock};
pub use account::{AccountId, CanonicalId};
pub use acl::{Acl, Grant, Grantee, Permission};
pub use attributes::{Attributes, ObjectAccess, Properties};
pub use calendar::Civil;
pub use checksum::{ChecksumAlgorithm, ChecksumKind, ChecksumValue, ObjectChecksum};
pub use condition::{DeleteCondition, EtagCondition, WriteCondition};
pub use configuration::{ConfigurationKey, ConfigurationKind};
pub use cors::{Cors, CorsRule};
pub use encoding::{ClassScheme, ClassSchemes, EncodingRules};
pub use encryption::{BucketEncryption, Encryption, EncryptionMode, KeyState, MasterKey, MasterKeyVersion};
pub use etag::Etag;
pub use ids::{BlobId, DeploymentId, DriveId, DriveSlot, PartNumber, UploadId};
pub use import::{ImportItem, ImportKind, ImportOutcome, ImportReport};
pub use lifecycle::{
    Aging, DAY_SECS, Expiration, Lifecycle, LifecycleCondition, LifecycleConditions, LifecycleFilter,
    LifecycleRule, NoncurrentExpiration, NoncurrentTransition, RuleStatus, Tag, Transition, UploadAbort,
};
pub use lock::{BucketLock, ObjectLock, Retention, RetentionMode, RetentionPeriod};
pub use log::{LogBounds, LogEntry, LogPosition};
pub use logging::{LogSource, LogTarget, Logging};
pub use names::{BucketName, InvalidName, ObjectKey};
pub use notification::{Event, EventKind, Notification, NotificationRule, Origin};
#[cfg(any(test, fuzzing))]
pub use parser::Parser;
pub use quota::{BucketQuota, InvalidQuota, QuotaExcess};
pub use scheme::{InvalidScheme, Scheme};
pub use secret::{Secret, StoredSecret};
pub use storage_class::StorageClass;
pub use tags::{InvalidTags, Tags};
pub use time::Timestamp;
pub use version::{VersionId, Versioning};
pub use website::{Redirect, Redirection, Website};
pub use why::{CallerName, DecidingStatement, Why};
