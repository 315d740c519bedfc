//! `PUT /bucket/key` with `x-amz-copy-source`: CopyObject.

use hyper::HeaderMap;

use crate::iam::policy::Resource;
use crate::object::{CopyRequest, ObjectInfo, PutOutcome};
use crate::types::{Aging, Attributes, BucketName, ChecksumAlgorithm, ObjectKey, Tags};

use super::super::actions::Action;
use super::super::auth::Call;
use super::super::error::{Error, Result};
use super::super::headers::{self, REDIRECT_LOCATION, text};
use super::super::response::{Response, xml};
use super::super::time::iso;
use super::super::xml_write::XmlWriter;
use super::super::{checksums, encryption};
use super::super::{lock, tags, versions};
use super::{PUT_BYTES_MAX, copy_source, name_key};

/// Copies an object by reference. Onto itself it changes the attributes, in one step.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    let sent = call.headers();
    let attributes = replacement(sent)?;
    let tags = replacement_tags(sent)?;
    let lock = lock::requested(sent, call.now())?;
    let access = call.new_object_access(sent, &bucket)?;
    let condition = headers::write_condition(sent)?;
    let encryption = encryption::requested(call, sent, &bucket)?;
    let from = copy_source::read(call)?;
    let onto_itself = (&from.bucket, &from.key, from.version) == (&bucket, &key, None);
    if onto_itself && attributes.is_none() && tags.is_none() && !changes_otherwise(sent) {
        return Err(Error::request(
            "This copy request is illegal because it is trying to copy an object to itself without changing \
             the object's metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    let redirect = headers::redirect_location(sent)?;
    let source = copy_source::open(call, &from).await?;
    let attributes = attributes.or_else(|| redirected(&source.info().properties.attributes, redirect));
    let checksum = wanted_checksum(sent)?;
    check_source(source.info())?;
    let (source_version, size) = (source.info().version, source.info().size);
    if tags.is_none() && !source.info().properties.tags.is_empty() {
        call.also(Action::GetObjectTagging, (&from.bucket, &from.key), &source, from.version)?;
        call.authorize(Action::PutObjectTagging, Resource::Object(bucket.as_str(), key.as_str()))?;
    }
    let kept_tags = tags.clone().unwrap_or_else(|| source.info().properties.tags.clone());
    let (place, name) = (bucket.clone(), key.as_str().to_owned());
    let request = CopyRequest {
        bucket,
        key,
        attributes,
        tags,
        lock,
        class: headers::storage_class(sent)?,
        checksum,
        access,
        encryption,
        condition,
    };
    let outcome = call.engine().copy(source, request).await.map_err(|error| name_key(error, &name))?;
    let mut response = xml(document(&outcome));
    versions::name(outcome.version, response.headers_mut());
    encryption::describe(outcome.encryption.as_ref(), response.headers_mut());
    versions::name_source(source_version, response.headers_mut());
    let object = Aging { key: &name, size, tags: &kept_tags, modified: outcome.modified };
    if let Some(expiry) = call.engine().expiry(&place, &object) {
        headers::expiration(&expiry, response.headers_mut());
    }
    Ok(response)
}

/// The attributes that replace the source's; `None` keeps those.
fn replacement(sent: &HeaderMap) -> Result<Option<Attributes>> {
    match text(sent, "x-amz-metadata-directive") {
        None | Some("COPY") => Ok(None),
        Some("REPLACE") => headers::attributes(sent).map(Some),
        Some(other) => {
            Err(Error::argument("x-amz-metadata-directive", other.to_owned(), "Unknown metadata directive."))
        }
    }
}

/// The source's metadata with this redirect location, where that is another; `None` keeps all of it (AWS: "CopyObject",
/// `x-amz-website-redirect-location`).
fn redirected(source: &Attributes, redirect: Option<&str>) -> Option<Attributes> {
    if source.get(REDIRECT_LOCATION) == redirect {
        return None;
    }
    let mut attributes = Attributes::default();
    let kept = source.iter().filter(|(name, _)| *name != REDIRECT_LOCATION);
    kept.chain(redirect.map(|location| (REDIRECT_LOCATION, location)))
        .for_each(|(name, value)| attributes.push(name, value));
    Some(attributes)
}

/// The tags that replace the source's; `None` keeps those.
fn replacement_tags(sent: &HeaderMap) -> Result<Option<Tags>> {
    match text(sent, "x-amz-tagging-directive") {
        None | Some("COPY") => Ok(None),
        Some("REPLACE") => tags::of_headers(sent).map(Some),
        Some(other) => {
            Err(Error::argument("x-amz-tagging-directive", other.to_owned(), "Unknown tagging directive."))
        }
    }
}

/// Things a copy onto itself may change besides the metadata.
fn changes_otherwise(sent: &HeaderMap) -> bool {
    const CHANGES: [&str; 4] = [
        "x-amz-storage-class",
        "x-amz-website-redirect-location",
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-customer-algorithm",
    ];
    CHANGES.iter().any(|name| text(sent, name).is_some())
}

/// A copy is as large as one PUT at most.
fn check_source(info: &ObjectInfo) -> Result<()> {
    if info.size > PUT_BYTES_MAX {
        return Err(Error::request(format!(
            "The specified copy source is larger than the maximum allowable size for a copy source: {PUT_BYTES_MAX}"
        )));
    }
    Ok(())
}

/// The checksum that the copy is to have; `None` for that of the source.
fn wanted_checksum(sent: &HeaderMap) -> Result<Option<ChecksumAlgorithm>> {
    let wanted = text(sent, "x-amz-checksum-algorithm").map(|name| {
        checksums::parse_name(name)
            .ok_or_else(|| Error::request("Checksum algorithm provided is unsupported."))
    });
    wanted.transpose()
}

fn document(outcome: &PutOutcome) -> Vec<u8> {
    let mut xml = XmlWriter::new(512);
    xml.open_root("CopyObjectResult");
    xml.element("LastModified", &iso(outcome.modified));
    xml.etag(&outcome.etag);
    if let Some(checksum) = &outcome.checksum {
        xml.element("ChecksumType", checksums::kind_name(checksum.kind));
        let value = checksums::text(checksum, outcome.etag.parts);
        xml.element(checksums::element(checksum.value.algorithm), &value);
    }
    xml.close("CopyObjectResult");
    xml.finish()
}
