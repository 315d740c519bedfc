//! The versions of a key.
//!
//! `objects` has the newest version of every key that is not deleted, so that reads and listings cost what they cost
//! where there are no versions. `versions` has all others, newest first: older ones and delete markers. So a key whose
//! newest version is a delete marker has no row in `objects`. When the newest version is removed, the one before it
//! takes its place.
//!
//! A version is named by the sequence of its commit. One that was written while its bucket made none is named `null`;
//! a key has one such at most, and a bucket whose versioning is suspended replaces it.

use rusqlite::{Connection, Params, Row, params};

use super::apply::{Applier, Bucket};
use super::blobs::{self, Owner, Place};
use super::events::Change;
use super::model::{Applied, Content, Deleted, Deletion, Extent, MetadataError, Mutation, VersionChange};
use super::schema::{Listed, ObjectDetail, pack, pack_etag, unpack, unpack_etag};
use super::{part_checksums, payload, query};
use crate::types::{
    DeleteCondition, Etag, EventKind, ObjectLock, Timestamp, VersionId, Versioning, WriteCondition,
};

type Result<T> = std::result::Result<T, MetadataError>;

/// A version, or a delete marker.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) size: u64,
    pub(super) sequence: u64,
    pub(super) etag: Etag,
    pub(super) modified: Timestamp,
    is_null: bool,
    /// `None` for a delete marker.
    pub(super) detail: Option<ObjectDetail>,
    /// It has its key's row in `objects`.
    pub(super) is_current: bool,
}

/// An object about to be written.
pub(super) struct NewVersion<'a> {
    pub(super) size: u64,
    pub(super) etag: Etag,
    pub(super) modified: Timestamp,
    pub(super) detail: &'a ObjectDetail,
}

impl Version {
    pub(super) fn id(&self) -> VersionId {
        version_id(self.sequence, self.is_null)
    }

    fn lock(&self) -> ObjectLock {
        self.detail.as_ref().map_or_else(ObjectLock::default, |detail| detail.properties.lock)
    }

    fn counts(&self) -> Counts {
        match &self.detail {
            Some(_) if self.is_current => Counts::current(self.size),
            Some(_) => Counts::older(self.size),
            None => Counts::MARKER,
        }
    }
}

/// What a bucket holds, or how that changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Current versions, delete markers left out.
    pub(super) objects: i64,
    /// Their bytes.
    pub(super) bytes: i64,
    /// All other versions but delete markers.
    pub(super) versions: i64,
    /// Their bytes.
    pub(super) version_bytes: i64,
    /// Delete markers.
    pub(super) markers: i64,
}

impl Counts {
    const MARKER: Self = Self { objects: 0, bytes: 0, versions: 0, version_bytes: 0, markers: 1 };

    fn current(size: u64) -> Self {
        Self { objects: 1, bytes: size as i64, ..Self::default() }
    }

    fn older(size: u64) -> Self {
        Self { versions: 1, version_bytes: size as i64, ..Self::default() }
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
        self.versions += other.versions;
        self.version_bytes += other.version_bytes;
        self.markers += other.markers;
    }
}

impl std::ops::Neg for Counts {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            objects: -self.objects,
            bytes: -self.bytes,
            versions: -self.versions,
            version_bytes: -self.version_bytes,
            markers: -self.markers,
        }
    }
}

/// Why something is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// A client asked for it.
    Request,
    /// A lifecycle rule says so.
    Rule,
}

/// The name of a version.
pub(super) fn version_id(sequence: u64, is_null: bool) -> VersionId {
    if is_null { VersionId::Null } else { VersionId::Number(sequence) }
}

fn read(row: &Row<'_>, is_current: bool) -> Result<Version> {
    let detail = row.get_ref(5)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
    let is_marker = detail.is_none();
    Ok(Version {
        size: row.get::<_, i64>(0)? as u64,
        sequence: row.get::<_, i64>(1)? as u64,
        etag: if is_marker { Etag::default() } else { unpack_etag(query::blob_column(row, 2)?)? },
        modified: query::time_column(row, 3)?,
        is_null: row.get(4)?,
        detail: detail.map(unpack).transpose()?,
        is_current,
    })
}

/// The current version of a key that is not deleted.
pub(super) fn current(db: &Connection, at: Place<'_>) -> Result<Option<Version>> {
    let mut select = db.prepare_cached(
        "SELECT size, sequence, etag, modified, is_null, detail FROM objects WHERE bucket = ?1 AND key = ?2",
    )?;
    let mut rows = select.query(params![at.0, at.1])?;
    rows.next()?.map(|row| read(row, true)).transpose()
}

/// The version of this name.
pub(super) fn named(db: &Connection, at: Place<'_>, id: VersionId) -> Result<Option<Version>> {
    if let Some(current) = current(db, at)?.filter(|current| current.id() == id) {
        return Ok(Some(current));
    }
    match id {
        VersionId::Null => older(db, "is_null", params![at.0, at.1]),
        VersionId::Number(number) => {
            let found = older(db, "rank = ?3", params![at.0, at.1, rank(number)])?;
            Ok(found.filter(|version| !version.is_null))
        }
    }
}

/// The version that this commit made.
pub(super) fn of_sequence(db: &Connection, at: Place<'_>, sequence: u64) -> Result<Option<Version>> {
    match current(db, at)? {
        Some(current) if current.sequence == sequence => Ok(Some(current)),
        _ => older(db, "rank = ?3", params![at.0, at.1, rank(sequence)]),
    }
}

/// The newest of those versions of a key that are not current.
pub(super) fn newest_older(db: &Connection, at: Place<'_>) -> Result<Option<Version>> {
    older(db, "TRUE ORDER BY rank LIMIT 1", params![at.0, at.1])
}

fn older(db: &Connection, which: &str, params: impl Params) -> Result<Option<Version>> {
    let mut select = db.prepare_cached(&format!(
        "SELECT size, -rank, etag, modified, is_null, detail FROM versions
         WHERE bucket = ?1 AND key = ?2 AND {which}"
    ))?;
    let mut rows = select.query(params)?;
    rows.next()?.map(|row| read(row, false)).transpose()
}

/// Bytes that a new version of a key replaces for good.
pub(super) fn replaced_bytes(
    db: &Connection,
    versioning: Versioning,
    at: Place<'_>,
    current: Option<&Version>,
) -> Result<u64> {
    Ok(match versioning {
        Versioning::Unversioned => current.map_or(0, |current| current.size),
        Versioning::Enabled => 0,
        Versioning::Suspended => match current.filter(|current| current.is_null) {
            Some(current) => current.size,
            None => named(db, at, VersionId::Null)?.map_or(0, |null| null.size),
        },
    })
}

/// Where a version stands among those of its key, newest first.
pub(super) fn rank(sequence: u64) -> i64 {
    -(sequence as i64)
}

/// Checks a condition on a write over what is there.
pub(super) fn check(condition: WriteCondition, existing: Option<&Version>) -> Result<()> {
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

fn check_removal(condition: DeleteCondition, existing: Option<&Version>) -> Result<()> {
    let holds = match existing {
        Some(version) => condition.holds_for(version.etag, version.modified, version.size),
        None => condition.etag.is_none(),
    };
    if holds { Ok(()) } else { Err(MetadataError::PreconditionFailed) }
}

impl Applier {
    /// Writes a new version of a key over what is there, and returns its sequence.
    pub(super) fn write(
        &mut self,
        db: &Connection,
        (bucket, key): (&Bucket, &str),
        current: Option<Version>,
        object: &NewVersion<'_>,
    ) -> Result<u64> {
        let at = (bucket.id, key);
        let replaced = self.make_way(db, bucket.versioning, at, current)?;
        // New blobs are owned before the old ones are released: a copy onto itself has the same ones.
        let sequence = self.put_row(db, (bucket, key), object)?;
        if let Some(replaced) = replaced {
            self.count(at.0, -replaced.counts());
            self.release(db, at, &replaced)?;
        }
        Ok(sequence)
    }

    /// Puts the row of a key's current version, over the one that is there, and owns its blobs.
    fn put_row(
        &mut self,
        db: &Connection,
        (bucket, key): (&Bucket, &str),
        object: &NewVersion<'_>,
    ) -> Result<u64> {
        let (at, sequence) = ((bucket.id, key), self.take_sequence());
        let is_null = bucket.versioning != Versioning::Enabled;
        db.prepare_cached("INSERT OR REPLACE INTO objects VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?
            .execute(params![
                at.0,
                at.1,
                object.size as i64,
                pack_etag(object.etag),
                object.modified.as_millis() as i64,
                Listed::of(object.detail).pack(),
                sequence as i64,
                is_null,
                object.detail.properties.access.owner.map(|owner| owner.0),
                pack(object.detail)
            ])?;
        self.count(at.0, Counts::current(object.size));
        if let Content::Blobs(extents) = &object.detail.content {
            let class = object.detail.properties.class;
            blobs::own(db, &mut self.spreads, extents, Owner { at, sequence, class })?;
        }
        Ok(sequence)
    }

    /// Applies [`Mutation::AppendObject`]: the blobs that are there and the new one become one content.
    pub(super) fn append_object(&mut self, db: &Connection, mutation: &Mutation) -> Result<Applied> {
        let Mutation::AppendObject {
            bucket,
            key,
            sequence,
            content,
            added,
            etag,
            modified,
            checksum,
            layout,
            missing,
        } = mutation
        else {
            unreachable!("called for this variant only");
        };
        let (name, bucket) = (bucket, self.bucket(db, bucket)?);
        let at = (bucket.id, key.as_str());
        let version = current(db, at)?.filter(|version| version.sequence == *sequence);
        let version = version.filter(|_| bucket.versioning == Versioning::Unversioned);
        let version = version.ok_or(MetadataError::SourceChanged)?;
        let mut detail = version.detail.ok_or(MetadataError::SourceChanged)?;
        let Content::Blobs(extents) = &mut detail.content else { return Err(MetadataError::SourceChanged) };
        if blobs::owners(db, &self.spreads, extents)?.len() != 1 {
            return Err(MetadataError::SourceChanged);
        }
        self.check_growth(db, (&bucket, name), *added)?;
        blobs::insert(db, &mut self.spreads, layout, missing, Some(*content))?;
        let class = detail.properties.class;
        blobs::dissolve(db, &mut self.spreads, extents, Owner { at, sequence: version.sequence, class })?;
        extents.push(Extent { blob: layout.blob, size: layout.size });
        blobs::regroup(db, &mut self.spreads, *content, extents)?;
        detail.checksum = checksum.clone();
        self.count(at.0, -Counts::current(version.size));
        let object =
            NewVersion { size: version.size + added, etag: *etag, modified: *modified, detail: &detail };
        let sequence = self.put_row(db, (&bucket, key), &object)?;
        let version = self.tell_created(db, &bucket, EventKind::CreatedPut, (key, sequence), &object)?;
        Ok(Applied::Put { etag: *etag, checksum: checksum.clone(), version })
    }

    /// Makes way for a new version of a key. Returns the one that it replaces, which no longer has a row, or has the
    /// current one.
    fn make_way(
        &mut self,
        db: &Connection,
        versioning: Versioning,
        at: Place<'_>,
        current: Option<Version>,
    ) -> Result<Option<Version>> {
        let is_replaced = match versioning {
            Versioning::Unversioned => true,
            Versioning::Enabled => false,
            Versioning::Suspended => current.as_ref().is_some_and(|current| current.is_null),
        };
        if is_replaced {
            return Ok(current);
        }
        if let Some(current) = current {
            self.demote(db, at, &current)?;
        }
        if versioning == Versioning::Enabled {
            return Ok(None);
        }
        let null = named(db, at, VersionId::Null)?;
        if let Some(null) = &null {
            remove_row(db, at, null)?;
        }
        Ok(null)
    }

    /// Takes a key's current version from `objects` to `versions`.
    fn demote(&mut self, db: &Connection, at: Place<'_>, current: &Version) -> Result<()> {
        db.prepare_cached(
            "INSERT INTO versions SELECT bucket, key, -sequence, size, etag, modified, listed, is_null, owner, detail
             FROM objects WHERE bucket = ?1 AND key = ?2",
        )?
        .execute(params![at.0, at.1])?;
        remove_row(db, at, current)?;
        self.count(at.0, -Counts::current(current.size));
        self.count(at.0, Counts::older(current.size));
        Ok(())
    }

    /// Makes the newest version current, if the key has no current one and that is no delete marker.
    fn promote(&mut self, db: &Connection, at: Place<'_>) -> Result<()> {
        if current(db, at)?.is_some() {
            return Ok(());
        }
        let Some(newest) = newest_older(db, at)?.filter(|newest| newest.detail.is_some()) else {
            return Ok(());
        };
        db.prepare_cached(
            "INSERT INTO objects SELECT bucket, key, size, etag, modified, listed, -rank, is_null, owner, detail
             FROM versions WHERE bucket = ?1 AND key = ?2 AND rank = ?3",
        )?
        .execute(params![at.0, at.1, rank(newest.sequence)])?;
        remove_row(db, at, &newest)?;
        self.count(at.0, -Counts::older(newest.size));
        self.count(at.0, Counts::current(newest.size));
        Ok(())
    }

    /// Releases what a version without a row has on the drives and in other tables.
    fn release(&mut self, db: &Connection, at: Place<'_>, version: &Version) -> Result<()> {
        let Some(detail) = &version.detail else { return Ok(()) };
        part_checksums::remove(db, version.sequence, detail)?;
        match &detail.content {
            Content::Inline(head) => {
                payload::remove(db, version.sequence, detail.properties.stored_len(version.size), head)
            }
            Content::Blobs(extents) => {
                let owner = Owner { at, sequence: version.sequence, class: detail.properties.class };
                blobs::disown(db, &mut self.spreads, extents, owner)
            }
        }
    }

    fn drop_version(&mut self, db: &Connection, at: Place<'_>, version: &Version) -> Result<()> {
        remove_row(db, at, version)?;
        self.count(at.0, -version.counts());
        self.release(db, at, version)
    }

    /// Applies [`Mutation::DeleteObjects`]. One that is refused leaves the others alone.
    pub(super) fn delete_objects(&mut self, db: &Connection, mutation: &Mutation) -> Result<Applied> {
        let Mutation::DeleteObjects { bucket, deletions, now } = mutation else {
            unreachable!("called for this variant only");
        };
        let bucket = self.bucket(db, bucket)?;
        let mut outcomes = Vec::with_capacity(deletions.len());
        for deletion in deletions {
            outcomes.push(match self.delete(db, &bucket, deletion, (*now, Cause::Request)) {
                refused @ Err(MetadataError::PreconditionFailed | MetadataError::Locked) => refused,
                other => Ok(other?),
            });
        }
        Ok(Applied::Deleted(outcomes))
    }

    /// Removes what a deletion names, or puts a delete marker over it.
    pub(super) fn delete(
        &mut self,
        db: &Connection,
        bucket: &Bucket,
        deletion: &Deletion,
        (now, cause): (Timestamp, Cause),
    ) -> Result<Deleted> {
        let at = (bucket.id, deletion.key.as_str());
        match deletion.version {
            None => self.delete_current(db, bucket, at, deletion.condition, (now, cause)),
            Some(id) => {
                let version = named(db, at, id)?;
                check_removal(deletion.condition, version.as_ref())?;
                let deleted = Deleted { version: Some(id), is_marker: false };
                let Some(version) = version else { return Ok(deleted) };
                if !version.lock().permits_removal(now, deletion.bypass_governance) {
                    return Err(MetadataError::Locked);
                }
                self.drop_version(db, at, &version)?;
                self.promote(db, at)?;
                let named = bucket.versioning != Versioning::Unversioned;
                self.tell(db, bucket, removal(cause, at.1, named.then_some(id), now))?;
                Ok(Deleted { is_marker: version.detail.is_none(), ..deleted })
            }
        }
    }

    /// Removes a key's only version, or puts a delete marker over them.
    fn delete_current(
        &mut self,
        db: &Connection,
        bucket: &Bucket,
        at: Place<'_>,
        condition: DeleteCondition,
        (now, cause): (Timestamp, Cause),
    ) -> Result<Deleted> {
        let current = current(db, at)?;
        check_removal(condition, current.as_ref())?;
        let replaced = self.make_way(db, bucket.versioning, at, current)?;
        if let Some(replaced) = &replaced {
            self.drop_version(db, at, replaced)?;
        }
        if bucket.versioning == Versioning::Unversioned {
            if replaced.is_some() {
                self.tell(db, bucket, removal(cause, at.1, None, now))?;
            }
            return Ok(Deleted { version: None, is_marker: false });
        }
        let sequence = self.take_sequence();
        let is_null = bucket.versioning == Versioning::Suspended;
        db.prepare_cached("INSERT INTO versions VALUES (?1, ?2, ?3, 0, x'', ?4, 0, ?5, NULL, NULL)")?
            .execute(params![at.0, at.1, rank(sequence), now.as_millis() as i64, is_null])?;
        self.count(at.0, Counts::MARKER);
        let version = Some(version_id(sequence, is_null));
        let kind = match cause {
            Cause::Request => EventKind::RemovedMarker,
            Cause::Rule => EventKind::ExpiredMarker,
        };
        self.tell(db, bucket, Change { kind, ..removal(cause, at.1, version, now) })?;
        Ok(Deleted { version, is_marker: true })
    }

    /// Applies [`Mutation::ChangeVersion`].
    pub(super) fn change_version(&mut self, db: &Connection, mutation: &Mutation) -> Result<Applied> {
        let Mutation::ChangeVersion { bucket, key, version, change, now } = mutation else {
            unreachable!("called for this variant only");
        };
        let bucket = self.bucket(db, bucket)?;
        let at = (bucket.id, key.as_str());
        let found = match version {
            None => current(db, at)?.ok_or(MetadataError::NoSuchKey)?,
            Some(id) => named(db, at, *id)?.ok_or(MetadataError::NoSuchVersion)?,
        };
        let Some(mut detail) = found.detail.clone() else {
            return Err(MetadataError::DeleteMarker { version: found.id(), modified: found.modified });
        };
        let lock = &mut detail.properties.lock;
        match change {
            VersionChange::Tags(tags) => detail.properties.tags = tags.clone(),
            VersionChange::Retention { .. } | VersionChange::LegalHold(_) if bucket.lock.is_none() => {
                return Err(MetadataError::NoObjectLock);
            }
            VersionChange::Retention { retention, bypass_governance } => {
                if !lock.permits_retention(*retention, *now, *bypass_governance) {
                    return Err(MetadataError::Locked);
                }
                lock.retention = *retention;
            }
            VersionChange::LegalHold(held) => lock.legal_hold = Some(*held),
            VersionChange::Encryption { .. } if !lock.permits_removal(*now, false) => {
                return Err(MetadataError::Locked);
            }
            VersionChange::Encryption { from, encryption } => {
                let kept = detail.properties.encryption.as_mut().filter(|kept| kept.sealed_key == *from);
                *kept.ok_or(MetadataError::SourceChanged)? = encryption.clone();
            }
            VersionChange::Acl(acl) => detail.properties.access.acl = acl.clone(),
        }
        set_detail(db, at, &found, &detail)?;
        let named = bucket.versioning != Versioning::Unversioned;
        let version = named.then(|| found.id());
        let told = match change {
            VersionChange::Tags(tags) if tags.is_empty() => Some(EventKind::TaggingDelete),
            VersionChange::Tags(_) => Some(EventKind::TaggingPut),
            VersionChange::Acl(_) => Some(EventKind::AclPut),
            VersionChange::Retention { .. }
            | VersionChange::LegalHold(_)
            | VersionChange::Encryption { .. } => None,
        };
        if let Some(kind) = told {
            let (size, etag, at) = (found.size, Some(found.etag), *now);
            self.tell(db, &bucket, Change { kind, key, version, size, etag, at })?;
        }
        Ok(Applied::Changed { version })
    }
}

/// What those are told who listen to a removal.
fn removal(cause: Cause, key: &str, version: Option<VersionId>, at: Timestamp) -> Change<'_> {
    let kind = match cause {
        Cause::Request => EventKind::RemovedDelete,
        Cause::Rule => EventKind::ExpiredDelete,
    };
    Change { kind, key, version, size: 0, etag: None, at }
}

fn remove_row(db: &Connection, at: Place<'_>, version: &Version) -> Result<()> {
    if version.is_current {
        db.prepare_cached("DELETE FROM objects WHERE bucket = ?1 AND key = ?2")?
            .execute(params![at.0, at.1])?;
    } else {
        db.prepare_cached("DELETE FROM versions WHERE bucket = ?1 AND key = ?2 AND rank = ?3")?
            .execute(params![at.0, at.1, rank(version.sequence)])?;
    }
    Ok(())
}

/// Gives a version other details; its sequence stays.
pub(super) fn set_detail(
    db: &Connection,
    at: Place<'_>,
    version: &Version,
    detail: &ObjectDetail,
) -> Result<()> {
    let listed = Listed::of(detail).pack();
    if version.is_current {
        db.prepare_cached("UPDATE objects SET detail = ?3, listed = ?4 WHERE bucket = ?1 AND key = ?2")?
            .execute(params![at.0, at.1, pack(detail), listed])?;
    } else {
        db.prepare_cached(
            "UPDATE versions SET detail = ?4, listed = ?5 WHERE bucket = ?1 AND key = ?2 AND rank = ?3",
        )?
        .execute(params![at.0, at.1, rank(version.sequence), pack(detail), listed])?;
    }
    Ok(())
}
