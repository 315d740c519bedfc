//! Requests to the console's address that are not for a file of the console.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Method, Response, StatusCode};
use subtle::ConstantTimeEq;

use super::health::{answer, health_answer, json, text};
use super::{Facts, Status};
use crate::object::Engine;
use crate::telemetry::Metrics;

/// The admin API.
pub struct Service {
    engine: Arc<Engine>,
    metrics: Arc<Metrics>,
    facts: Facts,
    /// `access key:secret key`, what HTTP Basic authentication carries.
    root: Vec<u8>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl Service {
    /// Puts the parts together; `access_key` and `secret_key` are root's.
    pub fn new(
        engine: Arc<Engine>,
        metrics: Arc<Metrics>,
        facts: Facts,
        (access_key, secret_key): (&str, &str),
    ) -> Self {
        Self { engine, metrics, facts, root: format!("{access_key}:{secret_key}").into_bytes() }
    }

    /// Answers one request; bodies are not looked at.
    pub async fn handle(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response<Full<Bytes>> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD here\n");
        }
        if let Some(health) = health_answer(path, &self.engine, &self.facts) {
            return health;
        }
        match path {
            "/metrics" => {
                let text = self.metrics.render();
                answer(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text.into())
            }
            "/api/v1/status" if is_root(headers, &self.root) => self.status().await,
            "/api/v1/status" => unauthorized(),
            _ => text(StatusCode::NOT_FOUND, "no such page\n"),
        }
    }

    async fn status(&self) -> Response<Full<Bytes>> {
        match Status::gather(&self.engine, &self.facts).await {
            Ok(status) => json(StatusCode::OK, &status),
            Err(error) => {
                tracing::warn!(%error, "gather status");
                text(StatusCode::SERVICE_UNAVAILABLE, "the metadata cannot be read\n")
            }
        }
    }
}

fn unauthorized() -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::UNAUTHORIZED, "root's access key and secret key are needed\n");
    let challenge = HeaderValue::from_static("Basic realm=\"holdfast\", charset=\"UTF-8\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// The headers carry root's pair. Takes the same time wherever a wrong pair differs.
fn is_root(headers: &HeaderMap, root: &[u8]) -> bool {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Basic "));
    let given = given.and_then(|value| BASE64_STANDARD.decode(value.trim()).ok());
    given.is_some_and(|given| given.ct_eq(root).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_roots_pair_is_let_in() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            is_root(&headers, b"key:secret")
        };
        let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
        assert!(with(&basic("key:secret")));
        assert!(!with(&basic("key:secre")) && !with(&basic("other:secret")) && !with(&basic("")));
        assert!(!with("Basic !!!") && !with("Bearer x"));
        assert!(!is_root(&HeaderMap::new(), b"key:secret"));
    }
}
