//! A node as a gateway sees it: connections kept open, and its drives.
//!
//! On each connection the node is asked, first of all and then every few seconds, whether it serves the drives
//! that are used. So a node that comes back opens them, wherever on it they are, and before it counts as up it is
//! known which are open. Nothing about them is kept on the node: the list of members tells where they are.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};

use super::seat::Seat;
use super::wire::{self, Answer, Frame, NodeTrouble, Request, Seen};
use crate::runtime::BoxFuture;
use crate::shard_store::{Drive, DriveError, DriveFormat, Op, Reply};
use crate::types::DriveId;

/// Connections to each node, so that a large frame does not hold up small ones.
const CONNECTIONS: usize = 4;
/// Frames that may wait to be sent on one connection.
const QUEUE_MAX: usize = 64;
/// How long to wait before a lost connection is tried again.
const RECONNECT_AFTER: Duration = Duration::from_millis(250);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How often the node is asked for its drives, how often while it has not opened all of them, and how long it
/// may take to answer.
const PROBE_EVERY: Duration = Duration::from_secs(2);
const PROBE_AGAIN_AFTER: Duration = Duration::from_millis(500);
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
    /// Its drives that are used.
    seats: Mutex<Vec<Weak<Seat>>>,
    zone: Mutex<String>,
    /// Which node answers at the address.
    id: Mutex<Option<u128>>,
    standing: watch::Sender<Standing>,
}

/// What is known of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    Unknown,
    Up,
    Trouble(NodeTrouble),
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
            seats: Mutex::default(),
            zone: Mutex::default(),
            id: Mutex::default(),
            standing: watch::Sender::new(Standing::Unknown),
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

    /// Waits until it is known whether the node can be used.
    pub(super) async fn reached(&self) -> Result<(), NodeTrouble> {
        let mut standing = self.standing.subscribe();
        // It cannot be closed while the node is there.
        let _ = standing.wait_for(|standing| *standing != Standing::Unknown).await;
        self.trouble().map_or(Ok(()), Err)
    }

    /// Why the node cannot be used, if that is known.
    pub(super) fn trouble(&self) -> Option<NodeTrouble> {
        match &*self.standing.borrow() {
            // What one connection met with while another was made says nothing.
            _ if self.is_up() => None,
            Standing::Trouble(trouble) => Some(trouble.clone()),
            Standing::Up | Standing::Unknown => None,
        }
    }

    /// The zone it is in, as it said last.
    pub(super) fn zone(&self) -> String {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Which node answers at the address, as it said last.
    pub(super) fn id(&self) -> Option<u128> {
        *self.id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the zone it is in, or was when it was heard of last.
    pub(super) fn note_zone(&self, zone: String) {
        *self.zone.lock().unwrap_or_else(PoisonError::into_inner) = zone;
    }

    /// What stands at the places that the node lists.
    pub(super) async fn describe(&self) -> Result<Vec<Seen>, DriveError> {
        match self.request(&Request::Describe, Bytes::new()).await?.head()? {
            Answer::Places(places) => Ok(places),
            Answer::Failed(error) => Err(error),
            _ => Err(DriveError::Protocol("expected places".into())),
        }
    }

    /// What stands at a path.
    pub(super) async fn look(&self, path: &str) -> Result<Seen, DriveError> {
        let request = Request::Look { path: path.to_owned() };
        match self.request(&request, Bytes::new()).await?.head()? {
            Answer::Places(mut places) if places.len() == 1 => Ok(places.remove(0)),
            Answer::Failed(error) => Err(error),
            _ => Err(DriveError::Protocol("expected a place".into())),
        }
    }

    /// Formats the blank place at a path, and has it opened.
    pub(super) async fn format(&self, path: &str, format: &DriveFormat) -> Result<(), DriveError> {
        self.done(&Request::Format { path: path.to_owned(), format: format.clone() }).await
    }

    /// Has the drive at a path opened.
    pub(super) async fn open(&self, path: &str, drive: DriveId) -> Result<(), DriveError> {
        self.done(&Request::Open { path: path.to_owned(), drive }).await
    }

    async fn done(&self, request: &Request) -> Result<(), DriveError> {
        match self.request(request, Bytes::new()).await?.head()? {
            Answer::Done => Ok(()),
            Answer::Failed(error) => Err(error),
            _ => Err(DriveError::Protocol("expected done".into())),
        }
    }

    /// The drives that are used; those that no longer are, are forgotten.
    fn seats(&self) -> Vec<Arc<Seat>> {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        seats.retain(|seat| seat.strong_count() > 0);
        seats.iter().filter_map(Weak::upgrade).collect()
    }

    fn seat(&self, seat: Seat) -> Arc<Seat> {
        let seat = Arc::new(seat);
        self.seats.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&seat));
        seat
    }

    fn note_trouble(&self, trouble: NodeTrouble) {
        self.standing.send_if_modified(|standing| {
            // With a connection left the node is up, whatever became of another one.
            let news = !self.is_up() && *standing != Standing::Trouble(trouble.clone());
            if news {
                match &trouble {
                    NodeTrouble::Unreachable(_) => tracing::debug!(address = self.address, %trouble, "node"),
                    _ => tracing::error!(address = self.address, %trouble, "node refused"),
                }
                *standing = Standing::Trouble(trouble.clone());
            }
            news
        });
    }

    fn set_connection(&self, index: usize, connection: Option<Connection>) {
        *self.connections[index].lock().unwrap_or_else(PoisonError::into_inner) = connection;
        let up = self.connections.iter().any(|c| c.lock().unwrap_or_else(PoisonError::into_inner).is_some());
        if self.up.swap(up, Ordering::Relaxed) != up {
            let address = &self.address;
            if up {
                self.standing.send_replace(Standing::Up);
                tracing::info!(address, "node is up");
            } else {
                let lost = NodeTrouble::Unreachable("the connection was lost".into());
                self.standing.send_replace(Standing::Trouble(lost));
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
        let opened = tokio::time::timeout(CONNECT_TIMEOUT, open_connection(&address, &secret, instance));
        let late = || NodeTrouble::Unreachable("no answer in time".into());
        match opened.await.unwrap_or_else(|_| Err(late())) {
            Ok(stream) => run_connection(&node, index, stream).await,
            Err(trouble) => node.upgrade().iter().for_each(|node| node.note_trouble(trouble.clone())),
        }
        tokio::time::sleep(RECONNECT_AFTER).await;
    }
}

async fn open_connection(address: &str, secret: &[u8], instance: u128) -> Result<TcpStream, NodeTrouble> {
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
        () = attend(node, index, &connection) => {}
    }
    waiting.close();
    if let Some(node) = node.upgrade() {
        node.set_connection(index, None);
    }
}

/// Asks for the drives, then lets the connection be used, and goes on asking. Returns when the node no longer
/// answers, because a machine that hangs keeps its connections, or when nobody here uses the node any more.
async fn attend(node: &Weak<NodeClient>, index: usize, connection: &Connection) {
    let Some(mut pause) = ask_for_drives(node, connection).await else { return };
    if let Some(node) = node.upgrade() {
        node.set_connection(index, Some(connection.clone()));
    }
    loop {
        tokio::time::sleep(pause).await;
        match ask_for_drives(node, connection).await {
            Some(next) => pause = next,
            None => return,
        }
    }
}

/// Asks whether the drives that are used are served; returns when to ask again.
async fn ask_for_drives(node: &Weak<NodeClient>, connection: &Connection) -> Option<Duration> {
    let seats = node.upgrade()?.seats();
    let drives = seats.iter().map(|seat| (seat.drive, seat.path.clone())).collect();
    let (id, answered) = connection.waiting.register()?;
    let frame = Frame::new(id, &Request::Serve { drives }, Bytes::new());
    let answer = async {
        connection.frames.send(frame).await.ok()?;
        answered.await.ok()?.head().ok()
    };
    let answer = tokio::time::timeout(PROBE_TIMEOUT, answer).await.ok()??;
    let Answer::Serving { node: id, zone, drives } = answer else { return None };
    let node = node.upgrade()?;
    node.note_zone(zone);
    *node.id.lock().unwrap_or_else(PoisonError::into_inner) = Some(id);
    seats.iter().zip(&drives).for_each(|(seat, served)| seat.note(*served));
    Some(if drives.iter().all(|served| *served) { PROBE_EVERY } else { PROBE_AGAIN_AFTER })
}

/// A drive on a node.
#[derive(Debug)]
pub struct RemoteDrive {
    node: Arc<NodeClient>,
    seat: Arc<Seat>,
}

impl RemoteDrive {
    /// The drive with this id, which `node` has open.
    pub(super) fn served(node: Arc<NodeClient>, id: DriveId, path: String) -> Self {
        let seat = node.seat(Seat::served(id, path));
        Self { node, seat }
    }

    /// The same, to be up once `node` is and has opened it.
    pub(super) fn awaited(node: Arc<NodeClient>, id: DriveId, path: String) -> Self {
        let seat = node.seat(Seat::awaited(id, path));
        Self { node, seat }
    }
}

impl Drive for RemoteDrive {
    fn id(&self) -> DriveId {
        self.seat.drive
    }

    fn is_up(&self) -> bool {
        self.node.is_up() && self.seat.is_served()
    }

    fn label(&self) -> String {
        format!("{}:{}", self.node.address(), self.seat.path)
    }

    fn node(&self) -> String {
        self.node.address().to_owned()
    }

    fn zone(&self) -> String {
        self.node.zone()
    }

    fn outages(&self) -> u64 {
        self.node.outages.load(Ordering::Relaxed) + self.seat.outages()
    }

    fn call(&self, op: Op, payload: Bytes) -> BoxFuture<'_, Result<Reply, DriveError>> {
        Box::pin(async move {
            let frame = self.node.request(&Request::Drive { drive: self.seat.drive, op }, payload).await?;
            wire::reply_of(frame.head()?, frame.payload)
        })
    }
}
