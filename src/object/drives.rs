//! The drives of a deployment, as the engine sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use futures_util::future::join_all;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::erasure::Scheme;
use crate::metadata::DrivePhase;
use crate::placement::{self, Candidate, Domain, Spot};
use crate::shard_store::{Drive, Usage};
use crate::types::{BlobId, DriveId, DriveSlot};

use super::api::{Error, Result};
use super::guard::GuardedDrive;

/// Stripes of all uploads together that are on their way to the drives: enough to keep the drives busy, and
/// the bound of the memory that parity takes.
const STRIPES_IN_FLIGHT_MAX: usize = 16;

/// Placement seeds. Blobs of one seed have the same drives while weights stand still, so that there are few
/// different lists of drives, however many blobs: fewer combinations of lost drives can lose data (Cidon et
/// al., "Copysets", 2013), and what is at risk is counted by list.
const PLACEMENT_SEEDS: u128 = 1024;

/// Drives by slot.
#[derive(Debug)]
pub struct DriveSet {
    scheme: Scheme,
    members: RwLock<Vec<Arc<Member>>>,
    names: DomainNames,
    stripes: Arc<Semaphore>,
}

#[derive(Debug)]
struct Member {
    slot: DriveSlot,
    drive: Arc<GuardedDrive>,
    total: AtomicU64,
    free: AtomicU64,
    phase: Mutex<DrivePhase>,
    zone: AtomicU32,
    node: AtomicU32,
}

impl Member {
    fn new(slot: DriveSlot, drive: Arc<GuardedDrive>, names: &DomainNames) -> Self {
        let (total, free) = (AtomicU64::new(0), AtomicU64::new(u64::from(u32::MAX)));
        let (zone, node) = (AtomicU32::new(0), AtomicU32::new(0));
        let member = Self { slot, drive, total, free, phase: Mutex::new(DrivePhase::Active), zone, node };
        member.note_domain(names);
        member
    }

    /// Learns where the drive is; a node may tell another zone after it was away.
    fn note_domain(&self, names: &DomainNames) {
        self.zone.store(names.number(&self.drive.zone()), Ordering::Relaxed);
        self.node.store(names.number(&self.drive.node()), Ordering::Relaxed);
    }

    fn spot(&self) -> Spot {
        let (zone, node) = (self.zone.load(Ordering::Relaxed), self.node.load(Ordering::Relaxed));
        Spot { slot: self.slot, domain: Domain { zone, node } }
    }

    fn phase(&self) -> DrivePhase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Numbers for the names of nodes and zones, so that placement compares no texts. That of no name is 0.
#[derive(Debug)]
struct DomainNames(Mutex<Vec<String>>);

impl DomainNames {
    fn number(&self, name: &str) -> u32 {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = names.iter().position(|known| known == name);
        known.unwrap_or_else(|| {
            names.push(name.to_owned());
            names.len() - 1
        }) as u32
    }
}

/// A drive's state for people and metrics.
#[derive(Debug, Clone)]
pub struct DriveStatus {
    /// Its slot.
    pub slot: DriveSlot,
    /// The drive.
    pub id: DriveId,
    /// Path, or node and path.
    pub label: String,
    /// The machine it is on.
    pub node: String,
    /// The zone that machine is in.
    pub zone: String,
    /// It takes operations.
    pub up: bool,
    /// How often it stopped doing so.
    pub outages: u64,
    /// Why it is suspended, if it is.
    pub suspension: Option<String>,
    /// What it is to the deployment.
    pub phase: DrivePhase,
    /// Size in bytes.
    pub total: u64,
    /// Bytes that may still be written.
    pub free: u64,
}

impl DriveSet {
    /// The drives that are present; those missing are not in the list.
    pub fn new(scheme: Scheme, drives: Vec<(DriveSlot, Arc<GuardedDrive>)>) -> Self {
        let stripes = Arc::new(Semaphore::new(STRIPES_IN_FLIGHT_MAX));
        let names = DomainNames(Mutex::new(vec![String::new()]));
        let member = |(slot, drive)| Arc::new(Member::new(slot, drive, &names));
        let members = drives.into_iter().map(member).collect();
        Self { scheme, members: RwLock::new(members), names, stripes }
    }

    /// How new blobs are erasure-coded, but in buckets that ask for something else.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Puts a drive into a slot, in place of one that is there.
    pub(crate) fn insert(&self, slot: DriveSlot, drive: Arc<GuardedDrive>) {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        members.retain(|member| member.slot != slot);
        members.push(Arc::new(Member::new(slot, drive, &self.names)));
        members.sort_by_key(|member| member.slot);
    }

    /// Takes the drive out of a slot.
    pub(crate) fn remove(&self, slot: DriveSlot) {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        members.retain(|member| member.slot != slot);
    }

    /// Says what the drive in a slot is to the deployment.
    pub(crate) fn set_phase(&self, slot: DriveSlot, phase: DrivePhase) {
        if let Some(member) = self.members().iter().find(|member| member.slot == slot) {
            *member.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
        }
    }

    fn members(&self) -> RwLockReadGuard<'_, Vec<Arc<Member>>> {
        self.members.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The drive in a slot, if it is up.
    pub fn up(&self, slot: DriveSlot) -> Option<Arc<dyn Drive>> {
        self.members()
            .iter()
            .find(|m| m.slot == slot && m.drive.is_up())
            .map(|m| m.drive.clone() as Arc<dyn Drive>)
    }

    /// The drive in a slot, if it is up and takes new shards.
    pub(crate) fn writable(&self, slot: DriveSlot) -> Option<Arc<dyn Drive>> {
        let takes = |m: &&Arc<Member>| m.slot == slot && m.drive.is_up() && takes_shards(m.phase());
        self.members().iter().find(takes).map(|m| m.drive.clone() as Arc<dyn Drive>)
    }

    /// Slots whose drive is up and known to hold what it should, but for the shards to be healed.
    pub fn holding(&self) -> BTreeSet<DriveSlot> {
        let holds = |m: &&Arc<Member>| m.drive.is_up() && m.phase() != DrivePhase::Refilling;
        self.members().iter().filter(holds).map(|m| m.slot).collect()
    }

    /// Which drive is in which slot, of those that are up.
    pub fn identities(&self) -> Vec<(DriveSlot, DriveId, String)> {
        let up = |m: &&Arc<Member>| m.drive.is_up();
        self.members().iter().filter(up).map(|m| (m.slot, m.drive.id(), m.drive.label())).collect()
    }

    /// How often drives stopped taking operations, all together.
    pub fn outages(&self) -> u64 {
        self.members().iter().map(|m| m.drive.outages()).sum()
    }

    /// Drives that take operations.
    pub fn up_count(&self) -> usize {
        self.members().iter().filter(|m| m.drive.is_up()).count()
    }

    /// How many drives are up for certain while no more fail than a scheme bears.
    pub(crate) fn up_for_certain(&self, scheme: Scheme) -> usize {
        self.members().len().saturating_sub(scheme.parity.into())
    }

    /// Waits until a stripe may be sent to the drives; held while it is on its way.
    pub(crate) async fn stripe_permit(&self) -> OwnedSemaphorePermit {
        self.stripes.clone().acquire_owned().await.expect("the semaphore is never closed")
    }

    /// Where the shards of a new blob go. With drives down some take two shards.
    pub fn place(&self, blob: BlobId, scheme: Scheme) -> Result<Vec<DriveSlot>> {
        if self.up_count() < usize::from(scheme.data) {
            return Err(Error::Unavailable("too few drives are up"));
        }
        let slots = placement::place(&self.candidates(), scheme.shards(), seed(blob));
        if slots.is_empty() { Err(Error::NoSpace) } else { Ok(slots) }
    }

    /// Whether the drives have room for an object that is kept in the metadata, which is on all of them.
    pub(crate) fn check_room(&self) -> Result<()> {
        let full = self.members().iter().filter(|m| m.free.load(Ordering::Relaxed) == 0).count();
        if full > usize::from(self.scheme.parity) { Err(Error::NoSpace) } else { Ok(()) }
    }

    /// Another place for a shard of a blob whose other shards are at `taken`: a drive that holds none
    /// of them, else, if `share` allows it, the one that holds fewest.
    pub fn place_again(&self, blob: BlobId, taken: &[DriveSlot], share: Sharing) -> Option<DriveSlot> {
        let placed = placement::place_beside(&self.candidates(), &self.spots(taken), seed(blob));
        placed.filter(|(_, crowding)| crowding.drive == 0 || share == Sharing::Allowed).map(|(slot, _)| slot)
    }

    /// As [`Self::place_again`], away from drives that `failed` while there are others.
    pub fn place_away(&self, blob: BlobId, taken: &[DriveSlot], failed: &[DriveSlot]) -> Option<DriveSlot> {
        let mut others = self.candidates();
        others.retain(|candidate| !failed.contains(&candidate.spot.slot));
        let placed = placement::place_beside(&others, &self.spots(taken), seed(blob));
        placed.map(|(slot, _)| slot).or_else(|| self.place_again(blob, taken, Sharing::Allowed))
    }

    /// The drives in some slots, and where they are.
    pub(crate) fn spots(&self, slots: &[DriveSlot]) -> Vec<Spot> {
        let domains = self.domains();
        let spot = |&slot: &DriveSlot| {
            let domain = domains.get(&slot).copied().unwrap_or(Domain::UNKNOWN);
            Spot { slot, domain }
        };
        slots.iter().map(spot).collect()
    }

    /// What a drive would fail together with on a node and in a zone of these names.
    pub(super) fn domain_named(&self, zone: &str, node: &str) -> Domain {
        Domain { zone: self.names.number(zone), node: self.names.number(node) }
    }

    /// What each drive fails together with.
    pub(crate) fn domains(&self) -> BTreeMap<DriveSlot, Domain> {
        self.members().iter().map(|m| (m.slot, m.spot().domain)).collect()
    }

    /// Slots whose drive takes new shards now.
    pub fn takers(&self) -> Vec<DriveSlot> {
        self.candidates().into_iter().map(|candidate| candidate.spot.slot).collect()
    }

    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let members = self.members();
        let takes = members.iter().filter(|m| m.drive.is_up() && takes_shards(m.phase()));
        let candidate = |m: &Arc<Member>| Candidate { spot: m.spot(), free: m.free.load(Ordering::Relaxed) };
        takes.map(candidate).filter(|c| c.free > 0).collect()
    }

    /// Asks every drive for its space, and looks after those that are suspended.
    pub async fn refresh_usage(&self) {
        let members: Vec<_> = self.members().clone();
        let refresh = members.iter().map(|member| async move {
            member.drive.look_after().await;
            member.note_domain(&self.names);
            if !member.drive.is_up() {
                return;
            }
            let drive: Arc<dyn Drive> = member.drive.clone();
            if let Ok(Usage { total, free, .. }) = drive.usage().await {
                member.total.store(total, Ordering::Relaxed);
                member.free.store(free, Ordering::Relaxed);
            }
        });
        join_all(refresh).await;
    }

    /// All drives, for people and metrics.
    pub fn status(&self) -> Vec<DriveStatus> {
        let status = |m: &Arc<Member>| DriveStatus {
            slot: m.slot,
            id: m.drive.id(),
            label: m.drive.label(),
            node: m.drive.node(),
            zone: m.drive.zone(),
            up: m.drive.is_up(),
            outages: m.drive.outages(),
            suspension: m.drive.suspension(),
            phase: m.phase(),
            total: m.total.load(Ordering::Relaxed),
            free: m.free.load(Ordering::Relaxed),
        };
        self.members().iter().map(status).collect()
    }
}

fn takes_shards(phase: DrivePhase) -> bool {
    matches!(phase, DrivePhase::Active | DrivePhase::Refilling)
}

fn seed(blob: BlobId) -> u64 {
    (blob.0 % PLACEMENT_SEEDS) as u64
}

/// Whether a drive may take a second shard of one blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Better than no shard at all.
    Allowed,
    /// Not worth the move.
    Never,
}
