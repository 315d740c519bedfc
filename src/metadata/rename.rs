//! Objects that get another key, and the tokens by which a client tells that it asks again.
//!
//! A token is kept in the same transaction as its rename, so a request that is sent again after its answer was lost
//! finds it, whatever stopped in between. Tokens are kept for a day, and so many of all buckets.

use rusqlite::{Connection, OptionalExtension, params};

use super::apply::Applier;
use super::model::{Applied, Deletion, MetadataError, Mutation, RenameToken};
use super::query;
use super::versions::{self, Cause};
use crate::types::{DeleteCondition, Timestamp};

/// Tokens at most; the oldest go first.
const TOKENS_MAX: i64 = 10_000;
/// How long a token is known.
const TOKEN_KNOWN_MS: u64 = 24 * 3600 * 1000;

type Result<T> = std::result::Result<T, MetadataError>;

impl Applier {
    /// Gives a key's current version another key, all else unchanged. What stays of it where versions are kept is under a
    /// delete marker.
    pub(super) fn rename_object(&mut self, db: &Connection, mutation: &Mutation) -> Result<Applied> {
        let Mutation::RenameObject { bucket, source, sequence, key, condition, token, now } = mutation else {
            unreachable!("called for this variant only");
        };
        let (name, bucket) = (bucket, self.bucket(db, bucket)?);
        if let Some(token) = token
            && is_repeated(db, bucket.id, token, *now)?
        {
            return Ok(Applied::Done);
        }
        let from = versions::current(db, (bucket.id, source))?;
        let from = from.filter(|from| from.sequence == *sequence).ok_or(MetadataError::SourceChanged)?;
        let properties = from.detail.as_ref().map(|detail| detail.properties.clone()).unwrap_or_default();
        let current = versions::current(db, (bucket.id, key))?;
        versions::check(*condition, current.as_ref())?;
        if bucket.quota.is_some() {
            // Where no versions are kept, nothing is there twice.
            let freed = versions::replaced_bytes(db, bucket.versioning, (bucket.id, source), Some(&from))?;
            let size = from.size.saturating_sub(freed);
            self.check_quota(db, (&bucket, name, key), current.as_ref(), size)?;
        }
        let modified = from.modified;
        self.write_copy(db, (&bucket, key), current, from, (properties, modified))?;
        let removal = Deletion {
            key: source.clone(),
            version: None,
            condition: DeleteCondition::default(),
            bypass_governance: false,
        };
        self.delete(db, &bucket, &removal, (*now, Cause::Request))?;
        if let Some(token) = token {
            keep(db, bucket.id, token, *now)?;
        }
        Ok(Applied::Done)
    }
}

/// Whether a token was used for the same request; an error if for another one.
fn is_repeated(db: &Connection, bucket: i64, token: &RenameToken, now: Timestamp) -> Result<bool> {
    let mut select =
        db.prepare_cached("SELECT request, at FROM rename_tokens WHERE bucket = ?1 AND token = ?2")?;
    let known: Option<([u8; 16], i64)> =
        select.query_row(params![bucket, token.token], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    match known {
        Some((_, at)) if at as u64 + TOKEN_KNOWN_MS < now.as_millis() => Ok(false),
        Some((request, _)) if request != token.request => Err(MetadataError::TokenReused),
        known => Ok(known.is_some()),
    }
}

fn keep(db: &Connection, bucket: i64, token: &RenameToken, now: Timestamp) -> Result<()> {
    let at = now.as_millis() as i64;
    db.prepare_cached("INSERT OR REPLACE INTO rename_tokens VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        bucket,
        token.token,
        token.request,
        at
    ])?;
    db.prepare_cached("DELETE FROM rename_tokens WHERE at < ?1")?.execute([at - TOKEN_KNOWN_MS as i64])?;
    db.prepare_cached(
        "DELETE FROM rename_tokens WHERE (bucket, token) IN
         (SELECT bucket, token FROM rename_tokens ORDER BY at DESC LIMIT -1 OFFSET ?1)",
    )?
    .execute([TOKENS_MAX])?;
    Ok(())
}

/// Whether a rename with this token was done; an error if it was another one.
pub(super) fn was_renamed(
    db: &Connection,
    bucket: &str,
    token: &RenameToken,
    now: Timestamp,
) -> Result<bool> {
    is_repeated(db, query::bucket_id(db, bucket)?, token, now)
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    fn database() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        schema::prepare(&db).unwrap();
        db
    }

    fn token(token: &str, request: u8) -> RenameToken {
        RenameToken { token: token.into(), request: [request; 16] }
    }

    const DAY: Timestamp = Timestamp::from_millis(TOKEN_KNOWN_MS);

    #[test]
    fn a_token_is_known_in_its_bucket_for_its_request_and_a_day() {
        let db = database();
        keep(&db, 1, &token("t", 1), DAY).unwrap();
        let known = |bucket, token: &RenameToken, now| is_repeated(&db, bucket, token, now);
        assert_eq!(known(1, &token("t", 1), DAY), Ok(true));
        assert_eq!(known(1, &token("t", 2), DAY), Err(MetadataError::TokenReused));
        assert_eq!(known(1, &token("u", 1), DAY), Ok(false));
        assert_eq!(known(2, &token("t", 2), DAY), Ok(false));
        let later = Timestamp::from_millis(2 * TOKEN_KNOWN_MS + 1);
        assert_eq!(known(1, &token("t", 2), later), Ok(false));
        keep(&db, 1, &token("u", 1), later).unwrap();
        let left: i64 = db.query_row("SELECT count(*) FROM rename_tokens", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 1, "the old one is gone");
    }

    #[test]
    fn the_oldest_tokens_go_when_there_are_too_many() {
        let db = database();
        for i in 0..=TOKENS_MAX as u64 {
            let at = Timestamp::from_millis(i);
            let insert = "INSERT INTO rename_tokens VALUES (1, ?1, x'00000000000000000000000000000000', ?2)";
            db.prepare_cached(insert)
                .unwrap()
                .execute(params![i.to_string(), at.as_millis() as i64])
                .unwrap();
        }
        keep(&db, 1, &token("new", 1), Timestamp::from_millis(TOKENS_MAX as u64 + 1)).unwrap();
        let left: (i64, i64) = db
            .query_row("SELECT count(*), min(at) FROM rename_tokens", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(left, (TOKENS_MAX, 2));
    }
}
