//! Lines that are kept in files which make room for each other, and told to a webhook: audit logs and denials.
//!
//! Whoever has a line to say never waits: a line for which there is no room in the queue is dropped, counted and said in the log.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Webhook;
use crate::http::tls::Trust;
use crate::http::{ExchangeLimits, Remote};

/// Lines that may wait for one file or webhook. With lines of half a KiB, some 8 MiB.
const WAITING_MAX: usize = 16_384;

/// Lines that are written or sent together.
const TOGETHER_MAX: usize = 1000;

/// Bounds of the wait after a webhook did not take lines.
const RETRY_AFTER: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(60));

/// Bounds of one message.
const LIMITS: ExchangeLimits = ExchangeLimits { wait: Duration::from_secs(30), answer_bytes_max: 64 << 10 };

/// A file that is begun anew when it is full; those before it are `NAME.1`, `NAME.2` and so on.
#[derive(Debug)]
pub struct RotatedFile {
    path: PathBuf,
    bytes_max: u64,
    /// How many there are beside the one that is written.
    kept: u32,
    open: Option<(File, u64)>,
}

impl RotatedFile {
    /// Goes on with a file, or begins it.
    pub fn open(path: PathBuf, bytes_max: u64, kept: u32) -> io::Result<Self> {
        let mut file = Self { path, bytes_max, kept, open: None };
        file.reopen()?;
        Ok(file)
    }

    fn reopen(&mut self) -> io::Result<()> {
        // Who called and what is in buckets is nobody else's business.
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)?;
        let length = file.metadata()?.len();
        self.open = Some((file, length));
        Ok(())
    }

    fn write(&mut self, lines: &str) -> io::Result<()> {
        if self
            .open
            .as_ref()
            .is_some_and(|(_, length)| *length > 0 && length + lines.len() as u64 > self.bytes_max)
        {
            self.open = None;
            for number in (1..self.kept).rev() {
                let _ = fs::rename(numbered(&self.path, number), numbered(&self.path, number + 1));
            }
            match self.kept {
                0 => fs::remove_file(&self.path)?,
                _ => fs::rename(&self.path, numbered(&self.path, 1))?,
            }
        }
        if self.open.is_none() {
            self.reopen()?;
        }
        let Some((file, length)) = &mut self.open else { return Ok(()) };
        file.write_all(lines.as_bytes())?;
        *length += lines.len() as u64;
        Ok(())
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// The newest line that is wanted, in a file or in the one before it.
pub fn find_line(path: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<Option<String>> {
    for path in [path.to_owned(), numbered(path, 1)] {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let mut found = None;
        for line in BufReader::new(file).lines() {
            found = Some(line?).filter(|line| wanted(line)).or(found);
        }
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Where lines go. Share it behind an `Arc`.
#[derive(Debug)]
pub struct Lines {
    /// None any more once it was stopped.
    sinks: RwLock<Vec<mpsc::Sender<Arc<str>>>>,
    dropped: AtomicU64,
}

/// The writing and sending of lines.
#[derive(Debug)]
pub struct LinesUnderWay {
    file: Option<JoinHandle<()>>,
    /// Ends with the process: one that takes nothing must not hold up a stop.
    _webhook: Option<JoinHandle<()>>,
}

impl Lines {
    /// Starts to write to a file, and to send to a webhook.
    pub fn start(file: Option<RotatedFile>, webhook: Option<(Webhook, Trust)>) -> (Arc<Self>, LinesUnderWay) {
        let mut sinks = Vec::new();
        let mut queue = || {
            let (sink, lines) = mpsc::channel(WAITING_MAX);
            sinks.push(sink);
            lines
        };
        let file = file.map(|file| {
            tokio::task::spawn_blocking({
                let lines = queue();
                move || write(file, lines)
            })
        });
        let remote = webhook.and_then(|(webhook, trust)| Some((Remote::of(&webhook.url, trust)?, webhook)));
        let webhook = remote.map(|(remote, webhook)| tokio::spawn(send(remote, webhook, queue())));
        let lines = Self { sinks: RwLock::new(sinks), dropped: AtomicU64::new(0) };
        (Arc::new(lines), LinesUnderWay { file, _webhook: webhook })
    }

    /// Takes a line, which ends with a newline.
    pub fn push(&self, line: String) {
        let line: Arc<str> = line.into();
        for sink in self.sinks.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if sink.try_send(line.clone()).is_err() && self.dropped.fetch_add(1, Ordering::Relaxed) == 0 {
                tracing::error!(
                    "lines of an audit log are dropped: they come faster than they can be written or sent"
                );
            }
        }
    }

    /// Takes no more lines, so that the writing comes to its end.
    pub fn stop(&self) {
        self.sinks.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Lines that nobody will see.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl LinesUnderWay {
    /// Waits until what was taken is in the file. Stop the lines before.
    pub async fn finish(self) {
        if let Some(file) = self.file
            && let Err(error) = file.await
        {
            tracing::error!(%error, "the writing of an audit log failed");
        }
    }
}

/// Writes what comes, until nobody can say anything any more.
fn write(mut file: RotatedFile, mut lines: mpsc::Receiver<Arc<str>>) {
    let (mut together, mut failed) = (Vec::new(), false);
    while lines.blocking_recv_many(&mut together, TOGETHER_MAX) > 0 {
        let text: String = together.drain(..).map(|line| line.to_string()).collect();
        let written = file.write(&text);
        match &written {
            Ok(()) if failed => tracing::info!(path = %file.path.display(), "the audit log is written again"),
            Err(error) if !failed => {
                tracing::error!(path = %file.path.display(), %error, "the audit log cannot be written")
            }
            Ok(()) | Err(_) => {}
        }
        failed = written.is_err();
    }
}

/// Sends what comes, each line until it was taken, in order.
async fn send(remote: Remote, webhook: Webhook, mut lines: mpsc::Receiver<Arc<str>>) {
    let mut together = Vec::new();
    while lines.recv_many(&mut together, TOGETHER_MAX).await > 0 {
        let body: Bytes = together.drain(..).map(|line| line.to_string()).collect::<String>().into();
        let mut retry_after = RETRY_AFTER.0;
        while let Err(reason) = post(&remote, &webhook, body.clone()).await {
            tracing::warn!(url = %webhook.url, reason, "the webhook of the audit log did not take it");
            tokio::time::sleep(retry_after).await;
            retry_after = (retry_after * 2).min(RETRY_AFTER.1);
        }
    }
}

async fn post(remote: &Remote, webhook: &Webhook, body: Bytes) -> Result<(), String> {
    let path = webhook.url.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::post(path)
        .header(HOST, remote.authority().as_str())
        .header(CONTENT_TYPE, "application/x-ndjson");
    if let Some(authorization) = &webhook.authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    let request = request.body(Full::new(body)).map_err(|error| error.to_string())?;
    let answer = remote.send(request, LIMITS).await.map_err(|error| error.to_string())?;
    if answer.status.is_success() { Ok(()) } else { Err(format!("it answered {}", answer.status)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_makes_room_and_so_many_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut file = RotatedFile::open(path.clone(), 20, 2).unwrap();
        (0..10).for_each(|number| file.write(&format!("line {number:03}\n")).unwrap());
        let read = |path: PathBuf| fs::read_to_string(path).unwrap();
        assert_eq!(read(path.clone()), "line 008\nline 009\n");
        assert_eq!(read(numbered(&path, 1)), "line 006\nline 007\n");
        assert_eq!(read(numbered(&path, 2)), "line 004\nline 005\n");
        assert!(!numbered(&path, 3).exists());
        drop(file);
        RotatedFile::open(path.clone(), 20, 2).unwrap().write("line 010\n").unwrap();
        assert_eq!(read(path.clone()), "line 010\n", "what is there counts");
        let find = |wanted: &str| find_line(&path, |line| line.contains(wanted)).unwrap();
        assert_eq!(find("009").as_deref(), Some("line 009"));
        assert_eq!(find("line").as_deref(), Some("line 010"), "the newest");
        assert_eq!(find("004"), None);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_taken_is_in_the_file_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let (lines, under_way) = Lines::start(RotatedFile::open(path.clone(), 1 << 20, 1).ok(), None);
        (0..5000).for_each(|number| lines.push(format!("{number}\n")));
        assert_eq!(lines.dropped(), 0);
        lines.stop();
        under_way.finish().await;
        assert_eq!(fs::read_to_string(path).unwrap().lines().count(), 5000);
    }
}
