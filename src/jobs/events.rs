//! Tells others of changes: takes the events that wait in the outbox to their targets, by HTTP.
//!
//! Each target has a loop of its own, so that one that is down holds up no other. It takes the first events that wait,
//! sends them as one message, and ends them in one mutation once the target has said 2xx. What fails is sent again, after
//! a while that doubles; nothing behind it goes first. So events of a target arrive in order, and at least once.
//!
//! An event that could not be delivered for [`AGE_MAX`] is dropped, and counted.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, Uri};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::http::tls::Trust;
use crate::http::{ExchangeLimits, Remote};
use crate::object::{Engine, EventEnd, EventRow, Result};
use crate::types::{EventKind, Timestamp};

/// How long an event may wait for its target.
const AGE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// Events in one message.
const MESSAGE_EVENTS_MAX: usize = 100;
/// Bounds of the wait after a failure.
const RETRY_AFTER: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(60));
/// Bounds of one delivery.
const LIMITS: ExchangeLimits = ExchangeLimits { wait: Duration::from_secs(30), answer_bytes_max: 64 << 10 };
/// How often the outbox is looked at without being told of anything, for what was left while nobody listened.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Makes the message of events.
pub type Render = Arc<dyn Fn(&[EventRow]) -> Bytes + Send + Sync>;

/// Where events go.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// The ARN by which buckets name it.
    pub arn: String,
    /// Where it takes them.
    pub url: Uri,
    /// What proves this server to it.
    pub authorization: Option<HeaderValue>,
}

/// Deliveries under way; dropping it ends them.
#[derive(Debug)]
pub struct Telling {
    _loops: JoinSet<()>,
}

/// Starts deliveries to all targets.
pub fn tell(engine: &Arc<Engine>, targets: Vec<Webhook>, trust: &Trust, render: Render) -> Telling {
    let (changed, changes) = watch::channel(());
    let mut loops = JoinSet::new();
    let arns: Vec<String> = targets.iter().map(|target| target.arn.clone()).collect();
    for target in targets {
        let Some(remote) = Remote::of(&target.url, trust.clone()) else { continue };
        engine.deliveries().update(&target.arn, |delivery| delivery.endpoint = target.url.to_string());
        let courier = Courier { engine: engine.clone(), target, remote, render: render.clone() };
        loops.spawn(courier.run(changes.clone()));
    }
    loops.spawn(pass_on(engine.clone(), changed));
    loops.spawn(drop_orphans(engine.clone(), arns));
    Telling { _loops: loops }
}

/// Passes the bell on to all loops.
async fn pass_on(engine: Arc<Engine>, changed: watch::Sender<()>) {
    loop {
        engine.events_rung().await;
        changed.send_replace(());
    }
}

/// Drops what became too old for targets that are no longer configured.
async fn drop_orphans(engine: Arc<Engine>, configured: Vec<String>) {
    loop {
        match engine.outboxes() {
            Ok(outboxes) => {
                for outbox in outboxes.iter().filter(|outbox| !configured.contains(&outbox.target)) {
                    drop_old(&engine, &outbox.target).await;
                }
            }
            Err(error) => tracing::warn!(%error, "the outbox cannot be read"),
        }
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
}

async fn drop_old(engine: &Engine, target: &str) {
    let age_ms = AGE_MAX.as_millis() as u64;
    let moment = Timestamp::from_millis(engine.now().as_millis().saturating_sub(age_ms));
    match engine.drop_events_before(target, moment).await {
        Ok(false) => {}
        Ok(true) => tracing::error!(target, "events were dropped that could not be delivered for too long"),
        Err(error) => tracing::warn!(target, %error, "old events are not dropped"),
    }
}

/// Takes events to one target.
struct Courier {
    engine: Arc<Engine>,
    target: Webhook,
    remote: Remote,
    render: Render,
}

impl Courier {
    async fn run(self, mut changes: watch::Receiver<()>) {
        let mut retry_after = RETRY_AFTER.0;
        loop {
            changes.mark_unchanged();
            match self.deliver_some().await {
                Ok(true) => retry_after = RETRY_AFTER.0,
                Ok(false) => {
                    // A sender that is gone is the end of the process.
                    let _ = tokio::time::timeout(LOOK_EVERY, changes.changed()).await;
                }
                Err(error) => {
                    self.note_failure(error);
                    drop_old(&self.engine, &self.target.arn).await;
                    tokio::time::sleep(retry_after).await;
                    retry_after = (retry_after * 2).min(RETRY_AFTER.1);
                }
            }
        }
    }

    /// Delivers one message; false if nothing waits.
    async fn deliver_some(&self) -> std::result::Result<bool, String> {
        let said = |error: crate::object::Error| error.to_string();
        let arn = &self.target.arn;
        let waiting = self.engine.events_waiting(arn, MESSAGE_EVENTS_MAX).map_err(said)?;
        let message = &waiting[..message_len(&waiting)];
        let Some(last) = message.last() else { return Ok(false) };
        self.send((self.render)(message)).await?;
        self.note_success();
        self.end(last.sequence).await.map_err(said)?;
        Ok(true)
    }

    async fn end(&self, through: u64) -> Result<()> {
        self.engine.end_events(&self.target.arn, through, EventEnd::Delivered).await
    }

    async fn send(&self, message: Bytes) -> std::result::Result<(), String> {
        let path = self.target.url.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::post(path)
            .header(HOST, self.remote.authority().as_str())
            .header(CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.target.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(message)).map_err(|error| error.to_string())?;
        let answer = self.remote.send(request, LIMITS).await.map_err(|error| error.to_string())?;
        if answer.status.is_success() { Ok(()) } else { Err(format!("it answered {}", answer.status)) }
    }

    fn note_success(&self) {
        self.engine.deliveries().update(&self.target.arn, |delivery| {
            if delivery.error.take().is_some() {
                tracing::info!(target = self.target.arn, "events are delivered again");
            }
        });
    }

    fn note_failure(&self, error: String) {
        self.engine.deliveries().update(&self.target.arn, |delivery| {
            delivery.failures += 1;
            if delivery.error.is_none() {
                tracing::warn!(target = self.target.arn, error, "events are not delivered; they wait");
            }
            delivery.error = Some(error);
        });
    }
}

/// How many of these make one message: a test is one for itself.
fn message_len(waiting: &[EventRow]) -> usize {
    let is_test = |row: &EventRow| row.event.kind == EventKind::Test;
    match waiting.first() {
        Some(first) if is_test(first) => 1,
        _ => waiting.iter().take_while(|row| !is_test(row)).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Event;

    fn row(sequence: u64, kind: EventKind) -> EventRow {
        let event = Event {
            kind,
            bucket: "b".into(),
            rule: "r".into(),
            key: "k".into(),
            version: None,
            size: 0,
            etag: None,
            at: Timestamp::default(),
            origin: None,
        };
        EventRow { sequence, event }
    }

    #[test]
    fn a_test_is_a_message_of_its_own() {
        let put = |sequence| row(sequence, EventKind::CreatedPut);
        assert_eq!(message_len(&[]), 0);
        assert_eq!(message_len(&[put(1), put(2), row(3, EventKind::Test), put(4)]), 2);
        assert_eq!(message_len(&[row(3, EventKind::Test), put(4)]), 1);
    }
}
