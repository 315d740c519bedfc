//! Drives that join and leave while traffic runs.
//!
//! What a drive is to the deployment is a row of the metadata; the list of members on every drive follows it,
//! so that a start finds all drives and refuses former ones. A crash between the two leaves an older list: a
//! drive that was let go meanwhile is let go at the next start, one that was being admitted brings its own list,
//! which is newer, if it is found. A version of the list is used once: a drive that was formatted and then not
//! admitted has a list that counts less than any later one.
//!
//! - A drive that joins takes a new slot, and a replica of the log, before the first shard is placed on it.
//! - A drive that leaves is let go when no row names it: drained first, or, if it is lost, when the next pass of
//!   healing has listed what it held.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::api::{Error, Result};
use super::engine::Engine;
use super::guard::GuardedDrive;
use super::redundancy::Redundancy;
use crate::metadata::{DrivePhase, DriveRow, Mutation};
use crate::node::{DriveReplica, NodeTrouble, Site, SiteError, Sites, new_drive};
use crate::placement::{Candidate, Spot};
use crate::runtime::random_bytes;
use crate::shard_store::{Drive, DriveState, Member, Membership};
use crate::types::{DeploymentId, DriveId, DriveSlot};

/// The redundancy while shards are moved, and while those of a lost drive are rebuilt.
pub(super) const MOVING: &str = "unchanged: a shard is durable in its new place before it leaves the old one";
pub(super) const REBUILDING: &str =
    "redundancy rises as shards are rebuilt, those of the least safe objects first";

/// Who belongs to the deployment, and where more could.
#[derive(Debug)]
pub(super) struct Topology {
    pub(super) deployment: DeploymentId,
    pub(super) sites: Arc<dyn Sites>,
    pub(super) membership: Mutex<Membership>,
    /// Held while drives join or leave: one change at a time.
    pub(super) changing: tokio::sync::Mutex<()>,
}

impl Topology {
    pub(super) fn membership(&self) -> Membership {
        self.membership.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The list under a version that was never used.
    fn next_membership(&self) -> Membership {
        let mut membership = self.membership.lock().unwrap_or_else(PoisonError::into_inner);
        membership.version += 1;
        membership.clone()
    }

    /// Has it written down where the drives are. What is not noted is known to the drives.
    fn note(&self, membership: &Membership) {
        if let Err(error) = self.sites.note(self.deployment, membership) {
            tracing::warn!(%error, "where the drives are is not noted");
        }
    }
}

/// What a change of drives amounts to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangePlan {
    /// Bytes of shards that move or are rebuilt.
    pub bytes: u64,
    /// About how many shards those are.
    pub shards: u64,
    /// The redundancy as it is.
    pub now: String,
    /// While the change is under way.
    pub during: String,
    /// When it is done.
    pub after: String,
    /// What else the operator should know.
    pub notes: Vec<String>,
}

/// Why a change of drives is not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It makes no sense as things are: a sentence with the remedy.
    #[error("{0}")]
    Refused(String),
    /// What it names cannot be: a sentence with the remedy.
    #[error("{0}")]
    Malformed(String),
    /// It cannot be made now and perhaps later: a sentence with the remedy.
    #[error("{0}")]
    NotNow(String),
    /// There is no such drive.
    #[error("there is no drive in slot {}; `holdfast admin drive list` shows all", .0.0)]
    NoSuchDrive(DriveSlot),
    /// There is no such bucket.
    #[error("there is no bucket {0}; `holdfast admin bucket list` shows all")]
    NoSuchBucket(String),
    /// There is no such node.
    #[error("no drive of the deployment is on a node {0}; `holdfast admin node list` shows all")]
    NoSuchNode(String),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] Error),
}

impl From<SiteError> for ChangeError {
    fn from(error: SiteError) -> Self {
        match &error {
            SiteError::NoLocation(_) | SiteError::NoAddress(_) | SiteError::NoNodes => {
                Self::Malformed(error.to_string())
            }
            SiteError::Node { trouble: NodeTrouble::Unreachable(_), .. } | SiteError::NotNoted { .. } => {
                Self::NotNow(error.to_string())
            }
            SiteError::Node { .. } | SiteError::Alias { .. } | SiteError::Unusable { .. } => {
                Self::Refused(error.to_string())
            }
        }
    }
}

impl From<crate::metadata::MetadataError> for ChangeError {
    fn from(error: crate::metadata::MetadataError) -> Self {
        Self::Engine(error.into())
    }
}

pub(super) type Change<T> = std::result::Result<T, ChangeError>;

pub(super) fn refused<T>(sentence: String) -> Change<T> {
    Err(ChangeError::Refused(sentence))
}

/// Whether a change is made or only planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// It is made.
    Do,
    /// It is planned.
    Plan,
}

impl Engine {
    /// Takes a blank drive into the deployment. New shards go to it at once, old ones as drives are evened out.
    pub async fn add_drive(&self, location: &str, intent: Intent) -> Change<ChangePlan> {
        let _changing = self.topology.changing.lock().await;
        let site = self.blank_site(location).await?;
        self.add_sites(&[site], intent).await
    }

    /// Takes blank drives into the deployment, one after the other up to the first that fails.
    pub(super) async fn add_sites(&self, sites: &[Site], intent: Intent) -> Change<ChangePlan> {
        let rows = self.store.drives()?;
        let next = rows.iter().map(|row| row.slot.0 + 1).max().unwrap_or(0);
        let slots: Vec<DriveSlot> = (next..).map(DriveSlot).take(sites.len()).collect();
        let plan = self.plan_addition(&slots, sites)?;
        if intent == Intent::Plan {
            return Ok(plan);
        }
        let mut joined = 0;
        for (slot, site) in slots.into_iter().zip(sites) {
            let member = Member { slot, drive: new_drive_id(), location: site.location.clone() };
            match self.join(member, site).await {
                Ok(()) => joined += 1,
                Err(error) if joined == 0 => return Err(error),
                // Those that did join are to be used, whatever became of the rest.
                Err(error) => {
                    self.rebalance(Intent::Do).await?;
                    return Err(error);
                }
            }
        }
        self.rebalance(Intent::Do).await?;
        Ok(plan)
    }

    /// Puts a blank drive in the place of one that is lost; what that held is rebuilt on it.
    pub async fn replace_drive(&self, slot: DriveSlot, location: &str, intent: Intent) -> Change<ChangePlan> {
        let _changing = self.topology.changing.lock().await;
        self.member_row(slot)?;
        if self.drives.up(slot).is_some() {
            return refused(format!(
                "the drive in slot {} works; add the new one with `drive add {location}` and then `drive drain {}`",
                slot.0, slot.0
            ));
        }
        let site = self.blank_site(location).await?;
        let plan = ChangePlan {
            during: REBUILDING.into(),
            after: "every object at full redundancy".into(),
            ..self.plan_for(&[slot])?
        };
        if intent == Intent::Do {
            self.store.remove_replica(slot, self.quorum_of(self.members_now()), None).await?;
            let member = Member { slot, drive: new_drive_id(), location: site.location.clone() };
            self.join(member, &site).await?;
            self.heals.ring();
        }
        Ok(plan)
    }

    /// Moves all shards of a drive to others, then lets it go.
    pub async fn drain_drive(&self, slot: DriveSlot, intent: Intent) -> Change<ChangePlan> {
        let _changing = self.topology.changing.lock().await;
        let row = self.member_row(slot)?;
        if row.phase == DrivePhase::Draining {
            return refused(format!("the drive in slot {} is being drained already", slot.0));
        }
        if self.drives.up(slot).is_none() {
            return refused(format!(
                "the drive in slot {} is down and cannot be emptied; bring it back, or rebuild what it held elsewhere \
                 with `drive remove {}`",
                slot.0, slot.0
            ));
        }
        self.check_rest(&[slot])?;
        let mut plan = ChangePlan {
            during: MOVING.into(),
            after: "unchanged, on the other drives".into(),
            ..self.plan_for(&[slot])?
        };
        plan.notes.push("the drive is let go by itself when it is empty".into());
        plan.notes.extend(self.note_on_domains(&[slot], &[]));
        if intent == Intent::Do {
            self.set_drive_phase(slot, DrivePhase::Draining).await?;
            self.moves.ring();
        }
        Ok(plan)
    }

    /// Gives up a drive that is lost; what it held is rebuilt on the others.
    pub async fn remove_drive(&self, slot: DriveSlot, intent: Intent) -> Change<ChangePlan> {
        let _changing = self.topology.changing.lock().await;
        self.member_row(slot)?;
        if self.drives.up(slot).is_some() && self.shards_on(slot)? > 0 {
            return refused(format!(
                "the drive in slot {} works and holds shards; empty it with `drive drain {}`, which lets it go",
                slot.0, slot.0
            ));
        }
        self.check_rest(&[slot])?;
        let mut plan = ChangePlan {
            during: REBUILDING.into(),
            after: "every object at full redundancy, on the other drives".into(),
            ..self.plan_for(&[slot])?
        };
        plan.notes
            .push("the drive cannot come back with what it holds; emptied, it can be added again".into());
        plan.notes.extend(self.note_on_domains(&[slot], &[]));
        if intent == Intent::Do {
            self.let_go(slot).await?;
            self.heals.ring();
        }
        Ok(plan)
    }

    /// Lets drained drives go that nothing names any more. Returns how many.
    pub(crate) async fn let_go_drained(&self) -> Change<usize> {
        let _changing = self.topology.changing.lock().await;
        let mut gone = 0;
        for row in self.store.drives()?.iter().filter(|row| row.phase == DrivePhase::Draining) {
            if self.shards_on(row.slot)? == 0 {
                tracing::info!(drive = row.location, "the drive is empty and is let go");
                self.let_go(row.slot).await?;
                gone += 1;
            }
        }
        Ok(gone)
    }

    /// Slots of drives that were given up and that rows still name.
    pub(crate) fn removed_but_named(&self) -> Result<Vec<DriveSlot>> {
        let named = self.named_slots()?;
        let rows = self.store.drives()?.into_iter();
        let removed = rows.filter(|row| row.phase == DrivePhase::Removed && named.contains(&row.slot));
        Ok(removed.map(|row| row.slot).collect())
    }

    /// Shards that rows place on the drive in a slot.
    pub fn shards_on(&self, slot: DriveSlot) -> Result<u64> {
        let on_it =
            |group: &crate::metadata::Group| group.slots.iter().filter(|at| **at == slot).count() as u64;
        let spreads = self.store.spreads()?;
        let single = spreads.iter().filter(|spread| spread.groups.len() == 1);
        Ok(single.map(|spread| spread.blobs * on_it(&spread.groups[0])).sum())
    }

    fn named_slots(&self) -> Result<BTreeSet<DriveSlot>> {
        let spreads = self.store.spreads()?;
        let named = spreads.iter().filter(|spread| spread.blobs > 0).flat_map(|spread| &spread.groups);
        Ok(named.flat_map(|group| group.slots.iter().copied()).collect())
    }

    fn member_row(&self, slot: DriveSlot) -> Change<DriveRow> {
        let rows = self.store.drives()?;
        let row = rows.into_iter().find(|row| row.slot == slot && row.phase != DrivePhase::Removed);
        row.ok_or(ChangeError::NoSuchDrive(slot))
    }

    /// What is at a location, if a drive can be made of it.
    async fn blank_site(&self, location: &str) -> Change<Site> {
        let site = self.topology.sites.look(location).await?;
        self.check_blank(&site)?;
        Ok(site)
    }

    /// Refuses a place of which no drive can be made.
    pub(super) fn check_blank(&self, site: &Site) -> Change<()> {
        let location = &site.location;
        match &site.state {
            DriveState::Blank { .. } => Ok(()),
            DriveState::Foreign => {
                refused(format!("{location} holds files that are not Holdfast's; give an empty folder"))
            }
            DriveState::Formatted(format) if format.deployment != self.topology.deployment => refused(
                format!("{location} is a drive of another deployment; empty the folder to use it here"),
            ),
            DriveState::Formatted(format) => {
                let is_member = self.topology.membership().members.iter().any(|m| m.drive == format.drive);
                refused(match is_member {
                    true => {
                        format!("{location} is a drive of this deployment already, in slot {}", format.slot.0)
                    }
                    false => format!(
                        "{location} holds a drive that left this deployment, or whose addition was cut short; empty \
                         the folder to add it"
                    ),
                })
            }
        }
    }

    /// What the drives in some slots hold, and how safe everything is now.
    pub(super) fn plan_for(&self, slots: &[DriveSlot]) -> Change<ChangePlan> {
        let redundancy = self.redundancy()?;
        let (mut bytes, mut shards) = (0, 0);
        for slot in slots {
            bytes += redundancy.held.get(slot).copied().unwrap_or(0);
            shards += self.shards_on(*slot)?;
        }
        let notes = match redundancy.unreadable.objects {
            0 => Vec::new(),
            objects => {
                vec![format!("{objects} objects can only be read when drives that are down come back")]
            }
        };
        Ok(ChangePlan { bytes, shards, now: redundancy.sentence(), notes, ..ChangePlan::default() })
    }

    fn plan_addition(&self, slots: &[DriveSlot], sites: &[Site]) -> Change<ChangePlan> {
        let redundancy = self.redundancy()?;
        let mut stock = self.stock()?;
        let new = |(slot, site): (&DriveSlot, &Site)| super::moves::Stock {
            slot: *slot,
            capacity: site.usage.free,
            held: 0,
            leaving: false,
        };
        stock.extend(slots.iter().zip(sites).map(new));
        let bytes = super::moves::to_move(&stock, self.drives.scheme().shards());
        let shards = self.average_shards(bytes)?;
        let unknown = sites.iter().filter(|site| site.usage.total == 0);
        let mut notes: Vec<String> =
            unknown.map(|site| format!("the size of {} is not known", site.location)).collect();
        let joining = slots.iter().zip(sites).map(|(slot, site)| Candidate {
            spot: Spot { slot: *slot, domain: self.drives.domain_named(&site.zone(), &site.node_name()) },
            free: site.usage.free,
        });
        notes.extend(self.note_on_domains(&[], &joining.collect::<Vec<_>>()));
        Ok(ChangePlan {
            bytes,
            shards,
            now: redundancy.sentence(),
            during: MOVING.into(),
            after: "unchanged, with more room".into(),
            notes,
        })
    }

    /// About how many shards so many bytes are.
    pub(super) fn average_shards(&self, bytes: u64) -> Result<u64> {
        let held: u64 = self.redundancy()?.held.values().sum();
        let spreads = self.store.spreads()?;
        let single = spreads.iter().filter(|spread| spread.groups.len() == 1);
        let shards: u64 = single.map(|spread| spread.blobs * spread.groups[0].slots.len() as u64).sum();
        Ok((u128::from(bytes) * u128::from(shards)).div_ceil(u128::from(held.max(1))) as u64)
    }

    /// Refuses to do without some drives when the others are too few, or too full.
    pub(super) fn check_rest(&self, leaving: &[DriveSlot]) -> Change<()> {
        let mut others = self.drives.status();
        others
            .retain(|drive| drive.up && drive.phase == DrivePhase::Active && !leaving.contains(&drive.slot));
        let (active, needed) = (others.len(), usize::from(self.shards_max()));
        if active < needed {
            let instead = match leaving {
                [slot] => {
                    format!(", or put a new one in this place with `drive replace {} LOCATION`", slot.0)
                }
                _ => String::new(),
            };
            return refused(format!(
                "a stripe needs {needed} drives and {active} others are up; add drives first{instead}"
            ));
        }
        let free: u64 = others.iter().map(|drive| drive.free).sum();
        let held = self.redundancy()?.held;
        let held: u64 = leaving.iter().filter_map(|slot| held.get(slot)).sum();
        if free < held + held / 20 {
            return refused(format!(
                "{held} bytes would have to go elsewhere and the other drives have room for {free}; add drives first"
            ));
        }
        Ok(())
    }

    fn members_now(&self) -> usize {
        self.topology.membership().members.len()
    }

    fn quorum_of(&self, members: usize) -> usize {
        members.saturating_sub(usize::from(self.drives.scheme().parity)).max(1)
    }

    /// Makes a drive of a blank place and takes it in. Where it is going to be is noted before it is formatted,
    /// so that a start after a crash finds it.
    async fn join(&self, member: Member, site: &Site) -> Change<()> {
        let before = self.topology.next_membership();
        let mut membership = before.clone();
        membership.members.retain(|other| other.slot != member.slot);
        membership.members.push(member.clone());
        membership.members.sort_by_key(|member| member.slot);
        self.topology.sites.note(self.topology.deployment, &membership)?;
        let slot = member.slot;
        let admitted = self.claim_and_admit(member, site, &membership).await;
        match admitted {
            Ok(drive) => {
                self.take_in(slot, drive).await?;
                self.set_membership(membership).await;
                Ok(())
            }
            Err(error) => {
                self.store.remove_replica(slot, self.quorum_of(before.members.len()), None).await?;
                self.topology.note(&before);
                Err(error)
            }
        }
    }

    /// Formats the drive, gives it a replica of the log, and writes down that it is a member.
    async fn claim_and_admit(
        &self,
        member: Member,
        site: &Site,
        membership: &Membership,
    ) -> Change<Arc<GuardedDrive>> {
        let format = new_drive(self.topology.deployment, &member, membership);
        let drive = Arc::new(GuardedDrive::new(self.topology.sites.claim(site, &format).await?));
        let replica = Arc::new(DriveReplica::new(member.slot, drive.clone()));
        let quorum = self.quorum_of(membership.members.len());
        let database = site.database.as_ref().map(|folder| folder.join(&self.database_name));
        self.store.add_replica(replica, quorum, database).await?;
        let (slot, location) = (member.slot, member.location);
        self.store.commit(Mutation::AdmitDrive { slot, drive: drive.id(), location }).await?;
        Ok(drive)
    }

    async fn take_in(&self, slot: DriveSlot, drive: Arc<GuardedDrive>) -> Result<()> {
        self.drives.insert(slot, drive);
        for row in self.store.drives()? {
            self.drives.set_phase(row.slot, row.phase);
        }
        self.drives.refresh_usage().await;
        Ok(())
    }

    /// Ends the membership of the drive in a slot.
    pub(super) async fn let_go(&self, slot: DriveSlot) -> Change<()> {
        let mut membership = self.topology.next_membership();
        let location = membership.member(slot).map(|member| PathBuf::from(&member.location));
        membership.members.retain(|member| member.slot != slot);
        self.store.commit(Mutation::SetDrivePhase { slot, phase: DrivePhase::Removed }).await?;
        let quorum = self.quorum_of(membership.members.len());
        self.store.remove_replica(slot, quorum, location).await?;
        // The drive itself learns it too, where it can.
        self.set_membership(membership).await;
        self.drives.remove(slot);
        Ok(())
    }

    async fn set_membership(&self, membership: Membership) {
        self.topology.note(&membership);
        *self.topology.membership.lock().unwrap_or_else(PoisonError::into_inner) = membership;
        self.tell_membership().await;
    }

    /// Lets drives go that are still listed although their rows say that they left, as a crash in the middle
    /// leaves them, and tells every drive the list.
    pub(super) async fn renew_membership(&self) -> Result<()> {
        let removed = self.store.drives()?.into_iter().filter(|row| row.phase == DrivePhase::Removed);
        for row in removed.filter(|row| self.topology.membership().member(row.slot).is_some()) {
            if let Err(error) = self.let_go(row.slot).await {
                tracing::warn!(drive = row.location, %error, "a drive that left is still listed");
            }
        }
        self.tell_membership().await;
        Ok(())
    }

    /// Writes the list of members to every drive that is up and has an older one.
    pub async fn tell_membership(&self) {
        let membership = self.topology.membership();
        for drive in self.drives.status().into_iter().filter(|drive| drive.up) {
            let Some(open) = self.drives.up(drive.slot) else { continue };
            if let Err(error) = open.set_membership(membership.clone()).await {
                tracing::warn!(drive = drive.label, %error, "the list of drives was not written to this one");
            }
        }
    }
}

fn new_drive_id() -> DriveId {
    DriveId(u128::from_be_bytes(random_bytes()))
}

impl Redundancy {
    /// How safe everything is, in a sentence.
    pub fn sentence(&self) -> String {
        let part = |count: u64, what: &str| (count > 0).then(|| format!("{count} objects {what}"));
        let parts = [
            part(self.unreadable.objects, "cannot be read"),
            part(self.zero.objects, "would not survive the loss of another drive"),
            part(self.reduced.objects, "are at reduced redundancy"),
            part(self.full.objects, "are at full redundancy"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "there are no objects".into() } else { parts.join(", ") }
    }
}
