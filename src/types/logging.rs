//! Where the log of a bucket's requests goes (AWS: "Logging requests with server access logging").

use serde::Deserialize;

use super::{Civil, DAY_SECS, Timestamp};

/// A bucket's logging, as its configuration says it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Logging {
    /// Where logs go; `None` where nothing is logged.
    pub logging_enabled: Option<LogTarget>,
}

/// Where logs go.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LogTarget {
    /// The bucket.
    #[serde(rename = "TargetBucket")]
    pub bucket: String,
    /// What their keys start with.
    #[serde(rename = "TargetPrefix", default)]
    pub prefix: String,
    #[serde(rename = "TargetObjectKeyFormat", default)]
    format: KeyFormat,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyFormat {
    partitioned_prefix: Option<Partitioned>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Partitioned {
    #[serde(default)]
    partition_date_source: DateSource,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
enum DateSource {
    EventTime,
    #[default]
    DeliveryTime,
}

/// What a log tells of.
#[derive(Debug, Clone, Copy)]
pub struct LogSource<'a> {
    /// The account of the bucket.
    pub account: &'a str,
    /// The server's region.
    pub region: &'a str,
    /// The bucket.
    pub bucket: &'a str,
}

impl LogTarget {
    /// The day that requests of this moment are kept under, in days of Unix time; those of one day go into one log.
    /// `None` where all that is delivered at once goes into one log.
    pub fn day(&self, request: Timestamp) -> Option<u64> {
        let partitioned = self.format.partitioned_prefix.as_ref()?;
        (partitioned.partition_date_source == DateSource::EventTime).then(|| request.as_secs() / DAY_SECS)
    }

    /// The key of a log of requests of this [day](Self::day), delivered now. `unique` tells it from others.
    pub fn key(&self, source: LogSource<'_>, day: Option<u64>, now: Timestamp, unique: &str) -> String {
        let at = Civil::from_unix_secs(day.map_or(now.as_secs(), |day| day * DAY_SECS));
        let Civil { year, month, day, hour, minute, second } = at;
        let date = format!("{year:04}-{month:02}-{day:02}");
        let partition = match self.format.partitioned_prefix {
            None => String::new(),
            Some(_) => {
                let LogSource { account, region, bucket } = source;
                format!("{account}/{region}/{bucket}/{year:04}/{month:02}/{day:02}/")
            }
        };
        format!("{}{partition}{date}-{hour:02}-{minute:02}-{second:02}-{unique}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: LogSource<'_> = LogSource { account: "me", region: "local", bucket: "photos" };
    /// 2023-11-14T22:13:20Z.
    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_123);

    fn target(format: &str) -> LogTarget {
        let document =
            format!(r#"{{"LoggingEnabled":{{"TargetBucket":"logs","TargetPrefix":"p/"{format}}}}}"#);
        serde_json::from_str::<Logging>(&document).unwrap().logging_enabled.unwrap()
    }

    fn partitioned(source: &str) -> LogTarget {
        target(&format!(r#","TargetObjectKeyFormat":{{"PartitionedPrefix":{{{source}}}}}"#))
    }

    #[test]
    fn simple_keys_tell_the_moment_of_delivery() {
        for simple in [target(""), target(r#","TargetObjectKeyFormat":{"SimplePrefix":{}}"#)] {
            assert_eq!(simple.day(NOW), None);
            assert_eq!(simple.key(SOURCE, None, NOW, "X"), "p/2023-11-14-22-13-20-X");
        }
    }

    #[test]
    fn partitions_are_days_of_delivery_or_of_the_requests() {
        let delivery = partitioned(r#""PartitionDateSource":"DeliveryTime""#);
        assert_eq!((delivery.day(NOW), partitioned("").day(NOW)), (None, None));
        let key = delivery.key(SOURCE, None, NOW, "X");
        assert_eq!(key, "p/me/local/photos/2023/11/14/2023-11-14-22-13-20-X");
        let event = partitioned(r#""PartitionDateSource":"EventTime""#);
        let day = event.day(Timestamp::from_millis(NOW.as_millis() - 86_400_000));
        let key = event.key(SOURCE, day, NOW, "X");
        assert_eq!(key, "p/me/local/photos/2023/11/13/2023-11-13-00-00-00-X");
    }

    #[test]
    fn an_empty_status_logs_nothing() {
        assert_eq!(serde_json::from_str::<Logging>("{}").unwrap().logging_enabled, None);
    }
}
