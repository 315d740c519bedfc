//! Background work: healing, removal of garbage, watching the drives. It sleeps while nothing changed.

mod garbage;
mod heal;

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
pub fn start(engine: &Arc<Engine>) -> Jobs {
    let mut tasks = JoinSet::new();
    tasks.spawn(heal::run(engine.clone()));
    tasks.spawn(garbage::run(engine.clone()));
    tasks.spawn(watch_drives(engine.clone()));
    Jobs { _tasks: tasks }
}

/// Keeps the free space known, and wakes healing when a drive has come back.
async fn watch_drives(engine: Arc<Engine>) {
    let mut up_before = engine.drives().up_count();
    loop {
        tokio::time::sleep(WATCH_EVERY).await;
        engine.drives().refresh_usage().await;
        engine.metadata().check_database();
        let up = engine.drives().up_count();
        if up > up_before {
            engine.heals().ring();
        }
        up_before = up;
    }
}
