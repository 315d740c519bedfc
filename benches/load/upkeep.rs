//! What keeps a deployment whole: healing a lost drive, and space that comes back.

use std::cell::Cell;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::Client;
use super::objects::{self, Case, Pattern, percentile};
use super::server::Server;
use super::sign::Signer;
use super::{KIB, MIB, signer};

/// Small objects of the heal table, each in one stripe, and large ones.
const SMALL: (usize, usize) = (64 * KIB, 100_000);
const LARGE: (usize, usize) = (16 * MIB, 200);
/// Objects of the space table. Larger than what is kept in the metadata.
const SPACE_BYTES: usize = 16 * KIB;
/// Connections.
const LOADERS: usize = 32;
/// Data shards and shards of a stripe on four drives.
const STRIPE: (usize, usize) = (2, 4);
/// Bytes that the speed of the disk is measured with.
const RAW_BYTES: usize = 1 << 30;
/// How long drives may take to settle after the last change, and how long nothing changes when they have.
const SETTLE_MAX: Duration = Duration::from_secs(400);
const SETTLED_AFTER: Duration = Duration::from_secs(60);

/// Heals one lost drive, at rest and while clients are at work.
pub async fn heal_table(mut server: Server, pattern: &Arc<Pattern>, quick: bool) -> Server {
    let scale = if quick { 20 } else { 1 };
    for (size, count) in [SMALL, LARGE] {
        each(&server, count / scale, "PUT", size, |index| pattern.of(index, size)).await;
    }
    let healed = SMALL.0 * (SMALL.1 / scale) / STRIPE.0 + LARGE.0 * (LARGE.1 / scale) / STRIPE.0;
    let (write, read) = raw_speed(server.folder());
    let raw = healed as f64 * (STRIPE.0 as f64 / read + 1.0 / write);
    println!(
        "\nHEAL of one of four drives: {} objects of {} KiB and {} of {} MiB, {:.1} GB of shards",
        SMALL.1 / scale,
        SMALL.0 / KIB,
        LARGE.1 / scale,
        LARGE.0 / MIB,
        healed as f64 / 1e9
    );
    println!("raw disk: {:.2} GB/s written, {:.2} GB/s read, one after the other", write / 1e9, read / 1e9);
    server = lose_drive(server);
    let seconds = until_full(&server).await;
    println!(
        "at rest: {seconds:.1} s, {:.0} MB/s of shards; reading {} and writing 1 at raw speed: {raw:.1} s ({:.0} %)",
        healed as f64 / 1e6 / seconds,
        STRIPE.0,
        raw / seconds * 100.0
    );
    let quiet = foreground(&server, pattern).await;
    server = lose_drive(server);
    let busy = foreground(&server, pattern).await;
    let healing = !server.health().contains("full_redundancy");
    for (name, (put, get)) in [("quiet", quiet), ("healing", busy)] {
        println!("64 KiB, 8 connections, {name:>7}: PUT p99 {put:.2} ms, GET p99 {get:.2} ms");
    }
    if !healing {
        println!("(healing ended before the measurement did)");
    }
    until_full(&server).await;
    server
}

fn lose_drive(server: Server) -> Server {
    let folder = server.folder().to_owned();
    server.restart_after(|| fs::remove_dir_all(folder.join("drive2")).expect("the drive can be removed"))
}

async fn until_full(server: &Server) -> f64 {
    let begun = Instant::now();
    while !server.health().contains("full_redundancy") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed().as_secs_f64()
}

/// The 99th percentiles of PUT and GET, in milliseconds.
async fn foreground(server: &Server, pattern: &Arc<Pattern>) -> (f64, f64) {
    let case = Case {
        bucket: "bench",
        size: 64 * KIB,
        concurrency: 8,
        objects: 500,
        duration: Duration::from_secs(3),
    };
    let put = objects::put(server, &signer(server), pattern, &case).await;
    let get = objects::get(server, &signer(server), pattern, &case).await;
    (percentile(&put.latencies, 0.99), percentile(&get.latencies, 0.99))
}

/// Writes objects, deletes nine of ten at random, and looks what the drives hold when they have settled.
pub async fn space_table(server: &Server, pattern: &Arc<Pattern>, keys: usize) {
    let size = SPACE_BYTES;
    each(server, keys, "PUT", size, |index| pattern.of(index, size)).await;
    let full = disk_bytes(server.folder());
    let lives = |index: usize| index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32 & 0xffff < 0x1999;
    let dead: Vec<usize> = (0..keys).filter(|&index| !lives(index)).collect();
    let begun = Instant::now();
    each_of(server, &dead, "DELETE", size, |_| &[]).await;
    let deleted = begun.elapsed().as_secs_f64();
    let live = (keys - dead.len()) * size * STRIPE.1 / STRIPE.0;
    println!(
        "\nSPACE: {keys} objects of {} KiB, {} deleted at random in {deleted:.1} s",
        size / KIB,
        dead.len()
    );
    let settling = Instant::now();
    let (mut held, mut changed) = (full, settling.elapsed());
    while settling.elapsed() < SETTLE_MAX && settling.elapsed() < changed + SETTLED_AFTER {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = disk_bytes(server.folder());
        if now != held {
            (held, changed) = (now, settling.elapsed());
        }
    }
    println!(
        "on the drives: {:.0} MB before, {:.0} MB {:.0} s after, {:.2} of live data with parity ({:.0} MB)",
        full as f64 / 1e6,
        held as f64 / 1e6,
        changed.as_secs_f64(),
        held as f64 / live as f64,
        live as f64 / 1e6
    );
    let mut client = Client::connect(&server.address).await;
    let signer = signer(server);
    for index in (0..keys).filter(|&index| lives(index)) {
        client.send(&signer.head("GET", &path(size, index), "", 0), b"").await;
        let answer = client.head().await;
        assert_eq!((answer.status, answer.length), (200, size), "{index} lives");
        let expected = pattern.of(index, size);
        client.body(size, |at, piece| assert_eq!(piece, &expected[at..at + piece.len()])).await;
    }
    println!("all {} that live were read and are right", keys - dead.len());
}

fn path(size: usize, index: usize) -> String {
    format!("/bench/upkeep/{size}/{index:07}")
}

async fn each<'a>(
    server: &Server,
    count: usize,
    verb: &'static str,
    size: usize,
    body: impl Fn(usize) -> &'a [u8],
) {
    each_of(server, &(0..count).collect::<Vec<_>>(), verb, size, body).await;
}

/// One request for each of some objects.
async fn each_of<'a>(
    server: &Server,
    indices: &[usize],
    verb: &'static str,
    size: usize,
    body: impl Fn(usize) -> &'a [u8],
) {
    let next = Cell::new(0);
    let signer = Rc::new(signer(server));
    let one = async || {
        let mut client = Client::connect(&server.address).await;
        while let Some(&index) = indices.get(next.replace(next.get() + 1)) {
            let body = body(index);
            send(&mut client, &signer, verb, &path(size, index), body).await;
        }
    };
    futures_util::future::join_all((0..LOADERS).map(|_| one())).await;
}

async fn send(client: &mut Client, signer: &Signer, verb: &'static str, path: &str, body: &[u8]) {
    client.send(&signer.head(verb, path, "", body.len()), body).await;
    let answer = client.head().await;
    assert!(matches!(answer.status, 200 | 204), "{verb} {path}: {}", answer.status);
    client.body(answer.length, |_, _| {}).await;
}

/// Bytes a second of sequential direct writes and reads of one file.
fn raw_speed(folder: &Path) -> (f64, f64) {
    let path = folder.join("raw");
    let direct = rustix::fs::OFlags::DIRECT.bits() as i32;
    let file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .custom_flags(direct)
        .open(&path);
    let file = file.expect("the folder takes direct writes");
    let step = 4 * MIB;
    let mut memory = vec![7u8; step + 4096];
    let start = memory.as_ptr().align_offset(4096);
    let buffer = &mut memory[start..start + step];
    let begun = Instant::now();
    (0..RAW_BYTES)
        .step_by(step)
        .for_each(|at| file.write_all_at(buffer, at as u64).expect("the disk writes"));
    file.sync_all().expect("the disk syncs");
    let written = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    (0..RAW_BYTES)
        .step_by(step)
        .for_each(|at| file.read_exact_at(buffer, at as u64).expect("the disk reads"));
    let read = begun.elapsed().as_secs_f64();
    let _ = fs::remove_file(path);
    (RAW_BYTES as f64 / written, RAW_BYTES as f64 / read)
}

/// Bytes that everything below a folder takes on the disk.
fn disk_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}
