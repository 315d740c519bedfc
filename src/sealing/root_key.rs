//! The deployment's key. Named keys are sealed under it; whatever else is sealed has a key derived from it for that use alone
//! (HKDF, RFC 5869), so that nothing sealed for one use opens as something of another.

use std::fmt;

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

use super::aead::{AeadKey, KEY_LEN};

/// The deployment's key. On no drive.
#[derive(Clone)]
pub struct RootKey {
    own: AeadKey,
    derives: Prk,
}

/// What a derived key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Secrets of access keys.
    AccessKeys,
    /// What tokens of sessions hold.
    SessionTokens,
    /// What cookies of sign-ins hold.
    SignIns,
    /// What cookies of those hold who are away to sign in elsewhere.
    CodeFlows,
}

impl Use {
    /// Its label. Never changes: what was sealed would not open again.
    fn label(self) -> &'static [u8] {
        match self {
            Self::AccessKeys => b"holdfast secrets of access keys",
            Self::SessionTokens => b"holdfast session tokens",
            Self::SignIns => b"holdfast sign-ins",
            Self::CodeFlows => b"holdfast code flows",
        }
    }
}

/// How long a derived key is.
struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        KEY_LEN
    }
}

impl RootKey {
    /// Takes 32 bytes.
    pub fn new(bytes: &[u8; KEY_LEN]) -> Self {
        let derives = Salt::new(HKDF_SHA256, b"holdfast").extract(bytes);
        Self { own: AeadKey::new(bytes), derives }
    }

    /// The key itself, which named keys are sealed under.
    pub(crate) fn own(&self) -> &AeadKey {
        &self.own
    }

    /// The key for one use.
    pub(crate) fn derive(&self, of: Use) -> AeadKey {
        let mut key = [0; KEY_LEN];
        let info = [of.label()];
        let derived = self.derives.expand(&info, Length).and_then(|derived| derived.fill(&mut key));
        derived.expect("a key is far shorter than the 8,160 bytes that can be derived");
        AeadKey::new(&key)
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_key_is_the_same_again_and_another_than_the_deployments_own() {
        let (key, again, other) = (RootKey::new(&[1; 32]), RootKey::new(&[1; 32]), RootKey::new(&[2; 32]));
        let sealed = key.derive(Use::AccessKeys).seal(b"text", b"bound");
        assert_eq!(again.derive(Use::AccessKeys).open(&sealed, b"bound").unwrap(), b"text");
        assert_eq!(key.derive(Use::SessionTokens).open(&sealed, b"bound"), None);
        assert_eq!(key.own().open(&sealed, b"bound"), None);
        assert_eq!(other.derive(Use::AccessKeys).open(&sealed, b"bound"), None);
        assert_eq!(format!("{key:?}"), "RootKey(..)");
    }
}
