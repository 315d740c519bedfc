//! `?ownershipControls`: who owns what others upload.

use crate::types::ConfigurationKind;

use super::super::error::Code;
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
