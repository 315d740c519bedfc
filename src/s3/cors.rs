//! Cross-origin resource sharing: preflights answered, and what browsers need to know on every other answer.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderName, HeaderValue, ORIGIN, VARY,
};
use hyper::{HeaderMap, Method, StatusCode};

use crate::object::Engine;
use crate::types::{BucketName, Cors, CorsRule};

use super::error::{Code, Error, Result};
use super::headers::text;
use super::response::{Response, empty};

/// What an answer depends on where a bucket has rules.
const VARIES: &str = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

/// Headers that one preflight may ask for.
const REQUEST_HEADERS_MAX: usize = 100;

/// Answers whether a page may send the request that it announces. Nobody signs a preflight.
pub(super) async fn preflight(
    engine: &Engine,
    bucket: &BucketName,
    resource_type: &'static str,
    headers: &HeaderMap,
) -> Result<Response> {
    let bad = |message: String| Error::with_message(Code::BadRequest, message);
    let origin = text(headers, ORIGIN.as_str())
        .ok_or_else(|| bad("Insufficient information. Origin request header needed.".into()))?;
    let method = text(headers, ACCESS_CONTROL_REQUEST_METHOD.as_str());
    let method = method
        .filter(|method| ["GET", "PUT", "POST", "DELETE", "HEAD"].contains(method))
        .ok_or_else(|| bad(format!("Invalid Access-Control-Request-Method: {}", method.unwrap_or("null"))))?;
    let forbidden = |message: &'static str| {
        Error::with_message(Code::AccessForbidden, message)
            .detail("Method", method.to_owned())
            .detail("ResourceType", resource_type)
    };
    let asked = text(headers, ACCESS_CONTROL_REQUEST_HEADERS.as_str()).unwrap_or_default();
    let asked: Vec<&str> = asked.split(',').map(str::trim).filter(|header| !header.is_empty()).collect();
    let rules = engine.bucket_rules(bucket);
    let Some(cors) = rules.as_ref().and_then(|rules| rules.cors.as_ref()) else {
        return Err(match engine.head_bucket(bucket).await {
            Ok(_) => forbidden("CORSResponse: CORS is not enabled for this bucket."),
            Err(_) => forbidden("CORSResponse: Bucket not found"),
        });
    };
    let rule = cors.rule_for(origin, method, &asked).filter(|_| asked.len() <= REQUEST_HEADERS_MAX);
    let rule = rule.ok_or_else(|| {
        forbidden(
            "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, \
             request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted \
             by the resource's CORS spec.",
        )
    })?;
    let mut response = empty(StatusCode::OK);
    allow(rule, origin, response.headers_mut());
    let asked = asked.join(", ").to_ascii_lowercase();
    insert(response.headers_mut(), ACCESS_CONTROL_ALLOW_HEADERS, &asked);
    response.headers_mut().insert(VARY, HeaderValue::from_static(VARIES));
    Ok(response)
}

/// Tells a browser what the page that asked may do with an answer.
pub(super) fn describe(cors: &Cors, method: &Method, headers: &HeaderMap, answer: &mut HeaderMap) {
    answer.append(VARY, HeaderValue::from_static(VARIES));
    let Some(origin) = text(headers, ORIGIN.as_str()) else { return };
    if let Some(rule) = cors.rule_for(origin, method.as_str(), &[]) {
        allow(rule, origin, answer);
    }
}

fn allow(rule: &CorsRule, origin: &str, answer: &mut HeaderMap) {
    if rule.is_for_any_origin(origin) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        insert(answer, ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    insert(answer, ACCESS_CONTROL_ALLOW_METHODS, &rule.methods.join(", "));
    insert(answer, ACCESS_CONTROL_EXPOSE_HEADERS, &rule.exposed.join(", "));
    if let Some(seconds) = rule.max_age_secs {
        answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
    }
}

/// A header, unless it would say nothing.
fn insert(answer: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value)
        && !value.is_empty()
    {
        answer.insert(name, value);
    }
}
