//! The console's address: its files, the admin API, S3 and IAM behind a bridge, and what takes both S3 and the admin API.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::EXPECT;
use hyper::http::request;
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;

use super::body::{Account, FrontBody};
use super::bridge::{Bridge, make_inert};
use super::front::{S3Front, announced};
use crate::admin::{
    self, Refusal,
    api::{ObjectPlaces, Usage},
};
use crate::console;
use crate::http::drain_unwanted;
use crate::s3::{self, ArchiveRequest, Asker, Door, Listable, Refused};

type Answer = Response<FrontBody<s3::ResponseBody>>;

/// The console's address.
#[derive(Debug)]
pub(super) struct ConsoleFront {
    pub(super) admin: admin::Service,
    pub(super) s3: Arc<S3Front>,
}

/// What takes S3's gate and the admin API's words.
enum Own {
    Usage,
    Objects,
    Zip,
}

impl Own {
    fn of(path: &str) -> Option<Self> {
        match path {
            "/api/v1/usage" => Some(Self::Usage),
            "/api/v1/objects" => Some(Self::Objects),
            "/api/v1/zip" => Some(Self::Zip),
            _ => None,
        }
    }
}

impl ConsoleFront {
    /// Answers one request.
    pub(super) async fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> Answer {
        let path = request.uri().path();
        if let Some(file) = console::answer(request.method(), path, request.headers()) {
            return file.map(FrontBody::Plain);
        }
        if let Some(bridge) = Bridge::of(path) {
            return self.bridged(bridge, request, peer).await;
        }
        let Some(own) = Own::of(path) else {
            return secured(self.s3.called(self.admin.handle(request, peer.ip()).await, peer));
        };
        let (head, body) = request.into_parts();
        let answered = match own {
            Own::Usage => self.usage(head, peer).await,
            Own::Objects => self.objects(head, peer).await,
            Own::Zip => Box::pin(self.zip(head, body, peer)).await,
        };
        answered.unwrap_or_else(|refusal| secured(refusal.answer()))
    }

    async fn bridged(&self, bridge: Bridge, request: Request<Incoming>, peer: SocketAddr) -> Answer {
        let (mut head, body) = request.into_parts();
        // IAM changes things by GET too; only with POST is the word of a sign-in asked for.
        let is_taken = bridge == Bridge::S3 || head.method == Method::POST;
        let recognized = is_taken.then(|| self.admin.recognize(&head, peer.ip()));
        let caller = match recognized.unwrap_or(Err(Refusal::Method("POST"))) {
            Ok(caller) => caller,
            Err(refusal) => {
                // Who waits for `100 Continue` has not sent anything.
                if !head.headers.contains_key(EXPECT) {
                    drain_unwanted(body);
                }
                return secured(refusal.xml_answer());
            }
        };
        let shows = bridge.cross(&mut head);
        let request = Request::from_parts(head, body);
        if bridge == Bridge::Iam {
            let received = announced(request.headers());
            let answer = self.s3.query_api.handle_for(request, caller.identity, peer);
            return secured(self.s3.counted(answer, received, peer).await);
        }
        let mut response = self.s3.handle(request, peer, Door::Vouched(caller.identity)).await;
        let answered = (response.body().operation(), response.status());
        make_inert(answered, shows, response.headers_mut());
        response
    }

    async fn usage(&self, head: request::Parts, peer: SocketAddr) -> Result<Answer, Refusal> {
        let asker = self.reader(head, peer)?;
        let Listable { buckets, complete } = self.s3.s3.listable(&asker).await.map_err(elsewhere)?;
        Ok(json(&Usage { buckets: self.admin.usage(&buckets), complete }))
    }

    async fn objects(&self, head: request::Parts, peer: SocketAddr) -> Result<Answer, Refusal> {
        let asker = self.reader(head, peer)?;
        let query = asker.head.uri.query().unwrap_or_default().to_owned();
        let get = |wanted: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let value = pairs.into_iter().find(|(name, _)| *name == wanted).map(|(_, value)| value)?;
            Some(percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
        };
        let missing = || Refusal::BadRequest("`bucket` and `key` are needed in the query".into());
        let (bucket, key) = get("bucket").zip(get("key")).ok_or_else(missing)?;
        let version = get("version_id").filter(|version| !version.is_empty());
        let shards =
            self.s3.s3.shards(&asker, (&bucket, &key), version.as_deref()).await.map_err(elsewhere)?;
        Ok(json(&ObjectPlaces::from(shards)))
    }

    async fn zip(&self, head: request::Parts, body: Incoming, peer: SocketAddr) -> Result<Answer, Refusal> {
        if head.method != Method::POST {
            return Err(Refusal::Method("POST"));
        }
        let (caller, form) = self.admin.recognize_with_form(&head, body, peer.ip()).await?;
        let mut request = ArchiveRequest::default();
        for (name, value) in form {
            match name.as_str() {
                "bucket" => request.bucket = value,
                "prefix" => request.prefix = value,
                "key" => request.keys.push(value),
                "folder" => request.folders.push(value),
                _ => {}
            }
        }
        let asker = Asker { identity: caller.identity, head, peer: peer.ip() };
        let mut account = Account::open(self.s3.metrics.clone(), 0);
        let mut response = self.s3.s3.archive(asker, request).map_err(elsewhere)?;
        console::secure(response.headers_mut());
        account.unnamed(response.status().as_u16());
        Ok(response.map(|body| FrontBody::Counted(body, account)))
    }

    /// Who reads.
    fn reader(&self, head: request::Parts, peer: SocketAddr) -> Result<Asker, Refusal> {
        if !matches!(head.method, Method::GET | Method::HEAD) {
            return Err(Refusal::Method("GET, HEAD"));
        }
        let caller = self.admin.recognize(&head, peer.ip())?;
        Ok(Asker { identity: caller.identity, head, peer: peer.ip() })
    }
}

fn elsewhere(Refused { status, code, message }: Refused) -> Refusal {
    Refusal::Elsewhere { status, code, message }
}

fn json(value: &impl serde::Serialize) -> Answer {
    secured(admin::json(StatusCode::OK, value))
}

fn secured(mut response: Response<Full<Bytes>>) -> Answer {
    console::secure(response.headers_mut());
    response.map(FrontBody::Plain)
}
