//! `POST /bucket/key?uploadId=ID`: CompleteMultipartUpload.

use hyper::HeaderMap;

use crate::checksum;
use crate::object::{CompleteRequest, CompletedPart, Expiry, PutOutcome};
use crate::types::{Aging, BucketName, ChecksumValue, Etag, ObjectKey, PartNumber};

use super::super::auth::{Call, Upload};
use super::super::error::{Code, Error, Result};
use super::super::headers::{self, text};
use super::super::response::{Response, xml};
use super::super::versions;
use super::super::xml_read::Element;
use super::super::xml_write::XmlWriter;
use super::super::{checksums, encryption};
use super::{LONG_DOCUMENT_BYTES_MAX, multipart, name_key};

/// Makes the object of its parts.
pub(super) async fn run(
    call: &Call<'_>,
    upload_body: Upload,
    bucket: BucketName,
    key: ObjectKey,
) -> Result<Response> {
    let sent = call.headers();
    let condition = headers::write_condition(sent)?;
    let size = expected_size(sent)?;
    let checksum_kind = text(sent, "x-amz-checksum-type").map(|kind| {
        checksums::parse_kind(kind)
            .ok_or_else(|| Error::request("Value for x-amz-checksum-type header is invalid."))
    });
    let checksum_kind = checksum_kind.transpose()?;
    let document = read_document(call, upload_body).await?;
    let parts = read_parts(&document)?;
    let checksum = expected_checksum(sent, parts.len())?;
    let upload = multipart::upload(call, bucket.clone(), key.clone())?;
    let id = upload.upload;
    let request = CompleteRequest { upload, parts, checksum, checksum_kind, size, condition };
    let outcome = call.engine().complete_upload(request).await;
    let outcome = outcome.map_err(|error| name_key(multipart::name_upload(error, id), key.as_str()))?;
    let mut response = xml(answer(call, &bucket, &key, &outcome));
    versions::name(outcome.version, response.headers_mut());
    encryption::describe(outcome.encryption.as_ref(), response.headers_mut());
    if let Some(expiry) = expiry(call, (&bucket, &key), &outcome).await {
        headers::expiration(&expiry, response.headers_mut());
    }
    Ok(response)
}

/// When the new object ends, where the bucket has rules for that.
async fn expiry(
    call: &Call<'_>,
    (bucket, key): (&BucketName, &ObjectKey),
    outcome: &PutOutcome,
) -> Option<Expiry> {
    call.engine().bucket_rules(bucket)?.lifecycle.as_ref()?;
    let made = call.engine().open(bucket, key, outcome.version).await.ok()?;
    let info = made.info();
    let tags = &info.properties.tags;
    let object = Aging { key: key.as_str(), size: info.size, tags, modified: info.modified };
    call.engine().expiry(bucket, &object)
}

/// The document. A checksum header here is of the object, not of the document, so only the payload's
/// own hash is checked.
async fn read_document(call: &Call<'_>, upload: Upload) -> Result<Element> {
    let document = call.open_document(upload)?.collect(LONG_DOCUMENT_BYTES_MAX).await?;
    Element::parse(&document, "CompleteMultipartUpload")
}

/// Reads a document as far as it goes without an upload.
#[cfg(any(test, fuzzing))]
pub(in crate::s3) fn parse(document: &[u8]) -> Result<()> {
    read_parts(&Element::parse(document, "CompleteMultipartUpload")?).map(drop)
}

fn read_parts(document: &Element) -> Result<Vec<CompletedPart>> {
    let parts = document.children.iter().filter(|child| child.name == "Part");
    let parts = parts.map(read_part).collect::<Result<Vec<_>>>()?;
    match parts.len() {
        1..=10_000 => Ok(parts),
        _ => Err(Code::MalformedXml.into()),
    }
}

fn read_part(part: &Element) -> Result<CompletedPart> {
    let malformed = || Error::new(Code::MalformedXml);
    let number = part.child_text("PartNumber").and_then(|text| text.trim().parse().ok());
    let number: u32 = number.ok_or_else(malformed)?;
    let number = PartNumber::new(number).ok_or_else(|| {
        Error::argument(
            "partNumber",
            number.to_string(),
            "PartNumber must be an integer between 1 and 10000, inclusive",
        )
    })?;
    let etag = part.child_text("ETag").ok_or_else(malformed)?;
    let etag = Etag::parse(etag)
        .ok_or_else(|| Error::new(Code::InvalidPart).detail("PartNumber", number.get().to_string()))?;
    let mut checksum = None;
    for algorithm in checksums::algorithms() {
        if let Some(text) = part.child_text(checksums::element(algorithm)) {
            checksum = Some(checksum::decode(algorithm, text.trim()).ok_or_else(malformed)?);
        }
    }
    Ok(CompletedPart { part: number, etag, checksum })
}

fn expected_size(sent: &HeaderMap) -> Result<Option<u64>> {
    const HEADER: &str = "x-amz-mp-object-size";
    let size = text(sent, HEADER).map(|text| {
        text.parse().map_err(|_| Error::argument(HEADER, text.to_owned(), "Invalid object size"))
    });
    size.transpose()
}

/// The checksum of the whole: base64, and for a composite one perhaps `-` and the number of parts.
fn expected_checksum(sent: &HeaderMap, parts: usize) -> Result<Option<ChecksumValue>> {
    let mut found = None;
    for algorithm in checksums::algorithms() {
        let name = checksums::header(algorithm);
        let Some(text) = text(sent, name) else { continue };
        let invalid = || Error::request(format!("Value for {name} header is invalid."));
        let (value, count) = text.split_once('-').unwrap_or((text, ""));
        if !count.is_empty() && count.parse() != Ok(parts) {
            return Err(invalid());
        }
        if found.replace(checksum::decode(algorithm, value).ok_or_else(invalid)?).is_some() {
            return Err(Error::request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
    }
    Ok(found)
}

fn answer(call: &Call<'_>, bucket: &BucketName, key: &ObjectKey, outcome: &PutOutcome) -> Vec<u8> {
    let mut xml = XmlWriter::new(1024);
    xml.open_root("CompleteMultipartUploadResult");
    xml.element("Location", &call.location(bucket, key));
    xml.element("Bucket", bucket.as_str());
    xml.element("Key", key.as_str());
    xml.etag(&outcome.etag);
    if let Some(checksum) = &outcome.checksum {
        let value = checksums::text(checksum, outcome.etag.parts);
        xml.element(checksums::element(checksum.value.algorithm), &value);
        xml.element("ChecksumType", checksums::kind_name(checksum.kind));
    }
    xml.close("CompleteMultipartUploadResult");
    xml.finish()
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use crate::types::ChecksumAlgorithm;

    use super::*;

    const TAG: &str = "d41d8cd98f00b204e9800998ecf8427e";

    fn parts(inner: &str) -> Result<Vec<CompletedPart>> {
        let document = format!("<CompleteMultipartUpload>{inner}</CompleteMultipartUpload>");
        read_parts(&Element::parse(document.as_bytes(), "CompleteMultipartUpload")?)
    }

    #[test]
    fn parts_are_read_with_quoted_tags_and_checksums() {
        let parts = parts(&format!(
            "<Part><PartNumber>1</PartNumber><ETag>&quot;{TAG}&quot;</ETag></Part>\
             <Part><ChecksumCRC32>AAAAAA==</ChecksumCRC32><ETag>{TAG}</ETag><PartNumber>3</PartNumber></Part>"
        ))
        .unwrap();
        assert_eq!(parts.iter().map(|part| part.part.get()).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(parts[0].etag, Etag::parse(TAG).unwrap());
        assert_eq!(parts[1].checksum.as_ref().unwrap().algorithm, ChecksumAlgorithm::Crc32);
    }

    #[test]
    fn unreadable_parts_get_their_codes() {
        for (inner, code) in [
            (String::new(), Code::MalformedXml),
            (format!("<Part><ETag>{TAG}</ETag></Part>"), Code::MalformedXml),
            ("<Part><PartNumber>1</PartNumber></Part>".into(), Code::MalformedXml),
            (format!("<Part><PartNumber>x</PartNumber><ETag>{TAG}</ETag></Part>"), Code::MalformedXml),
            (format!("<Part><PartNumber>0</PartNumber><ETag>{TAG}</ETag></Part>"), Code::InvalidArgument),
            (format!("<Part><PartNumber>10001</PartNumber><ETag>{TAG}</ETag></Part>"), Code::InvalidArgument),
            ("<Part><PartNumber>1</PartNumber><ETag>mine</ETag></Part>".into(), Code::InvalidPart),
        ] {
            assert_eq!(parts(&inner).unwrap_err().code, code, "{inner}");
        }
    }

    #[test]
    fn whole_checksum_may_carry_the_number_of_parts() {
        let expected = |text: &'static str| {
            let mut sent = HeaderMap::new();
            sent.insert(HeaderName::from_static("x-amz-checksum-crc32"), HeaderValue::from_static(text));
            expected_checksum(&sent, 2).ok().map(|value| value.is_some())
        };
        assert_eq!(expected("AAAAAA=="), Some(true));
        assert_eq!(expected("AAAAAA==-2"), Some(true));
        assert_eq!(expected("AAAAAA==-3"), None);
        assert_eq!(expected("AAAA"), None);
        assert_eq!(expected(""), Some(false));
    }
}
