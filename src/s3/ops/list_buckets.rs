//! `GET /`: ListBuckets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::iam::Account;
use crate::object::BucketInfo;

use super::super::auth::Call;
use super::super::error::{Code, Error, Result};
use super::super::response::{Response, xml};
use super::super::time::iso;
use super::super::xml_write::XmlWriter;
use super::listing::owner;

/// Buckets in one answer at most.
const BUCKETS_MAX: u16 = 10_000;

/// Answers all buckets by name, or a page of them.
pub(super) async fn run(call: &Call<'_>) -> Result<Response> {
    let max = page_size(call)?;
    let prefix = call.query.get("prefix").unwrap_or_default();
    let after = call.query.get("continuation-token").filter(|token| !token.is_empty()).map(read_token);
    let after = after.transpose()?.unwrap_or_default();
    let elsewhere = call.query.get("bucket-region").is_some_and(|region| region != call.region());
    let account = call.principal().account().ok_or(Code::AccessDenied)?;
    let first = call.iam().first().canonical_id;
    let mut buckets = call.engine().list_buckets().await?;
    buckets.retain(|bucket| {
        let name = bucket.name.as_str();
        let owner = bucket.owner.unwrap_or(first);
        owner == account.canonical_id && name.starts_with(prefix) && name > after.as_str() && !elsewhere
    });
    let more = buckets.len() > usize::from(max);
    buckets.truncate(usize::from(max));
    Ok(xml(document((call, account), &buckets, prefix, more)))
}

fn document(
    (call, account): (&Call<'_>, &Account),
    buckets: &[BucketInfo],
    prefix: &str,
    more: bool,
) -> Vec<u8> {
    let mut xml = XmlWriter::new(512 + buckets.len() * 160);
    xml.open_root("ListAllMyBucketsResult");
    owner(&mut xml, "Owner", account);
    xml.open("Buckets");
    for bucket in buckets {
        xml.open("Bucket");
        xml.element("Name", bucket.name.as_str());
        xml.element("CreationDate", &iso(bucket.created));
        xml.element("BucketRegion", call.region());
        xml.close("Bucket");
    }
    xml.close("Buckets");
    if !prefix.is_empty() {
        xml.element("Prefix", prefix);
    }
    if let Some(last) = buckets.last().filter(|_| more) {
        xml.element("ContinuationToken", &URL_SAFE_NO_PAD.encode(last.name.as_str()));
    }
    xml.close("ListAllMyBucketsResult");
    xml.finish()
}

fn read_token(token: &str) -> Result<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
        Error::argument("continuation-token", token, "The continuation token provided is incorrect")
    })
}

/// Unlike other page sizes this one is not cut down to what is allowed.
fn page_size(call: &Call<'_>) -> Result<u16> {
    const NAME: &str = "max-buckets";
    let Some(text) = call.query.get(NAME).filter(|text| !text.is_empty()) else { return Ok(BUCKETS_MAX) };
    let size = text.parse().ok().filter(|size| (1..=BUCKETS_MAX).contains(size));
    size.ok_or_else(|| {
        Error::argument(NAME, text, format!("Argument {NAME} must be an integer between 1 and {BUCKETS_MAX}"))
    })
}
