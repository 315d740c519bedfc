//! How often a pair may be guessed: failures count for the address that they come from and for the name, an access key or that of
//! a directory's user, that they are about. Each has so many that may follow each other at once, and gets one more every few seconds.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::types::Timestamp;

/// Failures that may follow each other at once.
const AT_ONCE: u64 = 20;

/// After how long one more is allowed.
const ONE_MORE_MILLIS: u64 = 5_000;

/// Addresses and names that are remembered. Beyond it those are forgotten that failed longest ago.
const REMEMBERED_MAX: usize = 10_000;

/// What failures count for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Counted {
    Address(IpAddr),
    Name(String),
}

/// Failures of late.
#[derive(Debug, Default)]
pub struct Throttle {
    /// When all that failed will be forgiven.
    forgiven: Mutex<HashMap<Counted, u64>>,
}

impl Throttle {
    /// Counts an attempt, which [`Self::succeeded`] takes back; the seconds to wait where there were too many.
    pub fn attempt(&self, peer: IpAddr, name: &str, now: Timestamp) -> Result<(), u64> {
        let now = now.as_millis();
        let mut all = self.forgiven.lock().unwrap_or_else(PoisonError::into_inner);
        let names = counted(peer, name);
        let debt = |name: &Counted| all.get(name).map_or(0, |until| until.saturating_sub(now));
        let most = (AT_ONCE - 1) * ONE_MORE_MILLIS;
        let worst = names.iter().map(debt).max().unwrap_or(0);
        if worst > most {
            return Err((worst - most).div_ceil(1000));
        }
        if all.len() + names.len() > REMEMBERED_MAX {
            all.retain(|_, until| *until > now);
        }
        while all.len() + names.len() > REMEMBERED_MAX {
            let Some(first) = all.iter().min_by_key(|(_, until)| **until).map(|(name, _)| name.clone())
            else {
                break;
            };
            all.remove(&first);
        }
        for name in names {
            let until = all.entry(name).or_insert(0);
            *until = (*until).max(now) + ONE_MORE_MILLIS;
        }
        Ok(())
    }

    /// The attempt was none at guessing.
    pub fn succeeded(&self, peer: IpAddr, name: &str) {
        let mut all = self.forgiven.lock().unwrap_or_else(PoisonError::into_inner);
        for name in counted(peer, name) {
            if let Some(until) = all.get_mut(&name) {
                *until = until.saturating_sub(ONE_MORE_MILLIS);
            }
        }
    }
}

fn counted(peer: IpAddr, name: &str) -> [Counted; 2] {
    let address = match peer.to_canonical() {
        // Whoever has one address of a network of version 6 has all of them.
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address @ IpAddr::V4(_) => address,
    };
    // Longer ones than any access key are not worth the memory.
    let name = name.chars().take(128).collect();
    [Counted::Address(address), Counted::Name(name)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_millis(secs * 1000)
    }

    #[test]
    fn an_address_that_fails_too_often_waits_whatever_key_it_tries() {
        let throttle = Throttle::default();
        for number in 0..AT_ONCE {
            assert_eq!(throttle.attempt(HERE, &format!("key{number}"), at(100)), Ok(()));
        }
        assert_eq!(throttle.attempt(HERE, "another", at(100)), Err(5));
        assert_eq!(throttle.attempt(THERE, "another", at(100)), Ok(()));
        assert_eq!(throttle.attempt(HERE, "another", at(105)), Ok(()));
        assert!(throttle.attempt(HERE, "another", at(105)).is_err(), "one more, not all of them");
    }

    #[test]
    fn a_key_that_is_guessed_from_everywhere_is_throttled_too() {
        let throttle = Throttle::default();
        for number in 0..AT_ONCE as u8 {
            assert_eq!(throttle.attempt(IpAddr::from([10, 0, 1, number]), "key", at(1)), Ok(()));
        }
        assert!(throttle.attempt(THERE, "key", at(1)).is_err());
        assert_eq!(throttle.attempt(THERE, "other", at(1)), Ok(()));
    }

    #[test]
    fn who_knows_the_secret_is_never_throttled() {
        let throttle = Throttle::default();
        for _ in 0..1000 {
            assert_eq!(throttle.attempt(HERE, "key", at(1)), Ok(()));
            throttle.succeeded(HERE, "key");
        }
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let throttle = Throttle::default();
        let address = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        for number in 0..AT_ONCE {
            assert_eq!(throttle.attempt(address(number as u16), &format!("key{number}"), at(1)), Ok(()));
        }
        assert!(throttle.attempt(address(999), "another", at(1)).is_err());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let throttle = Throttle::default();
        for number in 0..REMEMBERED_MAX as u32 + 10 {
            let _ = throttle.attempt(IpAddr::from(number.to_be_bytes()), &format!("key{number}"), at(1));
        }
        assert!(throttle.forgiven.lock().unwrap().len() <= REMEMBERED_MAX);
    }
}
