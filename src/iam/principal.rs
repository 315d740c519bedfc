//! Accounts, and who within them calls.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::types::{AccountId, CallerName, CanonicalId, Timestamp};

/// An account: what owns buckets and objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its 12 digits.
    pub id: AccountId,
    /// Its name in ACLs and as an owner.
    pub canonical_id: CanonicalId,
    /// A name for people.
    pub name: String,
    /// Its address, by which ACLs may name it; one account alone has it.
    pub email: Option<String>,
}

impl Account {
    /// What is left of an account that was removed: the id that what it owned still has.
    pub fn gone(canonical_id: CanonicalId) -> Self {
        Self { id: AccountId::from_number(0), canonical_id, name: String::new(), email: None }
    }
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Nobody signed.
    Anonymous,
    /// The account itself, which may do everything with what it owns.
    Root(Arc<Account>),
    /// A user of an account.
    User(Arc<User>),
    /// Somebody who took a role.
    Session(Arc<Session>),
    /// Somebody whom a provider of identities vouches for, who has taken no role yet; the provider's ARN.
    Federated(Arc<str>),
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Whose user.
    pub account: Arc<Account>,
    /// What names this user for good, whatever the name: `AIDA...`.
    pub id: String,
    /// Its path, `/` or `/division/`.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When the token that it calls with was issued; none where it calls with an access key of its own.
    pub token_issued: Option<Timestamp>,
}

/// A role that somebody took for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose role.
    pub account: Arc<Account>,
    /// What names the role for good: `AROA...`.
    pub role_id: String,
    /// The role's path, `/` or `/division/`.
    pub role_path: String,
    /// The role's name.
    pub role_name: String,
    /// What who took it calls the session.
    pub name: String,
    /// Tags of the role, and those that were given with the session.
    pub tags: BTreeMap<String, String>,
    /// Who it is that took the first of the roles that led here, where that was said.
    pub source_identity: Option<String>,
    /// When its token was issued.
    pub token_issued: Timestamp,
}

impl Session {
    /// The ARN of the role.
    pub fn role_arn(&self) -> String {
        format!("arn:aws:iam::{}:role{}{}", self.account.id, self.role_path, self.role_name)
    }
}

impl Principal {
    /// Its account; nobody in particular has none.
    pub fn account(&self) -> Option<&Arc<Account>> {
        match self {
            Self::Anonymous | Self::Federated(_) => None,
            Self::Root(account) => Some(account),
            Self::User(user) => Some(&user.account),
            Self::Session(session) => Some(&session.account),
        }
    }

    /// Whether it is of the account with this id.
    pub fn is_of(&self, owner: &CanonicalId) -> bool {
        self.account().is_some_and(|account| account.canonical_id == *owner)
    }

    /// Its ARN; `anonymous` for nobody in particular.
    pub fn arn(&self) -> Cow<'static, str> {
        match self {
            Self::Anonymous => "anonymous".into(),
            Self::Federated(provider) => provider.to_string().into(),
            Self::Root(account) => format!("arn:aws:iam::{}:root", account.id).into(),
            Self::User(user) => {
                format!("arn:aws:iam::{}:user{}{}", user.account.id, user.path, user.name).into()
            }
            Self::Session(session) => {
                let Session { account, role_name, name, .. } = &**session;
                format!("arn:aws:sts::{}:assumed-role/{role_name}/{name}", account.id).into()
            }
        }
    }

    /// How logs name it.
    pub fn name(&self) -> CallerName {
        let source_identity = self.source_identity().map(str::to_owned);
        CallerName { arn: self.arn().into_owned(), source_identity }
    }

    /// Who it is behind the roles that were taken, where that was said.
    pub fn source_identity(&self) -> Option<&str> {
        match self {
            Self::Session(session) => session.source_identity.as_deref(),
            Self::Anonymous | Self::Root(_) | Self::User(_) | Self::Federated(_) => None,
        }
    }

    /// One of its tags; the case of its key does not count.
    fn tag(&self, key: &str) -> Option<&str> {
        let tags = match self {
            Self::Anonymous | Self::Root(_) | Self::Federated(_) => return None,
            Self::User(user) => &user.tags,
            Self::Session(session) => &session.tags,
        };
        let found = tags.iter().find(|(known, _)| known.eq_ignore_ascii_case(key));
        found.map(|(_, value)| value.as_str())
    }

    /// When the token of temporary credentials was issued.
    fn token_issued(&self) -> Option<Timestamp> {
        match self {
            Self::Anonymous | Self::Root(_) | Self::Federated(_) => None,
            Self::User(user) => user.token_issued,
            Self::Session(session) => Some(session.token_issued),
        }
    }

    /// The value of a condition key that is about the caller alone (AWS: "Properties of the principal"); the name
    /// in lower case.
    pub fn condition_key(&self, name: &str) -> Option<Cow<'_, str>> {
        if let Some(tag) = name.strip_prefix("aws:principaltag/") {
            return self.tag(tag).map(Cow::Borrowed);
        }
        match name {
            "aws:principalarn" => match self {
                Self::Anonymous | Self::Federated(_) => None,
                Self::Session(session) => Some(session.role_arn().into()),
                Self::Root(_) | Self::User(_) => Some(self.arn()),
            },
            "aws:principalaccount" => self.account().map(|account| account.id.as_str().into()),
            "aws:principaltype" => Some(
                match self {
                    Self::Anonymous => "Anonymous",
                    Self::Federated(_) => "FederatedUser",
                    Self::Root(_) => "Account",
                    Self::User(_) => "User",
                    Self::Session(_) => "AssumedRole",
                }
                .into(),
            ),
            "aws:userid" => Some(match self {
                Self::Anonymous => "anonymous".into(),
                Self::Federated(provider) => provider.as_ref().into(),
                Self::Root(account) => account.id.as_str().into(),
                Self::User(user) => user.id.as_str().into(),
                Self::Session(session) => format!("{}:{}", session.role_id, session.name).into(),
            }),
            "aws:username" => match self {
                Self::User(user) => Some(user.name.as_str().into()),
                Self::Anonymous | Self::Root(_) | Self::Session(_) | Self::Federated(_) => None,
            },
            "aws:sourceidentity" => self.source_identity().map(Cow::Borrowed),
            "aws:tokenissuetime" => self.token_issued().map(|issued| issued.iso().into()),
            // There are no MFA devices; AWS says so of temporary credentials alone.
            "aws:multifactorauthpresent" => self.token_issued().map(|_| "false".into()),
            _ => None,
        }
    }
}
