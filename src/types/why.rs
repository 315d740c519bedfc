use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why somebody was not let do something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Why {
    /// `ExplicitDeny` or `ImplicitDeny`.
    pub decision: String,
    /// What was asked for.
    pub action: String,
    /// The ARN of what it was asked on.
    pub resource: String,
    /// The statement that denies it; none where nothing allows it.
    pub deciding: Option<DecidingStatement>,
    /// The least that would have to change, as a sentence.
    pub missing: String,
}

/// A statement, by where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecidingStatement {
    /// The policy: its ARN, or whose it is and its name.
    pub policy: String,
    /// The statement's id, else its place in the policy: `#1` is the first.
    pub statement: String,
}

/// Who did something, as logs name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerName {
    /// The ARN; of somebody from outside who has taken no role, a name of its own.
    pub arn: String,
    /// Who it is behind the roles that were taken, where that was said.
    pub source_identity: Option<String>,
}
