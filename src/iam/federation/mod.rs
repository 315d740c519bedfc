//! Who vouches for people from outside: identity providers (OpenID Connect Core 1.0) and a directory (LDAP). Those take roles, whose
//! trust policies say for whom.
//!
//! - `identity`: somebody whom one of them vouches for.
//! - `provider`: where one is found, and its keys, which change now and then.
//! - `token`: what is believed of an ID token.
//! - `trust`: which role somebody may take.
//! - `code`: signing in by a browser (authorization code with PKCE, RFC 7636).
//! - `ldap`: names and passwords of a directory.
//!
//! A provider alone lets nobody in: without a role whose trust policy names it as `Federated` a valid token or password opens nothing.

mod code;
mod identity;
mod ldap;
mod provider;
mod token;
mod trust;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

pub use code::Begun;
pub use identity::{ProviderKind, WebIdentity};
pub use ldap::{LdapOptions, LoginRefused};
pub use provider::ProviderOptions;
pub use token::TokenRefused;
pub use trust::RoleOf;

use super::Iam;
use crate::http::tls::Trust;
use crate::sealing::{AeadKey, RootKey, Use};
use crate::types::{AccountId, Secret, Timestamp};
use ldap::LdapProvider;
use provider::Provider;

/// The identity providers of a deployment, and its directory.
pub struct Federation {
    providers: Vec<Provider>,
    ldap: Option<Arc<LdapProvider>>,
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
        Self { providers: Vec::new(), ldap: None, away }
    }

    /// Adds providers, which are asked only when somebody comes from them.
    pub(super) fn add(&mut self, options: &[ProviderOptions], trust: &Trust) {
        self.providers.extend(options.iter().map(|options| Provider::new(options.clone(), trust.clone())));
    }

    /// Has names and passwords of a directory taken.
    pub(super) fn set_ldap(&mut self, options: LdapOptions, trust: &Trust) {
        self.ldap = Some(Arc::new(LdapProvider::new(options, trust.clone())));
    }

    /// Whether there is a directory.
    pub fn has_ldap(&self) -> bool {
        self.ldap.is_some()
    }

    /// The identity providers, without the directory.
    pub fn open_id_providers(&self) -> impl Iterator<Item = &ProviderOptions> {
        self.providers.iter().map(|provider| &provider.options)
    }

    /// All of them, as the trust policies of an account name them.
    pub(super) fn provider_arns(&self, account: &AccountId) -> impl Iterator<Item = String> {
        let known = self.open_id_providers().map(|provider| provider.arn(account));
        known.chain(self.ldap.iter().map(|_| ProviderKind::Ldap.arn(account, ldap::NAME)))
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

impl Iam {
    /// Who has this name and password in the directory. Failures are counted as those of access keys are.
    pub async fn log_in_by_ldap(
        &self,
        (name, password): (&str, &Secret),
        peer: IpAddr,
        now: Timestamp,
    ) -> Result<WebIdentity, LoginRefused> {
        let ldap = self.federation().ldap.as_ref().ok_or(LoginRefused::NoDirectory)?;
        // No access key has a colon.
        let counted = format!("ldap:{}", name.to_lowercase());
        self.throttle().attempt(peer, &counted, now).map_err(LoginRefused::Throttled)?;
        let who = ldap.identify(name, password).await;
        match &who {
            Err(LoginRefused::Wrong) => {
                tracing::info!(user = name, %peer, "wrong name or password of the directory")
            }
            Err(error) => tracing::warn!(%error, "login by the directory failed"),
            Ok(_) => {}
        }
        if who != Err(LoginRefused::Wrong) {
            self.throttle().succeeded(peer, &counted);
        }
        who
    }
}
