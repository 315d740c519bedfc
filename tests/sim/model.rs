//! What the deployment may answer, given what it acknowledged.
//!
//! Every key has the versions that were ever sent to it, a deletion being one. A version took effect at some
//! moment between its sending and its end: the acknowledgement, the refusal of unknown outcome, or the end of
//! the process. A read may return any version that was sent before the read ended, unless another version was
//! sent after this one's end and had taken effect before the read began.

use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use holdfast::types::Etag;

/// A point in the order of all events.
pub type Moment = u64;

/// What bytes an object has: runs of a seed and a length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    pub etag: Etag,
    /// The other one that it may have: of a copy in one piece of what was uploaded in parts, where it was written anew.
    pub anew: Option<Etag>,
    pub pieces: Vec<(u64, usize)>,
}

impl Value {
    /// Whether it may have this one.
    pub fn has(&self, etag: Etag) -> bool {
        self.etag == etag || self.anew == Some(etag)
    }

    /// Whether a client may have seen this of it.
    pub fn looks_like(&self, (etag, len): (Etag, u64)) -> bool {
        self.has(etag) && self.len() as u64 == len
    }

    pub fn len(&self) -> usize {
        self.pieces.iter().map(|(_, len)| len).sum()
    }

    pub fn bytes(&self) -> Bytes {
        match self.pieces.as_slice() {
            [(seed, len)] => pattern(*seed, *len),
            pieces => pieces.iter().flat_map(|(seed, len)| pattern(*seed, *len)).collect(),
        }
    }
}

/// Bytes that no other seed has.
pub fn pattern(seed: u64, len: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes.into()
}

#[derive(Debug, Clone)]
struct Version {
    /// None: no object.
    value: Option<Rc<Value>>,
    sent: Moment,
    /// It has taken effect by then, for all we were told.
    effective: Option<Moment>,
    /// It takes effect by then or never.
    ended: Moment,
    refused: bool,
}

/// A version that was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    key: String,
    index: usize,
}

/// How the sending of a version ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Acknowledged,
    /// It has not happened and never will.
    Refused,
    /// It may have happened, or happen before anything that is sent later.
    Unknown,
}

#[derive(Debug, Default)]
pub struct Model {
    keys: BTreeMap<String, Vec<Version>>,
    now: Moment,
}

impl Model {
    /// The next moment.
    pub fn tick(&mut self) -> Moment {
        self.now += 1;
        self.now
    }

    fn versions(&mut self, key: &str) -> &mut Vec<Version> {
        let nothing = Version { value: None, sent: 0, effective: Some(0), ended: 0, refused: false };
        self.keys.entry(key.to_owned()).or_insert_with(|| vec![nothing])
    }

    pub fn send(&mut self, key: &str, value: Option<Rc<Value>>) -> Sent {
        let sent = self.tick();
        let versions = self.versions(key);
        versions.push(Version { value, sent, effective: None, ended: Moment::MAX, refused: false });
        Sent { key: key.to_owned(), index: versions.len() - 1 }
    }

    pub fn end(&mut self, sent: &Sent, ended: Ended) {
        let now = self.tick();
        let version = &mut self.versions(&sent.key)[sent.index];
        match ended {
            Ended::Acknowledged => version.effective = Some(now),
            Ended::Refused => version.refused = true,
            Ended::Unknown => {}
        }
        version.ended = version.ended.min(now);
    }

    /// The process ended: what had not happened never will.
    pub fn restart(&mut self) {
        let now = self.tick();
        for version in self.keys.values_mut().flatten() {
            version.ended = version.ended.min(now);
        }
    }

    pub fn keys(&self) -> Vec<String> {
        self.keys.keys().cloned().collect()
    }

    fn possible(&self, key: &str, from: Moment, to: Moment) -> Vec<usize> {
        let Some(versions) = self.keys.get(key) else { return Vec::new() };
        let replaced = |old: &Version| {
            let by = |new: &Version| !new.refused && new.effective.is_some_and(|at| at < from);
            versions.iter().any(|new| by(new) && new.sent > old.ended)
        };
        let may_be = |version: &Version| !version.refused && version.sent < to && !replaced(version);
        (0..versions.len()).filter(|&index| may_be(&versions[index])).collect()
    }

    /// What a read of the key between two moments may see.
    pub fn seen(&self, key: &str, from: Moment, to: Moment) -> Vec<Option<Rc<Value>>> {
        let unwritten = if self.keys.contains_key(key) { Vec::new() } else { vec![None] };
        let versions = self.possible(key, from, to).into_iter().map(|i| self.keys[key][i].value.clone());
        versions.chain(unwritten).collect()
    }

    /// What may have stood at the key while a version was on its way, itself aside.
    pub fn before(&self, sent: &Sent) -> Vec<Option<Rc<Value>>> {
        let versions = &self.keys[&sent.key];
        let possible = self.possible(&sent.key, versions[sent.index].sent, Moment::MAX);
        let others = possible.into_iter().filter(|&index| index != sent.index);
        others.map(|index| versions[index].value.clone()).collect()
    }

    /// Holds what a read saw against what it may see; what was seen once has taken effect.
    pub fn check(
        &mut self,
        key: &str,
        from: Moment,
        what: &str,
        saw: impl Fn(Option<&Value>) -> bool,
    ) -> Result<(), String> {
        let to = self.tick();
        self.versions(key);
        let possible = self.possible(key, from, to);
        let matching: Vec<usize> =
            possible.iter().copied().filter(|&index| saw(self.keys[key][index].value.as_deref())).collect();
        if matching.is_empty() {
            let may: Vec<String> =
                possible.iter().map(|&index| format!("{:?}", self.keys[key][index])).collect();
            return Err(format!("{what} of {key} between {from} and {to}, but it may only be {may:#?}"));
        }
        if let [seen] = matching[..] {
            let version = &mut self.versions(key)[seen];
            let at = version.effective.unwrap_or(to);
            version.effective = Some(at.min(to));
            version.ended = version.ended.min(to);
        }
        Ok(())
    }
}
