//! Nodes that a gateway must not, or cannot, use.

use holdfast::node::{DeploymentError, NodeTrouble, SiteError, open_nodes};

use crate::setup::{FREE_PORT, Node, SECRET};

fn trouble<T>(opened: Result<T, DeploymentError>) -> NodeTrouble {
    match opened.err() {
        Some(DeploymentError::Node(SiteError::Node { trouble, .. })) => trouble,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_secret_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(FREE_PORT, vec![folder.path().join("drive")], "").await;
    let opened = open_nodes(&[node.address], b"wrong", folder.path()).await;
    assert_eq!(trouble(opened), NodeTrouble::Secret);
    assert!(!folder.path().join("drive").exists(), "nothing was formatted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_serves_one_gateway_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let node = [Node::start(FREE_PORT, vec![folder.path().join("drive")], "").await.address];
    let first = open_nodes(&node, SECRET, &folder.path().join("a")).await.unwrap();
    let second = open_nodes(&node, SECRET, &folder.path().join("b")).await;
    assert_eq!(trouble(second), NodeTrouble::InUse);
    drop(first);
    assert!(open_nodes(&node, SECRET, &folder.path().join("c")).await.is_ok());
}
