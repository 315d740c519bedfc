//! LIST of a bucket that keeps versions, against one that does not.

use super::client::Client;
use super::listing::{self, Walk};
use super::server::Server;
use super::{print_walk, signer_at};

/// How often each key of the bucket is written.
const VERSIONS: usize = 3;
/// Versions of one key.
const OF_ONE_KEY: usize = 10_000;
/// Connections that write them.
const LOADERS: usize = 64;
/// Walks of the whole bucket.
const WALKS: usize = 5;

/// Prints the table.
pub async fn table(server: &Server, keys: usize) {
    for bucket in ["plain", "versioned"] {
        listing::make_bucket(server, &super::signer(server), bucket).await;
    }
    enable(server, "versioned").await;
    listing::load(server, "plain", keys).await;
    for _ in 0..VERSIONS {
        listing::load(server, "versioned", keys).await;
    }
    println!("\nVERSIONS: {keys} keys, in one bucket once, in the other {VERSIONS} times");
    println!("LIST, pages of 1000          pages   entries   p50 ms   p99 ms   CPU ms/page");
    let walks = vec![String::new(); WALKS];
    let plain = listing::walk(server, "plain", "plain", &walks, "").await;
    let versioned = listing::walk(server, "versioned", "versioned", &walks, "").await;
    rewrite(server, &format!("/versioned/{}", listing::key(keys / 2))).await;
    rewrite(server, &format!("/plain/{}", listing::key(keys / 2))).await;
    let deep = listing::walk(server, "versioned", "10,000 versions of one", &walks, "").await;
    // What was measured first is measured last too, for a machine that has others at work.
    let again = listing::walk(server, "plain", "plain again", &walks, "").await;
    [&plain, &versioned, &deep, &again].into_iter().for_each(print_walk);
    let ratio = |walk: &Walk| walk.p99_ms / plain.p99_ms.max(again.p99_ms);
    println!(
        "p99 against the plain bucket's: {:.2}, with 10,000 versions of one key {:.2}",
        ratio(&versioned),
        ratio(&deep)
    );
}

async fn enable(server: &Server, bucket: &str) {
    let document = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    let mut client = Client::connect(&server.address).await;
    let head = super::signer(server).head("PUT", &format!("/{bucket}"), "versioning=", document.len());
    client.send(&head, document.as_bytes()).await;
    let answer = client.head().await;
    assert_eq!(answer.status, 200, "keep versions");
    client.body(answer.length, |_, _| {}).await;
}

/// Writes one key again and again.
async fn rewrite(server: &Server, path: &str) {
    let tasks = tokio::task::LocalSet::new();
    for _ in 0..LOADERS {
        let mut client = Client::connect(&server.address).await;
        let (address, path) = (server.address.clone(), path.to_owned());
        tasks.spawn_local(async move {
            for _ in 0..OF_ONE_KEY.div_ceil(LOADERS) {
                client.send(&signer_at(&address).head("PUT", &path, "", 4), b"more").await;
                let answer = client.head().await;
                assert_eq!(answer.status, 200, "PUT {path}");
                client.body(answer.length, |_, _| {}).await;
            }
        });
    }
    tasks.await;
}
