//! What can be wrong with a configuration. Each message says what to do about it.

use std::io;
use std::path::PathBuf;

/// Why the server does not start with this configuration.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named in the messages")]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}: {source}; check the path given with --config")]
    FileUnreadable { path: PathBuf, source: io::Error },
    /// The file is no TOML, or a value has the wrong type.
    #[error("{path} is not valid: {detail}")]
    FileMalformed { path: PathBuf, detail: String },
    /// The file has a key that does not exist.
    #[error("{path} has the unknown key `{key}`{nearest}; `holdfast serve --help` lists every key")]
    UnknownKey { path: PathBuf, key: String, nearest: Nearest },
    /// A value cannot be understood.
    #[error("{name} is {value:?}, which is not {expected}")]
    BadValue { name: String, value: String, expected: &'static str },
    /// Something needed was not given.
    #[error("{0}")]
    Missing(&'static str),
    /// A drive pattern cannot be expanded.
    #[error("the drive pattern {pattern:?} cannot be expanded: {reason}")]
    BadPattern { pattern: String, reason: &'static str },
    /// A folder was named twice.
    #[error("the drive {0} is named twice; name each drive once")]
    DriveTwice(PathBuf),
    /// A secret file cannot be read.
    #[error("cannot read {path}, named by {name}: {source}; check the path and its permissions")]
    SecretUnreadable { name: String, path: PathBuf, source: io::Error },
    /// Two sources for one secret.
    #[error("{0} and {0}_file are both set; keep one of them")]
    SecretTwice(&'static str),
    /// A password from a handbook, on an address others can reach.
    #[error(
        "the root credentials are a well-known default and {0} can be reached from other machines; \
         choose other credentials, or leave them out and a random pair is made"
    )]
    WellKnownSecret(std::net::SocketAddr),
    /// One half of the credentials without the other.
    #[error("only one of root_access_key and root_secret_key is set; set both, or neither for a random pair")]
    HalfCredentials,
    /// A certificate without its key, or the other way round.
    #[error("only one of tls_cert and tls_key is set; set both, or neither to serve without TLS")]
    HalfTls,
    /// The state folder cannot be written.
    #[error("cannot write {path}: {source}; give a folder that this user can write with --state")]
    StateUnwritable { path: PathBuf, source: io::Error },
    /// The credentials file is damaged.
    #[error("{path} is not a credentials file ({detail}); restore it, or remove it and a new pair is made")]
    CredentialsMalformed { path: PathBuf, detail: String },
    /// The file of the encryption key is damaged.
    #[error(
        "{path} does not hold an encryption key of 64 hexadecimal digits; restore it from where you keep a copy. \
         Do not remove it: what is encrypted could not be read any more"
    )]
    EncryptionKeyMalformed { path: PathBuf },
    /// A file with secrets is open to others.
    #[error("{path} can be read by other users; run `chmod 600 {path}`")]
    FileExposed { path: PathBuf },
    /// No credentials where a client command needs them.
    #[error(
        "no credentials: {path} does not exist; start the server first, run this in the same folder, \
         or name its state folder with --state"
    )]
    NoCredentials { path: PathBuf },
}

/// The known name closest to a wrong one, if any is close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest(Option<String>);

impl Nearest {
    /// Edits that may lie between a name and the one meant.
    const EDITS_MAX: usize = 4;

    /// Looks `wrong` up among `known`.
    pub fn of<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let limit = Self::EDITS_MAX.min(wrong.len().div_ceil(2));
        let closest = known.map(|name| (edits(wrong, name), name)).min();
        Self(closest.filter(|(edits, _)| *edits <= limit).map(|(_, name)| name.to_owned()))
    }
}

impl std::fmt::Display for Nearest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(name) => write!(f, "; did you mean `{name}`?"),
            None => Ok(()),
        }
    }
}

/// Insertions, removals and replacements that turn one name into the other.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_far_ones_are_not() {
        let known = || ["address", "console_address", "region"].into_iter();
        assert_eq!(Nearest::of("adress", known()).to_string(), "; did you mean `address`?");
        assert_eq!(Nearest::of("regoin", known()).to_string(), "; did you mean `region`?");
        assert_eq!(Nearest::of("zzzzzzz", known()).to_string(), "");
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
