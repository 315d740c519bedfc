//! The certificates that a server shows, and their change while it runs.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{Certificate, CertificateFiles, Pair, TlsError};

/// What was said to clients in the order of preference: HTTP/2, then HTTP/1.1.
const PROTOCOLS: [&[u8]; 2] = [HTTP2, b"http/1.1"];

/// HTTP/2 as ALPN calls it.
pub(in crate::http) const HTTP2: &[u8] = b"h2";

/// Certificates of a server, found by the host name that a client asks for.
#[derive(Debug)]
pub struct Certificates {
    files: CertificateFiles,
    shown: RwLock<Arc<Shown>>,
    /// The files as they stood when they were read last, well or not.
    seen: Mutex<Vec<Trace>>,
}

/// What came of looking for new certificates.
#[derive(Debug)]
pub enum Reload {
    /// The files are as they were.
    Unchanged,
    /// These are shown from now on.
    Taken(Vec<Certificate>),
}

#[derive(Debug)]
struct Shown {
    default: Arc<CertifiedKey>,
    by_name: HashMap<String, Arc<CertifiedKey>>,
    all: Vec<Certificate>,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trace {
    path: PathBuf,
    changed: Option<(SystemTime, u64, u64)>,
}

impl Certificates {
    /// Reads all of them; one that cannot be used fails the whole.
    pub fn open(files: CertificateFiles) -> Result<Arc<Self>, TlsError> {
        let pairs = files.pairs()?;
        // Traced before they are read: what changes in between is found by the next look.
        let seen = Mutex::new(trace(&pairs));
        let shown = RwLock::new(Arc::new(Shown::load(&pairs)?));
        Ok(Arc::new(Self { files, shown, seen }))
    }

    /// Those that are shown.
    pub fn all(&self) -> Vec<Certificate> {
        self.shown().all.clone()
    }

    /// Where they come from.
    pub fn files(&self) -> &CertificateFiles {
        &self.files
    }

    /// Reads them again if a file has changed. On an error the old ones stay, and the same files are not
    /// tried again until they change once more.
    pub fn reload_if_changed(&self) -> Result<Reload, TlsError> {
        let pairs = self.files.pairs();
        let now = pairs.as_deref().map(trace).unwrap_or_default();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == now {
            return Ok(Reload::Unchanged);
        }
        *seen = now;
        self.take(&pairs?)
    }

    /// Reads them again. On an error the old ones stay.
    pub fn reload(&self) -> Result<Reload, TlsError> {
        let pairs = self.files.pairs()?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = trace(&pairs);
        self.take(&pairs)
    }

    fn take(&self, pairs: &[Pair]) -> Result<Reload, TlsError> {
        let shown = Shown::load(pairs)?;
        let all = shown.all.clone();
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shown);
        Ok(Reload::Taken(all))
    }

    fn shown(&self) -> Arc<Shown> {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How connections are opened: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
    pub(in crate::http) fn server_config(self: &Arc<Self>) -> ServerConfig {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions();
        let builder = builder.expect("the provider has the suites of both versions");
        let mut config = builder.with_no_client_auth().with_cert_resolver(self.clone());
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        config
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.shown().find(hello.server_name()))
    }
}

impl Shown {
    fn load(pairs: &[Pair]) -> Result<Self, TlsError> {
        let all = pairs.iter().map(Certificate::load).collect::<Result<Vec<_>, _>>()?;
        let mut by_name = HashMap::new();
        for certificate in &all {
            for name in &certificate.names {
                by_name.entry(name.clone()).or_insert_with(|| certificate.key.clone());
            }
        }
        let default = all.first().expect("there is a pair at least").key.clone();
        Ok(Self { default, by_name, all })
    }

    /// The certificate for a name, else one for all names beside it, else the default.
    fn find(&self, name: Option<&str>) -> Arc<CertifiedKey> {
        let found = name.map(str::to_ascii_lowercase).and_then(|name| {
            self.by_name.get(&name).or_else(|| {
                let (_, domain) = name.split_once('.')?;
                self.by_name.get(&format!("*.{domain}"))
            })
        });
        found.unwrap_or(&self.default).clone()
    }
}

fn trace(pairs: &[Pair]) -> Vec<Trace> {
    let paths = pairs.iter().flat_map(|pair| [&pair.certificate, &pair.key]);
    let look = |path: &PathBuf| {
        let file = fs::metadata(path).ok();
        let changed = file.and_then(|file| Some((file.modified().ok()?, file.len(), file.ino())));
        Trace { path: path.clone(), changed }
    };
    paths.map(look).collect()
}
