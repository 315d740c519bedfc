//! A storage node: its drives, served to gateways.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};

use super::wire::{self, Answer, Frame, Request};
use crate::shard_store::{Drive, DriveError, DriveState, LocalDrive, inspect};
use crate::types::DriveId;

/// Requests of one connection under way at a time; more wait in the socket.
const REQUESTS_MAX: usize = 128;
/// Answers of one connection that may wait to be sent.
const ANSWERS_MAX: usize = 128;
/// How long a connection may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// How long a connection may take over the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// A node's drives.
#[derive(Debug)]
pub struct NodeServer {
    secret: Vec<u8>,
    places: Vec<PathBuf>,
    open: RwLock<Vec<Arc<LocalDrive>>>,
    gateway: Mutex<Weak<Tenancy>>,
}

/// The gateway instance that uses the node, for as long as one of its connections lives.
#[derive(Debug)]
struct Tenancy(u128);

impl NodeServer {
    /// Opens the drives in `places` that are formatted; blank ones wait for a gateway to claim them.
    pub fn open(places: Vec<PathBuf>, secret: Vec<u8>) -> Result<Self, DriveError> {
        let mut open = Vec::new();
        for place in &places {
            if let DriveState::Formatted(_) = inspect(place)? {
                open.push(Arc::new(LocalDrive::open(place)?));
            }
        }
        Ok(Self { secret, places, open: RwLock::new(open), gateway: Mutex::new(Weak::new()) })
    }

    /// Serves connections until dropped.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let node = self.clone();
                    tokio::spawn(async move {
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

    async fn handle(&self, frame: &Frame) -> (Answer, Bytes) {
        let failed = |error| (Answer::Failed(error), Bytes::new());
        match frame.head() {
            Err(error) => failed(error),
            Ok(Request::Ping) => (Answer::Done, Bytes::new()),
            Ok(Request::Describe) => {
                self.describe().map_or_else(failed, |drives| (Answer::Drives(drives), Bytes::new()))
            }
            Ok(Request::Format { position, format }) => match self.format(position, &format) {
                Ok(()) => (Answer::Done, Bytes::new()),
                Err(error) => failed(error),
            },
            Ok(Request::Drive { drive, op }) => match self.drive(drive) {
                Some(drive) => wire::answer_of(drive.call(op, frame.payload.clone()).await),
                None => failed(DriveError::Offline("this node does not have the drive".into())),
            },
        }
    }

    fn drive(&self, id: DriveId) -> Option<Arc<LocalDrive>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.iter().find(|open| open.id() == id).cloned()
    }

    fn describe(&self) -> Result<Vec<(String, DriveState)>, DriveError> {
        let state = |place: &PathBuf| Ok((place.display().to_string(), inspect(place)?));
        self.places.iter().map(state).collect()
    }

    fn format(&self, position: u16, format: &crate::shard_store::DriveFormat) -> Result<(), DriveError> {
        let place = self.places.get(usize::from(position));
        let place = place.ok_or_else(|| DriveError::Protocol("no such drive position".into()))?;
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        match inspect(place)? {
            DriveState::Blank { .. } => {}
            DriveState::Formatted(_) | DriveState::Foreign => {
                return Err(DriveError::Protocol("the drive is not blank".into()));
            }
        }
        LocalDrive::format(place, format)?;
        open.push(Arc::new(LocalDrive::open(place)?));
        Ok(())
    }
}
