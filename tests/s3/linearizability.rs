//! Clients at once on the same keys: what each of them saw must be possible if the server did one after the other.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;

use crate::client::{Answer, Bucket};
use crate::history::{Event, Model, is_linearizable};
use crate::multipart::Upload;

const CLIENTS: u64 = 10;
const OPS_PER_CLIENT: usize = 100;
const KEYS: [&str; 2] = ["one", "two"];

/// What an object is told by: bodies are all different, and so are their ETags and most lengths.
type Value = u32;

/// Which state of a key a change is for.
#[derive(Debug, Clone, Copy)]
enum When {
    Always,
    Absent,
    Present,
    Is(Value),
    /// This length; true where nothing is there.
    Sized(usize),
    /// This ETag, written in this second.
    Modified(Value, u64),
}

#[derive(Debug, Clone, Copy)]
enum Op {
    Write(Value, When),
    Remove(When),
    /// A change whose condition did not hold.
    Refused(When),
    /// `None`: nothing is there.
    Read(Option<Value>),
}

/// One key. What is known of each value is what its writer or a reader was told.
struct Key<'a> {
    seconds: &'a HashMap<Value, u64>,
}

impl Key<'_> {
    /// Whether a condition holds; `None` where it cannot be known.
    fn holds(&self, state: Option<Value>, when: When) -> Option<bool> {
        match when {
            When::Always => Some(true),
            When::Absent => Some(state.is_none()),
            When::Present => Some(state.is_some()),
            When::Is(value) => Some(state == Some(value)),
            When::Sized(size) => Some(state.is_none_or(|value| body(value).len() == size)),
            When::Modified(value, _) if state != Some(value) => Some(false),
            When::Modified(value, second) => self.seconds.get(&value).map(|known| *known == second),
        }
    }
}

impl Model for Key<'_> {
    type State = Option<Value>;
    type Op = Op;

    fn after(&self, state: &Option<Value>, op: &Op) -> Vec<Option<Value>> {
        let holds = |when| self.holds(*state, when);
        let next = match *op {
            Op::Write(value, when) => (holds(when) != Some(false)).then_some(Some(value)),
            Op::Remove(when) => (holds(when) != Some(false)).then_some(None),
            Op::Refused(when) => (holds(when) != Some(true)).then_some(*state),
            Op::Read(value) => (value == *state).then_some(*state),
        };
        Vec::from_iter(next)
    }
}

/// Another length for each of seven values that follow each other.
fn body(value: Value) -> String {
    format!("{value:08}{}", "x".repeat(value as usize % 7))
}

/// All that the clients saw.
struct Seen {
    bucket: Bucket,
    /// A clock of which every look is later than all before.
    moment: AtomicU64,
    value: AtomicU32,
    events: Mutex<Vec<(&'static str, Event<Op>)>>,
    etags: Mutex<HashMap<Value, String>>,
    seconds: Mutex<HashMap<Value, u64>>,
}

/// What a server that is not sure says, or cannot do now.
fn is_unknown(answer: &Answer) -> bool {
    answer.status >= 500 || answer.status == 409
}

impl Seen {
    fn new(bucket: Bucket) -> Self {
        Self {
            bucket,
            moment: AtomicU64::new(0),
            value: AtomicU32::new(1),
            events: Mutex::default(),
            etags: Mutex::default(),
            seconds: Mutex::default(),
        }
    }

    fn now(&self) -> u64 {
        self.moment.fetch_add(1, Ordering::SeqCst)
    }

    fn etag(&self, value: Value) -> String {
        self.etags.lock().unwrap().get(&value).cloned().unwrap_or_else(|| "\"0\"".into())
    }

    fn note(&self, key: &'static str, op: Op, asked: u64, answered: Option<u64>) {
        self.events.lock().unwrap().push((key, Event { op, asked, answered }));
    }

    /// Headers of a condition on a write or a removal.
    fn condition(&self, when: When) -> Vec<(&'static str, String)> {
        match when {
            When::Always => vec![],
            When::Absent => vec![("if-none-match", "*".into())],
            When::Present => vec![("if-match", "*".into())],
            When::Is(value) => vec![("if-match", self.etag(value))],
            When::Sized(size) => vec![("x-amz-if-match-size", size.to_string())],
            When::Modified(value, second) => {
                vec![("if-match", self.etag(value)), ("x-amz-if-match-last-modified-time", http_date(second))]
            }
        }
    }

    /// Judges the answer to a change: done, refused by its condition, or not known.
    fn changed(&self, key: &'static str, op: Op, when: When, asked: u64, answer: &Answer) {
        let answered = self.now();
        match answer.status {
            200 | 204 => self.note(key, op, asked, Some(answered)),
            412 => self.note(key, Op::Refused(when), asked, Some(answered)),
            404 if answer.element("Code") == "NoSuchKey" => {
                self.note(key, Op::Refused(when), asked, Some(answered))
            }
            _ if is_unknown(answer) => self.note(key, op, asked, None),
            _ => panic!("{key} {op:?}: {} {}", answer.status, answer.text()),
        }
    }

    fn put(&self, key: &'static str, when: When) -> Option<Value> {
        let (value, asked) = (self.value.fetch_add(1, Ordering::SeqCst), self.now());
        // A single upload's ETag is known before it is answered, so that others may name it.
        let answer = self.with(self.bucket.request("PUT", &format!("/{key}")), when).body(body(value)).send();
        self.written(key, value, when, asked, &answer)
    }

    fn written(
        &self,
        key: &'static str,
        value: Value,
        when: When,
        asked: u64,
        answer: &Answer,
    ) -> Option<Value> {
        if let Some(etag) = answer.headers.get("etag") {
            self.etags.lock().unwrap().insert(value, etag.to_str().unwrap().to_owned());
        } else if answer.status == 200 {
            self.etags.lock().unwrap().insert(value, answer.element("ETag").replace("&quot;", "\""));
        }
        self.changed(key, Op::Write(value, when), when, asked, answer);
        (answer.status == 200).then_some(value)
    }

    fn complete(&self, key: &'static str, when: When) -> Option<Value> {
        let value = self.value.fetch_add(1, Ordering::SeqCst);
        let upload = Upload::start(&self.bucket, key, &[]);
        let part = upload.part(1, body(value).as_bytes());
        let headers = self.condition(when);
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let asked = self.now();
        let answer = upload.complete_with(&[(1, &part)], &headers);
        self.written(key, value, when, asked, &answer)
    }

    fn copy(&self, key: &'static str, when: When) -> Option<Value> {
        let value = self.value.fetch_add(1, Ordering::SeqCst);
        let source = format!("source-{value}");
        self.bucket.put(&source, body(value).as_bytes());
        let request = self.bucket.request("PUT", &format!("/{key}"));
        let request = request.header("x-amz-copy-source", format!("/{}/{source}", self.bucket.name));
        let asked = self.now();
        let answer = self.with(request, when).send();
        self.written(key, value, when, asked, &answer)
    }

    fn remove(&self, key: &'static str, when: When) {
        let asked = self.now();
        let answer = self.with(self.bucket.request("DELETE", &format!("/{key}")), when).send();
        self.changed(key, Op::Remove(when), when, asked, &answer);
    }

    /// Removes all keys by one request, each with a condition of its own.
    fn remove_many(&self, whens: [When; KEYS.len()]) {
        let entries = KEYS.iter().zip(whens).map(|(key, when)| {
            let condition = match when {
                When::Is(value) => format!("<ETag>{}</ETag>", self.etag(value)),
                When::Sized(size) => format!("<Size>{size}</Size>"),
                When::Present => "<ETag>*</ETag>".into(),
                _ => String::new(),
            };
            format!("<Object><Key>{key}</Key>{condition}</Object>")
        });
        let document = format!("<Delete>{}</Delete>", entries.collect::<String>());
        let asked = self.now();
        let answer = self.bucket.request("POST", "?delete").digested(document).send();
        let answered = self.now();
        let errors = answer.elements("Error");
        for (key, when) in KEYS.into_iter().zip(whens) {
            let when = match when {
                When::Is(_) | When::Sized(_) | When::Present => when,
                _ => When::Always,
            };
            let error = errors.iter().find(|error| error.contains(&format!("<Key>{key}</Key>")));
            match error {
                _ if is_unknown(&answer) => self.note(key, Op::Remove(when), asked, None),
                None => self.note(key, Op::Remove(when), asked, Some(answered)),
                Some(error) if error.contains("<Code>PreconditionFailed</Code>") => {
                    self.note(key, Op::Refused(when), asked, Some(answered));
                }
                Some(error) => panic!("{key} {when:?}: {error}"),
            }
        }
        assert!(answer.status == 200 || is_unknown(&answer), "{}", answer.text());
    }

    fn read(&self, key: &'static str) -> Option<Value> {
        let asked = self.now();
        let answer = self.bucket.request("GET", &format!("/{key}")).send();
        let answered = self.now();
        if is_unknown(&answer) {
            return None;
        }
        let value = (answer.status == 200).then(|| answer.text()[..8].parse::<Value>().unwrap());
        assert!(answer.status == 200 || answer.element("Code") == "NoSuchKey", "{}", answer.text());
        if let Some(value) = value {
            assert_eq!(answer.text(), body(value), "a whole object");
            self.etags.lock().unwrap().insert(value, answer.header("etag").to_owned());
            self.seconds.lock().unwrap().insert(value, second(answer.header("last-modified")));
        }
        self.note(key, Op::Read(value), asked, Some(answered));
        value
    }

    /// Reads by a listing, which tells values by their ETags.
    fn list(&self) {
        let asked = self.now();
        let answer = self.bucket.request("GET", "?list-type=2&prefix=").send();
        let answered = self.now();
        if is_unknown(&answer) {
            return;
        }
        let entries = answer.expect_status(200).elements("Contents");
        let etags = self.etags.lock().unwrap().clone();
        for key in KEYS {
            let entry = entries.iter().find(|entry| entry.contains(&format!("<Key>{key}</Key>")));
            let value = entry.map(|entry| {
                let shown = entry.replace("&quot;", "\"");
                etags.iter().find(|(_, etag)| shown.contains(etag.as_str())).map(|(value, _)| *value)
            });
            match value {
                None => self.note(key, Op::Read(None), asked, Some(answered)),
                Some(Some(value)) => self.note(key, Op::Read(Some(value)), asked, Some(answered)),
                // Its writer has not been answered yet.
                Some(None) => {}
            }
        }
    }

    fn with(&self, request: crate::client::Request, when: When) -> crate::client::Request {
        self.condition(when).into_iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    fn judge(self) {
        let (events, seconds) = (self.events.into_inner().unwrap(), self.seconds.into_inner().unwrap());
        for key in KEYS {
            let of_key = events.iter().filter(|(of, _)| *of == key).map(|(_, event)| event.clone());
            let history: Vec<Event<Op>> = of_key.collect();
            let refused = history.iter().filter(|event| matches!(event.op, Op::Refused(_))).count();
            let conditional = history
                .iter()
                .filter(|event| matches!(event.op, Op::Write(_, When::Is(_) | When::Absent)))
                .count();
            assert!(refused > 0 && conditional > 0, "conditions were decided both ways on {key}");
            assert!(
                is_linearizable(&Key { seconds: &seconds }, None, &history),
                "no order explains what was seen of {key}: {history:#?}"
            );
        }
    }
}

fn http_date(second: u64) -> String {
    use holdfast::types::Civil;
    let Civil { year, month, day, hour, minute, second } = Civil::from_unix_secs(second);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The time of `Last-Modified`, in seconds of Unix time.
fn second(text: &str) -> u64 {
    holdfast::sigv4::AmzTime::parse_http(text).unwrap().unix_secs()
}

/// Numbers that look random; each client has its own.
fn dice(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |bound| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % bound
    }
}

/// One client: reads, and changes on the condition of what it saw last.
fn client(seen: &Seen, seed: u64) {
    let mut roll = dice(seed);
    let mut known: HashMap<&str, Value> = HashMap::new();
    for _ in 0..OPS_PER_CLIENT {
        let key = KEYS[roll(KEYS.len() as u64) as usize];
        let last = known.get(key).copied();
        let write = match (roll(5), last) {
            (0, _) => When::Always,
            (1, _) => When::Absent,
            (2, _) => When::Present,
            (_, Some(value)) => When::Is(value),
            (_, None) => When::Absent,
        };
        let second = last.and_then(|value| seen.seconds.lock().unwrap().get(&value).copied());
        let removal = match (roll(4), last, second) {
            (0, _, _) => When::Always,
            (1, Some(value), _) => When::Sized(body(value).len()),
            (2, Some(value), Some(second)) => When::Modified(value, second),
            (_, Some(value), _) => When::Is(value),
            (_, None, _) => When::Present,
        };
        let now = match roll(12) {
            0..=2 => seen.put(key, write),
            3 => seen.complete(key, write),
            4 => seen.copy(key, write),
            5 | 6 => {
                seen.remove(key, removal);
                None
            }
            7 => {
                seen.remove_many([removal, removal]);
                None
            }
            8 => {
                seen.list();
                None
            }
            _ => seen.read(key),
        };
        known.extend(now.map(|value| (key, value)));
    }
}

#[test]
fn what_clients_at_once_see_of_a_key_is_one_story() {
    let seen = Seen::new(Bucket::new());
    thread::scope(|scope| {
        for seed in 1..=CLIENTS {
            let seen = &seen;
            scope.spawn(move || client(seen, seed));
        }
    });
    seen.judge();
}

/// One version that may be locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Locked {
    is_there: bool,
    held: bool,
    retained: bool,
}

#[derive(Debug, Clone, Copy)]
enum LockOp {
    Hold(bool),
    Retain(bool),
    Remove,
    /// What a removal, or a shorter retention, is told while the version is locked.
    Denied,
    /// What a change of a lock is told when the version has gone.
    Missing,
    Seen {
        held: bool,
    },
}

struct Version;

impl Model for Version {
    type State = Locked;
    type Op = LockOp;

    fn after(&self, state: &Locked, op: &LockOp) -> Vec<Locked> {
        let locked = state.is_there && (state.held || state.retained);
        let next = match *op {
            LockOp::Hold(held) => state.is_there.then_some(Locked { held, ..*state }),
            LockOp::Retain(retained) => state.is_there.then_some(Locked { retained, ..*state }),
            LockOp::Remove => (!locked).then_some(Locked { is_there: false, held: false, retained: false }),
            LockOp::Denied => locked.then_some(*state),
            LockOp::Missing => (!state.is_there).then_some(*state),
            LockOp::Seen { held } => (state.is_there && state.held == held).then_some(*state),
        };
        Vec::from_iter(next)
    }
}

/// Eight clients lock, unlock, look at and remove one version.
fn race_for_a_version(bucket: &Bucket, key: &str, seed: u64) -> Vec<Event<LockOp>> {
    let stored = bucket.request("PUT", &format!("/{key}")).body("kept").send().expect_status(200);
    let version = stored.header("x-amz-version-id").to_owned();
    let at = |aspect: &str| format!("/{key}?{aspect}versionId={version}");
    let (moment, events) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let act = |number: u64| {
        let asked = moment.fetch_add(1, Ordering::SeqCst);
        let hold = |status| {
            let document = format!("<LegalHold><Status>{status}</Status></LegalHold>");
            bucket.request("PUT", &at("legal-hold&")).digested(document).send()
        };
        let retain = |document: &str| {
            let request =
                bucket.request("PUT", &at("retention&")).header("x-amz-bypass-governance-retention", "true");
            request.digested(format!("<Retention>{document}</Retention>")).send()
        };
        const UNTIL: &str = "<Mode>GOVERNANCE</Mode><RetainUntilDate>2090-01-01T00:00:00Z</RetainUntilDate>";
        let (answer, op) = match number {
            0 | 1 => (hold("ON"), LockOp::Hold(true)),
            2 => (hold("OFF"), LockOp::Hold(false)),
            3 => (retain(UNTIL), LockOp::Retain(true)),
            4 => (retain(""), LockOp::Retain(false)),
            5 => {
                let answer = bucket.request("HEAD", &at("")).send();
                let held =
                    answer.headers.get("x-amz-object-lock-legal-hold").is_some_and(|held| held == "ON");
                (answer, LockOp::Seen { held })
            }
            _ => (bucket.request("DELETE", &at("")).send(), LockOp::Remove),
        };
        let op = match answer.status {
            200 | 204 => op,
            403 => LockOp::Denied,
            404 => LockOp::Missing,
            status => panic!("{op:?}: {status} {}", answer.text()),
        };
        let answered = Some(moment.fetch_add(1, Ordering::SeqCst));
        events.lock().unwrap().push(Event { op, asked, answered });
    };
    thread::scope(|scope| {
        for client in 0..8 {
            let act = &act;
            scope.spawn(move || {
                let mut roll = dice(seed * 8 + client + 1);
                (0..4).for_each(|_| act(roll(9)));
            });
        }
    });
    events.into_inner().unwrap()
}

#[test]
fn a_version_is_locked_or_gone_and_never_both() {
    let bucket = Bucket::new();
    let bucket = Bucket { name: format!("{}-locked", bucket.name), server: bucket.server };
    bucket.request("PUT", "").header("x-amz-bucket-object-lock-enabled", "true").send().expect_status(200);
    let begin = Locked { is_there: true, held: false, retained: false };
    let (mut denied, mut removed) = (0, 0);
    for round in 0..12 {
        let history = race_for_a_version(&bucket, &format!("k{round}"), round);
        denied += history.iter().filter(|event| matches!(event.op, LockOp::Denied)).count();
        removed += history.iter().filter(|event| matches!(event.op, LockOp::Remove)).count();
        assert!(is_linearizable(&Version, begin, &history), "no order explains this: {history:#?}");
    }
    assert!(denied > 0 && removed > 0, "removals were decided both ways: {denied} denied, {removed} done");
}
