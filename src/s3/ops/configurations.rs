//! `PUT`, `GET` and `DELETE /bucket?SUBRESOURCE` of the documents that configure a bucket, and lists of those that have
//! an id.

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::types::{BucketName, ConfigurationKey, ConfigurationKind, Versioning};

use super::super::auth::{Call, Upload};
use super::super::documents::{self, Document, Removal, Unset};
use super::super::error::{Code, Error, Result};
use super::super::headers;
use super::super::response::{Response, empty, xml};
use super::super::xml_write::XmlWriter;
use super::{DOCUMENT_BYTES_MAX, read_document};

/// Configurations in one page of a list.
const PAGE: usize = 100;

/// Stores a document in place of the one before; one that says nothing removes it.
pub(super) async fn write(
    call: &Call<'_>,
    upload: Upload,
    bucket: BucketName,
    document: &Document,
) -> Result<Response> {
    call.engine().head_bucket(&bucket).await?;
    let key = key(call, document)?;
    let body = read_document(call, upload, document.digest, DOCUMENT_BYTES_MAX).await?;
    let mut value = document.read(&body)?;
    if !key.id.is_empty() && value["Id"] != key.id {
        return Err(Code::IdMismatch.into());
    }
    check_surroundings(call, &bucket, document.kind, &value).await?;
    if document.kind == ConfigurationKind::Lifecycle {
        documents::set_minimum_size(&mut value, call.headers())?;
    }
    if value.as_object().is_some_and(|elements| elements.is_empty()) {
        call.engine().remove_configuration(&bucket, key).await?;
    } else {
        call.engine().put_configuration(&bucket, key, value.to_string()).await?;
    }
    if document.kind == ConfigurationKind::Notification && !skips_validation(call) {
        call.engine().test_notification(&bucket).await?;
    }
    Ok(with_minimum_size(empty(StatusCode::OK), &value))
}

/// Answers a document, or a page of those that have an id.
pub(super) async fn read(call: &Call<'_>, bucket: BucketName, document: &Document) -> Result<Response> {
    if let (Unset::Several(root), None) = (document.unset, call.query.get("id")) {
        return list(call, &bucket, document, root);
    }
    let stored = call.engine().configuration(&bucket, &key(call, document)?)?;
    let value = match stored {
        Some(stored) => parse(&stored)?,
        None => document.unset().map_err(|error| error.detail("BucketName", bucket.as_str().to_owned()))?,
    };
    Ok(with_minimum_size(xml(document.write(&value)), &value))
}

/// Removes a document. One that has an id must be there.
pub(super) async fn remove(call: &Call<'_>, bucket: BucketName, document: &Document) -> Result<Response> {
    if document.removal == Removal::Replace {
        return Err(Code::MethodNotAllowed.into());
    }
    let removed = call.engine().remove_configuration(&bucket, key(call, document)?).await?;
    match document.unset {
        Unset::Several(_) if !removed => Err(Code::NoSuchConfiguration.into()),
        Unset::Several(_) | Unset::Error(_) | Unset::Document(_) => Ok(empty(StatusCode::NO_CONTENT)),
    }
}

/// Which configuration the request is about.
fn key(call: &Call<'_>, document: &Document) -> Result<ConfigurationKey> {
    let Unset::Several(_) = document.unset else { return Ok(document.kind.into()) };
    match call.query.get("id") {
        Some(id) if documents::is_id(id) => Ok(ConfigurationKey { kind: document.kind, id: id.to_owned() }),
        id => {
            Err(Error::argument("id", id.unwrap_or_default(), "The configuration id is missing or invalid"))
        }
    }
}

fn parse(stored: &str) -> Result<Value> {
    serde_json::from_str(stored).map_err(|error| Error::new(Code::InternalError).caused_by(error))
}

/// What depends on more than the document.
async fn check_surroundings(
    call: &Call<'_>,
    bucket: &BucketName,
    kind: ConfigurationKind,
    value: &Value,
) -> Result<()> {
    match kind {
        ConfigurationKind::Accelerate if bucket.as_str().contains('.') => Err(Error::request(
            "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names",
        )),
        ConfigurationKind::Logging => {
            let Some(target) = value["LoggingEnabled"]["TargetBucket"].as_str() else { return Ok(()) };
            let missing = || Error::new(Code::InvalidTargetBucketForLogging);
            let name = BucketName::parse(target).map_err(|_| missing())?;
            call.engine().head_bucket(&name).await.map(drop).map_err(|_| missing())
        }
        ConfigurationKind::OwnershipControls
            if value["Rule"][0]["ObjectOwnership"] == "BucketOwnerEnforced"
                && call.rules(bucket).acl.is_some() =>
        {
            Err(Code::InvalidBucketAclWithObjectOwnership.into())
        }
        ConfigurationKind::Notification if !skips_validation(call) => {
            documents::check_targets(value, |arn| call.knows_event_target(arn))
        }
        ConfigurationKind::Replication
            if call.engine().head_bucket(bucket).await?.versioning != Versioning::Enabled =>
        {
            Err(Error::request(
                "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
            ))
        }
        _ => Ok(()),
    }
}

/// Targets need not be there yet, and get no test.
fn skips_validation(call: &Call<'_>) -> bool {
    let asked = headers::text(call.headers(), "x-amz-skip-destination-validation");
    asked.is_some_and(|asked| asked.eq_ignore_ascii_case("true"))
}

fn with_minimum_size(mut response: Response, value: &Value) -> Response {
    let size = value[documents::MINIMUM_SIZE_HEADER].as_str();
    if let Some(size) = size.and_then(|size| HeaderValue::from_str(size).ok()) {
        response.headers_mut().insert(HeaderName::from_static(documents::MINIMUM_SIZE_HEADER), size);
    }
    response
}

fn list(call: &Call<'_>, bucket: &BucketName, document: &Document, root: &str) -> Result<Response> {
    let after = call.query.get("continuation-token").unwrap_or_default();
    let mut found = call.engine().list_configurations(bucket, document.kind, after, PAGE + 1)?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let mut answer = XmlWriter::new(256 + found.len() * 512);
    answer.open_root(root);
    for (_, stored) in &found {
        document.write_within(&mut answer, &parse(stored)?);
    }
    answer.number("IsTruncated", more);
    if !after.is_empty() {
        answer.element("ContinuationToken", after);
    }
    if let Some((last, _)) = found.last().filter(|_| more) {
        answer.element("NextContinuationToken", last);
    }
    answer.close(root);
    Ok(xml(answer.finish()))
}
