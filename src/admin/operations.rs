//! What the admin API can do, one method an operation.

use std::sync::Arc;

use super::Refusal;
use super::api::{
    AddDrive, AddNode, ChangeDrive, ChangeNode, DriveList, NodeList, Plan, Rebalance, RiskPage, RiskQuery,
    Scrub,
};
use super::status::drive_report;
use crate::object::Engine;
use crate::types::DriveSlot;

type Result<T> = std::result::Result<T, Refusal>;

/// Carries out what root asks for. Knows no HTTP: requests come in as values, refusals are meanings.
#[derive(Debug)]
pub(super) struct Operations {
    engine: Arc<Engine>,
}

impl Operations {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }

    /// Every drive.
    pub(super) async fn drives(&self) -> Result<DriveList> {
        Ok(DriveList { drives: self.engine.drives().status().into_iter().map(drive_report).collect() })
    }

    /// Takes one more drive into the deployment.
    pub(super) async fn add_drive(&self, _request: AddDrive) -> Result<Plan> {
        Err(not_built("add drives to a deployment"))
    }

    /// Moves all shards of a drive to others.
    pub(super) async fn drain_drive(&self, _slot: DriveSlot, _request: ChangeDrive) -> Result<Plan> {
        Err(not_built("drain drives"))
    }

    /// Takes a drive out of the deployment; its shards are rebuilt on others.
    pub(super) async fn remove_drive(&self, _slot: DriveSlot, _request: ChangeDrive) -> Result<Plan> {
        Err(not_built("remove drives"))
    }

    /// Puts another drive in a slot.
    pub(super) async fn replace_drive(
        &self,
        _slot: DriveSlot,
        _location: String,
        _request: ChangeDrive,
    ) -> Result<Plan> {
        Err(not_built("replace drives while it runs; put the new drive at the old path and restart"))
    }

    /// Every storage node.
    pub(super) async fn nodes(&self) -> Result<NodeList> {
        Err(not_built("list nodes; `drive list` shows the drives with their nodes"))
    }

    /// Takes the drives of one more node into the deployment.
    pub(super) async fn add_node(&self, _request: AddNode) -> Result<Plan> {
        Err(not_built("add nodes"))
    }

    /// Moves all shards of a node to others.
    pub(super) async fn drain_node(&self, _address: String, _request: ChangeNode) -> Result<Plan> {
        Err(not_built("drain nodes"))
    }

    /// Takes a node's drives out of the deployment.
    pub(super) async fn remove_node(&self, _address: String, _request: ChangeNode) -> Result<Plan> {
        Err(not_built("remove nodes"))
    }

    /// Evens out how full the drives are.
    pub(super) async fn rebalance(&self, _request: Rebalance) -> Result<Plan> {
        Err(not_built("rebalance drives"))
    }

    /// Reads every shard now.
    pub(super) async fn scrub(&self, _request: Scrub) -> Result<Plan> {
        Err(not_built("scrub"))
    }

    /// Objects that one more loss could cost.
    pub(super) async fn risk(&self, _query: RiskQuery) -> Result<RiskPage> {
        Err(not_built("list objects at risk"))
    }
}

fn not_built(what: &str) -> Refusal {
    Refusal::NotBuilt(format!("this version of the server cannot {what}"))
}
