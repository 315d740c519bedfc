//! A deployment in one process: drives in memory, links, engine, background work, and its database.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast::jobs::{self, Jobs, ScrubOptions};
use holdfast::node::{LocalSites, open_local_on};
use holdfast::object::{Engine, Options};
use holdfast::runtime::{Clock, Tasks};
use holdfast::sealing::RootKey;
use holdfast::shard_store::{Drive, FileSystem, LocalDrive};
use holdfast::types::{ClassScheme, ClassSchemes, DriveSlot, Scheme, StorageClass, Timestamp};
use tokio::time::Instant;

use crate::disk::{Disks, SimulatedFiles};
use crate::network::Link;
use crate::rng::Rng;

/// Objects up to this length are kept in the metadata.
const INLINE_BYTES_MAX: usize = 4096;

/// So few that a life sees copies of the database, and logs trimmed behind them.
const COPY_AFTER_BYTES: std::ops::RangeInclusive<u64> = 32 << 10..=64 << 10;

/// Wall-clock time that goes with the simulated time.
#[derive(Debug)]
struct SimulatedClock {
    origin: Instant,
    began: u64,
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.began + self.origin.elapsed().as_millis() as u64)
    }
}

/// What outlives a process.
#[derive(Debug)]
pub struct Place {
    pub disks: Arc<Disks>,
    pub count: usize,
    /// The drives are on nodes, each with a link.
    pub remote: bool,
    pub database: PathBuf,
}

/// A running deployment.
pub struct Running {
    pub engine: Arc<Engine>,
    pub links: Vec<Arc<Link>>,
    pub jobs: Jobs,
}

impl Place {
    fn files(&self) -> Arc<dyn FileSystem> {
        Arc::new(SimulatedFiles(self.disks.clone()))
    }

    /// Archives have other stripes, which bear as much.
    fn classes(&self) -> ClassSchemes {
        let default = Scheme::for_drives(self.count);
        let narrow = Scheme { data: default.data.saturating_sub(1).max(1), ..default };
        [(StorageClass::GlacierIr, ClassScheme::Own(narrow))].into()
    }

    /// Starts what the server starts. `began` is the time on the wall.
    pub async fn start(&self, began: u64, rng: &mut Rng) -> Result<Running, String> {
        let tasks = Tasks::simulated();
        let roots: Vec<PathBuf> = (0..self.count).map(Disks::root).collect();
        let mut deployment =
            open_local_on(&self.files(), &tasks, &roots).map_err(|error| error.to_string())?;
        if deployment.drives.len() != self.count {
            return Err(format!("only {} drives were opened", deployment.drives.len()));
        }
        let link =
            |(_, drive): &(DriveSlot, Arc<dyn Drive>)| Link::new(drive.clone(), self.remote, rng.fork());
        let links: Vec<Arc<Link>> = deployment.drives.iter().map(link).collect();
        for ((_, drive), link) in deployment.drives.iter_mut().zip(&links) {
            *drive = link.drive();
        }
        let options = Options {
            deployment,
            sites: Arc::new(LocalSites::new(self.files(), tasks.clone())),
            databases: vec![self.database.clone()],
            inline_bytes_max: INLINE_BYTES_MAX,
            classes: self.classes(),
            copy_after_bytes: COPY_AFTER_BYTES,
            lifecycle_day_secs: holdfast::types::DAY_SECS,
            clock: Arc::new(SimulatedClock { origin: Instant::now(), began }),
            tasks: tasks.clone(),
        };
        let engine = Arc::new(Engine::start(options).await.map_err(|error| format!("{error:?}"))?);
        if !engine.unlock_keyring(RootKey::new(&[1; 32])) {
            return Err("the keyring does not open".into());
        }
        let jobs =
            jobs::start(&engine, ScrubOptions { pass: None }, &tasks).map_err(|error| error.to_string())?;
        Ok(Running { engine, links, jobs })
    }

    /// Opens one drive again, as its node does when it starts.
    pub fn reopen(&self, disk: usize) -> Result<Arc<dyn Drive>, String> {
        let drive = LocalDrive::open_on(self.files(), &Tasks::simulated(), &Disks::root(disk));
        drive.map(|drive| Arc::new(drive) as Arc<dyn Drive>).map_err(|error| error.to_string())
    }
}

/// The database's files at one moment.
#[derive(Debug, Clone, Default)]
pub struct DatabaseImage(Vec<Option<Vec<u8>>>);

const SUFFIXES: [&str; 2] = ["", "-wal"];

fn file(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

impl DatabaseImage {
    pub fn take(database: &Path) -> Self {
        Self(SUFFIXES.map(|suffix| std::fs::read(file(database, suffix)).ok()).into())
    }

    pub fn put_back(&self, database: &Path) {
        remove_database(database);
        for (suffix, content) in SUFFIXES.iter().zip(&self.0) {
            if let Some(content) = content {
                std::fs::write(file(database, suffix), content).unwrap();
            }
        }
    }
}

pub fn remove_database(database: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(file(database, suffix));
    }
}
