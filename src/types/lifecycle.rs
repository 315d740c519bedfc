//! What happens to objects and uploads as they age.

use serde::{Deserialize, Serialize};

use super::{Civil, StorageClass, Tags, Timestamp};

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

/// Bytes from which on objects are worth a transition where the rule says nothing of sizes (AWS: 128 KiB).
const TRANSITION_BYTES_MIN: u64 = 128 << 10;

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

    /// When an upload ends that was started then, and by which rule.
    pub fn upload_expiry(
        &self,
        key: &str,
        initiated: Timestamp,
        day_secs: u64,
    ) -> Option<(Timestamp, &LifecycleRule)> {
        let rules = self.followed().filter(|rule| key.starts_with(rule.prefix()));
        let due = |rule: &LifecycleRule| {
            let abort = rule.abort_incomplete_multipart_upload.as_ref()?;
            Some(days_after(initiated, abort.days_after_initiation, day_secs))
        };
        rules.filter_map(|rule| Some((due(rule)?, rule))).min_by_key(|(at, _)| *at)
    }

    /// When a version ends that ceased to be current at the moment that stands for when it was written, and that so
    /// many others did after it.
    pub fn version_expiry(&self, version: &Aging<'_>, newer: u64, day_secs: u64) -> Option<Timestamp> {
        let rules = self.followed().filter(|rule| rule.chooses(version));
        let endings = rules.filter_map(|rule| rule.noncurrent_version_expiration.as_ref());
        let endings = endings.filter(|ending| newer >= ending.newer_noncurrent_versions.unwrap_or(0) as u64);
        endings.map(|ending| days_after(version.modified, ending.noncurrent_days, day_secs)).min()
    }

    /// Which storage class a current object of this one goes to, and when: of what is due by now the last class in
    /// their order, else what is due first.
    pub fn transition(
        &self,
        object: &Aging<'_>,
        class: StorageClass,
        (now, day_secs): (Timestamp, u64),
    ) -> Option<(Timestamp, StorageClass)> {
        let rules = self.followed().filter(|rule| rule.moves(object));
        let due = rules.flat_map(|rule| &rule.transitions).filter_map(|transition| {
            let to = later_class(class, &transition.storage_class)?;
            Some((due_at(transition.days, transition.date.as_deref(), object.modified, day_secs)?, to))
        });
        next_transition(due, now)
    }

    /// The same of a version, as [`Self::version_expiry`] has it.
    pub fn version_transition(
        &self,
        version: &Aging<'_>,
        (newer, class): (u64, StorageClass),
        (now, day_secs): (Timestamp, u64),
    ) -> Option<(Timestamp, StorageClass)> {
        let rules = self.followed().filter(|rule| rule.moves(version));
        let transitions = rules.flat_map(|rule| &rule.noncurrent_version_transitions);
        let due = transitions.filter_map(|transition| {
            let to = later_class(class, &transition.storage_class)?;
            let is_kept = newer < transition.newer_noncurrent_versions.unwrap_or(0) as u64;
            (!is_kept).then(|| (days_after(version.modified, transition.noncurrent_days, day_secs), to))
        });
        next_transition(due, now)
    }

    /// When a delete marker ends that no version is behind.
    pub fn marker_expiry(&self, marker: &Aging<'_>, day_secs: u64) -> Option<Timestamp> {
        let rules = self.followed().filter(|rule| rule.chooses(marker));
        let endings = rules.filter_map(|rule| rule.expiration.as_ref());
        let due = |ending: &Expiration| match ending.expired_object_delete_marker {
            Some(true) => Some(marker.modified),
            Some(false) | None => ending.at(marker.modified, day_secs),
        };
        endings.filter_map(due).min()
    }

    /// What the keys of all objects begin with that rules may end or move; `None` if they do so with none.
    pub fn object_prefix(&self) -> Option<&str> {
        self.prefix_of(|rule| rule.expiration.is_some() || !rule.transitions.is_empty())
    }

    /// The same of versions that are not current, and of delete markers.
    pub fn version_prefix(&self) -> Option<&str> {
        self.prefix_of(|rule| {
            rule.expiration.is_some()
                || rule.noncurrent_version_expiration.is_some()
                || !rule.noncurrent_version_transitions.is_empty()
        })
    }

    fn prefix_of(&self, ends: impl Fn(&LifecycleRule) -> bool) -> Option<&str> {
        let rules = self.followed().filter(|rule| ends(rule));
        rules.map(LifecycleRule::prefix).reduce(common_prefix)
    }

    /// Whether uploads end.
    pub fn ends_uploads(&self) -> bool {
        self.followed().any(|rule| rule.abort_incomplete_multipart_upload.is_some())
    }

    /// Before this moment nothing ends or moves that is written from `now` on.
    pub fn first_expiry(&self, now: Timestamp, day_secs: u64) -> Option<Timestamp> {
        let objects = self.followed().filter_map(|rule| rule.expiration.as_ref());
        let uploads = self.followed().filter_map(|rule| rule.abort_incomplete_multipart_upload.as_ref());
        let versions = self.followed().filter_map(|rule| rule.noncurrent_version_expiration.as_ref());
        let moves = self.followed().flat_map(|rule| &rule.transitions);
        let moves = moves.filter_map(|moved| due_at(moved.days, moved.date.as_deref(), now, day_secs));
        let version_moves = self.followed().flat_map(|rule| &rule.noncurrent_version_transitions);
        let version_moves = version_moves.map(|moved| days_after(now, moved.noncurrent_days, day_secs));
        // A marker ends as soon as nothing is behind it.
        let objects = objects.map(|expiration| expiration.at(now, day_secs).unwrap_or(now));
        let versions = versions.map(|ending| days_after(now, ending.noncurrent_days, day_secs));
        let uploads = uploads.map(|abort| days_after(now, abort.days_after_initiation, day_secs));
        // What would end at once ends at the end of the day.
        let first = objects.chain(versions).chain(uploads).chain(moves).chain(version_moves).min();
        first.map(|first| first.max(days_after(now, 1, day_secs)))
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

    /// Chooses the object for a transition: rules that say nothing of sizes leave small ones alone.
    fn moves(&self, object: &Aging<'_>) -> bool {
        let filter = self.filter.as_ref();
        let sizes = filter.is_some_and(|filter| {
            let (alone, and) = (&filter.alone, filter.and.as_ref());
            alone.object_size_greater_than.or(alone.object_size_less_than).is_some()
                || and.is_some_and(|and| and.object_size_greater_than.or(and.object_size_less_than).is_some())
        });
        self.chooses(object) && (sizes || object.size >= TRANSITION_BYTES_MIN)
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
        due_at(self.days, self.date.as_deref(), modified, day_secs)
    }
}

/// When something is due that was written then: after days, or at a date.
fn due_at(days: Option<i64>, date: Option<&str>, modified: Timestamp, day_secs: u64) -> Option<Timestamp> {
    let by_days = days.map(|days| days_after(modified, days, day_secs));
    by_days.or_else(|| midnight(date?))
}

/// The class of this name, if an object of class `from` may go there. One that is not read at once is not known here.
fn later_class(from: StorageClass, to: &str) -> Option<StorageClass> {
    StorageClass::parse(to).filter(|to| *to > from)
}

fn next_transition(
    due: impl Iterator<Item = (Timestamp, StorageClass)>,
    now: Timestamp,
) -> Option<(Timestamp, StorageClass)> {
    due.reduce(|a, b| match (a.0 <= now, b.0 <= now) {
        (true, true) => std::cmp::max_by_key(a, b, |(_, class)| *class),
        (true, false) => a,
        (false, true) => b,
        (false, false) => std::cmp::min_by_key(a, b, |(at, _)| *at),
    })
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
    use std::sync::LazyLock;

    use super::*;

    static NO_TAGS: LazyLock<Tags> = LazyLock::new(Tags::default);

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
    fn transitions_take_an_object_as_far_as_is_due_and_never_back() {
        use StorageClass::{GlacierIr, OnezoneIa, Standard, StandardIa};
        let rules = lifecycle(
            r#"{"Status":"Enabled","Prefix":"","Transition":[{"Days":30,"StorageClass":"STANDARD_IA"},
                {"Days":60,"StorageClass":"GLACIER_IR"},{"Days":90,"StorageClass":"DEEP_ARCHIVE"}]}"#,
        );
        let object = |size| Aging { key: "k", size, tags: &NO_TAGS, modified: at("2030-01-01", 0) };
        let next = |size, class, now| {
            let found = rules.transition(&object(size), class, (at(now, 0), DAY_SECS));
            found.map(|(due, class)| (due <= at(now, 0), class))
        };
        assert_eq!(next(1 << 20, Standard, "2030-01-02"), Some((false, StandardIa)));
        assert_eq!(next(1 << 20, Standard, "2030-02-02"), Some((true, StandardIa)));
        assert_eq!(next(1 << 20, StandardIa, "2030-02-02"), Some((false, GlacierIr)));
        assert_eq!(next(1 << 20, Standard, "2031-01-01"), Some((true, GlacierIr)));
        assert_eq!(next(1 << 20, OnezoneIa, "2030-02-02"), Some((false, GlacierIr)));
        assert_eq!(next(1 << 20, GlacierIr, "2031-01-01"), None);
        assert_eq!(next(1000, Standard, "2031-01-01"), None, "too small to be worth it");
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
        assert_eq!(rules.object_prefix(), Some("logs/é"));
        assert_eq!(rules.first_expiry(at("2014-01-15", 10), DAY_SECS), Some(at("2014-01-18", 0)));
        let past = lifecycle(
            r#"{"ID":"a","Status":"Enabled","Prefix":"","Expiration":{"Date":"2010-01-01T00:00:00.000Z"}}"#,
        );
        assert_eq!(past.first_expiry(at("2014-01-15", 10), DAY_SECS), Some(at("2014-01-17", 0)));
        assert_eq!(lifecycle("").object_prefix(), None);
    }

    #[test]
    fn versions_end_after_days_but_the_newest_are_kept() {
        let rules = lifecycle(
            r#"{"ID":"a","Status":"Enabled","Filter":{"Prefix":"p/"},
                "NoncurrentVersionExpiration":{"NoncurrentDays":3,"NewerNoncurrentVersions":2}}"#,
        );
        let tags = Tags::default();
        let version = |key| Aging { key, size: 0, tags: &tags, modified: at("2014-01-15", 10) };
        let ends = |key, newer| rules.version_expiry(&version(key), newer, DAY_SECS);
        assert_eq!(ends("p/k", 2), Some(at("2014-01-19", 0)));
        assert_eq!((ends("p/k", 1), ends("k", 2)), (None, None));
        assert_eq!((rules.version_prefix(), rules.object_prefix()), (Some("p/"), None));
        assert_eq!(rules.marker_expiry(&version("p/k"), DAY_SECS), None);
    }

    #[test]
    fn markers_end_at_once_or_with_the_days_of_their_rule() {
        let ends = |expiration: &str| {
            let rules = lifecycle(&format!(
                r#"{{"ID":"a","Status":"Enabled","Prefix":"","Expiration":{expiration}}}"#
            ));
            let marker = Aging { key: "k", size: 0, tags: &Tags::default(), modified: at("2014-01-15", 10) };
            rules.marker_expiry(&marker, DAY_SECS)
        };
        assert_eq!(ends(r#"{"ExpiredObjectDeleteMarker":true}"#), Some(at("2014-01-15", 10)));
        assert_eq!(ends(r#"{"ExpiredObjectDeleteMarker":false}"#), None);
        assert_eq!(ends(r#"{"Days":1}"#), Some(at("2014-01-17", 0)));
    }

    #[test]
    fn uploads_end_by_the_prefix_of_their_rule() {
        let rules = lifecycle(
            r#"{"ID":"a","Status":"Enabled","Filter":{"Prefix":"tmp/"},
                "AbortIncompleteMultipartUpload":{"DaysAfterInitiation":1}}"#,
        );
        let started = at("2014-01-15", 10);
        let expiry = |key| Some(rules.upload_expiry(key, started, DAY_SECS)?.0);
        assert_eq!(expiry("tmp/a"), Some(at("2014-01-17", 0)));
        assert_eq!(expiry("a"), None);
        assert!(rules.ends_uploads() && rules.object_prefix().is_none());
    }
}
