//! What happens to objects and uploads as they age.

use serde::{Deserialize, Serialize};

use super::{Civil, Tags, Timestamp};

/// A bucket's lifecycle configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Lifecycle {
    /// The rules in order.
    #[serde(rename = "Rule")]
    pub rules: Vec<LifecycleRule>,
}

/// Which objects, and what happens to them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LifecycleRule {
    /// Its name.
    #[serde(rename = "ID")]
    pub id: String,
    /// Whether it is followed.
    pub status: RuleStatus,
    /// Only keys that start so: the form of old documents.
    pub prefix: Option<String>,
    /// Only these objects.
    pub filter: Option<LifecycleFilter>,
    /// When current objects end.
    pub expiration: Option<Expiration>,
    /// When current objects go to another storage class.
    #[serde(rename = "Transition")]
    pub transitions: Vec<Transition>,
    /// When objects end that are no longer current.
    pub noncurrent_version_expiration: Option<NoncurrentExpiration>,
    /// When they go to another storage class.
    #[serde(rename = "NoncurrentVersionTransition")]
    pub noncurrent_version_transitions: Vec<NoncurrentTransition>,
    /// When uploads end that were never completed.
    pub abort_incomplete_multipart_upload: Option<UploadAbort>,
}

/// Whether a rule is followed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum RuleStatus {
    Enabled,
    #[default]
    Disabled,
}

/// A tag of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Tag {
    pub key: String,
    pub value: String,
}

/// Which objects a rule is for: one condition, or several joined by `and`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LifecycleFilter {
    /// Conditions that stand alone.
    #[serde(flatten)]
    pub alone: LifecycleCondition,
    /// Conditions of which all must hold.
    pub and: Option<LifecycleConditions>,
}

/// One condition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LifecycleCondition {
    /// Only keys that start so.
    pub prefix: Option<String>,
    /// Only objects with this tag.
    pub tag: Option<Tag>,
    /// Only objects of more bytes.
    pub object_size_greater_than: Option<u64>,
    /// Only objects of fewer bytes.
    pub object_size_less_than: Option<u64>,
}

/// Several conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LifecycleConditions {
    /// Only keys that start so.
    pub prefix: Option<String>,
    /// Only objects with all these tags.
    #[serde(rename = "Tag")]
    pub tags: Vec<Tag>,
    /// Only objects of more bytes.
    pub object_size_greater_than: Option<u64>,
    /// Only objects of fewer bytes.
    pub object_size_less_than: Option<u64>,
}

/// When current objects end: after days or at a date.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Expiration {
    /// So many days after they were written.
    pub days: Option<i64>,
    /// From this day on, in ISO 8601.
    pub date: Option<String>,
    /// Delete markers end that nothing is behind.
    pub expired_object_delete_marker: Option<bool>,
}

/// When current objects go to another storage class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Transition {
    /// So many days after they were written.
    pub days: Option<i64>,
    /// From this day on, in ISO 8601.
    pub date: Option<String>,
    /// Where to.
    pub storage_class: String,
}

/// When objects end that are no longer current.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NoncurrentExpiration {
    /// So many days after they ceased to be.
    pub noncurrent_days: i64,
    /// But so many of the newest of a key stay.
    pub newer_noncurrent_versions: Option<i64>,
}

/// When objects that are no longer current go to another storage class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NoncurrentTransition {
    /// So many days after they ceased to be.
    pub noncurrent_days: i64,
    /// But so many of the newest of a key stay.
    pub newer_noncurrent_versions: Option<i64>,
    /// Where to.
    pub storage_class: String,
}

/// When uploads end that were never completed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UploadAbort {
    /// So many days after they were started.
    pub days_after_initiation: i64,
}

/// Seconds of a day, unless an operator has them shorter for tests.
pub const DAY_SECS: u64 = 86_400;

/// What rules are asked about: an object as it stands.
#[derive(Debug, Clone, Copy)]
pub struct Aging<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its length in bytes.
    pub size: u64,
    /// Its tags.
    pub tags: &'a Tags,
    /// When it was written.
    pub modified: Timestamp,
}

impl Tag {
    fn is_of(&self, tags: &Tags) -> bool {
        tags.get(&self.key) == Some(self.value.as_str())
    }
}

impl Lifecycle {
    /// When a current object ends, and by which rule; `None` if no rule ends it. `day_secs` is how long a day lasts.
    pub fn expiry(&self, object: &Aging<'_>, day_secs: u64) -> Option<(Timestamp, &LifecycleRule)> {
        let due = |rule| Some((LifecycleRule::expires_at(rule, object, day_secs)?, rule));
        self.followed().filter_map(due).min_by_key(|(at, _)| *at)
    }

    /// When an upload ends that was started then.
    pub fn upload_expiry(&self, key: &str, initiated: Timestamp, day_secs: u64) -> Option<Timestamp> {
        let rules = self.followed().filter(|rule| key.starts_with(rule.prefix()));
        let days = rules.filter_map(|rule| rule.abort_incomplete_multipart_upload.as_ref());
        days.map(|abort| days_after(initiated, abort.days_after_initiation, day_secs)).min()
    }

    /// What the keys of all objects begin with that rules may end; `None` if they end none.
    pub fn expiring_prefix(&self) -> Option<&str> {
        let rules = self.followed().filter(|rule| rule.expiration.is_some());
        rules.map(LifecycleRule::prefix).reduce(common_prefix)
    }

    /// Whether uploads end.
    pub fn ends_uploads(&self) -> bool {
        self.followed().any(|rule| rule.abort_incomplete_multipart_upload.is_some())
    }

    /// Before this moment nothing ends that is written from `now` on.
    pub fn first_expiry(&self, now: Timestamp, day_secs: u64) -> Option<Timestamp> {
        let objects = self.followed().filter_map(|rule| rule.expiration.as_ref());
        let uploads = self.followed().filter_map(|rule| rule.abort_incomplete_multipart_upload.as_ref());
        let objects = objects.filter_map(|expiration| expiration.at(now, day_secs));
        let uploads = uploads.map(|abort| days_after(now, abort.days_after_initiation, day_secs));
        // What ends at a date that is past ends at the end of the day.
        objects.chain(uploads).min().map(|first| first.max(days_after(now, 1, day_secs)))
    }

    fn followed(&self) -> impl Iterator<Item = &LifecycleRule> {
        self.rules.iter().filter(|rule| rule.status == RuleStatus::Enabled)
    }
}

impl LifecycleRule {
    /// What the keys begin with that it is for.
    pub fn prefix(&self) -> &str {
        let filter = self.filter.as_ref();
        let alone = filter.and_then(|filter| filter.alone.prefix.as_deref());
        let joined = filter.and_then(|filter| filter.and.as_ref()?.prefix.as_deref());
        self.prefix.as_deref().or(alone).or(joined).unwrap_or_default()
    }

    fn expires_at(&self, object: &Aging<'_>, day_secs: u64) -> Option<Timestamp> {
        self.expiration.as_ref().filter(|_| self.chooses(object))?.at(object.modified, day_secs)
    }

    fn chooses(&self, object: &Aging<'_>) -> bool {
        object.key.starts_with(self.prefix())
            && self.filter.as_ref().is_none_or(|filter| {
                let alone = &filter.alone;
                let larger =
                    is_within(object.size, alone.object_size_greater_than, alone.object_size_less_than);
                larger
                    && alone.tag.iter().all(|tag| tag.is_of(object.tags))
                    && filter.and.as_ref().is_none_or(|and| {
                        is_within(object.size, and.object_size_greater_than, and.object_size_less_than)
                            && and.tags.iter().all(|tag| tag.is_of(object.tags))
                    })
            })
    }
}

impl Expiration {
    /// When something ends that was written then.
    fn at(&self, modified: Timestamp, day_secs: u64) -> Option<Timestamp> {
        let by_days = self.days.map(|days| days_after(modified, days, day_secs));
        by_days.or_else(|| midnight(self.date.as_ref()?))
    }
}

fn is_within(size: u64, more_than: Option<u64>, less_than: Option<u64>) -> bool {
    more_than.is_none_or(|bound| size > bound) && less_than.is_none_or(|bound| size < bound)
}

fn common_prefix<'a>(one: &'a str, other: &str) -> &'a str {
    let same = one.char_indices().zip(other.chars()).take_while(|((_, a), b)| a == b);
    &one[..same.last().map_or(0, |((at, c), _)| at + c.len_utf8())]
}

/// The end of the day, in UTC, that is so many days later.
fn days_after(time: Timestamp, days: i64, day_secs: u64) -> Timestamp {
    let later = time.as_millis().saturating_add((days.max(0) as u64).saturating_mul(day_secs * 1000));
    Timestamp::from_millis(later.div_ceil(day_secs * 1000).saturating_mul(day_secs * 1000))
}

/// `2030-01-02T00:00:00.000Z` and the like: the beginning of that day.
fn midnight(date: &str) -> Option<Timestamp> {
    let mut fields = date.get(..10)?.split('-');
    let year = fields.next()?.parse().ok()?;
    let (month, day) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let civil = Civil { year, month, day, hour: 0, minute: 0, second: 0 };
    civil.to_unix_secs().map(|secs| Timestamp::from_millis(secs * 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifecycle(rules: &str) -> Lifecycle {
        serde_json::from_str(&format!(r#"{{"Rule":[{rules}]}}"#)).unwrap()
    }

    fn at(date: &str, hour: u64) -> Timestamp {
        Timestamp::from_millis(midnight(date).unwrap().as_millis() + hour * 3_600_000)
    }

    fn expiry(
        lifecycle: &Lifecycle,
        key: &str,
        size: u64,
        tags: &[(&str, &str)],
    ) -> Option<(Timestamp, String)> {
        let tags = tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let tags = Tags::new(tags, 10).unwrap();
        let object = Aging { key, size, tags: &tags, modified: at("2014-01-15", 10) };
        lifecycle.expiry(&object, DAY_SECS).map(|(at, rule)| (at, rule.id.clone()))
    }

    #[test]
    fn days_are_counted_to_the_midnight_after_them() {
        let rules = lifecycle(r#"{"ID":"a","Status":"Enabled","Prefix":"","Expiration":{"Days":3}}"#);
        assert_eq!(expiry(&rules, "k", 0, &[]), Some((at("2014-01-19", 0), "a".into())));
        let object =
            Aging { key: "k", size: 0, tags: &Tags::default(), modified: Timestamp::from_millis(25_000) };
        assert_eq!(rules.expiry(&object, 10).unwrap().0, Timestamp::from_millis(60_000));
    }

    #[test]
    fn the_first_of_all_rules_that_choose_an_object_ends_it() {
        let rules = lifecycle(
            r#"{"ID":"off","Status":"Disabled","Prefix":"","Expiration":{"Days":1}},
               {"ID":"date","Status":"Enabled","Filter":{},"Expiration":{"Date":"2014-02-01T00:00:00.000Z"}},
               {"ID":"logs","Status":"Enabled","Filter":{"Prefix":"logs/"},"Expiration":{"Days":2}}"#,
        );
        assert_eq!(expiry(&rules, "logs/a", 0, &[]).unwrap().1, "logs");
        assert_eq!(expiry(&rules, "other", 0, &[]), Some((at("2014-02-01", 0), "date".into())));
    }

    #[test]
    fn filters_choose_by_size_and_tags() {
        let (red, big) = (("colour", "red"), ("size", "big"));
        let rule = |filter: &str| {
            lifecycle(&format!(
                r#"{{"ID":"a","Status":"Enabled","Filter":{filter},"Expiration":{{"Days":1}}}}"#
            ))
        };
        let larger = rule(r#"{"ObjectSizeGreaterThan":10}"#);
        assert!(expiry(&larger, "k", 10, &[]).is_none() && expiry(&larger, "k", 11, &[]).is_some());
        let tagged = rule(r#"{"Tag":{"Key":"colour","Value":"red"}}"#);
        assert!(expiry(&tagged, "k", 0, &[]).is_none());
        assert!(expiry(&tagged, "k", 0, &[big, red]).is_some());
        let all = rule(
            r#"{"And":{"Prefix":"p/","ObjectSizeLessThan":5,
                "Tag":[{"Key":"colour","Value":"red"},{"Key":"size","Value":"big"}]}}"#,
        );
        let both = [red, big];
        assert!(expiry(&all, "p/k", 4, &both).is_some());
        for (key, size, tags) in [("k", 4, &both[..]), ("p/k", 5, &both), ("p/k", 4, &both[..1])] {
            assert!(expiry(&all, key, size, tags).is_none(), "{key} {size}");
        }
    }

    #[test]
    fn a_walk_need_look_at_the_common_prefix_alone_and_not_before_something_can_be_due() {
        let rules = lifecycle(
            r#"{"ID":"a","Status":"Enabled","Filter":{"Prefix":"logs/é1"},"Expiration":{"Days":3}},
               {"ID":"b","Status":"Enabled","Filter":{"Prefix":"logs/é2"},"Expiration":{"Days":2}},
               {"ID":"c","Status":"Enabled","Prefix":"","AbortIncompleteMultipartUpload":{"DaysAfterInitiation":9}}"#,
        );
        assert_eq!(rules.expiring_prefix(), Some("logs/é"));
        assert_eq!(rules.first_expiry(at("2014-01-15", 10), DAY_SECS), Some(at("2014-01-18", 0)));
        let past = lifecycle(
            r#"{"ID":"a","Status":"Enabled","Prefix":"","Expiration":{"Date":"2010-01-01T00:00:00.000Z"}}"#,
        );
        assert_eq!(past.first_expiry(at("2014-01-15", 10), DAY_SECS), Some(at("2014-01-17", 0)));
        assert_eq!(lifecycle("").expiring_prefix(), None);
    }

    #[test]
    fn uploads_end_by_the_prefix_of_their_rule() {
        let rules = lifecycle(
            r#"{"ID":"a","Status":"Enabled","Filter":{"Prefix":"tmp/"},
                "AbortIncompleteMultipartUpload":{"DaysAfterInitiation":1}}"#,
        );
        let started = at("2014-01-15", 10);
        assert_eq!(rules.upload_expiry("tmp/a", started, DAY_SECS), Some(at("2014-01-17", 0)));
        assert_eq!(rules.upload_expiry("a", started, DAY_SECS), None);
        assert!(rules.ends_uploads() && rules.expiring_prefix().is_none());
    }
}
