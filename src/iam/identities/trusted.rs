//! Whom trust policies name. They name users and roles of their own account by ARN and mean just those: with a new name, and when
//! they are gone, and somebody else is called so.

use std::sync::Arc;

use serde_json::Value;

use super::{Identities, Named};

impl Identities {
    /// Has trust policies go on to mean a user that has another name, or another path.
    pub(super) fn user_renamed(&mut self, before: &Named, after: &Named) {
        let (before, after) = (self.arn("user", before), self.arn("user", after));
        self.say_instead(&before, &after);
    }

    /// Has trust policies name a user or role that is gone by its id, as AWS shows it: nobody else ever has that.
    pub(super) fn is_gone(&mut self, kind: &str, gone: &Named) {
        let arn = self.arn(kind, gone);
        self.say_instead(&arn, &gone.id);
    }

    fn arn(&self, kind: &str, named: &Named) -> String {
        format!("arn:aws:iam::{}:{kind}{}{}", self.account, named.path, named.name)
    }

    fn say_instead(&mut self, before: &str, after: &str) {
        for role in self.roles.values_mut() {
            if let Some(trust) = saying_instead(&role.trust, before, after) {
                Arc::make_mut(role).trust = trust;
            }
        }
    }
}

/// The document with another principal; none where it does not name the one before.
fn saying_instead(document: &str, before: &str, after: &str) -> Option<String> {
    let mut document: Value = serde_json::from_str(document).ok()?;
    let mut changed = false;
    for statement in members(document.get_mut("Statement")?) {
        for field in ["Principal", "NotPrincipal"] {
            let Some(named) = statement.get_mut(field).and_then(|who| who.get_mut("AWS")) else { continue };
            for name in members(named).iter_mut().filter(|name| name.as_str() == Some(before)) {
                *name = after.into();
                changed = true;
            }
        }
    }
    changed.then(|| document.to_string())
}

/// A list, or the one that stands in the place of a list.
fn members(value: &mut Value) -> &mut [Value] {
    match value {
        Value::Array(members) => members,
        one => std::slice::from_mut(one),
    }
}
