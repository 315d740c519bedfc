//! The course of operations, its crashes, and what is checked after each.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use holdfast::runtime::{Tasks, seed_random};
use holdfast::shard_store::{
    Drive, DriveError, DriveFormat, FileSystem, LocalDrive, Member, Membership, Record, ShardId, ShardRead,
};
use holdfast::types::{BlobId, DeploymentId, DriveId, DriveSlot, LogEntry, LogPosition};

use crate::disk::{Disk, Disks, SimulatedFiles};
use crate::ledger::{Ledger, Stage};
use crate::rng::{Choose, Rng};

/// Where the course is stopped.
#[derive(Debug, Clone, Copy)]
pub enum Stop {
    AtChange(u64),
    /// The same, on a drive whose syncs do nothing.
    LyingAtChange(u64),
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

fn open(disks: &Arc<Disks>) -> Result<Arc<dyn Drive>, DriveError> {
    let files: Arc<dyn FileSystem> = Arc::new(SimulatedFiles(disks.clone()));
    Ok(Arc::new(LocalDrive::open_on(files, &Tasks::simulated(), &Disks::root(0))?))
}

/// Runs the course up to a change. Returns the drive as it stands then, `None` if the course ended before.
pub fn run_until(stop: Stop) -> (Option<Disk>, Ledger) {
    let disks = Disks::new(1);
    let change = match stop {
        Stop::AtChange(change) => change,
        Stop::LyingAtChange(change) => {
            disks.with(0, |disk| disk.lies = true);
            change
        }
    };
    disks.cut_power_in(change);
    seed_random(1);
    let ledger = Rc::new(RefCell::new(Ledger::default()));
    let runtime = runtime();
    // The error is that of the first operation that the power was gone for.
    let _ = runtime.block_on(course(&disks, &ledger));
    drop(runtime);
    let stopped = (!disks.has_power()).then(|| disks.with(0, |disk| disk.clone()));
    (stopped, ledger.take())
}

fn bytes(len: usize, seed: usize) -> Bytes {
    (0..len).map(|i| (i * 31 + seed * 17 + i / 251) as u8).collect()
}

fn id(blob: u128) -> ShardId {
    ShardId { blob: BlobId(blob), shard: (blob % 5) as u8 }
}

type Done = Result<(), DriveError>;

/// A bit of everything that a drive does, with two restarts of its process.
async fn course(disks: &Arc<Disks>, ledger: &RefCell<Ledger>) -> Done {
    let member = Member { slot: DriveSlot(0), drive: DriveId(2), location: "/0".into() };
    let format = DriveFormat {
        deployment: DeploymentId(1),
        drive: DriveId(2),
        slot: DriveSlot(0),
        membership: Membership { version: 1, data_shards: 1, parity_shards: 0, members: vec![member] },
        mounted: false,
    };
    LocalDrive::format_on(Arc::new(SimulatedFiles(disks.clone())), &Disks::root(0), &format)?;
    ledger.borrow_mut().formatted = true;
    let drive = open(disks)?;
    log(&drive, ledger, 1, 1..4).await?;
    together(&drive, ledger, &[(1, 700), (2, 40_000), (3, 5_000)]).await?;
    large(&drive, ledger, 4).await?;
    log(&drive, ledger, 2, 3..8).await?;
    together(&drive, ledger, &[(5, 4_096), (6, 0)]).await?;
    remove(&drive, ledger, &[2, 4]).await?;
    drop(drive);
    let drive = open(disks)?;
    together(&drive, ledger, &[(7, 20_000)]).await?;
    remove(&drive, ledger, &[1, 3, 5, 6]).await?;
    log_together(&drive, ledger, 3, 7..12).await?;
    log(&drive, ledger, 3, 12..80).await?;
    copy(&drive, ledger, 70).await?;
    ledger.borrow_mut().trimmed = 71;
    drive.log_trim(71).await?;
    drop(drive);
    let drive = open(disks)?;
    large(&drive, ledger, 8).await?;
    together(&drive, ledger, &[(9, 9_000), (10, 100)]).await?;
    log(&drive, ledger, 4, 80..84).await
}

/// Appends small shards at the same time.
async fn together(drive: &Arc<dyn Drive>, ledger: &RefCell<Ledger>, shards: &[(u128, usize)]) -> Done {
    let appends = shards.iter().map(|&(blob, len)| {
        let data = bytes(len, blob as usize);
        let noted = ledger.borrow_mut().begin_shard(id(blob), vec![data.clone()]);
        let record = Record { id: id(blob), stripe: 0, data };
        async move {
            drive.append(&record).await?;
            ledger.borrow_mut().shards[noted].written = Stage::Acknowledged;
            Ok(())
        }
    });
    futures_util::future::try_join_all(appends).await.map(drop)
}

const STRIPE_LEN: usize = 30_000;

async fn large(drive: &Arc<dyn Drive>, ledger: &RefCell<Ledger>, blob: u128) -> Done {
    let stripes = vec![bytes(STRIPE_LEN, 1), bytes(STRIPE_LEN, 2), bytes(77, 3)];
    let noted = ledger.borrow_mut().begin_shard(id(blob), stripes.clone());
    for (stripe, data) in stripes.into_iter().enumerate() {
        let record = Record { id: id(blob), stripe: stripe as u32, data };
        drive.write_stripe(&record, STRIPE_LEN as u32).await?;
    }
    drive.seal(id(blob), 3).await?;
    ledger.borrow_mut().shards[noted].written = Stage::Acknowledged;
    Ok(())
}

async fn remove(drive: &Arc<dyn Drive>, ledger: &RefCell<Ledger>, blobs: &[u128]) -> Done {
    let ids: Vec<ShardId> = blobs.iter().map(|&blob| id(blob)).collect();
    let mark = |stage| {
        let shards = &mut ledger.borrow_mut().shards;
        shards.iter_mut().filter(|shard| ids.contains(&shard.id)).for_each(|s| s.removed = Some(stage));
    };
    mark(Stage::Sent);
    drive.delete(ids.clone()).await?;
    mark(Stage::Acknowledged);
    Ok(())
}

async fn log(
    drive: &Arc<dyn Drive>,
    ledger: &RefCell<Ledger>,
    epoch: u64,
    indices: std::ops::Range<u64>,
) -> Done {
    for index in indices {
        log_together(drive, ledger, epoch, index..index + 1).await?;
    }
    Ok(())
}

/// Appends entries to the log that are durable together.
async fn log_together(
    drive: &Arc<dyn Drive>,
    ledger: &RefCell<Ledger>,
    epoch: u64,
    indices: std::ops::Range<u64>,
) -> Done {
    let entry = |index: u64| LogEntry {
        position: LogPosition { epoch, index },
        payload: bytes(200 + (index as usize * 977) % 6_000, index as usize),
    };
    let entries: Vec<LogEntry> = indices.map(entry).collect();
    let noted = entries.iter().map(|entry| (entry.position, entry.payload.clone(), Stage::Sent));
    ledger.borrow_mut().log.extend(noted);
    drive.log_append(&entries).await?;
    ledger
        .borrow_mut()
        .log
        .iter_mut()
        .rev()
        .take(entries.len())
        .for_each(|noted| noted.2 = Stage::Acknowledged);
    Ok(())
}

async fn copy(drive: &Arc<dyn Drive>, ledger: &RefCell<Ledger>, index: u64) -> Done {
    let content = bytes(10_000, 5);
    ledger.borrow_mut().copies.push((index, content.clone(), Stage::Sent));
    drive.snapshot_write(index, 0, content.slice(..6_000)).await?;
    drive.snapshot_write(index, 6_000, content.slice(6_000..)).await?;
    drive.snapshot_commit(index).await?;
    ledger.borrow_mut().copies.last_mut().unwrap().2 = Stage::Acknowledged;
    Ok(())
}

/// The states that a power cut may leave of a drive: all of them, in order, while they are few.
#[derive(Debug)]
pub struct States {
    disk: Disk,
    left: usize,
    taken: usize,
    /// The choices of the last state, each with how many possibilities there were.
    path: Vec<(usize, usize)>,
    ended: bool,
    rng: Rng,
}

/// Chooses as before, then the first possibility each time.
struct Along<'a> {
    path: &'a mut Vec<(usize, usize)>,
    at: usize,
}

impl Choose for Along<'_> {
    fn choose(&mut self, len: usize) -> usize {
        if self.at == self.path.len() {
            self.path.push((0, len));
        }
        self.at += 1;
        self.path[self.at - 1].0
    }
}

impl States {
    pub fn of(disk: Disk, most: usize, seed: u64) -> Self {
        Self { disk, left: most, taken: 0, path: Vec::new(), ended: false, rng: Rng::new(seed) }
    }

    /// Which one was given last.
    pub fn number(&self) -> usize {
        self.taken
    }

    pub fn next_state(&mut self) -> Option<Disk> {
        if self.ended || self.left == 0 {
            return None;
        }
        self.left -= 1;
        self.taken += 1;
        let mut disk = self.disk.clone();
        if self.left.is_multiple_of(2) && self.taken > 8 {
            disk.cut(&mut self.rng);
            return Some(disk);
        }
        disk.cut(&mut Along { path: &mut self.path, at: 0 });
        while self.path.last().is_some_and(|(choice, len)| choice + 1 == *len) {
            self.path.pop();
        }
        match self.path.last_mut() {
            Some((choice, _)) => *choice += 1,
            None => self.ended = true,
        }
        Some(disk)
    }
}

/// Opens the drive and holds it against the ledger; then it goes on, and is opened once more.
pub fn check(disk: Disk, ledger: &Ledger) -> Result<(), String> {
    let disks = Disks::new(1);
    disks.with(0, |place| *place = disk);
    let runtime = runtime();
    let said = |error: DriveError| error.to_string();
    runtime.block_on(async {
        let drive = match open(&disks) {
            Err(DriveError::NotFound) if !ledger.formatted => return Ok(()),
            other => other.map_err(said)?,
        };
        check_shards(&drive, ledger).await?;
        let last = check_log(&drive, ledger).await?;
        check_copies(&drive, ledger).await?;
        let position = LogPosition { epoch: 9, index: last + 1 };
        let entry = LogEntry { position, payload: bytes(5_000, 99) };
        drive.log_append(std::slice::from_ref(&entry)).await.map_err(said)?;
        let record = Record { id: id(99), stripe: 0, data: bytes(3_000, 99) };
        drive.append(&record).await.map_err(said)?;
        drop(drive);
        disks.with(0, |disk| disk.cut(&mut Along { path: &mut Vec::new(), at: 0 }));
        let drive = open(&disks).map_err(said)?;
        check_shards(&drive, ledger).await?;
        let read = drive.log_read(position.index).await.map_err(said)?;
        let again = read_stripe(&drive, record.id, 0, std::slice::from_ref(&record.data)).await;
        if read != [entry] || again != Ok(record.data) {
            return Err("what was written after the crash is not there".into());
        }
        check_log(&drive, ledger).await.map(drop)
    })
}

async fn read_stripe(
    drive: &Arc<dyn Drive>,
    id: ShardId,
    stripe: usize,
    stripes: &[Bytes],
) -> Result<Bytes, DriveError> {
    let len = stripes[stripe].len() as u32;
    let full_len = if stripes.len() > 1 { STRIPE_LEN as u32 } else { len };
    drive.read(ShardRead { id, stripe: stripe as u32, full_len, len, range: 0..len }).await
}

async fn check_shards(drive: &Arc<dyn Drive>, ledger: &Ledger) -> Result<(), String> {
    for shard in &ledger.shards {
        for (stripe, data) in shard.stripes.iter().enumerate() {
            let read = read_stripe(drive, shard.id, stripe, &shard.stripes).await;
            let right = match &read {
                Ok(read) => read == data,
                // A record torn in the middle of a batch is known as corrupt. And what is removed may give
                // its bytes back before its removal is durable.
                Err(_) => shard.written == Stage::Sent || shard.removed.is_some(),
            };
            if !right {
                let read = read.map(|bytes| bytes.len());
                return Err(format!("stripe {stripe} of {:?} reads as {read:?}", shard.id));
            }
        }
    }
    Ok(())
}

/// The log from its first entry on; returns the last index.
async fn check_log(drive: &Arc<dyn Drive>, ledger: &Ledger) -> Result<u64, String> {
    let said = |error: DriveError| error.to_string();
    let bounds = drive.log_bounds().await.map_err(said)?;
    let mut entries: Vec<LogEntry> = Vec::new();
    let mut from = bounds.first.map_or(bounds.next, |first| first.index);
    while from < bounds.next {
        let more = drive.log_read(from).await.map_err(said)?;
        from = more.last().ok_or_else(|| format!("no entry {from} of {}", bounds.next))?.position.index + 1;
        entries.extend(more);
    }
    // Every entry that was acknowledged and that no later epoch's took the place of.
    for (i, (position, payload, stage)) in ledger.log.iter().enumerate() {
        let superseded = ledger.log[i + 1..].iter().any(|(later, ..)| later.index <= position.index);
        if *stage == Stage::Sent || superseded || position.index < ledger.trimmed {
            continue;
        }
        let held = entries.iter().find(|entry| entry.position.index == position.index);
        if held.is_none_or(|held| held.position != *position || held.payload != *payload) {
            return Err(format!("log entry {position:?} is {:?}", held.map(|held| held.position)));
        }
    }
    let known = |entry: &&LogEntry| {
        entry.position.epoch < 9
            && !ledger.log.iter().any(|(at, payload, _)| *at == entry.position && *payload == entry.payload)
    };
    match entries.iter().find(known) {
        Some(strange) => Err(format!("log entry {:?} was never written", strange.position)),
        None => Ok(bounds.next - 1),
    }
}

async fn check_copies(drive: &Arc<dyn Drive>, ledger: &Ledger) -> Result<(), String> {
    let newest = drive.snapshot_newest().await.map_err(|error| error.to_string())?;
    for (index, content, stage) in &ledger.copies {
        if newest == Some(*index) {
            let read = drive.snapshot_read(*index, 0).await.map_err(|error| error.to_string())?;
            if read != content {
                return Err(format!("copy {index} has {} other bytes", read.len()));
            }
        } else if *stage == Stage::Acknowledged {
            return Err(format!("copy {index} is not there"));
        }
    }
    Ok(())
}
