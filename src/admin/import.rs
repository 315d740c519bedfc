//! Taking over users, groups and policies from another server.

use bytes::Bytes;
use hyper::body::Body;
use hyper::header::HeaderMap;

use super::Refusal;
use super::actions::AdminAction;
use super::service::{Service, collect, content_type};
use crate::iam::IdentityChangeError;
use crate::iam::import::{ARCHIVE_BYTES_MAX, Export, ImportError, ImportOptions};
use crate::runtime::Tasks;
use crate::types::ImportReport;

/// Takes an archive. As JSON, no page of another site can send one without asking first.
pub(super) async fn archive_body<B>(headers: &HeaderMap, body: B) -> Result<Bytes, Refusal>
where
    B: Body<Data: Send> + Send,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    if !content_type(headers).eq_ignore_ascii_case("application/zip") {
        return Err(Refusal::NotZip);
    }
    collect(body, ARCHIVE_BYTES_MAX).await
}

/// Reads what the query says: `dry_run=true` or nothing.
pub(super) fn dry_run(query: &str) -> Result<bool, Refusal> {
    match query {
        "" | "dry_run=false" => Ok(false),
        "dry_run" | "dry_run=true" => Ok(true),
        _ => Err(Refusal::BadRequest(
            "only `dry_run=true` or `dry_run=false` is known in the query here".into(),
        )),
    }
}

impl Service {
    /// Takes over what a MinIO server has exported.
    pub(super) async fn import_minio_iam(
        &self,
        archive: Bytes,
        dry_run: bool,
    ) -> Result<ImportReport, Refusal> {
        let unreadable = |why: String| Refusal::BadRequest(why);
        let read = Tasks::threads().blocking(move || Export::read(&archive)).await;
        let read = read.map_err(|_| unreadable("the archive cannot be read".into()))?;
        let export = read
            .map_err(|error| unreadable(format!("{error}; send what `mc admin cluster iam export` wrote")))?;
        let admin_actions = AdminAction::ALL.map(AdminAction::name);
        let options = ImportOptions { dry_run, admin_actions: &admin_actions, now: self.engine.now() };
        self.iam.import(self.engine.metadata(), &export, options).await.map_err(|error| match error {
            ImportError::Locked => Refusal::Unavailable(format!("{error}; the log of the server says more")),
            ImportError::Change(IdentityChangeError::Refused(error)) => Refusal::Conflict(error.to_string()),
            ImportError::Change(IdentityChangeError::Metadata(error)) => {
                tracing::warn!(%error, "import failed");
                Refusal::Unavailable(
                    "the metadata cannot be changed now; the log of the server says why".into(),
                )
            }
        })
    }
}
