//! `?tagging`: tags of the bucket.

use serde_json::Value;

use crate::types::{ConfigurationKind, Tags};

use super::super::error::{Code, Result};
use super::super::tags;
use super::super::xml_read::Element;
use super::form::{self, Field, Form, once, up_to};
use super::{Digest, Document, Removal, Unset, filter, list, text};

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::Tagging,
    root: "Tagging",
    fields: &[once("TagSet", Form::Group(TAG_SET))],
    unset: Unset::Error(Code::NoSuchTagSet),
    digest: Digest::Required,
    removal: Removal::Delete,
    complete: |value| tags_of(&value["TagSet"]).map(drop),
};

// More than a bucket may have, so that too many are counted and not malformed.
const TAG_SET: &[Field] = &[up_to("Tag", filter::TAG, 1000)];

/// The tags in an element of another document, and as this one keeps them.
pub(in super::super) fn read_tags(tags: &Element) -> Result<(Tags, Value)> {
    let set = form::read(tags, TAG_SET)?;
    Ok((tags_of(&set)?, serde_json::json!({ "TagSet": set })))
}

fn tags_of(set: &Value) -> Result<Tags> {
    let pairs = list(set, "Tag").map(|tag| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned()));
    Tags::new(pairs.collect(), Tags::BUCKET_MAX).map_err(|error| tags::refusal(error, Tags::BUCKET_MAX))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{kept, refused};
    use super::*;

    fn document(pairs: &[(&str, &str)]) -> String {
        let tag = |(key, value): &(&str, &str)| format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>");
        format!("<TagSet>{}</TagSet>", pairs.iter().map(tag).collect::<String>())
    }

    #[test]
    fn tags_have_bounds_and_unique_keys() {
        let keys: Vec<String> = (0..51).map(|n| format!("k{n}")).collect();
        let many: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "v")).collect();
        kept(&DOCUMENT, &document(&many[..50]));
        kept(&DOCUMENT, &document(&[("Größe :/@", ""), (&"k".repeat(128), &"v".repeat(256))]));
        refused(
            &DOCUMENT,
            &[
                ("", Code::MalformedXml),
                ("<TagSet><Tag><Key>a</Key></Tag></TagSet>", Code::MalformedXml),
                (&document(&many), Code::BadRequest),
                (&document(&[("", "v")]), Code::InvalidTag),
                (&document(&[("a", "1"), ("a", "2")]), Code::InvalidTag),
                (&document(&[("aws:a", "1")]), Code::InvalidTag),
                (&document(&[("a!", "1")]), Code::InvalidTag),
                (&document(&[(&"k".repeat(129), "1")]), Code::InvalidTag),
                (&document(&[("a", &"v".repeat(257))]), Code::InvalidTag),
            ],
        );
    }
}
