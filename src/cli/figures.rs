//! Numbers as people read them.

const KIB: f64 = 1024.0;
const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Bytes with a unit: `0 B`, `1.5 KiB`, `812 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut value, mut unit) = (bytes as f64 / KIB, 0);
    // What would be rounded to 1024 is one of the next unit.
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        (value, unit) = (value / KIB, unit + 1);
    }
    let decimals = usize::from(value < 9.95);
    format!("{value:.decimals$} {}", UNITS[unit])
}

/// A number with its thousands apart: `12,034`.
pub(super) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with the thing counted: `1 drive`, `4 drives`.
pub(super) fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(number))
}

/// A time in its two largest units: `45 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub(super) fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let pair = |large: u64, unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {small_unit}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => pair(minutes, "min", seconds % 60, "s"),
        3600..86400 => pair(hours, "h", minutes % 60, "min"),
        _ => pair(days, "d", hours % 24, "h"),
    }
}

/// How much of a whole: `0.45` of 0 is nothing.
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64).clamp(0.0, 1.0) }
}

/// A share in whole percent. Only the whole is 100 %.
pub(super) fn percent(share: f64) -> String {
    let percent = (share * 100.0).round() as u64;
    format!("{} %", if share < 1.0 { percent.min(99) } else { percent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_two_or_three_digits() {
        let shown = |n| bytes(n);
        assert_eq!(shown(0), "0 B");
        assert_eq!(shown(1023), "1023 B");
        assert_eq!(shown(1536), "1.5 KiB");
        assert_eq!(shown(10 << 20), "10 MiB");
        assert_eq!(shown((1 << 30) - 1), "1.0 GiB", "not 1024 MiB");
        assert_eq!(shown(u64::MAX), "16 EiB");
    }

    #[test]
    fn counts_and_times_are_read_at_a_glance() {
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!((counted(1, "drive"), counted(0, "drive")), ("1 drive".into(), "0 drives".into()));
        assert_eq!(duration(59), "59 s");
        assert_eq!(duration(3600), "1 h");
        assert_eq!(duration(7500), "2 h 5 min");
        assert_eq!(duration(90_000), "1 d 1 h");
    }

    #[test]
    fn what_is_not_whole_is_not_a_hundred_percent() {
        assert_eq!(percent(0.9999), "99 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(share(1, 0)), "0 %");
    }
}
