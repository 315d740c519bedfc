//! The requests of late, and why some were denied.

use std::net::IpAddr;
use std::path::Path;

use percent_encoding::percent_decode_str;

use super::Refusal;
use super::api::{RequestPage, RequestReport};
use crate::jobs::find_line;
use crate::telemetry::{RecordedRequest, Requests, SeenCall};
use crate::types::Timestamp;

/// Requests of one page.
const PAGE_MAX: usize = 1000;

/// Requests of one page that is not asked to be longer.
const PAGE_USUAL: usize = 100;

/// Which requests are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct RequestQuery {
    /// Those after this number; the last ones where none is given.
    after: Option<u64>,
    max: usize,
    /// A status, or its class: `404`, `4xx`.
    status: Option<String>,
    operation: Option<String>,
    bucket: Option<String>,
    /// A part of id, key, caller, address or code.
    text: Option<String>,
}

impl RequestQuery {
    /// Reads the query of a request.
    pub(super) fn parse(query: &str) -> Result<Self, Refusal> {
        let mut parsed = Self { max: PAGE_USUAL, ..Self::default() };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned();
            let bad = |what| Refusal::BadRequest(format!("{name} is {what}"));
            match name {
                "after" => {
                    parsed.after = Some(value.parse().map_err(|_| bad("the `next` of an earlier page"))?)
                }
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
                    parsed.max = limit.ok_or_else(|| bad("from 1 to 1000"))?;
                }
                _ if value.is_empty() => {}
                "status" => parsed.status = Some(value.to_ascii_lowercase()),
                "operation" => parsed.operation = Some(value),
                "bucket" => parsed.bucket = Some(value),
                "text" => parsed.text = Some(value.to_lowercase()),
                _ => return Err(bad("not known here; see docs/admin-api.md")),
            }
        }
        Ok(parsed)
    }

    fn wants(&self, request: &RecordedRequest) -> bool {
        let status = request.end.status.to_string();
        let is_status = |wanted: &String| {
            wanted.strip_suffix("xx").map_or(status == *wanted, |class| status.starts_with(class))
        };
        let contains = |wanted: &String| {
            let address = request.address.to_string();
            let texts = [
                Some(request.id.as_str()),
                request.key.as_deref(),
                request.bucket.as_deref(),
                request.caller.as_ref().map(|caller| caller.arn.as_str()),
                request.error,
                Some(address.as_str()),
            ];
            texts.into_iter().flatten().any(|text| text.to_lowercase().contains(wanted.as_str()))
        };
        self.status.as_ref().is_none_or(is_status)
            && self.operation.as_ref().is_none_or(|wanted| request.operation == wanted)
            && self.bucket.as_ref().is_none_or(|wanted| request.bucket.as_ref() == Some(wanted))
            && self.text.as_ref().is_none_or(contains)
    }
}

/// A page of requests.
pub(super) fn page(requests: &Requests, query: &RequestQuery) -> RequestPage {
    let (found, next) = match query.after {
        Some(after) => requests.after(after, query.max, |request| query.wants(request)),
        None => {
            // What is asked for next is what came after all that was looked at.
            let (_, next) = requests.after(u64::MAX - 1, 0, |_| false);
            (requests.last(query.max, |request| query.wants(request)), next)
        }
    };
    RequestPage { next, requests: found.iter().map(report).collect() }
}

/// One request, with why it was denied. Denied ones are remembered for longer, in a file.
pub(super) async fn one(requests: &Requests, denials: &Path, id: &str) -> Result<RequestReport, Refusal> {
    if let Some(found) = requests.find(id) {
        return Ok(whole_report(&found));
    }
    let (path, named) = (denials.to_owned(), format!("\"request_id\":{}", serde_json::Value::from(id)));
    let found = tokio::task::spawn_blocking(move || find_line(&path, |line| line.contains(&named))).await;
    let line = match found {
        Ok(Ok(line)) => line,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the file of denials cannot be read");
            None
        }
        Err(_) => None,
    };
    line.and_then(|line| serde_json::from_str(&line).ok()).ok_or_else(|| {
        Refusal::NotFound(format!(
            "no request {id} is remembered; the last 10,000 of this gateway are, and denied ones for longer"
        ))
    })
}

/// The line in which a denied request is remembered.
pub fn denial_line(request: &RecordedRequest) -> String {
    let mut line = serde_json::to_string(&whole_report(request)).expect("plain data serializes");
    line.push('\n');
    line
}

/// The line in which a denied call of another service than S3 is remembered.
pub fn denied_call_line(call: &SeenCall, address: IpAddr, (status, at): (u16, Timestamp)) -> String {
    let report = RequestReport {
        seq: 0,
        at: at.iso_millis(),
        request_id: call.id.clone(),
        method: call.method.clone(),
        operation: call.action.clone(),
        bucket: None,
        key: None,
        status,
        error_code: call.error.clone(),
        caller: call.caller.as_ref().map(|caller| caller.arn.clone()),
        address: address.to_string(),
        took_us: 0,
        sent: 0,
        received: 0,
        why: call.why.as_deref().cloned(),
    };
    let mut line = serde_json::to_string(&report).expect("plain data serializes");
    line.push('\n');
    line
}

fn whole_report(request: &RecordedRequest) -> RequestReport {
    RequestReport { why: request.why.as_deref().cloned(), ..report(request) }
}

fn report(request: &RecordedRequest) -> RequestReport {
    let end = request.end;
    let micros = u64::try_from(end.took.as_micros()).unwrap_or(u64::MAX);
    RequestReport {
        seq: request.number,
        at: Timestamp::from_millis(end.at.as_millis().saturating_sub(micros / 1000)).iso_millis(),
        request_id: request.id.clone(),
        method: request.method.clone(),
        operation: request.operation.to_owned(),
        bucket: request.bucket.clone(),
        key: request.key.clone(),
        status: end.status,
        error_code: request.error.map(str::to_owned),
        caller: request.caller.as_ref().map(|caller| caller.arn.clone()),
        address: request.address.to_canonical().to_string(),
        took_us: micros,
        sent: end.sent,
        received: end.received,
        why: None,
    }
}
