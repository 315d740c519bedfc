//! Storage nodes: drives behind the network, drives as replicas of the metadata log, and which drives
//! belong together.

mod deployment;
mod replica;

pub use deployment::{Deployment, DeploymentError, drives_min, open_local};
pub use replica::DriveReplica;
