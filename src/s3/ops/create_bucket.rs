//! `PUT /bucket`: CreateBucket.

use std::collections::BTreeMap;

use hyper::StatusCode;
use hyper::header::{HeaderValue, LOCATION};

use serde_json::{Value, json};

use crate::object::{self, CreateBucketRequest};
use crate::types::{BucketName, CanonicalId, ConfigurationKind};

use super::super::acl::{self, Owners};
use super::super::actions::Action;
use super::super::auth::{Call, Upload};
use super::super::condition_keys::NewBucket;
use super::super::documents::{Digest, read_ownership, read_tags};
use super::super::error::{Code, Error, Result};
use super::super::headers::text;
use super::super::response::{Response, empty};
use super::super::xml_read::Element;
use super::{DOCUMENT_BYTES_MAX, read_document};

/// Makes a bucket. One that exists is 409 everywhere, also in us-east-1, where AWS answers 200.
pub(super) async fn run(call: &Call<'_>, upload: Upload, bucket: BucketName) -> Result<Response> {
    let document = read_document(call, upload, Digest::Optional, DOCUMENT_BYTES_MAX).await?;
    let (asked, tags) = parse(&document)?;
    let account = call.authorize_new_bucket(&bucket, &asked)?;
    check_location(asked.location.as_deref().unwrap_or_default(), call.region())?;
    let ownership = text(call.headers(), "x-amz-object-ownership").map(read_ownership).transpose()?;
    let lock = text(call.headers(), "x-amz-bucket-object-lock-enabled");
    let request = CreateBucketRequest {
        bucket: bucket.clone(),
        owner: Some(account).filter(|account| *account != call.iam().first().canonical_id),
        has_lock: lock.is_some_and(|text| text.eq_ignore_ascii_case("true")),
        configurations: configurations(
            call,
            account,
            [(ConfigurationKind::Tagging, tags), (ConfigurationKind::OwnershipControls, ownership)],
        )?,
    };
    call.engine().create_bucket_with(request).await.map_err(|error| match error {
        object::Error::BucketExists if call.bucket_owner(&bucket) != account => {
            Code::BucketAlreadyExists.into()
        }
        error => Error::from(error),
    })?;
    let mut response = empty(StatusCode::OK);
    if let Ok(location) = HeaderValue::try_from(format!("/{bucket}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// Reads `<CreateBucketConfiguration>`, or nothing. Returns the bucket's tags as they are kept, too.
pub(in crate::s3) fn parse(document: &[u8]) -> Result<(NewBucket, Option<Value>)> {
    if document.is_empty() {
        return Ok((NewBucket::default(), None));
    }
    let configuration = Element::parse(document, "CreateBucketConfiguration")?;
    if ["Bucket", "Location"].iter().any(|name| configuration.child(name).is_some()) {
        // A directory bucket.
        return Err(Code::NotImplemented.into());
    }
    let location = configuration.child_text("LocationConstraint").map(str::trim);
    let location = location.filter(|location| !location.is_empty()).map(str::to_owned);
    let (tags, kept) = configuration.child("Tags").map(read_tags).transpose()?.unzip();
    let asked = NewBucket { location, tags: tags.unwrap_or_default() };
    let kept = kept.filter(|_| !asked.tags.is_empty());
    Ok((asked, kept))
}

/// What the bucket is configured with from its first moment on, its ACL with it. What the request says goes before what
/// new buckets are like.
fn configurations(
    call: &Call<'_>,
    account: CanonicalId,
    asked: [(ConfigurationKind, Option<Value>); 2],
) -> Result<Vec<(ConfigurationKind, String)>> {
    let mut all: BTreeMap<ConfigurationKind, Value> =
        call.new_buckets().configurations().into_iter().collect();
    all.extend(asked.into_iter().filter_map(|(kind, value)| Some((kind, value?))));
    let owners = Owners { owner: account, bucket_owner: account };
    let acl = acl::of_headers(call.iam(), call.headers(), owners)?.and_then(|acl| owners.kept(acl));
    if let Some(acl) = acl {
        let ownership = all.get(&ConfigurationKind::OwnershipControls);
        if ownership.is_some_and(|kept| kept["Rule"][0]["ObjectOwnership"] == "BucketOwnerEnforced") {
            return Err(Code::InvalidBucketAclWithObjectOwnership.into());
        }
        let block = all.get(&ConfigurationKind::PublicAccessBlock).cloned().unwrap_or_else(|| json!({}));
        let block = serde_json::from_value(block).unwrap_or_default();
        call.refuse_public(Some(&acl), block, Action::CreateBucket)?;
        all.insert(ConfigurationKind::Acl, serde_json::to_value(acl).expect("plain fields serialize"));
    }
    Ok(all.into_iter().map(|(kind, value)| (kind, value.to_string())).collect())
}

/// Whether it is made as AWS's regions are: `eu-central-1`.
fn is_like_a_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    matches!(parts.split_last(), Some((number, places)) if places.len() >= 2 && places.iter().all(letters) && is_number(number))
}

/// The bucket can only be where the server is; the older name `EU` is Ireland.
fn check_location(constraint: &str, region: &str) -> Result<()> {
    if constraint.is_empty() || constraint == region || (constraint == "EU" && region == "eu-west-1") {
        return Ok(());
    }
    if !is_like_a_region(constraint) {
        return Err(Code::InvalidLocationConstraint.into());
    }
    Err(Error::with_message(
        Code::IllegalLocationConstraint,
        format!(
            "The {constraint} location constraint is incompatible for the region specific endpoint this \
             request was sent to."
        ),
    ))
}
