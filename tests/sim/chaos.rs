//! Faults, while clients work.

use std::collections::BTreeMap;
use std::time::Duration;

use holdfast::object::Intent;
use holdfast::types::Scheme;
use tokio::time::sleep;

use crate::deployment::{DatabaseImage, Place, Running, remove_database};
use crate::disk::Kind;
use crate::network::Conditions;
use crate::rng::Rng;
use crate::shared::{Shared, bucket};

/// How long after the end of a fault to many drives requests may still be refused.
const AFTERMATH: Duration = Duration::from_secs(20);

/// The fault that nothing but a new log mends.
pub const LOG_ROTTED: &str = "bits of a log flipped";

pub struct Chaos<'a> {
    pub place: &'a Place,
    pub running: &'a Running,
    pub shared: &'a Shared,
    pub rng: Rng,
    /// Drives that may be damaged, m at most.
    pub bad: &'a [usize],
    /// An older database that may come back.
    pub image: &'a mut Option<DatabaseImage>,
    /// How often there was which fault.
    pub faults: &'a mut BTreeMap<&'static str, u64>,
}

impl Chaos<'_> {
    /// One fault after another, for as long as it is polled.
    pub async fn run(mut self) {
        loop {
            let rest = self.rng.range(500..15_000);
            sleep(Duration::from_micros(rest)).await;
            self.fault().await;
        }
    }

    fn note(&mut self, what: &'static str, about: String) {
        *self.faults.entry(what).or_default() += 1;
        self.shared.note(format!("fault: {what} {about}"));
    }

    async fn fault(&mut self) {
        if self.rng.chance(5) {
            return self.change_parity().await;
        }
        if self.bad.is_empty() {
            return self.wild_fault().await;
        }
        let disk = *self.rng.pick(self.shared.damageable(self.bad));
        match self.rng.below(if self.place.remote { 13 } else { 9 }) {
            0 | 1 => self.rot(disk),
            2 => self.fail(disk),
            3 => self.fill(disk).await,
            4 => self.stall(disk).await,
            5 => self.reach_reserve().await,
            6 => {
                *self.image = Some(DatabaseImage::take(&self.place.database));
                self.shared.note("the database is copied as it is".into());
            }
            7 => {
                self.note("database lost", String::new());
                self.shared.refusals_allowed.set(true);
                remove_database(&self.place.database);
                self.rest(5_000).await;
                sleep(AFTERMATH).await;
                self.shared.refusals_allowed.set(false);
            }
            8 => self.pull(disk),
            9 => self.part(disk).await,
            10 => self.disturb(disk).await,
            11 => self.part_many().await,
            _ => self.power_cycle(disk).await,
        }
    }

    /// What may happen to any drives at the same time, as it damages none.
    async fn wild_fault(&mut self) {
        match self.rng.below(if self.place.remote { 6 } else { 3 }) {
            0 => {
                let disk = self.rng.index(self.place.count);
                self.fail(disk);
            }
            1 => {
                for disk in 0..self.place.count {
                    let room = self.rng.below(1 << 20);
                    self.place.disks.set_room(disk, self.rng.chance(80).then_some(room));
                }
                self.note("many drives full", String::new());
                self.rest(3_000).await;
                (0..self.place.count).for_each(|disk| self.place.disks.set_room(disk, None));
            }
            2 => self.reach_reserve().await,
            3 => self.part_many().await,
            4 => {
                for link in &self.running.links {
                    let parted = self.rng.chance(50);
                    link.set(Conditions { parted, ..Conditions::default() });
                }
                self.note("some parted", String::new());
                self.rest(10_000).await;
                self.running.links.iter().for_each(|link| link.set(Conditions::default()));
            }
            _ => {
                let disk = self.rng.index(self.place.count);
                self.power_cycle(disk).await;
            }
        }
        self.shared.refusals_allowed.set(true);
    }

    /// The bucket asks for other stripes, which bear as much, and what is there is encoded anew meanwhile.
    async fn change_parity(&mut self) {
        let engine = &self.running.engine;
        let default = engine.drives().scheme();
        let data = 1 + self.rng.below(default.data.into()) as u8;
        let asked = (data != default.data).then_some(Scheme { data, ..default });
        let changed = engine.set_bucket_scheme(bucket().as_str(), asked, Intent::Do).await;
        self.note("parity changed", format!("to {asked:?}: {}", changed.is_ok()));
    }

    fn rot(&mut self, disk: usize) {
        let (what, folders) = if self.rng.chance(70) {
            ("bits of shards flipped", &["segments", "blobs"][..])
        } else {
            (LOG_ROTTED, &["log"][..])
        };
        if self.place.disks.rot(disk, &mut self.rng, folders) {
            self.note(what, format!("on {disk}"));
        }
    }

    fn fail(&mut self, disk: usize) {
        let kind = *self.rng.pick(&[Kind::Read, Kind::Write, Kind::Sync, Kind::Names]);
        let times = 1 + self.rng.below(3);
        self.place.disks.fail(disk, kind, times);
        self.note("input/output errors", format!("on {disk}, {times} times {kind:?}"));
    }

    async fn fill(&mut self, disk: usize) {
        let room = self.rng.below(1 << 20);
        self.place.disks.set_room(disk, Some(room));
        self.note("drive full", format!("on {disk}, {room} bytes left"));
        self.rest(1_500).await;
        self.place.disks.set_room(disk, None);
    }

    async fn stall(&mut self, disk: usize) {
        let stalled = *self.rng.pick(&[100, 400, 6_000, 15_000]);
        self.note("drive stalled", format!("on {disk}, {stalled} ms"));
        self.running.links[disk].set(Conditions { stalled, ..Conditions::default() });
        self.rest(20_000).await;
        self.running.links[disk].set(Conditions::default());
    }

    async fn reach_reserve(&mut self) {
        self.shared.refusals_allowed.set(true);
        self.shared.thin.set(true);
        (0..self.place.count).for_each(|disk| self.place.disks.set_at_reserve(disk, true));
        self.note("all drives at their reserve", String::new());
        self.rest(3_000).await;
        (0..self.place.count).for_each(|disk| self.place.disks.set_at_reserve(disk, false));
        sleep(AFTERMATH).await;
        self.shared.refusals_allowed.set(false);
    }

    fn pull(&mut self, disk: usize) {
        self.place.disks.replace(disk);
        self.note("drive pulled", format!("{disk}, for a blank one"));
    }

    async fn part(&mut self, disk: usize) {
        self.note("parted", format!("from {disk}"));
        self.running.links[disk].set(Conditions { parted: true, ..Conditions::default() });
        self.rest(10_000).await;
        self.running.links[disk].set(Conditions::default());
    }

    async fn disturb(&mut self, disk: usize) {
        let conditions = Conditions {
            lost: self.rng.below(30),
            doubled: self.rng.below(30),
            slow: self.rng.below(500),
            ..Conditions::default()
        };
        self.note("link disturbed", format!("to {disk}: {conditions:?}"));
        self.running.links[disk].set(conditions);
        self.rest(10_000).await;
        self.running.links[disk].set(Conditions::default());
    }

    /// So many are out of reach that nothing can be written. What is being written when they are back may have passed over
    /// drives that are not damaged.
    async fn part_many(&mut self) {
        self.shared.refusals_allowed.set(true);
        self.shared.thin.set(true);
        self.note("parted from all but one", String::new());
        let reached =
            if self.bad.is_empty() { self.rng.index(self.place.count) } else { *self.rng.pick(self.bad) };
        let parted = |parted| Conditions { parted, ..Conditions::default() };
        for (disk, link) in self.running.links.iter().enumerate() {
            link.set(parted(disk != reached));
        }
        self.rest(5_000).await;
        self.running.links.iter().for_each(|link| link.set(parted(false)));
        sleep(AFTERMATH).await;
        self.shared.refusals_allowed.set(false);
    }

    /// A node loses its power and comes back.
    async fn power_cycle(&mut self, disk: usize) {
        self.note("node lost power", format!("{disk}"));
        self.place.disks.cut_one(disk);
        self.running.links[disk].serve(None);
        self.rest(5_000).await;
        self.place.disks.with(disk, |state| state.cut(&mut self.rng));
        match self.place.reopen(disk) {
            Ok(drive) => self.running.links[disk].serve(Some(drive)),
            Err(error) => self.shared.note(format!("drive {disk} does not open: {error}")),
        }
    }

    async fn rest(&mut self, millis: u64) {
        let rest = self.rng.below(millis * 1000);
        sleep(Duration::from_micros(rest)).await;
    }
}
