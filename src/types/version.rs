//! Versions of an object.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether a bucket keeps what is overwritten and deleted (AWS: "How S3 Versioning works").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Versioning {
    /// It never did: each key has one version, `null`.
    #[default]
    Unversioned,
    /// Each write makes a version.
    Enabled,
    /// Versions are kept, but a write replaces the version `null`.
    Suspended,
}

/// A version of an object, by the name that clients know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum VersionId {
    /// The one that was written while the bucket made no versions.
    Null,
    /// One that was made in the order of commits, by its number; as text 16 hexadecimal digits.
    Number(u64),
}

impl VersionId {
    /// Reads `null` or 16 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "null" {
            return Some(Self::Null);
        }
        let digits =
            text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        u64::from_str_radix(text, 16).ok().filter(|_| digits).map(Self::Number)
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Number(number) => write!(f, "{number:016x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_ids_survive_text_and_nothing_else_is_one() {
        for id in [VersionId::Null, VersionId::Number(1), VersionId::Number(u64::MAX)] {
            assert_eq!(VersionId::parse(&id.to_string()), Some(id));
        }
        for text in ["", "Null", "1", "000000000000000A", "+00000000000000a", "00000000000000001"] {
            assert_eq!(VersionId::parse(text), None, "{text}");
        }
    }
}
