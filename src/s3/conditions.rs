//! Conditional reads: which of 200, 304 and 412 a request gets (RFC 9110, section 13.2.2).

use hyper::HeaderMap;

use crate::object::ObjectInfo;
use crate::types::Etag;

use super::error::{Code, Error, Result};
use super::headers::text;
use super::time::parse_date;

/// The names under which the four conditions stand.
struct Names {
    matches: &'static str,
    none_match: &'static str,
    modified_since: &'static str,
    unmodified_since: &'static str,
}

const READ: Names = Names {
    matches: "if-match",
    none_match: "if-none-match",
    modified_since: "if-modified-since",
    unmodified_since: "if-unmodified-since",
};

const COPY: Names = Names {
    matches: "x-amz-copy-source-if-match",
    none_match: "x-amz-copy-source-if-none-match",
    modified_since: "x-amz-copy-source-if-modified-since",
    unmodified_since: "x-amz-copy-source-if-unmodified-since",
};

const RENAME: Names = Names {
    matches: "x-amz-rename-source-if-match",
    none_match: "x-amz-rename-source-if-none-match",
    modified_since: "x-amz-rename-source-if-modified-since",
    unmodified_since: "x-amz-rename-source-if-unmodified-since",
};

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Proceed,
    /// `If-Match` or `If-Unmodified-Since` does not hold.
    Changed(&'static str),
    /// `If-None-Match` or `If-Modified-Since` does not hold.
    Unchanged(&'static str),
}

/// Checks the conditions of a GET or HEAD: fails with `PreconditionFailed` or `NotModified`.
pub(super) fn check_read(headers: &HeaderMap, info: &ObjectInfo) -> Result<()> {
    match judge(headers, &READ, info) {
        Verdict::Proceed => Ok(()),
        Verdict::Changed(name) => Err(failed(name)),
        Verdict::Unchanged(_) => Err(Code::NotModified.into()),
    }
}

/// Checks the conditions on the source of a copy: fails with `PreconditionFailed` alone.
pub(super) fn check_copy_source(headers: &HeaderMap, info: &ObjectInfo) -> Result<()> {
    check_source(headers, &COPY, info)
}

/// The same for what is renamed.
pub(super) fn check_rename_source(headers: &HeaderMap, info: &ObjectInfo) -> Result<()> {
    check_source(headers, &RENAME, info)
}

/// The same for what a rename would replace.
pub(super) fn check_rename_target(headers: &HeaderMap, info: &ObjectInfo) -> Result<()> {
    check_source(headers, &READ, info)
}

fn check_source(headers: &HeaderMap, names: &Names, info: &ObjectInfo) -> Result<()> {
    match judge(headers, names, info) {
        Verdict::Proceed => Ok(()),
        Verdict::Changed(name) | Verdict::Unchanged(name) => Err(failed(name)),
    }
}

/// `If-Range`: true where a range may be answered in part.
pub(super) fn range_applies(headers: &HeaderMap, info: &ObjectInfo) -> bool {
    let Some(condition) = text(headers, "if-range") else { return true };
    match parse_date(condition) {
        Some(date) => date == info.modified.as_secs(),
        None => Etag::parse(condition) == Some(info.etag),
    }
}

fn failed(condition: &'static str) -> Error {
    Error::new(Code::PreconditionFailed).detail("Condition", condition)
}

fn judge(headers: &HeaderMap, names: &Names, info: &ObjectInfo) -> Verdict {
    let modified = info.modified.as_secs();
    let date = |name| text(headers, name).and_then(parse_date);
    if let Some(tags) = text(headers, names.matches) {
        if !any_matches(tags, &info.etag) {
            return Verdict::Changed(names.matches);
        }
    } else if date(names.unmodified_since).is_some_and(|since| modified > since) {
        return Verdict::Changed(names.unmodified_since);
    }
    if let Some(tags) = text(headers, names.none_match) {
        if any_matches(tags, &info.etag) {
            return Verdict::Unchanged(names.none_match);
        }
    } else if date(names.modified_since).is_some_and(|since| modified <= since) {
        return Verdict::Unchanged(names.modified_since);
    }
    Verdict::Proceed
}

/// `*`, or a list of tags, with or without quotes.
fn any_matches(tags: &str, etag: &Etag) -> bool {
    tags.split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || Etag::parse(tag.strip_prefix("W/").unwrap_or(tag)).as_ref() == Some(etag))
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use crate::types::{Properties, Timestamp};

    use super::*;

    const TAG: &str = "\"d41d8cd98f00b204e9800998ecf8427e\"";
    const OTHER: &str = "\"00000000000000000000000000000000\"";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const AT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn info() -> ObjectInfo {
        ObjectInfo {
            size: 10,
            etag: Etag::parse(TAG).unwrap(),
            modified: Timestamp::from_millis(784_111_777_500),
            version: None,
            properties: Properties::default(),
            checksum: None,
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn precedence_follows_the_rfc() {
        for (pairs, expected) in [
            (&[("if-match", TAG)][..], None),
            (&[("if-match", OTHER)], Some(Code::PreconditionFailed)),
            (&[("if-match", "*")], None),
            (&[("if-match", "\"x\", \"d41d8cd98f00b204e9800998ecf8427e\"")], None),
            (&[("if-none-match", TAG)], Some(Code::NotModified)),
            (&[("if-none-match", "W/\"d41d8cd98f00b204e9800998ecf8427e\"")], Some(Code::NotModified)),
            (&[("if-none-match", OTHER)], None),
            (&[("if-modified-since", AT)], Some(Code::NotModified)),
            (&[("if-modified-since", BEFORE)], None),
            (&[("if-unmodified-since", AT)], None),
            (&[("if-unmodified-since", BEFORE)], Some(Code::PreconditionFailed)),
            (&[("if-match", TAG), ("if-unmodified-since", BEFORE)], None),
            (&[("if-none-match", OTHER), ("if-modified-since", AT)], None),
            (&[("if-none-match", TAG), ("if-modified-since", BEFORE)], Some(Code::NotModified)),
            (&[("if-match", OTHER), ("if-none-match", TAG)], Some(Code::PreconditionFailed)),
            (&[("if-modified-since", "garbage"), ("if-match", "")], None),
        ] {
            let result = check_read(&headers(pairs), &info());
            assert_eq!(result.err().map(|error| error.code), expected, "{pairs:?}");
        }
    }

    #[test]
    fn copy_source_conditions_fail_as_412_alone() {
        for (name, value, good) in [
            ("x-amz-copy-source-if-none-match", TAG, false),
            ("x-amz-copy-source-if-modified-since", AT, false),
            ("x-amz-copy-source-if-match", TAG, true),
            ("x-amz-copy-source-if-match", OTHER, false),
        ] {
            let result = check_copy_source(&headers(&[(name, value)]), &info());
            assert_eq!(result.is_ok(), good, "{name}");
            assert!(result.err().is_none_or(|error| error.code == Code::PreconditionFailed));
        }
    }

    #[test]
    fn range_applies_to_the_named_state_alone() {
        for (value, applies) in [(TAG, true), (OTHER, false), (AT, true), (BEFORE, false)] {
            assert_eq!(range_applies(&headers(&[("if-range", value)]), &info()), applies);
        }
        assert!(range_applies(&HeaderMap::new(), &info()));
    }
}
