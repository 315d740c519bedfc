//! Why the server did not start. Each message is a sentence with its remedy.

use super::StorageError;
use crate::config::ConfigError;
use crate::http::BindError;
use crate::http::tls::TlsError;
use crate::metadata::MetadataError;
use crate::object;
use crate::shard_store::DriveError;
use crate::telemetry::LoggingError;

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Logging did not start.
    #[error(transparent)]
    Logging(#[from] LoggingError),
    /// The certificates cannot be served.
    #[error("cannot serve over TLS: {0}")]
    Tls(#[from] TlsError),
    /// TLS cannot be opened to others.
    #[error("cannot tell webhooks of events: {0}")]
    Trust(String),
    /// An address cannot be listened on.
    #[error("{error}; {}", remedy(error, flag))]
    Bind {
        /// Which flag changes it.
        flag: &'static str,
        /// What is wrong.
        error: BindError,
    },
    /// Drives or metadata cannot be served.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A node's drives cannot be opened.
    #[error(
        "cannot open the drives of this node: {0}; check that each folder exists, is writable and is used by no other process"
    )]
    Node(#[source] DriveError),
    /// A bucket asked for at start could not be made.
    #[error("cannot make the bucket {bucket}: {error}")]
    Bucket {
        /// Its name.
        bucket: String,
        /// Why not.
        error: object::Error,
    },
    /// What is written down of requests cannot be.
    #[error("cannot write {}: {error}; give this user the right to, or name another file", path.display())]
    Journal {
        /// The file.
        path: std::path::PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The accounts cannot be read.
    #[error("cannot read the accounts: {0}")]
    Accounts(#[source] MetadataError),
    /// The system gave no threads or no signals.
    #[error("cannot start the runtime: {0}; raise the limit of processes of this user")]
    Runtime(#[source] std::io::Error),
}

fn remedy(error: &BindError, flag: &str) -> String {
    match error {
        BindError::InUse(_) => format!("stop the other process, or choose another address with {flag}"),
        BindError::Denied(_) => format!("choose a port above 1023 with {flag}"),
        BindError::NoSuchAddress(_) => format!("choose an address of this machine with {flag}"),
        BindError::Other(_, source) => format!("the system said: {source}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_told_with_the_flag_that_changes_it() {
        let error = BindError::InUse("127.0.0.1:9000".parse().unwrap());
        let text = StartError::Bind { flag: "--address", error }.to_string();
        assert!(text.contains("127.0.0.1:9000 is in use") && text.contains("--address"), "{text}");
    }
}
