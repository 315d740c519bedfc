//! Changes that others are told of: whose request a change is, and what waits to be delivered.
//!
//! The metadata leaves an event in the transaction of the change (`metadata::Mutation::OnBehalf`), where the bucket has
//! somebody who listens. Here is what leads there from a request, and what leads on from there to a target.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::api::Result;
use super::engine::Engine;
use crate::metadata::{Applied, MetadataError, Mutation};
pub use crate::metadata::{EventEnd, EventRow, OutboxRow, PENDING_MAX};
use crate::types::{BucketName, Origin, Timestamp};

tokio::task_local! {
    /// Whose request is carried out, where somebody wants to know.
    static ORIGIN: Origin;
}

/// Does work that a request asked for, so that those who listen to its changes are told whose it was.
pub async fn on_behalf_of<T>(origin: Origin, work: impl Future<Output = T>) -> T {
    ORIGIN.scope(origin, work).await
}

/// How deliveries to the targets go, by the target's ARN.
#[derive(Debug, Default)]
pub struct Deliveries(Mutex<BTreeMap<String, Delivery>>);

/// How deliveries to one target go, since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Where they go, for people.
    pub endpoint: String,
    /// Attempts that failed.
    pub failures: u64,
    /// Why the last one failed; `None` after one that did not.
    pub error: Option<String>,
}

/// A target, what waits for it, and how deliveries to it go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetStatus {
    /// What waits, and what became of the rest.
    pub outbox: OutboxRow,
    /// How deliveries go; `None` where the operator configured no such target.
    pub delivery: Option<Delivery>,
    /// For how long the first event that waits has waited.
    pub lag_seconds: u64,
}

impl Deliveries {
    /// Changes what is known of one target.
    pub fn update(&self, target: &str, change: impl FnOnce(&mut Delivery)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(target.to_owned()).or_default());
    }

    /// What is known of all targets that are configured.
    pub fn all(&self) -> BTreeMap<String, Delivery> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Engine {
    /// Commits a change of objects. If it is a request's that somebody listens to, they are told whose; if the bucket is
    /// searched, its index is told which keys.
    pub(super) async fn commit_change(&self, mutation: Mutation) -> Result<Applied, MetadataError> {
        let changed = self.searched_keys(&mutation);
        let Ok(origin) = ORIGIN.try_with(Origin::clone) else {
            let committed = self.store.commit(mutation).await;
            self.note_searched(changed);
            return committed;
        };
        let mutation = Box::new(mutation);
        let committed = self.store.commit(Mutation::OnBehalf { origin, mutation }).await;
        self.note_searched(changed);
        self.event_bell.ring();
        committed
    }

    /// Commits what a lifecycle rule does to objects.
    pub(super) async fn commit_expiry(&self, mutation: Mutation) -> Result<Applied, MetadataError> {
        let changed = self.searched_keys(&mutation);
        let committed = self.store.commit(mutation).await;
        self.note_searched(changed);
        self.event_bell.ring();
        committed
    }

    /// Sends a test to each target that a bucket tells of changes.
    pub async fn test_notification(&self, bucket: &BucketName) -> Result<()> {
        let (bucket, now) = (bucket.to_string(), self.clock.now());
        self.commit_change(Mutation::TestNotification { bucket, now }).await?;
        self.event_bell.ring();
        Ok(())
    }

    /// Waits until there may be new events.
    pub async fn events_rung(&self) {
        self.event_bell.rung().await;
    }

    /// The first events that wait for a target, in the order of commits.
    pub fn events_waiting(&self, target: &str, max: usize) -> Result<Vec<EventRow>> {
        Ok(self.store.events_waiting(target, max)?)
    }

    /// Ends the events of a target up to and with one.
    pub async fn end_events(&self, target: &str, through: u64, how: EventEnd) -> Result<()> {
        self.store.commit(Mutation::EndEvents { target: target.to_owned(), through, how }).await?;
        Ok(())
    }

    /// Drops the events of a target that happened before a moment, and says whether there were any.
    pub async fn drop_events_before(&self, target: &str, moment: Timestamp) -> Result<bool> {
        let Some(through) = self.store.last_event_before(target, moment)? else { return Ok(false) };
        self.end_events(target, through, EventEnd::Dropped).await?;
        Ok(true)
    }

    /// What waits for each target, and what became of the rest.
    pub fn outboxes(&self) -> Result<Vec<OutboxRow>> {
        Ok(self.store.outboxes()?)
    }

    /// Every target that is configured or ever had an event.
    pub fn event_targets(&self) -> Result<Vec<TargetStatus>> {
        let mut deliveries = self.deliveries.all();
        let now = self.clock.now().as_millis();
        let with_outbox = |outbox: OutboxRow| {
            let delivery = deliveries.remove(&outbox.target);
            let lag_ms = outbox.oldest.map_or(0, |oldest| now.saturating_sub(oldest.as_millis()));
            TargetStatus { outbox, delivery, lag_seconds: lag_ms / 1000 }
        };
        let mut targets: Vec<TargetStatus> = self.store.outboxes()?.into_iter().map(with_outbox).collect();
        targets.extend(deliveries.into_iter().map(|(target, delivery)| TargetStatus {
            outbox: OutboxRow { target, ..OutboxRow::default() },
            delivery: Some(delivery),
            lag_seconds: 0,
        }));
        Ok(targets)
    }

    /// How deliveries go.
    pub fn deliveries(&self) -> &Deliveries {
        &self.deliveries
    }
}
