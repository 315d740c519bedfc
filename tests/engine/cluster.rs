//! The engine on drives of storage nodes, over real connections.

use std::sync::Arc;

use holdfast::node::{NodeServer, open_nodes};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::setup::{Deployment, bucket, get, pattern, put, start};

const SECRET: &[u8] = b"a secret of this test";
const LENGTHS: [usize; 4] = [10, 5_000, 700_000, 5_000_000];

/// A node with one drive, on a port of its own. Aborting the task drops listener and connections.
async fn serve(deployment: &Deployment, index: usize, address: &str) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let node = NodeServer::open(vec![deployment.drive(index)], SECRET.to_vec()).unwrap();
    (address, tokio::spawn(Arc::new(node).serve(listener)))
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_survive_on_nodes_and_over_a_restart_of_the_gateway() {
    let deployment = Deployment::of(4);
    let mut addresses = Vec::new();
    for index in 0..4 {
        addresses.push(serve(&deployment, index, "127.0.0.1:0").await.0);
    }
    for round in 0..2 {
        let engine =
            start(open_nodes(&addresses, SECRET, deployment.path()).await.unwrap(), deployment.path()).await;
        if round == 0 {
            engine.create_bucket(&bucket()).await.unwrap();
        }
        for len in LENGTHS {
            let (name, data) = (format!("k{len}"), pattern(len, 5));
            if round == 0 {
                put(&engine, &name, &data).await.unwrap();
            }
            assert_eq!(get(&engine, &name).await.unwrap(), data);
        }
        engine.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_secret_opens_nothing() {
    let deployment = Deployment::of(1);
    let (address, _) = serve(&deployment, 0, "127.0.0.1:0").await;
    assert!(open_nodes(&[address], b"wrong", deployment.path()).await.is_err());
}
