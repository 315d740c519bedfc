//! Another writer in the place of one whose database hangs; see `leadership`.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;

use super::leadership::Leadership;
use super::model::MetadataError;
use super::store::Options;
use super::writer;
use crate::runtime::Tasks;

/// How often it is looked whether the writer hangs.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// How long another drive has to show that it does not hang itself.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Has another writer take over whenever one hangs, for as long as there is the store. In simulated time no call hangs.
pub(super) fn watch(leadership: &Arc<Leadership>, tasks: &Tasks) -> Result<(), MetadataError> {
    if !tasks.are_threads() {
        return Ok(());
    }
    let watched = Arc::downgrade(leadership);
    let spawned = tasks.spawn("metadata-watch", async move {
        while let Some(leadership) = next_look(&watched) {
            // Where there is no other place the writer may yet go on.
            if leadership.hangs() && leadership.options().databases.len() > 1 {
                take_over(&leadership).await;
            }
        }
    });
    spawned.map_err(writer::not_started)
}

fn next_look(watched: &Weak<Leadership>) -> Option<Arc<Leadership>> {
    // A timer of tokio's might outlive its runtime, and this is a thread of its own.
    std::thread::sleep(WATCH_EVERY);
    watched.upgrade()
}

/// Makes a writer on another drive than that of the database.
async fn take_over(leadership: &Arc<Leadership>) {
    let hanging = leadership.readers.path();
    tracing::error!(database = %hanging.display(), "the drive of the metadata database hangs; rebuilding it elsewhere");
    let term = leadership.begin_term().await;
    let mut options = leadership.options();
    options.databases.retain(|path| *path != hanging);
    let (database, recovered) = loop {
        let error = match writer::recover_somewhere(&answering(&options).await, leadership.committed()).await
        {
            Ok(recovered) => break recovered,
            Err(error) => error,
        };
        tracing::error!(%error, "the metadata database cannot be rebuilt");
        if !leadership.refuse(&error, WATCH_EVERY).await {
            return leadership.end(term);
        }
    };
    tracing::info!(database = %database.display(), "the metadata database is in another place now");
    // Where it was is the last place to come back to.
    options.databases.push(hanging);
    leadership.set_options(term, &options);
    leadership.readers.switch(database.clone());
    if let Err(error) = writer::start(leadership, (database, recovered)) {
        tracing::error!(%error, "there is no metadata writer");
        leadership.end(term);
    }
}

/// The same without replicas and places that hang: the recovery goes through them one after the other.
async fn answering(options: &Options) -> Options {
    let replicas = options.replicas.iter().map(|replica| async {
        let answers = tokio::time::timeout(PROBE_TIMEOUT, replica.bounds()).await.is_ok();
        answers.then(|| replica.clone())
    });
    let databases = options.databases.iter().map(|path| async {
        let probed = path.clone();
        let probe = options.tasks.blocking(move || probe_place(&probed));
        let answers = matches!(tokio::time::timeout(PROBE_TIMEOUT, probe).await, Ok(Ok(Ok(()))));
        answers.then(|| path.clone())
    });
    let (replicas, databases) = tokio::join!(join_all(replicas), join_all(databases));
    Options {
        replicas: replicas.into_iter().flatten().collect(),
        databases: databases.into_iter().flatten().collect(),
        ..options.clone()
    }
}

/// Writes beside where a database would be.
fn probe_place(database: &Path) -> std::io::Result<()> {
    let path = database.with_extension("probe");
    let mut file = std::fs::File::create(&path)?;
    file.write_all(b"probe")?;
    file.sync_all()?;
    std::fs::remove_file(path)
}
