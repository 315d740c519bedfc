//! The real binary, started once for all tests and stopped with them.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};

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

/// Runs a program until standard input ends, which it does with the tests however they end; then
/// stops it and removes the folder.
const WHILE_TESTS_RUN: &str =
    r#"trap "" INT; "$@" & cat > /dev/null; kill -9 $!; wait $! 2> /dev/null; rm -rf "$TESTS_FOLDER""#;

/// The running server.
pub struct Server {
    /// Their standard input is what they live by.
    _processes: Vec<Child>,
    /// `127.0.0.1:port`.
    pub address: String,
}

static RUNNING: OnceLock<Arc<Server>> = OnceLock::new();

impl Server {
    /// The server of all tests of this process.
    pub fn shared() -> Arc<Self> {
        RUNNING.get_or_init(|| Arc::new(Self::start(crate::TOPOLOGY))).clone()
    }

    fn start(topology: Topology) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let mut processes = Vec::new();
        let mut front = match topology {
            Topology::OneProcess => {
                let mut serve = command(&folder, "serve");
                serve.arg(folder.join("drive{1...4}"));
                serve
            }
            Topology::Cluster => {
                let mut gateway = command(&folder, "gateway");
                for index in 0..NODES {
                    let mut node = command(&folder, "node");
                    let (child, address) = listening(node.arg(folder.join(format!("node{index}"))));
                    gateway.args(["--node", &address]);
                    processes.push(child);
                }
                gateway
            }
        };
        front.args([
            "--console-address",
            "off",
            "--region",
            REGION,
            "--domain",
            DOMAIN,
            "--lifecycle-day",
            "1",
        ]);
        let (child, address) = listening(&mut front);
        processes.push(child);
        Self { _processes: processes, address }
    }
}

fn command(folder: &Path, role: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", WHILE_TESTS_RUN, "sh", env!("CARGO_BIN_EXE_holdfast")])
        .args([role, "--address", "127.0.0.1:0", "--log-level", "error"])
        .env("HOLDFAST_ROOT_ACCESS_KEY", ACCESS_KEY)
        .env("HOLDFAST_ROOT_SECRET_KEY", SECRET)
        .env("HOLDFAST_CLUSTER_SECRET", CLUSTER_SECRET)
        .env("TESTS_FOLDER", folder)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// Starts a process and waits until its banner says where it listens.
fn listening(command: &mut Command) -> (Child, String) {
    let mut child = command.spawn().expect("start the server");
    let mut banner = BufReader::new(child.stdout.take().expect("standard output is piped"));
    let address = banner.by_ref().lines().map_while(Result::ok).find_map(|line| {
        let at = line.find("127.0.0.1:")?;
        Some(line[at..].split_whitespace().next()?.to_owned())
    });
    // Kept open, so that the process may go on writing.
    child.stdout = Some(banner.into_inner());
    (child, address.expect("the banner names the address"))
}
