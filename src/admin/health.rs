//! Whether the process lives, can serve, and how many drives stand between the data and loss.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::erasure::Scheme;
use crate::object::Engine;

/// The answer of `/-/health/cluster`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// In one word.
    pub status: Grade,
    /// Drives of the deployment.
    pub drives: usize,
    /// Drives that take operations.
    pub drives_up: usize,
    /// How many more may fail for certain.
    pub drives_spare: usize,
    /// Shards wait to be healed.
    pub healing: bool,
    /// The metadata takes changes.
    pub writable: bool,
}

/// Health in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Every drive is up and holds all it should.
    FullRedundancy,
    /// Drives are down or shards are missing; reads and writes work.
    ReducedRedundancy,
    /// Too many drives are down.
    Unavailable,
    /// Something that this version has no word for.
    #[serde(other)]
    Unknown,
}

impl Health {
    /// Judges the engine now.
    pub fn of(engine: &Engine) -> Self {
        // What cannot be told is not called whole.
        let healing = engine.metadata().is_healing().unwrap_or(true);
        let writable = engine.metadata().is_writable();
        let (drives, up) = (engine.members().len(), engine.drives().up_count());
        let scheme = engine.drives().scheme();
        // A bucket may have less parity than the deployment.
        let parity = engine.parity_min().unwrap_or(0);
        Self::judge(drives, up, Scheme { parity, ..scheme }, healing, writable)
    }

    fn judge(drives: usize, drives_up: usize, scheme: Scheme, healing: bool, writable: bool) -> Self {
        let (data, parity) = (usize::from(scheme.data), usize::from(scheme.parity));
        let status = match drives_up {
            up if !serves(up, data, writable) => Grade::Unavailable,
            up if up < drives || healing => Grade::ReducedRedundancy,
            _ => Grade::FullRedundancy,
        };
        // However many drives there are, a stripe is on as many as it has shards, and bears the loss of its parity.
        let missing = drives.saturating_sub(drives_up);
        let drives_spare = if healing { 0 } else { parity.saturating_sub(missing) };
        Self { status, drives, drives_up, drives_spare, healing, writable }
    }

    /// Requests can be served.
    pub fn is_ready(&self) -> bool {
        self.status != Grade::Unavailable
    }
}

/// Whether requests can be served with so many drives up.
fn serves(drives_up: usize, data: usize, writable: bool) -> bool {
    drives_up >= data && writable
}

/// Answers the paths under `/-/health/`; `None` for every other path.
pub fn health_answer(path: &str, engine: &Engine) -> Option<Response<Full<Bytes>>> {
    let probe = path.strip_prefix("/-/health/")?;
    let status = |ready| if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Some(match probe {
        "live" => text(StatusCode::OK, "live\n"),
        "ready" => {
            // Asked every few seconds: without a look at the database.
            let drives = engine.drives();
            let data = usize::from(drives.scheme().data);
            let ready = serves(drives.up_count(), data, engine.metadata().is_writable());
            text(status(ready), if ready { "ready\n" } else { "not ready\n" })
        }
        "cluster" => {
            let health = Health::of(engine);
            json(status(health.is_ready()), &health)
        }
        _ => text(StatusCode::NOT_FOUND, "no such probe: live, ready, cluster\n"),
    })
}

/// A short answer for people and probes.
pub(super) fn text(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    answer(status, "text/plain; charset=utf-8", Bytes::from_static(body.as_bytes()))
}

/// An answer for programs.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response<Full<Bytes>> {
    let bytes = serde_json::to_vec(body).expect("plain structs always serialize");
    answer(status, "application/json", bytes.into())
}

/// An answer of any kind, never cached.
pub(super) fn answer(status: StatusCode, media_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_follows_the_drives_that_are_up() {
        let judge = |up, writable| Health::judge(4, up, Scheme::for_drives(4), false, writable);
        assert_eq!(judge(4, true).status, Grade::FullRedundancy);
        let reduced = judge(3, true);
        assert_eq!((reduced.status, reduced.drives_spare), (Grade::ReducedRedundancy, 1));
        assert!(judge(2, true).is_ready());
        assert!(!judge(1, true).is_ready());
        assert!(!judge(4, false).is_ready(), "no quorum for the metadata");
    }

    #[test]
    fn more_drives_than_a_stripe_has_shards_do_not_make_it_safer() {
        let spare = |up| Health::judge(7, up, Scheme { data: 2, parity: 2 }, false, true).drives_spare;
        assert_eq!([7, 6, 5, 4].map(spare), [2, 1, 0, 0]);
    }

    #[test]
    fn redundancy_is_not_full_before_all_is_healed() {
        let healing = Health::judge(4, 4, Scheme::for_drives(4), true, true);
        assert_eq!((healing.status, healing.drives_spare), (Grade::ReducedRedundancy, 0));
        assert!(healing.is_ready());
    }
}
