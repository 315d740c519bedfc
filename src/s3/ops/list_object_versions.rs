//! `GET /bucket?versions`: ListObjectVersions.

use crate::iam::Account;
use crate::object::{ListRequest, ListVersionsEntry, ListVersionsPage, ListVersionsRequest, ListedVersion};
use crate::types::{BucketName, VersionId};

use super::super::auth::Call;
use super::super::checksums;
use super::super::error::{Error, Result};
use super::super::response::{Response, xml};
use super::super::time::iso;
use super::super::versions;
use super::super::xml_write::XmlWriter;
use super::listing::{self, KeyEncoding};

const VERSION_MARKER: &str = "version-id-marker";

/// Answers a page of versions after `key-marker`, or within that key after `version-id-marker`.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName) -> Result<Response> {
    let encoding = KeyEncoding::of(call)?;
    let marker = call.query.get("key-marker").unwrap_or_default().to_owned();
    let behind = version_marker(call, &marker)?;
    let keys = listing::request(call, bucket, marker)?;
    let page = call.engine().list_versions(ListVersionsRequest { keys: keys.clone(), behind }).await?;
    Ok(xml(document(call, &keys, &page, encoding)))
}

fn version_marker(call: &Call<'_>, key_marker: &str) -> Result<Option<VersionId>> {
    let Some(text) = call.query.get(VERSION_MARKER).filter(|text| !text.is_empty()) else { return Ok(None) };
    if key_marker.is_empty() {
        return Err(Error::argument(
            VERSION_MARKER,
            text,
            "A version-id marker cannot be specified without a key marker.",
        ));
    }
    versions::parse(VERSION_MARKER, text).map(Some)
}

fn document(call: &Call<'_>, keys: &ListRequest, page: &ListVersionsPage, encoding: KeyEncoding) -> Vec<u8> {
    let mut xml = XmlWriter::new(1024 + page.entries.len() * 512);
    xml.open_root("ListVersionsResult");
    xml.element("Name", keys.bucket.as_str());
    encoding.element(&mut xml, "Prefix", &keys.prefix);
    encoding.element(&mut xml, "KeyMarker", &keys.after);
    xml.element("VersionIdMarker", call.query.get(VERSION_MARKER).unwrap_or_default());
    if let Some((key, version)) = &page.next {
        encoding.element(&mut xml, "NextKeyMarker", key);
        if let Some(version) = version {
            xml.number("NextVersionIdMarker", version);
        }
    }
    if let Some(delimiter) = &keys.delimiter {
        encoding.element(&mut xml, "Delimiter", delimiter);
    }
    xml.number("MaxKeys", keys.max_keys);
    encoding.declare(&mut xml);
    xml.number("IsTruncated", page.next.is_some());
    let owners = call.owners(&keys.bucket);
    for entry in &page.entries {
        if let ListVersionsEntry::Version(version) = entry {
            write(&mut xml, &owners.of(version.object.owner), version, encoding);
        }
    }
    for entry in &page.entries {
        if let ListVersionsEntry::CommonPrefix(prefix) = entry {
            listing::common_prefix(&mut xml, prefix, encoding);
        }
    }
    xml.close("ListVersionsResult");
    xml.finish()
}

fn write(xml: &mut XmlWriter, owner: &Account, version: &ListedVersion, encoding: KeyEncoding) {
    let object = &version.object;
    let name = if version.is_marker { "DeleteMarker" } else { "Version" };
    xml.open(name);
    encoding.element(xml, "Key", &object.key);
    xml.number("VersionId", version.version);
    xml.number("IsLatest", version.is_latest);
    xml.element("LastModified", &iso(object.modified));
    if !version.is_marker {
        xml.etag(&object.etag);
        if let Some((algorithm, kind)) = object.checksum {
            xml.element("ChecksumAlgorithm", checksums::name(algorithm));
            xml.element("ChecksumType", checksums::kind_name(kind));
        }
        xml.number("Size", object.size);
        xml.element("StorageClass", object.class.name());
    }
    listing::owner(xml, "Owner", owner);
    xml.close(name);
}
