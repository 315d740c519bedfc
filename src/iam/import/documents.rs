use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::identities::PolicyText;
use super::super::policy::Pattern;

/// The version of the language that MinIO has, whatever a document says.
const VERSION: &str = "2012-10-17";

/// Policies that a MinIO server has from the beginning, which this one has too.
const CANNED: [&str; 5] = ["readonly", "readwrite", "writeonly", "diagnostics", "consoleAdmin"];

/// The ARN of such a policy.
pub(super) fn canned_arn(name: &str) -> Option<String> {
    CANNED.contains(&name).then(|| format!("arn:aws:iam::aws:policy/{name}"))
}

/// A policy in the words of ours, and what of it has no effect here.
#[derive(Debug)]
pub(super) struct Converted {
    pub(super) value: Value,
    pub(super) text: PolicyText,
    pub(super) lacks: Vec<String>,
}

/// Converts a policy; an error says why it cannot be.
pub(super) fn converted(document: &Value, admin_actions: &[&str]) -> Result<Converted, String> {
    let mut document = document.as_object().ok_or("its document is no JSON object")?.clone();
    if let Some(id) = document.remove("ID").filter(|id| id.as_str() != Some("")) {
        document.insert("Id".into(), id);
    }
    if document.get("Version").is_none_or(|version| version.as_str() == Some("")) {
        document.insert("Version".into(), VERSION.into());
    }
    if let Some(Value::Array(statements)) = document.get_mut("Statement") {
        statements.iter_mut().filter_map(Value::as_object_mut).for_each(convert_statement);
    }
    let value = Value::Object(document);
    let text =
        PolicyText::kept(value.to_string()).map_err(|error| format!("its document is no policy: {error}"))?;
    let lacks = lacks(&text, admin_actions);
    Ok(Converted { value, text, lacks })
}

/// MinIO writes fields that say nothing, and statements about the server itself without a resource.
fn convert_statement(statement: &mut Map<String, Value>) {
    statement.retain(|name, value| match value {
        Value::Null => false,
        Value::String(text) => name != "Sid" || !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    });
    let has_resource = ["Resource", "NotResource"].iter().any(|name| statement.contains_key(*name));
    let about_server =
        |action: &str| ["admin:", "kms:", "sts:"].iter().any(|service| action.starts_with(service));
    let actions = texts(statement.get("Action"));
    if !has_resource && !actions.is_empty() && actions.iter().all(|action| about_server(action)) {
        statement.insert("Resource".into(), "*".into());
    }
}

fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// What of a policy has no effect here.
fn lacks(policy: &PolicyText, admin_actions: &[&str]) -> Vec<String> {
    let statements = &policy.compiled().statements;
    let named = statements.iter().flat_map(|statement| statement.actions().0);
    let is_unknown = |action: &&Pattern| {
        action.outline().to_ascii_lowercase().starts_with("admin:")
            && !admin_actions.iter().any(|known| action.fits_any_case(known))
    };
    let unknown: BTreeSet<_> = named.filter(is_unknown).map(Pattern::outline).collect();
    let keys = ["jwt:", "ldap:"].into_iter().filter(|prefix| {
        let keys = statements.iter().flat_map(|statement| statement.condition_keys());
        keys.into_iter().any(|key| key.starts_with(prefix)) || policy.text().contains(&format!("${{{prefix}"))
    });
    let keys = keys.map(|prefix| format!("the condition keys of {prefix} have no value here"));
    let actions = (!unknown.is_empty()).then(|| {
        let unknown: Vec<_> = unknown.into_iter().collect();
        format!("there are no such actions here: {}", unknown.join(", "))
    });
    actions.into_iter().chain(keys).collect()
}

/// Whether a policy with the name of one that is there from the beginning says what that says.
pub(super) fn is_canned(name: &str, document: &Value) -> bool {
    if !CANNED.contains(&name) {
        return false;
    }
    let statements =
        document.get("Statement").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_plain = |statement: &Value| {
        let known = |field: &String| ["Sid", "Effect", "Action", "Resource"].contains(&field.as_str());
        statement.as_object().is_some_and(|fields| fields.keys().all(known))
            && statement["Effect"] == "Allow"
            && texts(statement.get("Resource"))
                .iter()
                .all(|resource| ["*", "arn:aws:s3:::*"].contains(resource))
    };
    let actions: BTreeSet<&str> =
        statements.iter().flat_map(|statement| texts(statement.get("Action"))).collect();
    let are = |expected: &[&str]| actions.iter().copied().eq(expected.iter().copied());
    statements.iter().all(is_plain)
        && match name {
            "readonly" => are(&["s3:GetBucketLocation", "s3:GetObject"]),
            "readwrite" => are(&["s3:*"]),
            "writeonly" => are(&["s3:PutObject"]),
            "diagnostics" => {
                actions.iter().all(|action| action.starts_with("admin:") && !action.contains('*'))
            }
            _ => are(&["admin:*", "kms:*", "s3:*"]) || are(&["admin:*", "s3:*"]),
        }
}
