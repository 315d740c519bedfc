//! A deployment whose drives are on storage nodes.
//!
//! A start asks the nodes that are named for the places they list. Then it looks where the lists of members say
//! that further drives are: those joined later, on nodes and in folders that nobody named here. What is found is
//! planned as local drives are, with two differences: of a place that is not listed only a drive of this
//! deployment counts, and a blank place succeeds only the drive that was there.
//!
//! A member that is not there is waited for: its node is asked for it as long as the gateway runs.
//!
//! Crash argument, for a gateway that dies while a drive joins
//! - Before the drive is formatted: `drives.json` names a blank place, which is passed over.
//! - Before it is admitted: the next start finds it there, with a list of members that has it and is the newest,
//!   and admits it. No shard is on it yet.
//! - Before the others know: the same; they are told at the start.
//!
//! Without `drives.json` such a drive is not found, and refused when it is added again until its folder is emptied.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::address::parse_location;
use super::client::{NodeClient, RemoteDrive};
use super::deployment::{
    Deployment, DeploymentError, Place, Plan, Planned, Successor, format_of, notice, plan,
};
use super::memory::{Memory, Remembered};
use super::nodes::{NodeSites, Nodes};
use super::roll::newest;
use super::sites::{SiteError, Sites};
use super::wire::{NodeTrouble, Seen};
use crate::shard_store::{Drive, DriveError, DriveFormat, DriveState, Membership};
use crate::types::{DeploymentId, DriveId, DriveSlot};

/// How long a start waits for all nodes; one that knows its drives then goes on without the rest.
const NODES_WAIT: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Connects to nodes and puts their drives together as a deployment. `state` is the gateway's folder.
pub async fn open_nodes(
    addresses: &[String],
    secret: &[u8],
    state: &Path,
) -> Result<(Deployment, NodeSites), DeploymentError> {
    let memory = Memory::in_folder(state);
    let search = Search::begin(Nodes::new(secret), addresses, memory.read()).await;
    let is_new = search.deployment().is_none();
    if is_new && let Some(error) = search.listed.iter().find_map(|node| trouble_of(node)) {
        return Err(DeploymentError::Node(error));
    }
    let Planned { deployment: id, membership, plans } = plan(&search.places(), Successor::InPlace)?;
    let (mut drives, mut notices) = (Vec::new(), Vec::new());
    for (told, plan) in search.told.iter().zip(&plans) {
        notices.extend(notice(&told.place, plan, is_new));
        drives.extend(told.carry_out(plan, &mut notices).await?);
    }
    if drives.len() < membership.drives_min() {
        return Err(too_many_missing(&membership, &drives, &notices));
    }
    drives.extend(search.awaited(&membership, &drives, &mut notices));
    drives.sort_by_key(|(slot, _)| *slot);
    let sites = NodeSites::new(search.nodes, memory);
    sites.note(id, &membership).map_err(DeploymentError::Node)?;
    Ok((Deployment { id, drives, membership, notices }, sites))
}

/// Waits until every node is up, or cannot be used for a reason that stays.
async fn wait<'a>(nodes: impl Iterator<Item = &'a Arc<NodeClient>> + Clone) {
    let settled = |node: &Arc<NodeClient>| {
        node.is_up() || matches!(node.trouble(), Some(NodeTrouble::Secret | NodeTrouble::Stranger))
    };
    let deadline = Instant::now() + NODES_WAIT;
    while Instant::now() < deadline && !nodes.clone().all(settled) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

type Opened = (DriveSlot, Arc<dyn Drive>);

fn trouble_of(node: &NodeClient) -> Option<SiteError> {
    let lost = || NodeTrouble::Unreachable("no answer in time".into());
    let trouble = node.trouble().or_else(|| (!node.is_up()).then(lost))?;
    Some(SiteError::Node { address: node.address().to_owned(), trouble })
}

fn too_many_missing(membership: &Membership, drives: &[Opened], notices: &[String]) -> DeploymentError {
    let (size, allowed) = (membership.members.len(), usize::from(membership.parity_shards));
    DeploymentError::TooManyMissing { missing: size - drives.len(), size, allowed, paths: notices.join(", ") }
}

/// A place that a node told of.
#[derive(Debug)]
struct Told {
    node: Arc<NodeClient>,
    path: String,
    place: Place,
}

impl Told {
    fn new(node: &Arc<NodeClient>, seen: Seen) -> Self {
        let location = super::address::location_on(node.address(), &seen.path);
        let state = seen.found.ok().map(|(state, _)| state);
        let place = Place { label: location.clone(), location, state };
        Self { node: node.clone(), path: seen.path, place }
    }

    /// Has the drive opened, asking again where the connection was lost meanwhile.
    async fn open(&self, drive: DriveId) -> Result<(), DriveError> {
        match self.node.open(&self.path, drive).await {
            Err(DriveError::Offline(_)) => {
                wait(std::iter::once(&self.node)).await;
                self.node.open(&self.path, drive).await
            }
            opened => opened,
        }
    }

    /// Opens the drive, formatted first if that is the plan; none if the plan is to do without it, or its node
    /// cannot open it.
    async fn carry_out(
        &self,
        plan: &Plan,
        notices: &mut Vec<String>,
    ) -> Result<Option<Opened>, DeploymentError> {
        let label = &self.place.label;
        let format = match plan {
            Plan::Open(format) => {
                if let Err(error) = self.open(format.drive).await {
                    notices.push(format!("{label} cannot be opened: {error}; it counts as missing"));
                    return Ok(None);
                }
                format
            }
            Plan::Format(format) => {
                let formatted = self.node.format(&self.path, format).await;
                formatted.map_err(|error| DeploymentError::Unusable {
                    path: label.clone(),
                    reason: error.to_string(),
                })?;
                format
            }
            Plan::Missing | Plan::Spare | Plan::Former(_) => return Ok(None),
        };
        let drive = RemoteDrive::served(self.node.clone(), format.drive, self.path.clone());
        Ok(Some((format.slot, Arc::new(drive))))
    }
}

/// What is found out about nodes and places before anything is changed.
#[derive(Debug)]
struct Search {
    nodes: Nodes,
    /// The nodes that were named.
    listed: Vec<Arc<NodeClient>>,
    /// Others that were asked, kept connected.
    others: Vec<Arc<NodeClient>>,
    told: Vec<Told>,
    /// Locations that were looked at.
    looked: BTreeSet<String>,
}

impl Search {
    /// Asks the nodes that are named, and those where drives were last.
    async fn begin(nodes: Nodes, addresses: &[String], remembered: Option<Remembered>) -> Self {
        let named: BTreeSet<&String> = addresses.iter().collect();
        let mut listed: Vec<Arc<NodeClient>> = named.iter().map(|address| nodes.client(address)).collect();
        listed.sort_by_key(|node| addresses.iter().position(|address| address == node.address()));
        let (others, told, looked) = (Vec::new(), Vec::new(), BTreeSet::new());
        let mut search = Self { nodes, listed, others, told, looked };
        for drive in remembered.iter().flat_map(|remembered| &remembered.drives) {
            if let Some((address, _)) = parse_location(&drive.location) {
                let node = search.nodes.client(address);
                node.note_zone(drive.zone.clone());
                search.others.push(node);
            }
        }
        wait(search.listed.iter().chain(&search.others)).await;
        search.ask_listed().await;
        search.look_at_members(remembered).await;
        search
    }

    async fn ask_listed(&mut self) {
        for node in &self.listed {
            let seen = node.describe().await.unwrap_or_default();
            let told: Vec<Told> = seen.into_iter().map(|seen| Told::new(node, seen)).collect();
            self.looked.extend(told.iter().map(|told| told.place.location.clone()));
            self.told.extend(told);
        }
    }

    /// Looks where drives are by what was remembered and by the lists of members, until these tell no more.
    async fn look_at_members(&mut self, remembered: Option<Remembered>) {
        let own = self.deployment();
        let remembered = remembered.filter(|known| own.is_none() || known.deployment() == own);
        let drives = remembered.iter().flat_map(|remembered| &remembered.drives);
        let mut wanted: Vec<String> = drives.map(|drive| drive.location.clone()).collect();
        loop {
            wanted.extend(self.members_not_told());
            wanted.retain(|location| !self.looked.contains(location));
            if wanted.is_empty() {
                return;
            }
            self.look(std::mem::take(&mut wanted)).await;
        }
    }

    async fn look(&mut self, locations: Vec<String>) {
        let parsed = locations.iter().filter_map(|location| parse_location(location));
        let places: Vec<_> = parsed.map(|(address, path)| (self.nodes.client(address), path)).collect();
        // Those that are known were waited for.
        let is_known = |node: &Arc<NodeClient>| {
            self.listed.iter().chain(&self.others).any(|known| Arc::ptr_eq(known, node))
        };
        let new: Vec<_> =
            places.iter().map(|(node, _)| node.clone()).filter(|node| !is_known(node)).collect();
        wait(new.iter()).await;
        self.others.extend(new);
        for (node, path) in places {
            let Ok(seen) = node.look(path).await else { continue };
            let told = Told::new(&node, seen);
            let Some(format) = format_of(&told.place) else { continue };
            let known = self.formats().any(|known| known.drive == format.drive);
            if !known && self.deployment().is_none_or(|own| own == format.deployment) {
                self.told.push(told);
            }
        }
        self.looked.extend(locations);
    }

    fn formats(&self) -> impl Iterator<Item = &DriveFormat> {
        self.told.iter().filter_map(|told| format_of(&told.place))
    }

    /// The deployment that the drives belong to; none if all are blank.
    fn deployment(&self) -> Option<DeploymentId> {
        self.formats().next().map(|format| format.deployment)
    }

    /// Where members are of which no drive is known yet.
    fn members_not_told(&self) -> Vec<String> {
        let own = self.deployment();
        let Some(list) = newest(self.formats().filter(|format| Some(format.deployment) == own)) else {
            return Vec::new();
        };
        let told: BTreeSet<DriveId> = self.formats().map(|format| format.drive).collect();
        let others = list.members.iter().filter(|member| !told.contains(&member.drive));
        others.map(|member| member.location.clone()).collect()
    }

    /// The places told of, and one for each named node that is down.
    fn places(&self) -> Vec<Place> {
        let down = self.listed.iter().filter(|node| !node.is_up());
        let absent = down.map(|node| {
            let address = node.address().to_owned();
            Place { label: address.clone(), location: address, state: None::<DriveState> }
        });
        self.told.iter().map(|told| told.place.clone()).chain(absent).collect()
    }

    /// Members that are not there, to be up when their node is and opens them.
    fn awaited(&self, list: &Membership, there: &[Opened], notices: &mut Vec<String>) -> Vec<Opened> {
        let (mut awaited, mut down) = (Vec::new(), BTreeSet::new());
        for member in list.members.iter().filter(|member| there.iter().all(|(slot, _)| *slot != member.slot))
        {
            let Some((address, path)) = parse_location(&member.location) else { continue };
            let node = self.nodes.client(address);
            match trouble_of(&node) {
                Some(trouble) if down.insert(address) => {
                    notices.push(format!("{trouble}; its drives are waited for"));
                }
                Some(_) => {}
                None => notices.push(format!("{} is missing and is waited for", member.location)),
            }
            let drive = RemoteDrive::awaited(node, member.drive, path.to_owned());
            awaited.push((member.slot, Arc::new(drive) as Arc<dyn Drive>));
        }
        awaited
    }
}
