//! The requests of late, for who looks for one. Nothing of them is made into text before somebody asks: a request costs a counter,
//! a lock that nobody else wants, and the copies of its id and path into room that is there already.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use hyper::{Method, Uri};
use percent_encoding::percent_decode_str;

use super::Operation;
use crate::types::{CallerName, DecidingStatement, Timestamp, Why};

/// Requests that are remembered.
const REQUESTS_MAX: usize = 10_000;

/// Bytes of a path that are remembered: a key of 1024 bytes, all of them spelled out.
const PATH_BYTES_MAX: usize = 3200;

/// A request, as it is known once its answer is there.
#[derive(Debug, Clone)]
pub struct SeenRequest {
    /// The id that its answer names.
    pub id: String,
    /// Its method.
    pub method: Method,
    /// What it is for.
    pub uri: Uri,
    /// The bucket that its host names.
    pub bucket_of_host: Option<String>,
    /// What it was found to be.
    pub operation: Operation,
    /// The code of the error that it was answered with.
    pub error: Option<&'static str>,
    /// Who made it; none of nobody.
    pub caller: Option<Arc<CallerName>>,
    /// Where it came from.
    pub address: IpAddr,
    /// Why it was denied.
    pub why: Option<Arc<Why>>,
    /// What allowed it, where that is written down.
    pub allowed_by: Option<Arc<DecidingStatement>>,
}

/// A call of another service than S3, for who writes calls down: among the extensions of its answer.
#[derive(Debug, Clone, Default)]
pub struct SeenCall {
    /// `iam`, `sts` or `admin`.
    pub service: &'static str,
    /// What was asked for.
    pub action: String,
    /// What it was asked on.
    pub resource: Option<String>,
    /// The id that its answer names.
    pub id: String,
    /// Who called.
    pub caller: Option<Arc<CallerName>>,
    /// The code of the error that it was answered with.
    pub error: Option<String>,
    /// Why it was denied.
    pub why: Option<Box<Why>>,
    /// The method of the request, of IAM and STS.
    pub method: String,
}

/// What is known of a request once its answer has ended.
#[derive(Debug, Clone, Copy)]
pub struct RequestEnd {
    /// When that was.
    pub at: Timestamp,
    /// From its head to the end of its answer.
    pub took: Duration,
    /// The status of its answer.
    pub status: u16,
    /// Bytes of its body, as announced.
    pub received: u64,
    /// Bytes of the answer's body.
    pub sent: u64,
}

/// A request that has ended.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    /// Its number; those that ended later have greater ones.
    pub number: u64,
    /// The id that its answer named.
    pub id: String,
    /// Its method.
    pub method: String,
    /// What it was.
    pub operation: &'static str,
    /// The bucket it was for.
    pub bucket: Option<String>,
    /// The key it was for.
    pub key: Option<String>,
    /// The code of the error that it was answered with.
    pub error: Option<&'static str>,
    /// Who made it.
    pub caller: Option<Arc<CallerName>>,
    /// Where it came from.
    pub address: IpAddr,
    /// Why it was denied.
    pub why: Option<Arc<Why>>,
    /// What allowed it, where that is written down.
    pub allowed_by: Option<Arc<DecidingStatement>>,
    /// How it ended.
    pub end: RequestEnd,
}

/// Room for one request, which the one after ten thousand others takes over.
#[derive(Debug)]
struct Slot {
    number: u64,
    id: String,
    method: Method,
    path: String,
    bucket_of_host: Option<String>,
    operation: Operation,
    error: Option<&'static str>,
    caller: Option<Arc<CallerName>>,
    address: IpAddr,
    why: Option<Arc<Why>>,
    allowed_by: Option<Arc<DecidingStatement>>,
    end: RequestEnd,
}

/// The last requests.
#[derive(Debug)]
pub struct Requests {
    next: AtomicU64,
    slots: Vec<OnceLock<Box<Mutex<Slot>>>>,
}

impl Default for Requests {
    fn default() -> Self {
        // Numbers begin at 1, so that 0 is before all of them.
        Self { next: AtomicU64::new(1), slots: (0..REQUESTS_MAX).map(|_| OnceLock::new()).collect() }
    }
}

impl Requests {
    /// Takes a request that has ended. Answers its number.
    pub fn record(&self, seen: SeenRequest, end: RequestEnd) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut slot =
            self.slot(number).get_or_init(Box::default).lock().unwrap_or_else(PoisonError::into_inner);
        if slot.number > number {
            return number;
        }
        let SeenRequest {
            id,
            method,
            uri,
            bucket_of_host,
            operation,
            error,
            caller,
            address,
            why,
            allowed_by,
        } = seen;
        let path = uri.path();
        slot.path.clear();
        slot.path.push_str(path.get(..PATH_BYTES_MAX).unwrap_or(path));
        slot.number = number;
        (slot.id, slot.method, slot.bucket_of_host) = (id, method, bucket_of_host);
        (slot.operation, slot.error, slot.caller) = (operation, error, caller);
        (slot.address, slot.why, slot.end) = (address, why, end);
        slot.allowed_by = allowed_by;
        number
    }

    fn slot(&self, number: u64) -> &OnceLock<Box<Mutex<Slot>>> {
        &self.slots[(number % REQUESTS_MAX as u64) as usize]
    }

    /// The one of this number, as long as it is remembered.
    pub fn read(&self, number: u64) -> Option<RecordedRequest> {
        let slot = self.slot(number).get()?.lock().unwrap_or_else(PoisonError::into_inner);
        (slot.number == number).then(|| slot.recorded())
    }

    /// Those after this number that are wanted, in order, so many at most; and the number to ask after for the next ones.
    pub fn after(
        &self,
        after: u64,
        max: usize,
        wanted: impl Fn(&RecordedRequest) -> bool,
    ) -> (Vec<RecordedRequest>, u64) {
        let end = self.next.load(Ordering::Acquire);
        let first = after.saturating_add(1).max(end.saturating_sub(REQUESTS_MAX as u64));
        let mut found = Vec::new();
        let mut last = after.min(end.saturating_sub(1));
        for number in first..end {
            match self.read(number) {
                Some(request) if wanted(&request) => found.push(request),
                Some(_) => {}
                // It is being written: who asks again gets it. One that was overwritten meanwhile is gone.
                None if self.next.load(Ordering::Acquire) <= number + REQUESTS_MAX as u64 => break,
                None => {}
            }
            last = number;
            if found.len() == max {
                break;
            }
        }
        (found, last)
    }

    /// The last ones that are wanted, so many at most, in order.
    pub fn last(&self, max: usize, wanted: impl Fn(&RecordedRequest) -> bool) -> Vec<RecordedRequest> {
        let end = self.next.load(Ordering::Acquire);
        let numbers = (end.saturating_sub(REQUESTS_MAX as u64).max(1)..end).rev();
        let mut found: Vec<_> =
            numbers.filter_map(|number| self.read(number)).filter(wanted).take(max).collect();
        found.reverse();
        found
    }

    /// The one with this id.
    pub fn find(&self, id: &str) -> Option<RecordedRequest> {
        self.last(1, |request| request.id == id).pop()
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            number: 0,
            id: String::new(),
            method: Method::GET,
            path: String::new(),
            bucket_of_host: None,
            operation: Operation::Unknown,
            error: None,
            caller: None,
            address: IpAddr::from([0, 0, 0, 0]),
            why: None,
            allowed_by: None,
            end: RequestEnd {
                at: Timestamp::default(),
                took: Duration::ZERO,
                status: 0,
                received: 0,
                sent: 0,
            },
        }
    }
}

impl Slot {
    fn recorded(&self) -> RecordedRequest {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        let (bucket, key) = match &self.bucket_of_host {
            Some(bucket) => (bucket.as_str(), path),
            None => path.split_once('/').unwrap_or((path, "")),
        };
        let text = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8_lossy().into_owned();
            Some(decoded).filter(|text| !text.is_empty())
        };
        RecordedRequest {
            number: self.number,
            id: self.id.clone(),
            method: self.method.to_string(),
            operation: self.operation.name(),
            bucket: text(bucket),
            key: text(key),
            error: self.error,
            caller: self.caller.clone(),
            address: self.address,
            why: self.why.clone(),
            allowed_by: self.allowed_by.clone(),
            end: self.end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(requests: &Requests, id: &str, path: &str, host: Option<&str>) {
        let seen = SeenRequest {
            id: id.into(),
            method: Method::GET,
            uri: path.parse().unwrap(),
            bucket_of_host: host.map(str::to_owned),
            operation: Operation::GetObject,
            error: None,
            caller: None,
            address: IpAddr::from([127, 0, 0, 1]),
            why: None,
            allowed_by: None,
        };
        requests.record(seen, RequestEnd { status: 200, ..Slot::default().end });
    }

    fn ids(requests: &[RecordedRequest]) -> Vec<&str> {
        requests.iter().map(|request| request.id.as_str()).collect()
    }

    #[test]
    fn a_request_names_bucket_and_key_by_path_or_host() {
        let requests = Requests::default();
        record(&requests, "a", "/b/dir/k%20%C3%A9?x=1", None);
        record(&requests, "b", "/dir/k", Some("b"));
        record(&requests, "c", "/", None);
        let read = |id| requests.find(id).map(|request| (request.bucket, request.key)).unwrap();
        assert_eq!(read("a"), (Some("b".into()), Some("dir/k é".into())));
        assert_eq!(read("b"), (Some("b".into()), Some("dir/k".into())));
        assert_eq!(read("c"), (None, None));
        assert!(requests.find("d").is_none());
    }

    #[test]
    fn who_asks_again_gets_what_came_since() {
        let requests = Requests::default();
        ["a", "b", "c"].iter().for_each(|id| record(&requests, id, "/", None));
        let (first, next) = requests.after(0, 2, |_| true);
        assert_eq!((ids(&first), next), (vec!["a", "b"], 2));
        let (second, next) = requests.after(next, 2, |_| true);
        assert_eq!((ids(&second), next), (vec!["c"], 3));
        assert_eq!(requests.after(next, 2, |_| true).1, 3);
        record(&requests, "d", "/", None);
        assert_eq!(ids(&requests.after(next, 2, |_| true).0), ["d"]);
        let (some, next) = requests.after(0, 10, |request| request.id == "b");
        assert_eq!((ids(&some), next), (vec!["b"], 4));
        assert_eq!(requests.after(99, 1, |_| true).1, 4, "of an earlier life of the process");
    }

    #[test]
    fn the_oldest_make_room() {
        let requests = Requests::default();
        (0..REQUESTS_MAX + 5).for_each(|number| record(&requests, &number.to_string(), "/", None));
        let (all, _) = requests.after(0, usize::MAX, |_| true);
        assert_eq!((all.len(), all[0].id.as_str()), (REQUESTS_MAX, "5"));
        assert_eq!(ids(&requests.last(2, |_| true)), ["10003", "10004"]);
        assert!(requests.find("4").is_none());
    }
}
