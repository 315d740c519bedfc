//! Who waits for the drive of a database.
//!
//! A drive that hangs answers nobody, and a call that waits for it cannot be ended. So nobody waits for one on a worker of the
//! runtime's, which then others lack, and how long and how many wait is known, so that the database is turned away from.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::runtime::may_block;

/// A read takes less on a drive that does not hang.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Each that waits holds a thread, of which the runtime has 512.
const WAITING_MAX: usize = 256;

/// The databases that are waited for, and since when; few at any time.
static WAITING: Mutex<Vec<(Arc<Path>, Instant)>> = Mutex::new(Vec::new());

fn waiting() -> MutexGuard<'static, Vec<(Arc<Path>, Instant)>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does what may wait for the drive of a database.
pub(super) fn wait<T>(database: &Arc<Path>, work: impl FnOnce() -> T) -> T {
    let _wait = Wait::begin(database);
    may_block(work)
}

/// Whether somebody has waited for so long that the database's drive hangs.
pub(super) fn hangs(database: &Path) -> bool {
    waiting().iter().any(|(of, since)| **of == *database && since.elapsed() >= WAIT_MAX)
}

/// Whether so many wait that nobody else may.
pub(super) fn are_too_many(database: &Path) -> bool {
    waiting().iter().filter(|(of, _)| **of == *database).count() >= WAITING_MAX
}

struct Wait(Arc<Path>, Instant);

impl Wait {
    fn begin(database: &Arc<Path>) -> Self {
        let since = Instant::now();
        waiting().push((database.clone(), since));
        Self(database.clone(), since)
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
        let waits: Vec<_> = (0..WAITING_MAX).map(|_| Wait::begin(&one)).collect();
        assert!(are_too_many(&one) && !are_too_many(&other) && !hangs(&one));
        drop(waits);
        assert!(!are_too_many(&one));
        assert_eq!(wait(&one, || waiting().iter().filter(|(of, _)| *of == one).count()), 1);
    }
}
