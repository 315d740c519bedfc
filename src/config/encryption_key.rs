//! The deployment's encryption key: given by the operator, or made once and kept in an owner-only file.

use std::path::{Path, PathBuf};

use super::{ConfigError, private_file};
use crate::iam::Secret;
use crate::runtime::random_bytes;

/// 32 bytes that everything encrypted depends on.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptionKey([u8; 32]);

impl EncryptionKey {
    /// Reads 64 hexadecimal digits.
    pub(super) fn parse(text: &Secret) -> Option<Self> {
        let digits = text.expose().trim().as_bytes();
        let mut key = [0; 32];
        if digits.len() != 2 * key.len() {
            return None;
        }
        for (byte, pair) in key.iter_mut().zip(digits.as_chunks::<2>().0) {
            let digit = |c: u8| char::from(c).to_digit(16);
            *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
        }
        Some(Self(key))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EncryptionKey(..)")
    }
}

/// The file in the state folder that keeps the key.
#[derive(Debug, Clone)]
pub(super) struct EncryptionKeyFile(PathBuf);

impl EncryptionKeyFile {
    /// The file in `state`.
    pub(super) fn in_folder(state: &Path) -> Self {
        Self(state.join("encryption.key"))
    }

    /// Reads the key; `None` where there is no file.
    pub(super) fn read(&self) -> Result<Option<EncryptionKey>, ConfigError> {
        let Some(text) = private_file::read(&self.0)? else { return Ok(None) };
        let key = EncryptionKey::parse(&Secret::new(text));
        key.map(Some).ok_or_else(|| ConfigError::EncryptionKeyMalformed { path: self.0.clone() })
    }

    /// Makes a key and keeps it. Never replaces one.
    pub(super) fn create(&self) -> Result<EncryptionKey, ConfigError> {
        let bytes: [u8; 32] = random_bytes();
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        private_file::write_new(&self.0, text.as_bytes())?;
        Ok(EncryptionKey(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_key_is_kept_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = EncryptionKeyFile::in_folder(folder.path());
        assert_eq!(file.read().unwrap(), None);
        let made = file.create().unwrap();
        assert_eq!(file.read().unwrap(), Some(made));
        assert!(file.create().is_err(), "nothing is replaced");
        std::fs::write(&file.0, "00ff").unwrap();
        assert!(matches!(file.read(), Err(ConfigError::EncryptionKeyMalformed { .. })));
    }

    #[test]
    fn a_key_is_sixty_four_hexadecimal_digits() {
        let parse = |text: &str| EncryptionKey::parse(&Secret::new(text));
        assert_eq!(parse(&"0aFf".repeat(16)).unwrap().bytes()[..2], [0x0a, 0xff]);
        for bad in ["", "00", &"0g".repeat(32), &"00".repeat(33)] {
            assert_eq!(parse(bad), None);
        }
    }
}
