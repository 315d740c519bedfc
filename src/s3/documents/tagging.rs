//! `?tagging`: tags of the bucket.

use std::collections::HashSet;

use serde_json::Value;

use crate::types::ConfigurationKind;

use super::super::error::{Code, Error, Result};
use super::super::xml_read::Element;
use super::form::{self, Field, Form, once, up_to};
use super::{Digest, Document, Removal, Unset, filter, list, text};

/// Tags of one bucket at most, and their lengths.
const TAGS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::Tagging,
    root: "Tagging",
    fields: &[once("TagSet", Form::Group(TAG_SET))],
    unset: Unset::Error(Code::NoSuchTagSet),
    digest: Digest::Required,
    removal: Removal::Delete,
    complete: |value| check(&value["TagSet"]),
};

// More than a bucket may have, so that too many are counted and not malformed.
const TAG_SET: &[Field] = &[up_to("Tag", filter::TAG, 1000)];

/// The tags in an element of another document, as this one keeps them; none where there are none.
pub(in super::super) fn read_tags(tags: &Element) -> Result<Option<Value>> {
    let set = form::read(tags, TAG_SET)?;
    check(&set)?;
    let has_any = list(&set, "Tag").next().is_some();
    Ok(has_any.then(|| serde_json::json!({ "TagSet": set })))
}

fn check(set: &Value) -> Result<()> {
    if list(set, "Tag").count() > TAGS_MAX {
        return Err(Error::with_message(
            Code::BadRequest,
            format!("Bucket tag count cannot be greater than {TAGS_MAX}"),
        ));
    }
    let invalid =
        |key: &str, message| Error::with_message(Code::InvalidTag, message).detail("TagKey", key.to_owned());
    let mut keys = HashSet::new();
    for tag in list(set, "Tag") {
        let (key, value) = (text(tag, "Key"), text(tag, "Value"));
        if key.is_empty() || key.chars().count() > KEY_CHARS_MAX || !key.chars().all(is_allowed) {
            return Err(invalid(key, "The TagKey you have provided is invalid"));
        }
        if value.chars().count() > VALUE_CHARS_MAX || !value.chars().all(is_allowed) {
            return Err(invalid(key, "The TagValue you have provided is invalid"));
        }
        if key.starts_with("aws:") {
            return Err(invalid(key, "System tags cannot be added/updated by requester"));
        }
        if !keys.insert(key) {
            return Err(invalid(key, "Cannot provide multiple Tags with the same key"));
        }
    }
    Ok(())
}

/// Letters, digits, spaces of any script, and `+ - = . _ : / @`.
fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "+-=._:/@".contains(c)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{kept, refused};
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> String {
        let tag = |(key, value): &(&str, &str)| format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>");
        format!("<TagSet>{}</TagSet>", pairs.iter().map(tag).collect::<String>())
    }

    #[test]
    fn tags_have_bounds_and_unique_keys() {
        let keys: Vec<String> = (0..51).map(|n| format!("k{n}")).collect();
        let many: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "v")).collect();
        kept(&DOCUMENT, &tags(&many[..50]));
        kept(&DOCUMENT, &tags(&[("Größe :/@", ""), (&"k".repeat(128), &"v".repeat(256))]));
        refused(
            &DOCUMENT,
            &[
                ("", Code::MalformedXml),
                ("<TagSet><Tag><Key>a</Key></Tag></TagSet>", Code::MalformedXml),
                (&tags(&many), Code::BadRequest),
                (&tags(&[("", "v")]), Code::InvalidTag),
                (&tags(&[("a", "1"), ("a", "2")]), Code::InvalidTag),
                (&tags(&[("aws:a", "1")]), Code::InvalidTag),
                (&tags(&[("a!", "1")]), Code::InvalidTag),
                (&tags(&[(&"k".repeat(129), "1")]), Code::InvalidTag),
                (&tags(&[("a", &"v".repeat(257))]), Code::InvalidTag),
            ],
        );
    }
}
