//! The additional checksums as S3's headers and documents name them.

use hyper::HeaderMap;

use crate::checksum;
use crate::types::{ChecksumAlgorithm, ChecksumKind, ChecksumValue, ObjectChecksum};

use super::error::{Error, Result};

/// What S3 calls an algorithm.
struct Names {
    /// Its name.
    name: &'static str,
    /// Its element of documents.
    element: &'static str,
    /// Its header.
    header: &'static str,
}

fn names(algorithm: ChecksumAlgorithm) -> Names {
    let (name, element, header) = match algorithm {
        ChecksumAlgorithm::Crc32 => ("CRC32", "ChecksumCRC32", "x-amz-checksum-crc32"),
        ChecksumAlgorithm::Crc32c => ("CRC32C", "ChecksumCRC32C", "x-amz-checksum-crc32c"),
        ChecksumAlgorithm::Crc64Nvme => ("CRC64NVME", "ChecksumCRC64NVME", "x-amz-checksum-crc64nvme"),
        ChecksumAlgorithm::Sha1 => ("SHA1", "ChecksumSHA1", "x-amz-checksum-sha1"),
        ChecksumAlgorithm::Sha256 => ("SHA256", "ChecksumSHA256", "x-amz-checksum-sha256"),
        ChecksumAlgorithm::Sha512 => ("SHA512", "ChecksumSHA512", "x-amz-checksum-sha512"),
        ChecksumAlgorithm::Md5 => ("MD5", "ChecksumMD5", "x-amz-checksum-md5"),
        ChecksumAlgorithm::XxHash64 => ("XXHASH64", "ChecksumXXHASH64", "x-amz-checksum-xxhash64"),
        ChecksumAlgorithm::XxHash3 => ("XXHASH3", "ChecksumXXHASH3", "x-amz-checksum-xxhash3"),
        ChecksumAlgorithm::XxHash128 => ("XXHASH128", "ChecksumXXHASH128", "x-amz-checksum-xxhash128"),
    };
    Names { name, element, header }
}

/// Headers that begin like a checksum's but carry none.
const NOT_VALUES: [&str; 3] = ["x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type"];

/// `CRC32`, `SHA256`, ...
pub(super) fn name(algorithm: ChecksumAlgorithm) -> &'static str {
    names(algorithm).name
}

/// `ChecksumCRC32`, ...: the element of documents.
pub(super) fn element(algorithm: ChecksumAlgorithm) -> &'static str {
    names(algorithm).element
}

/// `x-amz-checksum-crc32`, ...
pub(super) fn header(algorithm: ChecksumAlgorithm) -> &'static str {
    names(algorithm).header
}

/// `FULL_OBJECT` or `COMPOSITE`.
pub(super) fn kind_name(kind: ChecksumKind) -> &'static str {
    match kind {
        ChecksumKind::FullObject => "FULL_OBJECT",
        ChecksumKind::Composite => "COMPOSITE",
    }
}

/// Reads `CRC32`, `SHA256`, ... in either case.
pub(super) fn parse_name(text: &str) -> Option<ChecksumAlgorithm> {
    algorithms().find(|algorithm| name(*algorithm).eq_ignore_ascii_case(text))
}

/// Reads the name of a checksum's header or trailer.
pub(super) fn parse_header_name(text: &str) -> Option<ChecksumAlgorithm> {
    algorithms().find(|algorithm| header(*algorithm).eq_ignore_ascii_case(text))
}

/// All of them.
pub(super) fn algorithms() -> impl Iterator<Item = ChecksumAlgorithm> {
    ChecksumAlgorithm::ALL.into_iter()
}

/// Reads `FULL_OBJECT` or `COMPOSITE`.
pub(super) fn parse_kind(text: &str) -> Option<ChecksumKind> {
    match text {
        "FULL_OBJECT" => Some(ChecksumKind::FullObject),
        "COMPOSITE" => Some(ChecksumKind::Composite),
        _ => None,
    }
}

/// A checksum's text: base64, with the number of parts where it is composite.
pub(super) fn text(checksum: &ObjectChecksum, parts: u16) -> String {
    let text = checksum::encode(&checksum.value);
    match checksum.kind {
        ChecksumKind::Composite if parts > 0 => format!("{text}-{parts}"),
        ChecksumKind::Composite | ChecksumKind::FullObject => text,
    }
}

/// What the headers of an upload say of its checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Announced {
    /// Nothing.
    Nothing,
    /// The value itself.
    Value(ChecksumValue),
    /// It will be in the trailer.
    Trailer(ChecksumAlgorithm),
}

impl Announced {
    /// The algorithm, where there is one.
    pub(super) fn algorithm(&self) -> Option<ChecksumAlgorithm> {
        match self {
            Self::Nothing => None,
            Self::Value(value) => Some(value.algorithm),
            Self::Trailer(algorithm) => Some(*algorithm),
        }
    }
}

/// Reads `x-amz-checksum-*`, `x-amz-trailer` and `x-amz-sdk-checksum-algorithm`; empty ones are not there.
pub(super) fn announced(headers: &HeaderMap) -> Result<Announced> {
    let mut found = Announced::Nothing;
    for (name, value) in headers {
        let name = name.as_str();
        let text = value.to_str().unwrap_or("?").trim();
        let next = if name == "x-amz-trailer" && !text.is_empty() {
            Announced::Trailer(trailer_algorithm(text)?)
        } else if name.starts_with("x-amz-checksum-") && !NOT_VALUES.contains(&name) && !text.is_empty() {
            Announced::Value(header_value(name, text)?)
        } else {
            continue;
        };
        if found != Announced::Nothing {
            return Err(Error::request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
        found = next;
    }
    check_sdk_algorithm(headers, &found)?;
    Ok(found)
}

/// Reads one checksum header's value.
fn header_value(name: &str, text: &str) -> Result<ChecksumValue> {
    let algorithm = parse_header_name(name).ok_or_else(|| {
        Error::request("The algorithm type you specified in x-amz-checksum- header is invalid.")
    })?;
    checksum::decode(algorithm, text)
        .ok_or_else(|| Error::request(format!("Value for {name} header is invalid.")))
}

fn trailer_algorithm(text: &str) -> Result<ChecksumAlgorithm> {
    parse_header_name(text)
        .ok_or_else(|| Error::request("The value specified in the x-amz-trailer header is not supported"))
}

fn check_sdk_algorithm(headers: &HeaderMap, found: &Announced) -> Result<()> {
    let text = headers.get("x-amz-sdk-checksum-algorithm").and_then(|value| value.to_str().ok());
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(()) };
    let named = parse_name(text)
        .ok_or_else(|| Error::request("Value for x-amz-sdk-checksum-algorithm header is invalid."))?;
    match found.algorithm() {
        Some(algorithm) if algorithm == named => Ok(()),
        Some(_) => Err(Error::request("Value for x-amz-sdk-checksum-algorithm header is invalid.")),
        None => Err(Error::request(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or \
             x-amz-trailer headers were found.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn of(pairs: &[(&'static str, &'static str)]) -> Result<Announced> {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        announced(&headers)
    }

    #[test]
    fn one_checksum_in_header_or_trailer_is_read() {
        let value = of(&[("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-checksum-mode", "ENABLED")]).unwrap();
        assert_eq!(
            value,
            Announced::Value(ChecksumValue { algorithm: ChecksumAlgorithm::Crc32, bytes: vec![0; 4] })
        );
        let trailer =
            of(&[("x-amz-trailer", "x-amz-checksum-sha256"), ("x-amz-sdk-checksum-algorithm", "SHA256")]);
        assert_eq!(trailer.unwrap(), Announced::Trailer(ChecksumAlgorithm::Sha256));
        assert_eq!(of(&[("x-amz-checksum-crc32", "")]).unwrap(), Announced::Nothing);
    }

    #[test]
    fn unclear_checksums_are_refused() {
        for pairs in [
            &[("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-checksum-crc32c", "AAAAAA==")][..],
            &[("x-amz-checksum-crc32", "AAAA")],
            &[("x-amz-checksum-md4", "AAAAAA==")],
            &[("x-amz-trailer", "x-amz-meta-late")],
            &[("x-amz-sdk-checksum-algorithm", "CRC32")],
            &[("x-amz-sdk-checksum-algorithm", "SHA1"), ("x-amz-checksum-crc32", "AAAAAA==")],
        ] {
            assert!(of(pairs).is_err(), "{pairs:?}");
        }
    }

    #[test]
    fn composite_text_carries_the_number_of_parts() {
        let value = ChecksumValue { algorithm: ChecksumAlgorithm::Crc32, bytes: vec![0; 4] };
        let composite = ObjectChecksum { value: value.clone(), kind: ChecksumKind::Composite };
        assert_eq!(text(&composite, 3), "AAAAAA==-3");
        assert_eq!(text(&ObjectChecksum { value, kind: ChecksumKind::FullObject }, 3), "AAAAAA==");
    }
}
