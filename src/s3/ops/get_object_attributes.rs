//! `GET /bucket/key?attributes`: GetObjectAttributes.

use hyper::header::ETAG;

use crate::object::OpenObject;
use crate::types::{BucketName, ObjectKey};

use super::super::actions::Action;
use super::super::auth::Call;
use super::super::checksums;
use super::super::encryption::{self, CUSTOMER};
use super::super::error::{Error, Result};
use super::super::headers;
use super::super::response::{Response, xml};
use super::super::versions;
use super::super::xml_write::XmlWriter;

/// What may be asked for.
const KNOWN: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

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
    let mut response = xml(document(&object, &wanted));
    let answer = response.headers_mut();
    headers::identify(object.info(), answer);
    answer.remove(ETAG);
    Ok(response)
}

fn document(object: &OpenObject, wanted: &[&str]) -> Vec<u8> {
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
    if wanted.contains(&"ObjectParts") && info.etag.parts > 0 {
        xml.open("ObjectParts");
        xml.number("PartsCount", info.etag.parts);
        xml.close("ObjectParts");
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
