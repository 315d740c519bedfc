//! Starting, serving and stopping one process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::console::ConsoleFront;
use super::front::S3Front;
use super::journal::{DENIALS, Journal, JournalUnderWay};
use super::signals::{Hangup, StopSignals};
use super::{StartError, Storage, Tuning, certificates, open_cluster, open_drives};
use crate::admin::api::Setting;
use crate::admin::{self, Facts, Recorder, S3Place, Sources, register_gauges};
use crate::config::{ClientHints, Credentials, CredentialsOrigin, Options, Role};
use crate::erasure::Scheme;
use crate::http::tls::{Certificates, Trust};
use crate::http::{Limits, Listener};
use crate::iam::{self, Iam};
use crate::jobs::{self, AccessLogs, LogOrigin, Telling};
use crate::object::{self, CreateBucketRequest, Engine, Kms, KmsHealth};
use crate::query_api;
use crate::runtime::SystemClock;
use crate::s3::{self, Door};
use crate::sealing::RootKey;
use crate::telemetry::{GaugeKind, Metrics, Sample};

/// Console connections open at once.
const CONSOLE_CONNECTIONS_MAX: usize = 256;

/// How often last uses of access keys are kept, and by how much they are later then than what is kept: each is a
/// change of the metadata.
const LAST_USES_EVERY: Duration = Duration::from_secs(600);
const LAST_USES_LATER: Duration = Duration::from_secs(3600);

/// Objects up to this many bytes are kept in the metadata: one log write makes them durable.
const INLINE_BYTES_MAX: usize = 4096;

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
    storage: Storage,
    telling: Option<Telling>,
    logging: AccessLogging,
    writing: JournalUnderWay,
    iam: Arc<Iam>,
    signals: StopSignals,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<usize>>,
}

/// Starts the process that `options` describe; it serves when this returns.
pub async fn start(options: Options) -> Result<Running, StartError> {
    let signals = StopSignals::listen().map_err(StartError::Runtime)?;
    let metrics = Arc::new(Metrics::default());
    let certificates = certificates::open(&options)?;
    let Listeners { s3: listener, console, website } =
        bind(&options, certificates.as_ref(), &metrics).await?;
    let storage = open_storage(&options).await?;
    // Last, so that a pair is made only by a start that lives to show its secret.
    let (credentials, origin) = options.credentials()?;
    let deployment_key = unlock_keyring(&options, &storage.engine)?;
    use_key_service(&options, &storage.engine).await?;
    make_buckets(&options, &storage.engine).await?;
    let started = Started {
        endpoint: options.listen.endpoint(listener.address()),
        console: console.as_ref().map(|console| options.listen.url(console.address())),
        drives: storage.drives,
        drives_up: storage.engine.drives().up_count(),
        scheme: storage.scheme,
        credentials,
        origin,
        bucket: first_bucket(&storage.engine).await,
    };
    let hints = ClientHints {
        endpoint: started.endpoint.clone(),
        region: options.region.clone(),
        address: listener.address().to_string(),
        console: started.console.clone(),
        tls: certificates.as_ref().map(|certificates| certificates.files().absolute()),
    };
    hints.write(&options.state)?;
    let facts = facts(&options, &storage, listener.address());
    let root = iam::Credentials {
        access_key: started.credentials.access_key_id.clone(),
        secret: started.credentials.secret_access_key.clone(),
    };
    let iam = Iam::open(root, storage.engine.metadata(), deployment_key.as_ref()).await;
    let mut iam = iam.map_err(StartError::Accounts)?;
    if !options.identity_providers.is_empty() || options.ldap.is_some() {
        let trust = Trust::of(options.tls_ca.as_deref(), None).map_err(StartError::Trust)?;
        iam.add_providers(&options.identity_providers, &trust);
        options.ldap.iter().for_each(|ldap| iam.set_ldap(ldap.clone(), &trust));
    }
    let iam = Arc::new(iam);
    let (stop, stopped) = watch::channel(false);
    let (journal, writing) = Journal::start(&options)?;
    let served = Served {
        engine: storage.engine.clone(),
        metrics,
        facts,
        iam,
        access_logs: Arc::default(),
        settings: settings(&options),
        denials: options.state.join(DENIALS),
        journal,
    };
    served.journal.register(&served.metrics);
    if let Some(certificates) = certificates {
        let hangup = Hangup::listen().map_err(StartError::Runtime)?;
        certificates::register(&served.metrics, &certificates);
        // Ends with the runtime: there is nothing to be finished.
        tokio::spawn(certificates::look_after(certificates, hangup));
    }
    // Ends with the runtime: what is due then is kept in the end.
    tokio::spawn(keep_last_uses(served.iam.clone(), served.engine.clone()));
    let telling = served.tell(&options)?;
    let logging = AccessLogging::start(&served, &options);
    let front = served.s3(&options);
    let mut listeners = vec![serve(front.clone(), listener, Door::Api, stopped.clone())];
    if let Some(website) = website {
        tracing::info!(address = %website.address(), "serving websites");
        listeners.push(serve(front.clone(), website, Door::Website, stopped.clone()));
    }
    if let Some(console) = console {
        listeners.push(served.console(front, console, stopped));
    }
    Ok(Running {
        started,
        storage,
        telling,
        logging,
        writing,
        iam: served.iam.clone(),
        signals,
        stop,
        listeners,
    })
}

/// Keeps the last uses of access keys now and then.
async fn keep_last_uses(iam: Arc<Iam>, engine: Arc<Engine>) {
    loop {
        tokio::time::sleep(LAST_USES_EVERY).await;
        if let Err(error) = iam.keep_last_uses(engine.metadata(), LAST_USES_LATER).await {
            tracing::warn!(%error, "last uses of access keys are not kept");
        }
    }
}

/// What counts of the operator's settings.
fn settings(options: &Options) -> Vec<Setting> {
    let settings = options.effective.iter().map(|setting| Setting {
        name: setting.name.clone(),
        value: setting.value.clone(),
        origin: setting.origin.to_owned(),
    });
    settings.collect()
}

fn facts(options: &Options, storage: &Storage, s3: SocketAddr) -> Facts {
    let is_secure = options.listen.tls.is_some();
    Facts {
        deployment: storage.deployment,
        region: options.region.clone(),
        started: Instant::now(),
        is_secure,
        s3: S3Place { public_url: options.listen.public_url.clone(), address: s3, is_secure },
    }
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
        let engine = self.storage.engine.clone();
        drop(self.telling);
        self.logging.finish().await;
        self.writing.finish().await;
        if let Err(error) = self.iam.keep_last_uses(engine.metadata(), Duration::ZERO).await {
            tracing::warn!(%error, "last uses of access keys are not kept");
        }
        drop(self.storage);
        engine.close().await;
        tracing::info!("stopped");
    }
}

/// The listeners of a process.
struct Listeners {
    s3: Listener,
    console: Option<Listener>,
    website: Option<Listener>,
}

async fn bind(
    options: &Options,
    certificates: Option<&Arc<Certificates>>,
    metrics: &Arc<Metrics>,
) -> Result<Listeners, StartError> {
    let on = |flag| move |error| StartError::Bind { flag, error };
    let listen = &options.listen;
    let secured = |listener: Listener| match certificates {
        Some(certificates) => listener.with_tls(certificates),
        None => listener,
    };
    let s3 = Listener::bind(listen.address, Limits::default(), metrics.clone()).await;
    let s3 = secured(s3.map_err(on("--address"))?);
    let (mut console, mut website) = (None, None);
    if let Some(address) = listen.console_address {
        let limits = Limits { connections_max: CONSOLE_CONNECTIONS_MAX, ..Limits::default() };
        let bound = Listener::bind(address, limits, metrics.clone()).await;
        console = Some(secured(bound.map_err(on("--console-address"))?));
    }
    if let Some(address) = listen.website_address {
        let bound = Listener::bind(address, Limits::default(), metrics.clone()).await;
        website = Some(secured(bound.map_err(on("--website-address"))?));
    }
    Ok(Listeners { s3, console, website })
}

async fn open_storage(options: &Options) -> Result<Storage, StartError> {
    let tuning = Tuning {
        inline_bytes_max: INLINE_BYTES_MAX,
        lifecycle_day_secs: options.lifecycle_day_secs,
        classes: options.classes.clone(),
    };
    let storage = match &options.role {
        Role::Serve { drives } | Role::Node { drives, .. } => open_drives(drives, tuning).await?,
        Role::Gateway { nodes, cluster_secret } => {
            let secret = cluster_secret.expose().as_bytes();
            open_cluster(nodes, secret, &options.state, tuning).await?
        }
    };
    for notice in &storage.notices {
        tracing::warn!("{notice}");
    }
    Ok(storage)
}

/// Gives the engine the key that everything encrypted depends on. Where it is missing or another, the rest is served.
fn unlock_keyring(options: &Options, engine: &Engine) -> Result<Option<RootKey>, StartError> {
    let has_sealed = Iam::has_sealed(engine.metadata()).map_err(StartError::Accounts)?;
    let is_needed = has_sealed || !engine.list_encryption_keys().is_empty();
    let key = options.encryption_key(!is_needed)?.map(|key| RootKey::new(key.bytes()));
    let unlocked = key.clone().is_some_and(|key| engine.unlock_keyring(key));
    if !unlocked {
        tracing::error!(
            state = %options.state.display(),
            "encrypted objects cannot be read, nor access keys believed: the encryption key is missing or is not the one that this deployment's \
             keys are sealed under; give it back as encryption.key in the state folder or with --encryption-key-file"
        );
    }
    Ok(key)
}

/// Gives the engine the key service. One that does not answer may do so later.
async fn use_key_service(options: &Options, engine: &Engine) -> Result<(), StartError> {
    let Some(wanted) = &options.key_service else { return Ok(()) };
    let trust = Trust::of(options.tls_ca.as_deref(), None).map_err(StartError::Trust)?;
    let Some(service) = Kms::new(wanted.clone(), trust) else { return Ok(()) };
    if let KmsHealth::Unavailable(reason) | KmsHealth::Denied(reason) = service.health().await {
        tracing::error!(url = %wanted.url, %reason, "the key service cannot be used; what is under its keys cannot either");
    }
    engine.use_key_service(service);
    Ok(())
}

async fn make_buckets(options: &Options, engine: &Engine) -> Result<(), StartError> {
    for bucket in &options.buckets {
        let configurations = options.new_buckets.configurations().into_iter();
        let configurations = configurations.map(|(kind, value)| (kind, value.to_string())).collect();
        let request = CreateBucketRequest { configurations, ..CreateBucketRequest::new(bucket.clone()) };
        match engine.create_bucket_with(request).await {
            Ok(()) | Err(object::Error::BucketExists) => {}
            Err(error) => return Err(StartError::Bucket { bucket: bucket.to_string(), error }),
        }
    }
    Ok(())
}

/// A bucket to name in examples; none where the listing fails, as it is only a hint.
async fn first_bucket(engine: &Engine) -> Option<String> {
    let buckets = engine.list_buckets().await.ok()?;
    buckets.first().map(|bucket| bucket.name.to_string())
}

/// Serves S3 or websites on an address.
fn serve(
    front: Arc<S3Front>,
    listener: Listener,
    door: Door,
    stopped: watch::Receiver<bool>,
) -> JoinHandle<usize> {
    let handler = move |request, peer| {
        let (front, door) = (front.clone(), door.clone());
        // Boxed, because the connection moves it about several times, with room for the largest operation.
        Box::pin(async move { front.handle(request, peer, door).await })
    };
    tokio::spawn(listener.serve(handler, stopped))
}

/// The delivery of access logs.
#[derive(Debug)]
struct AccessLogging {
    logs: Arc<AccessLogs>,
    run: JoinHandle<()>,
}

impl AccessLogging {
    fn start(served: &Served, options: &Options) -> Self {
        let origin = LogOrigin {
            account: served.iam.first().canonical_id.to_string(),
            region: options.region.clone(),
        };
        let logs = served.access_logs.clone();
        let of = logs.clone();
        const DROPPED: &str =
            "Lines of access logs that were not delivered: too many waited, or there was nowhere to go.";
        served.metrics.register(
            "holdfast_access_log_dropped_total",
            DROPPED,
            GaugeKind::Counter,
            move || vec![Sample::plain(of.dropped() as f64)],
        );
        let run = logs.clone().run(served.engine.clone(), origin, options.access_log_interval);
        Self { logs, run: tokio::spawn(run) }
    }

    /// Delivers what waits, for the last time.
    async fn finish(self) {
        self.logs.stop();
        if let Err(error) = self.run.await {
            tracing::error!(%error, "the delivery of access logs failed");
        }
    }
}

/// What the listeners serve.
struct Served {
    engine: Arc<Engine>,
    metrics: Arc<Metrics>,
    facts: Facts,
    iam: Arc<Iam>,
    access_logs: Arc<AccessLogs>,
    settings: Vec<Setting>,
    denials: PathBuf,
    journal: Arc<Journal>,
}

impl Served {
    /// Starts to tell the operator's webhooks of changes, if there are any.
    fn tell(&self, options: &Options) -> Result<Option<Telling>, StartError> {
        if options.webhooks.is_empty() {
            return Ok(None);
        }
        let messages = s3::EventMessages { region: options.region.clone() };
        let (engine, first) = (self.engine.clone(), self.iam.first().canonical_id);
        let owner_of = move |bucket: &str| {
            let rules = engine.rules_of(bucket);
            rules.and_then(|rules| rules.access.owner).unwrap_or(first).to_string()
        };
        let trust = Trust::of(options.tls_ca.as_deref(), None).map_err(StartError::Trust)?;
        let render = Arc::new(move |rows: &[object::EventRow]| messages.render(rows, &owner_of).into());
        Ok(Some(jobs::tell(&self.engine, options.webhooks.clone(), &trust, render)))
    }

    fn s3(&self, options: &Options) -> Arc<S3Front> {
        let s3_options = s3::Options {
            region: options.region.clone(),
            domains: options.domains.clone(),
            signature_v2: options.signature_v2,
            new_buckets: options.new_buckets,
            tls: options.listen.tls.is_some(),
            customer_keys_over_http: options.sse_c_over_http,
            website_domains: options.website_domains.clone(),
            event_targets: options.webhooks.iter().map(|webhook| webhook.arn.clone()).collect(),
            audited: self.journal.audits(),
            key_limits: options.key_limits,
            ..s3::Options::default()
        };
        let query_options =
            query_api::Options { region: options.region.clone(), tls: options.listen.tls.is_some() };
        let (engine, iam) = (self.engine.clone(), self.iam.clone());
        Arc::new(S3Front {
            query_api: Arc::new(query_api::Service::new(query_options, engine, iam, Arc::new(SystemClock))),
            s3: Arc::new(s3::Service::new(
                s3_options,
                self.engine.clone(),
                self.iam.clone(),
                Arc::new(SystemClock),
            )),
            engine: self.engine.clone(),
            metrics: self.metrics.clone(),
            access_logs: self.access_logs.clone(),
            journal: self.journal.clone(),
        })
    }

    fn console(
        &self,
        s3: Arc<S3Front>,
        listener: Listener,
        stopped: watch::Receiver<bool>,
    ) -> JoinHandle<usize> {
        register_gauges(&self.metrics, &self.engine, &self.facts);
        let (engine, iam) = (self.engine.clone(), self.iam.clone());
        let history = Arc::new(Recorder::default());
        // Ends with the runtime: there is nothing to be finished.
        tokio::spawn(history.clone().run(engine.clone(), self.metrics.clone()));
        let (settings, denials) = (self.settings.clone(), self.denials.clone());
        let sources = Sources { history, settings, denials };
        let admin = admin::Service::new((engine, iam), self.metrics.clone(), self.facts.clone(), sources);
        let front = Arc::new(ConsoleFront { admin, s3 });
        let handler = move |request: hyper::Request<hyper::body::Incoming>, peer| {
            let front = front.clone();
            async move { front.handle(request, peer).await }
        };
        tokio::spawn(listener.serve(handler, stopped))
    }
}
