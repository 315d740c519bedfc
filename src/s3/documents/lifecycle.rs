//! `?lifecycle`: what happens to objects and uploads as they age.

use hyper::HeaderMap;
use serde_json::Value;

use crate::types::{Civil, ConfigurationKind, Expiration, Lifecycle, LifecycleRule};

use super::super::error::{Code, Error, Result};
use super::super::headers;
use super::form::{Form, maybe, once, one_up_to, up_to};
use super::{Digest, Document, Removal, Unset, complete_ids, count, filter, list, malformed, text};

/// Rules in one document at most.
const RULES_MAX: usize = 1000;

/// Days that objects stay in STANDARD before they may go to a class of infrequent access.
const INFREQUENT_DAYS_MIN: i64 = 30;

/// Days between the class of infrequent access and the archive, in one rule.
const INFREQUENT_DAYS_KEPT: i64 = 30;

/// Classes in the order in which objects may go from one to another (AWS: "Supported transitions").
const CLASSES: [&str; 6] =
    ["STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"];

/// Characters of a prefix at most.
const PREFIX_CHARS_MAX: usize = 1024;

const SECONDS_PER_DAY: u64 = 86_400;

/// The header that says which objects are too small for a transition.
pub(in super::super) const MINIMUM_SIZE_HEADER: &str = "x-amz-transition-default-minimum-object-size";

/// What it may say, the default first.
const MINIMUM_SIZES: [&str; 2] = ["all_storage_classes_128K", "varies_by_storage_class"];

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::Lifecycle,
    root: "LifecycleConfiguration",
    fields: &[one_up_to("Rule", RULE, RULES_MAX)],
    unset: Unset::Error(Code::NoSuchLifecycleConfiguration),
    digest: Digest::Required,
    removal: Removal::Delete,
    complete,
};

const RULE: Form = Form::Group(&[
    maybe("ID", Form::Text),
    maybe("Filter", FILTER),
    maybe("Prefix", Form::Text),
    once("Status", Form::Word(&["Enabled", "Disabled"])),
    up_to("Transition", TRANSITION, RULES_MAX),
    maybe(
        "Expiration",
        Form::Group(&[
            maybe("Days", Form::Number),
            maybe("Date", Form::Time),
            maybe("ExpiredObjectDeleteMarker", Form::Flag),
        ]),
    ),
    up_to("NoncurrentVersionTransition", NONCURRENT_TRANSITION, RULES_MAX),
    maybe(
        "NoncurrentVersionExpiration",
        Form::Group(&[once("NoncurrentDays", Form::Number), maybe("NewerNoncurrentVersions", Form::Number)]),
    ),
    maybe("AbortIncompleteMultipartUpload", Form::Group(&[once("DaysAfterInitiation", Form::Number)])),
]);

const FILTER: Form = Form::Group(&[
    maybe("Prefix", Form::Text),
    maybe("Tag", filter::TAG),
    maybe("ObjectSizeGreaterThan", Form::Number),
    maybe("ObjectSizeLessThan", Form::Number),
    maybe(
        "And",
        Form::Group(&[
            maybe("Prefix", Form::Text),
            up_to("Tag", filter::TAG, filter::TAGS_MAX),
            maybe("ObjectSizeGreaterThan", Form::Number),
            maybe("ObjectSizeLessThan", Form::Number),
        ]),
    ),
]);

const CLASS: Form = Form::Word(&CLASSES);

const TRANSITION: Form =
    Form::Group(&[maybe("Days", Form::Number), maybe("Date", Form::Time), once("StorageClass", CLASS)]);

const NONCURRENT_TRANSITION: Form = Form::Group(&[
    once("NoncurrentDays", Form::Number),
    maybe("NewerNoncurrentVersions", Form::Number),
    once("StorageClass", CLASS),
]);

/// Notes which objects are too small for a transition, as the request says.
pub(in super::super) fn set_minimum_size(value: &mut Value, headers: &HeaderMap) -> Result<()> {
    let asked = headers::text(headers, MINIMUM_SIZE_HEADER).unwrap_or(MINIMUM_SIZES[0]);
    if !MINIMUM_SIZES.contains(&asked) {
        let message = format!("Invalid value for {MINIMUM_SIZE_HEADER}");
        return Err(Error::argument(MINIMUM_SIZE_HEADER, asked, message));
    }
    value[MINIMUM_SIZE_HEADER] = asked.into();
    Ok(())
}

fn complete(value: &mut Value) -> Result<()> {
    for rule in list(value, "Rule") {
        check_filter(rule)?;
    }
    complete_ids(value, "Rule", "ID")?;
    let lifecycle: Lifecycle = serde_json::from_value(value.clone()).map_err(|_| malformed())?;
    lifecycle.rules.iter().try_for_each(check_rule)
}

/// Which objects: a filter or, as in old documents, a prefix.
fn check_filter(rule: &Value) -> Result<()> {
    let chosen = &rule["Filter"];
    if count(rule, &["Filter", "Prefix"]) != 1 {
        return Err(malformed());
    }
    filter::check(chosen)?;
    check_prefix_and_sizes(rule)?;
    let sizes = ["ObjectSizeGreaterThan", "ObjectSizeLessThan"];
    let sized = count(chosen, &sizes) + count(&chosen["And"], &sizes) > 0;
    let aborts = !rule["AbortIncompleteMultipartUpload"].is_null();
    let ends_markers = !rule["Expiration"]["ExpiredObjectDeleteMarker"].is_null();
    for (action, used) in
        [("AbortIncompleteMultipartUpload", aborts), ("ExpiredObjectDeleteMarker", ends_markers)]
    {
        if used && filter::has_tags(chosen) {
            return Err(Error::request(format!("{action} cannot be specified with Tags")));
        }
    }
    if aborts && sized {
        return Err(Error::request("AbortIncompleteMultipartUpload cannot be specified with Object Size"));
    }
    Ok(())
}

/// A prefix is not too long, no tag there twice, and some size between the two.
fn check_prefix_and_sizes(rule: &Value) -> Result<()> {
    let (chosen, and) = (&rule["Filter"], &rule["Filter"]["And"]);
    if [rule, chosen, and].iter().any(|part| text(part, "Prefix").chars().count() > PREFIX_CHARS_MAX) {
        return Err(Error::request(format!("The maximum size of a prefix is {PREFIX_CHARS_MAX}.")));
    }
    let mut keys = std::collections::HashSet::new();
    if !list(and, "Tag").all(|tag| keys.insert(text(tag, "Key"))) {
        return Err(Error::request("Duplicate Tag Keys are not allowed."));
    }
    let size = |name: &'static str| [chosen, and].iter().find_map(|part| part[name].as_i64());
    let (more, less) = (size("ObjectSizeGreaterThan"), size("ObjectSizeLessThan"));
    if more.is_some_and(|size| size < 0) || less.is_some_and(|size| size < 1) {
        return Err(malformed());
    }
    match (more, less) {
        (Some(more), Some(less)) if less <= more => Err(Error::request(
            "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.",
        )),
        _ => Ok(()),
    }
}

fn check_rule(rule: &LifecycleRule) -> Result<()> {
    let acts = rule.expiration.is_some()
        || !rule.transitions.is_empty()
        || rule.noncurrent_version_expiration.is_some()
        || !rule.noncurrent_version_transitions.is_empty()
        || rule.abort_incomplete_multipart_upload.is_some();
    if !acts {
        return Err(Error::request("At least one action needs to be specified in a rule"));
    }
    if let Some(expiration) = &rule.expiration {
        check_expiration(expiration)?;
    }
    check_transitions(rule)?;
    if let Some(noncurrent) = &rule.noncurrent_version_expiration {
        positive("NoncurrentDays", "NoncurrentVersionExpiration", noncurrent.noncurrent_days)?;
    }
    let transitions = rule.noncurrent_version_transitions.iter();
    let kept = transitions.map(|transition| transition.newer_noncurrent_versions);
    let kept = kept.chain(rule.noncurrent_version_expiration.iter().map(|e| e.newer_noncurrent_versions));
    if let Some(kept) = kept.flatten().find(|kept| !(1..=100).contains(kept)) {
        let message = "'NewerNoncurrentVersions' must be an integer between 1 and 100";
        return Err(Error::argument("NewerNoncurrentVersions", kept.to_string(), message));
    }
    match &rule.abort_incomplete_multipart_upload {
        Some(abort) => {
            positive("DaysAfterInitiation", "AbortIncompleteMultipartUpload", abort.days_after_initiation)
        }
        None => Ok(()),
    }
}

fn positive(name: &'static str, action: &str, days: i64) -> Result<()> {
    if days > 0 && i32::try_from(days).is_ok() {
        return Ok(());
    }
    let message = format!("'{name}' for {action} action must be a positive integer");
    Err(Error::argument(name, days.to_string(), message))
}

fn check_expiration(expiration: &Expiration) -> Result<()> {
    match (expiration.days, &expiration.date, expiration.expired_object_delete_marker) {
        (Some(days), None, None) => positive("Days", "Expiration", days),
        (None, Some(date), None) => at_midnight(date),
        (None, None, Some(_)) => Ok(()),
        _ => Err(malformed()),
    }
}

fn at_midnight(date: &str) -> Result<()> {
    match Civil::parse_iso(date) {
        Some(secs) if secs % SECONDS_PER_DAY == 0 => Ok(()),
        _ => Err(Error::argument("Date", date, "'Date' must be at midnight GMT")),
    }
}

fn check_transitions(rule: &LifecycleRule) -> Result<()> {
    for transition in &rule.transitions {
        match (transition.days, &transition.date) {
            (Some(days), None) => check_transition_days(days, &transition.storage_class)?,
            (None, Some(date)) => at_midnight(date)?,
            _ => return Err(malformed()),
        }
    }
    for transition in &rule.noncurrent_version_transitions {
        check_transition_days(transition.noncurrent_days, &transition.storage_class)?;
    }
    let current = rule.transitions.iter().map(|to| (to.days, to.storage_class.as_str()));
    check_classes("Transition", "Days", &current.collect::<Vec<_>>())?;
    let noncurrent = rule.noncurrent_version_transitions.iter();
    let noncurrent = noncurrent.map(|to| (Some(to.noncurrent_days), to.storage_class.as_str()));
    check_classes("NoncurrentVersionTransition", "NoncurrentDays", &noncurrent.collect::<Vec<_>>())?;
    check_order(rule)
}

/// Objects go to each class once, to the next one later, and stay in that of infrequent access for a while.
fn check_classes(action: &str, field: &'static str, transitions: &[(Option<i64>, &str)]) -> Result<()> {
    for (index, (_, class)) in transitions.iter().enumerate() {
        if transitions[..index].iter().any(|(_, other)| other == class) {
            return Err(Error::request(format!(
                "'StorageClass' must be different for '{action}' actions in same \
                 'Rule', found '{class}' more than once"
            )));
        }
    }
    let place = |class: &str| CLASSES.iter().position(|known| *known == class);
    let mut by_class: Vec<_> =
        transitions.iter().filter_map(|(days, class)| Some(((*days)?, *class))).collect();
    by_class.sort_by_key(|(_, class)| place(class));
    for pair in by_class.windows(2) {
        let [(before, from), (after, to)] = [pair[0], pair[1]];
        let kept = if (from, to) == ("STANDARD_IA", "GLACIER") { INFREQUENT_DAYS_KEPT } else { 1 };
        if after < before + kept {
            let by = if kept > 1 { format!("{kept} days more than") } else { "greater than".to_owned() };
            let message = format!(
                "'{field}' in the '{action}' action for StorageClass '{to}' must be {by} '{field}' in the \
                 '{action}' action for StorageClass '{from}'"
            );
            return Err(Error::argument(field, after.to_string(), message));
        }
    }
    Ok(())
}

fn check_transition_days(days: i64, class: &str) -> Result<()> {
    let least = if matches!(class, "STANDARD_IA" | "ONEZONE_IA") { INFREQUENT_DAYS_MIN } else { 0 };
    if days >= least && i32::try_from(days).is_ok() {
        return Ok(());
    }
    let message = if least == 0 {
        "'Days' in Transition action must be nonnegative".to_owned()
    } else {
        format!(
            "'Days' in Transition action must be greater than or equal to {least} for storageClass '{class}'"
        )
    };
    Err(Error::argument("Days", days.to_string(), message))
}

/// What expires does so after its last transition, and both go by days or both by dates.
fn check_order(rule: &LifecycleRule) -> Result<()> {
    let expiration = rule.expiration.clone().unwrap_or_default();
    let by_days = rule.transitions.iter().any(|transition| transition.days.is_some());
    let by_date = rule.transitions.iter().any(|transition| transition.date.is_some());
    if (by_days || expiration.days.is_some()) && (by_date || expiration.date.is_some()) {
        return Err(Error::request(
            "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule",
        ));
    }
    let last_days = rule.transitions.iter().filter_map(|transition| transition.days).max();
    if let (Some(days), Some(last)) = (expiration.days, last_days)
        && days <= last
    {
        let message = "'Days' in the Expiration action must be greater than 'Days' in the Transition action";
        return Err(Error::argument("Days", days.to_string(), message));
    }
    let noncurrent = rule.noncurrent_version_transitions.iter().map(|transition| transition.noncurrent_days);
    if let (Some(ends), Some(last)) = (&rule.noncurrent_version_expiration, noncurrent.max())
        && ends.noncurrent_days <= last
    {
        let message = "'NoncurrentDays' in the NoncurrentVersionExpiration action must be greater than \
                       'NoncurrentDays' in the NoncurrentVersionTransition action";
        return Err(Error::argument("NoncurrentDays", ends.noncurrent_days.to_string(), message));
    }
    let last_date = rule.transitions.iter().filter_map(|transition| transition.date.as_ref()).max();
    if let (Some(date), Some(last)) = (&expiration.date, last_date)
        && date <= last
    {
        let message = "'Date' in the Expiration action must be later than 'Date' in the Transition action";
        return Err(Error::argument("Date", date.clone(), message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{kept, outcome, refused};
    use super::*;

    const TAG: &str = "<Tag><Key>k</Key><Value>v</Value></Tag>";
    const OTHER_TAG: &str = "<Tag><Key>K</Key><Value>v</Value></Tag>";
    const EXPIRES: &str = "<Expiration><Days>3</Days></Expiration>";
    const ABORTS: &str = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>\
                          </AbortIncompleteMultipartUpload>";

    fn rule(filter: &str, actions: &str) -> String {
        format!("<Rule><ID>a</ID>{filter}<Status>Enabled</Status>{actions}</Rule>")
    }

    fn sized(more: i64, less: i64) -> String {
        format!(
            "<Filter><And><ObjectSizeGreaterThan>{more}</ObjectSizeGreaterThan>\
             <ObjectSizeLessThan>{less}</ObjectSizeLessThan></And></Filter>"
        )
    }

    fn noncurrent(days: i64, class: &str) -> String {
        format!(
            "<NoncurrentVersionTransition><NoncurrentDays>{days}</NoncurrentDays><StorageClass>{class}</StorageClass>\
             </NoncurrentVersionTransition>"
        )
    }

    fn transition(days: i64, class: &str) -> String {
        format!("<Transition><Days>{days}</Days><StorageClass>{class}</StorageClass></Transition>")
    }

    #[test]
    fn all_filters_and_actions_are_kept() {
        for filter in [
            "<Prefix></Prefix>".to_owned(),
            "<Filter></Filter>".into(),
            "<Filter><Prefix>logs/</Prefix></Filter>".into(),
            format!("<Filter>{TAG}</Filter>"),
            "<Filter><ObjectSizeGreaterThan>500</ObjectSizeGreaterThan></Filter>".into(),
            format!(
                "<Filter><And><Prefix>p</Prefix>{TAG}{OTHER_TAG}<ObjectSizeLessThan>5</ObjectSizeLessThan></And></Filter>"
            ),
        ] {
            kept(&DOCUMENT, &rule(&filter, EXPIRES));
        }
        let actions = transition(30, "STANDARD_IA")
            + &transition(60, "GLACIER")
            + "<Expiration><Days>61</Days></Expiration><NoncurrentVersionTransition><NoncurrentDays>30</NoncurrentDays>\
               <StorageClass>GLACIER</StorageClass></NoncurrentVersionTransition><NoncurrentVersionExpiration>\
               <NoncurrentDays>31</NoncurrentDays><NewerNoncurrentVersions>5</NewerNoncurrentVersions>\
               </NoncurrentVersionExpiration>"
            + ABORTS;
        kept(&DOCUMENT, &rule("<Filter><Prefix>p</Prefix></Filter>", &actions));
    }

    #[test]
    fn objects_go_from_class_to_class_in_order() {
        let outcome = |actions: String| outcome(&DOCUMENT, &rule("<Prefix/>", &actions)).map(drop);
        let ends = |days: i64| {
            format!(
                "<NoncurrentVersionExpiration><NoncurrentDays>{days}</NoncurrentDays></NoncurrentVersionExpiration>"
            )
        };
        for taken in [
            transition(30, "STANDARD_IA") + &transition(60, "GLACIER") + &transition(61, "DEEP_ARCHIVE"),
            transition(61, "DEEP_ARCHIVE") + &transition(0, "INTELLIGENT_TIERING"),
            noncurrent(30, "STANDARD_IA") + &noncurrent(60, "GLACIER") + &ends(61),
            noncurrent(0, "GLACIER_IR") + &noncurrent(1, "GLACIER"),
        ] {
            assert_eq!(outcome(taken.clone()), Ok(()), "{taken}");
        }
        for refused in [
            transition(30, "STANDARD_IA") + &transition(59, "GLACIER"),
            transition(30, "STANDARD_IA") + &transition(30, "INTELLIGENT_TIERING"),
            transition(60, "ONEZONE_IA") + &transition(30, "GLACIER_IR"),
            noncurrent(30, "STANDARD_IA") + &noncurrent(59, "GLACIER"),
            noncurrent(1, "GLACIER") + &ends(1),
        ] {
            assert_eq!(outcome(refused.clone()), Err(Code::InvalidArgument), "{refused}");
        }
        let twice = noncurrent(1, "GLACIER").repeat(2);
        assert_eq!(outcome(twice), Err(Code::InvalidRequest));
    }

    #[test]
    fn a_rule_without_an_id_gets_one() {
        let unnamed = rule("<Prefix/>", EXPIRES).replace("<ID>a</ID>", "");
        let value = outcome(&DOCUMENT, &unnamed.repeat(2)).unwrap();
        let ids: Vec<_> = list(&value, "Rule").map(|rule| rule["ID"].as_str().unwrap().len()).collect();
        assert_eq!(ids, [48, 48]);
    }

    #[test]
    fn wrong_filters_are_refused() {
        refused(
            &DOCUMENT,
            &[
                ("", Code::MalformedXml),
                (&rule("", EXPIRES), Code::MalformedXml),
                (&rule("<Prefix/><Filter/>", EXPIRES), Code::MalformedXml),
                (&rule(&format!("<Filter><Prefix>p</Prefix>{TAG}</Filter>"), EXPIRES), Code::MalformedXml),
                (&rule("<Filter><And><Prefix>p</Prefix></And></Filter>", EXPIRES), Code::MalformedXml),
                (&rule(&format!("<Filter>{TAG}</Filter>"), ABORTS), Code::InvalidRequest),
                (
                    &rule("<Filter><ObjectSizeLessThan>5</ObjectSizeLessThan></Filter>", ABORTS),
                    Code::InvalidRequest,
                ),
                (
                    &rule(&format!("<Filter><Prefix>{}</Prefix></Filter>", "p".repeat(1025)), EXPIRES),
                    Code::InvalidRequest,
                ),
                (&rule(&format!("<Filter><And>{TAG}{TAG}</And></Filter>"), EXPIRES), Code::InvalidRequest),
                (&rule(&sized(5, 5), EXPIRES), Code::InvalidRequest),
                (&rule(&sized(-1, 5), EXPIRES), Code::MalformedXml),
                (&rule(&sized(-2, 0), EXPIRES), Code::MalformedXml),
                (&rule("<Prefix/>", EXPIRES).repeat(2), Code::InvalidArgument),
                (&rule("<Prefix/>", EXPIRES).replace("Enabled", "enabled"), Code::MalformedXml),
                (
                    &rule("<Prefix/>", EXPIRES).replace(">a<", &format!(">{}<", "i".repeat(256))),
                    Code::InvalidArgument,
                ),
            ],
        );
    }

    #[test]
    fn wrong_actions_are_refused() {
        let with = |actions: &str| rule("<Prefix/>", actions);
        let expires = |content: &str| with(&format!("<Expiration>{content}</Expiration>"));
        refused(
            &DOCUMENT,
            &[
                (&with(""), Code::InvalidRequest),
                (&expires(""), Code::MalformedXml),
                (&expires("<Days>0</Days>"), Code::InvalidArgument),
                (&expires("<Days>-1</Days>"), Code::InvalidArgument),
                (&expires("<Days>many</Days>"), Code::MalformedXml),
                (&expires("<Days>1</Days><Date>2030-01-01</Date>"), Code::MalformedXml),
                (&expires("<Date>2030-01-01T01:00:00Z</Date>"), Code::InvalidArgument),
                (&with(&ABORTS.replace(">1<", ">0<")), Code::InvalidArgument),
                (&with(&transition(29, "STANDARD_IA")), Code::InvalidArgument),
                (&with(&transition(-1, "GLACIER")), Code::InvalidArgument),
                (&with(&transition(1, "STANDARD")), Code::MalformedXml),
                (&with(&transition(1, "GLACIER").repeat(2)), Code::InvalidRequest),
                (&with(&(transition(3, "GLACIER") + EXPIRES)), Code::InvalidArgument),
                (
                    &with(&(transition(3, "GLACIER") + "<Expiration><Date>2030-01-01</Date></Expiration>")),
                    Code::InvalidRequest,
                ),
            ],
        );
    }
}
