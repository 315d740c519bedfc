//! Where certificates lie: one pair of files, a folder of pairs, or both.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::TlsError;

/// Pairs that are served at most.
pub(super) const PAIRS_MAX: usize = 1000;

/// What a pair is called in a folder of its own: as Kubernetes does, and as certbot does.
const IN_A_FOLDER: [(&str, &str); 2] = [("tls.crt", "tls.key"), ("fullchain.pem", "privkey.pem")];

/// The pair of a folder that is shown to those who ask for no name that is known.
const DEFAULT: &str = "default";

/// A file with a certificate chain and one with its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Where the certificates of a server lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFiles {
    /// The pair that clients are shown who ask for no name that is known.
    pub pair: Option<Pair>,
    /// A folder of further pairs.
    pub folder: Option<PathBuf>,
}

impl CertificateFiles {
    /// The same for a process in another folder.
    pub fn absolute(&self) -> Self {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let pair = |pair: &Pair| Pair { certificate: absolute(&pair.certificate), key: absolute(&pair.key) };
        Self { pair: self.pair.as_ref().map(pair), folder: self.folder.as_ref().map(absolute) }
    }

    /// All pairs, the one for unknown names first: the single pair, else `default.crt` of the folder, else
    /// the first one there.
    pub fn pairs(&self) -> Result<Vec<Pair>, TlsError> {
        let mut pairs = Vec::from_iter(self.pair.clone());
        if let Some(folder) = &self.folder {
            pairs.extend(pairs_in(folder)?);
            if pairs.len() > PAIRS_MAX {
                return Err(TlsError::TooMany(folder.clone()));
            }
            if pairs.is_empty() {
                return Err(TlsError::EmptyFolder(folder.clone()));
            }
        }
        Ok(pairs)
    }
}

fn pairs_in(folder: &Path) -> Result<Vec<Pair>, TlsError> {
    let unreadable = |source| TlsError::Unreadable { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        // Kubernetes keeps what it swaps under names that begin with two dots.
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden {
            paths.push(path);
        }
    }
    let is_default = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem == DEFAULT);
    paths.sort_by_key(|path| (!is_default(path), path.clone()));
    paths.iter().filter_map(|path| pair_at(path)).collect()
}

/// The pair that a name in the folder stands for; none where it stands for something else.
fn pair_at(path: &Path) -> Option<Result<Pair, TlsError>> {
    let pair = if path.extension().is_some_and(|extension| extension == "crt") {
        Pair { certificate: path.to_owned(), key: path.with_extension("key") }
    } else {
        let names = IN_A_FOLDER.iter().find(|(certificate, _)| path.join(certificate).is_file())?;
        Pair { certificate: path.join(names.0), key: path.join(names.1) }
    };
    if pair.key.is_file() {
        return Some(Ok(pair));
    }
    Some(Err(TlsError::KeyMissing { certificate: pair.certificate, key: pair.key }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &CertificateFiles, root: &Path) -> Vec<String> {
        let pairs = files.pairs().unwrap();
        let relative = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
        pairs.iter().map(|pair| format!("{} {}", relative(&pair.certificate), relative(&pair.key))).collect()
    }

    #[test]
    fn pairs_are_found_flat_and_in_folders_with_the_default_first() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["live/a/fullchain.pem", "live/a/privkey.pem", "live/README", "live/default.key"] {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), "").unwrap();
        }
        for name in ["default.crt", "b.crt", "b.key", "c/tls.crt", "c/tls.key", "..data/tls.crt"] {
            let path = root.join("live").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let files = CertificateFiles { pair: None, folder: Some(root.join("live")) };
        assert_eq!(
            names(&files, root),
            [
                "live/default.crt live/default.key",
                "live/a/fullchain.pem live/a/privkey.pem",
                "live/b.crt live/b.key",
                "live/c/tls.crt live/c/tls.key"
            ]
        );
        let single = Pair { certificate: root.join("x.pem"), key: root.join("y.pem") };
        let both = CertificateFiles { pair: Some(single), ..files };
        assert_eq!(names(&both, root)[0], "x.pem y.pem");
    }

    #[test]
    fn a_folder_without_certificates_and_a_certificate_without_key_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let files = CertificateFiles { pair: None, folder: Some(folder.path().to_owned()) };
        assert!(matches!(files.pairs(), Err(TlsError::EmptyFolder(_))));
        fs::write(folder.path().join("a.crt"), "").unwrap();
        assert!(matches!(files.pairs(), Err(TlsError::KeyMissing { key, .. }) if key.ends_with("a.key")));
    }
}
