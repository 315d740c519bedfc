//! A storage node: its drives, served to gateways.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::deployment::location_of;
use super::wire::{self, Answer, Frame, Request, Seen};
use crate::runtime::{Tasks, random_bytes};
use crate::shard_store::{
    Drive, DriveError, DriveFormat, DriveState, LocalDrive, OsFileSystem, inspect, usage_on,
};
use crate::types::DriveId;

/// Requests of one connection under way at a time; more wait in the socket.
const REQUESTS_MAX: usize = 128;
/// Answers of one connection that may wait to be sent.
const ANSWERS_MAX: usize = 128;
/// How long a connection may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// How long a connection may take over the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long until a drive that could not be opened is tried again.
const OPEN_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What a node serves.
#[derive(Debug)]
pub struct NodeOptions {
    /// Folders of drives; gateways may name more.
    pub drives: Vec<PathBuf>,
    /// The zone that the node is in; empty for none.
    pub zone: String,
    /// What gateways must prove to know.
    pub secret: Vec<u8>,
}

/// A node's drives.
#[derive(Debug)]
pub struct NodeServer {
    secret: Vec<u8>,
    /// Tells this process from others, whatever its address.
    id: u128,
    zone: String,
    /// The places that the node lists, absolute.
    places: Vec<PathBuf>,
    open: RwLock<Vec<Arc<LocalDrive>>>,
    /// Held while a drive is formatted or opened.
    changing: Mutex<()>,
    /// Held while drives that a gateway asks for are opened.
    opening: Arc<tokio::sync::Mutex<()>>,
    gateway: Mutex<Weak<Tenancy>>,
    tasks: Tasks,
}

/// The gateway instance that uses the node, for as long as one of its connections lives.
#[derive(Debug)]
struct Tenancy(u128);

impl NodeServer {
    /// Opens the listed drives that are formatted; blank ones wait for a gateway to claim them.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn open(options: NodeOptions) -> Result<Self, DriveError> {
        let places: Vec<PathBuf> =
            options.drives.iter().map(|place| PathBuf::from(location_of(place))).collect();
        let mut open = Vec::new();
        for place in &places {
            if let DriveState::Formatted(_) = inspect(place)? {
                open.push(Arc::new(LocalDrive::open(place)?));
            }
        }
        Ok(Self {
            secret: options.secret,
            id: u128::from_be_bytes(random_bytes()),
            zone: options.zone,
            places,
            open: RwLock::new(open),
            changing: Mutex::default(),
            opening: Arc::default(),
            gateway: Mutex::new(Weak::new()),
            tasks: Tasks::threads(),
        })
    }

    /// Serves connections until dropped.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let node = self.clone();
                    connections.spawn(async move {
                        if let Err(error) = node.connection(stream).await {
                            tracing::info!(%peer, %error, "gateway connection ended");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "accept connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Takes the node for a gateway instance, unless another one uses it.
    fn claim(&self, instance: u128) -> Option<Arc<Tenancy>> {
        let mut gateway = self.gateway.lock().unwrap_or_else(PoisonError::into_inner);
        match gateway.upgrade() {
            Some(tenancy) => (tenancy.0 == instance).then_some(tenancy),
            None => {
                let tenancy = Arc::new(Tenancy(instance));
                *gateway = Arc::downgrade(&tenancy);
                Some(tenancy)
            }
        }
    }

    async fn connection(self: Arc<Self>, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let accepted = wire::accept(&mut stream, &self.secret, |instance| self.claim(instance));
        let _tenancy = tokio::time::timeout(HANDSHAKE_TIMEOUT, accepted).await??;
        let (mut read, mut write) = stream.into_split();
        let (answers, mut waiting) = mpsc::channel::<Frame>(ANSWERS_MAX);
        let sender = tokio::spawn(async move {
            while let Some(answer) = waiting.recv().await {
                answer.send(&mut write).await?;
            }
            Ok::<_, std::io::Error>(())
        });
        let room = Arc::new(Semaphore::new(REQUESTS_MAX));
        let mut reader = tokio::io::BufReader::with_capacity(64 << 10, &mut read);
        // A gateway whose machine is gone does not close its connections; one that lives asks every few seconds.
        while let Some(frame) = tokio::time::timeout(SILENCE_MAX, Frame::receive(&mut reader)).await?? {
            let Ok(permit) = room.clone().acquire_owned().await else { break };
            let (node, answers) = (self.clone(), answers.clone());
            tokio::spawn(async move {
                let (answer, payload) = node.handle(&frame).await;
                let _ = answers.send(Frame::new(frame.id, &answer, payload)).await;
                drop(permit);
            });
        }
        drop(answers);
        sender.await.map_err(std::io::Error::other)?
    }

    async fn handle(self: &Arc<Self>, frame: &Frame) -> (Answer, Bytes) {
        let answer = match frame.head() {
            Err(error) => Err(error),
            Ok(Request::Serve { drives }) => Ok(self.keep_open(drives)),
            Ok(Request::Describe) => self.blocking(|node| Ok(Answer::Places(node.describe()))).await,
            Ok(Request::Look { path }) => {
                self.blocking(move |_| Ok(Answer::Places(vec![look(&absolute(&path)?)]))).await
            }
            Ok(Request::Format { path, format }) => {
                self.blocking(move |node| node.format(&absolute(&path)?, &format)).await
            }
            Ok(Request::Open { path, drive }) => {
                self.blocking(move |node| node.open_drive(&absolute(&path)?, drive)).await
            }
            Ok(Request::Drive { drive, op }) => match self.drive(drive) {
                Some(drive) => return wire::answer_of(drive.call(op, frame.payload.clone()).await),
                None => Err(DriveError::Offline("this node does not have the drive open".into())),
            },
        };
        (answer.unwrap_or_else(Answer::Failed), Bytes::new())
    }

    async fn blocking(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<Answer, DriveError> + Send + 'static,
    ) -> Result<Answer, DriveError> {
        let node = self.clone();
        let done = self.tasks.blocking(move || work(&node)).await;
        done.unwrap_or_else(|error| Err(DriveError::Offline(error.to_string())))
    }

    fn drive(&self, id: DriveId) -> Option<Arc<LocalDrive>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.iter().find(|open| open.id() == id).cloned()
    }

    /// Tells which of these drives are served, and sees to it that the others will be.
    fn keep_open(self: &Arc<Self>, drives: Vec<(DriveId, String)>) -> Answer {
        let served = |id: DriveId| self.drive(id).map(|drive| drive.is_up());
        let flags = drives.iter().map(|(id, _)| served(*id) == Some(true)).collect();
        let missing: Vec<_> = drives.into_iter().filter(|(id, _)| served(*id).is_none()).collect();
        if !missing.is_empty()
            && let Ok(turn) = self.opening.clone().try_lock_owned()
        {
            let node = self.clone();
            tokio::spawn(async move {
                let opened = node.open_missing(missing).await;
                drop(node);
                if let Err(error) = opened {
                    tracing::warn!(%error, "a drive that a gateway wants cannot be opened");
                    tokio::time::sleep(OPEN_AGAIN_AFTER).await;
                }
                drop(turn);
            });
        }
        Answer::Serving { node: self.id, zone: self.zone.clone(), drives: flags }
    }

    /// Opens each of these drives that can be; the error of one that cannot.
    async fn open_missing(self: &Arc<Self>, missing: Vec<(DriveId, String)>) -> Result<(), DriveError> {
        let mut failed = None;
        for (id, path) in missing {
            let opened = self.blocking(move |node| node.open_drive(&absolute(&path)?, id)).await;
            failed = opened.err().or(failed);
        }
        failed.map_or(Ok(()), Err)
    }

    fn describe(&self) -> Vec<Seen> {
        self.places.iter().map(|place| look(place)).collect()
    }

    /// Opens the drive that stands at a path, if it is the one that is meant and not open yet.
    fn open_drive(&self, path: &Path, id: DriveId) -> Result<Answer, DriveError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.drive(id).is_some() {
            return Ok(Answer::Done);
        }
        match inspect(path)? {
            DriveState::Formatted(format) if format.drive == id => self.add(path),
            _ => Err(DriveError::Offline(format!("the drive is not at {}", path.display()))),
        }
    }

    /// Makes a drive of a place, of a blank one only.
    fn format(&self, path: &Path, format: &DriveFormat) -> Result<Answer, DriveError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        match inspect(path)? {
            DriveState::Blank { .. } => {}
            DriveState::Formatted(_) | DriveState::Foreign => {
                return Err(DriveError::Protocol("the folder is not blank".into()));
            }
        }
        LocalDrive::format(path, format)?;
        self.add(path)
    }

    /// Opens what stands at a path, in place of a drive that was emptied there while it was open.
    fn add(&self, path: &Path) -> Result<Answer, DriveError> {
        let label = path.display().to_string();
        let open = || self.open.write().unwrap_or_else(PoisonError::into_inner);
        open().retain(|open| open.label() != label);
        // Requests to other drives do not wait for this one.
        let drive = Arc::new(LocalDrive::open(path)?);
        open().push(drive);
        Ok(Answer::Done)
    }
}

/// A path as it is written down. The node's own folder is nothing that a gateway knows.
fn absolute(path: &str) -> Result<PathBuf, DriveError> {
    let path: PathBuf = Path::new(path).components().collect();
    if path.is_absolute() {
        return Ok(path);
    }
    Err(DriveError::Protocol(format!("{} is not an absolute path", path.display())))
}

/// What stands at a path, which is left as it is.
fn look(path: &Path) -> Seen {
    let found = inspect(path).and_then(|state| Ok((state, usage_on(Arc::new(OsFileSystem), path)?)));
    Seen { path: path.display().to_string(), found }
}
