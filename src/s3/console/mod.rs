//! What the console asks of S3 that S3 has no operation for. The same gate decides as for S3's own.
//!
//! - `archive`: many objects as one ZIP; `zip` is the form of that.

mod archive;
mod zip;

use std::net::IpAddr;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::request;

use crate::iam::Identity;
use crate::iam::policy::Resource;
use crate::object::{BucketInfo, ObjectShards};
use crate::types::BucketName;

use super::actions::Action;
use super::auth::Call;
use super::error::{Error, Result};
use super::ops::parse_key;
use super::query::Query;
use super::service::Service;
use super::versions;

pub use archive::ArchiveRequest;

/// Who asks: somebody that another part of this process has recognized, and the request that they made.
#[derive(Debug)]
pub struct Asker {
    /// Who.
    pub identity: Arc<Identity>,
    /// With this request.
    pub head: request::Parts,
    /// From where.
    pub peer: IpAddr,
}

/// Why something was not done, in S3's words.
#[derive(Debug)]
pub struct Refused {
    /// As HTTP has it.
    pub status: StatusCode,
    /// S3's code.
    pub code: &'static str,
    /// S3's sentence.
    pub message: String,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        if error.status().is_server_error() {
            tracing::warn!(code = error.code.describe().0, source = ?error.source, "console request failed");
        }
        Self { status: error.status(), code: error.code.describe().0, message: error.message().to_owned() }
    }
}

impl Asker {
    /// A call with this query, of which conditions may speak.
    fn call<'a>(&'a self, service: &'a Service, query: Query) -> Call<'a> {
        Call::vouched((service, self.identity.clone()), &self.head, query, self.peer)
    }
}

/// The buckets that somebody may list.
#[derive(Debug)]
pub struct Listable {
    /// Those.
    pub buckets: Vec<BucketInfo>,
    /// They are all of the account's. Told to nobody who may not see the names of them.
    pub complete: bool,
}

impl Service {
    /// The buckets whose listing the caller may see.
    pub async fn listable(&self, asker: &Asker) -> std::result::Result<Listable, Refused> {
        let call = asker.call(self, Query::default());
        let all = self.engine.list_buckets().await.map_err(Error::from)?;
        let (buckets, hidden): (Vec<_>, Vec<_>) = all.into_iter().partition(|bucket| {
            call.authorize(Action::ListBucket, Resource::Bucket(bucket.name.as_str())).is_ok()
        });
        let complete = call.authorize(Action::ListAllMyBuckets, Resource::Service).is_ok()
            && !hidden.iter().any(|bucket| Self::is_of_callers_account(&call, bucket));
        Ok(Listable { buckets, complete })
    }

    fn is_of_callers_account(call: &Call<'_>, bucket: &BucketInfo) -> bool {
        let owner = bucket.owner.unwrap_or(call.iam().first().canonical_id);
        call.principal().is_of(&owner)
    }

    /// Where the shards of an object are, that the caller may read.
    pub async fn shards(
        &self,
        asker: &Asker,
        (bucket, key): (&str, &str),
        version: Option<&str>,
    ) -> std::result::Result<ObjectShards, Refused> {
        Ok(self.shards_of(asker, (bucket, key), version).await?)
    }

    async fn shards_of(
        &self,
        asker: &Asker,
        (bucket, key): (&str, &str),
        version: Option<&str>,
    ) -> Result<ObjectShards> {
        let (bucket, key) = (BucketName::parse(bucket)?, parse_key(key)?);
        let call = asker.call(self, Query::of(version.map(|version| ("versionId", version))));
        let version = versions::requested(&call.query)?;
        let object = call.open_object(Action::GetObject, (&bucket, &key), version).await?;
        Ok(self.engine.object_shards(&object)?)
    }
}
