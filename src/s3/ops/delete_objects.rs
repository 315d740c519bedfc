//! `POST /bucket?delete`: DeleteObjects, up to 1,000 keys in one request.

use crate::iam::policy::Resource;
use crate::object::{DeleteRequest, Deleted};
use crate::types::{BucketName, DeleteCondition, EtagCondition, ObjectKey, Timestamp, VersionId};

use super::super::access_log::{BatchDeletion, BatchDeletions};
use super::super::actions::Action;
use super::super::auth::{Call, Upload};
use super::super::documents::Digest;
use super::super::error::{Code, Error, Result};
use super::super::headers;
use super::super::response::{Response, xml};
use super::super::time::parse_date;
use super::super::xml_read::Element;
use super::super::xml_write::XmlWriter;
use super::{LONG_DOCUMENT_BYTES_MAX, read_document};

/// Keys in one request at most.
const KEYS_MAX: usize = 1000;

/// One entry of the request, and what became of it.
struct Entry {
    key: String,
    version: Option<String>,
    outcome: Result<Outcome, Error>,
}

enum Outcome {
    Waits(DeleteRequest),
    Done(Deleted),
}

/// Removes keys, each on its own, and answers what became of each.
pub(super) async fn run(call: &Call<'_>, upload: Upload, bucket: BucketName) -> Result<Response> {
    let document = read_document(call, upload, Digest::Required, LONG_DOCUMENT_BYTES_MAX).await?;
    let delete = Element::parse(&document, "Delete")?;
    let quiet = delete.child_text("Quiet").is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
    let mut entries = read_entries(&delete)?;
    call.engine().head_bucket(&bucket).await?;
    authorize(call, &bucket, &mut entries).await;
    remove(call, &bucket, &mut entries).await?;
    let mut response = xml(report(&entries, quiet));
    let rules = call.engine().bucket_rules(&bucket);
    if rules.is_some_and(|rules| rules.log_target().is_some()) {
        response.extensions_mut().insert(BatchDeletions(entries.into_iter().map(logged).collect()));
    }
    Ok(response)
}

/// What the access log says of an entry.
fn logged(entry: Entry) -> BatchDeletion {
    let error = entry.outcome.err().map(|error| (error.status().as_u16(), error.code.describe().0));
    BatchDeletion { key: entry.key, version: entry.version, error }
}

/// Reads a document as far as it goes without a bucket.
#[cfg(any(test, fuzzing))]
pub(in crate::s3) fn parse(document: &[u8]) -> Result<()> {
    read_entries(&Element::parse(document, "Delete")?).map(drop)
}

fn read_entries(delete: &Element) -> Result<Vec<Entry>> {
    let objects = delete.children.iter().filter(|child| child.name == "Object");
    let entries: Option<Vec<Entry>> = objects.map(read_entry).collect();
    match entries {
        Some(entries) if (1..=KEYS_MAX).contains(&entries.len()) => Ok(entries),
        Some(_) | None => Err(Code::MalformedXml.into()),
    }
}

/// `None` for an entry without a key: then the document is wrong, not the key.
fn read_entry(object: &Element) -> Option<Entry> {
    let key = object.child_text("Key").filter(|key| !key.is_empty())?.to_owned();
    let version = object.child_text("VersionId").filter(|version| !version.is_empty()).map(str::to_owned);
    let outcome = read_request(object, &key, version.as_deref()).map(Outcome::Waits);
    Some(Entry { key, version, outcome })
}

fn read_request(object: &Element, key: &str, version: Option<&str>) -> Result<DeleteRequest> {
    let text = |name| object.child_text(name).map(str::trim).filter(|text| !text.is_empty());
    let malformed = || Error::new(Code::MalformedXml);
    let modified = text("LastModifiedTime").map(|date| parse_date(date).ok_or_else(malformed)).transpose()?;
    Ok(DeleteRequest {
        key: ObjectKey::parse(key)?,
        // One that no version can have is one that does not exist.
        version: version.map(|text| VersionId::parse(text).ok_or(Code::NoSuchVersion)).transpose()?,
        condition: DeleteCondition {
            etag: text("ETag").map(headers::etag_condition),
            modified: modified.map(|secs| Timestamp::from_millis(secs * 1000)),
            size: text("Size").map(|size| size.parse().map_err(|_| malformed())).transpose()?,
        },
        bypass_governance: false,
    })
}

/// Refuses the entries that the caller may not remove.
async fn authorize(call: &Call<'_>, bucket: &BucketName, entries: &mut [Entry]) {
    for entry in entries {
        let Ok(Outcome::Waits(request)) = &mut entry.outcome else { continue };
        match authorize_removal(call, bucket, request).await {
            Ok(()) => request.bypass_governance = call.bypasses_governance(bucket, &request.key),
            Err(error) => entry.outcome = Err(error),
        }
    }
}

async fn authorize_removal(call: &Call<'_>, bucket: &BucketName, request: &DeleteRequest) -> Result<()> {
    let named = request.version.is_some();
    let action = if named { Action::DeleteObjectVersion } else { Action::DeleteObject };
    call.authorize(action, Resource::Object(bucket.as_str(), request.key.as_str()))?;
    match request.condition.etag {
        Some(EtagCondition::Tag(_)) => {
            call.authorize_etag_condition((bucket, &request.key), request.version).await
        }
        Some(EtagCondition::Any) | None => Ok(()),
    }
}

/// Removes the entries that are fit for it; writes to each what came of it.
async fn remove(call: &Call<'_>, bucket: &BucketName, entries: &mut [Entry]) -> Result<()> {
    let request = |entry: &Entry| match &entry.outcome {
        Ok(Outcome::Waits(request)) => Some(request.clone()),
        _ => None,
    };
    let requests = entries.iter().filter_map(request).collect();
    let outcomes = call.engine().delete(bucket, requests).await?;
    let waiting = entries.iter_mut().filter(|entry| matches!(entry.outcome, Ok(Outcome::Waits(_))));
    for (entry, outcome) in waiting.zip(outcomes) {
        entry.outcome = outcome.map(Outcome::Done).map_err(Error::from);
    }
    Ok(())
}

fn report(entries: &[Entry], quiet: bool) -> Vec<u8> {
    let mut xml = XmlWriter::new(256 + entries.len() * 128);
    xml.open_root("DeleteResult");
    for entry in entries {
        let name = match &entry.outcome {
            Ok(_) if quiet => continue,
            Ok(_) => "Deleted",
            Err(_) => "Error",
        };
        xml.open(name);
        xml.element("Key", &entry.key);
        if let Some(version) = &entry.version {
            xml.element("VersionId", version);
        }
        match &entry.outcome {
            Ok(Outcome::Done(Deleted { version: Some(version), is_marker: true })) => {
                xml.number("DeleteMarker", true);
                xml.number("DeleteMarkerVersionId", version);
            }
            Ok(_) => {}
            Err(error) => {
                xml.element("Code", error.code.describe().0);
                xml.element("Message", error.message());
            }
        }
        xml.close(name);
    }
    xml.close("DeleteResult");
    xml.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(document: &str) -> Result<Vec<Entry>> {
        read_entries(&Element::parse(document.as_bytes(), "Delete")?)
    }

    #[test]
    fn entries_are_read_with_what_is_wrong_with_them() {
        let entries = entries(
            "<Delete><Object><Key>a</Key></Object><Object><Key>b</Key><VersionId>null</VersionId></Object>\
             <Object><Key>c</Key><VersionId>7</VersionId></Object><Object><Key>d</Key><Size>x</Size></Object></Delete>",
        )
        .unwrap();
        let codes: Vec<_> = entries.iter().map(|e| e.outcome.as_ref().err().map(|e| e.code)).collect();
        assert_eq!(codes, [None, None, Some(Code::NoSuchVersion), Some(Code::MalformedXml)]);
        let text = String::from_utf8(report(&entries, true)).unwrap();
        assert!(!text.contains("<Deleted>") && text.contains("<Key>c</Key>"), "{text}");
    }

    #[test]
    fn documents_without_keys_or_with_too_many_are_malformed() {
        let many = format!("<Delete>{}</Delete>", "<Object><Key>k</Key></Object>".repeat(KEYS_MAX + 1));
        for document in
            ["<Delete/>", "<Delete><Object/></Delete>", "<Delete><Object><Key/></Object></Delete>", &many]
        {
            assert_eq!(entries(document).err().map(|error| error.code), Some(Code::MalformedXml));
        }
    }
}
