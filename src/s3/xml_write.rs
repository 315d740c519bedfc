//! Writes the XML of answers into one buffer.

use std::io::Write as _;

/// The namespace of S3's documents.
pub(super) const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// An XML document in the making. Names are trusted, text is escaped.
#[derive(Debug)]
pub(super) struct XmlWriter(Vec<u8>);

impl XmlWriter {
    /// A document with its declaration; `capacity` in bytes is a guess of its length.
    pub(super) fn new(capacity: usize) -> Self {
        let mut out = Vec::with_capacity(capacity);
        out.extend_from_slice(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        Self(out)
    }

    /// `<name>`.
    pub(super) fn open(&mut self, name: &str) {
        self.0.push(b'<');
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'>');
    }

    /// The root element, in S3's namespace.
    pub(super) fn open_root(&mut self, name: &str) {
        self.0.push(b'<');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b" xmlns=\"");
        self.0.extend_from_slice(NAMESPACE.as_bytes());
        self.0.extend_from_slice(b"\">");
    }

    /// `</name>`.
    pub(super) fn close(&mut self, name: &str) {
        self.0.extend_from_slice(b"</");
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'>');
    }

    /// `<name>text</name>`, escaped.
    pub(super) fn element(&mut self, name: &str, text: &str) {
        self.open(name);
        escape(&mut self.0, text);
        self.close(name);
    }

    /// Text between elements, escaped.
    pub(super) fn text(&mut self, text: &str) {
        escape(&mut self.0, text);
    }

    /// `<name>value</name>` of a value whose text needs no escaping: numbers, booleans.
    pub(super) fn number(&mut self, name: &str, value: impl std::fmt::Display) {
        self.open(name);
        // Writing to a vector cannot fail.
        let _ = write!(self.0, "{value}");
        self.close(name);
    }

    /// `<ETag>"..."</ETag>`, with the quotes spelled as AWS spells them.
    pub(super) fn etag(&mut self, etag: &crate::types::Etag) {
        let _ = write!(self.0, "<ETag>&quot;{etag}&quot;</ETag>");
    }

    /// Markup that is known to be well-formed.
    pub(super) fn raw(&mut self, markup: &str) {
        self.0.extend_from_slice(markup.as_bytes());
    }

    /// The document.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Appends text with markup and control characters as references. Control characters that XML 1.0
/// does not allow even so are written as AWS writes them; clients ask for `encoding-type=url`.
fn escape(out: &mut Vec<u8>, text: &str) {
    let mut plain = 0;
    let bytes = text.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        let reference: &[u8] = match byte {
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'"' => b"&quot;",
            b'\t' | b'\n' => continue,
            0..0x20 => b"",
            _ => continue,
        };
        out.extend_from_slice(&bytes[plain..index]);
        if reference.is_empty() {
            let _ = write!(out, "&#x{byte:x};");
        } else {
            out.extend_from_slice(reference);
        }
        plain = index + 1;
    }
    out.extend_from_slice(&bytes[plain..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_utf8_is_kept() {
        let mut xml = XmlWriter::new(0);
        xml.element("Key", "a<b>&\"é\r\u{1}\n");
        let text = String::from_utf8(xml.finish()).unwrap();
        assert!(text.ends_with("<Key>a&lt;b&gt;&amp;&quot;é&#xd;&#x1;\n</Key>"), "{text}");
    }
}
