//! `?requestPayment`: who pays for requests.

use crate::types::ConfigurationKind;

use super::form::{Form, once};
use super::{Digest, Document, Removal, Unset, complete};

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::RequestPayment,
    root: "RequestPaymentConfiguration",
    fields: &[once("Payer", Form::Word(&["BucketOwner", "Requester"]))],
    unset: Unset::Document(&[("Payer", "BucketOwner")]),
    digest: Digest::Optional,
    removal: Removal::Replace,
    complete,
};
