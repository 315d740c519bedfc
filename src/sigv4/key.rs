//! Signing keys: derived from secret, day, region and service; the same all day, so kept.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use ring::hmac::{self, HMAC_SHA256};

/// Keys kept at most; the cache starts afresh when it is full.
const CACHED_KEYS_MAX: usize = 1024;

/// A derived signing key, ready to sign.
#[derive(Clone)]
pub struct SigningKey(hmac::Key);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl SigningKey {
    /// Derives the key of one day, region and service.
    pub fn derive(secret: &str, day: &str, region: &str, service: &str) -> Self {
        let mut key = hmac::Key::new(HMAC_SHA256, &[b"AWS4", secret.as_bytes()].concat());
        for step in [day, region, service, "aws4_request"] {
            key = hmac::Key::new(HMAC_SHA256, hmac::sign(&key, step.as_bytes()).as_ref());
        }
        Self(key)
    }

    /// The signature of a string to sign.
    pub fn sign(&self, string_to_sign: &[u8]) -> [u8; 32] {
        let tag = hmac::sign(&self.0, string_to_sign);
        tag.as_ref().try_into().expect("an hmac-sha-256 has 32 bytes")
    }
}

/// Signing keys derived before. A key that belongs to another secret is never given out.
#[derive(Default)]
pub struct KeyCache(RwLock<HashMap<CacheKey, SigningKey>>);

#[derive(PartialEq, Eq, Hash)]
struct CacheKey {
    secret: String,
    day: String,
    region: String,
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyCache(..)")
    }
}

impl KeyCache {
    /// The key for S3 on this day in this region, derived where it is not yet known.
    pub fn get(&self, secret: &str, day: &str, region: &str) -> SigningKey {
        let key = CacheKey { secret: secret.into(), day: day.into(), region: region.into() };
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let derived = SigningKey::derive(secret, day, region, "s3");
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= CACHED_KEYS_MAX {
            keys.clear();
        }
        keys.insert(key, derived.clone());
        derived
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_keys_sign_like_derived_keys() {
        let cache = KeyCache::default();
        for _ in 0..2 {
            for secret in ["one", "two"] {
                let expected = SigningKey::derive(secret, "20130524", "us-east-1", "s3").sign(b"x");
                assert_eq!(cache.get(secret, "20130524", "us-east-1").sign(b"x"), expected);
            }
        }
    }

    #[test]
    fn cache_stays_within_its_bound() {
        let cache = KeyCache::default();
        for day in 0..CACHED_KEYS_MAX + 10 {
            cache.get("secret", &day.to_string(), "us-east-1");
        }
        assert!(cache.0.read().unwrap().len() <= CACHED_KEYS_MAX);
    }
}
