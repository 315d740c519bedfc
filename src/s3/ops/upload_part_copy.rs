//! `PUT /bucket/key?partNumber=N&uploadId=ID` with `x-amz-copy-source`: UploadPartCopy.

use std::ops::Range;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use crate::checksum::{self, Hasher};
use crate::object::{Body, BodyError, ObjectStream, PartInfo, PutPartRequest};
use crate::types::{BucketName, ChecksumValue, ObjectKey};

use super::super::auth::Call;
use super::super::checksums;
use super::super::error::{Error, Result};
use super::super::headers::{self, text};
use super::super::range::parse_copy;
use super::super::response::{Response, xml};
use super::super::time::iso;
use super::super::versions;
use super::super::xml_write::XmlWriter;
use super::{PUT_BYTES_MAX, copy_source, multipart};

/// Stores a part whose bytes are those of an object, or of a range of it.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    headers::refuse_unsupported(call.headers())?;
    let part = multipart::part(call)?;
    let upload = multipart::upload(call, bucket, key)?;
    let from = copy_source::read(call)?;
    let checksum = multipart::checksum_algorithm(call, &upload).await?;
    let source = copy_source::open(call, &from).await?;
    let version = source.info().version;
    let range = chosen(call, source.info().size)?;
    let length = Some(range.end - range.start);
    let stream = source.read(range).await?;
    let body = Hashed { stream, hasher: Some(Hasher::new(checksum.stored)), checksum: None };
    let id = upload.upload;
    let request = PutPartRequest { upload, part, length, content_md5: None };
    let stored = call.engine().put_part(request, body).await;
    let mut response = xml(document(&stored.map_err(|error| multipart::name_upload(error, id))?));
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

/// A source's bytes with the checksum that the upload wants of its parts.
struct Hashed {
    stream: ObjectStream,
    hasher: Option<Hasher>,
    checksum: Option<ChecksumValue>,
}

impl Body for Hashed {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let next = ready!(Body::poll_chunk(&mut self.stream, cx));
        match (&next, &mut self.hasher) {
            (Some(Ok(chunk)), Some(hasher)) => hasher.update(chunk),
            (None, hasher) => self.checksum = hasher.take().map(Hasher::finish).or(self.checksum.take()),
            (Some(_), _) => {}
        }
        Poll::Ready(next)
    }

    fn checksum(&self) -> Option<ChecksumValue> {
        self.checksum.clone()
    }
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
