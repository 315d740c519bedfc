//! What the multipart operations share.

use crate::object::{self, UploadRef};
use crate::types::{BucketName, ChecksumAlgorithm, ChecksumKind, ObjectKey, PartNumber, UploadId};

use super::super::auth::Call;
use super::super::checksums;
use super::super::error::{Code, Error, Result};
use super::get_object::part_number;

/// Reads `uploadId`; one that no upload can have is one that does not exist, as long as there is the bucket.
pub(super) fn upload(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<UploadRef> {
    let text = call.query.get("uploadId").unwrap_or_default();
    if let Some(upload) = UploadId::parse(text) {
        return Ok(UploadRef { bucket, key, upload });
    }
    call.engine().metadata().bucket(bucket.as_str()).map_err(object::Error::from)?;
    Err(Error::new(Code::NoSuchUpload).detail("UploadId", text.to_owned()))
}

/// `NoSuchUpload` that names the upload.
pub(super) fn name_upload(error: impl Into<Error>, upload: UploadId) -> Error {
    let error = error.into();
    match error.code {
        Code::NoSuchUpload => error.detail("UploadId", upload.to_string()),
        _ => error,
    }
}

/// Why a part was refused. One that comes with another key than the upload's is no question of access.
pub(super) fn part_refusal(error: object::Error, upload: UploadId) -> Error {
    match error {
        object::Error::CustomerKeyWrong => {
            Error::request("The provided encryption parameters did not match the ones used originally.")
        }
        error => name_upload(error, upload),
    }
}

/// Reads `partNumber`, which must be there.
pub(super) fn part(call: &Call<'_>) -> Result<PartNumber> {
    part_number(call.query.get("partNumber").unwrap_or_default())
}

/// The algorithm that a part's checksum must have, of the upload it belongs to. A part of an upload
/// that was started without one may be announced with any; what is stored is CRC64NVME.
pub(super) async fn checksum_algorithm(call: &Call<'_>, upload: &UploadRef) -> Result<PartChecksum> {
    let info = call.engine().head_upload(upload).await.map_err(|error| name_upload(error, upload.upload))?;
    Ok(PartChecksum {
        stored: info.checksum.map_or(ChecksumAlgorithm::Crc64Nvme, |(algorithm, _)| algorithm),
        wanted: info.checksum.map(|(_, kind)| kind),
    })
}

/// What an upload wants of its parts' checksums.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartChecksum {
    /// The algorithm to store.
    pub(super) stored: ChecksumAlgorithm,
    /// What the upload was begun for, if for something.
    wanted: Option<ChecksumKind>,
}

impl PartChecksum {
    /// Refuses a part that is announced with another algorithm than the upload's, or with none where the object's checksum
    /// will be made of those of the parts.
    pub(super) fn check(self, announced: Option<ChecksumAlgorithm>) -> Result<()> {
        match (self.wanted, announced) {
            (None, _) => Ok(()),
            (Some(ChecksumKind::Composite), None) => Err(mismatch(self.stored, "null")),
            (Some(_), announced) => check_algorithm(self.stored, announced),
        }
    }
}

/// Refuses a body that is announced with another algorithm than what it belongs to has.
pub(super) fn check_algorithm(stored: ChecksumAlgorithm, announced: Option<ChecksumAlgorithm>) -> Result<()> {
    match announced {
        Some(announced) if announced != stored => {
            Err(mismatch(stored, &checksums::name(announced).to_ascii_lowercase()))
        }
        Some(_) | None => Ok(()),
    }
}

fn mismatch(expected: ChecksumAlgorithm, actual: &str) -> Error {
    let expected = checksums::name(expected).to_ascii_lowercase();
    Error::request(format!(
        "Checksum Type mismatch occurred, expected checksum Type: {expected}, actual checksum Type: {actual}"
    ))
}
