//! Drives or nodes, put together to an engine with its background work.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::erasure::Scheme;
use crate::jobs::{self, Jobs, ScrubOptions};
use crate::metadata;
use crate::node::{Deployment, DeploymentError, LocalSites, Sites, database_folder, open_local, open_nodes};
use crate::object::{self, Engine};
use crate::runtime::{SystemClock, Tasks};
use crate::shard_store::OsFileSystem;
use crate::types::{ClassSchemes, DeploymentId, StorageClass};

/// How long one scrub of everything takes.
const SCRUB_PASS: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 3600);

/// File name of the metadata database.
pub(super) const DATABASE: &str = "holdfast.db";

/// An engine that is ready for requests.
#[derive(Debug)]
pub struct Storage {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The deployment's id.
    pub deployment: DeploymentId,
    /// How many drives it has.
    pub drives: usize,
    /// How new blobs are erasure-coded.
    pub scheme: Scheme,
    /// Sentences for the operator: drives missing, drives replaced.
    pub notices: Vec<String>,
    /// Background work; it ends when this is dropped.
    pub jobs: Jobs,
}

/// What an engine goes by that does not depend on where its drives are.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// Objects up to this many bytes are kept in the metadata.
    pub inline_bytes_max: usize,
    /// Seconds that a day of lifecycle rules lasts.
    pub lifecycle_day_secs: u64,
    /// How storage classes are encoded.
    pub classes: ClassSchemes,
}

/// Why there is no storage to serve.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The drives do not fit together or cannot be used.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    /// The metadata cannot be opened.
    #[error("cannot open the metadata: {}", chain(.0))]
    Metadata(#[from] object::Error),
    /// A storage class cannot have the scheme that it is given.
    #[error("--storage-class {}: {objection}", class.name())]
    StorageClass {
        /// The class.
        class: StorageClass,
        /// Why not, and what to do.
        objection: String,
    },
    /// Background work cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

fn chain(error: &object::Error) -> String {
    match error {
        object::Error::Internal(source) => source.to_string(),
        other => other.to_string(),
    }
}

/// Opens local drives. The metadata database lives on one of them, and moves to another if that fails.
pub async fn open_drives(paths: &[PathBuf], tuning: Tuning) -> Result<Storage, StorageError> {
    let deployment = open_local(paths)?;
    let present = deployment.drives.iter().map(|(_, drive)| PathBuf::from(drive.label()));
    let databases = newest_first(present.map(|path| database_folder(&path).join(DATABASE)).collect());
    let sites = LocalSites::new(Arc::new(OsFileSystem), Tasks::threads());
    open(deployment, Arc::new(sites), databases, tuning).await
}

/// Opens drives on storage nodes. The metadata database lives in the gateway's `state` folder.
pub async fn open_cluster(
    nodes: &[String],
    secret: &[u8],
    state: &Path,
    tuning: Tuning,
) -> Result<Storage, StorageError> {
    let (deployment, sites) = open_nodes(nodes, secret, state).await?;
    open(deployment, Arc::new(sites), vec![state.join("metadata").join(DATABASE)], tuning).await
}

/// Puts the newest database first; those that do not exist keep their order behind it.
fn newest_first(mut databases: Vec<PathBuf>) -> Vec<PathBuf> {
    if databases.iter().filter(|path| path.exists()).count() > 1 {
        databases.sort_by_cached_key(|path| std::cmp::Reverse(metadata::applied_index(path)));
    } else {
        databases.sort_by_key(|path| !path.exists());
    }
    databases
}

async fn open(
    deployment: Deployment,
    sites: Arc<dyn Sites>,
    databases: Vec<PathBuf>,
    tuning: Tuning,
) -> Result<Storage, StorageError> {
    let (id, drives, notices) =
        (deployment.id, deployment.membership.members.len(), deployment.notices.clone());
    let tasks = Tasks::threads();
    let options = object::Options {
        deployment,
        sites,
        databases,
        inline_bytes_max: tuning.inline_bytes_max,
        lifecycle_day_secs: tuning.lifecycle_day_secs,
        copy_after_bytes: metadata::COPY_AFTER_BYTES,
        classes: tuning.classes,
        clock: Arc::new(SystemClock),
        tasks: tasks.clone(),
    };
    let engine = Arc::new(Engine::start(options).await?);
    if let Some((class, objection)) = engine.class_objection() {
        engine.close().await;
        return Err(StorageError::StorageClass { class, objection });
    }
    let scheme = engine.drives().scheme();
    let jobs = jobs::start(&engine, ScrubOptions { pass: Some(SCRUB_PASS) }, &tasks)?;
    Ok(Storage { engine, deployment: id, drives, scheme, notices, jobs })
}
