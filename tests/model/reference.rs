//! What an object store is: a map from keys to bytes, or to versions of them.

use std::collections::BTreeMap;

use bytes::Bytes;
use holdfast::object::WriteCondition;
use holdfast::types::{Etag, VersionId, Versioning};

/// An object and its tag.
pub type Object = (Bytes, Etag);

/// Why a write does not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    NoSuchKey,
    NoSuchVersion,
    DeleteMarker,
    PreconditionFailed,
}

/// One version of a key.
#[derive(Debug, Clone)]
pub struct Version {
    /// As the engine named it.
    pub id: VersionId,
    /// `None` for a delete marker.
    pub object: Option<Object>,
}

/// A version in a listing: key, name, whether it is the newest, and whether it is a delete marker.
pub type Listed = (String, VersionId, bool, bool);

#[derive(Debug, Default)]
pub struct Reference {
    pub versioning: Versioning,
    /// Of each key, newest first; never none.
    versions: BTreeMap<String, Vec<Version>>,
}

impl Reference {
    /// The current version of a key that is not deleted.
    pub fn get(&self, key: &str) -> Option<&Object> {
        self.versions.get(key)?.first()?.object.as_ref()
    }

    /// The versions of a key, newest first.
    pub fn versions(&self, key: &str) -> &[Version] {
        self.versions.get(key).map_or(&[], Vec::as_slice)
    }

    /// The object of this name.
    pub fn named(&self, key: &str, id: VersionId) -> Result<&Object, Refusal> {
        let found = self.versions(key).iter().find(|version| version.id == id);
        found.ok_or(Refusal::NoSuchVersion)?.object.as_ref().ok_or(Refusal::DeleteMarker)
    }

    /// Whether a write may happen.
    pub fn check(&self, key: &str, condition: WriteCondition) -> Result<(), Refusal> {
        match (condition, self.get(key)) {
            (WriteCondition::Always, _)
            | (WriteCondition::IfAbsent, None)
            | (WriteCondition::IfPresent, Some(_)) => Ok(()),
            (WriteCondition::IfMatch(etag), Some((_, held))) if *held == etag => Ok(()),
            (WriteCondition::IfPresent | WriteCondition::IfMatch(_), None) => Err(Refusal::NoSuchKey),
            _ => Err(Refusal::PreconditionFailed),
        }
    }

    /// A new version, by the name that the engine gave it.
    pub fn put(&mut self, key: &str, object: Object, named: Option<VersionId>) {
        self.push(key, Version { id: named.unwrap_or(VersionId::Null), object: Some(object) });
    }

    /// Removes a key: for good, or by a delete marker of this name.
    pub fn delete(&mut self, key: &str, marker: Option<VersionId>) {
        match marker {
            None => drop(self.versions.remove(key)),
            Some(id) => self.push(key, Version { id, object: None }),
        }
    }

    fn push(&mut self, key: &str, version: Version) {
        let versions = self.versions.entry(key.to_owned()).or_default();
        if version.id == VersionId::Null {
            versions.retain(|other| other.id != VersionId::Null);
        }
        versions.insert(0, version);
    }

    /// Removes a version for good; tells whether it was a delete marker.
    pub fn remove(&mut self, key: &str, id: VersionId) -> bool {
        let Some(versions) = self.versions.get_mut(key) else { return false };
        let Some(at) = versions.iter().position(|version| version.id == id) else { return false };
        let removed = versions.remove(at);
        if versions.is_empty() {
            self.versions.remove(key);
        }
        removed.object.is_none()
    }

    /// Keys and groups of keys in order, the groups ending with the delimiter.
    pub fn list(&self, prefix: &str, delimiter: Option<&str>) -> Vec<String> {
        let keys = self.versions.keys().filter(|key| self.get(key).is_some());
        let mut entries: Vec<String> = keys.filter_map(|key| entry(key, prefix, delimiter)).collect();
        entries.dedup();
        entries
    }

    /// All versions of keys with a prefix, in the order of a listing.
    pub fn list_versions(&self, prefix: &str) -> Vec<Listed> {
        let keys = self.versions.iter().filter(|(key, _)| key.starts_with(prefix));
        let of_key = |(key, versions): (&String, &Vec<Version>)| {
            let listed = |(at, version): (usize, &Version)| {
                (key.clone(), version.id, at == 0, version.object.is_none())
            };
            versions.iter().enumerate().map(listed).collect::<Vec<_>>()
        };
        keys.flat_map(of_key).collect()
    }

    /// How many objects, and their bytes; how many other versions, and their bytes; how many delete markers.
    pub fn count(&self) -> [u64; 5] {
        let mut count = [0; 5];
        for versions in self.versions.values() {
            for (at, version) in versions.iter().enumerate() {
                match &version.object {
                    Some((data, _)) if at == 0 => {
                        (count[0], count[1]) = (count[0] + 1, count[1] + data.len() as u64)
                    }
                    Some((data, _)) => (count[2], count[3]) = (count[2] + 1, count[3] + data.len() as u64),
                    None => count[4] += 1,
                }
            }
        }
        count
    }
}

/// The entry of a listing that a key is shown under.
fn entry(key: &str, prefix: &str, delimiter: Option<&str>) -> Option<String> {
    let rest = key.strip_prefix(prefix)?;
    let end = delimiter.and_then(|delimiter| rest.find(delimiter).map(|at| at + delimiter.len()));
    Some(end.map_or_else(|| key.to_owned(), |end| key[..prefix.len() + end].to_owned()))
}
