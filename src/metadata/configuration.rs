//! What buckets are configured with: JSON by bucket, kind and id. Nothing here looks into it; `events` reads the
//! notifications, `quota` the quotas.

use rusqlite::{Connection, OptionalExtension, params};

use super::apply::Applier;
use super::model::{Applied, MetadataError};
use super::query;
use crate::types::{ConfigurationKey, ConfigurationKind};

type Result<T> = std::result::Result<T, MetadataError>;

impl Applier {
    pub(super) fn put_configuration(
        &mut self,
        db: &Connection,
        name: &str,
        key: &ConfigurationKey,
        document: &str,
    ) -> Result<Applied> {
        let bucket = self.bucket(db, name)?.id;
        let (kind, id) = (key.kind.name(), key.id.as_str());
        let others: i64 = db
            .prepare_cached(
                "SELECT count(*) FROM bucket_configurations WHERE bucket = ?1 AND kind = ?2 AND id <> ?3",
            )?
            .query_row(params![bucket, kind, id], |row| row.get(0))?;
        if others as usize >= key.kind.ids_max() {
            return Err(MetadataError::TooManyConfigurations);
        }
        db.prepare_cached("INSERT OR REPLACE INTO bucket_configurations VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![bucket, kind, id, document])?;
        self.forget_configured(name, key.kind);
        Ok(Applied::Done)
    }

    pub(super) fn remove_configuration(
        &mut self,
        db: &Connection,
        name: &str,
        key: &ConfigurationKey,
    ) -> Result<Applied> {
        let bucket = self.bucket(db, name)?.id;
        db.prepare_cached("DELETE FROM bucket_configurations WHERE bucket = ?1 AND kind = ?2 AND id = ?3")?
            .execute(params![bucket, key.kind.name(), key.id])?;
        self.forget_configured(name, key.kind);
        Ok(Applied::Done)
    }
}

/// Removes all that a bucket is configured with.
pub(super) fn remove_all(db: &Connection, bucket: i64) -> Result<()> {
    db.execute("DELETE FROM bucket_configurations WHERE bucket = ?1", [bucket])?;
    Ok(())
}

/// The only configuration of its kind, if the bucket of this id has it.
pub(super) fn of_id(db: &Connection, bucket: i64, kind: ConfigurationKind) -> Result<Option<String>> {
    let mut select = db.prepare_cached(
        "SELECT document FROM bucket_configurations WHERE bucket = ?1 AND kind = ?2 AND id = ''",
    )?;
    Ok(select.query_row(params![bucket, kind.name()], |row| row.get(0)).optional()?)
}

/// One configuration, if the bucket has it.
pub(super) fn one(db: &Connection, bucket: &str, key: &ConfigurationKey) -> Result<Option<String>> {
    let bucket = query::bucket_id(db, bucket)?;
    let mut select = db.prepare_cached(
        "SELECT document FROM bucket_configurations WHERE bucket = ?1 AND kind = ?2 AND id = ?3",
    )?;
    Ok(select.query_row(params![bucket, key.kind.name(), key.id], |row| row.get(0)).optional()?)
}

/// Configurations of one kind with ids behind `after`, in order of their ids: id and document.
pub(super) fn page(
    db: &Connection,
    bucket: &str,
    kind: ConfigurationKind,
    (after, max): (&str, usize),
) -> Result<Vec<(String, String)>> {
    let bucket = query::bucket_id(db, bucket)?;
    let mut select = db.prepare_cached(
        "SELECT id, document FROM bucket_configurations WHERE bucket = ?1 AND kind = ?2 AND id > ?3
         ORDER BY id LIMIT ?4",
    )?;
    let rows = select
        .query_map(params![bucket, kind.name(), after, max as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The buckets that requests need to know something of: those that are configured, and those of other accounts than the
/// first.
pub(super) fn buckets(db: &Connection) -> Result<Vec<String>> {
    let mut select = db.prepare_cached(
        "SELECT name FROM buckets
         WHERE owner IS NOT NULL OR EXISTS (SELECT 1 FROM bucket_configurations WHERE bucket = buckets.id) ORDER BY name",
    )?;
    let rows = select.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::super::model::Mutation;
    use super::super::schema;
    use super::*;
    use crate::types::Timestamp;

    struct State(Connection, Applier);

    impl State {
        fn with_bucket(name: &str) -> Self {
            let db = Connection::open_in_memory().unwrap();
            schema::prepare(&db).unwrap();
            let applier = Applier::new(&db).unwrap();
            let mut state = Self(db, applier);
            state.create(name).unwrap();
            state
        }

        fn apply(&mut self, mutation: &Mutation) -> Result<Applied> {
            self.1.apply(&self.0, mutation)
        }

        fn create(&mut self, name: &str) -> Result<Applied> {
            self.apply(&Mutation::CreateBucket {
                bucket: name.into(),
                created: Timestamp::default(),
                has_lock: false,
                owner: None,
                configurations: Vec::new(),
            })
        }

        fn put(&mut self, bucket: &str, key: &ConfigurationKey, document: &str) -> Result<Applied> {
            let (bucket, key, document) = (bucket.into(), key.clone(), document.into());
            self.apply(&Mutation::PutConfiguration { bucket, key, document })
        }
    }

    fn inventory(id: usize) -> ConfigurationKey {
        ConfigurationKey { kind: ConfigurationKind::Inventory, id: format!("{id:04}") }
    }

    #[test]
    fn configurations_end_with_their_bucket() {
        let mut state = State::with_bucket("photos");
        let cors = ConfigurationKind::Cors.into();
        state.put("photos", &cors, "{}").unwrap();
        state.put("photos", &inventory(1), "{}").unwrap();
        assert_eq!(buckets(&state.0).unwrap(), ["photos"]);
        state.apply(&Mutation::DeleteBucket { bucket: "photos".into() }).unwrap();
        state.create("photos").unwrap();
        assert_eq!(one(&state.0, "photos", &cors).unwrap(), None);
        assert_eq!(buckets(&state.0).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_bucket_has_a_thousand_of_a_kind_and_not_one_more() {
        let mut state = State::with_bucket("photos");
        for id in 0..1000 {
            state.put("photos", &inventory(id), "{}").unwrap();
        }
        let refused = state.put("photos", &inventory(1000), "{}");
        assert_eq!(refused, Err(MetadataError::TooManyConfigurations));
        state.put("photos", &inventory(999), "new").unwrap();
        let last = page(&state.0, "photos", ConfigurationKind::Inventory, ("0998", 10)).unwrap();
        assert_eq!(last, [("0999".to_owned(), "new".to_owned())]);
    }

    #[test]
    fn a_later_configuration_replaces_the_one_before() {
        let mut state = State::with_bucket("photos");
        let cors = ConfigurationKind::Cors.into();
        state.put("photos", &cors, "old").unwrap();
        state.put("photos", &cors, "new").unwrap();
        assert_eq!(one(&state.0, "photos", &cors).unwrap().as_deref(), Some("new"));
        for _ in 0..2 {
            let remove = Mutation::RemoveConfiguration { bucket: "photos".into(), key: cors.clone() };
            state.apply(&remove).unwrap();
            assert_eq!(one(&state.0, "photos", &cors).unwrap(), None);
        }
        assert_eq!(state.put("other", &cors, "x"), Err(MetadataError::NoSuchBucket));
    }
}
