//! Storage nodes: drives behind the network, drives as replicas of the metadata log, and which drives
//! belong together.

mod address;
mod client;
mod cluster;
mod deployment;
mod memory;
mod nodes;
#[cfg(any(test, fuzzing))]
pub(crate) mod parsers;
mod replica;
mod roll;
mod seat;
mod server;
mod sites;
mod wire;

pub use address::{is_node_address, node_of};
pub use client::NodeClient;
pub use cluster::open_nodes;
pub use deployment::{Deployment, DeploymentError, location_of, new_drive, open_local, open_local_on};
pub use nodes::NodeSites;
pub use replica::DriveReplica;
pub use roll::prevailing;
pub use server::{NodeOptions, NodeServer};
pub use sites::{LocalSites, Site, SiteError, Sites, database_folder};
pub use wire::NodeTrouble;
