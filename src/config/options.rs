//! What the settings mean: validated values for one role.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::header::HeaderValue;

use super::credentials::{Credentials, CredentialsFile, CredentialsOrigin};
use super::encryption_key::{EncryptionKey, EncryptionKeyFile};
use super::identity_providers::identity_providers;
use super::key_service::key_service;
use super::ldap::ldap;
use super::{ClientHints, ConfigError, EffectiveSetting, Settings, ellipses};
use crate::http::tls::{CertificateFiles, Pair};
use crate::iam::federation::{LdapOptions, ProviderOptions};
use crate::iam::{KeyLimits, Secret};
use crate::jobs::Webhook;
use crate::node::is_node_address;
use crate::object::KmsOptions;
use crate::s3::NewBuckets;
use crate::telemetry::LogFormat;
use crate::types::{BucketName, ClassScheme, ClassSchemes, DAY_SECS, StorageClass};

const DRIVES_DEFAULT: &str = "./data/drive{1...4}";
const GATEWAY_STATE_DEFAULT: &str = "./data/gateway";
const REGION_DEFAULT: &str = crate::s3::Options::REGION_DEFAULT;
const CLUSTER_SECRET_LEN_MIN: usize = 16;
const ACCESS_LOG_INTERVAL_DEFAULT: Duration = Duration::from_secs(300);
const ZONE_LEN_MAX: usize = 64;

/// Which process this is, before anything is validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleName {
    /// Everything in one process.
    Serve,
    /// Drives served to gateways.
    Node,
    /// The S3 API over nodes.
    Gateway,
}

/// Which process this is.
#[derive(Debug, Clone)]
pub enum Role {
    /// Everything in one process, on local drives.
    Serve {
        /// The drives, in the order given.
        drives: Vec<PathBuf>,
    },
    /// Drives served to gateways.
    Node {
        /// The drives, in the order given.
        drives: Vec<PathBuf>,
        /// What fails together with this node; empty for no name.
        zone: String,
        /// What gateways must prove to know.
        cluster_secret: Secret,
    },
    /// The S3 API over nodes.
    Gateway {
        /// The nodes as `host:port`.
        nodes: Vec<String>,
        /// What proves this gateway to the nodes.
        cluster_secret: Secret,
    },
}

/// Where to listen.
#[derive(Debug, Clone)]
pub struct Listen {
    /// S3, or the node protocol.
    pub address: SocketAddr,
    /// Console, admin API and metrics.
    pub console_address: Option<SocketAddr>,
    /// Websites.
    pub website_address: Option<SocketAddr>,
    /// The URL that clients are told.
    pub public_url: Option<String>,
    /// Certificates of both addresses; none to serve without TLS.
    pub tls: Option<CertificateFiles>,
}

/// How to log.
#[derive(Debug, Clone)]
pub struct Logging {
    /// Level or filter.
    pub level: String,
    /// Form of a line.
    pub format: LogFormat,
}

/// Where the audit log goes.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    /// To this file.
    pub file: Option<PathBuf>,
    /// To this webhook.
    pub webhook: Option<Webhook>,
}

/// Everything a process needs to know to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which process this is.
    pub role: Role,
    /// Where to listen.
    pub listen: Listen,
    /// How to log.
    pub logging: Logging,
    /// What client commands trust beside the certificates of the system.
    pub tls_ca: Option<PathBuf>,
    /// Folder for credentials and for a gateway's database.
    pub state: PathBuf,
    /// Region that clients sign for.
    pub region: String,
    /// Domains for virtual-host addressing.
    pub domains: Vec<String>,
    /// Domains for websites.
    pub website_domains: Vec<String>,
    /// Signature version 2 is believed too.
    pub signature_v2: bool,
    /// Encryption keys of clients are taken without TLS too.
    pub sse_c_over_http: bool,
    /// What new buckets are like.
    pub new_buckets: NewBuckets,
    /// Buckets to make at start.
    pub buckets: Vec<BucketName>,
    /// After how long access logs are written.
    pub access_log_interval: Duration,
    /// What each access key may ask for at most.
    pub key_limits: KeyLimits,
    /// What is written down of every request.
    pub audit: Audit,
    /// Where buckets may send events.
    pub webhooks: Vec<Webhook>,
    /// Identity providers.
    pub identity_providers: Vec<ProviderOptions>,
    /// The directory.
    pub ldap: Option<LdapOptions>,
    /// Seconds that a day of lifecycle rules lasts.
    pub lifecycle_day_secs: u64,
    /// How storage classes are encoded.
    pub classes: ClassSchemes,
    /// A key service for SSE-KMS.
    pub key_service: Option<KmsOptions>,
    /// What counts of the settings, without secrets.
    pub effective: Vec<EffectiveSetting>,
    /// What the operator gave as root's credentials.
    given_credentials: Option<Credentials>,
    /// What the operator gave as the encryption key.
    given_encryption_key: Option<EncryptionKey>,
}

impl Options {
    /// Validates settings for a role.
    pub fn validate(name: RoleName, settings: Settings) -> Result<Self, ConfigError> {
        let logging = logging(&settings)?;
        let listen = listen(name, &settings)?;
        let given_credentials = given_credentials(&settings)?;
        let reachable = [Some(listen.address), listen.console_address].into_iter().flatten();
        let reachable = reachable.into_iter().find(|address| !address.ip().is_loopback());
        if let Some(credentials) = &given_credentials {
            credentials.check(reachable)?;
        }
        let given_encryption_key = given_encryption_key(&settings)?;
        let region = region(&settings)?;
        let domains: Vec<String> =
            settings.domain.iter().map(|domain| valid_domain(domain)).collect::<Result<_, _>>()?;
        let website_domains = websites(&settings, &domains)?;
        let buckets = settings.bucket.iter().map(|bucket| valid_bucket(bucket)).collect::<Result<_, _>>()?;
        let lifecycle_day_secs = lifecycle_day_secs(&settings)?;
        let key_service = key_service(&settings)?;
        let classes = storage_classes(&settings.storage_class)?;
        let webhooks = webhooks(&settings)?;
        let identity_providers = identity_providers(&settings)?;
        let ldap = ldap(&settings)?;
        let audit = audit(&settings, &webhooks)?;
        let key_limits = key_limits(&settings)?;
        let access_log_interval = access_log_interval(&settings)?;
        let role = role(name, &settings)?;
        let state = settings.state.unwrap_or_else(|| state_default(&role));
        let signature_v2 = switch("signature_v2", settings.signature_v2.as_deref())?;
        let sse_c_over_http = switch("sse_c_over_http", settings.sse_c_over_http.as_deref())?;
        let new_buckets = new_buckets(settings.new_buckets.as_deref())?;
        let tls_ca = settings.tls_ca;
        Ok(Self {
            role,
            listen,
            logging,
            tls_ca,
            state,
            region,
            domains,
            website_domains,
            signature_v2,
            sse_c_over_http,
            new_buckets,
            buckets,
            key_limits,
            audit,
            webhooks,
            identity_providers,
            ldap,
            access_log_interval,
            lifecycle_day_secs,
            classes,
            key_service,
            effective: settings.effective,
            given_credentials,
            given_encryption_key,
        })
    }

    /// Root's credentials: given, kept from an earlier start, or made now.
    pub fn credentials(&self) -> Result<(Credentials, CredentialsOrigin), ConfigError> {
        if let Some(given) = &self.given_credentials {
            return Ok((given.clone(), CredentialsOrigin::Given));
        }
        let file = CredentialsFile::in_folder(&self.state);
        match file.read()? {
            Some(kept) => Ok((kept, CredentialsOrigin::Kept)),
            None => Ok((file.create()?, CredentialsOrigin::Made)),
        }
    }

    /// The encryption key: given, or kept from an earlier start. One is only made for a deployment that has nothing
    /// sealed under another.
    pub fn encryption_key(&self, may_make: bool) -> Result<Option<EncryptionKey>, ConfigError> {
        if let Some(given) = &self.given_encryption_key {
            return Ok(Some(given.clone()));
        }
        let file = EncryptionKeyFile::in_folder(&self.state);
        match file.read()? {
            None if may_make => file.create().map(Some),
            kept => Ok(kept),
        }
    }

    /// Points a client command at a gateway's state folder where a gateway was the last to start here.
    pub fn find_client_state(&mut self, named: bool) {
        let gateway = Path::new(GATEWAY_STATE_DEFAULT);
        if !named && ClientHints::left_at(gateway) > ClientHints::left_at(&self.state) {
            self.state = gateway.to_owned();
        }
    }

    /// What a client command on this machine signs with: given, or kept by a server.
    pub fn client_credentials(&self) -> Result<Credentials, ConfigError> {
        if let Some(given) = &self.given_credentials {
            return Ok(given.clone());
        }
        let file = CredentialsFile::in_folder(&self.state);
        file.read()?.ok_or_else(|| ConfigError::NoCredentials { path: file.path().to_owned() })
    }
}

impl Listen {
    /// The URL by which clients on this machine reach `address`.
    pub fn url(&self, address: SocketAddr) -> String {
        let ip = match address.ip() {
            ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            ip => ip,
        };
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
    }

    /// The URL of S3 that clients are told, `address` being the one in use.
    pub fn endpoint(&self, address: SocketAddr) -> String {
        self.public_url.clone().unwrap_or_else(|| self.url(address))
    }
}

fn role(name: RoleName, settings: &Settings) -> Result<Role, ConfigError> {
    let default = [DRIVES_DEFAULT.to_owned()];
    match name {
        RoleName::Serve => {
            let patterns = if settings.drives.is_empty() { &default[..] } else { &settings.drives };
            Ok(Role::Serve { drives: ellipses::expand(patterns)? })
        }
        RoleName::Node if settings.drives.is_empty() => Err(ConfigError::Missing(
            "a node needs drives: name its drive folders, as in `holdfast node ./data/drive1`",
        )),
        RoleName::Node => {
            let drives = ellipses::expand(&settings.drives)?;
            Ok(Role::Node { drives, zone: zone(settings)?, cluster_secret: cluster_secret(settings)? })
        }
        RoleName::Gateway if settings.node.is_empty() => {
            Err(ConfigError::Missing("a gateway needs nodes: name each with --node HOST:PORT"))
        }
        RoleName::Gateway => {
            let nodes = settings.node.iter().map(|node| valid_node(node)).collect::<Result<_, _>>()?;
            Ok(Role::Gateway { nodes, cluster_secret: cluster_secret(settings)? })
        }
    }
}

fn state_default(role: &Role) -> PathBuf {
    match role {
        Role::Gateway { .. } => PathBuf::from(GATEWAY_STATE_DEFAULT),
        Role::Serve { drives } | Role::Node { drives, .. } => {
            drives[0].parent().unwrap_or(Path::new(".")).join(".holdfast")
        }
    }
}

fn listen(name: RoleName, settings: &Settings) -> Result<Listen, ConfigError> {
    let (port, console) = match name {
        RoleName::Serve | RoleName::Gateway => (9000, Some(9001)),
        RoleName::Node => (9100, None),
    };
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let address = match &settings.address {
        Some(text) => valid_address("address", text)?,
        None => local(port),
    };
    let console_address = match settings.console_address.as_deref() {
        Some("off") => None,
        Some(text) => Some(valid_address("console_address", text)?),
        None => console.map(local),
    };
    if console_address.is_some_and(|console| console == address && address.port() != 0) {
        return Err(bad(
            "console_address",
            &address.to_string(),
            "an address of its own, apart from the one of S3",
        ));
    }
    let website_address = settings.website_address.as_deref();
    let website_address = website_address.map(|text| valid_address("website_address", text)).transpose()?;
    let taken = |website: &SocketAddr| {
        website.port() != 0 && (*website == address || Some(*website) == console_address)
    };
    if let Some(website) = website_address.filter(taken) {
        let expected = "an address of its own, apart from those of S3 and the console";
        return Err(bad("website_address", &website.to_string(), expected));
    }
    let public_url = settings.public_url.as_deref().map(valid_url).transpose()?;
    Ok(Listen { address, console_address, website_address, public_url, tls: tls(settings)? })
}

fn tls(settings: &Settings) -> Result<Option<CertificateFiles>, ConfigError> {
    let pair = match (settings.tls_cert.clone(), settings.tls_key.clone()) {
        (Some(certificate), Some(key)) => Some(Pair { certificate, key }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(ConfigError::HalfTls),
    };
    let folder = settings.tls_folder.clone();
    Ok((pair.is_some() || folder.is_some()).then_some(CertificateFiles { pair, folder }))
}

fn logging(settings: &Settings) -> Result<Logging, ConfigError> {
    let format = settings.log_format.as_deref().unwrap_or("auto");
    let format = format.parse().map_err(|()| bad("log_format", format, "auto, text or json"))?;
    Ok(Logging { level: settings.log_level.clone().unwrap_or_else(|| "info".to_owned()), format })
}

fn given_credentials(settings: &Settings) -> Result<Option<Credentials>, ConfigError> {
    let access_key = settings.root_access_key.clone().map(Secret::new);
    let access_key = text_or_file("root_access_key", access_key, settings.root_access_key_file.as_deref())?;
    let secret_key = text_or_file(
        "root_secret_key",
        settings.root_secret_key.clone(),
        settings.root_secret_key_file.as_deref(),
    )?;
    match (access_key, secret_key) {
        (Some(access), Some(secret_access_key)) => {
            Ok(Some(Credentials { access_key_id: access.expose().to_owned(), secret_access_key }))
        }
        (None, None) => Ok(None),
        _ => Err(ConfigError::HalfCredentials),
    }
}

fn given_encryption_key(settings: &Settings) -> Result<Option<EncryptionKey>, ConfigError> {
    let file = settings.encryption_key_file.as_deref();
    let text = text_or_file("encryption_key", settings.encryption_key.clone(), file)?;
    let parse = |text| {
        EncryptionKey::parse(&text).ok_or_else(|| bad("encryption_key", "...", "64 hexadecimal digits"))
    };
    text.map(parse).transpose()
}

fn cluster_secret(settings: &Settings) -> Result<Secret, ConfigError> {
    let file = settings.cluster_secret_file.as_deref();
    let secret = text_or_file("cluster_secret", settings.cluster_secret.clone(), file)?;
    let secret = secret.ok_or(ConfigError::Missing(
        "gateways and nodes need a secret that they share: put one into a file (`openssl rand -hex 32 > cluster.secret`) \
         and name it with --cluster-secret-file",
    ))?;
    if secret.expose().len() < CLUSTER_SECRET_LEN_MIN {
        return Err(bad("cluster_secret", "...", "at least 16 characters long"));
    }
    Ok(secret)
}

pub(super) fn text_or_file(
    name: &'static str,
    text: Option<Secret>,
    file: Option<&Path>,
) -> Result<Option<Secret>, ConfigError> {
    match (text, file) {
        (Some(_), Some(_)) => Err(ConfigError::SecretTwice(name)),
        (Some(text), None) => Ok(Some(text)),
        (None, Some(path)) => {
            let read = std::fs::read_to_string(path);
            let name = format!("{name}_file");
            let text =
                read.map_err(|source| ConfigError::SecretUnreadable { name, path: path.to_owned(), source })?;
            Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n']))))
        }
        (None, None) => Ok(None),
    }
}

/// Whether a URL is one of http or https, and holds no user or password.
pub(super) fn is_web_url(url: &hyper::Uri) -> bool {
    let of_the_web = matches!(url.scheme_str(), Some("http" | "https"));
    of_the_web && url.authority().is_some_and(|authority| !authority.as_str().contains('@'))
}

pub(super) fn bad(name: &str, value: &str, expected: &'static str) -> ConfigError {
    ConfigError::BadValue { name: name.to_owned(), value: value.to_owned(), expected }
}

/// A setting that is on or off, and off where nothing is said.
pub(super) fn switch(name: &str, value: Option<&str>) -> Result<bool, ConfigError> {
    match value {
        Some("on" | "true" | "yes" | "1") => Ok(true),
        None | Some("off" | "false" | "no" | "0") => Ok(false),
        Some(other) => Err(bad(name, other, "on or off")),
    }
}

fn new_buckets(value: Option<&str>) -> Result<NewBuckets, ConfigError> {
    match value {
        None | Some("acls") => Ok(NewBuckets::Acls),
        Some("closed") => Ok(NewBuckets::Closed),
        Some(other) => Err(bad("new_buckets", other, "acls or closed")),
    }
}

/// `ip:port`, `:port` for every address, `localhost:port`.
fn valid_address(name: &str, text: &str) -> Result<SocketAddr, ConfigError> {
    let full = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None if text.starts_with(':') => format!("0.0.0.0{text}"),
        None => text.to_owned(),
    };
    full.parse().map_err(|_| bad(name, text, "an address like 127.0.0.1:9000, or :9000 for all addresses"))
}

fn valid_node(text: &str) -> Result<String, ConfigError> {
    if is_node_address(text) {
        Ok(text.to_owned())
    } else {
        Err(bad("node", text, "an address like node1:9100"))
    }
}

fn zone(settings: &Settings) -> Result<String, ConfigError> {
    let Some(zone) = &settings.zone else { return Ok(String::new()) };
    let good = (1..=ZONE_LEN_MAX).contains(&zone.len()) && zone.bytes().all(|b| b.is_ascii_graphic());
    let expected = "a name like rack-1: up to 64 printable characters without spaces";
    if good { Ok(zone.clone()) } else { Err(bad("zone", zone, expected)) }
}

fn valid_url(text: &str) -> Result<String, ConfigError> {
    let uri: Result<hyper::Uri, _> = text.trim_end_matches('/').parse();
    let good = uri.is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some() && uri.path() == "/"
    });
    let trimmed = text.trim_end_matches('/').to_owned();
    if good { Ok(trimmed) } else { Err(bad("public_url", text, "a URL like https://s3.example.com")) }
}

fn region(settings: &Settings) -> Result<String, ConfigError> {
    let region = settings.region.as_deref().unwrap_or(REGION_DEFAULT);
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let good = (1..=64).contains(&region.len()) && region.bytes().all(plain);
    if good { Ok(region.to_owned()) } else { Err(bad("region", region, "a name like us-east-1")) }
}

/// The domains of websites; none of them may be one where requests are signed.
fn websites(settings: &Settings, domains: &[String]) -> Result<Vec<String>, ConfigError> {
    let valid = |text: &String| {
        let domain = valid_domain(text)?;
        if domains.contains(&domain) {
            return Err(bad("website_domain", text, "a domain of its own, apart from those of S3"));
        }
        Ok(domain)
    };
    settings.website_domain.iter().map(valid).collect()
}

fn access_log_interval(settings: &Settings) -> Result<Duration, ConfigError> {
    let Some(text) = settings.access_log_interval.as_deref() else { return Ok(ACCESS_LOG_INTERVAL_DEFAULT) };
    let secs = text.parse().ok().filter(|secs| (1..=DAY_SECS).contains(secs)).map(Duration::from_secs);
    secs.ok_or_else(|| bad("access_log_interval", text, "a number of seconds from 1 to 86400"))
}

/// Names and addresses, each with the token of its file.
fn webhooks(settings: &Settings) -> Result<Vec<Webhook>, ConfigError> {
    let mut webhooks: Vec<Webhook> = Vec::new();
    for text in &settings.webhook {
        let expected =
            "a name of letters, digits, - and _, and a URL, like audit=https://events.example.com/s3";
        let (id, url) = text.split_once('=').ok_or_else(|| bad("webhook", text, expected))?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let good = (1..=64).contains(&id.len()) && id.bytes().all(plain);
        let uri = url.parse::<hyper::Uri>().ok().filter(|uri| good && is_web_url(uri));
        let url = uri.ok_or_else(|| bad("webhook", text, expected))?;
        let arn = webhook_arn(id);
        if webhooks.iter().any(|other| other.arn == arn) {
            return Err(bad("webhook", text, "a name that no other webhook has"));
        }
        webhooks.push(Webhook { arn, url, authorization: webhook_token(settings, id)? });
    }
    let named = |id: &str| webhooks.iter().any(|webhook| webhook.arn == webhook_arn(id));
    let stray = settings
        .webhook_token_file
        .iter()
        .find(|text| !text.split_once('=').is_some_and(|(id, _)| named(id)));
    match stray {
        Some(text) => Err(bad(
            "webhook_token_file",
            text,
            "the name of a webhook and a file, like audit=/run/secrets/audit",
        )),
        None => Ok(webhooks),
    }
}

fn key_limits(settings: &Settings) -> Result<KeyLimits, ConfigError> {
    let number = |name: &str, text: &Option<String>| {
        let parse = |text: &String| {
            let parsed = text.parse().ok().filter(|number| *number > 0);
            parsed.ok_or_else(|| bad(name, text, "a number of requests, 1 at least"))
        };
        text.as_ref().map(parse).transpose()
    };
    Ok(KeyLimits {
        per_second: number("key_requests_per_second", &settings.key_requests_per_second)?,
        at_once: number("key_requests_at_once", &settings.key_requests_at_once)?,
    })
}

fn audit(settings: &Settings, webhooks: &[Webhook]) -> Result<Audit, ConfigError> {
    let named = |id: &String| {
        let arn = webhook_arn(id);
        let found = webhooks.iter().find(|webhook| webhook.arn == arn).cloned();
        found.ok_or_else(|| bad("audit_webhook", id, "the name of a webhook, as --webhook gives it"))
    };
    let webhook = settings.audit_webhook.as_ref().map(named).transpose()?;
    Ok(Audit { file: settings.audit_file.clone(), webhook })
}

/// The name by which buckets know a webhook.
fn webhook_arn(id: &str) -> String {
    format!("arn:holdfast:sqs::{id}:webhook")
}

fn webhook_token(settings: &Settings, id: &str) -> Result<Option<HeaderValue>, ConfigError> {
    let mut files = settings.webhook_token_file.iter().filter_map(|text| text.split_once('='));
    let Some((_, file)) = files.find(|(name, _)| *name == id) else { return Ok(None) };
    let token = text_or_file("webhook_token", None, Some(Path::new(file)))?;
    let bearer = token.and_then(|token| HeaderValue::try_from(format!("Bearer {}", token.expose())).ok());
    let mut bearer =
        bearer.ok_or_else(|| bad("webhook_token_file", file, "a file with a token in one line"))?;
    bearer.set_sensitive(true);
    Ok(Some(bearer))
}

fn lifecycle_day_secs(settings: &Settings) -> Result<u64, ConfigError> {
    let Some(text) = settings.lifecycle_day.as_deref() else { return Ok(DAY_SECS) };
    let secs = text.parse().ok().filter(|secs| (1..=DAY_SECS).contains(secs));
    secs.ok_or_else(|| bad("lifecycle_day", text, "a number of seconds from 1 to 86400"))
}

/// Reads `CLASS=K+M` and `CLASS=bucket`; whether the drives bear it is for the engine to say.
fn storage_classes(texts: &[String]) -> Result<ClassSchemes, ConfigError> {
    let expected =
        "a storage class but STANDARD and its parity, like REDUCED_REDUNDANCY=3+1 or GLACIER_IR=bucket";
    let parse = |text: &str| {
        let (class, scheme) = text.split_once('=')?;
        let class = StorageClass::parse(class).filter(|class| *class != StorageClass::Standard)?;
        let scheme = match scheme {
            "bucket" => ClassScheme::AsBucket,
            scheme => ClassScheme::Own(scheme.parse().ok()?),
        };
        Some((class, scheme))
    };
    let mut classes = ClassSchemes::new();
    for text in texts {
        let (class, scheme) = parse(text).ok_or_else(|| bad("storage_class", text, expected))?;
        if classes.insert(class, scheme).is_some() {
            return Err(bad("storage_class", text, "each class once"));
        }
    }
    Ok(classes)
}

fn valid_domain(text: &str) -> Result<String, ConfigError> {
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let good = text.len() <= 253 && text.split('.').all(label);
    if good {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(bad("domain", text, "a domain like s3.example.com"))
    }
}

fn valid_bucket(text: &str) -> Result<BucketName, ConfigError> {
    let expected = "a bucket name: 3 to 63 of a-z, 0-9, `-` and `.`";
    BucketName::parse(text).map_err(|_| bad("bucket", text, expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(settings: Settings) -> Result<Options, ConfigError> {
        Options::validate(RoleName::Serve, settings)
    }

    #[test]
    fn nothing_said_means_four_drives_on_loopback() {
        let options = serve(Settings::default()).unwrap();
        let Role::Serve { drives } = &options.role else { panic!("{:?}", options.role) };
        assert_eq!(drives.len(), 4);
        assert_eq!(options.listen.address.to_string(), "127.0.0.1:9000");
        assert_eq!(options.listen.console_address.unwrap().to_string(), "127.0.0.1:9001");
        assert_eq!(options.state, Path::new("./data/.holdfast"));
        assert_eq!(options.region, "local");
    }

    #[test]
    fn values_that_make_no_sense_are_refused_by_name() {
        let text = |value: &str| Some(value.to_owned());
        let cases = [
            (Settings { address: text("nowhere"), ..Settings::default() }, "address"),
            (Settings { console_address: text("127.0.0.1:9000"), ..Settings::default() }, "console_address"),
            (Settings { region: text("US East"), ..Settings::default() }, "region"),
            (Settings { public_url: text("ftp://x"), ..Settings::default() }, "public_url"),
            (Settings { log_format: text("xml"), ..Settings::default() }, "log_format"),
            (Settings { bucket: vec!["A".into()], ..Settings::default() }, "bucket"),
            (Settings { domain: vec!["a..b".into()], ..Settings::default() }, "domain"),
            (Settings { signature_v2: text("maybe"), ..Settings::default() }, "signature_v2"),
            (Settings { new_buckets: text("public"), ..Settings::default() }, "new_buckets"),
            (Settings { website_address: text("127.0.0.1:9000"), ..Settings::default() }, "website_address"),
            (
                Settings {
                    website_domain: vec!["x.y".into()],
                    domain: vec!["X.y".into()],
                    ..Settings::default()
                },
                "website_domain",
            ),
            (Settings { access_log_interval: text("0"), ..Settings::default() }, "access_log_interval"),
            (Settings { webhook: vec!["http://x".into()], ..Settings::default() }, "webhook"),
            (Settings { webhook: vec!["a=ftp://x".into()], ..Settings::default() }, "webhook"),
            (Settings { webhook: vec!["a=http://u:p@x".into()], ..Settings::default() }, "webhook"),
            (
                Settings { webhook: vec!["a=http://x".into(), "a=http://y".into()], ..Settings::default() },
                "webhook",
            ),
            (
                Settings { webhook_token_file: vec!["b=/x".into()], ..Settings::default() },
                "webhook_token_file",
            ),
            (Settings { root_access_key: text("abc"), ..Settings::default() }, "root_access_key"),
            (Settings { storage_class: vec!["STANDARD=2+2".into()], ..Settings::default() }, "storage_class"),
            (Settings { storage_class: vec!["GLACIER_IR=2".into()], ..Settings::default() }, "storage_class"),
            (Settings { storage_class: vec!["COLD=2+1".into()], ..Settings::default() }, "storage_class"),
            (
                Settings {
                    storage_class: vec!["GLACIER_IR=2+1".into(), "GLACIER_IR=bucket".into()],
                    ..Settings::default()
                },
                "storage_class",
            ),
        ];
        for (settings, name) in cases {
            let error = serve(settings).unwrap_err().to_string();
            assert!(error.contains(name), "{name}: {error}");
        }
    }

    #[test]
    fn a_secret_comes_from_its_file_without_the_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "correct-horse-battery\n").unwrap();
        let settings = Settings {
            root_access_key: Some("root".into()),
            root_secret_key_file: Some(file.clone()),
            ..Settings::default()
        };
        let (credentials, origin) = serve(settings.clone()).unwrap().credentials().unwrap();
        assert_eq!(credentials.secret_access_key.expose(), "correct-horse-battery");
        assert_eq!(origin, CredentialsOrigin::Given);
        let both = Settings { root_secret_key: Some(Secret::new("correct-horse-battery")), ..settings };
        assert!(matches!(serve(both), Err(ConfigError::SecretTwice(_))));
    }

    #[test]
    fn well_known_credentials_are_for_loopback_only() {
        let settings = |address: &str| Settings {
            address: Some(address.into()),
            root_access_key: Some("minioadmin".into()),
            root_secret_key: Some(Secret::new("minioadmin")),
            ..Settings::default()
        };
        assert!(serve(settings("localhost:9000")).is_ok());
        assert!(matches!(serve(settings(":9000")), Err(ConfigError::WellKnownSecret(_))));
    }

    #[test]
    fn nodes_and_gateways_need_a_shared_secret_of_some_length() {
        let node = |secret: Option<&str>| Settings {
            drives: vec!["/a".into()],
            cluster_secret: secret.map(Secret::new),
            ..Settings::default()
        };
        assert!(matches!(Options::validate(RoleName::Node, node(None)), Err(ConfigError::Missing(_))));
        assert!(Options::validate(RoleName::Node, node(Some("short"))).is_err());
        let zone = |zone: &str| Settings { zone: Some(zone.into()), ..node(Some("0123456789abcdef")) };
        for bad in ["", "rack 1", "r\u{e9}seau", &"x".repeat(65)] {
            let error = Options::validate(RoleName::Node, zone(bad)).unwrap_err().to_string();
            assert!(error.contains("zone"), "{error}");
        }
        let named = Options::validate(RoleName::Node, zone("eu/rack-1")).unwrap();
        assert!(matches!(named.role, Role::Node { zone, .. } if zone == "eu/rack-1"));
        let options = Options::validate(RoleName::Node, node(Some("0123456789abcdef"))).unwrap();
        assert_eq!(options.listen.address.port(), 9100);
        assert_eq!(options.listen.console_address, None);
        let gateway =
            Settings { node: vec!["n1:9100".into(), "n2".into()], ..node(Some("0123456789abcdef")) };
        assert!(Options::validate(RoleName::Gateway, gateway).is_err());
        assert!(matches!(Options::validate(RoleName::Gateway, node(None)), Err(ConfigError::Missing(_))));
    }

    #[test]
    fn clients_are_told_an_address_they_can_reach() {
        let endpoint = |settings| {
            let listen = serve(settings).unwrap().listen;
            listen.endpoint("0.0.0.0:9000".parse().unwrap())
        };
        assert_eq!(endpoint(Settings::default()), "http://127.0.0.1:9000");
        let folder = Settings { tls_folder: Some("certs".into()), ..Settings::default() };
        assert_eq!(endpoint(folder), "https://127.0.0.1:9000");
        let public = Settings { public_url: Some("https://s3.example.com".into()), ..Settings::default() };
        assert_eq!(endpoint(public), "https://s3.example.com");
    }

    #[test]
    fn a_certificate_and_its_key_are_set_together() {
        let half = Settings { tls_cert: Some("a.crt".into()), ..Settings::default() };
        assert!(matches!(serve(half), Err(ConfigError::HalfTls)));
    }
}
