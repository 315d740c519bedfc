//! Files that only their owner may read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::ConfigError;

/// Reads a file; `None` where it does not exist. One that others may read is refused.
pub(super) fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    let unreadable = |source| ConfigError::SecretUnreadable {
        name: "the state folder".into(),
        path: path.to_owned(),
        source,
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    if fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o077 != 0 {
        return Err(ConfigError::FileExposed { path: path.to_owned() });
    }
    Ok(Some(text))
}

/// Makes a file, durably. Never replaces one.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), ConfigError> {
    write(path, bytes).map_err(|source| ConfigError::StateUnwritable { path: path.to_owned(), source })
}

/// Writes beside the file, syncs and links it into place: a crash leaves all of it or none.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside)?;
    linked?;
    fs::File::open(folder)?.sync_all()
}
