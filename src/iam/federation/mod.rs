//! Identity providers outside (OpenID Connect Core 1.0): people and programs that they vouch for take roles, whose trust
//! policies say for whom.
//!
//! - `provider`: where one is found, and its keys, which change now and then.
//! - `token`: what is believed of an ID token.
//! - `trust`: which role somebody may take.
//! - `code`: signing in by a browser (authorization code with PKCE, RFC 7636).
//!
//! A provider alone lets nobody in: without a role whose trust policy names it as `Federated` a valid token opens nothing.

mod code;
mod provider;
mod token;
mod trust;

use std::fmt;

pub use code::Begun;
pub use provider::ProviderOptions;
pub use token::{TokenRefused, WebIdentity};
pub use trust::RoleOf;

use crate::http::tls::Trust;
use crate::sealing::{AeadKey, RootKey, Use};
use crate::types::Timestamp;
use provider::Provider;

/// The identity providers of a deployment.
pub struct Federation {
    providers: Vec<Provider>,
    /// Seals what browsers that are away keep.
    away: AeadKey,
}

impl fmt::Debug for Federation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.providers.iter().map(|provider| &provider.options.id)).finish()
    }
}

impl Federation {
    /// None. What is sealed later is sealed under a key derived from the deployment's, or one of this process.
    pub(super) fn new(root: Option<&RootKey>) -> Self {
        let away = root.map_or_else(|| AeadKey::random().0, |root| root.derive(Use::CodeFlows));
        Self { providers: Vec::new(), away }
    }

    /// Adds providers, which are asked only when somebody comes from them.
    pub(super) fn add(&mut self, options: &[ProviderOptions], trust: &Trust) {
        self.providers.extend(options.iter().map(|options| Provider::new(options.clone(), trust.clone())));
    }

    /// Their names, as links to sign in have them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.providers.iter().map(|provider| provider.options.id.as_str())
    }

    /// Whom an ID token stands for.
    pub async fn identify(&self, token: &str, now: Timestamp) -> Result<WebIdentity, TokenRefused> {
        let issuer = token::issuer_of(token)?;
        let provider = self.providers.iter().find(|provider| provider.options.issuer == issuer);
        let provider = provider.ok_or_else(|| {
            TokenRefused::Invalid("No OpenIDConnect provider found in your account for the issuer".into())
        })?;
        provider.identify(token, now).await
    }

    fn named(&self, id: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.options.id == id)
    }
}
