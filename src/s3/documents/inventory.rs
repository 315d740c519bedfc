//! `?inventory`: lists of the objects, made on a schedule.

use serde_json::Value;

use crate::types::ConfigurationKind;

use super::super::error::{Code, Error, Result};
use super::form::{Form, maybe, once, up_to};
use super::{Digest, Document, Removal, Unset, bucket_of_arn, count, malformed, text};

pub(super) static DOCUMENT: Document = Document {
    kind: ConfigurationKind::Inventory,
    root: "InventoryConfiguration",
    fields: &[
        once("Destination", Form::Group(&[once("S3BucketDestination", DESTINATION)])),
        once("IsEnabled", Form::Flag),
        maybe("Filter", Form::Group(&[once("Prefix", Form::Text)])),
        once("Id", Form::Text),
        once("IncludedObjectVersions", Form::Word(&["All", "Current"])),
        maybe("OptionalFields", Form::Group(&[up_to("Field", Form::Word(&FIELDS), FIELDS.len())])),
        once("Schedule", Form::Group(&[once("Frequency", Form::Word(&["Daily", "Weekly"]))])),
    ],
    unset: Unset::Several("ListInventoryConfigurationsResult"),
    digest: Digest::Optional,
    removal: Removal::Delete,
    complete: check,
};

const DESTINATION: Form = Form::Group(&[
    maybe("AccountId", Form::Text),
    once("Bucket", Form::Text),
    once("Format", Form::Word(&["CSV", "ORC", "Parquet"])),
    maybe("Prefix", Form::Text),
    maybe("Encryption", ENCRYPTION),
]);

const ENCRYPTION: Form = Form::Group(&[
    maybe("SSE-S3", Form::Group(&[])),
    maybe("SSE-KMS", Form::Group(&[once("KeyId", Form::Text)])),
]);

const FIELDS: [&str; 16] = [
    "Size",
    "LastModifiedDate",
    "StorageClass",
    "ETag",
    "IsMultipartUploaded",
    "ReplicationStatus",
    "EncryptionStatus",
    "ObjectLockRetainUntilDate",
    "ObjectLockMode",
    "ObjectLockLegalHoldStatus",
    "IntelligentTieringAccessTier",
    "BucketKeyStatus",
    "ChecksumAlgorithm",
    "ObjectAccessControlList",
    "ObjectOwner",
    "LifecycleExpirationDate",
];

fn check(value: &mut Value) -> Result<()> {
    let destination = &value["Destination"]["S3BucketDestination"];
    let encryption = &destination["Encryption"];
    if !encryption.is_null() && count(encryption, &["SSE-S3", "SSE-KMS"]) != 1 {
        return Err(malformed());
    }
    match bucket_of_arn(text(destination, "Bucket")) {
        Some(_) => Ok(()),
        None => Err(Error::new(Code::InvalidS3DestinationBucket)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{kept, refused};
    use super::*;

    #[test]
    fn an_inventory_is_kept_with_all_that_it_says() {
        let inventory = "<Destination><S3BucketDestination><AccountId>1</AccountId><Bucket>arn:aws:s3:::lists</Bucket>\
            <Format>CSV</Format><Prefix>p</Prefix><Encryption><SSE-KMS><KeyId>k</KeyId></SSE-KMS></Encryption>\
            </S3BucketDestination></Destination><IsEnabled>true</IsEnabled><Filter><Prefix>x</Prefix></Filter><Id>a</Id>\
            <IncludedObjectVersions>All</IncludedObjectVersions><OptionalFields><Field>Size</Field><Field>ETag</Field>\
            </OptionalFields><Schedule><Frequency>Daily</Frequency></Schedule>";
        kept(&DOCUMENT, inventory);
        let both = inventory.replace("<SSE-KMS>", "<SSE-S3/><SSE-KMS>");
        refused(
            &DOCUMENT,
            &[
                (&inventory.replace("arn:aws:s3:::lists", "lists"), Code::InvalidS3DestinationBucket),
                (&inventory.replace("Daily", "Hourly"), Code::MalformedXml),
                (&inventory.replace("<Field>Size", "<Field>Colour"), Code::MalformedXml),
                (&both, Code::MalformedXml),
            ],
        );
    }
}
