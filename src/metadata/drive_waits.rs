//! Asking the drive of a database, which may hang.
//!
//! A call that waits for a drive that hangs cannot be ended. So a thread that nobody else needs does what may wait for one, and
//! who asked waits for that thread, for some time only; if on a worker of the runtime's, another takes its place meanwhile.
//! Who waits, and since when, is known, so that a database whose drive hangs is turned away from.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::runtime::{may_block, threaded_runtime};

/// A drive that does not hang answers within this.
const WAIT_MAX: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 10 });
/// Those that wait hold two threads each, of the 512 that the runtime has for this.
const WAITING_MAX: usize = 128;

/// The databases that are waited for, and since when; few at any time.
static WAITING: Mutex<Vec<(Arc<Path>, Instant)>> = Mutex::new(Vec::new());

fn waiting() -> MutexGuard<'static, Vec<(Arc<Path>, Instant)>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does work that may wait for the drive of a database; `None` if that hangs.
pub(super) fn ask<T: Send + 'static>(
    database: &Arc<Path>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    // In simulated time no call hangs.
    let Some(runtime) = threaded_runtime() else { return Some(work()) };
    if hangs(database) {
        return None;
    }
    let Some(wait) = Wait::begin(database) else { return Some(work()) };
    let (answer, answered) = mpsc::sync_channel(1);
    runtime.spawn_blocking(move || {
        let _wait = wait;
        // Who asked may have given up.
        let _ = answer.send(work());
    });
    may_block(|| answered.recv_timeout(WAIT_MAX)).ok()
}

/// Whether the drive of a database owes an answer for so long that it hangs.
pub(super) fn hangs(database: &Path) -> bool {
    waiting().iter().any(|(of, since)| **of == *database && since.elapsed() >= WAIT_MAX)
}

/// Known until it is dropped.
#[derive(Debug)]
struct Wait(Arc<Path>, Instant);

impl Wait {
    /// `None` where too many wait.
    fn begin(database: &Arc<Path>) -> Option<Self> {
        let (mut waiting, since) = (waiting(), Instant::now());
        if waiting.iter().filter(|(of, _)| of == database).count() >= WAITING_MAX {
            return None;
        }
        waiting.push((database.clone(), since));
        Some(Self(database.clone(), since))
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut waiting = waiting();
        if let Some(own) = waiting.iter().position(|(of, since)| *since == self.1 && Arc::ptr_eq(of, &self.0))
        {
            waiting.swap_remove(own);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_wait_are_counted_until_they_are_answered_and_by_database() {
        let [one, other]: [Arc<Path>; 2] =
            ["waits/one.db", "waits/other.db"].map(|path| Path::new(path).into());
        let waits: Vec<_> = (0..WAITING_MAX).map(|_| Wait::begin(&one).unwrap()).collect();
        assert!(Wait::begin(&one).is_none() && Wait::begin(&other).is_some() && !hangs(&one));
        drop(waits);
        assert!(Wait::begin(&one).is_some());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_drive_that_hangs_is_given_up_and_holds_up_nobody_until_it_answers() {
        let database: Arc<Path> = Path::new("waits/hangs.db").into();
        let (thaw, frozen) = mpsc::channel::<()>();
        let asked = database.clone();
        let asking = tokio::spawn(async move { ask(&asked, move || frozen.recv().is_err()) });
        // The runtime's only worker goes on, so this is reached.
        tokio::task::yield_now().await;
        assert_eq!(asking.await.unwrap(), None);
        assert!(hangs(&database));
        assert_eq!(ask(&database, || ()), None, "nobody else waits");
        drop(thaw);
        while hangs(&database) {
            tokio::task::yield_now().await;
        }
        assert_eq!(ask(&database, || 7), Some(7));
    }
}
