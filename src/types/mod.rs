//! The vocabulary: values that every layer shares, parsed at the edge and trusted below.

mod attributes;
mod calendar;
mod checksum;
mod condition;
mod configuration;
mod cors;
mod etag;
mod ids;
mod lifecycle;
mod lock;
mod log;
mod logging;
mod names;
mod notification;
mod scheme;
mod tags;
mod time;
mod version;
mod website;

pub use attributes::{Attributes, Properties};
pub use calendar::Civil;
pub use checksum::{ChecksumAlgorithm, ChecksumKind, ChecksumValue, ObjectChecksum};
pub use condition::{DeleteCondition, EtagCondition, WriteCondition};
pub use configuration::{ConfigurationKey, ConfigurationKind};
pub use cors::{Cors, CorsRule};
pub use etag::Etag;
pub use ids::{BlobId, DeploymentId, DriveId, DriveSlot, PartNumber, UploadId};
pub use lifecycle::{
    Aging, DAY_SECS, Expiration, Lifecycle, LifecycleCondition, LifecycleConditions, LifecycleFilter,
    LifecycleRule, NoncurrentExpiration, NoncurrentTransition, RuleStatus, Tag, Transition, UploadAbort,
};
pub use lock::{BucketLock, ObjectLock, Retention, RetentionMode, RetentionPeriod};
pub use log::{LogEntry, LogPosition};
pub use logging::{LogSource, LogTarget, Logging};
pub use names::{BucketName, InvalidName, ObjectKey};
pub use notification::{Event, EventKind, Notification, NotificationRule, Origin};
pub use scheme::{InvalidScheme, Scheme};
pub use tags::{InvalidTags, Tags};
pub use time::Timestamp;
pub use version::{VersionId, Versioning};
pub use website::{Redirect, Redirection, Website};
