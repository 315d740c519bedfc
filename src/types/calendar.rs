//! The Gregorian calendar: dates as people and protocols write them, from and to Unix time.

/// A date and time of day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// Year, 1970 to 9999.
    pub year: u16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 59.
    pub second: u8,
}

/// Seconds of a day.
const DAY_SECS: u64 = 86_400;
/// Days of 400 years, after which the calendar repeats.
const ERA_DAYS: u64 = 146_097;
/// Days from the first of March of year 0 to the Unix epoch.
const EPOCH_DAYS: u64 = 719_468;

impl Civil {
    /// From seconds of Unix time. Years after 9999 read as the last second of 9999.
    pub fn from_unix_secs(secs: u64) -> Self {
        const LAST: u64 = 253_402_300_799;
        let secs = secs.min(LAST);
        let days = secs / DAY_SECS + EPOCH_DAYS;
        let (era, day_of_era) = (days / ERA_DAYS, days % ERA_DAYS);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / (ERA_DAYS - 1)) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        let time = secs % DAY_SECS;
        Self {
            year: year as u16,
            month: month as u8,
            day: day as u8,
            hour: (time / 3600) as u8,
            minute: (time / 60 % 60) as u8,
            second: (time % 60) as u8,
        }
    }

    /// To seconds of Unix time; `None` where a field is out of its range.
    pub fn to_unix_secs(self) -> Option<u64> {
        let in_range = (1970..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=self.month_days()).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60;
        if !in_range {
            return None;
        }
        let month = u64::from(self.month);
        let year = u64::from(self.year) - u64::from(month <= 2);
        let (era, year_of_era) = (year / 400, year % 400);
        let march_month = if month > 2 { month - 3 } else { month + 9 };
        let day_of_year = (153 * march_month + 2) / 5 + u64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * ERA_DAYS + day_of_era - EPOCH_DAYS;
        let time = u64::from(self.hour) * 3600 + u64::from(self.minute) * 60 + u64::from(self.second);
        Some(days * DAY_SECS + time)
    }

    /// Seconds of Unix time from ISO 8601 in UTC: a date, or a date and time with or without a fraction of a second.
    pub fn parse_iso(text: &str) -> Option<u64> {
        let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
        let time = time.strip_suffix('Z').or_else(|| time.strip_suffix("+00:00"))?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let (year, month, day) = fields(date, '-', 10)?;
        let (hour, minute, second) = fields(time, ':', 8)?;
        (!fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit())).then_some(())?;
        let narrow = |field: u16| u8::try_from(field).ok();
        let (month, day) = (narrow(month)?, narrow(day)?);
        Self { year, month, day, hour: narrow(hour)?, minute: narrow(minute)?, second: narrow(second)? }
            .to_unix_secs()
    }

    /// Day of the week, 0 for Sunday. The date must be valid.
    pub fn weekday(self) -> usize {
        let days = self.to_unix_secs().unwrap_or_default() / DAY_SECS;
        ((days + 4) % 7) as usize
    }

    fn month_days(self) -> u8 {
        let leap =
            self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        match self.month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}

/// Three numbers with `mark` between them, `len` bytes in all.
fn fields(text: &str, mark: char, len: usize) -> Option<(u16, u16, u16)> {
    let mut numbers = text.split(mark).map(|field| {
        let digits = field.bytes().all(|byte| byte.is_ascii_digit());
        field.parse().ok().filter(|_| digits)
    });
    let three = (numbers.next()??, numbers.next()??, numbers.next()??);
    (numbers.next().is_none() && text.len() == len).then_some(three)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn civil(year: u16, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Civil {
        Civil { year, month, day, hour, minute, second }
    }

    #[test]
    fn known_dates_convert_both_ways() {
        for (secs, date, weekday) in [
            (0, civil(1970, 1, 1, 0, 0, 0), 4),
            (951_782_400, civil(2000, 2, 29, 0, 0, 0), 2),
            (784_111_777, civil(1994, 11, 6, 8, 49, 37), 0),
            (1_369_353_600, civil(2013, 5, 24, 0, 0, 0), 5),
            (4_107_542_399, civil(2100, 2, 28, 23, 59, 59), 0),
            (4_107_542_400, civil(2100, 3, 1, 0, 0, 0), 1),
            (253_402_300_799, civil(9999, 12, 31, 23, 59, 59), 5),
        ] {
            assert_eq!(Civil::from_unix_secs(secs), date);
            assert_eq!(date.to_unix_secs(), Some(secs));
            assert_eq!(date.weekday(), weekday, "{date:?}");
        }
    }

    #[test]
    fn every_day_of_a_few_centuries_survives_a_round_trip() {
        for day in 0..150_000 {
            let secs = day * DAY_SECS + day % DAY_SECS;
            assert_eq!(Civil::from_unix_secs(secs).to_unix_secs(), Some(secs));
        }
    }

    #[test]
    fn impossible_dates_are_refused() {
        for date in [
            civil(2023, 2, 29, 0, 0, 0),
            civil(2023, 0, 1, 0, 0, 0),
            civil(2023, 13, 1, 0, 0, 0),
            civil(2023, 4, 31, 0, 0, 0),
            civil(2023, 4, 30, 24, 0, 0),
            civil(2023, 4, 30, 0, 60, 0),
            civil(1969, 4, 30, 0, 0, 0),
        ] {
            assert_eq!(date.to_unix_secs(), None, "{date:?}");
        }
    }

    #[test]
    fn iso_dates_are_read_with_and_without_a_time() {
        for text in
            ["2013-05-24", "2013-05-24T00:00:00Z", "2013-05-24T00:00:00.000Z", "2013-05-24T00:00:00+00:00"]
        {
            assert_eq!(Civil::parse_iso(text), Some(1_369_353_600), "{text}");
        }
        for text in ["", "2013-05", "2013-05-24T00:00:00", "2013-05-24T00:00:00.Z", "20130524", "2013-02-30"]
        {
            assert_eq!(Civil::parse_iso(text), None, "{text}");
        }
    }
}
