//! The time of a signature: `20130524T000000Z`, or an HTTP date.

use std::fmt;

use crate::types::Civil;

/// A moment as `x-amz-date` writes it, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AmzTime {
    secs: u64,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl AmzTime {
    /// From seconds of Unix time.
    pub fn from_unix_secs(secs: u64) -> Self {
        Self { secs }
    }

    /// Seconds of Unix time.
    pub fn unix_secs(self) -> u64 {
        self.secs
    }

    /// Reads `20130524T000000Z`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
            return None;
        }
        let civil = Civil {
            year: number(&bytes[0..4])?,
            month: number(&bytes[4..6])? as u8,
            day: number(&bytes[6..8])? as u8,
            hour: number(&bytes[9..11])? as u8,
            minute: number(&bytes[11..13])? as u8,
            second: number(&bytes[13..15])? as u8,
        };
        civil.to_unix_secs().map(Self::from_unix_secs)
    }

    /// Reads the preferred HTTP date, `Fri, 24 May 2013 00:00:00 GMT` (RFC 9110, 5.6.7), or the same with the
    /// `+0000` of mail.
    pub fn parse_http(text: &str) -> Option<Self> {
        let (_weekday, date) = text.split_once(", ")?;
        let bytes = date.strip_suffix(" GMT").or_else(|| date.strip_suffix(" +0000"))?.as_bytes();
        if bytes.len() != 20 {
            return None;
        }
        let month = MONTHS.iter().position(|month| month.as_bytes() == &bytes[3..6])?;
        let civil = Civil {
            year: number(&bytes[7..11])?,
            month: month as u8 + 1,
            day: number(&bytes[0..2])? as u8,
            hour: number(&bytes[12..14])? as u8,
            minute: number(&bytes[15..17])? as u8,
            second: number(&bytes[18..20])? as u8,
        };
        civil.to_unix_secs().map(Self::from_unix_secs)
    }

    /// The day alone: `20130524`.
    pub fn day(self) -> String {
        let civil = Civil::from_unix_secs(self.secs);
        format!("{:04}{:02}{:02}", civil.year, civil.month, civil.day)
    }

    /// Seconds between two moments, whichever is earlier.
    pub fn distance_secs(self, other: Self) -> u64 {
        self.secs.abs_diff(other.secs)
    }
}

impl fmt::Display for AmzTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, hour, minute, second } = Civil::from_unix_secs(self.secs);
        write!(f, "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }
}

fn number(digits: &[u8]) -> Option<u16> {
    digits
        .iter()
        .try_fold(0u16, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u16::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_same_moment() {
        let time = AmzTime::parse("20130524T000000Z").unwrap();
        assert_eq!(AmzTime::parse_http("Fri, 24 May 2013 00:00:00 GMT"), Some(time));
        assert_eq!((time.to_string().as_str(), time.day().as_str()), ("20130524T000000Z", "20130524"));
        assert_eq!(time.unix_secs(), 1_369_353_600);
    }

    #[test]
    fn malformed_times_are_refused() {
        for text in
            ["", "20130524", "20131324T000000Z", "20130524T000000", "2013-05-24T00:00Z", "20130524T0000é0Z"]
        {
            assert_eq!(AmzTime::parse(text), None, "{text}");
        }
        for text in
            ["Fri, 24 Mai 2013 00:00:00 GMT", "Fri, 24 May 2013 00:00:00 CET", "24 May 2013", "Fri, é"]
        {
            assert_eq!(AmzTime::parse_http(text), None, "{text}");
        }
    }
}
