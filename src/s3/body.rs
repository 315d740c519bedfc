//! The body of an upload, decoded and verified as it passes (see [`object::Body`]).
//!
//! Every promise of the headers is kept count of: length, payload hash, chunk signatures, trailer and
//! checksum. The end of the body is reported only when all of them hold.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::HeaderMap;
use hyper::header::CONTENT_LENGTH;
use tokio::time::{Instant, Sleep};

use crate::checksum::{self, Hasher, Sha256};
use crate::object::{self, BodyError};
use crate::sigv4::{Payload, Verification};
use crate::types::{ChecksumAlgorithm, ChecksumValue};

use super::checksums::{self, Announced};
use super::chunked::{Decoder, Form};
use super::error::{Code, Error, Result};
use super::wire::{Source, Wire};

/// An upload's body.
#[derive(Debug)]
pub(super) struct RequestBody<B: Source> {
    wire: Wire<B>,
    /// Bytes from the wire that are not decoded yet.
    received: Bytes,
    framing: Framing,
    /// Decoded bytes to come, where announced.
    left: Option<u64>,
    payload_hash: Option<(Sha256, [u8; 32])>,
    announced: Announced,
    /// Checks what was announced.
    announced_hasher: Option<Hasher>,
    /// Makes the checksum to store, where it is of another algorithm than the announced one.
    stored_hasher: Option<Hasher>,
    checksum: Option<ChecksumValue>,
    ended: bool,
    idle: Idle,
}

#[derive(Debug)]
enum Framing {
    Plain,
    Chunked(Box<Decoder>),
}

/// Which checksum of a body shall be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// The announced one, if any: documents are not stored.
    Nothing,
    /// The announced one, else CRC64NVME.
    Announced,
    /// One of this algorithm, whatever was announced.
    Always(ChecksumAlgorithm),
}

/// How a body shall be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyOptions {
    /// The checksum to store.
    pub(super) stored: Stored,
    /// How long the client may send nothing.
    pub(super) idle_timeout: Duration,
}

impl<B: Source> RequestBody<B> {
    /// Prepares to read the body that these signed headers describe.
    pub(super) fn open(
        wire: Wire<B>,
        headers: &HeaderMap,
        verification: Verification,
        options: BodyOptions,
    ) -> Result<Self> {
        let announced = checksums::announced(headers)?;
        let left = decoded_length(headers, verification.payload)?;
        let mut payload_hash = None;
        let chunked = |form| Framing::Chunked(Box::new(Decoder::new(form)));
        let framing = match (verification.payload, verification.chunks) {
            (Payload::Sha256(hash), _) => {
                payload_hash = Some((Sha256::default(), hash));
                Framing::Plain
            }
            (Payload::StreamingSigned, Some(chain)) => chunked(Form::Signed(chain)),
            (Payload::StreamingSignedTrailer, Some(chain)) => chunked(Form::SignedTrailer(chain)),
            (Payload::StreamingUnsignedTrailer, _) => chunked(Form::UnsignedTrailer),
            (Payload::Unsigned | Payload::StreamingSigned | Payload::StreamingSignedTrailer, _) => {
                Framing::Plain
            }
        };
        let trailer_form = matches!(
            verification.payload,
            Payload::StreamingSignedTrailer | Payload::StreamingUnsignedTrailer
        );
        if matches!(announced, Announced::Trailer(_)) && !trailer_form {
            return Err(Code::MalformedTrailer.into());
        }
        let stored = match options.stored {
            Stored::Nothing => None,
            Stored::Announced if announced.algorithm().is_some() => None,
            Stored::Announced => Some(ChecksumAlgorithm::Crc64Nvme),
            Stored::Always(algorithm) => (announced.algorithm() != Some(algorithm)).then_some(algorithm),
        };
        Ok(Self {
            wire,
            received: Bytes::new(),
            framing,
            left,
            payload_hash,
            announced_hasher: announced.algorithm().map(Hasher::new),
            announced,
            stored_hasher: stored.map(Hasher::new),
            checksum: None,
            ended: false,
            idle: Idle { timeout: options.idle_timeout, sleep: None },
        })
    }

    /// Decoded length in bytes, where announced.
    pub(super) fn length(&self) -> Option<u64> {
        self.left
    }

    /// The algorithm of the checksum that the headers announce.
    pub(super) fn announced_algorithm(&self) -> Option<ChecksumAlgorithm> {
        self.announced.algorithm()
    }

    /// The whole body, up to `bytes_max`.
    pub(super) async fn collect(mut self, bytes_max: usize) -> Result<Bytes> {
        let too_large = || Error::from(Code::MalformedXml);
        if self.left.is_some_and(|left| left > bytes_max as u64) {
            return Err(too_large());
        }
        let mut whole = BytesMut::new();
        while let Some(chunk) = std::future::poll_fn(|cx| object::Body::poll_chunk(&mut self, cx)).await {
            let chunk = chunk?;
            if whole.len() + chunk.len() > bytes_max {
                return Err(too_large());
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    fn poll_decoded(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BodyError>> {
        loop {
            if let Some(data) = self.decode()? {
                self.account(&data)?;
                return Poll::Ready(Ok(Some(data)));
            }
            match self.wire.poll_bytes(cx) {
                Poll::Ready(Some(received)) => {
                    self.received = received?;
                    self.idle.busy();
                }
                Poll::Ready(None) => return Poll::Ready(self.finish().map(|()| None)),
                Poll::Pending => {
                    std::task::ready!(self.idle.poll_expired(cx));
                    return Poll::Ready(Err(BodyError::TimedOut));
                }
            }
        }
    }

    fn decode(&mut self) -> Result<Option<Bytes>, BodyError> {
        if self.received.is_empty() {
            return Ok(None);
        }
        match &mut self.framing {
            Framing::Plain => Ok(Some(std::mem::take(&mut self.received))),
            Framing::Chunked(decoder) => decoder.decode(&mut self.received),
        }
    }

    fn account(&mut self, data: &Bytes) -> Result<(), BodyError> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(data.len() as u64).ok_or(BodyError::TooLong)?;
        }
        if let Some((hash, _)) = &mut self.payload_hash {
            hash.update(data);
        }
        for hasher in self.announced_hasher.iter_mut().chain(&mut self.stored_hasher) {
            hasher.update(data);
        }
        Ok(())
    }

    /// Checks at the end of the body all that was promised of it.
    fn finish(&mut self) -> Result<(), BodyError> {
        let trailer = match &mut self.framing {
            Framing::Plain => &[],
            Framing::Chunked(decoder) => decoder.end()?,
        };
        let expected = expected_checksum(&self.announced, trailer)?;
        if self.left.is_some_and(|left| left > 0) {
            return Err(BodyError::Incomplete);
        }
        if let Some((hash, expected)) = self.payload_hash.take()
            && hash.finish() != expected
        {
            return Err(BodyError::PayloadHashMismatch);
        }
        let computed = self.announced_hasher.take().map(Hasher::finish);
        if let Some(expected) = expected
            && computed.as_ref() != Some(&expected)
        {
            return Err(BodyError::ChecksumMismatch(expected.algorithm));
        }
        self.checksum = self.stored_hasher.take().map(Hasher::finish).or(computed);
        Ok(())
    }
}

/// The value that header or trailer give; the trailer must hold what was announced and nothing else.
fn expected_checksum(
    announced: &Announced,
    trailer: &[(String, String)],
) -> Result<Option<ChecksumValue>, BodyError> {
    match (announced, trailer) {
        (Announced::Nothing, []) => Ok(None),
        (Announced::Value(value), []) => Ok(Some(value.clone())),
        (Announced::Trailer(algorithm), [(name, value)])
            if checksums::parse_header_name(name) == Some(*algorithm) =>
        {
            checksum::decode(*algorithm, value).map(Some).ok_or(BodyError::MalformedTrailer)
        }
        (Announced::Nothing | Announced::Value(_) | Announced::Trailer(_), _) => {
            Err(BodyError::MalformedTrailer)
        }
    }
}

/// Length in bytes after decoding. Framed bodies announce it in a header of its own.
fn decoded_length(headers: &HeaderMap, payload: Payload) -> Result<Option<u64>> {
    let (name, framed) = match payload {
        Payload::Unsigned | Payload::Sha256(_) => (CONTENT_LENGTH.as_str(), false),
        Payload::StreamingSigned | Payload::StreamingSignedTrailer | Payload::StreamingUnsignedTrailer => {
            ("x-amz-decoded-content-length", true)
        }
    };
    let Some(value) = headers.get(name) else {
        return if framed { Err(Code::MissingContentLength.into()) } else { Ok(None) };
    };
    let text = value.to_str().unwrap_or_default();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match digits.then(|| text.parse().ok()).flatten() {
        Some(length) => Ok(Some(length)),
        None => Err(Error::argument(
            "x-amz-decoded-content-length",
            text,
            "The decoded content length must be a non-negative integer",
        )),
    }
}

impl<B: Source> object::Body for RequestBody<B> {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let next = std::task::ready!(self.poll_decoded(cx));
        self.ended = !matches!(next, Ok(Some(_)));
        Poll::Ready(next.transpose())
    }

    fn checksum(&self) -> Option<ChecksumValue> {
        self.checksum.clone()
    }
}

/// Runs only while the client is awaited.
#[derive(Debug)]
struct Idle {
    timeout: Duration,
    sleep: Option<(Pin<Box<Sleep>>, bool)>,
}

impl Idle {
    /// The client sent something: the next wait starts afresh.
    fn busy(&mut self) {
        if let Some((_, running)) = &mut self.sleep {
            *running = false;
        }
    }

    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (sleep, running) =
            self.sleep.get_or_insert_with(|| (Box::pin(tokio::time::sleep(self.timeout)), true));
        if !std::mem::replace(running, true) {
            sleep.as_mut().reset(Instant::now() + self.timeout);
        }
        sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use hyper::body::Frame;
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    async fn read(
        payload: Payload,
        pairs: &[(&'static str, &str)],
        wire: &'static [u8],
    ) -> Result<(Bytes, Option<ChecksumValue>)> {
        let headers = headers(pairs);
        let options = BodyOptions { stored: Stored::Announced, idle_timeout: Duration::from_secs(9) };
        let wire = Wire::new(Full::new(Bytes::from_static(wire)), &headers);
        let verification = Verification { payload, chunks: None };
        let mut body = RequestBody::open(wire, &headers, verification, options)?;
        let mut whole = BytesMut::new();
        while let Some(chunk) = std::future::poll_fn(|cx| object::Body::poll_chunk(&mut body, cx)).await {
            whole.extend_from_slice(&chunk?);
        }
        Ok((whole.freeze(), object::Body::checksum(&body)))
    }

    fn code<T: std::fmt::Debug>(result: Result<T>) -> Code {
        result.unwrap_err().code
    }

    #[tokio::test]
    async fn plain_body_gets_a_crc64nvme_of_its_own() {
        let (data, checksum) =
            read(Payload::Unsigned, &[("content-length", "9")], b"123456789").await.unwrap();
        assert_eq!(&data[..], b"123456789");
        let checksum = checksum.unwrap();
        assert_eq!(checksum.algorithm, ChecksumAlgorithm::Crc64Nvme);
        assert_eq!(checksum::encode(&checksum), "rosUhgp5mIg=");
    }

    #[tokio::test]
    async fn lengths_that_do_not_hold_are_incomplete() {
        for length in ["8", "10"] {
            let result = read(Payload::Unsigned, &[("content-length", length)], b"123456789").await;
            assert_eq!(code(result), Code::IncompleteBody, "{length}");
        }
        let framed = [("x-amz-decoded-content-length", "4")];
        let result = read(Payload::StreamingUnsignedTrailer, &framed, b"3\r\nabc\r\n0\r\n\r\n").await;
        assert_eq!(code(result), Code::IncompleteBody);
    }

    #[tokio::test]
    async fn payload_hash_is_checked() {
        let good = Sha256::digest(b"abc");
        assert!(read(Payload::Sha256(good), &[], b"abc").await.is_ok());
        assert_eq!(code(read(Payload::Sha256(good), &[], b"abd").await), Code::ContentSha256Mismatch);
    }

    #[tokio::test]
    async fn header_checksum_is_checked_and_stored() {
        let good = [("x-amz-checksum-crc32", "y/Q5Jg==")];
        let (_, checksum) = read(Payload::Unsigned, &good, b"123456789").await.unwrap();
        assert_eq!(checksum.unwrap().algorithm, ChecksumAlgorithm::Crc32);
        assert_eq!(code(read(Payload::Unsigned, &good, b"12345678X").await), Code::BadDigest);
    }

    #[tokio::test]
    async fn another_checksum_can_be_stored_than_the_one_announced() {
        let headers = headers(&[("x-amz-checksum-crc32", "y/Q5Jg==")]);
        let wire = Wire::new(Full::new(Bytes::from_static(b"123456789")), &headers);
        let stored = Stored::Always(ChecksumAlgorithm::Sha1);
        let options = BodyOptions { stored, idle_timeout: Duration::from_secs(9) };
        let verification = Verification { payload: Payload::Unsigned, chunks: None };
        let mut body = RequestBody::open(wire, &headers, verification, options).unwrap();
        while std::future::poll_fn(|cx| object::Body::poll_chunk(&mut body, cx)).await.is_some() {}
        assert_eq!(object::Body::checksum(&body).unwrap().algorithm, ChecksumAlgorithm::Sha1);
    }

    #[tokio::test]
    async fn trailer_checksum_is_checked_and_must_be_the_announced_one() {
        let announced = [("x-amz-decoded-content-length", "9"), ("x-amz-trailer", "x-amz-checksum-crc32")];
        let form = Payload::StreamingUnsignedTrailer;
        for (wire, expected) in [
            (&b"9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n"[..], None),
            (b"9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", Some(Code::BadDigest)),
            (b"9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:?\r\n\r\n", Some(Code::MalformedTrailer)),
            (b"9\r\n123456789\r\n0\r\nx-amz-checksum-sha1:y/Q5Jg==\r\n\r\n", Some(Code::MalformedTrailer)),
            (b"9\r\n123456789\r\n0\r\n\r\n", Some(Code::MalformedTrailer)),
        ] {
            let result = read(form, &announced, wire).await;
            assert_eq!(result.err().map(|error| error.code), expected);
        }
        let unannounced = [("x-amz-decoded-content-length", "0")];
        let result = read(form, &unannounced, b"0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n").await;
        assert_eq!(code(result), Code::MalformedTrailer);
    }

    #[tokio::test]
    async fn framed_body_must_announce_its_length() {
        let result = read(Payload::StreamingUnsignedTrailer, &[], b"0\r\n\r\n").await;
        assert_eq!(code(result), Code::MissingContentLength);
        let result =
            read(Payload::StreamingUnsignedTrailer, &[("x-amz-decoded-content-length", "-1")], b"").await;
        assert_eq!(code(result), Code::InvalidArgument);
    }

    #[tokio::test]
    async fn collecting_stops_at_its_bound() {
        let headers = HeaderMap::new();
        let body = || {
            let wire = Wire::new(Full::new(Bytes::from_static(b"12345")), &headers);
            let options = BodyOptions { stored: Stored::Nothing, idle_timeout: Duration::from_secs(9) };
            let verification = Verification { payload: Payload::Unsigned, chunks: None };
            RequestBody::open(wire, &headers, verification, options).unwrap()
        };
        assert_eq!(body().collect(5).await.unwrap(), "12345");
        assert_eq!(code(body().collect(4).await), Code::MalformedXml);
    }

    #[tokio::test]
    async fn silent_client_times_out() {
        let headers = HeaderMap::new();
        let options = BodyOptions { stored: Stored::Nothing, idle_timeout: Duration::from_millis(1) };
        let verification = Verification { payload: Payload::Unsigned, chunks: None };
        let wire = Wire::new(Never, &headers);
        let body = RequestBody::open(wire, &headers, verification, options).unwrap();
        assert_eq!(code(body.collect(10).await), Code::RequestTimeout);
    }

    /// A client that sends nothing and does not hang up.
    struct Never;

    impl hyper::body::Body for Never {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
            Poll::Pending
        }
    }
}
