//! Bucket names and object keys.

use std::fmt;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// A name that AWS's rules refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// The bucket name breaks a rule of "Bucket naming rules".
    #[error("invalid bucket name")]
    Bucket,
    /// The key is empty.
    #[error("empty key")]
    EmptyKey,
    /// The key is longer than 1024 bytes.
    #[error("key too long")]
    KeyTooLong,
}

/// A bucket's name: 3 to 63 of `a-z 0-9 . -` (AWS: "General purpose bucket naming rules").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BucketName(String);

impl BucketName {
    /// Checks a name against the rules.
    pub fn parse(name: &str) -> Result<Self, InvalidName> {
        let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let bytes = name.as_bytes();
        let valid = (3..=63).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
            && edge(bytes.first())
            && edge(bytes.last())
            && !["..", ".-", "-."].iter().any(|pair| name.contains(pair))
            && name.parse::<Ipv4Addr>().is_err()
            && !["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|p| name.starts_with(p))
            && !["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|s| name.ends_with(s));
        if valid { Ok(Self(name.to_owned())) } else { Err(InvalidName::Bucket) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An object's key: 1 to 1024 bytes of UTF-8, an opaque string in byte order, never a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// The longest key, in bytes.
    pub const BYTES_MAX: usize = 1024;

    /// Checks a key's length.
    pub fn parse(key: impl Into<String>) -> Result<Self, InvalidName> {
        let key = key.into();
        match key.len() {
            0 => Err(InvalidName::EmptyKey),
            1..=Self::BYTES_MAX => Ok(Self(key)),
            _ => Err(InvalidName::KeyTooLong),
        }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_the_rules() {
        for good in ["abc", "my-bucket.2026", "0a0", &"a".repeat(63)] {
            assert!(BucketName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "ab",
            "Abc",
            "a..b",
            "a.-b",
            "a-.b",
            "-abc",
            "abc-",
            "192.168.0.1",
            "xn--abc",
            "a_b",
            &"a".repeat(64),
        ] {
            assert!(BucketName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_hold_up_to_1024_bytes() {
        assert!(ObjectKey::parse("é".repeat(512)).is_ok());
        assert_eq!(ObjectKey::parse("a".repeat(1025)), Err(InvalidName::KeyTooLong));
        assert_eq!(ObjectKey::parse(""), Err(InvalidName::EmptyKey));
    }
}
