//! How new blobs are encoded: as the deployment encodes, or as their bucket asks.
//!
//! The buckets that ask for a scheme of their own are kept in memory, so that an upload looks up nothing. The rows
//! lead: whatever changes one has it read again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::api::Result;
use super::engine::Engine;
use super::redundancy::Tally;
use super::topology::{ChangeError, ChangePlan, Intent};
use crate::erasure::{Codec, Scheme};
use crate::metadata::{BucketRow, DrivePhase, EncodingRow, MetadataError, Mutation, Store};

/// Bytes a second that encoding anew is guessed to write on machines at rest and on busy ones, before there is a
/// measure.
const RATE_GUESS: (u64, u64) = (100 << 20, 20 << 20);

/// The coders in use.
#[derive(Debug)]
pub(super) struct Schemes {
    default: Arc<Codec>,
    /// Of buckets that ask for a scheme of their own, by name.
    own: Mutex<HashMap<String, Arc<Codec>>>,
}

impl Schemes {
    /// Reads what buckets ask for.
    pub(super) fn open(default: Scheme, store: &Store) -> Result<Self> {
        let codec = |scheme| Arc::new(Codec::new(scheme));
        let buckets = store.buckets()?.into_iter();
        let own = buckets.filter_map(|bucket| Some((bucket.name, codec(bucket.scheme?)))).collect();
        Ok(Self { default: codec(default), own: Mutex::new(own) })
    }

    fn own(&self) -> MutexGuard<'_, HashMap<String, Arc<Codec>>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The coder for new blobs of a bucket.
    pub(super) fn of(&self, bucket: &str) -> Arc<Codec> {
        self.own().get(bucket).unwrap_or(&self.default).clone()
    }

    /// Reads again what a bucket asks for. The map stays locked meanwhile, so that the last to change the row is the
    /// last to be noted.
    pub(super) fn renew(&self, store: &Store, bucket: &str) -> Result<()> {
        let mut own = self.own();
        let asked = match store.bucket(bucket) {
            Ok(row) => row.scheme,
            Err(MetadataError::NoSuchBucket) => None,
            Err(error) => return Err(error.into()),
        };
        match asked {
            Some(scheme) => own.insert(bucket.to_owned(), Arc::new(Codec::new(scheme))),
            None => own.remove(bucket),
        };
        Ok(())
    }

    /// The scheme of the deployment and those that buckets ask for, each once.
    pub(super) fn all(&self) -> Vec<Scheme> {
        let mut all: Vec<Scheme> = self.own().values().map(|codec| codec.scheme()).collect();
        all.push(self.default.scheme());
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// How a bucket's objects are to be encoded, and are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketEncoding {
    /// The bucket's name.
    pub name: String,
    /// What it asks for.
    pub scheme: Scheme,
    /// Whether that is its own, and not the deployment's.
    pub is_own: bool,
    /// All its objects.
    pub all: Tally,
    /// Those that wait to be encoded anew.
    pub waiting: Tally,
}

/// What is there of objects of another scheme than the one asked for.
fn waiting<'a>(rows: impl Iterator<Item = &'a EncodingRow>, asked: Scheme) -> Tally {
    let mut waiting = Tally::default();
    for row in rows.filter(|row| row.schemes != [asked]) {
        waiting.objects += row.objects;
        waiting.bytes += row.bytes;
    }
    waiting
}

/// Why a bucket cannot have this scheme, if so, with the remedy.
fn objection(asked: Scheme, default: Scheme, drives: usize) -> Option<String> {
    let shards = u16::from(asked.data) + u16::from(asked.parity);
    if asked.data == 0 {
        return Some(format!("{asked} has no data shards; give at least one, such as 1+{}", asked.parity));
    }
    if asked.parity == 0 {
        return Some(format!("{asked} has no parity, so any drive lost would lose data; give at least +1"));
    }
    if asked.parity > default.parity {
        return Some(format!(
            "{asked} would outlive the loss of {} drives, and the metadata, which this deployment keeps with the \
             parity {default}, only that of {}; give at most +{}",
            asked.parity, default.parity, default.parity
        ));
    }
    if usize::from(shards) > drives {
        return Some(format!(
            "{asked} needs {shards} drives, one for each shard, and there are {drives}; add drives first, or give a \
             smaller sum"
        ));
    }
    (shards > u16::from(Scheme::SHARDS_MAX))
        .then(|| format!("{asked} has {shards} shards; a stripe has at most {}", Scheme::SHARDS_MAX))
}

impl Engine {
    /// How the objects of each bucket are encoded, by name.
    pub fn bucket_encodings(&self) -> Result<Vec<BucketEncoding>> {
        let default = self.drives.scheme();
        let mut rows: HashMap<String, Vec<EncodingRow>> = HashMap::new();
        for row in self.store.encodings()? {
            rows.entry(row.bucket.clone()).or_default().push(row);
        }
        let encoding = |bucket: BucketRow| {
            let scheme = bucket.scheme.unwrap_or(default);
            let waiting = waiting(rows.get(&bucket.name).into_iter().flatten(), scheme);
            let all = Tally { objects: bucket.objects, bytes: bucket.bytes };
            BucketEncoding { name: bucket.name, scheme, is_own: bucket.scheme.is_some(), all, waiting }
        };
        Ok(self.store.buckets()?.into_iter().map(encoding).collect())
    }

    /// Bytes of objects that wait to be encoded anew.
    pub fn bytes_to_recode(&self) -> Result<u64> {
        Ok(self.bucket_encodings()?.iter().map(|bucket| bucket.waiting.bytes).sum())
    }

    /// Objects that wait to be encoded anew.
    pub fn objects_to_recode(&self) -> Result<u64> {
        Ok(self.bucket_encodings()?.iter().map(|bucket| bucket.waiting.objects).sum())
    }

    /// About how long writing so many bytes of shards anew takes: at the pace of the last time, else at a guess.
    pub fn seconds_to_recode(&self, bytes: u64) -> u64 {
        self.recode_bell.seconds(bytes, RATE_GUESS, &self.activity)
    }

    /// Parity shards of whatever has fewest: the metadata, an object, or what a bucket asks for.
    pub fn parity_min(&self) -> Result<u8> {
        let stored = self.store.encodings()?;
        let all = stored.iter().flat_map(|row| row.schemes.iter().copied()).chain(self.schemes.all());
        Ok(all.map(|scheme| scheme.parity).min().unwrap_or(0))
    }

    /// Drives that a stripe needs, of whichever scheme has most shards.
    pub(super) fn shards_max(&self) -> u8 {
        self.schemes.all().into_iter().map(Scheme::shards).max().unwrap_or(0)
    }

    /// Gives a bucket a parity of its own, or with `None` the deployment's: for new objects at once, for those that are
    /// there by and by.
    pub async fn set_bucket_scheme(
        &self,
        bucket: &str,
        scheme: Option<Scheme>,
        intent: Intent,
    ) -> std::result::Result<ChangePlan, ChangeError> {
        // Drives that leave are counted out before or after, not between.
        let _changing = self.topology.changing.lock().await;
        if let Err(MetadataError::NoSuchBucket) = self.store.bucket(bucket) {
            return Err(ChangeError::NoSuchBucket(bucket.to_owned()));
        }
        let default = self.drives.scheme();
        let leaving = self.drives.status().iter().filter(|d| d.phase == DrivePhase::Draining).count();
        let drives = self.members().len().saturating_sub(leaving);
        if let Some(sentence) = scheme.and_then(|asked| objection(asked, default, drives)) {
            return Err(ChangeError::Refused(sentence));
        }
        let plan = self.plan_recoding(bucket, scheme.unwrap_or(default))?;
        if intent == Intent::Do {
            self.store.commit(Mutation::SetBucketScheme { bucket: bucket.to_owned(), scheme }).await?;
            self.schemes.renew(&self.store, bucket)?;
            self.recode_bell.ring();
        }
        Ok(plan)
    }

    fn plan_recoding(&self, bucket: &str, asked: Scheme) -> std::result::Result<ChangePlan, ChangeError> {
        let rows: Vec<EncodingRow> =
            self.store.encodings()?.into_iter().filter(|row| row.bucket == bucket).collect();
        let rewritten = waiting(rows.iter(), asked);
        let stored =
            |row: &EncodingRow| row.schemes.iter().map(|scheme| scheme.stored_bytes(row.bytes)).max();
        let old: u64 = rows.iter().filter(|row| row.schemes != [asked]).filter_map(stored).sum();
        let new = asked.stored_bytes(rewritten.bytes);
        let free: u64 = self.drives.status().iter().filter(|drive| drive.up).map(|drive| drive.free).sum();
        if new.saturating_sub(old) > free {
            return Err(ChangeError::Refused(format!(
                "with {asked} the bucket's objects take {} bytes more and the drives have room for {free}; add drives \
                 first",
                new - old
            )));
        }
        Ok(ChangePlan {
            bytes: new,
            shards: rewritten.objects * u64::from(asked.shards()),
            now: self.redundancy()?.sentence(),
            during: "unchanged: the new encoding of an object is durable before the old one is released"
                .into(),
            after: match asked.parity {
                1 => "any 1 drive may fail without loss of this bucket's objects".into(),
                parity => format!("any {parity} drives may fail without loss of this bucket's objects"),
            },
            notes: notes(rewritten, old, new),
        })
    }
}

/// What else the operator should know of a change of parity.
fn notes(rewritten: Tally, old: u64, new: u64) -> Vec<String> {
    if rewritten.objects == 0 {
        return vec!["no object is to be written anew; those to come are encoded so".into()];
    }
    let room = match new.checked_sub(old) {
        Some(more) => format!("they take {more} bytes more then"),
        None => format!("they take {} bytes less then", old - new),
    };
    vec![
        format!("{} objects of {} bytes are written anew; {room}", rewritten.objects, rewritten.bytes),
        "objects are there twice while they are written anew: leave room for the largest".into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_that_cannot_be_kept_is_refused_in_a_sentence() {
        let default = Scheme { data: 2, parity: 2 };
        let objection = |data, parity| objection(Scheme { data, parity }, default, 4);
        assert_eq!(objection(2, 2), None);
        assert_eq!(objection(3, 1), None);
        assert_eq!(objection(1, 2), None);
        assert!(objection(0, 1).unwrap().contains("data shards"));
        assert!(objection(4, 0).unwrap().contains("no parity"));
        assert!(objection(1, 3).unwrap().contains("metadata"));
        assert!(objection(4, 1).unwrap().contains("5 drives"));
        let wide = super::objection(Scheme { data: 15, parity: 2 }, default, 40).unwrap();
        assert!(wide.contains("at most 16"), "{wide}");
        assert!(
            super::objection(Scheme { data: 200, parity: 100 }, Scheme { data: 9, parity: 200 }, 4).is_some()
        );
    }

    #[test]
    fn objects_of_any_other_scheme_wait() {
        let (two, three) = (Scheme { data: 2, parity: 2 }, Scheme { data: 3, parity: 1 });
        let row = |schemes: &[Scheme], objects| EncodingRow {
            bucket: "photos".into(),
            schemes: schemes.to_vec(),
            objects,
            bytes: objects * 10,
        };
        let rows = [row(&[two], 5), row(&[three], 7), row(&[two, three], 1)];
        assert_eq!(waiting(rows.iter(), three), Tally { objects: 6, bytes: 60 });
        assert_eq!(waiting(rows.iter(), two), Tally { objects: 8, bytes: 80 });
    }
}
