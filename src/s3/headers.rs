//! Headers of requests and answers: what is kept with an object, and what is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::{self, HeaderName, HeaderValue};

use crate::object::{Expiry, ObjectInfo, PutOutcome, WriteCondition};
use crate::sigv4::{Slash, encode_into};
use crate::types::{
    Attributes, DeleteCondition, Etag, EtagCondition, ObjectAccess, ObjectChecksum, Properties, StorageClass,
    Timestamp,
};

use super::checksums;
use super::error::{Code, Error, Result};
use super::query::Query;
use super::time::{http_date, parse_date};
use super::{encryption, lock, tags, versions};

/// User metadata at most, names without their prefix and values together, in bytes.
const USER_METADATA_BYTES_MAX: usize = 2048;

/// Where user metadata stands.
const USER_PREFIX: &str = "x-amz-meta-";

/// Headers that are kept with an object and given back as they are.
const KEPT: [&str; 7] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    REDIRECT_LOCATION,
];

/// Where websites send readers of the object instead.
pub(super) const REDIRECT_LOCATION: &str = "x-amz-website-redirect-location";
/// Bytes of that at most.
const REDIRECT_LOCATION_BYTES_MAX: usize = 2048;

/// The content type of an object that was stored without one.
const DEFAULT_TYPE: &str = "binary/octet-stream";

/// A header's text; empty ones and such as are no text count as absent. The name is in lower case.
///
/// Requests are asked for dozens of headers that they do not have. To compare a name with the few there are takes a third of
/// the instructions of hashing it, and there are seldom more than two dozen.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().find(|(there, _)| there.as_str() == name)?;
    value.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

/// All that the headers of an upload want kept with the object.
pub(super) fn properties(headers: &HeaderMap, now: Timestamp) -> Result<Properties> {
    Ok(Properties {
        attributes: attributes(headers)?,
        tags: tags::of_headers(headers)?,
        lock: lock::requested(headers, now)?,
        class: storage_class(headers)?,
        encryption: None,
        access: ObjectAccess::default(),
    })
}

/// What the headers of an upload want kept with the object, to be given back as it is.
pub(super) fn attributes(headers: &HeaderMap) -> Result<Attributes> {
    let mut attributes = Attributes::default();
    let mut user_bytes = 0;
    for name in headers.keys() {
        let name = name.as_str();
        let user = name.strip_prefix(USER_PREFIX);
        if user.is_none() && !KEPT.contains(&name) {
            continue;
        }
        let values: Vec<String> = headers.get_all(name).iter().map(decoded).collect();
        let mut value = values.join(",");
        if name == "content-encoding" {
            value = without_aws_chunked(&value);
        }
        if name == REDIRECT_LOCATION {
            check_redirect_location(&value)?;
        }
        if let Some(user) = user {
            user_bytes += user.len() + value.len();
        } else if value.is_empty() {
            continue;
        }
        attributes.push(name, value);
    }
    if user_bytes > USER_METADATA_BYTES_MAX {
        return Err(Error::new(Code::MetadataTooLarge)
            .detail("Size", user_bytes.to_string())
            .detail("MaxSizeAllowed", USER_METADATA_BYTES_MAX.to_string()));
    }
    Ok(attributes)
}

/// Where a website shall send readers of a copy: that of its source is not copied with it.
pub(super) fn redirect_location(headers: &HeaderMap) -> Result<Option<&str>> {
    let location = text(headers, REDIRECT_LOCATION);
    location.map(check_redirect_location).transpose()?;
    Ok(location)
}

fn check_redirect_location(location: &str) -> Result<()> {
    let leads_somewhere = ["/", "http://", "https://"].iter().any(|start| location.starts_with(start));
    if location.is_empty() || (leads_somewhere && location.len() <= REDIRECT_LOCATION_BYTES_MAX) {
        return Ok(());
    }
    if leads_somewhere {
        let message = "The length of website redirect location cannot exceed 2,048 characters.";
        return Err(Error::with_message(Code::InvalidRedirectLocation, message));
    }
    Err(Code::InvalidRedirectLocation.into())
}

/// Header bytes as text: UTF-8, else Latin-1.
fn decoded(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// The framing of the transfer is not part of the object.
fn without_aws_chunked(encodings: &str) -> String {
    let kept: Vec<&str> = encodings
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    kept.join(",")
}

/// A header's value from stored text. Text that is not ASCII leaves as an encoded word (RFC 2047).
fn encoded(text: &str) -> Option<HeaderValue> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte) || byte == b'\t') {
        return HeaderValue::from_str(text).ok();
    }
    HeaderValue::from_str(&format!("=?UTF-8?B?{}?=", STANDARD.encode(text))).ok()
}

/// Headers and what else AWS gives for an object, without those of the body's length and range.
pub(super) fn describe(info: &ObjectInfo, answer: &mut HeaderMap) {
    answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(DEFAULT_TYPE));
    identify(info, answer);
    for (name, value) in info.properties.attributes.iter() {
        let (Ok(name), Some(value)) = (HeaderName::try_from(name), encoded(value)) else { continue };
        answer.insert(name, value);
    }
    lock::describe(&info.properties.lock, answer);
    if info.properties.class != StorageClass::Standard {
        let class = HeaderValue::from_static(info.properties.class.name());
        answer.insert(HeaderName::from_static("x-amz-storage-class"), class);
    }
    let encryption = info.properties.encryption.as_ref();
    encryption::describe(encryption.map(|encryption| &encryption.mode), answer);
    if !info.properties.tags.is_empty() {
        let count = HeaderValue::from(info.properties.tags.len());
        answer.insert(HeaderName::from_static("x-amz-tagging-count"), count);
    }
}

/// `ETag`, `Last-Modified` and the version: all that a 304 carries.
pub(super) fn identify(info: &ObjectInfo, answer: &mut HeaderMap) {
    versions::name(info.version, answer);
    answer.insert(header::ETAG, etag(&info.etag));
    if let Ok(date) = HeaderValue::try_from(http_date(info.modified)) {
        answer.insert(header::LAST_MODIFIED, date);
    }
}

/// An ETag in its quotes.
pub(super) fn etag(etag: &Etag) -> HeaderValue {
    HeaderValue::try_from(format!("\"{etag}\"")).expect("an etag is hexadecimal")
}

/// When an object ends by a rule, as `x-amz-expiration` says it.
pub(super) fn expiration(expiry: &Expiry, answer: &mut HeaderMap) {
    let mut text = format!("expiry-date=\"{}\", rule-id=\"", http_date(expiry.at)).into_bytes();
    encode_into(&mut text, expiry.rule.as_bytes(), Slash::Encode);
    text.push(b'"');
    if let Ok(value) = HeaderValue::try_from(text) {
        answer.insert(HeaderName::from_static("x-amz-expiration"), value);
    }
}

/// When an upload ends by a rule, as `x-amz-abort-date` and `x-amz-abort-rule-id` say it.
pub(super) fn abort(expiry: &Expiry, answer: &mut HeaderMap) {
    if let (Ok(date), Some(rule)) = (HeaderValue::try_from(http_date(expiry.at)), encoded(&expiry.rule)) {
        answer.insert(HeaderName::from_static("x-amz-abort-date"), date);
        answer.insert(HeaderName::from_static("x-amz-abort-rule-id"), rule);
    }
}

/// A checksum, made of so many parts, and its kind.
pub(super) fn checksum(checksum: &ObjectChecksum, parts: u16, answer: &mut HeaderMap) {
    let name = HeaderName::from_static(checksums::header(checksum.value.algorithm));
    if let Ok(value) = HeaderValue::try_from(checksums::text(checksum, parts)) {
        answer.insert(name, value);
        let kind = HeaderValue::from_static(checksums::kind_name(checksum.kind));
        answer.insert(HeaderName::from_static("x-amz-checksum-type"), kind);
    }
}

/// Says that the caller pays.
pub(super) fn charge(answer: &mut HeaderMap) {
    answer.insert(HeaderName::from_static("x-amz-request-charged"), HeaderValue::from_static("requester"));
}

/// ETag, version and checksum of what was stored, for the answer to its upload.
pub(super) fn stored(outcome: &PutOutcome, answer: &mut HeaderMap) {
    answer.insert(header::ETAG, etag(&outcome.etag));
    versions::name(outcome.version, answer);
    encryption::describe(outcome.encryption.as_ref(), answer);
    if let Some(checksum) = &outcome.checksum
        && let Ok(text) = HeaderValue::try_from(checksums::text(checksum, outcome.etag.parts))
    {
        answer.insert(HeaderName::from_static(checksums::header(checksum.value.algorithm)), text);
        let kind = HeaderValue::from_static(checksums::kind_name(checksum.kind));
        answer.insert(HeaderName::from_static("x-amz-checksum-type"), kind);
    }
}

/// The `response-...` parameters of a GET and the headers they set.
const OVERRIDES: [(&str, HeaderName); 6] = [
    ("response-cache-control", header::CACHE_CONTROL),
    ("response-content-disposition", header::CONTENT_DISPOSITION),
    ("response-content-encoding", header::CONTENT_ENCODING),
    ("response-content-language", header::CONTENT_LANGUAGE),
    ("response-content-type", header::CONTENT_TYPE),
    ("response-expires", header::EXPIRES),
];

/// Whether a query says what headers of the answer shall be.
pub(super) fn has_overrides(query: &Query) -> bool {
    OVERRIDES.iter().any(|(parameter, _)| query.has(parameter))
}

/// Applies `response-content-type` and the like.
pub(super) fn override_from_query(query: &Query, answer: &mut HeaderMap) -> Result<()> {
    for (parameter, name) in OVERRIDES {
        if let Some(text) = query.get(parameter) {
            answer.insert(name, override_value(parameter, text)?);
        }
    }
    Ok(())
}

/// The value of a header, whose characters are those of ISO-8859-1 (RFC 9110, section 5.5).
fn override_value(parameter: &'static str, text: &str) -> Result<HeaderValue> {
    const NOT_LATIN: &str = "Header value cannot be represented using ISO-8859-1.";
    let latin: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
    let latin = latin.ok_or_else(|| Error::argument(parameter, text, NOT_LATIN))?;
    HeaderValue::from_bytes(&latin)
        .map_err(|_| Error::argument(parameter, text, "The header value is not valid"))
}

/// `Content-MD5`, decoded.
pub(super) fn content_md5(headers: &HeaderMap) -> Result<Option<[u8; 16]>> {
    let Some(value) = headers.get("content-md5") else { return Ok(None) };
    let bytes = STANDARD.decode(value.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(Some).ok_or_else(|| Error::new(Code::InvalidDigest))
}

/// When a write may happen: `If-Match` and `If-None-Match`.
pub(super) fn write_condition(headers: &HeaderMap) -> Result<WriteCondition> {
    let (matches, none_match) = (text(headers, "if-match"), text(headers, "if-none-match"));
    match (matches, none_match) {
        (None, None) => Ok(WriteCondition::Always),
        (None, Some("*")) => Ok(WriteCondition::IfAbsent),
        (Some("*"), None) => Ok(WriteCondition::IfPresent),
        (Some(tag), None) => Ok(WriteCondition::IfMatch(Etag::parse(tag).unwrap_or(Etag::OF_NONE))),
        (_, Some(_)) => Err(Error::header_not_implemented("If-None-Match")),
    }
}

/// The storage class that is asked for.
pub(super) fn storage_class(headers: &HeaderMap) -> Result<StorageClass> {
    match text(headers, "x-amz-storage-class") {
        None => Ok(StorageClass::default()),
        Some(name) => StorageClass::parse(name).ok_or_else(|| Code::InvalidStorageClass.into()),
    }
}

/// When an object may be removed: `If-Match` and its kin of DeleteObject.
pub(super) fn delete_condition(headers: &HeaderMap) -> Result<DeleteCondition> {
    const MODIFIED: &str = "x-amz-if-match-last-modified-time";
    const SIZE: &str = "x-amz-if-match-size";
    let etag = text(headers, "if-match").map(etag_condition);
    let modified = text(headers, MODIFIED).map(|date| {
        let secs = parse_date(date).ok_or_else(|| Error::argument(MODIFIED, date, "Invalid date"))?;
        Ok::<_, Error>(Timestamp::from_millis(secs * 1000))
    });
    let size = text(headers, SIZE)
        .map(|size| size.parse().map_err(|_| Error::argument(SIZE, size, "Invalid object size")));
    Ok(DeleteCondition { etag, modified: modified.transpose()?, size: size.transpose()? })
}

/// A tag that must match.
pub(super) fn etag_condition(text: &str) -> EtagCondition {
    match text {
        "*" => EtagCondition::Any,
        tag => EtagCondition::Tag(Etag::parse(tag).unwrap_or(Etag::OF_NONE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
            })
            .collect()
    }

    fn answer(attributes: Attributes) -> HeaderMap {
        let info = ObjectInfo {
            size: 0,
            etag: Etag::single([0; 16]),
            modified: Timestamp::from_millis(0),
            version: None,
            properties: Properties { attributes, ..Properties::default() },
            checksum: None,
        };
        let mut answer = HeaderMap::new();
        describe(&info, &mut answer);
        answer
    }

    #[test]
    fn kept_headers_come_back_and_transfer_framing_does_not() {
        let kept = attributes(&headers(&[
            ("content-type", "text/plain"),
            ("content-encoding", "aws-chunked, gzip"),
            ("x-amz-meta-a", "1"),
            ("x-amz-meta-empty", ""),
            ("host", "localhost"),
            ("expires", ""),
        ]))
        .unwrap();
        let answer = answer(kept);
        assert_eq!(answer["content-type"], "text/plain");
        assert_eq!(answer["content-encoding"], "gzip");
        assert_eq!(
            (&answer["x-amz-meta-a"], &answer["x-amz-meta-empty"]),
            (&"1".parse().unwrap(), &"".parse().unwrap())
        );
        assert!(!answer.contains_key("host") && !answer.contains_key("expires"));
    }

    #[test]
    fn encoding_of_transfer_alone_is_no_content_encoding() {
        let kept = attributes(&headers(&[("content-encoding", "aws-chunked")])).unwrap();
        assert!(!answer(kept).contains_key("content-encoding"));
    }

    #[test]
    fn content_type_defaults_to_octets() {
        assert_eq!(answer(Attributes::default())["content-type"], "binary/octet-stream");
    }

    #[test]
    fn metadata_beyond_ascii_leaves_as_an_encoded_word() {
        let kept = attributes(&headers(&[("x-amz-meta-a", "é")])).unwrap();
        assert_eq!(kept.get("x-amz-meta-a"), Some("é"));
        assert_eq!(answer(kept)["x-amz-meta-a"], "=?UTF-8?B?w6k=?=");
    }

    #[test]
    fn repeated_metadata_is_joined_and_too_much_is_refused() {
        let mut repeated = headers(&[("x-amz-meta-a", "1")]);
        repeated.append("x-amz-meta-a", HeaderValue::from_static("2"));
        assert_eq!(attributes(&repeated).unwrap().get("x-amz-meta-a"), Some("1,2"));
        assert!(attributes(&headers(&[("x-amz-meta-a", &"v".repeat(2047))])).is_ok());
        let error = attributes(&headers(&[("x-amz-meta-a", &"v".repeat(2048))])).unwrap_err();
        assert_eq!(error.code, Code::MetadataTooLarge);
    }

    #[test]
    fn write_conditions_are_read() {
        let tag = "d41d8cd98f00b204e9800998ecf8427e";
        for (name, value, expected) in [
            ("if-none-match", "*", Ok(WriteCondition::IfAbsent)),
            ("if-match", "*", Ok(WriteCondition::IfPresent)),
            ("if-match", tag, Ok(WriteCondition::IfMatch(Etag::parse(tag).unwrap()))),
            ("if-match", "", Ok(WriteCondition::Always)),
            ("if-match", "other", Ok(WriteCondition::IfMatch(Etag::OF_NONE))),
            ("if-none-match", tag, Err(Code::NotImplemented)),
        ] {
            let condition = write_condition(&headers(&[(name, value)]));
            assert_eq!(condition.map_err(|error| error.code), expected, "{name}: {value}");
        }
    }

    #[test]
    fn a_storage_class_is_one_that_is_read_at_once() {
        let class = |name| storage_class(&headers(&[("x-amz-storage-class", name)])).ok();
        assert_eq!(
            (class("STANDARD_IA"), class("")),
            (Some(StorageClass::StandardIa), Some(StorageClass::Standard))
        );
        assert_eq!((class("GLACIER"), class("standard")), (None, None));
    }

    #[test]
    fn expiration_names_the_day_and_the_rule_encoded() {
        let mut answer = HeaderMap::new();
        let at = Timestamp::from_millis(1_356_220_800_000);
        expiration(&Expiry { at, rule: "pictures deletion/1".into() }, &mut answer);
        let expected = "expiry-date=\"Sun, 23 Dec 2012 00:00:00 GMT\", rule-id=\"pictures%20deletion%2F1\"";
        assert_eq!(answer["x-amz-expiration"], expected);
    }

    #[test]
    fn content_md5_must_be_sixteen_bytes() {
        let md5 = |text| content_md5(&headers(&[("content-md5", text)]));
        assert!(md5("1B2M2Y8AsgTpgAmY7PhCfg==").unwrap().is_some());
        for bad in ["", "AAAA", "no base64"] {
            assert_eq!(md5(bad).unwrap_err().code, Code::InvalidDigest);
        }
    }
}
