//! `?encryption`: how new objects are encrypted where the request does not say.

use serde_json::Value;

use crate::types::ConfigurationKind;

use super::super::error::{Code, Error, Result};
use super::form::{Form, maybe, once, one_up_to, up_to};
use super::{Digest, Document, Removal, Unset, text};

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::Encryption,
    root: "ServerSideEncryptionConfiguration",
    fields: &[one_up_to("Rule", RULE, 1)],
    unset: Unset::Error(Code::EncryptionNotFound),
    digest: Digest::Optional,
    removal: Removal::Delete,
    complete,
};

const RULE: Form = Form::Group(&[
    maybe("ApplyServerSideEncryptionByDefault", BY_DEFAULT),
    maybe("BucketKeyEnabled", Form::Flag),
    maybe(
        "BlockedEncryptionTypes",
        Form::Group(&[up_to("EncryptionType", Form::Word(&["NONE", "SSE-C"]), 2)]),
    ),
]);

const BY_DEFAULT: Form = Form::Group(&[
    once("SSEAlgorithm", Form::Word(&["AES256", "aws:kms", "aws:kms:dsse"])),
    maybe("KMSMasterKeyID", Form::Text),
]);

fn complete(value: &mut Value) -> Result<()> {
    let rule = &mut value["Rule"][0];
    let default = &rule["ApplyServerSideEncryptionByDefault"];
    if text(default, "SSEAlgorithm") == "AES256" && !default["KMSMasterKeyID"].is_null() {
        return Err(Error::argument(
            "KMSMasterKeyID",
            text(default, "KMSMasterKeyID"),
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
        ));
    }
    if rule["BucketKeyEnabled"].is_null() {
        rule["BucketKeyEnabled"] = false.into();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{kept, refused};
    use super::*;

    #[test]
    fn a_key_goes_with_kms_alone_and_there_is_one_rule() {
        let rule = |algorithm: &str, key: &str| {
            format!(
                "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>{algorithm}</SSEAlgorithm>{key}\
                 </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule>"
            )
        };
        let key = "<KMSMasterKeyID>k</KMSMasterKeyID>";
        kept(&DOCUMENT, &rule("aws:kms", key));
        kept(&DOCUMENT, &rule("AES256", ""));
        refused(
            &DOCUMENT,
            &[
                (&rule("AES256", key), Code::InvalidArgument),
                (&rule("AES128", ""), Code::MalformedXml),
                (&rule("AES256", "").repeat(2), Code::MalformedXml),
                ("", Code::MalformedXml),
            ],
        );
    }
}
