//! How a bucket is served as a website (AWS: "Hosting a static website using Amazon S3").

use serde::Deserialize;

/// A bucket's website configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Website {
    /// All requests go there.
    pub redirect_all_requests_to: Option<Redirect>,
    index_document: IndexDocument,
    error_document: Option<ErrorDocument>,
    routing_rules: RoutingRules,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct IndexDocument {
    suffix: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorDocument {
    key: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct RoutingRules {
    #[serde(rename = "RoutingRule")]
    rules: Vec<RoutingRule>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoutingRule {
    #[serde(default)]
    condition: Condition,
    redirect: Redirect,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Condition {
    http_error_code_returned_equals: Option<String>,
    key_prefix_equals: Option<String>,
}

/// Where a request goes instead; what is not said stays as in the request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Redirect {
    /// To this host.
    pub host_name: Option<String>,
    /// By `http` or `https`.
    pub protocol: Option<String>,
    http_redirect_code: Option<String>,
    replace_key_prefix_with: Option<String>,
    replace_key_with: Option<String>,
}

/// A redirection of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirection<'a> {
    /// Host and protocol.
    pub to: &'a Redirect,
    /// The key there.
    pub key: String,
    /// The status.
    pub status: u16,
}

impl Website {
    /// The key that a request for this path is answered by: of a folder, its index document.
    pub fn document(&self, key: &str) -> String {
        let suffix =
            if key.is_empty() || key.ends_with('/') { self.index_document.suffix.as_str() } else { "" };
        format!("{key}{suffix}")
    }

    /// The index document of the folder that a key without a slash may mean; `None` for one with it.
    pub fn index_of_folder(&self, key: &str) -> Option<String> {
        let is_name = !key.is_empty() && !key.ends_with('/');
        is_name.then(|| format!("{key}/{}", self.index_document.suffix))
    }

    /// The key of the document that stands for errors.
    pub fn error_document(&self) -> Option<&str> {
        self.error_document.as_ref().map(|document| document.key.as_str())
    }

    /// The first rule that sends this key elsewhere without looking for it.
    pub fn redirection(&self, key: &str) -> Option<Redirection<'_>> {
        self.find(key, |code| code.is_none())
    }

    /// The first rule that sends this key elsewhere because of this error.
    pub fn redirection_of_error(&self, key: &str, status: u16) -> Option<Redirection<'_>> {
        self.find(key, |code| code.is_some_and(|code| code.parse() == Ok(status)))
    }

    fn find(&self, key: &str, fits: impl Fn(Option<&str>) -> bool) -> Option<Redirection<'_>> {
        let rule = self.routing_rules.rules.iter().find(|rule| {
            let Condition { http_error_code_returned_equals: code, key_prefix_equals: prefix } =
                &rule.condition;
            fits(code.as_deref()) && key.starts_with(prefix.as_deref().unwrap_or_default())
        })?;
        Some(rule.redirection(key))
    }
}

impl RoutingRule {
    fn redirection(&self, key: &str) -> Redirection<'_> {
        let prefix = self.condition.key_prefix_equals.as_deref().unwrap_or_default();
        let redirect = &self.redirect;
        let key = match (&redirect.replace_key_with, &redirect.replace_key_prefix_with) {
            (Some(whole), _) => whole.clone(),
            (None, Some(other)) => format!("{other}{}", key.strip_prefix(prefix).unwrap_or(key)),
            (None, None) => key.to_owned(),
        };
        let status = redirect.http_redirect_code.as_deref().and_then(|code| code.parse().ok());
        Redirection { to: redirect, key, status: status.unwrap_or(301) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn website(rules: &str) -> Website {
        let document = format!(
            r#"{{"IndexDocument":{{"Suffix":"index.html"}},"RoutingRules":{{"RoutingRule":[{rules}]}}}}"#
        );
        serde_json::from_str(&document).unwrap()
    }

    #[test]
    fn folders_are_answered_by_their_index() {
        let website = website("");
        assert_eq!(website.document(""), "index.html");
        assert_eq!(website.document("a/"), "a/index.html");
        assert_eq!(website.document("a"), "a");
        assert_eq!(website.index_of_folder("a").as_deref(), Some("a/index.html"));
        assert_eq!(website.index_of_folder("a/"), None);
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let website = website(
            r#"{"Condition":{"KeyPrefixEquals":"docs/"},"Redirect":{"ReplaceKeyPrefixWith":"documents/"}},
               {"Condition":{"HttpErrorCodeReturnedEquals":"404","KeyPrefixEquals":"old/"},
                "Redirect":{"HostName":"old.example.com","HttpRedirectCode":"302","ReplaceKeyWith":"gone.html"}},
               {"Condition":{"HttpErrorCodeReturnedEquals":"404"},"Redirect":{"Protocol":"https"}}"#,
        );
        let docs = website.redirection("docs/a").unwrap();
        assert_eq!((docs.key.as_str(), docs.status), ("documents/a", 301));
        assert!(website.redirection("old/a").is_none(), "a rule for errors waits for one");
        let old = website.redirection_of_error("old/a", 404).unwrap();
        assert_eq!((old.key.as_str(), old.status), ("gone.html", 302));
        assert_eq!(old.to.host_name.as_deref(), Some("old.example.com"));
        assert_eq!(website.redirection_of_error("b", 404).unwrap().key, "b");
        assert!(website.redirection_of_error("b", 403).is_none());
    }

    #[test]
    fn a_rule_without_a_condition_is_for_every_key() {
        let website = website(r#"{"Redirect":{"ReplaceKeyWith":"x"}}"#);
        assert_eq!(website.redirection("anything").unwrap().key, "x");
    }
}
