//! `?analytics`: storage class analysis.

use serde_json::Value;

use crate::types::ConfigurationKind;

use super::super::error::{Code, Error, Result};
use super::form::{Form, maybe, once};
use super::{Digest, Document, Removal, Unset, bucket_of_arn, filter, text};

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::Analytics,
    root: "AnalyticsConfiguration",
    fields: &[
        once("Id", Form::Text),
        maybe("Filter", filter::PREFIX_AND_TAGS),
        once("StorageClassAnalysis", Form::Group(&[maybe("DataExport", EXPORT)])),
    ],
    unset: Unset::Several("ListBucketAnalyticsConfigurationResult"),
    digest: Digest::Optional,
    removal: Removal::Delete,
    complete: check,
};

const EXPORT: Form = Form::Group(&[
    once("OutputSchemaVersion", Form::Word(&["V_1"])),
    once("Destination", Form::Group(&[once("S3BucketDestination", DESTINATION)])),
]);

const DESTINATION: Form = Form::Group(&[
    once("Format", Form::Word(&["CSV"])),
    maybe("BucketAccountId", Form::Text),
    once("Bucket", Form::Text),
    maybe("Prefix", Form::Text),
]);

fn check(value: &mut Value) -> Result<()> {
    filter::check(&value["Filter"])?;
    let export = &value["StorageClassAnalysis"]["DataExport"];
    let bucket = text(&export["Destination"]["S3BucketDestination"], "Bucket");
    if !export.is_null() && bucket_of_arn(bucket).is_none() {
        return Err(Error::new(Code::InvalidS3DestinationBucket));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{kept, refused};
    use super::*;

    #[test]
    fn an_export_goes_to_a_bucket_that_an_arn_names() {
        let with = |bucket: &str| {
            format!(
                "<Id>a</Id><Filter><Prefix>p</Prefix></Filter><StorageClassAnalysis><DataExport>\
                 <OutputSchemaVersion>V_1</OutputSchemaVersion><Destination><S3BucketDestination>\
                 <Format>CSV</Format><Bucket>{bucket}</Bucket></S3BucketDestination></Destination></DataExport>\
                 </StorageClassAnalysis>"
            )
        };
        kept(&DOCUMENT, &with("arn:aws:s3:::reports"));
        let two = "<Id>a</Id><Filter><Prefix>p</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></Filter>\
                   <StorageClassAnalysis/>";
        refused(
            &DOCUMENT,
            &[
                (&with("reports"), Code::InvalidS3DestinationBucket),
                ("<Id>a</Id>", Code::MalformedXml),
                (two, Code::MalformedXml),
            ],
        );
    }
}
