//! Names for requests, shown to the client and written to the log.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::LazyLock;

/// The name of one request: 16 upper-case hexadecimal digits, as AWS's are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId([u8; 16]);

/// An odd constant near 2^64 divided by the golden ratio: consecutive counts land far apart.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

static START: LazyLock<u64> = LazyLock::new(|| {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    (since.as_nanos() as u64).rotate_left(17) ^ u64::from(std::process::id()).wrapping_mul(SPREAD)
});

static COUNT: AtomicU64 = AtomicU64::new(0);

impl RequestId {
    /// A name that this process has not given before. No secret: only for finding log lines.
    pub fn next() -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self::of(START.wrapping_add(count.wrapping_mul(SPREAD)))
    }

    fn of(number: u64) -> Self {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let mut digits = [0; 16];
        for (index, digit) in digits.iter_mut().enumerate() {
            *digit = HEX[(number >> (60 - 4 * index) & 15) as usize];
        }
        Self(digits)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits are ascii")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn request_ids_are_sixteen_hex_digits_and_differ() {
        let ids: HashSet<String> = (0..1000).map(|_| RequestId::next().to_string()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit())));
        assert_eq!(RequestId::of(0x0123_4567_89AB_CDEF).as_str(), "0123456789ABCDEF");
    }
}
