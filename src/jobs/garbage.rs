//! Gives the space of overwritten and deleted blobs back.

use std::sync::Arc;
use std::time::Duration;

use crate::object::Engine;

/// How long to rest when there was nothing to remove, or readers are not done.
const REST: Duration = Duration::from_secs(1);
/// How long to rest between full steps, so that traffic goes first.
const YIELD: Duration = Duration::from_millis(20);

pub(super) async fn run(engine: Arc<Engine>) {
    loop {
        match engine.sweep_garbage().await {
            Ok(0) => tokio::time::sleep(REST).await,
            Ok(blobs) => {
                tracing::debug!(blobs, "garbage removed");
                tokio::time::sleep(YIELD).await;
            }
            Err(error) => {
                tracing::warn!(%error, "garbage not removed");
                tokio::time::sleep(REST).await;
            }
        }
    }
}
