//! The policy of a form: until when it is good, and which fields and lengths it allows.

use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::error::{Code, Error, Result};
use super::form::Fields;
use super::time::parse_date;

/// Fields that no condition need speak of: the signature itself, and what is ignored.
const FREE_FIELDS: [&str; 5] = ["awsaccesskeyid", "file", "policy", "signature", "x-amz-signature"];

/// Fields of this prefix are ignored.
const IGNORED_PREFIX: &str = "x-ignore-";

/// A policy that has been read.
#[derive(Debug)]
pub(super) struct Policy {
    expires_secs: u64,
    conditions: Vec<Condition>,
    lengths: RangeInclusive<u64>,
}

/// What one field must be.
#[derive(Debug, PartialEq, Eq)]
struct Condition {
    kind: Kind,
    /// In lower case.
    field: String,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Equals,
    StartsWith,
}

impl Policy {
    /// Reads the base64 of a form.
    pub(super) fn parse(base64: &str) -> Result<Self> {
        // Browsers may fold long values.
        let plain: String = base64.split_ascii_whitespace().collect();
        let bytes = STANDARD.decode(plain).map_err(|_| invalid("Invalid Base64 encoding"))?;
        let document: Value = serde_json::from_slice(&bytes).map_err(|_| invalid("Invalid JSON"))?;
        let expiration = document.get("expiration").ok_or_else(|| invalid("Policy missing expiration"))?;
        let expires_secs = expiration.as_str().and_then(parse_expiration);
        let conditions = document.get("conditions").ok_or_else(|| invalid("Policy missing conditions"))?;
        let mut policy = Self {
            expires_secs: expires_secs.ok_or_else(|| invalid("Invalid 'expiration' value"))?,
            conditions: Vec::new(),
            lengths: 0..=u64::MAX,
        };
        for condition in
            conditions.as_array().ok_or_else(|| invalid("Invalid 'conditions' value: must be a List"))?
        {
            policy.add(condition)?;
        }
        Ok(policy)
    }

    fn add(&mut self, condition: &Value) -> Result<()> {
        match condition {
            Value::Object(fields) => {
                for (field, value) in fields {
                    let value = value.as_str().ok_or_else(invalid_condition)?;
                    self.require(Kind::Equals, field, value);
                }
                Ok(())
            }
            Value::Array(words) => self.add_words(words),
            _ => Err(invalid_condition()),
        }
    }

    /// `[kind, field, value]`, or `["content-length-range", min, max]`.
    fn add_words(&mut self, words: &[Value]) -> Result<()> {
        let [kind, first, second] = words else { return Err(invalid_condition()) };
        let kind = kind.as_str().ok_or_else(invalid_condition)?.to_ascii_lowercase();
        if kind == "content-length-range" {
            let (min, max) = number(first).zip(number(second)).ok_or_else(invalid_condition)?;
            self.lengths = min.max(*self.lengths.start())..=max.min(*self.lengths.end());
            return Ok(());
        }
        let kind = match kind.as_str() {
            "eq" => Kind::Equals,
            "starts-with" => Kind::StartsWith,
            _ => return Err(invalid_condition()),
        };
        let field = first.as_str().and_then(|field| field.strip_prefix('$')).ok_or_else(invalid_condition)?;
        self.require(kind, field, second.as_str().ok_or_else(invalid_condition)?);
        Ok(())
    }

    fn require(&mut self, kind: Kind, field: &str, value: &str) {
        let condition = Condition { kind, field: field.to_ascii_lowercase(), value: value.to_owned() };
        self.conditions.push(condition);
    }

    /// Lengths that the file may have.
    pub(super) fn lengths(&self) -> RangeInclusive<u64> {
        self.lengths.clone()
    }

    /// Checks that the policy is still good, that each condition holds, and that each field is spoken of.
    /// `bucket` must be among the fields.
    pub(super) fn check(&self, fields: &Fields, now_secs: u64) -> Result<()> {
        if now_secs >= self.expires_secs {
            return Err(denied("Policy expired."));
        }
        for condition in &self.conditions {
            if !condition.holds(fields.get(&condition.field).unwrap_or_default()) {
                return Err(denied(&format!("Policy Condition failed: {}", condition.as_json())));
            }
        }
        let free = |name: &str| FREE_FIELDS.contains(&name) || name.starts_with(IGNORED_PREFIX);
        let spoken_of = |name: &str| self.conditions.iter().any(|condition| condition.field == name);
        let extra: Vec<&str> =
            fields.iter().map(|(name, _)| name).filter(|name| !free(name) && !spoken_of(name)).collect();
        if extra.is_empty() {
            Ok(())
        } else {
            Err(denied(&format!("Extra input fields: {}", extra.join(", "))))
        }
    }
}

impl Condition {
    fn holds(&self, value: &str) -> bool {
        match self.kind {
            Kind::Equals => value == self.value,
            // Of a list of content types each one must do.
            Kind::StartsWith if self.field == "content-type" => {
                value.split(',').all(|kind| kind.trim_start().starts_with(&self.value))
            }
            Kind::StartsWith => value.starts_with(&self.value),
        }
    }

    fn as_json(&self) -> String {
        let kind = match self.kind {
            Kind::Equals => "eq",
            Kind::StartsWith => "starts-with",
        };
        let words =
            [kind, &format!("${}", self.field), &self.value].map(|word| Value::from(word).to_string());
        format!("[{}]", words.join(", "))
    }
}

/// `2007-12-01T12:00:00.000Z`, with or without the fraction.
fn parse_expiration(text: &str) -> Option<u64> {
    let whole = text.split_once('.').map_or(text.to_owned(), |(whole, _)| format!("{whole}Z"));
    parse_date(&whole)
}

/// A number, or the text of one.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn invalid(why: &str) -> Error {
    Error::with_message(Code::InvalidPolicyDocument, format!("Invalid Policy: {why}."))
}

fn invalid_condition() -> Error {
    invalid("Invalid Condition")
}

fn denied(why: &str) -> Error {
    Error::with_message(Code::AccessDenied, format!("Invalid according to Policy: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(conditions: &str) -> Result<Policy> {
        let text = format!(r#"{{"expiration": "2026-01-01T00:00:00.000Z", "conditions": [{conditions}]}}"#);
        Policy::parse(&STANDARD.encode(text))
    }

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let mut fields = Fields::default();
        pairs.iter().for_each(|(name, value)| fields.add(name, (*value).to_owned()));
        fields
    }

    fn said(conditions: &str, pairs: &[(&str, &str)]) -> String {
        let judged = policy(conditions).unwrap().check(&fields(pairs), 0);
        judged.map_or_else(|error| error.message().to_owned(), |()| "fine".into())
    }

    #[test]
    fn conditions_hold_by_value_and_by_prefix_in_any_case_of_their_names() {
        let conditions = r#"{"bUcKeT": "b"}, ["StArTs-WiTh", "$KeY", "user/"], ["eq", "$acl", "private"]"#;
        let good =
            [("bucket", "b"), ("Key", "user/1"), ("ACL", "private"), ("x-ignore-me", "1"), ("policy", "p")];
        assert_eq!(said(conditions, &good), "fine");
        for (name, value, condition) in [
            ("bucket", "c", r#"["eq", "$bucket", "b"]"#),
            ("key", "other/1", r#"["starts-with", "$key", "user/"]"#),
            ("acl", "Private", r#"["eq", "$acl", "private"]"#),
            ("acl", "", r#"["eq", "$acl", "private"]"#),
        ] {
            let mut wrong = fields(&good);
            wrong.set(name, value);
            let error = policy(conditions).unwrap().check(&wrong, 0).unwrap_err();
            assert_eq!(error.code, Code::AccessDenied);
            assert_eq!(
                error.message(),
                format!("Invalid according to Policy: Policy Condition failed: {condition}")
            );
        }
    }

    #[test]
    fn fields_that_no_condition_speaks_of_are_refused() {
        let text = said(r#"{"bucket": "b"}"#, &[("bucket", "b"), ("x-amz-meta-a", "1"), ("acl", "private")]);
        assert_eq!(text, "Invalid according to Policy: Extra input fields: x-amz-meta-a, acl");
        assert_eq!(said(r#"["starts-with", "$x-amz-meta-a", ""]"#, &[("x-amz-meta-a", "anything")]), "fine");
    }

    #[test]
    fn every_type_of_a_list_must_begin_as_asked() {
        let condition = r#"["starts-with", "$Content-Type", "image/"]"#;
        assert_eq!(said(condition, &[("content-type", "image/png,image/jpeg")]), "fine");
        assert!(said(condition, &[("content-type", "image/png,text/html")]).contains("Condition failed"));
    }

    #[test]
    fn lengths_are_numbers_or_texts_of_them_and_the_narrowest_counts() {
        let lengths = |conditions: &str| policy(conditions).map(|policy| policy.lengths()).ok();
        assert_eq!(lengths(r#"["content-length-range", 5, "10"]"#), Some(5..=10));
        let both = r#"["content-length-range", 0, 10], ["content-length-range", 3, 20]"#;
        assert_eq!(lengths(both), Some(3..=10));
        for bad in [r#"["content-length-range", -1, 10]"#, r#"["content-length-range", 0]"#] {
            assert_eq!(lengths(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_no_policy_is_refused_as_such() {
        for (text, words) in [
            ("{", "Invalid JSON"),
            (r#"{"conditions": []}"#, "missing expiration"),
            (r#"{"expiration": "2026-01-01T00:00:00Z"}"#, "missing conditions"),
            (r#"{"expiration": "soon", "conditions": []}"#, "expiration"),
            (r#"{"expiration": "2026-01-01T00:00:00Z", "conditions": {}}"#, "List"),
            (r#"{"expiration": "2026-01-01T00:00:00Z", "conditions": ["x"]}"#, "Condition"),
            (r#"{"expiration": "2026-01-01T00:00:00Z", "conditions": [["eq", "acl", "x"]]}"#, "Condition"),
            (r#"{"expiration": "2026-01-01T00:00:00Z", "conditions": [["like", "$acl", "x"]]}"#, "Condition"),
            (r#"{"expiration": "2026-01-01T00:00:00Z", "conditions": [{"acl": 1}]}"#, "Condition"),
        ] {
            let error = Policy::parse(&STANDARD.encode(text)).unwrap_err();
            assert_eq!(error.code, Code::InvalidPolicyDocument);
            assert!(error.message().contains(words), "{text}: {}", error.message());
        }
        assert_eq!(Policy::parse("%%%").unwrap_err().code, Code::InvalidPolicyDocument);
    }

    #[test]
    fn a_policy_ends_in_time() {
        let policy = policy("").unwrap();
        let end = 1_767_225_600;
        assert!(policy.check(&Fields::default(), end - 1).is_ok());
        let error = policy.check(&Fields::default(), end).unwrap_err();
        assert_eq!(error.message(), "Invalid according to Policy: Policy expired.");
    }
}
