//! S3 and IAM on the console's address, for who is signed in there: the same services by another door.
//!
//! What is stored must stay inert in a browser that is signed in. So nothing that a script could be made of leaves under a type
//! that browsers run or draw with scripts, and every answer is shown in a sandbox of an origin of its own, if at all.

use hyper::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE,
    HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::http::request;
use hyper::http::uri::PathAndQuery;
use hyper::{StatusCode, Uri};

use crate::telemetry::Operation;

/// Where S3 stands on the console's address.
const S3: &str = "/api/v1/s3";

/// Where IAM and STS stand.
const IAM: &str = "/api/v1/iam";

/// The parameter by which an object is asked for to be shown, and not to be saved.
const INLINE: &str = "x-holdfast-inline=1";

/// How an object may be shown.
const POLICY: &str = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; \
                      frame-ancestors 'self'";

/// A service that is reached by way of the console's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bridge {
    S3,
    Iam,
}

impl Bridge {
    /// The one that a path leads to.
    pub(super) fn of(path: &str) -> Option<Self> {
        let is_s3 = path.strip_prefix(S3).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if is_s3 { Some(Self::S3) } else { (path == IAM).then_some(Self::Iam) }
    }

    /// Makes of a request to the console's address one to the service's own. Answers whether an object shall be shown.
    pub(super) fn cross(self, head: &mut request::Parts) -> bool {
        for header in [AUTHORIZATION.as_str(), COOKIE.as_str(), "x-holdfast-csrf"] {
            head.headers.remove(header);
        }
        let path = match self {
            Self::S3 => head.uri.path().strip_prefix(S3).filter(|path| !path.is_empty()).unwrap_or("/"),
            Self::Iam => "/",
        };
        let query = head.uri.query().unwrap_or_default();
        let kept: Vec<&str> = query.split('&').filter(|pair| *pair != INLINE).collect();
        let shows = kept.len() < query.split('&').count();
        let whole = match kept.join("&") {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        };
        // What was part of an address is part of one.
        if let Ok(whole) = whole.parse::<PathAndQuery>() {
            head.uri = Uri::from(whole);
        }
        shows
    }
}

/// How a PDF may be shown: browsers have a viewer of their own for it, which draws no page of the document's and runs in no sandbox.
const POLICY_OF_PDF: &str =
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'";

/// What an object is stored with and what is overwritten here, by the names under which HEAD tells it: who changes metadata must
/// give it back.
const STORED: [(HeaderName, HeaderName); 2] = [
    (CACHE_CONTROL, HeaderName::from_static("x-holdfast-stored-cache-control")),
    (CONTENT_DISPOSITION, HeaderName::from_static("x-holdfast-stored-content-disposition")),
];

/// Has an answer of S3 be inert in a browser.
pub(super) fn make_inert((operation, status): (Operation, StatusCode), shows: bool, headers: &mut HeaderMap) {
    if operation == Operation::HeadObject && status.is_success() {
        for (name, stored_name) in STORED {
            if let Some(stored) = headers.get(name).cloned() {
                headers.insert(stored_name, stored);
            }
        }
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    let is_object = operation == Operation::GetObject && status.is_success();
    let stored = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let shown = if is_object { shown_as(stored) } else { None };
    if is_object {
        let media_type = shown.unwrap_or(HeaderValue::from_static("application/octet-stream"));
        headers.insert(CONTENT_TYPE, media_type);
    }
    let shows = shows && headers.get(CONTENT_TYPE).is_some_and(|kind| kind != "application/octet-stream");
    let given = headers.get(CONTENT_DISPOSITION).and_then(|given| given.to_str().ok());
    let saves = given.is_some_and(|given| given.trim_start().to_ascii_lowercase().starts_with("attachment"));
    if is_object && shows && headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/pdf") {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY_OF_PDF));
    }
    match (is_object, shows) {
        (true, true) => headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("inline")),
        // A name for the file may be kept.
        (true, false) if saves => None,
        _ => headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment")),
    };
}

/// The type under which a browser may show what is stored under another; `None` where it may not.
fn shown_as(stored: &str) -> Option<HeaderValue> {
    const PICTURES: [&str; 5] = ["png", "jpeg", "gif", "webp", "avif"];
    const TEXTS: [&str; 13] = [
        "json",
        "xml",
        "javascript",
        "x-javascript",
        "ecmascript",
        "yaml",
        "x-yaml",
        "toml",
        "sql",
        "x-sh",
        "x-ndjson",
        "x-httpd-php",
        "csv",
    ];
    let essence = stored.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/')?;
    let is_text = kind == "text"
        || (kind == "application" && TEXTS.contains(&subtype))
        || subtype.ends_with("+xml")
        || subtype.ends_with("+json");
    if is_text {
        return Some(HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    let is_inert = match kind {
        "image" => PICTURES.contains(&subtype),
        "video" | "audio" => true,
        "application" => subtype == "pdf",
        _ => false,
    };
    HeaderValue::from_str(&essence).ok().filter(|_| is_inert)
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn crossed(uri: &str) -> (String, bool) {
        let (mut head, ()) = Request::builder().uri(uri).body(()).unwrap().into_parts();
        let bridge = Bridge::of(head.uri.path()).unwrap();
        let shows = bridge.cross(&mut head);
        (head.uri.to_string(), shows)
    }

    #[test]
    fn what_is_behind_the_bridge_is_what_s3_would_get() {
        assert_eq!(crossed("/api/v1/s3"), ("/".into(), false));
        assert_eq!(crossed("/api/v1/s3/?x-id=ListBuckets"), ("/?x-id=ListBuckets".into(), false));
        assert_eq!(crossed("/api/v1/s3/b/a%2Fb%20?versionId=1"), ("/b/a%2Fb%20?versionId=1".into(), false));
        assert_eq!(crossed("/api/v1/s3/b//k?x-holdfast-inline=1"), ("/b//k".into(), true));
        assert_eq!(crossed("/api/v1/s3/b?a=1&x-holdfast-inline=1&b"), ("/b?a=1&b".into(), true));
        assert_eq!(crossed("/api/v1/iam"), ("/".into(), false));
        for path in ["/api/v1/s3x", "/api/v1/iam/", "/api/v1/status", "/s3/b"] {
            assert_eq!(Bridge::of(path), None, "{path}");
        }
    }

    #[test]
    fn what_recognizes_the_caller_stays_behind() {
        let request =
            Request::builder().uri("/api/v1/s3/b").header("cookie", "a=b").header("x-holdfast-csrf", "c");
        let (mut head, ()) = request.header("authorization", "Basic x").body(()).unwrap().into_parts();
        Bridge::S3.cross(&mut head);
        assert!(head.headers.is_empty());
    }

    fn inert(stored: &str, shows: bool) -> (String, String) {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(stored).unwrap());
        make_inert((Operation::GetObject, StatusCode::OK), shows, &mut headers);
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        let is_pdf = stored == "application/pdf" && shows;
        assert!(policy.starts_with(if is_pdf {
            "default-src 'none'"
        } else {
            "sandbox; default-src 'none'"
        }));
        let text = |name| headers[name].to_str().unwrap().to_owned();
        (text(CONTENT_TYPE), text(CONTENT_DISPOSITION))
    }

    #[test]
    fn what_scripts_can_be_made_of_is_shown_as_text_or_saved() {
        let text = ("text/plain; charset=utf-8".to_owned(), "inline".to_owned());
        for stored in [
            "text/html",
            "TEXT/HTML; charset=x",
            "image/svg+xml",
            "application/xhtml+xml",
            "text/javascript",
            "application/javascript",
            "application/json",
            "text/css",
            "application/rss+xml",
        ] {
            assert_eq!(inert(stored, true), text, "{stored}");
            assert_eq!(inert(stored, false), (text.0.clone(), "attachment".into()), "{stored}");
        }
        for stored in ["image/png", "video/mp4", "audio/ogg", "application/pdf"] {
            assert_eq!(inert(stored, true), (stored.into(), "inline".into()));
            assert_eq!(inert(stored, false), (stored.into(), "attachment".into()));
        }
        for stored in
            ["application/octet-stream", "application/x-shockwave-flash", "image/x-own", "nonsense", ""]
        {
            let saved = ("application/octet-stream".to_owned(), "attachment".to_owned());
            assert_eq!(inert(stored, true), saved, "{stored}");
        }
    }

    #[test]
    fn what_is_overwritten_is_told_by_head() {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        make_inert((Operation::HeadObject, StatusCode::OK), false, &mut headers);
        assert_eq!(headers[CACHE_CONTROL], "private, no-cache");
        assert_eq!(headers["x-holdfast-stored-cache-control"], "max-age=60");
        assert!(!headers.contains_key("x-holdfast-stored-content-disposition"));
    }

    #[test]
    fn a_name_to_save_under_is_kept_and_nothing_else_of_a_disposition() {
        let with = |given: &'static str, shows| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/png"));
            headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(given));
            make_inert((Operation::GetObject, StatusCode::OK), shows, &mut headers);
            headers[CONTENT_DISPOSITION].to_str().unwrap().to_owned()
        };
        assert_eq!(with("attachment; filename=a.png", false), "attachment; filename=a.png");
        assert_eq!(with("inline; filename=a.html", false), "attachment");
        assert_eq!(with("attachment; filename=a.png", true), "inline");
    }
}
