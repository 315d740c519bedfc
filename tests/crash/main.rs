//! Every crash of one drive: a fixed course of operations is stopped at each change it makes, and the drive is
//! opened from each state that a power cut may leave there, as far as they are not too many.
//!
//! What was acknowledged must be there. What was on its way reads back whole or as an error. And the drive goes on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "the drives in memory can do more than is needed here")]

#[path = "../sim/disk.rs"]
mod disk;
mod explore;
mod ledger;
#[path = "../sim/rng.rs"]
mod rng;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use explore::{States, Stop};

/// States looked at of one crash; where there are more, these are the first ones and some at random.
const STATES_MAX: usize = 16;

#[test]
fn a_drive_outlives_a_power_cut_at_every_change() {
    let (next, crashes, states) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let work = || {
        loop {
            let change = next.fetch_add(1, Relaxed);
            let (stopped, ledger) = explore::run_until(Stop::AtChange(change));
            let Some(disk) = stopped else { return };
            let mut left = States::of(disk, STATES_MAX, change);
            while let Some(state) = left.next_state() {
                let checked = explore::check(state, &ledger);
                assert_eq!(checked, Ok(()), "change {change}, state {}", left.number());
                states.fetch_add(1, Relaxed);
            }
            crashes.fetch_add(1, Relaxed);
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(work))));
    let (crashes, states) = (crashes.into_inner(), states.into_inner());
    println!("{crashes} crashes, {states} states");
    assert!(crashes > 400 && states > 4 * crashes, "{crashes} crashes, {states} states");
}

#[test]
fn a_drive_that_does_not_sync_is_found_out() {
    let lost = (300..2_000).any(|change| {
        let (stopped, ledger) = explore::run_until(Stop::LyingAtChange(change));
        let Some(disk) = stopped else { return false };
        let mut left = States::of(disk, STATES_MAX, change);
        std::iter::from_fn(|| left.next_state()).any(|state| explore::check(state, &ledger).is_err())
    });
    assert!(lost, "all that was acknowledged was there without a sync");
}
