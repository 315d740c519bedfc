//! The framing of `aws-chunked` bodies, decoded without copying the data.
//!
//! ```text
//! signed      hex-length ";chunk-signature=" 64-hex CRLF data CRLF ... "0;chunk-signature=" 64-hex CRLF CRLF
//! + trailer   ... "0;chunk-signature=" 64-hex CRLF name ":" value CRLF "x-amz-trailer-signature:" 64-hex CRLF CRLF
//! unsigned    hex-length CRLF data CRLF ... "0" CRLF name ":" value CRLF CRLF
//! ```
//!
//! The empty line at the very end may be missing. Data is handed on before its chunk's signature is
//! checked; the body as a whole is good only once [`Decoder::end`] says so.

use bytes::{Buf, Bytes};

use crate::checksum::Sha256;
use crate::object::BodyError;
use crate::sigv4::{ChunkSignatures, parse_hex};

/// A chunk's header line at most, in bytes.
const HEADER_BYTES_MAX: usize = 4096;

/// The trailer at most, in bytes.
const TRAILER_BYTES_MAX: usize = 16 * 1024;

/// What is signed in a body, and whether a trailer ends it.
#[derive(Debug)]
pub(super) enum Form {
    /// Signed chunks.
    Signed(ChunkSignatures),
    /// Signed chunks, then a signed trailer.
    SignedTrailer(ChunkSignatures),
    /// Unsigned chunks, then a trailer.
    UnsignedTrailer,
}

#[derive(Debug)]
enum State {
    /// In a chunk's header line; what came of it so far.
    Header(Vec<u8>),
    /// In a chunk's data, with so many bytes to come.
    Data(u64),
    /// In the line end after the data.
    DataEnd,
    /// After the last chunk; what came so far.
    Trailer(Vec<u8>),
    /// Nothing may follow.
    Done,
}

/// Takes the framing off, piece by piece.
#[derive(Debug)]
pub(super) struct Decoder {
    form: Form,
    state: State,
    /// Signature and running hash of the chunk at hand, where chunks are signed.
    chunk: Option<([u8; 32], Sha256)>,
    /// Lines of the trailer: names in lower case, values trimmed.
    trailer: Vec<(String, String)>,
}

impl Decoder {
    /// A decoder at the start of a body.
    pub(super) fn new(form: Form) -> Self {
        Self { form, state: State::Header(Vec::new()), chunk: None, trailer: Vec::new() }
    }

    /// Takes bytes off the front of `wire`; gives data as soon as there is some, `None` when `wire` is
    /// used up.
    pub(super) fn decode(&mut self, wire: &mut Bytes) -> Result<Option<Bytes>, BodyError> {
        while !wire.is_empty() {
            match &mut self.state {
                State::Header(line) => {
                    if take_line(wire, line, HEADER_BYTES_MAX)? {
                        let line = std::mem::take(line);
                        self.begin_chunk(&line)?;
                    }
                }
                State::Data(left) => {
                    let data = wire.split_to((*left).min(wire.len() as u64) as usize);
                    *left -= data.len() as u64;
                    if *left == 0 {
                        self.state = State::DataEnd;
                    }
                    if let Some((_, hash)) = &mut self.chunk {
                        hash.update(&data);
                    }
                    if self.at_data_end() {
                        self.check_chunk()?;
                    }
                    return Ok(Some(data));
                }
                State::DataEnd => match wire.get_u8() {
                    b'\r' => {}
                    b'\n' => self.state = State::Header(Vec::new()),
                    _ => return Err(BodyError::MalformedChunk("no line end after a chunk's data")),
                },
                State::Trailer(text) => {
                    if take_line(wire, text, TRAILER_BYTES_MAX)? && self.trailer_line()? {
                        self.state = State::Done;
                    }
                }
                State::Done => return Err(BodyError::TooLong),
            }
        }
        Ok(None)
    }

    /// The body has ended: was that its end, and is its trailer signed right?
    pub(super) fn end(&mut self) -> Result<&[(String, String)], BodyError> {
        match &mut self.state {
            State::Done => {}
            State::Trailer(text) => {
                if !text.is_empty() {
                    text.push(b'\n');
                    self.trailer_line()?;
                }
                self.state = State::Done;
            }
            State::Header(_) | State::Data(_) | State::DataEnd => return Err(BodyError::Incomplete),
        }
        self.check_trailer()?;
        Ok(&self.trailer)
    }

    fn at_data_end(&self) -> bool {
        matches!(self.state, State::DataEnd)
    }

    /// Reads `hex-length[;chunk-signature=...]`.
    fn begin_chunk(&mut self, line: &[u8]) -> Result<(), BodyError> {
        let line = std::str::from_utf8(line).map_err(|_| BodyError::MalformedChunk("chunk header"))?;
        let (length, extension) = line.trim_end().split_once(';').unwrap_or((line.trim_end(), ""));
        let plain = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_hexdigit());
        let length = plain.then(|| u64::from_str_radix(length, 16).ok()).flatten();
        let length = length.ok_or(BodyError::MalformedChunk("chunk length"))?;
        if !matches!(self.form, Form::UnsignedTrailer) {
            let signature = extension.trim().strip_prefix("chunk-signature=");
            let signature = signature.and_then(|digits| parse_hex(digits.as_bytes()));
            let signature = signature.ok_or(BodyError::MalformedChunk("chunk signature"))?;
            self.chunk = Some((signature, Sha256::default()));
        }
        if length > 0 {
            self.state = State::Data(length);
            return Ok(());
        }
        self.state = State::Trailer(Vec::new());
        self.check_chunk()
    }

    fn check_chunk(&mut self) -> Result<(), BodyError> {
        let Some((signature, hash)) = self.chunk.take() else { return Ok(()) };
        match &mut self.form {
            Form::Signed(chain) | Form::SignedTrailer(chain) => {
                let good = chain.verify_chunk(&hash.finish(), &signature);
                good.then_some(()).ok_or(BodyError::SignatureMismatch)
            }
            Form::UnsignedTrailer => Ok(()),
        }
    }

    /// Takes in one complete line of the trailer; true at its end.
    fn trailer_line(&mut self) -> Result<bool, BodyError> {
        let State::Trailer(text) = &mut self.state else { return Ok(true) };
        let line = std::mem::take(text);
        let line = std::str::from_utf8(&line).map_err(|_| BodyError::MalformedTrailer)?.trim();
        if line.is_empty() {
            // A signed trailer may have an empty line before its signature.
            let awaited = matches!(self.form, Form::SignedTrailer(_)) && self.trailer_signature().is_none();
            return Ok(!awaited);
        }
        if matches!(self.form, Form::Signed(_)) {
            return Err(BodyError::MalformedChunk("trailer without announcement"));
        }
        let held: usize = self.trailer.iter().map(|(name, value)| name.len() + value.len()).sum();
        let (name, value) = line.split_once(':').ok_or(BodyError::MalformedTrailer)?;
        if held + line.len() > TRAILER_BYTES_MAX {
            return Err(BodyError::MalformedTrailer);
        }
        self.trailer.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        Ok(false)
    }

    fn trailer_signature(&self) -> Option<&str> {
        let found = self.trailer.iter().find(|(name, _)| name == TRAILER_SIGNATURE);
        found.map(|(_, value)| value.as_str())
    }

    fn check_trailer(&mut self) -> Result<(), BodyError> {
        let signature = self.trailer_signature().and_then(|digits| parse_hex(digits.as_bytes()));
        self.trailer.retain(|(name, _)| name != TRAILER_SIGNATURE);
        let Form::SignedTrailer(chain) = &mut self.form else { return Ok(()) };
        let mut hash = Sha256::default();
        for (name, value) in &self.trailer {
            for piece in [name.as_str(), ":", value, "\n"] {
                hash.update(piece.as_bytes());
            }
        }
        let signature = signature.ok_or(BodyError::MalformedTrailer)?;
        let good = chain.verify_trailer(&hash.finish(), &signature);
        good.then_some(()).ok_or(BodyError::SignatureMismatch)
    }
}

const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// Moves bytes up to a line feed into `line`, without it; true when the line is complete.
fn take_line(wire: &mut Bytes, line: &mut Vec<u8>, bytes_max: usize) -> Result<bool, BodyError> {
    let end = wire.iter().position(|byte| *byte == b'\n');
    let taken = end.unwrap_or(wire.len());
    if line.len() + taken > bytes_max {
        return Err(BodyError::MalformedChunk("line too long"));
    }
    line.extend_from_slice(&wire[..taken]);
    wire.advance(taken + usize::from(end.is_some()));
    Ok(end.is_some())
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    use crate::sigv4::{AmzTime, Signer, hex};

    use super::*;

    fn chain() -> ChunkSignatures {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("localhost"));
        let payload = HeaderValue::from_static("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
        let time = AmzTime::from_unix_secs(1_369_353_600);
        Signer::new("AK", "secret", "us-east-1").sign("PUT", "/b/k", "", &mut headers, &payload, time)
    }

    fn digits(signature: [u8; 32]) -> String {
        String::from_utf8(hex(&signature).to_vec()).unwrap()
    }

    fn signed(chunks: &[&[u8]], trailer: Option<&str>) -> Vec<u8> {
        let mut chain = chain();
        let mut wire = Vec::new();
        for chunk in chunks.iter().chain([&&b""[..]]) {
            let signature = chain.sign_chunk(&Sha256::digest(chunk));
            wire.extend(format!("{:x};chunk-signature={}\r\n", chunk.len(), digits(signature)).bytes());
            if !chunk.is_empty() {
                wire.extend_from_slice(chunk);
                wire.extend_from_slice(b"\r\n");
            }
        }
        if let Some(line) = trailer {
            let signature = chain.sign_trailer(&Sha256::digest(format!("{line}\n").as_bytes()));
            wire.extend(format!("{line}\r\n{TRAILER_SIGNATURE}:{}\r\n", digits(signature)).bytes());
        }
        wire.extend_from_slice(b"\r\n");
        wire
    }

    /// Data and trailer.
    type Decoded = (Vec<u8>, Vec<(String, String)>);

    /// Feeds the wire in pieces of `step` bytes; answers data and trailer.
    fn decode(form: Form, wire: &[u8], step: usize) -> Result<Decoded, BodyError> {
        let mut decoder = Decoder::new(form);
        let mut data = Vec::new();
        for piece in wire.chunks(step) {
            let mut piece = Bytes::copy_from_slice(piece);
            while let Some(bytes) = decoder.decode(&mut piece)? {
                assert!(!bytes.is_empty());
                data.extend_from_slice(&bytes);
            }
        }
        let trailer = decoder.end()?.to_vec();
        Ok((data, trailer))
    }

    #[test]
    fn all_forms_decode_however_the_wire_is_cut() {
        let line = "x-amz-checksum-crc32c:sOO8/Q==";
        let expected = vec![("x-amz-checksum-crc32c".to_owned(), "sOO8/Q==".to_owned())];
        let unsigned = format!("3\r\nabc\r\n4\r\ndefg\r\n0\r\n{line}\r\n\r\n");
        for step in 1..200 {
            let wire = signed(&[b"abc", b"defg"], None);
            assert_eq!(decode(Form::Signed(chain()), &wire, step).unwrap(), (b"abcdefg".to_vec(), vec![]));
            let wire = signed(&[b"abc", b"defg"], Some(line));
            let decoded = decode(Form::SignedTrailer(chain()), &wire, step).unwrap();
            assert_eq!(decoded, (b"abcdefg".to_vec(), expected.clone()));
            let decoded = decode(Form::UnsignedTrailer, unsigned.as_bytes(), step).unwrap();
            assert_eq!(decoded, (b"abcdefg".to_vec(), expected.clone()));
        }
    }

    #[test]
    fn missing_last_line_end_is_forgiven() {
        let wire = b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==";
        let (data, trailer) = decode(Form::UnsignedTrailer, wire, 7).unwrap();
        assert_eq!((data.as_slice(), trailer.len()), (&b"abc"[..], 1));
        assert_eq!(decode(Form::UnsignedTrailer, b"0\r\n", 7).unwrap().0, b"");
    }

    #[test]
    fn tampering_with_data_or_trailer_is_a_signature_mismatch() {
        let mut wire = signed(&[b"abc", b"defg"], None);
        let at = wire.windows(4).position(|w| w == b"defg").unwrap();
        wire[at] = b'D';
        assert!(matches!(decode(Form::Signed(chain()), &wire, 64), Err(BodyError::SignatureMismatch)));
        let mut wire = signed(&[b"abc"], Some("x-amz-checksum-crc32:NSRBwg=="));
        let at = wire.windows(6).position(|w| w == b"NSRBwg").unwrap();
        wire[at] = b'M';
        assert!(matches!(decode(Form::SignedTrailer(chain()), &wire, 64), Err(BodyError::SignatureMismatch)));
    }

    #[test]
    fn swapped_and_dropped_chunks_break_the_chain() {
        let whole = signed(&[b"aaa", b"bbb"], None);
        let chunk_len = (whole.len() - "0;chunk-signature=\r\n\r\n".len() - 64) / 2;
        let swapped =
            [&whole[chunk_len..2 * chunk_len], &whole[..chunk_len], &whole[2 * chunk_len..]].concat();
        let dropped = [&whole[..chunk_len], &whole[2 * chunk_len..]].concat();
        for wire in [swapped, dropped] {
            assert!(matches!(decode(Form::Signed(chain()), &wire, 50), Err(BodyError::SignatureMismatch)));
        }
    }

    #[test]
    fn cut_bodies_are_incomplete() {
        let wire = signed(&[b"abc", b"defg"], Some("x-amz-checksum-crc32:NSRBwg=="));
        let end = wire.len() - 2;
        for len in 0..end - 2 {
            let result = decode(Form::SignedTrailer(chain()), &wire[..len], 31);
            assert!(result.is_err(), "cut at {len}");
        }
        assert!(matches!(decode(Form::UnsignedTrailer, b"5\r\nabc", 31), Err(BodyError::Incomplete)));
    }

    #[test]
    fn malformed_framing_is_refused() {
        let long = format!("{}\r\n", "1".repeat(HEADER_BYTES_MAX + 1));
        for wire in [
            &b"xyz\r\n"[..],
            b"\r\n",
            b"-1\r\n",
            b"+1\r\na",
            b"3\r\nabcX",
            b"fffffffffffffffff\r\n",
            long.as_bytes(),
        ] {
            let result = decode(Form::UnsignedTrailer, wire, 1000);
            assert!(matches!(result, Err(BodyError::MalformedChunk(_))), "{result:?}");
        }
        let unsigned = decode(Form::Signed(chain()), b"3\r\nabc\r\n", 1000);
        assert!(matches!(unsigned, Err(BodyError::MalformedChunk(_))));
        let tail = decode(Form::UnsignedTrailer, b"0\r\n\r\nmore", 1000);
        assert!(matches!(tail, Err(BodyError::TooLong)));
        let nameless = decode(Form::UnsignedTrailer, b"0\r\nnonsense\r\n\r\n", 1000);
        assert!(matches!(nameless, Err(BodyError::MalformedTrailer)));
    }

    proptest! {
        #[test]
        fn no_input_panics(wire in proptest::collection::vec(any::<u8>(), 0..200), step in 1usize..50) {
            let _ = decode(Form::UnsignedTrailer, &wire, step);
            let _ = decode(Form::SignedTrailer(chain()), &wire, step);
        }
    }
}
