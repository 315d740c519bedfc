//! `?logging`: where the log of requests goes.

use serde_json::Value;

use crate::types::ConfigurationKind;

use super::super::error::{Code, Error, Result};
use super::form::{Form, maybe, once, up_to};
use super::{Digest, Document, Removal, Unset, count, malformed};

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::Logging,
    root: "BucketLoggingStatus",
    fields: &[maybe("LoggingEnabled", ENABLED)],
    unset: Unset::Document(&[]),
    digest: Digest::Optional,
    removal: Removal::Replace,
    complete: check,
};

const ENABLED: Form = Form::Group(&[
    once("TargetBucket", Form::Text),
    once("TargetPrefix", Form::Text),
    maybe("TargetGrants", Form::Group(&[up_to("Grant", GRANT, 100)])),
    maybe("TargetObjectKeyFormat", KEY_FORMAT),
]);

const GRANT: Form = Form::Group(&[
    maybe(
        "Grantee",
        Form::Group(&[
            maybe("ID", Form::Text),
            maybe("DisplayName", Form::Text),
            maybe("EmailAddress", Form::Text),
            maybe("URI", Form::Text),
        ]),
    ),
    maybe("Permission", Form::Word(&["FULL_CONTROL", "READ", "WRITE"])),
]);

const KEY_FORMAT: Form = Form::Group(&[
    maybe("SimplePrefix", Form::Group(&[])),
    maybe(
        "PartitionedPrefix",
        Form::Group(&[maybe("PartitionDateSource", Form::Word(&["EventTime", "DeliveryTime"]))]),
    ),
]);

fn check(value: &mut Value) -> Result<()> {
    let enabled = &value["LoggingEnabled"];
    let format = &enabled["TargetObjectKeyFormat"];
    if !format.is_null() && count(format, &["SimplePrefix", "PartitionedPrefix"]) != 1 {
        return Err(malformed());
    }
    if !enabled["TargetGrants"]["Grant"].is_null() {
        return Err(Error::new(Code::AccessControlListNotSupported));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{kept, refused};
    use super::*;

    #[test]
    fn keys_of_logs_have_one_format_and_nobody_is_granted_anything() {
        let with = |rest: &str| {
            format!(
                "<LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix>p/</TargetPrefix>{rest}</LoggingEnabled>"
            )
        };
        let partitioned =
            "<PartitionedPrefix><PartitionDateSource>EventTime</PartitionDateSource></PartitionedPrefix>";
        let format =
            |content: &str| with(&format!("<TargetObjectKeyFormat>{content}</TargetObjectKeyFormat>"));
        kept(&DOCUMENT, "");
        kept(&DOCUMENT, &with(""));
        kept(&DOCUMENT, &format(partitioned));
        let grant = "<TargetGrants><Grant><Permission>READ</Permission></Grant></TargetGrants>";
        refused(
            &DOCUMENT,
            &[
                (&format(""), Code::MalformedXml),
                (&format(&format!("<SimplePrefix/>{partitioned}")), Code::MalformedXml),
                ("<LoggingEnabled><TargetBucket>logs</TargetBucket></LoggingEnabled>", Code::MalformedXml),
                (&with(grant), Code::AccessControlListNotSupported),
            ],
        );
    }
}
