//! PUT and GET of one size at one concurrency.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::client::Client;
use super::server::Server;
use super::sign::Signer;

/// Bytes at each end of a GET that are always compared.
const ENDS: usize = 16;

/// One row of the table.
#[derive(Debug)]
pub struct Row {
    pub operations: usize,
    pub bytes: usize,
    pub seconds: f64,
    pub latencies: Vec<u32>,
    pub cpu_seconds: f64,
    pub peak_mib: f64,
}

/// What every object holds: its own window of one random text, so that a mix-up cannot go unseen.
#[derive(Debug)]
pub struct Pattern(Vec<u8>);

impl Pattern {
    const SLACK: usize = 1 << 20;

    pub fn new(size_max: usize) -> Self {
        let mut state = 0x2545_F491_4F6C_DD1Du64;
        let words = (size_max + Self::SLACK).div_ceil(8);
        let mut bytes = Vec::with_capacity(words * 8);
        for _ in 0..words {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend_from_slice(&state.to_le_bytes());
        }
        Self(bytes)
    }

    pub fn of(&self, object: usize, size: usize) -> &[u8] {
        let start = object.wrapping_mul(4099) % Self::SLACK;
        &self.0[start..start + size]
    }
}

/// A case: which objects, how, how long.
#[derive(Debug, Clone)]
pub struct Case {
    pub bucket: &'static str,
    pub size: usize,
    pub concurrency: usize,
    /// Objects to cycle through.
    pub objects: usize,
    pub duration: Duration,
}

/// Makes a bucket that encrypts what is put into it with the server's key.
pub async fn make_encrypting_bucket(server: &Server, signer: &Signer, bucket: &str) {
    let document = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
                    <SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>\
                    </ServerSideEncryptionConfiguration>";
    let mut client = Client::connect(&server.address).await;
    for (query, body) in [("", ""), ("encryption=", document)] {
        client.send(&signer.head("PUT", &format!("/{bucket}"), query, body.len()), body.as_bytes()).await;
        let answer = client.head().await;
        assert_eq!(answer.status, 200, "make a bucket that encrypts");
        client.body(answer.length, |_, _| {}).await;
    }
}

/// Puts objects until the time is over, at least one a connection.
pub async fn put(server: &Server, signer: &Signer, pattern: &Arc<Pattern>, case: &Case) -> Row {
    let heads = |object| signer.head("PUT", &path(case.bucket, case.size, object), "", case.size);
    run(server, case, (0..case.objects).map(heads).collect(), {
        let (pattern, case) = (pattern.clone(), case.clone());
        async move |client: &mut Client, head: &[u8], object: usize, _turn: usize| {
            client.send(head, pattern.of(object, case.size)).await;
            let answer = client.head().await;
            assert_eq!(answer.status, 200, "PUT {}", path(case.bucket, case.size, object));
            client.body(answer.length, |_, _| {}).await;
        }
    })
    .await
}

/// Gets objects that were put before; every sixteenth answer is compared in full.
pub async fn get(server: &Server, signer: &Signer, pattern: &Arc<Pattern>, case: &Case) -> Row {
    let heads = |object| signer.head("GET", &path(case.bucket, case.size, object), "", 0);
    run(server, case, (0..case.objects).map(heads).collect(), {
        let (pattern, case) = (pattern.clone(), case.clone());
        async move |client: &mut Client, head: &[u8], object: usize, turn: usize| {
            get_one(client, head, &pattern, case.size, object, turn.is_multiple_of(16)).await;
        }
    })
    .await
}

/// Gets every object once, so that what is read afterwards is in the page cache.
pub async fn read_once(server: &Server, signer: &Signer, pattern: &Pattern, case: &Case) {
    let mut client = Client::connect(&server.address).await;
    for object in 0..case.objects {
        let head = signer.head("GET", &path(case.bucket, case.size, object), "", 0);
        get_one(&mut client, &head, pattern, case.size, object, true).await;
    }
}

async fn get_one(
    client: &mut Client,
    head: &[u8],
    pattern: &Pattern,
    size: usize,
    object: usize,
    whole: bool,
) {
    client.send(head, b"").await;
    let answer = client.head().await;
    assert_eq!((answer.status, answer.length), (200, size), "GET object {object} of {size}");
    let expected = pattern.of(object, size);
    client.body(size, |at, piece| check(expected, at, piece, whole)).await;
}

fn check(expected: &[u8], at: usize, piece: &[u8], whole: bool) {
    let end = at + piece.len();
    let same = |from: usize, to: usize| from >= to || piece[from - at..to - at] == expected[from..to];
    let good = if whole {
        same(at, end)
    } else {
        same(at, ENDS.min(end)) && same(at.max(expected.len().saturating_sub(ENDS)), end)
    };
    assert!(good, "wrong bytes at {at} to {end}");
}

fn path(bucket: &str, size: usize, object: usize) -> String {
    format!("/{bucket}/{size}/{:02x}/{object}", object % 251)
}

async fn run<W>(server: &Server, case: &Case, heads: Vec<Vec<u8>>, work: W) -> Row
where
    W: AsyncFn(&mut Client, &[u8], usize, usize) + 'static,
{
    let (heads, work) = (std::rc::Rc::new(heads), std::rc::Rc::new(work));
    let mut clients = Vec::new();
    for _ in 0..case.concurrency {
        clients.push(Client::connect(&server.address).await);
    }
    server.forget_peak();
    let (cpu, begun) = (server.cpu_seconds(), Instant::now());
    let turns = Arc::new(AtomicUsize::new(0));
    let tasks = tokio::task::LocalSet::new();
    let joins: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            let (heads, work, turns, duration) = (heads.clone(), work.clone(), turns.clone(), case.duration);
            tasks.spawn_local(async move {
                let mut latencies = Vec::new();
                while latencies.is_empty() || begun.elapsed() < duration {
                    let turn = turns.fetch_add(1, Ordering::Relaxed);
                    let object = turn % heads.len();
                    let sent = Instant::now();
                    work(&mut client, &heads[object], object, turn).await;
                    latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
                }
                latencies
            })
        })
        .collect();
    let mut latencies = Vec::new();
    tasks
        .run_until(async {
            for join in joins {
                latencies.extend(join.await.expect("a connection's task ends well"));
            }
        })
        .await;
    let seconds = begun.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Row {
        operations: latencies.len(),
        bytes: latencies.len() * case.size,
        seconds,
        latencies,
        cpu_seconds: server.cpu_seconds() - cpu,
        peak_mib: server.memory_mib("VmHWM"),
    }
}

/// The latency below which `share` of the operations stayed, in milliseconds.
pub fn percentile(sorted_micros: &[u32], share: f64) -> f64 {
    let index = ((sorted_micros.len() as f64 * share) as usize).min(sorted_micros.len().saturating_sub(1));
    sorted_micros.get(index).map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
}
