//! A deployment of local drives in a temporary folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use holdfast::metadata::COPY_AFTER_BYTES;
use holdfast::node::{LocalSites, NodeOptions, NodeServer, Sites, open_local, open_nodes};
use holdfast::object::{
    Body, BodyError, CreateUploadRequest, Engine, Options, PutOutcome, PutRequest, Result, WriteCondition,
};
use holdfast::runtime::{SystemClock, Tasks};
use holdfast::shard_store::{DriveError, OsFileSystem};
use holdfast::types::{BucketName, ChecksumValue, DAY_SECS, ObjectKey, Properties, UploadId};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub const INLINE_MAX: usize = 4096;

/// A body of given chunks.
pub struct Chunks(pub std::collections::VecDeque<Bytes>);

impl Body for Chunks {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<std::result::Result<Bytes, BodyError>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }

    fn checksum(&self) -> Option<ChecksumValue> {
        None
    }
}

/// `len` bytes that differ with `seed`.
pub fn pattern(len: usize, seed: u64) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(len).collect::<Vec<u8>>().into()
}

pub fn body_of(data: &Bytes) -> Chunks {
    Chunks(data.chunks(70_001).map(Bytes::copy_from_slice).collect())
}

pub fn bucket() -> BucketName {
    BucketName::parse("photos").unwrap()
}

pub fn key(name: &str) -> ObjectKey {
    ObjectKey::parse(name).unwrap()
}

/// Drives in a temporary folder, in this process or each on a node of its own.
pub struct Deployment {
    folder: tempfile::TempDir,
    drives: usize,
    /// Those that are named at each start.
    pub nodes: Vec<Node>,
}

/// A node in this process.
pub struct Node {
    pub address: String,
    pub drives: Vec<PathBuf>,
    zone: String,
    serving: JoinHandle<()>,
}

impl Node {
    /// A node on a free port, or on the one that it had before.
    pub async fn start(address: &str, drives: Vec<PathBuf>, zone: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let open = || {
            let (drives, zone) = (drives.clone(), zone.to_owned());
            NodeServer::open(NodeOptions { drives, zone, secret: SECRET.to_vec() })
        };
        let node = loop {
            match open() {
                Ok(node) => break node,
                // One that was stopped lets its drives go when its last request has ended.
                Err(DriveError::Offline(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
                Err(error) => panic!("{error}"),
            }
        };
        let serving = tokio::spawn(Arc::new(node).serve(listener));
        Self { address, drives, zone: zone.to_owned(), serving }
    }

    /// Ends it with all its connections, as a kill does.
    pub async fn stop(&mut self) {
        self.serving.abort();
        while !self.serving.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    /// Starts it again as it was started.
    pub async fn restart(&mut self) {
        self.stop().await;
        *self = Self::start(&self.address, self.drives.clone(), &self.zone).await;
    }
}

pub const SECRET: &[u8] = b"a secret of this test";
pub const FREE_PORT: &str = "127.0.0.1:0";

impl Deployment {
    pub fn of(drives: usize) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), drives, nodes: Vec::new() }
    }

    /// The same on nodes, over real connections.
    pub async fn on_nodes(drives: usize) -> Self {
        let mut deployment = Self::of(drives);
        for index in 0..drives {
            deployment.nodes.push(deployment.node(&[index], "").await);
        }
        deployment
    }

    /// The same on nodes that are there already.
    pub fn on(nodes: Vec<Node>) -> Self {
        Self { nodes, ..Self::of(0) }
    }

    /// One more node, with these drives, which the deployment is not told of.
    pub async fn node(&self, drives: &[usize], zone: &str) -> Node {
        Node::start(FREE_PORT, drives.iter().map(|&index| self.drive(index)).collect(), zone).await
    }

    /// Both forms: what holds on one must hold on the other.
    pub async fn both(drives: usize) -> [Self; 2] {
        [Self::of(drives), Self::on_nodes(drives).await]
    }

    pub fn drive(&self, index: usize) -> PathBuf {
        self.folder.path().join(format!("drive{index}"))
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Opens the engine as the server does; the database is apart from the drives.
    pub async fn open(&self) -> Arc<Engine> {
        self.open_with_day(DAY_SECS).await
    }

    /// The same with a day of lifecycle rules that lasts so many seconds.
    pub async fn open_with_day(&self, secs: u64) -> Arc<Engine> {
        start_with_day(self.open_drives().await, self.path(), secs).await
    }

    pub async fn open_drives(&self) -> (holdfast::node::Deployment, Arc<dyn Sites>) {
        if self.nodes.is_empty() {
            let opened = open_local(&(0..self.drives).map(|i| self.drive(i)).collect::<Vec<_>>()).unwrap();
            return (opened, Arc::new(LocalSites::new(Arc::new(OsFileSystem), Tasks::threads())));
        }
        let addresses: Vec<String> = self.nodes.iter().map(|node| node.address.clone()).collect();
        let (opened, sites) = open_nodes(&addresses, SECRET, self.path()).await.unwrap();
        (opened, Arc::new(sites))
    }
}

/// Starts an engine over drives, its database in `state`.
pub async fn start(opened: (holdfast::node::Deployment, Arc<dyn Sites>), state: &Path) -> Arc<Engine> {
    start_with_day(opened, state, DAY_SECS).await
}

async fn start_with_day(
    (deployment, sites): (holdfast::node::Deployment, Arc<dyn Sites>),
    state: &Path,
    lifecycle_day_secs: u64,
) -> Arc<Engine> {
    let options = Options {
        deployment,
        sites,
        databases: vec![state.join("holdfast.db")],
        inline_bytes_max: INLINE_MAX,
        classes: Default::default(),
        copy_after_bytes: COPY_AFTER_BYTES,
        lifecycle_day_secs,
        clock: Arc::new(SystemClock),
        tasks: Tasks::threads(),
    };
    Arc::new(Engine::start(options).await.unwrap())
}

pub async fn put(engine: &Engine, name: &str, data: &Bytes) -> Result<PutOutcome> {
    let request = PutRequest {
        bucket: bucket(),
        key: key(name),
        properties: Properties::default(),
        encryption: None,
        length: Some(data.len() as u64),
        content_md5: None,
        condition: WriteCondition::Always,
    };
    engine.put(request, body_of(data)).await
}

/// Starts an upload in parts.
pub async fn start_upload(engine: &Engine, name: &str) -> UploadId {
    let request = CreateUploadRequest {
        bucket: bucket(),
        key: key(name),
        properties: Properties::default(),
        encryption: None,
        checksum: None,
    };
    engine.create_upload(request).await.unwrap().upload
}

pub async fn get(engine: &Engine, name: &str) -> Result<Bytes> {
    let object = engine.open(&bucket(), &key(name), None).await?;
    let size = object.info().size;
    read(object, 0..size).await
}

pub async fn read(object: holdfast::object::OpenObject, range: std::ops::Range<u64>) -> Result<Bytes> {
    let mut stream = object.read(range).await?;
    let mut all = Vec::new();
    while let Some(chunk) = std::future::poll_fn(|cx| stream.poll_chunk(cx)).await {
        all.extend_from_slice(&chunk?);
    }
    Ok(all.into())
}
