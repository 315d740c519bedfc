use std::io::{Cursor, Read as _};

use zip::ZipArchive;
use zip::result::ZipError;

/// Bytes of an archive: room for as many users as an account may have, each with several service accounts.
pub const ARCHIVE_BYTES_MAX: usize = 8 << 20;

/// Entries of an archive. MinIO writes seven.
const ENTRIES_MAX: usize = 64;

/// Bytes of all files together, as they are unpacked. Bounds the memory of reading them to some ten times that.
const INFLATED_BYTES_MAX: u64 = 16 << 20;

/// Names in all files together. Bounds the report.
pub(super) const NAMES_MAX: usize = 50_000;

/// The folder of all files.
const FOLDER: &str = "iam-assets/";

/// Why an archive is none that can be taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be unpacked.
    #[error("the body is no ZIP archive that can be read: {0}")]
    Unreadable(String),
    /// It has more entries than MinIO ever writes.
    #[error("the archive has more than {ENTRIES_MAX} entries; an export of MinIO has seven")]
    Entries,
    /// It would unpack to more than is taken.
    #[error("the archive unpacks to more than {INFLATED_BYTES_MAX} bytes")]
    Inflated,
    /// It has more than is told of.
    #[error("the archive names more than {NAMES_MAX} users, groups, policies and service accounts")]
    Names,
    /// It is the archive of something else.
    #[error("the archive has no iam-assets folder with policies.json, users.json or the like")]
    Foreign,
    /// A file is not of the form that MinIO writes.
    #[error("{0} in the archive is no JSON object of names, or has a name twice")]
    Json(String),
}

impl From<ZipError> for ArchiveError {
    fn from(error: ZipError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// What an archive has.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Names and contents of the files of the folder.
    pub(super) inside: Vec<(String, Vec<u8>)>,
    /// Names of others.
    pub(super) outside: Vec<String>,
}

/// Unpacks an archive.
pub(super) fn files(archive: &[u8]) -> Result<Files, ArchiveError> {
    let mut archive = ZipArchive::new(Cursor::new(archive))?;
    if archive.len() > ENTRIES_MAX {
        return Err(ArchiveError::Entries);
    }
    let (mut files, mut left) = (Files::default(), INFLATED_BYTES_MAX);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = entry.name()?.into_owned();
        if entry.is_dir() {
            continue;
        }
        let Some(short) = name.strip_prefix(FOLDER) else {
            files.outside.push(name);
            continue;
        };
        // What an entry says of its length is not believed.
        let mut contents = Vec::new();
        let read = entry.by_ref().take(left + 1).read_to_end(&mut contents);
        read.map_err(|error| ArchiveError::Unreadable(format!("{name}: {error}")))?;
        left = left.checked_sub(contents.len() as u64).ok_or(ArchiveError::Inflated)?;
        files.inside.push((short.to_owned(), contents));
    }
    Ok(files)
}

/// An archive of these files.
#[cfg(any(test, fuzzing))]
pub(super) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, contents) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a name fits");
        writer.write_all(contents).expect("memory takes all");
    }
    writer.finish().expect("memory takes all").into_inner()
}

/// Archives that are taken.
#[cfg(any(test, fuzzing))]
pub(in crate::iam) fn seeds() -> Vec<Vec<u8>> {
    let users = br#"{"anna":{"secretKey":"secret","status":"enabled"}}"#;
    let accounts =
        br#"{"job":{"parent":"anna","secretKey":"secret","status":"on","sessionPolicy":null,"claims":{}}}"#;
    let all: [(&str, &[u8]); 3] = [
        ("iam-assets/users.json", users),
        ("iam-assets/svcaccts.json", accounts),
        ("iam-assets/user_mappings.json", br#"{"anna":{"version":1,"policy":"readonly"}}"#),
    ];
    vec![zip(&all), zip(&all[..1])]
}
