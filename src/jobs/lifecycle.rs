//! Removes what ends by the lifecycle rules of its bucket.
//!
//! Rules end things at the end of a day. A walk over a bucket learns when the first of what it left is due, and with
//! what the rules say of anything written since, the bucket need not be looked at before. A change of its rules has it
//! walked over again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::pace::Pace;
use crate::object::{BucketRules, Engine, Error, ExpiryCursor, Result, WorkState, WorkUnit};
use crate::types::{Lifecycle, Timestamp};

/// The name of this work.
const NAME: &str = "lifecycle";
/// How often rules and the time are looked at, at most; on days that are shorter than real ones more often.
const LOOK_EVERY: Duration = Duration::from_secs(30);
const LOOK_EVERY_MIN: Duration = Duration::from_millis(200);
/// Looks in one day at least.
const LOOKS_A_DAY: u32 = 10;
/// How long a bucket is left alone that could not be walked over.
const RETRY_AFTER_MS: u64 = 30_000;

pub(super) async fn run(engine: Arc<Engine>) {
    let day = Duration::from_secs(engine.lifecycle_day_secs());
    let look_every = (day / LOOKS_A_DAY).clamp(LOOK_EVERY_MIN, LOOK_EVERY);
    let mut schedule = Schedule::default();
    loop {
        let buckets = engine.aging_buckets();
        schedule.0.retain(|bucket, _| buckets.iter().any(|(other, _)| other == bucket));
        for (bucket, rules) in buckets {
            if schedule.is_due(&bucket, &rules, engine.now()) {
                let next = walk(&engine, &bucket, &rules).await;
                schedule.0.insert(bucket, (rules, next));
            }
        }
        engine.work().end(NAME, WorkState::Idle);
        tokio::time::sleep(look_every).await;
    }
}

/// By bucket: the rules that its last walk went by, and when it is to be walked over again.
#[derive(Debug, Default)]
struct Schedule(HashMap<String, (Arc<BucketRules>, Timestamp)>);

impl Schedule {
    fn is_due(&self, bucket: &str, rules: &Arc<BucketRules>, now: Timestamp) -> bool {
        self.0.get(bucket).is_none_or(|(walked, next)| !Arc::ptr_eq(walked, rules) || *next <= now)
    }
}

/// One walk over a bucket; when the next is due.
async fn walk(engine: &Engine, bucket: &str, rules: &BucketRules) -> Timestamp {
    let began = engine.now();
    let Some(lifecycle) = &rules.lifecycle else { return began };
    match expire(engine, bucket, lifecycle).await {
        Ok(left) => {
            let written_since = lifecycle.first_expiry(began, engine.lifecycle_day_secs());
            left.into_iter().chain(written_since).min().unwrap_or(Timestamp::from_millis(u64::MAX))
        }
        // It was deleted meanwhile.
        Err(Error::NoSuchBucket) => began,
        Err(error) => {
            tracing::warn!(bucket, %error, "lifecycle rules were not carried out");
            Timestamp::from_millis(engine.now().as_millis() + RETRY_AFTER_MS)
        }
    }
}

/// Removes what is due in a bucket; when the first of what is left is.
async fn expire(engine: &Engine, bucket: &str, lifecycle: &Lifecycle) -> Result<Option<Timestamp>> {
    let mut pace = Pace::default();
    let (mut cursor, mut next_due) = (ExpiryCursor::default(), None);
    let (mut objects, mut versions, mut uploads, mut moved) = (0, 0, 0, 0);
    loop {
        let started = Instant::now();
        let expired = engine.expire_some(bucket, lifecycle, cursor, pace.step_rows()).await?;
        objects += expired.objects;
        versions += expired.versions;
        uploads += expired.uploads;
        moved += expired.moved;
        let done = expired.objects + expired.versions + expired.uploads + expired.moved;
        next_due = next_due.into_iter().chain(expired.next_due).min();
        if done > 0 {
            engine.work().update(NAME, |work| {
                (work.state, work.unit) = (WorkState::Running, WorkUnit::Objects);
                work.detail = "objects, versions and uploads whose time is over are removed, or go to another storage class".into();
                work.advance(done);
            });
        }
        let Some(next) = expired.cursor else { break };
        cursor = next;
        pace.rest(engine.activity(), started.elapsed()).await;
    }
    if moved > 0 {
        // Their new class may ask for another scheme.
        engine.recode_bell().ring();
    }
    if objects + versions + uploads + moved > 0 {
        tracing::info!(bucket, objects, versions, uploads, moved, "lifecycle rules were followed");
    }
    Ok(next_due)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_due_when_its_time_has_come_or_its_rules_changed() {
        let (old, new) = (Arc::new(BucketRules::default()), Arc::new(BucketRules::default()));
        let at = Timestamp::from_millis;
        let mut schedule = Schedule::default();
        assert!(schedule.is_due("b", &old, at(0)));
        schedule.0.insert("b".into(), (old.clone(), at(10)));
        assert!(!schedule.is_due("b", &old, at(9)));
        assert!(schedule.is_due("b", &old, at(10)));
        assert!(schedule.is_due("b", &new, at(9)));
    }
}
