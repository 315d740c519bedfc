//! AES-256-GCM with random nonces (NIST SP 800-38D): all that is sealed is `nonce || ciphertext || tag`.
//!
//! Nonces are random so that nobody has to remember which were used. A key seals the chunks of one object, at most
//! 2^27 of them, or other keys: that two nonces of 96 bits meet has a chance below 2^-42.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::runtime::random_bytes;

/// Bytes of a key.
pub(crate) const KEY_LEN: usize = 32;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
/// Bytes that a sealed text is longer than the text.
pub(crate) const SEALED_EXTRA_LEN: usize = NONCE_LEN + TAG_LEN;

/// A key that seals and opens.
#[derive(Clone)]
pub(crate) struct AeadKey(Arc<LessSafeKey>);

impl AeadKey {
    pub(crate) fn new(key: &[u8; KEY_LEN]) -> Self {
        let unbound = UnboundKey::new(&AES_256_GCM, key).expect("the key is as long as the algorithm's");
        Self(Arc::new(LessSafeKey::new(unbound)))
    }

    /// A new key, and its bytes for whoever keeps them sealed.
    pub(crate) fn random() -> (Self, [u8; KEY_LEN]) {
        let bytes = random_bytes();
        (Self::new(&bytes), bytes)
    }

    /// Seals a text onto the end of `out`. `bound` must be the same when it is opened.
    pub(crate) fn seal_onto(&self, plain: &[u8], bound: &[u8], out: &mut Vec<u8>) {
        let nonce: [u8; NONCE_LEN] = random_bytes();
        out.extend_from_slice(&nonce);
        let start = out.len();
        out.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealed = self.0.seal_in_place_separate_tag(nonce, Aad::from(bound), &mut out[start..]);
        out.extend_from_slice(sealed.expect("texts are far shorter than 64 GiB").as_ref());
    }

    /// Seals a short text.
    pub(crate) fn seal(&self, plain: &[u8], bound: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(plain.len() + SEALED_EXTRA_LEN);
        self.seal_onto(plain, bound, &mut sealed);
        sealed
    }

    /// Opens into `plain`, which must be as long as the text. `None` if this is not what was sealed with this key; then
    /// nothing of the text is in `plain`.
    pub(crate) fn open_into(&self, sealed: &[u8], bound: &[u8], plain: &mut [u8]) -> Option<()> {
        let (nonce, text_and_tag) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let (text, tag) = text_and_tag.split_last_chunk::<TAG_LEN>()?;
        if text.len() != plain.len() {
            return None;
        }
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0.open_separate_gather(nonce, Aad::from(bound), text, tag, plain).ok()
    }

    /// Opens a sealed text.
    pub(crate) fn open(&self, sealed: &[u8], bound: &[u8]) -> Option<Vec<u8>> {
        let mut plain = vec![0; sealed.len().checked_sub(SEALED_EXTRA_LEN)?];
        self.open_into(sealed, bound, &mut plain)?;
        Some(plain)
    }

    /// Opens a sealed key.
    pub(crate) fn open_key(&self, sealed: &[u8], bound: &[u8]) -> Option<Self> {
        self.open_bytes(sealed, bound).map(|bytes| Self::new(&bytes))
    }

    /// Opens the bytes of a sealed key.
    pub(crate) fn open_bytes(&self, sealed: &[u8], bound: &[u8]) -> Option<[u8; KEY_LEN]> {
        self.open(sealed, bound)?.first_chunk().copied()
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AeadKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_with_its_key_and_what_it_is_bound_to_alone() {
        let (key, bytes) = AeadKey::random();
        let sealed = key.seal(b"text", b"bound");
        assert_eq!(sealed.len(), 4 + 28);
        let open = |key: &AeadKey, sealed: Vec<u8>, bound: &[u8]| key.open(&sealed, bound);
        assert_eq!(open(&AeadKey::new(&bytes), sealed.clone(), b"bound").unwrap(), b"text");
        assert_eq!(open(&key, sealed.clone(), b"else"), None);
        assert_eq!(open(&AeadKey::random().0, sealed.clone(), b"bound"), None);
        for at in 0..sealed.len() {
            let mut touched = sealed.clone();
            touched[at] ^= 1;
            assert_eq!(open(&key, touched, b"bound"), None, "byte {at}");
        }
        assert_eq!(open(&key, sealed[..27].to_vec(), b"bound"), None);
        assert_eq!(open(&key, Vec::new(), b"bound"), None);
        assert!(key.seal(b"text", b"bound") != sealed, "no nonce twice");
    }
}
