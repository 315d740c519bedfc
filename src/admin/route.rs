//! Which operation a request to `/api/` names.

use hyper::Method;
use percent_encoding::percent_decode_str;

use super::Refusal;
use super::api::{RISK_PAGE_MAX, RiskQuery};
use super::import::dry_run;
use super::requests::RequestQuery;
use crate::types::DriveSlot;

/// An operation of the admin API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Status,
    Presign,
    Requests(RequestQuery),
    Request(String),
    History,
    Settings,
    Drives,
    AddDrive,
    ChangeDrive(DriveSlot, DriveChange),
    Nodes,
    AddNode,
    ChangeNode(String, NodeChange),
    Rebalance,
    Scrub,
    Heal,
    Buckets,
    SetParity(String),
    Keyring,
    CreateEncryptionKey,
    ChangeEncryptionKey(String, EncryptionKeyChange),
    DeleteEncryptionKey(String),
    SetSearch(String),
    /// Bounds the bytes of a bucket.
    SetQuota(String),
    Risk(RiskQuery),
    Events,
    Accounts,
    AddAccount,
    RemoveAccount(String),
    Keys,
    AddKey,
    ChangeKey(String, KeyChange),
    ImportMinioIam {
        dry_run: bool,
    },
}

/// What can be done to an access key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyChange {
    Disable,
    Enable,
    Remove,
}

/// What can be done to a drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DriveChange {
    Drain,
    Remove,
    Replace,
}

/// What can be done to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeChange {
    Drain,
    Remove,
}

/// What can be done to a named encryption key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EncryptionKeyChange {
    Rotate,
    Enable,
    Disable,
    Keep,
}

impl Route {
    /// Reads method, path and query.
    pub(super) fn parse(method: &Method, path: &str, query: &str) -> Result<Self, Refusal> {
        let (read, write) = at(path, query)?;
        let allowed = match (&read, &write) {
            (Some(_), Some(_)) => "GET, HEAD, POST",
            (Some(_), None) => "GET, HEAD",
            _ => "POST",
        };
        let route = match *method {
            Method::GET | Method::HEAD => read,
            Method::POST => write,
            _ => None,
        };
        route.ok_or(Refusal::Method(allowed))
    }

    /// Whether it may change something; such a request has a body.
    pub(super) fn changes(&self) -> bool {
        !matches!(
            self,
            Self::Status
                | Self::Requests(_)
                | Self::Request(_)
                | Self::History
                | Self::Settings
                | Self::Drives
                | Self::Nodes
                | Self::Buckets
                | Self::Keyring
                | Self::Risk(_)
                | Self::Accounts
                | Self::Keys
                | Self::Events
        )
    }
}

/// What a path means to GET and to POST.
fn at(path: &str, query: &str) -> Result<(Option<Route>, Option<Route>), Refusal> {
    let unknown = || Refusal::NotFound(format!("there is no {path} here; see docs/admin-api.md"));
    let segments: Vec<&str> = path.strip_prefix("/api/v1/").ok_or_else(unknown)?.split('/').collect();
    Ok(match segments.as_slice() {
        ["status"] => (Some(Route::Status), None),
        ["presign"] => (None, Some(Route::Presign)),
        ["requests"] => (Some(Route::Requests(RequestQuery::parse(query)?)), None),
        ["requests", id] => (Some(Route::Request(decode(id)?)), None),
        ["history"] => (Some(Route::History), None),
        ["settings"] => (Some(Route::Settings), None),
        ["drives"] => (Some(Route::Drives), Some(Route::AddDrive)),
        ["drives", slot, verb] => {
            let change = match *verb {
                "drain" => DriveChange::Drain,
                "remove" => DriveChange::Remove,
                "replace" => DriveChange::Replace,
                _ => return Err(unknown()),
            };
            (None, Some(Route::ChangeDrive(parse_slot(slot)?, change)))
        }
        ["nodes"] => (Some(Route::Nodes), Some(Route::AddNode)),
        ["nodes", address, verb] => {
            let change = match *verb {
                "drain" => NodeChange::Drain,
                "remove" => NodeChange::Remove,
                _ => return Err(unknown()),
            };
            (None, Some(Route::ChangeNode(decode(address)?, change)))
        }
        ["rebalance"] => (None, Some(Route::Rebalance)),
        ["scrub"] => (None, Some(Route::Scrub)),
        ["heal"] => (None, Some(Route::Heal)),
        ["buckets"] => (Some(Route::Buckets), None),
        ["buckets", name, "parity"] => (None, Some(Route::SetParity(decode(name)?))),
        ["keyring"] => (Some(Route::Keyring), Some(Route::CreateEncryptionKey)),
        ["keyring", id, "delete"] => (None, Some(Route::DeleteEncryptionKey(decode(id)?))),
        ["keyring", id, verb] => {
            let change = match *verb {
                "rotate" => EncryptionKeyChange::Rotate,
                "enable" => EncryptionKeyChange::Enable,
                "disable" => EncryptionKeyChange::Disable,
                "keep" => EncryptionKeyChange::Keep,
                _ => return Err(unknown()),
            };
            (None, Some(Route::ChangeEncryptionKey(decode(id)?, change)))
        }
        ["accounts"] => (Some(Route::Accounts), Some(Route::AddAccount)),
        ["accounts", id, "remove"] => (None, Some(Route::RemoveAccount(decode(id)?))),
        ["keys"] => (Some(Route::Keys), Some(Route::AddKey)),
        ["keys", key, verb] => {
            let change = match *verb {
                "disable" => KeyChange::Disable,
                "enable" => KeyChange::Enable,
                "remove" => KeyChange::Remove,
                _ => return Err(unknown()),
            };
            (None, Some(Route::ChangeKey(decode(key)?, change)))
        }
        ["buckets", name, "search"] => (None, Some(Route::SetSearch(decode(name)?))),
        ["buckets", name, "quota"] => (None, Some(Route::SetQuota(decode(name)?))),
        ["import", "minio-iam"] => (None, Some(Route::ImportMinioIam { dry_run: dry_run(query)? })),
        ["events"] => (Some(Route::Events), None),
        ["risk"] => (Some(Route::Risk(parse_risk(query)?)), None),
        _ => return Err(unknown()),
    })
}

fn parse_slot(text: &str) -> Result<DriveSlot, Refusal> {
    let slot = text.parse().map(DriveSlot);
    slot.map_err(|_| {
        Refusal::BadRequest(format!("{text} is no slot; slots are the numbers that `drive list` shows"))
    })
}

fn decode(text: &str) -> Result<String, Refusal> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| Refusal::BadRequest(format!("{text} is no text")))
}

fn parse_risk(query: &str) -> Result<RiskQuery, Refusal> {
    let mut parsed = RiskQuery { after: String::new(), max: RISK_PAGE_MAX };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "after" => parsed.after = decode(value)?,
            "max" => {
                let max = value.parse().ok().filter(|max| (1..=RISK_PAGE_MAX).contains(max));
                parsed.max =
                    max.ok_or_else(|| Refusal::BadRequest(format!("max goes from 1 to {RISK_PAGE_MAX}")))?;
            }
            _ => return Err(Refusal::BadRequest(format!("{name} is not known here; `after` and `max` are"))),
        }
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Result<Route, Refusal> {
        Route::parse(&Method::GET, path, "")
    }

    fn post(path: &str) -> Result<Route, Refusal> {
        Route::parse(&Method::POST, path, "")
    }

    #[test]
    fn every_operation_has_its_path() {
        assert_eq!(get("/api/v1/status"), Ok(Route::Status));
        assert_eq!(post("/api/v1/drives"), Ok(Route::AddDrive));
        let replace = Route::ChangeDrive(DriveSlot(7), DriveChange::Replace);
        assert_eq!(post("/api/v1/drives/7/replace"), Ok(replace));
        let drain = Route::ChangeNode("[::1]:9100".into(), NodeChange::Drain);
        assert_eq!(post("/api/v1/nodes/%5B::1%5D:9100/drain"), Ok(drain));
        assert_eq!(post("/api/v1/rebalance"), Ok(Route::Rebalance));
        assert_eq!(post("/api/v1/scrub"), Ok(Route::Scrub));
        assert_eq!(get("/api/v1/buckets"), Ok(Route::Buckets));
        assert_eq!(get("/api/v1/keyring"), Ok(Route::Keyring));
        let rotate = Route::ChangeEncryptionKey("a/b".into(), EncryptionKeyChange::Rotate);
        assert_eq!(post("/api/v1/keyring/a%2Fb/rotate"), Ok(rotate));
        assert_eq!(get("/api/v1/events"), Ok(Route::Events));
        assert_eq!(post("/api/v1/buckets/photos/search"), Ok(Route::SetSearch("photos".into())));
        assert_eq!(post("/api/v1/buckets/photos/quota"), Ok(Route::SetQuota("photos".into())));
        assert_eq!(post("/api/v1/buckets/photos/parity"), Ok(Route::SetParity("photos".into())));
        assert_eq!(
            post("/api/v1/accounts/000000000001/remove"),
            Ok(Route::RemoveAccount("000000000001".into()))
        );
        assert_eq!(post("/api/v1/keys/AK/disable"), Ok(Route::ChangeKey("AK".into(), KeyChange::Disable)));
    }

    #[test]
    fn an_import_is_tried_where_the_query_says_so() {
        let import = |query| Route::parse(&Method::POST, "/api/v1/import/minio-iam", query);
        assert_eq!(import(""), Ok(Route::ImportMinioIam { dry_run: false }));
        assert_eq!(import("dry_run=true"), Ok(Route::ImportMinioIam { dry_run: true }));
        for query in ["dry_run=1", "dryrun=true", "dry_run=true&x"] {
            assert!(matches!(import(query), Err(Refusal::BadRequest(_))), "{query}");
        }
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        assert_eq!(post("/api/v1/status"), Err(Refusal::Method("GET, HEAD")));
        assert_eq!(get("/api/v1/scrub"), Err(Refusal::Method("POST")));
        let delete = Route::parse(&Method::DELETE, "/api/v1/drives", "");
        assert_eq!(delete, Err(Refusal::Method("GET, HEAD, POST")));
    }

    #[test]
    fn paths_that_are_none_are_refused() {
        for path in ["/api/v1/", "/api/v2/status", "/api/v1/drives/1", "/api/v1/drives/1/paint", "/api/"] {
            assert!(matches!(get(path), Err(Refusal::NotFound(_))), "{path}");
        }
        assert!(matches!(post("/api/v1/drives/one/drain"), Err(Refusal::BadRequest(_))));
        assert!(matches!(post("/api/v1/nodes/%ff/drain"), Err(Refusal::BadRequest(_))));
    }

    #[test]
    fn a_page_of_objects_at_risk_is_asked_for_within_bounds() {
        let risk = |query| Route::parse(&Method::GET, "/api/v1/risk", query);
        let page = Route::Risk(RiskQuery { after: "photos/a b&c".into(), max: 5 });
        assert_eq!(risk("after=photos%2Fa%20b%26c&max=5"), Ok(page));
        assert_eq!(risk(""), Ok(Route::Risk(RiskQuery { after: String::new(), max: RISK_PAGE_MAX })));
        for query in ["max=0", "max=1001", "max=x", "least=1"] {
            assert!(matches!(risk(query), Err(Refusal::BadRequest(_))), "{query}");
        }
    }
}
