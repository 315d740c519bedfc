//! What lies between the engine and a drive: messages that come late, twice or never, and drives that stall.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use holdfast::runtime::BoxFuture;
use holdfast::shard_store::{Drive, DriveError, Op, Reply};
use holdfast::types::DriveId;
use tokio::time::sleep;

use crate::rng::Rng;

/// After how long a connection that says nothing counts as lost.
const DETECTED_AFTER: Duration = Duration::from_secs(3);

/// How a link behaves now.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Nothing passes.
    pub parted: bool,
    /// Messages of 100 that are lost on their way there, and as many on their way back.
    pub lost: u64,
    /// Messages of 100 that arrive twice.
    pub doubled: u64,
    /// Longest time on the way, in milliseconds.
    pub slow: u64,
    /// Every operation waits so many milliseconds.
    pub stalled: u64,
}

/// A drive behind a link.
#[derive(Debug)]
pub struct LinkedDrive {
    id: DriveId,
    label: String,
    link: Arc<Link>,
}

#[derive(Debug)]
pub struct Link {
    state: Mutex<State>,
    /// Messages are on a network; else they are calls, which only a stall delays.
    remote: bool,
}

#[derive(Debug)]
struct State {
    drive: Option<Arc<dyn Drive>>,
    conditions: Conditions,
    rng: Rng,
}

/// What happens to one message.
#[derive(Debug)]
struct Fate {
    arrives_after: Duration,
    answered_after: Option<Duration>,
    again_after: Option<Duration>,
}

impl Link {
    pub fn new(drive: Arc<dyn Drive>, remote: bool, rng: Rng) -> Arc<Self> {
        let conditions = Conditions::default();
        Arc::new(Self { state: Mutex::new(State { drive: Some(drive), conditions, rng }), remote })
    }

    pub fn drive(self: &Arc<Self>) -> Arc<dyn Drive> {
        let drive = self.present().unwrap();
        Arc::new(LinkedDrive { id: drive.id(), label: drive.label(), link: self.clone() })
    }

    pub fn set(&self, conditions: Conditions) {
        self.state.lock().unwrap().conditions = conditions;
    }

    /// The drive's process ends, or begins anew.
    pub fn serve(&self, drive: Option<Arc<dyn Drive>>) {
        self.state.lock().unwrap().drive = drive;
    }

    fn present(&self) -> Option<Arc<dyn Drive>> {
        self.state.lock().unwrap().drive.clone()
    }

    /// The drive, if messages reach it.
    fn reached(&self) -> Option<Arc<dyn Drive>> {
        let state = self.state.lock().unwrap();
        state.drive.clone().filter(|_| !state.conditions.parted)
    }

    fn fate(&self) -> Fate {
        let state = &mut *self.state.lock().unwrap();
        let (conditions, rng) = (&state.conditions, &mut state.rng);
        let stalled = Duration::from_millis(conditions.stalled);
        if !self.remote {
            return Fate { arrives_after: stalled, answered_after: Some(Duration::ZERO), again_after: None };
        }
        let mut on_the_way = || Duration::from_micros(100 + rng.below(1000 * conditions.slow.max(1)));
        let (there, back, again) = (on_the_way(), on_the_way(), on_the_way());
        let arrives_after = if rng.chance(conditions.lost) { Duration::MAX } else { there + stalled };
        Fate {
            arrives_after,
            answered_after: (!rng.chance(conditions.lost)).then_some(back),
            again_after: rng.chance(conditions.doubled).then_some(again),
        }
    }

    /// One message there and back.
    async fn pass(self: Arc<Self>, op: Op, payload: Bytes) -> Result<Reply, DriveError> {
        let lost = || Err(DriveError::Offline("the connection was lost".into()));
        let fate = self.fate();
        if fate.arrives_after == Duration::MAX {
            sleep(DETECTED_AFTER).await;
            return lost();
        }
        sleep(fate.arrives_after).await;
        let Some(drive) = self.reached() else {
            sleep(DETECTED_AFTER).await;
            return lost();
        };
        if let Some(again_after) = fate.again_after {
            let (link, op, payload) = (self.clone(), op.clone(), payload.clone());
            drop(tokio::spawn(async move {
                sleep(again_after).await;
                if let Some(drive) = link.reached() {
                    let _ = drive.call(op, payload).await;
                }
            }));
        }
        let told = tracing::enabled!(tracing::Level::DEBUG).then(|| op.clone());
        let answer = drive.call(op, payload).await;
        tracing::debug!(drive = drive.label(), op = ?told, failed = ?answer.as_ref().err());
        match fate.answered_after {
            Some(back) if self.reached().is_some() => {
                sleep(back).await;
                answer
            }
            _ => {
                sleep(DETECTED_AFTER).await;
                lost()
            }
        }
    }
}

impl Drive for LinkedDrive {
    fn id(&self) -> DriveId {
        self.id
    }

    fn is_up(&self) -> bool {
        let drive = if self.link.remote { self.link.reached() } else { self.link.present() };
        drive.is_some_and(|drive| drive.is_up() || self.link.remote)
    }

    fn label(&self) -> String {
        self.label.clone()
    }

    /// What was sent is done, whether somebody waits for the answer or not.
    fn call(&self, op: Op, payload: Bytes) -> BoxFuture<'_, Result<Reply, DriveError>> {
        let passing = self.link.clone().pass(op, payload);
        Box::pin(async move {
            let sent = tokio::spawn(passing).await;
            sent.unwrap_or_else(|error| Err(DriveError::Offline(error.to_string())))
        })
    }
}
