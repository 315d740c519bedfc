//! The S3 interface as one value: requests in, answers out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::header::{HOST, HeaderName, HeaderValue, SERVER};
use hyper::http::request;
use hyper::{Method, Request, StatusCode};

use crate::iam::{Iam, Identity, KeyLimits, KeyPermit};
use crate::object::{BucketRules, Engine, on_behalf_of};
use crate::runtime::{Clock, random_bytes};
use crate::telemetry::{self, SeenRequest};
use crate::types::{CallerName, CanonicalId, DecidingStatement, Why};

use super::access_log::{BatchDeletions, Logged, Outcome};
use super::auth::{self, FormRequest};
use super::cors;
use super::error::{Code, Error, Result};
use super::new_buckets::NewBuckets;
use super::ops;
use super::query::Query;
use super::response::{Response, ResponseBody, empty, xml_with_status};
use super::route::{BucketAspect, BucketOperation, Operation, Target, bucket_of_host, route};
use super::website::{self, Visit};
use super::wire::Wire;

/// How the S3 interface behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The region that signatures must name.
    pub region: String,
    /// Domains under which a bucket may be the first label of the host; none means path style alone.
    pub domains: Vec<String>,
    /// Signature version 2 is believed too.
    pub signature_v2: bool,
    /// Clients come by TLS.
    pub tls: bool,
    /// Encryption keys of clients (SSE-C) are taken without TLS too.
    pub customer_keys_over_http: bool,
    /// What a new bucket is like.
    pub new_buckets: NewBuckets,
    /// How long a client may send nothing in the middle of a body.
    pub idle_timeout: Duration,
    /// Domains under which a bucket is served as a website.
    pub website_domains: Vec<String>,
    /// ARNs of those who can be told of changes.
    pub event_targets: Vec<String>,
    /// What allows each request is found out too, for the audit log.
    pub audited: bool,
    /// What each access key may ask for at most.
    pub key_limits: KeyLimits,
}

impl Options {
    /// The region of a server whose operator named none. It is none of AWS's on purpose: for those that
    /// AWS opened before 2014 aws-cli v1 and boto3 presign with the withdrawn signature version 2.
    pub const REGION_DEFAULT: &'static str = "local";
    /// What clients sign for that were told no region.
    const REGION_OF_CLIENTS: &'static str = "us-east-1";

    /// The region that a signature for `claimed` is checked against.
    pub(super) fn accepted_region<'a>(&'a self, claimed: &'a str) -> &'a str {
        let unnamed = self.region == Self::REGION_DEFAULT && claimed == Self::REGION_OF_CLIENTS;
        if unnamed { claimed } else { &self.region }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            region: Self::REGION_DEFAULT.into(),
            domains: Vec::new(),
            signature_v2: false,
            tls: false,
            customer_keys_over_http: false,
            new_buckets: NewBuckets::default(),
            idle_timeout: Duration::from_secs(30),
            website_domains: Vec::new(),
            event_targets: Vec::new(),
            audited: false,
            key_limits: KeyLimits::default(),
        }
    }
}

/// The S3 interface. Share it behind an `Arc`.
#[derive(Debug)]
pub struct Service {
    pub(super) options: Options,
    pub(super) engine: Arc<Engine>,
    pub(super) iam: Arc<Iam>,
    pub(super) clock: Arc<dyn Clock>,
    ids: RequestIds,
}

/// By which way a request came.
#[derive(Debug, Clone)]
pub enum Door {
    /// To the address of S3; hosts of websites are told by their domain.
    Api,
    /// To one for websites alone.
    Website,
    /// To another, where it was found out who calls. Nothing is signed then, and a bucket stands in the path alone.
    Vouched(Arc<Identity>),
}

impl Door {
    /// Who calls, where that was found out elsewhere.
    fn vouched(&self) -> Option<&Arc<Identity>> {
        match self {
            Self::Vouched(identity) => Some(identity),
            Self::Api | Self::Website => None,
        }
    }
}

/// What a request is known by: among its extensions where others are told of it.
#[derive(Debug, Clone)]
pub(super) struct RequestName {
    /// Where it came from.
    pub(super) peer: SocketAddr,
    /// The ids of its answer.
    pub(super) id: String,
    pub(super) host_id: String,
}

/// What a request turned out to be, for the answer's frame.
struct Learned {
    counted: telemetry::Operation,
    rules: Option<Arc<BucketRules>>,
    logged: Option<Box<Logged>>,
    /// The code of the error that is answered.
    error: Option<&'static str>,
    /// The ARN of who calls.
    caller: Option<Arc<CallerName>>,
    /// Why it is refused.
    why: Option<Arc<Why>>,
    /// What allows it, where that is written down.
    allowed_by: Option<Arc<DecidingStatement>>,
    /// That it is let in, where that is limited.
    permit: Option<KeyPermit>,
}

impl Learned {
    /// Nothing yet.
    fn new() -> Self {
        let (counted, rules, logged) = (telemetry::Operation::Unknown, None, None);
        Self { counted, rules, logged, error: None, caller: None, why: None, allowed_by: None, permit: None }
    }
}

impl Service {
    /// An interface to this engine for the accounts of `iam`.
    pub fn new(options: Options, engine: Arc<Engine>, iam: Arc<Iam>, clock: Arc<dyn Clock>) -> Self {
        Self { options, engine, iam, clock, ids: RequestIds::new() }
    }

    /// Answers one request. The answer's extensions say what it was ([`SeenRequest`]), and hold the
    /// [`KeyPermit`] that must live as long as the answer.
    pub async fn handle(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        door: Door,
    ) -> hyper::Response<ResponseBody> {
        let id = self.ids.next();
        let (mut head, body) = request.into_parts();
        let wire = Wire::new(body, &head.headers);
        let mut learned = Learned::new();
        let started = Instant::now();
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let is_visit = match &door {
            Door::Website => true,
            Door::Api => self.is_website(host),
            Door::Vouched(_) => false,
        };
        let mut response = if is_visit {
            Box::pin(self.visit(&head, &mut learned, (&id, peer))).await
        } else {
            match self.run(&mut head, wire, &mut learned, (&id, peer, &door)).await {
                Ok(response) => response,
                Err(error) => {
                    learned.error = Some(error.code.describe().0);
                    learned.why = error.why.clone();
                    self.refuse(&error, &head, &id)
                }
            }
        };
        let headers = response.headers_mut();
        if let Some(cors) = learned.rules.as_ref().and_then(|rules| rules.cors.as_ref())
            && head.method != Method::OPTIONS
            && door.vouched().is_none()
        {
            cors::describe(cors, &head.method, &head.headers, headers);
        }
        headers.insert(SERVER, HeaderValue::from_static("Holdfast"));
        headers.insert(HeaderName::from_static("x-amz-id-2"), self.ids.host.clone());
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert(HeaderName::from_static("x-amz-request-id"), id);
        }
        if let Some(logged) = learned.logged {
            let (status, error, took) = (response.status(), learned.error, started.elapsed());
            let batch = response.extensions_mut().remove::<BatchDeletions>();
            let outcome = Outcome { status, error, headers: response.headers(), took, batch: batch.as_ref() };
            let owner = self.owner_of(learned.rules.as_deref()).to_string();
            let record = logged.record(&head, &owner, outcome);
            response.extensions_mut().insert(record);
        }
        tracing::debug!(
            request_id = id,
            %peer,
            method = %head.method,
            path = head.uri.path(),
            status = response.status().as_u16(),
            "s3 request"
        );
        let bucket_of_host = self.bucket_of_host(&head, &door).map(str::to_owned);
        let seen = SeenRequest {
            id,
            method: head.method,
            uri: head.uri,
            bucket_of_host,
            operation: learned.counted,
            error: learned.error,
            caller: learned.caller,
            address: peer.ip(),
            why: learned.why,
            allowed_by: learned.allowed_by,
        };
        response.extensions_mut().insert(Box::new(seen));
        if let Some(permit) = learned.permit {
            // It is under way until its answer has ended.
            response.extensions_mut().insert(permit);
        }
        response
    }

    /// The bucket that the host of a request names.
    fn bucket_of_host<'h>(&self, head: &'h request::Parts, door: &Door) -> Option<&'h str> {
        if self.options.domains.is_empty() || !matches!(door, Door::Api) {
            return None;
        }
        bucket_of_host(head.headers.get(HOST)?.to_str().ok()?, &self.options.domains)
    }

    /// Answers a request to a website.
    async fn visit(
        &self,
        head: &request::Parts,
        learned: &mut Learned,
        (id, peer): (&str, SocketAddr),
    ) -> Response {
        let visit = match Visit::of(self, head, (id, peer.ip())) {
            Ok(visit) => visit,
            Err(error) => return website::page_of(&error, &head.method, (id, self.host_id())),
        };
        learned.rules = self.engine.bucket_rules(&visit.bucket);
        if learned.rules.as_ref().is_some_and(|rules| rules.log_target().is_some()) {
            let name = self.name(id, peer);
            let logged =
                Logged::of_website((&visit.bucket, &visit.key), &head.method, self.clock.now(), name);
            learned.logged = Some(Box::new(logged));
        }
        let (response, error) = visit.answer(learned.rules.as_deref()).await;
        learned.error = error;
        response
    }

    /// The account that a bucket with these rules belongs to.
    fn owner_of(&self, rules: Option<&BucketRules>) -> CanonicalId {
        rules.and_then(|rules| rules.access.owner).unwrap_or(self.iam.first().canonical_id)
    }

    /// The second id of every answer.
    pub(super) fn host_id(&self) -> &str {
        self.ids.host.to_str().unwrap_or_default()
    }

    fn name(&self, id: &str, peer: SocketAddr) -> RequestName {
        RequestName { peer, id: id.to_owned(), host_id: self.host_id().to_owned() }
    }

    async fn run(
        &self,
        head: &mut request::Parts,
        wire: Wire<Incoming>,
        learned: &mut Learned,
        (id, peer, door): (&str, SocketAddr, &Door),
    ) -> Result<Response> {
        let query = Query::parse(head.uri.query().unwrap_or_default())?;
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let target = Target {
            method: &head.method,
            host,
            path: head.uri.path(),
            query: &query,
            copies: head.headers.contains_key("x-amz-copy-source") || query.has("x-amz-copy-source"),
        };
        let domains = if door.vouched().is_some() { &[] } else { self.options.domains.as_slice() };
        let operation = route(target, domains);
        match &operation {
            Ok(Operation::Preflight(..) | Operation::Bucket(_, BucketOperation::PostObject))
                if door.vouched().is_some() =>
            {
                return Err(Code::MethodNotAllowed.into());
            }
            Ok(Operation::Preflight(bucket, resource_type)) => {
                return cors::preflight(&self.engine, bucket, resource_type, &head.headers).await;
            }
            Err(_) if head.method == Method::OPTIONS => {
                return operation.and(Err(Code::AccessForbidden.into()));
            }
            Ok(known) => learned.rules = known.bucket().and_then(|bucket| self.engine.bucket_rules(bucket)),
            Err(_) => {}
        }
        if others_are_told(&operation, learned.rules.as_deref()) {
            head.extensions.insert(self.name(id, peer));
        }
        if let Ok(known) = &operation
            && learned.rules.as_ref().is_some_and(|rules| rules.log_target().is_some())
        {
            learned.logged =
                Logged::new(known, &head.method, self.clock.now(), self.name(id, peer)).map(Box::new);
        }
        if let Ok(Operation::Bucket(bucket, BucketOperation::PostObject)) = &operation {
            learned.counted = telemetry::Operation::PostObject;
            let form = FormRequest::new(self, head, query, wire, peer.ip());
            return Box::pin(ops::post_object::run(form, bucket.clone())).await;
        }
        let (call, upload) = match door.vouched() {
            None => auth::verify(self, head, query, wire, peer.ip())?,
            Some(identity) => auth::vouch((self, identity.clone()), head, query, wire, peer.ip())?,
        };
        learned.caller = call.caller();
        learned.permit = call.admit()?;
        if let Some(logged) = &mut learned.logged {
            logged.requester = call.requester();
        }
        let operation = operation?;
        learned.counted = operation.counted(&call.query);
        let answered = match call.origin(false) {
            None => ops::run(&call, upload, operation).await,
            Some(origin) => Box::pin(on_behalf_of(origin, ops::run(&call, upload, operation))).await,
        };
        learned.allowed_by = call.allowed_by();
        answered
    }

    /// The answer that tells the client of an error.
    fn refuse(&self, error: &Error, head: &request::Parts, id: &str) -> Response {
        let status = error.status();
        // What a client brings upon itself by asking for too much is no failure of the server.
        let is_own_doing = error.code == Code::SlowDown && error.source.is_none();
        if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED && !is_own_doing {
            let source = error.source.as_deref().map(|source| source as &dyn std::error::Error);
            tracing::error!(
                request_id = id,
                error = source,
                method = %head.method,
                path = head.uri.path(),
                code = error.code.describe().0,
                "s3 request failed"
            );
        }
        let bodiless = head.method == Method::HEAD || status == StatusCode::NOT_MODIFIED;
        let mut response = if bodiless {
            empty(status)
        } else {
            xml_with_status(status, error.to_xml(head.uri.path(), id, self.host_id()))
        };
        let headers = response.headers_mut();
        headers.extend(error.headers.iter().flat_map(|headers| (**headers).clone()));
        if error.code == Code::SlowDown {
            headers.insert(hyper::header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// Whether somebody is told of what the request changes.
fn others_are_told(operation: &Result<Operation>, rules: Option<&BucketRules>) -> bool {
    let begins =
        matches!(operation, Ok(Operation::Bucket(_, BucketOperation::Write(BucketAspect::Notification))));
    begins || rules.is_some_and(|rules| rules.notification.is_some())
}

/// Makes an id for every request: 16 hexadecimal digits that do not repeat while the process lives.
#[derive(Debug)]
struct RequestIds {
    next: AtomicU64,
    host: HeaderValue,
}

impl RequestIds {
    fn new() -> Self {
        let host = random_bytes::<24>().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Self {
            next: AtomicU64::new(u64::from_le_bytes(random_bytes())),
            host: HeaderValue::try_from(host).expect("hexadecimal digits are a header value"),
        }
    }

    fn next(&self) -> String {
        // An odd factor only permutes the numbers, so ids look random and still do not repeat.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        format!("{:016X}", self.next.fetch_add(1, Ordering::Relaxed).wrapping_mul(SPREAD))
    }
}
