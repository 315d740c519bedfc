//! Signing keys: derived from secret, day, region and service; the same all day, so kept.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::hmac::{self, HMAC_SHA256};

use super::claim::Service;
use crate::types::Secret;

/// Keys kept with one secret at most: presigned URLs are of several days, clients of a few regions.
const RECENT_KEYS_MAX: usize = 8;

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

/// A secret with the signing keys derived from it of late, so that a request derives none. Looking one up writes nothing,
/// so that requests on several processors do not wait for each other.
pub struct SigningSecret {
    secret: Secret,
    /// The newest first.
    recent: ArcSwap<Vec<Scoped>>,
}

/// A key, and what it signs for.
#[derive(Clone)]
struct Scoped {
    day: String,
    region: String,
    service: Service,
    key: SigningKey,
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(..)")
    }
}

impl SigningSecret {
    /// A secret of which no key is derived yet.
    pub fn new(secret: Secret) -> Self {
        Self { secret, recent: ArcSwap::default() }
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        self.secret.expose()
    }

    /// Signs with the key for S3 on this day in this region, which is derived where it is not yet known.
    pub fn with_key<T>(&self, day: &str, region: &str, sign: impl FnOnce(&SigningKey) -> T) -> T {
        self.with_key_for((day, region), Service::S3, sign)
    }

    /// As [`Self::with_key`], for any service.
    pub fn with_key_for<T>(
        &self,
        (day, region): (&str, &str),
        service: Service,
        sign: impl FnOnce(&SigningKey) -> T,
    ) -> T {
        let recent = self.recent.load();
        let is = |known: &&Scoped| known.day == day && known.region == region && known.service == service;
        if let Some(known) = recent.iter().find(is) {
            return sign(&known.key);
        }
        let key = SigningKey::derive(self.expose(), day, region, service.name());
        let signed = sign(&key);
        let mut kept = vec![Scoped { day: day.into(), region: region.into(), service, key }];
        kept.extend(recent.iter().take(RECENT_KEYS_MAX - 1).cloned());
        self.recent.store(Arc::new(kept));
        signed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_keys_sign_like_derived_keys() {
        let secrets = ["one", "two"].map(|secret| SigningSecret::new(Secret::new(secret)));
        for day in ["20130524", "20130525", "20130524"] {
            for secret in &secrets {
                let expected = SigningKey::derive(secret.expose(), day, "us-east-1", "s3").sign(b"x");
                assert_eq!(secret.with_key(day, "us-east-1", |key| key.sign(b"x")), expected);
            }
        }
    }

    #[test]
    fn few_keys_are_kept() {
        let secret = SigningSecret::new(Secret::new("secret"));
        for day in 0..RECENT_KEYS_MAX + 10 {
            secret.with_key(&day.to_string(), "us-east-1", |_| ());
        }
        assert_eq!(secret.recent.load().len(), RECENT_KEYS_MAX);
    }
}
