//! Runs seeds on all cores and tells of those that fail.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};

use crate::world::{self, Report};

/// A whole deployment runs on one stack, in a build that is hardly optimized.
const STACK_BYTES: usize = 64 << 20;
/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// A number from the environment.
pub fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().filter(|text| !text.is_empty()).map(|text| text.parse().expect("a number"))
}

/// Memory where there is such a folder: databases are made and lost by the thousand.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::tempdir_in::<PathBuf>(parent).unwrap()
}

thread_local! {
    /// What a panic on this thread said; a task's would go unseen.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANIC.set(Some(panic.to_string()));
            usual(panic);
        }));
    });
}

fn run(seed: u64, echo: bool, lying: bool) -> Report {
    watch_panics();
    let folder = scratch();
    let caught = catch_unwind(AssertUnwindSafe(|| world::run(seed, folder.path(), echo, lying)));
    let mut report = caught.unwrap_or_else(|_| Report {
        trace_hash: 0,
        tail: String::new(),
        faults: BTreeMap::new(),
        result: Ok(()),
    });
    if let Some(panic) = PANIC.take() {
        report.result = Err(panic);
    }
    report
}

pub fn run_quietly(seed: u64) -> Report {
    run(seed, false, false)
}

pub fn run_with_lying_drives(seed: u64) -> Report {
    run(seed, false, true)
}

/// Runs seeds from 0 on, or the one that `HOLDFAST_SIM_SEED` names.
pub fn run_many(seeds: u64) {
    if let Some(seed) = number_of("HOLDFAST_SIM_SEED") {
        tracing_subscriber::fmt().without_time().with_max_level(tracing::Level::DEBUG).init();
        let report = run(seed, true, false);
        return assert_eq!(report.result, Ok(()), "seed {seed}");
    }
    let first = number_of("HOLDFAST_SIM_FIRST").unwrap_or(0);
    let (next, began, told) = (AtomicU64::new(0), Instant::now(), Mutex::new(Instant::now()));
    let (failed, faults) = (Mutex::new(Vec::new()), Mutex::new(BTreeMap::new()));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= seeds {
                return;
            }
            let report = run_quietly(first + index);
            for (fault, count) in &report.faults {
                *faults.lock().unwrap().entry(*fault).or_insert(0) += count;
            }
            if let Err(violation) = &report.result {
                println!("seed {} failed: {violation}\n{}", first + index, report.tail);
                failed.lock().unwrap().push(first + index);
            }
            let mut told = told.lock().unwrap();
            if told.elapsed() > PROGRESS_EVERY {
                *told = Instant::now();
                println!("{index} of {seeds} seeds, {:.1} a second", rate(index, began));
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            let worker = std::thread::Builder::new().stack_size(STACK_BYTES);
            worker.spawn_scoped(scope, work).unwrap();
        }
    });
    println!("{seeds} seeds, {:.1} a second; faults: {:#?}", rate(seeds, began), faults.lock().unwrap());
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} seeds failed; make sim SEED={} tells one", failed.len(), failed[0]);
}

fn rate(seeds: u64, began: Instant) -> f64 {
    seeds as f64 / began.elapsed().as_secs_f64()
}
