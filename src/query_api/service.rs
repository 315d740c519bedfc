//! A request from its first byte to its answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, SERVER, USER_AGENT};
use hyper::http::request;
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};

use super::answer::Node;
use super::caller::Call;
use super::error::{Error, Result};
use super::form::Form;
use super::{iam, ldap_identity, sts, web_identity};
use crate::checksum::Sha256;
use crate::iam::{Iam, Identity, RequestFacts, UsedFor};
use crate::metadata::Store;
use crate::object::Engine;
use crate::runtime::{Clock, random_bytes};
use crate::sigv4::{self, AmzTime, Claim, Parts};
use crate::telemetry::SeenCall;
use crate::types::CallerName;

/// The longest body, in bytes.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// How long a body may take.
const BODY_TIME_MAX: Duration = Duration::from_secs(30);

/// The region of services that AWS has in one place for all.
const REGION_OF_ALL: &str = "us-east-1";

const VERSION_OF_IAM: &str = "2010-05-08";
const VERSION_OF_STS: &str = "2011-06-15";

const IAM: &str = "https://iam.amazonaws.com/doc/2010-05-08/";
const STS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// How IAM and STS are served.
#[derive(Debug, Clone)]
pub struct Options {
    /// The region of this server; signatures may name that of AWS's IAM too.
    pub region: String,
    /// Clients come by TLS.
    pub tls: bool,
}

/// IAM and STS.
#[derive(Debug)]
pub struct Service {
    options: Options,
    engine: Arc<Engine>,
    iam: Arc<Iam>,
    clock: Arc<dyn Clock>,
}

/// Whether a request is one to IAM or STS, and not to S3: no form of S3 is of this type, and none of its requests names one of
/// these versions.
pub fn is_query(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let query = uri.query().unwrap_or_default();
    let has = |known: &str| query.split('&').any(|pair| pair == known);
    let in_query = [VERSION_OF_IAM, VERSION_OF_STS].iter().any(|version| has(&format!("Version={version}")));
    match *method {
        Method::POST => uri.path() == "/" && (in_query || is_form(headers)),
        Method::GET => uri.path() == "/" && in_query,
        _ => false,
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Parameters that name what a request is about, of which the first that is there tells most.
const NAMES: [&str; 6] = ["UserName", "GroupName", "RoleName", "RoleArn", "PolicyArn", "PolicyName"];

/// How it is known who calls.
enum Caller {
    /// By the signature of the request.
    Signs,
    /// It was found out elsewhere.
    Known(Arc<Identity>),
}

/// What the body of a request asks for, and who does.
struct Asked {
    action: String,
    is_sts: bool,
    caller: Option<Arc<CallerName>>,
    resource: Option<String>,
}

impl Service {
    /// Serves the accounts of `iam`.
    pub fn new(options: Options, engine: Arc<Engine>, iam: Arc<Iam>, clock: Arc<dyn Clock>) -> Self {
        Self { options, engine, iam, clock }
    }

    /// Answers one request. It is carried out to its end even if the client goes away: between the change of a key or policy
    /// and its effect on requests nothing may stop.
    pub async fn handle(
        self: &Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Response<Full<Bytes>> {
        self.carry_out(request, Caller::Signs, peer).await
    }

    /// Answers a request without a signature of somebody whom another part of this process has recognized.
    pub async fn handle_for(
        self: &Arc<Self>,
        request: Request<Incoming>,
        identity: Arc<Identity>,
        peer: SocketAddr,
    ) -> Response<Full<Bytes>> {
        self.carry_out(request, Caller::Known(identity), peer).await
    }

    async fn carry_out(
        self: &Arc<Self>,
        request: Request<Incoming>,
        caller: Caller,
        peer: SocketAddr,
    ) -> Response<Full<Bytes>> {
        let service = self.clone();
        let answer = tokio::spawn(async move { service.answer(request, caller, peer).await }).await;
        answer.unwrap_or_else(|error| {
            tracing::error!(%error, "iam request failed");
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        })
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        caller: Caller,
        peer: SocketAddr,
    ) -> Response<Full<Bytes>> {
        let id = request_id();
        let (head, body) = request.into_parts();
        let mut asked = Asked { action: String::new(), is_sts: false, caller: None, resource: None };
        let answer = self.run((&head, body), caller, peer, &mut asked).await;
        let namespace = if asked.is_sts { STS } else { IAM };
        let (status, xml) = match &answer {
            Ok(nodes) => (StatusCode::OK, answer_xml(&asked.action, namespace, nodes, &id)),
            Err(error) => (error.status, error.to_xml(namespace, &id)),
        };
        tracing::debug!(request_id = id, %peer, action = asked.action, status = status.as_u16(), "iam request");
        let mut response = Response::new(Full::new(Bytes::from(xml)));
        *response.status_mut() = status;
        response.extensions_mut().insert(SeenCall {
            service: if asked.is_sts { "sts" } else { "iam" },
            action: asked.action,
            resource: asked.resource,
            id: id.clone(),
            caller: asked.caller,
            error: answer.as_ref().err().map(|error| error.code.to_owned()),
            why: answer.as_ref().err().and_then(|error| error.why.clone()),
            method: head.method.to_string(),
        });
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        headers.insert(SERVER, HeaderValue::from_static("Holdfast"));
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
        }
        response
    }

    async fn run(
        &self,
        (head, body): (&request::Parts, Incoming),
        caller: Caller,
        peer: SocketAddr,
        asked: &mut Asked,
    ) -> Result<Vec<Node>> {
        let body = read(body).await?;
        // A body that is no form is one of a request that has all in its query, where clients send an empty one.
        let in_body: &[u8] = if is_form(&head.headers) { &body } else { &[] };
        let form = Form::parse([in_body, head.uri.query().unwrap_or_default().as_bytes()])?;
        asked.is_sts = form.get("Version") == Some(VERSION_OF_STS);
        let user_agent = head.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        let (now, region, is_secure) = (self.clock.now(), self.options.region.as_str(), self.options.tls);
        let facts = RequestFacts { now, peer: peer.ip(), is_secure, region, user_agent };
        if asked.is_sts && form.get("Action") == Some(web_identity::ACTION) {
            asked.action = web_identity::ACTION.to_owned();
            asked.resource = form.get("RoleArn").map(str::to_owned);
            return web_identity::assume_role((&self.iam, &form), facts, &mut asked.caller).await;
        }
        if asked.is_sts && form.get("Action") == Some(ldap_identity::ACTION) {
            asked.action = ldap_identity::ACTION.to_owned();
            asked.resource = form.get("LDAPUsername").map(str::to_owned);
            return ldap_identity::assume_role((&self.iam, &form), facts, &mut asked.caller).await;
        }
        let (identity, region) = match caller {
            Caller::Known(identity) => (identity, self.options.region.clone()),
            Caller::Signs => {
                let claim = sigv4::parse_form(Parts::of(head), &Sha256::digest(&body));
                let claim = claim.map_err(|refusal| Error::unsigned(&refusal))?.ok_or_else(|| {
                    let words = "Request is missing Authentication Token";
                    Error::new(StatusCode::FORBIDDEN, "MissingAuthenticationToken", words)
                })?;
                asked.is_sts = claim.service == sigv4::Service::Sts;
                (self.verify(head, &claim)?, claim.region)
            }
        };
        let action = form.get("Action").ok_or_else(|| {
            Error::new(
                StatusCode::BAD_REQUEST,
                "MissingAction",
                "The request must contain the parameter Action.",
            )
        })?;
        // It becomes the name of an element.
        if action.is_empty() || action.len() > 64 || !action.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(Error::new(StatusCode::BAD_REQUEST, "InvalidAction", "There is no such operation."));
        }
        let used_for = if asked.is_sts { UsedFor::Sts } else { UsedFor::Iam };
        identity.usage.note(used_for, self.clock.now());
        asked.action = action.to_owned();
        asked.caller = Some(identity.name.clone());
        asked.resource = NAMES.iter().find_map(|name| form.get(name)).map(str::to_owned);
        let account = identity.principal.account().cloned().ok_or_else(Error::unknown_caller)?;
        let call = Call {
            iam: &self.iam,
            store: self.store(),
            identity,
            account,
            form,
            now: self.clock.now(),
            peer: peer.ip(),
            is_secure: self.options.tls,
            region,
            user_agent: user_agent.map(str::to_owned),
        };
        if asked.is_sts { sts::run(&call, &asked.action) } else { iam::run(&call, &asked.action).await }
    }

    fn store(&self) -> &Store {
        self.engine.metadata()
    }

    fn verify(&self, head: &request::Parts, claim: &Claim) -> Result<Arc<Identity>> {
        let now = self.clock.now();
        let identity = match &claim.session_token {
            Some(token) => self.iam.find_session(&claim.access_key, token, now)?,
            None => self.iam.find(&claim.access_key, now).ok_or_else(Error::unknown_caller)?,
        };
        let region = if claim.region == REGION_OF_ALL { REGION_OF_ALL } else { &self.options.region };
        let now = AmzTime::from_unix_secs(now.as_secs());
        sigv4::verify(Parts::of(head), claim, &identity.secret, region, now)
            .map_err(|refusal| Error::unsigned(&refusal))?;
        Ok(identity)
    }
}

async fn read(body: Incoming) -> Result<Bytes> {
    let read = tokio::time::timeout(BODY_TIME_MAX, Limited::new(body, BODY_BYTES_MAX).collect()).await;
    match read {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => {
            let words = "The body is longer than a request may be, or did not come to its end.";
            Err(Error::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", words))
        }
        Err(_) => {
            Err(Error::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", "The body did not come in time."))
        }
    }
}

/// Operations whose result is there although nothing is in it: clients look for it.
const EMPTY_RESULTS: [&str; 1] = ["UpdateRole"];

fn answer_xml(action: &str, namespace: &str, nodes: &[Node], request_id: &str) -> String {
    let mut xml = format!("<{action}Response xmlns=\"{namespace}\">");
    if !nodes.is_empty() || EMPTY_RESULTS.contains(&action) {
        xml.push_str(&format!("<{action}Result>"));
        nodes.iter().for_each(|node| node.write(&mut xml));
        xml.push_str(&format!("</{action}Result>"));
    }
    xml.push_str(&format!(
        "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    ));
    xml
}

/// In the form of a UUID.
fn request_id() -> String {
    let digits = random_bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (a, b, c, d, e) = (&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]);
    format!("{a}-{b}-{c}-{d}-{e}")
}
