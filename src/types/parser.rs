//! A reader of bytes from outside, as tests and fuzzing take it.

/// One reader.
#[derive(Debug, Clone, Copy)]
pub struct Parser {
    /// Its name; texts that it takes are in a folder of that name.
    pub name: &'static str,
    /// Reads. Returns the HTTP status of a refusal; `None` where it takes the bytes, or where nobody is answered.
    pub run: fn(&[u8]) -> Option<u16>,
    /// Bytes that it takes and that are no text, or are signed.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

impl Parser {
    /// A reader of texts.
    pub const fn of_text(name: &'static str, run: fn(&[u8]) -> Option<u16>) -> Self {
        Self { name, run, seeds: Vec::new }
    }
}
