//! What is known of the deployment at this moment.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use super::Health;
use crate::object::{Engine, Error};
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

/// One drive.
#[derive(Debug, Serialize)]
pub struct DriveReport {
    slot: u16,
    label: String,
    up: bool,
    total_bytes: u64,
    free_bytes: u64,
}

/// One bucket.
#[derive(Debug, Serialize)]
pub struct BucketReport {
    name: String,
    objects: u64,
    bytes: u64,
}

/// The answer of `/api/v1/status`.
#[derive(Debug, Serialize)]
pub struct Status {
    version: &'static str,
    deployment: String,
    region: String,
    uptime_seconds: u64,
    health: Health,
    data_shards: u8,
    parity_shards: u8,
    pending_heals: u64,
    drives: Vec<DriveReport>,
    buckets: Vec<BucketReport>,
}

impl Status {
    /// Asks the engine.
    pub async fn gather(engine: &Arc<Engine>, facts: &Facts) -> Result<Self, Error> {
        let scheme = engine.drives().scheme();
        let drive = |drive: crate::object::DriveStatus| DriveReport {
            slot: drive.slot.0,
            label: drive.label,
            up: drive.up,
            total_bytes: drive.total,
            free_bytes: drive.free,
        };
        let buckets = engine.list_buckets().await?.into_iter();
        let bucket = |b: crate::object::BucketInfo| BucketReport {
            name: b.name.to_string(),
            objects: b.objects,
            bytes: b.bytes,
        };
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            deployment: facts.deployment.to_string(),
            region: facts.region.clone(),
            uptime_seconds: facts.started.elapsed().as_secs(),
            health: Health::of(engine, facts),
            data_shards: scheme.data,
            parity_shards: scheme.parity,
            pending_heals: engine.redundancy()?.shards_to_heal,
            drives: engine.drives().status().into_iter().map(drive).collect(),
            buckets: buckets.map(bucket).collect(),
        })
    }
}
