//! `GET /bucket?list-type=2`: ListObjectsV2.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::object::{ListPage, ListRequest};
use crate::types::BucketName;

use super::super::auth::Call;
use super::super::error::{Error, Result};
use super::super::response::{Response, xml};
use super::super::xml_write::XmlWriter;
use super::listing::{self, KeyEncoding};

/// First byte of every continuation token, so that a later form can be told from this one.
const TOKEN_FORM: u8 = 1;

/// Answers a page of keys after the continuation token, else after `start-after`.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName) -> Result<Response> {
    let encoding = KeyEncoding::of(call)?;
    let start_after = call.query.get("start-after").unwrap_or_default();
    let after = match call.query.get("continuation-token") {
        Some(token) => read_token(token)?,
        None => start_after.to_owned(),
    };
    let request = listing::request(call, bucket, after)?;
    let page = call.engine().list(request.clone()).await?;
    Ok(xml(document(call, &request, &page, encoding)))
}

fn document(call: &Call<'_>, request: &ListRequest, page: &ListPage, encoding: KeyEncoding) -> Vec<u8> {
    let mut xml = XmlWriter::new(1024 + page.entries.len() * 384);
    xml.open_root("ListBucketResult");
    xml.element("Name", request.bucket.as_str());
    encoding.element(&mut xml, "Prefix", &request.prefix);
    if let Some(token) = call.query.get("continuation-token") {
        xml.element("ContinuationToken", token);
    }
    if let Some(next) = &page.next {
        xml.element("NextContinuationToken", &token(next));
    }
    if let Some(start_after) = call.query.get("start-after").filter(|text| !text.is_empty()) {
        encoding.element(&mut xml, "StartAfter", start_after);
    }
    if let Some(delimiter) = &request.delimiter {
        encoding.element(&mut xml, "Delimiter", delimiter);
    }
    xml.number("KeyCount", page.entries.len());
    xml.number("MaxKeys", request.max_keys);
    encoding.declare(&mut xml);
    xml.number("IsTruncated", page.next.is_some());
    let fetch_owner = call.query.get("fetch-owner").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let shown_owners = fetch_owner.then(|| call.owners(&request.bucket));
    listing::entries(&mut xml, &page.entries, encoding, |xml, object| {
        listing::contents(xml, object, encoding, shown_owners.as_ref());
    });
    xml.close("ListBucketResult");
    xml.finish()
}

fn token(after: &str) -> String {
    let mut bytes = vec![TOKEN_FORM];
    bytes.extend_from_slice(after.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_token(token: &str) -> Result<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let after = bytes.as_deref().and_then(|bytes| bytes.strip_prefix(&[TOKEN_FORM]));
    let after =
        after.and_then(|after| String::from_utf8(after.to_vec()).ok()).filter(|after| !after.is_empty());
    after.ok_or_else(|| {
        Error::argument("continuation-token", token, "The continuation token provided is incorrect")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_a_round_trip_and_made_up_ones_are_refused() {
        for key in ["a", "é/ \u{1}", "photos/"] {
            assert_eq!(read_token(&token(key)).unwrap(), key);
        }
        for made_up in ["", "a", "photos/", "AQ", "Af8", "!!"] {
            assert!(read_token(made_up).is_err(), "{made_up}");
        }
    }
}
