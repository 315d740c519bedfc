//! Times as S3 writes and reads them.

use crate::sigv4::AmzTime;
use crate::types::{Civil, Timestamp};

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const LONG_DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
pub(super) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Fri, 24 May 2013 00:00:00 GMT`.
pub(super) fn http_date(time: Timestamp) -> String {
    let civil = Civil::from_unix_secs(time.as_secs());
    let Civil { year, month, day, hour, minute, second } = civil;
    let (weekday, month) = (DAYS[civil.weekday()], MONTHS[usize::from(month - 1)]);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// `2013-05-24T00:00:00.000Z`; whole seconds, so that it equals `Last-Modified`.
pub(super) fn iso(time: Timestamp) -> String {
    iso_secs(time.as_secs())
}

/// The same from seconds of Unix time.
pub(super) fn iso_secs(secs: u64) -> String {
    let Civil { year, month, day, hour, minute, second } = Civil::from_unix_secs(secs);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000Z")
}

/// A date of ISO 8601 in UTC, to the millisecond: `2013-05-24T00:00:00Z`, with or without a fraction.
pub(super) fn parse_iso(text: &str) -> Option<Timestamp> {
    let whole = text.trim().strip_suffix('Z')?;
    let (whole, fraction) = whole.split_once('.').unwrap_or((whole, "0"));
    let digits = fraction.bytes().all(|digit| digit.is_ascii_digit()) && !fraction.is_empty();
    let millis: u64 = format!("{fraction:0<3}").get(..3).filter(|_| digits)?.parse().ok()?;
    let secs = AmzTime::parse(&format!("{}Z", whole.replace(['-', ':'], "")))?.unix_secs();
    Some(Timestamp::from_millis(secs * 1000 + millis))
}

/// Seconds of Unix time from any of the three HTTP date forms (RFC 9110, 5.6.7), or from ISO 8601,
/// which some clients send.
pub(super) fn parse_date(text: &str) -> Option<u64> {
    let text = text.trim();
    AmzTime::parse_http(text)
        .or_else(|| AmzTime::parse(&text.replace(['-', ':'], "")))
        .map(AmzTime::unix_secs)
        .or_else(|| parse_rfc850(text))
        .or_else(|| parse_asctime(text))
}

/// `Friday, 24-May-13 00:00:00 GMT`; two digits from 70 on are of the last century.
fn parse_rfc850(text: &str) -> Option<u64> {
    let (weekday, rest) = text.split_once(", ")?;
    LONG_DAYS.contains(&weekday).then_some(())?;
    let (date, time) = rest.strip_suffix(" GMT")?.split_once(' ')?;
    let mut fields = date.split('-');
    let (day, month, year) = (fields.next()?, fields.next()?, fields.next()?);
    let year: u16 = year.parse().ok().filter(|year| *year < 100)?;
    let year = if year >= 70 { 1900 + year } else { 2000 + year };
    civil(year, month, day, time)
}

/// `Fri May 24 00:00:00 2013`.
fn parse_asctime(text: &str) -> Option<u64> {
    let mut fields = text.split_ascii_whitespace();
    let (weekday, month, day) = (fields.next()?, fields.next()?, fields.next()?);
    let (time, year) = (fields.next()?, fields.next()?);
    DAYS.contains(&weekday).then_some(())?;
    civil(year.parse().ok()?, month, day, time)
}

fn civil(year: u16, month: &str, day: &str, time: &str) -> Option<u64> {
    let month = MONTHS.iter().position(|name| *name == month)? as u8 + 1;
    let mut fields = time.split(':').map(|field| field.parse::<u8>().ok());
    let (hour, minute, second) = (fields.next()??, fields.next()??, fields.next()??);
    Civil { year, month, day: day.parse().ok()?, hour, minute, second }.to_unix_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_http_date_forms_are_read() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "1994-11-06T08:49:37Z",
        ] {
            assert_eq!(parse_date(text), Some(784_111_777), "{text}");
        }
        for text in ["", "yesterday", "Sun, 06 Nov 1994", "Sun Nov 31 08:49:37 1994"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn iso_dates_are_read_and_written_to_the_millisecond() {
        for (text, millis) in [
            ("1994-11-06T08:49:37Z", 784_111_777_000),
            ("1994-11-06T08:49:37.5Z", 784_111_777_500),
            ("1994-11-06T08:49:37.123456Z", 784_111_777_123),
        ] {
            assert_eq!(parse_iso(text), Some(Timestamp::from_millis(millis)), "{text}");
        }
        assert_eq!(Timestamp::from_millis(784_111_777_042).iso_millis(), "1994-11-06T08:49:37.042Z");
        for text in
            ["", "1994-11-06", "1994-11-06T08:49:37", "1994-11-06T08:49:37.Z", "1994-11-06T08:49:37.x1Z"]
        {
            assert_eq!(parse_iso(text), None, "{text}");
        }
    }

    #[test]
    fn dates_are_written_to_the_second() {
        let time = Timestamp::from_millis(784_111_777_999);
        assert_eq!(http_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(iso(time), "1994-11-06T08:49:37.000Z");
    }
}
