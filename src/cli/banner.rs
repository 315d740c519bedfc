//! What a start says on standard output: at most fifteen lines.

use std::fmt::Write;
use std::path::Path;

use super::invocation::quote;
use crate::config::CredentialsOrigin;
use crate::erasure::Scheme;
use crate::server::Started;

/// Renders the banner. `program` is how another shell in this folder calls this binary, `state` is named
/// where `holdfast env` would not find it by itself.
pub(super) fn render(
    started: &Started,
    region: &str,
    program: &str,
    state: &Path,
    state_found: bool,
) -> String {
    let mut text = String::new();
    let credentials = &started.credentials;
    let _ = writeln!(text, "Holdfast {}", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(text, "  Layout   {}", layout(started.drives, started.drives_up, started.scheme));
    let _ = writeln!(text, "  S3       {}  (region {region})", started.endpoint);
    if let Some(console) = &started.console {
        let _ = writeln!(text, "  Console  {console}");
    }
    let file = state.join("credentials.json");
    let _ = match started.origin {
        CredentialsOrigin::Given => {
            writeln!(text, "  Key id   {}  (as configured)", credentials.access_key_id)
        }
        CredentialsOrigin::Kept | CredentialsOrigin::Made => {
            writeln!(text, "  Key id   {}  (secret in {})", credentials.access_key_id, file.display())
        }
    };
    if started.origin == CredentialsOrigin::Made {
        let _ = writeln!(text, "  Secret   {}  (shown this once)", credentials.secret_access_key.expose());
    }
    text.push_str("\nFrom another shell in this folder:\n");
    let named =
        if state_found { String::new() } else { format!(" --state {}", quote(&state.display().to_string())) };
    let _ = writeln!(text, "  eval \"$({program} env{named})\"");
    let bucket = started.bucket.as_deref().unwrap_or("my-bucket");
    let first = if started.bucket.is_some() { "ls" } else { "mb" };
    let _ = writeln!(text, "  aws s3 {first} s3://{bucket}");
    let _ = writeln!(text, "  echo hello | aws s3 cp - s3://{bucket}/hello.txt");
    text
}

/// The layout in words.
fn layout(drives: usize, up: usize, scheme: Scheme) -> String {
    let mut text = match (drives, scheme.parity) {
        (1, _) => "1 drive: no redundancy, fine for trials".to_owned(),
        (_, 1) => format!("{drives} drives, any 1 may fail"),
        (_, parity) => format!("{drives} drives, any {parity} may fail"),
    };
    if drives > 1 {
        let _ = write!(text, " (stripes of {} data + {} parity)", scheme.data, scheme.parity);
    }
    if up < drives {
        let _ = write!(text, "; {} MISSING now", drives - up);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Credentials;

    fn started(origin: CredentialsOrigin, bucket: Option<&str>) -> Started {
        Started {
            endpoint: "http://127.0.0.1:9000".into(),
            console: Some("http://127.0.0.1:9001".into()),
            drives: 4,
            drives_up: 4,
            scheme: Scheme::for_drives(4),
            credentials: Credentials::random(),
            origin,
            bucket: bucket.map(str::to_owned),
        }
    }

    #[test]
    fn the_banner_is_short_and_shows_the_secret_only_when_it_was_made() {
        let state = Path::new("./data/.holdfast");
        let made = started(CredentialsOrigin::Made, None);
        let text = render(&made, "us-east-1", "./target/release/holdfast", state, true);
        assert!(text.lines().count() <= 15, "{text}");
        assert!(text.contains(made.credentials.secret_access_key.expose()));
        assert!(text.contains("eval \"$(./target/release/holdfast env)\""), "{text}");
        assert!(text.contains("aws s3 mb s3://my-bucket"), "{text}");
        let kept = started(CredentialsOrigin::Kept, Some("photos"));
        let text = render(&kept, "us-east-1", "holdfast", Path::new("/srv/a b"), false);
        assert!(!text.contains(kept.credentials.secret_access_key.expose()));
        assert!(
            text.contains("holdfast env --state '/srv/a b'") && text.contains("aws s3 ls s3://photos"),
            "{text}"
        );
    }

    #[test]
    fn the_layout_is_told_in_words() {
        assert_eq!(layout(1, 1, Scheme::for_drives(1)), "1 drive: no redundancy, fine for trials");
        assert!(layout(4, 4, Scheme::for_drives(4)).starts_with("4 drives, any 2 may fail"));
        assert!(layout(4, 3, Scheme::for_drives(4)).contains("1 MISSING"));
    }
}
