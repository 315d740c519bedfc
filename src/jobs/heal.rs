//! Works off the heal rows, and queues what a replaced drive should hold.

use std::sync::Arc;
use std::time::Duration;

use crate::metadata::HealRow;
use crate::object::{Engine, Healing};
use crate::types::BlobId;

/// Heal rows read in one step.
const STEP_ROWS_MAX: usize = 256;
/// Shards healed at the same time.
const CONCURRENT_MAX: usize = 4;
/// How long until rows that had to wait are tried again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

pub(super) async fn run(engine: Arc<Engine>) {
    loop {
        let waiting = match pass(&engine).await {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::warn!(%error, "healing interrupted");
                1
            }
        };
        if waiting == 0 {
            engine.heals().rung().await;
        } else {
            let _ = tokio::time::timeout(RETRY_AFTER, engine.heals().rung()).await;
        }
    }
}

/// One pass over all rows. Returns how many still wait for a drive.
async fn pass(engine: &Arc<Engine>) -> crate::object::Result<u64> {
    engine.note_bad_shards().await?;
    for (slot, _, refill) in engine.metadata().drives()? {
        if refill {
            let queued = engine.queue_refill(slot).await?;
            tracing::info!(slot = slot.0, queued, "shards of a replaced drive queued for healing");
        }
    }
    let (mut after, mut healed, mut waiting) = (HealRow { blob: BlobId(0), shard: 0 }, 0u64, 0u64);
    loop {
        let rows = engine.metadata().heal_after(after, STEP_ROWS_MAX)?;
        let Some(last) = rows.last() else { break };
        after = *last;
        for group in by_blob(&rows).chunks(CONCURRENT_MAX) {
            let heals = group.iter().map(|rows| heal_blob(engine, rows));
            for (done, waits) in futures_util::future::join_all(heals).await {
                healed += done;
                waiting += waits;
            }
        }
    }
    if healed > 0 {
        tracing::info!(healed, waiting, "shards healed");
    }
    Ok(waiting)
}

/// Rows of one blob stand together; they are healed one after another, because each may move a shard.
fn by_blob(rows: &[HealRow]) -> Vec<Vec<HealRow>> {
    rows.chunk_by(|a, b| a.blob == b.blob).map(<[HealRow]>::to_vec).collect()
}

/// Heals the rows of one blob; returns how many are done and how many wait.
async fn heal_blob(engine: &Engine, rows: &[HealRow]) -> (u64, u64) {
    let (mut done, mut waits) = (0, 0);
    for row in rows {
        match engine.heal(*row).await {
            Ok(Healing::Done) => done += 1,
            Ok(Healing::Waits) => waits += 1,
            Err(error) => {
                tracing::warn!(%error, "shard not healed");
                waits += 1;
            }
        }
    }
    (done, waits)
}
