//! The filters that several documents share: a prefix, tags, sizes, or several of these.

use serde_json::Value;

use super::super::error::Result;
use super::form::{Field, Form, maybe, once, up_to};
use super::{count, list, malformed};

/// A tag.
pub(super) const TAG: Form = Form::Group(&[once("Key", Form::Text), once("Value", Form::Text)]);

/// Tags in one filter at most.
pub(super) const TAGS_MAX: usize = 1000;

/// A prefix, a tag, or several.
pub(super) const PREFIX_AND_TAGS: Form = Form::Group(PREFIX_AND_TAGS_FIELDS);

const PREFIX_AND_TAGS_FIELDS: &[Field] = &[
    maybe("Prefix", Form::Text),
    maybe("Tag", TAG),
    maybe("And", Form::Group(&[maybe("Prefix", Form::Text), up_to("Tag", TAG, TAGS_MAX)])),
];

/// A filter says one thing, or with `And` several.
pub(super) fn check(filter: &Value) -> Result<()> {
    const ALONE: [&str; 5] =
        ["Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "AccessPointArn"];
    let and = &filter["And"];
    let joined = list(and, "Tag").count()
        + count(and, &["Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "AccessPointArn"]);
    if count(filter, &ALONE) + count(filter, &["And"]) > 1 || (!and.is_null() && joined < 2) {
        return Err(malformed());
    }
    Ok(())
}

/// Whether a filter asks for tags.
pub(super) fn has_tags(filter: &Value) -> bool {
    !filter["Tag"].is_null() || list(&filter["And"], "Tag").next().is_some()
}
