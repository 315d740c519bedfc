//! Copy, delete, change and list: metadata alone, but for copies that are encrypted or hashed otherwise.

use super::api::*;
use super::engine::{Engine, outcome};
use super::get::OpenObject;
use crate::metadata::{Applied, Deletion, ListedRow, ListedVersionRow, Mutation, RenameToken, Walk, Walked};
use crate::types::{
    BucketLock, BucketName, ChecksumAlgorithm, Encryption, EncryptionMode, ObjectKey, Properties, VersionId,
    Versioning,
};

impl Engine {
    /// Copies an object: by reference where its bytes may stay as they are, else as a new write of what is read. One of
    /// another storage class is encoded as that asks for when this returns.
    /// `Conflict` when the source is gone meanwhile.
    pub async fn copy(&self, source: OpenObject, mut request: CopyRequest) -> Result<PutOutcome> {
        let from = source.info().properties.encryption.clone();
        let wanted = request.encryption.take().or_else(|| self.default_encryption(&request.bucket));
        let checksum = source.info().checksum.as_ref().map(|checksum| checksum.value.algorithm);
        let keeps_scheme = request.class == source.info().properties.class
            || source.is_encoded_as(self.schemes.scheme(request.bucket.as_str(), request.class));
        let keeps_bytes = keeps_scheme && (request.checksum.is_none() || request.checksum == checksum);
        match kept_encryption(from, wanted) {
            Ok(encryption) if keeps_bytes => self.copy_by_reference(source, request, encryption).await,
            Ok(encryption) => {
                self.copy_anew(
                    source,
                    request,
                    encryption.and_then(|from| NewEncryption::same_as(from.mode, None)),
                )
                .await
            }
            Err(wanted) => self.copy_anew(source, request, Some(wanted)).await,
        }
    }

    /// Gives an object another key in its bucket, in one step; its properties and times stay. `Conflict` when it was
    /// changed meanwhile.
    pub async fn rename(
        &self,
        source: OpenObject,
        key: &ObjectKey,
        condition: WriteCondition,
        token: Option<RenameToken>,
    ) -> Result<()> {
        let mutation = Mutation::RenameObject {
            bucket: source.bucket.to_string(),
            source: source.key.to_string(),
            sequence: source.sequence,
            key: key.to_string(),
            condition,
            token,
            now: self.clock.now(),
        };
        self.commit_change(mutation).await?;
        Ok(())
    }

    /// Whether a rename with this token was done already; `TokenReused` if it was another one.
    pub fn was_renamed(&self, bucket: &BucketName, token: &RenameToken) -> Result<bool> {
        Ok(self.store.was_renamed(bucket.as_str(), token, self.clock.now())?)
    }

    async fn copy_by_reference(
        &self,
        source: OpenObject,
        request: CopyRequest,
        encryption: Option<Encryption>,
    ) -> Result<PutOutcome> {
        let modified = self.clock.now();
        let mode = encryption.as_ref().map(|encryption| encryption.mode.clone());
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
            class: request.class,
            encryption,
            access: request.access,
        };
        outcome(self.commit_change(mutation).await?, modified, mode)
    }

    async fn copy_anew(
        &self,
        source: OpenObject,
        request: CopyRequest,
        encryption: Option<NewEncryption>,
    ) -> Result<PutOutcome> {
        let ObjectInfo { size, properties, checksum, .. } = source.info().clone();
        let stored = checksum.map(|checksum| checksum.value.algorithm);
        let algorithm = request.checksum.or(stored).unwrap_or(ChecksumAlgorithm::Crc64Nvme);
        let body = source.read(0..size).await?.into_body(algorithm);
        let properties = Properties {
            attributes: request.attributes.unwrap_or(properties.attributes),
            tags: request.tags.unwrap_or(properties.tags),
            lock: request.lock,
            access: request.access,
            class: request.class,
            encryption: None,
        };
        let CopyRequest { bucket, key, condition, .. } = request;
        let length = Some(size);
        let put = PutRequest { bucket, key, properties, encryption, length, content_md5: None, condition };
        self.put(put, body).await
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
        match self.commit_change(Mutation::DeleteObjects { bucket, deletions, now }).await? {
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
        match self.commit_change(Mutation::ChangeVersion { bucket, key, version, change, now }).await? {
            Applied::Changed { version } => Ok(version),
            _ => Err(Error::Internal("the commit changed nothing".into())),
        }
    }

    /// Seals the key of an object that the server encrypts under another named key. Its bytes stay as they are. `Conflict`
    /// when it was changed meanwhile.
    pub async fn rekey(&self, object: &OpenObject, wanted: NewEncryption) -> Result<()> {
        let info = object.info();
        let Some(from) = &info.properties.encryption else { return Err(Error::CustomerKeyNotApplicable) };
        let bytes = self.keyring.object_key_bytes(from, None).await?;
        let encryption = self.seal_object_key(wanted, &bytes).await?;
        let change = VersionChange::Encryption { from: from.sealed_key.clone(), encryption };
        self.change(&object.bucket, &object.key, info.version, change).await?;
        Ok(())
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

/// The encryption of a copy whose bytes stay as they are; else how they are to be encrypted anew. What is encrypted is
/// never copied to plain bytes: a copy of what has a client's key has the server's.
fn kept_encryption(
    from: Option<Encryption>,
    wanted: Option<NewEncryption>,
) -> std::result::Result<Option<Encryption>, NewEncryption> {
    use EncryptionMode as Mode;
    match (from, wanted) {
        (None, None) => Ok(None),
        (Some(Encryption { mode: Mode::Customer { .. }, .. }), None) => Err(NewEncryption::S3),
        (Some(from), None) => Ok(Some(from)),
        (Some(from), Some(NewEncryption::S3)) if from.mode == Mode::S3 => Ok(Some(from)),
        (_, Some(wanted)) => Err(wanted),
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
                class: row.class,
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
            class: row.class,
            owner: row.owner,
        }),
    }
}
