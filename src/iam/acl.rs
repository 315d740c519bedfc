//! What access control lists grant a caller.

use super::policy::Named;
use super::principal::Principal;
use crate::types::{Acl, Grantee, Permission};

/// Whether a list grants this to a caller, and as what: to all, or to the caller's account, which hands it on to
/// whom it wants.
pub fn granted(acl: &Acl, principal: &Principal, wanted: Permission) -> Option<Named> {
    let grants = acl.grants.iter();
    let fitting = grants.filter(|grant| [wanted, Permission::FullControl].contains(&grant.permission));
    let named = fitting.filter_map(|grant| match grant.grantee {
        Grantee::AllUsers => Some(Named::Everybody),
        Grantee::AuthenticatedUsers => principal.account().map(|_| Named::Everybody),
        Grantee::Account(id) => principal.is_of(&id).then_some(Named::Account),
        Grantee::LogDelivery => None,
    });
    named.max()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::iam::Account;
    use crate::types::{AccountId, CanonicalId, Grant};

    fn root(number: u8) -> Principal {
        Principal::Root(Arc::new(Account {
            id: AccountId::from_number(number.into()),
            canonical_id: CanonicalId([number; 32]),
            name: "name".into(),
            email: None,
        }))
    }

    #[test]
    fn a_grant_reaches_its_grantee_with_its_permission_alone() {
        use Grantee::{Account, AllUsers, AuthenticatedUsers, LogDelivery};
        use Permission::{FullControl, Read, ReadAcp, Write, WriteAcp};
        let one = Account(CanonicalId([1; 32]));
        for (grantee, permission, principal, wanted, expected) in [
            (AllUsers, Read, Principal::Anonymous, Read, Some(Named::Everybody)),
            (AllUsers, Read, root(2), Read, Some(Named::Everybody)),
            (AllUsers, Read, root(2), Write, None),
            (AllUsers, Read, root(2), ReadAcp, None),
            (AllUsers, FullControl, Principal::Anonymous, WriteAcp, Some(Named::Everybody)),
            (AuthenticatedUsers, Read, Principal::Anonymous, Read, None),
            (AuthenticatedUsers, Read, root(2), Read, Some(Named::Everybody)),
            (one, Write, root(1), Write, Some(Named::Account)),
            (one, Write, root(2), Write, None),
            (one, Write, Principal::Anonymous, Write, None),
            (one, FullControl, root(1), Read, Some(Named::Account)),
            (one, ReadAcp, root(1), FullControl, None),
            (LogDelivery, Write, root(1), Write, None),
        ] {
            let acl = Acl { grants: vec![Grant { grantee, permission }] };
            assert_eq!(granted(&acl, &principal, wanted), expected, "{grantee:?} {permission:?} {wanted:?}");
        }
    }
}
