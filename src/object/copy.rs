//! Copy, delete and list: metadata alone.

use super::api::*;
use super::engine::{Engine, outcome};
use super::get::OpenObject;
use crate::metadata::{ListedRow, Mutation, Walk, Walked};
use crate::types::{BucketName, ObjectKey};

impl Engine {
    /// Copies by reference. `Conflict` when the source was replaced meanwhile.
    pub async fn copy(&self, source: OpenObject, request: CopyRequest) -> Result<PutOutcome> {
        let modified = self.clock.now();
        let mutation = Mutation::CopyObject {
            source: (source.bucket.to_string(), source.key.to_string()),
            sequence: source.sequence,
            bucket: request.bucket.to_string(),
            key: request.key.to_string(),
            condition: request.condition,
            modified,
            attributes: request.attributes,
        };
        outcome(self.store.commit(mutation).await?, modified)
    }

    /// Removes keys, each on its own; a key that does not exist is no error.
    pub async fn delete(&self, bucket: &BucketName, keys: Vec<ObjectKey>) -> Result<Vec<Result<()>>> {
        let count = keys.len();
        let keys = keys.iter().map(ObjectKey::to_string).collect();
        self.store.commit(Mutation::DeleteObjects { bucket: bucket.to_string(), keys }).await?;
        Ok((0..count).map(|_| Ok(())).collect())
    }

    /// A page of keys.
    pub async fn list(&self, request: ListRequest) -> Result<ListPage> {
        let _under_way = self.activity.begin();
        let walk = Walk {
            prefix: request.prefix,
            delimiter: request.delimiter,
            after: request.after,
            max: usize::from(request.max_keys),
        };
        let (entries, more) = self.store.list(request.bucket.as_str(), &walk)?;
        let next = entries.last().filter(|_| more).map(|last| match last {
            Walked::Row(row) => row.key.clone(),
            Walked::Group(group) => group.clone(),
        });
        Ok(ListPage { entries: entries.into_iter().map(entry).collect(), next })
    }
}

fn entry(walked: Walked<ListedRow>) -> ListEntry {
    match walked {
        Walked::Group(group) => ListEntry::CommonPrefix(group),
        Walked::Row(row) => ListEntry::Object(ListedObject {
            key: row.key,
            size: row.size,
            etag: row.etag,
            modified: row.modified,
            checksum: row.checksum,
        }),
    }
}
