//! The web console's files, built into the binary and served with strict headers.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::{Method, Response};

/// Scripts and styles from this origin alone; never inside a frame of another page.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

struct File {
    path: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

const FILES: &[File] = &[
    File {
        path: "/",
        media_type: "text/html; charset=utf-8",
        bytes: include_bytes!("../../web-console/index.html"),
    },
    File {
        path: "/console.css",
        media_type: "text/css; charset=utf-8",
        bytes: include_bytes!("../../web-console/console.css"),
    },
    File {
        path: "/console.js",
        media_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../web-console/console.js"),
    },
];

/// Answers a request for a console file; `None` where there is no such file.
pub fn answer(method: &Method, path: &str) -> Option<Response<Full<Bytes>>> {
    let file = FILES.iter().find(|file| file.path == path)?;
    if !matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let mut response = Response::new(Full::new(Bytes::from_static(file.bytes)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    secure(response.headers_mut());
    Some(response)
}

/// The headers that every answer on the console's address carries.
pub fn secure(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_only_files_that_are_served() {
        let page = answer(&Method::GET, "/").unwrap();
        let policy = page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
        let text = std::str::from_utf8(FILES[0].bytes).unwrap();
        for named in ["/console.css", "/console.js"] {
            assert!(text.contains(named) && answer(&Method::GET, named).is_some(), "{named}");
        }
        assert!(!text.contains("<style") && !text.contains(" style="), "the policy forbids inline styles");
    }

    #[test]
    fn other_paths_and_methods_are_not_the_consoles() {
        assert!(answer(&Method::GET, "/../Cargo.toml").is_none());
        assert!(answer(&Method::POST, "/").is_none());
    }
}
