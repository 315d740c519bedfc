//! The search index of one bucket: its current objects, found by a part of their key, by size, date, tags and metadata.
//!
//! It is a database of its own that can be thrown away: all of it follows from the rows of objects, nothing waits for
//! it, and it is in no log and no copy. It is brought up to date by keys that changed, each read again, and by a
//! comparison of all keys, which also builds it from nothing. Both leave the same, in whatever order they come.
//!
//! `entries` has a row an object, under an id that stays while the key is there; results come in the order of ids, so
//! that pages of results stay apart while objects come and go. `labels` has tags and metadata, each with the ids of its
//! objects. `pages` has what all entries are told apart by, packed so that a million of them are gone through in some
//! milliseconds (see `search_pages`). `keys` has the trigrams of keys (FTS5), without positions, for where there are more.
//!
//! A search is led by a label, or by the trigrams of a text where the entries are many, as long as these lead to few; from
//! there on it goes through the pages. Whatever leads, what is found is looked at itself.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::checked;
use super::database;
use super::model::MetadataError;
use super::query;
use super::schema::{ObjectDetail, pack_etag, unpack, unpack_etag};
use super::search_pages::{self, PAGE_IDS, PageChanges, PageEntry, Sieve};
use crate::types::{Etag, Timestamp};

type Result<T> = std::result::Result<T, MetadataError>;

/// Version of these tables, kept in `PRAGMA user_version`.
const VERSION: i64 = 2;
/// Ids that trigrams are asked about in one go; between two of them the time is looked at.
const WINDOW_IDS: u64 = 200_000;
/// Entries up to which going through all of them is as quick as being led by trigrams.
const SCANNED_IDS_MAX: u64 = 2_000_000;
/// Entries that a lead may lead to before all others are gone through instead.
const LED_TO_MAX: usize = 4096;
/// Entries between two looks at the time.
const LOOKS_PER_TIME: usize = 1024;
/// Trigrams of a text that are asked for; the rest of it is compared with the keys that have these.
const TRIGRAMS_MAX: usize = 16;
/// Where user metadata stands among an object's attributes.
const USER_PREFIX: &str = "x-amz-meta-";

const TABLES: &str = "
CREATE TABLE state (generation INTEGER NOT NULL);
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, stamp INTEGER NOT NULL,
    size INTEGER NOT NULL, modified INTEGER NOT NULL, etag BLOB NOT NULL);
CREATE TABLE labels (
    kind INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (kind, name, value, id)) WITHOUT ROWID;
CREATE INDEX labels_of ON labels (id);
CREATE VIRTUAL TABLE keys USING fts5 (
    key, content='', contentless_delete=1, tokenize='trigram', detail=none);
";

/// What a tag or a piece of metadata is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LabelKind {
    /// A tag.
    Tag,
    /// User metadata; its name is in lower case, without `x-amz-meta-`.
    Metadata,
}

/// A tag, or a piece of metadata.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Label {
    /// Which of them.
    pub kind: LabelKind,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// An object as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Searchable {
    /// Its key.
    pub key: String,
    /// Length in bytes.
    pub size: u64,
    /// When it was written.
    pub modified: Timestamp,
    /// Its tag.
    pub etag: Etag,
    /// Tags and metadata.
    pub labels: Vec<Label>,
}

impl Searchable {
    /// Tells this state of the object from others.
    fn stamp(&self) -> i64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish() as i64
    }
}

/// What is looked for: objects that fit all of it.
#[derive(Debug, Clone)]
pub struct SearchQuery {
    /// Part of the key, upper and lower case alike; empty for any.
    pub text: String,
    /// What the key starts with.
    pub prefix: String,
    /// Length in bytes.
    pub size: RangeInclusive<u64>,
    /// When it was written.
    pub modified: RangeInclusive<Timestamp>,
    /// Tags and metadata that it has.
    pub labels: Vec<Label>,
    /// Only entries behind this one.
    pub after: u64,
    /// As many at most.
    pub max: usize,
    /// Only so long; then the page ends with what was found.
    pub time_max: Duration,
}

impl SearchQuery {
    /// All objects, so many at most in so much time.
    pub fn anything(max: usize, time_max: Duration) -> Self {
        Self {
            text: String::new(),
            prefix: String::new(),
            size: 0..=u64::MAX,
            modified: Timestamp::from_millis(0)..=Timestamp::from_millis(u64::MAX),
            labels: Vec::new(),
            after: 0,
            max,
            time_max,
        }
    }
}

/// An object that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchHit {
    /// Its key.
    pub key: String,
    /// Length in bytes.
    pub size: u64,
    /// When it was written.
    pub modified: Timestamp,
    /// Its tag.
    pub etag: Etag,
}

/// A page of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchPage {
    /// In the order of their ids.
    pub hits: Vec<SearchHit>,
    /// The `after` of the next page, if there may be one.
    pub next: Option<u64>,
    /// Which index this is: one that is built anew has other ids.
    pub generation: u64,
}

/// The index, open for changes.
#[derive(Debug)]
pub struct SearchIndex {
    db: Connection,
}

impl SearchIndex {
    /// Opens the index at `path`. One that cannot be read, or is of another release, is made anew, empty.
    pub fn open(path: &Path, generation: u64) -> Result<Self> {
        let opened = Self::open_existing(path, generation);
        opened.or_else(|_| {
            remove(path);
            Self::open_existing(path, generation)
        })
    }

    fn open_existing(path: &Path, generation: u64) -> Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| MetadataError::Database(error.to_string()))?;
        }
        if checked::lacks_checksums(path) {
            return Err(MetadataError::Database("a search index of another release".into()));
        }
        let db = checked::open(path, checked::CREATE)?;
        db.execute_batch(
            "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;",
        )?;
        match db.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))? {
            VERSION => {}
            0 => {
                let pages = search_pages::TABLE;
                db.execute_batch(&format!("BEGIN; {TABLES} {pages} PRAGMA user_version = {VERSION};"))?;
                db.execute("INSERT INTO state VALUES (?1)", [generation as i64])?;
                db.execute_batch("COMMIT")?;
            }
            _ => return Err(MetadataError::Database("a search index of another release".into())),
        }
        Ok(Self { db })
    }

    /// Notes the present state of objects, and that others are gone.
    pub fn apply(&mut self, present: &[Searchable], gone: &[String]) -> Result<()> {
        let transaction = self.db.transaction()?;
        let mut pages = PageChanges::default();
        for key in gone {
            if let Some(id) = forget(&transaction, key)? {
                pages.set(id, None);
            }
        }
        for object in present {
            let key = object.key.to_lowercase();
            let entry = PageEntry { size: object.size, modified: object.modified.as_millis(), key };
            pages.set(note(&transaction, object)?, Some(entry));
        }
        pages.write(&transaction)?;
        Ok(transaction.commit()?)
    }

    /// Compares a run of objects behind `after`, in order of their keys, with the entries. `is_last` says that no object
    /// follows them. Returns the keys behind which to go on; `None` at the end.
    pub fn compare(&mut self, after: &str, objects: &[Searchable], is_last: bool) -> Result<Option<String>> {
        let through = objects.last().filter(|_| !is_last).map(|last| last.key.clone());
        let max = objects.len().max(1000);
        let entries = self.stamps(after, through.as_deref(), max)?;
        // Entries may be more than objects, where many are gone.
        let through = if entries.len() == max { entries.last().map(|(key, _)| key.clone()) } else { through };
        let within = |key: &str| through.as_deref().is_none_or(|through| key <= through);
        let stamps: std::collections::HashMap<&str, i64> =
            entries.iter().map(|(key, stamp)| (key.as_str(), *stamp)).collect();
        let objects: Vec<&Searchable> = objects.iter().filter(|object| within(&object.key)).collect();
        let there: std::collections::HashSet<&str> =
            objects.iter().map(|object| object.key.as_str()).collect();
        let changed = |object: &&&Searchable| stamps.get(object.key.as_str()) != Some(&object.stamp());
        let present: Vec<Searchable> =
            objects.iter().filter(changed).map(|object| (*object).clone()).collect();
        let gone: Vec<String> = entries
            .iter()
            .filter(|(key, _)| !there.contains(key.as_str()))
            .map(|(key, _)| key.clone())
            .collect();
        if !present.is_empty() || !gone.is_empty() {
            self.apply(&present, &gone)?;
        }
        Ok(through)
    }

    fn stamps(&self, after: &str, through: Option<&str>, max: usize) -> Result<Vec<(String, i64)>> {
        let mut select = self.db.prepare_cached(
            "SELECT key, stamp FROM entries WHERE key > ?1 AND (?2 IS NULL OR key <= ?2) ORDER BY key LIMIT ?3",
        )?;
        let rows =
            select.query_map(params![after, through, max as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// Removes an index.
pub fn remove(path: &Path) {
    if let Err(error) = database::remove(path) {
        tracing::warn!(%error, "a search index is left");
    }
}

/// Writes an object's entry and returns its id.
fn note(db: &Connection, object: &Searchable) -> Result<i64> {
    let (size, modified) = (object.size as i64, object.modified.as_millis() as i64);
    let known: Option<i64> = db
        .prepare_cached("SELECT id FROM entries WHERE key = ?1")?
        .query_row([&object.key], |row| row.get(0))
        .optional()?;
    let row = params![object.key, object.stamp(), size, modified, pack_etag(object.etag)];
    let id = match known {
        Some(id) => {
            let set = "UPDATE entries SET stamp = ?2, size = ?3, modified = ?4, etag = ?5 WHERE key = ?1";
            db.prepare_cached(set)?.execute(row)?;
            db.prepare_cached("DELETE FROM labels WHERE id = ?1")?.execute([id])?;
            id
        }
        None => {
            let insert = "INSERT INTO entries (key, stamp, size, modified, etag) VALUES (?1, ?2, ?3, ?4, ?5)";
            db.prepare_cached(insert)?.execute(row)?;
            let id = db.last_insert_rowid();
            db.prepare_cached("INSERT INTO keys (rowid, key) VALUES (?1, ?2)")?
                .execute(params![id, object.key])?;
            id
        }
    };
    let mut label = db.prepare_cached("INSERT OR IGNORE INTO labels VALUES (?1, ?2, ?3, ?4)")?;
    for Label { kind, name, value } in &object.labels {
        label.execute(params![*kind as i64, name, value, id])?;
    }
    Ok(id)
}

/// Removes an entry and returns the id that it had.
fn forget(db: &Connection, key: &str) -> Result<Option<i64>> {
    let id: Option<i64> = db
        .prepare_cached("DELETE FROM entries WHERE key = ?1 RETURNING id")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    let Some(id) = id else { return Ok(None) };
    db.prepare_cached("DELETE FROM keys WHERE rowid = ?1")?.execute([id])?;
    db.prepare_cached("DELETE FROM labels WHERE id = ?1")?.execute([id])?;
    Ok(Some(id))
}

/// Searches the index at `path`.
pub fn search(path: &Path, asked: &SearchQuery) -> Result<SearchPage> {
    SearchReader::open(path)?.search(asked)
}

/// The index, open for searches. Kept from one to the next it has many of its pages in memory already.
#[derive(Debug)]
pub struct SearchReader {
    db: Connection,
    path: PathBuf,
    /// Which file that was: an index that is made anew is another.
    inode: u64,
}

impl SearchReader {
    /// Opens the index at `path`.
    pub fn open(path: &Path) -> Result<Self> {
        let inode = inode_of(path).ok_or_else(|| MetadataError::Database("no search index".into()))?;
        // Not read-only, or else SQLite maps the index of the write-ahead log into memory where nobody writes yet.
        let db = checked::open(path, checked::WRITE)?;
        db.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -16384;")?;
        Ok(Self { db, path: path.to_owned(), inode })
    }

    /// Whether it reads the index that is at `path` now.
    pub fn is_of(&self, path: &Path) -> bool {
        self.path == path && self.is_current()
    }

    /// Whether its index is still there: one that was removed keeps its room while it is open.
    pub fn is_current(&self) -> bool {
        inode_of(&self.path) == Some(self.inode)
    }

    /// A page of what fits.
    pub fn search(&self, asked: &SearchQuery) -> Result<SearchPage> {
        let transaction = self.db.unchecked_transaction()?;
        let page = page_of(&transaction, asked)?;
        transaction.commit()?;
        Ok(page)
    }
}

fn inode_of(path: &Path) -> Option<u64> {
    Some(fs::metadata(path).ok()?.ino())
}

fn page_of(db: &Connection, asked: &SearchQuery) -> Result<SearchPage> {
    let generation: i64 = db.query_row("SELECT generation FROM state", [], |row| row.get(0))?;
    let last: Option<i64> = db.query_row("SELECT max(id) FROM entries", [], |row| row.get(0))?;
    let last = last.unwrap_or(0) as u64;
    let from = if asked.max == 0 { last } else { asked.after.min(last) };
    let mut looks = Looks::new(db, asked)?;
    let next = match Lead::of(asked, last - from) {
        Some(lead) => follow(db, &lead, from..last, &mut looks)?,
        None => Next::GoOn(from),
    };
    let next = match next {
        Next::GoOn(from) if from < last => go_through(db, from, &mut looks)?,
        other => other,
    };
    let next = if let Next::Page(after) = next { Some(after) } else { None };
    Ok(SearchPage { hits: looks.hits, next, generation: generation as u64 })
}

/// How a search goes on.
enum Next {
    /// The page is full, or its time is over: the next one begins behind this id.
    Page(u64),
    /// All entries behind this id are still to be looked at.
    GoOn(u64),
    /// Nothing is left.
    End,
}

/// Looks at entries one by one, and keeps those that fit.
struct Looks<'a> {
    asked: &'a SearchQuery,
    /// In lower case.
    text: String,
    select: rusqlite::Statement<'a>,
    bound: Vec<Value>,
    until: Instant,
    looked_at: usize,
    hits: Vec<SearchHit>,
}

impl<'a> Looks<'a> {
    fn new(db: &'a Connection, asked: &'a SearchQuery) -> Result<Self> {
        let number = |value: u64| Value::Integer(value.min(i64::MAX as u64) as i64);
        let mut bound = vec![
            number(*asked.size.start()),
            number(*asked.size.end()),
            number(asked.modified.start().as_millis()),
            number(asked.modified.end().as_millis()),
        ];
        let mut sql = "SELECT key, size, modified, etag FROM entries
            WHERE id = ?1 AND size BETWEEN ?2 AND ?3 AND modified BETWEEN ?4 AND ?5"
            .to_owned();
        for label in &asked.labels {
            let at = bound.len() + 2;
            bound.extend(label_values(label));
            sql += &format!(
                " AND EXISTS (SELECT 1 FROM labels WHERE kind = ?{at} AND name = ?{} AND value = ?{} AND id = ?1)",
                at + 1,
                at + 2
            );
        }
        Ok(Self {
            asked,
            text: asked.text.to_lowercase(),
            select: db.prepare(&sql)?,
            bound,
            until: Instant::now() + asked.time_max,
            looked_at: 0,
            hits: Vec::new(),
        })
    }

    /// Looks at an entry. Returns where the next page begins, if this one is full or its time is over.
    fn look(&mut self, id: u64) -> Result<Option<u64>> {
        if let Some(hit) = self.hit(id)? {
            if self.hits.len() == self.asked.max {
                return Ok(Some(id - 1));
            }
            self.hits.push(hit);
        }
        self.looked_at += 1;
        let over = self.looked_at.is_multiple_of(LOOKS_PER_TIME) && self.is_over();
        Ok(over.then_some(id))
    }

    /// The entry, if it fits.
    fn hit(&mut self, id: u64) -> Result<Option<SearchHit>> {
        let id = [Value::Integer(id as i64)];
        let mut rows = self.select.query(params_from_iter(id.iter().chain(&self.bound)))?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let key = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        let has_text = || self.text.is_empty() || key.to_lowercase().contains(&self.text);
        if !key.starts_with(&self.asked.prefix) || !has_text() {
            return Ok(None);
        }
        Ok(Some(SearchHit {
            key: key.to_owned(),
            size: row.get::<_, i64>(1)? as u64,
            modified: query::time_column(row, 2)?,
            etag: unpack_etag(query::blob_column(row, 3)?)?,
        }))
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }
}

/// What leads to the entries that may fit: ids within the first two parameters.
struct Lead {
    sql: &'static str,
    bound: Vec<Value>,
    /// Ids that it is asked about in one go.
    window: u64,
}

impl Lead {
    /// What leads to few of so many entries, if anything does.
    fn of(asked: &SearchQuery, entries: u64) -> Option<Self> {
        if let Some(label) = asked.labels.first() {
            let sql =
                "SELECT id FROM labels WHERE kind = ?3 AND name = ?4 AND value = ?5 AND id > ?1 AND id <= ?2
                ORDER BY id";
            return Some(Self { sql, bound: label_values(label).to_vec(), window: u64::MAX });
        }
        let trigrams = trigrams(&asked.text, &asked.prefix);
        if trigrams.is_empty() || entries <= SCANNED_IDS_MAX {
            return None;
        }
        let sql = "SELECT rowid FROM keys WHERE keys MATCH ?3 AND rowid > ?1 AND rowid <= ?2 ORDER BY rowid";
        Some(Self { sql, bound: vec![Value::Text(trigrams)], window: WINDOW_IDS })
    }
}

/// Looks at what a lead leads to, until that is too much.
fn follow(db: &Connection, lead: &Lead, ids: std::ops::Range<u64>, looks: &mut Looks<'_>) -> Result<Next> {
    let mut select = db.prepare(lead.sql)?;
    let mut from = ids.start;
    while from < ids.end {
        let to = from.saturating_add(lead.window).min(ids.end);
        let window = [Value::Integer(from as i64), Value::Integer(to as i64)];
        let mut rows = select.query(params_from_iter(window.iter().chain(&lead.bound)))?;
        while let Some(row) = rows.next()? {
            let id = row.get::<_, i64>(0)? as u64;
            if let Some(after) = looks.look(id)? {
                return Ok(Next::Page(after));
            }
            if looks.looked_at >= LED_TO_MAX {
                return Ok(Next::GoOn(id));
            }
        }
        from = to;
        if from < ids.end && looks.is_over() {
            return Ok(Next::Page(from));
        }
    }
    Ok(Next::End)
}

/// Goes through all entries behind an id.
fn go_through(db: &Connection, from: u64, looks: &mut Looks<'_>) -> Result<Next> {
    let asked = looks.asked;
    let modified = asked.modified.start().as_millis()..=asked.modified.end().as_millis();
    let sieve = Sieve::new(&asked.text, &asked.prefix, asked.size.clone(), modified);
    let mut select = db.prepare("SELECT page, packed FROM pages WHERE page >= ?1 ORDER BY page")?;
    let mut rows = select.query([(from as i64 + 1) / PAGE_IDS])?;
    let mut behind = None;
    while let Some(row) = rows.next()? {
        if let Some(after) = behind.filter(|_| looks.is_over()) {
            return Ok(Next::Page(after));
        }
        let begin = (row.get::<_, i64>(0)? * PAGE_IDS) as u64;
        for place in sieve.pass(query::blob_column(row, 1)?)? {
            let id = begin + u64::from(place);
            if id > from
                && let Some(after) = looks.look(id)?
            {
                return Ok(Next::Page(after));
            }
        }
        behind = Some(begin + PAGE_IDS as u64 - 1);
    }
    Ok(Next::End)
}

fn label_values(label: &Label) -> [Value; 3] {
    [Value::Integer(label.kind as i64), Value::Text(label.name.clone()), Value::Text(label.value.clone())]
}

/// The question for all trigrams of two texts; empty where neither is that long.
fn trigrams(text: &str, prefix: &str) -> String {
    let mut found: Vec<String> = Vec::new();
    for text in [text, prefix] {
        let letters: Vec<char> = text.chars().collect();
        for three in letters.windows(3) {
            let trigram: String = three.iter().collect();
            if !found.contains(&trigram) {
                found.push(trigram);
            }
        }
    }
    let step = found.len().div_ceil(TRIGRAMS_MAX).max(1);
    let quoted = found.iter().step_by(step).map(|trigram| format!("\"{}\"", trigram.replace('"', "\"\"")));
    quoted.collect::<Vec<_>>().join(" AND ")
}

fn searchable(row: &Row<'_>) -> Result<Searchable> {
    let detail: ObjectDetail = unpack(query::blob_column(row, 4)?)?;
    let tags = detail.properties.tags.iter().map(|(name, value)| Label {
        kind: LabelKind::Tag,
        name: name.to_owned(),
        value: value.to_owned(),
    });
    let metadata = detail.properties.attributes.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix(USER_PREFIX)?.to_owned();
        Some(Label { kind: LabelKind::Metadata, name, value: value.to_owned() })
    });
    Ok(Searchable {
        key: row.get(0)?,
        size: row.get::<_, i64>(1)? as u64,
        modified: query::time_column(row, 2)?,
        etag: unpack_etag(query::blob_column(row, 3)?)?,
        labels: tags.chain(metadata).collect(),
    })
}

/// Objects of a bucket behind a key, in order.
pub(super) fn searchable_after(
    db: &Connection,
    bucket: &str,
    after: &str,
    max: usize,
) -> Result<Vec<Searchable>> {
    let bucket = query::bucket_id(db, bucket)?;
    let mut select = db.prepare_cached(
        "SELECT key, size, modified, etag, detail FROM objects WHERE bucket = ?1 AND key > ?2 ORDER BY key LIMIT ?3",
    )?;
    let mut rows = select.query(params![bucket, after, max as i64])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(searchable(row)?);
    }
    Ok(found)
}

/// The object under a key, if there is one.
pub(super) fn searchable_at(db: &Connection, bucket: &str, key: &str) -> Result<Option<Searchable>> {
    let bucket = query::bucket_id(db, bucket)?;
    let mut select = db.prepare_cached(
        "SELECT key, size, modified, etag, detail FROM objects WHERE bucket = ?1 AND key = ?2",
    )?;
    let mut rows = select.query(params![bucket, key])?;
    rows.next()?.map(searchable).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str, size: u64, labels: &[(LabelKind, &str, &str)]) -> Searchable {
        let label = |&(kind, name, value): &(LabelKind, &str, &str)| Label {
            kind,
            name: name.into(),
            value: value.into(),
        };
        Searchable {
            key: key.into(),
            size,
            modified: Timestamp::from_millis(size * 10),
            etag: Etag::default(),
            labels: labels.iter().map(label).collect(),
        }
    }

    fn anything() -> SearchQuery {
        SearchQuery::anything(1000, Duration::from_secs(60))
    }

    struct Place(tempfile::TempDir);

    impl Place {
        fn with(objects: &[Searchable]) -> (Self, SearchIndex) {
            let place = Self(tempfile::tempdir().unwrap());
            let mut index = SearchIndex::open(&place.0.path().join("i.db"), 7).unwrap();
            index.apply(objects, &[]).unwrap();
            (place, index)
        }

        fn keys(&self, asked: &SearchQuery) -> Vec<String> {
            let page = search(&self.0.path().join("i.db"), asked).unwrap();
            page.hits.into_iter().map(|hit| hit.key).collect()
        }

        fn all(&self) -> Vec<String> {
            self.keys(&anything())
        }
    }

    #[test]
    fn keys_are_found_by_any_part_of_them_in_either_case() {
        let (place, _index) = Place::with(
            &["Holiday/IMG_001.jpg", "holiday/notes.txt", "x/ÜBER.md", "a\"b\"c"].map(|k| object(k, 1, &[])),
        );
        let text = |text: &str| place.keys(&SearchQuery { text: text.into(), ..anything() });
        assert_eq!(text("img_"), ["Holiday/IMG_001.jpg"]);
        assert_eq!(text("day/"), ["Holiday/IMG_001.jpg", "holiday/notes.txt"]);
        assert_eq!(text("über"), ["x/ÜBER.md"]);
        assert_eq!(text("md"), ["x/ÜBER.md"], "less than a trigram");
        assert_eq!(text("\"b\""), ["a\"b\"c"]);
        assert_eq!(text("imgjpg"), Vec::<String>::new(), "all trigrams must stand together");
        let prefix = SearchQuery { prefix: "Holi".into(), text: "day".into(), ..anything() };
        assert_eq!(place.keys(&prefix), ["Holiday/IMG_001.jpg"], "a prefix minds the case");
    }

    #[test]
    fn sizes_dates_tags_and_metadata_narrow_a_search() {
        let (tag, meta) = (LabelKind::Tag, LabelKind::Metadata);
        let (place, _index) = Place::with(&[
            object("a", 1, &[(tag, "class", "x"), (meta, "camera", "one")]),
            object("b", 2, &[(tag, "class", "x"), (meta, "camera", "two")]),
            object("c", 3, &[(meta, "class", "x")]),
        ]);
        let label = |kind, name: &str, value: &str| Label { kind, name: name.into(), value: value.into() };
        let class = label(tag, "class", "x");
        assert_eq!(place.keys(&SearchQuery { labels: vec![class.clone()], ..anything() }), ["a", "b"]);
        let both = vec![class, label(meta, "camera", "two")];
        assert_eq!(place.keys(&SearchQuery { labels: both, ..anything() }), ["b"]);
        assert_eq!(place.keys(&SearchQuery { size: 2..=3, ..anything() }), ["b", "c"]);
        let modified = Timestamp::from_millis(0)..=Timestamp::from_millis(20);
        assert_eq!(place.keys(&SearchQuery { modified, ..anything() }), ["a", "b"]);
    }

    #[test]
    fn pages_join_to_the_whole_while_objects_come_and_go() {
        let keys: Vec<Searchable> = (0..10).map(|n| object(&format!("key{n}"), 1, &[])).collect();
        let (place, mut index) = Place::with(&keys);
        let path = place.0.path().join("i.db");
        let mut asked = SearchQuery { text: "key".into(), max: 4, ..anything() };
        let first = search(&path, &asked).unwrap();
        assert_eq!((first.hits.len(), first.generation), (4, 7));
        index
            .apply(&[object("key0", 9, &[]), object("key00", 1, &[])], &["key1".into(), "key5".into()])
            .unwrap();
        asked.after = first.next.unwrap();
        let second = search(&path, &asked).unwrap();
        let found: Vec<&str> = second.hits.iter().map(|hit| hit.key.as_str()).collect();
        assert_eq!(found, ["key4", "key6", "key7", "key8"]);
        asked.after = second.next.unwrap();
        let third = search(&path, &asked).unwrap();
        assert_eq!((third.hits.len(), third.next), (2, None));
    }

    #[test]
    fn time_that_is_over_ends_a_page_but_not_the_search() {
        let keys: Vec<Searchable> = (0..5000).map(|n| object(&format!("{n}"), 1, &[])).collect();
        let (place, _index) = Place::with(&keys);
        let mut asked = SearchQuery { text: "4999".into(), time_max: Duration::ZERO, ..anything() };
        asked.text = "99".into();
        let (mut found, mut pages) = (Vec::new(), 0);
        loop {
            let page = search(&place.0.path().join("i.db"), &asked).unwrap();
            found.extend(page.hits);
            pages += 1;
            let Some(next) = page.next else { break };
            assert!(next > asked.after, "every page gets on");
            asked.after = next;
        }
        assert!(pages > 1);
        assert_eq!(found.len(), (0..5000).filter(|n| n.to_string().contains("99")).count());
    }

    #[test]
    fn a_comparison_mends_whatever_is_wrong() {
        let tagged = object("c", 3, &[(LabelKind::Tag, "a", "b")]);
        let truth = [object("a", 1, &[]), object("b", 2, &[]), tagged.clone(), object("e", 5, &[])];
        let stale = [
            object("a", 1, &[]),
            object("b", 9, &[]),
            object("c", 3, &[]),
            object("d", 4, &[]),
            object("z", 1, &[]),
        ];
        let (place, mut index) = Place::with(&stale);
        let mut after = String::new();
        while let Some(next) = {
            let rest: Vec<Searchable> =
                truth.iter().filter(|object| object.key > after).take(2).cloned().collect();
            let is_last = rest.len() < 2;
            index.compare(&after, &rest, is_last).unwrap()
        } {
            after = next;
        }
        let mut all = place.all();
        all.sort_unstable();
        assert_eq!(all, ["a", "b", "c", "e"]);
        assert_eq!(place.keys(&SearchQuery { size: 9..=9, ..anything() }), Vec::<String>::new());
        assert_eq!(place.keys(&SearchQuery { labels: tagged.labels, ..anything() }), ["c"]);
    }

    #[test]
    fn a_reader_that_is_kept_sees_changes_and_is_not_taken_for_one_of_an_index_made_anew() {
        let (place, mut index) = Place::with(&[object("a", 1, &[])]);
        let path = place.0.path().join("i.db");
        let reader = SearchReader::open(&path).unwrap();
        let found = || reader.search(&anything()).unwrap().hits.len();
        assert_eq!(found(), 1);
        index.apply(&[object("b", 1, &[])], &["a".into()]).unwrap();
        index.apply(&[object("c", 1, &[])], &[]).unwrap();
        assert!(reader.is_of(&path) && found() == 2);
        assert!(!reader.is_of(place.0.path()));
        let kept = fs::File::open(&path).unwrap();
        drop(index);
        remove(&path);
        assert!(!reader.is_of(&path));
        SearchIndex::open(&path, 8).unwrap();
        assert!(!reader.is_of(&path), "another file, while the first is open");
        drop(kept);
    }

    #[test]
    fn an_index_that_cannot_be_read_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("i.db");
        fs::write(&path, [b'x'; 9000]).unwrap();
        let mut index = SearchIndex::open(&path, 8).unwrap();
        index.apply(&[object("a", 1, &[])], &[]).unwrap();
        assert_eq!(search(&path, &anything()).unwrap().hits.len(), 1);
    }
}
