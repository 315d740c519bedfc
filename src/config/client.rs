//! What a server leaves in its state folder for client commands on the same machine.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use crate::http::tls::CertificateFiles;

const FILE: &str = "client.json";

/// Where the server that uses this state folder was reached last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientHints {
    /// URL of the S3 API.
    pub endpoint: String,
    /// Region that clients sign for.
    pub region: String,
    /// `ip:port` of the S3 API as listened on.
    pub address: String,
    /// URL of the console address; none where the server has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console: Option<String>,
    /// The certificates that both addresses show; none where they speak no TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<CertificateFiles>,
}

impl ClientHints {
    /// Leaves the hints in a state folder.
    pub fn write(&self, state: &Path) -> Result<(), ConfigError> {
        let path = state.join(FILE);
        let text = serde_json::to_string_pretty(self).expect("texts always serialize");
        let written = fs::create_dir_all(state).and_then(|()| fs::write(&path, text + "\n"));
        written.map_err(|source| ConfigError::StateUnwritable { path, source })
    }

    /// When a server last started with this state folder.
    pub fn left_at(state: &Path) -> Option<SystemTime> {
        fs::metadata(state.join(FILE)).and_then(|file| file.modified()).ok()
    }

    /// The hints of the last server here; none where there was none or they cannot be read.
    pub fn read(state: &Path) -> Option<Self> {
        let text = fs::read_to_string(state.join(FILE)).ok()?;
        serde_json::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_come_back_and_damaged_ones_are_as_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(ClientHints::read(folder.path()), None);
        let hints = ClientHints {
            endpoint: "http://127.0.0.1:9000".into(),
            region: "local".into(),
            address: "127.0.0.1:9000".into(),
            console: Some("http://127.0.0.1:9001".into()),
            tls: None,
        };
        hints.write(folder.path()).unwrap();
        assert_eq!(ClientHints::read(folder.path()), Some(hints));
        fs::write(folder.path().join(FILE), "{").unwrap();
        assert_eq!(ClientHints::read(folder.path()), None);
    }
}
