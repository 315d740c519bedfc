//! `holdfast serve`, `node` and `gateway`: one process until a signal.

use std::io::Write;
use std::mem::ManuallyDrop;
use std::net::SocketAddr;
use std::path::Path;

use super::{banner, invocation};
use crate::config::{Environment, Options, Role, RoleName, Settings};
use crate::node::NodeOptions;
use crate::server::{self, StartError};
use crate::telemetry::start_logging;

/// Serves; an error is the one sentence to print.
pub(super) fn run(role: RoleName, flags: Settings) -> Result<(), String> {
    serve(role, flags).map_err(|error| error.to_string())
}

fn serve(role: RoleName, flags: Settings) -> Result<(), StartError> {
    let environment: Environment = std::env::vars().collect();
    let (settings, notices) = Settings::gather(flags, &environment)?;
    let options = Options::validate(role, settings)?;
    start_logging(&options.logging.level, options.logging.format)?;
    for notice in notices {
        tracing::warn!("{notice}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    // It ends with the process: workers of drives wait by its timers until then, and what still blocks a thread was cut on
    // purpose.
    let runtime = ManuallyDrop::new(runtime.map_err(StartError::Runtime)?);
    if let Role::Node { drives, zone, cluster_secret } = &options.role {
        let secret = cluster_secret.expose().as_bytes().to_vec();
        let node = NodeOptions { drives: drives.clone(), zone: zone.clone(), secret };
        return runtime.block_on(serve_node(node, options.listen.address));
    }
    runtime.block_on(async {
        let (region, state) = (options.region.clone(), options.state.clone());
        let running = server::start(options).await?;
        print_banner(&running.started, &region, &state);
        running.run().await;
        Ok(())
    })
}

async fn serve_node(options: NodeOptions, address: SocketAddr) -> Result<(), StartError> {
    let zone = match options.zone.as_str() {
        "" => String::new(),
        zone => format!(", zone {zone}"),
    };
    let running = server::start_node(options, address).await?;
    let (address, drives) = (running.address, running.drives);
    let version = env!("CARGO_PKG_VERSION");
    let text = format!(
        "Holdfast {version}\n  Storage node, drives: {drives}, at {address}{zone}\n\
         \nA gateway uses it with: --node {address}\n"
    );
    // A closed standard output is no reason not to serve.
    let _ = std::io::stdout().write_all(text.as_bytes());
    tracing::info!(%address, drives, "serving drives");
    running.run().await;
    Ok(())
}

fn print_banner(started: &server::Started, region: &str, state: &Path) {
    let found = matches!(
        state.to_str(),
        Some("./data/.holdfast" | "data/.holdfast" | "./data/gateway" | "data/gateway")
    );
    let text = banner::render(started, region, &invocation::program(), state, found);
    // A closed standard output is no reason not to serve.
    let _ = std::io::stdout().write_all(text.as_bytes());
    tracing::info!(endpoint = started.endpoint, drives = started.drives, up = started.drives_up, "serving");
}
