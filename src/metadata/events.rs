//! The outbox: changes that somebody is to be told of, left in the transaction that made them.
//!
//! A row is for one target and stays until the target has taken it, so that a change is told at least once however
//! the process ends. Rows of a target are in the order of commits. A bucket that nobody listens to leaves none.
//!
//! Bounds: [`PENDING_MAX`] rows a target. At the bound the oldest row makes way for the new one and is counted as
//! dropped; a write is never refused for it.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::apply::{Applier, Bucket};
use super::model::{Applied, MetadataError};
use super::schema::{pack, unpack};
use super::{configuration, query};
use crate::types::{ConfigurationKind, Etag, Event, EventKind, Notification, Timestamp, VersionId};

type Result<T> = std::result::Result<T, MetadataError>;

/// Events that may wait for one target: about 50 MiB of the database.
pub const PENDING_MAX: u64 = 100_000;

/// Who is told of changes in a bucket.
#[derive(Debug)]
pub(super) struct Listeners {
    bucket: String,
    notification: Notification,
}

/// A change of an object, for those who listen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) kind: EventKind,
    pub(super) key: &'a str,
    pub(super) version: Option<VersionId>,
    pub(super) size: u64,
    pub(super) etag: Option<Etag>,
    pub(super) at: Timestamp,
}

/// An event that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Order of commit.
    pub sequence: u64,
    /// What happened.
    pub event: Event,
}

/// How the first events of a target end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventEnd {
    /// The target took them.
    Delivered,
    /// They are too old to be told.
    Dropped,
}

/// What waits for a target, and what became of the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboxRow {
    /// The target's ARN.
    pub target: String,
    /// Events that wait.
    pub pending: u64,
    /// When the first of them happened.
    pub oldest: Option<Timestamp>,
    /// Events that the target took.
    pub delivered: u64,
    /// Events that nobody will be told of: too old, or too many.
    pub dropped: u64,
}

/// Who is told of changes in this bucket; `None` for most. A configuration that cannot be read tells nobody.
pub(super) fn listeners(db: &Connection, bucket: i64, name: &str) -> Result<Option<Arc<Listeners>>> {
    let Some(document) = configuration::of_id(db, bucket, ConfigurationKind::Notification)? else {
        return Ok(None);
    };
    let notification: Notification = serde_json::from_str(&document).unwrap_or_default();
    let listens = !notification.rules.is_empty();
    Ok(listens.then(|| Arc::new(Listeners { bucket: name.to_owned(), notification })))
}

impl Applier {
    /// Leaves an event, if somebody listens to this change.
    pub(super) fn tell(&mut self, db: &Connection, bucket: &Bucket, change: Change<'_>) -> Result<()> {
        let Some(listeners) = &bucket.listeners else { return Ok(()) };
        let Some(rule) = listeners.notification.rule_for(change.kind, change.key) else { return Ok(()) };
        let event = Event {
            kind: change.kind,
            bucket: listeners.bucket.clone(),
            rule: rule.id.clone(),
            key: change.key.to_owned(),
            version: change.version,
            size: change.size,
            etag: change.etag,
            at: change.at,
            origin: self.origin.clone(),
        };
        self.leave(db, &rule.target, &event)
    }

    /// Leaves a test for each target of a bucket's configuration.
    pub(super) fn tell_test(&mut self, db: &Connection, name: &str, at: Timestamp) -> Result<Applied> {
        let bucket = self.bucket(db, name)?;
        let rules = bucket.listeners.iter().flat_map(|listeners| &listeners.notification.rules);
        let targets: std::collections::BTreeSet<&str> = rules.map(|rule| rule.target.as_str()).collect();
        let event = Event {
            kind: EventKind::Test,
            bucket: name.to_owned(),
            rule: String::new(),
            key: String::new(),
            version: None,
            size: 0,
            etag: None,
            at,
            origin: self.origin.clone(),
        };
        targets.into_iter().try_for_each(|target| self.leave(db, target, &event))?;
        Ok(Applied::Done)
    }

    fn leave(&mut self, db: &Connection, target: &str, event: &Event) -> Result<()> {
        let sequence = self.take_sequence() as i64;
        db.prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            target,
            sequence,
            event.at.as_millis() as i64,
            pack(event)
        ])?;
        let pending: i64 = db
            .prepare_cached(
                "INSERT INTO event_targets VALUES (?1, 1, 0, 0) ON CONFLICT (target) DO UPDATE
                 SET pending = pending + 1 RETURNING pending",
            )?
            .query_row([target], |row| row.get(0))?;
        if pending as u64 > PENDING_MAX {
            let oldest: i64 = db
                .prepare_cached("SELECT min(sequence) FROM events WHERE target = ?1")?
                .query_row([target], |row| row.get(0))?;
            end(db, target, oldest as u64, EventEnd::Dropped)?;
        }
        Ok(())
    }
}

/// Ends the events of a target up to and with one.
pub(super) fn end(db: &Connection, target: &str, through: u64, how: EventEnd) -> Result<Applied> {
    let ended = db
        .prepare_cached("DELETE FROM events WHERE target = ?1 AND sequence <= ?2")?
        .execute(params![target, through as i64])? as i64;
    let counted = match how {
        EventEnd::Delivered => {
            "UPDATE event_targets SET pending = pending - ?2, delivered = delivered + ?2 WHERE target = ?1"
        }
        EventEnd::Dropped => {
            "UPDATE event_targets SET pending = pending - ?2, dropped = dropped + ?2 WHERE target = ?1"
        }
    };
    db.prepare_cached(counted)?.execute(params![target, ended])?;
    Ok(Applied::Done)
}

/// The first events that wait for a target, in the order of commits.
pub(super) fn waiting(db: &Connection, target: &str, max: usize) -> Result<Vec<EventRow>> {
    let mut select =
        db.prepare_cached("SELECT sequence, event FROM events WHERE target = ?1 ORDER BY sequence LIMIT ?2")?;
    let mut rows = select.query(params![target, max as i64])?;
    let mut waiting = Vec::new();
    while let Some(row) = rows.next()? {
        let event = unpack(query::blob_column(row, 1)?)?;
        waiting.push(EventRow { sequence: row.get::<_, i64>(0)? as u64, event });
    }
    Ok(waiting)
}

/// The last of a target's first events that all happened before a moment.
pub(super) fn last_before(db: &Connection, target: &str, moment: Timestamp) -> Result<Option<u64>> {
    let moment = moment.as_millis() as i64;
    let mut first_kept = db.prepare_cached(
        "SELECT sequence FROM events WHERE target = ?1 AND at >= ?2 ORDER BY sequence LIMIT 1",
    )?;
    let kept: Option<i64> = first_kept.query_row(params![target, moment], |row| row.get(0)).optional()?;
    let mut last =
        db.prepare_cached("SELECT max(sequence) FROM events WHERE target = ?1 AND sequence < ?2")?;
    let last: Option<i64> = last.query_row(params![target, kept.unwrap_or(i64::MAX)], |row| row.get(0))?;
    Ok(last.map(|sequence| sequence as u64))
}

/// All targets that ever had an event.
pub(super) fn outboxes(db: &Connection) -> Result<Vec<OutboxRow>> {
    let mut select = db.prepare_cached(
        "SELECT target, pending, delivered, dropped,
         (SELECT at FROM events WHERE events.target = event_targets.target ORDER BY sequence LIMIT 1)
         FROM event_targets ORDER BY target",
    )?;
    let rows = select.query_map([], |row| {
        let oldest: Option<i64> = row.get(4)?;
        Ok(OutboxRow {
            target: row.get(0)?,
            pending: row.get::<_, i64>(1)? as u64,
            oldest: oldest.map(|millis| Timestamp::from_millis(millis as u64)),
            delivered: row.get::<_, i64>(2)? as u64,
            dropped: row.get::<_, i64>(3)? as u64,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::model::{Deletion, Mutation, NewContent};
    use super::super::schema;
    use super::*;
    use crate::types::{DeleteCondition, Origin, Properties, WriteCondition};

    const TARGET: &str = "arn:holdfast:sqs::one:webhook";

    struct State(Connection, Applier);

    impl State {
        /// With a bucket that tells of everything.
        fn listened_to() -> Self {
            let db = Connection::open_in_memory().unwrap();
            schema::prepare(&db).unwrap();
            let applier = Applier::new(&db).unwrap();
            let mut state = Self(db, applier);
            let (bucket, created) = ("b".to_owned(), Timestamp::default());
            state.apply(&Mutation::CreateBucket {
                bucket,
                created,
                has_lock: false,
                owner: None,
                configurations: Vec::new(),
            });
            state.listen(r#""s3:ObjectCreated:*","s3:ObjectRemoved:*""#);
            state
        }

        fn listen(&mut self, events: &str) {
            let rule = format!(r#"{{"Id":"r","Queue":"{TARGET}","Event":[{events}]}}"#);
            let document = format!(r#"{{"QueueConfiguration":[{rule}]}}"#);
            let (bucket, key) = ("b".to_owned(), ConfigurationKind::Notification.into());
            self.apply(&Mutation::PutConfiguration { bucket, key, document });
        }

        fn apply(&mut self, mutation: &Mutation) {
            self.1.apply(&self.0, mutation).unwrap();
        }

        fn put(&mut self, key: &str, at: u64) {
            self.apply(&put(key, at));
        }

        fn delete(&mut self, key: &str) {
            let deletion = Deletion {
                key: key.into(),
                version: None,
                condition: DeleteCondition::default(),
                bypass_governance: false,
            };
            let (bucket, deletions, now) = ("b".into(), vec![deletion], Timestamp::from_millis(9));
            self.apply(&Mutation::DeleteObjects { bucket, deletions, now });
        }

        fn told(&self) -> Vec<(EventKind, String)> {
            let waiting = waiting(&self.0, TARGET, 100).unwrap();
            waiting.into_iter().map(|row| (row.event.kind, row.event.key)).collect()
        }
    }

    fn put(key: &str, at: u64) -> Mutation {
        Mutation::PutObject {
            bucket: "b".into(),
            key: key.into(),
            condition: WriteCondition::Always,
            size: 1,
            etag: Etag::default(),
            modified: Timestamp::from_millis(at),
            properties: Properties::default(),
            checksum: None,
            content: NewContent::Inline(Bytes::from_static(b"x")),
        }
    }

    #[test]
    fn changes_are_left_in_the_order_of_commits_and_what_changed_nothing_is_not() {
        let mut state = State::listened_to();
        state.put("a", 1);
        state.delete("a");
        state.delete("a");
        state.put("b", 2);
        let expected =
            [(EventKind::CreatedPut, "a"), (EventKind::RemovedDelete, "a"), (EventKind::CreatedPut, "b")];
        assert_eq!(state.told(), expected.map(|(kind, key)| (kind, key.to_owned())));
    }

    #[test]
    fn a_configuration_counts_from_its_commit_on() {
        let mut state = State::listened_to();
        state.listen(r#""s3:ObjectRemoved:*""#);
        state.put("a", 1);
        assert_eq!(state.told(), []);
        let (bucket, key) = ("b".to_owned(), ConfigurationKind::Notification.into());
        state.apply(&Mutation::RemoveConfiguration { bucket, key });
        state.delete("a");
        assert_eq!(state.told(), []);
    }

    #[test]
    fn an_event_says_whose_request_it_was_and_the_next_one_does_not() {
        let mut state = State::listened_to();
        let origin = Origin {
            at: Timestamp::default(),
            principal: "p".into(),
            address: "10.0.0.1".into(),
            request_id: "r".into(),
            host_id: "h".into(),
            is_form: true,
        };
        let mutation = Box::new(put("a", 1));
        state.apply(&Mutation::OnBehalf { origin: origin.clone(), mutation });
        state.put("b", 1);
        let waiting = waiting(&state.0, TARGET, 10).unwrap();
        assert_eq!(waiting[0].event.origin, Some(origin));
        assert_eq!(waiting[0].event.kind, EventKind::CreatedPost);
        assert_eq!(waiting[1].event.origin, None);
    }

    #[test]
    fn what_is_delivered_or_too_old_goes_and_is_counted() {
        let mut state = State::listened_to();
        (1..=5).for_each(|at| state.put(&at.to_string(), at * 10));
        let first = waiting(&state.0, TARGET, 2).unwrap();
        let (target, through) = (TARGET.to_owned(), first[1].sequence);
        state.apply(&Mutation::EndEvents { target: target.clone(), through, how: EventEnd::Delivered });
        let through = last_before(&state.0, TARGET, Timestamp::from_millis(40)).unwrap().unwrap();
        state.apply(&Mutation::EndEvents { target: target.clone(), through, how: EventEnd::Dropped });
        assert_eq!(last_before(&state.0, TARGET, Timestamp::from_millis(40)).unwrap(), None);
        let oldest = Some(Timestamp::from_millis(40));
        let expected = OutboxRow { target, pending: 2, oldest, delivered: 2, dropped: 1 };
        assert_eq!(outboxes(&state.0).unwrap(), [expected]);
    }

    #[test]
    fn at_the_bound_the_oldest_makes_way() {
        let mut state = State::listened_to();
        state.put("first", 1);
        let pending = format!("UPDATE event_targets SET pending = {PENDING_MAX}");
        state.0.execute_batch(&pending).unwrap();
        state.put("second", 2);
        assert_eq!(state.told(), [(EventKind::CreatedPut, "second".to_owned())]);
        let outbox = &outboxes(&state.0).unwrap()[0];
        assert_eq!((outbox.pending, outbox.dropped), (PENDING_MAX, 1));
    }
}
