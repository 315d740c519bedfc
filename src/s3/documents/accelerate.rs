//! `?accelerate`: transfer acceleration.

use crate::types::ConfigurationKind;

use super::form::{Form, once};
use super::{Digest, Document, Removal, Unset, complete};

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::Accelerate,
    root: "AccelerateConfiguration",
    fields: &[once("Status", Form::Word(&["Enabled", "Suspended"]))],
    unset: Unset::Document(&[]),
    digest: Digest::Optional,
    removal: Removal::Replace,
    complete,
};
