//! `?ownershipControls`: who owns what others upload.

use serde_json::Value;

use crate::types::ConfigurationKind;

use super::super::error::{Code, Error, Result};
use super::form::{Form, once, one_up_to};
use super::{Digest, Document, Removal, Unset, complete};

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::OwnershipControls,
    root: "OwnershipControls",
    fields: &[one_up_to("Rule", Form::Group(&[once("ObjectOwnership", Form::Word(&OWNERSHIP))]), 1)],
    unset: Unset::Error(Code::OwnershipControlsNotFound),
    digest: Digest::Optional,
    removal: Removal::Delete,
    complete,
};

const OWNERSHIP: [&str; 3] = ["BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced"];

/// The document that a header stands for.
pub(in super::super) fn read_ownership(header: &str) -> Result<Value> {
    if !OWNERSHIP.contains(&header) {
        return Err(Error::argument(
            "x-amz-object-ownership",
            header,
            "Invalid x-amz-object-ownership header",
        ));
    }
    Ok(serde_json::json!({ "Rule": [{ "ObjectOwnership": header }] }))
}
