//! Delivers server access logs: lines are kept in memory and written as objects now and then.
//!
//! Best effort, as on AWS: what was not delivered is lost in a crash, and beyond [`BUFFERED_BYTES_MAX`] lines are dropped
//! and counted. A stop in order delivers what waits.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::object::{self, Body, BodyError, Engine, PutRequest, WriteCondition};
use crate::runtime::random_bytes;
use crate::types::{BucketName, ChecksumValue, LogSource, LogTarget, ObjectKey, Properties, Timestamp};

/// Bytes of lines that wait for delivery, of all buckets together.
const BUFFERED_BYTES_MAX: usize = 64 << 20;
/// Bytes of lines that are delivered at once without waiting.
const DELIVER_AT_BYTES: usize = 8 << 20;

/// One request.
#[derive(Debug)]
pub struct LogLine {
    /// The bucket that it was for.
    pub bucket: String,
    /// When it came.
    pub at: Timestamp,
    /// Its line.
    pub text: String,
}

/// What logs say of this server.
#[derive(Debug, Clone)]
pub struct LogOrigin {
    /// The account that buckets belong to.
    pub account: String,
    /// The server's region.
    pub region: String,
}

/// The lines that wait. Share it behind an `Arc`.
#[derive(Debug, Default)]
pub struct AccessLogs {
    waiting: Mutex<Waiting>,
    /// Rung when much waits, and for the last delivery.
    due: Notify,
    is_stopping: AtomicBool,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    /// By bucket.
    lines: HashMap<String, Vec<LogLine>>,
    bytes: usize,
}

impl AccessLogs {
    /// Takes a line.
    pub fn push(&self, line: LogLine) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.bytes + line.text.len() > BUFFERED_BYTES_MAX {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.bytes += line.text.len();
        let bytes = waiting.bytes;
        waiting.lines.entry(line.bucket.clone()).or_default().push(line);
        drop(waiting);
        if bytes >= DELIVER_AT_BYTES {
            self.due.notify_one();
        }
    }

    /// Has what waits delivered for the last time.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.due.notify_one();
    }

    /// Lines that will not be delivered.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn take(&self) -> HashMap<String, Vec<LogLine>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *waiting).lines
    }

    /// Delivers what waits, every so often, until it is stopped.
    pub async fn run(self: Arc<Self>, engine: Arc<Engine>, origin: LogOrigin, every: Duration) {
        while !self.is_stopping.load(Ordering::Relaxed) {
            let _ = tokio::time::timeout(every, self.due.notified()).await;
            self.deliver(&engine, &origin).await;
        }
    }

    async fn deliver(&self, engine: &Engine, origin: &LogOrigin) {
        for (bucket, lines) in self.take() {
            let rules = BucketName::parse(&bucket).ok().and_then(|name| engine.bucket_rules(&name));
            // Logging was switched off meanwhile, or the bucket deleted.
            let Some(target) = rules.as_ref().and_then(|rules| rules.log_target()) else { continue };
            let source = LogSource { account: &origin.account, region: &origin.region, bucket: &bucket };
            for (day, lines) in by_day(target, lines) {
                let key = target.key(source, day, engine.now(), &unique());
                if let Err(error) = write(engine, target, key, &lines).await {
                    tracing::warn!(bucket, target = target.bucket, %error, "an access log was not delivered");
                    self.put_back(lines, &error);
                }
            }
        }
    }

    /// Keeps lines for the next delivery, unless there is nowhere to deliver them.
    fn put_back(&self, lines: Vec<LogLine>, error: &object::Error) {
        match error {
            object::Error::NoSuchBucket => {
                self.dropped.fetch_add(lines.len() as u64, Ordering::Relaxed);
            }
            _ => lines.into_iter().for_each(|line| self.push(line)),
        }
    }
}

/// Lines by the log that they go into.
fn by_day(target: &LogTarget, lines: Vec<LogLine>) -> BTreeMap<Option<u64>, Vec<LogLine>> {
    let mut days: BTreeMap<Option<u64>, Vec<LogLine>> = BTreeMap::new();
    for line in lines {
        days.entry(target.day(line.at)).or_default().push(line);
    }
    days
}

/// 16 hexadecimal digits.
fn unique() -> String {
    random_bytes::<8>().iter().map(|byte| format!("{byte:02X}")).collect()
}

async fn write(engine: &Engine, target: &LogTarget, key: String, lines: &[LogLine]) -> object::Result<()> {
    let bucket = BucketName::parse(&target.bucket).map_err(|_| object::Error::NoSuchBucket)?;
    let key = ObjectKey::parse(&key).map_err(|error| object::Error::Internal(Box::new(error)))?;
    let text: String = lines.iter().map(|line| line.text.as_str()).collect();
    let mut properties = Properties::default();
    properties.attributes.push("content-type", "text/plain");
    let request = PutRequest {
        bucket,
        key,
        properties,
        encryption: None,
        length: Some(text.len() as u64),
        content_md5: None,
        condition: WriteCondition::Always,
    };
    engine.put(request, Whole(Some(text.into()))).await.map(drop)
}

/// A body that is there as a whole.
struct Whole(Option<Bytes>);

impl Body for Whole {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        Poll::Ready(self.0.take().filter(|bytes| !bytes.is_empty()).map(Ok))
    }

    fn checksum(&self) -> Option<ChecksumValue> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> LogLine {
        LogLine { bucket: "b".into(), at: Timestamp::default(), text: text.into() }
    }

    #[test]
    fn lines_beyond_the_bound_are_dropped_and_counted() {
        let logs = AccessLogs::default();
        let large = "x".repeat(BUFFERED_BYTES_MAX / 2);
        (0..3).for_each(|_| logs.push(line(&large)));
        assert_eq!(logs.dropped(), 1);
        assert_eq!(logs.take()["b"].len(), 2);
        logs.push(line("y"));
        assert_eq!(logs.take()["b"].len(), 1, "what was taken leaves room");
    }
}
