//! `POST /bucket`: PostObject, the upload of a browser's form. What it may do stands in a signed policy among
//! its fields.

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use hyper::{HeaderMap, StatusCode, Uri};

use crate::object::{PutOutcome, on_behalf_of};
use crate::sigv4::{Slash, encode_into};
use crate::types::{BucketName, ObjectKey, Tags};

use super::super::auth::{Call, FormRequest};
use super::super::body::Stored;
use super::super::error::{Error, Result};
use super::super::form::{self, Fields, FilePart};
use super::super::headers;
use super::super::post_policy::Policy;
use super::super::response::{Response, empty, xml_with_status};
use super::super::tags;
use super::super::xml_write::XmlWriter;
use super::put_object::store;
use super::{PUT_BYTES_MAX, name_bucket, name_key, parse_key};

/// Fields that are headers of the upload; besides these all of `x-amz-`, without those of the signature.
const HEADERS: [&str; 7] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "expires",
];

/// Fields of the signature; of `x-amz-` and yet no headers.
const OF_THE_SIGNATURE: [&str; 5] =
    ["x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-security-token", "x-amz-signature"];

/// Stores the file of a form.
pub(in crate::s3) async fn run(request: FormRequest<'_>, bucket: BucketName) -> Result<Response> {
    let content_type = headers::text(request.headers(), CONTENT_TYPE.as_str()).unwrap_or_default().to_owned();
    let idle_timeout = request.idle_timeout();
    let (signed, wire) = request.into_body();
    let (mut fields, file) = form::read(wire, &content_type, idle_timeout).await?;
    fields.set("bucket", bucket.as_str());
    let key = fields.get("key").ok_or_else(|| missing("key"))?;
    let key = parse_key(key)?;
    let call = signed.verify(&fields)?;
    let lengths = match call.signature {
        Some(_) => {
            let policy = Policy::parse(fields.get("policy").unwrap_or_default())?;
            policy.check(&fields, call.now().as_secs())?;
            policy.lengths()
        }
        // Without a signature nothing is promised, and what may be done stands in the policy and ACL of the bucket.
        None => 0..=PUT_BYTES_MAX,
    };
    let file = file.allow(*lengths.start()..=PUT_BYTES_MAX.min(*lengths.end()));
    let put = put(&call, &fields, &bucket, &key, file);
    let outcome = match call.origin(true) {
        None => put.await?,
        Some(origin) => on_behalf_of(origin, put).await?,
    };
    answer(&call, &fields, &bucket, &key, &outcome)
}

async fn put(
    call: &Call<'_>,
    fields: &Fields,
    bucket: &BucketName,
    key: &ObjectKey,
    file: FilePart<Incoming>,
) -> Result<PutOutcome> {
    let described = described(fields)?;
    let tagging = fields.get("tagging").map(|document| tags::parse(document.as_bytes(), Tags::OBJECT_MAX));
    let tags = tagging.transpose()?;
    call.authorize_form((&described, tags.as_ref()), (bucket, key))?;
    let mut properties = headers::properties(&described, call.now())?;
    properties.access = call.new_object_access(&described, bucket)?;
    if let Some(tags) = tags {
        properties.tags = tags;
    }
    let body = call.open_form(file, &described, Stored::Announced)?;
    let condition = headers::write_condition(&described)?;
    let place = (bucket.clone(), key.clone());
    let stored = store(call, &described, properties, place, (None, condition), body).await;
    stored.map_err(|error| name_bucket(name_key(error, key.as_str()), Some(bucket)))
}

/// The fields that say how the file shall be kept, as the headers that say the same.
fn described(fields: &Fields) -> Result<HeaderMap> {
    let mut described = HeaderMap::new();
    for (name, value) in fields.iter() {
        let header = match name {
            "acl" => "x-amz-acl",
            name if HEADERS.contains(&name) => name,
            name if name.starts_with("x-amz-") && !OF_THE_SIGNATURE.contains(&name) => name,
            _ => continue,
        };
        let value = HeaderValue::from_bytes(value.as_bytes());
        let (Ok(name), Ok(value)) = (HeaderName::try_from(header), value) else {
            return Err(Error::argument(
                "field",
                name,
                "The field cannot be the name and value of a header.",
            ));
        };
        described.insert(name, value);
    }
    Ok(described)
}

/// A field that a form must have.
pub(in crate::s3) fn missing(field: &'static str) -> Error {
    let message = format!(
        "Bucket POST must contain a field named '{field}'.  If it is specified, please check the order of the fields."
    );
    Error::argument(field, "", message)
}

/// A redirection, or the status that the form asks for: 200, 201 with a document, else 204.
fn answer(
    call: &Call<'_>,
    fields: &Fields,
    bucket: &BucketName,
    key: &ObjectKey,
    outcome: &PutOutcome,
) -> Result<Response> {
    let location = call.location(bucket, key);
    let redirect = fields.get("success_action_redirect").or_else(|| fields.get("redirect"));
    let redirect = redirect.and_then(|url| redirection(url, bucket, key, outcome));
    let mut response = match (&redirect, fields.get("success_action_status")) {
        (Some(_), _) => empty(StatusCode::SEE_OTHER),
        (None, Some("200")) => empty(StatusCode::OK),
        (None, Some("201")) => {
            xml_with_status(StatusCode::CREATED, document(&location, bucket, key, outcome))
        }
        (None, _) => empty(StatusCode::NO_CONTENT),
    };
    let answer = response.headers_mut();
    headers::stored(outcome, answer);
    if let Ok(location) = HeaderValue::try_from(redirect.unwrap_or(location)) {
        answer.insert(LOCATION, location);
    }
    Ok(response)
}

/// The URL with bucket, key and ETag in its query; none where it is no URL, which counts as no redirection.
fn redirection(url: &str, bucket: &BucketName, key: &ObjectKey, outcome: &PutOutcome) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    matches!(uri.scheme_str(), Some("http" | "https")).then_some(())?;
    let mut query = format!("bucket={bucket}&key=").into_bytes();
    encode_into(&mut query, key.as_str().as_bytes(), Slash::Encode);
    query.extend_from_slice(b"&etag=");
    encode_into(&mut query, format!("\"{}\"", outcome.etag).as_bytes(), Slash::Encode);
    let joint = if uri.query().is_some() { '&' } else { '?' };
    Some(format!("{url}{joint}{}", String::from_utf8_lossy(&query)))
}

fn document(location: &str, bucket: &BucketName, key: &ObjectKey, outcome: &PutOutcome) -> Vec<u8> {
    let mut xml = XmlWriter::new(512);
    xml.open("PostResponse");
    xml.element("Location", location);
    xml.element("Bucket", bucket.as_str());
    xml.element("Key", key.as_str());
    xml.etag(&outcome.etag);
    xml.close("PostResponse");
    xml.finish()
}
