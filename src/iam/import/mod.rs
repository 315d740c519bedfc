//! Users, groups, policies and service accounts of a MinIO server, from the archive that its client exports
//! (`mc admin cluster iam export`).
//!
//! - `archive`: the files of a ZIP, within bounds.
//! - `minio`: what these files say.
//! - `documents`: policies as MinIO has them, in the words of ours.
//! - `take_over`: what becomes of it all; pure, so that it can be tried.
//!
//! What was here before is left alone, and everything in the archive is told with what came of it. All of it is one change: a
//! crash leaves everything or nothing. Secrets are sealed first and are in no report and no error.

mod archive;
mod documents;
mod minio;
mod take_over;

#[cfg(test)]
mod tests;

use std::collections::HashSet;

#[cfg(any(test, fuzzing))]
pub(super) use archive::seeds;
pub use archive::{ARCHIVE_BYTES_MAX, ArchiveError};
pub use minio::Export;

use self::take_over::{Source, take_over};
use super::directory::{Iam, IdentityChangeError};
use crate::metadata::Store;
use crate::types::{ImportReport, Timestamp};

/// Why nothing was taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Secrets cannot be sealed.
    #[error("the deployment's encryption key is missing, and secrets are kept under it alone")]
    Locked,
    /// The change was not made.
    #[error(transparent)]
    Change(#[from] IdentityChangeError),
}

/// How an archive is taken over.
#[derive(Debug, Clone, Copy)]
pub struct ImportOptions<'a> {
    /// Nothing is changed.
    pub dry_run: bool,
    /// The actions of the admin API: others of `admin:` do nothing here.
    pub admin_actions: &'a [&'static str],
    /// The moment.
    pub now: Timestamp,
}

impl Iam {
    /// Takes an archive over into the first account.
    pub async fn import(
        &self,
        store: &Store,
        export: &Export,
        options: ImportOptions<'_>,
    ) -> Result<ImportReport, ImportError> {
        let sealed = export.sealed(|key, secret| self.seal(key, secret)).ok_or(ImportError::Locked)?;
        let taken: HashSet<String> = {
            let taken = self.taken_keys(store).map_err(IdentityChangeError::from)?;
            taken.into_iter().filter(|key| sealed.contains_key(key.as_str())).collect()
        };
        let source = Source { export, sealed: &sealed, taken: &taken, options };
        let account = &self.first().id;
        let items = if options.dry_run {
            take_over(&mut (*self.identities(account)).clone(), &source)
        } else {
            let changed =
                self.change_identities(store, account, |identities| Ok(take_over(identities, &source)));
            changed.await?
        };
        Ok(ImportReport { dry_run: options.dry_run, items })
    }
}
