//! Certificates: where they lie, which one a client is shown, and how new ones come in without a restart.
//!
//! Invariants
//! - A set of certificates is shown only as a whole and only if every pair of it can be used: a reload that
//!   fails changes nothing.
//! - A key never leaves this module, and no message holds a part of one.

mod certificate;
mod certificates;
mod files;
mod trust;

pub use certificate::{Certificate, read_chain};
pub(super) use certificates::HTTP2;
pub use certificates::{Certificates, Reload};
pub use files::{CertificateFiles, Pair};
pub use trust::Trust;

use std::io;
use std::path::PathBuf;

/// Why certificates cannot be served. Each message names the file and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}: {source}; check the path and that this user may read it")]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder has no pair of certificate and key.
    #[error(
        "{0} holds no certificates; put NAME.crt with NAME.key there, or folders with tls.crt and tls.key, \
         or with fullchain.pem and privkey.pem"
    )]
    EmptyFolder(PathBuf),
    /// More pairs than are served.
    #[error("{0} holds more than {max} certificates; leave away those of other services", max = files::PAIRS_MAX)]
    TooMany(PathBuf),
    /// A certificate without its key.
    #[error("the certificate {certificate} has no key beside it; put it into {key}")]
    KeyMissing {
        /// The certificate.
        certificate: PathBuf,
        /// Where its key is looked for.
        key: PathBuf,
    },
    /// No PEM certificate.
    #[error(
        "{0} holds no certificate in PEM form; give a file with -----BEGIN CERTIFICATE-----, the server's own \
         first and those that signed it after it"
    )]
    NoCertificate(PathBuf),
    /// No PEM key.
    #[error(
        "{0} holds no private key in PEM form; give a file with -----BEGIN PRIVATE KEY----- (a key under a \
         passphrase is written without one by `openssl pkey -in OLD -out NEW`)"
    )]
    NoKey(PathBuf),
    /// The bytes are not those of a certificate or of a key that can be used.
    #[error("{path} cannot be used: {detail}; have it made anew")]
    Unusable {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// Key and certificate do not belong together.
    #[error("the key {key} does not belong to the certificate {certificate}; name the one it was made with")]
    WrongKey {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
}
