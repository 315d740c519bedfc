//! Accounts and their access keys.

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::apply::Applier;
use super::identities;
use super::model::{Applied, MetadataError};
use super::schema::{pack, unpack};
use crate::types::{AccountId, CanonicalId, StoredSecret, Timestamp};

type Result<T> = std::result::Result<T, MetadataError>;

/// Accounts of a deployment at most. All of them are kept in memory.
const ACCOUNTS_MAX: i64 = 10_000;

/// Access keys of one account at most.
const KEYS_MAX: i64 = 100;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// Its 12 digits.
    pub id: AccountId,
    /// Its name in ACLs and as an owner.
    pub canonical_id: CanonicalId,
    /// A name for people; no two accounts have the same.
    pub name: String,
    /// Its address; no two accounts have the same.
    pub email: Option<String>,
    /// When it was made.
    pub created: Timestamp,
}

/// An access key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKeyRow {
    /// The key itself.
    pub access_key: String,
    /// Whose root it signs for.
    pub account: AccountId,
    /// Its secret.
    pub secret: StoredSecret,
    /// Whether it is believed.
    pub active: bool,
    /// When it was made.
    pub created: Timestamp,
}

impl Applier {
    /// Makes an account with its first key.
    pub(super) fn create_account(
        &mut self,
        db: &Connection,
        account: &AccountRow,
        key: &AccessKeyRow,
    ) -> Result<Applied> {
        let AccountRow { id, canonical_id, name, email, created } = account;
        let taken = "SELECT EXISTS (SELECT 1 FROM accounts WHERE id = ?1 OR canonical_id = ?2 OR name = ?3 OR email = ?4)";
        if exists(db, taken, params![id.as_str(), canonical_id.0, name, email])? {
            return Err(MetadataError::AccountExists);
        }
        if count(db, "SELECT count(*) FROM accounts", [])? >= ACCOUNTS_MAX {
            return Err(MetadataError::TooManyAccounts);
        }
        check_new_key(db, key)?;
        db.execute(
            "INSERT INTO accounts VALUES (?1, ?2, ?3, ?4, ?5)",
            params![id.as_str(), canonical_id.0, name, email, created.as_millis() as i64],
        )?;
        insert_key(db, key)
    }

    /// Removes an account that owns no bucket, with its keys.
    pub(super) fn remove_account(&mut self, db: &Connection, id: &AccountId) -> Result<Applied> {
        if !exists(db, "SELECT EXISTS (SELECT 1 FROM accounts WHERE id = ?1)", [id.as_str()])? {
            return Err(MetadataError::NoSuchAccount);
        }
        let owns = "SELECT EXISTS (SELECT 1 FROM buckets JOIN accounts ON owner = canonical_id WHERE accounts.id = ?1)";
        if exists(db, owns, [id.as_str()])? {
            return Err(MetadataError::AccountOwnsBuckets);
        }
        db.execute("DELETE FROM access_keys WHERE account = ?1", [id.as_str()])?;
        identities::remove_all(db, id)?;
        db.execute("DELETE FROM accounts WHERE id = ?1", [id.as_str()])?;
        Ok(Applied::Done)
    }

    /// Gives an account one more key.
    pub(super) fn create_access_key(&mut self, db: &Connection, key: &AccessKeyRow) -> Result<Applied> {
        let account = key.account.as_str();
        if !exists(db, "SELECT EXISTS (SELECT 1 FROM accounts WHERE id = ?1)", [account])? {
            return Err(MetadataError::NoSuchAccount);
        }
        check_new_key(db, key)?;
        if count(db, "SELECT count(*) FROM access_keys WHERE account = ?1", [account])? >= KEYS_MAX {
            return Err(MetadataError::TooManyAccessKeys);
        }
        insert_key(db, key)
    }

    /// Has a key believed, or not.
    pub(super) fn set_access_key(&mut self, db: &Connection, key: &str, active: bool) -> Result<Applied> {
        let changed =
            db.execute("UPDATE access_keys SET active = ?2 WHERE access_key = ?1", params![key, active])?;
        if changed == 1 { Ok(Applied::Done) } else { Err(MetadataError::NoSuchAccessKey) }
    }

    /// Keeps a key's secret in another form.
    pub(super) fn reseal_access_key(
        &mut self,
        db: &Connection,
        key: &str,
        secret: &StoredSecret,
    ) -> Result<Applied> {
        let changed = db.execute(
            "UPDATE access_keys SET secret = ?2 WHERE access_key = ?1",
            params![key, pack(secret)],
        )?;
        if changed == 1 { Ok(Applied::Done) } else { Err(MetadataError::NoSuchAccessKey) }
    }

    /// Removes a key.
    pub(super) fn remove_access_key(&mut self, db: &Connection, key: &str) -> Result<Applied> {
        let removed = db.execute("DELETE FROM access_keys WHERE access_key = ?1", [key])?;
        if removed == 1 { Ok(Applied::Done) } else { Err(MetadataError::NoSuchAccessKey) }
    }
}

fn check_new_key(db: &Connection, key: &AccessKeyRow) -> Result<()> {
    let taken = "SELECT EXISTS (SELECT 1 FROM access_keys WHERE access_key = ?1)";
    if exists(db, taken, [&key.access_key])? { Err(MetadataError::AccessKeyExists) } else { Ok(()) }
}

fn insert_key(db: &Connection, key: &AccessKeyRow) -> Result<Applied> {
    let AccessKeyRow { access_key, account, secret, active, created } = key;
    db.execute(
        "INSERT INTO access_keys VALUES (?1, ?2, ?3, ?4, ?5)",
        params![access_key, account.as_str(), pack(secret), active, created.as_millis() as i64],
    )?;
    Ok(Applied::Done)
}

fn exists(db: &Connection, select: &str, of: impl rusqlite::Params) -> Result<bool> {
    Ok(db.prepare_cached(select)?.query_row(of, |row| row.get(0))?)
}

fn count(db: &Connection, select: &str, of: impl rusqlite::Params) -> Result<i64> {
    Ok(db.prepare_cached(select)?.query_row(of, |row| row.get(0))?)
}

/// All accounts by name.
pub(super) fn all(db: &Connection) -> Result<Vec<AccountRow>> {
    let mut select =
        db.prepare_cached("SELECT id, canonical_id, name, email, created FROM accounts ORDER BY name")?;
    rows(select.query([])?, |row| {
        Ok(AccountRow {
            id: account_id(row, 0)?,
            canonical_id: CanonicalId(row.get(1)?),
            name: row.get(2)?,
            email: row.get(3)?,
            created: Timestamp::from_millis(row.get::<_, i64>(4)? as u64),
        })
    })
}

/// All access keys by account, then by age.
pub(super) fn all_keys(db: &Connection) -> Result<Vec<AccessKeyRow>> {
    let mut select = db.prepare_cached(
        "SELECT access_key, account, secret, active, created FROM access_keys ORDER BY account, created, access_key",
    )?;
    rows(select.query([])?, |row| {
        Ok(AccessKeyRow {
            access_key: row.get(0)?,
            account: account_id(row, 1)?,
            secret: unpack(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?,
            active: row.get(3)?,
            created: Timestamp::from_millis(row.get::<_, i64>(4)? as u64),
        })
    })
}

pub(super) fn account_id(row: &Row<'_>, index: usize) -> Result<AccountId> {
    let text: String = row.get(index)?;
    AccountId::parse(&text).ok_or_else(|| MetadataError::Database("unreadable account".into()))
}

fn rows<T>(mut rows: rusqlite::Rows<'_>, read: impl Fn(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::super::model::Mutation;
    use super::super::schema;
    use super::*;
    use crate::types::Secret;

    struct State(Connection, Applier);

    impl State {
        fn new() -> Self {
            let db = Connection::open_in_memory().unwrap();
            schema::prepare(&db).unwrap();
            let applier = Applier::new(&db).unwrap();
            Self(db, applier)
        }

        fn apply(&mut self, mutation: Mutation) -> Result<Applied> {
            self.1.apply(&self.0, &mutation)
        }

        fn create(&mut self, number: u8, name: &str, key: &str) -> Result<Applied> {
            self.apply(Mutation::CreateAccount {
                account: account(number, name),
                key: access_key(number, key),
            })
        }
    }

    fn account(number: u8, name: &str) -> AccountRow {
        AccountRow {
            id: AccountId::from_number(number.into()),
            canonical_id: CanonicalId([number; 32]),
            name: name.into(),
            email: Some(format!("{name}@example.com")),
            created: Timestamp::from_millis(1),
        }
    }

    fn access_key(number: u8, key: &str) -> AccessKeyRow {
        AccessKeyRow {
            access_key: key.into(),
            account: AccountId::from_number(number.into()),
            secret: StoredSecret::Plain(Secret::new("hush")),
            active: true,
            created: Timestamp::from_millis(2),
        }
    }

    #[test]
    fn accounts_and_keys_come_back_as_they_were_made() {
        let mut state = State::new();
        state.create(1, "b", "K1").unwrap();
        state.create(2, "a", "K2").unwrap();
        assert_eq!(all(&state.0).unwrap(), [account(2, "a"), account(1, "b")]);
        assert_eq!(all_keys(&state.0).unwrap(), [access_key(1, "K1"), access_key(2, "K2")]);
        assert!(!format!("{:?}", all_keys(&state.0).unwrap()).contains("hush"));
    }

    #[test]
    fn nothing_of_an_account_is_there_twice() {
        let mut state = State::new();
        state.create(1, "a", "K1").unwrap();
        for (number, name) in [(1, "b"), (2, "a")] {
            assert_eq!(state.create(number, name, "K2"), Err(MetadataError::AccountExists));
        }
        assert_eq!(state.create(2, "b", "K1"), Err(MetadataError::AccessKeyExists));
        assert_eq!(all(&state.0).unwrap().len(), 1);
        let again = Mutation::CreateAccessKey { key: access_key(1, "K1") };
        assert_eq!(state.apply(again), Err(MetadataError::AccessKeyExists));
        let nobodys = Mutation::CreateAccessKey { key: access_key(9, "K9") };
        assert_eq!(state.apply(nobodys), Err(MetadataError::NoSuchAccount));
    }

    #[test]
    fn an_account_goes_with_its_keys_and_not_while_it_owns_a_bucket() {
        let mut state = State::new();
        state.create(1, "a", "K1").unwrap();
        state.apply(Mutation::CreateAccessKey { key: access_key(1, "K2") }).unwrap();
        state
            .apply(Mutation::CreateBucket {
                bucket: "photos".into(),
                created: Timestamp::default(),
                has_lock: false,
                owner: Some(CanonicalId([1; 32])),
                configurations: Vec::new(),
            })
            .unwrap();
        let remove = || Mutation::RemoveAccount { account: AccountId::from_number(1) };
        assert_eq!(state.apply(remove()), Err(MetadataError::AccountOwnsBuckets));
        state.apply(Mutation::DeleteBucket { bucket: "photos".into() }).unwrap();
        state.apply(remove()).unwrap();
        assert_eq!(all_keys(&state.0).unwrap(), []);
        assert_eq!(state.apply(remove()), Err(MetadataError::NoSuchAccount));
    }

    #[test]
    fn a_secret_is_kept_in_another_form() {
        let mut state = State::new();
        state.create(1, "a", "K1").unwrap();
        let reseal = |key: &str| Mutation::ResealAccessKey {
            access_key: key.into(),
            secret: StoredSecret::Sealed(vec![1, 2, 3]),
        };
        state.apply(reseal("K1")).unwrap();
        let left = AccessKeyRow { secret: StoredSecret::Sealed(vec![1, 2, 3]), ..access_key(1, "K1") };
        assert_eq!(all_keys(&state.0).unwrap(), [left]);
        assert_eq!(state.apply(reseal("K2")), Err(MetadataError::NoSuchAccessKey));
    }

    #[test]
    fn keys_are_switched_off_and_removed_alone() {
        let mut state = State::new();
        state.create(1, "a", "K1").unwrap();
        state.apply(Mutation::CreateAccessKey { key: access_key(1, "K2") }).unwrap();
        state.apply(Mutation::SetAccessKey { access_key: "K1".into(), active: false }).unwrap();
        state.apply(Mutation::RemoveAccessKey { access_key: "K2".into() }).unwrap();
        let left = AccessKeyRow { active: false, ..access_key(1, "K1") };
        assert_eq!(all_keys(&state.0).unwrap(), [left]);
        let missing = Mutation::RemoveAccessKey { access_key: "K2".into() };
        assert_eq!(state.apply(missing), Err(MetadataError::NoSuchAccessKey));
    }
}
