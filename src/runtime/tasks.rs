//! Where work runs beside the requests: threads of its own, or, in a simulation, tasks on the one thread.

use std::io;
use std::sync::OnceLock;

use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};

/// Starts work. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tasks {
    runtime: Handle,
    simulated: bool,
}

impl Tasks {
    /// Work gets threads, beside the runtime that this is called in.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn threads() -> Self {
        Self { runtime: Handle::current(), simulated: false }
    }

    /// All work is done on the thread of the runtime that this is called in, one piece after another: with
    /// a paused clock and [`seed_random`](super::seed_random), one seed gives one course of events.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn simulated() -> Self {
        Self { runtime: Handle::current(), simulated: true }
    }

    /// Whether work gets threads.
    pub fn are_threads(&self) -> bool {
        !self.simulated
    }

    /// Starts a worker. It has a thread of its own, where it may also wait for a disk.
    pub fn spawn(&self, name: &str, worker: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        self.spawn_thread(name, || (), worker)
    }

    /// As [`Self::spawn`], for work that nobody waits for: it gets the processor when others leave it.
    pub fn spawn_in_background(
        &self,
        name: &str,
        worker: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        self.spawn_thread(name, yield_to_others, worker)
    }

    fn spawn_thread(
        &self,
        name: &str,
        prepare: fn(),
        worker: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        if self.simulated {
            drop(self.runtime.spawn(worker));
            return Ok(());
        }
        let runtime = self.runtime.clone();
        let run = move || {
            prepare();
            runtime.block_on(worker);
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
    }

    /// Does what may wait for a disk while the caller's thread does something else; an error if it panicked.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        if self.simulated {
            // As from a thread, the answer comes after what else can go on now.
            tokio::task::yield_now().await;
            return Ok(work());
        }
        self.runtime.spawn_blocking(work).await.map_err(io::Error::from)
    }

    /// As [`Self::blocking`], for work that nobody waits for.
    pub async fn in_background<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        if self.simulated {
            return self.blocking(work).await;
        }
        let pool = BACKGROUND.get_or_init(|| {
            let threads = Builder::new_current_thread()
                .thread_name("background")
                .max_blocking_threads(BACKGROUND_THREADS)
                .on_thread_start(yield_to_others)
                .build();
            threads
                .inspect_err(|error| tracing::warn!(%error, "background work has no threads of its own"))
                .ok()
        });
        match pool {
            Some(pool) => pool.spawn_blocking(work).await.map_err(io::Error::from),
            None => self.blocking(work).await,
        }
    }
}

/// Threads of background work, together: enough to keep a few drives reading.
const BACKGROUND_THREADS: usize = 8;
/// A "nice value": about a tenth of the processor time of an ordinary thread that competes. Not the lowest, for
/// background work holds locks now and then.
const BACKGROUND_PRIORITY: i32 = 10;

static BACKGROUND: OnceLock<Option<Runtime>> = OnceLock::new();

/// Lowers the priority of the calling thread, which is what setpriority(2) means by a process on Linux.
fn yield_to_others() {
    let _ = setpriority_process(None, BACKGROUND_PRIORITY);
}

#[cfg(test)]
impl Tasks {
    /// Threads, for tests that have no runtime.
    pub(crate) fn for_unit_tests() -> Self {
        use std::sync::OnceLock;
        static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
        let runtime = RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().expect("threads can be started"));
        Self { runtime: runtime.handle().clone(), simulated: false }
    }
}

/// The runtime that this thread belongs to, if that has several threads. A simulation has none.
pub fn threaded_runtime() -> Option<Handle> {
    Handle::try_current().ok().filter(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// Does what may wait for a disk on this thread. Is it a worker of a runtime with several, another takes its place meanwhile.
pub fn may_block<T>(work: impl FnOnce() -> T) -> T {
    match threaded_runtime() {
        Some(_) => tokio::task::block_in_place(work),
        None => work(),
    }
}
