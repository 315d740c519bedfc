//! A client that signs as it is told and can also do everything wrong.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use holdfast::checksum::md5::Md5;
use holdfast::sigv4::{AmzTime, ChunkSignatures, Signer, hex};

use crate::server::{ACCESS_KEY, REGION, SECRET, Server};

/// No test waits longer for an answer.
const ANSWER_SECS_MAX: u64 = 60;

/// A server and a bucket of one test's own.
pub struct Bucket {
    pub server: Arc<Server>,
    pub name: String,
}

impl Bucket {
    /// A fresh, empty bucket.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("bucket-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let bucket = Self { server: Server::shared(), name };
        bucket.request("PUT", "").send().expect_status(200);
        bucket
    }

    /// A request on the bucket: `rest` is what follows its name, like `/key` or `?list-type=2`.
    pub fn request(&self, method: &str, rest: &str) -> Request {
        Request::new(&self.server, method, &format!("/{}{rest}", self.name))
    }

    /// Stores an object and answers its ETag in quotes.
    pub fn put(&self, key: &str, body: &[u8]) -> String {
        let answer = self.request("PUT", &format!("/{key}")).body(body).send();
        answer.expect_status(200).header("etag").to_owned()
    }

    /// An object's bytes.
    pub fn get(&self, key: &str) -> Vec<u8> {
        self.request("GET", &format!("/{key}")).send().expect_status(200).body
    }

    /// Checks that nothing is under this key.
    pub fn expect_absent(&self, key: &str) {
        self.request("GET", &format!("/{key}")).send().expect_error(404, "NoSuchKey");
    }
}

/// How a request is signed.
enum Auth {
    Header,
    Query { expires_secs: u64 },
    None,
}

/// A request in the making.
pub struct Request {
    server: Arc<Server>,
    method: String,
    target: String,
    headers: HeaderMap,
    payload: Option<String>,
    body: Vec<u8>,
    announced_length: Option<usize>,
    auth: Auth,
    signer: Signer,
    time: AmzTime,
    unsigned: Vec<(HeaderName, HeaderValue)>,
    silent: bool,
}

impl Request {
    pub fn new(server: &Arc<Server>, method: &str, target: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_str(&server.address).unwrap());
        Self {
            server: server.clone(),
            method: method.into(),
            target: target.into(),
            headers,
            payload: None,
            body: Vec::new(),
            announced_length: None,
            auth: Auth::Header,
            signer: Signer::new(ACCESS_KEY, SECRET, REGION),
            time: now(),
            unsigned: Vec::new(),
            silent: false,
        }
    }

    /// A header, signed.
    pub fn header(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let value = HeaderValue::from_bytes(value.as_ref().as_bytes()).unwrap();
        self.headers.insert(HeaderName::try_from(name).unwrap(), value);
        self
    }

    /// A header put in after signing; it replaces one of the same name.
    pub fn unsigned_header(mut self, name: &str, value: &str) -> Self {
        self.unsigned.push((HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap()));
        self
    }

    /// The body, with its MD5 in a header.
    pub fn digested(self, body: impl AsRef<[u8]>) -> Self {
        let md5 = STANDARD.encode(Md5::digest(body.as_ref()));
        self.header("content-md5", md5).body(body)
    }

    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// The value of `x-amz-content-sha256`; the body's hash unless told.
    pub fn payload(mut self, payload: &str) -> Self {
        self.payload = Some(payload.into());
        self
    }

    /// A `Content-Length` that is not the body's.
    pub fn announced_length(mut self, length: usize) -> Self {
        self.announced_length = Some(length);
        self
    }

    pub fn anonymous(mut self) -> Self {
        self.auth = Auth::None;
        self
    }

    /// Signs in the query.
    pub fn presigned(mut self, expires_secs: u64) -> Self {
        self.auth = Auth::Query { expires_secs };
        self
    }

    pub fn signer(mut self, signer: Signer) -> Self {
        self.signer = signer;
        self
    }

    /// Signs as of so many seconds from now.
    pub fn skewed(mut self, secs: i64) -> Self {
        self.time = AmzTime::from_unix_secs(self.time.unix_secs().saturating_add_signed(secs));
        self
    }

    pub fn send(self) -> Answer {
        let body = self.body.clone();
        self.send_with(|_| body)
    }

    /// Sends, and does not mind if no answer comes: for clients that break off.
    pub fn send_and_hang_up(mut self) {
        self.silent = true;
        let body = self.body.clone();
        self.send_with(|_| body);
    }

    /// Sends a body made from the chain of chunk signatures that the headers' signature starts.
    pub fn send_chunks(self, body: impl FnOnce(ChunkSignatures) -> Vec<u8>) -> Answer {
        self.send_with(|chain| body(chain.expect("chunks need a header signature")))
    }

    /// Sends the head alone, with `Expect: 100-continue`; answers the connection and the body.
    pub fn send_head_expecting_continue(mut self) -> (TcpStream, Vec<u8>) {
        let body = self.body.clone();
        self = self.unsigned_header("expect", "100-continue");
        self.sign_and_frame(|_| body.clone());
        let mut stream = connect(&self.server);
        stream.write_all(&self.head()).unwrap();
        (stream, body)
    }

    fn send_with(mut self, body: impl FnOnce(Option<ChunkSignatures>) -> Vec<u8>) -> Answer {
        let (body, length) = self.sign_and_frame(body);
        self.exchange(&body, length)
    }

    /// Signs, makes the body and announces its length; answers both.
    fn sign_and_frame(&mut self, body: impl FnOnce(Option<ChunkSignatures>) -> Vec<u8>) -> (Vec<u8>, usize) {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path.to_owned(), query.to_owned()),
            None => (self.target.clone(), String::new()),
        };
        let hash: [u8; 32] = Sha256::digest(&self.body).into();
        let payload = self.payload.clone().unwrap_or_else(|| String::from_utf8(hex(&hash).to_vec()).unwrap());
        let payload = HeaderValue::from_str(&payload).unwrap();
        let mut chain = None;
        match self.auth {
            Auth::None => {}
            Auth::Header => {
                let headers = &mut self.headers;
                chain = Some(self.signer.sign(&self.method, &path, &query, headers, &payload, self.time));
            }
            Auth::Query { expires_secs } => {
                let host = self.headers["host"].to_str().unwrap();
                let presign = holdfast::sigv4::Presign {
                    method: &self.method,
                    path: &path,
                    query: &query,
                    host,
                    expires_secs,
                    time: self.time,
                };
                self.target = format!("{path}?{}", self.signer.presign(presign));
            }
        }
        let body = body(chain);
        let length = self.announced_length.unwrap_or(body.len());
        if length > 0 || self.announced_length.is_some() || self.method == "PUT" || self.method == "POST" {
            self.headers.insert("content-length", HeaderValue::from(length));
        }
        for (name, value) in std::mem::take(&mut self.unsigned) {
            if value.is_empty() {
                self.headers.remove(name);
            } else {
                self.headers.insert(name, value);
            }
        }
        (body, length)
    }

    fn exchange(&self, body: &[u8], length: usize) -> Answer {
        let mut stream = connect(&self.server);
        stream.write_all(&self.head()).unwrap();
        // A server that has refused the request may close while we still write: the answer counts.
        let _ = stream.write_all(&body[..body.len().min(length)]);
        if body.len() < length {
            stream.shutdown(Shutdown::Write).unwrap();
        }
        if self.silent {
            // The server has dealt with the request once it closes the connection.
            let _ = stream.read_to_end(&mut Vec::new());
            return Answer { status: 0, headers: HeaderMap::new(), body: Vec::new() };
        }
        Answer::read(&mut stream, &self.method)
    }

    fn head(&self) -> Vec<u8> {
        let mut head =
            format!("{} {} HTTP/1.1\r\nconnection: close\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            head.extend_from_slice(name.as_str().as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        head
    }
}

pub fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(ANSWER_SECS_MAX))).unwrap();
    stream
}

fn now() -> AmzTime {
    AmzTime::from_unix_secs(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads one answer to the end of the connection.
    pub fn read(stream: &mut TcpStream, method: &str) -> Self {
        let mut raw = Vec::new();
        if let Err(error) = stream.read_to_end(&mut raw) {
            assert!(!raw.is_empty(), "no answer: {error}");
        }
        let end = raw.windows(4).position(|w| w == b"\r\n\r\n").expect("an answer has a head");
        // Headers are of ISO-8859-1, whose characters are the first of Unicode.
        let latin = |text: &str| text.chars().map(|c| u8::try_from(c).unwrap()).collect::<Vec<u8>>();
        let head: String = raw[..end].iter().map(|byte| char::from(*byte)).collect();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: HeaderMap = lines
            .map(|line| {
                let (name, value) = line.split_once(':').unwrap();
                (HeaderName::try_from(name).unwrap(), HeaderValue::from_bytes(&latin(value.trim())).unwrap())
            })
            .collect();
        let body = raw[end + 4..].to_vec();
        if let Some(length) = headers.get("content-length").filter(|_| method != "HEAD" && status != 304) {
            assert_eq!(length.to_str().unwrap(), body.len().to_string(), "the body is as long as announced");
        }
        Self { status, headers, body }
    }

    #[track_caller]
    pub fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// Checks status and code of a refusal, and that it is AWS's XML with a request id.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.element("Code").as_str()), (status, code), "{}", self.text());
        assert_eq!(self.header("content-type"), "application/xml");
        assert_eq!(self.element("RequestId"), self.header("x-amz-request-id"));
        assert!(!self.element("Message").is_empty(), "{}", self.text());
        self
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no header {name}: {:?}", self.headers));
        value.to_str().unwrap()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The text of the first element of this name, references and all; empty where there is none.
    pub fn element(&self, name: &str) -> String {
        self.elements(name).into_iter().next().unwrap_or_default()
    }

    /// The texts of all elements of this name.
    pub fn elements(&self, name: &str) -> Vec<String> {
        let text = self.text();
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        text.split(&open).skip(1).map(|piece| piece.split(&close).next().unwrap().to_owned()).collect()
    }
}
