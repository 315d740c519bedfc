//! The life of one connection, in the protocol that client and server agree on.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, EXPECT, HOST, HeaderValue};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, watch};
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;

use super::Limits;
use super::listener::asked_to;
use super::streams::{Judgement, Streams};
use super::tls::HTTP2;

/// How often a stalled or idle HTTP/2 connection is looked for, in parts of the shorter of both times.
const LOOKS_IN_A_TIME: u32 = 4;

/// Bytes that HTTP/2 counts for a header beside its name and value (RFC 9113, section 6.5.2).
const HTTP2_HEADER_OVERHEAD: usize = 32;

/// Both protocols with the limits of one listener.
#[derive(Debug, Clone)]
pub(super) struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    /// One permit a request in progress over HTTP/2, of all connections together.
    requests: Arc<Semaphore>,
    head_wait_max: Duration,
    send_stall_max: Duration,
}

impl Protocols {
    pub(super) fn new(limits: &Limits) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .max_buf_size(limits.buffer_bytes_max)
            .max_header_size(limits.head_bytes_max)
            .max_headers(limits.headers_max)
            .header_read_timeout(limits.head_wait_max);
        let head = limits.head_bytes_max + limits.headers_max * HTTP2_HEADER_OVERHEAD;
        let buffer = u32::try_from(limits.buffer_bytes_max).unwrap_or(u32::MAX);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams_max)
            .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX))
            .max_send_buf_size(limits.buffer_bytes_max)
            // What all requests of a connection have sent and nobody has read yet is bounded by the second.
            .initial_stream_window_size(buffer)
            .initial_connection_window_size(buffer.saturating_mul(2));
        Self {
            http1,
            http2,
            requests: Arc::new(Semaphore::new(limits.connections_max)),
            head_wait_max: limits.head_wait_max,
            send_stall_max: limits.send_stall_max,
        }
    }

    /// One connection of HTTP/1.1, over whatever carries its bytes.
    pub(super) async fn serve_http1<S, H, F, B>(
        &self,
        stream: S,
        peer: SocketAddr,
        handler: H,
        mut stop: watch::Receiver<bool>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        H: Fn(Request<Incoming>, SocketAddr) -> F + Sync,
        F: Future<Output = Response<B>>,
        B: Body + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let service = service_fn(|request: Request<Incoming>| {
            let expects = request.headers().contains_key(EXPECT);
            let is_empty = request.body().is_end_stream();
            let answer = handler(request, peer);
            async move {
                let mut answer = answer.await;
                // Refused, a client never sends the body that it holds back, and what it sends next would be taken for
                // that (RFC 9110, 10.1.1). Without a body no `100 Continue` is sent, and some that waited for one in
                // vain (botocore) misread the next answer, until it times out.
                if expects && (is_empty || !answer.status().is_success()) {
                    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let mut connection = std::pin::pin!(self.http1.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = asked_to(&mut stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        report(peer, ended);
    }

    /// One connection that opens with TLS, and goes on in the protocol agreed on there.
    pub(super) async fn serve_tls<S, H, F, B>(
        &self,
        acceptor: &TlsAcceptor,
        stream: S,
        peer: SocketAddr,
        handler: H,
        mut stop: watch::Receiver<bool>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let opening = tokio::time::timeout(self.head_wait_max, acceptor.accept(stream));
        let opened = tokio::select! {
            opened = opening => opened,
            () = asked_to(&mut stop) => return,
        };
        match opened {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(HTTP2) => {
                self.serve_http2(stream, peer, handler, stop).await;
            }
            Ok(Ok(stream)) => self.serve_http1(stream, peer, handler, stop).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "tls did not open"),
            Err(_) => tracing::debug!(%peer, "tls did not open in time"),
        }
    }

    async fn serve_http2<S, H, F, B>(
        &self,
        stream: S,
        peer: SocketAddr,
        handler: H,
        mut stop: watch::Receiver<bool>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let streams = Streams::new();
        let (opened, requests) = (streams.clone(), self.requests.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            name_host(&mut request);
            let (open, requests) = (opened.open(), requests.clone());
            let answer = handler(request, peer);
            async move {
                // The semaphore is never closed; without a permit the request would only be unbounded.
                let permit = requests.acquire_owned().await.ok();
                Ok::<_, Infallible>(answer.await.map(|body| open.watch(body, permit)))
            }
        });
        let mut connection = std::pin::pin!(self.http2.serve_connection(TokioIo::new(stream), service));
        let mut looks = tokio::time::interval(self.head_wait_max.min(self.send_stall_max) / LOOKS_IN_A_TIME);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopping = false;
        let ended = loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => break ended,
                () = asked_to(&mut stop), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                _ = looks.tick() => {
                    // Asked to leave, a client still has the time to take what was sent last.
                    let idle_max = if stopping { self.send_stall_max } else { self.head_wait_max };
                    match streams.judge(idle_max, self.send_stall_max) {
                        Judgement::Busy => {}
                        Judgement::Idle if !stopping => {
                            stopping = true;
                            connection.as_mut().graceful_shutdown();
                        }
                        Judgement::Idle | Judgement::Stalled => {
                            return tracing::debug!(%peer, "connection cut");
                        }
                    }
                }
            }
        };
        report(peer, ended);
    }
}

/// HTTP/2 says in its request line what HTTP/1.1 says in `Host`.
fn name_host(request: &mut Request<Incoming>) {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    if let Some(host) = authority.and_then(|authority| HeaderValue::from_str(authority).ok()) {
        request.headers_mut().insert(HOST, host);
    }
}

fn report(peer: SocketAddr, ended: hyper::Result<()>) {
    if let Err(error) = ended {
        // A client that goes away is no event for the operator.
        tracing::debug!(%peer, %error, "connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::{BodyExt, Empty, Full};
    use hyper::StatusCode;
    use hyper::client::conn::http2::{SendRequest, handshake};
    use hyper::header::HeaderName;
    use tokio::task::JoinHandle;

    use super::*;

    struct Connected {
        client: SendRequest<Empty<Bytes>>,
        stop: watch::Sender<bool>,
        served: JoinHandle<()>,
        /// A permit for each request that has reached the handler.
        entered: Arc<Semaphore>,
        /// A permit lets a request to `/wait` be answered.
        gate: Arc<Semaphore>,
    }

    async fn connect() -> Connected {
        let (near, far) = tokio::io::duplex(64 << 10);
        let (stop, stopped) = watch::channel(false);
        let (entered, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (enters, waits) = (entered.clone(), gate.clone());
        let handler = move |request: Request<Incoming>, _peer| {
            let (enters, waits) = (enters.clone(), waits.clone());
            async move {
                enters.add_permits(1);
                if request.uri().path() == "/wait" {
                    waits.acquire().await.unwrap().forget();
                }
                let host = request.headers()[HOST].as_bytes().to_vec();
                Response::new(Full::new(Bytes::from(host)))
            }
        };
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let served = tokio::spawn(async move {
            Protocols::new(&Limits::default()).serve_http2(far, peer, handler, stopped).await;
        });
        let (client, connection) = handshake(TokioExecutor::new(), TokioIo::new(near)).await.unwrap();
        tokio::spawn(connection);
        Connected { client, stop, served, entered, gate }
    }

    fn request(path: &str) -> Request<Empty<Bytes>> {
        Request::get(format!("https://photos.s3.test{path}")).body(Empty::new()).unwrap()
    }

    #[tokio::test]
    async fn a_request_gets_the_host_that_its_uri_names() {
        let mut connected = connect().await;
        let answer = connected.client.send_request(request("/")).await.unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "photos.s3.test");
    }

    #[tokio::test]
    async fn a_request_may_have_many_short_headers() {
        let mut connected = connect().await;
        let mut request = request("/");
        for at in 0..500 {
            let name = HeaderName::try_from(format!("x-amz-meta-{at:03}")).unwrap();
            request.headers_mut().insert(name, HeaderValue::from_static("v"));
        }
        let answer = connected.client.send_request(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_asks_for_nothing_is_closed() {
        let connected = connect().await;
        connected.served.await.unwrap();
        assert!(connected.client.is_closed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_lets_a_request_in_flight_end() {
        let mut connected = connect().await;
        let answering = tokio::spawn(connected.client.send_request(request("/wait")));
        connected.entered.acquire().await.unwrap().forget();
        connected.stop.send_replace(true);
        connected.gate.add_permits(1);
        let answer = answering.await.unwrap().unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "photos.s3.test");
        connected.served.await.unwrap();
    }
}
