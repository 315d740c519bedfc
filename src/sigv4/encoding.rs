//! Percent-encoding as Signature Version 4 defines it, and hexadecimal.

/// What [`encode_into`] does with a slash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slash {
    /// Stays as it is: paths, and `encoding-type=url` listings.
    Keep,
    /// Becomes `%2F`: names and values of a query.
    Encode,
}

const UPPER: &[u8; 16] = b"0123456789ABCDEF";
const LOWER: &[u8; 16] = b"0123456789abcdef";

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Appends `bytes` with everything but `A-Z a-z 0-9 - . _ ~` percent-encoded.
pub fn encode_into(out: &mut Vec<u8>, bytes: &[u8], slash: Slash) {
    for &byte in bytes {
        push_encoded(out, byte, slash);
    }
}

pub(super) fn push_encoded(out: &mut Vec<u8>, byte: u8, slash: Slash) {
    if unreserved(byte) || (byte == b'/' && slash == Slash::Keep) {
        out.push(byte);
    } else {
        out.extend([b'%', UPPER[usize::from(byte >> 4)], UPPER[usize::from(byte & 15)]]);
    }
}

/// The bytes of a percent-encoded path, each `%XX` decoded once; a `%` without two digits stays.
pub(super) fn decoded(path: &str) -> impl Iterator<Item = u8> {
    unescaped(path, b'+')
}

/// The bytes of a percent-encoded query's name or value: as in a path, but `+` is a space.
pub(super) fn decoded_form(text: &str) -> impl Iterator<Item = u8> {
    unescaped(text, b' ')
}

fn unescaped(text: &str, plus: u8) -> impl Iterator<Item = u8> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let (&first, tail) = rest.split_first()?;
        rest = tail;
        if first == b'%'
            && let [high, low, tail @ ..] = tail
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            rest = tail;
            return Some(high << 4 | low);
        }
        Some(if first == b'+' { plus } else { first })
    })
}

/// Decodes a path: `%XX` once, `+` is a plus. `None` where a `%` has no two digits, or the result is no UTF-8.
pub fn decode_path(path: &str) -> Option<String> {
    let is_escape = |rest: &[u8]| matches!(rest, [high, low, ..] if digit(*high).and(digit(*low)).is_some());
    let mut escapes = path.split('%').skip(1);
    if !escapes.all(|rest| is_escape(rest.as_bytes())) {
        return None;
    }
    String::from_utf8(decoded(path).collect()).ok()
}

/// Decodes a name or value of a query: `+` is a space. `None` where the result is no UTF-8.
pub fn decode_form(text: &str) -> Option<String> {
    String::from_utf8(decoded_form(text).collect()).ok()
}

/// Lower-case hexadecimal digits of the 32 bytes of a hash.
pub fn hex(bytes: &[u8]) -> [u8; 64] {
    let mut digits = [0; 64];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = LOWER[usize::from(byte >> 4)];
        pair[1] = LOWER[usize::from(byte & 15)];
    }
    digits
}

/// Reads 64 hexadecimal digits.
pub fn parse_hex(digits: &[u8]) -> Option<[u8; 32]> {
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_keeps_unreserved_and_spells_the_rest() {
        let mut out = Vec::new();
        encode_into(&mut out, "a/b c~+é".as_bytes(), Slash::Keep);
        assert_eq!(out, b"a/b%20c~%2B%C3%A9");
        out.clear();
        encode_into(&mut out, b"a/b", Slash::Encode);
        assert_eq!(out, b"a%2Fb");
    }

    #[test]
    fn plus_is_a_space_in_queries_and_a_plus_in_paths() {
        assert_eq!(decode_path("a+b%20c").as_deref(), Some("a+b c"));
        assert_eq!(decode_form("a+b%2Bc").as_deref(), Some("a b+c"));
    }

    #[test]
    fn broken_escapes_stay_in_queries_and_are_refused_in_paths_as_broken_utf8_is() {
        assert_eq!(decode_form("100%").as_deref(), Some("100%"));
        assert_eq!(decode_form("%zz%2").as_deref(), Some("%zz%2"));
        for broken in ["100%", "%zz", "a%2", "%2%20", "%é0", "%ff"] {
            assert_eq!(decode_path(broken), None, "{broken}");
        }
        assert_eq!(decode_path("100%25%c3%A9").as_deref(), Some("100%é"));
    }

    #[test]
    fn hex_survives_a_round_trip() {
        let bytes = std::array::from_fn(|i| i as u8 * 7);
        assert_eq!(parse_hex(&hex(&bytes)), Some(bytes));
        assert_eq!(parse_hex(b"12"), None);
        assert_eq!(parse_hex(&[b'g'; 64]), None);
    }
}
