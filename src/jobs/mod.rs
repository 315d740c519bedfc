//! Background work: healing, scrubbing, removal of garbage and of what is too old, encoding anew,
//! watching the drives. It sleeps while nothing
//! changed, and yields to clients (see `pace`).

mod access_log;
mod events;
mod garbage;
mod heal;
mod keys;
mod lifecycle;
mod lines;
mod moves;
mod pace;
mod recode;
mod scrub;
mod search;

pub use access_log::{AccessLogs, LogLine, LogOrigin};
pub use events::{Render, Telling, Webhook, tell};
pub use heal::heal_once;
pub use lines::{Lines, LinesUnderWay, RotatedFile, find_line};
pub use moves::{move_all, rehearse_moves};
pub use recode::recode_all;
pub use scrub::ScrubOptions;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::object::Engine;
use crate::runtime::Tasks;

/// How often drives are asked for their space, and looked at for coming back.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// Background work under way; dropping it ends it.
#[derive(Debug)]
pub struct Jobs {
    /// Closed when this is dropped.
    _work: oneshot::Sender<()>,
    _watch: JoinSet<()>,
}

/// Starts all background work. It has a thread of its own that gets the processor when others leave it; an error
/// if that cannot be started.
pub fn start(engine: &Arc<Engine>, scrub: ScrubOptions, tasks: &Tasks) -> io::Result<Jobs> {
    let (work, ended) = oneshot::channel::<()>();
    let all = future::join5(
        heal::run(engine.clone()),
        moves::run(engine.clone()),
        scrub::run(engine.clone(), scrub),
        garbage::run(engine.clone()),
        future::join5(
            garbage::search_orphans(engine.clone()),
            recode::run(engine.clone()),
            lifecycle::run(engine.clone()),
            search::run(engine.clone()),
            keys::run(engine.clone()),
        ),
    );
    tasks.spawn_in_background("jobs", async move {
        tokio::select! {
            _ = all => {}
            _ = ended => {}
        }
    })?;
    let mut watch = JoinSet::new();
    watch.spawn(watch_drives(engine.clone()));
    Ok(Jobs { _work: work, _watch: watch })
}

/// Keeps the free space known, and wakes healing when a drive takes shards that did not, or is up again, be it
/// that it was away for a moment only.
async fn watch_drives(engine: Arc<Engine>) {
    let standing = |engine: &Engine| {
        let drives = engine.drives();
        (drives.holding(), drives.takers(), drives.outages())
    };
    let mut before = standing(&engine);
    loop {
        tokio::time::sleep(WATCH_EVERY).await;
        engine.drives().refresh_usage().await;
        engine.metadata().check_database();
        let now = standing(&engine);
        if now != before {
            engine.tell_membership().await;
            engine.heals().ring();
            engine.moves().ring();
        }
        before = now;
    }
}
