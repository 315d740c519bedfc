//! One seed: a deployment through several lives, each ended by a power cut, a kill or in order.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use holdfast::erasure::Scheme;
use holdfast::metadata::{BlobLayout, DrivePhase};
use holdfast::object::{Engine, Error, ScrubCursor};
use holdfast::runtime::seed_random;
use holdfast::shard_store::{Drive, ShardId, ShardRead};
use holdfast::types::{BlobId, DriveSlot};
use tokio::time::{sleep, timeout};

use crate::chaos::{Chaos, LOG_ROTTED};
use crate::client::{Client, read_all};
use crate::deployment::{DatabaseImage, Place, Running, remove_database};
use crate::disk::Disks;
use crate::rng::Rng;
use crate::shared::{Checked, Shared, bucket};

/// How long the deployment may take to be whole again once nothing disturbs it.
const HEALED_WITHIN: Duration = Duration::from_secs(300);
/// Clients at work at the same time.
const CLIENTS: usize = 3;

/// Milliseconds on the wall.
const FIRST_LIFE_BEGINS: u64 = 1_700_000_000_000;
/// About how many changes to the drives a start makes.
const CHANGES_OF_A_START: u64 = 1_500;
/// At most so many are made until the power is cut.
const CHANGES_OF_A_LIFE: u64 = 700;

/// What a run found.
#[derive(Debug)]
pub struct Report {
    pub trace_hash: u64,
    pub tail: String,
    pub faults: BTreeMap<&'static str, u64>,
    pub result: Checked,
}

/// How a life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    InOrder,
    Killed,
    PowerCut,
}

struct World {
    place: Place,
    shared: Shared,
    rng: Rng,
    bad: Vec<usize>,
    image: Option<DatabaseImage>,
    faults: BTreeMap<&'static str, u64>,
    /// Milliseconds on the wall when the next life begins.
    wall: u64,
}

/// Runs one seed; `folder` is for its database.
pub fn run(seed: u64, folder: &Path, echo: bool, sabotage: bool) -> Report {
    let mut world = World::new(seed, folder);
    world.shared.trace.borrow_mut().echo = echo;
    if sabotage {
        (0..world.place.count).for_each(|disk| world.place.disks.with(disk, |disk| disk.lies = true));
    }
    let result = world.lives();
    let changes = world.place.disks.changes();
    world.shared.note(format!("{changes} changes on the drives: {result:?}"));
    let trace = world.shared.trace.borrow();
    Report { trace_hash: trace.hash(), tail: trace.tail(), faults: world.faults.clone(), result }
}

impl World {
    fn new(seed: u64, folder: &Path) -> Self {
        let mut rng = Rng::new(seed);
        let count = rng.range(4..7) as usize;
        let bad = choose_bad(count, &mut rng);
        let place = Place {
            disks: Disks::new(count),
            count,
            remote: rng.chance(50),
            database: folder.join("holdfast.db"),
        };
        let shared = Shared::default();
        shared.note(format!("seed {seed}: {count} drives, {bad:?} may be damaged, remote {}", place.remote));
        let (image, faults, wall) = (None, BTreeMap::new(), FIRST_LIFE_BEGINS);
        Self { place, shared, rng, bad, image, faults, wall }
    }

    fn lives(&mut self) -> Checked {
        let lives = self.rng.range(2..4);
        for life in 0..lives {
            let end = match self.rng.below(100) {
                _ if life == 0 => End::PowerCut,
                0..60 => End::PowerCut,
                60..80 => End::Killed,
                _ => End::InOrder,
            };
            self.shared.note(format!("life {life} shall end: {end:?}"));
            self.life(Some(end))?;
            // A log is not scrubbed, so what is bad in one stays.
            if self.rng.chance(20) && !self.faults.contains_key(LOG_ROTTED) {
                self.shared.note("a life without faults, in which all is mended".into());
                self.life(None)?;
                self.bad = choose_bad(self.place.count, &mut self.rng);
                self.shared.thin.set(false);
                self.shared.note(format!("from now on {:?} may be damaged", self.bad));
            }
        }
        self.shared.note("last life, without faults".into());
        self.life(None)
    }

    /// One process, from start to end; the last one has no faults and checks all there is.
    fn life(&mut self, end: Option<End>) -> Checked {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.unwrap();
        seed_random(self.rng.next());
        let began = self.wall;
        let (ended, elapsed) = runtime.block_on(async {
            let origin = tokio::time::Instant::now();
            let ended = match end {
                Some(end) => self.work(began, end).await,
                None => self.check_all(began).await.map(|()| End::InOrder),
            };
            (ended, origin.elapsed())
        });
        self.wall += elapsed.as_millis() as u64 + 1_000;
        let database = DatabaseImage::take(&self.place.database);
        drop(runtime);
        let ended = ended?;
        self.shared.note(format!("life ended: {ended:?}"));
        if ended != End::InOrder {
            database.put_back(&self.place.database);
        }
        self.after_life(ended);
        if end.is_some() {
            self.between_lives(ended);
        }
        Ok(())
    }

    fn after_life(&mut self, ended: End) {
        self.place.disks.restart(&mut self.rng);
        self.shared.model.borrow_mut().restart();
        self.shared.refusals_allowed.set(false);
        for upload in self.shared.uploads.borrow_mut().iter_mut() {
            upload.busy = false;
        }
        if ended == End::PowerCut {
            *self.faults.entry("power cut").or_default() += 1;
        }
    }

    /// What may happen while nothing runs.
    fn between_lives(&mut self, ended: End) {
        match self.rng.below(100) {
            0..20 if ended == End::PowerCut => {
                self.shared.note("the database is lost".into());
                remove_database(&self.place.database);
            }
            20..40 if ended == End::PowerCut => {
                if let Some(image) = &self.image {
                    self.shared.note("the database is an older one".into());
                    image.put_back(&self.place.database);
                }
            }
            _ => {}
        }
        let percent = *self.rng.pick(&[0, 0, 10, 50, 100]);
        for &disk in self.shared.damageable(&self.bad) {
            if self.rng.chance(percent) {
                self.shared.note(format!("drive {disk} is replaced by a blank one"));
                *self.faults.entry("drive replaced").or_default() += 1;
                self.place.disks.replace(disk);
            }
        }
    }

    async fn start(&mut self, began: u64) -> Checked<Running> {
        let mut rng = self.rng.fork();
        self.place
            .start(began, &mut rng)
            .await
            .map_err(|error| format!("the deployment did not start: {error}"))
    }

    async fn work(&mut self, began: u64, end: End) -> Checked<End> {
        let cut_at_start = end == End::PowerCut && began > FIRST_LIFE_BEGINS && self.rng.chance(20);
        if cut_at_start {
            let changes = self.rng.range(1..CHANGES_OF_A_START);
            self.place.disks.cut_power_in(changes);
        }
        let disks = self.place.disks.clone();
        let lived = async {
            let running = match self.start(began).await {
                Err(_) if !disks.has_power() => return Ok(End::PowerCut),
                other => other?,
            };
            if end == End::PowerCut && !cut_at_start {
                let changes = self.rng.range(1..CHANGES_OF_A_LIFE);
                disks.cut_power_in(changes);
            }
            let ended = self.clients_and_faults(&running, end).await?;
            if ended == End::InOrder {
                drop(running.jobs);
                running.engine.close().await;
            }
            Ok(ended)
        };
        tokio::select! {
            biased;
            () = disks.power_cut() => Ok(End::PowerCut),
            ended = lived => if disks.has_power() { ended } else { Ok(End::PowerCut) },
        }
    }

    async fn clients_and_faults(&mut self, running: &Running, end: End) -> Checked<End> {
        self.shared.refusals_allowed.set(self.bad.is_empty());
        self.make_bucket(running).await?;
        let operations = if end == End::PowerCut { 10_000 } else { self.rng.range(4..12) as usize };
        let killed_after = Duration::from_micros(self.rng.range(100..40_000));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|name| {
                let rng = self.rng.fork();
                let (engine, shared) = (running.engine.as_ref(), &self.shared);
                Client { name, engine, shared, rng }.run(operations)
            })
            .collect();
        let chaos = Chaos {
            place: &self.place,
            running,
            shared: &self.shared,
            rng: self.rng.fork(),
            bad: &self.bad,
            image: &mut self.image,
            faults: &mut self.faults,
        };
        tokio::select! {
            biased;
            () = sleep(killed_after), if end == End::Killed => Ok(End::Killed),
            done = futures_util::future::try_join_all(clients) => done.map(|_| End::InOrder),
            () = chaos.run() => Err("faults do not end".into()),
        }
    }

    async fn make_bucket(&self, running: &Running) -> Checked {
        match running.engine.create_bucket(&bucket()).await {
            Ok(()) | Err(Error::BucketExists) => Ok(()),
            Err(error) => self.shared.excuse("create bucket", &error),
        }
    }

    /// Everything acknowledged is there, and whole again.
    async fn check_all(&mut self, began: u64) -> Checked {
        let running = self.start(began).await?;
        self.make_bucket(&running).await?;
        let rng = self.rng.fork();
        let mut reader = Client { name: CLIENTS, engine: running.engine.as_ref(), shared: &self.shared, rng };
        reader.list_all(String::new(), None, 1000).await?;
        reader.list_all(String::new(), Some("/".into()), 3).await?;
        let (mut objects, mut bytes) = (0, 0);
        let names = self.shared.model.borrow().keys();
        for name in names {
            let Some((object, value)) = reader.open(&name).await? else { continue };
            let got = read_all(object, 0..value.len() as u64).await;
            if got.as_deref().ok() != Some(&value.bytes()[..]) {
                return Err(format!("{name} does not read back: {:?}", got.map(|bytes| bytes.len())));
            }
            (objects, bytes) = (objects + 1, bytes + value.len() as u64);
        }
        let counted = running.engine.head_bucket(&bucket()).await.map_err(|error| error.to_string())?;
        if (counted.objects, counted.bytes) != (objects, bytes) {
            return Err(format!("the bucket counts {counted:?}, it has {objects} objects of {bytes} bytes"));
        }
        self.check_health(&running).await?;
        drop(running.jobs);
        running.engine.close().await;
        Ok(())
    }

    /// All heals, all garbage goes, what a scrub finds heals too, and then every shard is where it should be and
    /// no drive holds others.
    async fn check_health(&self, running: &Running) -> Checked {
        self.calm(running).await?;
        scrub(&running.engine).await?;
        self.calm(running).await?;
        let found = scrub(&running.engine).await?;
        if found > 0 {
            return Err(format!("a second scrub found {found} bad shards"));
        }
        let counts = running.engine.redundancy().map_err(|error| error.to_string())?;
        if !counts.is_full() {
            return Err(format!("not all is at full redundancy: {counts:?}"));
        }
        self.check_shards(running).await?;
        self.check_orphans(running).await
    }

    /// Waits until nothing is left to heal, to remove or to encode anew.
    async fn calm(&self, running: &Running) -> Checked {
        let metadata = running.engine.metadata();
        let busy = || {
            let heals = running.engine.redundancy().map_err(|error| error.to_string())?.shards_to_heal;
            let garbage = metadata.garbage(1).map_err(|error| error.to_string())?;
            let drives = metadata.drives().map_err(|error| error.to_string())?;
            let refills = drives.iter().filter(|drive| drive.phase == DrivePhase::Refilling).count();
            let recodes = running.engine.objects_to_recode().map_err(|error| error.to_string())?;
            Ok::<_, String>((heals, garbage.len(), refills, recodes))
        };
        let calm = timeout(HEALED_WITHIN, async {
            while busy()? != (0, 0, 0, 0) || metadata.replicas_live() < self.place.count as u64 {
                sleep(Duration::from_millis(500)).await;
            }
            Ok::<_, String>(())
        });
        match calm.await {
            Ok(calm) => calm,
            Err(_) => {
                let live = metadata.replicas_live();
                Err(format!(
                    "not whole again: heals, garbage, refills, objects to encode anew {:?}, logs {live}",
                    busy()?
                ))
            }
        }
    }

    /// Every drive holds every shard that it should.
    async fn check_shards(&self, running: &Running) -> Checked {
        let metadata = running.engine.metadata();
        let blobs = metadata.blobs_after(BlobId(0), 100_000).map_err(|error| error.to_string())?;
        for layout in blobs {
            for (shard, slot) in layout.slots.iter().enumerate() {
                let id = ShardId { blob: layout.blob, shard: shard as u8 };
                check_shard(&layout, id, &running.links[usize::from(slot.0)].drive()).await?;
            }
        }
        Ok(())
    }

    /// No drive holds a shard that no row names.
    async fn check_orphans(&self, running: &Running) -> Checked {
        let metadata = running.engine.metadata();
        let orphans = async || {
            for (disk, link) in running.links.iter().enumerate() {
                for part in 0..=u8::MAX {
                    let listed = link.drive().list(part).await.map_err(|error| error.to_string())?;
                    for id in listed {
                        let layout = metadata.blob_layout(id.blob).map_err(|error| error.to_string())?;
                        let slot = layout.and_then(|layout| layout.slots.get(usize::from(id.shard)).copied());
                        if slot != Some(DriveSlot(disk as u16)) {
                            return Ok(Some(format!("{id:?} on {disk}")));
                        }
                    }
                }
            }
            Ok::<_, String>(None)
        };
        let swept = timeout(HEALED_WITHIN, async {
            while orphans().await?.is_some() {
                sleep(Duration::from_secs(1)).await;
            }
            Ok::<_, String>(())
        });
        match swept.await {
            Ok(swept) => swept,
            Err(_) => Err(format!("an orphan stays: {:?}", orphans().await?)),
        }
    }
}

/// The drives that may be damaged until all is mended again: as many as there is parity. Where it is none, any
/// drives may fail, fill up and be out of reach at the same time.
fn choose_bad(count: usize, rng: &mut Rng) -> Vec<usize> {
    let parity = usize::from(Scheme::for_drives(count).parity);
    let damaged = if rng.chance(25) { 0 } else { parity };
    let mut bad: Vec<usize> = (0..count).collect();
    while bad.len() > damaged {
        bad.remove(rng.index(bad.len()));
    }
    bad
}

/// Reads every shard; returns how many bad ones that found.
async fn scrub(engine: &Engine) -> Result<u64, String> {
    let (mut next, mut found) = (Some(ScrubCursor::START), 0);
    while let Some(from) = next {
        let scrubbed = engine.scrub(from, 1 << 20).await.map_err(|error| error.to_string())?;
        (next, found) = (scrubbed.next, found + scrubbed.found);
    }
    Ok(found)
}

/// Whether every stripe of a shard reads back.
async fn check_shard(layout: &BlobLayout, id: ShardId, drive: &Arc<dyn Drive>) -> Checked {
    let scheme = Scheme { data: layout.data_shards, parity: layout.slots.len() as u8 - layout.data_shards };
    let full_len = scheme.shard_len(layout.stripe_len as usize) as u32;
    let mut left = layout.size;
    for stripe in 0..layout.size.div_ceil(u64::from(layout.stripe_len)).max(1) as u32 {
        let len = scheme.shard_len(left.min(u64::from(layout.stripe_len)) as usize) as u32;
        left = left.saturating_sub(u64::from(layout.stripe_len));
        let read = drive.read(ShardRead { id, stripe, full_len, len, range: 0..len }).await;
        read.map_err(|error| format!("{} does not have stripe {stripe} of {id:?}: {error}", drive.label()))?;
    }
    Ok(())
}
