//! `GET /bucket/key?uploadId=ID`: ListParts.

use crate::checksum;
use crate::object::{PartsPage, UploadRef};
use crate::types::{BucketName, ObjectKey};

use super::super::actions::Action;
use super::super::auth::Call;
use super::super::checksums;
use super::super::error::{Error, Result};
use super::super::headers;
use super::super::response::{Response, xml};
use super::super::time::iso;
use super::super::xml_write::XmlWriter;
use super::listing::{PAGE_MAX, owner};
use super::multipart;

/// Which page was asked for.
struct Page {
    after: u16,
    max: u16,
}

/// Answers a page of an upload's parts.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    let upload = multipart::upload(call, bucket, key)?;
    call.authorize_upload(Action::ListMultipartUploadParts, &upload).await?;
    let page = Page { after: marker(call)?, max: call.query.page_size("max-parts", PAGE_MAX)? };
    let parts = call.engine().list_parts(&upload, page.after, page.max).await;
    let parts = parts.map_err(|error| multipart::name_upload(error, upload.upload))?;
    let mut response = xml(document(call, &upload, &page, &parts));
    if let Some(expiry) = call.engine().upload_expiry(&upload.bucket, &upload.key, parts.upload.initiated) {
        headers::abort(&expiry, response.headers_mut());
    }
    Ok(response)
}

/// `part-number-marker`; beyond the last possible number nothing follows.
fn marker(call: &Call<'_>) -> Result<u16> {
    const NAME: &str = "part-number-marker";
    let Some(text) = call.query.get(NAME).filter(|text| !text.is_empty()) else { return Ok(0) };
    let marker: u32 = text.parse().map_err(|_| {
        Error::argument(NAME, text, "Provided part-number-marker not an integer or within integer range")
    })?;
    Ok(u16::try_from(marker).unwrap_or(u16::MAX))
}

fn document(call: &Call<'_>, upload: &UploadRef, page: &Page, found: &PartsPage) -> Vec<u8> {
    let mut xml = XmlWriter::new(1024 + found.parts.len() * 256);
    xml.open_root("ListPartsResult");
    xml.element("Bucket", upload.bucket.as_str());
    xml.element("Key", upload.key.as_str());
    xml.number("UploadId", upload.upload);
    let initiator = found.upload.owner.unwrap_or_else(|| call.bucket_owner(&upload.bucket));
    let account = call.account(initiator);
    owner(&mut xml, "Initiator", &account);
    owner(&mut xml, "Owner", &account);
    xml.element("StorageClass", found.upload.class.name());
    xml.number("PartNumberMarker", page.after);
    xml.number("NextPartNumberMarker", found.parts.last().map_or(0, |part| part.part.get()));
    xml.number("MaxParts", page.max);
    xml.number("IsTruncated", found.truncated);
    if let Some((algorithm, kind)) = found.upload.checksum {
        xml.element("ChecksumAlgorithm", checksums::name(algorithm));
        xml.element("ChecksumType", checksums::kind_name(kind));
    }
    for part in &found.parts {
        xml.open("Part");
        xml.number("PartNumber", part.part.get());
        xml.element("LastModified", &iso(part.modified));
        xml.etag(&part.etag);
        xml.number("Size", part.size);
        if let Some(value) = &part.checksum {
            xml.element(checksums::element(value.algorithm), &checksum::encode(value));
        }
        xml.close("Part");
    }
    xml.close("ListPartsResult");
    xml.finish()
}
