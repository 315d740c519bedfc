use super::super::policy::PolicyError;

/// Why a change of users, groups, roles or policies is refused. The words are AWS's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Something that is named is not there.
    #[error("{0}")]
    NoSuchEntity(String),
    /// The name is taken, in whatever case.
    #[error("{0}")]
    AlreadyExists(String),
    /// Something still hangs on it.
    #[error("{0}")]
    DeleteConflict(String),
    /// There are as many as there may be.
    #[error("{0}")]
    LimitExceeded(String),
    /// A value cannot be what it is given as.
    #[error("{0}")]
    Invalid(String),
    /// Two tags of one request have one key.
    #[error("Duplicate tag keys found. Please note that Tag keys are case insensitive.")]
    DuplicateTags,
    /// A document is no policy.
    #[error("{0}")]
    Malformed(String),
    /// A policy that is there from the beginning stays as it is.
    #[error("{0}")]
    Unmodifiable(String),
}

impl IdentityError {
    /// A user, group or role that is not there.
    pub(super) fn missing(kind: &str, name: &str) -> Self {
        Self::NoSuchEntity(format!("The {kind} with name {name} cannot be found."))
    }

    /// A name that is taken.
    pub(super) fn taken(kind: &str, name: &str) -> Self {
        Self::AlreadyExists(format!("{kind} with name {name} already exists."))
    }

    /// A deletion that something stands in the way of.
    pub(super) fn conflict(first: &str) -> Self {
        Self::DeleteConflict(format!("Cannot delete entity, must {first} first."))
    }

    /// More of something than there may be.
    pub(super) fn limit(what: &str, max: usize) -> Self {
        Self::LimitExceeded(format!("Cannot exceed quota for {what}: {max}"))
    }
}

impl From<PolicyError> for IdentityError {
    fn from(error: PolicyError) -> Self {
        Self::Malformed(error.to_string())
    }
}
