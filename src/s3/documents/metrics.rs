//! `?metrics`: metrics of requests, by filter.

use serde_json::Value;

use crate::types::ConfigurationKind;

use super::super::error::Result;
use super::form::{Form, maybe, once, up_to};
use super::{Digest, Document, Removal, Unset, filter};

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::Metrics,
    root: "MetricsConfiguration",
    fields: &[once("Id", Form::Text), maybe("Filter", FILTER)],
    unset: Unset::Several("ListMetricsConfigurationsResult"),
    digest: Digest::Optional,
    removal: Removal::Delete,
    complete: check,
};

const FILTER: Form = Form::Group(&[
    maybe("Prefix", Form::Text),
    maybe("Tag", filter::TAG),
    maybe("AccessPointArn", Form::Text),
    maybe(
        "And",
        Form::Group(&[
            maybe("Prefix", Form::Text),
            up_to("Tag", filter::TAG, filter::TAGS_MAX),
            maybe("AccessPointArn", Form::Text),
        ]),
    ),
]);

fn check(value: &mut Value) -> Result<()> {
    filter::check(&value["Filter"])
}

#[cfg(test)]
mod tests {
    use super::super::super::error::Code;
    use super::super::tests::{kept, refused};
    use super::*;

    #[test]
    fn a_filter_says_one_thing_or_joins_several() {
        let tag = "<Tag><Key>k</Key><Value>v</Value></Tag>";
        kept(&DOCUMENT, "<Id>a</Id>");
        kept(&DOCUMENT, &format!("<Id>a</Id><Filter><And><Prefix>p</Prefix>{tag}{tag}</And></Filter>"));
        let malformed = [
            format!("<Id>a</Id><Filter><Prefix>p</Prefix>{tag}</Filter>"),
            format!("<Id>a</Id><Filter><And>{tag}</And></Filter>"),
            "<Filter/>".into(),
        ];
        refused(&DOCUMENT, &malformed.each_ref().map(|content| (content.as_str(), Code::MalformedXml)));
    }
}
