//! Byte ranges (RFC 9110, section 14), as far as S3 honours them: one range, else none.

use std::ops::Range;

/// What a `Range` header means for an object of a certain size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selection {
    /// No range, several ranges, or none that can be read: the whole object.
    Whole,
    /// These bytes; never empty.
    Part(Range<u64>),
    /// No byte of the object lies in it.
    Unsatisfiable,
}

/// Reads the value of a `Range` header.
pub(super) fn select(header: Option<&str>, size: u64) -> Selection {
    match header.and_then(parse) {
        None => Selection::Whole,
        Some(Spec::From(first)) => within(first, u64::MAX, size),
        Some(Spec::FromTo(first, last)) => within(first, last, size),
        Some(Spec::Last(0)) => Selection::Unsatisfiable,
        Some(Spec::Last(count)) => within(size.saturating_sub(count), u64::MAX, size),
    }
}

/// Reads `bytes=first-last`, the one form a part copy's range may have.
pub(super) fn parse_copy(header: &str) -> Option<Range<u64>> {
    match parse(header)? {
        Spec::FromTo(first, last) => Some(first..last.checked_add(1)?),
        Spec::From(_) | Spec::Last(_) => None,
    }
}

enum Spec {
    From(u64),
    FromTo(u64, u64),
    Last(u64),
}

fn parse(header: &str) -> Option<Spec> {
    let (unit, spec) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = spec.trim().split_once('-')?;
    match (first.trim(), last.trim()) {
        ("", count) => number(count).map(Spec::Last),
        (first, "") => number(first).map(Spec::From),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Spec::FromTo(first, last))
        }
    }
}

/// Digits alone; more than fit are as good as the largest number.
fn number(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().unwrap_or(u64::MAX))
}

fn within(first: u64, last: u64, size: u64) -> Selection {
    if first >= size {
        return Selection::Unsatisfiable;
    }
    Selection::Part(first..last.saturating_add(1).min(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_honoured() {
        for (header, range) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-5", 2..6),
            ("bytes=2-", 2..10),
            ("bytes=-3", 7..10),
            ("bytes=-300", 0..10),
            ("bytes=5-99999999999999999999999", 5..10),
            ("Bytes = 1 - 2", 1..3),
        ] {
            assert_eq!(select(Some(header), 10), Selection::Part(range), "{header}");
        }
    }

    #[test]
    fn ranges_beyond_the_end_are_unsatisfiable() {
        for (header, size) in
            [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)]
        {
            assert_eq!(select(Some(header), size), Selection::Unsatisfiable, "{header} of {size}");
        }
    }

    #[test]
    fn silly_and_multiple_ranges_mean_the_whole() {
        for header in [
            "bytes=5-2",
            "bytes=a-b",
            "bytes=",
            "bytes=-",
            "items=0-1",
            "bytes=0-1,3-4",
            "0-1",
            "bytes=+1-2",
            "",
        ] {
            assert_eq!(select(Some(header), 10), Selection::Whole, "{header}");
        }
        assert_eq!(select(None, 10), Selection::Whole);
    }

    #[test]
    fn copy_range_has_both_ends() {
        assert_eq!(parse_copy("bytes=0-9"), Some(0..10));
        for bad in ["bytes=0-", "bytes=-9", "0-9", "bytes=9-0", "bytes=0-18446744073709551615"] {
            assert_eq!(parse_copy(bad), None, "{bad}");
        }
    }
}
