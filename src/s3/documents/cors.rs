//! `?cors`: which web pages may use the bucket.

use serde_json::Value;

use crate::types::ConfigurationKind;

use super::super::error::{Code, Error, Result};
use super::form::{Form, maybe, one_up_to, up_to};
use super::{Digest, Document, Removal, Unset, list, text};

/// Rules in one document, and values in one rule, at most.
const RULES_MAX: usize = 100;

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::Cors,
    root: "CORSConfiguration",
    fields: &[one_up_to("CORSRule", RULE, RULES_MAX)],
    unset: Unset::Error(Code::NoSuchCorsConfiguration),
    digest: Digest::Required,
    removal: Removal::Delete,
    complete: check,
};

const RULE: Form = Form::Group(&[
    maybe("ID", Form::Text),
    up_to("AllowedHeader", Form::Text, RULES_MAX),
    one_up_to("AllowedMethod", Form::Text, RULES_MAX),
    one_up_to("AllowedOrigin", Form::Text, RULES_MAX),
    up_to("ExposeHeader", Form::Text, RULES_MAX),
    maybe("MaxAgeSeconds", Form::Number),
]);

const METHODS: [&str; 5] = ["GET", "PUT", "POST", "DELETE", "HEAD"];

fn check(value: &mut Value) -> Result<()> {
    for rule in list(value, "CORSRule") {
        let texts = |name| list(rule, name).filter_map(Value::as_str);
        if let Some(method) = texts("AllowedMethod").find(|method| !METHODS.contains(method)) {
            return Err(Error::request(format!(
                "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
            )));
        }
        for name in ["AllowedOrigin", "AllowedHeader"] {
            if let Some(pattern) = texts(name).find(|pattern| pattern.matches('*').count() > 1) {
                return Err(Error::request(format!(
                    "{name} \"{pattern}\" can not have more than one wildcard."
                )));
            }
        }
        if let Some(header) = texts("ExposeHeader").find(|header| header.contains('*')) {
            return Err(Error::request(format!(
                "ExposeHeader \"{header}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
            )));
        }
        if text(rule, "ID").chars().count() > 255 {
            return Err(Error::request("ID should not exceed 255 characters."));
        }
        if rule["MaxAgeSeconds"].as_i64().is_some_and(|seconds| u32::try_from(seconds).is_err()) {
            return Err(Code::MalformedXml.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{kept, outcome, refused};
    use super::*;
    use crate::types::Cors;

    const RULE: &str = "<CORSRule><ID>a</ID><AllowedHeader>x-*</AllowedHeader><AllowedMethod>GET</AllowedMethod>\
                        <AllowedOrigin>https://*.example.com</AllowedOrigin><ExposeHeader>ETag</ExposeHeader>\
                        <MaxAgeSeconds>60</MaxAgeSeconds></CORSRule>";

    #[test]
    fn a_rule_is_kept_and_reads_as_what_requests_go_by() {
        kept(&DOCUMENT, RULE);
        let cors: Cors = serde_json::from_value(outcome(&DOCUMENT, RULE).unwrap()).unwrap();
        let rule = cors.rule_for("https://www.example.com", "GET", &["X-Amz-Date"]).unwrap();
        assert_eq!((rule.exposed.as_slice(), rule.max_age_secs), (&["ETag".to_owned()][..], Some(60)));
    }

    #[test]
    fn rules_that_s3_does_not_take_are_refused() {
        let changed = |from: &str, to: &str| RULE.replace(from, to);
        refused(
            &DOCUMENT,
            &[
                ("", Code::MalformedXml),
                (&RULE.repeat(101), Code::MalformedXml),
                (&changed("<AllowedMethod>GET</AllowedMethod>", ""), Code::MalformedXml),
                (&changed("<MaxAgeSeconds>60", "<MaxAgeSeconds>-1"), Code::MalformedXml),
                (&changed("GET", "PATCH"), Code::InvalidRequest),
                (&changed("https://*", "*://*"), Code::InvalidRequest),
                (&changed("x-*", "*-*"), Code::InvalidRequest),
                (&changed("ETag", "x-amz-*"), Code::InvalidRequest),
            ],
        );
    }
}
