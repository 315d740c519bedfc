//! What is written down of who did what: the audit log, and why requests were denied.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::StartError;
use crate::admin::{denial_line, denied_call_line};
use crate::config::Options;
use crate::http::tls::Trust;
use crate::jobs::{Lines, LinesUnderWay, RotatedFile};
use crate::runtime::{Clock, SystemClock};
use crate::telemetry::{GaugeKind, Metrics, RecordedRequest, Sample, SeenCall};
use crate::types::{CallerName, DecidingStatement, Timestamp};

/// Bytes of one file of the audit log.
const AUDIT_BYTES_MAX: u64 = 64 << 20;

/// Full files of the audit log that are kept.
const AUDIT_KEPT: u32 = 9;

/// Bytes of the file of denials; there are two of them.
const DENIALS_BYTES_MAX: u64 = 4 << 20;

/// File of the state folder in which denials stand.
pub(super) const DENIALS: &str = "denied.jsonl";

/// Where things are written down. Share it behind an `Arc`.
#[derive(Debug)]
pub(super) struct Journal {
    audit: Option<Arc<Lines>>,
    denials: Arc<Lines>,
}

/// The writing.
#[derive(Debug)]
pub(super) struct JournalUnderWay(Vec<(Arc<Lines>, LinesUnderWay)>);

impl JournalUnderWay {
    /// Writes what waits, for the last time.
    pub(super) async fn finish(self) {
        for (lines, under_way) in self.0 {
            lines.stop();
            under_way.finish().await;
        }
    }
}

impl Journal {
    /// Starts to write what the operator wants to have.
    pub(super) fn start(options: &Options) -> Result<(Arc<Self>, JournalUnderWay), StartError> {
        let open = |path: &Path, bytes_max, kept| {
            let opened = RotatedFile::open(path.to_owned(), bytes_max, kept);
            opened.map_err(|error| StartError::Journal { path: path.to_owned(), error })
        };
        let denials = open(&options.state.join(DENIALS), DENIALS_BYTES_MAX, 1)?;
        let (denials, writing) = Lines::start(Some(denials), None);
        let mut under_way = vec![(denials.clone(), writing)];
        let file =
            options.audit.file.as_deref().map(|path| open(path, AUDIT_BYTES_MAX, AUDIT_KEPT)).transpose()?;
        let webhook = match &options.audit.webhook {
            Some(webhook) => {
                let trust = Trust::of(options.tls_ca.as_deref(), None).map_err(StartError::Trust)?;
                Some((webhook.clone(), trust))
            }
            None => None,
        };
        let mut audit = None;
        if file.is_some() || webhook.is_some() {
            let (lines, writing) = Lines::start(file, webhook);
            under_way.push((lines.clone(), writing));
            audit = Some(lines);
        }
        Ok((Arc::new(Self { audit, denials }), JournalUnderWay(under_way)))
    }

    /// Says in metrics what was lost.
    pub(super) fn register(&self, metrics: &Metrics) {
        let Some(audit) = self.audit.clone() else { return };
        const DROPPED: &str =
            "Lines of the audit log that were lost: they came faster than they could be written or sent.";
        metrics.register("holdfast_audit_log_dropped_total", DROPPED, GaugeKind::Counter, move || {
            vec![Sample::plain(audit.dropped() as f64)]
        });
    }

    /// Whether every request is written down.
    pub(super) fn audits(&self) -> bool {
        self.audit.is_some()
    }

    /// Writes down a request to S3.
    pub(super) fn request(&self, request: &RecordedRequest) {
        if request.why.is_some() {
            self.denials.push(denial_line(request));
        }
        let Some(audit) = &self.audit else { return };
        let micros = u64::try_from(request.end.took.as_micros()).unwrap_or(u64::MAX);
        let at = Timestamp::from_millis(request.end.at.as_millis().saturating_sub(micros / 1000));
        let (why, allowed) = (request.why.as_deref(), request.allowed_by.as_deref());
        let decision = match (why, request.error) {
            (Some(_), _) | (None, Some("AccessDenied")) => "deny",
            (None, _) => "allow",
        };
        push(
            audit,
            &Entry {
                at: at.iso_millis(),
                service: "s3",
                action: why.map_or(request.operation, |why| why.action.as_str()),
                request_id: &request.id,
                caller: request.caller.as_deref().into(),
                address: request.address,
                method: Some(&request.method),
                bucket: request.bucket.as_deref(),
                key: request.key.as_deref(),
                resource: why.map(|why| why.resource.as_str()),
                status: request.end.status,
                error_code: request.error,
                decision,
                deciding: why.and_then(|why| why.deciding.as_ref()).or(allowed),
                missing: why.map(|why| why.missing.as_str()),
                took_us: Some(micros),
                sent: Some(request.end.sent),
                received: Some(request.end.received),
            },
        );
    }

    /// Writes down a call of another service.
    pub(super) fn call(&self, call: &SeenCall, peer: IpAddr, status: u16) {
        let at = SystemClock.now();
        if call.why.is_some() {
            self.denials.push(denied_call_line(call, peer, (status, at)));
        }
        let Some(audit) = &self.audit else { return };
        let refused = matches!(status, 401 | 403);
        push(
            audit,
            &Entry {
                at: at.iso_millis(),
                service: call.service,
                action: &call.action,
                request_id: &call.id,
                caller: call.caller.as_deref().into(),
                address: peer,
                method: None,
                bucket: None,
                key: None,
                resource: call.resource.as_deref(),
                status,
                error_code: call.error.as_deref(),
                decision: if refused { "deny" } else { "allow" },
                deciding: call.why.as_ref().and_then(|why| why.deciding.as_ref()),
                missing: call.why.as_ref().map(|why| why.missing.as_str()),
                took_us: None,
                sent: None,
                received: None,
            },
        );
    }
}

/// A line of the audit log. Nothing of a request is in it that could be a secret or a signature: no header, and no query.
#[derive(Serialize)]
struct Entry<'a> {
    at: String,
    service: &'a str,
    action: &'a str,
    request_id: &'a str,
    #[serde(flatten)]
    caller: Caller<'a>,
    address: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deciding: Option<&'a DecidingStatement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    took_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<u64>,
}

/// Who did it.
#[derive(Serialize)]
struct Caller<'a> {
    caller: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<&'a str>,
}

impl<'a> From<Option<&'a CallerName>> for Caller<'a> {
    fn from(name: Option<&'a CallerName>) -> Self {
        let source_identity = name.and_then(|name| name.source_identity.as_deref());
        Self { caller: name.map(|name| name.arn.as_str()), source_identity }
    }
}

fn push(lines: &Lines, entry: &Entry<'_>) {
    let mut line = serde_json::to_string(entry).expect("plain data serializes");
    line.push('\n');
    lines.push(line);
}
