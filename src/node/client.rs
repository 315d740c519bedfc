//! A node as a gateway sees it: connections kept open, and its drives.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use super::wire::{self, Answer, Frame, Request};
use crate::runtime::BoxFuture;
use crate::shard_store::{Drive, DriveError, DriveFormat, DriveState, Op, Reply};
use crate::types::DriveId;

/// Connections to each node, so that a large frame does not hold up small ones.
const CONNECTIONS: usize = 4;
/// Frames that may wait to be sent on one connection.
const QUEUE_MAX: usize = 64;
/// How long to wait before a lost connection is tried again.
const RECONNECT_AFTER: Duration = Duration::from_millis(250);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How often an idle connection is tried, and how long the node may take to answer.
const PROBE_EVERY: Duration = Duration::from_secs(2);
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// A node.
#[derive(Debug)]
pub struct NodeClient {
    address: String,
    secret: Vec<u8>,
    /// Which gateway this is, to the node.
    instance: u128,
    connections: Vec<Mutex<Option<Connection>>>,
    next_connection: AtomicUsize,
    up: AtomicBool,
    /// How often it went down.
    outages: AtomicU64,
}

#[derive(Debug, Clone)]
struct Connection {
    frames: mpsc::Sender<Frame>,
    waiting: Arc<Waiting>,
}

/// Requests sent and not yet answered; dropping an entry tells its owner that the connection is gone.
#[derive(Debug, Default)]
struct Waiting {
    next_id: AtomicU64,
    answers: Mutex<Option<HashMap<u64, oneshot::Sender<Frame>>>>,
}

impl Waiting {
    fn new() -> Self {
        Self { next_id: AtomicU64::new(1), answers: Mutex::new(Some(HashMap::new())) }
    }

    /// A new id and where its answer arrives; `None` once the connection is lost.
    fn register(&self) -> Option<(u64, oneshot::Receiver<Frame>)> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.insert(id, answer);
        Some((id, answered))
    }

    fn take(&self, id: u64) -> Option<oneshot::Sender<Frame>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.remove(&id)
    }

    fn close(&self) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl NodeClient {
    /// A node at `address`, used by the gateway `instance`. Connections are made, and made again, in the
    /// background.
    pub fn connect(address: String, secret: Vec<u8>, instance: u128) -> Arc<Self> {
        let node = Arc::new(Self {
            address,
            secret,
            instance,
            connections: (0..CONNECTIONS).map(|_| Mutex::default()).collect(),
            next_connection: AtomicUsize::new(0),
            up: AtomicBool::new(false),
            outages: AtomicU64::new(0),
        });
        for index in 0..CONNECTIONS {
            tokio::spawn(keep_connected(Arc::downgrade(&node), index));
        }
        node
    }

    /// Where the node is.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether it can be reached.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    fn offline(&self) -> DriveError {
        DriveError::Offline(format!("node {} cannot be reached", self.address))
    }

    fn connection(&self) -> Option<Connection> {
        let start = self.next_connection.fetch_add(1, Ordering::Relaxed);
        let at = |i| &self.connections[(start + i) % CONNECTIONS];
        (0..CONNECTIONS).find_map(|i| at(i).lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn request(&self, request: &Request, payload: Bytes) -> Result<Frame, DriveError> {
        let connection = self.connection().ok_or_else(|| self.offline())?;
        let (id, answered) = connection.waiting.register().ok_or_else(|| self.offline())?;
        let frame = Frame::new(id, request, payload);
        connection.frames.send(frame).await.map_err(|_| self.offline())?;
        answered.await.map_err(|_| self.offline())
    }

    /// The node's drives: where they are and what stands there.
    pub async fn describe(&self) -> Result<Vec<(String, DriveState)>, DriveError> {
        match self.request(&Request::Describe, Bytes::new()).await?.head()? {
            Answer::Drives(drives) => Ok(drives),
            Answer::Failed(error) => Err(error),
            _ => Err(DriveError::Protocol("expected drives".into())),
        }
    }

    /// Formats the blank drive at a position of the node's list.
    pub async fn format(&self, position: u16, format: &DriveFormat) -> Result<(), DriveError> {
        let request = Request::Format { position, format: format.clone() };
        match self.request(&request, Bytes::new()).await?.head()? {
            Answer::Done => Ok(()),
            Answer::Failed(error) => Err(error),
            _ => Err(DriveError::Protocol("expected done".into())),
        }
    }

    fn set_connection(&self, index: usize, connection: Option<Connection>) {
        *self.connections[index].lock().unwrap_or_else(PoisonError::into_inner) = connection;
        let up = self.connections.iter().any(|c| c.lock().unwrap_or_else(PoisonError::into_inner).is_some());
        if self.up.swap(up, Ordering::Relaxed) != up {
            let address = &self.address;
            if up {
                tracing::info!(address, "node is up");
            } else {
                self.outages.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(address, "node is down");
            }
        }
    }
}

/// Keeps one connection open until the node is dropped.
async fn keep_connected(node: Weak<NodeClient>, index: usize) {
    loop {
        let Some(strong) = node.upgrade() else { return };
        let (address, secret, instance) = (strong.address.clone(), strong.secret.clone(), strong.instance);
        drop(strong);
        match tokio::time::timeout(CONNECT_TIMEOUT, open_connection(&address, &secret, instance)).await {
            Ok(Ok(stream)) => run_connection(&node, index, stream).await,
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                tracing::error!(address, %error, "node refused");
            }
            Ok(Err(error)) => tracing::debug!(address, %error, "node not reached"),
            Err(_) => tracing::debug!(address, "node not reached in time"),
        }
        tokio::time::sleep(RECONNECT_AFTER).await;
    }
}

async fn open_connection(address: &str, secret: &[u8], instance: u128) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    wire::introduce(&mut stream, secret, instance).await?;
    Ok(stream)
}

/// Sends and receives until the connection is lost or the node stops answering.
async fn run_connection(node: &Weak<NodeClient>, index: usize, stream: TcpStream) {
    let (mut read, mut write) = stream.into_split();
    let (frames, mut queue) = mpsc::channel::<Frame>(QUEUE_MAX);
    let waiting = Arc::new(Waiting::new());
    let connection = Connection { frames, waiting: waiting.clone() };
    if let Some(node) = node.upgrade() {
        node.set_connection(index, Some(connection.clone()));
    }
    let send = async {
        while let Some(frame) = queue.recv().await {
            if frame.send(&mut write).await.is_err() {
                return;
            }
        }
    };
    let receive = async {
        let mut reader = tokio::io::BufReader::with_capacity(64 << 10, &mut read);
        while let Ok(Some(frame)) = Frame::receive(&mut reader).await {
            if let Some(answer) = waiting.take(frame.id) {
                let _ = answer.send(frame);
            }
        }
    };
    tokio::select! {
        () = send => {}
        () = receive => {}
        () = probe(node, &connection) => {}
    }
    waiting.close();
    if let Some(node) = node.upgrade() {
        node.set_connection(index, None);
    }
}

/// Returns when the node no longer answers, because a machine that hangs keeps its connections, or when
/// nobody here uses the node any more.
async fn probe(node: &Weak<NodeClient>, connection: &Connection) {
    loop {
        tokio::time::sleep(PROBE_EVERY).await;
        if node.strong_count() == 0 {
            return;
        }
        let Some((id, answered)) = connection.waiting.register() else { return };
        let frame = Frame::new(id, &Request::Ping, Bytes::new());
        let answer = async { connection.frames.send(frame).await.is_ok() && answered.await.is_ok() };
        if !tokio::time::timeout(PROBE_TIMEOUT, answer).await.unwrap_or(false) {
            return;
        }
    }
}

/// A drive on a node.
#[derive(Debug)]
pub struct RemoteDrive {
    node: Arc<NodeClient>,
    id: DriveId,
    path: String,
}

impl RemoteDrive {
    /// The drive with this id on `node`.
    pub fn new(node: Arc<NodeClient>, id: DriveId, path: String) -> Self {
        Self { node, id, path }
    }
}

impl Drive for RemoteDrive {
    fn id(&self) -> DriveId {
        self.id
    }

    fn is_up(&self) -> bool {
        self.node.is_up()
    }

    fn label(&self) -> String {
        format!("{}:{}", self.node.address(), self.path)
    }

    fn node(&self) -> String {
        self.node.address().to_owned()
    }

    fn outages(&self) -> u64 {
        self.node.outages.load(Ordering::Relaxed)
    }

    fn call(&self, op: Op, payload: Bytes) -> BoxFuture<'_, Result<Reply, DriveError>> {
        Box::pin(async move {
            let frame = self.node.request(&Request::Drive { drive: self.id, op }, payload).await?;
            wire::reply_of(frame.head()?, frame.payload)
        })
    }
}
