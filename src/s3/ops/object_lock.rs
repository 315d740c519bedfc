//! Object Lock: `?object-lock` of a bucket, `?retention` and `?legal-hold` of an object.

use hyper::StatusCode;

use crate::object::VersionChange;
use crate::types::{BucketLock, BucketName, ObjectKey, ObjectLock, Retention, RetentionPeriod, Timestamp};

use super::super::actions::Action;
use super::super::auth::{Call, Upload};
use super::super::condition_keys::RequestContext;
use super::super::documents::Digest;
use super::super::error::{Code, Error, Result};
use super::super::lock;
use super::super::response::{Response, empty, xml};
use super::super::time::parse_iso;
use super::super::versions;
use super::super::xml_read::Element;
use super::super::xml_write::XmlWriter;
use super::{DOCUMENT_BYTES_MAX, change_version, read_document};

/// Years of a default retention at most (AWS: 100); days as many.
const YEARS_MAX: u32 = 100;

/// `GET /bucket?object-lock`: GetObjectLockConfiguration.
pub(super) async fn get_configuration(call: &Call<'_>, bucket: BucketName) -> Result<Response> {
    let found = call.engine().head_bucket(&bucket).await?.lock;
    let lock = found.ok_or_else(|| {
        Error::new(Code::ObjectLockNotFound).detail("BucketName", bucket.as_str().to_owned())
    })?;
    let mut document = XmlWriter::new(256);
    document.open_root("ObjectLockConfiguration");
    document.element("ObjectLockEnabled", "Enabled");
    if let Some((mode, period)) = lock.default {
        document.raw("<Rule><DefaultRetention>");
        document.element("Mode", lock::mode_name(mode));
        match period {
            RetentionPeriod::Days(days) => document.number("Days", days),
            RetentionPeriod::Years(years) => document.number("Years", years),
        }
        document.raw("</DefaultRetention></Rule>");
    }
    document.close("ObjectLockConfiguration");
    Ok(xml(document.finish()))
}

/// `PUT /bucket?object-lock`: PutObjectLockConfiguration, on a bucket that keeps versions.
pub(super) async fn put_configuration(
    call: &Call<'_>,
    upload: Upload,
    bucket: BucketName,
) -> Result<Response> {
    let document = read_document(call, upload, Digest::Optional, DOCUMENT_BYTES_MAX).await?;
    let lock = parse_configuration(&document)?;
    call.engine().set_bucket_lock(&bucket, lock).await.map_err(|error| match Error::from(error) {
        error if error.code == Code::InvalidBucketState => Error::with_message(
            Code::InvalidBucketState,
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        ),
        error => error,
    })?;
    Ok(empty(StatusCode::OK))
}

/// Reads `<ObjectLockConfiguration>`.
pub(in crate::s3) fn parse_configuration(document: &[u8]) -> Result<BucketLock> {
    let malformed = || Error::new(Code::MalformedXml);
    let configuration = Element::parse(document, "ObjectLockConfiguration")?;
    if configuration.child_text("ObjectLockEnabled") != Some("Enabled") {
        return Err(malformed());
    }
    let Some(rule) = configuration.child("Rule") else { return Ok(BucketLock::default()) };
    let default = rule.child("DefaultRetention").ok_or_else(malformed)?;
    let mode = default.child_text("Mode").and_then(lock::parse_mode).ok_or_else(malformed)?;
    let number = |name| {
        let parsed = default.child_text(name).map(|text| text.trim().parse::<i64>());
        parsed.transpose().map_err(|_| malformed())
    };
    let period = match (number("Days")?, number("Years")?) {
        (Some(days), None) => RetentionPeriod::Days(in_range(days, YEARS_MAX * 365)?),
        (None, Some(years)) => RetentionPeriod::Years(in_range(years, YEARS_MAX)?),
        _ => return Err(malformed()),
    };
    Ok(BucketLock { default: Some((mode, period)) })
}

fn in_range(number: i64, max: u32) -> Result<u32> {
    match u32::try_from(number) {
        Ok(number) if (1..=max).contains(&number) => Ok(number),
        Ok(0) | Err(_) => Err(Error::with_message(
            Code::InvalidArgument,
            "Default retention period must be a positive integer value",
        )),
        Ok(_) => Err(Error::with_message(Code::InvalidArgument, "Default retention period too large")),
    }
}

/// `GET /bucket/key?retention`: GetObjectRetention.
pub(super) async fn get_retention(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    let Retention { mode, until } =
        lock_of(call, Action::GetObjectRetention, &bucket, &key).await?.retention.ok_or_else(not_locked)?;
    let mut document = XmlWriter::new(256);
    document.open_root("Retention");
    document.element("Mode", lock::mode_name(mode));
    document.element("RetainUntilDate", &until.iso_millis());
    document.close("Retention");
    Ok(xml(document.finish()))
}

/// `GET /bucket/key?legal-hold`: GetObjectLegalHold.
pub(super) async fn get_legal_hold(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    let held =
        lock_of(call, Action::GetObjectLegalHold, &bucket, &key).await?.legal_hold.ok_or_else(not_locked)?;
    let mut document = XmlWriter::new(256);
    document.open_root("LegalHold");
    document.element("Status", lock::hold_name(held));
    document.close("LegalHold");
    Ok(xml(document.finish()))
}

async fn lock_of(
    call: &Call<'_>,
    action: Action,
    bucket: &BucketName,
    key: &ObjectKey,
) -> Result<ObjectLock> {
    let version = versions::requested(&call.query)?;
    let object = call.open_object(action, (bucket, key), version).await;
    let refused = matches!(&object, Err(error) if error.code == Code::AccessDenied);
    if !refused && call.engine().head_bucket(bucket).await?.lock.is_none() {
        return Err(crate::object::Error::NoObjectLock.into());
    }
    Ok(object?.info().properties.lock)
}

fn not_locked() -> Error {
    Code::NoSuchObjectLockConfiguration.into()
}

/// `PUT /bucket/key?retention`: PutObjectRetention. An empty document ends the retention.
pub(super) async fn put_retention(
    call: &Call<'_>,
    upload: Upload,
    bucket: BucketName,
    key: ObjectKey,
) -> Result<Response> {
    call.authorize_some(Action::PutObjectRetention, &bucket)?;
    let document = read_document(call, upload, Digest::Optional, DOCUMENT_BYTES_MAX).await?;
    let retention = parse_retention(&document, call.now())?;
    let lock = ObjectLock { retention, legal_hold: None };
    authorize(call, Action::PutObjectRetention, (&bucket, &key), lock).await?;
    let bypass_governance = call.bypasses_governance(&bucket, &key);
    let change = VersionChange::Retention { retention, bypass_governance };
    change_version(call, (&bucket, &key), change, StatusCode::OK).await
}

/// Reads `<Retention>`, which must end after `now`.
pub(in crate::s3) fn parse_retention(document: &[u8], now: Timestamp) -> Result<Option<Retention>> {
    let malformed = || Error::new(Code::MalformedXml);
    let retention = Element::parse(document, "Retention")?;
    match (retention.child_text("Mode"), retention.child_text("RetainUntilDate")) {
        (None, None) => Ok(None),
        (Some(mode), Some(until)) => {
            let mode = lock::parse_mode(mode).ok_or_else(malformed)?;
            let until = lock::in_future(parse_iso(until).ok_or_else(malformed)?, now)?;
            Ok(Some(Retention { mode, until }))
        }
        _ => Err(malformed()),
    }
}

/// `PUT /bucket/key?legal-hold`: PutObjectLegalHold.
pub(super) async fn put_legal_hold(
    call: &Call<'_>,
    upload: Upload,
    bucket: BucketName,
    key: ObjectKey,
) -> Result<Response> {
    call.authorize_some(Action::PutObjectLegalHold, &bucket)?;
    let document = read_document(call, upload, Digest::Optional, DOCUMENT_BYTES_MAX).await?;
    let held = parse_legal_hold(&document)?;
    let lock = ObjectLock { retention: None, legal_hold: Some(held) };
    authorize(call, Action::PutObjectLegalHold, (&bucket, &key), lock).await?;
    let change = VersionChange::LegalHold(held);
    change_version(call, (&bucket, &key), change, StatusCode::OK).await
}

/// Reads `<LegalHold>`.
pub(in crate::s3) fn parse_legal_hold(document: &[u8]) -> Result<bool> {
    let status = Element::parse(document, "LegalHold")?;
    status.child_text("Status").and_then(lock::parse_hold).ok_or_else(|| Code::MalformedXml.into())
}

/// Refuses unless the caller may lock the version like this, if that is there.
async fn authorize(
    call: &Call<'_>,
    action: Action,
    place: (&BucketName, &ObjectKey),
    lock: ObjectLock,
) -> Result<()> {
    let version = versions::requested(&call.query)?;
    let context = RequestContext { lock: Some(lock), ..call.context() };
    call.authorize_if_there(action, place, version, context).await
}

#[cfg(test)]
mod tests {
    use crate::types::RetentionMode;

    use super::*;

    fn configuration(inner: &str) -> Result<BucketLock, Code> {
        let document = format!("<ObjectLockConfiguration>{inner}</ObjectLockConfiguration>");
        parse_configuration(document.as_bytes()).map_err(|error| error.code)
    }

    #[test]
    fn defaults_are_read_within_their_limits() {
        const ON: &str = "<ObjectLockEnabled>Enabled</ObjectLockEnabled>";
        let rule = |mode, period| {
            configuration(&format!(
                "{ON}<Rule><DefaultRetention><Mode>{mode}</Mode>{period}</DefaultRetention></Rule>"
            ))
        };
        let days = BucketLock { default: Some((RetentionMode::Governance, RetentionPeriod::Days(7))) };
        assert_eq!(configuration(ON), Ok(BucketLock::default()));
        assert_eq!(rule("GOVERNANCE", "<Days>7</Days>"), Ok(days));
        for (mode, period, code) in [
            ("governance", "<Days>7</Days>", Code::MalformedXml),
            ("GOVERNANCE", "", Code::MalformedXml),
            ("GOVERNANCE", "<Days>7</Days><Years>1</Years>", Code::MalformedXml),
            ("GOVERNANCE", "<Days>0</Days>", Code::InvalidArgument),
            ("COMPLIANCE", "<Years>-1</Years>", Code::InvalidArgument),
            ("COMPLIANCE", "<Years>101</Years>", Code::InvalidArgument),
        ] {
            assert_eq!(rule(mode, period), Err(code), "{mode} {period}");
        }
        assert_eq!(configuration(""), Err(Code::MalformedXml));
    }

    #[test]
    fn a_retention_is_whole_or_none_and_ends_in_the_future() {
        let read = |inner: &str| {
            let document = format!("<Retention>{inner}</Retention>");
            parse_retention(document.as_bytes(), Timestamp::from_millis(0)).map_err(|error| error.code)
        };
        let until = Timestamp::from_millis(1000);
        let one = "<Mode>COMPLIANCE</Mode><RetainUntilDate>1970-01-01T00:00:01Z</RetainUntilDate>";
        assert_eq!(read(one), Ok(Some(Retention { mode: RetentionMode::Compliance, until })));
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("<Mode>COMPLIANCE</Mode>"), Err(Code::MalformedXml));
        assert_eq!(read(&one.replace(":01Z", ":00Z")), Err(Code::InvalidArgument));
    }
}
