//! The documents that configure a bucket: one file each, with its form, and what AWS checks beyond it.
//!
//! A document is read into JSON by its form, completed and checked, and kept so; it is written by the same form. What
//! the layers below need of it is a value of `types` that reads the same JSON.

mod accelerate;
mod analytics;
mod cors;
mod encryption;
mod filter;
mod form;
mod intelligent_tiering;
mod inventory;
mod lifecycle;
mod logging;
mod metrics;
mod notification;
mod ownership_controls;
mod policy;
mod public_access_block;
mod replication;
mod request_payment;
mod tagging;
mod website;

pub(super) use lifecycle::{MINIMUM_SIZE_HEADER, set_minimum_size};
pub(super) use notification::check_targets;
pub(super) use ownership_controls::read_ownership;
pub(super) use policy::{read_policy, refused as refused_policy};
pub(super) use tagging::read_tags;

use serde_json::{Map, Value};

use crate::types::ConfigurationKind;

use self::form::Field;
use super::error::{Code, Error, Result};
use super::route::BucketAspect;
use super::xml_read::Element;
use super::xml_write::XmlWriter;

/// What there is to know of a kind of document.
#[derive(Debug)]
pub(super) struct Document {
    /// What it configures.
    pub(super) kind: ConfigurationKind,
    /// Its root element.
    pub(super) root: &'static str,
    fields: &'static [Field],
    /// What a bucket answers that does not have it.
    pub(super) unset: Unset,
    /// Whether it must come with a digest.
    pub(super) digest: Digest,
    /// Whether S3 has an operation that removes it.
    pub(super) removal: Removal,
    /// Checks what the form cannot say, and adds what AWS adds.
    complete: fn(&mut Value) -> Result<()>,
}

/// What a bucket answers that is not configured.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unset {
    /// An error.
    Error(Code),
    /// A document of these elements.
    Document(&'static [(&'static str, &'static str)]),
    /// A bucket may have several, each under its id; a list of them has this root.
    Several(&'static str),
}

/// Whether AWS takes a document only with `Content-MD5` or a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    Required,
    Optional,
}

/// Whether a document can be removed, or only be replaced by one that says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    Delete,
    Replace,
}

/// The document of a sub-resource, if it is one that is kept here.
pub(super) fn of(aspect: BucketAspect) -> Option<&'static Document> {
    Some(match aspect {
        BucketAspect::Accelerate => &accelerate::DOCUMENT,
        BucketAspect::Analytics => &analytics::DOCUMENT,
        BucketAspect::Cors => &cors::DOCUMENT,
        BucketAspect::Encryption => &encryption::DOCUMENT,
        BucketAspect::IntelligentTiering => &intelligent_tiering::DOCUMENT,
        BucketAspect::Inventory => &inventory::DOCUMENT,
        BucketAspect::Lifecycle => &lifecycle::DOCUMENT,
        BucketAspect::Logging => &logging::DOCUMENT,
        BucketAspect::Metrics => &metrics::DOCUMENT,
        BucketAspect::Notification => &notification::DOCUMENT,
        BucketAspect::OwnershipControls => &ownership_controls::DOCUMENT,
        BucketAspect::PublicAccessBlock => &public_access_block::DOCUMENT,
        BucketAspect::Replication => &replication::DOCUMENT,
        BucketAspect::RequestPayment => &request_payment::DOCUMENT,
        BucketAspect::Tagging => &tagging::DOCUMENT,
        BucketAspect::Website => &website::DOCUMENT,
        BucketAspect::Abac
        | BucketAspect::Acl
        | BucketAspect::MetadataConfiguration
        | BucketAspect::MetadataTable
        | BucketAspect::ObjectLock
        | BucketAspect::Policy
        | BucketAspect::PolicyStatus
        | BucketAspect::Versioning => return None,
    })
}

impl Document {
    /// Reads a document, checked.
    pub(super) fn read(&self, document: &[u8]) -> Result<Value> {
        let mut value = form::read(&Element::parse(document, self.root)?, self.fields)?;
        (self.complete)(&mut value)?;
        Ok(value)
    }

    /// What a bucket answers that does not have it; an error for most.
    pub(super) fn unset(&self) -> Result<Value> {
        match self.unset {
            Unset::Error(code) => Err(code.into()),
            Unset::Several(_) => Err(Code::NoSuchConfiguration.into()),
            Unset::Document(elements) => {
                let pairs = elements.iter().map(|&(name, text)| (name.to_owned(), Value::from(text)));
                Ok(Value::Object(pairs.collect::<Map<_, _>>()))
            }
        }
    }

    /// The document as an answer of its own.
    pub(super) fn write(&self, value: &Value) -> Vec<u8> {
        let mut xml = XmlWriter::new(1024);
        xml.open_root(self.root);
        form::write(&mut xml, value, self.fields);
        xml.close(self.root);
        xml.finish()
    }

    /// The document as one of a list.
    pub(super) fn write_within(&self, xml: &mut XmlWriter, value: &Value) {
        xml.open(self.root);
        form::write(xml, value, self.fields);
        xml.close(self.root);
    }
}

/// For documents of which the form says everything.
fn complete(_: &mut Value) -> Result<()> {
    Ok(())
}

/// The values of a list; none where it is not there.
fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value[name].as_array().into_iter().flatten()
}

/// An element's text; empty where it is not there.
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// How many of these are there.
fn count(value: &Value, names: &[&str]) -> usize {
    names.iter().filter(|&&name| !value[name].is_null()).count()
}

fn malformed() -> Error {
    Code::MalformedXml.into()
}

/// The bucket that `arn:aws:s3:::bucket` names.
fn bucket_of_arn(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:aws:s3:::").filter(|bucket| crate::types::BucketName::parse(bucket).is_ok())
}

/// Whether a configuration's id is one: 1 to 64 of letters, digits, `_`, `.` and `-`.
pub(super) fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// Gives each of a list of rules that has no id one that is new, and refuses ids that are there twice or too long.
fn complete_ids(value: &mut Value, rules: &str, id: &str) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    for rule in value.get_mut(rules).and_then(Value::as_array_mut).into_iter().flatten() {
        if text(rule, id).is_empty() {
            rule[id] = new_id().into();
        }
        let given = text(rule, id).to_owned();
        if given.chars().count() > 255 {
            let message = "ID length should not exceed allowed limit of 255";
            return Err(Error::argument("ID", given, message));
        }
        if !seen.insert(given.clone()) {
            let message = "Rule ID must be unique. Found same ID for more than one rule";
            return Err(Error::argument("ID", given, message));
        }
    }
    Ok(())
}

fn new_id() -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(crate::runtime::random_bytes::<36>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all() -> [&'static Document; 16] {
        [
            &accelerate::DOCUMENT,
            &analytics::DOCUMENT,
            &cors::DOCUMENT,
            &encryption::DOCUMENT,
            &intelligent_tiering::DOCUMENT,
            &inventory::DOCUMENT,
            &lifecycle::DOCUMENT,
            &logging::DOCUMENT,
            &metrics::DOCUMENT,
            &notification::DOCUMENT,
            &ownership_controls::DOCUMENT,
            &public_access_block::DOCUMENT,
            &replication::DOCUMENT,
            &request_payment::DOCUMENT,
            &tagging::DOCUMENT,
            &website::DOCUMENT,
        ]
    }

    /// A document of this form, some elements left out, the texts mostly ones that mean something.
    fn any_content(fields: &'static [Field]) -> BoxedStrategy<String> {
        let texts =
            ["", "Enabled", "true", "1", "-1", "9223372036854775807", "2030-01-02", "a/é*", "s3:TestEvent"];
        let element = |field: &'static Field| {
            let name = field.name();
            let content = match field.form() {
                form::Form::Group(fields) => any_content(fields),
                form::Form::Word(words) => {
                    proptest::sample::select(words.to_vec()).prop_map(str::to_owned).boxed()
                }
                _ => proptest::sample::select(texts.to_vec()).prop_map(str::to_owned).boxed(),
            };
            let one = content.prop_map(move |content| format!("<{name}>{content}</{name}>"));
            proptest::collection::vec(one, 0..3).prop_map(|elements| elements.concat()).boxed()
        };
        fields.iter().map(element).collect::<Vec<_>>().prop_map(|elements| elements.concat()).boxed()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn every_document_is_refused_or_comes_back_the_same(
            (index, content) in (0..all().len()).prop_flat_map(|index| (Just(index), any_content(all()[index].fields)))
        ) {
            let document = all()[index];
            if let Ok(value) = outcome(document, &content) {
                let again = document.read(&document.write(&value)).unwrap();
                prop_assert_eq!(again, value);
            }
        }
    }

    /// What a document becomes, or the code that it is refused with.
    pub(super) fn outcome(document: &Document, content: &str) -> std::result::Result<Value, Code> {
        let root = document.root;
        document.read(format!("<{root}>{content}</{root}>").as_bytes()).map_err(|error| error.code)
    }

    /// Checks the code of each refusal.
    pub(super) fn refused(document: &Document, cases: &[(&str, Code)]) {
        for (content, code) in cases {
            assert_eq!(outcome(document, content), Err(*code), "{content}");
        }
    }

    /// Checks that a document is written as it was read.
    pub(super) fn kept(document: &Document, content: &str) {
        let value = outcome(document, content).unwrap();
        let text = String::from_utf8(document.write(&value)).unwrap();
        assert!(text.contains(&format!("\">{content}</{}>", document.root)), "{text}");
    }
}
