//! `GET /bucket`: ListObjects, version 1.

use crate::object::{ListPage, ListRequest};
use crate::types::BucketName;

use super::super::auth::Call;
use super::super::error::Result;
use super::super::response::{Response, xml};
use super::super::xml_write::XmlWriter;
use super::listing::{self, KeyEncoding};

/// Answers a page of keys after `marker`.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName) -> Result<Response> {
    let encoding = KeyEncoding::of(call)?;
    let marker = call.query.get("marker").unwrap_or_default().to_owned();
    let request = listing::request(call, bucket, marker)?;
    let page = call.engine().list(request.clone()).await?;
    Ok(xml(document(call, &request, &page, encoding)))
}

fn document(call: &Call<'_>, request: &ListRequest, page: &ListPage, encoding: KeyEncoding) -> Vec<u8> {
    let mut xml = XmlWriter::new(1024 + page.entries.len() * 512);
    xml.open_root("ListBucketResult");
    xml.element("Name", request.bucket.as_str());
    encoding.element(&mut xml, "Prefix", &request.prefix);
    encoding.element(&mut xml, "Marker", &request.after);
    if let Some(delimiter) = &request.delimiter {
        encoding.element(&mut xml, "Delimiter", delimiter);
        if let Some(next) = &page.next {
            encoding.element(&mut xml, "NextMarker", next);
        }
    }
    xml.number("MaxKeys", request.max_keys);
    encoding.declare(&mut xml);
    xml.number("IsTruncated", page.next.is_some());
    let owners = call.owners(&request.bucket);
    listing::entries(&mut xml, &page.entries, encoding, |xml, object| {
        listing::contents(xml, object, encoding, Some(&owners));
    });
    xml.close("ListBucketResult");
    xml.finish()
}
