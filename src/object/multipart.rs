//! Multipart uploads. Parts go to blobs of their own, in parallel and without a lock between them; completing
//! an upload moves no byte.

use std::collections::BTreeMap;

use super::api::*;
use super::encryption::check_customer_key;
use super::engine::{Engine, outcome};
use super::get::OpenObject;
use super::put::{OBJECT_BYTES_MAX, ReceivedContent, Reception, multipart_etag, tag_of};
use super::stripe_writer::WrittenBlob;
use crate::checksum;
use crate::metadata::{Mutation, PartRow, UploadRow, Walk, Walked};
use crate::sealing::AeadKey;
use crate::types::{
    BlobId, ChecksumAlgorithm, ChecksumKind, ChecksumValue, EncryptionMode, Etag, ObjectChecksum, ObjectKey,
    PartNumber, Properties,
};

/// Least length of a part that is not the last, in bytes (AWS: 5 MiB).
const PART_BYTES_MIN: u64 = 5 << 20;

fn upload_info(row: UploadRow) -> Result<UploadInfo> {
    let key = ObjectKey::parse(row.key).map_err(|error| Error::Internal(Box::new(error)))?;
    let (class, owner) = (row.properties.class, row.properties.access.owner);
    let UploadRow { upload, initiated, checksum, .. } = row;
    Ok(UploadInfo { key, upload, initiated, checksum, class, owner })
}

fn part_info(row: PartRow, encryption: Option<EncryptionMode>) -> PartInfo {
    PartInfo {
        part: row.part,
        size: row.size,
        etag: row.etag,
        modified: row.modified,
        checksum: row.checksum,
        encryption,
    }
}

impl Engine {
    /// Starts a multipart upload.
    pub async fn create_upload(&self, request: CreateUploadRequest) -> Result<CreatedUpload> {
        let upload = self.new_upload_id();
        let mut properties = request.properties;
        self.encrypt(&request.bucket, request.encryption, &mut properties).await?;
        let encryption = properties.encryption_mode();
        let initiated = self.clock.now();
        let mutation = Mutation::CreateUpload {
            bucket: request.bucket.to_string(),
            key: request.key.to_string(),
            upload,
            initiated,
            properties,
            checksum: request.checksum,
        };
        self.store.commit(mutation).await?;
        Ok(CreatedUpload { upload, initiated, encryption })
    }

    fn upload_row(&self, upload: &UploadRef) -> Result<UploadRow> {
        Ok(self.store.upload(upload.bucket.as_str(), upload.key.as_str(), upload.upload)?)
    }

    /// The upload itself, for its checksum algorithm.
    pub async fn head_upload(&self, upload: &UploadRef) -> Result<UploadInfo> {
        upload_info(self.upload_row(upload)?)
    }

    /// Stores a part; durable when this returns.
    pub async fn put_part(&self, request: PutPartRequest, body: impl Body) -> Result<PartInfo> {
        let _under_way = self.activity.begin();
        let _writing = self.writers.enter();
        let properties = self.upload_row(&request.upload)?.properties;
        let announced = request.length.unwrap_or_default();
        self.check_part_quota(&request.upload, &properties, request.part, announced)?;
        let key = self.sealing_key(&properties, request.customer_key.as_ref()).await?;
        let codec = self.schemes.of(request.upload.bucket.as_str(), properties.class);
        let (length, content_md5) = (request.length, request.content_md5);
        let plan = Reception { codec: &codec, length, content_md5, key: key.as_ref(), inline_max: 0 };
        let received = self.receive(body, plan).await?;
        let blob = match received.content {
            ReceivedContent::Blob(blob) => blob,
            // Only an empty part is kept nowhere; it becomes an empty blob.
            ReceivedContent::Inline(data) => {
                super::stripe_writer::write_small(&self.drives, &codec, self.new_blob_id(), data).await?
            }
        };
        let etag = Etag::single(tag_of(&properties, received.md5));
        let (needs_heal, modified) = (blob.needs_heal(), self.clock.now());
        let WrittenBlob { layout, missing } = blob;
        let mutation = Mutation::PutPart {
            bucket: request.upload.bucket.to_string(),
            key: request.upload.key.to_string(),
            upload: request.upload.upload,
            part: request.part,
            etag,
            modified,
            checksum: received.checksum.clone(),
            layout: layout.clone(),
            missing,
        };
        let committed = self.store.commit(mutation).await;
        self.after_commit(&committed, Some(&layout), needs_heal).await;
        committed?;
        Ok(PartInfo {
            part: request.part,
            size: received.size,
            etag,
            modified,
            checksum: received.checksum,
            encryption: properties.encryption_mode(),
        })
    }

    /// Makes the object of its parts, in one metadata transaction. Who did not get the answer and asks again gets it, as
    /// long as the object is the one that these parts make.
    pub async fn complete_upload(&self, request: CompleteRequest) -> Result<PutOutcome> {
        match self.upload_row(&request.upload) {
            Ok(upload) => self.complete(upload, request).await,
            Err(Error::NoSuchUpload) => self.completed_before(&request).await,
            Err(error) => Err(error),
        }
    }

    async fn completed_before(&self, request: &CompleteRequest) -> Result<PutOutcome> {
        let md5s: Vec<[u8; 16]> = request.parts.iter().map(|part| part.etag.md5).collect();
        let object = self.open(&request.upload.bucket, &request.upload.key, None).await;
        let object = object.map_err(|_| Error::NoSuchUpload)?;
        let info = object.info();
        if info.etag != multipart_etag(&md5s) {
            return Err(Error::NoSuchUpload);
        }
        Ok(PutOutcome {
            etag: info.etag,
            checksum: info.checksum.clone(),
            modified: info.modified,
            version: info.version,
            encryption: info.properties.encryption_mode(),
        })
    }

    async fn complete(&self, upload: UploadRow, request: CompleteRequest) -> Result<PutOutcome> {
        let stored = self.stored_parts(&upload)?;
        check_named(&upload, &request)?;
        let parts = choose_parts(&request, &stored)?;
        let size: u64 = parts.iter().map(|part| part.size).sum();
        if request.size.is_some_and(|stated| stated != size) {
            return Err(Error::SizeMismatch);
        }
        if size > OBJECT_BYTES_MAX {
            return Err(Error::TooLarge);
        }
        let checksum = object_checksum(&upload, &request, &parts)?;
        let md5s: Vec<[u8; 16]> = parts.iter().map(|part| part.etag.md5).collect();
        let modified = self.clock.now();
        let mutation = Mutation::CompleteUpload {
            bucket: request.upload.bucket.to_string(),
            key: request.upload.key.to_string(),
            upload: upload.upload,
            parts: parts.iter().map(|part| (part.part, part.blob)).collect::<Vec<(PartNumber, BlobId)>>(),
            condition: request.condition,
            etag: multipart_etag(&md5s),
            modified,
            checksum,
        };
        outcome(self.commit_change(mutation).await?, modified, upload.properties.encryption_mode())
    }

    fn stored_parts(&self, upload: &UploadRow) -> Result<BTreeMap<PartNumber, PartRow>> {
        let rows = self.parts(upload, 0, usize::from(PartNumber::MAX))?;
        Ok(rows.into_iter().map(|row| (row.part, row)).collect())
    }

    /// Parts of numbers above `after`, with the lengths that they were uploaded with.
    fn parts(&self, upload: &UploadRow, after: u16, max: usize) -> Result<Vec<PartRow>> {
        let mut rows = self.store.parts(upload.upload, after, max)?;
        rows.iter_mut().for_each(|row| row.size = upload.properties.plain_len(row.size));
        Ok(rows)
    }

    /// The key that what is added to an upload or object is sealed with.
    pub(super) async fn sealing_key(
        &self,
        properties: &Properties,
        customer: Option<&CustomerKey>,
    ) -> Result<Option<AeadKey>> {
        check_customer_key(properties.encryption.as_ref(), customer)?;
        match &properties.encryption {
            Some(encryption) => Ok(Some(self.keyring.object_key(encryption, customer).await?)),
            None => Ok(None),
        }
    }

    /// The checksums of the parts that an object was uploaded in, in order, where its own is made of them. None for one
    /// that was removed since it was opened.
    pub fn part_checksums(&self, object: &OpenObject) -> Result<Option<Vec<ChecksumValue>>> {
        let composite = object.info().checksum.as_ref();
        let composite = composite.filter(|checksum| checksum.kind == ChecksumKind::Composite);
        let Some(ObjectChecksum { value: ChecksumValue { algorithm, .. }, .. }) = composite else {
            return Ok(None);
        };
        let values = self.store.part_checksums(object.sequence)?;
        let value = |bytes: &[u8]| ChecksumValue { algorithm: *algorithm, bytes: bytes.to_vec() };
        let len = checksum::digest_len(*algorithm);
        Ok(values.map(|values| values.chunks_exact(len).map(value).collect()))
    }

    /// Drops an upload and its parts.
    pub async fn abort_upload(&self, upload: &UploadRef) -> Result<()> {
        let mutation = Mutation::AbortUpload {
            bucket: upload.bucket.to_string(),
            key: upload.key.to_string(),
            upload: upload.upload,
        };
        self.store.commit(mutation).await?;
        Ok(())
    }

    /// A page of an upload's parts, of numbers above `after`.
    pub async fn list_parts(&self, upload: &UploadRef, after: u16, max: u16) -> Result<PartsPage> {
        let row = self.upload_row(upload)?;
        let mut rows = self.parts(&row, after, usize::from(max) + 1)?;
        let truncated = rows.len() > usize::from(max);
        rows.truncate(usize::from(max));
        let mode = row.properties.encryption_mode();
        Ok(PartsPage {
            upload: upload_info(row)?,
            parts: rows.into_iter().map(|row| part_info(row, mode.clone())).collect(),
            truncated,
        })
    }

    /// A page of a bucket's uploads.
    pub async fn list_uploads(&self, request: ListUploadsRequest) -> Result<UploadsPage> {
        let walk = Walk {
            prefix: request.prefix,
            delimiter: request.delimiter,
            after: request.after_key,
            max: usize::from(request.max_uploads),
        };
        let (entries, more) = self.store.uploads(request.bucket.as_str(), &walk, request.after_upload)?;
        let mut page = UploadsPage::default();
        let last = entries.last().cloned();
        for entry in entries {
            match entry {
                Walked::Row(row) => page.uploads.push(upload_info(row)?),
                Walked::Group(group) => page.common_prefixes.push(group),
            }
        }
        page.next = last.filter(|_| more).map(|last| match last {
            Walked::Row(row) => (row.key, Some(row.upload)),
            Walked::Group(group) => (group, None),
        });
        Ok(page)
    }
}

/// Whether each part is named with its checksum, and all are numbered from 1 without a gap, where the checksum of the object
/// is made of theirs.
fn check_named(upload: &UploadRow, request: &CompleteRequest) -> Result<()> {
    let Some((algorithm, ChecksumKind::Composite)) = upload.checksum else { return Ok(()) };
    if let Some(named) = request.parts.iter().find(|named| named.checksum.is_none()) {
        return Err(Error::PartChecksumMissing { algorithm, part: named.part });
    }
    let are_consecutive = request.parts.iter().zip(1..).all(|(named, number)| named.part.get() == number);
    if are_consecutive { Ok(()) } else { Err(Error::InvalidPartOrder) }
}

/// The stored parts that the client names, checked.
fn choose_parts(request: &CompleteRequest, stored: &BTreeMap<PartNumber, PartRow>) -> Result<Vec<PartRow>> {
    if !request.parts.is_sorted_by(|a, b| a.part < b.part) {
        return Err(Error::InvalidPartOrder);
    }
    let mut chosen = Vec::with_capacity(request.parts.len());
    for named in &request.parts {
        let part = stored.get(&named.part).filter(|part| part.etag == named.etag);
        let part = part.ok_or(Error::InvalidPart(named.part))?;
        if named.checksum.is_some() && named.checksum != part.checksum {
            return Err(Error::InvalidPart(named.part));
        }
        chosen.push(part.clone());
    }
    let Some((_, all_but_last)) = chosen.split_last() else { return Err(Error::InvalidPartOrder) };
    match all_but_last.iter().find(|part| part.size < PART_BYTES_MIN) {
        Some(small) => Err(Error::PartTooSmall { part: small.part, size: small.size }),
        None => Ok(chosen),
    }
}

/// The object's checksum from its parts', held against what the client states.
fn object_checksum(
    upload: &UploadRow,
    request: &CompleteRequest,
    parts: &[PartRow],
) -> Result<Option<ObjectChecksum>> {
    let (algorithm, kind) =
        upload.checksum.unwrap_or((ChecksumAlgorithm::Crc64Nvme, ChecksumKind::FullObject));
    if request.checksum_kind.is_some_and(|stated| stated != kind) {
        return Err(Error::ChecksumMismatch(algorithm));
    }
    let sums: Option<Vec<(&ChecksumValue, u64)>> = parts
        .iter()
        .map(|part| part.checksum.as_ref().filter(|c| c.algorithm == algorithm).map(|c| (c, part.size)))
        .collect();
    let value = sums.and_then(|sums| match kind {
        ChecksumKind::Composite => Some(checksum::composite(algorithm, sums.iter().map(|(sum, _)| *sum))),
        ChecksumKind::FullObject => checksum::combine(algorithm, sums),
    });
    if let Some(stated) = &request.checksum
        && value.as_ref() != Some(stated)
    {
        return Err(Error::ChecksumMismatch(stated.algorithm));
    }
    Ok(value.map(|value| ObjectChecksum { value, kind }))
}
