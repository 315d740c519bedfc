//! Gathers the facts that are judged. Nothing that stays is changed.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::drives::{deployment, is_local};
use super::host::reachable;
use crate::admin::api::Status;
use crate::cli::admin::AdminClient;
use crate::cli::health::ask;
use crate::cli::trust::{Trust, own_files};
use crate::config::{ClientHints, ConfigError, Environment, Options, Role, RoleName, Settings};
use crate::http::BindError;
use crate::http::tls::{Certificate, CertificateFiles, TlsError};
use crate::node::location_of;
use crate::object::{Kms, KmsHealth, KmsOptions};
use crate::shard_store::{DriveState, Survey, inspect, survey};

/// How long a node may take to accept a connection.
const CONNECT_WAIT: Duration = Duration::from_secs(3);

/// All that was seen.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) now: SystemTime,
    pub(super) drives: Vec<SeenDrive>,
    pub(super) credentials: Result<(), ConfigError>,
    pub(super) addresses: Vec<SeenAddress>,
    /// What is served or shall be served over TLS.
    pub(super) certificates: Vec<Result<Certificate, TlsError>>,
    /// A gateway's nodes, and why they cannot be reached.
    pub(super) nodes: Vec<(String, Result<(), String>)>,
    /// The key service, and how it is doing.
    pub(super) key_service: Option<(String, KmsHealth)>,
    /// What the running server says, where it can be asked.
    pub(super) status: Option<Status>,
}

impl Facts {
    /// It is a gateway's machine.
    pub(super) fn has_nodes(&self) -> bool {
        !self.nodes.is_empty()
    }
}

/// One place of the list of drives.
#[derive(Debug)]
pub(super) struct SeenDrive {
    pub(super) label: String,
    /// What stands there, or why that cannot be told.
    pub(super) state: Result<DriveState, String>,
    /// None where there is no folder.
    pub(super) survey: Option<Survey>,
}

impl SeenDrive {
    /// A process serves it.
    pub(super) fn is_served(&self) -> bool {
        self.survey.as_ref().is_some_and(|survey| survey.held)
    }
}

/// An address of the server.
#[derive(Debug)]
pub(super) struct SeenAddress {
    pub(super) address: SocketAddr,
    /// Which flag changes it.
    pub(super) flag: &'static str,
    pub(super) listening: Listening,
}

/// Who answers at an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listening {
    Holdfast,
    Other,
    Nobody,
    /// Nobody could listen there.
    Impossible(String),
}

/// Looks at the deployment that the settings describe.
pub(super) fn look(flags: Settings) -> Result<Facts, String> {
    let environment: Environment = std::env::vars().collect();
    let (settings, _) = Settings::gather(flags, &environment).map_err(|error| error.to_string())?;
    let nodes = if settings.drives.is_empty() { settings.node.clone() } else { Vec::new() };
    let state_named = settings.state.is_some() || !settings.drives.is_empty();
    let (address_named, console_named) = (settings.address.is_some(), settings.console_address.is_some());
    let mut options = Options::validate(RoleName::Serve, settings).map_err(|error| error.to_string())?;
    options.find_client_state(state_named);
    let paths = match &options.role {
        Role::Serve { drives } if nodes.is_empty() => drives.clone(),
        _ => Vec::new(),
    };
    let hints = ClientHints::read(&options.state);
    let tls = own_files(&options, hints.as_ref());
    options.listen.tls.clone_from(&tls);
    let trust = Trust::of(options.tls_ca.as_deref(), tls.as_ref())?;
    let spoken = tls.is_some().then_some(&trust);
    let s3 = hints.as_ref().filter(|_| !address_named).and_then(|hints| hints.address.parse().ok());
    let mut addresses = vec![look_at_address(s3.unwrap_or(options.listen.address), spoken, "--address")];
    let hinted = hints.filter(|_| !console_named).map(|hints| hints.console);
    let console = hinted.unwrap_or_else(|| options.listen.console_address.map(|at| options.listen.url(at)));
    let console = console.and_then(|url| url.split_once("://")?.1.parse().ok());
    addresses.extend(console.map(|console| look_at_address(console, spoken, "--console-address")));
    let credentials = options.client_credentials();
    let status = console.and_then(|console: SocketAddr| {
        let running = addresses.last().is_some_and(|last| last.listening == Listening::Holdfast);
        let credentials = credentials.as_ref().ok().filter(|_| running)?;
        ask_status(AdminClient::new(&options.listen.url(console), trust.clone(), credentials).ok()?)
    });
    Ok(Facts {
        drives: look_at_drives(paths),
        credentials: credentials.map(drop),
        addresses,
        certificates: tls.map_or_else(Vec::new, |files| look_at_certificates(&files)),
        nodes: nodes.into_iter().map(look_at_node).collect(),
        key_service: options.key_service.and_then(|service| look_at_key_service(service, trust)),
        status,
        // Last, so that nothing seen is newer.
        now: SystemTime::now(),
    })
}

/// Looks at the places that are listed, and at members that are not where they were last, as a start does.
fn look_at_drives(paths: Vec<PathBuf>) -> Vec<SeenDrive> {
    let locations: Vec<String> = paths.iter().map(|path| location_of(path)).collect();
    let mut drives: Vec<SeenDrive> = paths.into_iter().map(look_at_drive).collect();
    let members = deployment(&drives).map_or_else(Vec::new, |(_, membership)| membership.members.clone());
    let elsewhere = members.iter().filter(|member| is_local(member) && !locations.contains(&member.location));
    let found = elsewhere.map(|member| look_at_drive(PathBuf::from(&member.location)));
    let drive_of = |drive: &SeenDrive| match &drive.state {
        Ok(DriveState::Formatted(format)) => Some(format.drive),
        _ => None,
    };
    let found: Vec<SeenDrive> = found.filter(|drive| drive_of(drive).is_some()).collect();
    for drive in found {
        // A drive that was moved to a place in the list left its old one to another.
        if drives.iter().all(|known| drive_of(known) != drive_of(&drive)) {
            drives.push(drive);
        }
    }
    drives
}

fn look_at_drive(path: PathBuf) -> SeenDrive {
    SeenDrive {
        label: path.display().to_string(),
        state: inspect(&path).map_err(|error| error.to_string()),
        survey: path.is_dir().then(|| survey(&path).ok()).flatten(),
    }
}

/// Each certificate, or why it cannot be served.
fn look_at_certificates(files: &CertificateFiles) -> Vec<Result<Certificate, TlsError>> {
    match files.pairs() {
        Ok(pairs) => pairs.iter().map(Certificate::load).collect(),
        Err(error) => vec![Err(error)],
    }
}

fn look_at_address(address: SocketAddr, trust: Option<&Trust>, flag: &'static str) -> SeenAddress {
    let listening = match ask(reachable(address), trust, "/-/health/live") {
        Ok((200, body)) if body == "live\n" => Listening::Holdfast,
        Ok(_) => Listening::Other,
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => could_listen(address),
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => could_listen(address),
        Err(_) => Listening::Other,
    };
    SeenAddress { address, flag, listening }
}

/// Whether a server could take the address, found out by taking it for a moment.
fn could_listen(address: SocketAddr) -> Listening {
    match TcpListener::bind(address) {
        Ok(_) => Listening::Nobody,
        Err(error) => Listening::Impossible(BindError::explain(address, error).to_string()),
    }
}

fn look_at_node(node: String) -> (String, Result<(), String>) {
    let reached = node.to_socket_addrs().map_err(|error| error.to_string()).and_then(|mut addresses| {
        let address = addresses.next().ok_or("its name has no address")?;
        TcpStream::connect_timeout(&address, CONNECT_WAIT).map(drop).map_err(|error| error.to_string())
    });
    (node, reached)
}

fn look_at_key_service(options: KmsOptions, trust: Trust) -> Option<(String, KmsHealth)> {
    let (url, service) = (options.url.to_string(), Kms::new(options, trust)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    Some((url, runtime.block_on(service.health())))
}

/// None where the server cannot be asked: the rest is worth telling all the same.
fn ask_status(client: AdminClient) -> Option<Status> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(client.get("/api/v1/status")).ok()
}
