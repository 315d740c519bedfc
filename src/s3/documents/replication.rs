//! `?replication`: where objects are copied to.

use std::collections::HashSet;

use serde_json::Value;

use crate::types::ConfigurationKind;

use super::super::error::{Code, Error, Result};
use super::form::{Form, maybe, once, one_up_to};
use super::{
    Digest, Document, Removal, Unset, bucket_of_arn, complete_ids, count, filter, list, malformed, text,
};

/// Rules in one document at most.
const RULES_MAX: usize = 1000;

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::Replication,
    root: "ReplicationConfiguration",
    fields: &[once("Role", Form::Text), one_up_to("Rule", RULE, RULES_MAX)],
    unset: Unset::Error(Code::ReplicationNotFound),
    digest: Digest::Required,
    removal: Removal::Delete,
    complete,
};

const STATUS: Form = Form::Word(&["Enabled", "Disabled"]);
const SWITCH: Form = Form::Group(&[once("Status", STATUS)]);
const MINUTES: Form = Form::Group(&[once("Minutes", Form::Number)]);

const RULE: Form = Form::Group(&[
    maybe("ID", Form::Text),
    maybe("Priority", Form::Number),
    maybe("Prefix", Form::Text),
    maybe("Filter", filter::PREFIX_AND_TAGS),
    once("Status", STATUS),
    maybe(
        "SourceSelectionCriteria",
        Form::Group(&[maybe("SseKmsEncryptedObjects", SWITCH), maybe("ReplicaModifications", SWITCH)]),
    ),
    maybe("ExistingObjectReplication", SWITCH),
    once("Destination", DESTINATION),
    maybe("DeleteMarkerReplication", SWITCH),
]);

const DESTINATION: Form = Form::Group(&[
    once("Bucket", Form::Text),
    maybe("Account", Form::Text),
    maybe("StorageClass", Form::Text),
    maybe("AccessControlTranslation", Form::Group(&[once("Owner", Form::Word(&["Destination"]))])),
    maybe("EncryptionConfiguration", Form::Group(&[maybe("ReplicaKmsKeyID", Form::Text)])),
    maybe("ReplicationTime", Form::Group(&[once("Status", STATUS), once("Time", MINUTES)])),
    maybe("Metrics", Form::Group(&[once("Status", STATUS), maybe("EventThreshold", MINUTES)])),
]);

fn complete(value: &mut Value) -> Result<()> {
    complete_ids(value, "Rule", "ID")?;
    let mut priorities = HashSet::new();
    for rule in list(value, "Rule") {
        if count(rule, &["Prefix", "Filter"]) > 1 {
            return Err(malformed());
        }
        filter::check(&rule["Filter"])?;
        let bucket = text(&rule["Destination"], "Bucket");
        if bucket_of_arn(bucket).is_none() {
            return Err(Error::argument("Bucket", bucket, "Invalid bucket ARN."));
        }
        if rule["Filter"].is_null() {
            continue;
        }
        let Some(priority) = rule["Priority"].as_i64() else {
            return Err(Error::request(
                "Priority must be specified for this version of Cross Region Replication configuration schema.",
            ));
        };
        if rule["DeleteMarkerReplication"].is_null() {
            return Err(Error::request(
                "DeleteMarkerReplication must be specified for this version of Cross Region Replication \
                 configuration schema.",
            ));
        }
        let copies_markers = rule["DeleteMarkerReplication"]["Status"] == "Enabled";
        if copies_markers && filter::has_tags(&rule["Filter"]) {
            return Err(Error::request(
                "Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer \
                 Guide for more information.",
            ));
        }
        if !priorities.insert(priority) {
            return Err(Error::request(format!(
                "Found duplicate priority {priority}. Priority must be unique."
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{kept, refused};
    use super::*;

    fn rule(id: &str, priority: &str) -> String {
        format!(
            "<Rule><ID>{id}</ID>{priority}<Filter><Prefix>p</Prefix></Filter><Status>Enabled</Status><Destination>\
             <Bucket>arn:aws:s3:::copies</Bucket></Destination><DeleteMarkerReplication><Status>Disabled</Status>\
             </DeleteMarkerReplication></Rule>"
        )
    }

    #[test]
    fn rules_with_filters_have_priorities_of_their_own() {
        let with = |rules: &str| format!("<Role>arn:aws:iam::1:role/r</Role>{rules}");
        let one = rule("a", "<Priority>1</Priority>");
        kept(&DOCUMENT, &with(&(one.clone() + &rule("b", "<Priority>2</Priority>"))));
        refused(
            &DOCUMENT,
            &[
                (&with(""), Code::MalformedXml),
                (&with(&rule("a", "")), Code::InvalidRequest),
                (
                    &with(&one.replace(">Disabled<", ">Enabled<").replace(
                        "<Prefix>p</Prefix></Filter>",
                        "<Tag><Key>k</Key><Value>v</Value></Tag></Filter>",
                    )),
                    Code::InvalidRequest,
                ),
                (&with(&(one.clone() + &rule("b", "<Priority>1</Priority>"))), Code::InvalidRequest),
                (&with(&(one.clone() + &rule("a", "<Priority>2</Priority>"))), Code::InvalidArgument),
                (&with(&one.replace("arn:aws:s3:::copies", "copies")), Code::InvalidArgument),
                (&with(&one.replace("<Filter>", "<Prefix>p</Prefix><Filter>")), Code::MalformedXml),
            ],
        );
    }
}
