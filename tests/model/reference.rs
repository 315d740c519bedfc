//! What an object store is: a map from keys to bytes.

use std::collections::BTreeMap;

use bytes::Bytes;
use holdfast::object::WriteCondition;
use holdfast::types::Etag;

/// An object and its tag.
pub type Object = (Bytes, Etag);

/// Why a write does not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    NoSuchKey,
    PreconditionFailed,
}

#[derive(Debug, Default)]
pub struct Reference {
    objects: BTreeMap<String, Object>,
}

impl Reference {
    pub fn get(&self, key: &str) -> Option<&Object> {
        self.objects.get(key)
    }

    pub fn put(&mut self, key: &str, object: Object, condition: WriteCondition) -> Result<(), Refusal> {
        let present = self.objects.get(key);
        match (condition, present) {
            (WriteCondition::Always, _)
            | (WriteCondition::IfAbsent, None)
            | (WriteCondition::IfPresent, Some(_)) => {}
            (WriteCondition::IfMatch(etag), Some((_, held))) if *held == etag => {}
            (WriteCondition::IfPresent | WriteCondition::IfMatch(_), None) => return Err(Refusal::NoSuchKey),
            _ => return Err(Refusal::PreconditionFailed),
        }
        self.objects.insert(key.to_owned(), object);
        Ok(())
    }

    pub fn delete(&mut self, key: &str) {
        self.objects.remove(key);
    }

    /// Keys and groups of keys in order, the groups ending with the delimiter.
    pub fn list(&self, prefix: &str, delimiter: Option<&str>) -> Vec<String> {
        let entry = |key: &String| {
            let rest = key.strip_prefix(prefix)?;
            let end = delimiter.and_then(|delimiter| rest.find(delimiter).map(|at| at + delimiter.len()));
            Some(end.map_or_else(|| key.clone(), |end| key[..prefix.len() + end].to_owned()))
        };
        let mut entries: Vec<String> = self.objects.keys().filter_map(entry).collect();
        entries.dedup();
        entries
    }

    /// How many objects, and their bytes.
    pub fn count(&self) -> (u64, u64) {
        (self.objects.len() as u64, self.objects.values().map(|(data, _)| data.len() as u64).sum())
    }
}
