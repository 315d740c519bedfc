//! Background work: healing, scrubbing, removal of garbage, watching the drives. It sleeps while nothing
//! changed, and yields to clients (see `pace`).

mod garbage;
mod heal;
mod moves;
mod pace;
mod scrub;

pub use heal::heal_once;
pub use moves::move_all;
pub use scrub::ScrubOptions;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::object::Engine;

/// How often drives are asked for their space, and looked at for coming back.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// Background work under way; dropping it ends it.
#[derive(Debug)]
pub struct Jobs {
    _tasks: JoinSet<()>,
}

/// Starts all background work.
pub fn start(engine: &Arc<Engine>, scrub: ScrubOptions) -> Jobs {
    let mut tasks = JoinSet::new();
    tasks.spawn(scrub::run(engine.clone(), scrub));
    tasks.spawn(moves::run(engine.clone()));
    tasks.spawn(garbage::search_orphans(engine.clone()));
    tasks.spawn(heal::run(engine.clone()));
    tasks.spawn(garbage::run(engine.clone()));
    tasks.spawn(watch_drives(engine.clone()));
    Jobs { _tasks: tasks }
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
