//! The nodes of a gateway: one client each, however many drives of it are used.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::address::{is_node_address, location_on, parse_location};
use super::client::{NodeClient, RemoteDrive};
use super::memory::{Memory, Remembered, RememberedDrive};
use super::sites::{Site, SiteError, Sites};
use super::wire::Seen;
use crate::runtime::{BoxFuture, random_bytes};
use crate::shard_store::{Drive, DriveFormat, Membership};
use crate::types::DeploymentId;

/// Clients by address. They are kept by those who use them: drives, and places that were looked at. So a node
/// of which nothing came is disconnected, and one that is used is never connected to twice.
#[derive(Debug)]
pub(super) struct Nodes {
    secret: Vec<u8>,
    /// Which gateway this is, to every node.
    instance: u128,
    clients: Mutex<BTreeMap<String, Weak<NodeClient>>>,
}

impl Nodes {
    pub(super) fn new(secret: &[u8]) -> Self {
        let instance = u128::from_be_bytes(random_bytes());
        Self { secret: secret.to_vec(), instance, clients: Mutex::default() }
    }

    /// The client of the node at an address; a new one connects in the background.
    pub(super) fn client(&self, address: &str) -> Arc<NodeClient> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|_, client| client.strong_count() > 0);
        let known = clients.get(address).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let client = NodeClient::connect(address.to_owned(), self.secret.clone(), self.instance);
            clients.insert(address.to_owned(), Arc::downgrade(&client));
            client
        })
    }

    /// The address by which a node is known already, if that is another one.
    fn known_as(&self, node: &NodeClient) -> Option<String> {
        let id = node.id()?;
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let others = clients.values().filter_map(Weak::upgrade);
        let mut others = others.filter(|other| other.address() != node.address());
        others.find(|other| other.id() == Some(id)).map(|other| other.address().to_owned())
    }

    /// The zone of a node that is used.
    fn zone(&self, address: &str) -> String {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.get(address).and_then(Weak::upgrade);
        client.map(|client| client.zone()).unwrap_or_default()
    }
}

/// Places on storage nodes.
#[derive(Debug)]
pub struct NodeSites {
    nodes: Nodes,
    memory: Memory,
}

impl NodeSites {
    pub(super) fn new(nodes: Nodes, memory: Memory) -> Self {
        Self { nodes, memory }
    }

    async fn reached(&self, address: &str) -> Result<Arc<NodeClient>, SiteError> {
        let (node, address) = (self.nodes.client(address), address.to_owned());
        if let Err(trouble) = node.reached().await {
            return Err(SiteError::Node { address, trouble });
        }
        match self.nodes.known_as(&node) {
            Some(known) => Err(SiteError::Alias { address, known }),
            None => Ok(node),
        }
    }
}

fn site_of(node: &Arc<NodeClient>, seen: Seen) -> Result<Site, SiteError> {
    let location = location_on(node.address(), &seen.path);
    match seen.found {
        Ok((state, usage)) => {
            let (database, node) = (None, Some(node.clone()));
            Ok(Site { location, path: seen.path, state, usage, database, node })
        }
        Err(error) => Err(SiteError::Unusable { location, error }),
    }
}

impl Sites for NodeSites {
    fn look<'a>(&'a self, location: &'a str) -> BoxFuture<'a, Result<Site, SiteError>> {
        Box::pin(async move {
            let parsed = parse_location(location);
            let (address, path) = parsed.ok_or_else(|| SiteError::NoLocation(location.to_owned()))?;
            let node = self.reached(address).await?;
            let seen = node.look(path).await;
            let unusable = |error| SiteError::Unusable { location: location.to_owned(), error };
            site_of(&node, seen.map_err(unusable)?)
        })
    }

    fn list<'a>(
        &'a self,
        address: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Result<Site, SiteError>>, SiteError>> {
        Box::pin(async move {
            if !is_node_address(address) {
                return Err(SiteError::NoAddress(address.to_owned()));
            }
            let node = self.reached(address).await?;
            let listed = node.describe().await;
            let unusable = |error| SiteError::Unusable { location: address.to_owned(), error };
            Ok(listed.map_err(unusable)?.into_iter().map(|seen| site_of(&node, seen)).collect())
        })
    }

    fn claim<'a>(
        &'a self,
        site: &'a Site,
        format: &'a DriveFormat,
    ) -> BoxFuture<'a, Result<Arc<dyn Drive>, SiteError>> {
        Box::pin(async move {
            let no_node = || SiteError::NoLocation(site.location.clone());
            let node = site.node.clone().ok_or_else(no_node)?;
            let formatted = node.format(&site.path, format).await;
            formatted.map_err(|error| SiteError::Unusable { location: site.location.clone(), error })?;
            Ok(Arc::new(RemoteDrive::served(node, format.drive, site.path.clone())) as Arc<dyn Drive>)
        })
    }

    fn note(&self, deployment: DeploymentId, membership: &Membership) -> Result<(), SiteError> {
        let drive = |location: &String| RememberedDrive {
            location: location.clone(),
            zone: super::node_of(location).map(|address| self.nodes.zone(address)).unwrap_or_default(),
        };
        let drives = membership.members.iter().map(|member| drive(&member.location)).collect();
        let written = self.memory.write(&Remembered::new(deployment, drives));
        let path = self.memory.path().display().to_string();
        written.map_err(|error| SiteError::NotNoted { path, error: error.to_string() })
    }
}
