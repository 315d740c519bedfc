//! Root's credentials: given by the operator, or made once and kept in an owner-only file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{ConfigError, private_file};
use crate::iam::Secret;
use crate::runtime::random_bytes;

const ACCESS_KEY_LEN: usize = 20;
const SECRET_KEY_LEN: usize = 40;
const ACCESS_KEY_LEN_MIN: usize = 3;
const SECRET_KEY_LEN_MIN: usize = 8;
const KEY_LEN_MAX: usize = 128;

/// Passwords that stand in handbooks and that everybody tries first.
const WELL_KNOWN: &[&str] = &[
    "minioadmin",
    "minio123",
    "rustfsadmin",
    "holdfast",
    "holdfastadmin",
    "password",
    "changeme",
    "change-me",
    "admin123",
    "administrator",
    "12345678",
    "secretkey",
    "secret123",
    "miniostorage",
    "seaweedfs",
];

/// An access key and its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The public half.
    pub access_key_id: String,
    /// The private half.
    pub secret_access_key: Secret,
}

/// Where the credentials of this start come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialsOrigin {
    /// The operator gave them.
    Given,
    /// An earlier start made them.
    Kept,
    /// This start made them: the one time their secret is shown.
    Made,
}

impl Credentials {
    /// A random pair.
    pub fn random() -> Self {
        const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        const ANY: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        Self {
            access_key_id: random_text::<ACCESS_KEY_LEN>(UPPER),
            secret_access_key: Secret::new(random_text::<SECRET_KEY_LEN>(ANY)),
        }
    }

    /// Refuses what no client could sign with, and what everybody could guess.
    pub(super) fn check(&self, reachable: Option<SocketAddr>) -> Result<(), ConfigError> {
        let (access, secret) = (&self.access_key_id, self.secret_access_key.expose());
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        let access_fits = (ACCESS_KEY_LEN_MIN..=KEY_LEN_MAX).contains(&access.len());
        if !access_fits || !plain(access) || access.contains(['/', ',', '=']) {
            let expected = "3 to 128 letters and digits without `/`, `,` and `=`";
            return Err(ConfigError::BadValue {
                name: "root_access_key".into(),
                value: access.clone(),
                expected,
            });
        }
        if !(SECRET_KEY_LEN_MIN..=KEY_LEN_MAX).contains(&secret.len()) || !plain(secret) {
            let expected = "8 to 128 letters, digits and signs";
            return Err(ConfigError::BadValue {
                name: "root_secret_key".into(),
                value: "...".into(),
                expected,
            });
        }
        match reachable {
            Some(address) if is_well_known(secret) || secret == access => {
                Err(ConfigError::WellKnownSecret(address))
            }
            _ => Ok(()),
        }
    }
}

fn is_well_known(secret: &str) -> bool {
    WELL_KNOWN.contains(&secret.to_ascii_lowercase().as_str())
}

/// `N` letters of an alphabet whose length divides 256, so that none is likelier than another.
fn random_text<const N: usize>(alphabet: &[u8]) -> String {
    random_bytes::<N>().iter().map(|byte| alphabet[usize::from(*byte) % alphabet.len()] as char).collect()
}

/// The file in the state folder that keeps what clients on this machine need.
#[derive(Debug, Clone)]
pub struct CredentialsFile {
    path: PathBuf,
}

/// The content of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    #[serde(flatten)]
    credentials: Credentials,
}

impl CredentialsFile {
    /// The file in `state`.
    pub fn in_folder(state: &Path) -> Self {
        Self { path: state.join("credentials.json") }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file; `None` where it does not exist. A file that others may read is refused.
    pub fn read(&self) -> Result<Option<Credentials>, ConfigError> {
        let Some(text) = private_file::read(&self.path)? else { return Ok(None) };
        let malformed = |error: serde_json::Error| ConfigError::CredentialsMalformed {
            path: self.path.clone(),
            detail: error.to_string(),
        };
        serde_json::from_str::<Content>(&text).map(|content| Some(content.credentials)).map_err(malformed)
    }

    /// Makes a pair and keeps it durably, readable by the owner alone. Never replaces a file.
    pub fn create(&self) -> Result<Credentials, ConfigError> {
        let credentials = Credentials::random();
        let content = Content { credentials: credentials.clone() };
        let text = serde_json::to_string_pretty(&content).expect("texts always serialize");
        private_file::write_new(&self.path, text.as_bytes())?;
        Ok(credentials)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_made_pair_is_kept_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = CredentialsFile::in_folder(&folder.path().join("deep/state"));
        assert_eq!(file.read().unwrap(), None);
        let made = file.create().unwrap();
        assert_eq!((made.access_key_id.len(), made.secret_access_key.expose().len()), (20, 40));
        assert_eq!(file.read().unwrap(), Some(made));
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(file.create().is_err(), "a file that exists is never replaced");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(file.read(), Err(ConfigError::FileExposed { .. })));
    }

    #[test]
    fn well_known_passwords_are_refused_where_others_can_reach_the_server() {
        let pair = |access: &str, secret: &str| Credentials {
            access_key_id: access.into(),
            secret_access_key: Secret::new(secret),
        };
        let open = Some("0.0.0.0:9000".parse().unwrap());
        let default = pair("minioadmin", "minioadmin");
        assert!(matches!(default.check(open), Err(ConfigError::WellKnownSecret(_))));
        assert!(default.check(None).is_ok());
        assert!(matches!(pair("admin", "Password").check(open), Err(ConfigError::WellKnownSecret(_))));
        assert!(pair("admin", "correct-horse-battery").check(open).is_ok());
        assert!(pair("ab", "correct-horse-battery").check(None).is_err());
        assert!(pair("admin", "short").check(None).is_err());
    }

    #[test]
    fn two_random_pairs_differ() {
        assert_ne!(Credentials::random(), Credentials::random());
    }
}
