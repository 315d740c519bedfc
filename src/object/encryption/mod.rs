//! Encryption at rest: an object's bytes under a key of its own, that key under another.
//!
//! - The object's own key is random, made for each write, and kept beside the object, sealed (envelope encryption).
//! - It is sealed under a *named key* of the keyring (SSE-S3 has one of its own, SSE-KMS names one) or under the key
//!   that the client brings with each request (SSE-C), which is never kept.
//! - The key of SSE-KMS may be one of a key service outside (`transit`) instead.
//! - Named keys stand in the metadata, on every drive, sealed under the *deployment's key*, which is on no drive: whoever
//!   finds drives can read no encrypted object, and who loses the gateway's machine needs that one key to go on.
//!
//! What stands on drives is sealed before it is encoded, so healing, scrubbing and moving shards need no key.

mod chunks;
mod keyring;
mod named_keys;
mod transit;

pub(crate) use chunks::{Opener, SealedRun, Sealer};
pub use keyring::{CustomerKey, NewEncryption};
pub(crate) use keyring::{Keyring, check_customer_key, check_customer_key_opens};
pub use named_keys::KeyInfo;
pub use transit::{Kms, KmsHealth, KmsLogin, KmsOptions};
