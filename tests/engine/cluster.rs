//! Nodes that a gateway must not, or cannot, use.

use std::sync::Arc;

use holdfast::node::{NodeServer, open_nodes};
use tokio::net::TcpListener;

#[tokio::test(flavor = "multi_thread")]
async fn another_secret_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let node = NodeServer::open(vec![folder.path().join("drive")], b"right".to_vec()).unwrap();
    tokio::spawn(Arc::new(node).serve(listener));
    assert!(open_nodes(&[address], b"wrong", folder.path()).await.is_err());
    assert!(!folder.path().join("drive").exists(), "nothing was formatted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_serves_one_gateway_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let node = NodeServer::open(vec![folder.path().join("drive")], b"secret".to_vec()).unwrap();
    tokio::spawn(Arc::new(node).serve(listener));
    let first =
        open_nodes(std::slice::from_ref(&address), b"secret", &folder.path().join("a")).await.unwrap();
    assert!(open_nodes(std::slice::from_ref(&address), b"secret", &folder.path().join("b")).await.is_err());
    drop(first);
    assert!(open_nodes(&[address], b"secret", &folder.path().join("c")).await.is_ok());
}
