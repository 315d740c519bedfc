//! Deletes named encryption keys whose wait is over.

use std::sync::Arc;
use std::time::Duration;

use crate::object::Engine;

/// How often keys are looked at, and at most: where days are shorter, as often as a day passes.
const LOOK_EVERY_MAX: Duration = Duration::from_secs(60);

pub(super) async fn run(engine: Arc<Engine>) {
    let look_every = LOOK_EVERY_MAX.min(Duration::from_secs(engine.lifecycle_day_secs()));
    loop {
        if let Err(error) = engine.delete_due_keys().await {
            tracing::warn!(%error, "encryption keys whose wait is over were not deleted");
        }
        tokio::time::sleep(look_every).await;
    }
}
