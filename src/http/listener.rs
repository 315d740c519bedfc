//! The accept loop.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use hyper::body::{Body, Incoming};
use hyper::{Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use super::connection::Protocols;
use super::tls::Certificates;
use super::{Limits, StallGuard};
use crate::telemetry::Metrics;

/// How long to wait after the system had no descriptor left for a new connection.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process has it.
    #[error("{0} is in use by another process")]
    InUse(SocketAddr),
    /// A port below 1024 without the right to it.
    #[error("{0} needs more rights than this user has")]
    Denied(SocketAddr),
    /// The machine does not have this address.
    #[error("{0} is not an address of this machine")]
    NoSuchAddress(SocketAddr),
    /// Anything else.
    #[error("listen on {0}")]
    Other(SocketAddr, #[source] io::Error),
}

impl BindError {
    /// What the system's refusal of `address` means.
    pub fn explain(address: SocketAddr, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::InUse(address),
            io::ErrorKind::PermissionDenied => Self::Denied(address),
            io::ErrorKind::AddrNotAvailable => Self::NoSuchAddress(address),
            _ => Self::Other(address, error),
        }
    }
}

/// A bound address, not yet served.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    limits: Limits,
    metrics: Arc<Metrics>,
    tls: Option<TlsAcceptor>,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = self.tls.is_some();
        f.debug_struct("Listener").field("address", &self.address).field("tls", &tls).finish_non_exhaustive()
    }
}

impl Listener {
    /// Binds `address`; port 0 takes a free one.
    pub async fn bind(address: SocketAddr, limits: Limits, metrics: Arc<Metrics>) -> Result<Self, BindError> {
        let explain = |error| BindError::explain(address, error);
        let socket = TcpListener::bind(address).await.map_err(explain)?;
        let address = socket.local_addr().map_err(explain)?;
        Ok(Self { socket, address, limits, metrics, tls: None })
    }

    /// Speaks TLS alone from now on, with these certificates.
    pub fn with_tls(mut self, certificates: &Arc<Certificates>) -> Self {
        self.tls = Some(TlsAcceptor::from(Arc::new(certificates.server_config())));
        self
    }

    /// The address in use, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` turns true, then ends connections within the grace time.
    /// Returns the number of connections that had to be cut.
    pub async fn serve<H, F, B>(self, handler: H, mut shutdown: watch::Receiver<bool>) -> usize
    where
        H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let slots = Arc::new(Semaphore::new(self.limits.connections_max));
        let stop = shutdown.clone();
        tokio::select! {
            () = self.accept(&slots, &handler, &stop) => {}
            () = asked_to(&mut shutdown) => {}
        }
        drop(self.socket);
        let all = u32::try_from(self.limits.connections_max).unwrap_or(u32::MAX);
        let ended = tokio::time::timeout(self.limits.shutdown_grace, slots.acquire_many(all)).await;
        if ended.is_ok() { 0 } else { self.limits.connections_max - slots.available_permits() }
    }

    async fn accept<H, F, B>(&self, slots: &Arc<Semaphore>, handler: &H, stop: &watch::Receiver<bool>)
    where
        H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let protocols = Protocols::new(&self.limits);
        loop {
            // The semaphore is never closed, so a permit always comes.
            let Ok(slot) = slots.clone().acquire_owned().await else { return };
            match self.socket.accept().await {
                Ok((stream, peer)) => self.start(stream, peer, slot, &protocols, handler, stop),
                Err(error) => {
                    tracing::warn!(%error, "accept connection");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    fn start<H, F, B>(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        slot: OwnedSemaphorePermit,
        protocols: &Protocols,
        handler: &H,
        stop: &watch::Receiver<bool>,
    ) where
        H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        // Small answers must not wait for the acknowledgement of the ones before.
        let _ = stream.set_nodelay(true);
        let stream = StallGuard::new(stream, self.limits.send_stall_max);
        let (protocols, handler, stop) = (protocols.clone(), handler.clone(), stop.clone());
        let (metrics, tls) = (self.metrics.clone(), self.tls.clone());
        tokio::spawn(async move {
            metrics.connection_opened();
            match tls {
                None => protocols.serve_http1(stream, peer, handler, stop).await,
                Some(acceptor) => protocols.serve_tls(&acceptor, stream, peer, handler, stop).await,
            }
            metrics.connection_closed();
            drop(slot);
        });
    }
}

/// Waits until `stop` turns true, or until nobody is left to turn it.
pub(super) async fn asked_to(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http_body_util::Full;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    struct Running {
        address: SocketAddr,
        stop: watch::Sender<bool>,
        served: tokio::task::JoinHandle<usize>,
        /// A permit for each request to another path than "/now" that has reached the handler.
        entered: Arc<Semaphore>,
        /// A permit lets one of them be answered.
        gate: Arc<Semaphore>,
    }

    async fn run(limits: Limits) -> Running {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = Listener::bind(loopback, limits, Arc::default()).await.unwrap();
        let address = listener.address();
        let (stop, stopped) = watch::channel(false);
        let (entered, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (enters, waits) = (entered.clone(), gate.clone());
        let handler = move |request: Request<Incoming>, _peer| {
            let (enters, waits) = (enters.clone(), waits.clone());
            async move {
                if request.uri().path() != "/now" {
                    enters.add_permits(1);
                    waits.acquire().await.unwrap().forget();
                }
                Response::new(Full::new(Bytes::from_static(b"done")))
            }
        };
        let served = tokio::spawn(listener.serve(handler, stopped));
        Running { address, stop, served, entered, gate }
    }

    async fn answer(stream: &mut TcpStream) -> String {
        let mut text = Vec::new();
        stream.read_to_end(&mut text).await.unwrap();
        String::from_utf8(text).unwrap()
    }

    #[tokio::test]
    async fn shutdown_lets_a_request_in_flight_end_and_closes_idle_connections() {
        let running = run(Limits::default()).await;
        let mut idle = TcpStream::connect(running.address).await.unwrap();
        idle.write_all(b"GET /now HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut first = [0; 12];
        idle.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        let mut busy = TcpStream::connect(running.address).await.unwrap();
        busy.write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        running.entered.acquire().await.unwrap().forget();
        running.stop.send_replace(true);
        assert!(answer(&mut idle).await.ends_with("done"), "the idle connection ends");
        running.gate.add_permits(1);
        assert!(answer(&mut busy).await.ends_with("done"), "the busy connection is answered first");
        assert_eq!(running.served.await.unwrap(), 0);
        assert!(TcpStream::connect(running.address).await.is_err(), "no new connection is taken");
    }

    #[tokio::test]
    async fn a_head_that_is_too_large_is_refused() {
        let running = run(Limits::default()).await;
        let mut client = TcpStream::connect(running.address).await.unwrap();
        let head = format!("GET /now HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "a".repeat(20_000));
        client.write_all(head.as_bytes()).await.unwrap();
        let mut first = [0; 12];
        client.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 431");
    }

    #[tokio::test]
    async fn a_request_that_outlives_the_grace_time_is_counted_as_cut() {
        let limits = Limits { shutdown_grace: Duration::from_millis(1), ..Limits::default() };
        let running = run(limits).await;
        let mut busy = TcpStream::connect(running.address).await.unwrap();
        busy.write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        running.entered.acquire().await.unwrap().forget();
        running.stop.send_replace(true);
        assert_eq!(running.served.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_taken_port_is_named() {
        let running = run(Limits::default()).await;
        let second = Listener::bind(running.address, Limits::default(), Arc::default()).await;
        assert!(matches!(second, Err(BindError::InUse(address)) if address == running.address));
    }

    #[tokio::test]
    async fn one_connection_more_than_the_limit_waits_for_a_free_slot() {
        let running = run(Limits { connections_max: 1, ..Limits::default() }).await;
        let mut first = TcpStream::connect(running.address).await.unwrap();
        first.write_all(b"GET /now HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut head = [0; 12];
        first.read_exact(&mut head).await.unwrap();
        let mut second = TcpStream::connect(running.address).await.unwrap();
        second.write_all(b"GET /now HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        drop(first);
        assert!(answer(&mut second).await.ends_with("done"));
    }
}
