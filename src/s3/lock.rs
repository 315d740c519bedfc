//! Object Lock in requests and answers.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use crate::types::{ObjectLock, Retention, RetentionMode, Timestamp};

use super::error::{Error, Result};
use super::headers::text;
use super::time::parse_iso;

const MODE: &str = "x-amz-object-lock-mode";
/// Where an upload says until when it is retained.
pub(super) const UNTIL: &str = "x-amz-object-lock-retain-until-date";
const LEGAL_HOLD: &str = "x-amz-object-lock-legal-hold";

/// A mode by its name.
pub(super) fn parse_mode(text: &str) -> Option<RetentionMode> {
    match text {
        "GOVERNANCE" => Some(RetentionMode::Governance),
        "COMPLIANCE" => Some(RetentionMode::Compliance),
        _ => None,
    }
}

/// The name of a mode.
pub(super) fn mode_name(mode: RetentionMode) -> &'static str {
    match mode {
        RetentionMode::Governance => "GOVERNANCE",
        RetentionMode::Compliance => "COMPLIANCE",
    }
}

/// A legal hold by its name.
pub(super) fn parse_hold(text: &str) -> Option<bool> {
    match text {
        "ON" => Some(true),
        "OFF" => Some(false),
        _ => None,
    }
}

/// The name of a legal hold.
pub(super) fn hold_name(held: bool) -> &'static str {
    if held { "ON" } else { "OFF" }
}

/// The lock that the headers of an upload ask for.
pub(super) fn requested(sent: &HeaderMap, now: Timestamp) -> Result<ObjectLock> {
    let retention = match (text(sent, MODE), text(sent, UNTIL)) {
        (None, None) => None,
        (Some(mode), Some(until)) => Some(retention(mode, until, now)?),
        (mode, until) => {
            return Err(Error::argument(
                if mode.is_some() { UNTIL } else { MODE },
                mode.or(until).unwrap_or_default(),
                "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
            ));
        }
    };
    let legal_hold = text(sent, LEGAL_HOLD).map(|hold| {
        parse_hold(hold)
            .ok_or_else(|| Error::argument(LEGAL_HOLD, hold, "Legal Hold must be either of 'ON' or 'OFF'"))
    });
    Ok(ObjectLock { retention, legal_hold: legal_hold.transpose()? })
}

fn retention(mode: &str, until: &str, now: Timestamp) -> Result<Retention> {
    let mode = parse_mode(mode).ok_or_else(|| Error::argument(MODE, mode, "Unknown wormMode directive."))?;
    let date = parse_iso(until).ok_or_else(|| {
        Error::argument(UNTIL, until, "The retain until date must be provided in ISO 8601 format")
    })?;
    Ok(Retention { mode, until: in_future(date, now)? })
}

/// A date until which something is to be kept.
pub(super) fn in_future(date: Timestamp, now: Timestamp) -> Result<Timestamp> {
    if date > now {
        return Ok(date);
    }
    Err(Error::argument(UNTIL, date.iso_millis(), "The retain until date must be in the future!"))
}

/// True where the caller wants to pass over a retention in governance mode.
pub(super) fn bypasses_governance(sent: &HeaderMap) -> bool {
    text(sent, "x-amz-bypass-governance-retention").is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// What a header says of a lock, if that is about it.
pub(super) fn value(lock: &ObjectLock, header: &str) -> Option<String> {
    match header {
        MODE => lock.retention.map(|retention| mode_name(retention.mode).to_owned()),
        UNTIL => lock.retention.map(|retention| retention.until.iso_millis()),
        LEGAL_HOLD => lock.legal_hold.map(|held| hold_name(held).to_owned()),
        _ => None,
    }
}

/// Tells how a version is locked.
pub(super) fn describe(lock: &ObjectLock, answer: &mut HeaderMap) {
    for header in [MODE, UNTIL, LEGAL_HOLD] {
        if let Some(value) = value(lock, header).and_then(|value| HeaderValue::try_from(value).ok()) {
            answer.insert(HeaderName::from_static(header), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Code;
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn read(pairs: &[(&'static str, &'static str)]) -> Result<ObjectLock, Code> {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        requested(&headers.collect(), NOW).map_err(|error| error.code)
    }

    #[test]
    fn a_lock_is_read_and_told_again() {
        let sent = [(MODE, "COMPLIANCE"), (UNTIL, "2030-01-02T03:04:05.678Z"), (LEGAL_HOLD, "ON")];
        let mut answer = HeaderMap::new();
        describe(&read(&sent).unwrap(), &mut answer);
        sent.iter().for_each(|(name, value)| assert_eq!(answer[*name], value));
        assert_eq!(read(&[]), Ok(ObjectLock::default()));
    }

    #[test]
    fn half_a_retention_and_odd_values_are_refused() {
        for pairs in [
            &[(MODE, "GOVERNANCE")][..],
            &[(UNTIL, "2030-01-01T00:00:00Z")],
            &[(MODE, "governance"), (UNTIL, "2030-01-01T00:00:00Z")],
            &[(MODE, "GOVERNANCE"), (UNTIL, "2023-01-01T00:00:00Z")],
            &[(MODE, "GOVERNANCE"), (UNTIL, "tomorrow")],
            &[(LEGAL_HOLD, "on")],
        ] {
            assert_eq!(read(pairs), Err(Code::InvalidArgument), "{pairs:?}");
        }
    }
}
