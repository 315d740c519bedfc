//! The policy language of IAM: documents compiled once, and one pure function that decides.
//!
//! - `document`: a document's JSON to values, with AWS's words for what is wrong with it.
//! - `json`: the document itself, in which no name may stand twice.
//! - `pattern`: `*`, `?` and `${variables}` in actions, resources and conditions.
//! - `condition`: the operators of conditions.
//! - `matching`: whether a principal and a statement are meant.
//! - `decide`: which of all policies and grants has the last word, in AWS's order of evaluation.
//! - `wording`: typing errors, for which new documents are refused.
//! - `public`: whether a policy opens something to everybody, as Block Public Access means it.
//!
//! Nothing here looks anything up: what a request is about comes in as values, and condition keys through
//! [`ConditionKeys`], which is asked only for those that a statement names.

mod condition;
mod decide;
mod document;
mod json;
mod matching;
mod pattern;
mod public;
mod wording;

#[cfg(test)]
mod bounds_cases;
#[cfg(test)]
mod cases;

pub use condition::ValueType;
pub use decide::{Decision, Policies, Reason, Request, Source, decide};
pub use document::{Grammar, NamedAccount, Policy, PolicyError, Statement};
pub(super) use json::parse as parse_json;
pub use matching::{ConditionKeys, Named, Resource};
pub use pattern::Pattern;
