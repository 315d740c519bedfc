//! How secrets of access keys are kept: sealed under a key of their own, which is derived from the deployment's, and bound to
//! the access key.

use crate::sealing::{AeadKey, RootKey, Use};
use crate::types::{Secret, StoredSecret};

/// Seals and opens secrets; nothing where the deployment's key is missing.
#[derive(Debug, Default)]
pub(super) struct Secrets(Option<AeadKey>);

impl Secrets {
    /// Under this key of the deployment, if it is there.
    pub(super) fn new(root: Option<&RootKey>) -> Self {
        Self(root.map(|root| root.derive(Use::AccessKeys)))
    }

    /// The form in which the secret of an access key is kept; `None` where nothing can be sealed.
    pub(super) fn seal(&self, access_key: &str, secret: &Secret) -> Option<StoredSecret> {
        let key = self.0.as_ref()?;
        Some(StoredSecret::Sealed(key.seal(secret.expose().as_bytes(), &bound_to(access_key))))
    }

    /// The secret; `None` of one that the deployment's key does not open.
    pub(super) fn open(&self, access_key: &str, stored: &StoredSecret) -> Option<Secret> {
        match stored {
            StoredSecret::Plain(secret) => Some(secret.clone()),
            StoredSecret::Sealed(sealed) => {
                let opened = self.0.as_ref()?.open(sealed, &bound_to(access_key))?;
                String::from_utf8(opened).ok().map(Secret::new)
            }
        }
    }
}

fn bound_to(access_key: &str) -> Vec<u8> {
    [b"holdfast access key\0", access_key.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_under_the_same_key_for_the_same_access_key_alone() {
        let secrets = Secrets::new(Some(&RootKey::new(&[1; 32])));
        let sealed = secrets.seal("AKIA", &Secret::new("hush")).unwrap();
        assert!(!format!("{sealed:?}").contains("hush"));
        assert_eq!(secrets.open("AKIA", &sealed).unwrap().expose(), "hush");
        assert_eq!(secrets.open("AKIB", &sealed), None);
        assert_eq!(Secrets::new(Some(&RootKey::new(&[2; 32]))).open("AKIA", &sealed), None);
        let locked = Secrets::default();
        assert_eq!(locked.open("AKIA", &sealed), None);
        assert_eq!(locked.seal("AKIA", &Secret::new("hush")), None);
        let plain = StoredSecret::Plain(Secret::new("hush"));
        assert_eq!(locked.open("AKIA", &plain).unwrap().expose(), "hush");
    }
}
