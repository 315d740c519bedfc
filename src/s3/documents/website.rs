//! `?website`: how the bucket is served as a website.

use serde_json::Value;

use crate::types::ConfigurationKind;

use super::super::error::{Code, Error, Result};
use super::form::{Form, maybe, once, one_up_to};
use super::{Digest, Document, Removal, Unset, count, list, text};

/// Routing rules in one document at most.
const RULES_MAX: usize = 50;

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::Website,
    root: "WebsiteConfiguration",
    fields: &[
        maybe(
            "RedirectAllRequestsTo",
            Form::Group(&[once("HostName", Form::Text), maybe("Protocol", Form::Text)]),
        ),
        maybe("IndexDocument", Form::Group(&[once("Suffix", Form::Text)])),
        maybe("ErrorDocument", Form::Group(&[once("Key", Form::Text)])),
        // More than there may be, so that too many are counted and not malformed.
        maybe("RoutingRules", Form::Group(&[one_up_to("RoutingRule", RULE, 1000)])),
    ],
    unset: Unset::Error(Code::NoSuchWebsiteConfiguration),
    digest: Digest::Optional,
    removal: Removal::Delete,
    complete: check,
};

const RULE: Form = Form::Group(&[
    maybe(
        "Condition",
        Form::Group(&[
            maybe("HttpErrorCodeReturnedEquals", Form::Text),
            maybe("KeyPrefixEquals", Form::Text),
        ]),
    ),
    once(
        "Redirect",
        Form::Group(&[
            maybe("HostName", Form::Text),
            maybe("HttpRedirectCode", Form::Text),
            maybe("Protocol", Form::Text),
            maybe("ReplaceKeyPrefixWith", Form::Text),
            maybe("ReplaceKeyWith", Form::Text),
        ]),
    ),
]);

fn check(value: &mut Value) -> Result<()> {
    let elsewhere = &value["RedirectAllRequestsTo"];
    if !elsewhere.is_null() {
        if count(value, &["IndexDocument", "ErrorDocument", "RoutingRules"]) > 0 {
            return Err(Error::request(
                "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
            ));
        }
        return check_protocol(elsewhere);
    }
    let suffix = text(&value["IndexDocument"], "Suffix");
    if value["IndexDocument"].is_null() {
        return Err(Error::argument(
            "IndexDocument",
            "null",
            "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
        ));
    }
    if suffix.is_empty() || suffix.contains('/') {
        return Err(Error::argument("IndexDocument", suffix, "The IndexDocument Suffix is not well formed"));
    }
    if !value["ErrorDocument"].is_null() && text(&value["ErrorDocument"], "Key").is_empty() {
        return Err(Error::argument("ErrorDocument", "", "The ErrorDocument Key is not well formed"));
    }
    let rules = &value["RoutingRules"];
    let given = list(rules, "RoutingRule").count();
    if given > RULES_MAX {
        return Err(Error::request(format!(
            "{given} routing rules provided, the number of routing rules in a website configuration is limited to \
             {RULES_MAX}."
        )));
    }
    list(rules, "RoutingRule").try_for_each(check_rule)
}

fn check_protocol(redirect: &Value) -> Result<()> {
    match text(redirect, "Protocol") {
        "" | "http" | "https" => Ok(()),
        _ => Err(Error::request(
            "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected \
             automatically.",
        )),
    }
}

fn check_rule(rule: &Value) -> Result<()> {
    let (condition, redirect) = (&rule["Condition"], &rule["Redirect"]);
    check_protocol(redirect)?;
    if count(redirect, &["ReplaceKeyPrefixWith", "ReplaceKeyWith"]) == 2 {
        return Err(Error::request("You can only define ReplaceKeyPrefix or ReplaceKey but not both."));
    }
    if !condition.is_null() && count(condition, &["HttpErrorCodeReturnedEquals", "KeyPrefixEquals"]) == 0 {
        return Err(Error::request(
            "Condition cannot be empty. To redirect all requests without a condition, the condition element \
             shouldn't be present.",
        ));
    }
    let code = |text: &str| text.parse::<u16>().ok();
    if let Some(given) = redirect["HttpRedirectCode"].as_str()
        && !code(given).is_some_and(|code| (301..400).contains(&code))
    {
        return Err(Error::request(format!(
            "The provided HTTP redirect code ({given}) is not valid. Valid codes are 3XX except 300."
        )));
    }
    if let Some(given) = condition["HttpErrorCodeReturnedEquals"].as_str()
        && !code(given).is_some_and(|code| (400..600).contains(&code))
    {
        return Err(Error::request(format!(
            "The provided HTTP error code ({given}) is not valid. Valid codes are 4XX or 5XX."
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{kept, refused};
    use super::*;

    const INDEX: &str = "<IndexDocument><Suffix>index.html</Suffix></IndexDocument>";

    fn routed(condition: &str, redirect: &str) -> String {
        format!(
            "{INDEX}<RoutingRules><RoutingRule><Condition>{condition}</Condition><Redirect>{redirect}</Redirect>\
             </RoutingRule></RoutingRules>"
        )
    }

    #[test]
    fn websites_are_kept() {
        kept(&DOCUMENT, INDEX);
        kept(
            &DOCUMENT,
            "<RedirectAllRequestsTo><HostName>example.com</HostName><Protocol>https</Protocol></RedirectAllRequestsTo>",
        );
        kept(
            &DOCUMENT,
            &routed(
                "<HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals><KeyPrefixEquals>a/</KeyPrefixEquals>",
                "<HttpRedirectCode>302</HttpRedirectCode><ReplaceKeyPrefixWith>b/</ReplaceKeyPrefixWith>",
            ),
        );
    }

    #[test]
    fn what_cannot_be_served_is_refused() {
        let condition = "<KeyPrefixEquals>a</KeyPrefixEquals>";
        let redirect = "<HostName>h</HostName>";
        let rule = "<RoutingRule><Redirect><HostName>h</HostName></Redirect></RoutingRule>";
        refused(
            &DOCUMENT,
            &[
                ("", Code::InvalidArgument),
                ("<IndexDocument><Suffix></Suffix></IndexDocument>", Code::InvalidArgument),
                ("<IndexDocument><Suffix>a/b</Suffix></IndexDocument>", Code::InvalidArgument),
                (&format!("{INDEX}<ErrorDocument><Key/></ErrorDocument>"), Code::InvalidArgument),
                (
                    &format!("<RedirectAllRequestsTo>{redirect}</RedirectAllRequestsTo>{INDEX}"),
                    Code::InvalidRequest,
                ),
                (
                    "<RedirectAllRequestsTo><HostName>h</HostName><Protocol>ftp</Protocol></RedirectAllRequestsTo>",
                    Code::InvalidRequest,
                ),
                (&routed("", redirect), Code::InvalidRequest),
                (&routed(condition, "<HttpRedirectCode>300</HttpRedirectCode>"), Code::InvalidRequest),
                (
                    &routed("<HttpErrorCodeReturnedEquals>200</HttpErrorCodeReturnedEquals>", redirect),
                    Code::InvalidRequest,
                ),
                (
                    &routed(
                        condition,
                        "<ReplaceKeyPrefixWith>a</ReplaceKeyPrefixWith><ReplaceKeyWith>b</ReplaceKeyWith>",
                    ),
                    Code::InvalidRequest,
                ),
                (&format!("{INDEX}<RoutingRules>{}</RoutingRules>", rule.repeat(51)), Code::InvalidRequest),
                (&format!("{INDEX}<RoutingRules/>"), Code::MalformedXml),
            ],
        );
    }
}
