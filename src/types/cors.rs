//! Which web pages may use a bucket: the rules of cross-origin resource sharing.

use serde::{Deserialize, Serialize};

/// A bucket's CORS configuration. The first rule that fits a request counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cors {
    /// The rules in order.
    #[serde(rename = "CORSRule")]
    pub rules: Vec<CorsRule>,
}

/// Which pages may do what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CorsRule {
    /// Origins that the rule is for; one `*` in each stands for anything.
    #[serde(rename = "AllowedOrigin")]
    pub origins: Vec<String>,
    /// Methods that pages may use.
    #[serde(rename = "AllowedMethod")]
    pub methods: Vec<String>,
    /// Headers that pages may send; one `*` in each stands for anything.
    #[serde(rename = "AllowedHeader")]
    pub headers: Vec<String>,
    /// Headers of answers that pages may read.
    #[serde(rename = "ExposeHeader")]
    pub exposed: Vec<String>,
    /// How long browsers may remember the answer to a preflight.
    #[serde(rename = "MaxAgeSeconds")]
    pub max_age_secs: Option<u32>,
}

impl Cors {
    /// The rule for a page of this origin that uses this method and sends these headers.
    pub fn rule_for(&self, origin: &str, method: &str, headers: &[&str]) -> Option<&CorsRule> {
        self.rules.iter().find(|rule| rule.fits(origin, method, headers))
    }
}

impl CorsRule {
    fn fits(&self, origin: &str, method: &str, headers: &[&str]) -> bool {
        self.methods.iter().any(|allowed| allowed == method)
            && self.origins.iter().any(|allowed| matches(allowed, origin))
            && headers.iter().all(|header| self.allows_header(header))
    }

    /// Whether any origin may use the bucket, so that answers need not name the one that asked.
    pub fn is_for_any_origin(&self, origin: &str) -> bool {
        self.origins.iter().find(|allowed| matches(allowed, origin)).is_some_and(|allowed| allowed == "*")
    }

    fn allows_header(&self, header: &str) -> bool {
        let header = header.to_ascii_lowercase();
        self.headers.iter().any(|allowed| matches(&allowed.to_ascii_lowercase(), &header))
    }
}

/// Whether a text fits a pattern, in which one `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => {
            text.len() >= head.len() + tail.len() && text.starts_with(head) && text.ends_with(tail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(origins: &[&str], methods: &[&str], headers: &[&str]) -> CorsRule {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        CorsRule {
            origins: owned(origins),
            methods: owned(methods),
            headers: owned(headers),
            ..CorsRule::default()
        }
    }

    #[test]
    fn first_rule_that_fits_origin_method_and_headers_counts() {
        let cors = Cors {
            rules: vec![
                rule(&["https://*.example.com"], &["PUT"], &["x-amz-*"]),
                rule(&["*"], &["GET"], &[]),
                rule(&["https://a.example.com"], &["GET"], &["*"]),
            ],
        };
        let found = |origin, method, headers: &[&str]| {
            let rule = cors.rule_for(origin, method, headers)?;
            cors.rules.iter().position(|other| other == rule)
        };
        assert_eq!(found("https://a.example.com", "PUT", &["X-Amz-Date"]), Some(0));
        assert_eq!(found("https://a.example.com", "PUT", &["content-type"]), None);
        assert_eq!(found("https://example.com", "PUT", &[]), None);
        assert_eq!(found("https://a.example.com", "GET", &[]), Some(1));
        assert_eq!(found("https://a.example.com", "GET", &["accept"]), Some(2));
        assert_eq!(found("http://other", "DELETE", &[]), None);
    }

    #[test]
    fn star_stands_for_anything_but_ends_do_not_overlap() {
        assert!(matches("a*a", "aa") && matches("a*a", "aba") && !matches("a*a", "a"));
        assert!(matches("*", "") && matches("x", "x") && !matches("x", "xy"));
    }
}
