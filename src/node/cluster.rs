//! A deployment whose drives are on storage nodes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::client::{NodeClient, RemoteDrive};
use super::deployment::{Deployment, DeploymentError, Place, Plan, Planned, plan};
use crate::runtime::random_bytes;
use crate::shard_store::{Drive, DriveState};
use crate::types::{DriveId, DriveSlot};

/// How long a start waits for all nodes; one that knows its drives then goes on without the rest.
const NODES_WAIT: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What a gateway remembers of its drives, in its state folder.
const REMEMBERED: &str = "drives.json";

/// A drive as a gateway remembers it, so that it can wait for a node that is down at its start.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Remembered {
    slot: u16,
    drive: String,
    node: String,
    path: String,
}

/// A drive that a node told of.
struct Told {
    node: Arc<NodeClient>,
    position: u16,
    place: Place,
    path: String,
}

/// Connects to nodes and puts their drives together as a deployment. `state` is the gateway's folder.
pub async fn open_nodes(
    addresses: &[String],
    secret: &[u8],
    state: &Path,
) -> Result<Deployment, DeploymentError> {
    let instance = u128::from_be_bytes(random_bytes());
    let connect = |address: &String| NodeClient::connect(address.clone(), secret.to_vec(), instance);
    let nodes: Vec<Arc<NodeClient>> = addresses.iter().map(connect).collect();
    let deadline = Instant::now() + NODES_WAIT;
    while Instant::now() < deadline && nodes.iter().any(|node| !node.is_up()) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let (mut told, mut down) = (Vec::new(), Vec::new());
    for node in &nodes {
        match node.describe().await {
            Ok(drives) => {
                told.extend(drives.into_iter().enumerate().map(|(i, drive)| told_of(node, i, drive)))
            }
            Err(_) => down.push(node.clone()),
        }
    }
    let places = all_places(&told, &down);
    let Planned { deployment: id, membership, plans } = plan(&places)?;
    let mut notices: Vec<String> = down
        .iter()
        .map(|node| format!("node {} is down; its drives are waited for", node.address()))
        .collect();
    let mut drives = Vec::new();
    let is_new = !told.iter().any(|told| matches!(told.place.state, Some(DriveState::Formatted(_))));
    for (told, plan) in told.iter().zip(plans) {
        let format = match plan {
            Plan::Open(format) => format,
            Plan::Format(format) => {
                let formatted = told.node.format(told.position, &format).await;
                formatted.map_err(|error| DeploymentError::Unusable {
                    path: told.place.label.clone(),
                    reason: error.to_string(),
                })?;
                if !is_new {
                    notices.push(format!(
                        "{} is blank and takes the place of a lost drive; it is being refilled",
                        told.place.label
                    ));
                }
                format
            }
            Plan::Missing | Plan::Spare | Plan::Former(_) => continue,
        };
        drives.push((format.slot, format.drive, told.node.clone(), told.path.clone()));
    }
    drives.extend(
        remembered(state, &down)
            .into_iter()
            .filter(|(slot, ..)| drives.iter().all(|(at, ..)| at != slot))
            .collect::<Vec<_>>(),
    );
    drives.sort_by_key(|(slot, ..)| *slot);
    remember(state, &drives)?;
    let open = |(slot, id, node, path)| (slot, Arc::new(RemoteDrive::new(node, id, path)) as Arc<dyn Drive>);
    let drives = drives.into_iter().map(open).collect();
    Ok(Deployment { id, drives, membership, notices })
}

fn told_of(node: &Arc<NodeClient>, position: usize, (path, state): (String, DriveState)) -> Told {
    let label = format!("{}:{path}", node.address());
    let place = Place { location: label.clone(), label, state: Some(state) };
    Told { node: node.clone(), position: position as u16, place, path }
}

/// The drives told of, and a place for each node that is down.
fn all_places(told: &[Told], down: &[Arc<NodeClient>]) -> Vec<Place> {
    let absent = |node: &Arc<NodeClient>| {
        let address = node.address().to_owned();
        Place { label: address.clone(), location: address, state: None }
    };
    told.iter().map(|told| told.place.clone()).chain(down.iter().map(absent)).collect()
}

type Known = (DriveSlot, DriveId, Arc<NodeClient>, String);

/// Drives of the nodes that are down, as far as they are remembered.
fn remembered(state: &Path, down: &[Arc<NodeClient>]) -> Vec<Known> {
    let text = std::fs::read(state.join(REMEMBERED)).unwrap_or_default();
    let rows: Vec<Remembered> = serde_json::from_slice(&text).unwrap_or_default();
    let known = |row: Remembered| {
        let node = down.iter().find(|node| node.address() == row.node)?.clone();
        Some((DriveSlot(row.slot), DriveId::parse(&row.drive)?, node, row.path))
    };
    rows.into_iter().filter_map(known).collect()
}

fn remember(state: &Path, drives: &[Known]) -> Result<(), DeploymentError> {
    let row = |(slot, drive, node, path): &Known| Remembered {
        slot: slot.0,
        drive: drive.to_string(),
        node: node.address().to_owned(),
        path: path.clone(),
    };
    let rows: Vec<Remembered> = drives.iter().map(row).collect();
    let text = serde_json::to_vec_pretty(&rows).expect("plain fields serialize");
    let written = std::fs::create_dir_all(state).and_then(|()| std::fs::write(state.join(REMEMBERED), text));
    written.map_err(|error| DeploymentError::Unusable {
        path: state.display().to_string(),
        reason: error.to_string(),
    })
}
