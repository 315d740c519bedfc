//! LIST of one large bucket: flat, and with a delimiter.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::rc::Rc;
use std::time::Instant;

use super::client::Client;
use super::objects::percentile;
use super::server::Server;
use super::sign::Signer;
use super::signer_at;

/// Keys below one common prefix.
const GROUP: usize = 1000;

/// Walks of the top level, which has few pages.
const REPEATS: usize = 100;

/// Connections that load the keys.
const LOADERS: usize = 64;

pub fn key(index: usize) -> String {
    format!("group{:04}/object{:06}", index / GROUP, index % GROUP)
}

/// Makes a bucket.
pub async fn make_bucket(server: &Server, signer: &Signer, bucket: &str) {
    let mut client = Client::connect(&server.address).await;
    let (status, said) = client.text(&signer.head("PUT", &format!("/{bucket}"), "", 0)).await;
    assert_eq!(status, 200, "make the bucket: {said}");
}

/// Makes keys by PUTs of sixteen bytes. It may take longer than a signature is good for.
pub async fn load(server: &Server, bucket: &'static str, keys: usize) -> f64 {
    let (next, begun) = (Rc::new(Cell::new(0)), Instant::now());
    let tasks = tokio::task::LocalSet::new();
    for _ in 0..LOADERS {
        let mut client = Client::connect(&server.address).await;
        let (next, address) = (next.clone(), server.address.clone());
        tasks.spawn_local(async move {
            while next.get() < keys {
                let index = next.replace(next.get() + 1);
                let body = format!("{index:016}");
                let head =
                    signer_at(&address).head("PUT", &format!("/{bucket}/{}", key(index)), "", body.len());
                client.send(&head, body.as_bytes()).await;
                let answer = client.head().await;
                assert_eq!(answer.status, 200, "PUT {}", key(index));
                client.body(answer.length, |_, _| {}).await;
                show_progress(index, keys);
            }
        });
    }
    tasks.await;
    if std::io::stderr().is_terminal() {
        eprintln!();
    }
    begun.elapsed().as_secs_f64()
}

fn show_progress(index: usize, keys: usize) {
    const STEPS: usize = 50;
    let step = (keys / STEPS).max(1);
    if !index.is_multiple_of(step) || !std::io::stderr().is_terminal() {
        return;
    }
    let done = (index / step).min(STEPS);
    eprint!("\r  loading keys [{}{}] {index}", "#".repeat(done), " ".repeat(STEPS - done));
    let _ = std::io::stderr().flush();
}

/// One kind of listing, walked from its first page to its last.
#[derive(Debug)]
pub struct Walk {
    pub name: &'static str,
    pub pages: usize,
    pub entries: usize,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub cpu_ms_per_page: f64,
}

/// Walks every page of the bucket in the three ways that clients do.
pub async fn walks(server: &Server, bucket: &str, keys: usize) -> Vec<Walk> {
    let groups = keys.div_ceil(GROUP);
    let walk =
        async |name, prefixes: &[String], delimiter| walk(server, bucket, name, prefixes, delimiter).await;
    let flat = walk("flat", &[String::new()], "").await;
    assert_eq!(flat.entries, keys, "every key once");
    let again = vec![String::new(); REPEATS];
    let top = walk("delimiter, top level", &again, "delimiter=%2F").await;
    assert_eq!(top.entries, REPEATS * groups, "every group once a walk");
    let prefixes: Vec<String> = (0..groups.min(200)).map(|group| format!("group{group:04}%2F")).collect();
    let below = walk("delimiter, below a prefix", &prefixes, "delimiter=%2F").await;
    vec![flat, top, below]
}

/// Walks these prefixes from their first page to their last.
pub async fn walk(
    server: &Server,
    bucket: &str,
    name: &'static str,
    prefixes: &[String],
    delimiter: &str,
) -> Walk {
    let (mut client, signer) = (Client::connect(&server.address).await, super::signer(server));
    let (mut latencies, mut entries, cpu) = (Vec::new(), 0, server.cpu_seconds());
    for prefix in prefixes {
        let mut token = None;
        loop {
            let query = query(token.as_deref(), delimiter, prefix);
            let head = signer.head("GET", &format!("/{bucket}"), &query, 0);
            let sent = Instant::now();
            let (status, page) = client.text(&head).await;
            latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
            assert_eq!(status, 200, "LIST {query}: {page}");
            entries += page.matches("<Key>").count() + page.matches("<CommonPrefixes>").count();
            token = between(&page, "<NextContinuationToken>", "</NextContinuationToken>").map(encode);
            if token.is_none() {
                break;
            }
        }
    }
    let (pages, cpu) = (latencies.len(), server.cpu_seconds() - cpu);
    latencies.sort_unstable();
    let (p50_ms, p99_ms) = (percentile(&latencies, 0.50), percentile(&latencies, 0.99));
    Walk { name, pages, entries, p50_ms, p99_ms, cpu_ms_per_page: cpu * 1000.0 / pages as f64 }
}

/// Parameters in the order that signatures want: by name.
fn query(token: Option<&str>, delimiter: &str, prefix: &str) -> String {
    let token = token.map(|token| format!("continuation-token={token}"));
    let prefix = (!prefix.is_empty()).then(|| format!("prefix={prefix}"));
    let delimiter = (!delimiter.is_empty()).then(|| delimiter.to_owned());
    let parts = [token, delimiter, Some("list-type=2".into()), Some("max-keys=1000".into()), prefix];
    parts.into_iter().flatten().collect::<Vec<String>>().join("&")
}

pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(inner, _)| inner)
}

pub fn encode(token: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    token.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
