//! Tables, and how rows are packed into columns.
//!
//! `objects` is a clustered index in key order, so that a listing reads neighbouring rows; what a listing
//! does not show is in the last column. `versions` is another, for what is no longer current (see `versions`). Payloads of tiny objects are in a table of their own, appended in
//! commit order.

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::model::{Content, DrivePhase, MetadataError};
use crate::types::{
    ChecksumAlgorithm, ChecksumKind, ChecksumValue, DriveSlot, Etag, ObjectChecksum, Properties,
    StorageClass, Versioning,
};

/// Bytes of a page of the database.
pub(super) const PAGE_BYTES: u64 = 8192;
/// Version of these tables, kept in `PRAGMA user_version`.
const VERSION: i64 = 8;

/// What version 8 has beyond version 7.
const SINCE_7: &str = "
INSERT INTO state VALUES ('identities', 0);
CREATE TABLE identities (
    account TEXT NOT NULL, kind INTEGER NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (account, kind, name)) WITHOUT ROWID;
";

const TABLES: &str = "
CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO state VALUES ('epoch', 0), ('applied_index', 0), ('next_sequence', 1);
CREATE TABLE buckets (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL,
    objects INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,
    versions INTEGER NOT NULL DEFAULT 0, version_bytes INTEGER NOT NULL DEFAULT 0,
    markers INTEGER NOT NULL DEFAULT 0,
    data_shards INTEGER, parity_shards INTEGER, versioning INTEGER NOT NULL DEFAULT 0, lock BLOB,
    owner BLOB);
CREATE TABLE accounts (
    id TEXT PRIMARY KEY, canonical_id BLOB NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, email TEXT UNIQUE,
    created INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE access_keys (
    access_key TEXT PRIMARY KEY, account TEXT NOT NULL, secret BLOB NOT NULL, active INTEGER NOT NULL,
    created INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE bucket_configurations (
    bucket INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (bucket, kind, id)) WITHOUT ROWID;
CREATE TABLE encodings (
    bucket INTEGER NOT NULL, class INTEGER NOT NULL, schemes BLOB NOT NULL, objects INTEGER NOT NULL,
    bytes INTEGER NOT NULL, PRIMARY KEY (bucket, class, schemes)) WITHOUT ROWID;
CREATE TABLE objects (
    bucket INTEGER NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL, etag BLOB NOT NULL,
    modified INTEGER NOT NULL, listed INTEGER NOT NULL, sequence INTEGER NOT NULL, is_null INTEGER NOT NULL,
    owner BLOB, detail BLOB NOT NULL, PRIMARY KEY (bucket, key)) WITHOUT ROWID;
CREATE TABLE rename_tokens (
    bucket INTEGER NOT NULL, token TEXT NOT NULL, request BLOB NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (bucket, token)) WITHOUT ROWID;
CREATE INDEX rename_tokens_by_age ON rename_tokens (at);
CREATE TABLE versions (
    bucket INTEGER NOT NULL, key TEXT NOT NULL, rank INTEGER NOT NULL, size INTEGER NOT NULL,
    etag BLOB NOT NULL, modified INTEGER NOT NULL, listed INTEGER NOT NULL, is_null INTEGER NOT NULL, owner BLOB,
    detail BLOB, PRIMARY KEY (bucket, key, rank)) WITHOUT ROWID;
CREATE UNIQUE INDEX null_versions ON versions (bucket, key) WHERE is_null;
CREATE TABLE payloads (sequence INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE part_checksums (sequence INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE blobs (
    blob BLOB PRIMARY KEY, size INTEGER NOT NULL, stripe_len INTEGER NOT NULL, data_shards INTEGER NOT NULL,
    slots BLOB NOT NULL, part_of BLOB, spread INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE contents (
    content BLOB PRIMARY KEY, size INTEGER NOT NULL, spread INTEGER NOT NULL, spreads BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE owners (
    spread INTEGER NOT NULL, content BLOB NOT NULL, bucket INTEGER NOT NULL, key TEXT NOT NULL,
    sequence INTEGER NOT NULL, PRIMARY KEY (spread, content, bucket, key, sequence)) WITHOUT ROWID;
CREATE TABLE spreads (
    id INTEGER PRIMARY KEY, pattern BLOB NOT NULL UNIQUE, blobs INTEGER NOT NULL DEFAULT 0,
    blob_bytes INTEGER NOT NULL DEFAULT 0, objects INTEGER NOT NULL DEFAULT 0,
    object_bytes INTEGER NOT NULL DEFAULT 0);
CREATE TABLE heal (
    spread INTEGER NOT NULL, blob BLOB NOT NULL, shard INTEGER NOT NULL, held INTEGER NOT NULL,
    PRIMARY KEY (spread, blob, shard)) WITHOUT ROWID;
CREATE TABLE garbage (
    id INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL, size INTEGER NOT NULL,
    stripe_len INTEGER NOT NULL, data_shards INTEGER NOT NULL, slots BLOB NOT NULL);
CREATE TABLE uploads (
    bucket INTEGER NOT NULL, key TEXT NOT NULL, upload BLOB NOT NULL, initiated INTEGER NOT NULL,
    detail BLOB NOT NULL, PRIMARY KEY (bucket, key, upload)) WITHOUT ROWID;
CREATE TABLE parts (
    upload BLOB NOT NULL, part INTEGER NOT NULL, size INTEGER NOT NULL, etag BLOB NOT NULL,
    modified INTEGER NOT NULL, checksum BLOB NOT NULL, blob BLOB NOT NULL,
    PRIMARY KEY (upload, part)) WITHOUT ROWID;
CREATE TABLE drives (
    slot INTEGER PRIMARY KEY, drive BLOB NOT NULL, phase INTEGER NOT NULL, location TEXT NOT NULL);
CREATE TABLE master_keys (
    id TEXT PRIMARY KEY, revision INTEGER NOT NULL, detail BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE jobs (name TEXT PRIMARY KEY, progress BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE events (
    target TEXT NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL, event BLOB NOT NULL,
    PRIMARY KEY (target, sequence)) WITHOUT ROWID;
CREATE TABLE event_targets (
    target TEXT PRIMARY KEY, pending INTEGER NOT NULL, delivered INTEGER NOT NULL,
    dropped INTEGER NOT NULL) WITHOUT ROWID;
";

/// Makes the tables in an empty database, and those that one of version 7 lacks; refuses one of another version.
pub(super) fn prepare(connection: &Connection) -> Result<(), MetadataError> {
    match connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))? {
        VERSION => Ok(()),
        0 => make(connection, &format!("{TABLES} {SINCE_7}")),
        7 => make(connection, SINCE_7),
        other => Err(MetadataError::Database(format!("written by another release (version {other})"))),
    }
}

fn make(connection: &Connection, tables: &str) -> Result<(), MetadataError> {
    Ok(connection.execute_batch(&format!("BEGIN; {tables} PRAGMA user_version = {VERSION}; COMMIT;"))?)
}

/// The last column of `objects` and `versions`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ObjectDetail {
    pub(super) properties: Properties,
    pub(super) checksum: Option<ObjectChecksum>,
    pub(super) content: Content,
}

/// The last column of `uploads`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct UploadDetail {
    pub(super) properties: Properties,
    pub(super) checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
}

/// Packs a value into a column.
pub(super) fn pack<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("plain data serializes")
}

/// Packs a value of about so many bytes.
pub(super) fn pack_large<T: Serialize>(value: &T, about: usize) -> Vec<u8> {
    postcard::to_extend(value, Vec::with_capacity(about)).expect("plain data serializes")
}

/// Unpacks a column.
pub(super) fn unpack<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, MetadataError> {
    postcard::from_bytes(bytes).map_err(|error| MetadataError::Database(format!("unreadable row: {error}")))
}

/// ETag as 16 or 18 bytes.
pub(super) fn pack_etag(etag: Etag) -> Vec<u8> {
    let mut bytes = etag.md5.to_vec();
    if etag.parts > 0 {
        bytes.extend_from_slice(&etag.parts.to_le_bytes());
    }
    bytes
}

/// See [`pack_etag`].
pub(super) fn unpack_etag(bytes: &[u8]) -> Result<Etag, MetadataError> {
    let bad = || MetadataError::Database("unreadable etag".into());
    let (md5, parts) = bytes.split_at_checked(16).ok_or_else(bad)?;
    let parts = match parts {
        [] => 0,
        [low, high] => u16::from_le_bytes([*low, *high]),
        _ => return Err(bad()),
    };
    Ok(Etag { md5: md5.try_into().map_err(|_| bad())?, parts })
}

/// What listings show of the details: storage class, and algorithm and kind of the checksum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) class: StorageClass,
    pub(super) checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
}

impl Listed {
    pub(super) fn of(detail: &ObjectDetail) -> Self {
        let checksum = detail.checksum.as_ref();
        Self {
            class: detail.properties.class,
            checksum: checksum.map(|checksum| (checksum.value.algorithm, checksum.kind)),
        }
    }

    /// As one small integer: four bits of the class above the lower four of the checksum, below the rest of those.
    pub(super) fn pack(self) -> i64 {
        let checksum = self.checksum.and_then(|(algorithm, kind)| {
            let algorithm = ChecksumAlgorithm::ALL.iter().position(|&a| a == algorithm)?;
            Some(1 + algorithm * 2 + usize::from(kind == ChecksumKind::Composite))
        });
        let checksum = checksum.unwrap_or_default() as i64;
        checksum / 16 * 256 + pack_class(self.class) * 16 + checksum % 16
    }

    /// See [`Self::pack`].
    pub(super) fn unpack(packed: i64) -> Self {
        let packed = usize::try_from(packed).unwrap_or_default();
        let checksum = (packed / 256 * 16 + packed % 16).checked_sub(1).and_then(|packed| {
            let kind = if packed % 2 == 1 { ChecksumKind::Composite } else { ChecksumKind::FullObject };
            Some((*ChecksumAlgorithm::ALL.get(packed / 2)?, kind))
        });
        Self { class: unpack_class((packed / 16 % 16) as i64), checksum }
    }
}

/// A storage class as a number.
pub(super) fn pack_class(class: StorageClass) -> i64 {
    StorageClass::ALL.iter().position(|&other| other == class).unwrap_or_default() as i64
}

/// See [`pack_class`].
pub(super) fn unpack_class(packed: i64) -> StorageClass {
    let class = usize::try_from(packed).ok().and_then(|packed| StorageClass::ALL.get(packed));
    class.copied().unwrap_or_default()
}

/// Slots, two bytes each.
pub(super) fn pack_slots(slots: &[DriveSlot]) -> Vec<u8> {
    slots.iter().flat_map(|slot| slot.0.to_le_bytes()).collect()
}

/// See [`pack_slots`].
pub(super) fn unpack_slots(bytes: &[u8]) -> Vec<DriveSlot> {
    bytes.as_chunks::<2>().0.iter().map(|&pair| DriveSlot(u16::from_le_bytes(pair))).collect()
}

const PHASES: [DrivePhase; 4] =
    [DrivePhase::Active, DrivePhase::Refilling, DrivePhase::Draining, DrivePhase::Removed];

/// A drive's phase as a number.
pub(super) fn pack_phase(phase: DrivePhase) -> i64 {
    PHASES.iter().position(|&other| other == phase).expect("every phase is listed") as i64
}

/// See [`pack_phase`].
pub(super) fn unpack_phase(packed: i64) -> Result<DrivePhase, MetadataError> {
    let phase = usize::try_from(packed).ok().and_then(|packed| PHASES.get(packed));
    phase.copied().ok_or_else(|| MetadataError::Database("unreadable drive phase".into()))
}

const VERSIONINGS: [Versioning; 3] = [Versioning::Unversioned, Versioning::Enabled, Versioning::Suspended];

/// Whether a bucket keeps versions, as a number.
pub(super) fn pack_versioning(versioning: Versioning) -> i64 {
    VERSIONINGS.iter().position(|&other| other == versioning).expect("every one is listed") as i64
}

/// See [`pack_versioning`].
pub(super) fn unpack_versioning(packed: i64) -> Result<Versioning, MetadataError> {
    let versioning = usize::try_from(packed).ok().and_then(|packed| VERSIONINGS.get(packed));
    versioning.copied().ok_or_else(|| MetadataError::Database("unreadable versioning".into()))
}

/// A part's checksum column.
pub(super) fn unpack_part_checksum(bytes: &[u8]) -> Result<Option<ChecksumValue>, MetadataError> {
    unpack(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listings_show_fits_a_number() {
        for class in StorageClass::ALL {
            assert_eq!(
                Listed::unpack(Listed { class, checksum: None }.pack()),
                Listed { class, checksum: None }
            );
            for algorithm in ChecksumAlgorithm::ALL {
                for kind in [ChecksumKind::FullObject, ChecksumKind::Composite] {
                    let listed = Listed { class, checksum: Some((algorithm, kind)) };
                    assert_eq!(Listed::unpack(listed.pack()), listed);
                }
            }
        }
    }

    #[test]
    fn tables_of_version_7_get_what_they_lack() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(&format!("{TABLES} PRAGMA user_version = 7")).unwrap();
        prepare(&db).unwrap();
        prepare(&db).unwrap();
        let columns = |db: &Connection| -> Vec<String> {
            let mut select = db.prepare("SELECT sql FROM sqlite_schema ORDER BY name").unwrap();
            let rows = select.query_map([], |row| row.get::<_, Option<String>>(0)).unwrap();
            rows.filter_map(std::result::Result::unwrap).collect()
        };
        let new = Connection::open_in_memory().unwrap();
        prepare(&new).unwrap();
        assert_eq!(columns(&db), columns(&new));
    }

    #[test]
    fn tables_of_another_version_are_refused() {
        let db = Connection::open_in_memory().unwrap();
        prepare(&db).unwrap();
        db.execute_batch(&format!("PRAGMA user_version = {}", VERSION + 1)).unwrap();
        assert!(prepare(&db).is_err());
    }
}
