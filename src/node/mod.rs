//! Storage nodes: drives behind the network, drives as replicas of the metadata log, and which drives
//! belong together.

mod client;
mod cluster;
mod deployment;
mod replica;
mod server;
mod sites;
mod wire;

pub use client::{NodeClient, RemoteDrive};
pub use cluster::open_nodes;
pub use deployment::{Deployment, DeploymentError, location_of, new_drive, open_local, open_local_on};
pub use replica::DriveReplica;
pub use server::NodeServer;
pub use sites::{LocalSites, Site, Sites, database_folder};
