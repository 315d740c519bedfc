//! The query of a request, decoded once.

use crate::sigv4::decode_form;

use super::error::{Code, Error, Result};

/// Decoded parameters in the order given.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes the part of the URI after `?`.
    pub(super) fn parse(raw: &str) -> Result<Self> {
        let pairs = raw.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode_form(name)?, decode_form(value)?))
        });
        pairs.collect::<Option<_>>().map(Self).ok_or_else(|| Error::new(Code::InvalidUri))
    }

    /// These parameters.
    pub(super) fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The first value of a parameter; empty for one without `=`.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// True where the parameter is there, with or without a value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All parameters.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A page size: absent means `max`, more than `max` is cut down to it.
    pub(super) fn page_size(&self, name: &'static str, max: u16) -> Result<u16> {
        let text = self.get(name).filter(|text| !text.is_empty());
        text.map_or(Ok(max), |text| page_size_of(name, text, max))
    }
}

/// A page size as a client wrote it; more than `max` is cut down to it.
pub(super) fn page_size_of(name: &'static str, text: &str, max: u16) -> Result<u16> {
    match text.parse::<i64>() {
        Ok(count) if (0..=i64::from(i32::MAX)).contains(&count) => Ok(count.min(i64::from(max)) as u16),
        Ok(_) => Err(Error::argument(
            name,
            text,
            format!("Argument {name} must be an integer between 0 and {}", i32::MAX),
        )),
        Err(_) => Err(Error::argument(
            name,
            text,
            format!("Provided {name} not an integer or within integer range"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_once_and_flags_are_empty() {
        let query = Query::parse("prefix=a%2Fb+c%2B&acl&x=1=2&prefix=second").unwrap();
        assert_eq!(query.get("prefix"), Some("a/b c+"));
        assert_eq!(query.get("acl"), Some(""));
        assert_eq!(query.get("x"), Some("1=2"));
        assert!(!query.has("y"));
        assert!(Query::parse("a=%ff").is_err());
    }

    #[test]
    fn page_sizes_are_capped_and_garbage_is_refused() {
        let size = |raw: &str| Query::parse(raw).unwrap().page_size("max-keys", 1000).ok();
        assert_eq!(size(""), Some(1000));
        assert_eq!(size("max-keys=0"), Some(0));
        assert_eq!(size("max-keys=5000"), Some(1000));
        for bad in ["max-keys=-1", "max-keys=abc", "max-keys=99999999999"] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }
}
