//! One connection: writes prepared requests, reads answers with as little work as can be.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes read at once.
const READ_BYTES: usize = 256 * 1024;

/// A kept-alive connection.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

/// What an answer's head says.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    pub status: u16,
    pub length: usize,
}

impl Client {
    /// Connects.
    pub async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server takes connections");
        stream.set_nodelay(true).expect("a TCP socket has this option");
        Self { stream, buffer: vec![0; READ_BYTES], filled: 0 }
    }

    /// Sends a request.
    pub async fn send(&mut self, head: &[u8], body: &[u8]) {
        if body.len() <= 16 * 1024 {
            let mut whole = Vec::with_capacity(head.len() + body.len());
            whole.extend_from_slice(head);
            whole.extend_from_slice(body);
            self.stream.write_all(&whole).await.expect("the server reads");
        } else {
            self.stream.write_all(head).await.expect("the server reads");
            self.stream.write_all(body).await.expect("the server reads");
        }
    }

    /// Reads an answer's head; bytes of its body may be waiting in the buffer after it.
    pub async fn head(&mut self) -> Head {
        loop {
            if let Some(end) = find(&self.buffer[..self.filled], b"\r\n\r\n") {
                let head = parse(&self.buffer[..end]);
                self.consume(end + 4);
                return head;
            }
            self.fill().await;
        }
    }

    /// Reads a body in pieces and shows each with its offset.
    pub async fn body(&mut self, length: usize, mut each: impl FnMut(usize, &[u8])) {
        let mut at = 0;
        while at < length {
            if self.filled == 0 {
                self.fill().await;
            }
            let piece = self.filled.min(length - at);
            each(at, &self.buffer[..piece]);
            self.consume(piece);
            at += piece;
        }
    }

    /// Sends a request and reads the whole answer as text.
    pub async fn text(&mut self, head: &[u8]) -> (u16, String) {
        self.send(head, b"").await;
        let head = self.head().await;
        let mut bytes = Vec::with_capacity(head.length);
        self.body(head.length, |_, piece| bytes.extend_from_slice(piece)).await;
        (head.status, String::from_utf8(bytes).expect("listings are text"))
    }

    async fn fill(&mut self) {
        let read = self.stream.read(&mut self.buffer[self.filled..]).await.expect("the server answers");
        assert!(read > 0, "the server closed the connection");
        self.filled += read;
    }

    fn consume(&mut self, count: usize) {
        self.buffer.copy_within(count..self.filled, 0);
        self.filled -= count;
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn parse(head: &[u8]) -> Head {
    let text = std::str::from_utf8(head).expect("heads are text");
    let status: u16 = text.get(9..12).and_then(|digits| digits.parse().ok()).expect("a status line");
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok()).flatten()
    });
    assert!(length.is_some() || status == 204, "every answer has a length, but for those without a body");
    Head { status, length: length.unwrap_or(0) }
}
