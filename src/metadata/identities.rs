//! Users, groups, roles and policies: a document each, which only `iam` understands.
//!
//! What may be changed depends on all of them together, so it is decided over a copy in memory, and a change says which
//! state it was decided on. There is one number for all: they change seldom.

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::accounts::account_id;
use super::model::{Applied, MetadataError};
use crate::types::AccountId;

type Result<T> = std::result::Result<T, MetadataError>;

/// What a document is of. The log and the rows name them by their order: new ones go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum IdentityKind {
    /// A user.
    User,
    /// A group of users.
    Group,
    /// A role.
    Role,
    /// A managed policy.
    Policy,
}

const KINDS: [IdentityKind; 4] =
    [IdentityKind::User, IdentityKind::Group, IdentityKind::Role, IdentityKind::Policy];

/// What names a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IdentityKey {
    /// Whose.
    pub account: AccountId,
    /// Of what.
    pub kind: IdentityKind,
    /// Its name, in the form in which it is there once.
    pub name: String,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityRow {
    /// What names it.
    pub key: IdentityKey,
    /// The document, in JSON.
    pub document: String,
}

/// Changes documents if they are those of `revision`.
pub(super) fn change(
    db: &Connection,
    revision: u64,
    put: &[IdentityRow],
    remove: &[IdentityKey],
) -> Result<Applied> {
    if self::revision(db)? != revision {
        return Err(MetadataError::IdentitiesChanged);
    }
    let mut delete =
        db.prepare_cached("DELETE FROM identities WHERE account = ?1 AND kind = ?2 AND name = ?3")?;
    for IdentityKey { account, kind, name } in remove {
        delete.execute(params![account.as_str(), pack_kind(*kind), name])?;
    }
    let mut insert = db.prepare_cached("INSERT OR REPLACE INTO identities VALUES (?1, ?2, ?3, ?4)")?;
    for IdentityRow { key: IdentityKey { account, kind, name }, document } in put {
        insert.execute(params![account.as_str(), pack_kind(*kind), name, document])?;
    }
    count_change(db)
}

/// Removes all documents of an account.
pub(super) fn remove_all(db: &Connection, account: &AccountId) -> Result<Applied> {
    db.execute("DELETE FROM identities WHERE account = ?1", [account.as_str()])?;
    count_change(db)
}

fn count_change(db: &Connection) -> Result<Applied> {
    db.execute("UPDATE state SET value = value + 1 WHERE name = 'identities'", [])?;
    Ok(Applied::Done)
}

fn revision(db: &Connection) -> Result<u64> {
    let select = "SELECT value FROM state WHERE name = 'identities'";
    Ok(db.prepare_cached(select)?.query_row([], |row| row.get::<_, i64>(0))? as u64)
}

/// All documents, and how often they were changed.
pub(super) fn all(db: &Connection) -> Result<(u64, Vec<IdentityRow>)> {
    // One statement sees one state; two could see a change between them.
    let mut select = db.prepare_cached(
        "SELECT value, account, kind, identities.name, document FROM state LEFT JOIN identities
         WHERE state.name = 'identities' ORDER BY account, kind, identities.name",
    )?;
    let (mut rows, mut revision, mut all) = (select.query([])?, 0, Vec::new());
    while let Some(row) = rows.next()? {
        revision = row.get::<_, i64>(0)? as u64;
        if row.get::<_, Option<String>>(1)?.is_none() {
            break;
        }
        let key =
            IdentityKey { account: account_id(row, 1)?, kind: unpack_kind(row.get(2)?)?, name: row.get(3)? };
        all.push(IdentityRow { key, document: row.get(4)? });
    }
    Ok((revision, all))
}

fn pack_kind(kind: IdentityKind) -> i64 {
    KINDS.iter().position(|&other| other == kind).unwrap_or_default() as i64
}

fn unpack_kind(packed: i64) -> Result<IdentityKind> {
    let kind = usize::try_from(packed).ok().and_then(|packed| KINDS.get(packed));
    kind.copied().ok_or_else(|| MetadataError::Database("unreadable kind of identity".into()))
}

#[cfg(test)]
mod tests {
    use super::super::apply::Applier;
    use super::super::model::Mutation;
    use super::super::schema;
    use super::*;

    fn key(account: u64, kind: IdentityKind, name: &str) -> IdentityKey {
        IdentityKey { account: AccountId::from_number(account), kind, name: name.into() }
    }

    fn row(account: u64, kind: IdentityKind, name: &str, document: &str) -> IdentityRow {
        IdentityRow { key: key(account, kind, name), document: document.into() }
    }

    #[test]
    fn a_change_counts_and_one_that_was_decided_on_an_older_state_is_refused() {
        let db = Connection::open_in_memory().unwrap();
        schema::prepare(&db).unwrap();
        let mut applier = Applier::new(&db).unwrap();
        let mut change = |revision, put: &[IdentityRow], remove: &[IdentityKey]| {
            let (put, remove) = (put.to_vec(), remove.to_vec());
            applier.apply(&db, &Mutation::ChangeIdentities { revision, put, remove })
        };
        assert_eq!(all(&db).unwrap(), (0, Vec::new()));
        let (anna, readers) =
            (row(1, IdentityKind::User, "anna", "{}"), row(1, IdentityKind::Group, "readers", "{}"));
        change(0, &[readers.clone(), anna.clone()], &[]).unwrap();
        assert_eq!(all(&db).unwrap(), (1, vec![anna.clone(), readers.clone()]));
        let again = change(0, &[], std::slice::from_ref(&anna.key));
        assert_eq!(again, Err(MetadataError::IdentitiesChanged));
        let renamed = row(1, IdentityKind::User, "anna", "{\"new\":1}");
        change(1, std::slice::from_ref(&renamed), &[readers.key]).unwrap();
        assert_eq!(all(&db).unwrap(), (2, vec![renamed]));
        remove_all(&db, &AccountId::from_number(1)).unwrap();
        assert_eq!(all(&db).unwrap(), (3, Vec::new()));
    }
}
