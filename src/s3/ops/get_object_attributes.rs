//! `GET /bucket/key?attributes`: GetObjectAttributes.

use hyper::HeaderMap;
use hyper::header::ETAG;

use crate::checksum;
use crate::object::OpenObject;
use crate::types::{BucketName, ChecksumValue, ObjectKey};

use super::super::actions::Action;
use super::super::auth::Call;
use super::super::encryption::{self, CUSTOMER};
use super::super::error::{Error, Result};
use super::super::response::{Response, xml};
use super::super::xml_write::XmlWriter;
use super::super::{checksums, headers, query, versions};
use super::listing::PAGE_MAX;

/// What may be asked for.
const KNOWN: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

/// Which of an object's parts are asked for, and what is known of all.
struct Parts {
    after: u16,
    max: u16,
    sizes: Vec<u64>,
    /// As many; none where the object has no checksum that is made of theirs. Then AWS does not tell of each.
    checksums: Option<Vec<ChecksumValue>>,
}

/// Answers the attributes that `x-amz-object-attributes` names.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    let version = versions::requested(&call.query)?;
    let values = call.headers().get_all("x-amz-object-attributes");
    let wanted: Vec<&str> = values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    if let Some(unknown) = wanted.iter().find(|name| !KNOWN.contains(name)) {
        return Err(Error::argument(
            "x-amz-object-attributes",
            (*unknown).to_owned(),
            "Invalid attribute name specified.",
        ));
    }
    if wanted.is_empty() {
        return Err(Error::request(
            "The x-amz-object-attributes header specifying the attributes to be \
                                   retrieved is either missing or empty",
        ));
    }
    let object = call.open_object(Action::GetObject, (&bucket, &key), version).await?;
    call.also(Action::GetObjectAttributes, (&bucket, &key), &object, version)?;
    let customer = encryption::customer_key(call, call.headers(), &CUSTOMER)?;
    let object = object.with_customer_key(customer)?;
    let parts = match wanted.contains(&"ObjectParts") && object.info().etag.parts > 0 {
        true => Some(parts(call, &object)?),
        false => None,
    };
    let mut response = xml(document(&object, &wanted, parts.as_ref()));
    let answer = response.headers_mut();
    headers::identify(object.info(), answer);
    answer.remove(ETAG);
    Ok(response)
}

fn parts(call: &Call<'_>, object: &OpenObject) -> Result<Parts> {
    let (after, max) = (marker(call.headers())?, page_size(call.headers())?);
    let (sizes, checksums) = (object.part_sizes(), call.engine().part_checksums(object)?);
    Ok(Parts { after, max, sizes, checksums })
}

/// Beyond the last possible number nothing follows.
fn marker(sent: &HeaderMap) -> Result<u16> {
    const NAME: &str = "x-amz-part-number-marker";
    let Some(text) = headers::text(sent, NAME) else { return Ok(0) };
    let marker: u32 = text.parse().map_err(|_| {
        Error::argument(NAME, text, "Provided part-number-marker not an integer or within integer range")
    })?;
    Ok(u16::try_from(marker).unwrap_or(u16::MAX))
}

fn page_size(sent: &HeaderMap) -> Result<u16> {
    const NAME: &str = "x-amz-max-parts";
    headers::text(sent, NAME).map_or(Ok(PAGE_MAX), |text| query::page_size_of(NAME, text, PAGE_MAX))
}

fn write_parts(xml: &mut XmlWriter, parts: &Parts) {
    xml.open("ObjectParts");
    xml.number("PartsCount", parts.sizes.len());
    if let Some(checksums) = &parts.checksums {
        let all = (1u16..).zip(parts.sizes.iter().zip(checksums));
        let page: Vec<_> = all.skip(parts.after.into()).take(parts.max.into()).collect();
        let last = page.last().map_or(0, |(number, _)| *number);
        let behind = usize::from(parts.after) + page.len() < parts.sizes.len();
        xml.number("PartNumberMarker", parts.after);
        xml.number("NextPartNumberMarker", last);
        xml.number("MaxParts", parts.max);
        xml.number("IsTruncated", behind);
        for (number, (size, value)) in page {
            xml.open("Part");
            xml.element(checksums::element(value.algorithm), &checksum::encode(value));
            xml.number("PartNumber", number);
            xml.number("Size", size);
            xml.close("Part");
        }
    }
    xml.close("ObjectParts");
}

fn document(object: &OpenObject, wanted: &[&str], parts: Option<&Parts>) -> Vec<u8> {
    let info = object.info();
    let mut xml = XmlWriter::new(1024);
    xml.open_root("GetObjectAttributesResponse");
    if wanted.contains(&"ETag") {
        xml.number("ETag", info.etag);
    }
    if wanted.contains(&"Checksum")
        && let Some(checksum) = &info.checksum
    {
        xml.open("Checksum");
        xml.element(
            checksums::element(checksum.value.algorithm),
            &checksums::text(checksum, info.etag.parts),
        );
        xml.element("ChecksumType", checksums::kind_name(checksum.kind));
        xml.close("Checksum");
    }
    if let Some(parts) = parts {
        write_parts(&mut xml, parts);
    }
    if wanted.contains(&"StorageClass") {
        xml.element("StorageClass", info.properties.class.name());
    }
    if wanted.contains(&"ObjectSize") {
        xml.number("ObjectSize", info.size);
    }
    xml.close("GetObjectAttributesResponse");
    xml.finish()
}
