//! `?policy`: who may do what, checked as far as it stands by itself.

use serde_json::{Map, Value};

use super::super::error::{Code, Error, Result};

/// The longest policy, in bytes.
const BYTES_MAX: usize = 20 * 1024;

/// Objects within objects at most.
const DEPTH_MAX: usize = 8;

/// Checks that a document is a policy of this bucket.
pub(in super::super) fn check(document: &[u8], bucket: &str) -> Result<()> {
    if document.len() > BYTES_MAX {
        return Err(Error::new(Code::PolicyTooLarge));
    }
    let policy: Value = serde_json::from_slice(document)
        .map_err(|_| refused("Policies must be valid JSON and the first byte must be '{'"))?;
    let Some(policy) = policy.as_object().filter(|policy| policy.values().all(|v| depth(v) <= DEPTH_MAX))
    else {
        return Err(refused("Policies must be valid JSON and the first byte must be '{'"));
    };
    only(policy, &["Version", "Id", "Statement"])?;
    match policy.get("Version") {
        None => {}
        Some(version) if version == "2012-10-17" || version == "2008-10-17" => {}
        Some(_) => return Err(refused("The policy must contain a valid version string")),
    }
    match policy.get("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() => {
            statements.iter().try_for_each(|statement| check_statement(statement, bucket))
        }
        Some(statement @ Value::Object(_)) => check_statement(statement, bucket),
        Some(_) => Err(refused("Could not parse the policy: Statement is empty!")),
        None => Err(refused("Missing required field Statement")),
    }
}

fn refused(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::with_message(Code::MalformedPolicy, message)
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(values) => 1 + values.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn only(object: &Map<String, Value>, names: &[&str]) -> Result<()> {
    match object.keys().find(|key| !names.contains(&key.as_str())) {
        Some(key) => Err(refused(format!("Unknown field {key}"))),
        None => Ok(()),
    }
}

fn check_statement(statement: &Value, bucket: &str) -> Result<()> {
    let Some(statement) = statement.as_object() else { return Err(refused("Statement is not an object")) };
    only(
        statement,
        &[
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ],
    )?;
    match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow" | "Deny") => {}
        Some(effect) => return Err(refused(format!("Invalid effect: {effect}"))),
        None => return Err(refused("Missing required field Effect")),
    }
    check_principal(either(statement, "Principal", "NotPrincipal")?)?;
    let actions = texts(either(statement, "Action", "NotAction")?)
        .ok_or_else(|| refused("Policy has invalid action"))?;
    if !actions.iter().all(|action| *action == "*" || action.to_ascii_lowercase().starts_with("s3:")) {
        return Err(refused("Policy has invalid action"));
    }
    let resources = texts(either(statement, "Resource", "NotResource")?)
        .ok_or_else(|| refused("Policy has invalid resource"))?;
    if !resources.iter().all(|resource| is_of_bucket(resource, bucket)) {
        return Err(refused("Policy has invalid resource"));
    }
    match statement.get("Condition") {
        None => Ok(()),
        Some(Value::Object(operators)) if operators.values().all(is_condition) => Ok(()),
        Some(_) => Err(refused("Conditions must be valid JSON objects")),
    }
}

/// The one of two that must be there, and not both.
fn either<'a>(statement: &'a Map<String, Value>, one: &str, other: &str) -> Result<&'a Value> {
    match (statement.get(one), statement.get(other)) {
        (Some(value), None) | (None, Some(value)) => Ok(value),
        (None, None) => Err(refused(format!("Missing required field {one}"))),
        (Some(_), Some(_)) => Err(refused(format!("Statement has both {one} and {other}"))),
    }
}

/// A text or a list of texts, not empty.
fn texts(value: &Value) -> Option<Vec<&str>> {
    let texts: Vec<&str> = match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().map(Value::as_str).collect::<Option<_>>()?,
        _ => return None,
    };
    (!texts.is_empty()).then_some(texts)
}

fn check_principal(principal: &Value) -> Result<()> {
    const KINDS: [&str; 4] = ["AWS", "Service", "Federated", "CanonicalUser"];
    let valid = match principal {
        Value::String(text) => text == "*",
        Value::Object(kinds) => {
            !kinds.is_empty()
                && kinds.iter().all(|(kind, who)| KINDS.contains(&kind.as_str()) && texts(who).is_some())
        }
        _ => false,
    };
    if valid { Ok(()) } else { Err(refused("Invalid principal in policy")) }
}

/// `arn:aws:s3:::bucket`, or objects in it, with `*` and `?` for anything.
fn is_of_bucket(resource: &str, bucket: &str) -> bool {
    let Some(name) = resource.strip_prefix("arn:aws:s3:::") else { return false };
    let name = name.split_once('/').map_or(name, |(name, _)| name);
    name == bucket || (name.contains(['*', '?']) && glob(name.as_bytes(), bucket.as_bytes()))
}

/// Whether a text fits a pattern of `*` for anything and `?` for one byte: one pass, back to the last star at most.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut star) = (0, None);
    let mut index = 0;
    while index < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, index));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[index] => (at, index) = (at + 1, index + 1),
            _ => {
                let Some((star_at, matched)) = star else { return false };
                star = Some((star_at, matched + 1));
                (at, index) = (star_at + 1, matched + 1);
            }
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

/// Keys with one value or several each.
fn is_condition(keys: &Value) -> bool {
    let scalar = |value: &Value| value.is_string() || value.is_boolean() || value.is_number();
    keys.as_object().is_some_and(|keys| {
        keys.values()
            .all(|value| scalar(value) || value.as_array().is_some_and(|values| values.iter().all(scalar)))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn outcome(document: &str) -> Option<Code> {
        check(document.as_bytes(), "photos").err().map(|error| error.code)
    }

    const STATEMENT: &str = r#"{"Sid":"a","Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:List*"],
        "Resource":["arn:aws:s3:::photos","arn:aws:s3:::photos/*","arn:aws:s3:::ph*/x"],
        "Condition":{"StringLike":{"aws:Referer":["https://a/*"]},"Bool":{"aws:SecureTransport":true}}}"#;

    fn policy(statement: &str) -> String {
        format!(r#"{{"Version":"2012-10-17","Id":"p","Statement":[{statement}]}}"#)
    }

    #[test]
    fn policies_of_the_bucket_are_taken() {
        assert_eq!(outcome(&policy(STATEMENT)), None);
        assert_eq!(outcome(&format!(r#"{{"Statement":{STATEMENT}}}"#)), None);
        let principal = STATEMENT.replace(r#""*","Act"#, r#"{"AWS":["1","arn:aws:iam::1:root"]},"Act"#);
        assert_eq!(outcome(&policy(&principal)), None);
    }

    #[test]
    fn what_is_no_policy_of_the_bucket_is_malformed() {
        let deep = format!("{}1{}", "[".repeat(9), "]".repeat(9));
        for document in [
            "",
            "text",
            "[]",
            "{}",
            r#"{"Statement":[]}"#,
            r#"{"Statement":"all"}"#,
            &policy(STATEMENT).replace("2012-10-17", "2012-10-18"),
            &policy(STATEMENT).replace(r#""Id":"p""#, r#""Other":"p""#),
            &policy(&STATEMENT.replace("Allow", "allow")),
            &policy(&STATEMENT.replace(r#""Effect":"Allow","#, "")),
            &policy(&STATEMENT.replace(r#""Principal":"*","#, "")),
            &policy(&STATEMENT.replace(r#""Principal":"*""#, r#""Principal":"me""#)),
            &policy(&STATEMENT.replace("s3:GetObject", "ec2:Run")),
            &policy(&STATEMENT.replace("arn:aws:s3:::photos/*", "arn:aws:s3:::others/*")),
            &policy(&STATEMENT.replace("true", "{}")),
            &policy(&STATEMENT.replace("true", &deep)),
            &policy(&STATEMENT.replace("Sid", "Side")),
        ] {
            assert_eq!(outcome(document), Some(Code::MalformedPolicy), "{document}");
        }
        let long = policy(STATEMENT) + &" ".repeat(BYTES_MAX);
        assert_eq!(outcome(&long), Some(Code::PolicyTooLarge));
    }

    proptest! {
        #[test]
        fn a_pattern_fits_what_it_was_made_from(text in "[a-c]{0,8}", from in 0usize..8, to in 0usize..8) {
            let (from, to) = (from.min(text.len()), to.min(text.len()));
            let pattern = format!("{}*{}", &text[..from.min(to)], &text[from.max(to)..]);
            prop_assert!(glob(pattern.as_bytes(), text.as_bytes()));
            prop_assert!(!glob((pattern.clone() + "?d").as_bytes(), text.as_bytes()));
        }
    }
}
