//! Signing in, and being signed in.

use std::net::IpAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body;
use hyper::header::{HOST, HeaderMap, HeaderValue, SET_COOKIE};
use hyper::http::request;
use hyper::{Method, Request, Response, StatusCode};

use super::Refusal;
use super::actions::AdminAction;
use super::api::{Session, SessionAccount, StartSession};
use super::caller::{COOKIE_NAME, Caller};
use super::health::json;
use super::service::{Service, json_body, parse};
use crate::iam::{Identity, Principal, SignIn};
use crate::telemetry::SeenCall;

pub(super) type Answer = Result<Response<Full<Bytes>>, Refusal>;

impl Service {
    /// Answers what is about sign-ins; `None` for every other path.
    pub(super) async fn session<B>(
        &self,
        request: Request<B>,
        peer: IpAddr,
        seen: &mut SeenCall,
    ) -> Result<Answer, Request<B>>
    where
        B: Body<Data: Send> + Send,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let path = request.uri().path();
        let method = request.method().clone();
        seen.action = match method {
            Method::POST => "SignIn",
            Method::DELETE => "SignOut",
            _ => "GetSession",
        }
        .to_owned();
        Ok(match (path, &method) {
            ("/api/v1/session", &Method::POST) => self.sign_in(request, peer, seen).await,
            ("/api/v1/session", &Method::GET | &Method::HEAD) => {
                let (head, _) = request.into_parts();
                self.recognize(&head, peer).map(|caller| self.describe(&head, caller))
            }
            ("/api/v1/session", &Method::DELETE) => self.sign_out(&request.into_parts().0, peer, seen),
            ("/api/v1/session", _) => Err(Refusal::Method("DELETE, GET, HEAD, POST")),
            ("/api/v1/session/renew", &Method::POST) => self.renew(&request.into_parts().0, peer),
            ("/api/v1/session/ldap", &Method::POST) => self.sign_in_by_ldap(request, peer, seen).await,
            ("/api/v1/session/renew" | "/api/v1/session/ldap", _) => Err(Refusal::Method("POST")),
            _ => return Err(request),
        })
    }

    async fn sign_in<B>(&self, request: Request<B>, peer: IpAddr, seen: &mut SeenCall) -> Answer
    where
        B: Body<Data: Send> + Send,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let (head, body) = request.into_parts();
        let pair: StartSession = parse(&json_body(&head.headers, body).await?)?;
        // Whom somebody wanted to be counts as much as who was let in.
        seen.resource = Some(pair.access_key.clone());
        let now = self.engine.now();
        let identity = self.authenticate((&pair.access_key, pair.secret_key.expose()), peer, now)?;
        let identity = identity.ok_or(Refusal::InvalidCredentials)?;
        seen.caller = Some(identity.name.clone());
        let sign_in = self.iam.sign_in((&pair.access_key, None), &identity, now);
        tracing::info!(access_key = pair.access_key, %peer, "signed in to the console");
        let known = (identity, pair.access_key, Some(sign_in.clone()));
        let caller = self.caller(known, &head.headers, (peer, now));
        Ok(self.with_cookie(self.describe(&head, caller), &sign_in))
    }

    fn renew(&self, head: &request::Parts, peer: IpAddr) -> Answer {
        let mut caller = self.recognize(head, peer)?;
        let sign_in = caller.sign_in.clone().ok_or_else(|| {
            Refusal::BadRequest("who comes with a pair has no session to renew; sign in first".into())
        })?;
        let sign_in = self.iam.renew_sign_in(sign_in, caller.now);
        caller.sign_in = Some(sign_in.clone());
        Ok(self.with_cookie(self.describe(head, caller), &sign_in))
    }

    fn sign_out(&self, head: &request::Parts, peer: IpAddr, seen: &mut SeenCall) -> Answer {
        let caller = self.recognize(head, peer)?;
        seen.caller = Some(caller.identity.name.clone());
        if let Some(sign_in) = &caller.sign_in {
            self.iam.end_sign_in(sign_in, caller.now);
        }
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        self.set_cookie(response.headers_mut(), "; Max-Age=0", "");
        Ok(response)
    }

    pub(super) fn with_cookie(
        &self,
        mut response: Response<Full<Bytes>>,
        sign_in: &SignIn,
    ) -> Response<Full<Bytes>> {
        self.set_cookie(response.headers_mut(), "", self.iam.cookie_of(sign_in).expose());
        response
    }

    fn set_cookie(&self, headers: &mut HeaderMap, more: &str, value: &str) {
        let secure = if self.facts.is_secure { "; Secure" } else { "" };
        let text = format!("{COOKIE_NAME}={value}; HttpOnly; SameSite=Strict; Path=/{secure}{more}");
        if let Ok(mut value) = HeaderValue::from_str(&text) {
            value.set_sensitive(true);
            headers.append(SET_COOKIE, value);
        }
    }

    pub(super) fn describe(&self, head: &request::Parts, caller: Caller) -> Response<Full<Bytes>> {
        let first = self.iam.first();
        let allowed = AdminAction::ALL.into_iter();
        let allowed = allowed.filter(|action| caller.authorize(*action, &first.canonical_id).is_ok());
        let allowed = allowed.map(|action| action.name().to_owned()).collect();
        let Identity { principal, .. } = &*caller.identity;
        let account = principal.account().unwrap_or(first);
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let session = Session {
            access_key: caller.access_key.clone(),
            account: SessionAccount { id: account.id.to_string(), name: account.name.clone() },
            arn: principal.arn().into_owned(),
            user_name: match principal {
                Principal::User(user) => Some(user.name.clone()),
                Principal::Anonymous
                | Principal::Root(_)
                | Principal::Session(_)
                | Principal::Federated(_) => None,
            },
            is_root: matches!(principal, Principal::Root(_)) && principal.is_of(&first.canonical_id),
            expires: caller.sign_in.as_ref().map(|sign_in| sign_in.expires().iso()),
            csrf: caller.sign_in.as_ref().map(SignIn::csrf),
            region: self.facts.region.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            s3_url: self.facts.s3.url_beside(host),
            allowed,
        };
        json(StatusCode::OK, &session)
    }
}
