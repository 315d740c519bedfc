//! The readers of tokens, of kept documents and of another server's archives as functions of bytes (see [`crate::parsers`]).

use super::identities::{self, Identities};
use super::import::Export;
use super::sessions::reads;
use crate::metadata::{IdentityKey, IdentityKind, IdentityRow};
use crate::types::{AccountId, Parser};

/// All readers.
pub(crate) const ALL: &[Parser] = &[
    Parser {
        name: "session-token",
        run: |bytes| (!reads(bytes)).then_some(400),
        seeds: super::sessions::seeds,
    },
    Parser {
        name: "minio-export",
        run: |bytes| Export::read(bytes).err().map(|_| 400),
        seeds: super::import::seeds,
    },
    Parser::of_text("identity-document", |bytes| (!is_document(bytes)).then_some(400)),
];

/// Whether something of any kind is kept like this.
fn is_document(bytes: &[u8]) -> bool {
    let Ok(document) = std::str::from_utf8(bytes) else { return false };
    let account = AccountId::from_number(1);
    let kinds = [IdentityKind::User, IdentityKind::Group, IdentityKind::Role, IdentityKind::Policy];
    kinds.into_iter().any(|kind| {
        let key = IdentityKey { account: account.clone(), kind, name: "name".into() };
        let row = IdentityRow { key, document: document.to_owned() };
        identities::insert(&mut Identities::none(account.clone()), &row).is_ok()
    })
}
