//! `GET /bucket?uploads`: ListMultipartUploads.

use crate::iam::Account;
use crate::object::{ListUploadsRequest, UploadInfo, UploadsPage};
use crate::types::{BucketName, UploadId};

use super::super::auth::Call;
use super::super::checksums;
use super::super::error::{Error, Result};
use super::super::response::{Response, xml};
use super::super::time::iso;
use super::super::xml_write::XmlWriter;
use super::listing::{KeyEncoding, PAGE_MAX, common_prefix, owner};

/// Answers a page of uploads in progress.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName) -> Result<Response> {
    let encoding = KeyEncoding::of(call)?;
    let text = |name| call.query.get(name).unwrap_or_default();
    let request = ListUploadsRequest {
        bucket,
        prefix: text("prefix").to_owned(),
        delimiter: Some(text("delimiter")).filter(|text| !text.is_empty()).map(str::to_owned),
        after_key: text("key-marker").to_owned(),
        after_upload: upload_marker(text("key-marker"), text("upload-id-marker"))?,
        max_uploads: call.query.page_size("max-uploads", PAGE_MAX)?,
    };
    let page = call.engine().list_uploads(request.clone()).await?;
    Ok(xml(document(call, &request, &page, encoding)))
}

/// The upload marker means something only beside a key marker.
fn upload_marker(key: &str, upload: &str) -> Result<Option<UploadId>> {
    if key.is_empty() || upload.is_empty() {
        return Ok(None);
    }
    let marker = UploadId::parse(upload);
    marker.map(Some).ok_or_else(|| Error::argument("upload-id-marker", upload, "Invalid uploadId marker"))
}

fn document(
    call: &Call<'_>,
    request: &ListUploadsRequest,
    page: &UploadsPage,
    encoding: KeyEncoding,
) -> Vec<u8> {
    let mut xml = XmlWriter::new(1024 + page.uploads.len() * 640);
    xml.open_root("ListMultipartUploadsResult");
    xml.element("Bucket", request.bucket.as_str());
    encoding.element(&mut xml, "KeyMarker", &request.after_key);
    xml.element("UploadIdMarker", &request.after_upload.map(|id| id.to_string()).unwrap_or_default());
    if let Some((key, upload)) = &page.next {
        encoding.element(&mut xml, "NextKeyMarker", key);
        xml.element("NextUploadIdMarker", &upload.map(|id| id.to_string()).unwrap_or_default());
    }
    encoding.element(&mut xml, "Prefix", &request.prefix);
    if let Some(delimiter) = &request.delimiter {
        encoding.element(&mut xml, "Delimiter", delimiter);
    }
    encoding.declare(&mut xml);
    xml.number("MaxUploads", request.max_uploads);
    xml.number("IsTruncated", page.next.is_some());
    for upload in &page.uploads {
        let initiator = upload.owner.unwrap_or_else(|| call.bucket_owner(&request.bucket));
        entry(&mut xml, &call.account(initiator), upload, encoding);
    }
    for prefix in &page.common_prefixes {
        common_prefix(&mut xml, prefix, encoding);
    }
    xml.close("ListMultipartUploadsResult");
    xml.finish()
}

fn entry(xml: &mut XmlWriter, account: &Account, upload: &UploadInfo, encoding: KeyEncoding) {
    xml.open("Upload");
    encoding.element(xml, "Key", upload.key.as_str());
    xml.number("UploadId", upload.upload);
    owner(xml, "Initiator", account);
    owner(xml, "Owner", account);
    xml.element("StorageClass", upload.class.name());
    xml.element("Initiated", &iso(upload.initiated));
    if let Some((algorithm, kind)) = upload.checksum {
        xml.element("ChecksumAlgorithm", checksums::name(algorithm));
        xml.element("ChecksumType", checksums::kind_name(kind));
    }
    xml.close("Upload");
}
