//! `?publicAccessBlock`: what policies and ACLs may not grant.

use serde_json::Value;

use crate::types::ConfigurationKind;

use super::super::error::{Code, Result};
use super::form::{Form, maybe};
use super::{Digest, Document, Removal, Unset};

const SETTINGS: [&str; 4] =
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::PublicAccessBlock,
    root: "PublicAccessBlockConfiguration",
    fields: &[
        maybe(SETTINGS[0], Form::Flag),
        maybe(SETTINGS[1], Form::Flag),
        maybe(SETTINGS[2], Form::Flag),
        maybe(SETTINGS[3], Form::Flag),
    ],
    unset: Unset::Error(Code::NoSuchPublicAccessBlock),
    digest: Digest::Optional,
    removal: Removal::Delete,
    complete,
};

/// What is not set is off; a document that sets nothing is none.
fn complete(value: &mut Value) -> Result<()> {
    if SETTINGS.iter().all(|&name| value[name].is_null()) {
        return Err(Code::MalformedXml.into());
    }
    for name in SETTINGS {
        if value[name].is_null() {
            value[name] = false.into();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{outcome, refused};
    use super::*;

    #[test]
    fn what_is_not_set_is_off() {
        let value = outcome(&DOCUMENT, "<BlockPublicPolicy>TRUE</BlockPublicPolicy>").unwrap();
        assert_eq!(value["BlockPublicPolicy"], true);
        assert_eq!(value["BlockPublicAcls"], false);
        refused(
            &DOCUMENT,
            &[("", Code::MalformedXml), ("<BlockPublicAcls>1</BlockPublicAcls>", Code::MalformedXml)],
        );
    }
}
