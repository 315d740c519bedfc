//! `PUT /bucket`: CreateBucket.

use hyper::StatusCode;
use hyper::header::{HeaderValue, LOCATION};

use crate::types::{BucketName, ConfigurationKind};

use super::super::auth::{Call, Upload};
use super::super::documents::{Digest, read_ownership, read_tags};
use super::super::error::{Code, Error, Result};
use super::super::headers::{refuse_unsupported, text};
use super::super::response::{Response, empty};
use super::super::xml_read::Element;
use super::{DOCUMENT_BYTES_MAX, read_document};

/// Makes a bucket. One that exists is 409 everywhere, also in us-east-1, where AWS answers 200.
pub(super) async fn run(call: &Call<'_>, upload: Upload, bucket: BucketName) -> Result<Response> {
    refuse_unsupported(call.headers())?;
    let document = read_document(call, upload, Digest::Optional, DOCUMENT_BYTES_MAX).await?;
    let ownership = text(call.headers(), "x-amz-object-ownership").map(read_ownership).transpose()?;
    let mut tags = None;
    if !document.is_empty() {
        let configuration = Element::parse(&document, "CreateBucketConfiguration")?;
        if ["Bucket", "Location"].iter().any(|name| configuration.child(name).is_some()) {
            // A directory bucket.
            return Err(Code::NotImplemented.into());
        }
        check_location(&configuration, call.region())?;
        tags = configuration.child("Tags").map(read_tags).transpose()?.flatten();
    }
    match text(call.headers(), "x-amz-bucket-object-lock-enabled") {
        Some(text) if text.eq_ignore_ascii_case("true") => {
            call.engine().create_locking_bucket(&bucket).await?;
        }
        _ => call.engine().create_bucket(&bucket).await?,
    }
    let documents = [(ConfigurationKind::Tagging, tags), (ConfigurationKind::OwnershipControls, ownership)];
    for (kind, document) in documents {
        if let Some(document) = document {
            call.engine().put_configuration(&bucket, kind.into(), document.to_string()).await?;
        }
    }
    let mut response = empty(StatusCode::OK);
    if let Ok(location) = HeaderValue::try_from(format!("/{bucket}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// The bucket can only be where the server is; the older name `EU` is Ireland.
fn check_location(configuration: &Element, region: &str) -> Result<()> {
    let constraint = configuration.child_text("LocationConstraint").map(str::trim).unwrap_or_default();
    if constraint.is_empty() || constraint == region || (constraint == "EU" && region == "eu-west-1") {
        return Ok(());
    }
    Err(Error::with_message(
        Code::IllegalLocationConstraint,
        format!(
            "The {constraint} location constraint is incompatible for the region specific endpoint this \
             request was sent to."
        ),
    ))
}
