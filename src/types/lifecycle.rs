//! What happens to objects and uploads as they age.

use serde::{Deserialize, Serialize};

/// A bucket's lifecycle configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Lifecycle {
    /// The rules in order.
    #[serde(rename = "Rule")]
    pub rules: Vec<LifecycleRule>,
}

/// Which objects, and what happens to them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LifecycleRule {
    /// Its name.
    #[serde(rename = "ID")]
    pub id: String,
    /// Whether it is followed.
    pub status: RuleStatus,
    /// Only keys that start so: the form of old documents.
    pub prefix: Option<String>,
    /// Only these objects.
    pub filter: Option<LifecycleFilter>,
    /// When current objects end.
    pub expiration: Option<Expiration>,
    /// When current objects go to another storage class.
    #[serde(rename = "Transition")]
    pub transitions: Vec<Transition>,
    /// When objects end that are no longer current.
    pub noncurrent_version_expiration: Option<NoncurrentExpiration>,
    /// When they go to another storage class.
    #[serde(rename = "NoncurrentVersionTransition")]
    pub noncurrent_version_transitions: Vec<NoncurrentTransition>,
    /// When uploads end that were never completed.
    pub abort_incomplete_multipart_upload: Option<UploadAbort>,
}

/// Whether a rule is followed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum RuleStatus {
    Enabled,
    #[default]
    Disabled,
}

/// A tag of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Tag {
    pub key: String,
    pub value: String,
}

/// Which objects a rule is for: one condition, or several joined by `and`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LifecycleFilter {
    /// Conditions that stand alone.
    #[serde(flatten)]
    pub alone: LifecycleCondition,
    /// Conditions of which all must hold.
    pub and: Option<LifecycleConditions>,
}

/// One condition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LifecycleCondition {
    /// Only keys that start so.
    pub prefix: Option<String>,
    /// Only objects with this tag.
    pub tag: Option<Tag>,
    /// Only objects of more bytes.
    pub object_size_greater_than: Option<u64>,
    /// Only objects of fewer bytes.
    pub object_size_less_than: Option<u64>,
}

/// Several conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LifecycleConditions {
    /// Only keys that start so.
    pub prefix: Option<String>,
    /// Only objects with all these tags.
    #[serde(rename = "Tag")]
    pub tags: Vec<Tag>,
    /// Only objects of more bytes.
    pub object_size_greater_than: Option<u64>,
    /// Only objects of fewer bytes.
    pub object_size_less_than: Option<u64>,
}

/// When current objects end: after days or at a date.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Expiration {
    /// So many days after they were written.
    pub days: Option<i64>,
    /// From this day on, in ISO 8601.
    pub date: Option<String>,
    /// Delete markers end that nothing is behind.
    pub expired_object_delete_marker: Option<bool>,
}

/// When current objects go to another storage class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Transition {
    /// So many days after they were written.
    pub days: Option<i64>,
    /// From this day on, in ISO 8601.
    pub date: Option<String>,
    /// Where to.
    pub storage_class: String,
}

/// When objects end that are no longer current.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NoncurrentExpiration {
    /// So many days after they ceased to be.
    pub noncurrent_days: i64,
    /// But so many of the newest of a key stay.
    pub newer_noncurrent_versions: Option<i64>,
}

/// When objects that are no longer current go to another storage class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NoncurrentTransition {
    /// So many days after they ceased to be.
    pub noncurrent_days: i64,
    /// But so many of the newest of a key stay.
    pub newer_noncurrent_versions: Option<i64>,
    /// Where to.
    pub storage_class: String,
}

/// When uploads end that were never completed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UploadAbort {
    /// So many days after they were started.
    pub days_after_initiation: i64,
}
