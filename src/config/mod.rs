//! Configuration: flags, `HOLDFAST_*` variables and one TOML file say the same things.
//!
//! The order of precedence is flags, then variables, then the file, then defaults. [`Settings`] is what
//! was said, [`Options`] is what it means: everything in it has been validated.

mod client;
mod credentials;
mod ellipses;
mod encryption_key;
mod error;
mod identity_providers;
mod key_service;
mod ldap;
mod options;
mod private_file;
mod settings;

pub use client::ClientHints;
pub use credentials::{Credentials, CredentialsFile, CredentialsOrigin};
pub use encryption_key::EncryptionKey;
pub use error::ConfigError;
pub use options::{Listen, Logging, Options, Role, RoleName};
pub use settings::{EffectiveSetting, Environment, Settings};
