//! Entity tags: MD5 of a single PUT, MD5 of MD5s with a part count for multipart.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An object's ETag without its quotes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Etag {
    /// MD5 of the bytes, or of the parts' MD5s.
    pub md5: [u8; 16],
    /// Number of parts, 0 for a single PUT.
    pub parts: u16,
}

impl Etag {
    /// What no object has: none has so many parts. Stands for a text that is no tag where one must match.
    pub const OF_NONE: Self = Self { md5: [0; 16], parts: u16::MAX };

    /// The tag of an object written by one PUT.
    pub fn single(md5: [u8; 16]) -> Self {
        Self { md5, parts: 0 }
    }

    /// Reads `0123...ef` or `0123...ef-7`, with or without quotes.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches('"');
        let (hex, parts) = match text.split_once('-') {
            Some((hex, parts)) => (hex, parts.parse().ok()?),
            None => (text, 0),
        };
        if hex.len() != 32 || !hex.is_ascii() {
            return None;
        }
        let mut md5 = [0; 16];
        for (byte, pair) in md5.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self { md5, parts })
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0u8; 32];
        for (pair, byte) in hex.chunks_mut(2).zip(self.md5) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&hex).expect("hex digits are ascii"))?;
        if self.parts > 0 { write!(f, "-{}", self.parts) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etag_survives_text_with_and_without_parts() {
        for text in ["d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e-12"] {
            assert_eq!(Etag::parse(&format!("\"{text}\"")).unwrap().to_string(), text);
        }
        assert_eq!(Etag::parse("zz"), None);
    }
}
