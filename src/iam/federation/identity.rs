//! Somebody from outside, however it became known who that is.

use serde_json::{Map, Value};

use crate::iam::sessions::{is_session_name, may_name_session};
use crate::types::{AccountId, CallerName};

/// What vouches for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// An identity provider, by a token.
    OpenIdConnect,
    /// A directory, by a password.
    Ldap,
}

impl ProviderKind {
    /// What somebody does who takes a role, as trust policies name it.
    pub fn action(self) -> &'static str {
        match self {
            Self::OpenIdConnect => "sts:AssumeRoleWithWebIdentity",
            Self::Ldap => "sts:AssumeRoleWithLDAPIdentity",
        }
    }

    /// One of them, as the trust policies of an account name it.
    pub(super) fn arn(self, account: &AccountId, provider: &str) -> String {
        format!("arn:aws:iam::{account}:{}/{provider}", self.in_arn())
    }

    fn in_arn(self) -> &'static str {
        match self {
            Self::OpenIdConnect => "oidc-provider",
            Self::Ldap => "ldap-provider",
        }
    }
}

/// Somebody whom a provider vouches for.
#[derive(Debug, Clone, PartialEq)]
pub struct WebIdentity {
    /// What the provider is.
    pub kind: ProviderKind,
    /// The provider, as ARNs and condition keys name it: its issuer without the scheme, or `ldap`.
    pub provider: String,
    /// Who, in the provider's words.
    pub subject: String,
    /// What the provider was told to repeat in the token.
    pub nonce: Option<String>,
    /// Who it is, in the provider's words for what sessions do (AWS: "source identity").
    pub source_identity: Option<String>,
    /// Roles that the provider names.
    pub roles: Vec<String>,
    pub(super) claims: Map<String, Value>,
}

impl WebIdentity {
    /// How logs name it.
    pub fn full_name(&self) -> String {
        format!("{}:{}", self.provider, self.subject)
    }

    /// The same, with whom the provider says that it is.
    pub fn caller_name(&self) -> CallerName {
        CallerName { arn: self.full_name(), source_identity: self.source_identity.clone() }
    }

    /// The provider, as the trust policies of an account name it.
    pub fn provider_arn(&self, account: &AccountId) -> String {
        self.kind.arn(account, &self.provider)
    }

    /// What is told to somebody who may take none of the roles that the provider names.
    pub fn without_role(&self) -> String {
        let whose = match self.kind {
            ProviderKind::OpenIdConnect => "the identity provider names",
            ProviderKind::Ldap => "the groups of the directory name",
        };
        let roles = if self.roles.is_empty() { "no role".to_owned() } else { self.roles.join(", ") };
        format!(
            "{} may take no role: {whose} {roles}, and none of these has a trust policy that lets you",
            self.subject
        )
    }

    /// A text that the provider says of it.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// A name for a session: an address or a name that is fit, else the subject.
    pub fn session_name(&self) -> String {
        let fit = |text: &&str| is_session_name(text);
        let named = ["email", "preferred_username"].iter().filter_map(|claim| self.claim(claim));
        let named = named.chain([self.subject.as_str()]).find(fit).map(str::to_owned);
        named.unwrap_or_else(|| {
            let kept: String = self.subject.chars().filter(|c| may_name_session(*c)).take(60).collect();
            format!("id-{kept}")
        })
    }

    /// What conditions of trust policies see: every claim of one or more texts, below the provider's name.
    pub(super) fn condition_keys(&self) -> impl Iterator<Item = (String, String)> {
        let texts = |value: &Value| match value {
            Value::String(text) => vec![text.clone()],
            Value::Bool(is) => vec![is.to_string()],
            Value::Number(number) => vec![number.to_string()],
            Value::Array(values) => {
                values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
            }
            Value::Null | Value::Object(_) => Vec::new(),
        };
        let claims = self.claims.iter();
        let claims =
            claims.flat_map(move |(name, value)| texts(value).into_iter().map(move |text| (name, text)));
        claims.map(|(name, text)| (format!("{}:{name}", self.provider), text))
    }
}
