//! Search: which buckets have an index, what it has not yet seen, and answers from it.
//!
//! A change of an object is noted here after its commit, by key alone; background work reads the key again and notes what
//! it finds in the index. Keys that wait are bounded: beyond that, and at each start, all keys of the bucket are
//! compared with the index instead. So nothing is lost that matters, and a bucket without search costs nothing.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::api::{Error, Result};
use super::engine::Engine;
use super::work::Bell;
use crate::metadata::{self, MetadataError, Mutation, SearchIndex, SearchPage, SearchQuery, SearchReader};
use crate::runtime::{Tasks, random_bytes};
use crate::types::{BucketName, ConfigurationKind, Timestamp};

/// Keys of one bucket that may wait for its index.
const WAITING_KEYS_MAX: usize = 100_000;
/// Searches at once; others wait.
const SEARCHES_MAX: usize = 2;
/// Indexes that are kept open for the next search.
const READERS_MAX: usize = 8;
/// How long who makes a bucket searchable waits for an index to be there, if not yet of everything.
const OPEN_WAIT_MAX: Duration = Duration::from_secs(5);
/// Between two looks whether it is.
const OPEN_LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long one page of a search may take; it ends with what was found.
pub const SEARCH_TIME_MAX: Duration = Duration::from_millis(500);

/// The indexes of buckets.
#[derive(Debug)]
pub(super) struct Searches {
    folder: PathBuf,
    tasks: Tasks,
    buckets: Mutex<HashMap<String, Waiting>>,
    pub(super) bell: Bell,
    at_once: Semaphore,
    /// The latest last.
    readers: Mutex<Vec<SearchReader>>,
}

/// What the index of one bucket has not yet seen.
#[derive(Debug, Default)]
struct Waiting {
    path: PathBuf,
    keys: HashSet<String>,
    /// Keys that were taken from these and are being noted.
    noting: usize,
    /// When the first of them changed.
    since: Option<Timestamp>,
    /// There is an index, if not yet of everything.
    is_open: bool,
    /// All keys are compared, behind this one next; `None` once they were.
    comparing: Option<String>,
}

impl Waiting {
    fn begin_anew(&mut self) {
        metadata::remove_search_index(&self.path);
        self.is_open = false;
        self.comparing = Some(String::new());
    }
}

/// How far an index is behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IndexLag {
    /// It has seen all keys since the start.
    pub is_complete: bool,
    /// Changes that it has not seen.
    pub pending: usize,
    /// For how long the first of them has waited.
    pub seconds: u64,
}

impl Searches {
    pub(super) fn new(database: Option<&Path>, tasks: Tasks) -> Self {
        let folder = database.and_then(Path::parent).unwrap_or(Path::new(".")).join("search");
        let (buckets, bell, readers) = Default::default();
        Self { folder, tasks, buckets, bell, at_once: Semaphore::new(SEARCHES_MAX), readers }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader of the index at `path`: one that was kept, or a new one.
    fn take_reader(&self, path: &Path) -> std::result::Result<SearchReader, MetadataError> {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = readers.iter().rposition(|reader| reader.is_of(path)).map(|index| readers.remove(index));
        drop(readers);
        kept.map_or_else(|| SearchReader::open(path), Ok)
    }

    /// What to say of an index that could not be read; one that is damaged is made anew.
    fn unreadable(&self, bucket: &str, error: MetadataError) -> Error {
        if !matches!(error, MetadataError::Damaged(_)) {
            return error.into();
        }
        tracing::warn!(bucket, %error, "the search index is made anew");
        if let Some(waiting) = self.lock().get_mut(bucket) {
            waiting.begin_anew();
        }
        self.bell.ring();
        Error::Unavailable("the search index is being made")
    }

    fn keep_reader(&self, reader: SearchReader) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.push(reader);
        readers.retain(SearchReader::is_current);
        if readers.len() > READERS_MAX {
            readers.remove(0);
        }
    }

    fn has_index(&self, bucket: &str) -> bool {
        self.lock().get(bucket).is_some_and(|waiting| waiting.is_open)
    }

    /// Notes keys that changed, if the bucket is searched.
    pub(super) fn note(&self, bucket: &str, keys: Vec<String>, now: Timestamp) {
        let mut buckets = self.lock();
        let Some(waiting) = buckets.get_mut(bucket) else { return };
        waiting.since.get_or_insert(now);
        waiting.keys.extend(keys);
        if waiting.keys.len() > WAITING_KEYS_MAX {
            waiting.keys = HashSet::new();
            waiting.comparing = Some(String::new());
        }
        drop(buckets);
        self.bell.ring();
    }
}

/// The bucket whose objects a mutation changes.
fn bucket_of(mutation: &Mutation) -> Option<&str> {
    match mutation {
        Mutation::PutObject { bucket, .. }
        | Mutation::CopyObject { bucket, .. }
        | Mutation::RenameObject { bucket, .. }
        | Mutation::AppendObject { bucket, .. }
        | Mutation::ChangeVersion { bucket, .. }
        | Mutation::CompleteUpload { bucket, .. }
        | Mutation::DeleteObjects { bucket, .. }
        | Mutation::ExpireObjects { bucket, .. }
        | Mutation::ExpireVersions { bucket, .. } => Some(bucket),
        _ => None,
    }
}

/// The keys of the objects that a mutation changes.
fn changed_keys(mutation: &Mutation) -> Vec<String> {
    match mutation {
        Mutation::PutObject { key, .. }
        | Mutation::CopyObject { key, .. }
        | Mutation::AppendObject { key, .. }
        | Mutation::ChangeVersion { key, .. }
        | Mutation::CompleteUpload { key, .. } => vec![key.clone()],
        Mutation::RenameObject { source, key, .. } => vec![source.clone(), key.clone()],
        Mutation::DeleteObjects { deletions, .. } => {
            deletions.iter().map(|deletion| deletion.key.clone()).collect()
        }
        Mutation::ExpireObjects { objects: keys, .. } | Mutation::ExpireVersions { versions: keys, .. } => {
            keys.iter().map(|(key, _)| key.clone()).collect()
        }
        _ => Vec::new(),
    }
}

impl Engine {
    /// Whether a bucket can be searched.
    pub fn is_searched(&self, bucket: &str) -> bool {
        self.configurations.of(bucket).is_some_and(|rules| rules.search)
    }

    /// The keys that a mutation changes, if its bucket is searched.
    pub(super) fn searched_keys(&self, mutation: &Mutation) -> Option<(String, Vec<String>)> {
        let bucket = bucket_of(mutation).filter(|bucket| self.is_searched(bucket))?;
        Some((bucket.to_owned(), changed_keys(mutation)))
    }

    /// Has the index look at keys that may have changed.
    pub(super) fn note_searched(&self, changed: Option<(String, Vec<String>)>) {
        if let Some((bucket, keys)) = changed {
            self.searches.note(&bucket, keys, self.clock.now());
        }
    }

    /// Makes a bucket searchable, or ends that.
    pub async fn set_search(&self, bucket: &BucketName, searched: bool) -> Result<()> {
        let key = ConfigurationKind::Search.into();
        if !searched {
            self.head_bucket(bucket).await?;
            self.remove_configuration(bucket, key).await?;
            self.searches.bell.ring();
            return Ok(());
        }
        self.put_configuration(bucket, key, "{}".into()).await?;
        self.searches.bell.ring();
        let there = async {
            while !self.searches.has_index(bucket.as_str()) {
                tokio::time::sleep(OPEN_LOOK_EVERY).await;
            }
        };
        // Where that takes longer, searches are told to come again.
        let _ = tokio::time::timeout(OPEN_WAIT_MAX, there).await;
        Ok(())
    }

    /// A page of the objects that fit, and how far the index is behind. `Unavailable` before there is an index.
    pub async fn search(&self, bucket: &BucketName, asked: SearchQuery) -> Result<(SearchPage, IndexLag)> {
        let lag = self.index_lag(bucket.as_str());
        let path = {
            let buckets = self.searches.lock();
            buckets.get(bucket.as_str()).filter(|waiting| waiting.is_open).map(|waiting| waiting.path.clone())
        };
        let path = path.ok_or(Error::Unavailable("the search index is being made"))?;
        let _permit = self.searches.at_once.acquire().await.map_err(|_| Error::Unavailable("search"))?;
        let reader = match self.searches.take_reader(&path) {
            Ok(reader) => reader,
            Err(error) => return Err(self.searches.unreadable(bucket.as_str(), error)),
        };
        let search = move || reader.search(&asked).map(|page| (page, reader));
        let found = self.searches.tasks.blocking(search).await;
        match found.map_err(|error| Error::Internal(Box::new(error)))? {
            Ok((page, reader)) => {
                self.searches.keep_reader(reader);
                Ok((page, lag))
            }
            Err(error) => Err(self.searches.unreadable(bucket.as_str(), error)),
        }
    }

    /// How far the index of a bucket is behind.
    pub fn index_lag(&self, bucket: &str) -> IndexLag {
        let buckets = self.searches.lock();
        let Some(waiting) = buckets.get(bucket) else { return IndexLag::default() };
        let waited_ms =
            waiting.since.map_or(0, |since| self.clock.now().as_millis().saturating_sub(since.as_millis()));
        IndexLag {
            is_complete: waiting.comparing.is_none(),
            pending: waiting.keys.len() + waiting.noting,
            seconds: waited_ms / 1000,
        }
    }

    /// Waits until there may be something to index.
    pub async fn search_rung(&self) {
        self.searches.bell.rung().await;
    }

    /// The buckets that are searched. Indexes of others are removed.
    pub fn searched_buckets(&self) -> Result<Vec<String>> {
        let mut wanted = HashMap::new();
        for (bucket, _) in self.configurations.all().into_iter().filter(|(_, rules)| rules.search) {
            let created = self.store.bucket(&bucket)?.created.as_millis();
            wanted.insert(bucket.clone(), self.searches.folder.join(format!("{bucket}@{created}.db")));
        }
        let mut buckets = self.searches.lock();
        buckets.retain(|bucket, waiting| wanted.get(bucket) == Some(&waiting.path));
        for (bucket, path) in &wanted {
            buckets.entry(bucket.clone()).or_insert_with(|| Waiting {
                path: path.clone(),
                comparing: Some(String::new()),
                ..Waiting::default()
            });
        }
        drop(buckets);
        self.remove_other_indexes(&wanted);
        let mut readers = self.searches.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.retain(SearchReader::is_current);
        Ok(wanted.into_keys().collect())
    }

    fn remove_other_indexes(&self, wanted: &HashMap<String, PathBuf>) {
        let Ok(entries) = std::fs::read_dir(&self.searches.folder) else { return };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        for path in paths.filter(|path| path.extension().is_some_and(|extension| extension == "db")) {
            if !wanted.values().any(|kept| *kept == path) {
                metadata::remove_search_index(&path);
            }
        }
    }

    /// Brings the index of a bucket up to date, by so many keys at most; true if there is more to do.
    pub fn index_some(&self, bucket: &str, max: usize) -> Result<bool> {
        let (path, keys, comparing) = {
            let mut buckets = self.searches.lock();
            let Some(waiting) = buckets.get_mut(bucket) else { return Ok(false) };
            let keys: Vec<String> = waiting.keys.iter().take(max).cloned().collect();
            for key in &keys {
                waiting.keys.remove(key);
            }
            waiting.noting = keys.len();
            (waiting.path.clone(), keys, waiting.comparing.clone())
        };
        if keys.is_empty() && comparing.is_none() {
            return Ok(false);
        }
        let indexed = self.index(bucket, &path, &keys, (comparing.as_deref(), max));
        let mut buckets = self.searches.lock();
        let Some(waiting) = buckets.get_mut(bucket) else { return Ok(false) };
        waiting.noting = 0;
        match indexed {
            Ok(next) => {
                waiting.is_open = true;
                // An overflow meanwhile has set it back to the beginning.
                if waiting.comparing == comparing {
                    waiting.comparing = next;
                }
                let is_more = !waiting.keys.is_empty() || waiting.comparing.is_some();
                waiting.since = waiting.since.filter(|_| is_more);
                Ok(is_more)
            }
            Err(MetadataError::Damaged(reason)) => {
                tracing::warn!(bucket, reason, "the search index is made anew");
                waiting.begin_anew();
                Ok(true)
            }
            Err(error) => {
                waiting.comparing = Some(String::new());
                Err(error.into())
            }
        }
    }

    fn index(
        &self,
        bucket: &str,
        path: &Path,
        keys: &[String],
        (comparing, max): (Option<&str>, usize),
    ) -> std::result::Result<Option<String>, MetadataError> {
        let generation = u64::from_le_bytes(random_bytes()) >> 1;
        let mut index = SearchIndex::open(path, generation)?;
        let (mut present, mut gone) = (Vec::new(), Vec::new());
        for key in keys {
            match self.store.searchable_at(bucket, key)? {
                Some(object) => present.push(object),
                None => gone.push(key.clone()),
            }
        }
        if !keys.is_empty() {
            index.apply(&present, &gone)?;
        }
        let Some(after) = comparing else { return Ok(None) };
        let objects = self.store.searchable_after(bucket, after, max)?;
        let is_last = objects.len() < max;
        index.compare(after, &objects, is_last)
    }
}
