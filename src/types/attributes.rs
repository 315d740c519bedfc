//! What a client stores beside an object's bytes.

use serde::{Deserialize, Serialize};

use super::{Acl, CanonicalId, ObjectLock, Tags};

/// All that is kept beside the bytes of one version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Properties {
    /// Headers.
    pub attributes: Attributes,
    /// Tags.
    pub tags: Tags,
    /// What keeps it from being removed.
    pub lock: ObjectLock,
    /// Whose it is, and who else may use it.
    pub access: ObjectAccess,
}

/// Whose an object is, and who else may use it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectAccess {
    /// Its owner; `None` for that of its bucket.
    pub owner: Option<CanonicalId>,
    /// Its ACL; `None` for one that grants its owner alone.
    pub acl: Option<Acl>,
}

/// Headers kept with an object, lower-case name to value, in the order given:
/// `content-type`, `cache-control`, `x-amz-meta-...`. The engine never looks inside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes(Vec<(String, String)>);

impl Attributes {
    /// Adds one attribute; a name given twice is kept twice.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// The first value under `name`, which must be lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// All attributes in the order given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }
}
