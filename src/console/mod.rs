//! The web console's files, built into the binary and served with strict headers.
//!
//! `build.rs` makes them from `web-console/` and lists them. What is under `/assets/` has its hash in its name and may be
//! kept for good; the page itself is asked for each time. Paths of no file are places inside the console: it has the page too,
//! and its router finds the place.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap,
    HeaderValue, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::{Method, Response};

/// Scripts and styles from this origin alone, none of them inline; never inside a frame of another page. Frames show objects
/// that the server sends inert.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; \
     connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const PAGE: &str = "/index.html";
/// Where files are whose names change with their content.
const HASHED: &str = "/assets/";
/// What is not the console's.
const OTHERS: &[&str] = &["/api/", "/-/", "/metrics", HASHED];

struct File {
    path: &'static str,
    bytes: &'static [u8],
    gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// Answers a request for the console; `None` where it is not for it.
pub fn answer(method: &Method, path: &str, headers: &HeaderMap) -> Option<Response<Full<Bytes>>> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let file = find(path).or_else(|| if is_place(path) { find(PAGE) } else { None })?;
    let gzip = file.gzip.filter(|_| takes_gzip(headers));
    let mut response = Response::new(Full::new(Bytes::from_static(gzip.unwrap_or(file.bytes))));
    let answered = response.headers_mut();
    secure(answered);
    answered.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(file.path)));
    answered.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if gzip.is_some() {
        answered.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if file.path.starts_with(HASHED) {
        answered.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    }
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

fn find(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

fn is_place(path: &str) -> bool {
    !OTHERS.iter().any(|other| path.starts_with(other) || path == other.trim_end_matches('/'))
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    accepted.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip")) && !parts.any(|part| part == "q=0")
    })
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, kind)| kind) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Option<Response<Full<Bytes>>> {
        answer(&Method::GET, path, &HeaderMap::new())
    }

    #[test]
    fn the_page_runs_no_inline_script_and_names_only_files_that_are_served() {
        let page = find(PAGE).unwrap();
        let text = std::str::from_utf8(page.bytes).unwrap();
        assert!(!text.contains("<style") && !text.contains(" style="), "the policy forbids inline styles");
        let named = text.split(['"', '\'']).filter(|word| word.starts_with('/') && word.contains('.'));
        for path in named {
            assert!(find(path).is_some(), "{path}");
        }
        for script in text.split("<script").skip(1) {
            let (attributes, after) = script.split_once('>').unwrap();
            assert!(attributes.contains("src=") && after.starts_with("</script>"), "{script}");
        }
        let policy = get("/").unwrap().headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"));
    }

    #[test]
    fn places_inside_the_console_have_the_page_and_it_is_not_kept() {
        for place in ["/", "/buckets", "/buckets/photos/settings/policy"] {
            let response = get(place).unwrap();
            assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8", "{place}");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        }
    }

    #[test]
    fn what_has_its_hash_in_its_name_is_kept_for_good() {
        for file in FILES.iter().filter(|file| file.path.starts_with(HASHED)) {
            let kept = get(file.path).unwrap().headers()[CACHE_CONTROL].clone();
            assert!(kept.to_str().unwrap().contains("immutable"), "{}", file.path);
        }
    }

    #[test]
    fn a_file_is_compressed_for_whom_takes_it_so() {
        let with = |accepted: &str| {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_str(accepted).unwrap())]);
            takes_gzip(&headers)
        };
        assert!(with("gzip, deflate, br") && with("br;q=1.0, GZIP;q=0.8"));
        assert!(!with("") && !with("identity") && !with("gzip;q=0, br") && !takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn what_is_of_others_is_not_the_consoles() {
        for path in ["/api/v1/status", "/api", "/-/health/live", "/metrics", "/assets/none.js"] {
            assert!(get(path).is_none(), "{path}");
        }
        assert!(answer(&Method::POST, "/", &HeaderMap::new()).is_none());
    }
}
