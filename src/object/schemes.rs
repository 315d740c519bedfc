//! How blobs are encoded: as the deployment encodes, or as their bucket or their object's storage class asks.
//!
//! The buckets that ask for a scheme of their own are kept in memory, so that an upload looks up nothing. The rows
//! lead: whatever changes one has it read again. What storage classes ask for is a setting of the operator.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::api::Result;
use super::engine::Engine;
use super::redundancy::Tally;
use super::topology::{ChangeError, ChangePlan, Intent};
use crate::erasure::{Codec, Scheme};
use crate::metadata::{BucketRow, DrivePhase, EncodingRow, MetadataError, Mutation, Store};
use crate::types::{EncodingRules, StorageClass};

/// Bytes a second that encoding anew is guessed to write on machines at rest and on busy ones, before there is a
/// measure.
const RATE_GUESS: (u64, u64) = (100 << 20, 20 << 20);

/// The coders in use.
#[derive(Debug)]
pub(super) struct Schemes {
    pub(super) rules: EncodingRules,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Buckets that ask for a scheme of their own, by name.
    own: HashMap<String, Scheme>,
    /// Each is made once.
    codecs: HashMap<Scheme, Arc<Codec>>,
}

impl Schemes {
    /// Reads what buckets ask for.
    pub(super) fn open(rules: EncodingRules, store: &Store) -> Result<Self> {
        let buckets = store.buckets()?.into_iter();
        let own = buckets.filter_map(|bucket| Some((bucket.name, bucket.scheme?))).collect();
        Ok(Self { rules, state: Mutex::new(State { own, codecs: HashMap::new() }) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a bucket asks for its objects of a class.
    pub(super) fn scheme(&self, bucket: &str, class: StorageClass) -> Scheme {
        self.rules.scheme(self.state().own.get(bucket).copied(), class)
    }

    /// The coder for new blobs of objects of this class in a bucket.
    pub(super) fn of(&self, bucket: &str, class: StorageClass) -> Arc<Codec> {
        self.codec(self.scheme(bucket, class))
    }

    /// The coder of a scheme.
    pub(super) fn codec(&self, scheme: Scheme) -> Arc<Codec> {
        self.state().codecs.entry(scheme).or_insert_with(|| Arc::new(Codec::new(scheme))).clone()
    }

    /// Reads again what a bucket asks for. The map stays locked meanwhile, so that the last to change the row is the
    /// last to be noted.
    pub(super) fn renew(&self, store: &Store, bucket: &str) -> Result<()> {
        let mut state = self.state();
        let asked = match store.bucket(bucket) {
            Ok(row) => row.scheme,
            Err(MetadataError::NoSuchBucket) => None,
            Err(error) => return Err(error.into()),
        };
        match asked {
            Some(scheme) => state.own.insert(bucket.to_owned(), scheme),
            None => state.own.remove(bucket),
        };
        Ok(())
    }

    /// The scheme of the deployment and those that buckets ask for, each once.
    fn of_buckets(&self) -> Vec<Scheme> {
        let mut all: Vec<Scheme> = self.state().own.values().copied().collect();
        all.push(self.rules.default);
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
    /// Bytes of all their versions.
    pub stored_bytes: u64,
    /// Those that wait to be encoded anew.
    pub waiting: Tally,
    /// Its objects on drives whose class asks for something else.
    pub classes: Vec<ClassEncoding>,
}

/// How a bucket's objects of a class are to be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassEncoding {
    /// The class.
    pub class: StorageClass,
    /// What it asks for.
    pub scheme: Scheme,
    /// Its objects.
    pub all: Tally,
}

/// What is there of objects of another scheme than the one asked for.
fn waiting<'a>(rows: impl Iterator<Item = &'a EncodingRow>, asked: impl Fn(StorageClass) -> Scheme) -> Tally {
    let mut waiting = Tally::default();
    rows.filter(|row| row.schemes != [asked(row.class)]).for_each(|row| waiting.add(row));
    waiting
}

impl Tally {
    fn add(&mut self, row: &EncodingRow) {
        self.objects += row.objects;
        self.bytes += row.bytes;
    }
}

/// The classes of a bucket that ask for something else than it does.
fn classes(rows: &[EncodingRow], asked: impl Fn(StorageClass) -> Scheme) -> Vec<ClassEncoding> {
    let bucket = asked(StorageClass::Standard);
    let class = |class| {
        let (scheme, mut all) = (asked(class), Tally::default());
        rows.iter().filter(|row| row.class == class).for_each(|row| all.add(row));
        ClassEncoding { class, scheme, all }
    };
    let all = StorageClass::ALL.into_iter().map(class);
    all.filter(|class| class.scheme != bucket && class.all.objects > 0).collect()
}

/// Why objects cannot have this scheme, if so, with the remedy.
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
        let mut rows: HashMap<String, Vec<EncodingRow>> = HashMap::new();
        for row in self.store.encodings()? {
            rows.entry(row.bucket.clone()).or_default().push(row);
        }
        let encoding = |bucket: BucketRow| {
            let asked = |class| self.schemes.rules.scheme(bucket.scheme, class);
            let rows = rows.get(&bucket.name).map(Vec::as_slice).unwrap_or_default();
            BucketEncoding {
                scheme: asked(StorageClass::Standard),
                is_own: bucket.scheme.is_some(),
                all: Tally { objects: bucket.objects, bytes: bucket.bytes },
                stored_bytes: bucket.bytes + bucket.version_bytes,
                waiting: waiting(rows.iter(), asked),
                classes: classes(rows, asked),
                name: bucket.name,
            }
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
        let all = stored.iter().flat_map(|row| row.schemes.iter().copied()).chain(self.schemes_in_use()?);
        Ok(all.map(|scheme| scheme.parity).min().unwrap_or(0))
    }

    /// The schemes that the deployment, buckets, and the classes of which there are objects ask for, each once.
    pub(super) fn schemes_in_use(&self) -> Result<Vec<Scheme>> {
        let classes = self.store.encodings()?;
        let classes = classes.iter().map(|row| self.schemes.scheme(&row.bucket, row.class));
        let mut all: Vec<Scheme> = classes.chain(self.schemes.of_buckets()).collect();
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    /// Drives that a stripe needs, of whichever scheme has most shards.
    pub(super) fn shards_max(&self) -> u8 {
        let classes = self.schemes.rules.of_classes().map(|(_, scheme)| scheme);
        self.schemes.of_buckets().into_iter().chain(classes).map(Scheme::shards).max().unwrap_or(0)
    }

    /// Why a storage class cannot have the scheme that the operator gives it, if so, with the remedy.
    pub fn class_objection(&self) -> Option<(StorageClass, String)> {
        let (default, drives) = (self.drives.scheme(), self.drives_that_stay());
        let mut classes = self.schemes.rules.of_classes();
        classes.find_map(|(class, scheme)| Some((class, objection(scheme, default, drives)?)))
    }

    /// Drives of the deployment, up or not, that do not leave.
    fn drives_that_stay(&self) -> usize {
        let leaving = self.drives.status().iter().filter(|d| d.phase == DrivePhase::Draining).count();
        self.members().len().saturating_sub(leaving)
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
        let drives = self.drives_that_stay();
        if let Some(sentence) = scheme.and_then(|asked| objection(asked, default, drives)) {
            return Err(ChangeError::Refused(sentence));
        }
        let plan = self.plan_recoding(bucket, scheme)?;
        if intent == Intent::Do {
            self.store.commit(Mutation::SetBucketScheme { bucket: bucket.to_owned(), scheme }).await?;
            self.schemes.renew(&self.store, bucket)?;
            self.recode_bell.ring();
        }
        Ok(plan)
    }

    fn plan_recoding(
        &self,
        bucket: &str,
        own: Option<Scheme>,
    ) -> std::result::Result<ChangePlan, ChangeError> {
        let asked = |class| self.schemes.rules.scheme(own, class);
        let rows: Vec<EncodingRow> =
            self.store.encodings()?.into_iter().filter(|row| row.bucket == bucket).collect();
        let rewritten = waiting(rows.iter(), asked);
        let wait = || rows.iter().filter(|row| row.schemes != [asked(row.class)]);
        let stored =
            |row: &EncodingRow| row.schemes.iter().map(|scheme| scheme.stored_bytes(row.bytes)).max();
        let old: u64 = wait().filter_map(stored).sum();
        let new: u64 = wait().map(|row| asked(row.class).stored_bytes(row.bytes)).sum();
        let scheme = asked(StorageClass::Standard);
        let free: u64 = self.drives.status().iter().filter(|drive| drive.up).map(|drive| drive.free).sum();
        if new.saturating_sub(old) > free {
            return Err(ChangeError::Refused(format!(
                "with {scheme} the bucket's objects take {} bytes more and the drives have room for {free}; add drives \
                 first",
                new - old
            )));
        }
        let least = rows.iter().map(|row| asked(row.class).parity).chain([scheme.parity]).min();
        Ok(ChangePlan {
            bytes: new,
            shards: wait().map(|row| row.objects * u64::from(asked(row.class).shards())).sum(),
            now: self.redundancy()?.sentence(),
            during: "unchanged: the new encoding of an object is durable before the old one is released"
                .into(),
            after: match least.unwrap_or(scheme.parity) {
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
            class: StorageClass::Standard,
            schemes: schemes.to_vec(),
            objects,
            bytes: objects * 10,
        };
        let rows = [row(&[two], 5), row(&[three], 7), row(&[two, three], 1)];
        assert_eq!(waiting(rows.iter(), |_| three), Tally { objects: 6, bytes: 60 });
        assert_eq!(waiting(rows.iter(), |_| two), Tally { objects: 8, bytes: 80 });
    }

    #[test]
    fn each_class_waits_for_its_own_scheme() {
        use StorageClass::{GlacierIr, ReducedRedundancy, Standard};
        let rules = EncodingRules { default: Scheme { data: 2, parity: 2 }, classes: [].into() };
        let asked = |class| rules.scheme(None, class);
        let row = |class, data, parity| EncodingRow {
            bucket: "photos".into(),
            class,
            schemes: vec![Scheme { data, parity }],
            objects: 1,
            bytes: 10,
        };
        let rows = [row(Standard, 2, 2), row(ReducedRedundancy, 3, 1), row(GlacierIr, 2, 2)];
        assert_eq!(waiting(rows.iter(), asked), Tally::default());
        let all = Tally { objects: 1, bytes: 10 };
        let class = ReducedRedundancy;
        let reduced = ClassEncoding { class, scheme: Scheme { data: 3, parity: 1 }, all };
        assert_eq!(classes(&rows, asked), [reduced]);
        let moved = [row(Standard, 3, 1), row(ReducedRedundancy, 2, 2)];
        assert_eq!(waiting(moved.iter(), asked), Tally { objects: 2, bytes: 20 });
    }
}
