use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Identities;
use crate::metadata::{IdentityKey, IdentityKind, IdentityRow, MetadataError};
use crate::types::AccountId;

/// What makes one state another.
pub(in crate::iam) fn changes(
    before: &Identities,
    after: &Identities,
) -> (Vec<IdentityRow>, Vec<IdentityKey>) {
    let mut changes = (Vec::new(), Vec::new());
    let account = &after.account;
    differences((account, IdentityKind::User), &before.users, &after.users, &mut changes);
    differences((account, IdentityKind::Group), &before.groups, &after.groups, &mut changes);
    differences((account, IdentityKind::Role), &before.roles, &after.roles, &mut changes);
    differences((account, IdentityKind::Policy), &before.policies, &after.policies, &mut changes);
    changes
}

fn differences<T: Serialize>(
    (account, kind): (&AccountId, IdentityKind),
    before: &BTreeMap<String, Arc<T>>,
    after: &BTreeMap<String, Arc<T>>,
    (put, remove): &mut (Vec<IdentityRow>, Vec<IdentityKey>),
) {
    let key = |name: &String| IdentityKey { account: account.clone(), kind, name: name.clone() };
    // What nobody touched is the same value in memory.
    let is_new =
        |(name, value): &(&String, &Arc<T>)| before.get(*name).is_none_or(|old| !Arc::ptr_eq(old, value));
    put.extend(after.iter().filter(is_new).map(|(name, value)| {
        let document = serde_json::to_string(&**value).expect("plain data serializes");
        IdentityRow { key: key(name), document }
    }));
    remove.extend(before.keys().filter(|name| !after.contains_key(*name)).map(key));
}

/// Takes a row into the state of its account.
pub(in crate::iam) fn insert(identities: &mut Identities, row: &IdentityRow) -> Result<(), MetadataError> {
    let name = row.key.name.clone();
    match row.key.kind {
        IdentityKind::User => drop(identities.users.insert(name, read(row)?)),
        IdentityKind::Group => drop(identities.groups.insert(name, read(row)?)),
        IdentityKind::Role => drop(identities.roles.insert(name, read(row)?)),
        IdentityKind::Policy => drop(identities.policies.insert(name, read(row)?)),
    }
    Ok(())
}

fn read<T: DeserializeOwned>(row: &IdentityRow) -> Result<Arc<T>, MetadataError> {
    let unreadable = |error: serde_json::Error| {
        // Where in it, and never what: it may hold a secret.
        let (line, column) = (error.line(), error.column());
        MetadataError::Database(format!("unreadable document of {} at {line}:{column}", row.key.name))
    };
    serde_json::from_str(&row.document).map(Arc::new).map_err(unreadable)
}
