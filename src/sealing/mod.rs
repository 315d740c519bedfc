//! What is kept sealed: authenticated encryption, and the deployment's key with all that is derived from it.
//!
//! - `aead`: AES-256-GCM with random nonces.
//! - `root_key`: the deployment's key, which is on no drive.

mod aead;
mod root_key;

pub(crate) use aead::{AeadKey, KEY_LEN, SEALED_EXTRA_LEN};
pub use root_key::RootKey;
pub(crate) use root_key::Use;
