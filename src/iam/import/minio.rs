use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::super::policy::parse_json;
use super::archive::{ArchiveError, Files, NAMES_MAX, files};
use crate::types::{Civil, Secret, StoredSecret, Timestamp};

/// Everything of one file by name; nothing in the place of what is not of the form that MinIO writes.
pub(super) type Entries<T> = BTreeMap<String, Option<T>>;

/// All that an archive says.
#[derive(Debug, Default)]
pub struct Export {
    /// Policies by name, as documents.
    pub(super) policies: Map<String, Value>,
    pub(super) users: Entries<UserEntry>,
    pub(super) groups: Entries<GroupEntry>,
    /// Service accounts by access key.
    pub(super) accounts: Entries<AccountEntry>,
    /// Policies of users and of groups.
    pub(super) of_users: Entries<MappingEntry>,
    pub(super) of_groups: Entries<MappingEntry>,
    /// Policies of those whom an identity provider outside vouches for.
    pub(super) of_others: Entries<MappingEntry>,
    /// Files that say something else.
    pub(super) unknown: Vec<String>,
}

/// A user; its name is its access key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserEntry {
    secret_key: Option<Secret>,
    status: Option<String>,
    /// As in [`MappingEntry`], where an older client has written it here.
    pub(super) policy: Option<String>,
}

/// A group.
#[derive(Debug, Deserialize)]
pub(super) struct GroupEntry {
    status: Option<String>,
    pub(super) members: Option<Vec<String>>,
}

/// A service account.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountEntry {
    pub(super) parent: String,
    secret_key: Option<Secret>,
    status: Option<String>,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    expiration: Option<String>,
    session_policy: Option<Value>,
    claims: Option<Map<String, Value>>,
}

/// Names of policies, with commas between them.
#[derive(Debug, Deserialize)]
pub(super) struct MappingEntry {
    pub(super) policy: String,
}

/// What a service account may do of what its user may.
#[derive(Debug, PartialEq)]
pub(super) enum SessionPolicy<'a> {
    /// All of it.
    Inherited,
    /// What this document allows too.
    Own(&'a Value),
    /// What a document allows that is not there.
    Missing,
}

fn is_on(status: Option<&str>) -> bool {
    matches!(status, Some("enabled" | "on"))
}

impl UserEntry {
    /// Whether it may sign in.
    pub(super) fn is_on(&self) -> bool {
        is_on(self.status.as_deref())
    }
}

impl GroupEntry {
    /// Whether its policies count.
    pub(super) fn is_on(&self) -> bool {
        is_on(self.status.as_deref())
    }
}

impl AccountEntry {
    /// Whether it may sign in.
    pub(super) fn is_on(&self) -> bool {
        is_on(self.status.as_deref())
    }

    /// When it ends, if ever; an error where that is no time. MinIO writes the year 1 or the first second of 1970 for never.
    pub(super) fn end(&self) -> Result<Option<Timestamp>, String> {
        let text = self.expiration.as_deref().unwrap_or_default();
        if text.is_empty() || text.starts_with("0001-01-01T") {
            return Ok(None);
        }
        let secs = Civil::parse_iso(text).ok_or_else(|| format!("its end, {text:.40}, is no time in UTC"))?;
        Ok((secs > 0).then(|| Timestamp::from_millis(secs.saturating_mul(1000))))
    }

    /// What bounds it.
    pub(super) fn session_policy(&self) -> SessionPolicy<'_> {
        let claimed = self.claims.as_ref().and_then(|claims| claims.get("sa-policy")).and_then(Value::as_str);
        match self.session_policy.as_ref().filter(|policy| !policy.is_null()) {
            _ if claimed == Some("inherited-policy") => SessionPolicy::Inherited,
            Some(policy) => SessionPolicy::Own(policy),
            None if claimed == Some("embedded-policy") => SessionPolicy::Missing,
            None => SessionPolicy::Inherited,
        }
    }
}

impl Export {
    /// Reads an archive.
    pub fn read(archive: &[u8]) -> Result<Self, ArchiveError> {
        let Files { inside, outside } = files(archive)?;
        let (mut export, mut known) = (Self { unknown: outside, ..Self::default() }, false);
        for (name, contents) in inside {
            known |= export.take(&name, &contents)?;
        }
        match known {
            true if export.names() > NAMES_MAX => Err(ArchiveError::Names),
            true => Ok(export),
            false => Err(ArchiveError::Foreign),
        }
    }

    fn names(&self) -> usize {
        let mappings = [&self.of_users, &self.of_groups, &self.of_others].map(BTreeMap::len);
        let others = [self.policies.len(), self.users.len(), self.groups.len(), self.accounts.len()];
        mappings.iter().chain(&others).sum()
    }

    /// Reads a file; whether it is one of those that MinIO writes.
    fn take(&mut self, name: &str, contents: &[u8]) -> Result<bool, ArchiveError> {
        let object = || object(name, contents);
        match name {
            "policies.json" => self.policies = object()?,
            "users.json" => self.users = entries(object()?),
            "groups.json" => self.groups = entries(object()?),
            "svcaccts.json" => self.accounts = entries(object()?),
            "user_mappings.json" => self.of_users = entries(object()?),
            "group_mappings.json" => self.of_groups = entries(object()?),
            // Older servers have a second file for groups.
            "stsuser_mappings.json" | "stsgroup_mappings.json" => self.of_others.extend(entries(object()?)),
            _ => {
                self.unknown.push(name.to_owned());
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The secrets of all access keys as they are kept; `None` where they cannot be sealed.
    pub(super) fn sealed(
        &self,
        seal: impl Fn(&str, &Secret) -> Option<StoredSecret>,
    ) -> Option<BTreeMap<&str, StoredSecret>> {
        let users =
            self.users.iter().filter_map(|(name, user)| Some((name, user.as_ref()?.secret_key.as_ref()?)));
        let accounts = self
            .accounts
            .iter()
            .filter_map(|(key, account)| Some((key, account.as_ref()?.secret_key.as_ref()?)));
        let all = users.chain(accounts).filter(|(_, secret)| !secret.expose().is_empty());
        all.map(|(key, secret)| Some((key.as_str(), seal(key, secret)?))).collect()
    }
}

/// The names of a file. An error never says what it has in their places: that may be a secret.
fn object(name: &str, contents: &[u8]) -> Result<Map<String, Value>, ArchiveError> {
    match parse_json(contents) {
        Some(Value::Object(object)) => Ok(object),
        // What has none of a kind is written so too.
        Some(Value::Null) => Ok(Map::new()),
        _ => Err(ArchiveError::Json(name.to_owned())),
    }
}

fn entries<T: DeserializeOwned>(object: Map<String, Value>) -> Entries<T> {
    object.into_iter().map(|(name, value)| (name, serde_json::from_value(value).ok())).collect()
}
