//! Who may call: access keys, their secrets and whose they are.
//!
//! There is one account, root, and it may do everything.

mod acl;
pub mod policy;
mod principal;
mod secret;

pub use acl::granted;
pub use principal::{Account, Principal, Session, User};
pub use secret::Secret;

use crate::checksum::Sha256;

/// An access key and its secret.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Public name of the pair.
    pub access_key: String,
    /// What signatures are made with.
    pub secret: Secret,
}

/// Whose request this is, as answers show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// 64 hexadecimal digits that name the account for good.
    pub canonical_id: String,
    /// A name for people.
    pub display_name: String,
}

/// The accounts of this deployment.
#[derive(Debug)]
pub struct Iam {
    root: Credentials,
    root_identity: Identity,
}

impl Iam {
    /// Knows the root account alone.
    pub fn new(root: Credentials) -> Self {
        let digest = Sha256::digest(b"holdfast account: root");
        let canonical_id = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { root, root_identity: Identity { canonical_id, display_name: "root".into() } }
    }

    /// Secret and owner of an access key.
    pub fn find(&self, access_key: &str) -> Option<(&Secret, &Identity)> {
        (access_key == self.root.access_key).then_some((&self.root.secret, &self.root_identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iam() -> Iam {
        Iam::new(Credentials { access_key: "AK".into(), secret: Secret::new("hush") })
    }

    #[test]
    fn known_key_gives_secret_and_identity() {
        let iam = iam();
        let (secret, identity) = iam.find("AK").unwrap();
        assert_eq!(secret.expose(), "hush");
        assert_eq!(identity.canonical_id.len(), 64);
        assert!(iam.find("ak").is_none() && iam.find("").is_none());
    }

    #[test]
    fn debug_output_holds_no_secret() {
        assert!(!format!("{:?}", iam()).contains("hush"));
    }
}
