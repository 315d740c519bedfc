//! Keeps the search indexes of buckets up to date.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::pace::Pace;
use crate::object::{Engine, Error};

/// How long changes are gathered before they are noted together.
const GATHER_FOR: Duration = Duration::from_millis(50);
/// How long a bucket is left alone whose index could not be changed.
const RETRY_AFTER: Duration = Duration::from_secs(10);

pub(super) async fn run(engine: Arc<Engine>) {
    loop {
        match engine.searched_buckets() {
            Ok(buckets) => {
                for bucket in buckets {
                    index(&engine, &bucket).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the buckets that are searched cannot be told");
                tokio::time::sleep(RETRY_AFTER).await;
                continue;
            }
        }
        engine.search_rung().await;
        tokio::time::sleep(GATHER_FOR).await;
    }
}

async fn index(engine: &Engine, bucket: &str) {
    let mut pace = Pace::default();
    loop {
        let started = Instant::now();
        match engine.index_some(bucket, pace.step_rows()) {
            Ok(true) => pace.rest(engine.activity(), started.elapsed()).await,
            // It was deleted meanwhile.
            Ok(false) | Err(Error::NoSuchBucket) => return,
            Err(error) => {
                tracing::warn!(bucket, %error, "the search index was not brought up to date");
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
    }
}
