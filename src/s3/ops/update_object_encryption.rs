//! `PUT /bucket/key?encryption`: UpdateObjectEncryption. The object's key is sealed under another one; no byte moves.

use hyper::StatusCode;

use crate::object::NewEncryption;
use crate::types::{BucketName, EncryptionMode, ObjectKey, Properties};

use super::super::actions::Action;
use super::super::auth::{Call, Upload};
use super::super::documents::Digest;
use super::super::error::{Error, Result};
use super::super::response::{Response, empty};
use super::super::versions;
use super::super::xml_read::Element;
use super::{DOCUMENT_BYTES_MAX, name_version, read_document};

/// Has an object that is encrypted by the server be so under the named key of the document.
pub(super) async fn run(
    call: &Call<'_>,
    upload: Upload,
    bucket: BucketName,
    key: ObjectKey,
) -> Result<Response> {
    let document = read_document(call, upload, Digest::Optional, DOCUMENT_BYTES_MAX).await?;
    let version = versions::requested(&call.query)?;
    let object = call.open_object(Action::UpdateObjectEncryption, (&bucket, &key), version).await?;
    let wanted = read_wanted(&document)?;
    check_source(&object.info().properties)?;
    let changed = call.engine().rekey(&object, wanted).await;
    changed.map_err(|error| name_version(error, key.as_str(), version))?;
    Ok(empty(StatusCode::OK))
}

/// The named key, and whether with a bucket key, in AWS's words where that is wrong.
fn read_wanted(document: &[u8]) -> Result<NewEncryption> {
    let document = Element::parse(document, "ObjectEncryption")?;
    let wanted = document.child("SSE-KMS").ok_or_else(|| {
        Error::request(
            "Requests that modify an object encryption configuration require a valid new encryption type. Valid values \
             are SSEKMS. Modify the request to specify SSE-KMS for the updated encryption type, and then try again.",
        )
    })?;
    let arn = wanted.child_text("KMSKeyArn").map(str::trim).filter(|arn| !arn.is_empty());
    let arn = arn.ok_or_else(|| {
        Error::request(
            "Requests that modify an object's encryption type to SSE-KMS require an AWS KMS key Amazon Resource Name \
             (ARN). Modify the request to specify a KMS key ARN, and then try again.",
        )
    })?;
    if !is_key_arn(arn) {
        return Err(Error::request(
            "Requests that modify an object's encryption type to SSE-KMS require a valid AWS KMS key Amazon Resource \
             Name (ARN). Confirm that you have a correctly formatted KMS key ARN in your request, and then try again.",
        ));
    }
    let bucket_key = match wanted.child_text("BucketKeyEnabled").map(str::trim) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            return Err(Error::request(
                "The BucketKeyEnabled value isn't valid. Valid values are true or false. Modify the request to specify a \
                 valid value, and then try again.",
            ));
        }
    };
    Ok(NewEncryption::Kms { key_id: Some(arn.to_owned()), context: None, bucket_key, dual_layer: false })
}

/// `arn:aws:kms:REGION:ACCOUNT:key/NAME`.
fn is_key_arn(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (scheme, partition, service, _region, account, key) =
        (next(), next(), next(), next(), next(), next());
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let is_key = key.strip_prefix("key/").is_some_and(|name| !name.is_empty());
    scheme == "arn" && partition.starts_with("aws") && service == "kms" && is_account && is_key
}

fn check_source(properties: &Properties) -> Result<()> {
    let words = match properties.encryption_mode() {
        Some(EncryptionMode::S3 | EncryptionMode::Kms { dual_layer: false, .. }) => return Ok(()),
        None => {
            "The UpdateObjectEncryption operation doesn't supported unencrypted source objects. Only source objects \
             encrypted with SSE-S3 or SSE-KMS are supported."
        }
        Some(EncryptionMode::Kms { .. } | EncryptionMode::Customer { .. }) => {
            "The UpdateObjectEncryption operation doesn't support source objects with the encryption type DSSE-KMS or \
             SSE-C. Only source objects encrypted with SSE-S3 or SSE-KMS are supported."
        }
    };
    Err(Error::request(words))
}

#[cfg(test)]
mod tests {
    use super::super::super::error::Code;
    use super::*;

    fn read(inner: &str) -> Result<NewEncryption> {
        read_wanted(format!("<ObjectEncryption>{inner}</ObjectEncryption>").as_bytes())
    }

    #[test]
    fn only_sse_kms_under_the_arn_of_a_key_is_taken() {
        let arn = "arn:aws:kms:local:000000000001:key/team-a";
        let good = format!(
            "<SSE-KMS><KMSKeyArn>{arn}</KMSKeyArn><BucketKeyEnabled>true</BucketKeyEnabled></SSE-KMS>"
        );
        let Ok(NewEncryption::Kms { key_id: Some(id), bucket_key: true, .. }) = read(&good) else {
            panic!("it is good");
        };
        assert_eq!(id, arn);
        for bad in [
            String::new(),
            "<SSE-S3/>".into(),
            "<SSE-KMS/>".into(),
            "<SSE-KMS><KMSKeyArn>team-a</KMSKeyArn></SSE-KMS>".into(),
            good.replace("key/team-a", "alias/team-a"),
            good.replace("000000000001", "1"),
            good.replace(">true<", ">maybe<"),
        ] {
            assert_eq!(read(&bad).unwrap_err().code, Code::InvalidRequest, "{bad}");
        }
    }
}
