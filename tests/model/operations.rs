//! Operations, and the engine and the reference side by side.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use bytes::Bytes;
use holdfast::checksum::md5::Md5;
use holdfast::object::{
    Body, BodyError, CopyRequest, Engine, Error, ListEntry, ListRequest, PutRequest, WriteCondition,
};
use holdfast::runtime::seed_random;
use holdfast::types::{BucketName, ChecksumValue, Etag, ObjectKey, Properties};
use proptest::prelude::*;

use crate::deployment::{DatabaseImage, Place, remove_database};
use crate::disk::Disks;
use crate::reference::{Reference, Refusal};
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
    Put { key: String, len: usize, when: When },
    Get { key: String, start: u64, len: u64 },
    Delete { keys: Vec<String> },
    Copy { from: String, to: String },
    List { prefix: String, delimiter: Option<String>, page: u16 },
    Restart(Restart),
}

fn any_key() -> impl Strategy<Value = String> {
    "[ab/é]{1,4}"
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
        same("counts", &(info.objects, info.bytes), &self.reference.count())
    }

    async fn operation(&mut self, engine: &Engine, operation: &Operation) -> Result<(), String> {
        match operation {
            Operation::Put { key, len, when } => self.put(engine, key, *len, *when).await,
            Operation::Get { key, start, len } => self.get(engine, key, *start..start + len).await,
            Operation::Delete { keys } => {
                keys.iter().for_each(|key| self.reference.delete(key));
                let keys = keys.iter().map(|key| parsed(key).into()).collect();
                engine.delete(&bucket(), keys).await.map(drop).map_err(|error| error.to_string())
            }
            Operation::Copy { from, to } => self.copy(engine, from, to).await,
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
            length: Some(len as u64),
            content_md5: None,
            condition,
        };
        let chunks = (0..len).step_by(70_001).map(|at| data.slice(at..len.min(at + 70_001))).collect();
        let put = engine.put(request, Chunks(chunks)).await;
        let wanted = self.reference.put(key, (data, etag), condition).map(|()| etag);
        same("put", &refused(put.map(|put| put.etag))?, &wanted)
    }

    async fn get(&self, engine: &Engine, key: &str, range: std::ops::Range<u64>) -> Result<(), String> {
        let object = match engine.open(&bucket(), &parsed(key), None).await {
            Ok(object) => Some(object),
            Err(Error::NoSuchKey) => None,
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

    async fn copy(&mut self, engine: &Engine, from: &str, to: &str) -> Result<(), String> {
        let copied = async {
            let request = CopyRequest::to(bucket(), parsed(to));
            engine.copy(engine.open(&bucket(), &parsed(from), None).await?, request).await
        };
        let copied = refused(copied.await.map(|copy| copy.etag))?;
        let wanted = match self.reference.get(from).cloned() {
            Some(object) => {
                let etag = object.1;
                self.reference.put(to, object, WriteCondition::Always).map(|()| etag)
            }
            None => Err(Refusal::NoSuchKey),
        };
        same("copy", &copied, &wanted)
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
        Err(Error::NoSuchKey) => Ok(Err(Refusal::NoSuchKey)),
        Err(Error::PreconditionFailed) => Ok(Err(Refusal::PreconditionFailed)),
        Err(error) => Err(error.to_string()),
    }
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
