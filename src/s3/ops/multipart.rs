//! What the multipart operations share.

use crate::object::UploadRef;
use crate::types::{BucketName, ChecksumAlgorithm, ObjectKey, PartNumber, UploadId};

use super::super::auth::Call;
use super::super::checksums;
use super::super::error::{Code, Error, Result};
use super::get_object::part_number;

/// Reads `uploadId`; one that no upload can have is one that does not exist.
pub(super) fn upload(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<UploadRef> {
    let text = call.query.get("uploadId").unwrap_or_default();
    let upload = UploadId::parse(text)
        .ok_or_else(|| Error::new(Code::NoSuchUpload).detail("UploadId", text.to_owned()))?;
    Ok(UploadRef { bucket, key, upload })
}

/// `NoSuchUpload` that names the upload.
pub(super) fn name_upload(error: impl Into<Error>, upload: UploadId) -> Error {
    let error = error.into();
    match error.code {
        Code::NoSuchUpload => error.detail("UploadId", upload.to_string()),
        _ => error,
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
    Ok(match info.checksum {
        Some((algorithm, _)) => PartChecksum { stored: algorithm, required: true },
        None => PartChecksum { stored: ChecksumAlgorithm::Crc64Nvme, required: false },
    })
}

/// What an upload wants of its parts' checksums.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartChecksum {
    /// The algorithm to store.
    pub(super) stored: ChecksumAlgorithm,
    required: bool,
}

impl PartChecksum {
    /// Refuses a part that is announced with another algorithm than the upload's.
    pub(super) fn check(self, announced: Option<ChecksumAlgorithm>) -> Result<()> {
        if self.required { check_algorithm(self.stored, announced) } else { Ok(()) }
    }
}

/// Refuses a body that is announced with another algorithm than what it belongs to has.
pub(super) fn check_algorithm(stored: ChecksumAlgorithm, announced: Option<ChecksumAlgorithm>) -> Result<()> {
    match announced {
        Some(announced) if announced != stored => Err(Error::request(format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            checksums::name(stored).to_ascii_lowercase(),
            checksums::name(announced).to_ascii_lowercase()
        ))),
        Some(_) | None => Ok(()),
    }
}
