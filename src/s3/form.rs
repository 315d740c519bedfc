//! A form of a browser, `multipart/form-data` (RFC 7578): fields, then one file.
//!
//! ```text
//! --boundary CRLF headers CRLF CRLF value CRLF --boundary ... CRLF --boundary-- anything
//! ```
//!
//! Fields are few and small and are read whole. The file is passed on as it comes: what could be the begin of
//! a boundary is held back, nothing else. What follows the file is read to its end and ignored.

use std::ops::RangeInclusive;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame};
use memchr::memmem;

use crate::object::BodyError;

use super::error::{Code, Error, Result};
use super::wire::{Source, Wire};

/// What may stand before the file, in bytes.
const FIELDS_BYTES_MAX: usize = 20 * 1024;

/// What may stand after it.
const AFTER_BYTES_MAX: usize = 64 * 1024;

/// The longest boundary, in bytes (RFC 2046).
const BOUNDARY_BYTES_MAX: usize = 70;

/// The variable that stands for the name of the file.
const FILE_NAME: &str = "${filename}";

/// The fields before the file: names in lower case, values of one name joined by commas.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The value of a field; an empty one counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(known, _)| known == name);
        field.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Adds a value.
    pub(super) fn add(&mut self, name: &str, value: String) {
        let name = name.to_ascii_lowercase();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => {
                known.push(',');
                known.push_str(&value);
            }
            None => self.0.push((name, value)),
        }
    }

    /// Replaces a field, or adds it.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// Puts the name of the file, without its folders, in the place of `${filename}`.
    fn insert_file_name(&mut self, path: &str) {
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        for (_, value) in self.0.iter_mut().filter(|(field, _)| field != "policy") {
            if value.contains(FILE_NAME) {
                *value = value.replace(FILE_NAME, name);
            }
        }
    }
}

/// Reads a form up to its file.
pub(super) async fn read<B: Source>(
    wire: Wire<B>,
    content_type: &str,
    idle_timeout: Duration,
) -> Result<(Fields, FilePart<B>)> {
    let delimiter = delimiter(content_type)?;
    // The first boundary has no line end before it.
    let reader = Reader { wire, buffer: BytesMut::from("\r\n"), delimiter, idle_timeout, taken: 0 };
    reader.fields().await
}

/// The line end and boundary that part a form.
fn delimiter(content_type: &str) -> Result<memmem::Finder<'static>> {
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        let condition = "Bucket POST must be of the enclosure-type multipart/form-data";
        return Err(Error::new(Code::PreconditionFailed).detail("Condition", condition));
    }
    let boundary = parameter(parameters, "boundary").ok_or(Code::MalformedPostRequest)?;
    if !(1..=BOUNDARY_BYTES_MAX).contains(&boundary.len()) {
        return Err(Code::MalformedPostRequest.into());
    }
    Ok(memmem::Finder::new(format!("\r\n--{boundary}").as_bytes()).into_owned())
}

/// `value` of `name=value` or `name="value"` among parameters that semicolons part.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        let (key, after) = rest.split_once('=')?;
        let key = key.trim_matches([';', ' ', '\t']);
        let (value, after) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after;
    }
}

/// The text up to the closing quote, and what follows. A backslash quotes a quote alone: names of files of
/// Windows hold others.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                value.push('"');
                chars.next();
            }
            c => value.push(c),
        }
    }
    None
}

/// The head of one part.
struct PartHead {
    name: String,
    file_name: String,
}

fn part_head(head: &[u8]) -> Option<PartHead> {
    let head = std::str::from_utf8(head).ok()?;
    let disposition = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let mut disposition =
        disposition.filter(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"));
    let (kind, parameters) = disposition.next()?.1.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return None;
    }
    let file_name = parameter(parameters, "filename").unwrap_or_default();
    Some(PartHead { name: parameter(parameters, "name")?, file_name })
}

/// Reads the fields.
struct Reader<B: Source> {
    wire: Wire<B>,
    buffer: BytesMut,
    delimiter: memmem::Finder<'static>,
    idle_timeout: Duration,
    /// Bytes that were taken off the buffer.
    taken: usize,
}

impl<B: Source> Reader<B> {
    async fn fields(mut self) -> Result<(Fields, FilePart<B>)> {
        let mut fields = Fields::default();
        let delimiter = self.delimiter.clone();
        self.take_to(&delimiter).await?;
        while !self.at_end().await? {
            self.take_to(&memmem::Finder::new("\r\n")).await?;
            let head = self.take_to(&memmem::Finder::new("\r\n\r\n")).await?;
            let head = part_head(&head).ok_or(Code::MalformedPostRequest)?;
            if head.name.eq_ignore_ascii_case("file") {
                fields.insert_file_name(&head.file_name);
                return Ok((fields, FilePart::new(self.wire, self.buffer, delimiter)));
            }
            let value = self.take_to(&delimiter).await?;
            let value = String::from_utf8(value.to_vec()).map_err(|_| Code::MalformedPostRequest)?;
            fields.add(&head.name, value);
        }
        Err(Error::argument("file", "0", "POST requires exactly one file upload per request."))
    }

    /// After a boundary: whether it is the last one.
    async fn at_end(&mut self) -> Result<bool> {
        while self.buffer.len() < 2 {
            self.receive().await?;
        }
        Ok(self.buffer.starts_with(b"--"))
    }

    /// The bytes before the next `mark`, which is taken away too.
    async fn take_to(&mut self, mark: &memmem::Finder<'_>) -> Result<Bytes> {
        loop {
            if let Some(at) = mark.find(&self.buffer) {
                self.taken += at + mark.needle().len();
                self.check_length(self.taken)?;
                let taken = self.buffer.split_to(at).freeze();
                let _ = self.buffer.split_to(mark.needle().len());
                return Ok(taken);
            }
            self.check_length(self.taken + self.buffer.len())?;
            self.receive().await?;
        }
    }

    fn check_length(&self, length: usize) -> Result<()> {
        let good = length <= FIELDS_BYTES_MAX;
        good.then_some(()).ok_or_else(|| Code::MaxPostPreDataLengthExceeded.into())
    }

    async fn receive(&mut self) -> Result<()> {
        let next = std::future::poll_fn(|cx| self.wire.poll_bytes(cx));
        let next = tokio::time::timeout(self.idle_timeout, next).await.map_err(|_| BodyError::TimedOut)?;
        let bytes = next.ok_or(Code::MalformedPostRequest)??;
        self.buffer.extend_from_slice(&bytes);
        Ok(())
    }
}

/// The file of a form, whose fields have been read.
#[derive(Debug)]
pub(super) struct FilePart<B: Source> {
    wire: Wire<B>,
    buffer: BytesMut,
    delimiter: memmem::Finder<'static>,
    state: State,
    size: u64,
    /// Lengths that the file may have.
    allowed: RangeInclusive<u64>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    File,
    /// Behind the file, of which so many bytes have been thrown away.
    After(usize),
    Done,
}

impl<B: Source> FilePart<B> {
    fn new(wire: Wire<B>, buffer: BytesMut, delimiter: memmem::Finder<'static>) -> Self {
        Self { wire, buffer, delimiter, state: State::File, size: 0, allowed: 0..=u64::MAX }
    }

    /// Allows these lengths alone.
    pub(super) fn allow(mut self, lengths: RangeInclusive<u64>) -> Self {
        self.allowed = lengths;
        self
    }

    /// Takes what is certain to be of the file off the buffer.
    fn take(&mut self) -> Result<Bytes, BodyError> {
        let end = self.delimiter.find(&self.buffer);
        let held_back = self.delimiter.needle().len() - 1;
        let certain = end.unwrap_or(self.buffer.len().saturating_sub(held_back));
        let piece = self.buffer.split_to(certain).freeze();
        if end.is_some() {
            self.state = State::After(self.buffer.len());
            self.buffer.clear();
        }
        self.size += piece.len() as u64;
        let (min, max) = (*self.allowed.start(), *self.allowed.end());
        if self.size > max || (end.is_some() && self.size < min) {
            return Err(BodyError::OutOfBounds { size: self.size, min, max });
        }
        Ok(piece)
    }
}

impl<B: Source> Body for FilePart<B> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        loop {
            match this.state {
                State::File => {
                    let piece = this.take()?;
                    if !piece.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(piece))));
                    }
                    if matches!(this.state, State::File) {
                        let received = ready!(this.wire.poll_bytes(cx)).ok_or(BodyError::Incomplete)??;
                        this.buffer.extend_from_slice(&received);
                    }
                }
                State::After(thrown) if thrown > AFTER_BYTES_MAX => {
                    return Poll::Ready(Some(Err(BodyError::TooLong)));
                }
                State::After(thrown) => match ready!(this.wire.poll_bytes(cx)).transpose()? {
                    Some(received) => this.state = State::After(thrown + received.len()),
                    None => this.state = State::Done,
                },
                State::Done => return Poll::Ready(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use hyper::HeaderMap;

    use super::*;

    /// A body that comes in pieces of `step` bytes.
    struct Pieces(Bytes, usize);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            let step = self.1.min(self.0.len());
            let piece = self.0.split_to(step);
            Poll::Ready((step > 0).then_some(Ok(Frame::data(piece))))
        }
    }

    const TYPE: &str = "multipart/form-data; boundary=XX";

    async fn open(text: &str, step: usize) -> Result<(Fields, FilePart<Pieces>)> {
        let wire = Wire::new(Pieces(Bytes::copy_from_slice(text.as_bytes()), step), &HeaderMap::new());
        read(wire, TYPE, Duration::from_secs(9)).await
    }

    fn field(name: &str, value: &str) -> String {
        format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    }

    fn file(name: &str, content: &str) -> String {
        let head = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"");
        format!("--XX\r\n{head}\r\nContent-Type: text/plain\r\n\r\n{content}\r\n--XX--\r\n")
    }

    async fn code(text: &str) -> Code {
        open(text, 1000).await.map(drop).unwrap_err().code
    }

    #[tokio::test]
    async fn fields_and_file_are_read_however_the_wire_is_cut() {
        let content = "one\r\n--X\r\n--\r\n\r\ntwo";
        let text = [
            field("key", "up/${filename}"),
            field("x-amz-meta-a", "1"),
            field("X-Amz-Meta-A", "2"),
            field("empty", ""),
            file("C:\\dir/a \\\"b.txt", content),
        ];
        for step in 1..200 {
            let (fields, file) = open(&text.concat(), step).await.unwrap();
            assert_eq!(fields.get("key"), Some("up/a \"b.txt"));
            assert_eq!(fields.get("x-amz-meta-a"), Some("1,2"));
            assert_eq!((fields.get("empty"), fields.iter().count()), (None, 3));
            assert_eq!(file.collect().await.unwrap().to_bytes(), content, "step {step}");
        }
    }

    #[tokio::test]
    async fn an_empty_file_is_a_file_and_what_follows_is_ignored() {
        let (_, empty) = open(&(field("key", "k") + &file("", "")), 7).await.unwrap();
        assert!(empty.collect().await.unwrap().to_bytes().is_empty());
        let more = file("f", "abc") + &field("late", "x");
        let (fields, file) = open(&more, 7).await.unwrap();
        assert_eq!(file.collect().await.unwrap().to_bytes(), "abc");
        assert_eq!(fields, Fields::default());
    }

    #[tokio::test]
    async fn a_form_that_is_none_gets_its_code() {
        assert_eq!(code(&(field("key", "k") + "--XX--")).await, Code::InvalidArgument);
        assert_eq!(code("").await, Code::MalformedPostRequest);
        assert_eq!(code("--XX\r\nContent-Type: text/plain\r\n\r\nx").await, Code::MalformedPostRequest);
        assert_eq!(
            code(&field("long", &"x".repeat(FIELDS_BYTES_MAX))).await,
            Code::MaxPostPreDataLengthExceeded
        );
        assert_eq!(code(&"x".repeat(FIELDS_BYTES_MAX + 1)).await, Code::MaxPostPreDataLengthExceeded);
        for (kind, expected) in [
            ("application/json", Code::PreconditionFailed),
            ("multipart/form-data", Code::MalformedPostRequest),
            ("multipart/form-data; boundary=", Code::MalformedPostRequest),
        ] {
            assert_eq!(delimiter(kind).map(drop).unwrap_err().code, expected, "{kind}");
        }
        assert!(delimiter("Multipart/Form-Data; charset=utf-8; BOUNDARY=\"a;b\"").is_ok());
    }

    #[tokio::test]
    async fn a_file_without_its_last_boundary_or_out_of_bounds_is_an_error() {
        let whole = file("f", "0123456789");
        let cut = whole.strip_suffix("\r\n--XX--\r\n").unwrap();
        for text in [cut, &cut[..cut.len() - 3]] {
            let (_, file) = open(text, 5).await.unwrap();
            assert!(matches!(file.collect().await, Err(BodyError::Incomplete)));
        }
        for (lengths, good) in [(0..=10, true), (10..=10, true), (0..=9, false), (11..=20, false)] {
            let (_, file) = open(&whole, 3).await.unwrap();
            assert_eq!(file.allow(lengths.clone()).collect().await.is_ok(), good, "{lengths:?}");
        }
    }

    #[tokio::test]
    async fn endless_rubbish_after_the_file_is_refused() {
        let (_, file) = open(&(file("f", "abc") + &"x".repeat(AFTER_BYTES_MAX + 1000)), 500).await.unwrap();
        assert!(matches!(file.collect().await, Err(BodyError::TooLong)));
    }
}
