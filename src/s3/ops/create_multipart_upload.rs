//! `POST /bucket/key?uploads`: CreateMultipartUpload.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use crate::checksum;
use crate::object::CreateUploadRequest;
use crate::types::{BucketName, ChecksumAlgorithm, ChecksumKind, ObjectKey};

use super::super::auth::Call;
use super::super::error::{Error, Result};
use super::super::headers::{self, text};
use super::super::response::{Response, xml};
use super::super::xml_write::XmlWriter;
use super::super::{checksums, encryption};

/// Starts a multipart upload.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    let mut properties = headers::properties(call.headers(), call.now())?;
    properties.access = call.new_object_access(call.headers(), &bucket)?;
    let encryption = encryption::requested(call, call.headers(), &bucket)?;
    let checksum = wanted_checksum(call.headers())?;
    let mut document = XmlWriter::new(512);
    document.open_root("InitiateMultipartUploadResult");
    document.element("Bucket", bucket.as_str());
    document.element("Key", key.as_str());
    let (place, name) = (bucket.clone(), key.clone());
    let request = CreateUploadRequest { bucket, key, properties, encryption, checksum };
    let created = call.engine().create_upload(request).await?;
    document.number("UploadId", created.upload);
    document.close("InitiateMultipartUploadResult");
    let mut response = xml(document.finish());
    if let Some(expiry) = call.engine().upload_expiry(&place, &name, created.initiated) {
        headers::abort(&expiry, response.headers_mut());
    }
    encryption::describe(created.encryption.as_ref(), response.headers_mut());
    if let Some((algorithm, kind)) = checksum {
        let answer = response.headers_mut();
        let algorithm = HeaderValue::from_static(checksums::name(algorithm));
        answer.insert(HeaderName::from_static("x-amz-checksum-algorithm"), algorithm);
        let kind = HeaderValue::from_static(checksums::kind_name(kind));
        answer.insert(HeaderName::from_static("x-amz-checksum-type"), kind);
    }
    Ok(response)
}

/// Reads `x-amz-checksum-algorithm` and `x-amz-checksum-type`.
fn wanted_checksum(sent: &HeaderMap) -> Result<Option<(ChecksumAlgorithm, ChecksumKind)>> {
    let kind = text(sent, "x-amz-checksum-type").map(|kind| {
        checksums::parse_kind(kind)
            .ok_or_else(|| Error::request("Value for x-amz-checksum-type header is invalid."))
    });
    let kind = kind.transpose()?;
    let Some(algorithm) = text(sent, "x-amz-checksum-algorithm") else {
        return match kind {
            None => Ok(None),
            Some(_) => Err(Error::request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
        };
    };
    let algorithm = checksums::parse_name(algorithm)
        .ok_or_else(|| Error::request("Checksum algorithm provided is unsupported."))?;
    let kind = kind.unwrap_or_else(|| checksum::default_kind(algorithm));
    if !checksum::allowed(algorithm, kind) {
        return Err(Error::request(format!(
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            checksums::kind_name(kind),
            checksums::name(algorithm).to_ascii_lowercase()
        )));
    }
    Ok(Some((algorithm, kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(
        algorithm: &'static str,
        kind: &'static str,
    ) -> Option<Option<(ChecksumAlgorithm, ChecksumKind)>> {
        let mut sent = HeaderMap::new();
        sent.insert("x-amz-checksum-algorithm", HeaderValue::from_static(algorithm));
        sent.insert("x-amz-checksum-type", HeaderValue::from_static(kind));
        wanted_checksum(&sent).ok()
    }

    #[test]
    fn algorithms_go_with_the_kinds_that_aws_allows() {
        assert_eq!(wanted("", ""), Some(None));
        assert_eq!(wanted("CRC32", ""), Some(Some((ChecksumAlgorithm::Crc32, ChecksumKind::Composite))));
        assert_eq!(
            wanted("CRC32", "FULL_OBJECT"),
            Some(Some((ChecksumAlgorithm::Crc32, ChecksumKind::FullObject)))
        );
        assert_eq!(
            wanted("CRC64NVME", ""),
            Some(Some((ChecksumAlgorithm::Crc64Nvme, ChecksumKind::FullObject)))
        );
        for (algorithm, kind) in [
            ("SHA256", "FULL_OBJECT"),
            ("CRC64NVME", "COMPOSITE"),
            ("MD4", ""),
            ("CRC32", "HALF"),
            ("", "COMPOSITE"),
        ] {
            assert_eq!(wanted(algorithm, kind), None, "{algorithm} {kind}");
        }
    }
}
