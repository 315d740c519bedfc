//! The one function that changes state: a mutation in, rows changed or a refusal.
//!
//! Deterministic: the outcome depends on the database and the mutation alone, so that replaying the log
//! gives the same state. A precondition is checked before the first row is touched, so that a refused
//! mutation leaves nothing behind.

use std::collections::HashMap;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::model::{Applied, Content, DrivePhase, Extent, MetadataError, Mutation, NewContent};
use super::schema::{self, ObjectDetail, UploadDetail, pack, pack_etag, unpack};
use super::spread::Spreads;
use super::{blobs, configuration, payload, query};
use crate::types::{BlobId, Etag, PartNumber, Scheme, Timestamp, UploadId, WriteCondition};

type Result<T> = std::result::Result<T, MetadataError>;

/// Applies mutations inside a transaction that the caller opened.
#[derive(Debug)]
pub(super) struct Applier {
    next_sequence: u64,
    /// Bucket ids by name, as in the database.
    buckets: HashMap<String, i64>,
    /// Changes of objects and bytes per bucket, written once a batch.
    counts: HashMap<i64, (i64, i64)>,
    pub(super) spreads: Spreads,
}

/// What stood under a key.
pub(super) struct Existing {
    size: u64,
    pub(super) sequence: u64,
    etag: Etag,
    pub(super) detail: ObjectDetail,
}

/// An object about to be written.
struct NewObject<'a> {
    size: u64,
    etag: Etag,
    modified: Timestamp,
    detail: &'a ObjectDetail,
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
        })
    }

    /// Forgets what a rolled-back transaction taught.
    pub(super) fn rolled_back(&mut self, connection: &Connection) -> Result<()> {
        *self = Self::new(connection)?;
        Ok(())
    }

    /// Writes what is kept once a batch. Call before committing.
    pub(super) fn finish_batch(&mut self, db: &Connection) -> Result<()> {
        let mut update =
            db.prepare_cached("UPDATE buckets SET objects = objects + ?2, bytes = bytes + ?3 WHERE id = ?1")?;
        for (bucket, (objects, bytes)) in self.counts.drain() {
            update.execute(params![bucket, objects, bytes])?;
        }
        self.spreads.flush(db)?;
        query::set_state(db, "next_sequence", self.next_sequence)
    }

    /// Applies one mutation.
    pub(super) fn apply(&mut self, db: &Connection, mutation: &Mutation) -> Result<Applied> {
        match mutation {
            Mutation::CreateBucket { bucket, created } => self.create_bucket(db, bucket, *created),
            Mutation::DeleteBucket { bucket } => self.delete_bucket(db, bucket),
            Mutation::PutObject { .. } => self.put_object(db, mutation),
            Mutation::CopyObject { .. } => self.copy_object(db, mutation),
            Mutation::DeleteObjects { bucket, keys } => self.delete_objects(db, bucket, keys),
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
            Mutation::ExpireObjects { bucket, objects } => self.expire_objects(db, bucket, objects),
            Mutation::RemoveConfiguration { bucket, key } => self.remove_configuration(db, bucket, key),
        }
    }

    pub(super) fn bucket(&mut self, db: &Connection, name: &str) -> Result<i64> {
        if let Some(&id) = self.buckets.get(name) {
            return Ok(id);
        }
        let id = query::bucket_id(db, name)?;
        self.buckets.insert(name.to_owned(), id);
        Ok(id)
    }

    fn count(&mut self, bucket: i64, objects: i64, bytes: i64) {
        let count = self.counts.entry(bucket).or_default();
        *count = (count.0 + objects, count.1 + bytes);
    }

    fn create_bucket(&mut self, db: &Connection, name: &str, created: Timestamp) -> Result<Applied> {
        match self.bucket(db, name) {
            Ok(_) => return Err(MetadataError::BucketExists),
            Err(MetadataError::NoSuchBucket) => {}
            Err(error) => return Err(error),
        }
        let created = created.as_millis() as i64;
        db.execute("INSERT INTO buckets (name, created) VALUES (?1, ?2)", params![name, created])?;
        Ok(Applied::Done)
    }

    fn delete_bucket(&mut self, db: &Connection, name: &str) -> Result<Applied> {
        let id = self.bucket(db, name)?;
        let exists = "SELECT EXISTS (SELECT 1 FROM objects WHERE bucket = ?1)";
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
        let id = self.bucket(db, bucket)?;
        db.execute(
            "UPDATE buckets SET data_shards = ?2, parity_shards = ?3 WHERE id = ?1",
            params![id, scheme.map(|scheme| scheme.data), scheme.map(|scheme| scheme.parity)],
        )?;
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
            attributes,
            checksum,
            content,
        } = mutation
        else {
            unreachable!("called for this variant only");
        };
        let bucket = self.bucket(db, bucket)?;
        let existing = existing(db, bucket, key)?;
        check(*condition, existing.as_ref())?;
        let stored = match content {
            NewContent::Inline(data) => Content::Inline(Bytes::copy_from_slice(payload::head(data))),
            NewContent::Blob { layout, missing } => {
                blobs::insert(db, &mut self.spreads, layout, missing, None)?;
                Content::Blobs(vec![Extent { blob: layout.blob, size: layout.size }])
            }
        };
        let detail =
            ObjectDetail { attributes: attributes.clone(), checksum: checksum.clone(), content: stored };
        let object = NewObject { size: *size, etag: *etag, modified: *modified, detail: &detail };
        let sequence = self.replace(db, bucket, key, existing, &object)?;
        if let NewContent::Inline(data) = content {
            payload::insert(db, sequence, data)?;
        }
        Ok(Applied::Put { etag: *etag, checksum: checksum.clone() })
    }

    fn copy_object(&mut self, db: &Connection, mutation: &Mutation) -> Result<Applied> {
        let Mutation::CopyObject { source, sequence, bucket, key, condition, modified, attributes } =
            mutation
        else {
            unreachable!("called for this variant only");
        };
        let source_bucket = self.bucket(db, &source.0)?;
        let bucket = self.bucket(db, bucket)?;
        let from = self::existing(db, source_bucket, &source.1)?.filter(|from| from.sequence == *sequence);
        let from = from.ok_or(MetadataError::SourceChanged)?;
        let existing = existing(db, bucket, key)?;
        check(*condition, existing.as_ref())?;
        let payload = match &from.detail.content {
            Content::Inline(head) => payload::read(db, from.sequence, from.size, head)?,
            Content::Blobs(_) => None,
        };
        let detail =
            ObjectDetail { attributes: attributes.clone().unwrap_or(from.detail.attributes), ..from.detail };
        let object = NewObject { size: from.size, etag: from.etag, modified: *modified, detail: &detail };
        let sequence = self.replace(db, bucket, key, existing, &object)?;
        if let Some(payload) = payload {
            payload::insert(db, sequence, &payload)?;
        }
        Ok(Applied::Put { etag: from.etag, checksum: detail.checksum })
    }

    /// Writes an object's row over what stood there, releases that, and returns the new sequence.
    fn replace(
        &mut self,
        db: &Connection,
        bucket: i64,
        key: &str,
        existing: Option<Existing>,
        object: &NewObject<'_>,
    ) -> Result<u64> {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let checksum = schema::pack_checksum_kind(object.detail.checksum.as_ref());
        let (etag, detail) = (pack_etag(object.etag), pack(object.detail));
        db.prepare_cached("INSERT OR REPLACE INTO objects VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
            .execute(params![
                bucket,
                key,
                object.size as i64,
                etag,
                object.modified.as_millis() as i64,
                checksum,
                sequence as i64,
                detail
            ])?;
        // New blobs are owned before the old ones are released; a copy onto itself has the same ones.
        let new_blobs = match &object.detail.content {
            Content::Blobs(extents) => Some(extents),
            Content::Inline(_) => None,
        };
        let old_content = existing.as_ref().map(|old| &old.detail.content);
        let same_blobs = new_blobs.is_some() && old_content == Some(&object.detail.content);
        if let Some(extents) = new_blobs.filter(|_| !same_blobs) {
            blobs::own(db, &mut self.spreads, extents, (bucket, key))?;
        }
        let (mut objects, mut bytes) = (1, object.size as i64);
        if let Some(existing) = existing {
            (objects, bytes) = (0, bytes - existing.size as i64);
            if !same_blobs {
                self.release_content(db, &existing, (bucket, key))?;
            }
        }
        self.count(bucket, objects, bytes);
        Ok(sequence)
    }

    fn release_content(&mut self, db: &Connection, existing: &Existing, at: blobs::Place<'_>) -> Result<()> {
        match &existing.detail.content {
            Content::Inline(head) => payload::remove(db, existing.sequence, existing.size, head),
            Content::Blobs(extents) => blobs::disown(db, &mut self.spreads, extents, at),
        }
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

    pub(super) fn delete_objects(
        &mut self,
        db: &Connection,
        bucket: &str,
        keys: &[String],
    ) -> Result<Applied> {
        let bucket = self.bucket(db, bucket)?;
        let mut delete = db.prepare_cached("DELETE FROM objects WHERE bucket = ?1 AND key = ?2")?;
        for key in keys {
            if let Some(existing) = existing(db, bucket, key)? {
                delete.execute(params![bucket, key])?;
                self.count(bucket, -1, -(existing.size as i64));
                self.release_content(db, &existing, (bucket, key))?;
            }
        }
        Ok(Applied::Done)
    }

    fn create_upload(&mut self, db: &Connection, mutation: &Mutation) -> Result<Applied> {
        let Mutation::CreateUpload { bucket, key, upload, initiated, attributes, checksum } = mutation else {
            unreachable!("called for this variant only");
        };
        let bucket = self.bucket(db, bucket)?;
        let detail = pack(&UploadDetail { attributes: attributes.clone(), checksum: *checksum });
        db.prepare_cached("INSERT INTO uploads VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
            bucket,
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
    ) -> Result<(i64, UploadDetail)> {
        let bucket = self.bucket(db, bucket)?;
        let detail: Option<Vec<u8>> = db
            .prepare_cached("SELECT detail FROM uploads WHERE bucket = ?1 AND key = ?2 AND upload = ?3")?
            .query_row(params![bucket, key, upload.0.to_be_bytes()], |row| row.get(0))
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
        let (bucket, UploadDetail { attributes, .. }) = self.upload(db, bucket, key, *upload)?;
        let existing = existing(db, bucket, key)?;
        check(*condition, existing.as_ref())?;
        let extents = chosen_extents(db, *upload, parts)?;
        self.drop_unchosen_parts(db, *upload, &extents)?;
        drop_upload(db, bucket, key, *upload)?;
        blobs::compose(db, &mut self.spreads, *upload, &extents)?;
        let size = extents.iter().map(|extent| extent.size).sum();
        let content = Content::Blobs(extents);
        let detail = ObjectDetail { attributes, checksum: checksum.clone(), content };
        let object = NewObject { size, etag: *etag, modified: *modified, detail: &detail };
        self.replace(db, bucket, key, existing, &object)?;
        Ok(Applied::Put { etag: *etag, checksum: checksum.clone() })
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
        drop_upload(db, bucket, key, upload)?;
        Ok(Applied::Done)
    }
}

pub(super) fn existing(db: &Connection, bucket: i64, key: &str) -> Result<Option<Existing>> {
    let mut select =
        db.prepare_cached("SELECT size, sequence, etag, detail FROM objects WHERE bucket = ?1 AND key = ?2")?;
    let mut rows = select.query(params![bucket, key])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Existing {
        size: row.get::<_, i64>(0)? as u64,
        sequence: row.get::<_, i64>(1)? as u64,
        etag: schema::unpack_etag(query::blob_column(row, 2)?)?,
        detail: unpack(query::blob_column(row, 3)?)?,
    }))
}

fn check(condition: WriteCondition, existing: Option<&Existing>) -> Result<()> {
    match (condition, existing) {
        (WriteCondition::Always, _)
        | (WriteCondition::IfAbsent, None)
        | (WriteCondition::IfPresent, Some(_)) => Ok(()),
        (WriteCondition::IfMatch(etag), Some(existing)) if existing.etag == etag => Ok(()),
        (WriteCondition::IfMatch(_) | WriteCondition::IfPresent, None) => Err(MetadataError::NoSuchKey),
        (WriteCondition::IfAbsent | WriteCondition::IfMatch(_), Some(_)) => {
            Err(MetadataError::PreconditionFailed)
        }
    }
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
