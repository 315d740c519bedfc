//! How accounts are named.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The 12 digits that name an account in ARNs and policies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountId(String);

impl AccountId {
    /// Reads 12 digits.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        valid.then(|| Self(text.to_owned()))
    }

    /// From a number, of which the last 12 digits count.
    pub fn from_number(number: u64) -> Self {
        Self(format!("{:012}", number % 1_000_000_000_000))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What names an account in ACLs and as an owner: 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CanonicalId(pub [u8; 32]);

impl CanonicalId {
    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes().as_chunks::<2>().0;
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut id = [0; 32];
        for (byte, pair) in id.iter_mut().zip(digits) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(id))
    }
}

impl fmt::Display for CanonicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CanonicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CanonicalId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written() {
        let id = CanonicalId([0xa5; 32]);
        assert_eq!(CanonicalId::parse(&id.to_string()), Some(id));
        assert_eq!(AccountId::parse("012345678901").unwrap().to_string(), "012345678901");
        assert_eq!(AccountId::from_number(7).as_str(), "000000000007");
        for bad in ["", "a5", &"g".repeat(64), &"é".repeat(32), &"a".repeat(65)] {
            assert_eq!(CanonicalId::parse(bad), None, "{bad}");
        }
        for bad in ["", "12345678901", "1234567890123", "12345678901a"] {
            assert_eq!(AccountId::parse(bad), None, "{bad}");
        }
    }
}
