//! What ends by the lifecycle rules of its bucket, and when.

use std::sync::Arc;

use super::api::*;
use super::configurations::BucketRules;
use super::engine::Engine;
use crate::metadata::{AgingRow, AgingVersionRow, Mutation, Standing, VersionCursor, Walk, Walked};
use crate::types::{Aging, BucketName, Lifecycle, ObjectKey, StorageClass, Timestamp, UploadId};

/// When an object or an upload ends, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// From this moment on it may be removed.
    pub at: Timestamp,
    /// The rule's id.
    pub rule: String,
}

/// Where a walk over what ages in a bucket is.
#[derive(Debug, Clone, Default)]
pub enum ExpiryCursor {
    /// At objects behind this key.
    Objects(String),
    /// At versions that are not current, behind this place.
    Versions(Option<VersionCursor>),
    /// At uploads behind this key and, of this key itself, behind this upload.
    Uploads(String, Option<UploadId>),
    /// At the beginning.
    #[default]
    Start,
}

/// What a step of such a walk did.
#[derive(Debug, Default)]
pub struct Expired {
    /// Objects removed, unless they were overwritten meanwhile.
    pub objects: u64,
    /// Versions and delete markers removed, unless they are locked or became current meanwhile.
    pub versions: u64,
    /// Uploads ended.
    pub uploads: u64,
    /// Objects and versions taken to another storage class.
    pub moved: u64,
    /// When the first of what it left is due.
    pub next_due: Option<Timestamp>,
    /// Where to go on.
    pub cursor: Option<ExpiryCursor>,
}

impl Expired {
    fn leave(&mut self, due: Option<Timestamp>) {
        self.next_due = self.next_due.into_iter().chain(due).min();
    }
}

/// What is to go to another storage class.
struct Moves {
    now: Timestamp,
    due: Vec<(String, u64, StorageClass)>,
}

impl Moves {
    /// Takes note of what is due, and in `expired` of what will be.
    fn judge(&mut self, expired: &mut Expired, row: &AgingRow, moved: Option<(Timestamp, StorageClass)>) {
        match moved {
            Some((at, class)) if at <= self.now => {
                self.due.push((row.key.clone(), row.sequence, class));
                // The next class may be due on any day.
                expired.leave(Some(self.now));
            }
            later => expired.leave(later.map(|(at, _)| at)),
        }
    }

    async fn commit(self, engine: &Engine, bucket: &str, expired: &mut Expired) -> Result<()> {
        expired.moved = self.due.len() as u64;
        if !self.due.is_empty() {
            let transition =
                Mutation::Transition { bucket: bucket.to_owned(), versions: self.due, now: self.now };
            engine.commit_expiry(transition).await?;
        }
        Ok(())
    }
}

impl Engine {
    /// When a current object ends by a rule of its bucket.
    pub fn expiry(&self, bucket: &BucketName, object: &Aging<'_>) -> Option<Expiry> {
        let rules = self.bucket_rules(bucket)?;
        let (at, rule) = rules.lifecycle.as_ref()?.expiry(object, self.lifecycle_day_secs)?;
        Some(Expiry { at, rule: rule.id.clone() })
    }

    /// When an upload that was started then ends by a rule of its bucket.
    pub fn upload_expiry(
        &self,
        bucket: &BucketName,
        key: &ObjectKey,
        initiated: Timestamp,
    ) -> Option<Expiry> {
        let rules = self.bucket_rules(bucket)?;
        let lifecycle = rules.lifecycle.as_ref()?;
        let (at, rule) = lifecycle.upload_expiry(key.as_str(), initiated, self.lifecycle_day_secs)?;
        Some(Expiry { at, rule: rule.id.clone() })
    }

    /// Seconds that a day of lifecycle rules lasts.
    pub fn lifecycle_day_secs(&self) -> u64 {
        self.lifecycle_day_secs
    }

    /// The buckets with rules by which something ends.
    pub fn aging_buckets(&self) -> Vec<(String, Arc<BucketRules>)> {
        let mut buckets = self.configurations.all();
        buckets.retain(|(_, rules)| {
            let lifecycle = rules.lifecycle.as_ref();
            lifecycle.is_some_and(|rules| {
                rules.ends_uploads() || rules.object_prefix().is_some() || rules.version_prefix().is_some()
            })
        });
        buckets
    }

    /// Removes what is due of the next rows of a bucket.
    pub async fn expire_some(
        &self,
        bucket: &str,
        lifecycle: &Lifecycle,
        cursor: ExpiryCursor,
        rows_max: usize,
    ) -> Result<Expired> {
        let (objects, versions) = (lifecycle.object_prefix(), lifecycle.version_prefix());
        match (cursor, objects, versions) {
            (ExpiryCursor::Start, Some(prefix), _) => {
                self.expire_objects(bucket, lifecycle, (prefix, ""), rows_max).await
            }
            (ExpiryCursor::Objects(after), Some(prefix), _) => {
                self.expire_objects(bucket, lifecycle, (prefix, &after), rows_max).await
            }
            (ExpiryCursor::Versions(after), _, Some(prefix)) => {
                self.expire_versions(bucket, lifecycle, (prefix, after), rows_max).await
            }
            (ExpiryCursor::Uploads(key, upload), _, _) => {
                self.expire_uploads(bucket, lifecycle, (key, upload), rows_max).await
            }
            (ExpiryCursor::Start | ExpiryCursor::Objects(_), None, Some(prefix)) => {
                self.expire_versions(bucket, lifecycle, (prefix, None), rows_max).await
            }
            (ExpiryCursor::Start | ExpiryCursor::Objects(_) | ExpiryCursor::Versions(_), _, None) => {
                self.expire_uploads(bucket, lifecycle, (String::new(), None), rows_max).await
            }
        }
    }

    async fn expire_objects(
        &self,
        bucket: &str,
        lifecycle: &Lifecycle,
        (prefix, after): (&str, &str),
        rows_max: usize,
    ) -> Result<Expired> {
        let now = self.clock.now();
        let rows = self.store.aging(bucket, (prefix, after), rows_max)?;
        let (mut expired, mut due, mut moves) =
            (Expired::default(), Vec::new(), Moves { now, due: Vec::new() });
        for row in &rows {
            let object = Aging { key: &row.key, size: row.size, tags: &row.tags, modified: row.modified };
            match lifecycle.expiry(&object, self.lifecycle_day_secs) {
                Some((at, _)) if at <= now => {
                    due.push((row.key.clone(), row.sequence));
                    continue;
                }
                later => expired.leave(later.map(|(at, _)| at)),
            }
            moves.judge(
                &mut expired,
                row,
                lifecycle.transition(&object, row.class, (now, self.lifecycle_day_secs)),
            );
        }
        moves.commit(self, bucket, &mut expired).await?;
        expired.objects = due.len() as u64;
        if !due.is_empty() {
            let expire = Mutation::ExpireObjects { bucket: bucket.to_owned(), objects: due, now };
            self.commit_expiry(expire).await?;
        }
        expired.cursor = Some(match rows.last().filter(|_| rows.len() == rows_max) {
            Some(last) => ExpiryCursor::Objects(last.key.clone()),
            None => ExpiryCursor::Versions(None),
        });
        Ok(expired)
    }

    async fn expire_versions(
        &self,
        bucket: &str,
        lifecycle: &Lifecycle,
        (prefix, after): (&str, Option<VersionCursor>),
        rows_max: usize,
    ) -> Result<Expired> {
        let (now, day_secs) = (self.clock.now(), self.lifecycle_day_secs);
        let (rows, next) = self.store.aging_versions(bucket, (prefix, after.as_ref()), rows_max)?;
        let (mut expired, mut due, mut moves) =
            (Expired::default(), Vec::new(), Moves { now, due: Vec::new() });
        let tomorrow = Timestamp::from_millis(now.as_millis() + day_secs * 1000);
        for AgingVersionRow { row, standing, lock } in rows {
            let version = Aging { key: &row.key, size: row.size, tags: &row.tags, modified: row.modified };
            let (at, moved) = match standing {
                Standing::Noncurrent { newer } => (
                    lifecycle.version_expiry(&version, newer, day_secs),
                    lifecycle.version_transition(&version, (newer, row.class), (now, day_secs)),
                ),
                Standing::LoneMarker => (lifecycle.marker_expiry(&version, day_secs), None),
                Standing::Marker => (None, None),
            };
            match at {
                Some(at) if at <= now && lock.permits_removal(now, false) => {
                    due.push((row.key, row.sequence));
                    continue;
                }
                // A lock may end on any day.
                later => expired.leave(later.map(|at| if at <= now { tomorrow } else { at })),
            }
            moves.judge(&mut expired, &row, moved);
        }
        moves.commit(self, bucket, &mut expired).await?;
        expired.versions = due.len() as u64;
        if !due.is_empty() {
            let expire = Mutation::ExpireVersions { bucket: bucket.to_owned(), versions: due, now };
            self.commit_expiry(expire).await?;
        }
        expired.cursor = Some(match next {
            Some(next) => ExpiryCursor::Versions(Some(next)),
            None => ExpiryCursor::Uploads(String::new(), None),
        });
        Ok(expired)
    }

    async fn expire_uploads(
        &self,
        bucket: &str,
        lifecycle: &Lifecycle,
        (after, after_upload): (String, Option<UploadId>),
        rows_max: usize,
    ) -> Result<Expired> {
        let mut expired = Expired::default();
        if !lifecycle.ends_uploads() {
            return Ok(expired);
        }
        let now = self.clock.now();
        let walk = Walk { prefix: String::new(), delimiter: None, after, max: rows_max };
        let (rows, more) = self.store.uploads(bucket, &walk, after_upload)?;
        for row in rows {
            let Walked::Row(upload) = row else { continue };
            expired.cursor = more.then(|| ExpiryCursor::Uploads(upload.key.clone(), Some(upload.upload)));
            match lifecycle.upload_expiry(&upload.key, upload.initiated, self.lifecycle_day_secs) {
                Some((at, _)) if at <= now => {
                    let (bucket, key, upload) = (bucket.to_owned(), upload.key, upload.upload);
                    match self
                        .store
                        .commit(Mutation::AbortUpload { bucket, key, upload })
                        .await
                        .map_err(Error::from)
                    {
                        // It was completed or aborted meanwhile.
                        Ok(_) | Err(Error::NoSuchUpload) => expired.uploads += 1,
                        Err(error) => return Err(error),
                    }
                }
                later => expired.leave(later.map(|(at, _)| at)),
            }
        }
        Ok(expired)
    }
}
