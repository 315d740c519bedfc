//! What clients, faults and the final check share.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use holdfast::checksum::md5::Md5;
use holdfast::object::{Error, UploadRef};
use holdfast::types::{BucketName, Etag, ObjectKey};

use crate::model::{Model, Value, pattern};
use crate::trace::Trace;

/// A sentence about what must not be.
pub type Violation = String;
pub type Checked<T = ()> = Result<T, Violation>;

/// What a part of an upload may be.
pub type PartVersions = Vec<Option<(Etag, u64, usize)>>;

/// An upload as far as it is known.
#[derive(Debug)]
pub struct Upload {
    pub at: UploadRef,
    /// By number.
    pub parts: std::collections::BTreeMap<u16, PartVersions>,
    /// It may have been completed or aborted.
    pub may_be_closed: bool,
    pub closed: bool,
    /// A client works on it.
    pub busy: bool,
}

#[derive(Debug, Default)]
pub struct Shared {
    pub model: RefCell<Model>,
    pub trace: RefCell<Trace>,
    /// More than m drives are impaired, or were a moment ago: requests may be refused.
    pub refusals_allowed: Cell<bool>,
    /// Writes went on while drives that are not damaged took none: until all is mended, what was acknowledged then
    /// outlives the loss of any one drive, and no more is promised.
    pub thin: Cell<bool>,
    pub uploads: RefCell<Vec<Upload>>,
    values: RefCell<HashMap<Etag, Rc<Value>>>,
    next_seed: RefCell<u64>,
}

impl Shared {
    /// Which of these drives may be damaged now.
    pub fn damageable<'a>(&self, bad: &'a [usize]) -> &'a [usize] {
        if self.thin.get() { &bad[..bad.len().min(1)] } else { bad }
    }

    pub fn note(&self, line: String) {
        self.trace.borrow_mut().add(line);
    }

    pub fn next_seed(&self) -> u64 {
        let mut next = self.next_seed.borrow_mut();
        *next += 1;
        *next
    }

    /// New bytes of this length.
    pub fn new_value(&self, len: usize) -> Rc<Value> {
        let seed = self.next_seed();
        let md5 = Md5::digest(&pattern(seed, len));
        self.keep(Value { etag: Etag::single(md5), anew: None, pieces: vec![(seed, len)] })
    }

    /// What a copy of it is that may be written anew.
    pub fn copy_of(&self, value: &Value) -> Rc<Value> {
        let anew = Etag::single(Md5::digest(&value.bytes()));
        self.keep(Value { etag: anew, anew: None, pieces: value.pieces.clone() });
        Rc::new(Value { anew: Some(anew), ..value.clone() })
    }

    pub fn keep(&self, value: Value) -> Rc<Value> {
        let value = Rc::new(value);
        self.values.borrow_mut().insert(value.etag, value.clone());
        value
    }

    pub fn value_of(&self, etag: Etag) -> Checked<Rc<Value>> {
        self.values.borrow().get(&etag).cloned().ok_or_else(|| format!("nobody wrote {etag}"))
    }

    /// A refusal must have its reason.
    pub fn excuse(&self, what: &str, error: &Error) -> Checked {
        if self.refusals_allowed.get() {
            return Ok(());
        }
        Err(format!("{what} failed with {error:?} though at most m drives were impaired"))
    }
}

pub fn bucket() -> BucketName {
    BucketName::parse("photos").unwrap()
}

pub fn key(name: &str) -> ObjectKey {
    ObjectKey::parse(name).unwrap()
}
