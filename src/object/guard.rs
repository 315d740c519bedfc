//! When a drive is not trusted, and when it is again.
//!
//! Rules
//! - **Hang**: a drive that does not answer within [`ANSWER_WITHIN`], or sync or read much within [`MUCH_WITHIN`], is
//!   suspended. Nothing waits for it again before it has answered probes.
//! - **Error budget**: a drive with [`ERRORS_MAX`] input/output errors within [`ERRORS_WITHIN`] is suspended.
//! - **Return**: a suspended drive is probed every [`PROBE_EVERY`]; [`PROBES_GOOD`] answers in a row, each within
//!   [`PROBE_WITHIN`], end the suspension. What it missed meanwhile is found by comparing it with the metadata.
//!
//! A suspended drive counts as down: reads go to others, writes are placed elsewhere, its log falls behind and
//! is brought up to date afterwards. A local drive whose write or sync failed takes itself out of service
//! (see `shard_store`); a shard that is damaged is healed and says nothing about the drive's other answers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use crate::runtime::BoxFuture;
use crate::shard_store::{Drive, DriveError, Op, Reply};
use crate::types::DriveId;

/// How long a drive may take over one operation.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);
/// The same for those that may sync or read much at once.
const MUCH_WITHIN: Duration = Duration::from_secs(120);
/// Errors that suspend a drive, and within which time.
const ERRORS_MAX: usize = 16;
const ERRORS_WITHIN: Duration = Duration::from_secs(60);
/// How often a suspended drive is probed, how long it may take over an answer, and how many it must give.
const PROBE_EVERY: Duration = Duration::from_secs(2);
const PROBE_WITHIN: Duration = Duration::from_secs(2);
const PROBES_GOOD: u32 = 3;

/// A drive, and what is thought of it.
#[derive(Debug)]
pub struct GuardedDrive {
    drive: Arc<dyn Drive>,
    suspended: AtomicBool,
    suspensions: AtomicU64,
    record: Mutex<Record>,
}

#[derive(Debug, Default)]
struct Record {
    /// When there were errors, the latest last.
    errors: VecDeque<Instant>,
    /// Why the drive is suspended.
    reason: String,
    /// When the next probe is due, and good ones so far.
    probe_at: Option<Instant>,
    good: u32,
}

impl GuardedDrive {
    /// A drive that is trusted so far.
    pub fn new(drive: Arc<dyn Drive>) -> Self {
        let (suspended, suspensions) = (AtomicBool::new(false), AtomicU64::new(0));
        Self { drive, suspended, suspensions, record: Mutex::default() }
    }

    /// Why the drive is suspended, if it is.
    pub fn suspension(&self) -> Option<String> {
        self.suspended.load(Ordering::Relaxed).then(|| self.record().reason.clone())
    }

    fn record(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn suspend(&self, reason: &str) {
        let mut record = self.record();
        (record.reason, record.good) = (reason.to_owned(), 0);
        record.probe_at = Some(Instant::now() + PROBE_EVERY);
        if !self.suspended.swap(true, Ordering::Relaxed) {
            self.suspensions.fetch_add(1, Ordering::Relaxed);
            tracing::error!(drive = self.drive.label(), reason, "drive suspended");
        }
    }

    fn note_error(&self) {
        let spent = {
            let mut record = self.record();
            record.errors.push_back(Instant::now());
            while record.errors.front().is_some_and(|at| at.elapsed() > ERRORS_WITHIN) {
                record.errors.pop_front();
            }
            let spent = record.errors.len() >= ERRORS_MAX;
            if spent {
                record.errors.clear();
            }
            spent
        };
        if spent {
            self.suspend("too many input/output errors");
        }
    }

    /// Probes a suspended drive when that is due. To be called now and then.
    pub async fn look_after(&self) {
        if !self.suspended.load(Ordering::Relaxed)
            || self.record().probe_at.is_none_or(|at| at > Instant::now())
        {
            return;
        }
        self.record().probe_at = Some(Instant::now() + PROBE_EVERY);
        let answer = timeout(PROBE_WITHIN, self.drive.usage()).await;
        let mut record = self.record();
        record.good = if matches!(answer, Ok(Ok(_))) { record.good + 1 } else { 0 };
        if record.good >= PROBES_GOOD {
            record.probe_at = None;
            self.suspended.store(false, Ordering::Relaxed);
            tracing::info!(drive = self.drive.label(), "drive answers again");
        }
    }

    async fn guarded(&self, op: Op, payload: Bytes) -> Result<Reply, DriveError> {
        if let Some(reason) = self.suspension() {
            return Err(DriveError::Offline(reason));
        }
        let within = match op {
            Op::Seal { .. } | Op::SnapshotCommit { .. } | Op::ReadMany { .. } | Op::Verify { .. } => {
                MUCH_WITHIN
            }
            _ => ANSWER_WITHIN,
        };
        match timeout(within, self.drive.call(op, payload)).await {
            Err(_) => {
                self.suspend("no answer in time");
                Err(DriveError::Offline("no answer in time".into()))
            }
            Ok(Err(error @ DriveError::Io { .. })) => {
                self.note_error();
                Err(error)
            }
            Ok(answer) => answer,
        }
    }
}

impl Drive for GuardedDrive {
    fn id(&self) -> DriveId {
        self.drive.id()
    }

    fn is_up(&self) -> bool {
        !self.suspended.load(Ordering::Relaxed) && self.drive.is_up()
    }

    fn label(&self) -> String {
        self.drive.label()
    }

    fn node(&self) -> String {
        self.drive.node()
    }

    fn zone(&self) -> String {
        self.drive.zone()
    }

    fn outages(&self) -> u64 {
        self.suspensions.load(Ordering::Relaxed) + self.drive.outages()
    }

    fn call(&self, op: Op, payload: Bytes) -> BoxFuture<'_, Result<Reply, DriveError>> {
        Box::pin(self.guarded(op, payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard_store::Usage;

    /// Hangs, fails or answers as it is told.
    #[derive(Debug, Default)]
    struct Moody(Mutex<Mood>);

    #[derive(Debug, Default, Clone, Copy)]
    enum Mood {
        #[default]
        Fine,
        Failing,
        Hanging,
    }

    impl Drive for Moody {
        fn id(&self) -> DriveId {
            DriveId(1)
        }

        fn is_up(&self) -> bool {
            true
        }

        fn label(&self) -> String {
            "moody".into()
        }

        fn call(&self, _: Op, _: Bytes) -> BoxFuture<'_, Result<Reply, DriveError>> {
            let mood = *self.0.lock().unwrap();
            Box::pin(async move {
                match mood {
                    Mood::Fine => Ok(Reply::Usage(Usage::default())),
                    Mood::Failing => Err(DriveError::Io { attempt: "read".into(), error: "EIO".into() }),
                    Mood::Hanging => std::future::pending().await,
                }
            })
        }
    }

    async fn returns(drive: &GuardedDrive) {
        for _ in 0..PROBES_GOOD {
            assert!(!drive.is_up());
            tokio::time::sleep(PROBE_EVERY).await;
            drive.look_after().await;
        }
        assert!(drive.is_up());
    }

    #[tokio::test(start_paused = true)]
    async fn a_drive_that_hangs_is_waited_for_once_and_comes_back_by_answering() {
        let moody = Arc::new(Moody::default());
        let drive: Arc<GuardedDrive> = Arc::new(GuardedDrive::new(moody.clone()));
        *moody.0.lock().unwrap() = Mood::Hanging;
        let began = Instant::now();
        assert!((drive.clone() as Arc<dyn Drive>).usage().await.is_err());
        assert!((drive.clone() as Arc<dyn Drive>).usage().await.is_err());
        assert_eq!(began.elapsed(), ANSWER_WITHIN);
        tokio::time::sleep(PROBE_EVERY).await;
        drive.look_after().await;
        assert!(!drive.is_up(), "it still hangs");
        *moody.0.lock().unwrap() = Mood::Fine;
        returns(&drive).await;
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_errors_within_a_minute_suspend_a_drive() {
        let moody = Arc::new(Moody::default());
        let drive: Arc<GuardedDrive> = Arc::new(GuardedDrive::new(moody.clone()));
        *moody.0.lock().unwrap() = Mood::Failing;
        for _ in 0..3 * ERRORS_MAX {
            assert!((drive.clone() as Arc<dyn Drive>).usage().await.is_err());
            assert!(drive.is_up(), "errors now and then are borne");
            tokio::time::sleep(ERRORS_WITHIN / 8).await;
        }
        for _ in 0..ERRORS_MAX {
            let _ = (drive.clone() as Arc<dyn Drive>).usage().await;
        }
        *moody.0.lock().unwrap() = Mood::Fine;
        returns(&drive).await;
    }
}
