//! Starting, serving and stopping one process.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::StartError;
use super::front::{ConsoleFront, S3Front};
use super::parts::Storage;
use super::signals::StopSignals;
use crate::admin::{self, register_gauges};
use crate::config::{ClientHints, Credentials, CredentialsOrigin, Options, client_endpoint};
use crate::erasure::Scheme;
use crate::http::{Limits, Listener};
use crate::iam::Iam;
use crate::object::Engine;
use crate::runtime::SystemClock;
use crate::s3;
use crate::telemetry::Metrics;

/// Console connections open at once.
const CONSOLE_CONNECTIONS_MAX: usize = 256;

/// What a start found and made, for the banner.
#[derive(Debug)]
pub struct Started {
    /// URL of the S3 API.
    pub endpoint: String,
    /// URL of the console.
    pub console: Option<String>,
    /// Drives of the deployment.
    pub drives: usize,
    /// Drives that are up.
    pub drives_up: usize,
    /// How new objects are erasure-coded.
    pub scheme: Scheme,
    /// Root's credentials.
    pub credentials: Credentials,
    /// Where they come from.
    pub origin: CredentialsOrigin,
    /// A bucket that exists.
    pub bucket: Option<String>,
}

/// A process that serves.
#[derive(Debug)]
pub struct Running {
    /// What the start found and made.
    pub started: Started,
    engine: Arc<Engine>,
    storage: Storage,
    signals: StopSignals,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<usize>>,
}

/// Starts the process that `options` describe; it serves when this returns.
pub async fn start(options: Options) -> Result<Running, StartError> {
    let signals = StopSignals::listen().map_err(StartError::Runtime)?;
    let metrics = Arc::new(Metrics::default());
    let (listener, console) = bind(&options, &metrics).await?;
    let storage = Storage::open(&options).await?;
    let (credentials, origin) = options.credentials()?;
    let started = describe(&options, &storage, (listener.address(), console.as_ref().map(Listener::address)));
    let started = Started { credentials, origin, bucket: first_bucket(&storage.engine).await, ..started };
    let hints = ClientHints {
        endpoint: started.endpoint.clone(),
        region: options.region.clone(),
        address: listener.address().to_string(),
    };
    hints.write(&options.state)?;
    let (stop, stopped) = watch::channel(false);
    let mut listeners = vec![serve_s3(&options, &storage, &metrics, &started.credentials, listener, stopped.clone())];
    if let Some(console) = console {
        listeners.push(serve_console(&storage, &metrics, &started.credentials, console, stopped));
    }
    Ok(Running { started, engine: storage.engine.clone(), storage, signals, stop, listeners })
}

impl Running {
    /// Serves until a signal, then stops in order. A second signal cuts what is left.
    pub async fn run(mut self) {
        self.signals.next().await;
        tracing::info!("stopping: requests in flight are finished, a second signal cuts them");
        self.stop.send_replace(true);
        let ended = async {
            for listener in self.listeners {
                match listener.await {
                    Ok(0) => {}
                    Ok(cut) => tracing::warn!(connections = cut, "cut connections that did not end in time"),
                    Err(error) => tracing::error!(%error, "listener failed"),
                }
            }
        };
        tokio::select! {
            () = ended => {}
            () = self.signals.next() => tracing::warn!("second signal: requests in flight are cut"),
        }
        drop(self.storage);
        self.engine.close();
        tracing::info!("stopped");
    }
}

async fn bind(options: &Options, metrics: &Arc<Metrics>) -> Result<(Listener, Option<Listener>), StartError> {
    let on = |flag| move |error| StartError::Bind { flag, error };
    let listen = &options.listen;
    let s3 = Listener::bind(listen.address, Limits::default(), metrics.clone()).await.map_err(on("--address"))?;
    let Some(address) = listen.console_address else { return Ok((s3, None)) };
    let limits = Limits { connections_max: CONSOLE_CONNECTIONS_MAX, ..Limits::default() };
    let console = Listener::bind(address, limits, metrics.clone()).await.map_err(on("--console-address"))?;
    Ok((s3, Some(console)))
}

fn describe(options: &Options, storage: &Storage, bound: (SocketAddr, Option<SocketAddr>)) -> Started {
    Started {
        endpoint: client_endpoint(options.listen.public_url.as_deref(), bound.0),
        console: bound.1.map(|address| client_endpoint(None, address)),
        drives: storage.facts.drives,
        drives_up: storage.engine.drives().up_count(),
        scheme: storage.engine.drives().scheme(),
        credentials: Credentials::random(),
        origin: CredentialsOrigin::Made,
        bucket: None,
    }
}

/// A bucket to name in examples; none where the listing fails, as it is only a hint.
async fn first_bucket(engine: &Engine) -> Option<String> {
    let buckets = engine.list_buckets().await.ok()?;
    buckets.first().map(|bucket| bucket.name.to_string())
}

fn serve_s3(
    options: &Options,
    storage: &Storage,
    metrics: &Arc<Metrics>,
    credentials: &Credentials,
    listener: Listener,
    stopped: watch::Receiver<bool>,
) -> JoinHandle<usize> {
    let iam = Arc::new(Iam::new(credentials.clone()));
    let s3_options = s3::Options { region: options.region.clone(), domains: options.domains.clone() };
    let front = Arc::new(S3Front {
        s3: s3::Service::new(s3_options, storage.engine.clone(), iam, Arc::new(SystemClock)),
        engine: storage.engine.clone(),
        metrics: metrics.clone(),
        facts: storage.facts.clone(),
    });
    let handler = move |request, peer| {
        let front = front.clone();
        async move { front.handle(request, peer).await }
    };
    tokio::spawn(listener.serve(handler, stopped))
}

fn serve_console(
    storage: &Storage,
    metrics: &Arc<Metrics>,
    credentials: &Credentials,
    listener: Listener,
    stopped: watch::Receiver<bool>,
) -> JoinHandle<usize> {
    register_gauges(metrics, &storage.engine, &storage.facts);
    let root = (credentials.access_key_id.as_str(), credentials.secret_access_key.expose());
    let admin = admin::Service::new(storage.engine.clone(), metrics.clone(), storage.facts.clone(), root);
    let front = Arc::new(ConsoleFront { admin });
    let handler = move |request: hyper::Request<hyper::body::Incoming>, _peer| {
        let front = front.clone();
        async move { front.handle(request.method(), request.uri().path(), request.headers()).await }
    };
    tokio::spawn(listener.serve(handler, stopped))
}
