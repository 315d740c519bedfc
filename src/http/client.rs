//! One request to another server, on a connection of its own.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::http::uri::Authority;
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::tls::Trust;

/// How long a connection may take to come about.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// Another server: its host and port, and how TLS is opened to it.
#[derive(Debug, Clone)]
pub struct Remote {
    authority: Authority,
    /// None where it speaks no TLS.
    trust: Option<Trust>,
}

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
}

/// Bounds of an exchange.
#[derive(Debug, Clone, Copy)]
pub struct ExchangeLimits {
    /// How long it may take.
    pub wait: Duration,
    /// Bytes of the answer.
    pub answer_bytes_max: usize,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection comes about.
    #[error("it takes no connection")]
    ConnectTimeout,
    /// The connection is refused.
    #[error("{0}")]
    Connect(#[source] io::Error),
    /// Its certificate is not trusted, or it speaks no TLS.
    #[error("its certificate is not trusted ({0})")]
    Tls(#[source] io::Error),
    /// No answer in time.
    #[error("it takes too long")]
    Timeout,
    /// The connection ended, or the answer is too long.
    #[error("{0}")]
    Exchange(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Remote {
    /// The server of an `http` or `https` URL; `None` if it is neither.
    pub fn of(url: &Uri, trust: Trust) -> Option<Self> {
        let trust = match url.scheme_str() {
            Some("http") => None,
            Some("https") => Some(trust),
            _ => return None,
        };
        Some(Self { authority: url.authority()?.clone(), trust })
    }

    /// `host:port`, as the `Host` header has it.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Whether TLS is spoken.
    pub fn is_tls(&self) -> bool {
        self.trust.is_some()
    }

    /// Sends one request and takes the whole answer.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        limits: ExchangeLimits,
    ) -> Result<Answer, ClientError> {
        let port = self.authority.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 });
        let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
        let connecting = tokio::time::timeout(CONNECT_WAIT, TcpStream::connect((host, port))).await;
        let stream = connecting.map_err(|_| ClientError::ConnectTimeout)?.map_err(ClientError::Connect)?;
        let exchange = async {
            match &self.trust {
                None => exchange(stream, request, limits.answer_bytes_max).await,
                Some(trust) => {
                    let stream = trust.open(host, stream).await.map_err(ClientError::Tls)?;
                    exchange(stream, request, limits.answer_bytes_max).await
                }
            }
        };
        tokio::time::timeout(limits.wait, exchange).await.map_err(|_| ClientError::Timeout)?
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
    answer_bytes_max: usize,
) -> Result<Answer, ClientError> {
    let failed = |error: hyper::Error| ClientError::Exchange(Box::new(error));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    // Ends with the sender; what goes wrong shows in the answer.
    let _connection = Connection(tokio::spawn(connection).abort_handle());
    let answer = sender.send_request(request).await.map_err(failed)?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), answer_bytes_max).collect().await;
    Ok(Answer { status, body: body.map_err(ClientError::Exchange)?.to_bytes() })
}

/// Ends a connection's task when it is dropped.
struct Connection(tokio::task::AbortHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}
