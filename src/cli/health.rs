//! `holdfast health`: a probe for scripts and containers that needs no other program.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::trust::Trust;
use crate::config::{ClientHints, Environment, Options, RoleName, Settings};

/// How long the server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of an answer that are looked at.
const ANSWER_BYTES_MAX: u64 = 4096;

/// Asks; an error is the answer "not ready".
pub(super) fn run(flags: Settings) -> Result<(), String> {
    let environment: Environment = std::env::vars().collect();
    let (settings, _) = Settings::gather(flags, &environment).map_err(|error| error.to_string())?;
    let named = settings.address.is_some();
    let state_named = settings.state.is_some() || !settings.drives.is_empty();
    let mut options = Options::validate(RoleName::Serve, settings).map_err(|error| error.to_string())?;
    options.find_client_state(state_named);
    let hints = ClientHints::read(&options.state);
    let tls = options.listen.tls.is_some() || hints.as_ref().is_some_and(|hints| hints.tls.is_some());
    let trust = tls.then(|| Trust::of(options.tls_ca.as_deref(), hints.as_ref())).transpose()?;
    let hinted = hints.filter(|_| !named).and_then(|hints| hints.address.parse().ok());
    let mut address: SocketAddr = hinted.unwrap_or(options.listen.address);
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    match ask(address, trust.as_ref(), "/-/health/ready") {
        Ok((200, _)) => {
            println!("ready");
            Ok(())
        }
        Ok((status, _)) => Err(format!("the server at {address} is not ready (status {status})")),
        Err(error) => {
            Err(format!("no server answers at {address}: {error}; start it, or name it with --address"))
        }
    }
}

/// Asks for a page; answers status and body.
pub(super) fn ask(address: SocketAddr, trust: Option<&Trust>, path: &str) -> io::Result<(u16, String)> {
    let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    match trust {
        None => converse(stream, address, path),
        Some(trust) => converse(trust.open_blocking(&address.ip().to_string(), stream)?, address, path),
    }
}

fn converse(mut stream: impl Read + Write, address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    stream.flush()?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    status.map(|status| (status, body.to_owned())).ok_or_else(|| io::Error::other("the answer is not HTTP"))
}
