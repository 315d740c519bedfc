//! One certificate with its key, read and judged.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_cert::Certificate as Parsed;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::{Pair, TlsError};

/// A certificate that can be served.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The file it was read from.
    pub path: PathBuf,
    /// Host names it is for, in lower case; a wildcard as it stands there: `*.example.com`.
    pub names: Vec<String>,
    /// From when on it is good, in seconds of Unix time.
    pub not_before_secs: u64,
    /// Until when it is good, in seconds of Unix time.
    pub not_after_secs: u64,
    pub(super) key: Arc<CertifiedKey>,
}

impl Certificate {
    /// Reads a pair and checks that it can be served. An expired certificate can: that is for its owner and
    /// for clients to judge.
    pub fn load(pair: &Pair) -> Result<Self, TlsError> {
        let chain = read_chain(&pair.certificate)?;
        let unusable = |path: &Path, detail: String| TlsError::Unusable { path: path.to_owned(), detail };
        let parsed = Parsed::from_der(&chain[0])
            .map_err(|error| unusable(&pair.certificate, format!("it is no certificate ({error})")))?;
        let key = read_key(&pair.key)?;
        let key = CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                TlsError::WrongKey { certificate: pair.certificate.clone(), key: pair.key.clone() }
            }
            rustls::Error::InvalidCertificate(detail) => {
                unusable(&pair.certificate, format!("it is no server's certificate ({detail})"))
            }
            other => unusable(&pair.key, format!("it is no key of RSA, ECDSA or Ed25519 ({other})")),
        })?;
        let validity = parsed.tbs_certificate().validity();
        Ok(Self {
            path: pair.certificate.clone(),
            names: names(&parsed),
            not_before_secs: validity.not_before.to_unix_duration().as_secs(),
            not_after_secs: validity.not_after.to_unix_duration().as_secs(),
            key: Arc::new(key),
        })
    }
}

/// The certificates of a PEM file, at least one.
pub fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) | Err(_) => Err(TlsError::NoCertificate(path.to_owned())),
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|_| TlsError::NoKey(path.to_owned()))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
}

/// The host names of the subject's alternative names.
fn names(parsed: &Parsed) -> Vec<String> {
    let Ok(Some((_, SubjectAltName(names)))) = parsed.tbs_certificate().get_extension::<SubjectAltName>()
    else {
        return Vec::new();
    };
    let dns = names.iter().filter_map(|name| match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
        _ => None,
    });
    dns.collect()
}
