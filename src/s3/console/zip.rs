//! ZIP archives as they are sent: entries stored as they are, in a stream that is never gone back in (APPNOTE 6.3.10).
//!
//! What is beyond 4 GiB, or beyond 65,535 entries, has the 64-bit forms; else an archive has none of them, so that old programs
//! can read it. An entry whose checksum is not known before its bytes are has it behind them.

use std::collections::HashSet;

use crate::checksum::Hasher;
use crate::types::{ChecksumAlgorithm, Civil, Timestamp};

/// Bytes of the directory at the end, which is kept in memory until then: room for some 400,000 entries of usual names.
const DIRECTORY_BYTES_MAX: usize = 64 << 20;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;

/// The name is UTF-8.
const UTF_8: u16 = 1 << 11;
/// Checksum and lengths stand behind the bytes.
const DESCRIBED_BEHIND: u16 = 1 << 3;

/// By whom entries are made: Unix, with the 64-bit forms.
const MADE_BY: u16 = 3 << 8 | 45;

/// Why an archive does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the archive would have more entries than fit into its directory")]
pub(super) struct TooManyEntries;

/// An archive in the making. Every method answers the bytes that come next.
#[derive(Debug, Default)]
pub(super) struct ZipWriter {
    /// Bytes so far.
    offset: u64,
    directory: Vec<u8>,
    entries: u64,
    /// Names that are taken, as digests: two entries of one name would overwrite each other where they are unpacked.
    names: HashSet<u64>,
    open: Option<Entry>,
}

/// The entry whose bytes are being added.
#[derive(Debug)]
struct Entry {
    name: String,
    modified: Timestamp,
    size: u64,
    flags: u16,
    crc: Hasher,
    start: u64,
}

impl ZipWriter {
    /// Begins an entry of so many bytes, which come in as many [`Self::data`] as one likes.
    pub(super) fn begin(
        &mut self,
        name: &str,
        modified: Timestamp,
        size: u64,
    ) -> Result<Vec<u8>, TooManyEntries> {
        self.begin_with(name, (modified, size), DESCRIBED_BEHIND, 0)
    }

    /// An entry that is there whole.
    pub(super) fn whole(
        &mut self,
        name: &str,
        modified: Timestamp,
        bytes: &[u8],
    ) -> Result<Vec<u8>, TooManyEntries> {
        let mut crc = Hasher::new(ChecksumAlgorithm::Crc32);
        crc.update(bytes);
        let mut out = self.begin_with(name, (modified, bytes.len() as u64), 0, value(crc))?;
        self.data(bytes);
        out.extend_from_slice(bytes);
        out.extend(self.end());
        Ok(out)
    }

    fn begin_with(
        &mut self,
        name: &str,
        (modified, size): (Timestamp, u64),
        flags: u16,
        crc: u32,
    ) -> Result<Vec<u8>, TooManyEntries> {
        let name = self.free_name(name);
        if self.directory.len() + name.len() + 128 > DIRECTORY_BYTES_MAX {
            return Err(TooManyEntries);
        }
        let flags = flags | UTF_8;
        let mut out = Vec::with_capacity(64 + name.len());
        let mut extra = Vec::new();
        let is_large = size >= u64::from(u32::MAX);
        if is_large {
            push_16(&mut extra, &[1, 16]);
            push_64(&mut extra, &[size, size]);
        }
        push_time(&mut extra, modified);
        push_32(&mut out, &[LOCAL]);
        push_16(&mut out, &[if is_large { 45 } else { 20 }, flags, 0]);
        push_32(&mut out, &[dos_time(modified), crc, short(size), short(size)]);
        push_16(&mut out, &[name.len() as u16, extra.len() as u16]);
        out.extend_from_slice(name.as_bytes());
        out.extend(extra);
        let start = self.offset;
        self.offset += out.len() as u64;
        let crc = Hasher::new(ChecksumAlgorithm::Crc32);
        self.open = Some(Entry { name, modified, size, flags, crc, start });
        Ok(out)
    }

    /// Takes note of bytes of the entry.
    pub(super) fn data(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        if let Some(entry) = &mut self.open {
            entry.crc.update(bytes);
        }
    }

    /// Ends the entry, of which all bytes were added.
    pub(super) fn end(&mut self) -> Vec<u8> {
        let Some(Entry { name, modified, size, flags, crc, start }) = self.open.take() else {
            return Vec::new();
        };
        let crc = value(crc);
        let is_large = size >= u64::from(u32::MAX);
        let mut out = Vec::new();
        if flags & DESCRIBED_BEHIND != 0 {
            push_32(&mut out, &[DESCRIPTOR, crc]);
            if is_large {
                push_64(&mut out, &[size, size]);
            } else {
                push_32(&mut out, &[size as u32, size as u32]);
            }
        }
        self.offset += out.len() as u64;
        self.list((&name, modified), (size, crc), flags, start);
        out
    }

    fn list(&mut self, (name, modified): (&str, Timestamp), (size, crc): (u64, u32), flags: u16, start: u64) {
        let mut large = Vec::new();
        if size >= u64::from(u32::MAX) {
            push_64(&mut large, &[size, size]);
        }
        if start >= u64::from(u32::MAX) {
            push_64(&mut large, &[start]);
        }
        let mut extra = Vec::new();
        if !large.is_empty() {
            push_16(&mut extra, &[1, large.len() as u16]);
        }
        extra.extend_from_slice(&large);
        push_time(&mut extra, modified);
        let is_folder = name.ends_with('/');
        let mode: u32 = if is_folder { 0o040_755 << 16 | 0x10 } else { 0o100_644 << 16 };
        let out = &mut self.directory;
        push_32(out, &[CENTRAL]);
        push_16(out, &[MADE_BY, if large.is_empty() { 20 } else { 45 }, flags, 0]);
        push_32(out, &[dos_time(modified), crc, short(size), short(size)]);
        push_16(out, &[name.len() as u16, extra.len() as u16, 0, 0, 0]);
        push_32(out, &[mode, short(start)]);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&extra);
        self.entries += 1;
    }

    /// The directory, with which the archive ends.
    pub(super) fn finish(self) -> Vec<u8> {
        let (start, len, entries) = (self.offset, self.directory.len() as u64, self.entries);
        let mut out = self.directory;
        let is_large = entries >= u64::from(u16::MAX) || start + len >= u64::from(u32::MAX);
        if is_large {
            push_32(&mut out, &[END_64]);
            push_64(&mut out, &[44]);
            push_16(&mut out, &[MADE_BY, 45]);
            push_32(&mut out, &[0, 0]);
            push_64(&mut out, &[entries, entries, len, start]);
            push_32(&mut out, &[LOCATOR_64, 0]);
            push_64(&mut out, &[start + len]);
            push_32(&mut out, &[1]);
        }
        let count = u16::try_from(entries).unwrap_or(u16::MAX);
        push_32(&mut out, &[END]);
        push_16(&mut out, &[0, 0, count, count]);
        push_32(&mut out, &[short(len), short(start)]);
        push_16(&mut out, &[0]);
        out
    }

    /// A name that leads nowhere but into the folder where the archive is unpacked, and that no other entry has.
    fn free_name(&mut self, key: &str) -> String {
        let safe = safe_name(key);
        let mut name = safe.clone();
        let mut number = 1;
        while !self.names.insert(digest(&name)) {
            number += 1;
            let (folder, file) = safe.rsplit_once('/').map_or(("", safe.as_str()), |(f, n)| (f, n));
            let joint = if folder.is_empty() { "" } else { "/" };
            name = format!("{folder}{joint}({number}) {file}");
        }
        name
    }
}

fn digest(name: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher as _};
    let mut hasher = DefaultHasher::new();
    // Where case does not count, two names that differ in it alone are one.
    name.to_lowercase().hash(&mut hasher);
    hasher.finish()
}

/// A key as a path within the folder where it is unpacked: no way up, none to a root or a drive.
fn safe_name(key: &str) -> String {
    let segments = key.split('/').filter(|segment| !segment.is_empty()).map(|segment| match segment {
        "." | ".." => "_".repeat(segment.len()),
        segment => {
            segment.chars().map(|c| if c.is_control() || "\\:".contains(c) { '_' } else { c }).collect()
        }
    });
    let name = segments.collect::<Vec<_>>().join("/");
    match name.as_str() {
        "" => "_".into(),
        _ if key.ends_with('/') => name + "/",
        _ => name,
    }
}

fn value(crc: Hasher) -> u32 {
    crc.finish().bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

/// A number in a field of 32 bits, or the sign that it stands elsewhere.
fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Time in the low half and date in the high one, in steps of two seconds.
fn dos_time(time: Timestamp) -> u32 {
    let Civil { year, month, day, hour, minute, second } = Civil::from_unix_secs(time.as_secs());
    let years = u32::from(year.clamp(1980, 2107)) - 1980;
    let date = (years << 9) | (u32::from(month) << 5) | u32::from(day);
    let time = (u32::from(hour) << 11) | (u32::from(minute) << 5) | (u32::from(second) / 2);
    (date << 16) | time
}

/// The time to the second, in UTC, for programs that know it.
fn push_time(out: &mut Vec<u8>, modified: Timestamp) {
    push_16(out, &[0x5455, 5]);
    out.push(1);
    push_32(out, &[short(modified.as_secs())]);
}

fn push_16(out: &mut Vec<u8>, numbers: &[u16]) {
    numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
}

fn push_32(out: &mut Vec<u8>, numbers: &[u32]) {
    numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
}

fn push_64(out: &mut Vec<u8>, numbers: &[u64]) {
    numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(keys: &[&str]) -> Vec<String> {
        let mut zip = ZipWriter::default();
        keys.iter().map(|key| zip.free_name(key)).collect()
    }

    #[test]
    fn no_entry_leads_out_of_the_folder_where_it_is_unpacked() {
        let hostile =
            ["../../etc/passwd", "/etc/passwd", "a/../../b", "C:\\windows\\x", "a\u{0}b", "..", "//"];
        let safe = ["__/__/etc/passwd", "etc/passwd", "a/__/__/b", "C__windows_x", "a_b", "__", "_"];
        assert_eq!(names(&hostile), safe);
        assert_eq!(names(&["folder/"]), ["folder/"]);
    }

    #[test]
    fn no_two_entries_overwrite_each_other() {
        let keys = ["a/b", "a//b", "A/B", "/a/b", "c", "c"];
        assert_eq!(
            names(&keys),
            ["a/b", "a/(2) b", "A/(2) B".replace("(2)", "(3)").as_str(), "a/(4) b", "c", "(2) c"]
        );
    }

    #[test]
    fn small_archives_have_none_of_the_long_forms_and_long_ones_have() {
        let mut zip = ZipWriter::default();
        zip.whole("a", Timestamp::default(), b"bytes").unwrap();
        let end = zip.finish();
        assert!(!end.windows(4).any(|four| four == END_64.to_le_bytes()));
        let mut zip = ZipWriter { offset: 5 << 30, ..ZipWriter::default() };
        let head = zip.begin("b", Timestamp::default(), 6 << 30).unwrap();
        assert!(head.windows(8).any(|eight| eight == (6u64 << 30).to_le_bytes()));
        zip.offset += 6 << 30;
        assert_eq!(zip.end().len(), 4 + 4 + 16);
        assert!(zip.directory.windows(8).any(|eight| eight == (5u64 << 30).to_le_bytes()));
        assert!(zip.finish().windows(4).any(|four| four == END_64.to_le_bytes()));
    }

    #[test]
    fn the_directory_is_bounded() {
        let mut zip = ZipWriter { directory: vec![0; DIRECTORY_BYTES_MAX - 100], ..ZipWriter::default() };
        assert_eq!(zip.whole("a", Timestamp::default(), b""), Err(TooManyEntries));
    }
}
