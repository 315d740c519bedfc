use std::collections::{BTreeMap, BTreeSet};

use super::super::policy::{Grammar, Policy};
use super::{IdentityError, Named};
use crate::runtime::random_bytes;
use crate::types::Timestamp;

type Result<T> = std::result::Result<T, IdentityError>;

/// Tags of one user, role or policy at most.
const TAGS_MAX: usize = 50;

/// Characters of the description of a role or policy at most.
const DESCRIPTION_CHARS_MAX: usize = 1000;

fn invalid(field: &str, rule: &str) -> IdentityError {
    IdentityError::Invalid(format!(
        "1 validation error detected: Value at '{field}' failed to satisfy constraint: {rule}"
    ))
}

/// What a new one is called. `prefix` says of what kind its id is.
pub(super) fn new_named(
    (field, prefix): (&str, &str),
    name: &str,
    path: &str,
    now: Timestamp,
) -> Result<Named> {
    let longest = if matches!(prefix, "AIDA" | "AROA") { 64 } else { 128 };
    check_name(field, name, longest)?;
    check_path(path)?;
    Ok(Named { name: name.into(), path: path.into(), id: new_id(prefix), created: now })
}

/// A name of letters, digits and a few signs.
pub(super) fn check_name(field: &str, name: &str, longest: usize) -> Result<()> {
    let known = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let fits = (1..=longest).contains(&name.len()) && name.chars().all(known);
    let rule = || {
        format!("Member must satisfy regular expression pattern: [\\w+=,.@-]+ and have length 1 to {longest}")
    };
    if fits { Ok(()) } else { Err(invalid(field, &rule())) }
}

/// `/`, or a path that begins and ends with it.
pub(super) fn check_path(path: &str) -> Result<()> {
    let fits = path == "/" || (path.len() > 2 && path.starts_with('/') && path.ends_with('/'));
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic());
    let rule = "Member must begin and end with / and hold printable characters of ASCII, 512 at most";
    if fits && plain && path.len() <= 512 && !path.contains("//") {
        Ok(())
    } else {
        Err(invalid("path", rule))
    }
}

/// What a role or policy is for.
pub(super) fn check_description(description: Option<&str>) -> Result<()> {
    let length = description.map_or(0, |text| text.chars().count());
    let rule = || format!("Member must have length less than or equal to {DESCRIPTION_CHARS_MAX}");
    if length <= DESCRIPTION_CHARS_MAX { Ok(()) } else { Err(invalid("description", &rule())) }
}

/// Puts tags beside those that are there.
pub(super) fn put_tags(tags: &mut BTreeMap<String, String>, new: &[(String, String)]) -> Result<()> {
    let keys: BTreeSet<_> = new.iter().map(|(key, _)| key.to_ascii_lowercase()).collect();
    if keys.len() < new.len() {
        return Err(IdentityError::DuplicateTags);
    }
    for (key, value) in new {
        let (key_len, value_len) = (key.chars().count(), value.chars().count());
        if !(1..=128).contains(&key_len) || value_len > 256 || key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(
                "tags",
                "keys have 1 to 128 characters and not aws: first, values 256 at most",
            ));
        }
        tags.retain(|known, _| !known.eq_ignore_ascii_case(key));
        tags.insert(key.clone(), value.clone());
    }
    if tags.len() > TAGS_MAX { Err(IdentityError::limit("TagsPerResource", TAGS_MAX)) } else { Ok(()) }
}

/// Removes tags; the case of keys does not count.
pub(super) fn remove_tags(tags: &mut BTreeMap<String, String>, keys: &[String]) {
    tags.retain(|tag, _| keys.iter().all(|key| !key.eq_ignore_ascii_case(tag)));
}

/// A policy that says who may take a role.
pub(super) fn check_trust(document: &str) -> Result<()> {
    check_length(document, 2048, "ACLSizePerRole")?;
    Ok(Policy::parse(document.as_bytes(), Grammar::Trust)?.check_trust()?)
}

/// A policy's length, in which white space does not count.
pub(super) fn check_length(document: &str, longest: usize, quota: &str) -> Result<()> {
    let length = document.chars().filter(|c| !c.is_whitespace()).count();
    if length <= longest { Ok(()) } else { Err(IdentityError::limit(quota, longest)) }
}

/// A name for good, as AWS makes them.
pub(super) fn new_id(prefix: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letters = random_bytes::<17>().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    format!("{prefix}{}", letters.iter().collect::<String>())
}
