//! Copy, delete, change and list: metadata alone.

use super::api::*;
use super::engine::{Engine, outcome};
use super::get::OpenObject;
use crate::metadata::{Applied, Deletion, ListedRow, ListedVersionRow, Mutation, Walk, Walked};
use crate::types::{BucketLock, BucketName, ObjectKey, VersionId, Versioning};

impl Engine {
    /// Copies by reference. `Conflict` when the source is gone meanwhile.
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
            tags: request.tags,
            lock: request.lock,
            access: request.access,
        };
        outcome(self.store.commit(mutation).await?, modified)
    }

    /// Removes objects or versions, each for itself; what does not exist is no error.
    pub async fn delete(
        &self,
        bucket: &BucketName,
        requests: Vec<DeleteRequest>,
    ) -> Result<Vec<Result<Deleted>>> {
        let deletion = |request: DeleteRequest| Deletion {
            key: request.key.to_string(),
            version: request.version,
            condition: request.condition,
            bypass_governance: request.bypass_governance,
        };
        let deletions = requests.into_iter().map(deletion).collect();
        let (bucket, now) = (bucket.to_string(), self.clock.now());
        match self.store.commit(Mutation::DeleteObjects { bucket, deletions, now }).await? {
            Applied::Deleted(outcomes) => {
                Ok(outcomes.into_iter().map(|outcome| outcome.map_err(Error::from)).collect())
            }
            _ => Err(Error::Internal("the commit deleted nothing".into())),
        }
    }

    /// Changes what is kept beside the current version of an object, or the one that is named. Returns its name;
    /// `None` in a bucket that never had versions.
    pub async fn change(
        &self,
        bucket: &BucketName,
        key: &ObjectKey,
        version: Option<VersionId>,
        change: VersionChange,
    ) -> Result<Option<VersionId>> {
        let (bucket, key, now) = (bucket.to_string(), key.to_string(), self.clock.now());
        match self.store.commit(Mutation::ChangeVersion { bucket, key, version, change, now }).await? {
            Applied::Changed { version } => Ok(version),
            _ => Err(Error::Internal("the commit changed nothing".into())),
        }
    }

    /// Says whether a bucket keeps versions.
    pub async fn set_versioning(&self, bucket: &BucketName, versioning: Versioning) -> Result<()> {
        self.store.commit(Mutation::SetVersioning { bucket: bucket.to_string(), versioning }).await?;
        Ok(())
    }

    /// Gives a bucket with versions Object Lock, or changes its default.
    pub async fn set_bucket_lock(&self, bucket: &BucketName, lock: BucketLock) -> Result<()> {
        self.store.commit(Mutation::SetBucketLock { bucket: bucket.to_string(), lock }).await?;
        Ok(())
    }

    /// A page of versions.
    pub async fn list_versions(&self, request: ListVersionsRequest) -> Result<ListVersionsPage> {
        let _under_way = self.activity.begin();
        let (bucket, walk) = walk(request.keys);
        let (entries, more) = self.store.list_versions(bucket.as_str(), &walk, request.behind)?;
        let next = entries.last().filter(|_| more).map(|last| match last {
            Walked::Row(row) => (row.key.clone(), Some(row.version)),
            Walked::Group(group) => (group.clone(), None),
        });
        Ok(ListVersionsPage { entries: entries.into_iter().map(version_entry).collect(), next })
    }

    /// A page of keys.
    pub async fn list(&self, request: ListRequest) -> Result<ListPage> {
        let _under_way = self.activity.begin();
        let (bucket, walk) = walk(request);
        let (entries, more) = self.store.list(bucket.as_str(), &walk)?;
        let next = entries.last().filter(|_| more).map(|last| match last {
            Walked::Row(row) => row.key.clone(),
            Walked::Group(group) => group.clone(),
        });
        Ok(ListPage { entries: entries.into_iter().map(entry).collect(), next })
    }
}

fn walk(request: ListRequest) -> (BucketName, Walk) {
    let ListRequest { bucket, prefix, delimiter, after, max_keys } = request;
    (bucket, Walk { prefix, delimiter, after, max: usize::from(max_keys) })
}

fn version_entry(walked: Walked<ListedVersionRow>) -> ListVersionsEntry {
    match walked {
        Walked::Group(group) => ListVersionsEntry::CommonPrefix(group),
        Walked::Row(row) => ListVersionsEntry::Version(ListedVersion {
            object: ListedObject {
                key: row.key,
                size: row.size,
                etag: row.etag,
                modified: row.modified,
                checksum: row.checksum,
                owner: row.owner,
            },
            version: row.version,
            is_latest: row.is_latest,
            is_marker: row.is_marker,
        }),
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
            owner: row.owner,
        }),
    }
}
