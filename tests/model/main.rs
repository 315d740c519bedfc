//! Sequences of operations on the engine against a map in memory. A sequence that gives another answer is cut
//! down to the shortest that still does.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "the simulation's parts can do more than is needed here")]

#[path = "../sim/deployment.rs"]
mod deployment;
#[path = "../sim/disk.rs"]
mod disk;
#[path = "../sim/network.rs"]
mod network;
mod operations;
mod reference;
#[path = "../sim/rng.rs"]
mod rng;

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_answers_as_a_map_does(
        operations in proptest::collection::vec(operations::any_operation(), 1..40),
        drives in 1..7usize,
    ) {
        prop_assert_eq!(operations::run(drives, &operations), Ok(()));
    }
}
