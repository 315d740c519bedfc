//! Messages to those who are told of changes (AWS: "Event message structure").

use serde_json::{Map, Value, json};

use crate::object::EventRow;
use crate::sigv4::{Slash, encode_into};
use crate::types::{Event, EventKind};

/// Who lifecycle rules are to those who are told of what they did.
const SERVICE: &str = "s3.amazonaws.com";
/// The ETag of no bytes, which delete markers have in messages.
const EMPTY_ETAG: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// What every message says of this server.
#[derive(Debug, Clone)]
pub struct EventMessages {
    /// Its region.
    pub region: String,
}

impl EventMessages {
    /// The message of events: records, or a test alone. `owner_of` says which account a bucket belongs to.
    pub fn render(&self, rows: &[EventRow], owner_of: impl Fn(&str) -> String) -> Vec<u8> {
        let message = match rows {
            [test] if test.event.kind == EventKind::Test => self.test(&test.event),
            _ => {
                json!({ "Records": rows.iter().map(|row| self.record(row, &owner_of(&row.event.bucket))).collect::<Vec<_>>() })
            }
        };
        message.to_string().into_bytes()
    }

    fn test(&self, event: &Event) -> Value {
        let origin = event.origin.as_ref();
        json!({
            "Service": "Amazon S3",
            "Event": format!("s3:{}", event.kind.name()),
            "Time": event.at.iso_millis(),
            "Bucket": event.bucket,
            "RequestId": origin.map_or("", |origin| &origin.request_id),
            "HostId": origin.map_or("", |origin| &origin.host_id),
        })
    }

    fn record(&self, row: &EventRow, owner: &str) -> Value {
        let event = &row.event;
        let origin = event.origin.as_ref();
        let mut responses = Map::new();
        if let Some(origin) = origin {
            responses.insert("x-amz-request-id".into(), origin.request_id.as_str().into());
            responses.insert("x-amz-id-2".into(), origin.host_id.as_str().into());
        }
        json!({
            "eventVersion": version(event.kind),
            "eventSource": "aws:s3",
            "awsRegion": self.region,
            "eventTime": event.at.iso_millis(),
            "eventName": event.kind.name(),
            "userIdentity": { "principalId": origin.map_or(SERVICE, |origin| &origin.principal) },
            "requestParameters": { "sourceIPAddress": origin.map_or(SERVICE, |origin| &origin.address) },
            "responseElements": responses,
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": event.rule,
                "bucket": {
                    "name": event.bucket,
                    "ownerIdentity": { "principalId": owner },
                    "arn": format!("arn:aws:s3:::{}", event.bucket),
                },
                "object": object(row),
            },
        })
    }
}

/// The version of the record: AWS counted it on for the kinds that came later.
fn version(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Test
        | EventKind::CreatedPut
        | EventKind::CreatedPost
        | EventKind::CreatedCopy
        | EventKind::CreatedUpload
        | EventKind::RemovedDelete
        | EventKind::RemovedMarker => "2.1",
        EventKind::TaggingPut
        | EventKind::TaggingDelete
        | EventKind::AclPut
        | EventKind::ExpiredDelete
        | EventKind::ExpiredMarker
        | EventKind::Transitioned => "2.3",
    }
}

fn object(row: &EventRow) -> Value {
    let event = &row.event;
    let mut object = Map::new();
    object.insert("key".into(), encoded(&event.key).into());
    match (event.etag, event.kind) {
        (Some(etag), _) => {
            object.insert("size".into(), event.size.into());
            object.insert("eTag".into(), etag.to_string().into());
        }
        (None, EventKind::RemovedMarker | EventKind::ExpiredMarker) => {
            object.insert("eTag".into(), EMPTY_ETAG.into());
        }
        (None, _) => {}
    }
    if let Some(version) = event.version {
        object.insert("versionId".into(), version.to_string().into());
    }
    object.insert("sequencer".into(), format!("{:016X}", row.sequence).into());
    Value::Object(object)
}

/// A key as messages have it: encoded as in a form, but for the slash.
fn encoded(key: &str) -> String {
    let mut out = Vec::with_capacity(key.len());
    encode_into(&mut out, key.as_bytes(), Slash::Keep);
    String::from_utf8_lossy(&out).replace("%20", "+")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Etag, Origin, Timestamp, VersionId};

    fn message(event: Event) -> Value {
        let messages = EventMessages { region: "local".into() };
        serde_json::from_slice(&messages.render(&[EventRow { sequence: 255, event }], |_| "owner".into()))
            .unwrap()
    }

    fn event(kind: EventKind) -> Event {
        Event {
            kind,
            bucket: "photos".into(),
            rule: "rule".into(),
            key: "a b/ü+.jpg".into(),
            version: Some(VersionId::Number(16)),
            size: 7,
            etag: Some(Etag::default()),
            at: Timestamp::from_millis(1_700_000_000_123),
            origin: None,
        }
    }

    #[test]
    fn a_record_has_the_form_of_aws() {
        let origin = Origin {
            at: Timestamp::default(),
            principal: "somebody".into(),
            address: "10.0.0.7".into(),
            request_id: "ID".into(),
            host_id: "HOST".into(),
            is_form: false,
        };
        let record = message(Event { origin: Some(origin), ..event(EventKind::CreatedPut) });
        let expected = json!({ "Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "local",
            "eventTime": "2023-11-14T22:13:20.123Z", "eventName": "ObjectCreated:Put",
            "userIdentity": { "principalId": "somebody" },
            "requestParameters": { "sourceIPAddress": "10.0.0.7" },
            "responseElements": { "x-amz-request-id": "ID", "x-amz-id-2": "HOST" },
            "s3": {
                "s3SchemaVersion": "1.0", "configurationId": "rule",
                "bucket": {
                    "name": "photos", "ownerIdentity": { "principalId": "owner" }, "arn": "arn:aws:s3:::photos"
                },
                "object": {
                    "key": "a+b/%C3%BC%2B.jpg", "size": 7, "eTag": "00000000000000000000000000000000",
                    "versionId": "0000000000000010", "sequencer": "00000000000000FF"
                },
            },
        }]});
        assert_eq!(record, expected);
    }

    #[test]
    fn what_is_gone_has_no_size_and_a_marker_the_tag_of_no_bytes() {
        let gone = |kind| {
            message(Event { etag: None, version: None, ..event(kind) })["Records"][0]["s3"]["object"].take()
        };
        let deleted = gone(EventKind::RemovedDelete);
        assert_eq!(deleted, json!({ "key": "a+b/%C3%BC%2B.jpg", "sequencer": "00000000000000FF" }));
        assert_eq!(gone(EventKind::RemovedMarker)["eTag"], EMPTY_ETAG);
    }

    #[test]
    fn a_test_is_no_record() {
        let test = message(event(EventKind::Test));
        assert_eq!((&test["Event"], &test["Bucket"]), (&json!("s3:TestEvent"), &json!("photos")));
        assert!(test["Records"].is_null());
    }

    #[test]
    fn rules_are_told_as_the_service() {
        let record = message(event(EventKind::ExpiredDelete));
        assert_eq!(record["Records"][0]["userIdentity"]["principalId"], SERVICE);
    }
}
