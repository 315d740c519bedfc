//! Tags (AWS: "Categorizing your objects using tags").

use serde::{Deserialize, Serialize};

/// A set of tags that AWS's rules refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTags {
    /// More than there may be.
    #[error("too many tags")]
    TooMany,
    /// A key stands there twice.
    #[error("the same key twice")]
    KeyTwice,
    /// A key is empty, too long, reserved, or has characters that none may have.
    #[error("invalid key {0:?}")]
    Key(String),
    /// A value is too long, or has characters that none may have.
    #[error("invalid value {0:?}")]
    Value(String),
}

/// Tags of an object or a bucket, by key in the order given. Each key stands there once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags(Vec<(String, String)>);

impl Tags {
    /// How many an object may have.
    pub const OBJECT_MAX: usize = 10;
    /// How many a bucket may have.
    pub const BUCKET_MAX: usize = 50;
    const KEY_CHARS_MAX: usize = 128;
    const VALUE_CHARS_MAX: usize = 256;

    /// Checks tags, of which there may be `max`.
    pub fn new(tags: Vec<(String, String)>, max: usize) -> Result<Self, InvalidTags> {
        if tags.len() > max {
            return Err(InvalidTags::TooMany);
        }
        for (at, (key, value)) in tags.iter().enumerate() {
            let length = key.chars().count();
            if !(1..=Self::KEY_CHARS_MAX).contains(&length) || !is_taggable(key) || key.starts_with("aws:") {
                return Err(InvalidTags::Key(key.clone()));
            }
            if value.chars().count() > Self::VALUE_CHARS_MAX || !is_taggable(value) {
                return Err(InvalidTags::Value(value.clone()));
            }
            if tags[..at].iter().any(|(other, _)| other == key) {
                return Err(InvalidTags::KeyTwice);
            }
        }
        Ok(Self(tags))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == key).map(|(_, value)| value)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// "Letters, spaces, and numbers representable in UTF-8, and + - = . _ : / @".
fn is_taggable(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "+-=._:/@".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Result<Tags, InvalidTags> {
        Tags::new(pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(), 2)
    }

    #[test]
    fn tags_within_the_rules_are_kept_in_order() {
        let kept = tags(&[("project", "Größe 1+1=2"), ("a:b/c@d", "")]).unwrap();
        assert_eq!(kept.iter().next(), Some(("project", "Größe 1+1=2")));
        assert_eq!((kept.get("a:b/c@d"), kept.get("none"), kept.len()), (Some(""), None, 2));
    }

    #[test]
    fn tags_that_break_a_rule_are_refused() {
        let long = "k".repeat(129);
        assert_eq!(tags(&[("a", ""), ("b", ""), ("c", "")]), Err(InvalidTags::TooMany));
        assert_eq!(tags(&[("a", "1"), ("a", "2")]), Err(InvalidTags::KeyTwice));
        for key in ["", "aws:x", "a?b", long.as_str()] {
            assert_eq!(tags(&[(key, "")]), Err(InvalidTags::Key(key.into())));
        }
        assert!(tags(&[("a", &"é".repeat(256))]).is_ok());
        assert!(matches!(tags(&[("a", &"v".repeat(257))]), Err(InvalidTags::Value(_))));
        assert!(matches!(tags(&[("a", "<b>")]), Err(InvalidTags::Value(_))));
    }
}
