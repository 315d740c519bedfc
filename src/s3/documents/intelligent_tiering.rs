//! `?intelligent-tiering`: archive tiers of objects in Intelligent-Tiering.

use serde_json::Value;

use crate::types::ConfigurationKind;

use super::super::error::{Error, Result};
use super::form::{Form, maybe, once, one_up_to};
use super::{Digest, Document, Removal, Unset, filter, list, malformed, text};

/// Days after which an object may move to each tier, at least; and at most.
const DAYS_MIN: [(&str, i64); 2] = [("ARCHIVE_ACCESS", 90), ("DEEP_ARCHIVE_ACCESS", 180)];
const DAYS_MAX: i64 = 730;

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::IntelligentTiering,
    root: "IntelligentTieringConfiguration",
    fields: &[
        once("Id", Form::Text),
        maybe("Filter", filter::PREFIX_AND_TAGS),
        once("Status", Form::Word(&["Enabled", "Disabled"])),
        one_up_to("Tiering", TIERING, 2),
    ],
    unset: Unset::Several("ListBucketIntelligentTieringConfigurationsOutput"),
    digest: Digest::Optional,
    removal: Removal::Delete,
    complete: check,
};

const TIERING: Form = Form::Group(&[
    once("AccessTier", Form::Word(&["ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS"])),
    once("Days", Form::Number),
]);

fn check(value: &mut Value) -> Result<()> {
    filter::check(&value["Filter"])?;
    for (tier, min) in DAYS_MIN {
        let mut days = list(value, "Tiering")
            .filter(|tiering| text(tiering, "AccessTier") == tier)
            .filter_map(|tiering| tiering["Days"].as_i64());
        let Some(given) = days.next() else { continue };
        if days.next().is_some() {
            return Err(malformed());
        }
        if !(min..=DAYS_MAX).contains(&given) {
            let message = format!("'Days' for the {tier} tier must be between {min} and {DAYS_MAX}");
            return Err(Error::argument("Days", given.to_string(), message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::error::Code;
    use super::super::tests::{kept, refused};
    use super::*;

    #[test]
    fn each_tier_has_its_own_fewest_days() {
        let tier = |name: &str, days: u32| {
            format!("<Tiering><AccessTier>{name}</AccessTier><Days>{days}</Days></Tiering>")
        };
        let with = |tiers: String| format!("<Id>a</Id><Status>Enabled</Status>{tiers}");
        kept(&DOCUMENT, &with(tier("ARCHIVE_ACCESS", 90) + &tier("DEEP_ARCHIVE_ACCESS", 730)));
        refused(
            &DOCUMENT,
            &[
                (&with(tier("ARCHIVE_ACCESS", 89)), Code::InvalidArgument),
                (&with(tier("DEEP_ARCHIVE_ACCESS", 179)), Code::InvalidArgument),
                (&with(tier("DEEP_ARCHIVE_ACCESS", 731)), Code::InvalidArgument),
                (&with(tier("ARCHIVE_ACCESS", 90).repeat(2)), Code::MalformedXml),
                (&with(String::new()), Code::MalformedXml),
            ],
        );
    }
}
