//! `?notification`: who is told of changes.

use serde_json::Value;

use crate::types::ConfigurationKind;

use super::super::error::{Code, Error, Result};
use super::form::{Field, Form, maybe, once, one_up_to, up_to};
use super::{Digest, Document, Removal, Unset, complete_ids, list, text};

/// Configurations, or events of one, at most.
const MANY: usize = 100;

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::Notification,
    root: "NotificationConfiguration",
    fields: &[
        up_to("TopicConfiguration", Form::Group(&told("Topic")), MANY),
        up_to("QueueConfiguration", Form::Group(&told("Queue")), MANY),
        up_to("CloudFunctionConfiguration", Form::Group(&told("CloudFunction")), MANY),
        maybe("EventBridgeConfiguration", Form::Group(&[])),
    ],
    unset: Unset::Document(&[]),
    digest: Digest::Optional,
    removal: Removal::Replace,
    complete,
};

/// Who is told, by the element that names them, and of what.
const fn told(target: &'static str) -> [Field; 4] {
    [
        maybe("Id", Form::Text),
        once(target, Form::Text),
        one_up_to("Event", Form::Text, MANY),
        maybe("Filter", FILTER),
    ]
}

const FILTER: Form = Form::Group(&[maybe("S3Key", Form::Group(&[up_to("FilterRule", FILTER_RULE, MANY)]))]);
const FILTER_RULE: Form = Form::Group(&[once("Name", Form::Text), once("Value", Form::Text)]);

/// The lists of configurations, the element of each that names who is told, and what is said of one that is not there.
const TARGETS: [(&str, &str, &str); 3] = [
    ("TopicConfiguration", "Topic", "The destination topic does not exist"),
    ("QueueConfiguration", "Queue", "The destination queue does not exist"),
    ("CloudFunctionConfiguration", "CloudFunction", "The destination Lambda function does not exist"),
];

const EVENTS: [&str; 31] = [
    "s3:TestEvent",
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:ReducedRedundancyLostObject",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:Replication:OperationNotTracked",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
    "s3:ObjectAcl:Put",
    "s3:ObjectAnnotation:*",
    "s3:ObjectAnnotation:Put",
    "s3:ObjectAnnotation:Delete",
];

fn complete(value: &mut Value) -> Result<()> {
    for (name, target, _) in TARGETS {
        complete_ids(value, name, "Id")?;
        for configuration in list(value, name) {
            check_arn(target, text(configuration, target))?;
            check_events(configuration)?;
            check_filter(configuration)?;
        }
    }
    check_overlaps(value)
}

/// Refuses targets that nobody knows. The operator's are webhooks, which take the place of queues.
pub(in crate::s3) fn check_targets(value: &Value, is_known: impl Fn(&str) -> bool) -> Result<()> {
    for (name, target, missing) in TARGETS {
        for configuration in list(value, name) {
            let arn = text(configuration, target);
            if target != "Queue" || !is_known(arn) {
                let message = "Unable to validate the following destination configurations";
                return Err(Error::with_message(Code::InvalidArgument, message)
                    .detail("ArgumentName1", format!("{arn}, null"))
                    .detail("ArgumentValue1", missing));
            }
        }
    }
    Ok(())
}

/// `arn:partition:service:region:account:resource`.
fn check_arn(target: &'static str, arn: &str) -> Result<()> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", partition, service, _, _, resource]
            if !partition.is_empty() && !service.is_empty() && !resource.is_empty() =>
        {
            Ok(())
        }
        _ => Err(Error::argument(target, arn, "The ARN could not be parsed")),
    }
}

fn check_events(configuration: &Value) -> Result<()> {
    let mut events = list(configuration, "Event").filter_map(Value::as_str);
    match events.find(|event| !EVENTS.contains(event)) {
        Some(event) => Err(Error::argument("Event", event, "The event is not supported for notifications")),
        None => Ok(()),
    }
}

fn check_filter(configuration: &Value) -> Result<()> {
    let (mut prefixes, mut suffixes) = (0, 0);
    for rule in list(&configuration["Filter"]["S3Key"], "FilterRule") {
        match text(rule, "Name").to_ascii_lowercase().as_str() {
            "prefix" => prefixes += 1,
            "suffix" => suffixes += 1,
            _ => {
                let message = "filter rule name must be either prefix or suffix";
                return Err(Error::argument("FilterRule.Name", text(rule, "Name"), message));
            }
        }
        if text(rule, "Value").len() > 1024 {
            let message = "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation";
            return Err(Error::argument("FilterRule.Value", text(rule, "Value"), message));
        }
    }
    if prefixes > 1 || suffixes > 1 {
        let message = "Cannot specify more than one prefix rule or more than one suffix rule in a filter.";
        return Err(Error::argument(
            "FilterRule.Name",
            if prefixes > 1 { "prefix" } else { "suffix" },
            message,
        ));
    }
    Ok(())
}

/// Prefix or suffix of a configuration's keys.
fn affix<'a>(configuration: &'a Value, name: &str) -> &'a str {
    let mut rules = list(&configuration["Filter"]["S3Key"], "FilterRule");
    rules.find(|rule| text(rule, "Name").eq_ignore_ascii_case(name)).map_or("", |rule| text(rule, "Value"))
}

/// No object's event may be told twice.
fn check_overlaps(value: &Value) -> Result<()> {
    let all: Vec<&Value> = TARGETS.iter().flat_map(|(name, ..)| list(value, name)).collect();
    for (index, one) in all.iter().enumerate() {
        for other in &all[..index] {
            let (a, b) = (affix(one, "prefix"), affix(other, "prefix"));
            let prefixes = a.starts_with(b) || b.starts_with(a);
            let (a, b) = (affix(one, "suffix"), affix(other, "suffix"));
            let suffixes = a.ends_with(b) || b.ends_with(a);
            if prefixes && suffixes && share_an_event(one, other) {
                return Err(Error::argument(
                    "NotificationConfiguration",
                    text(one, "Id"),
                    "Configurations overlap. Configurations on the same bucket cannot share a common event type.",
                ));
            }
        }
    }
    Ok(())
}

fn share_an_event(one: &Value, other: &Value) -> bool {
    let events = |value| list(value, "Event").filter_map(Value::as_str).collect::<Vec<_>>();
    let covers = |a: &str, b: &str| a.strip_suffix('*').is_some_and(|group| b.starts_with(group));
    events(one).iter().any(|a| events(other).iter().any(|b| a == b || covers(a, b) || covers(b, a)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{kept, outcome, refused};
    use super::*;

    fn queue(id: &str, event: &str, rules: &str) -> String {
        format!(
            "<QueueConfiguration>{id}<Queue>arn:aws:sqs:local:1:q</Queue><Event>{event}</Event>\
             <Filter><S3Key>{rules}</S3Key></Filter></QueueConfiguration>"
        )
    }

    fn rule(name: &str, value: &str) -> String {
        format!("<FilterRule><Name>{name}</Name><Value>{value}</Value></FilterRule>")
    }

    const CREATED: &str = "s3:ObjectCreated:*";

    #[test]
    fn all_who_are_told_are_kept() {
        kept(&DOCUMENT, "");
        kept(
            &DOCUMENT,
            "<TopicConfiguration><Id>t</Id><Topic>arn:aws:sns:local:1:t</Topic><Event>s3:ObjectRemoved:*</Event>\
             </TopicConfiguration><CloudFunctionConfiguration><Id>f</Id><CloudFunction>arn:aws:lambda:local:1:function:f\
             </CloudFunction><Event>s3:ObjectCreated:Put</Event><Event>s3:ObjectCreated:Copy</Event>\
             </CloudFunctionConfiguration><EventBridgeConfiguration></EventBridgeConfiguration>",
        );
        kept(&DOCUMENT, &queue("<Id>q</Id>", CREATED, &(rule("prefix", "a/") + &rule("suffix", ".jpg"))));
        let unnamed = outcome(&DOCUMENT, &queue("", CREATED, "")).unwrap();
        assert!(!text(&unnamed["QueueConfiguration"][0], "Id").is_empty());
    }

    #[test]
    fn what_nobody_can_be_told_is_refused() {
        let both = |one: &str, two: &str| queue("", "s3:ObjectCreated:Put", one) + &queue("", CREATED, two);
        refused(
            &DOCUMENT,
            &[
                (&queue("", "s3:Other", ""), Code::InvalidArgument),
                (&queue("", CREATED, &rule("middle", "a")), Code::InvalidArgument),
                (&queue("", CREATED, &rule("prefix", "a").repeat(2)), Code::InvalidArgument),
                (&queue("", CREATED, "").replace("arn:aws:sqs:local:1:q", "queue"), Code::InvalidArgument),
                (
                    &queue("", CREATED, "").replace("<Event>s3:ObjectCreated:*</Event>", ""),
                    Code::MalformedXml,
                ),
                (&both("", ""), Code::InvalidArgument),
                (&both(&rule("prefix", "a/"), &rule("prefix", "a/b")), Code::InvalidArgument),
                (&both(&rule("suffix", ".jpg"), &rule("prefix", "a")), Code::InvalidArgument),
            ],
        );
        assert!(outcome(&DOCUMENT, &both(&rule("prefix", "a/"), &rule("prefix", "b/"))).is_ok());
    }
}
