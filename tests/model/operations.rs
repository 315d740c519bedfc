//! Operations, and the engine and the reference side by side.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use bytes::Bytes;
use holdfast::checksum::md5::Md5;
use holdfast::object::{
    Body, BodyError, CopyRequest, DeleteRequest, Deleted, Engine, Error, ListEntry, ListRequest,
    ListVersionsEntry, ListVersionsRequest, PutOutcome, PutRequest, WriteCondition,
};
use holdfast::runtime::seed_random;
use holdfast::types::{BucketName, ChecksumValue, Etag, ObjectKey, Properties, VersionId, Versioning};
use proptest::prelude::*;

use crate::deployment::{DatabaseImage, Place, remove_database};
use crate::disk::Disks;
use crate::reference::{Listed, Object, Reference, Refusal};
use crate::rng::Rng;

/// How the process ends before it starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    InOrder,
    PowerCut,
    /// And the database is lost.
    DatabaseLost,
}

/// When a put may happen.
#[derive(Debug, Clone, Copy)]
pub enum When {
    Always,
    Absent,
    Present,
    /// Over what stands at the key; over something else where `false`.
    Match(bool),
}

#[derive(Debug, Clone)]
pub enum Operation {
    Put {
        key: String,
        len: usize,
        when: When,
    },
    Get {
        key: String,
        start: u64,
        len: u64,
    },
    Delete {
        keys: Vec<String>,
    },
    Copy {
        from: String,
        to: String,
    },
    /// On as `true`, off as far as it can be.
    SetVersioning(bool),
    /// One of the versions that the key has, or had none.
    GetVersion {
        key: String,
        which: usize,
    },
    RemoveVersion {
        key: String,
        which: usize,
    },
    CopyVersion {
        from: String,
        which: usize,
        to: String,
    },
    ListVersions {
        prefix: String,
        page: u16,
    },
    List {
        prefix: String,
        delimiter: Option<String>,
        page: u16,
    },
    Restart(Restart),
}

/// Few, so that most are written again and again.
fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![2 => "[ab/]{1,2}", 1 => "[ab/é]{1,4}"]
}

fn any_len() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => 0..200usize,
        2 => 4_000..5_000usize,
        2 => 30_000..70_000usize,
        1 => (1 << 20) - 3..(1 << 20) + 3usize,
        1 => 1_100_000..2_500_000usize,
    ]
}

fn any_when() -> impl Strategy<Value = When> {
    prop_oneof![
        6 => Just(When::Always),
        1 => Just(When::Absent),
        1 => Just(When::Present),
        1 => any::<bool>().prop_map(When::Match),
    ]
}

pub fn any_operation() -> impl Strategy<Value = Operation> {
    let put = (any_key(), any_len(), any_when());
    let list = ("[ab/]{0,2}", proptest::option::of(prop_oneof!["/", "a", "b/"]), 1..6u16);
    let restart = prop_oneof![
        1 => Just(Restart::InOrder),
        2 => Just(Restart::PowerCut),
        1 => Just(Restart::DatabaseLost)
    ];
    prop_oneof![
        8 => put.prop_map(|(key, len, when)| Operation::Put { key, len, when }),
        6 => (any_key(), 0..2_500_000u64, 0..100_000u64)
            .prop_map(|(key, start, len)| Operation::Get { key, start, len }),
        3 => proptest::collection::vec(any_key(), 1..4).prop_map(|keys| Operation::Delete { keys }),
        3 => (any_key(), any_key()).prop_map(|(from, to)| Operation::Copy { from, to }),
        4 => list.prop_map(|(prefix, delimiter, page)| Operation::List { prefix, delimiter, page }),
        1 => any::<bool>().prop_map(Operation::SetVersioning),
        3 => (any_key(), 0..4usize).prop_map(|(key, which)| Operation::GetVersion { key, which }),
        3 => (any_key(), 0..4usize).prop_map(|(key, which)| Operation::RemoveVersion { key, which }),
        2 => (any_key(), 0..4usize, any_key())
            .prop_map(|(from, which, to)| Operation::CopyVersion { from, which, to }),
        4 => ("[ab/]{0,2}", 1..6u16).prop_map(|(prefix, page)| Operation::ListVersions { prefix, page }),
        1 => restart.prop_map(Operation::Restart),
    ]
}

/// Runs the operations on so many drives; an error says which answer was wrong.
pub fn run(drives: usize, operations: &[Operation]) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("holdfast.db");
    let place = Place { disks: Disks::new(drives), count: drives, remote: false, database };
    let mut both = Both { reference: Reference::default(), written: 0 };
    let mut rng = Rng::new(1);
    let mut left = operations;
    for life in 0.. {
        let ends = left.iter().position(|operation| matches!(operation, Operation::Restart(_)));
        let (now, rest) = left.split_at(ends.unwrap_or(left.len()));
        let how = rest.first().map(|operation| match operation {
            Operation::Restart(how) => *how,
            _ => Restart::InOrder,
        });
        both.live(&place, now, life, how, &mut rng)?;
        match rest.split_first() {
            Some((_, rest)) => left = rest,
            None => return Ok(()),
        }
    }
    Ok(())
}

struct Both {
    reference: Reference,
    /// Objects so far; each has bytes of its own.
    written: u64,
}

impl Both {
    /// One process, from its start to its end.
    fn live(
        &mut self,
        place: &Place,
        operations: &[Operation],
        life: u64,
        how: Option<Restart>,
        rng: &mut Rng,
    ) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.unwrap();
        seed_random(life);
        runtime.block_on(async {
            let running = place.start(1_700_000_000_000 + life * 1_000_000, rng).await?;
            match running.engine.create_bucket(&bucket()).await {
                Ok(()) | Err(Error::BucketExists) => {}
                Err(error) => return Err(format!("create bucket: {error}")),
            }
            for operation in operations {
                let done = self.operation(&running.engine, operation).await;
                done.map_err(|problem| format!("{operation:?}: {problem}"))?;
            }
            self.compare_counts(&running.engine).await?;
            if how.is_none_or(|how| how == Restart::InOrder) {
                drop(running.jobs);
                running.engine.close().await;
            }
            Ok(())
        })?;
        let image = DatabaseImage::take(&place.database);
        drop(runtime);
        if how.is_some_and(|how| how != Restart::InOrder) {
            (0..place.count).for_each(|disk| place.disks.cut_one(disk));
            image.put_back(&place.database);
        }
        if how == Some(Restart::DatabaseLost) {
            remove_database(&place.database);
        }
        place.disks.restart(rng);
        Ok(())
    }

    async fn compare_counts(&self, engine: &Engine) -> Result<(), String> {
        let info = engine.head_bucket(&bucket()).await.map_err(|error| error.to_string())?;
        let counts = [info.objects, info.bytes, info.versions, info.version_bytes, info.markers];
        same("counts", &counts, &self.reference.count())
    }

    async fn operation(&mut self, engine: &Engine, operation: &Operation) -> Result<(), String> {
        match operation {
            Operation::Put { key, len, when } => self.put(engine, key, *len, *when).await,
            Operation::Get { key, start, len } => self.get(engine, key, *start..start + len).await,
            Operation::Delete { keys } => self.delete(engine, keys).await,
            Operation::Copy { from, to } => self.copy(engine, from, None, to).await,
            Operation::SetVersioning(on) => self.set_versioning(engine, *on).await,
            Operation::GetVersion { key, which } => {
                let id = self.which(key, *which);
                let opened = engine.open(&bucket(), &parsed(key), Some(id)).await;
                let etag = refused(opened.map(|object| object.info().etag))?;
                same("version", &etag, &self.reference.named(key, id).map(|(_, etag)| *etag))
            }
            Operation::RemoveVersion { key, which } => {
                let id = self.which(key, *which);
                let request = DeleteRequest { version: Some(id), ..parsed(key).into() };
                let removed = deleted(engine.delete(&bucket(), vec![request]).await)?;
                let is_marker = self.reference.remove(key, id);
                same("removed", &removed, &vec![Deleted { version: Some(id), is_marker }])
            }
            Operation::CopyVersion { from, which, to } => {
                let id = self.which(from, *which);
                self.copy(engine, from, Some(id), to).await
            }
            Operation::ListVersions { prefix, page } => self.list_versions(engine, prefix, *page).await,
            Operation::List { prefix, delimiter, page } => {
                self.list(engine, prefix, delimiter.as_deref(), *page).await
            }
            Operation::Restart(_) => Ok(()),
        }
    }

    async fn put(&mut self, engine: &Engine, key: &str, len: usize, when: When) -> Result<(), String> {
        self.written += 1;
        let data = bytes(len, self.written);
        let etag = Etag::single(Md5::digest(&data));
        let condition = match (when, self.reference.get(key)) {
            (When::Always, _) => WriteCondition::Always,
            (When::Absent, _) => WriteCondition::IfAbsent,
            (When::Present, _) => WriteCondition::IfPresent,
            (When::Match(true), Some((_, held))) => WriteCondition::IfMatch(*held),
            (When::Match(_), _) => WriteCondition::IfMatch(Etag::single([0; 16])),
        };
        let request = PutRequest {
            bucket: bucket(),
            key: parsed(key),
            properties: Properties::default(),
            encryption: None,
            length: Some(len as u64),
            content_md5: None,
            condition,
        };
        let chunks = (0..len).step_by(70_001).map(|at| data.slice(at..len.min(at + 70_001))).collect();
        let put = refused(engine.put(request, Chunks(chunks)).await)?;
        let wanted = self.reference.check(key, condition).map(|()| etag);
        self.written_as(key, (data, etag), put, wanted)
    }

    /// Compares what a write answered, and has the reference follow it.
    fn written_as(
        &mut self,
        key: &str,
        object: Object,
        written: Result<PutOutcome, Refusal>,
        wanted: Result<Etag, Refusal>,
    ) -> Result<(), String> {
        same("written", &written.as_ref().map(|outcome| outcome.etag).map_err(|refusal| *refusal), &wanted)?;
        let Ok(outcome) = written else { return Ok(()) };
        let is_named = match (self.reference.versioning, outcome.version) {
            (Versioning::Unversioned, None) | (Versioning::Suspended, Some(VersionId::Null)) => true,
            (Versioning::Enabled, Some(id @ VersionId::Number(_))) => {
                self.reference.versions(key).iter().all(|other| other.id != id)
            }
            _ => false,
        };
        self.reference.put(key, object, outcome.version);
        if is_named { Ok(()) } else { Err(format!("the new version is {:?}", outcome.version)) }
    }

    async fn set_versioning(&mut self, engine: &Engine, on: bool) -> Result<(), String> {
        let versioning = if on { Versioning::Enabled } else { Versioning::Suspended };
        self.reference.versioning = versioning;
        engine.set_versioning(&bucket(), versioning).await.map_err(|error| error.to_string())
    }

    /// The name of a version of a key, or of none.
    fn which(&self, key: &str, which: usize) -> VersionId {
        self.reference.versions(key).get(which).map_or(VersionId::Number(u64::MAX >> 1), |version| version.id)
    }

    async fn delete(&mut self, engine: &Engine, keys: &[String]) -> Result<(), String> {
        let requests = keys.iter().map(|key| parsed(key).into()).collect();
        let done = deleted(engine.delete(&bucket(), requests).await)?;
        let makes_markers = self.reference.versioning != Versioning::Unversioned;
        for (key, deleted) in keys.iter().zip(&done) {
            same("marker", &(deleted.is_marker, deleted.version.is_some()), &(makes_markers, makes_markers))?;
            self.reference.delete(key, deleted.version);
        }
        same("deletions", &done.len(), &keys.len())
    }

    async fn get(&self, engine: &Engine, key: &str, range: std::ops::Range<u64>) -> Result<(), String> {
        let object = match engine.open(&bucket(), &parsed(key), None).await {
            Ok(object) => Some(object),
            Err(Error::NoSuchKey | Error::DeletedKey { .. }) => None,
            Err(error) => return Err(error.to_string()),
        };
        let wanted = self.reference.get(key);
        same("tag", &object.as_ref().map(|object| object.info().etag), &wanted.map(|(_, etag)| *etag))?;
        let (Some(object), Some((data, _))) = (object, wanted) else { return Ok(()) };
        let within = |at: u64| (at as usize).min(data.len());
        let mut stream = object.read(range.clone()).await.map_err(|error| error.to_string())?;
        let mut read = Vec::new();
        while let Some(chunk) = std::future::poll_fn(|cx| stream.poll_chunk(cx)).await {
            read.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
        }
        if read == data[within(range.start)..within(range.end)] { Ok(()) } else { Err("other bytes".into()) }
    }

    async fn copy(
        &mut self,
        engine: &Engine,
        from: &str,
        version: Option<VersionId>,
        to: &str,
    ) -> Result<(), String> {
        let copied = async {
            let request = CopyRequest::to(bucket(), parsed(to));
            engine.copy(engine.open(&bucket(), &parsed(from), version).await?, request).await
        };
        let copied = refused(copied.await)?;
        let object = match version {
            Some(id) => self.reference.named(from, id).cloned(),
            None => self.reference.get(from).cloned().ok_or(Refusal::NoSuchKey),
        };
        match object {
            Ok(object) => self.written_as(to, object.clone(), copied, Ok(object.1)),
            Err(refusal) => same("copy", &copied.map(|copy| copy.etag), &Err(refusal)),
        }
    }

    async fn list_versions(&self, engine: &Engine, prefix: &str, page: u16) -> Result<(), String> {
        let (mut listed, mut next): (Vec<Listed>, _) = (Vec::new(), (String::new(), None));
        loop {
            let (after, behind) = next;
            let (bucket, prefix) = (bucket(), prefix.to_owned());
            let keys = ListRequest { bucket, prefix, delimiter: None, after, max_keys: page };
            let found = engine.list_versions(ListVersionsRequest { keys, behind }).await;
            let found = found.map_err(|error| error.to_string())?;
            if found.entries.len() > usize::from(page) {
                return Err(format!("{} entries on a page of {page}", found.entries.len()));
            }
            listed.extend(found.entries.into_iter().filter_map(|entry| match entry {
                ListVersionsEntry::Version(v) => Some((v.object.key, v.version, v.is_latest, v.is_marker)),
                ListVersionsEntry::CommonPrefix(_) => None,
            }));
            match found.next {
                Some(more) => next = more,
                None => break,
            }
        }
        same("versions", &listed, &self.reference.list_versions(prefix))
    }

    async fn list(
        &self,
        engine: &Engine,
        prefix: &str,
        delimiter: Option<&str>,
        page: u16,
    ) -> Result<(), String> {
        let (mut listed, mut after) = (Vec::new(), String::new());
        loop {
            let request = ListRequest {
                bucket: bucket(),
                prefix: prefix.to_owned(),
                delimiter: delimiter.map(str::to_owned),
                after,
                max_keys: page,
            };
            let found = engine.list(request).await.map_err(|error| error.to_string())?;
            if found.entries.len() > usize::from(page) {
                return Err(format!("{} entries on a page of {page}", found.entries.len()));
            }
            listed.extend(found.entries.into_iter().map(|entry| match entry {
                ListEntry::Object(object) => object.key,
                ListEntry::CommonPrefix(group) => group,
            }));
            match found.next {
                Some(next) => after = next,
                None => return same("listing", &listed, &self.reference.list(prefix, delimiter)),
            }
        }
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, wanted: &T) -> Result<(), String> {
    if got == wanted { Ok(()) } else { Err(format!("{what} is {got:?}, should be {wanted:?}")) }
}

/// The refusals that a healthy deployment may give.
fn refused<T>(result: Result<T, Error>) -> Result<Result<T, Refusal>, String> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Error::NoSuchKey | Error::DeletedKey { .. }) => Ok(Err(Refusal::NoSuchKey)),
        Err(Error::NoSuchVersion) => Ok(Err(Refusal::NoSuchVersion)),
        Err(Error::DeleteMarker { .. }) => Ok(Err(Refusal::DeleteMarker)),
        Err(Error::PreconditionFailed) => Ok(Err(Refusal::PreconditionFailed)),
        Err(error) => Err(error.to_string()),
    }
}

/// What deletions did; none of them may be refused.
fn deleted(outcomes: Result<Vec<Result<Deleted, Error>>, Error>) -> Result<Vec<Deleted>, String> {
    let outcomes = outcomes.and_then(|outcomes| outcomes.into_iter().collect::<Result<Vec<_>, _>>());
    outcomes.map_err(|error| error.to_string())
}

fn bytes(len: usize, seed: u64) -> Bytes {
    (0..len as u64).map(|i| (i * 31 + seed * 17 + i / 251) as u8).collect()
}

fn bucket() -> BucketName {
    BucketName::parse("photos").unwrap()
}

fn parsed(key: &str) -> ObjectKey {
    ObjectKey::parse(key).unwrap()
}

struct Chunks(VecDeque<Bytes>);

impl Body for Chunks {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }

    fn checksum(&self) -> Option<ChecksumValue> {
        None
    }
}
