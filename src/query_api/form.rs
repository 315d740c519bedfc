//! The parameters of a request.

use super::error::{Error, Result};
use crate::sigv4::decode_form;

/// Members of one list at most.
const MEMBERS_MAX: usize = 1000;

/// Decoded parameters in the order given.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Decodes a body and what stands in the query beside it.
    pub(super) fn parse(parts: [&[u8]; 2]) -> Result<Self> {
        let malformed = || Error::invalid("The parameters are no form of application/x-www-form-urlencoded.");
        let [body, query] = parts.map(std::str::from_utf8);
        let (body, query) = (body.map_err(|_| malformed())?, query.map_err(|_| malformed())?);
        let pairs = body.split('&').chain(query.split('&')).filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode_form(name)?, decode_form(value)?))
        });
        pairs.collect::<Option<_>>().map(Self).ok_or_else(malformed)
    }

    /// A parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| Error::missing(name))
    }

    /// A number.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>> {
        let read = |text: &str| text.parse().map_err(|_| Error::invalid(format!("{name} must be a number.")));
        self.get(name).map(read).transpose()
    }

    /// `true` or `false`; false where it is not there.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A list: `name.member.1` and so on.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let member = |number| self.get(&format!("{name}.member.{number}"));
        (1..=MEMBERS_MAX).map_while(member).map(str::to_owned).collect()
    }

    /// One field of each member of a list: `name.member.1.field` and so on.
    pub(super) fn fields(&self, name: &str, field: &str) -> Vec<String> {
        let member = |number| self.get(&format!("{name}.member.{number}.{field}"));
        (1..=MEMBERS_MAX).map_while(member).map(str::to_owned).collect()
    }

    /// `Tags.member.1.Key`, `Tags.member.1.Value` and so on.
    pub(super) fn tags(&self) -> Vec<(String, String)> {
        let values = self.fields("Tags", "Value").into_iter().chain(std::iter::repeat(String::new()));
        self.fields("Tags", "Key").into_iter().zip(values).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_lists_are_decoded() {
        let body =
            b"Action=TagUser&Tags.member.1.Key=a+b&Tags.member.1.Value=%C3%A9&L.member.1=x&L.member.3=z";
        let form = Form::parse([body, b"Action=other&Version=1"]);
        let form = form.unwrap();
        assert_eq!(form.required("Action").unwrap(), "TagUser");
        assert_eq!(form.tags(), [("a b".to_owned(), "é".to_owned())]);
        assert_eq!(form.list("L"), ["x"]);
        assert_eq!(form.required("UserName").unwrap_err().code, "ValidationError");
        assert_eq!(form.get("Version"), Some("1"));
        assert!(Form::parse([b"a=%ff", b""]).is_err() && Form::parse([b"", b"\xff=1"]).is_err());
        assert!(Form::parse([b"n=x", b""]).unwrap().number("n").is_err());
    }
}
