//! What a search without a better lead goes through: all entries of an index, in pages of neighbouring ids.
//!
//! A page is one row. The keys of its entries stand together in lower case, so that a text is looked for in all of them at
//! once, at the speed of memory; a million keys take some milliseconds. What passes is looked up and decided there.
//!
//! | bytes | what |
//! |---|---|
//! | 2 | number of entries n |
//! | n × 21 | place of its id in the page (1), length (8), time in milliseconds (8), where its key ends (4); by place |
//! | the rest | the keys in lower case, each ended by FF, which is in no text |
//!
//! Numbers are little endian.

use std::collections::BTreeMap;

use memchr::memmem::Finder;
use rusqlite::{Connection, OptionalExtension, params};

use super::model::MetadataError;

type Result<T> = std::result::Result<T, MetadataError>;

/// Ids of one page.
pub(super) const PAGE_IDS: i64 = 256;
/// Bytes that stand before the keys for each entry.
const HEAD_BYTES: usize = 21;
const KEY_END: u8 = 0xFF;

pub(super) const TABLE: &str = "CREATE TABLE pages (page INTEGER PRIMARY KEY, packed BLOB NOT NULL);";

/// An entry as its page has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PageEntry {
    pub(super) size: u64,
    pub(super) modified: u64,
    /// In lower case.
    pub(super) key: String,
}

/// Changes of entries, until they are written page by page; `None` for one that is gone.
#[derive(Debug, Default)]
pub(super) struct PageChanges(BTreeMap<i64, BTreeMap<u8, Option<PageEntry>>>);

impl PageChanges {
    /// Notes what has become of an entry.
    pub(super) fn set(&mut self, id: i64, entry: Option<PageEntry>) {
        self.0.entry(id / PAGE_IDS).or_default().insert((id % PAGE_IDS) as u8, entry);
    }

    /// Writes all of them.
    pub(super) fn write(self, db: &Connection) -> Result<()> {
        let mut select = db.prepare_cached("SELECT packed FROM pages WHERE page = ?1")?;
        let mut replace = db.prepare_cached("INSERT OR REPLACE INTO pages VALUES (?1, ?2)")?;
        let mut delete = db.prepare_cached("DELETE FROM pages WHERE page = ?1")?;
        for (page, changes) in self.0 {
            let packed: Option<Vec<u8>> = select.query_row([page], |row| row.get(0)).optional()?;
            let mut entries = packed.map_or_else(|| Ok(BTreeMap::new()), |packed| unpacked(&packed))?;
            for (place, entry) in changes {
                match entry {
                    Some(entry) => drop(entries.insert(place, entry)),
                    None => drop(entries.remove(&place)),
                }
            }
            if entries.is_empty() {
                delete.execute([page])?;
            } else {
                replace.execute(params![page, packed_page(&entries)])?;
            }
        }
        Ok(())
    }
}

fn packed_page(entries: &BTreeMap<u8, PageEntry>) -> Vec<u8> {
    let mut packed = (entries.len() as u16).to_le_bytes().to_vec();
    let mut keys = Vec::new();
    for (place, PageEntry { size, modified, key }) in entries {
        keys.extend_from_slice(key.as_bytes());
        packed.push(*place);
        packed.extend_from_slice(&size.to_le_bytes());
        packed.extend_from_slice(&modified.to_le_bytes());
        packed.extend_from_slice(&(keys.len() as u32).to_le_bytes());
        keys.push(KEY_END);
    }
    packed.extend_from_slice(&keys);
    packed
}

fn unpacked(packed: &[u8]) -> Result<BTreeMap<u8, PageEntry>> {
    let page = Page::read(packed)?;
    let entry = |index| {
        let Head { place, size, modified, key } = page.head(index)?;
        let key = String::from_utf8(page.keys.get(key)?.to_vec()).ok()?;
        Some((place, PageEntry { size, modified, key }))
    };
    (0..page.count()).map(entry).collect::<Option<_>>().ok_or_else(damaged)
}

fn damaged() -> MetadataError {
    MetadataError::Database("unreadable page of a search index".into())
}

/// A page, as it is stored.
struct Page<'a> {
    heads: &'a [[u8; HEAD_BYTES]],
    keys: &'a [u8],
}

struct Head {
    place: u8,
    size: u64,
    modified: u64,
    /// Where its key stands among the keys.
    key: std::ops::Range<usize>,
}

impl<'a> Page<'a> {
    fn read(packed: &'a [u8]) -> Result<Self> {
        let (count, rest) = packed.split_first_chunk::<2>().ok_or_else(damaged)?;
        let heads = usize::from(u16::from_le_bytes(*count)) * HEAD_BYTES;
        let (heads, keys) = rest.split_at_checked(heads).ok_or_else(damaged)?;
        Ok(Self { heads: heads.as_chunks::<HEAD_BYTES>().0, keys })
    }

    fn count(&self) -> usize {
        self.heads.len()
    }

    fn head(&self, index: usize) -> Option<Head> {
        let head = self.heads.get(index)?;
        let number = |at: usize| Some(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?));
        let begin = if index == 0 { 0 } else { self.key_end(index - 1)? + 1 };
        Some(Head {
            place: head[0],
            size: number(1)?,
            modified: number(9)?,
            key: begin..self.key_end(index)?,
        })
    }

    fn key_end(&self, index: usize) -> Option<usize> {
        let end = self.heads.get(index)?.get(17..)?;
        Some(u32::from_le_bytes(end.try_into().ok()?) as usize)
    }
}

/// What entries of pages are asked for. What passes may still be wrong: it is to be looked at itself.
#[derive(Debug)]
pub(super) struct Sieve {
    /// In lower case; matches everything if empty.
    text: Finder<'static>,
    /// What keys begin with, in lower case, as far as it is ASCII.
    prefix: Vec<u8>,
    size: std::ops::RangeInclusive<u64>,
    modified: std::ops::RangeInclusive<u64>,
}

impl Sieve {
    /// Entries that have this in their key, begin with that, and are of these lengths and times.
    pub(super) fn new(
        text: &str,
        prefix: &str,
        size: std::ops::RangeInclusive<u64>,
        modified: std::ops::RangeInclusive<u64>,
    ) -> Self {
        let plain = prefix.bytes().take_while(u8::is_ascii).map(|byte| byte.to_ascii_lowercase());
        let text = Finder::new(text.to_lowercase().as_bytes()).into_owned();
        Self { text, prefix: plain.collect(), size, modified }
    }

    /// Places in a page whose entries pass, in order.
    pub(super) fn pass(&self, packed: &[u8]) -> Result<Vec<u8>> {
        let page = Page::read(packed)?;
        let mut passed = Vec::new();
        let mut index = 0;
        while let Some(found) = self.next(&page, index) {
            index = found + 1;
            // Numbers first: they stand side by side, and most keys need not be looked at then.
            if self.has_numbers(&page.heads[found]) {
                let head = page.head(found).ok_or_else(damaged)?;
                if page.keys.get(head.key).is_some_and(|key| key.starts_with(&self.prefix)) {
                    passed.push(head.place);
                }
            }
        }
        Ok(passed)
    }

    fn has_numbers(&self, head: &[u8; HEAD_BYTES]) -> bool {
        let [_, size @ .., _, _, _, _] = head;
        let (size, modified) = size.split_at(8);
        let number = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes);
        number(size).is_ok_and(|size| self.size.contains(&size))
            && number(modified).is_ok_and(|modified| self.modified.contains(&modified))
    }

    /// The first entry from this one on that has the text.
    fn next(&self, page: &Page<'_>, from: usize) -> Option<usize> {
        if self.text.needle().is_empty() {
            return (from < page.count()).then_some(from);
        }
        let begin = page.head(from)?.key.start;
        let at = begin + self.text.find(page.keys.get(begin..)?)?;
        (from..page.count()).find(|&index| page.key_end(index).is_some_and(|end| at < end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, size: u64) -> PageEntry {
        PageEntry { size, modified: size * 10, key: key.into() }
    }

    fn page() -> BTreeMap<u8, PageEntry> {
        [(0, entry("photos/a", 1)), (7, entry("", 2)), (9, entry("über/photos", 3)), (255, entry("b", 4))]
            .into()
    }

    fn passed(text: &str, prefix: &str, size: std::ops::RangeInclusive<u64>) -> Vec<u8> {
        Sieve::new(text, prefix, size, 0..=u64::MAX).pass(&packed_page(&page())).unwrap()
    }

    #[test]
    fn pages_survive_a_round_trip_and_damaged_ones_are_told() {
        let packed = packed_page(&page());
        assert_eq!(unpacked(&packed).unwrap(), page());
        for length in 0..packed.len() - 3 {
            assert!(unpacked(&packed[..length]).is_err(), "cut to {length}");
        }
        assert!(unpacked(&[]).is_err() && Sieve::new("a", "", 0..=1, 0..=1).pass(&[9]).is_err());
    }

    #[test]
    fn what_cannot_fit_does_not_pass() {
        let any = || 0..=u64::MAX;
        assert_eq!(passed("", "", any()), [0, 7, 9, 255]);
        assert_eq!(passed("Photos", "", any()), [0, 9]);
        assert_eq!(passed("ÜB", "", any()), [9]);
        assert_eq!(passed("b", "", any()), [9, 255]);
        assert_eq!(passed("", "Ph", any()), [0]);
        assert_eq!(passed("photos", "", 2..=3), [9]);
        assert_eq!(passed("ab", "", any()), [] as [u8; 0], "keys do not run into each other");
    }

    #[test]
    fn changes_are_put_into_their_pages() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(TABLE).unwrap();
        let apply = |changes: &[(i64, Option<PageEntry>)]| {
            let mut noted = PageChanges::default();
            changes.iter().for_each(|(id, entry)| noted.set(*id, entry.clone()));
            noted.write(&db).unwrap();
        };
        let stored = || -> Vec<(i64, Vec<u8>)> {
            let mut select = db.prepare("SELECT page, packed FROM pages ORDER BY page").unwrap();
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            rows.collect::<rusqlite::Result<_>>().unwrap()
        };
        apply(&[(1, Some(entry("a", 1))), (255, Some(entry("b", 1))), (256, Some(entry("c", 1)))]);
        apply(&[(1, Some(entry("a", 5))), (256, None)]);
        let [(0, packed)] = &stored()[..] else { panic!("one page is left: {:?}", stored()) };
        assert_eq!(unpacked(packed).unwrap(), [(1, entry("a", 5)), (255, entry("b", 1))].into());
    }
}
