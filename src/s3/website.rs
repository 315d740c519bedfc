//! Buckets as websites: what a browser gets that knows no S3.
//!
//! Nobody signs here: a bucket's policy or ACLs say what anybody may read.

use std::net::IpAddr;

use hyper::header::{ALLOW, CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION};
use hyper::http::request;
use hyper::{HeaderMap, Method, StatusCode};

use crate::object::BucketRules;
use crate::sigv4::{Slash, decode_path, encode_into};
use crate::types::{BucketName, Redirect, Website};

use super::actions::Action;
use super::auth::Call;
use super::cors;
use super::error::{Code, Error, Result};
use super::headers::REDIRECT_LOCATION;
use super::ops::{get_object, parse_key};
use super::response::{Response, ResponseBody, with_headers};
use super::route::bucket_of_host;
use super::service::Service;

/// A request to a website.
#[derive(Debug)]
pub(super) struct Visit<'a> {
    service: &'a Service,
    head: &'a request::Parts,
    /// The bucket that the host names.
    pub(super) bucket: BucketName,
    /// The decoded path, without its first slash.
    pub(super) key: String,
    request_id: &'a str,
    peer: IpAddr,
}

impl Service {
    /// Whether requests to this host are for a website, on an address that has both.
    pub(super) fn is_website(&self, host: &str) -> bool {
        bucket_of_host(host, &self.options.website_domains).is_some()
    }
}

impl<'a> Visit<'a> {
    /// Reads host and path. The host is `bucket.domain`, or is itself the name of a bucket.
    pub(super) fn of(
        service: &'a Service,
        head: &'a request::Parts,
        (request_id, peer): (&'a str, IpAddr),
    ) -> Result<Self> {
        let host = host(head);
        let name = bucket_of_host(host, &service.options.website_domains);
        let name = name.unwrap_or_else(|| host.split(':').next().unwrap_or_default());
        let bucket = BucketName::parse(name)
            .map_err(|_| Error::new(Code::NoSuchBucket).detail("BucketName", name.to_owned()))?;
        let path = decode_path(head.uri.path()).ok_or_else(|| Error::new(Code::InvalidUri))?;
        let key = path.strip_prefix('/').unwrap_or(&path).to_owned();
        Ok(Self { service, head, bucket, key, request_id, peer })
    }

    /// The answer, and the code of the error that it tells of, if it does.
    pub(super) async fn answer(&self, rules: Option<&BucketRules>) -> (Response, Option<&'static str>) {
        match self.serve(rules).await {
            Ok(response) => (response, None),
            Err(error) => (self.refuse(rules, &error).await, Some(error.code.describe().0)),
        }
    }

    async fn serve(&self, rules: Option<&BucketRules>) -> Result<Response> {
        if self.head.method == Method::OPTIONS {
            let headers = &self.head.headers;
            return cors::preflight(&self.service.engine, &self.bucket, "OBJECT", headers).await;
        }
        if !matches!(self.head.method, Method::GET | Method::HEAD) {
            let allowed = HeaderMap::from_iter([(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"))]);
            return Err(Error::new(Code::MethodNotAllowed)
                .detail("Method", self.head.method.to_string())
                .detail("ResourceType", "OBJECT")
                .with_headers(allowed));
        }
        let website = self.website(rules).await?;
        if let Some(elsewhere) = &website.redirect_all_requests_to {
            let path = self.head.uri.path_and_query().map_or("/", |path| path.as_str());
            return Ok(redirect(StatusCode::MOVED_PERMANENTLY, &self.url(elsewhere, path)));
        }
        if let Some(redirection) = website.redirection(&self.key) {
            return Ok(self.redirected(redirection.to, &redirection.key, redirection.status));
        }
        let found = self.object(&website.document(&self.key), self.head).await;
        match found {
            Err(error) if error.code == Code::NoSuchKey && self.is_folder(website).await => {
                let path = encoded(&format!("/{}/", self.key));
                Ok(redirect(StatusCode::FOUND, &path))
            }
            found => found,
        }
    }

    async fn website<'r>(&self, rules: Option<&'r BucketRules>) -> Result<&'r Website> {
        if let Some(website) = rules.and_then(|rules| rules.website.as_ref()) {
            return Ok(website);
        }
        let name = self.bucket.as_str().to_owned();
        self.service
            .engine
            .head_bucket(&self.bucket)
            .await
            .map_err(|error| Error::from(error).detail("BucketName", name.clone()))?;
        Err(Error::new(Code::NoSuchWebsiteConfiguration).detail("BucketName", name))
    }

    /// The folder of this name has an index document.
    async fn is_folder(&self, website: &Website) -> bool {
        let Some(index) = website.index_of_folder(&self.key).and_then(|index| parse_key(&index).ok()) else {
            return false;
        };
        let call = Call::of_website(self.service, self.head, self.peer);
        call.open_object(Action::GetObject, (&self.bucket, &index), None).await.is_ok()
    }

    /// The object, or where it says that its readers shall go.
    async fn object(&self, key: &str, head: &request::Parts) -> Result<Response> {
        let name = parse_key(key).map_err(|_| Error::new(Code::NoSuchKey).detail("Key", key.to_owned()))?;
        let call = Call::of_website(self.service, head, self.peer);
        let response = match head.method {
            Method::HEAD => get_object::head(&call, self.bucket.clone(), name).await?,
            _ => get_object::get(&call, self.bucket.clone(), name).await?,
        };
        match response.headers().get(REDIRECT_LOCATION).and_then(|location| location.to_str().ok()) {
            Some(location) => Ok(redirect(StatusCode::MOVED_PERMANENTLY, location)),
            None => Ok(response),
        }
    }

    /// What tells of an error: a redirection, the website's own document, or a page.
    async fn refuse(&self, rules: Option<&BucketRules>, error: &Error) -> Response {
        let status = error.status();
        if status == StatusCode::NOT_MODIFIED {
            return with_headers(status, headers_of(error), ResponseBody::empty());
        }
        let website = rules.and_then(|rules| rules.website.as_ref());
        let is_read = matches!(self.head.method, Method::GET | Method::HEAD);
        let Some(website) = website.filter(|_| is_read) else { return self.page(error, None) };
        if let Some(redirection) = website.redirection_of_error(&self.key, status.as_u16()) {
            return self.redirected(redirection.to, &redirection.key, redirection.status);
        }
        let Some(document) = website.error_document() else { return self.page(error, None) };
        // Neither a range nor a condition is meant for the document.
        let mut whole = self.head.clone();
        whole.headers = HeaderMap::new();
        match self.object(document, &whole).await {
            Ok(mut response) => {
                if response.status().is_success() {
                    *response.status_mut() = status;
                }
                response
            }
            Err(missing) => self.page(error, Some((&missing, document))),
        }
    }

    /// A page that tells of an error, and of the one that kept the website's own document from doing so.
    fn page(&self, error: &Error, document: Option<(&Error, &str)>) -> Response {
        let host_id = self.service.host_id();
        page(error, &self.head.method, (self.request_id, host_id), document)
    }

    fn redirected(&self, to: &Redirect, key: &str, status: u16) -> Response {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::MOVED_PERMANENTLY);
        redirect(status, &self.url(to, &encoded(&format!("/{key}"))))
    }

    /// The URL of a path on a host and by a protocol, or those of the request.
    fn url(&self, to: &Redirect, path: &str) -> String {
        let own = if self.service.options.tls { "https" } else { "http" };
        let protocol = to.protocol.as_deref().filter(|protocol| !protocol.is_empty()).unwrap_or(own);
        let host = to.host_name.as_deref().unwrap_or_else(|| host(self.head));
        format!("{protocol}://{host}{path}")
    }
}

/// The page of an error of a request that names no website.
pub(super) fn page_of(error: &Error, method: &Method, ids: (&str, &str)) -> Response {
    page(error, method, ids, None)
}

fn page(
    error: &Error,
    method: &Method,
    (request_id, host_id): (&str, &str),
    document: Option<(&Error, &str)>,
) -> Response {
    let status = error.status();
    let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    let mut page = format!("<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n<ul>\n");
    let mut items = vec![("Code", error.code.describe().0), ("Message", error.message())];
    items.extend(error.details());
    items.extend([("RequestId", request_id), ("HostId", host_id)]);
    list(&mut page, &items);
    if let Some((missing, key)) = document {
        page += "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n";
        list(&mut page, &[("Code", missing.code.describe().0), ("Message", missing.message()), ("Key", key)]);
    }
    page += "<hr/>\n</body>\n</html>\n";
    let mut headers = headers_of(error);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    for (name, text) in
        [("x-amz-error-code", error.code.describe().0), ("x-amz-error-message", error.message())]
    {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let body = if method == Method::HEAD { ResponseBody::empty() } else { ResponseBody::document(page) };
    with_headers(status, headers, body)
}

fn list(page: &mut String, items: &[(&str, &str)]) {
    for (name, text) in items {
        *page += &format!("<li>{name}: {}</li>\n", escaped(text));
    }
    *page += "</ul>\n";
}

/// A client's words as text of a page, never as a part of it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn headers_of(error: &Error) -> HeaderMap {
    error.headers.as_deref().cloned().unwrap_or_default()
}

fn redirect(status: StatusCode, location: &str) -> Response {
    let mut headers = HeaderMap::new();
    if let Ok(location) = HeaderValue::from_str(location) {
        headers.insert(LOCATION, location);
    }
    with_headers(status, headers, ResponseBody::empty())
}

fn host(head: &request::Parts) -> &str {
    head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}

fn encoded(path: &str) -> String {
    let mut out = Vec::with_capacity(path.len());
    encode_into(&mut out, path.as_bytes(), Slash::Keep);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_says_cannot_become_part_of_a_page() {
        assert_eq!(escaped("<script>\"&"), "&lt;script&gt;&quot;&amp;");
    }
}
