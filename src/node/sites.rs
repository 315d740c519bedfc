//! Where drives can be: folders of this machine, or of storage nodes. What is asked of a place before and when
//! a drive joins a deployment that runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::client::NodeClient;
use super::deployment::location_of;
use super::wire::NodeTrouble;
use crate::runtime::{BoxFuture, Tasks};
use crate::shard_store::{
    Drive, DriveError, DriveFormat, DriveState, FileSystem, LocalDrive, Membership, Usage, inspect_on,
    usage_on,
};
use crate::types::DeploymentId;

/// A place for a drive.
#[derive(Debug, Clone)]
pub struct Site {
    /// As it is written down: an absolute path, or node and path.
    pub location: String,
    /// The path alone.
    pub path: String,
    /// What stands there.
    pub state: DriveState,
    /// Its size and free space.
    pub usage: Usage,
    /// The folder that a metadata database could be kept in, where that is on this machine.
    pub database: Option<PathBuf>,
    /// The node it is on, which is kept connected meanwhile; none for this machine.
    pub node: Option<Arc<NodeClient>>,
}

impl Site {
    /// The node it is on; empty for this machine.
    pub fn node_name(&self) -> String {
        self.node.as_ref().map(|node| node.address().to_owned()).unwrap_or_default()
    }

    /// The zone that the node is in; empty where none is named.
    pub fn zone(&self) -> String {
        self.node.as_ref().map(|node| node.zone()).unwrap_or_default()
    }
}

/// Why a place cannot be used. Each is a sentence with its remedy.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The text names no place on a node.
    #[error("{0} is no place on a node; name node and absolute path, like node5:9100:/mnt/disk1")]
    NoLocation(String),
    /// The text names no node.
    #[error("{0} is no node; name host and port, like node5:9100")]
    NoAddress(String),
    /// This server has no nodes.
    #[error("the drives of this server are folders of its own machine; add one with `drive add FOLDER`")]
    NoNodes,
    /// The node cannot be used.
    #[error("node {address} cannot be used: {trouble}; {}", remedy(trouble))]
    Node {
        /// The node.
        address: String,
        /// Why.
        trouble: NodeTrouble,
    },
    /// The same node has another address. Its drives would count as those of two nodes, which fail apart.
    #[error("node {address} is the node that is known as {known}; use that address")]
    Alias {
        /// The address given.
        address: String,
        /// The one that is used.
        known: String,
    },
    /// What is there cannot be looked at or written.
    #[error("{location} cannot be used: {error}; check that it exists and may be written")]
    Unusable {
        /// The place.
        location: String,
        /// Why.
        error: DriveError,
    },
    /// The gateway cannot write down where its drives are.
    #[error("{path} cannot be written: {error}; check the gateway's state folder")]
    NotNoted {
        /// The file.
        path: String,
        /// What the system said.
        error: String,
    },
}

fn remedy(trouble: &NodeTrouble) -> &'static str {
    match trouble {
        NodeTrouble::Unreachable(_) => {
            "check that `holdfast node` runs there and that the network leads to it"
        }
        NodeTrouble::Stranger => "check the address, and that both sides are of the same version",
        NodeTrouble::Secret => "start it with the cluster secret of this gateway",
        NodeTrouble::InUse => "stop that one first: a node serves one gateway",
    }
}

/// Looks at places, and makes drives of blank ones.
pub trait Sites: Send + Sync + std::fmt::Debug {
    /// What is at a location, which is left as it is.
    fn look<'a>(&'a self, location: &'a str) -> BoxFuture<'a, Result<Site, SiteError>>;

    /// The places that a node lists, and why one cannot be used.
    fn list<'a>(&'a self, address: &'a str)
    -> BoxFuture<'a, Result<Vec<Result<Site, SiteError>>, SiteError>>;

    /// Formats what must be blank and opens it.
    fn claim<'a>(
        &'a self,
        site: &'a Site,
        format: &'a DriveFormat,
    ) -> BoxFuture<'a, Result<Arc<dyn Drive>, SiteError>>;

    /// Writes down where the drives are, those that are about to be formatted too, where a start would not find
    /// them otherwise.
    fn note(&self, deployment: DeploymentId, membership: &Membership) -> Result<(), SiteError>;
}

/// Folders of this machine.
#[derive(Debug)]
pub struct LocalSites {
    files: Arc<dyn FileSystem>,
    tasks: Tasks,
}

impl LocalSites {
    /// Folders of a file system.
    pub fn new(files: Arc<dyn FileSystem>, tasks: Tasks) -> Self {
        Self { files, tasks }
    }
}

/// Where a drive's copy of the metadata database is.
pub fn database_folder(root: &Path) -> PathBuf {
    root.join("metadata")
}

impl LocalSites {
    /// Does what waits for a disk, away from the requests.
    async fn blocking<T: Send + 'static>(
        &self,
        location: &str,
        work: impl FnOnce() -> Result<T, DriveError> + Send + 'static,
    ) -> Result<T, SiteError> {
        let done = self.tasks.blocking(work).await;
        let done = done.unwrap_or_else(|error| Err(DriveError::Offline(error.to_string())));
        done.map_err(|error| SiteError::Unusable { location: location.to_owned(), error })
    }
}

impl Sites for LocalSites {
    fn look<'a>(&'a self, location: &'a str) -> BoxFuture<'a, Result<Site, SiteError>> {
        let (files, root) = (self.files.clone(), PathBuf::from(location_of(Path::new(location))));
        let look = move || {
            let state = inspect_on(files.clone(), &root)?;
            let usage = usage_on(files, &root)?;
            let path = root.display().to_string();
            let database = Some(database_folder(&root));
            Ok(Site { location: path.clone(), path, state, usage, database, node: None })
        };
        Box::pin(self.blocking(location, look))
    }

    fn list<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<Result<Site, SiteError>>, SiteError>> {
        Box::pin(async { Err(SiteError::NoNodes) })
    }

    fn claim<'a>(
        &'a self,
        site: &'a Site,
        format: &'a DriveFormat,
    ) -> BoxFuture<'a, Result<Arc<dyn Drive>, SiteError>> {
        let (files, tasks, format) = (self.files.clone(), self.tasks.clone(), format.clone());
        let root = PathBuf::from(&site.path);
        let claim = move || {
            match inspect_on(files.clone(), &root)? {
                DriveState::Blank { .. } => LocalDrive::format_on(files.clone(), &root, &format)?,
                DriveState::Formatted(_) | DriveState::Foreign => {
                    return Err(DriveError::Protocol("the folder is not blank".into()));
                }
            }
            Ok(Arc::new(LocalDrive::open_on(files, &tasks, &root)?) as Arc<dyn Drive>)
        };
        Box::pin(self.blocking(&site.location, claim))
    }

    /// The list on the drives tells it, and a start is told of one of them at least.
    fn note(&self, _: DeploymentId, _: &Membership) -> Result<(), SiteError> {
        Ok(())
    }
}
