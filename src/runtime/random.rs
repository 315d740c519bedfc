//! Randomness: the operating system's, or, in a simulation, what follows from a seed.

use std::cell::Cell;

thread_local! {
    /// State of the generator that this thread's random bytes come from, where it has one.
    static SEEDED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Random bytes from the operating system, fit for keys and ids.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    match SEEDED.get() {
        None => getrandom::fill(&mut bytes).expect("the operating system has a random source"),
        Some(state) => SEEDED.set(Some(fill(state, &mut bytes))),
    }
    bytes
}

/// From now on this thread's random bytes follow from the seed and from nothing else. For simulations:
/// whoever knows the seed knows every id.
pub fn seed_random(seed: u64) {
    SEEDED.set(Some(seed));
}

/// A step of SplitMix64 for every eight bytes; returns the state for the next.
fn fill(mut state: u64, bytes: &mut [u8]) -> u64 {
    for chunk in bytes.chunks_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_seeded_thread_repeats_itself() {
        let drawn = |seed: Option<u64>| {
            let draw = move || {
                seed.inspect(|&seed| seed_random(seed));
                (random_bytes::<16>(), random_bytes::<3>())
            };
            std::thread::spawn(draw).join().unwrap()
        };
        assert_eq!(drawn(Some(7)), drawn(Some(7)));
        assert_ne!(drawn(Some(7)), drawn(Some(8)));
        assert_ne!(drawn(None), drawn(None));
    }
}
