//! Policy documents, from JSON to values.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::condition::Condition;
use super::json;
use super::pattern::{Pattern, Reading};
use crate::types::{AccountId, CanonicalId};

/// The longest policy of a bucket, in bytes (AWS: 20 KB).
const BYTES_MAX: usize = 20 * 1024;

/// What kind of policy a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    /// Of a resource: each statement says whom it is about.
    Resource,
    /// Of a user, group or role, or a bound for one: it is about whom it belongs to.
    Identity,
    /// Of a role, saying who may take it: about the role itself and no resource.
    Trust,
}

/// Why a document is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is longer than a policy may be.
    #[error("policy too large")]
    TooLarge,
    /// It is not of the language.
    #[error("{message}")]
    Malformed {
        /// AWS's words for it.
        message: Cow<'static, str>,
        /// The piece that is wrong, where AWS names it.
        detail: Option<String>,
    },
}

impl PolicyError {
    /// A document that is wrong in one respect.
    pub(super) fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Malformed { message: message.into(), detail: None }
    }
}

type Result<T> = std::result::Result<T, PolicyError>;

/// A policy, compiled.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its statements, of which order says nothing.
    pub statements: Vec<Statement>,
}

/// One statement of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Its name, where it has one.
    pub sid: Option<String>,
    /// It allows, else it denies.
    pub allows: bool,
    pub(super) principals: Principals,
    pub(super) actions: Patterns,
    pub(super) resources: Patterns,
    pub(super) conditions: Vec<Condition>,
}

/// Several patterns of which one must fit, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Patterns {
    pub(super) patterns: Vec<Pattern>,
    /// `NotAction`, `NotResource`.
    pub(super) inverted: bool,
}

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Principals {
    /// Whom the policy belongs to.
    Holder,
    These(Vec<PrincipalName>),
    /// `NotPrincipal`.
    AllBut(Vec<PrincipalName>),
}

/// A principal as a policy names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PrincipalName {
    Everybody,
    Account(AccountId),
    Canonical(CanonicalId),
    /// A user, a role or the session of a role.
    Arn(String),
    /// A provider of identities, by its ARN.
    Federated(String),
    /// A service, none of which calls here, or somebody who is gone.
    Foreign,
}

/// An account as a policy names it, or that of a user or role in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedAccount {
    /// By its 12 digits.
    Id(AccountId),
    /// By its canonical id.
    Canonical(CanonicalId),
}

impl Policy {
    /// Compiles a document.
    pub fn parse(document: &[u8], grammar: Grammar) -> Result<Self> {
        if document.len() > BYTES_MAX {
            return Err(PolicyError::TooLarge);
        }
        const NOT_JSON: &str = "Policies must be valid JSON and the first byte must be '{'";
        let value = json::parse(document).ok_or_else(|| PolicyError::malformed(NOT_JSON))?;
        let policy = value.as_object().ok_or_else(|| PolicyError::malformed(NOT_JSON))?;
        only(policy, &["Version", "Id", "Statement"])?;
        let variables = has_variables(policy.get("Version"))?;
        let statements = match policy.get("Statement") {
            Some(Value::Array(statements)) if !statements.is_empty() => statements.iter().collect(),
            Some(statement @ Value::Object(_)) => vec![statement],
            Some(_) => return Err(PolicyError::malformed("Could not parse the policy: Statement is empty!")),
            None => return Err(PolicyError::malformed("Missing required field Statement")),
        };
        let statements = statements.into_iter().map(|value| Statement::parse(value, grammar, variables));
        let statements = statements.collect::<Result<Vec<_>>>()?;
        check_sids(&statements)?;
        Ok(Self { statements })
    }

    /// A policy that denies everything to everybody.
    pub fn deny_all() -> Self {
        let all = || Patterns { patterns: vec![Pattern::wildcards("*")], inverted: false };
        let principals = Principals::These(vec![PrincipalName::Everybody]);
        let (actions, resources) = (all(), all());
        let deny =
            Statement { sid: None, allows: false, principals, actions, resources, conditions: Vec::new() };
        Self { statements: vec![deny] }
    }

    /// The place of one of its statements, as it is and no other of the same words.
    pub fn place_of(&self, statement: &Statement) -> Option<usize> {
        self.statements.iter().position(|own| std::ptr::eq(own, statement))
    }

    /// The users, roles and sessions that it names.
    pub fn principal_arns(&self) -> impl Iterator<Item = &str> {
        self.principal_names().filter_map(|name| match name {
            PrincipalName::Arn(arn) => Some(arn.as_str()),
            _ => None,
        })
    }

    /// The providers of identities that it names.
    pub fn federated(&self) -> impl Iterator<Item = &str> {
        self.principal_names().filter_map(|name| match name {
            PrincipalName::Federated(provider) => Some(provider.as_str()),
            _ => None,
        })
    }

    fn principal_names(&self) -> impl Iterator<Item = &PrincipalName> {
        self.statements.iter().flat_map(|statement| match &statement.principals {
            Principals::Holder => &[],
            Principals::These(names) | Principals::AllBut(names) => names.as_slice(),
        })
    }

    /// The accounts that it names, which must exist for it to mean anything.
    pub fn accounts(&self) -> impl Iterator<Item = NamedAccount> {
        self.principal_names().filter_map(|name| match name {
            PrincipalName::Account(id) => Some(NamedAccount::Id(id.clone())),
            PrincipalName::Canonical(id) => Some(NamedAccount::Canonical(*id)),
            PrincipalName::Arn(arn) => arn.split(':').nth(4).and_then(AccountId::parse).map(NamedAccount::Id),
            PrincipalName::Everybody | PrincipalName::Federated(_) | PrincipalName::Foreign => None,
        })
    }
}

impl Statement {
    fn parse(value: &Value, grammar: Grammar, variables: bool) -> Result<Self> {
        let statement =
            value.as_object().ok_or_else(|| PolicyError::malformed("Statement is not an object"))?;
        only(statement, &FIELDS)?;
        let allows = match statement.get("Effect").map(|effect| effect.as_str().unwrap_or_default()) {
            Some("Allow") => true,
            Some("Deny") => false,
            Some(effect) => return Err(PolicyError::malformed(format!("Invalid effect: {effect}"))),
            None => return Err(missing("Effect")),
        };
        let sid = statement.get("Sid").map(|sid| match sid {
            Value::String(sid) => Ok(sid.clone()),
            _ => Err(PolicyError::malformed("Statement IDs (SID) must be alpha-numeric.")),
        });
        let conditions = statement.get("Condition").map(|block| Condition::parse_all(block, variables));
        Ok(Self {
            sid: sid.transpose()?,
            allows,
            principals: principals(statement, grammar)?,
            actions: patterns(statement, ["Action", "NotAction"], false, "Policy has invalid action")?,
            resources: resources(statement, grammar, variables)?,
            conditions: conditions.transpose()?.unwrap_or_default(),
        })
    }

    /// What it is called at this place in its policy: by its id, else by the place, from `#1` on.
    pub fn name_at(&self, place: usize) -> String {
        let named = self.sid.clone().filter(|sid| !sid.is_empty());
        named.unwrap_or_else(|| format!("#{}", place + 1))
    }

    /// The condition keys that it names, in lower case but for the keys of tags.
    pub fn condition_keys(&self) -> impl Iterator<Item = &str> {
        self.conditions.iter().map(|condition| condition.key.as_str())
    }

    /// The actions that it names; with whether all others are meant.
    pub fn actions(&self) -> (&[Pattern], bool) {
        (&self.actions.patterns, self.actions.inverted)
    }

    /// The resources that it names; with whether all others are meant.
    pub fn resources(&self) -> (&[Pattern], bool) {
        (&self.resources.patterns, self.resources.inverted)
    }
}

fn resources(statement: &Map<String, Value>, grammar: Grammar, variables: bool) -> Result<Patterns> {
    const NAMES: [&str; 2] = ["Resource", "NotResource"];
    match grammar {
        Grammar::Trust if NAMES.iter().any(|name| statement.contains_key(*name)) => {
            Err(PolicyError::malformed("Has prohibited field Resource"))
        }
        Grammar::Trust => Ok(Patterns { patterns: vec![Pattern::wildcards("*")], inverted: false }),
        Grammar::Identity | Grammar::Resource => {
            patterns(statement, NAMES, variables, "Policy has invalid resource")
        }
    }
}

const FIELDS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

fn only(object: &Map<String, Value>, names: &[&str]) -> Result<()> {
    match object.keys().find(|key| !names.contains(&key.as_str())) {
        Some(key) => Err(PolicyError::malformed(format!("Unknown field {key}"))),
        None => Ok(()),
    }
}

fn missing(field: &str) -> PolicyError {
    PolicyError::malformed(format!("Missing required field {field}"))
}

/// Whether `${...}` means something in this version of the language.
fn has_variables(version: Option<&Value>) -> Result<bool> {
    match version.map(Value::as_str) {
        Some(Some("2012-10-17")) => Ok(true),
        None | Some(Some("2008-10-17")) => Ok(false),
        Some(_) => Err(PolicyError::malformed("The policy must contain a valid version string")),
    }
}

fn check_sids(statements: &[Statement]) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    let mut sids = statements.iter().filter_map(|statement| statement.sid.as_deref());
    match sids.all(|sid| sid.is_empty() || seen.insert(sid)) {
        true => Ok(()),
        false => Err(PolicyError::malformed("Statement IDs (SID) in a single policy must be unique.")),
    }
}

/// The one of two fields that must be there, and whether it is the second, which inverts.
fn either<'a>(statement: &'a Map<String, Value>, [one, other]: [&str; 2]) -> Result<(&'a Value, bool)> {
    match (statement.get(one), statement.get(other)) {
        (Some(value), None) => Ok((value, false)),
        (None, Some(value)) => Ok((value, true)),
        (None, None) => Err(missing(one)),
        (Some(_), Some(_)) => Err(PolicyError::malformed(format!("Statement has both {one} and {other}"))),
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

fn patterns(
    statement: &Map<String, Value>,
    fields: [&str; 2],
    variables: bool,
    invalid: &'static str,
) -> Result<Patterns> {
    let (value, inverted) = either(statement, fields)?;
    let texts = texts(value).ok_or_else(|| PolicyError::malformed(invalid))?;
    let reading = Reading { wildcards: true, variables };
    Ok(Patterns { patterns: texts.iter().map(|text| Pattern::parse(text, reading)).collect(), inverted })
}

fn principals(statement: &Map<String, Value>, grammar: Grammar) -> Result<Principals> {
    const FIELDS: [&str; 2] = ["Principal", "NotPrincipal"];
    if grammar == Grammar::Identity {
        return match FIELDS.iter().any(|field| statement.contains_key(*field)) {
            true => Err(PolicyError::malformed("Policy document should not specify a principal.")),
            false => Ok(Principals::Holder),
        };
    }
    let (value, inverted) = either(statement, FIELDS)?;
    let invalid = |detail: &Value| PolicyError::Malformed {
        message: "Invalid principal in policy".into(),
        detail: Some(detail.to_string()),
    };
    let names = match value {
        Value::String(text) if text == "*" => vec![PrincipalName::Everybody],
        Value::Object(kinds) if !kinds.is_empty() => {
            let mut names = Vec::new();
            for (kind, who) in kinds {
                let texts = texts(who).ok_or_else(|| invalid(value))?;
                let read = texts.iter().map(|text| PrincipalName::parse(kind, text, grammar));
                names.extend(read.collect::<Option<Vec<_>>>().ok_or_else(|| invalid(value))?);
            }
            names
        }
        _ => return Err(invalid(value)),
    };
    Ok(if inverted { Principals::AllBut(names) } else { Principals::These(names) })
}

/// Whether this is what trust policies name a user or role by that is gone.
fn is_id(text: &str) -> bool {
    let prefixed = text.starts_with("AIDA") || text.starts_with("AROA");
    prefixed && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

impl PrincipalName {
    fn parse(kind: &str, text: &str, grammar: Grammar) -> Option<Self> {
        match kind {
            "AWS" if text == "*" => Some(Self::Everybody),
            "AWS" if grammar == Grammar::Trust && is_id(text) => Some(Self::Foreign),
            "AWS" => AccountId::parse(text).map(Self::Account).or_else(|| Self::parse_arn(text)),
            "CanonicalUser" => CanonicalId::parse(text).map(Self::Canonical),
            "Federated" => (!text.is_empty()).then(|| Self::Federated(text.to_owned())),
            "Service" => (!text.is_empty()).then_some(Self::Foreign),
            _ => None,
        }
    }

    /// `arn:aws:iam::ACCOUNT:root`, of users and roles, and of `arn:aws:sts::` sessions. No wildcard is allowed.
    fn parse_arn(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (arn, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, name) = (parts.next()?, AccountId::parse(parts.next()?)?, parts.next()?);
        if (arn, partition, region) != ("arn", "aws", "") || text.contains(['*', '?']) {
            return None;
        }
        let named = |prefix: &str| name.strip_prefix(prefix).is_some_and(|name| !name.is_empty());
        match service {
            "iam" if name == "root" => Some(Self::Account(account)),
            "iam" if named("user/") || named("role/") => Some(Self::Arn(text.to_owned())),
            "sts" if named("assumed-role/") || named("federated-user/") => Some(Self::Arn(text.to_owned())),
            _ => None,
        }
    }
}
