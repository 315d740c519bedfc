//! `PUT /bucket/key?partNumber=N&uploadId=ID` with `x-amz-copy-source`: UploadPartCopy.

use std::ops::Range;

use crate::checksum;
use crate::object::{PartInfo, PutPartRequest};
use crate::types::{BucketName, ObjectKey};

use super::super::auth::Call;
use super::super::checksums;
use super::super::encryption::{self, CUSTOMER};
use super::super::error::{Error, Result};
use super::super::headers::text;
use super::super::range::parse_copy;
use super::super::response::{Response, xml};
use super::super::time::iso;
use super::super::versions;
use super::super::xml_write::XmlWriter;
use super::{PUT_BYTES_MAX, copy_source, multipart};

/// Stores a part whose bytes are those of an object, or of a range of it.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    encryption::refuse_managed(call.headers())?;
    let part = multipart::part(call)?;
    let upload = multipart::upload(call, bucket, key)?;
    let from = copy_source::read(call)?;
    let checksum = multipart::checksum_algorithm(call, &upload).await?;
    let source = copy_source::open(call, &from).await?;
    let version = source.info().version;
    let range = chosen(call, source.info().size)?;
    let length = Some(range.end - range.start);
    let body = source.read(range).await?.into_body(checksum.stored);
    let customer_key = encryption::customer_key(call, call.headers(), &CUSTOMER)?;
    let id = upload.upload;
    let request = PutPartRequest { upload, part, length, content_md5: None, customer_key };
    let stored = call.engine().put_part(request, body).await;
    let stored = stored.map_err(|error| multipart::part_refusal(error, id))?;
    let mut response = xml(document(&stored));
    encryption::describe(stored.encryption.as_ref(), response.headers_mut());
    versions::name_source(version, response.headers_mut());
    Ok(response)
}

/// The bytes to copy, which must lie within the source.
fn chosen(call: &Call<'_>, size: u64) -> Result<Range<u64>> {
    const HEADER: &str = "x-amz-copy-source-range";
    let range = match text(call.headers(), HEADER) {
        None => 0..size,
        Some(header) => {
            let range = parse_copy(header).ok_or_else(|| {
                Error::argument(
                    HEADER,
                    header.to_owned(),
                    "The x-amz-copy-source-range value must be of the form bytes=first-last where first and \
                     last are the zero-based offsets of the first and last bytes to copy",
                )
            })?;
            if range.end > size {
                let words = format!("Range specified is not valid for source object of size: {size}");
                return Err(Error::argument(HEADER, header.to_owned(), words));
            }
            range
        }
    };
    if range.end - range.start > PUT_BYTES_MAX {
        return Err(Error::request(format!(
            "The specified copy source is larger than the maximum allowable size for a copy source: {PUT_BYTES_MAX}"
        )));
    }
    Ok(range)
}

fn document(part: &PartInfo) -> Vec<u8> {
    let mut xml = XmlWriter::new(512);
    xml.open_root("CopyPartResult");
    xml.element("LastModified", &iso(part.modified));
    xml.etag(&part.etag);
    if let Some(value) = &part.checksum {
        xml.element(checksums::element(value.algorithm), &checksum::encode(value));
    }
    xml.close("CopyPartResult");
    xml.finish()
}
