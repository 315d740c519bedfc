//! Load on a real server, as tables: `make bench`.
//!
//! The server is a release build on four folders of this machine with every sync on; the generator is one
//! thread that writes prepared requests and looks at the answers only as far as it takes to see that they
//! are right. Objects are read once before GET is measured: it tells of reads from memory.
//!
//! `QUICK=1` shortens everything; `KEYS=n` sizes the listed bucket; `ONLY='4 KiB'` keeps to the objects of one
//! size and leaves the rest out, and so do `ONLY=LIST`, `ONLY=SEARCH`, `ONLY=VERSIONS`, `ONLY=SSE`, `ONLY=HEAL` and
//! `ONLY=SPACE`; `BENCH_DIR` says where the drives are
//! made (default: the build folder).

mod client;
mod listing;
mod objects;
mod searching;
mod server;
mod sign;
mod upkeep;
mod versions;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use holdfast::sigv4::AmzTime;
use objects::{Case, Pattern, Row, percentile};
use server::{ACCESS_KEY, SECRET_KEY, Server};
use sign::Signer;

const KIB: usize = 1024;
const MIB: usize = 1024 * 1024;

/// Sizes, and how many different objects of each are put.
const SIZES: [(usize, &str, usize); 3] =
    [(4 * KIB, "4 KiB", 50_000), (MIB, "1 MiB", 512), (64 * MIB, "64 MiB", 64)];

const CONCURRENCIES: [usize; 3] = [1, 16, 64];

fn main() {
    // `cargo test` runs bench targets too; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(bench());
}

async fn bench() {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let quick = set("QUICK").is_some();
    let keys = set("KEYS")
        .map_or(if quick { 50_000 } else { 1_000_000 }, |keys| keys.parse().expect("KEYS is a number"));
    let duration = Duration::from_secs(if quick { 1 } else { 5 });
    let parent = set("BENCH_DIR").map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let server = Server::start(&parent);
    println!(
        "first start, four blank drives: {:.0} ms to the first answer",
        server.start.as_secs_f64() * 1e3
    );
    println!("idle memory: {:.1} MiB\n", server.memory_mib("VmRSS"));
    let pattern = Arc::new(Pattern::new(64 * MIB));
    let only = set("ONLY");
    let server = object_tables(server, &pattern, duration, only.as_deref()).await;
    let wanted = |table: &str| only.as_deref().is_none_or(|only| only == table);
    if wanted("LIST") || wanted("SEARCH") {
        listing::make_bucket(&server, &signer(&server), "large").await;
        let seconds = listing::load(&server, "large", keys).await;
        println!("\n{keys} keys put in {seconds:.1} s ({:.0}/s)", keys as f64 / seconds);
    }
    if wanted("LIST") {
        println!("LIST, pages of 1000          pages   entries   p50 ms   p99 ms   CPU ms/page");
        listing::walks(&server, "large", keys).await.iter().for_each(print_walk);
    }
    if wanted("SEARCH") {
        searching::table(&server, &pattern, "large", keys, duration).await;
    }
    if wanted("VERSIONS") {
        versions::table(&server, if quick { 20_000 } else { keys.min(100_000) }).await;
    }
    if wanted("SSE") {
        sealed_table(&server, &pattern, duration).await;
    }
    let server = if wanted("HEAL") { upkeep::heal_table(server, &pattern, quick).await } else { server };
    if wanted("SPACE") {
        upkeep::space_table(&server, &pattern, keys).await;
    }
    let server = server.restart();
    println!("\nstart on these drives: {:.0} ms to the first answer", server.start.as_secs_f64() * 1e3);
    println!("memory after that start: {:.1} MiB", server.memory_mib("VmRSS"));
}

async fn object_tables(
    server: Server,
    pattern: &Arc<Pattern>,
    duration: Duration,
    only: Option<&str>,
) -> Server {
    println!("      size  conc      ops/s    MiB/s    p50 ms    p99 ms  CPU µs/op  CPU s/GB  peak MiB");
    for (size, name, objects) in
        SIZES.into_iter().filter(|(_, name, _)| only.is_none_or(|only| only == *name))
    {
        let mut put_most = 0;
        for concurrency in CONCURRENCIES {
            let case = Case { bucket: "bench", size, concurrency, objects, duration };
            let row = objects::put(&server, &signer(&server), pattern, &case).await;
            put_most = put_most.max(row.operations);
            print_row("PUT", name, concurrency, &row);
        }
        let objects = objects.min(put_most);
        let read = Case { bucket: "bench", size, concurrency: 1, objects, duration };
        objects::read_once(&server, &signer(&server), pattern, &read).await;
        for concurrency in CONCURRENCIES {
            let case = Case { bucket: "bench", size, concurrency, objects, duration };
            let row = objects::get(&server, &signer(&server), pattern, &case).await;
            print_row("GET", name, concurrency, &row);
        }
    }
    server
}

fn print_row(verb: &str, name: &str, concurrency: usize, row: &Row) {
    let operations = row.operations as f64;
    println!(
        "{verb} {name:>7} {concurrency:>4} {:>10.0} {:>8.0} {:>9.2} {:>9.2} {:>10.1} {:>9.2} {:>9.0}",
        operations / row.seconds,
        row.bytes as f64 / MIB as f64 / row.seconds,
        percentile(&row.latencies, 0.50),
        percentile(&row.latencies, 0.99),
        row.cpu_seconds * 1e6 / operations,
        row.cpu_seconds * 1e9 / row.bytes as f64,
        row.peak_mib,
    );
}

/// What encryption with the server's key costs: plain and encrypted objects in turn, so that both have the same machine.
async fn sealed_table(server: &Server, pattern: &Arc<Pattern>, duration: Duration) {
    const ROUNDS: usize = 3;
    let (size, objects) = (64 * MIB, 16);
    objects::make_encrypting_bucket(server, &signer(server), "sealed").await;
    println!("\n64 MiB, plain and SSE-S3       MiB/s  CPU s/GB   sealed/plain");
    for concurrency in [1, 16] {
        let (mut put, mut get) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            for bucket in ["bench", "sealed"] {
                let case = Case { bucket, size, concurrency, objects, duration };
                put.push(objects::put(server, &signer(server), pattern, &case).await);
                let written = put.last().map_or(0, |row| row.operations.min(objects));
                let case = Case { objects: written, ..case };
                get.push(objects::get(server, &signer(server), pattern, &case).await);
            }
        }
        print_sealed("PUT", concurrency, &put);
        print_sealed("GET", concurrency, &get);
    }
}

/// The medians of rounds of a plain and a sealed row.
fn print_sealed(verb: &str, concurrency: usize, rows: &[Row]) {
    let median = |of: fn(&Row) -> f64, sealed: usize| {
        let mut values: Vec<f64> = rows.iter().skip(sealed).step_by(2).map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let rate = |row: &Row| row.bytes as f64 / MIB as f64 / row.seconds;
    let cpu = |row: &Row| row.cpu_seconds * 1e9 / row.bytes as f64;
    let (plain, sealed) = (median(rate, 0), median(rate, 1));
    println!("{verb} plain  {concurrency:>4} {:>21.0} {:>9.2}", plain, median(cpu, 0));
    println!(
        "{verb} SSE-S3 {concurrency:>4} {:>21.0} {:>9.2} {:>14.2}",
        sealed,
        median(cpu, 1),
        sealed / plain
    );
}

fn print_walk(walk: &listing::Walk) {
    println!(
        "{:<26} {:>7} {:>9} {:>8.2} {:>8.2} {:>13.2}",
        walk.name, walk.pages, walk.entries, walk.p50_ms, walk.p99_ms, walk.cpu_ms_per_page
    );
}

/// A signer of this moment: a signature is good for fifteen minutes.
fn signer(server: &Server) -> Signer {
    signer_at(&server.address)
}

fn signer_at(address: &str) -> Signer {
    let since = SystemTime::UNIX_EPOCH.elapsed().expect("the clock is past 1970");
    let now = AmzTime::from_unix_secs(since.as_secs());
    Signer::new(ACCESS_KEY, SECRET_KEY, "us-east-1", address, &now.to_string())
}
