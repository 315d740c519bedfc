//! The canonical request and the string to sign.

use aws_lc_rs::digest::{SHA256, digest};
use hyper::HeaderMap;

use super::Parts;
use super::encoding::{Slash, decoded, decoded_form, hex, push_encoded};

/// Which query parameter is left out: its own signature cannot be part of what is signed.
pub(super) const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";

/// The canonical request: method, path, query, signed headers and payload hash, one form of each.
pub(super) fn request(parts: Parts<'_>, signed_headers: &str, payload: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(512 + parts.path.len() + parts.query.len());
    out.extend_from_slice(parts.method.as_bytes());
    out.push(b'\n');
    path(&mut out, parts.path);
    out.push(b'\n');
    query(&mut out, parts.query);
    out.push(b'\n');
    for name in signed_headers.split(';') {
        header(&mut out, name, parts.headers);
    }
    out.push(b'\n');
    out.extend_from_slice(signed_headers.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(payload.as_bytes());
    out
}

/// `AWS4-HMAC-SHA256`, time, scope and the hash of the canonical request.
pub(super) fn string_to_sign(time: &str, scope: &str, canonical_request: &[u8]) -> Vec<u8> {
    let hash = digest(&SHA256, canonical_request);
    let mut out = Vec::with_capacity(160);
    for part in [b"AWS4-HMAC-SHA256".as_slice(), time.as_bytes(), scope.as_bytes()] {
        out.extend_from_slice(part);
        out.push(b'\n');
    }
    out.extend_from_slice(&hex(hash.as_ref()));
    out
}

/// S3 encodes a path once and never normalizes it.
fn path(out: &mut Vec<u8>, raw: &str) {
    if raw.is_empty() {
        return out.push(b'/');
    }
    for byte in decoded(raw) {
        push_encoded(out, byte, Slash::Keep);
    }
}

/// Parameters in canonical encoding, sorted by name, then by value.
fn query(out: &mut Vec<u8>, raw: &str) {
    if raw.is_empty() {
        return;
    }
    let canonical = |text: &str| {
        let mut encoded = Vec::with_capacity(text.len());
        for byte in decoded_form(text) {
            push_encoded(&mut encoded, byte, Slash::Encode);
        }
        encoded
    };
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = raw
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (canonical(name), canonical(value)))
        .filter(|(name, _)| name != SIGNATURE_PARAMETER.as_bytes())
        .collect();
    pairs.sort_unstable();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

/// `name:value`, values of one name joined by commas, runs of white space made one space.
fn header(out: &mut Vec<u8>, name: &str, headers: &HeaderMap) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    for (index, value) in headers.get_all(name).iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let words =
            value.as_bytes().split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
        for (index, word) in words.enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(word);
        }
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical_query(raw: &str) -> String {
        let mut out = Vec::new();
        query(&mut out, raw);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn query_is_sorted_encoded_and_loses_its_signature() {
        assert_eq!(canonical_query("b=2&a=%2f&a=1&acl&X-Amz-Signature=ff"), "a=%2F&a=1&acl=&b=2");
        assert_eq!(canonical_query("prefix=a%3Db%25&x=1+2"), "prefix=a%3Db%25&x=1%202");
        assert_eq!(canonical_query("prefix=a=b"), "prefix=a%3Db");
        assert_eq!(canonical_query(""), "");
    }

    #[test]
    fn path_is_encoded_once_and_not_normalized() {
        let mut out = Vec::new();
        path(&mut out, "/b//k/../a+b%20%2f(c)");
        assert_eq!(out, b"/b//k/../a%2Bb%20/%28c%29");
    }

    #[test]
    fn header_values_are_trimmed_joined_and_collapsed() {
        let mut headers = HeaderMap::new();
        headers.append("x-amz-meta-a", "  one \t two ".parse().unwrap());
        headers.append("x-amz-meta-a", "three".parse().unwrap());
        let mut out = Vec::new();
        header(&mut out, "x-amz-meta-a", &headers);
        assert_eq!(out, b"x-amz-meta-a:one two,three\n");
    }
}
