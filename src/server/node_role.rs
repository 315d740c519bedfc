//! A storage node: drives behind the network, until a signal.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::StartError;
use super::signals::StopSignals;
use crate::http::BindError;
use crate::node::{NodeOptions, NodeServer};

/// A node that serves.
#[derive(Debug)]
pub struct RunningNode {
    /// The address in use.
    pub address: SocketAddr,
    /// How many drives it serves.
    pub drives: usize,
    listener: TcpListener,
    node: Arc<NodeServer>,
    signals: StopSignals,
}

/// Opens the drives and takes the address.
pub async fn start_node(options: NodeOptions, address: SocketAddr) -> Result<RunningNode, StartError> {
    let signals = StopSignals::listen().map_err(StartError::Runtime)?;
    let bound = TcpListener::bind(address).await;
    let listener = bound.map_err(|error| BindError::explain(address, error));
    let listener = listener.map_err(|error| StartError::Bind { flag: "--address", error })?;
    let address = listener.local_addr().map_err(StartError::Runtime)?;
    let drives = options.drives.len();
    let node = NodeServer::open(options).map_err(StartError::Node)?;
    Ok(RunningNode { address, drives, listener, node: Arc::new(node), signals })
}

impl RunningNode {
    /// Serves until a signal. Gateways see their requests fail over to other drives.
    pub async fn run(mut self) {
        tokio::select! {
            () = self.node.serve(self.listener) => {}
            () = self.signals.next() => tracing::info!("stopped"),
        }
    }
}
