//! Which servers client commands believe: those whose certificate the system or `--tls-ca` vouches for, and
//! the server of this machine, whose certificate lies where its state folder says.

use crate::config::{ClientHints, Options};
use crate::http::tls::CertificateFiles;
pub(crate) use crate::http::tls::Trust;

/// The certificates of the server of this machine: those of these settings, else those that it said it has.
pub(super) fn own_files(options: &Options, hints: Option<&ClientHints>) -> Option<CertificateFiles> {
    options.listen.tls.clone().or_else(|| hints?.tls.clone())
}
