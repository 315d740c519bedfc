//! The real binary, started once for all tests that run at a time and stopped after the last.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

pub const ACCESS_KEY: &str = "AKIDTESTS";
pub const SECRET: &str = "the-secret-of-the-tests";
pub const REGION: &str = "us-east-1";
/// Hosts under which buckets may be named.
pub const DOMAIN: &str = "s3.test";

const NODES: usize = 4;
const CLUSTER_SECRET: &str = "the-secret-of-the-cluster-of-the-tests";

/// How the parts are spread over processes.
pub enum Topology {
    /// `holdfast serve` on four drives.
    OneProcess,
    /// `holdfast gateway` and four times `holdfast node`.
    Cluster,
}

/// A running server. Its drives go when it goes.
pub struct Server {
    processes: Vec<Process>,
    /// `127.0.0.1:port`.
    pub address: String,
    _folder: TempDir,
}

static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());

impl Server {
    /// The server that runs, or a new one where none does.
    pub fn shared() -> Arc<Self> {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = running.upgrade() {
            return server;
        }
        let server = Arc::new(Self::start(crate::TOPOLOGY));
        *running = Arc::downgrade(&server);
        server
    }

    fn start(topology: Topology) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut processes = Vec::new();
        let mut front = match topology {
            Topology::OneProcess => {
                let mut serve = command(folder.path(), "serve");
                serve.arg(folder.path().join("drive{1...4}"));
                serve
            }
            Topology::Cluster => {
                let mut gateway = command(folder.path(), "gateway");
                for index in 0..NODES {
                    let node = Process::start(
                        command(folder.path(), "node").arg(folder.path().join(format!("node{index}"))),
                    );
                    gateway.args(["--node", &node.address]);
                    processes.push(node);
                }
                gateway
            }
        };
        front.args(["--console-address", "off", "--region", REGION, "--domain", DOMAIN]);
        let front = Process::start(&mut front);
        let address = front.address.clone();
        processes.push(front);
        Self { processes, address, _folder: folder }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The front first, so that it does not see its nodes go.
        while self.processes.pop().is_some() {}
    }
}

fn command(folder: &Path, role: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    command
        .args([role, "--address", "127.0.0.1:0", "--log-level", "error"])
        .env("HOLDFAST_ROOT_ACCESS_KEY", ACCESS_KEY)
        .env("HOLDFAST_ROOT_SECRET_KEY", SECRET)
        .env("HOLDFAST_CLUSTER_SECRET", CLUSTER_SECRET)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// One process of the binary, killed when dropped.
struct Process {
    child: Child,
    address: String,
}

impl Process {
    /// Starts a process and waits until its banner says where it listens.
    fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("start the server");
        let banner = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let address = banner.lines().map_while(Result::ok).find_map(|line| {
            let at = line.find("127.0.0.1:")?;
            Some(line[at..].split_whitespace().next()?.to_owned())
        });
        Self { child, address: address.expect("the banner names the address") }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
