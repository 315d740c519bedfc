//! The server under load: a process of its own, watched through `/proc`.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a start may take before the run is given up.
const START_MAX: Duration = Duration::from_secs(60);

/// A running server on fresh drive folders, which go away with it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    folder: PathBuf,
    pub address: String,
    console: String,
    /// From the spawn to the first answer to a request.
    pub start: Duration,
}

pub const ACCESS_KEY: &str = "benchaccesskey";
pub const SECRET_KEY: &str = "bench-secret-key-0123456789";

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}

fn program() -> String {
    let program = std::env::var("HOLDFAST").ok().filter(|path| !path.is_empty());
    program.unwrap_or_else(|| env!("CARGO_BIN_EXE_holdfast").to_owned())
}

impl Server {
    /// Starts a server on four fresh drives below `parent`.
    pub fn start(parent: &Path) -> Self {
        let folder = parent.join(format!("holdfast-load-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("the bench folder can be made");
        Self::spawn(folder)
    }

    /// Stops this server in order and starts another on the same drives.
    pub fn restart(self) -> Self {
        self.restart_after(|| {})
    }

    /// Where the drives are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// As [`Self::restart`]; something is done in between.
    pub fn restart_after(mut self, between: impl FnOnce()) -> Self {
        self.terminate();
        between();
        let folder = std::mem::take(&mut self.folder);
        Self::spawn(folder)
    }

    fn spawn(folder: PathBuf) -> Self {
        let [address, console] = [(); 2].map(|()| format!("127.0.0.1:{}", free_port()));
        let program = program();
        let log = fs::File::create(folder.join("server.log")).expect("the log can be made");
        let begun = Instant::now();
        let child = Command::new(&program)
            .args(["serve", "drive{1...4}", "--address", &address, "--console-address", &console])
            .args(["--bucket", "bench"])
            .env("HOLDFAST_ROOT_ACCESS_KEY", ACCESS_KEY)
            .env("HOLDFAST_ROOT_SECRET_KEY", SECRET_KEY)
            .current_dir(&folder)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("start {program}: {error}"));
        let mut server = Self { child, folder, address, console, start: Duration::ZERO };
        while !server.answers() {
            let ended = server.child.try_wait().expect("a child can be asked");
            if ended.is_some() || begun.elapsed() > START_MAX {
                let log = fs::read_to_string(server.folder.join("server.log")).unwrap_or_default();
                panic!("the server did not start:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        server.start = begun.elapsed();
        server
    }

    fn answers(&self) -> bool {
        self.ask("ready").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    /// Runs `holdfast admin` with these arguments.
    pub fn admin(&self, arguments: &[&str]) {
        let mut command = Command::new(program());
        command.arg("admin").args(arguments).args(["--console-address", &self.console]);
        command.env("HOLDFAST_ROOT_ACCESS_KEY", ACCESS_KEY).env("HOLDFAST_ROOT_SECRET_KEY", SECRET_KEY);
        let done = command.output().expect("the program can be run");
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// What it says of its redundancy.
    pub fn health(&self) -> String {
        self.ask("cluster").unwrap_or_default()
    }

    fn ask(&self, probe: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(stream, "GET /-/health/{probe} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// User and system time used so far, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_ascii_whitespace();
        fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
    }

    /// A line of `/proc/PID/status` in MiB.
    pub fn memory_mib(&self, line: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let value = status.lines().find_map(|text| text.strip_prefix(line)?.split_ascii_whitespace().nth(1));
        value.and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
    }

    /// Starts the peak of memory anew, where the system lets us.
    pub fn forget_peak(&self) {
        let _ = fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5");
    }

    fn terminate(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.folder.as_os_str().is_empty() {
            self.terminate();
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}
