//! The one function that changes state: a mutation in, rows changed or a refusal.
//!
//! Deterministic: the outcome depends on the database and the mutation alone, so that replaying the log
//! gives the same state. A precondition is checked before the first row is touched, so that a refused
//! mutation leaves nothing behind.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::events::{Change, Listeners};
use super::model::{Applied, Content, DrivePhase, Extent, MetadataError, Mutation, NewContent};
use super::schema::{self, ObjectDetail, UploadDetail, pack, pack_etag, unpack};
use super::spread::Spreads;
use super::versions::{self, Counts, NewVersion, Version};
use super::{blobs, configuration, events, identities, part_checksums, payload, query};
use crate::types::{
    BlobId, BucketLock, BucketQuota, ConfigurationKind, EventKind, ObjectLock, Origin, PartNumber,
    Properties, Scheme, Timestamp, UploadId, VersionId, Versioning,
};

type Result<T> = std::result::Result<T, MetadataError>;

/// Applies mutations inside a transaction that the caller opened.
#[derive(Debug)]
pub(super) struct Applier {
    next_sequence: u64,
    /// Buckets by name, as in the database.
    buckets: HashMap<String, Bucket>,
    /// Changes of what buckets hold, by id, written once a batch.
    counts: HashMap<i64, Counts>,
    pub(super) spreads: Spreads,
    /// Whose request the present mutation is.
    pub(super) origin: Option<Origin>,
}

/// What of a bucket decides how a mutation is applied.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    pub(super) id: i64,
    pub(super) versioning: Versioning,
    pub(super) lock: Option<BucketLock>,
    /// Who is told of changes; `None` for most.
    pub(super) listeners: Option<Arc<Listeners>>,
    /// How many bytes it may hold; `None` for most.
    pub(super) quota: Option<BucketQuota>,
}

impl Bucket {
    /// The name of a version that is written now.
    pub(super) fn version_of(&self, sequence: u64) -> Option<VersionId> {
        match self.versioning {
            Versioning::Unversioned => None,
            Versioning::Enabled => Some(VersionId::Number(sequence)),
            Versioning::Suspended => Some(VersionId::Null),
        }
    }
}

impl Applier {
    /// Reads where the database stands.
    pub(super) fn new(connection: &Connection) -> Result<Self> {
        let next_sequence = query::state(connection, "next_sequence")?;
        Ok(Self {
            next_sequence,
            buckets: HashMap::new(),
            counts: HashMap::new(),
            spreads: Spreads::default(),
            origin: None,
        })
    }

    /// Forgets what a rolled-back transaction taught.
    pub(super) fn rolled_back(&mut self, connection: &Connection) -> Result<()> {
        *self = Self::new(connection)?;
        Ok(())
    }

    /// Writes what is kept once a batch. Call before committing.
    pub(super) fn finish_batch(&mut self, db: &Connection) -> Result<()> {
        let mut update = db.prepare_cached(
            "UPDATE buckets SET objects = objects + ?2, bytes = bytes + ?3, versions = versions + ?4,
             version_bytes = version_bytes + ?5, markers = markers + ?6 WHERE id = ?1",
        )?;
        for (bucket, Counts { objects, bytes, versions, version_bytes, markers }) in self.counts.drain() {
            update.execute(params![bucket, objects, bytes, versions, version_bytes, markers])?;
        }
        self.spreads.flush(db)?;
        query::set_state(db, "next_sequence", self.next_sequence)
    }

    /// Applies one mutation.
    pub(super) fn apply(&mut self, db: &Connection, mutation: &Mutation) -> Result<Applied> {
        match mutation {
            Mutation::CreateBucket { .. } => self.create_bucket(db, mutation),
            Mutation::DeleteBucket { bucket } => self.delete_bucket(db, bucket),
            Mutation::PutObject { .. } => self.put_object(db, mutation),
            Mutation::CopyObject { .. } => self.copy_object(db, mutation),
            Mutation::AppendObject { .. } => self.append_object(db, mutation),
            Mutation::Transition { bucket, versions, now } => self.transition(db, bucket, versions, *now),
            Mutation::RenameObject { .. } => self.rename_object(db, mutation),
            Mutation::DeleteObjects { .. } => self.delete_objects(db, mutation),
            Mutation::ChangeVersion { .. } => self.change_version(db, mutation),
            Mutation::SetVersioning { bucket, versioning } => self.set_versioning(db, bucket, *versioning),
            Mutation::SetBucketLock { bucket, lock } => self.set_bucket_lock(db, bucket, *lock),
            Mutation::CreateUpload { .. } => self.create_upload(db, mutation),
            Mutation::PutPart { .. } => self.put_part(db, mutation),
            Mutation::CompleteUpload { .. } => self.complete_upload(db, mutation),
            Mutation::AbortUpload { bucket, key, upload } => self.abort_upload(db, bucket, key, *upload),
            Mutation::NeedHeal { shards } => {
                let spreads = &mut self.spreads;
                shards
                    .iter()
                    .try_for_each(|&(blob, shard, slot)| blobs::lose(db, spreads, blob, shard, slot))?;
                Ok(Applied::Done)
            }
            Mutation::Healed { shards } => {
                let spreads = &mut self.spreads;
                shards
                    .iter()
                    .try_for_each(|&(blob, shard, slot)| blobs::place(db, spreads, blob, shard, slot))?;
                Ok(Applied::Done)
            }
            Mutation::GarbageSwept { ids } => {
                let mut delete = db.prepare_cached("DELETE FROM garbage WHERE id = ?1")?;
                ids.iter().try_for_each(|id| delete.execute([*id as i64]).map(drop))?;
                Ok(Applied::Done)
            }
            Mutation::AdmitDrive { slot, drive, location } => {
                db.execute(
                    "INSERT INTO drives VALUES (?1, ?2, ?4, ?3) ON CONFLICT (slot) DO UPDATE
                     SET phase = iif(drive <> excluded.drive, ?5, phase), drive = excluded.drive,
                     location = excluded.location",
                    params![
                        slot.0,
                        drive.0.to_be_bytes(),
                        location,
                        schema::pack_phase(DrivePhase::Active),
                        schema::pack_phase(DrivePhase::Refilling)
                    ],
                )?;
                Ok(Applied::Done)
            }
            Mutation::SetDrivePhase { slot, phase } => {
                let set = "UPDATE drives SET phase = ?2 WHERE slot = ?1";
                db.execute(set, params![slot.0, schema::pack_phase(*phase)])?;
                Ok(Applied::Done)
            }
            Mutation::SetBucketScheme { bucket, scheme } => self.set_bucket_scheme(db, bucket, *scheme),
            Mutation::Recode { .. } => self.recode(db, mutation),
            Mutation::NoteProgress { job, progress } => {
                db.execute("INSERT OR REPLACE INTO jobs VALUES (?1, ?2)", params![job, &progress[..]])?;
                Ok(Applied::Done)
            }
            Mutation::PutConfiguration { bucket, key, document } => {
                self.put_configuration(db, bucket, key, document)
            }
            Mutation::ExpireObjects { bucket, objects, now } => {
                self.expire_objects(db, bucket, objects, *now)
            }
            Mutation::ExpireVersions { bucket, versions, now } => {
                self.expire_versions(db, bucket, versions, *now)
            }
            Mutation::CreateAccount { account, key } => self.create_account(db, account, key),
            Mutation::RemoveAccount { account } => self.remove_account(db, account),
            Mutation::CreateAccessKey { key } => self.create_access_key(db, key),
            Mutation::SetAccessKey { access_key, active } => self.set_access_key(db, access_key, *active),
            Mutation::RemoveAccessKey { access_key } => self.remove_access_key(db, access_key),
            Mutation::ResealAccessKey { access_key, secret } => {
                self.reseal_access_key(db, access_key, secret)
            }
            Mutation::ChangeIdentities { revision, put, remove } => {
                identities::change(db, *revision, put, remove)
            }
            Mutation::RemoveConfiguration { bucket, key } => self.remove_configuration(db, bucket, key),
            Mutation::PutMasterKey { id, revision, key } => self.put_master_key(db, id, *revision, key),
            Mutation::OnBehalf { origin, mutation } => {
                self.origin = Some(origin.clone());
                let applied = self.apply(db, mutation);
                self.origin = None;
                applied
            }
            Mutation::TestNotification { bucket, now } => self.tell_test(db, bucket, *now),
            Mutation::EndEvents { target, through, how } => events::end(db, target, *through, *how),
        }
    }

    pub(super) fn bucket(&mut self, db: &Connection, name: &str) -> Result<Bucket> {
        if let Some(bucket) = self.buckets.get(name) {
            return Ok(bucket.clone());
        }
        let bucket = query::bucket_to_write(db, name)?;
        self.buckets.insert(name.to_owned(), bucket.clone());
        Ok(bucket)
    }

    /// Has a bucket read again, if this configuration decides how mutations are applied.
    pub(super) fn forget_configured(&mut self, name: &str, kind: ConfigurationKind) {
        if matches!(kind, ConfigurationKind::Notification | ConfigurationKind::Quota) {
            self.buckets.remove(name);
        }
    }

    pub(super) fn count(&mut self, bucket: i64, counts: Counts) {
        *self.counts.entry(bucket).or_default() += counts;
    }

    /// Bytes by which the present batch made a bucket larger.
    pub(super) fn bytes_added(&self, bucket: i64) -> i64 {
        self.counts.get(&bucket).map_or(0, |counts| counts.bytes + counts.version_bytes)
    }

    fn create_bucket(&mut self, db: &Connection, mutation: &Mutation) -> Result<Applied> {
        let Mutation::CreateBucket { bucket: name, created, has_lock, owner, configurations } = mutation
        else {
            unreachable!("called for this variant only");
        };
        match self.bucket(db, name) {
            Ok(_) => return Err(MetadataError::BucketExists),
            Err(MetadataError::NoSuchBucket) => {}
            Err(error) => return Err(error),
        }
        let created = created.as_millis() as i64;
        let versioning = if *has_lock { Versioning::Enabled } else { Versioning::Unversioned };
        let lock = has_lock.then(|| pack(&BucketLock::default()));
        db.execute(
            "INSERT INTO buckets (name, created, versioning, lock, owner) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![name, created, schema::pack_versioning(versioning), lock, owner.map(|owner| owner.0)],
        )?;
        for (kind, document) in configurations {
            self.put_configuration(db, name, &(*kind).into(), document)?;
        }
        Ok(Applied::Done)
    }

    fn delete_bucket(&mut self, db: &Connection, name: &str) -> Result<Applied> {
        let id = self.bucket(db, name)?.id;
        let exists = "SELECT EXISTS (SELECT 1 FROM objects WHERE bucket = ?1)
                      OR EXISTS (SELECT 1 FROM versions WHERE bucket = ?1)";
        if db.query_row(exists, [id], |row| row.get(0))? {
            return Err(MetadataError::BucketNotEmpty);
        }
        // As on AWS, uploads in progress do not hold a bucket: they end with it.
        let uploads: Vec<UploadId> = db
            .prepare_cached("SELECT upload FROM uploads WHERE bucket = ?1")?
            .query_map([id], |row| row.get(0).map(|upload| UploadId(u128::from_be_bytes(upload))))?
            .collect::<rusqlite::Result<_>>()?;
        uploads.into_iter().try_for_each(|upload| self.drop_unchosen_parts(db, upload, &[]))?;
        db.execute("DELETE FROM uploads WHERE bucket = ?1", [id])?;
        configuration::remove_all(db, id)?;
        db.execute("DELETE FROM rename_tokens WHERE bucket = ?1", [id])?;
        db.execute("DELETE FROM buckets WHERE id = ?1", [id])?;
        self.buckets.remove(name);
        self.counts.remove(&id);
        Ok(Applied::Done)
    }

    fn set_bucket_scheme(
        &mut self,
        db: &Connection,
        bucket: &str,
        scheme: Option<Scheme>,
    ) -> Result<Applied> {
        let id = self.bucket(db, bucket)?.id;
        db.execute(
            "UPDATE buckets SET data_shards = ?2, parity_shards = ?3 WHERE id = ?1",
            params![id, scheme.map(|scheme| scheme.data), scheme.map(|scheme| scheme.parity)],
        )?;
        Ok(Applied::Done)
    }

    fn set_versioning(&mut self, db: &Connection, name: &str, versioning: Versioning) -> Result<Applied> {
        let bucket = self.bucket(db, name)?;
        // What is locked must stay a version of its own.
        let permitted = match versioning {
            Versioning::Unversioned => false,
            Versioning::Enabled => true,
            Versioning::Suspended => bucket.lock.is_none(),
        };
        if !permitted {
            return Err(MetadataError::InvalidBucketState);
        }
        let set = "UPDATE buckets SET versioning = ?2 WHERE id = ?1";
        db.execute(set, params![bucket.id, schema::pack_versioning(versioning)])?;
        self.buckets.remove(name);
        Ok(Applied::Done)
    }

    fn set_bucket_lock(&mut self, db: &Connection, name: &str, lock: BucketLock) -> Result<Applied> {
        let bucket = self.bucket(db, name)?;
        if bucket.versioning != Versioning::Enabled {
            return Err(MetadataError::InvalidBucketState);
        }
        db.execute("UPDATE buckets SET lock = ?2 WHERE id = ?1", params![bucket.id, pack(&lock)])?;
        self.buckets.remove(name);
        Ok(Applied::Done)
    }

    fn put_object(&mut self, db: &Connection, mutation: &Mutation) -> Result<Applied> {
        let Mutation::PutObject {
            bucket,
            key,
            condition,
            size,
            etag,
            modified,
            properties,
            checksum,
            content,
        } = mutation
        else {
            unreachable!("called for this variant only");
        };
        let (name, bucket) = (bucket, self.bucket(db, bucket)?);
        let properties = locked(&bucket, properties.clone(), *modified)?;
        let current = versions::current(db, (bucket.id, key))?;
        versions::check(*condition, current.as_ref())?;
        self.check_quota(db, (&bucket, name, key), current.as_ref(), *size)?;
        let stored = match content {
            NewContent::Inline(data) => Content::Inline(Bytes::copy_from_slice(payload::head(data))),
            NewContent::Blob { layout, missing } => {
                blobs::insert(db, &mut self.spreads, layout, missing, None)?;
                Content::Blobs(vec![Extent { blob: layout.blob, size: layout.size }])
            }
        };
        let detail = ObjectDetail { properties, checksum: checksum.clone(), content: stored };
        let object = NewVersion { size: *size, etag: *etag, modified: *modified, detail: &detail };
        let sequence = self.write(db, (&bucket, key), current, &object)?;
        if let NewContent::Inline(data) = content {
            payload::insert(db, sequence, data)?;
        }
        let is_form = self.origin.as_ref().is_some_and(|origin| origin.is_form);
        let kind = if is_form { EventKind::CreatedPost } else { EventKind::CreatedPut };
        let version = self.tell_created(db, &bucket, kind, (key, sequence), &object)?;
        Ok(Applied::Put { etag: *etag, checksum: checksum.clone(), version })
    }

    fn copy_object(&mut self, db: &Connection, mutation: &Mutation) -> Result<Applied> {
        let Mutation::CopyObject {
            source,
            sequence,
            bucket,
            key,
            condition,
            modified,
            attributes,
            tags,
            lock,
            class,
            encryption,
            access,
        } = mutation
        else {
            unreachable!("called for this variant only");
        };
        let source_at = (self.bucket(db, &source.0)?.id, source.1.as_str());
        let (name, bucket) = (bucket, self.bucket(db, bucket)?);
        let from = versions::of_sequence(db, source_at, *sequence)?.ok_or(MetadataError::SourceChanged)?;
        let copied = from.detail.as_ref().ok_or(MetadataError::SourceChanged)?.properties.clone();
        let properties = Properties {
            attributes: attributes.clone().unwrap_or(copied.attributes),
            tags: tags.clone().unwrap_or(copied.tags),
            lock: *lock,
            class: *class,
            encryption: encryption.clone(),
            access: access.clone(),
        };
        let properties = locked(&bucket, properties, *modified)?;
        let current = versions::current(db, (bucket.id, key))?;
        versions::check(*condition, current.as_ref())?;
        self.check_quota(db, (&bucket, name, key), current.as_ref(), from.size)?;
        self.write_copy(db, (&bucket, key), current, from, (properties, *modified))
    }

    /// Writes a version of the bytes of another.
    pub(super) fn write_copy(
        &mut self,
        db: &Connection,
        at: (&Bucket, &str),
        current: Option<Version>,
        from: Version,
        (properties, modified): (Properties, Timestamp),
    ) -> Result<Applied> {
        let copied = from.detail.ok_or(MetadataError::SourceChanged)?;
        let payload = match &copied.content {
            Content::Inline(head) => {
                payload::read(db, from.sequence, copied.properties.stored_len(from.size), head)?
            }
            Content::Blobs(_) => None,
        };
        let parts = part_checksums::of_version(db, from.sequence, &copied)?;
        let detail = ObjectDetail { properties, checksum: copied.checksum, content: copied.content };
        let object = NewVersion { size: from.size, etag: from.etag, modified, detail: &detail };
        let sequence = self.write(db, at, current, &object)?;
        part_checksums::insert(db, sequence, parts.as_deref())?;
        if let Some(payload) = payload {
            payload::insert(db, sequence, &payload)?;
        }
        let version = self.tell_created(db, at.0, EventKind::CreatedCopy, (at.1, sequence), &object)?;
        Ok(Applied::Put { etag: from.etag, checksum: detail.checksum, version })
    }

    /// Tells of a new version, and returns its name.
    pub(super) fn tell_created(
        &mut self,
        db: &Connection,
        bucket: &Bucket,
        kind: EventKind,
        (key, sequence): (&str, u64),
        object: &NewVersion<'_>,
    ) -> Result<Option<VersionId>> {
        let version = bucket.version_of(sequence);
        let (size, etag, at) = (object.size, Some(object.etag), object.modified);
        self.tell(db, bucket, Change { kind, key, version, size, etag, at })?;
        Ok(version)
    }

    /// The number of the next version.
    pub(super) fn take_sequence(&mut self) -> u64 {
        self.next_sequence += 1;
        self.next_sequence - 1
    }

    /// Releases the parts that the object does not use, and drops all part rows.
    fn drop_unchosen_parts(&mut self, db: &Connection, upload: UploadId, chosen: &[Extent]) -> Result<()> {
        let id = upload.0.to_be_bytes();
        let all: Vec<BlobId> = db
            .prepare_cached("SELECT blob FROM parts WHERE upload = ?1")?
            .query_map([id], |row| row.get(0).map(|blob| BlobId(u128::from_be_bytes(blob))))?
            .collect::<rusqlite::Result<_>>()?;
        let chosen: std::collections::HashSet<BlobId> = chosen.iter().map(|extent| extent.blob).collect();
        let mut unchosen = all.into_iter().filter(|blob| !chosen.contains(blob));
        unchosen.try_for_each(|blob| blobs::remove(db, &mut self.spreads, blob))?;
        db.prepare_cached("DELETE FROM parts WHERE upload = ?1")?.execute([id])?;
        Ok(())
    }

    fn create_upload(&mut self, db: &Connection, mutation: &Mutation) -> Result<Applied> {
        let Mutation::CreateUpload { bucket, key, upload, initiated, properties, checksum } = mutation else {
            unreachable!("called for this variant only");
        };
        let bucket = self.bucket(db, bucket)?;
        let properties = locked(&bucket, properties.clone(), *initiated)?;
        let detail = pack(&UploadDetail { properties, checksum: *checksum });
        db.prepare_cached("INSERT INTO uploads VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
            bucket.id,
            key,
            upload.0.to_be_bytes(),
            initiated.as_millis() as i64,
            detail
        ])?;
        Ok(Applied::Done)
    }

    /// The upload's detail, if it is one of this key.
    fn upload(
        &mut self,
        db: &Connection,
        bucket: &str,
        key: &str,
        upload: UploadId,
    ) -> Result<(Bucket, UploadDetail)> {
        let bucket = self.bucket(db, bucket)?;
        let detail: Option<Vec<u8>> = db
            .prepare_cached("SELECT detail FROM uploads WHERE bucket = ?1 AND key = ?2 AND upload = ?3")?
            .query_row(params![bucket.id, key, upload.0.to_be_bytes()], |row| row.get(0))
            .optional()?;
        Ok((bucket, unpack(&detail.ok_or(MetadataError::NoSuchUpload)?)?))
    }

    fn put_part(&mut self, db: &Connection, mutation: &Mutation) -> Result<Applied> {
        let Mutation::PutPart { bucket, key, upload, part, etag, modified, checksum, layout, missing } =
            mutation
        else {
            unreachable!("called for this variant only");
        };
        self.upload(db, bucket, key, *upload)?;
        if let Some(replaced) = part_blob(db, *upload, *part)? {
            blobs::remove(db, &mut self.spreads, replaced)?;
        }
        db.prepare_cached("INSERT OR REPLACE INTO parts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(
            params![
                upload.0.to_be_bytes(),
                part.get(),
                layout.size as i64,
                pack_etag(*etag),
                modified.as_millis() as i64,
                pack(checksum),
                layout.blob.0.to_be_bytes()
            ],
        )?;
        blobs::insert(db, &mut self.spreads, layout, missing, Some(*upload))?;
        Ok(Applied::Done)
    }

    fn complete_upload(&mut self, db: &Connection, mutation: &Mutation) -> Result<Applied> {
        let Mutation::CompleteUpload { bucket, key, upload, parts, condition, etag, modified, checksum } =
            mutation
        else {
            unreachable!("called for this variant only");
        };
        let name = bucket;
        let (bucket, UploadDetail { properties, .. }) = self.upload(db, bucket, key, *upload)?;
        let current = versions::current(db, (bucket.id, key))?;
        versions::check(*condition, current.as_ref())?;
        let extents = chosen_extents(db, *upload, parts)?;
        let size = extents.iter().map(|extent| properties.plain_len(extent.size)).sum();
        self.check_quota(db, (&bucket, name, key), current.as_ref(), size)?;
        let values = part_checksums::of_parts(db, *upload, parts, checksum.as_ref())?;
        self.drop_unchosen_parts(db, *upload, &extents)?;
        drop_upload(db, bucket.id, key, *upload)?;
        blobs::compose(db, &mut self.spreads, *upload, &extents)?;
        let content = Content::Blobs(extents);
        let detail = ObjectDetail { properties, checksum: checksum.clone(), content };
        let object = NewVersion { size, etag: *etag, modified: *modified, detail: &detail };
        let sequence = self.write(db, (&bucket, key), current, &object)?;
        part_checksums::insert(db, sequence, values.as_deref())?;
        let version = self.tell_created(db, &bucket, EventKind::CreatedUpload, (key, sequence), &object)?;
        Ok(Applied::Put { etag: *etag, checksum: checksum.clone(), version })
    }

    fn abort_upload(
        &mut self,
        db: &Connection,
        bucket: &str,
        key: &str,
        upload: UploadId,
    ) -> Result<Applied> {
        let (bucket, _) = self.upload(db, bucket, key, upload)?;
        self.drop_unchosen_parts(db, upload, &[])?;
        drop_upload(db, bucket.id, key, upload)?;
        Ok(Applied::Done)
    }
}

/// What an object in this bucket keeps: with the bucket's default retention, unless it has its own.
fn locked(bucket: &Bucket, mut properties: Properties, now: Timestamp) -> Result<Properties> {
    match &bucket.lock {
        Some(lock) if properties.lock.retention.is_none() => {
            properties.lock.retention = lock.retention_at(now);
        }
        None if properties.lock != ObjectLock::default() => return Err(MetadataError::NoObjectLock),
        _ => {}
    }
    Ok(properties)
}

fn part_blob(db: &Connection, upload: UploadId, part: PartNumber) -> Result<Option<BlobId>> {
    let blob: Option<[u8; 16]> = db
        .prepare_cached("SELECT blob FROM parts WHERE upload = ?1 AND part = ?2")?
        .query_row(params![upload.0.to_be_bytes(), part.get()], |row| row.get(0))
        .optional()?;
    Ok(blob.map(|blob| BlobId(u128::from_be_bytes(blob))))
}

/// The extents of the chosen parts, each of which must still be the one that was read.
fn chosen_extents(db: &Connection, upload: UploadId, parts: &[(PartNumber, BlobId)]) -> Result<Vec<Extent>> {
    let mut select =
        db.prepare_cached("SELECT size FROM parts WHERE upload = ?1 AND part = ?2 AND blob = ?3")?;
    let extent = |&(part, blob): &(PartNumber, BlobId)| {
        let size: Option<i64> = select
            .query_row(params![upload.0.to_be_bytes(), part.get(), blob.0.to_be_bytes()], |row| row.get(0))
            .optional()?;
        let size = size.ok_or(MetadataError::PartChanged(part))? as u64;
        Ok(Extent { blob, size })
    };
    parts.iter().map(extent).collect()
}

fn drop_upload(db: &Connection, bucket: i64, key: &str, upload: UploadId) -> Result<()> {
    db.prepare_cached("DELETE FROM uploads WHERE bucket = ?1 AND key = ?2 AND upload = ?3")?
        .execute(params![bucket, key, upload.0.to_be_bytes()])?;
    Ok(())
}
