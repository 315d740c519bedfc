//! A client: operations at random, each held against the model.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use holdfast::object::{
    Body, BodyError, CopyRequest, Engine, Error, ListEntry, ListPage, ListRequest, NewEncryption, OpenObject,
    PutRequest, WriteCondition,
};
use holdfast::types::{ChecksumValue, Etag, Properties, StorageClass};
use tokio::time::{sleep, timeout};

use crate::model::{Ended, Value};
use crate::multipart;
use crate::rng::Rng;
use crate::shared::{Checked, Shared, bucket, key};

/// A body in chunks, which may break off.
pub struct Chunks {
    left: VecDeque<Bytes>,
    breaks: bool,
}

impl Body for Chunks {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        Poll::Ready(match self.left.pop_front() {
            Some(chunk) => Some(Ok(chunk)),
            None if self.breaks => Some(Err(BodyError::Incomplete)),
            None => None,
        })
    }

    fn checksum(&self) -> Option<ChecksumValue> {
        None
    }
}

pub fn body_of(rng: &mut Rng, data: &Bytes, breaks: bool) -> Chunks {
    let size = rng.range(1_000..200_000) as usize;
    let mut left: VecDeque<Bytes> =
        (0..data.len()).step_by(size).map(|at| data.slice(at..data.len().min(at + size))).collect();
    if breaks {
        left.pop_back();
    }
    Chunks { left, breaks }
}

/// How the sending of a version ended, from the answer.
pub fn ended<T>(result: &Result<T, Error>) -> Ended {
    match result {
        Ok(_) => Ended::Acknowledged,
        Err(Error::Unavailable(_) | Error::Internal(_) | Error::NoSpace) => Ended::Unknown,
        Err(_) => Ended::Refused,
    }
}

/// One client.
pub struct Client<'a> {
    pub name: usize,
    pub engine: &'a Engine,
    pub shared: &'a Shared,
    pub rng: Rng,
}

const KEYS: [&str; 14] =
    ["a", "a/1", "a/2", "a/2/x", "a0", "b/1", "b/2", "b/é", "c", "d/1/1", "d/1/2", "d/2/1", "z", "z/"];

impl Client<'_> {
    /// So many operations.
    pub async fn run(mut self, operations: usize) -> Checked {
        for _ in 0..operations {
            self.operation().await?;
            let rest = self.rng.below(4_000);
            sleep(Duration::from_micros(rest)).await;
        }
        Ok(())
    }

    pub fn note(&self, what: String) {
        self.shared.note(format!("client {}: {what}", self.name));
    }

    async fn operation(&mut self) -> Checked {
        match self.rng.below(100) {
            0..38 => self.put().await,
            38..58 => self.get().await,
            58..70 => self.delete().await,
            70..80 => self.list().await,
            80..88 => self.copy().await,
            _ => multipart::step(self).await,
        }
    }

    pub fn any_key(&mut self) -> String {
        (*self.rng.pick(&KEYS)).to_owned()
    }

    fn any_length(&mut self) -> usize {
        (match self.rng.below(100) {
            0..5 => 0,
            5..60 => self.rng.below(4097),
            60..90 => self.rng.range(4097..60_000),
            90..97 => self.rng.range(60_000..400_000),
            _ => self.rng.range(1 << 20..5 << 19),
        }) as usize
    }

    fn condition(&mut self, name: &str) -> WriteCondition {
        match self.rng.below(100) {
            0..80 => WriteCondition::Always,
            80..89 => WriteCondition::IfAbsent,
            89..92 => WriteCondition::IfPresent,
            _ => {
                let mut model = self.shared.model.borrow_mut();
                let now = model.tick();
                let present = model.seen(name, now, now).into_iter().flatten().next_back();
                WriteCondition::IfMatch(present.map_or(Etag::single([0; 16]), |value| value.etag))
            }
        }
    }

    async fn put(&mut self) -> Checked {
        let (name, len) = (self.any_key(), self.any_length());
        let value = self.shared.new_value(len);
        let (condition, breaks) = (self.condition(&name), self.rng.chance(3));
        let request = PutRequest {
            bucket: bucket(),
            key: key(&name),
            properties: Properties { class: class_of(len), ..Properties::default() },
            encryption: len.is_multiple_of(3).then_some(NewEncryption::S3),
            length: self.rng.chance(70).then_some(len as u64),
            content_md5: None,
            condition,
        };
        let body = body_of(&mut self.rng, &value.bytes(), breaks);
        let patience = self.patience();
        let sent = self.shared.model.borrow_mut().send(&name, Some(value.clone()));
        let result = timeout(patience, self.engine.put(request, body)).await;
        let how = result.as_ref().map_or(Ended::Unknown, ended);
        let before = self.shared.model.borrow().before(&sent);
        self.shared.model.borrow_mut().end(&sent, how);
        let about = format!("put {name} {len} {condition:?}");
        self.note(format!("{about}: {}", short(result.as_ref().ok())));
        let Ok(result) = result else { return Ok(()) };
        let may_be_met = |value: &Option<Rc<Value>>| match condition {
            WriteCondition::Always => true,
            WriteCondition::IfAbsent => value.is_none(),
            WriteCondition::IfPresent => value.is_some(),
            WriteCondition::IfMatch(etag) => value.as_ref().is_some_and(|value| value.has(etag)),
        };
        let is_met = |value: &Option<Rc<Value>>| {
            let certain = value.as_ref().is_none_or(|value| value.anew.is_none());
            may_be_met(value) && (certain || !matches!(condition, WriteCondition::IfMatch(_)))
        };
        match result {
            Ok(put) if put.etag != value.etag => Err(format!("{about}: etag {}", put.etag)),
            Ok(_) if breaks => Err(format!("{about}: a body that broke off was taken")),
            Ok(_) if !before.iter().any(may_be_met) => Err(format!("{about} happened over {before:?}")),
            Err(Error::PreconditionFailed | Error::NoSuchKey) if before.iter().all(is_met) => {
                Err(format!("{about} was refused over {before:?}"))
            }
            Err(Error::Body(_)) if breaks => Ok(()),
            Ok(_) | Err(Error::PreconditionFailed | Error::NoSuchKey) => Ok(()),
            Err(error) => self.shared.excuse(&about, &error),
        }
    }

    /// Most clients wait; some go away.
    pub fn patience(&mut self) -> Duration {
        if self.rng.chance(5) {
            Duration::from_micros(self.rng.below(3_000))
        } else {
            Duration::from_secs(3600)
        }
    }

    async fn get(&mut self) -> Checked {
        let name = self.any_key();
        let Some((object, value)) = self.open(&name).await? else { return Ok(()) };
        let size = value.len() as u64;
        let range = if self.rng.chance(50) || size == 0 {
            0..size
        } else {
            let start = self.rng.below(size);
            start..start + 1 + self.rng.below(size - start)
        };
        self.read(&name, object, &value, range).await
    }

    /// Opens an object, held against the model.
    pub async fn open(&mut self, name: &str) -> Checked<Option<(OpenObject, Rc<Value>)>> {
        let from = self.shared.model.borrow_mut().tick();
        let opened = self.engine.open(&bucket(), &key(name), None).await;
        let opened = match opened {
            Ok(object) => Some(object),
            Err(Error::NoSuchKey) => None,
            Err(error) => {
                self.note(format!("open {name}: {error}"));
                return self.shared.excuse(&format!("open {name}"), &error).map(|()| None);
            }
        };
        let saw = opened.as_ref().map(|object| (object.info().etag, object.info().size));
        self.note(format!("open {name}: {saw:?}"));
        let matches = |value: Option<&Value>| looks_like(value, saw);
        self.shared.model.borrow_mut().check(name, from, &format!("a read saw {saw:?}"), matches)?;
        let Some(object) = opened else { return Ok(None) };
        let value = self.shared.value_of(object.info().etag)?;
        Ok(Some((object, value)))
    }

    async fn read(&mut self, name: &str, object: OpenObject, value: &Value, range: Range<u64>) -> Checked {
        let about = format!("read {name} {range:?}");
        let wanted = value.bytes().slice(range.start as usize..range.end as usize);
        let got = read_all(object, range).await;
        self.note(format!("{about}: {:?}", got.as_ref().map(Vec::len).map_err(ToString::to_string)));
        match got {
            Ok(bytes) if bytes == wanted => Ok(()),
            Ok(bytes) => Err(format!("{about} gave {} wrong bytes", bytes.len())),
            Err(error) => self.shared.excuse(&about, &error),
        }
    }

    async fn delete(&mut self) -> Checked {
        let mut names: Vec<String> = (0..=self.rng.below(3)).map(|_| self.any_key()).collect();
        names.sort();
        names.dedup();
        let sent: Vec<_> = names.iter().map(|name| self.shared.model.borrow_mut().send(name, None)).collect();
        let keys = names.iter().map(|name| key(name).into()).collect();
        let patience = self.patience();
        let result = timeout(patience, self.engine.delete(&bucket(), keys)).await;
        let how = result.as_ref().map_or(Ended::Unknown, ended);
        sent.iter().for_each(|sent| self.shared.model.borrow_mut().end(sent, how));
        let about = format!("delete {names:?}");
        self.note(format!("{about}: {}", short(result.as_ref().ok())));
        match result {
            Ok(Err(error)) => self.shared.excuse(&about, &error),
            _ => Ok(()),
        }
    }

    async fn copy(&mut self) -> Checked {
        let (from, to) = (self.any_key(), self.any_key());
        let Some((object, value)) = self.open(&from).await? else { return Ok(()) };
        let request = CopyRequest::to(bucket(), key(&to));
        // Of another class it may have other stripes.
        let is_same = object.info().properties.class == request.class;
        let value = if is_same || value.etag.parts == 0 { value } else { self.shared.copy_of(&value) };
        let sent = self.shared.model.borrow_mut().send(&to, Some(value));
        let result = self.engine.copy(object, request).await;
        self.shared.model.borrow_mut().end(&sent, ended(&result));
        let about = format!("copy {from} to {to}");
        self.note(format!("{about}: {}", short(Some(&result))));
        match result {
            Ok(_) | Err(Error::Conflict | Error::NoSuchKey) => Ok(()),
            Err(error) => self.shared.excuse(&about, &error),
        }
    }

    async fn list(&mut self) -> Checked {
        let prefix = (*self.rng.pick(&["", "", "a", "a/", "d/", "zz"])).to_owned();
        let delimiter = self.rng.chance(50).then(|| "/".to_owned());
        let max_keys = *self.rng.pick(&[1, 2, 3, 1000]);
        self.list_all(prefix, delimiter, max_keys).await
    }

    /// All pages of a listing, each held against the model.
    pub async fn list_all(&mut self, prefix: String, delimiter: Option<String>, max_keys: u16) -> Checked {
        let mut after = String::new();
        loop {
            let request = ListRequest {
                bucket: bucket(),
                prefix: prefix.clone(),
                delimiter: delimiter.clone(),
                after: after.clone(),
                max_keys,
            };
            let from = self.shared.model.borrow_mut().tick();
            let about = format!("list {prefix:?} {delimiter:?} after {after:?}");
            let page = match self.engine.list(request.clone()).await {
                Ok(page) => page,
                Err(error) => return self.shared.excuse(&about, &error),
            };
            self.note(format!("{about}: {} entries", page.entries.len()));
            self.check_page(&request, &page, from).map_err(|problem| format!("{about}: {problem}"))?;
            match page.next {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
    }

    fn check_page(&self, request: &ListRequest, page: &ListPage, from: u64) -> Checked {
        let mut objects = BTreeMap::new();
        let mut groups: BTreeMap<&str, bool> = BTreeMap::new();
        for entry in &page.entries {
            match entry {
                ListEntry::Object(object) => drop(objects.insert(object.key.as_str(), object)),
                ListEntry::CommonPrefix(group) => drop(groups.insert(group, false)),
            }
        }
        if objects.len() + groups.len() != page.entries.len() {
            return Err("an entry came twice".into());
        }
        let mut model = self.shared.model.borrow_mut();
        for name in model.keys() {
            if !in_page(request, page.next.as_deref(), &name) {
                continue;
            }
            let group = group_of(request, &name);
            if let Some(may_stand) = group.and_then(|group| groups.get_mut(group)) {
                let now = model.tick();
                *may_stand |= model.seen(&name, from, now).iter().any(Option::is_some);
                continue;
            }
            let saw = if group.is_some() { None } else { objects.remove(name.as_str()) };
            let saw = saw.map(|object| (object.etag, object.size));
            let matches = |value: Option<&Value>| looks_like(value, saw);
            model.check(&name, from, &format!("a listing saw {saw:?}"), matches)?;
        }
        if let Some(stranger) = objects.keys().next() {
            return Err(format!("{stranger} does not belong there"));
        }
        match groups.iter().find(|(_, may_stand)| !**may_stand) {
            Some((group, _)) => Err(format!("nothing may be in {group}")),
            None => Ok(()),
        }
    }
}

/// The group that a key is rolled up in.
fn group_of<'k>(request: &ListRequest, name: &'k str) -> Option<&'k str> {
    let delimiter = request.delimiter.as_deref()?;
    let rest = name.strip_prefix(&request.prefix)?;
    let end = rest.find(delimiter)? + delimiter.len();
    Some(&name[..request.prefix.len() + end])
}

/// Whether a page that ends at `next` must tell of the key.
fn in_page(request: &ListRequest, next: Option<&str>, name: &str) -> bool {
    let passed = |end: &str| name <= end || group_of(request, name) == Some(end);
    name.starts_with(&request.prefix)
        && (request.after.is_empty() || !passed(&request.after))
        && next.is_none_or(passed)
}

/// The bytes of a range.
pub async fn read_all(object: OpenObject, range: Range<u64>) -> Result<Vec<u8>, Error> {
    let mut stream = object.read(range).await?;
    let mut all = Vec::new();
    while let Some(chunk) = std::future::poll_fn(|cx| stream.poll_chunk(cx)).await {
        all.extend_from_slice(&chunk?);
    }
    Ok(all)
}

/// An answer in a few words; none where the client went away.
pub fn short<T>(result: Option<&Result<T, Error>>) -> String {
    match result {
        Some(Ok(_)) => "done".into(),
        Some(Err(error)) => error.to_string(),
        None => "the client went away".into(),
    }
}

fn looks_like(value: Option<&Value>, saw: Option<(Etag, u64)>) -> bool {
    match (value, saw) {
        (Some(value), Some(saw)) => value.looks_like(saw),
        (value, saw) => value.is_none() && saw.is_none(),
    }
}

/// Some objects are of a class that has stripes of its own (see `deployment`).
pub fn class_of(len: usize) -> StorageClass {
    if len.is_multiple_of(5) { StorageClass::GlacierIr } else { StorageClass::Standard }
}
