//! Whole deployments from one seed each: drives that tear, rot, fill, fail and stall, networks that lose
//! messages, power cuts. What was acknowledged must stand, whatever happens.
//!
//! `make sim SEEDS=1000` runs as many seeds as one likes, `make sim SEED=7` runs one and tells all of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod chaos;
mod client;
mod deployment;
mod disk;
mod model;
mod multipart;
mod network;
mod rng;
mod runner;
mod shared;
mod trace;
mod world;

/// Seeds of an ordinary test run.
const SEEDS: u64 = 200;

#[test]
fn what_is_acknowledged_outlives_all_faults() {
    runner::run_many(runner::number_of("HOLDFAST_SIM_SEEDS").unwrap_or(SEEDS));
}

#[test]
fn a_seed_always_takes_the_same_course() {
    for seed in 0..5 {
        let (one, other) = (runner::run_quietly(seed), runner::run_quietly(seed));
        assert_eq!(one.trace_hash, other.trace_hash, "seed {seed}:\n{}\n---\n{}", one.tail, other.tail);
    }
}

#[test]
fn drives_that_only_pretend_to_sync_are_found_out() {
    let found = (0..20).filter(|&seed| runner::run_with_lying_drives(seed).result.is_err()).count();
    assert!(found > 10, "only {found} of 20 seeds");
}
