//! What is known of the deployment at this moment.

use std::sync::Arc;
use std::time::Instant;

use super::Health;
use super::api::{BucketReport, DriveReport, Status};
use crate::object::{BucketInfo, DriveStatus, Engine, Error};
use crate::types::DeploymentId;

/// What does not change while the process runs.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Drives it has, present or not.
    pub drives: usize,
    /// Region that clients sign for.
    pub region: String,
    /// When this process started.
    pub started: Instant,
}

/// Asks the engine.
pub(super) async fn gather(engine: &Arc<Engine>, facts: &Facts) -> Result<Status, Error> {
    let scheme = engine.drives().scheme();
    Ok(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        deployment: facts.deployment.to_string(),
        region: facts.region.clone(),
        uptime_seconds: facts.started.elapsed().as_secs(),
        health: Health::of(engine, facts),
        data_shards: scheme.data,
        parity_shards: scheme.parity,
        pending_heals: engine.redundancy()?.shards_to_heal,
        drives: engine.drives().status().into_iter().map(drive_report).collect(),
        buckets: engine.list_buckets().await?.into_iter().map(bucket_report).collect(),
        redundancy: None,
        work: Vec::new(),
    })
}

/// A drive as the API tells of it.
pub(super) fn drive_report(drive: DriveStatus) -> DriveReport {
    DriveReport {
        slot: drive.slot.0,
        label: drive.label,
        up: drive.up,
        total_bytes: drive.total,
        free_bytes: drive.free,
        drive_id: None,
        state: None,
        held_bytes: None,
        node: None,
    }
}

fn bucket_report(bucket: BucketInfo) -> BucketReport {
    BucketReport { name: bucket.name.to_string(), objects: bucket.objects, bytes: bucket.bytes }
}
