//! `GET /bucket?search`: objects by a part of their key, by size, date, tags and metadata. S3 has no such operation; the
//! answer is made like ListObjectsV2's, or is JSON.

use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::StatusCode;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::json;

use crate::object::{IndexLag, Label, LabelKind, SEARCH_TIME_MAX, SearchHit, SearchPage, SearchQuery};
use crate::types::{BucketName, Timestamp};

use super::super::auth::Call;
use super::super::error::{Error, Result};
use super::super::headers::text;
use super::super::query::Query;
use super::super::response::{Response, ResponseBody, with_headers, xml};
use super::super::time::{iso, parse_iso};
use super::super::xml_write::XmlWriter;

/// First byte of every continuation token.
const TOKEN_FORM: u8 = 1;
/// Keys in one page at most.
const KEYS_MAX: u16 = 1000;
/// Tags and pieces of metadata in one search.
const LABELS_MAX: usize = 10;
/// Bytes of a text or prefix: as long as a key.
const TEXT_BYTES_MAX: usize = 1024;

/// Answers a page of what fits.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName) -> Result<Response> {
    call.engine().head_bucket(&bucket).await?;
    if !call.engine().is_searched(bucket.as_str()) {
        return Err(Error::request(
            "The bucket has no search index. The operator makes one with 'holdfast admin bucket search BUCKET on'.",
        ));
    }
    let token = call.query.get("continuation-token");
    let place = token.map(read_token).transpose()?;
    let asked = query(&call.query, place.map_or(0, |(_, after)| after))?;
    let (page, lag) = call.engine().search(&bucket, asked.clone()).await?;
    if let (Some((generation, _)), Some(token)) = (place, token)
        && generation != page.generation
    {
        let message =
            "The index was built anew since the continuation token was given; begin again without it";
        return Err(Error::argument("continuation-token", token, message));
    }
    let as_json = call.query.get("format") == Some("json")
        || text(call.headers(), ACCEPT.as_str()).is_some_and(|accept| accept.starts_with("application/json"));
    Ok(if as_json { as_document(&bucket, &page, lag) } else { xml(as_xml(&bucket, &asked, &page, lag)) })
}

/// What the parameters ask for, behind an entry.
pub(in crate::s3) fn query(parameters: &Query, after: u64) -> Result<SearchQuery> {
    let words = |name: &'static str| {
        let text = parameters.get(name).unwrap_or_default();
        if text.len() > TEXT_BYTES_MAX {
            return Err(Error::argument(name, text, "The text is longer than a key can be"));
        }
        Ok(text.to_owned())
    };
    Ok(SearchQuery {
        text: words("q")?,
        prefix: words("prefix")?,
        size: sizes(parameters)?,
        modified: dates(parameters)?,
        labels: labels(parameters)?,
        after,
        max: usize::from(parameters.page_size("max-keys", KEYS_MAX)?),
        time_max: SEARCH_TIME_MAX,
    })
}

/// A parameter that is there and not empty.
fn given<'a>(parameters: &'a Query, name: &str) -> Option<&'a str> {
    parameters.get(name).filter(|text| !text.is_empty())
}

fn sizes(parameters: &Query) -> Result<RangeInclusive<u64>> {
    let size = |name: &'static str| {
        let parse = |text: &str| {
            text.parse::<u64>().map_err(|_| Error::argument(name, text, "A size is a number of bytes"))
        };
        given(parameters, name).map(parse).transpose()
    };
    Ok(size("min-size")?.unwrap_or(0)..=size("max-size")?.unwrap_or(u64::MAX))
}

fn dates(parameters: &Query) -> Result<RangeInclusive<Timestamp>> {
    let date = |name: &'static str| {
        let parse = |text: &str| {
            let message = "A date is written like 2026-01-31T00:00:00Z";
            parse_iso(text).ok_or_else(|| Error::argument(name, text, message))
        };
        given(parameters, name).map(parse).transpose()
    };
    let (first, last) = (Timestamp::from_millis(0), Timestamp::from_millis(u64::MAX));
    Ok(date("modified-after")?.unwrap_or(first)..=date("modified-before")?.unwrap_or(last))
}

/// `tag=NAME=VALUE` and `metadata=NAME=VALUE`, each as often as wanted.
fn labels(parameters: &Query) -> Result<Vec<Label>> {
    let mut labels = Vec::new();
    for (parameter, text) in parameters.iter() {
        let (kind, parameter) = match parameter {
            "tag" => (LabelKind::Tag, "tag"),
            "metadata" => (LabelKind::Metadata, "metadata"),
            _ => continue,
        };
        let pair = text.split_once('=').filter(|(name, _)| !name.is_empty() && labels.len() < LABELS_MAX);
        let (name, value) = pair.ok_or_else(|| {
            Error::argument(parameter, text, "A tag or piece of metadata is NAME=VALUE, at most ten of them")
        })?;
        let name = if kind == LabelKind::Metadata { name.to_ascii_lowercase() } else { name.to_owned() };
        labels.push(Label { kind, name, value: value.to_owned() });
    }
    Ok(labels)
}

fn as_xml(bucket: &BucketName, asked: &SearchQuery, page: &SearchPage, lag: IndexLag) -> Vec<u8> {
    let mut xml = XmlWriter::new(1024 + page.hits.len() * 320);
    xml.open_root("SearchBucketResult");
    xml.element("Name", bucket.as_str());
    xml.element("Query", &asked.text);
    xml.element("Prefix", &asked.prefix);
    xml.number("KeyCount", page.hits.len());
    xml.number("MaxKeys", asked.max);
    xml.number("IsTruncated", page.next.is_some());
    if let Some(next) = page.next {
        xml.element("NextContinuationToken", &token(page.generation, next));
    }
    xml.open("Index");
    xml.number("Complete", lag.is_complete);
    xml.number("Pending", lag.pending);
    xml.number("LagSeconds", lag.seconds);
    xml.close("Index");
    for SearchHit { key, size, modified, etag } in &page.hits {
        xml.open("Contents");
        xml.element("Key", key);
        xml.element("LastModified", &iso(*modified));
        xml.etag(etag);
        xml.number("Size", size);
        xml.close("Contents");
    }
    xml.close("SearchBucketResult");
    xml.finish()
}

fn as_document(bucket: &BucketName, page: &SearchPage, lag: IndexLag) -> Response {
    let object = |hit: &SearchHit| {
        json!({
            "key": hit.key, "size": hit.size, "last_modified": iso(hit.modified), "etag": hit.etag.to_string(),
        })
    };
    let document = json!({
        "bucket": bucket.as_str(),
        "objects": page.hits.iter().map(object).collect::<Vec<_>>(),
        "next_continuation_token": page.next.map(|next| token(page.generation, next)),
        "index": { "complete": lag.is_complete, "pending": lag.pending, "lag_seconds": lag.seconds },
    });
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    with_headers(StatusCode::OK, headers, ResponseBody::document(document.to_string()))
}

fn token(generation: u64, after: u64) -> String {
    let mut bytes = vec![TOKEN_FORM];
    bytes.extend(generation.to_be_bytes());
    bytes.extend(after.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a continuation token: which index it is of, and behind which entry it goes on.
pub(in crate::s3) fn read_token(token: &str) -> Result<(u64, u64)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let numbers = bytes.as_deref().and_then(|bytes| bytes.strip_prefix(&[TOKEN_FORM])).and_then(|numbers| {
        let (generation, after) = numbers.split_at_checked(8)?;
        Some((u64::from_be_bytes(generation.try_into().ok()?), u64::from_be_bytes(after.try_into().ok()?)))
    });
    numbers.ok_or_else(|| {
        Error::argument("continuation-token", token, "The continuation token provided is incorrect")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_a_round_trip_and_made_up_ones_are_refused() {
        assert_eq!(read_token(&token(7, u64::MAX)).unwrap(), (7, u64::MAX));
        for made_up in ["", "AQ", "AQAAAAAAAAAHAAAAAAAAAAg9", "!!"] {
            assert!(read_token(made_up).is_err(), "{made_up}");
        }
    }
}
