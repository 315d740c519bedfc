//! Lines of server access logs (AWS: "Amazon S3 server access log format").

use std::fmt::Write;
use std::time::Duration;

use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, HOST, HeaderMap, REFERER, USER_AGENT};
use hyper::http::request;
use hyper::{Method, StatusCode};

use crate::sigv4::{Slash, encode_into};
use crate::types::{BucketName, Civil, Timestamp};

use super::query::Query;
use super::route::{BucketOperation, ObjectOperation, Operation};
use super::service::RequestName;
use super::time::MONTHS;

/// A request to a bucket whose requests are logged: all that its line says but what is known only once the answer
/// has ended.
#[derive(Debug, Clone)]
pub struct AccessRecord {
    /// The bucket.
    pub bucket: String,
    /// When the request came.
    pub at: Timestamp,
    /// The fields up to the error code ...
    before: String,
    /// ... and those behind the times.
    behind: String,
    object_size: Option<u64>,
    turn_around: Option<Duration>,
    /// Whole lines that follow: one for each key of a DeleteObjects.
    following: String,
}

/// What became of the keys of a DeleteObjects.
#[derive(Debug, Clone)]
pub(super) struct BatchDeletions(pub(super) Vec<BatchDeletion>);

/// What became of one.
#[derive(Debug, Clone)]
pub(super) struct BatchDeletion {
    pub(super) key: String,
    /// The version that was named.
    pub(super) version: Option<String>,
    /// Status and code of the error, if it was not removed.
    pub(super) error: Option<(u16, &'static str)>,
}

/// What a request is, before its outcome is known.
#[derive(Debug, Clone)]
pub(super) struct Logged {
    at: Timestamp,
    bucket: String,
    /// `REST.PUT.OBJECT`.
    operation: String,
    key: Option<String>,
    name: RequestName,
    /// Who asks; `None` for nobody, or who is not known.
    pub(super) requester: Option<String>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome<'a> {
    pub(super) status: StatusCode,
    /// The code of the error that was answered.
    pub(super) error: Option<&'static str>,
    /// The answer's headers.
    pub(super) headers: &'a HeaderMap,
    /// From the request's head to the answer's.
    pub(super) took: Duration,
    /// What became of the keys of a DeleteObjects.
    pub(super) batch: Option<&'a BatchDeletions>,
}

impl Logged {
    /// What to log of a request; `None` for one that is about no bucket.
    pub(super) fn new(
        operation: &Operation,
        method: &Method,
        at: Timestamp,
        name: RequestName,
    ) -> Option<Self> {
        let bucket = operation.bucket()?.as_str().to_owned();
        let key = match operation {
            Operation::Object(_, key, _) => Some(key.as_str().to_owned()),
            _ => None,
        };
        let operation = format!("REST.{}", action(operation, method));
        Some(Self { at, bucket, operation, key, name, requester: None })
    }

    /// What to log of a request to a website.
    pub(super) fn of_website(
        (bucket, key): (&BucketName, &str),
        method: &Method,
        at: Timestamp,
        name: RequestName,
    ) -> Self {
        let key = Some(key).filter(|key| !key.is_empty()).map(str::to_owned);
        let operation = format!("WEBSITE.{method}.OBJECT");
        Self { at, bucket: bucket.as_str().to_owned(), operation, key, name, requester: None }
    }

    /// The record of the request, now that it was answered.
    pub(super) fn record(self, head: &request::Parts, owner: &str, outcome: Outcome<'_>) -> AccessRecord {
        let requester = self.requester.as_deref().unwrap_or("-");
        let following = outcome.batch.map(|batch| self.following(head, owner, batch)).unwrap_or_default();
        let key = self.key.as_deref().map_or("-".to_owned(), encoded);
        let before = format!(
            "{owner} {} [{}] {} {requester} {} {} {key} \"{} {} {:?}\" {} {}",
            self.bucket,
            strftime(self.at),
            self.name.peer.ip().to_canonical(),
            self.name.id,
            self.operation,
            head.method,
            uri(head),
            head.version,
            outcome.status.as_u16(),
            outcome.error.unwrap_or("-"),
        );
        let version = header(outcome.headers, "x-amz-version-id").map(str::to_owned).or_else(|| {
            Query::parse(head.uri.query().unwrap_or_default()).ok()?.get("versionId").map(str::to_owned)
        });
        let (signature, kind) = signature(head);
        let behind = format!(
            "{} {} {} {} {signature} - {kind} {} - - -",
            quoted(header(&head.headers, REFERER.as_str())),
            quoted(header(&head.headers, USER_AGENT.as_str())),
            version.as_deref().map_or("-".to_owned(), encoded),
            self.name.host_id,
            header(&head.headers, HOST.as_str()).map_or("-".to_owned(), word),
        );
        let bodiless = matches!(head.method, Method::GET | Method::HEAD | Method::DELETE);
        AccessRecord {
            bucket: self.bucket,
            at: self.at,
            before,
            behind,
            object_size: object_size(head, &outcome),
            turn_around: bodiless.then_some(outcome.took),
            following,
        }
    }

    /// A line for each key of a DeleteObjects, without what is only known of the request as a whole.
    fn following(
        &self,
        head: &request::Parts,
        owner: &str,
        BatchDeletions(batch): &BatchDeletions,
    ) -> String {
        let (signature, kind) = signature(head);
        let host = header(&head.headers, HOST.as_str()).map_or("-".to_owned(), word);
        let before = format!(
            "{owner} {} [{}] {} {} {} BATCH.DELETE.OBJECT",
            self.bucket,
            strftime(self.at),
            self.name.peer.ip().to_canonical(),
            self.requester.as_deref().unwrap_or("-"),
            self.name.id,
        );
        let behind = format!("{} {signature} - {kind} {host} - - -", self.name.host_id);
        let mut lines = String::with_capacity(batch.len() * (before.len() + behind.len() + 64));
        for deletion in batch {
            let (status, error) = deletion.error.unwrap_or((204, "-"));
            let version = deletion.version.as_deref().map_or("-".to_owned(), encoded);
            let key = encoded(&deletion.key);
            let _ = writeln!(lines, "{before} {key} - {status} {error} - - - - - - {version} {behind}");
        }
        lines
    }
}

impl AccessRecord {
    /// The line, and those that follow it, once the answer has ended after so many bytes of its body and this time.
    pub fn line(&self, sent: u64, took: Duration) -> String {
        let number = |value: Option<u64>| value.map_or("-".to_owned(), |value| value.to_string());
        let mut line = self.before.clone();
        let _ = writeln!(
            line,
            " {} {} {} {} {}",
            number(Some(sent).filter(|sent| *sent > 0)),
            number(self.object_size),
            took.as_millis(),
            number(self.turn_around.map(|took| took.as_millis() as u64)),
            self.behind
        );
        line.push_str(&self.following);
        line
    }
}

/// `PUT.OBJECT`: method and resource.
fn action(operation: &Operation, method: &Method) -> String {
    use {BucketOperation as OnBucket, ObjectOperation as OnObject};
    let resource = match operation {
        Operation::ListBuckets => "SERVICE".to_owned(),
        Operation::Preflight(..) => "PREFLIGHT".to_owned(),
        Operation::Object(_, _, OnObject::Copy) => return "COPY.OBJECT".to_owned(),
        Operation::Object(_, _, OnObject::UploadPartCopy) => return "COPY.PART".to_owned(),
        Operation::Bucket(_, operation) => match operation {
            OnBucket::GetLocation => "LOCATION".to_owned(),
            OnBucket::ListVersions => "BUCKETVERSIONS".to_owned(),
            OnBucket::ListUploads => "UPLOADS".to_owned(),
            OnBucket::DeleteObjects => "MULTI_OBJECT_DELETE".to_owned(),
            OnBucket::PostObject => "OBJECT".to_owned(),
            OnBucket::Read(aspect) | OnBucket::Write(aspect) | OnBucket::Remove(aspect) => {
                match aspect.parameter() {
                    "logging" => "LOGGING_STATUS".to_owned(),
                    "policy" => "BUCKETPOLICY".to_owned(),
                    other => resource(other),
                }
            }
            _ => "BUCKET".to_owned(),
        },
        Operation::Object(_, _, operation) => match operation {
            OnObject::CreateUpload => "UPLOADS".to_owned(),
            OnObject::UploadPart => "PART".to_owned(),
            OnObject::CompleteUpload | OnObject::AbortUpload | OnObject::ListParts => "UPLOAD".to_owned(),
            OnObject::Restore => "OBJECT_RESTORE".to_owned(),
            OnObject::GetAttributes => "OBJECT_ATTRIBUTES".to_owned(),
            OnObject::Read(aspect) | OnObject::Write(aspect) | OnObject::Remove(aspect) => {
                match aspect.parameter() {
                    "acl" => "ACL".to_owned(),
                    other => format!("OBJECT_{}", resource(other)),
                }
            }
            _ => "OBJECT".to_owned(),
        },
    };
    format!("{method}.{resource}")
}

/// A sub-resource as logs name it: `publicAccessBlock` is `PUBLIC_ACCESS_BLOCK`.
fn resource(parameter: &str) -> String {
    let mut name = String::with_capacity(parameter.len() + 4);
    for letter in parameter.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(if letter == '-' { '_' } else { letter.to_ascii_uppercase() });
    }
    name
}

/// `06/Feb/2019:00:00:38 +0000`.
fn strftime(at: Timestamp) -> String {
    let Civil { year, month, day, hour, minute, second } = Civil::from_unix_secs(at.as_secs());
    let month = MONTHS[usize::from(month.saturating_sub(1)).min(11)];
    format!("{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000")
}

/// How the request is signed, and where that stands.
fn signature(head: &request::Parts) -> (&'static str, &'static str) {
    let authorization = header(&head.headers, AUTHORIZATION.as_str()).unwrap_or_default();
    let query = head.uri.query().unwrap_or_default();
    let named = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    match authorization {
        text if text.starts_with("AWS4-") => ("SigV4", "AuthHeader"),
        text if text.starts_with("AWS ") => ("SigV2", "AuthHeader"),
        _ if named("X-Amz-Signature") => ("SigV4", "QueryString"),
        _ if named("Signature") => ("SigV2", "QueryString"),
        _ => ("-", "-"),
    }
}

/// Path and query, without what would let a reader of the log do what the client did.
fn uri(head: &request::Parts) -> String {
    let path = word(head.uri.path());
    let Some(query) = head.uri.query() else { return path };
    let hide = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}=REDACTED"),
        _ => word(pair),
    };
    format!("{path}?{}", query.split('&').map(hide).collect::<Vec<_>>().join("&"))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["signature", "token", "customer-key"].iter().any(|secret| name.contains(secret))
}

/// Length of the object: of the one that was read, or of the one that was written.
fn object_size(head: &request::Parts, outcome: &Outcome<'_>) -> Option<u64> {
    if !outcome.status.is_success() {
        return None;
    }
    match head.method {
        Method::GET | Method::HEAD if outcome.headers.contains_key("etag") => {
            let range =
                header(outcome.headers, CONTENT_RANGE.as_str()).and_then(|range| range.rsplit_once('/'));
            let size = range.map(|(_, size)| size).or(header(outcome.headers, CONTENT_LENGTH.as_str()));
            size?.parse().ok()
        }
        Method::PUT => {
            let decoded = header(&head.headers, "x-amz-decoded-content-length");
            decoded.or(header(&head.headers, CONTENT_LENGTH.as_str()))?.parse().ok()
        }
        _ => None,
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().filter(|value| !value.is_empty())
}

/// A key as logs have it: encoded as in a URL.
fn encoded(key: &str) -> String {
    let mut out = Vec::with_capacity(key.len());
    encode_into(&mut out, key.as_bytes(), Slash::Keep);
    String::from_utf8_lossy(&out).into_owned()
}

/// What a client said, so that it cannot end its field or line.
fn word(text: &str) -> String {
    text.replace(' ', "%20").replace('"', "%22")
}

fn quoted(text: Option<&str>) -> String {
    text.map_or("\"-\"".to_owned(), |text| format!("\"{}\"", text.replace('"', "%22")))
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;
    use crate::types::ObjectKey;

    fn line(
        request: hyper::http::request::Builder,
        operation: ObjectOperation,
        error: Option<&'static str>,
    ) -> String {
        let (head, ()) = request.body(()).unwrap().into_parts();
        let name =
            RequestName { peer: "192.0.2.3:99".parse().unwrap(), id: "ID".into(), host_id: "HOST".into() };
        let bucket = BucketName::parse("photos").unwrap();
        let operation = Operation::Object(bucket, ObjectKey::parse("a b/c").unwrap(), operation);
        let at = Timestamp::from_millis(1_549_411_238_000);
        let mut logged = Logged::new(&operation, &head.method, at, name).unwrap();
        logged.requester = Some("requester".into());
        let mut headers = HeaderMap::new();
        headers.insert("etag", "\"e\"".parse().unwrap());
        headers.insert("content-length", "20".parse().unwrap());
        let status = if error.is_some() { StatusCode::NOT_FOUND } else { StatusCode::OK };
        let took = Duration::from_millis(4);
        let outcome = Outcome { status, error, headers: &headers, took, batch: None };
        logged.record(&head, "owner", outcome).line(10, Duration::from_millis(9))
    }

    #[test]
    fn a_line_has_all_fields_in_the_order_of_aws() {
        let request = Request::get("/photos/a%20b/c?versionId=3")
            .header("host", "s3.test")
            .header("user-agent", "curl \"x\"")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=AK, Signature=hush");
        let line = line(request, ObjectOperation::Get, None);
        let expected = "owner photos [06/Feb/2019:00:00:38 +0000] 192.0.2.3 requester ID REST.GET.OBJECT a%20b/c \
            \"GET /photos/a%20b/c?versionId=3 HTTP/1.1\" 200 - 10 20 9 4 \"-\" \"curl %22x%22\" 3 HOST SigV4 - AuthHeader \
            s3.test - - -\n";
        assert_eq!(line, expected);
    }

    #[test]
    fn what_opens_doors_is_not_logged() {
        let presigned = "/photos/k?X-Amz-Signature=hush&X-Amz-Security-Token=hush&x-amz-server-side-encryption-customer-key=hush&X-Amz-Date=1";
        let line = line(Request::put(presigned), ObjectOperation::Put, Some("NoSuchBucket"));
        assert!(!line.contains("hush") && line.contains("X-Amz-Date=1"), "{line}");
        assert!(
            line.contains("REST.PUT.OBJECT")
                && line.contains(" 404 NoSuchBucket ")
                && line.contains("QueryString"),
            "{line}"
        );
    }

    #[test]
    fn each_key_of_a_batch_has_a_line_of_its_own() {
        let request = Request::post("/photos?delete").header("host", "s3.test");
        let (head, ()) = request.body(()).unwrap().into_parts();
        let name =
            RequestName { peer: "192.0.2.3:99".parse().unwrap(), id: "ID".into(), host_id: "HOST".into() };
        let bucket = BucketName::parse("photos").unwrap();
        let operation = Operation::Bucket(bucket, BucketOperation::DeleteObjects);
        let at = Timestamp::from_millis(1_549_411_238_000);
        let logged = Logged::new(&operation, &head.method, at, name).unwrap();
        let deletion = |key: &str, version: Option<&str>, error| BatchDeletion {
            key: key.into(),
            version: version.map(str::to_owned),
            error,
        };
        let batch = BatchDeletions(vec![
            deletion("a b", None, None),
            deletion("c", Some("3"), Some((403, "AccessDenied"))),
        ]);
        let (headers, took) = (HeaderMap::new(), Duration::ZERO);
        let outcome =
            Outcome { status: StatusCode::OK, error: None, headers: &headers, took, batch: Some(&batch) };
        let text = logged.record(&head, "owner", outcome).line(0, took);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].contains("REST.POST.MULTI_OBJECT_DELETE - \"POST /photos?delete"), "{text}");
        let of_key = |rest: &str| {
            format!(
                "owner photos [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - ID BATCH.DELETE.OBJECT {rest} HOST - - - s3.test - - -"
            )
        };
        assert_eq!(
            lines[1..],
            [of_key("a%20b - 204 - - - - - - - -"), of_key("c - 403 AccessDenied - - - - - - 3")]
        );
    }

    #[test]
    fn sub_resources_are_named_as_aws_names_them() {
        let named =
            [("publicAccessBlock", "PUBLIC_ACCESS_BLOCK"), ("legal-hold", "LEGAL_HOLD"), ("cors", "CORS")];
        for (parameter, name) in named {
            assert_eq!(resource(parameter), name);
        }
    }
}
