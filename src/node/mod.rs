//! Storage nodes: drives behind the network, and drives as replicas of the metadata log.

mod replica;

pub use replica::DriveReplica;
