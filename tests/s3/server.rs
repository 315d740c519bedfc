//! The real binary, started once for all tests that run at a time and stopped after the last.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

pub const ACCESS_KEY: &str = "AKIDTESTS";
pub const SECRET: &str = "the-secret-of-the-tests";
pub const REGION: &str = "us-east-1";
/// Hosts under which buckets may be named.
pub const DOMAIN: &str = "s3.test";

/// A running server. Its drives go when it goes.
pub struct Server {
    process: Child,
    /// `127.0.0.1:port`.
    pub address: String,
    _drives: TempDir,
}

static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());

impl Server {
    /// The server that runs, or a new one where none does.
    pub fn shared() -> Arc<Self> {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = running.upgrade() {
            return server;
        }
        let server = Arc::new(Self::start());
        *running = Arc::downgrade(&server);
        server
    }

    fn start() -> Self {
        let drives = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_holdfast"))
            .args(["serve", "--address", "127.0.0.1:0", "--console-address", "off", "--region", REGION])
            .args(["--domain", DOMAIN, "--log-level", "error"])
            .arg(drives.path().join("drive{1...4}"))
            .env("HOLDFAST_ROOT_ACCESS_KEY", ACCESS_KEY)
            .env("HOLDFAST_ROOT_SECRET_KEY", SECRET)
            .current_dir(drives.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start the server");
        let banner = BufReader::new(process.stdout.take().expect("standard output is piped"));
        let address = banner.lines().map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.split_once("http://")?;
            Some(rest.split_whitespace().next()?.to_owned())
        });
        Self { process, address: address.expect("the banner names the address"), _drives: drives }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
