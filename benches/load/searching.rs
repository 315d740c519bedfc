//! Search in one large bucket: until its index is built, what one search takes, and what the index costs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::Client;
use super::listing::{between, encode, key};
use super::objects::{self, Case, Pattern, percentile};
use super::server::Server;
use super::{KIB, signer};

/// Searches of each kind, each for something else.
const REPEATS: usize = 200;
/// How long the index may take.
const INDEX_MAX: Duration = Duration::from_secs(1800);

/// A kind of search: what the n-th of them asks for, in the order that signatures want, and how many it must find.
struct Kind {
    name: &'static str,
    query: Box<dyn Fn(usize) -> String>,
    found: Found,
}

enum Found {
    Exactly(usize),
    Some,
}

fn kinds(keys: usize) -> Vec<Kind> {
    let any = move |n: usize| n.wrapping_mul(7919) % keys;
    let kind = |name, found, query: Box<dyn Fn(usize) -> String>| Kind { name, query, found };
    let text = |text: &str| format!("q={}&search=", encode(text));
    vec![
        kind("one key by a part of it", Found::Exactly(1), Box::new(move |n| text(&key(any(n))[5..]))),
        kind("what all have", Found::Exactly(1000), Box::new(move |_| text("object"))),
        kind("what a thousand have", Found::Some, Box::new(move |n| text(&key(any(n))[..9]))),
        kind("what none has", Found::Exactly(0), Box::new(move |n| text(&format!("nowhere{n}")))),
        kind("of parts that all have", Found::Exactly(0), Box::new(move |_| text("ctgroup"))),
        kind("of digits, none has", Found::Exactly(0), Box::new(move |_| text("0000000"))),
        kind("one letter", Found::Exactly(1000), Box::new(move |_| text("j"))),
        kind("two digits", Found::Some, Box::new(move |n| text(&format!("{:02}", n % 100)))),
        kind("one letter, none has", Found::Exactly(0), Box::new(move |_| text("z"))),
        kind("two letters, none has", Found::Exactly(0), Box::new(move |_| text("zq"))),
        kind(
            "a text below a prefix",
            Found::Some,
            Box::new(move |n| format!("prefix={}&q=77&search=", encode(&key(any(n))[..10]))),
        ),
        kind(
            "a text and a length",
            Found::Exactly(1000),
            Box::new(move |_| "max-size=16&q=object&search=".into()),
        ),
        kind(
            "a text and a length, none has",
            Found::Exactly(0),
            Box::new(move |_| "min-size=17&q=object&search=".into()),
        ),
    ]
}

/// Prints the table.
pub async fn table(
    server: &Server,
    pattern: &Arc<Pattern>,
    bucket: &'static str,
    keys: usize,
    duration: Duration,
) {
    let put = async |bucket| {
        let case = Case { bucket, size: KIB, concurrency: 16, objects: 10_000, duration };
        let row = objects::put(server, &signer(server), pattern, &case).await;
        (row.operations as f64 / row.seconds, row.cpu_seconds * 1e6 / row.operations as f64)
    };
    let (before, cpu_before) = put("bench").await;
    let (cpu, begun) = (server.cpu_seconds(), Instant::now());
    server.admin(&["bucket", "search", bucket, "on"]);
    until_complete(server, bucket).await;
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "\nSEARCH: {keys} keys indexed in {seconds:.1} s ({:.0}/s), {:.1} CPU us a key",
        keys as f64 / seconds,
        (server.cpu_seconds() - cpu) * 1e6 / keys as f64
    );
    println!("search, a page of 1000           times      hits    p50 ms    p99 ms    max ms  pages/search");
    for kind in kinds(keys) {
        measure(server, bucket, &kind).await;
    }
    pages(server, bucket).await;
    let (other, cpu_other) = put("bench").await;
    let (own, cpu_own) = put(bucket).await;
    println!("PUT 1 KiB, 16 connections, before there was an index: {before:.0}/s, {cpu_before:.0} CPU us");
    println!(
        "  into another bucket beside it: {other:.0}/s, {cpu_other:.0} CPU us; into its bucket: {own:.0}/s, {cpu_own:.0} CPU us"
    );
}

async fn until_complete(server: &Server, bucket: &str) {
    let (mut client, begun) = (Client::connect(&server.address).await, Instant::now());
    loop {
        let head = signer(server).head("GET", &format!("/{bucket}"), "max-keys=0&search=", 0);
        let (status, said) = client.text(&head).await;
        assert_eq!(status, 200, "{said}");
        if said.contains("<Complete>true</Complete><Pending>0</Pending>") {
            return;
        }
        assert!(begun.elapsed() < INDEX_MAX, "the index is not complete: {said}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Asks one kind of search again and again, each to its end or to its first full page.
async fn measure(server: &Server, bucket: &str, kind: &Kind) {
    let mut client = Client::connect(&server.address).await;
    let (mut latencies, mut hits, mut pages) = (Vec::new(), 0, 0);
    for turn in 0..REPEATS {
        let (mut found, mut token, begun) = (0, None::<String>, Instant::now());
        loop {
            let query = (kind.query)(turn);
            let query = token.map_or(query.clone(), |token| format!("continuation-token={token}&{query}"));
            let (status, page) =
                client.text(&signer(server).head("GET", &format!("/{bucket}"), &query, 0)).await;
            assert_eq!(status, 200, "{query}: {page}");
            (found, pages) = (found + page.matches("<Key>").count(), pages + 1);
            token = between(&page, "<NextContinuationToken>", "</NextContinuationToken>").map(encode);
            // A page may end early where it took long.
            if found >= 1000 || token.is_none() {
                break;
            }
        }
        latencies.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
        hits += found;
        match kind.found {
            Found::Exactly(count) => assert_eq!(found, count, "{}", kind.name),
            Found::Some => assert!(found > 0, "{}", kind.name),
        }
    }
    print_row(kind.name, &mut latencies, hits, pages as f64 / REPEATS as f64);
}

/// Pages of what all keys have, one after the other.
async fn pages(server: &Server, bucket: &str) {
    let (mut client, mut latencies, mut hits) = (Client::connect(&server.address).await, Vec::new(), 0);
    let mut token = None::<String>;
    while latencies.len() < REPEATS {
        let query = token.take().map_or("q=object&search=".into(), |token| {
            format!("continuation-token={token}&q=object&search=")
        });
        let (head, begun) = (signer(server).head("GET", &format!("/{bucket}"), &query, 0), Instant::now());
        let (status, page) = client.text(&head).await;
        latencies.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
        assert_eq!(status, 200, "{query}: {page}");
        hits += page.matches("<Key>").count();
        token = between(&page, "<NextContinuationToken>", "</NextContinuationToken>").map(encode);
        if token.is_none() {
            break;
        }
    }
    print_row("pages that follow each other", &mut latencies, hits, 1.0);
}

fn print_row(name: &str, latencies: &mut [u32], hits: usize, pages: f64) {
    latencies.sort_unstable();
    let share = |share| percentile(latencies, share);
    println!(
        "{name:<30} {:>7} {hits:>9} {:>9.2} {:>9.2} {:>9.2} {pages:>13.2}",
        latencies.len(),
        share(0.5),
        share(0.99),
        share(1.0)
    );
}
