//! A deployment of local drives in a temporary folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use holdfast::metadata::COPY_AFTER_BYTES;
use holdfast::node::{LocalSites, NodeServer, open_local, open_nodes};
use holdfast::object::{Body, BodyError, Engine, Options, PutOutcome, PutRequest, Result, WriteCondition};
use holdfast::runtime::{SystemClock, Tasks};
use holdfast::shard_store::OsFileSystem;
use holdfast::types::{Attributes, BucketName, ChecksumValue, ObjectKey};
use tokio::net::TcpListener;

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
    nodes: Vec<String>,
}

const SECRET: &[u8] = b"a secret of this test";

impl Deployment {
    pub fn of(drives: usize) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), drives, nodes: Vec::new() }
    }

    /// The same on nodes, over real connections.
    pub async fn on_nodes(drives: usize) -> Self {
        let mut deployment = Self::of(drives);
        for index in 0..drives {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            deployment.nodes.push(listener.local_addr().unwrap().to_string());
            let node = NodeServer::open(vec![deployment.drive(index)], SECRET.to_vec()).unwrap();
            tokio::spawn(Arc::new(node).serve(listener));
        }
        deployment
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
        start(self.open_drives().await, self.path()).await
    }

    pub async fn open_drives(&self) -> holdfast::node::Deployment {
        let opened = if self.nodes.is_empty() {
            open_local(&(0..self.drives).map(|i| self.drive(i)).collect::<Vec<_>>())
        } else {
            open_nodes(&self.nodes, SECRET, self.path()).await
        };
        opened.unwrap()
    }
}

/// Starts an engine over drives, its database in `state`.
pub async fn start(deployment: holdfast::node::Deployment, state: &Path) -> Arc<Engine> {
    let options = Options {
        deployment,
        sites: Arc::new(LocalSites::new(Arc::new(OsFileSystem), Tasks::threads())),
        databases: vec![state.join("holdfast.db")],
        inline_bytes_max: INLINE_MAX,
        copy_after_bytes: COPY_AFTER_BYTES,
        clock: Arc::new(SystemClock),
        tasks: Tasks::threads(),
    };
    Arc::new(Engine::start(options).await.unwrap())
}

pub async fn put(engine: &Engine, name: &str, data: &Bytes) -> Result<PutOutcome> {
    let request = PutRequest {
        bucket: bucket(),
        key: key(name),
        attributes: Attributes::default(),
        length: Some(data.len() as u64),
        content_md5: None,
        condition: WriteCondition::Always,
    };
    engine.put(request, body_of(data)).await
}

pub async fn get(engine: &Engine, name: &str) -> Result<Bytes> {
    let object = engine.open(&bucket(), &key(name)).await?;
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
