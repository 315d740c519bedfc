//! Drives, metadata and background work of a process that has an engine.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::StartError;
use crate::admin::Facts;
use crate::config::{ConfigError, Options, Role};
use crate::jobs::{self, Jobs};
use crate::metadata::Replica;
use crate::node::{self, Deployment, DriveReplica};
use crate::object::{self, DriveSet, Engine};
use crate::runtime::SystemClock;

/// Objects up to this many bytes are kept in the metadata: one log write makes them durable.
const INLINE_BYTES_MAX: usize = 4096;

/// An engine with what keeps it well.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) engine: Arc<Engine>,
    pub(super) jobs: Jobs,
    pub(super) facts: Facts,
}

impl Storage {
    /// Opens the drives of a role and recovers the metadata.
    pub(super) async fn open(options: &Options) -> Result<Self, StartError> {
        let deployment = match &options.role {
            Role::Serve { drives } => node::open_local(drives)?,
            Role::Node { .. } | Role::Gateway { .. } => {
                return Err(ConfigError::Missing("this build serves local drives only: use `holdfast serve`").into());
            }
        };
        for notice in &deployment.notices {
            tracing::warn!("{notice}");
        }
        let facts = Facts {
            deployment: deployment.id,
            drives: deployment.size,
            region: options.region.clone(),
            started: Instant::now(),
        };
        let engine = Arc::new(start_engine(deployment, &options.state).await?);
        for bucket in &options.buckets {
            match engine.create_bucket(bucket).await {
                Ok(()) | Err(object::Error::BucketExists) => {}
                Err(error) => return Err(StartError::Bucket { bucket: bucket.to_string(), error }),
            }
        }
        let jobs = jobs::start(&engine);
        Ok(Self { engine, jobs, facts })
    }
}

async fn start_engine(deployment: Deployment, state: &Path) -> Result<Engine, StartError> {
    // One file a deployment: other drives in the same place never meet the wrong database.
    let database = state.join("metadata").join(format!("{}.sqlite", deployment.id));
    let folder = database.parent().unwrap_or(state);
    std::fs::create_dir_all(folder)
        .map_err(|source| ConfigError::StateUnwritable { path: folder.to_owned(), source })?;
    let replica = |(slot, drive): &(_, Arc<_>)| Arc::new(DriveReplica::new(*slot, drive.clone())) as Arc<dyn Replica>;
    let replicas = deployment.drives.iter().map(replica).collect();
    let options = object::Options {
        replicas,
        log_quorum: node::drives_min(deployment.size),
        drives: DriveSet::new(deployment.scheme, deployment.drives),
        database,
        inline_bytes_max: INLINE_BYTES_MAX,
        clock: Arc::new(SystemClock),
    };
    Engine::start(options).await.map_err(StartError::Engine)
}
