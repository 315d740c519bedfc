//! Who is told of changes of a bucket's objects, and of which.

use serde::{Deserialize, Serialize};

use super::{Etag, Timestamp, VersionId};

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)+) => {
        /// What happened. The log names kinds by their order: new ones go to the end.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum EventKind { $($(#[$doc])* $variant),+ }

        impl EventKind {
            /// Its name as configurations have it, without `s3:`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

events! {
    /// A message that a target gets when a bucket is first told of it.
    Test = "TestEvent";
    /// An object was written.
    CreatedPut = "ObjectCreated:Put";
    /// An object was written by a browser's form.
    CreatedPost = "ObjectCreated:Post";
    /// An object was copied.
    CreatedCopy = "ObjectCreated:Copy";
    /// An object was made of its parts.
    CreatedUpload = "ObjectCreated:CompleteMultipartUpload";
    /// An object or a version was removed.
    RemovedDelete = "ObjectRemoved:Delete";
    /// A delete marker was put over an object.
    RemovedMarker = "ObjectRemoved:DeleteMarkerCreated";
    /// An object got other tags.
    TaggingPut = "ObjectTagging:Put";
    /// An object lost its tags.
    TaggingDelete = "ObjectTagging:Delete";
    /// An object or a version was removed by a lifecycle rule.
    ExpiredDelete = "LifecycleExpiration:Delete";
    /// A lifecycle rule put a delete marker over an object.
    ExpiredMarker = "LifecycleExpiration:DeleteMarkerCreated";
    /// An object got another access control list.
    AclPut = "ObjectAcl:Put";
    /// An object went to another storage class by a lifecycle rule.
    Transitioned = "LifecycleTransition";
}

/// A bucket's notification configuration, as far as anybody here can be told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Notification {
    /// Who is told of what.
    #[serde(rename = "QueueConfiguration", default)]
    pub rules: Vec<NotificationRule>,
}

/// Who is told of which events of which keys.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NotificationRule {
    /// Its name.
    #[serde(default)]
    pub id: String,
    /// The ARN of the target.
    #[serde(rename = "Queue")]
    pub target: String,
    /// Events like `s3:ObjectCreated:Put`; `*` at the end stands for all of a group.
    #[serde(rename = "Event")]
    pub events: Vec<String>,
    #[serde(default)]
    filter: Filter,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct Filter {
    #[serde(rename = "S3Key", default)]
    key: KeyFilter,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct KeyFilter {
    #[serde(rename = "FilterRule", default)]
    rules: Vec<FilterRule>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FilterRule {
    name: String,
    value: String,
}

impl Notification {
    /// The rule by which this event of this key is told. S3 refuses rules that overlap, so there is one at most.
    pub fn rule_for(&self, kind: EventKind, key: &str) -> Option<&NotificationRule> {
        self.rules.iter().find(|rule| rule.is_for(kind) && rule.filter.fits(key))
    }
}

impl NotificationRule {
    fn is_for(&self, kind: EventKind) -> bool {
        self.events.iter().filter_map(|event| event.strip_prefix("s3:")).any(|event| {
            event.strip_suffix('*').map_or(event == kind.name(), |group| kind.name().starts_with(group))
        })
    }
}

impl Filter {
    fn fits(&self, key: &str) -> bool {
        self.key.rules.iter().all(|rule| {
            if rule.name.eq_ignore_ascii_case("prefix") {
                key.starts_with(&rule.value)
            } else {
                key.ends_with(&rule.value)
            }
        })
    }
}

/// Whose request changed something, as events tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// When the request came.
    pub at: Timestamp,
    /// The account that asked.
    pub principal: String,
    /// Where the request came from.
    pub address: String,
    /// The ids of the answer.
    pub request_id: String,
    /// See there.
    pub host_id: String,
    /// A browser's form.
    pub is_form: bool,
}

/// A change that somebody is to be told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// In which bucket.
    pub bucket: String,
    /// By which rule it is told; empty for a test.
    pub rule: String,
    /// To which key.
    pub key: String,
    /// To which version; `None` in a bucket that never had versions.
    pub version: Option<VersionId>,
    /// The object's length in bytes; 0 where it is gone.
    pub size: u64,
    /// Its tag; `None` where it is gone.
    pub etag: Option<Etag>,
    /// When.
    pub at: Timestamp,
    /// Whose request it was; `None` for background work.
    pub origin: Option<Origin>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notification(events: &str, filter: &str) -> Notification {
        let rule = format!(r#"{{"Id":"r","Queue":"arn","Event":[{events}],"Filter":{{"S3Key":{filter}}}}}"#);
        serde_json::from_str(&format!(r#"{{"QueueConfiguration":[{rule}]}}"#)).unwrap()
    }

    #[test]
    fn a_star_stands_for_all_events_of_its_group_and_no_others() {
        let created = notification(r#""s3:ObjectCreated:*""#, "{}");
        for kind in [EventKind::CreatedPut, EventKind::CreatedPost, EventKind::CreatedUpload] {
            assert!(created.rule_for(kind, "a").is_some(), "{kind:?}");
        }
        assert!(created.rule_for(EventKind::RemovedDelete, "a").is_none());
        let put = notification(r#""s3:ObjectCreated:Put""#, "{}");
        assert!(put.rule_for(EventKind::CreatedPut, "a").is_some());
        assert!(put.rule_for(EventKind::CreatedPost, "a").is_none());
    }

    #[test]
    fn a_key_must_have_both_prefix_and_suffix() {
        let filter = r#"{"FilterRule":[{"Name":"Prefix","Value":"in/"},{"Name":"suffix","Value":".jpg"}]}"#;
        let images = notification(r#""s3:ObjectCreated:*""#, filter);
        assert!(images.rule_for(EventKind::CreatedPut, "in/a.jpg").is_some());
        for key in ["a.jpg", "in/a.png", "in/a.jpg/b"] {
            assert!(images.rule_for(EventKind::CreatedPut, key).is_none(), "{key}");
        }
    }

    #[test]
    fn a_document_without_targets_tells_nobody() {
        let other: Notification = serde_json::from_str(r#"{"EventBridgeConfiguration":{}}"#).unwrap();
        assert_eq!(other, Notification::default());
    }
}
