//! Storage nodes that join and leave, with all their drives.
//!
//! A node is nothing to the deployment but its drives: it joins when they do, and has left when the last of them
//! is let go.

use super::engine::Engine;
use super::topology::{Change, ChangeError, ChangePlan, Intent, MOVING, REBUILDING, refused};
use crate::metadata::DrivePhase;
use crate::node::node_of;
use crate::types::DriveSlot;

impl Engine {
    /// Takes all blank drives that a node lists into the deployment.
    pub async fn add_node(&self, address: &str, intent: Intent) -> Change<ChangePlan> {
        let _changing = self.topology.changing.lock().await;
        let (mut blank, mut notes) = (Vec::new(), Vec::new());
        for site in self.topology.sites.list(address).await? {
            let checked = site.map_err(ChangeError::from).and_then(|site| {
                self.check_blank(&site)?;
                Ok(site)
            });
            match checked {
                Ok(site) => blank.push(site),
                Err(error) => notes.push(error.to_string()),
            }
        }
        if blank.is_empty() {
            return refused(format!("node {address} has no blank drive to add: {}", notes.join("; ")));
        }
        let mut plan = self.add_sites(&blank, intent).await?;
        let added: Vec<&str> = blank.iter().map(|site| site.path.as_str()).collect();
        plan.notes.push(format!("drives that join: {}", added.join(", ")));
        plan.notes.extend(notes);
        Ok(plan)
    }

    /// Moves all shards of a node's drives to other nodes, then lets them go.
    pub async fn drain_node(&self, address: &str, intent: Intent) -> Change<ChangePlan> {
        let _changing = self.topology.changing.lock().await;
        let slots = self.slots_on(address)?;
        let drives = self.drives.status();
        let on_node = || drives.iter().filter(|drive| slots.contains(&drive.slot));
        if on_node().all(|drive| drive.phase == DrivePhase::Draining) {
            return refused(format!("node {address} is being drained already"));
        }
        if on_node().filter(|drive| drive.up).count() < slots.len() {
            return refused(format!(
                "a drive of node {address} is down and cannot be emptied; bring it back, or rebuild what the node held \
                 elsewhere with `node remove {address}` once it is stopped"
            ));
        }
        self.check_rest(&slots)?;
        let mut plan = ChangePlan {
            during: MOVING.into(),
            after: "unchanged, on the other nodes".into(),
            ..self.plan_for(&slots)?
        };
        plan.notes.push(format!("{} are let go by themselves when they are empty", counted(&slots)));
        plan.notes.extend(self.note_on_domains(&slots, &[]));
        if intent == Intent::Do {
            for slot in slots {
                self.set_drive_phase(slot, DrivePhase::Draining).await?;
            }
            self.moves.ring();
        }
        Ok(plan)
    }

    /// Gives up a node that is lost; what its drives held is rebuilt on others.
    pub async fn remove_node(&self, address: &str, intent: Intent) -> Change<ChangePlan> {
        let _changing = self.topology.changing.lock().await;
        let slots = self.slots_on(address)?;
        for slot in &slots {
            if self.drives.up(*slot).is_some() && self.shards_on(*slot)? > 0 {
                return refused(format!(
                    "the drive in slot {} of node {address} works and holds shards; empty the node with `node drain \
                     {address}`, which lets it go",
                    slot.0
                ));
            }
        }
        self.check_rest(&slots)?;
        let mut plan = ChangePlan {
            during: REBUILDING.into(),
            after: "every object at full redundancy, on the other nodes".into(),
            ..self.plan_for(&slots)?
        };
        plan.notes.push(format!(
            "{} cannot come back with what they hold; emptied, they can be added again",
            counted(&slots)
        ));
        plan.notes.extend(self.note_on_domains(&slots, &[]));
        if intent == Intent::Do {
            for slot in slots {
                self.let_go(slot).await?;
            }
            self.heals.ring();
        }
        Ok(plan)
    }

    /// Slots of the members on a node.
    fn slots_on(&self, address: &str) -> Change<Vec<DriveSlot>> {
        let members = self.topology.membership().members;
        let on_it = members.iter().filter(|member| node_of(&member.location) == Some(address));
        let slots: Vec<DriveSlot> = on_it.map(|member| member.slot).collect();
        if slots.is_empty() { Err(ChangeError::NoSuchNode(address.to_owned())) } else { Ok(slots) }
    }
}

fn counted(slots: &[DriveSlot]) -> String {
    let slots: Vec<String> = slots.iter().map(|slot| slot.0.to_string()).collect();
    format!("the drives in {} {}", if slots.len() == 1 { "slot" } else { "slots" }, slots.join(", "))
}
